defmodule GossipCluster.Application do
  @moduledoc false
  # Starts the clusters of `config :gossip_cluster, clusters: [[...], ...]`, and what all clusters of a node share: the
  # registry of subscribers and the table of `GossipCluster.Epmd`. Nothing else starts by itself.

  use Application
  use Supervisor

  @impl Application
  def start(_type, _arguments),
    do: Supervisor.start_link(__MODULE__, [], name: GossipCluster.Application)

  @impl Supervisor
  def init([]) do
    GossipCluster.Epmd.create_table()

    clusters = Application.get_env(:gossip_cluster, :clusters, [])

    if not (is_list(clusters) and Enum.all?(clusters, &is_list/1)),
      do:
        raise(
          ArgumentError,
          "GossipCluster: `config :gossip_cluster, clusters: ...` must be a list of lists of options"
        )

    children = [
      {Registry, keys: :duplicate, name: GossipCluster.Registry}
      | Enum.map(clusters, &{GossipCluster, &1})
    ]

    Supervisor.init(children, strategy: :one_for_one)
  end
end
