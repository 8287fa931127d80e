defmodule GossipCluster.Shared do
  @moduledoc false
  # What all clusters of a VM share: who keeps the subscribers (GossipCluster.Subscribers), who writes lines that several
  # would write (GossipCluster.Lines), and the tables of these, of GossipCluster.Epmd, GossipCluster.Disconnects and
  # GossipCluster.Siblings. It belongs to no application's tree, since clusters run in any of them: whatever stops, the
  # clusters of the others are not to notice, nor their subscribers. The first who needs it starts it, and it ends with
  # the VM.

  use Supervisor

  alias GossipCluster.{Disconnects, Epmd, Lines, Siblings, Subscribers}

  # Each under the name of the module that reads and writes it.
  @tables [
    {Epmd, :ordered_set},
    {Disconnects, :set},
    {Siblings, :set},
    {Lines, :set},
    {Subscribers, :ordered_set}
  ]

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

  # In a process of its own, for what a process starts has its group leader, and an application that stops kills all
  # that have its own.
  defp start do
    true = Process.group_leader(self(), Process.whereis(:init))

    case Supervisor.start_link(__MODULE__, [], name: __MODULE__) do
      {:ok, pid} -> Process.unlink(pid)
      {:error, {:already_started, _pid}} -> true
    end
  end

  @impl true
  def init([]) do
    # Owned by this process, so that they outlive every cluster.
    for {table, type} <- @tables do
      ^table = :ets.new(table, [:named_table, :public, type, read_concurrency: true])
    end

    Supervisor.init([Subscribers, Lines], strategy: :one_for_one)
  end
end
