defmodule GossipCluster.Screen.Picture do
  @moduledoc false
  # What this node knows of a cluster at one moment: what the table, the graph and the report are drawn from.

  alias GossipCluster.{Measures, Peer, View}
  alias GossipCluster.Screen.Rows

  @type t :: %{
          api: module(),
          name: GossipCluster.name(),
          at: DateTime.t(),
          now: integer(),
          status: GossipCluster.status(),
          peers: [Peer.t()],
          measures: map(),
          versions: %{String.t() => String.t()}
        }

  # Nodes that are asked at once, and for how long.
  @asked 32
  @patience 2_000

  @doc """
  Takes one. `api` is `GossipCluster`, which calls this room, and so is not called from here by its name. Raises
  `ArgumentError` where no such cluster runs.
  """
  @spec take(module(), GossipCluster.name(), %{String.t() => String.t()}) :: t()
  def take(api, name, versions \\ %{}) do
    if View.exists?(name), do: :ok = Measures.ask(name)
    status = api.status(name)
    peers = api.peers(name)

    %{
      api: api,
      name: name,
      at: DateTime.utc_now(),
      now: System.monotonic_time(:millisecond),
      status: status,
      peers: peers,
      measures: measures(View.table(name)),
      versions: versions
    }
  end

  @doc "Takes one with the versions of those who answer: the nodes are asked now."
  @spec whole(module(), GossipCluster.name()) :: t()
  def whole(api, name) do
    picture = take(api, name)
    %{picture | versions: versions(picture.peers, %{})}
  end

  # It goes with its cluster, at any moment.
  defp measures(nil), do: %{}

  defp measures(view) do
    Measures.found(view)
  rescue
    ArgumentError -> %{}
  end

  @doc "The version of this library on the connected peers whose is not in `known` yet; a few of them, should there be many."
  @spec versions([Peer.t()], %{String.t() => String.t()}) :: %{String.t() => String.t()}
  def versions(peers, known) do
    nodes =
      for %{connection: :connected} = peer <- peers,
          not is_map_key(known, peer.name),
          node = Peer.node(peer),
          do: node

    nodes = Enum.take(nodes, @asked)
    answers = :erpc.multicall(nodes, :application, :get_key, [:gossip_cluster, :vsn], @patience)

    for {node, answer} <- Enum.zip(nodes, answers), into: known do
      case answer do
        {:ok, {:ok, version}} -> {Atom.to_string(node), List.to_string(version)}
        _without_it -> {Atom.to_string(node), ""}
      end
    end
  end

  @doc "The same for programs."
  @spec plain(t()) :: map()
  def plain(%{status: status} = picture) do
    %{
      at: DateTime.to_iso8601(picture.at),
      cluster: inspect(picture.name),
      label: status.cluster,
      node: status.node,
      health: status.health,
      announced: status.announced,
      group: "#{status.group}:#{status.port}",
      interval_ms: status.interval,
      connected: status.connected,
      problems: for({nil, cause, text} <- status.problems, do: %{cause: cause, text: text}),
      sidecar: status.sidecar,
      interfaces:
        for(
          {name, index, address} <- status.interfaces,
          do: %{name: name, index: index, address: address}
        ),
      tags: status.tags,
      peers: Enum.map(picture.peers, &Rows.plain(&1, picture))
    }
  end
end
