defmodule GossipCluster.Integration.PathsTest do
  # A peer has many addresses, and one of them works: real nodes whose distribution is not where they are heard.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.Mesh

  @quick [interval: 200]
  # Nobody dials for the cluster: what is made is made by hand.
  @by_hand [accept: {:erlang, :is_atom, []}]

  # `inet_dist_use_interface`, as the guide on releases advises it.
  defp bound({a, b, c, d}),
    do: ["-kernel", "inet_dist_use_interface", "{#{a},#{b},#{c},#{d}}"]

  # They meet by the first dial of the first: had it failed, it would have taken another one. The other dials nobody, or
  # it would refuse a dial that is slow, when both dial at once.
  defp meet_at_once([dials, waits] = nodes, cluster) do
    dial = {GossipCluster.Dial.Attempt, :run, 6}
    {:module, _} = Node.call(dials, :code, :ensure_loaded, [elem(dial, 0)])
    1 = Node.call(dials, :erlang, :trace_pattern, [dial, true, [:call_count]])
    Node.start_cluster(waits, cluster ++ @by_hand)
    Node.start_cluster(dials, cluster)
    meet(nodes)
    assert {:call_count, 1} = Node.call(dials, :erlang, :trace_info, [dial, :call_count])
  end

  defp pair_on_one_host do
    lab = Lab.start(hosts: 1)
    options = [at: "127.0.0.1", flags: bound({127, 0, 0, 1})]
    Node.start_all(lab, [{"a", options}, {"b", options}])
  end

  test "two nodes of one machine, named by the loopback and bound to it, meet though the LAN is up" do
    meet_at_once(pair_on_one_host(), [])
  end

  test "a connect by hand finds them too" do
    [a, b] = nodes = pair_on_one_host()
    for node <- nodes, do: Node.start_cluster(node, @by_hand)

    for {node, other} <- [{a, b}, {b, a}],
        do: eventually("they are listed", nodes, fn -> Node.peers(node) == [other.name] end)

    assert Node.call(a, :net_kernel, :connect_node, [String.to_atom(b.name)])
    assert Node.reaches?(b, a)
  end

  for {what, cluster} <- [{"both", []}, {"the first", [interfaces: ["eth0"]]}] do
    test "two hosts with two LANs, bound to the second, heard on #{what}" do
      lab = Lab.start(hosts: 2, lans: 2)

      specs =
        for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, flags: bound(Lab.ip(n, 2))}

      nodes = Node.start_all(lab, specs)
      meet_at_once(nodes, unquote(cluster))
      for {node, n} <- Enum.zip(nodes, [2, 1]), do: assert(via(node) == Lab.ip(n, 2))
    end
  end

  test "two hosts with two LANs, named by their addresses on the second: that is where they are dialled" do
    lab = Lab.start(hosts: 2, lans: 2)

    specs = for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, at: text(Lab.ip(n, 2))}
    nodes = Node.start_all(lab, specs)
    meet_at_once(nodes, [])
    for {node, n} <- Enum.zip(nodes, [2, 1]), do: assert(via(node) == Lab.ip(n, 2))
  end

  test "two hosts with two LANs, of which TCP passes only the second: the other address is tried soon, and kept" do
    lab = Lab.start(hosts: 2, lans: 2)

    for n <- [1, 2] do
      Filter.rules(lab, n, """
      table inet first_lan {
        chain input {
          type filter hook input priority 0;
          iifname "eth0" meta l4proto tcp drop
        }
      }
      """)
    end

    specs = for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, flags: asked_only()}
    nodes = Node.start_all(lab, specs)
    meet_at_once(nodes, [])
    for {node, n} <- Enum.zip(nodes, [2, 1]), do: assert(via(node) == Lab.ip(n, 2))

    # Whoever dials next is sent there at once: by hand, or for `global`. The first address would cost 250 ms.
    [a, b] = nodes
    true = Node.call(a, Elixir.Node, :disconnect, [String.to_atom(b.name)])
    assert connects_within?(200_000, a, b, nodes)
  end

  test "two nodes of one machine stay connected, without a pause, when the LAN goes away" do
    lab = Lab.start(hosts: 1)
    nodes = Node.start_all(lab, for(name <- ["a", "b"], do: {name, cluster: @quick}))
    meet(nodes)
    [a, b] = nodes
    for node <- nodes, do: assert(via(node) == {127, 0, 0, 1})
    Lab.unplug(lab, 1)

    # Until well after their sidecars have gone over to the loopback.
    until = Lab.clock() + 3_000_000

    eventually("3 s have passed", nodes, fn ->
      # Where there were a pause, it would end with another connection.
      for {node, other} <- [{a, b}, {b, a}], do: assert(Node.reaches?(node, other, 15_000))
      Lab.clock() > until
    end)

    for {node, other} <- [{a, b}, {b, a}], do: assert(Node.links(node) == [nodeup: other.name])
  end

  for {name, other} <- [{"a", "b"}, {"b", "a"}] do
    test "a lost SYN is not waited for: another attempt is made, and no dial fails (#{name} is lost to)" do
      lab = Lab.start(hosts: 2)
      # What TCP itself repeats a second later, too.
      lose_attempts(lab, 1, 1)
      nodes = Node.start_all(lab, [{unquote(other), host: 2}, {unquote(name), host: 1}])
      meet_at_once(nodes, [])
      assert lost_attempts(lab, 1) > 0
    end
  end

  test "a handshake does not wait for acknowledgements: they are lost, and it costs nothing" do
    lab = Lab.start(hosts: 2)
    # Those without data, of 52 bytes each, that reach the one who is dialled: all of a handshake.
    Filter.lose_first(lab, 2, "tcp flags == ack meta length 52", 1_000 * 52)
    specs = for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, flags: asked_only()}
    [a, b] = nodes = Node.start_all(lab, specs)
    for node <- nodes, do: Node.start_cluster(node, @quick ++ @by_hand)
    eventually("b is listed", nodes, fn -> Node.peers(a) == [b.name] end)

    # TCP repeats what is not acknowledged after 200 ms, no sooner.
    assert connects_within?(190_000, a, b, nodes)
  end

  # In microseconds. A busy machine may delay most of them; what has to wait for a timer is never quicker than that.
  defp connects_within?(most, a, b, nodes) do
    Enum.any?(1..30, fn _ ->
      eventually("they are apart", nodes, fn -> Node.connected(b) == [] end)
      assert {took, true} = Node.call(a, :timer, :tc, [:net_kernel, :connect_node, [:b@h2]])
      true = Node.call(a, :erlang, :disconnect_node, [:b@h2])
      took < most
    end)
  end

  # Two nodes that know each other, and do not dial.
  defp listed_by_hand(tls, flags \\ []) do
    lab = Lab.start(hosts: 2)
    flags = if tls, do: Mesh.tls(lab) ++ flags, else: flags
    specs = for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, flags: flags}
    [a, b] = nodes = Node.start_all(lab, specs)
    for node <- nodes, do: Node.start_cluster(node, @quick ++ @by_hand)
    eventually("b is listed", nodes, fn -> Node.peers(a) == [b.name] end)
    {lab, nodes}
  end

  for {what, tls} <- [{"", false}, {", over TLS", true}] do
    test "a dial to a host that lives and is slow is not cut, though it takes seconds#{what}" do
      # net_kernel is to give it longer than a busy machine needs for all that follows.
      patient = ["-kernel", "net_setuptime", "60"]
      {_lab, [a, b] = nodes} = listed_by_hand(unquote(tls), patient)
      peer = Node.peer(a, b)
      assert Node.connected(a) == []
      # Its kernel accepts the connection, and nobody says a word on it.
      Lab.signal(:STOP, b.os_pid)
      connect = {:net_kernel, :connect_node, []}
      arguments = [peer, :b@h2, connect, nil, false, nil]
      dial = Task.async(fn -> Node.call(a, GossipCluster.Dial.Attempt, :run, arguments) end)

      {pid, since} =
        eventually("it is dialled", nodes, fn ->
          with {pid, at} when is_integer(at) <- attempt(a, b), do: {pid, at}, else: (_ -> nil)
        end)

      # Longer than any bound but the last two.
      ended = Task.yield(dial, 3_000)

      assert ended == nil,
             "#{inspect(ended)}: #{inspect({since, Lab.clock(), Node.events(a), File.read!("/proc/#{b.os_pid}/stat")})}"

      assert attempt(a, b) == {pid, since}
      Lab.signal(:CONT, b.os_pid)
      assert Task.await(dial, 30_000) == {:connected, nil}
      # The first attempt, not another one.
      assert attempt(a, b) == {pid, since}
      assert Node.reaches?(a, b)
    end

    test "a dial whose SYN is not answered is begun anew, soon#{what}" do
      {lab, [a, b]} = listed_by_hand(unquote(tls))

      lose_attempts(lab, 2, 3)
      arguments = [Node.peer(a, b), :b@h2, {:net_kernel, :connect_node, []}, nil, false, nil]
      run = [GossipCluster.Dial.Attempt, :run, arguments]
      assert {took, {:connected, nil}} = Node.call(a, :timer, :tc, run)
      # net_kernel gives up a single one after that time, and TCP repeats a SYN after a second.
      assert took < 7_000_000
      syns = lost_attempts(lab, 2)
      assert syns >= 3 and syns - 3 <= div(took, 1_000_000)
      assert Node.reaches?(a, b)
    end
  end

  # Each attempt has a port of its own. Whatever so many of them send to a host first is lost.
  defp lose_attempts(lab, n, count) do
    Filter.rules(lab, n, """
    table inet attempts {
      set lost {
        type inet_service
        flags dynamic
        size #{count}
      }
      chain in {
        type filter hook prerouting priority -300;
        iifname "eth*" tcp flags & (syn | ack) == syn add @lost { tcp sport } counter drop
      }
    }
    """)
  end

  defp lost_attempts(lab, n), do: Filter.dropped(lab, n, "attempts", "in")

  # Who dials it for net_kernel, and since when its address is known.
  defp attempt(node, other), do: Node.call(node, GossipCluster.Epmd, :attempt, [other.name])

  # Where the node is connected to its one peer.
  defp via(node) do
    [name] = Node.connected(node)

    {ip, _port} =
      eventually("its path is known", [node], fn -> Node.peer(node, name).connected_via end)

    ip
  end

  defp text(ip), do: ip |> :inet.ntoa() |> to_string()
end
