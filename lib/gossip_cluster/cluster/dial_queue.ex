defmodule GossipCluster.Cluster.DialQueue do
  @moduledoc false
  # Who is dialled next. Pure; part of the dialer. Names stand in lines, so that none waits behind another: peers that
  # have not failed, those that have, those of whom only others tell, and those that libcluster's wire names. Of each line no more than @most are
  # dialled at a time, so that a crowd of black holes (7 s each), or of invented names, never keeps a newcomer waiting;
  # and no more than @burst at once and @rate a second are begun, so that the heal of a large partition is no flood. The
  # rate also bounds the atoms made.

  @most %{fresh: 256, retries: 32, told: 16, legacy: 16}
  @rate 200
  @burst 256

  @type line :: :fresh | :retries | :told | :legacy

  # lines: times, and who waits for each: in a crowd many wait for one, and the cost of each does not grow with the
  # crowd; waiting: name => {at, line}; running: name => line, and how many of each.
  defstruct lines: Map.new(@most, fn {line, _most} -> {line, {:gb_sets.new(), %{}}} end),
            waiting: %{},
            running: %{},
            counts: Map.new(@most, fn {line, _most} -> {line, 0} end),
            tokens: @burst,
            tokens_at: 0

  @opaque t :: %__MODULE__{}

  @doc "Nobody waits, nobody is dialled."
  @spec new(integer()) :: t()
  def new(now), do: %__MODULE__{tokens_at: now}

  @doc "This name waits in that line, to be dialled `at`; not where it waited before."
  @spec wait(t(), String.t(), line(), integer()) :: t()
  def wait(%{} = dials, name, line, at) do
    dials = drop(dials, name)
    lines = Map.update!(dials.lines, line, &join(&1, at, name))
    %{dials | lines: lines, waiting: Map.put(dials.waiting, name, {at, line})}
  end

  @doc "This name waits no more."
  @spec drop(t(), String.t()) :: t()
  def drop(%{waiting: waiting} = dials, name) do
    case Map.pop(waiting, name) do
      {{at, line}, waiting} ->
        lines = Map.update!(dials.lines, line, &leave(&1, at, name))
        %{dials | lines: lines, waiting: waiting}

      {nil, _waiting} ->
        dials
    end
  end

  @doc "When this name is due; `nil` if it does not wait."
  @spec at(t(), String.t()) :: integer() | nil
  def at(dials, name) do
    case dials.waiting do
      %{^name => {at, _line}} -> at
      %{} -> nil
    end
  end

  @doc "Takes one that is due, the longest due first: it runs now. `nil` where nobody is, or the bounds forbid it."
  @spec take(t(), integer()) :: {String.t() | nil, t()}
  def take(%{} = dials, now) do
    dials = refill(dials, now)

    case next(dials) do
      {at, name, line} when at <= now and dials.tokens >= 1 ->
        dials = drop(dials, name)

        {name,
         %{
           dials
           | tokens: dials.tokens - 1,
             running: Map.put(dials.running, name, line),
             counts: Map.update!(dials.counts, line, &(&1 + 1))
         }}

      _nobody ->
        {nil, dials}
    end
  end

  @doc "It was taken, and is not dialled after all."
  @spec undo(t(), String.t()) :: t()
  def undo(%__MODULE__{tokens: tokens} = dials, name),
    do: ended(%{dials | tokens: min(tokens + 1, @burst)}, name)

  @doc "Whether a dial of this name runs."
  @spec running?(t(), String.t()) :: boolean()
  def running?(dials, name), do: is_map_key(dials.running, name)

  @doc "It has ended."
  @spec ended(t(), String.t()) :: t()
  def ended(%{running: running} = dials, name) do
    case Map.pop(running, name) do
      {nil, _running} ->
        dials

      {line, running} ->
        %{dials | running: running, counts: Map.update!(dials.counts, line, &(&1 - 1))}
    end
  end

  @doc "When `take/2` will have somebody, or `nil` if only an event can change that."
  @spec deadline(t(), integer()) :: integer() | nil
  def deadline(dials, now) do
    case {next(dials), refill(dials, now)} do
      {nil, _} -> nil
      {{at, _name, _line}, %{tokens: tokens}} when tokens >= 1 -> at
      {{at, _name, _line}, %{tokens: tokens}} -> max(at, now + ceil((1 - tokens) * 1000 / @rate))
    end
  end

  # The first of a line that has room.
  defp next(dials) do
    [:fresh, :retries, :told, :legacy]
    |> Enum.map(&first(dials, &1))
    |> Enum.filter(& &1)
    |> Enum.min(fn -> nil end)
  end

  defp first(%{} = dials, line) do
    {times, names} = dials.lines[line]

    if dials.counts[line] < @most[line] and names != %{} do
      at = :gb_sets.smallest(times)
      {name, _, _} = :maps.next(:maps.iterator(names[at]))
      {at, name, line}
    end
  end

  defp join({times, names}, at, name) do
    case names do
      %{^at => others} -> {times, %{names | at => Map.put(others, name, true)}}
      %{} -> {:gb_sets.add_element(at, times), Map.put(names, at, %{name => true})}
    end
  end

  defp leave({times, names}, at, name) do
    others = Map.delete(names[at], name)

    if others == %{},
      do: {:gb_sets.del_element(at, times), Map.delete(names, at)},
      else: {times, %{names | at => others}}
  end

  defp refill(%{} = dials, now) do
    tokens = min(dials.tokens + (now - dials.tokens_at) * @rate / 1000, @burst)
    %{dials | tokens: tokens, tokens_at: now}
  end
end
