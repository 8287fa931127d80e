defmodule GossipCluster.Cluster.Seeds do
  @moduledoc false
  # The seeds of a cluster: their addresses, as they were resolved last, and when they are resolved again. What was known
  # is kept while it cannot be resolved, and is never taken for a peer's end. Pure; times are milliseconds.

  alias GossipCluster.{Resolver, Seed}

  # What the sidecar takes.
  @most 32
  # After a failure, and each further one; then, and while all is well, every 15 s, and up to a quarter sooner.
  @again [500, 1_000, 2_000, 4_000, 8_000]
  @every 15_000
  # So many failures in a row are worth a word: a name may come a moment after this node.
  @failures 3

  defstruct seeds: [], ports: {0, 0}, states: %{}, sent: []

  @typedoc "Which of the seeds: its place in the option."
  @type index :: non_neg_integer()
  @typedoc "One of them, as `status/1` shows it."
  @type shown :: %{
          seed: String.t(),
          addresses: [Resolver.place()],
          error: String.t() | nil
        }
  @type t :: %__MODULE__{
          seeds: [{index(), Seed.t()}],
          ports: {:inet.port_number(), :inet.port_number()},
          states: %{
            index() => %{
              addresses: [Resolver.place()],
              failures: non_neg_integer(),
              error: String.t() | nil,
              asked: boolean()
            }
          },
          sent: [Resolver.place()]
        }

  @doc """
  None is resolved but what needs not be. `ports` are those of the members, tried where none is named; `known` is what an
  earlier owner has shown.
  """
  @spec new([Seed.t()], {:inet.port_number(), :inet.port_number()}, [shown()]) :: t()
  def new(seeds, {first, last}, known \\ []) do
    # No more ports of one host are asked than those that members take by themselves.
    ports = {first, min(last, first + 7)}
    known = Map.new(known, &{&1.seed, &1.addresses})
    seeds = Enum.with_index(seeds, &{&2, &1})

    states =
      Map.new(seeds, fn {index, seed} ->
        addresses = if static?(seed), do: static(seed, ports), else: known[Seed.label(seed)] || []
        {index, %{addresses: addresses, failures: 0, error: nil, asked: false}}
      end)

    %__MODULE__{seeds: seeds, ports: ports, states: states}
  end

  defp static(seed, ports) do
    {:ok, places} = Resolver.resolve(seed, ports)
    places
  end

  defp static?({:address, _ip, _port}), do: true
  defp static?(_seed), do: false

  @doc "Those that must be resolved."
  @spec to_resolve(t()) :: [index()]
  def to_resolve(%{seeds: seeds}), do: for({index, seed} <- seeds, not static?(seed), do: index)

  @doc "This one is to be resolved: what is asked, unless that is under way."
  @spec ask(t(), index()) :: {Seed.t(), {:inet.port_number(), :inet.port_number()}, t()} | nil
  def ask(seeds, index) do
    case seeds.states[index] do
      %{asked: true} ->
        nil

      state ->
        states = Map.put(seeds.states, index, %{state | asked: true})
        {seed(seeds, index), seeds.ports, %{seeds | states: states}}
    end
  end

  @doc "This node has come to another network: what failed before says nothing of it."
  @spec moved(t()) :: t()
  def moved(seeds),
    do: %{seeds | states: Map.new(seeds.states, fn {n, state} -> {n, %{state | failures: 0}} end)}

  defp seed(seeds, index), do: seeds.seeds |> List.keyfind!(index, 0) |> elem(1)

  @doc """
  It was resolved, or not: whether what is shown of it has changed, and when it is to be resolved again. `chance` is
  uniform in 0..1.
  """
  @spec resolved(t(), index(), {:ok, [Resolver.place(), ...]} | {:error, String.t()}, float()) ::
          {boolean(), pos_integer(), t()}
  def resolved(seeds, index, result, chance) do
    before = seeds.states[index]

    now =
      case result do
        {:ok, addresses} ->
          %{before | addresses: addresses, failures: 0, error: nil}

        {:error, why} ->
          # The first reason stays, so that no two of them take turns.
          failures = before.failures + 1
          error = before.error || if(failures >= @failures, do: why)
          %{before | failures: failures, error: error}
      end

    now = %{now | asked: false}

    wait = if now.failures == 0, do: @every, else: Enum.at(@again, now.failures - 1, @every)
    changed = now.addresses != before.addresses or now.error != before.error
    {changed, round(wait * (1 - chance / 4)), put_in(seeds.states[index], now)}
  end

  @doc "What the sidecar is to be told, if that is another than it was told last."
  @spec news(t()) :: {[Resolver.place()], t()} | nil
  def news(seeds) do
    case addresses(seeds) do
      same when same == seeds.sent -> nil
      addresses -> {addresses, %{seeds | sent: addresses}}
    end
  end

  @doc "Another sidecar: it knows none."
  @spec forget(t()) :: t()
  def forget(seeds), do: %{seeds | sent: []}

  @doc "All addresses, no more than the sidecar takes: of each seed the first, then of each the second ..."
  @spec addresses(t()) :: [Resolver.place()]
  def addresses(seeds) do
    for {index, _seed} <- seeds.seeds,
        {place, turn} <- Enum.with_index(seeds.states[index].addresses) do
      {turn, index, place}
    end
    |> Enum.sort()
    |> Enum.map(&elem(&1, 2))
    |> Enum.uniq()
    |> Enum.take(@most)
  end

  @doc "All, as they are shown."
  @spec shown(t()) :: [shown()]
  def shown(seeds), do: for({index, _seed} <- seeds.seeds, do: shown(seeds, index))

  @doc "One of them."
  @spec shown(t(), index()) :: shown()
  def shown(seeds, index) do
    state = seeds.states[index]
    %{seed: seeds |> seed(index) |> Seed.label(), addresses: state.addresses, error: state.error}
  end
end
