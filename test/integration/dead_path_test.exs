defmodule GossipCluster.Integration.DeadPathTest do
  # A dead path under a living peer: real connections whose address goes, or whose LAN is cut, while the peer is heard
  # elsewhere.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  defp two_lans(options \\ []) do
    {cluster, options} = Keyword.pop(options, :cluster, [])
    lab = Lab.start(hosts: 2, lans: 2)

    nodes =
      Node.start_all(
        lab,
        for({name, n} <- [{"a", 1}, {"b", 2}], do: {name, [host: n] ++ options})
      )

    for node <- nodes, do: Node.start_cluster(node, cluster)
    meet(nodes)
    {lab, nodes}
  end

  # Which LAN their connection is on.
  defp lan(a) do
    [ip] =
      for {_name, info} <- Node.call(a, :net_kernel, :nodes_info) |> elem(1),
          do: info[:address] |> elem(1) |> elem(0)

    elem(ip, 1) - 76
  end

  # Long before Erlang itself notices: 45 s after the change at the soonest. (How soon a path is given up is shown in
  # path_watch_test.exs, where a busy machine does not matter.)
  defp well_again(nodes) do
    [a, b] = nodes

    for {node, other} <- [{a, b}, {b, a}] do
      eventually("a call from #{node.name} is answered", nodes, fn ->
        Node.reaches?(node, other, 300)
      end)
    end
  end

  # Nobody was thought to be gone.
  defp not_lost([a, b]) do
    for {node, other} <- [{a, b}, {b, a}],
        do: refute(Enum.any?(Node.about(node, other), &match?({:down, _}, &1)))
  end

  for how <- [:silent, :cable] do
    test "one of two LANs is cut (#{how}): the connection goes over to the other" do
      {lab, [a, _b] = nodes} = two_lans()
      used = lan(a)
      Lab.cut(lab, 2, unquote(how), used)
      well_again(nodes)
      not_lost(nodes)
      assert lan(a) == 3 - used

      assert Enum.any?(nodes, &(dead_paths(&1) != []))
    end
  end

  # The addresses at which a node's sidecar has its peer, the one that it uses first.
  defp addresses(node, peer),
    do: for({ip, _port, _index} <- Node.peer(node, peer).addresses, do: ip)

  test "one of two LANs falls silent: each sidecar goes over to its peer's other address, and says so" do
    {lab, [a, b] = nodes} = two_lans(cluster: [interval: 200])
    others = [{a, b, 2}, {b, a, 1}]

    eventually("each knows both addresses of the other", nodes, fn ->
      for {node, other, n} <- others,
          reduce: true,
          do:
            (known -> known and Enum.sort(addresses(node, other)) == [Lab.ip(n, 1), Lab.ip(n, 2)])
    end)

    # Which copy of a heartbeat is the first is chance.
    before = for {node, other, _n} <- others, do: addresses(node, other)
    beats = for node <- nodes, do: Node.stat(node, :copies)

    eventually("heartbeats came twice", nodes, fn ->
      nodes
      |> Enum.zip(beats)
      |> Enum.all?(fn {node, beats} -> Node.stat(node, :copies) >= beats + 10 end)
    end)

    assert before == for({node, other, _n} <- others, do: addresses(node, other))
    updates = for {node, other, _n} <- others, do: length(Node.about(node, other))
    used = a |> addresses(b) |> hd() |> elem(1) |> Kernel.-(76)
    Lab.cut(lab, 2, :silent, used)

    eventually("a uses the other address of b", nodes, fn ->
      hd(addresses(a, b)) == Lab.ip(2, 3 - used)
    end)

    eventually("b uses the other address of a", nodes, fn ->
      hd(addresses(b, a)) == Lab.ip(1, 3 - used)
    end)

    not_lost(nodes)
    assert :update in Enum.drop(Node.about(a, b), hd(updates))
  end

  test "one of two LANs goes away with its address" do
    {lab, [a, b] = nodes} = two_lans()
    used = lan(a)
    # The address that the connection is bound to, on either side.
    Lab.unplug(lab, 2, used)
    well_again(nodes)
    not_lost(nodes)
    assert lan(a) == 3 - used
    assert lan(b) == 3 - used
  end

  for {who, n} <- [a: 1, b: 2] do
    test "an address changes, as by DHCP (#{who}'s)" do
      lab = Lab.start(hosts: 2)
      nodes = Node.start_all(lab, for({name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n}))
      for node <- nodes, do: Node.start_cluster(node)
      meet(nodes)
      Lab.address(lab, unquote(n), :delete, Lab.ip(unquote(n)))
      Lab.address(lab, unquote(n), :add, {10, 77, 0, 99})
      well_again(nodes)
    end
  end

  test "an address that is gone for a moment changes nothing" do
    lab = Lab.start(hosts: 2)
    [a, b] = nodes = Node.start_all(lab, [{"a", host: 1}, {"b", host: 2}])
    for node <- nodes, do: Node.start_cluster(node)
    meet(nodes)
    gone = Lab.clock()
    Lab.address(lab, 2, :delete, Lab.ip(2))
    Lab.address(lab, 2, :add, {10, 77, 0, 99})
    # It would be cut 2 s after that.
    eventually("b doubts its connection", nodes, fn -> doubted(b) == [a.name] end)
    Lab.address(lab, 2, :add, Lab.ip(2))
    eventually("calls are answered", nodes, fn -> Node.reaches?(a, b) and Node.reaches?(b, a) end)
    # Longer than it takes to cut.
    eventually("5 s more", nodes, fn -> Lab.clock() - gone > 6_000_000 end)
    for node <- nodes, do: assert(doubted(node) == [])
    for {node, other} <- [{a, b}, {b, a}], do: assert(Node.links(node) == [nodeup: other.name])
  end

  defp doubted(node),
    do: Map.keys(Node.call(node, :sys, :get_state, [GossipCluster]).cluster.watch.doubts)

  # The events that tell of it.
  defp dead_paths(node) do
    for {_at, {:event, _cluster, {:problem, _peer, {:dead_path, text}}}} <- Node.events(node),
        do: text
  end
end
