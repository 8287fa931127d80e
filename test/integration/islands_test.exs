defmodule GossipCluster.Integration.IslandsTest do
  # Links that carry multicast, with a router between them that does not pass it on; and a host that hears none.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @inet6 ["-proto_dist", "inet6_tcp"]

  test "two multicast islands joined by one seed are one group" do
    lab = Lab.start(hosts: 4, lans: 2, routed: true)
    seed = [interval: 200, seeds: [lab.hosts[1].ip]]

    [a, b, c, d] =
      nodes =
      Node.start_all(lab, [
        {"a", host: 1, cluster: [interval: 200]},
        {"b", host: 2, cluster: seed},
        {"c", host: 3, cluster: [interval: 200]},
        {"d", host: 4, cluster: [interval: 200]}
      ])

    meet(nodes)
    for node <- nodes, do: assert(Node.status(node).problems == [])

    # What changes on one island is known on the other.
    Lab.kill_host(lab, 4)
    rest = [a, b, c]
    silent(rest, d)
    meet(rest)
  end

  # On its own link each is heard at a link-local address, which means nothing on the other.
  test "so are two islands of IPv6 alone" do
    lab = Lab.start(hosts: 4, lans: 2, routed: true, ipv6: [1, 2, 3, 4])

    for n <- 1..4 do
      Lab.drop_ipv4(lab, n)
      Lab.give_ula(lab, n)
      Lab.route_ipv6(lab, n)
    end

    seed = [interval: 200, seeds: [Lab.ula(1, 1)]]

    nodes =
      Node.start_all(lab, [
        {"a", host: 1, flags: @inet6, cluster: [interval: 200]},
        {"b", host: 2, flags: @inet6, cluster: seed},
        {"c", host: 3, flags: @inet6, cluster: [interval: 200]},
        {"d", host: 4, flags: @inet6, cluster: [interval: 200]}
      ])

    [_a, _b, c, d] = nodes
    meet(nodes)

    for {node, other, n, lan} <- [{c, d, 4, 2}, {d, c, 3, 1}] do
      assert [{ip, 45_894, _index} | _] = Node.peer(node, other).addresses
      assert ip == Lab.ula(n, lan)
    end

    for node <- nodes, other <- nodes, node != other do
      refute Enum.any?(Node.about(node, other), &match?({:down, _reason}, &1))
    end
  end

  # What is said of a newcomer is said to the group; the deaf one learns it from what it is told by unicast. (Within two
  # intervals, as the scenario `deaf` of the simulator has it.)
  test "a node that is deaf to multicast, while unicast passes, is whole" do
    lab = Lab.start(hosts: 4)

    [a, b, c, d] =
      nodes =
      Node.start_all(lab, [
        {"a", host: 1, cluster: []},
        {"b", host: 2, cluster: []},
        {"c", host: 3, cluster: []},
        {"d", host: 4}
      ])

    meet([a, b, c])

    Filter.rules(lab, 3, """
    table inet deaf {
      chain input {
        type filter hook input priority 0;
        iifname "eth0" udp dport 45893 drop
      }
    }
    """)

    Node.start_cluster(d, [])
    meet(nodes)
    refute Node.time(c, &match?({:event, GossipCluster, {:down, _peer, _reason}}, &1))
  end
end
