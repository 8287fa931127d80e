defmodule GossipCluster.Cluster.DialBudget do
  @moduledoc false
  # How many dials of names that were never connected may fail. Pure; part of the dialer. A member of the cluster,
  # compromised or just wrong, can name whatever it likes, and where: so what it makes this node connect to is bounded,
  # as a whole and for each address. A dial takes a token of each that concerns it when it begins, and gives them back
  # when it succeeds: so who can be reached is never kept waiting, however many they are. Those whom only others have
  # told of have tokens of their own, fewer, and cannot use up those of a newcomer that is heard itself; nor can those
  # who have failed before, or those that libcluster's wire names, where anybody may say any name.
  #
  # Who finds no token waits for one, in order; those who wait for one address keep none waiting who are elsewhere.

  # {tokens at once, milliseconds until one comes back}
  @bounds %{
    heard: {1_024, 50},
    again: {256, 50},
    heard_at: {64, 1_000},
    told: {128, 500},
    told_at: {16, 2_000},
    legacy: {64, 1_000}
  }

  # saved: key => what there was of its tokens, and when; taken: name => the keys of its dial. waiting: key => who waits
  # for it, in order; places: name => where it stands; next: the next place; wake_at: when the first of the keys has a
  # token again.
  defstruct saved: %{},
            saved_most: 64,
            taken: %{},
            waiting: %{},
            places: %{},
            next: 0,
            wake_at: nil

  @typedoc "Heard itself, and dialled for the first time or again; only told of by others; or named by libcluster's wire."
  @type who :: :heard | :again | :told | :legacy
  @type key :: who() | {:heard_at | :told_at, :inet.ip_address()}
  @type t :: %__MODULE__{}

  @doc "Nobody was dialled."
  @spec new() :: %__MODULE__{
          saved: %{},
          saved_most: 64,
          taken: %{},
          waiting: %{},
          places: %{},
          next: 0,
          wake_at: nil
        }
  def new, do: %__MODULE__{}

  @doc "What a dial to these addresses takes; of one that was heard itself only where that was, for the others are its word."
  @spec keys(who(), [:inet.ip_address()]) :: [key()]
  def keys(:legacy, _ips), do: [:legacy]
  def keys(:told, ips), do: [:told | Enum.map(ips, &{:told_at, &1})]
  def keys(heard, ips), do: [heard | Enum.map(ips, &{:heard_at, &1})]

  @doc "Takes what a dial of this name needs; where that is not there, the name waits for it: see `wake/2`."
  @spec take(t(), String.t(), [key()], integer()) :: {:ok | :wait, t()}
  def take(%{} = budget, name, keys, now) do
    case {Enum.find(keys, &(tokens(budget, &1, now) < 1)), budget.places} do
      {nil, _places} ->
        budget = Enum.reduce(keys, leave(budget, name), &add(&2, &1, -1, now))

        {:ok, %{budget | taken: Map.put(budget.taken, name, keys)}}

      {key, %{^name => {key, _place}}} ->
        {:wait, budget}

      {key, _places} ->
        {:wait, budget |> leave(name) |> enter(name, key, now)}
    end
  end

  @doc "That dial has failed: what it took is spent."
  @spec spent(t(), String.t()) :: t()
  def spent(budget, name), do: %{budget | taken: Map.delete(budget.taken, name)}

  @doc "That dial, if there was one, has led to something: what it took is given back."
  @spec give_back(t(), String.t(), integer()) :: t()
  def give_back(%{taken: taken} = budget, name, now) do
    {keys, taken} = Map.pop(taken, name, [])

    Enum.reduce(keys, %{budget | taken: taken}, fn key, budget ->
      budget = add(budget, key, 1, now)
      if is_map_key(budget.waiting, key), do: %{budget | wake_at: now}, else: budget
    end)
  end

  @doc "This name waits no more."
  @spec leave(t(), String.t()) :: t()
  def leave(%{places: places} = budget, name) do
    case places do
      %{^name => {key, place}} ->
        line = :gb_sets.delete({place, name}, budget.waiting[key])

        waiting =
          if :gb_sets.is_empty(line),
            do: Map.delete(budget.waiting, key),
            else: %{budget.waiting | key => line}

        %{budget | places: Map.delete(places, name), waiting: waiting}

      %{} ->
        budget
    end
  end

  @doc "Whether this name waits."
  @spec waits?(t(), String.t()) :: boolean()
  def waits?(budget, name), do: is_map_key(budget.places, name)

  @doc "Who may try again: for each token that has come back the one that has waited for it longest."
  @spec wake(t(), integer()) :: {[String.t()], t()}
  def wake(%{wake_at: wake_at} = budget, now) when wake_at == nil or wake_at > now,
    do: {[], budget}

  def wake(budget, now) do
    {names, budget} =
      Enum.flat_map_reduce(Map.keys(budget.waiting), budget, fn key, budget ->
        first(budget, key, tokens(budget, key, now), [])
      end)

    {names, %{budget | wake_at: next_wake(budget, now)}}
  end

  defp first(budget, key, count, names) do
    case budget.waiting do
      %{^key => line} when count > 0 ->
        {_place, name} = :gb_sets.smallest(line)
        first(leave(budget, name), key, count - 1, [name | names])

      %{} ->
        {Enum.reverse(names), budget}
    end
  end

  @doc "When `wake/2` has somebody."
  @spec deadline(t()) :: integer() | nil
  def deadline(budget), do: budget.wake_at

  defp enter(%{next: place} = budget, name, key, now) do
    line = Map.get(budget.waiting, key, :gb_sets.new())

    %{
      budget
      | waiting: Map.put(budget.waiting, key, :gb_sets.add({place, name}, line)),
        places: Map.put(budget.places, name, {key, place}),
        next: place + 1,
        wake_at: sooner(budget.wake_at, refilled(budget, key, now))
    }
  end

  defp next_wake(budget, now),
    do: Enum.reduce(Map.keys(budget.waiting), nil, &sooner(&2, refilled(budget, &1, now)))

  defp sooner(nil, at), do: at
  defp sooner(other, at), do: min(other, at)

  # When there is a token.
  defp refilled(budget, key, now) do
    {_burst, every} = bound(key)
    now + max(every - saved(budget, key, now), 0)
  end

  defp tokens(budget, key, now), do: div(saved(budget, key, now), elem(bound(key), 1))

  # Tokens are reckoned in the milliseconds that they take to come back.
  defp saved(budget, key, now) do
    {burst, every} = bound(key)

    case budget.saved do
      %{^key => {saved, at}} -> min(saved + now - at, burst * every)
      %{} -> burst * every
    end
  end

  defp add(%{} = budget, key, tokens, now) do
    {burst, every} = bound(key)
    saved = min(saved(budget, key, now) + tokens * every, burst * every)
    budget = if map_size(budget.saved) >= budget.saved_most, do: prune(budget, now), else: budget
    %{budget | saved: Map.put(budget.saved, key, {saved, now})}
  end

  # Those that are whole again are thrown away: as seldom as the table doubles, so that it costs each of many the same.
  defp prune(budget, now) do
    saved =
      Map.filter(budget.saved, fn {key, _} ->
        {burst, every} = bound(key)
        saved(budget, key, now) < burst * every
      end)

    %{budget | saved: saved, saved_most: max(64, 2 * map_size(saved))}
  end

  defp bound({kind, _ip}), do: @bounds[kind]
  defp bound(kind), do: @bounds[kind]
end
