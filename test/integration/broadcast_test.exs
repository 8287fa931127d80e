defmodule GossipCluster.Integration.BroadcastTest do
  # Networks that drop multicast and let broadcast pass.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  test "multicast is dropped: two hosts meet by broadcast, and without it they do not" do
    lab = Lab.start(hosts: 2)

    # Of the group that is without broadcast, what the other host has said is counted.
    for {host, other} <- [{1, 2}, {2, 1}] do
      Filter.rules(lab, host, """
      table inet firewall {
        chain input {
          type filter hook input priority 0;
          ip saddr #{:inet.ntoa(Lab.ip(other))} udp dport 45893 ip daddr 233.252.1.33 counter drop
          ip daddr 224.0.0.0/4 drop
        }
      }
      """)
    end

    [a, b] =
      nodes =
      Node.start_all(lab, [
        {"a", host: 1, cluster: [interval: 200]},
        {"b", host: 2, cluster: [interval: 200]}
      ])

    eventually("each has said ten times that it is there", nodes, fn ->
      Enum.all?([1, 2], &(Filter.dropped(lab, &1, "firewall", "input") >= 10))
    end)

    for node <- nodes do
      assert Node.peers(node) == [] and Node.connected(node) == []
      assert %{received: 0, own: 0} = Node.stats(node)
      Node.start_cluster(node, name: Loud, port: 45_910, broadcast: true, interval: 200)
    end

    for {node, other} <- [{a, b}, {b, a}] do
      eventually("#{node.name} finds #{other.name} by broadcast", nodes, fn ->
        match?(%{connection: :connected, status: :alive}, Node.peer(node, other, Loud))
      end)

      assert {:nodeup, other.name} in Node.links(node)
      assert Node.status(node, Loud).health == :ok
      assert Node.peers(node) == []
    end
  end

  test "with multicast, too, nothing is taken for an attack; with and without broadcast they meet" do
    lab = Lab.start(hosts: 3)
    cluster = [interval: 200]

    specs = [
      {"a", host: 1, cluster: [broadcast: true] ++ cluster},
      {"b", host: 2, cluster: [broadcast: true] ++ cluster},
      {"c", host: 3, cluster: cluster}
    ]

    [a, b, c] = nodes = Node.start_all(lab, specs)
    meet(nodes)

    # Until they have met, what was overtaken by the answer that proved its sender counts as repeated, as ever.
    before = Map.new(nodes, &{&1.name, Node.stats(&1)})

    for node <- [a, b] do
      eventually("#{node.name} has heard the other twice, and taken it once", nodes, fn ->
        Node.stat(node, :copies) >= before[node.name].copies + 20
      end)
    end

    for node <- nodes do
      stats = Node.stats(node)
      assert %{misdirected: 0, relayed: 0, forged: 0, foreign: 0, send_errors: 0} = stats
      # Of 256 nonces two may fall into one place: the other copy is then decrypted for nothing.
      assert stats.replayed - before[node.name].replayed <= 1
    end

    assert Node.stat(c, :copies) == 0
  end
end
