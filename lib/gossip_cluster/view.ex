defmodule GossipCluster.View do
  @moduledoc false
  # What everybody may read of a cluster, and what must outlive a crash of its owner: a table that the cluster's
  # supervisor owns. The owner alone writes (and the reporter, its place; and readers, when they had it asked how well
  # the peers are reached). Nothing here shows a secret: the ring is hidden.

  alias GossipCluster.Peer

  @type t :: :ets.table()

  @doc "Makes the table, without a name; its owner is the calling process."
  @spec create() :: t()
  def create, do: :ets.new(__MODULE__, [:public, :ordered_set, read_concurrency: true])

  @doc """
  Lets everybody find the table under the cluster's name. For the owner, once it is registered under that name: so no
  other cluster has it.
  """
  @spec publish(t(), GossipCluster.name()) :: :ok
  def publish(view, name), do: :persistent_term.put({__MODULE__, name}, view)

  @doc "The table of a cluster; `nil` where none was ever started under that name."
  @spec table(GossipCluster.name()) :: t() | nil
  def table(name), do: :persistent_term.get({__MODULE__, name}, nil)

  @doc "Shows a peer."
  @spec put_peer(t(), Peer.t()) :: true
  def put_peer(view, peer), do: :ets.insert(view, {{:peer, peer.name, peer.creation}, peer})

  @doc "Shows it no more."
  @spec delete_peer(t(), Peer.t()) :: true
  def delete_peer(view, peer), do: :ets.delete(view, {:peer, peer.name, peer.creation})

  @doc "All peers, by name."
  @spec peers(t()) :: [Peer.t()]
  def peers(view), do: :ets.select(view, [{{{:peer, :_, :_}, :"$1"}, [], [:"$1"]}])

  @doc "Whether so many peers are shown, at least."
  @spec peers?(t(), pos_integer()) :: boolean()
  def peers?(view, count), do: length(next_peers(view, nil, count)) == count

  @doc """
  So many peers, by name and creation: the first of them, or those that follow one of this name and creation. Who asks
  again and again sees all of those that stay, whatever is written in between.
  """
  @spec next_peers(t(), {String.t(), non_neg_integer()} | nil, non_neg_integer()) :: [Peer.t()]
  def next_peers(view, nil, count), do: next(view, {:peer, "", -1}, count)
  def next_peers(view, {name, creation}, count), do: next(view, {:peer, name, creation}, count)

  defp next(_view, _key, 0), do: []

  defp next(view, key, count) do
    case :ets.next(view, key) do
      {:peer, _name, _creation} = key ->
        [{^key, peer}] = :ets.lookup(view, key)
        [peer | next(view, key, count - 1)]

      _end ->
        []
    end
  end

  @doc "The names for which a NODEUP line was written, and no NODEDOWN since."
  @spec up(t()) :: [String.t()]
  def up(view), do: :ets.select(view, [{{{:up, :"$1"}, :_}, [], [:"$1"]}])

  @doc "Keeps a value under a key of the owner's."
  @spec put(t(), term(), term()) :: true
  def put(view, key, value), do: :ets.insert(view, {key, value})

  @doc "Keeps it no more."
  @spec delete(t(), term()) :: true
  def delete(view, key), do: :ets.delete(view, key)

  @doc "What was kept, or the default."
  @spec get(t(), term(), default) :: term() | default when default: term()
  def get(view, key, default) do
    case :ets.lookup(view, key) do
      [{^key, value}] -> value
      [] -> default
    end
  end

  @doc "What was kept of the cluster of this name, which may end at this moment: `nil` where none runs."
  @spec find(GossipCluster.name(), term()) :: term() | nil
  def find(name, key) do
    view = table(name)
    if view, do: get(view, key, nil)
  rescue
    ArgumentError -> nil
  end

  @doc "Whether it is still there: it goes with its cluster, at any moment."
  @spec open?(t()) :: boolean()
  def open?(view), do: :ets.info(view, :owner) != :undefined

  @doc "Whether the cluster runs."
  @spec exists?(GossipCluster.name()) :: boolean()
  def exists?(name) do
    view = table(name)
    view != nil and open?(view)
  end

  @doc "The clusters that run. Slow: for messages only."
  @spec names() :: [GossipCluster.name()]
  def names,
    do: for({{__MODULE__, name}, _view} <- :persistent_term.get(), exists?(name), do: name)
end
