defmodule GossipCluster.Integration.MeetingTest do
  # Real nodes on real networks: who finds whom, and who must not.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  # Quick beats, where it is not the default that is tested.
  @quick [interval: 200]

  test "two hosts meet, without epmd and under names that resolve nowhere" do
    {_lab, [a, b]} = together(["a", "b"])

    assert %Peer{status: :alive, cookie: :same, connection: :connected, port: port} =
             Node.peer(a, b)

    assert port == Node.call(b, GossipCluster.Epmd, :own_port)
    assert %Peer{addresses: [{ip, _port, _index} | _]} = Node.peer(a, b)
    assert ip == b.host.ip
    assert Node.about(a, b) |> hd() == :up
  end

  test "two hosts meet over stock epmd, keyed by 32 bytes" do
    cluster = [secret: {:key, :crypto.strong_rand_bytes(32)}]
    lab = Lab.start(hosts: 2)

    nodes =
      [a, b] =
      for {name, n} <- [{"a", 1}, {"b", 2}], do: Node.start(lab, name, host: n, epmd: :stock)

    for node <- nodes do
      :ok = Node.call(node, Prober, :trace_loads)
      Node.start_cluster(node, cluster)
    end

    meet(nodes)

    # Of the library nothing was loaded on the way because it was called, but what loads the rest: it is slower.
    for node <- nodes do
      nodeup = &match?({_at, {:nodeup, _name}}, &1)
      {on_the_way, later} = Enum.split_while(Node.events(node), &(not nodeup.(&1)))

      {why_alone, loaded} =
        for({_at, {:loaded, module}} <- on_the_way, do: module)
        |> Enum.split_with(
          &(&1 in [GossipCluster.Cluster.Answers, GossipCluster.Cluster.Replies])
        )

      # On a slow machine more may have happened than a start: who is alone for 3 s asks the sidecar why.
      later = why_alone ++ for {_at, {:loaded, module}} <- later, do: module

      assert Enum.filter(loaded, &of_library?/1) == [
               GossipCluster.Application,
               GossipCluster.Preload
             ]

      # Nor was the whole code path searched for what is not there.
      refute :telemetry in loaded

      # What is large, and would be loaded for a small thing.
      loaded = for {module, _file} <- Node.call(node, :code, :all_loaded, []), do: module
      loaded = loaded -- later

      assert Enum.filter(
               [
                 Base,
                 Enumerable,
                 File,
                 Inspect.Algebra,
                 Integer,
                 Macro,
                 MapSet,
                 Module,
                 Path,
                 Port,
                 Range,
                 Registry,
                 String.Break,
                 Task,
                 # Of the library: nobody has asked for any of it.
                 GossipCluster.Cluster.Answers,
                 GossipCluster.Cluster.Blame,
                 GossipCluster.Cluster.Bootstrap,
                 GossipCluster.Cluster.Cookies,
                 GossipCluster.Cluster.Legacy,
                 GossipCluster.Cluster.Migration,
                 GossipCluster.Cluster.Problems,
                 GossipCluster.Cluster.Replies,
                 GossipCluster.Cluster.Seeds,
                 GossipCluster.Telemetry
               ],
               &(&1 in loaded)
             ) == []
    end

    assert Node.peer(a, b).port > 0
  end

  defp of_library?(module) do
    source = Code.ensure_loaded?(module) and module.module_info(:compile)[:source]
    source && Path.relative_to_cwd(to_string(source)) =~ ~r{^lib/}
  end

  # guides/migrating-from-dns_cluster.md: with the lower name it would dial first, and cannot.
  test "a node that still has epmd and one that has none meet" do
    lab = Lab.start(hosts: 2)
    a = Node.start(lab, "a", host: 1, epmd: :stock, cluster: @quick)
    b = Node.start(lab, "b", host: 2, epmd: :gossip, cluster: @quick)
    meet([a, b])
  end

  for epmd <- [:gossip, :stock] do
    test "two nodes on one host share the group's port (#{epmd} epmd)" do
      lab = Lab.start(hosts: 1)
      a = Node.start(lab, "a", host: 1, epmd: unquote(epmd), cluster: [])
      b = Node.start(lab, "b", host: 1, epmd: unquote(epmd), cluster: [])
      meet([a, b])
    end
  end

  test "two nodes on one host that is off the net meet over its loopback interface" do
    lab = Lab.start(hosts: 1)
    Lab.unplug(lab, 1)
    a = Node.start(lab, "a", host: 1, cluster: [])
    b = Node.start(lab, "b", host: 1, cluster: [])
    meet([a, b])
    assert [{"lo", _index, "127.0.0.1"}] = Node.status(a).interfaces
  end

  test "three clusters on one LAN never see each other: another cookie, another label" do
    lab = Lab.start(hosts: 4)
    a1 = Node.start(lab, "a1", host: 1, cluster: @quick)
    a2 = Node.start(lab, "a2", host: 2, cluster: @quick)
    cookie = Node.start(lab, "b", host: 3, cookie: "another_cookie", cluster: @quick)
    label = Node.start(lab, "c", host: 4, cluster: [cluster: "another label"] ++ @quick)
    all = [a1, a2, cookie, label]

    for node <- all,
        do:
          eventually("#{node.name} hears the others", all, fn ->
            Node.stat(node, :foreign) > 20
          end)

    meet([a1, a2])

    for node <- [cookie, label] do
      assert Node.peers(node) == []
      assert Node.connected(node) == []
      assert Node.links(node) == []
    end

    for node <- all, other <- all -- [node], [node, other] -- [a1, a2] != [] do
      assert Node.about(node, other) == []
      # Not a word about them in the log either.
      for {_at, _level, line} <- Node.log(node), do: refute(line =~ other.name)
    end
  end

  test "one node in two clusters lists each one's peers apart" do
    lab = Lab.start(hosts: 3)
    red = [name: Red, cluster: "red"] ++ @quick
    blue = [name: Blue, cluster: "blue"] ++ @quick
    both = Node.start(lab, "both", host: 1, cluster: red)
    Node.start_cluster(both, blue)
    r = Node.start(lab, "r", host: 2, cluster: red)
    b = Node.start(lab, "b", host: 3, cluster: blue)
    all = [both, r, b]

    eventually("both clusters are whole", all, fn ->
      Node.peers(both, Red) == [r.name] and Node.peers(both, Blue) == [b.name] and
        Node.peers(r, Red) == [both.name] and Node.peers(b, Blue) == [both.name]
    end)

    assert Node.about(r, b, Red) == []
    assert Node.about(b, r, Blue) == []
  end

  test "a node that starts its distribution late has no socket before, and never announces nonode@nohost" do
    lab = Lab.start(hosts: 2)
    cluster = [secret: {:passphrase, "correct horse"}] ++ @quick
    a = Node.start(lab, "a", host: 1, cluster: cluster)
    late = Node.start(lab, "", host: 2, alive: false, cluster: cluster)

    # It used to listen: with a socket open, and a member of the group, also in what was never to be a node.
    eventually("it waits for a name", [a, late], fn -> Node.status(late).health == :waiting end)
    assert %{announced: false, sidecar: %{state: :waiting}} = Node.status(late)
    assert sockets(lab, 2) == []
    refute sockets(lab, 1) == []
    assert Node.peers(a) == []

    late = Node.go_alive(late, "late")
    meet([a, late])

    # And again, after its distribution has stopped.
    :ok = Node.call(late, Elixir.Node, :stop)
    eventually("a is told", [a, late], fn -> {:down, :left} in Node.about(a, late) end)
    eventually("it is disconnected", [a], fn -> Node.connected(a) == [] end)
    late = Node.go_alive(late, "late")
    meet([a, late])

    assert Node.about(a, "nonode@nohost") == []
    for {_at, _level, line} <- Node.log(a), do: refute(line =~ "nonode")
  end

  # The UDP sockets of a host.
  defp sockets(lab, n) do
    {lines, 0} = System.cmd("ip", ~w(netns exec #{lab.hosts[n].netns} ss -Huan))
    String.split(lines, "\n", trim: true)
  end

  test "a node that starts its distribution late, keyed by the cookie that it has from then on" do
    lab = Lab.start(hosts: 2)
    a = Node.start(lab, "a", host: 1, cluster: [])
    late = Node.start(lab, "", host: 2, alive: false, cluster: [])
    assert %{state: :waiting, os_pid: nil} = Node.status(late).sidecar

    late = Node.go_alive(late, "late")
    meet([a, late])
  end

  test "await returns when so many peers are connected, and in time when they are not" do
    lab = Lab.start(hosts: 3)
    a = Node.start(lab, "a", host: 1, cluster: [])

    assert {:error, :timeout} =
             Node.call(a, GossipCluster, :await, [GossipCluster, [timeout: 50]])

    await = [GossipCluster, [min: 2, timeout: 30_000]]
    waiting = Task.async(fn -> Node.call(a, GossipCluster, :await, await) end)
    b = Node.start(lab, "b", host: 2, cluster: [])
    eventually("b is connected", [a, b], fn -> Node.connected(a) == [b.name] end)
    assert Task.yield(waiting, 0) == nil
    c = Node.start(lab, "c", host: 3, cluster: [])

    assert Task.await(waiting, 30_000) == :ok
    assert length(Node.connected(a)) == 2
    meet([a, b, c])
    assert :ok = Node.call(a, GossipCluster, :await, [GossipCluster, [min: 2, timeout: 0]])
  end

  test "a node that left is known to have, keeps its connections, and is not dialled again" do
    {_lab, [a, b]} = together(["a", "b"], cluster: @quick, flags: asked_only())

    assert :ok = Node.call(b, GossipCluster, :leave)
    eventually("a is told", [a, b], fn -> List.last(Node.about(a, b)) == {:down, :left} end)
    assert Node.peers(a) == []
    assert Node.connected(a) == [b.name]
    assert %{left: true, announced: false} = Node.status(b)

    true = Node.call(b, Elixir.Node, :disconnect, [String.to_atom(a.name)])
    eventually("the connection is gone", [a, b], fn -> Node.connected(a) == [] end)
    # Time for any redial: it would come after half a second to a second.
    sent = Node.stat(a, :sent)
    eventually("a beats on", [a, b], fn -> Node.stat(a, :sent) > sent + 10 end)
    assert Node.connected(a) == []
    assert Node.connected(b) == []
    assert List.last(Node.about(a, b)) == {:down, :left}
  end

  test "two living nodes of one name are told as a conflict, once on each node" do
    lab = Lab.start(hosts: 3)
    one = Node.start(lab, "twin", host: 1, at: "twins", cluster: @quick)
    observer = Node.start(lab, "observer", host: 3, cluster: @quick)
    meet([one, observer])
    two = Node.start(lab, "twin", host: 2, at: "twins", cluster: @quick)
    all = [one, two, observer]

    for node <- all,
        do:
          eventually("#{node.host.name} is told", all, fn ->
            :conflict in Node.about(node, "twin@twins")
          end)

    # Many beats later, still once.
    sent = Enum.max(for node <- all, do: Node.stat(node, :sent))

    for node <- all,
        do: eventually("many beats", all, fn -> Node.stat(node, :sent) > sent + 15 end)

    for node <- all do
      assert [{:conflict, peer, other}] =
               for(
                 {_at, {:event, _name, {:conflict, _, _} = event}} <- Node.events(node),
                 do: event
               )

      assert peer.creation != other.creation

      assert length(for {_at, :error, line} <- Node.log(node), line =~ "two living", do: line) ==
               1
    end

    # None of the two is well, and a newcomer dials neither; until there is but one.
    for twin <- [one, two] do
      assert %{health: :conflict, problems: [{nil, :conflict, text}]} = Node.status(twin)
      assert text =~ "has this node's name"
    end

    late = Node.start(lab, "late", host: 3, cluster: @quick)
    all = [late | all]

    eventually("the newcomer is told", all, fn ->
      :conflict in Node.about(late, "twin@twins") and
        match?(%{connection: {:skipped, :conflict}}, Node.peer(late, "twin@twins"))
    end)

    :ok = Node.call(two, GossipCluster, :leave)
    eventually("one is well", all, fn -> Node.status(one).health == :ok end)
    eventually("it is dialled", all, fn -> "twin@twins" in Node.connected(late) end)
  end

  test "two hosts meet though 30 % of all packets are lost" do
    lab = Lab.start(hosts: 2)
    for host <- [1, 2], do: Filter.lose(lab, host, 30)
    a = Node.start(lab, "a", host: 1, cluster: [])
    b = Node.start(lab, "b", host: 2, cluster: [])
    meet([a, b], 60_000)

    eventually("packets are lost on both", [a, b], fn ->
      Filter.lost(lab, 1) > 0 and Filter.lost(lab, 2) > 0
    end)
  end

  test "20 nodes that start at once on 20 hosts: all know all, a full mesh, and nobody is lost on the way" do
    lab = Lab.start(hosts: 20)
    nodes = Node.start_all(lab, for(n <- 1..20, do: {"n#{n}", host: n}))
    at = Lab.clock() + 500_000
    for node <- nodes, do: Node.call(node, Prober, :start_cluster_at, [[], at])

    for node <- nodes,
        do:
          eventually("#{node.name} starts", nodes, fn ->
            Node.time(node, &(&1 == {:start, GossipCluster}))
          end)

    meet(nodes, 60_000)

    for node <- nodes do
      assert length(Node.links(node)) == 19
      assert Enum.all?(Node.links(node), &match?({:nodeup, _name}, &1))

      for {_at, {:event, _cluster, event}} <- Node.events(node),
          do: refute(match?({:down, _peer, _reason}, event))
    end
  end
end
