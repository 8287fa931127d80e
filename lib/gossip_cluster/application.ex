defmodule GossipCluster.Application do
  @moduledoc false
  # Starts the clusters of `config :gossip_cluster, clusters: [[...], ...]`, and what all clusters of a VM share.
  # Nothing else starts by itself, and no cluster in another tree needs a process of this one.

  use Application
  use Supervisor

  @impl Application
  def start(_type, _arguments) do
    :ok = GossipCluster.Preload.load_first()
    Supervisor.start_link(__MODULE__, [], name: GossipCluster.Application)
  end

  @impl Supervisor
  def init([]) do
    :ok = GossipCluster.Shared.ensure_started()

    clusters =
      case Application.get_env(:gossip_cluster, :clusters, []) do
        :ignore -> []
        clusters -> clusters
      end

    if not (is_list(clusters) and Enum.all?(clusters, &is_list/1)),
      do:
        raise(
          ArgumentError,
          "GossipCluster: `config :gossip_cluster, clusters: ...` must be a list of lists of options"
        )

    Supervisor.init(Enum.map(clusters, &{GossipCluster, &1}), strategy: :one_for_one)
  end
end
