defmodule GossipCluster.SamplePicture do
  @moduledoc "A picture of a cluster in which all is there that a table, a graph or a report can show; for tests."

  alias GossipCluster.Peer
  alias GossipCluster.Screen.{Graph, Html}

  @hostile "<script>alert(1)</script>\"'&`#;]\u202E\e[2J"

  @doc "A text that would do harm wherever it is not escaped."
  def hostile, do: @hostile

  @doc "A peer of this number."
  def peer(n, changes \\ []) do
    struct!(
      %Peer{
        name: "shop#{n}@10.0.0.#{n}",
        creation: 1,
        boot: "#{n}",
        addresses: [{{10, 0, 0, n}, 45_894, 2}],
        paths: [{10, 0, 0, n}],
        connected_via: {{10, 0, 0, n}, 4370},
        connection: :connected,
        round_trip: 200 + 37 * n,
        loss: 0.0
      },
      changes
    )
  end

  @doc "All kinds of peers."
  def peers do
    [
      peer(6),
      peer(7, loss: 0.031, round_trip: 12_700),
      peer(8, status: :suspect, loss: 0.375),
      peer(9,
        status: :stalled,
        connection: :waiting,
        connected_via: nil,
        problem:
          {:refused,
           "its distribution port 4370 refuses connections: see the firewall of its host, or start it with another"}
      ),
      peer(10,
        heard: false,
        connection: :connecting,
        connected_via: nil,
        round_trip: nil,
        loss: nil
      ),
      peer(11, name: "日本語@ホスト", addresses: [{{0xFD00, 0, 0, 0, 0, 0, 0, 11}, 45_894, 3}]),
      peer(12,
        name: @hostile <> "@h",
        connection: {:skipped, :cookie},
        connected_via: nil,
        problem: {:cookie, @hostile}
      )
    ]
  end

  @doc "A picture of these peers."
  def picture(peers \\ peers(), changes \\ %{}) do
    status =
      Map.merge(
        %{
          name: GossipCluster,
          node: :"shop5@10.0.0.5",
          cluster: "",
          group: "233.252.1.33",
          port: 45_893,
          interval: 1_000,
          announced: true,
          tags: %{"role" => "web"},
          health: :degraded,
          peers: length(peers),
          connected: Enum.count(peers, &(&1.connection == :connected)),
          problems: [
            {nil, :mute,
             "what this node sends to the group on eth0 does not arrive: " <> @hostile}
          ],
          sidecar: %{state: :running, version: "0.1.0"},
          interfaces: [{"eth0", 2, "10.0.0.5"}, {"wlan0", 3, "fd00::5"}]
        },
        changes
      )

    %{
      api: GossipCluster,
      name: GossipCluster,
      at: ~U[2026-11-26 12:00:00Z],
      now: 10_000,
      status: status,
      peers: peers,
      measures: Map.new(peers, &{&1.boot, {&1.round_trip, &1.loss, 9_600}}),
      versions: %{"shop6@10.0.0.6" => "0.1.0", "shop7@10.0.0.7" => @hostile}
    }
  end

  @doc "The graph of that, with what one of the others says."
  def graph(picture \\ picture()) do
    own = Graph.sight(picture)
    [seen | _] = own.peers

    six = %{
      node: "shop6@10.0.0.6",
      health: "ok",
      peers: [
        %{seen | name: own.node},
        %{seen | name: "shop7@10.0.0.7"},
        %{seen | name: "shop8@10.0.0.8", heard: false}
      ]
    }

    Graph.build(own, [six])
  end

  @doc "The page of that."
  def page do
    events = [
      {1_795_000_000_000, "found :\"shop6@10.0.0.6\" at 10.0.0.6"},
      {1_795_000_001_250, @hostile},
      {1_795_000_002_000, "NODEUP :\"shop6@10.0.0.6\""}
    ]

    more = [
      {"Configuration", [{"interfaces", "all"}, {"tags", @hostile}]},
      {"Counters", [{"received", "123456"}]}
    ]

    Html.page(picture(), graph(), events, more)
  end
end
