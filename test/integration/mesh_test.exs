defmodule GossipCluster.Integration.MeshTest do
  # Twelve nodes on twelve hosts, without epmd, under names that resolve nowhere, started at once: whether they form a
  # full mesh without a connection being lost on the way, for `global` cuts healthy ones where it does not find an
  # address.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.Mesh

  @count 12
  # In microseconds: what the dialer waits, see GossipCluster.Cluster.Dialer.
  @reconnect 400_000

  defp form(nodes, deadline) do
    since = Mesh.form(nodes)
    eventually("a full mesh", nodes, fn -> Mesh.formed_at(nodes, since) end, deadline)
    since
  end

  # Whether the mesh is still whole, and nothing was lost, after `global` has had time to act on what it may have
  # missed.
  defp steady(nodes, since) do
    beat_on(nodes)
    assert Mesh.downs(nodes, since) == 0
    assert Mesh.whole?(nodes)

    for node <- nodes, {at, {:event, _cluster, event}} <- Node.events(node), at > since do
      refute match?({:down, _peer, _reason}, event)
    end
  end

  defp beat_on(nodes) do
    beats = for node <- nodes, do: {node, Node.stat(node, :sent)}

    for {node, sent} <- beats,
        do:
          eventually("#{node.name} beats on", nodes, fn -> Node.stat(node, :sent) > sent + 2 end)
  end

  test "a full mesh without a lost connection; also where 10 % of all packets are lost; also after a broken pair" do
    lab = Lab.start(hosts: @count)
    nodes = Mesh.boot(lab, @count)
    steady(nodes, form(nodes, 10_000))

    for host <- 1..@count, do: Filter.lose(lab, host, 10)
    steady(nodes, form(nodes, 20_000))
    for host <- 1..@count, do: assert(Filter.lost(lab, host) > 0)
    for host <- 1..@count, do: Filter.lose(lab, host, 0)

    broken_pair(lab, nodes)
  end

  # prevent_overlapping_partitions is Erlang's default: who loses one node tells all, and `global` cuts healthy
  # connections as long as the pair stays broken.
  defp broken_pair(lab, [a, b | _] = nodes) do
    since = Lab.clock()
    Filter.part(lab, 1, 2)
    # Whatever they say to one another now ends the connection.
    for {from, to} <- [{a, b}, {b, a}],
        do: Node.call(from, :erlang, :send, [{:nobody, String.to_atom(to.name)}, :hello])

    eventually("the pair has lost each other", nodes, fn ->
      b.name not in Node.connected(a) and a.name not in Node.connected(b)
    end)

    eventually("`global` cuts others", nodes, fn -> Mesh.downs(nodes, since) > 4 end, 30_000)
    # Long enough for backoff to grow.
    breaking = Lab.clock()
    eventually("8 s pass", nodes, fn -> Lab.clock() > breaking + 8_000_000 end)

    Filter.join(lab, 1, 2)

    eventually("a full mesh again", nodes, fn -> Mesh.whole?(nodes) end, 5_000)
    whole = Lab.clock()

    eventually("it stays whole for 2 s", nodes, fn ->
      if Mesh.whole?(nodes), do: Lab.clock() > whole + 2_000_000
    end)

    assert Mesh.whole?(nodes)
    assert Mesh.downs(nodes, whole) == 0

    # Each lost or made connection is one line on either side; what else is said is said once.
    for node <- nodes do
      lines = for {at, level, line} <- Node.log(node), at > since, ours?(line), do: {level, line}

      {links, other} =
        Enum.split_with(lines, fn {_level, line} -> line =~ ~r/^NODE(UP|DOWN) / end)

      {debug, other} = Enum.split_with(other, fn {level, _line} -> level == :debug end)
      told = told(node, since)

      assert length(links) <= length(told)
      assert length(debug) <= length(told)
      assert length(other) <= 2, inspect(other)
    end

    paced(a, since)
  end

  # Whatever `global` cuts is dialled again after @reconnect, and no sooner: by `a`, whose name is lower than all others.
  # What comes up before that is of `global`'s own making, which connects now and then, too; so it is seldom.
  defp paced(a, since) do
    pauses =
      for {_other, told} <- Enum.group_by(told(a, since), &elem(&1, 2)),
          [{down, :nodedown, _}, {up, :nodeup, _}] <- Enum.chunk_every(told, 2, 1, :discard),
          do: up - down

    {soon, dialled} = Enum.split_with(pauses, &(&1 < @reconnect))
    assert length(soon) < div(length(dialled), 2), inspect(Enum.sort(pauses))
  end

  defp told(node, since),
    do:
      for(
        {at, {kind, other}} <- Node.events(node),
        kind in [:nodeup, :nodedown],
        at > since,
        do: {at, kind, other}
      )

  defp ours?(line), do: line =~ ~r/^(GossipCluster|NODEUP|NODEDOWN)/

  test "the same over TLS" do
    lab = Lab.start(hosts: @count)
    nodes = Mesh.boot(lab, @count, flags: Mesh.tls(lab))
    steady(nodes, form(nodes, 20_000))
    assert %Peer{tls: true, connection: :connected} = Node.peer(hd(nodes), List.last(nodes))
  end
end
