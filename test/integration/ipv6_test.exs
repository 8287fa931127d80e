defmodule GossipCluster.Integration.IPv6Test do
  # Hosts with IPv6 alone, with IPv4 alone, and with both.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.Mesh

  @quick [interval: 200]
  @inet6 ["-proto_dist", "inet6_tcp"]

  defp only_ipv6(hosts) do
    lab = Lab.start(hosts: hosts, ipv6: Enum.to_list(1..hosts))
    Enum.each(1..hosts, &Lab.drop_ipv4(lab, &1))
    lab
  end

  defp link_local?({ip, _port, index}),
    do: match?({0xFE80, _, _, _, _, _, _, _}, ip) and index > 0

  for protocol <- ["inet6_tcp", "inet6_tls"] do
    test "hosts without IPv4 find each other, and connect by GossipCluster.Epmd over #{protocol}" do
      lab = only_ipv6(2)
      for n <- [1, 2], do: Lab.give_ula(lab, n)
      # One that is about to go: nobody is told of it.
      Lab.links(lab, 2, ["address add fd76::77/64 dev eth0 nodad preferred_lft 0"])

      flags =
        case unquote(protocol) do
          "inet6_tcp" ->
            @inet6

          "inet6_tls" ->
            for flag <- Mesh.tls(lab), do: String.replace(flag, "inet_tls", "inet6_tls")
        end

      [a, b] =
        nodes =
        Node.start_all(lab, [
          {"a", host: 1, flags: flags, cluster: @quick},
          {"b", host: 2, flags: flags, cluster: @quick}
        ])

      meet(nodes)

      for {node, other, n} <- [{a, b, 2}, {b, a, 1}] do
        ula = Lab.ula(n)

        eventually("#{node.name} knows over which path it is connected", nodes, fn ->
          match?(%Peer{connected_via: {^ula, _port}}, Node.peer(node, other))
        end)

        peer = Node.peer(node, other)
        assert peer.paths == [ula] and peer.problem == nil
        assert Enum.all?(peer.addresses, &link_local?/1)

        # Of a change of its interfaces it tells once a second.
        eventually("#{node.name} tells of its interface", nodes, fn ->
          match?(
            %{health: :ok, interfaces: [{"eth0", _index, "fe80::" <> _}]},
            Node.status(node)
          )
        end)

        # Nothing on the way made either of them look like another.
        assert %{misdirected: 0, relayed: 0, send_errors: 0} = Node.stats(node)
        assert Node.about(node, other) |> Enum.all?(&(&1 in [:up, :update]))
      end
    end
  end

  test "one with both families between one with IPv4 and one with IPv6: each lists whom it can ask, and nobody dies" do
    lab = Lab.start(hosts: 3, ipv6: [2, 3])
    Lab.drop_ipv4(lab, 3)

    [four, both, six] =
      nodes =
      Node.start_all(lab, [
        {"four", host: 1, cluster: @quick},
        {"both", host: 2, cluster: @quick},
        {"six", host: 3, flags: @inet6, cluster: @quick}
      ])

    for {node, others} <- [{four, [both]}, {both, [four, six]}, {six, [both]}] do
      eventually("#{node.name} lists its peers", nodes, fn ->
        Node.peers(node) == Enum.map(others, & &1.name)
      end)
    end

    # Long enough for whoever was listed in vain to be buried, and listed again, several times.
    sent = Node.stat(both, :sent)

    eventually("many beats later", nodes, fn -> Node.stat(both, :sent) >= sent + 40 end, 30_000)

    assert Node.peers(four) == [both.name] and Node.peers(six) == [both.name]
    assert Node.peers(both) == [four.name, six.name]

    for node <- nodes, other <- nodes, node != other do
      refute Enum.any?(Node.about(node, other), &match?({:down, _reason}, &1))
      assert Node.status(node).health == :ok
    end

    assert [{{10, 77, 0, 1}, _port, _index} | _] = Node.peer(both, four).addresses
    assert Enum.all?(Node.peer(both, six).addresses, &link_local?/1)
  end

  test "a link that has just come up is used over IPv4 at once, over IPv6 a moment later, and then over that alone" do
    lab = Lab.start(hosts: 2, ipv6: [1, 2])
    for n <- [1, 2], do: Lab.unplug(lab, n)

    [a, b] =
      nodes =
      Node.start_all(lab, [
        {"a", host: 1, cluster: @quick},
        {"b", host: 2, cluster: @quick}
      ])

    for n <- [1, 2], do: Lab.plug_in(lab, n)
    meet(nodes)
    # Whichever family's copy came first: of IPv6 there is none for more than a second.
    assert [{{10, 77, 0, 2}, _port, _index} | _] = Node.peer(a, b).addresses

    for node <- nodes do
      eventually("#{node.name} uses IPv6, too", nodes, fn ->
        match?(
          [{"eth0", index, "10.77.0." <> _}, {"eth0", index, "fe80::" <> _}],
          Node.status(node).interfaces
        )
      end)
    end

    for n <- [1, 2], do: Lab.drop_ipv4(lab, n)

    for {node, other} <- [{a, b}, {b, a}] do
      eventually("#{node.name} hears #{other.name} over IPv6", nodes, fn ->
        peer = Node.peer(node, other)
        peer != nil and link_local?(hd(peer.addresses))
      end)

      refute Enum.any?(Node.about(node, other), &match?({:down, _reason}, &1))
    end
  end

  test "a host whose only IPv6 address is link-local is found, and it is said why Erlang cannot dial it" do
    lab = only_ipv6(2)
    nodes = for n <- [1, 2], do: Node.start(lab, "n#{n}", host: n, flags: @inet6, cluster: @quick)
    [a, b] = nodes

    eventually("it is found, and said", nodes, fn ->
      match?(%Peer{paths: [], problem: {:link_local, _text}}, Node.peer(a, b))
    end)

    assert {:link_local, text} = Node.peer(a, b).problem
    assert text =~ "unique local (fd00::/8)"
  end

  test "the option ipv6: false is IPv4 alone" do
    lab = Lab.start(hosts: 2, ipv6: [1, 2])

    nodes =
      for n <- [1, 2], do: Node.start(lab, "n#{n}", host: n, cluster: [ipv6: false] ++ @quick)

    [a, b] = nodes
    meet(nodes)

    eventually("the links have IPv6 by now", nodes, fn ->
      Enum.any?(Node.call(a, GossipCluster.LocalNode, :addresses) |> elem(0), fn ip ->
        match?({0xFE80, _, _, _, _, _, _, _}, ip)
      end)
    end)

    heard = Node.stat(b, :received)
    eventually("some beats later", nodes, fn -> Node.stat(b, :received) > heard + 10 end)
    assert [{"eth0", _index, "10.77.0.1"}] = Node.status(a).interfaces
    assert Node.stat(b, :copies) == 0
  end
end
