defmodule GossipCluster.Integration.RotationTest do
  # The three rounds of guides/rotation.md, with real nodes that go through them one after the other.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @old {:key, :binary.copy(<<1>>, 32)}
  @new {:key, :binary.copy(<<2>>, 32)}
  @interval 100

  # Returns when the sidecar has the ring.
  defp rotate(node, ring) do
    before = changes(node)
    :ok = Node.call(node, GossipCluster, :rotate_secret, [GossipCluster, ring])
    eventually("#{node.name} has the ring", [node], fn -> changes(node) > before end)
  end

  defp changes(node),
    do:
      Enum.count(Node.log(node), fn {_at, _level, line} ->
        line =~ "the new key ring is in use"
      end)

  # Longer than 6 silent intervals, which would end a peer.
  defp hear_each_other(nodes) do
    heard = for node <- nodes, do: {node, opened(node)}

    for {node, before} <- heard do
      eventually("#{node.name} goes on hearing the others", nodes, fn ->
        opened(node) > before + 20
      end)
    end
  end

  defp opened(node) do
    stats = Node.stats(node)
    Enum.sum(for n <- 1..4, do: Map.fetch!(stats, :"opened_#{n}"))
  end

  defp nothing_happened(nodes, since) do
    for node <- nodes, {at, event} <- Node.events(node), at > since do
      refute match?({:event, _, {:down, _, _}}, event)
      refute match?({:nodedown, _}, event)
      refute match?({:event, _, {:up, _}}, event)
    end
  end

  test "a secret is changed node by node while they run: old and new see each other, and nobody is lost" do
    {lab, [a, b]} = together(["a", "b"], cluster: [secret: @old, interval: @interval])
    since = Lab.clock()

    # In each round, one has gone on and the other has not; then both.
    for ring <- [[@old, @new], [@new, @old], @new], node <- [a, b] do
      rotate(node, ring)
      hear_each_other([a, b])
    end

    nothing_happened([a, b], since)
    # What it seals with now is the new one; the old one is worth nothing.
    foreign = Node.stat(a, :foreign)
    c = Node.start(lab, "c", host: 1, cluster: [secret: @new, interval: @interval])
    meet([a, b, c])
    d = Node.start(lab, "d", host: 2, cluster: [secret: @old, interval: @interval])
    eventually("a hears the stranger", [a, d], fn -> Node.stat(a, :foreign) > foreign + 10 end)
    assert Node.peers(d) == []
    assert "d@h2" not in Node.peers(a)
  end

  test "a secret is changed by restarts, node by node, with the rings in the configuration" do
    {_lab, [a, b]} = together(["a", "b"], cluster: [secret: @old, interval: @interval])

    for ring <- [[@old, @new], [@new, @old], @new], node <- [a, b] do
      :ok = Node.call(node, Prober, :stop_cluster, [GossipCluster])
      :ok = Node.start_cluster(node, secret: ring, interval: @interval)
      meet([a, b])
    end
  end

  test "who skips a round is not heard by those who hold the old one only, and comes back with the ring of the round" do
    {_lab, [a, b]} = together(["a", "b"], cluster: [secret: @old, interval: @interval])
    rotate(a, @new)

    eventually("they lose each other", [a, b], fn ->
      Node.peers(a) == [] and Node.peers(b) == []
    end)

    # The connection is not cut for that.
    assert Node.connected(a) == [b.name]
    rotate(a, [@old, @new])
    meet([a, b])
  end
end
