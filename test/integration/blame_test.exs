defmodule GossipCluster.Integration.BlameTest do
  # Nothing is blamed before the true cause is known. `bench/kills.exs` does the same, longer.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.Kills

  for {what, kill, rounds} <- [
        {"killed", :vm, 4},
        {"killed, and its sidecar says so a moment too late", :late, 1},
        {"killed with its sidecar, as its container is", :both, 2}
      ] do
    test "a peer is #{what}, again and again: no firewall is blamed, whoever has the lower name" do
      lab = Lab.start(hosts: 4)
      survivors = Kills.survivors(lab)
      for _ <- 1..unquote(rounds), do: Kills.round(lab, survivors, unquote(kill))
      for node <- survivors, do: assert(Kills.blamed(node) == [], node.name)
    end
  end

  test "a cable is cut and healed: nobody blames anybody, on either side" do
    {lab, [_a, _b, c] = nodes} =
      together(["a", "b", "c"],
        cluster: [],
        flags: ["-kernel", "net_ticktime", "4", "-kernel", "connect_all", "false"]
      )

    Lab.cut(lab, 3, :silent)

    eventually("all connections to c are lost", nodes, fn ->
      Node.connected(c) == [] and Enum.all?(nodes, &(c.name not in Node.connected(&1)))
    end)

    # It has dialled in vain meanwhile, and been left to wonder.
    eventually("c has dialled both", nodes, fn ->
      Enum.all?(["a@h1", "b@h2"], &(Kills.failures(c, &1) > 1))
    end)

    Lab.heal(lab, 3)
    meet(nodes, 30_000)
    for node <- nodes, do: assert(Kills.blamed(node) == [], node.name)
  end

  test "a port that stays closed is blamed, by both sides, once" do
    lab = Lab.start(hosts: 2)

    for host <- [1, 2], do: Filter.firewall(lab, host, "reject with tcp reset")

    [a, b] = nodes = Node.start_all(lab, for({n, h} <- [{"a", 1}, {"b", 2}], do: {n, host: h}))
    for node <- nodes, do: Node.start_cluster(node, interval: 200)

    for {node, other} <- [{a, b}, {b, a}] do
      eventually("#{node.name} has dialled in vain", nodes, fn ->
        Kills.failures(node, other.name) > 3 and Kills.blamed(node) != []
      end)

      assert [line] = Kills.blamed(node)
      assert line =~ "its distribution port is closed"
    end
  end
end
