defmodule GossipCluster.Board do
  @moduledoc false
  # What everybody may read of a cluster, and what must outlive a crash of its owner: a table that the cluster's supervisor
  # owns. The owner alone writes. Nothing here shows a secret: the ring is hidden.

  alias GossipCluster.Peer

  @type t :: :ets.table()

  @doc "Makes the table, without a name; its owner is the calling process."
  @spec create() :: t()
  def create, do: :ets.new(__MODULE__, [:public, :ordered_set, read_concurrency: true])

  @doc """
  Lets everybody find the table under the cluster's name. For the owner, once it is registered under that name: so no other
  cluster has it.
  """
  @spec publish(t(), GossipCluster.name()) :: :ok
  def publish(board, name), do: :persistent_term.put({__MODULE__, name}, board)

  @doc "The table of a cluster; `nil` where none was ever started under that name."
  @spec table(GossipCluster.name()) :: t() | nil
  def table(name), do: :persistent_term.get({__MODULE__, name}, nil)

  @doc "Shows a peer."
  @spec put_peer(t(), Peer.t()) :: true
  def put_peer(board, peer), do: :ets.insert(board, {{:peer, peer.name, peer.creation}, peer})

  @doc "Shows it no more."
  @spec delete_peer(t(), Peer.t()) :: true
  def delete_peer(board, peer), do: :ets.delete(board, {:peer, peer.name, peer.creation})

  @doc "The peer of this name and creation, as it was shown last."
  @spec peer(t(), Peer.t()) :: Peer.t() | nil
  def peer(board, %Peer{name: name, creation: creation}) do
    case :ets.lookup(board, {:peer, name, creation}) do
      [{_key, peer}] -> peer
      [] -> nil
    end
  end

  @doc "All peers, by name."
  @spec peers(t()) :: [Peer.t()]
  def peers(board), do: :ets.select(board, [{{{:peer, :_, :_}, :"$1"}, [], [:"$1"]}])

  @doc "Keeps a value under a key of the owner's."
  @spec put(t(), atom(), term()) :: true
  def put(board, key, value), do: :ets.insert(board, {key, value})

  @doc "What was kept, or the default."
  @spec get(t(), atom(), term()) :: term()
  def get(board, key, default) do
    case :ets.lookup(board, key) do
      [{^key, value}] -> value
      [] -> default
    end
  end

  @doc "Whether the cluster runs."
  @spec exists?(GossipCluster.name()) :: boolean()
  def exists?(name) do
    board = table(name)
    board != nil and :ets.info(board, :owner) != :undefined
  end

  @doc "The clusters that run. Slow: for messages only."
  @spec names() :: [GossipCluster.name()]
  def names,
    do: for({{__MODULE__, name}, _board} <- :persistent_term.get(), exists?(name), do: name)
end
