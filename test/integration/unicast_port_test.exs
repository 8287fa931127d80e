defmodule GossipCluster.Integration.UnicastPortTest do
  # The ports that unicast comes to: a rule of a firewall can name them, and clusters that are neighbours share them.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  test "a firewall that knows the group's port, the eight above it, and TCP: two hosts meet; and the TTL is as the option says" do
    lab = Lab.start(hosts: 2)

    for host <- [1, 2] do
      Filter.rules(lab, host, """
      table inet firewall {
        chain input {
          type filter hook input priority 0;
          iifname "eth0" udp dport 45893-45901 accept
          iifname "eth0" meta l4proto udp counter drop
          iifname "eth0" meta nfproto ipv4 meta l4proto != tcp drop
        }
      }
      """)
    end

    # What comes to the group from the other: from a, which says `ttl: 64`, and from b, which says nothing. A router
    # passes on what has more than 1 (RFC 1812, section 5.3.1).
    for {host, other, ttl} <- [{2, 1, 64}, {1, 2, 1}] do
      group = "ip saddr #{:inet.ntoa(lab.hosts[other].ip)} ip daddr 233.252.1.33 udp dport 45893"

      Filter.rules(lab, host, """
      table inet ttl {
        chain as_said {
          type filter hook input priority -20;
          #{group} ip ttl #{ttl} counter
        }
        chain other {
          type filter hook input priority -10;
          #{group} ip ttl != #{ttl} counter
        }
      }
      """)
    end

    specs =
      for {name, n, options} <- [{"a", 1, [ttl: 64]}, {"b", 2, []}],
          do: {name, host: n, cluster: [interval: 200] ++ options}

    [a, b] = nodes = Node.start_all(lab, specs)
    meet(nodes)

    for host <- [1, 2] do
      eventually("host #{host} has heard the group", nodes, fn ->
        Filter.dropped(lab, host, "ttl", "as_said") > 3
      end)

      assert Filter.dropped(lab, host, "ttl", "other") == 0
    end

    for {node, other} <- [{a, b}, {b, a}] do
      assert Node.status(node).sidecar.unicast_port == 45_894
      assert [{ip, 45_894, _index} | _] = Node.peer(node, other).addresses
      assert ip == other.host.ip
      assert Node.status(node).problems == []
    end

    # Whatever was sent came to these ports.
    for host <- [1, 2], do: assert(Filter.dropped(lab, host, "firewall", "input") == 0)
  end

  test "clusters with neighbouring ports on one host, started in either order: all find their own" do
    lab = Lab.start(hosts: 1)
    low = [name: Low, port: 45_892, interval: 200]
    high = [name: High, port: 45_893, interval: 200]
    port = fn node, cluster -> Node.status(node, cluster).sidecar.unicast_port end
    a = Node.start(lab, "a", host: 1, cluster: low)
    # The other group's port is free now, and this one takes it.
    eventually("a's first sidecar runs", [a], fn -> port.(a, Low) == 45_893 end)
    Node.start_cluster(a, high)
    b = Node.start(lab, "b", host: 1, cluster: high)
    Node.start_cluster(b, low)

    for cluster <- [Low, High], {node, other} <- [{a, b}, {b, a}] do
      eventually("#{node.name} finds #{other.name} in #{inspect(cluster)}", [a, b], fn ->
        match?(%{connection: :connected, status: :alive}, Node.peer(node, other, cluster))
      end)
    end

    # Afterwards the next ones are taken.
    assert port.(a, Low) == 45_893
    ports = for node <- [a, b], cluster <- [Low, High], do: port.(node, cluster)
    assert Enum.sort(ports) == Enum.to_list(45_893..45_896)

    # Where none is free, that is told, and any other does.
    Node.start_cluster(b, name: Third, cluster: "third", unicast_port: 45_893..45_896)

    eventually("the problem is told", [b], fn ->
      match?([{nil, :unicast_port, _text}], Node.status(b, Third).problems)
    end)

    [{nil, :unicast_port, text}] = Node.status(b, Third).problems
    assert Node.status(b, Third).health == :ok
    assert text =~ "UDP ports 45893 to 45896 are all taken"
    assert text =~ "port #{port.(b, Third)}, "
    refute port.(b, Third) in 45_893..45_896
  end

  test "the sidecar of an owner that crashed goes on for a while: the next one takes the next port" do
    {_lab, [a, b]} = nodes = together(["a", "b"], cluster: [interval: 200])
    assert Node.status(a).sidecar.unicast_port == 45_894
    owner = Node.call(a, Process, :whereis, [GossipCluster])
    true = Node.call(a, Process, :exit, [owner, :kill])

    eventually("another sidecar runs", elem(nodes, 1), fn ->
      Node.status(a).sidecar.unicast_port == 45_895
    end)

    eventually("b knows it", elem(nodes, 1), fn ->
      match?([{_ip, 45_895, _index} | _], Node.peer(b, a).addresses)
    end)

    assert Node.about(b, a) |> Enum.filter(&match?({:down, _}, &1)) == []
  end
end
