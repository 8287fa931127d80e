defmodule GossipCluster.Integration.RejoinTest do
  # The way back after leave/1, and what subscribers are told of connections.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @quick [interval: 200, quiet: 3_600_000]

  test "a node that left joins again: listed, and connected, each time, and each side is told once" do
    {lab, [a, b] = nodes} = together(["a", "b"], cluster: @quick, flags: asked_only())

    :ok = Node.call(b, GossipCluster, :leave, [GossipCluster, [disconnect: true]])
    eventually("it left", nodes, fn -> Node.peers(a) == [] and Node.connected(a) == [] end)
    assert %{left: true, announced: false} = Node.status(b)
    :ok = Node.call(b, GossipCluster, :rejoin)
    meet(nodes)
    assert %{left: false, announced: true, health: :ok} = Node.status(b)
    told(nodes, a, b, [:up, {:down, :left}, :up])
    # Once more, though it is there.
    :ok = Node.call(b, GossipCluster, :rejoin)
    assert Node.peers(a) == [b.name]

    # While the goodbyes are said, which takes 10 ms: it is gone for a moment, and the connection stays.
    links = Enum.map(nodes, &Node.links/1)
    :ok = Node.call(b, Prober, :leave_and_rejoin)
    told(nodes, a, b, [:up, {:down, :left}, :up, {:down, :left}, :up])
    assert Node.peers(a) == [b.name]
    assert Enum.map(nodes, &Node.links/1) == links

    # Its own subscribers know when it was away; a was there all the time.
    assert membership(b) == [:left, :rejoined, :left, :rejoined]
    assert membership(a) == []
    assert Enum.reject(Node.about(b, a), &(&1 == :update)) == [:up]

    # Who has begun another life meanwhile is dialled as soon as it is heard.
    :ok = Node.call(b, GossipCluster, :leave, [GossipCluster, [disconnect: true]])
    :ok = :peer.stop(a.peer)
    a = Node.start(lab, "a", host: 1, cluster: @quick)
    :ok = Node.call(b, GossipCluster, :rejoin)
    meet([a, b])
    told([a, b], b, a, [:up, {:down, :silent}, :up])
    # What happened is told once: a line each.
    for text <- ["leaves the cluster", "joins the cluster again"],
        do: assert(length(lines(b, text)) == 3)

    for node <- [a, b], do: refute(Enum.any?(Node.log(node), &(elem(&1, 1) == :warning)))
  end

  test "subscribers are told of connections that come and go, and of what keeps them from coming, once each" do
    {lab, [a, b] = nodes} = together(["a", "b"], cluster: @quick, flags: asked_only())
    connected = fn node, other -> about(node, other) == [:connected] end
    eventually("connected", nodes, fn -> connected.(a, b) and connected.(b, a) end)
    true = Node.call(a, Elixir.Node, :disconnect, [String.to_atom(b.name)])

    for {node, other, reason} <- [{a, b, :disconnect}, {b, a, :connection_closed}] do
      told = [:connected, {:disconnected, reason}, {:problem, :quiet}]

      eventually("why it stays so", nodes, fn ->
        Enum.sort(about(node, other)) == Enum.sort(told)
      end)
    end

    true = Node.call(a, :net_kernel, :connect_node, [String.to_atom(b.name)])

    for {node, other} <- [{a, b}, {b, a}] do
      eventually("connected again", nodes, fn ->
        List.last(about(node, other)) == :connected and Node.peer(node, other).problem == nil
      end)

      assert length(about(node, other)) == 4
    end

    # A reset is no problem, and there is none while it is mended.
    Filter.reset(lab, 1, 2)

    for {node, other} <- [{a, b}, {b, a}] do
      to = {:nobody, String.to_atom(other.name)}
      Node.call(node, :erlang, :send, [to, :hello, [:noconnect]])
    end

    for {node, other} <- [{a, b}, {b, a}] do
      eventually("connected anew", nodes, fn ->
        match?([{:disconnected, _}, :connected], node |> about(other) |> Enum.drop(4))
      end)
    end

    Filter.forget_resets(lab, 1, 2)

    # Who leaves is told of as gone, whether its connection goes before or after.
    :ok = Node.call(b, GossipCluster, :leave, [GossipCluster, [disconnect: true]])

    eventually("gone", nodes, fn ->
      Enum.drop(about(a, b), 6) == [{:disconnected, :connection_closed}]
    end)

    :ok = Node.call(b, GossipCluster, :rejoin)
    eventually("back", nodes, fn -> Enum.drop(about(a, b), 7) == [:connected] end)
    eventually("back", nodes, fn -> List.last(about(b, a)) == :connected end)
    assert length(about(a, b)) == 8

    c = Node.start(lab, "c", host: 1, cookie: "another", cluster: @quick)
    assert Node.about(c, a) == []
  end

  # No more than that, and no less.
  defp told(nodes, node, about, events) do
    told = fn -> Enum.reject(Node.about(node, about), &(&1 == :update)) end
    eventually("#{about.name} is told of", nodes, fn -> length(told.()) >= length(events) end)
    assert told.() == events
  end

  defp membership(node),
    do: for({_at, {:event, _cluster, {:membership, what}}} <- Node.events(node), do: what)

  defp lines(node, text),
    do: for({_at, _level, line} <- Node.log(node), line =~ text, do: line)

  defp about(node, peer) do
    for {_at, {:event, _cluster, event}} <- Node.events(node),
        elem(event, 0) in [:connected, :disconnected, :problem],
        elem(event, 1).name == peer.name do
      case event do
        {:connected, _peer} -> :connected
        {:disconnected, _peer, reason} -> {:disconnected, reason}
        {:problem, _peer, {cause, _text}} -> {:problem, cause}
      end
    end
  end
end
