defmodule GossipCluster.Shared do
  @moduledoc false
  # What all clusters of a VM share: the registry of subscribers, and the tables of GossipCluster.Epmd,
  # GossipCluster.Disconnects and GossipCluster.Siblings. It belongs to no application's tree, since clusters run in any of
  # them: whatever stops, the clusters of the others are not to notice, nor their subscribers. The first who needs it starts
  # it, and it ends with the VM.

  use Supervisor

  @doc "Starts it, unless it runs."
  @spec ensure_started() :: :ok
  def ensure_started do
    if Process.whereis(__MODULE__) == nil do
      {_pid, ref} = spawn_monitor(&start/0)

      receive do
        {:DOWN, ^ref, :process, _pid, :normal} -> :ok
      end
    else
      :ok
    end
  end

  # In a process of its own, for what a process starts has its group leader, and an application that stops kills all that
  # have its own.
  defp start do
    true = Process.group_leader(self(), Process.whereis(:init))

    case Supervisor.start_link(__MODULE__, [], name: __MODULE__) do
      {:ok, pid} -> Process.unlink(pid)
      {:error, {:already_started, _pid}} -> true
    end
  end

  @impl true
  def init([]) do
    # Owned by this process, so that it outlives every cluster.
    :ok = GossipCluster.Epmd.create_table()
    :ok = GossipCluster.Disconnects.create_table()
    :ok = GossipCluster.Siblings.create_table()

    Supervisor.init([{Registry, keys: :duplicate, name: GossipCluster.Registry}],
      strategy: :one_for_one
    )
  end
end
