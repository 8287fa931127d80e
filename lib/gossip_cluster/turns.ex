defmodule GossipCluster.Turns do
  @moduledoc false
  # Whose turn it is to be dialled. Pure; part of the dialer. Names stand in two queues, so that neither waits behind the
  # other: @fresh dials of peers that have not failed and @retries of those that have run at a time, so that a crowd of black
  # holes (7 s each) never keeps a newcomer waiting; and no more than @burst at once and @rate a second are begun, so that
  # the heal of a large partition is no flood. The rate also bounds the atoms made.

  @most %{fresh: 256, retries: 32}
  @rate 200
  @burst 256

  @type queue :: :fresh | :retries

  # queues: {at, name} each; waiting: name => {at, queue}; running: name => queue, and how many of each.
  defstruct queues: %{fresh: :gb_sets.new(), retries: :gb_sets.new()},
            waiting: %{},
            running: %{},
            counts: %{fresh: 0, retries: 0},
            tokens: @burst,
            tokens_at: 0

  @opaque t :: %__MODULE__{}

  @doc "Nobody waits, nobody is dialled."
  @spec new(integer()) :: t()
  def new(now), do: %__MODULE__{tokens_at: now}

  @doc "This name waits in that queue, to be dialled `at`; not where it waited before."
  @spec wait(t(), String.t(), queue(), integer()) :: t()
  def wait(turns, name, queue, at) do
    turns = drop(turns, name)
    queues = Map.update!(turns.queues, queue, &:gb_sets.add_element({at, name}, &1))
    %{turns | queues: queues, waiting: Map.put(turns.waiting, name, {at, queue})}
  end

  @doc "This name waits no more."
  @spec drop(t(), String.t()) :: t()
  def drop(turns, name) do
    case Map.pop(turns.waiting, name) do
      {{at, queue}, waiting} ->
        queues = Map.update!(turns.queues, queue, &:gb_sets.del_element({at, name}, &1))
        %{turns | queues: queues, waiting: waiting}

      {nil, _waiting} ->
        turns
    end
  end

  @doc "When this name is due; `nil` if it does not wait."
  @spec at(t(), String.t()) :: integer() | nil
  def at(turns, name) do
    case turns.waiting do
      %{^name => {at, _queue}} -> at
      %{} -> nil
    end
  end

  @doc "Takes one that is due, the longest due first: it runs now. `nil` where nobody is, or the bounds forbid it."
  @spec take(t(), integer()) :: {String.t() | nil, t()}
  def take(turns, now) do
    turns = refill(turns, now)

    case next(turns) do
      {at, name, queue} when at <= now and turns.tokens >= 1 ->
        turns = drop(turns, name)

        {name,
         %{
           turns
           | tokens: turns.tokens - 1,
             running: Map.put(turns.running, name, queue),
             counts: Map.update!(turns.counts, queue, &(&1 + 1))
         }}

      _nobody ->
        {nil, turns}
    end
  end

  @doc "Whether a dial of this name runs."
  @spec running?(t(), String.t()) :: boolean()
  def running?(turns, name), do: is_map_key(turns.running, name)

  @doc "It has ended."
  @spec ended(t(), String.t()) :: t()
  def ended(turns, name) do
    case Map.pop(turns.running, name) do
      {nil, _running} ->
        turns

      {queue, running} ->
        %{turns | running: running, counts: Map.update!(turns.counts, queue, &(&1 - 1))}
    end
  end

  @doc "When `take/2` will have somebody, or `nil` if only an event can change that."
  @spec deadline(t(), integer()) :: integer() | nil
  def deadline(turns, now) do
    case {next(turns), refill(turns, now)} do
      {nil, _} -> nil
      {{at, _name, _queue}, %{tokens: tokens}} when tokens >= 1 -> at
      {{at, _name, _queue}, %{tokens: tokens}} -> max(at, now + ceil((1 - tokens) * 1000 / @rate))
    end
  end

  # The first in line of a queue that has room.
  defp next(turns) do
    fresh = first(turns, :fresh)
    retry = first(turns, :retries)
    if fresh && retry, do: min(fresh, retry), else: fresh || retry
  end

  defp first(turns, queue) do
    set = turns.queues[queue]

    if turns.counts[queue] < @most[queue] and not :gb_sets.is_empty(set) do
      {at, name} = :gb_sets.smallest(set)
      {at, name, queue}
    end
  end

  defp refill(turns, now) do
    tokens = min(turns.tokens + (now - turns.tokens_at) * @rate / 1000, @burst)
    %{turns | tokens: tokens, tokens_at: now}
  end
end
