defmodule GossipCluster.Integration.InterfacesTest do
  # Interfaces come, go and change, under nodes that go on.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

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

  defp arrivals(node, other), do: Enum.reject(Node.about(node, other), &(&1 == :update))

  test "one that comes late, behind docker0 and 24 others, is used at once; and so is whatever becomes of it" do
    lab = Lab.start(hosts: 2)
    for n <- [1, 2], do: Lab.rules(lab, n, @only_multicast)
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

    for node <- nodes, do: Node.start_cluster(node, @cluster)

    eventually("all that there is is used", nodes, fn ->
      length(Node.status(b).interfaces) == 25
    end)

    plugged = Lab.plug_in(lab, 2)
    meet(nodes)

    for {node, other} <- [{a, b}, {b, a}] do
      took = Node.time(node, &(&1 == {:nodeup, other.name})) - plugged

      assert took < 2_000_000,
             "NODEUP of #{other.name} #{div(took, 1000)} ms after its link came up"
    end

    for {what, change} <- [
          {"it is deleted, and another comes at once",
           fn -> Lab.unplug(lab, 2) && Lab.plug_in(lab, 2) end},
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
end
