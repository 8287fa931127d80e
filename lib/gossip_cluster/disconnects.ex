defmodule GossipCluster.Disconnects do
  @moduledoc false
  # Who ended a connection of this node, where Erlang does not say: a cluster of this VM, which notes it before it does,
  # or `global`, which keeps notes of its own. What neither has done may be the user's wish. All clusters of the VM
  # share the table, which GossipCluster.Shared makes.

  @table __MODULE__
  # A note speaks of the next end of this connection only: not after it is up again, and not after this time.
  @fresh 10_000

  # Before it asks for a disconnect, `global` notes whose connection was lost to whom, and has told the node that it
  # asks; for an hour: a timer of that length. A fresh note about this node or that one, and a third, makes it the doing
  # of `global`.
  @global_notes :global_lost_connections
  @global_keeps 3_600_000

  @doc "A cluster of this VM is about to end the connection to this node."
  @spec put(node()) :: :ok
  def put(node) do
    now = now()
    # Those that never ended are not kept for ever.
    _ = :ets.select_delete(@table, [{{:_, :"$1"}, [{:<, :"$1", now - @fresh}], [true]}])
    true = :ets.insert(@table, {node, now})
    :ok
  rescue
    # The application is being stopped.
    ArgumentError -> :ok
  end

  @doc "The connection to this node is up again."
  @spec forget(node()) :: :ok
  def forget(node) do
    true = :ets.delete(@table, node)
    :ok
  rescue
    ArgumentError -> :ok
  end

  @doc "Who of this VM has ended the connection to this node, if that is known."
  @spec by(node()) :: :library | :global | nil
  def by(node) do
    cond do
      noted?(node) -> :library
      by_global?(node) -> :global
      true -> nil
    end
  end

  defp noted?(node) do
    case :ets.lookup(@table, node) do
      [{^node, at}] -> now() - at < @fresh
      [] -> false
    end
  rescue
    ArgumentError -> false
  end

  defp by_global?(node) do
    pair = Enum.sort([node, node()])

    Enum.any?(:ets.tab2list(@global_notes), fn
      {{a, b}, {_creation, _operation, timer}} ->
        (a in pair or b in pair) and Enum.sort([a, b]) != pair and fresh?(timer)

      _other ->
        false
    end)
  rescue
    # No such table: there is no `global`, or none that does such things.
    ArgumentError -> false
  end

  defp fresh?(timer) do
    case :erlang.read_timer(timer) do
      left when is_integer(left) -> @global_keeps - left < @fresh
      false -> false
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
