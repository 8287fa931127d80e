defmodule GossipCluster.Integration.DeafMuteTest do
  # Multicast works one way, or is let in nowhere, while unicast passes: who is deaf or mute says so, once, and when it
  # is over; the others say nothing.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @words ~w(arrives arrive comes)

  # What is multicast loops back as of another kind: so the node hears itself.
  defp deafen(lab, host, from \\ ""),
    do: drop(lab, host, "#{from} udp dport 45893 meta pkttype multicast drop")

  defp drop(lab, host, rule) do
    Filter.rules(lab, host, """
    table inet multicast {
      chain input {
        type filter hook input priority 0;
        #{rule}
      }
    }
    """)
  end

  defp let(lab, host), do: Filter.rules(lab, host, "delete table inet multicast")

  # All that it wrote about that, without the cluster's name.
  defp said(node) do
    for {_at, level, line} <- Node.log(node),
        [_, text] <- [String.split(line, "GossipCluster: ", parts: 2)],
        text =~ "interface eth0" and String.contains?(text, @words),
        do: {level, text}
  end

  defp says(node, nodes, lines) do
    eventually("#{node.name} says #{inspect(lines)}", nodes, fn -> said(node) == lines end)
    for other <- nodes, other != node, do: assert(said(other) == [])
  end

  defp degraded(node, nodes, cause) do
    eventually("#{node.name} is #{cause}", nodes, fn ->
      status = Node.status(node)
      match?(%{health: :degraded, problems: [{nil, ^cause, _text}]}, status)
    end)

    eventually("its subscribers know", nodes, fn ->
      Node.time(node, &match?({:event, GossipCluster, {:problem, nil, {^cause, _text}}}, &1)) &&
        Node.time(node, &match?({:event, GossipCluster, {:health, :degraded}}, &1))
    end)

    for other <- nodes, other != node do
      assert %{health: :ok, problems: []} = Node.status(other)
    end
  end

  defp well(node, nodes) do
    eventually("#{node.name} is well again", nodes, fn ->
      match?(%{health: :ok, problems: []}, Node.status(node))
    end)

    for other <- nodes do
      refute Node.time(other, &match?({:event, GossipCluster, {:down, _peer, _reason}}, &1))
    end
  end

  test "a node that is deaf, mute, or closed says so with the interface's name, and that it is over; nobody else does" do
    {lab, [a | others] = nodes} = together(["a", "b", "c"], cluster: [interval: 200])
    for node <- nodes, do: assert(said(node) == [])

    deafen(lab, 1)

    deaf =
      {:warning,
       "nothing that others send to the group arrives on interface eth0, though 2 of them answer by unicast there"}

    says(a, nodes, [deaf])
    degraded(a, nodes, :deaf)
    let(lab, 1)
    hears = {:info, "what others send to the group arrives on interface eth0 again"}
    says(a, nodes, [deaf, hears])
    well(a, nodes)

    from = "ip saddr #{:inet.ntoa(Lab.ip(1))}"
    for {_node, host} <- Enum.with_index(others, 2), do: deafen(lab, host, from)

    mute =
      {:warning,
       "what this node sends to the group on interface eth0 does not arrive at 2 of those who answer by unicast there"}

    says(a, nodes, [deaf, hears, mute])
    degraded(a, nodes, :mute)
    for {_node, host} <- Enum.with_index(others, 2), do: let(lab, host)
    heard = {:info, "what this node sends to the group on interface eth0 arrives again"}
    says(a, nodes, [deaf, hears, mute, heard])
    well(a, nodes)
  end

  # The bridge believes that somebody asks, and so lets multicast pass to those alone of whom it was told lately.
  test "a switch that snoops, and whose querier has gone mute: all say so; and that it is over when one asks again" do
    lab = Lab.start(hosts: 2)
    asks = "mcast_querier 1 mcast_query_interval 100 mcast_query_response_interval 50"
    Lab.switch(lab, "#{asks} mcast_membership_interval 250 mcast_startup_query_interval 100")
    specs = for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, cluster: [interval: 200]}
    [a, b] = nodes = Node.start_all(lab, specs)
    meet(nodes)

    before = for node <- nodes, do: Node.stat(node, :opened_1)

    eventually("heartbeats pass while somebody asks", nodes, fn ->
      nodes
      |> Enum.zip(before)
      |> Enum.all?(fn {n, before} -> Node.stat(n, :opened_1) > before + 15 end)
    end)

    for node <- nodes, do: assert(said(node) == [])
    Lab.switch(lab, "mcast_query_interval 360000")

    for node <- nodes do
      eventually("#{node.name} is deaf and mute", nodes, fn ->
        status = Node.status(node)

        status.health == :degraded and
          match?([{nil, :deaf, _}, {nil, :mute, _}], Enum.sort(status.problems))
      end)
    end

    Lab.switch(lab, "mcast_querier 0")
    Lab.switch(lab, "mcast_querier 1 mcast_query_interval 100")
    well(a, nodes)
    well(b, nodes)

    for node <- nodes do
      assert Enum.sort(said(node)) == [
               info: "what others send to the group arrives on interface eth0 again",
               info: "what this node sends to the group on interface eth0 arrives again",
               warning:
                 "nothing that others send to the group arrives on interface eth0, though 1 of them answers by unicast there",
               warning:
                 "what this node sends to the group on interface eth0 does not arrive at 1 of those who answer by unicast there"
             ]
    end
  end

  # It need not know anybody for that.
  test "a node whose own firewall lets in nothing that is sent to the group sees that alone" do
    lab = Lab.start(hosts: 1)
    drop(lab, 1, "udp dport 45893 ip daddr 224.0.0.0/4 drop")
    a = Node.start(lab, "a", host: 1, cluster: [interval: 200])

    closed =
      {:warning,
       "nothing that is sent to the group arrives on interface eth0, not even what this node sends itself"}

    says(a, [a], [closed])
    degraded(a, [a], :deaf)
    let(lab, 1)

    open = {:info, "what this node sends to the group on interface eth0 comes back to it again"}

    says(a, [a], [closed, open])
    well(a, [a])
  end
end
