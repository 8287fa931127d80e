defmodule GossipCluster.Supervisor do
  @moduledoc false
  # One cluster: the board (owned by this process, so that it outlives an owner), the dials and other tasks, the owner. The
  # owner alone is registered, under the cluster's name; the others stand on the board.

  use Supervisor

  alias GossipCluster.{Board, Owner, Shared}

  @doc false
  @spec start_link(GossipCluster.Options.t()) :: Supervisor.on_start()
  def start_link(%{name: name} = options) do
    with nil <- taken(name),
         {:error, {:shutdown, {:failed_to_start_child, Owner, {:already_started, owner}}}} <-
           Supervisor.start_link(__MODULE__, options) do
      # Another was quicker.
      {:error, {:already_started, taken(name) || owner}}
    else
      pid when is_pid(pid) -> {:error, {:already_started, pid}}
      result -> result
    end
  end

  # Who has the name: a cluster (its supervisor, which may be starting an owner anew), or another process.
  defp taken(name), do: whereis(name) || starting(Process.whereis(name))

  defp starting(nil), do: nil

  defp starting(pid) do
    with {:dictionary, dictionary} <- Process.info(pid, :dictionary),
         {Owner, :init, 1} <- dictionary[:"$initial_call"],
         [supervisor | _] when is_pid(supervisor) <- dictionary[:"$ancestors"],
         do: supervisor,
         else: (_ -> pid)
  end

  @doc "The supervisor of a cluster that runs."
  @spec whereis(GossipCluster.name()) :: pid() | nil
  def whereis(name),
    do: if(Board.exists?(name), do: Board.get(Board.table(name), :supervisor, nil))

  @doc "The supervisor of its tasks."
  @spec tasks(GossipCluster.name()) :: pid()
  def tasks(name), do: Board.get(Board.table(name), :tasks, nil)

  @impl true
  def init(options) do
    board = Board.create()
    Board.put(board, :supervisor, self())

    Board.put(
      board,
      :options,
      Map.take(options, [:cluster, :group, :port, :interval, :disconnect])
    )

    children = [
      %{id: Task.Supervisor, start: {__MODULE__, :start_tasks, [board]}, type: :supervisor},
      %{id: Owner, start: {__MODULE__, :start_owner, [options, board]}, shutdown: 5_000}
    ]

    # An owner that crashes early waits a second before it opens a sidecar again (see Owner), so this limit is only
    # reached by what crashes at once and always; then it is the user's tree that must know.
    Supervisor.init(children, strategy: :one_for_one, max_restarts: 10, max_seconds: 5)
  end

  @doc false
  def start_tasks(board) do
    with {:ok, pid} <- Task.Supervisor.start_link() do
      Board.put(board, :tasks, pid)
      {:ok, pid}
    end
  end

  @doc false
  def start_owner(options, board) do
    :ok = Shared.ensure_started()
    Owner.start_link(Map.put(options, :board, board))
  end
end
