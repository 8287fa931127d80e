defmodule GossipCluster.Screen.Graph do
  @moduledoc false
  # Who hears whom, over which interface, and who is connected: as this node knows it, and as the connected ones say that
  # run this library. What they say is checked for its shape; nothing of it becomes an atom here.

  alias GossipCluster.{Peer, View}
  alias GossipCluster.Screen.{Picture, Rows}

  @typedoc "What one node says: of itself, and of each peer."
  @type sight :: %{node: String.t(), health: String.t(), peers: [seen()]}
  @type seen :: %{
          name: String.t(),
          link: String.t(),
          status: String.t(),
          heard: boolean(),
          connected: boolean(),
          round_trip: pos_integer() | nil
        }

  @typedoc "`asked`: whether the node itself was heard. `from` hears `to`, over `link`."
  @type t :: %{
          nodes: [%{name: String.t(), own: boolean(), asked: boolean(), status: String.t()}],
          edges: [
            %{
              from: String.t(),
              to: String.t(),
              link: String.t(),
              heard: boolean(),
              connected: boolean(),
              round_trip: pos_integer() | nil
            }
          ]
        }

  # Nodes that are asked, how long, and peers of one that are taken.
  @asked 64
  @patience 2_000
  @peers 256

  @doc "Asks the connected nodes, and puts together what they see."
  @spec take(Picture.t()) :: t()
  def take(picture) do
    nodes =
      for %{connection: :connected} = peer <- picture.peers, node = Peer.node(peer), do: node

    nodes = Enum.take(nodes, @asked)
    answers = :erpc.multicall(nodes, __MODULE__, :see, [picture.api, picture.name], @patience)

    sights =
      for {node, {:ok, sight}} <- Enum.zip(nodes, answers),
          sight?(sight) and sight.node == Atom.to_string(node),
          do: %{sight | peers: Enum.take(sight.peers, @peers)}

    build(sight(picture), sights)
  end

  @doc "What this node sees, for another that asks. `nil`: no such cluster runs here."
  @spec see(module(), GossipCluster.name()) :: sight() | nil
  def see(api, name) do
    if View.exists?(name), do: api |> Picture.take(name) |> sight()
  rescue
    ArgumentError -> nil
  end

  @doc "A picture as what its node says."
  @spec sight(Picture.t()) :: sight()
  def sight(picture) do
    interfaces = Map.new(picture.status.interfaces, fn {name, index, _ip} -> {index, name} end)

    %{
      node: Atom.to_string(picture.status.node),
      health: Atom.to_string(picture.status.health),
      peers:
        for peer <- picture.peers do
          %{
            name: peer.name,
            link: link(peer, interfaces),
            status: Atom.to_string(peer.status),
            heard: peer.heard and peer.status != :legacy,
            connected: peer.connection == :connected,
            round_trip: peer.round_trip
          }
        end
    }
  end

  defp link(%{addresses: [{_ip, _port, index} | _]}, interfaces),
    do: Map.get(interfaces, index, "")

  defp link(_peer, _interfaces), do: ""

  defp sight?(%{node: node, health: health, peers: peers} = map),
    do:
      map_size(map) == 3 and text?(node) and text?(health) and is_list(peers) and
        Enum.all?(peers, &seen?/1)

  defp sight?(_other), do: false

  defp seen?(
         %{
           name: name,
           link: link,
           status: status,
           heard: heard,
           connected: connected,
           round_trip: trip
         } = map
       ),
       do:
         map_size(map) == 6 and text?(name) and text?(link) and text?(status) and
           is_boolean(heard) and is_boolean(connected) and
           (trip == nil or (is_integer(trip) and trip > 0))

  defp seen?(_other), do: false

  defp text?(text), do: is_binary(text) and byte_size(text) <= 1020 and String.valid?(text)

  @doc "One graph of what this node sees, and of what the others say."
  @spec build(sight(), [sight()]) :: t()
  def build(own, others) do
    sights = [own | Enum.reject(others, &(&1.node == own.node))]
    asked = MapSet.new(sights, & &1.node)

    statuses =
      for sight <- Enum.reverse(sights),
          peer <- sight.peers,
          into: %{},
          do: {peer.name, peer.status}

    names = Enum.uniq(Enum.map(sights, & &1.node) ++ Map.keys(statuses))

    %{
      nodes:
        for name <- Enum.sort(names) do
          %{
            name: name,
            own: name == own.node,
            asked: name in asked,
            status: Map.get(statuses, name, "alive")
          }
        end,
      edges:
        for sight <- sights, peer <- sight.peers do
          peer
          |> Map.take([:link, :heard, :connected, :round_trip])
          |> Map.merge(%{from: sight.node, to: peer.name})
        end
    }
  end

  @doc "The edges of two nodes as one: what each of them says, or `nil`."
  @spec pairs(t()) :: [{{String.t(), String.t()}, map() | nil, map() | nil}]
  def pairs(%{edges: edges}) do
    by = Map.new(edges, &{{&1.from, &1.to}, &1})

    edges
    |> Enum.map(&{min(&1.from, &1.to), max(&1.from, &1.to)})
    |> Enum.uniq()
    |> Enum.sort()
    |> Enum.map(fn {a, b} -> {{a, b}, by[{a, b}], by[{b, a}]} end)
  end

  @doc "What is said at an edge: the links, and the round trip."
  @spec label(map() | nil, map() | nil) :: String.t()
  def label(one, other) do
    links = for edge <- [one, other], edge != nil, edge.link != "", uniq: true, do: edge.link
    trip = Enum.find_value([one, other], &(&1 && &1.round_trip))
    [Enum.join(links, "–"), Rows.duration(trip)] |> Enum.reject(&(&1 == "")) |> Enum.join(", ")
  end
end
