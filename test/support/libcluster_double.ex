defmodule GossipCluster.LibclusterDouble do
  @moduledoc """
  Calls a strategy exactly as libcluster's `Cluster.Supervisor` does: a struct of six fields, in a list of one, to
  `start_link/1`; the child is permanent, has the topology as its id and 5 s to stop. An error fails the supervisor's
  start.
  """

  use Supervisor

  defmodule State do
    @moduledoc "The fields of libcluster's state of a strategy."
    defstruct topology: nil,
              connect: nil,
              disconnect: nil,
              list_nodes: nil,
              meta: nil,
              config: []
  end

  @doc "As `{Cluster.Supervisor, [topologies]}`."
  def start_link([topologies]), do: Supervisor.start_link(__MODULE__, topologies)

  @impl true
  def init(topologies) do
    children =
      for {topology, spec} <- topologies do
        state = %State{
          topology: topology,
          connect: Keyword.get(spec, :connect, {:net_kernel, :connect_node, []}),
          disconnect: Keyword.get(spec, :disconnect, {:erlang, :disconnect_node, []}),
          list_nodes: Keyword.get(spec, :list_nodes, {:erlang, :nodes, [:connected]}),
          config: Keyword.get(spec, :config, []),
          meta: nil
        }

        %{
          id: topology,
          start: {Keyword.fetch!(spec, :strategy), :start_link, [[state]]},
          type: :worker,
          restart: :permanent,
          shutdown: 5_000
        }
      end

    Supervisor.init(children, strategy: :one_for_one)
  end
end
