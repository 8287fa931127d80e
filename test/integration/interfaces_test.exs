defmodule GossipCluster.Integration.InterfacesTest do
  # Interfaces come, go and change, under nodes that go on.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.Prober

  @cluster [interval: 200, secret: {:key, String.duplicate("k", 32)}]

  # With unicast alone, whom multicast does not reach any more would be met all the same: so only multicast passes.
  @only_multicast """
  table inet lab {
    chain input {
      type filter hook input priority 0;
      iifname != "lo" meta l4proto udp ip daddr != 224.0.0.0/4 drop
    }
  }
  """

  # What is used of docker0 and net1 to net24, and what the kernel has joined, by what the option names.
  defp chosen(node) do
    for {interfaces, names} <- [
          {{:except, ["net*"]}, ["docker0"]},
          {{:except, ["docker0", "net1*", "10.200.2.1", "10.200.24.1"]},
           for(i <- [3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23], do: "net#{i}")},
          {["10.200.7.1", "net2?"], ["net7" | for(i <- 20..24, do: "net#{i}")]}
        ] do
      Node.start_cluster(node, @cluster ++ [interfaces: interfaces])

      for {what, used} <- [{"told", &told/1}, {"joined", &joined/1}] do
        eventually("#{inspect(interfaces)}: what is used is #{what}", [node], fn ->
          Enum.sort(used.(node)) == Enum.sort(names)
        end)
      end

      :ok = Node.call(node, Prober, :stop_cluster, [GossipCluster])
    end
  end

  defp told(node), do: for({name, _index, _ip} <- Node.status(node).interfaces, do: name)

  # A line of an interface, and below it one of each group, in hexadecimal and the host's order: 233.252.1.33.
  defp joined(node) do
    {:ok, text} = Node.call(node, File, :read, ["/proc/self/net/igmp"])
    group = if System.endianness() == :little, do: "2101FCE9", else: "E9FC0121"

    for part <- String.split(text, ~r/\n(?=\d)/), part =~ group do
      [_, name] = Regex.run(~r/^\d+\s+(\S+?)\s*:/, part)
      name
    end
  end

  # Their heartbeats come again. A goodbye is said three times in 10 ms: who is not there yet misses it, and is right to.
  defp hear_each_other(what, nodes) do
    before = for node <- nodes, do: Node.stat(node, :opened_1)

    eventually("#{what}: they hear each other", nodes, fn ->
      for(node <- nodes, do: Node.stat(node, :opened_1))
      |> Enum.zip(before)
      |> Enum.all?(fn {now, before} -> now >= before + 3 end)
    end)
  end

  # A goodbye, and a heartbeat under a new boot id: both are heard by the group, or not at all.
  defp heard_by_group(node, other) do
    before = length(arrivals(node, other))
    :ok = Node.call(other, GossipCluster, :leave)
    :ok = Node.call(other, GossipCluster, :rejoin)

    eventually("#{node.name} hears that #{other.name} leaves and comes back", [node, other], fn ->
      Enum.drop(arrivals(node, other), before) == [{:down, :left}, :up]
    end)
  end

  # Long enough for who is gone to be lost.
  defp gone_for_3_s(lab, n, nodes, plug_in) do
    Lab.unplug(lab, n)
    gone = Lab.clock()
    eventually("3 s", nodes, fn -> Lab.clock() - gone > 3_000_000 end)
    plug_in.()
  end

  defp replace_under_its_number(lab, n, options \\ []) do
    index = Lab.index(lab, n)
    Lab.unplug(lab, n)
    Lab.plug_in(lab, n, 1, [index: index] ++ options)
    assert Lab.index(lab, n) == index
  end

  defp arrivals(node, other), do: Enum.reject(Node.about(node, other), &(&1 == :update))

  test "one that comes late, behind docker0 and 24 others, is used; and so is whatever becomes of it" do
    lab = Lab.start(hosts: 2)
    for n <- [1, 2], do: Filter.rules(lab, n, @only_multicast)
    Lab.unplug(lab, 2)

    Lab.links(lab, 2, [
      "link add docker0 type bridge",
      "address add 172.17.0.1/16 dev docker0",
      "link set docker0 up"
    ])

    for i <- 1..24,
        do:
          Lab.links(lab, 2, [
            "link add net#{i} type bridge",
            "address add 10.200.#{i}.1/24 dev net#{i}",
            "link set net#{i} up"
          ])

    [a, b] =
      nodes = Node.start_all(lab, for({name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n}))

    chosen(b)
    for node <- nodes, do: Node.start_cluster(node, @cluster)

    eventually("all that there is is used", nodes, fn ->
      length(Node.status(b).interfaces) == 25
    end)

    # In 85 ms, as bench/start_to_nodeup.exs measures; that its coming wakes the sidecar is links_namespace_test.c's.
    Lab.plug_in(lab, 2)
    meet(nodes)

    for {what, change} <- [
          {"it is deleted, and another comes at once",
           fn -> Lab.unplug(lab, 2) && Lab.plug_in(lab, 2) end},
          {"it is deleted, and another comes at once under its number",
           fn -> replace_under_its_number(lab, 2) end},
          {"it is deleted, and another comes after 3 s",
           fn -> gone_for_3_s(lab, 2, nodes, fn -> Lab.plug_in(lab, 2) end) end},
          {"it goes down, and comes up",
           fn -> Lab.links(lab, 2, ["link set eth0 down", "link set eth0 up"]) end},
          {"it has another address",
           fn ->
             Lab.links(lab, 2, [
               "address delete 10.77.0.2/24 dev eth0",
               "address add 10.77.0.77/24 dev eth0"
             ])
           end},
          {"it has another name",
           fn ->
             Lab.links(lab, 2, [
               "link set eth0 down",
               "link set eth0 name wan0",
               "link set wan0 up"
             ])
           end},
          {"it becomes a port of a bridge, which has its address now",
           fn ->
             Lab.links(lab, 2, [
               "link add br9 type bridge",
               "link set wan0 master br9",
               "address delete 10.77.0.77/24 dev wan0",
               "address add 10.77.0.77/24 dev br9",
               "link set br9 up"
             ])
           end}
        ] do
      change.()

      eventually("#{what}: they are connected", nodes, fn ->
        Node.reaches?(a, b) and Node.reaches?(b, a)
      end)

      hear_each_other(what, nodes)
      heard_by_group(b, a)
      heard_by_group(a, b)
      meet(nodes)
    end
  end

  # The other kernel sends to the old hardware address until this host says something to it alone: without a word over
  # each connection calls hang, as kernels are set for 20 to 54 s, here for minutes. The nodes are left alone first, as an
  # idle application leaves them, and the one that keeps its interface speaks first. Unicast passes: where multicast alone
  # does, as above, the sidecars ask by unicast all the time, which heals it.
  test "one that has another hardware address is reached at once by those who knew the old one" do
    lab = Lab.start(hosts: 2)

    believe =
      ~S(for f in /proc/sys/net/ipv4/neigh/*/base_reachable_time_ms; do echo 600000 > $f; done)

    Lab.in_host(lab, 1, ["sh", "-c", believe])

    specs = for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, cluster: @cluster}
    [a, b] = nodes = Node.start_all(lab, specs)
    meet(nodes)

    for {what, change} <- [
          {"it has another while it is up",
           fn -> Lab.links(lab, 2, ["link set eth0 address 02:00:00:00:77:02"]) end},
          {"it is deleted, and another comes at once under its number",
           fn -> replace_under_its_number(lab, 2) end}
        ] do
      eventually("nothing is under way between them", nodes, fn -> Lab.idle(lab, 2) > 1_000 end)
      links = Node.links(a)
      change.()
      eventually("#{what}: a reaches b", nodes, fn -> Node.reaches?(a, b) end)
      assert Node.links(a) == links, "#{what}: over another connection than before"
    end
  end

  # Erlang cannot dial the addresses of such links, and need not: the sidecars hear each other.
  test "one over IPv6 alone is used whatever becomes of it" do
    lab = Lab.start(hosts: 2, ipv6: [1, 2])

    for n <- [1, 2] do
      Lab.unplug(lab, n)
      Lab.without_dad(lab, n)

      Filter.rules(
        lab,
        n,
        String.replace(@only_multicast, "ip daddr != 224.0.0.0/4", "ip6 daddr != ff00::/8")
      )
    end

    specs = for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, cluster: @cluster}
    [a, b] = nodes = Node.start_all(lab, specs)
    plug_in = fn n, options -> Lab.plug_in(lab, n, 1, [ipv4: false] ++ options) end
    for n <- [1, 2], do: plug_in.(n, [])

    for {what, change} <- [
          {"it is created after the start", fn -> :ok end},
          {"it is deleted, and another comes at once",
           fn -> Lab.unplug(lab, 2) && plug_in.(2, []) end},
          {"it is deleted, and another comes at once under its number",
           fn -> replace_under_its_number(lab, 2, ipv4: false) end},
          {"it is deleted, and another comes after 3 s",
           fn -> gone_for_3_s(lab, 2, nodes, fn -> plug_in.(2, []) end) end},
          {"it goes down, and comes up",
           fn -> Lab.links(lab, 2, ["link set eth0 down", "link set eth0 up"]) end},
          {"it has another name", fn -> Lab.rename(lab, 2, "eth0", "wan0") end},
          {"it becomes a port of a bridge",
           fn ->
             Lab.links(lab, 2, [
               "link add br9 type bridge",
               "link set wan0 master br9",
               "link set br9 up"
             ])
           end}
        ] do
      change.()

      for {node, other} <- [{a, b}, {b, a}] do
        eventually("#{what}: #{node.name} lists #{other.name}", nodes, fn ->
          Node.peers(node) == [other.name]
        end)
      end

      hear_each_other(what, nodes)
      heard_by_group(b, a)
      heard_by_group(a, b)
    end
  end

  # a and c know of each other by b alone, and have no path: they are listed, dialled in vain, and not buried. Erlang's
  # `global` cuts connections of who cannot reach all (prevent_overlapping_partitions), unless it is told not to.
  test "two LANs, and one node on both: it is connected to those of either" do
    lab = Lab.start(hosts: 3, lans: 2)
    Lab.unplug(lab, 1, 2)
    Lab.unplug(lab, 3, 1)
    flags = ["-kernel", "prevent_overlapping_partitions", "false"]

    [a, b, c] =
      nodes =
      Node.start_all(
        lab,
        for(
          {name, n} <- [{"a", 1}, {"b", 2}, {"c", 3}],
          do: {name, host: n, flags: flags, cluster: @cluster}
        )
      )

    links = [{a, b}, {b, a}, {b, c}, {c, b}]

    for {node, other} <- links do
      eventually("#{node.name} and #{other.name} are connected", nodes, fn ->
        match?(%{connection: :connected, heard: true}, Node.peer(node, other))
      end)
    end

    for {node, other} <- [{a, c}, {c, a}] do
      eventually("#{node.name} cannot reach #{other.name}, and says so", nodes, fn ->
        match?(%{heard: false, problem: {:unreachable, _text}}, Node.peer(node, other))
      end)
    end

    sent = Node.stat(b, :sent)
    eventually("many beats later", nodes, fn -> Node.stat(b, :sent) >= sent + 20 end)

    for node <- nodes, other <- nodes, node != other do
      refute Enum.any?(Node.about(node, other), &match?({:down, _reason}, &1))
      assert Node.status(node).health == :ok
    end

    for {node, other} <- links do
      assert Node.reaches?(node, other)
      assert Enum.count(Node.links(node), &(&1 == {:nodeup, other.name})) == 1
    end
  end
end
