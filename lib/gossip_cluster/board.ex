defmodule GossipCluster.Board do
  @moduledoc false
  # What everybody may read of a cluster, and what must outlive a crash of its owner: a table that the cluster's supervisor
  # owns. The owner alone writes. Nothing here shows a secret: the ring is hidden.

  alias GossipCluster.Peer

  @type t :: atom()

  @doc "The table's name."
  @spec table(atom()) :: t()
  def table(name), do: Module.concat(name, "Board")

  @doc "Makes the table; its owner is the calling process."
  @spec create(atom()) :: t()
  def create(name),
    do: :ets.new(table(name), [:named_table, :public, :ordered_set, read_concurrency: true])

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
  @spec exists?(atom()) :: boolean()
  def exists?(name), do: :ets.whereis(table(name)) != :undefined
end
