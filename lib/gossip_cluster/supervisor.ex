defmodule GossipCluster.Supervisor do
  @moduledoc false
  # One cluster: the board (owned by this process, so that it outlives an owner), the dials and other tasks, the owner.

  use Supervisor

  alias GossipCluster.{Board, Owner}

  @doc false
  def start_link(options),
    do: Supervisor.start_link(__MODULE__, options, name: name(options.name))

  @doc "The supervisor's registered name."
  @spec name(atom()) :: atom()
  def name(cluster), do: Module.concat(cluster, "Supervisor")

  @doc "The registered name of the supervisor of tasks."
  @spec tasks(atom()) :: atom()
  def tasks(cluster), do: Module.concat(cluster, "Tasks")

  @impl true
  def init(options) do
    board = Board.create(options.name)

    Board.put(
      board,
      :options,
      Map.take(options, [:cluster, :group, :port, :interval, :disconnect])
    )

    children = [
      {Task.Supervisor, name: tasks(options.name)},
      %{id: Owner, start: {Owner, :start_link, [options]}, shutdown: 5_000}
    ]

    # An owner that crashes early waits a second before it opens a sidecar again (see Owner), so this limit is only
    # reached by what crashes at once and always; then it is the user's tree that must know.
    Supervisor.init(children, strategy: :one_for_one, max_restarts: 10, max_seconds: 5)
  end
end
