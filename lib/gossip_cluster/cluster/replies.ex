defmodule GossipCluster.Cluster.Replies do
  @moduledoc false
  # Who waits for an answer: for so many connected peers, for the goodbyes to be sent, for the sidecar's counters. Each
  # is answered in the end, whatever becomes of the sidecar; only who awaits peers may wait for ever, and is forgotten
  # when it dies. Pure: it says whom to answer. A caller is whatever the owner can answer.

  alias GossipCluster.Tags

  # awaits: ref => {caller, min}; order: {min, ref}, so that nobody is looked at who waits for more; tagged: ref =>
  # {caller, min, tags, who is connected and has them}; leaves, stats: ref => caller.
  defstruct awaits: %{}, order: :gb_sets.new(), tagged: %{}, leaves: %{}, stats: %{}, next: 0

  @type caller :: term()
  @type ref :: non_neg_integer()
  @type t :: %__MODULE__{
          awaits: %{ref() => {caller(), non_neg_integer()}},
          order: :gb_sets.set({non_neg_integer(), ref()}),
          tagged: %{ref() => {caller(), non_neg_integer(), Tags.t(), MapSet.t(String.t())}},
          leaves: %{ref() => caller()},
          stats: %{ref() => caller()},
          next: ref()
        }

  @doc "This one waits for at least `min` connected peers."
  @spec await(t(), caller(), non_neg_integer()) :: {ref(), t()}
  def await(replies, caller, min) do
    {ref, replies} = next(replies)
    order = :gb_sets.add_element({min, ref}, replies.order)
    {ref, %{replies | awaits: Map.put(replies.awaits, ref, {caller, min}), order: order}}
  end

  @doc "This one waits for so many that have these tags; `names` are those that are there now."
  @spec await(t(), caller(), non_neg_integer(), Tags.t(), [String.t()]) :: {ref(), t()}
  def await(replies, caller, min, tags, names) do
    {ref, replies} = next(replies)
    tagged = Map.put(replies.tagged, ref, {caller, min, tags, MapSet.new(names)})
    {ref, %{replies | tagged: tagged}}
  end

  @doc "Whether anybody waits for tags."
  @spec tagged?(t()) :: boolean()
  def tagged?(%{tagged: tagged}), do: tagged != %{}

  @doc "This name has changed: is it connected, and has it these tags?"
  @spec match(t(), String.t(), (Tags.t() -> boolean())) :: t()
  def match(replies, name, matches?) do
    tagged =
      Map.new(replies.tagged, fn {ref, {caller, min, tags, names}} ->
        names = if matches?.(tags), do: MapSet.put(names, name), else: MapSet.delete(names, name)

        {ref, {caller, min, tags, names}}
      end)

    %{replies | tagged: tagged}
  end

  @doc "So many are connected: who awaits no more than these, and is answered now."
  @spec connected(t(), non_neg_integer()) :: {[{ref(), caller()}], t()}
  def connected(%{awaits: awaits, tagged: tagged} = replies, _count)
      when map_size(awaits) == 0 and map_size(tagged) == 0,
      do: {[], replies}

  def connected(replies, count) do
    enough =
      for {ref, {_caller, min, _tags, names}} <- replies.tagged,
          MapSet.size(names) >= min,
          do: ref

    {done, replies} =
      Enum.reduce(enough, {[], replies}, fn ref, {done, replies} ->
        {caller, replies} = cancel(replies, ref)
        {[{ref, caller} | done], replies}
      end)

    connected(replies, count, done)
  end

  defp connected(%{order: order} = replies, count, done) do
    with false <- :gb_sets.is_empty(order),
         {min, ref} when min <= count <- :gb_sets.smallest(order) do
      {caller, replies} = cancel(replies, ref)
      connected(replies, count, [{ref, caller} | done])
    else
      _nobody -> {Enum.reverse(done), replies}
    end
  end

  @doc "This one waits no more; `nil` if it did not."
  @spec cancel(t(), ref()) :: {caller() | nil, t()}
  def cancel(replies, ref) do
    case Map.pop(replies.awaits, ref) do
      {{caller, min}, awaits} ->
        order = :gb_sets.del_element({min, ref}, replies.order)
        {caller, %{replies | awaits: awaits, order: order}}

      {nil, _awaits} ->
        cancel_tagged(replies, ref)
    end
  end

  defp cancel_tagged(replies, ref) do
    case Map.pop(replies.tagged, ref) do
      {{caller, _min, _tags, _names}, tagged} -> {caller, %{replies | tagged: tagged}}
      {nil, _tagged} -> {nil, replies}
    end
  end

  @doc "This one waits until the goodbyes are sent."
  @spec leave(t(), caller()) :: {ref(), t()}
  def leave(replies, caller) do
    {ref, replies} = next(replies)
    {ref, %{replies | leaves: Map.put(replies.leaves, ref, caller)}}
  end

  @doc "The goodbyes are sent, or nobody is there to send them: all who wait for that."
  @spec left(t()) :: {[{ref(), caller()}], t()}
  def left(replies), do: {Map.to_list(replies.leaves), %{replies | leaves: %{}}}

  @doc "This one has waited long enough for them; `nil` if it did not wait."
  @spec left(t(), ref()) :: {caller() | nil, t()}
  def left(replies, ref) do
    {caller, leaves} = Map.pop(replies.leaves, ref)
    {caller, %{replies | leaves: leaves}}
  end

  @doc "This one waits for the sidecar's counters."
  @spec stats(t(), caller()) :: {ref(), t()}
  def stats(replies, caller) do
    {ref, replies} = next(replies)
    {ref, %{replies | stats: Map.put(replies.stats, ref, caller)}}
  end

  @doc "The counters have come, or will not: for whom. `nil`: too late, or no question of ours."
  @spec counted(t(), ref()) :: {caller() | nil, t()}
  def counted(replies, ref) do
    {caller, stats} = Map.pop(replies.stats, ref)
    {caller, %{replies | stats: stats}}
  end

  @doc "The sidecar is gone, and counts for nobody any more: all who wait for that."
  @spec uncounted(t()) :: {[{ref(), caller()}], t()}
  def uncounted(replies), do: {Map.to_list(replies.stats), %{replies | stats: %{}}}

  # The sidecar echoes it: 31 bits.
  defp next(%{next: ref} = replies), do: {ref, %{replies | next: rem(ref + 1, 0x80000000)}}
end
