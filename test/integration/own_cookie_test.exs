defmodule GossipCluster.Integration.OwnCookieTest do
  # Nodes with cookies of their own, set for each other by Node.set_cookie/2: what Erlang would connect is connected.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @cluster [interval: 200, secret: {:key, String.duplicate("k", 32)}]

  defp pair do
    lab = Lab.start(hosts: 2)

    for {name, n} <- [{"a", 1}, {"b", 2}],
        do: Node.start(lab, name, host: n, cookie: "the_cookie_of_#{name}")
  end

  # Erlang wants one cookie for the pair: what each holds for the other.
  defp set_cookies([a, b]) do
    true = Node.call(a, Elixir.Node, :set_cookie, [:b@h2, :a_cookie_of_both])
    true = Node.call(b, Elixir.Node, :set_cookie, [:a@h1, :a_cookie_of_both])
  end

  test "different cookies, each set for the other beforehand: they meet" do
    nodes = pair()
    set_cookies(nodes)
    for node <- nodes, do: Node.start_cluster(node, @cluster)
    meet(nodes)

    # And no line of trouble.
    for node <- nodes, {_at, level, line} <- Node.log(node), do: refute(level == :warning, line)
  end

  test "set later, after the difference was told: they meet then" do
    [a, b] = nodes = pair()
    for node <- nodes, do: Node.start_cluster(node, @cluster)

    for {node, other} <- [{a, b}, {b, a}],
        do:
          eventually("#{node.name} does not dial", nodes, fn ->
            match?(%Peer{connection: {:skipped, :cookie}}, Node.peer(node, other))
          end)

    set_cookies(nodes)
    meet(nodes)
  end

  test "set for the other on one side only, to what that one has: they meet, whichever side it is" do
    for {n, m} <- [{0, 1}, {1, 0}] do
      nodes = pair()
      [node, other] = [Enum.at(nodes, n), Enum.at(nodes, m)]
      cookie = Node.call(other, Elixir.Node, :get_cookie)
      name = String.to_atom(other.name)
      true = Node.call(node, Elixir.Node, :set_cookie, [name, cookie])
      for node <- nodes, do: Node.start_cluster(node, @cluster)
      meet(nodes)
      for node <- nodes, {_at, level, line} <- Node.log(node), do: refute(level == :warning, line)
    end
  end

  test "set for the other on one side only, and wrong there: not connected, and told, without the cookie" do
    [a, b] = nodes = pair()
    true = Node.call(a, Elixir.Node, :set_cookie, [:b@h2, :not_the_cookie_of_b])
    for node <- nodes, do: Node.start_cluster(node, @cluster)

    for {node, other} <- [{a, b}, {b, a}],
        do:
          eventually("#{node.name} does not dial", nodes, fn ->
            match?(%Peer{problem: {:cookie, _text}}, Node.peer(node, other))
          end)

    assert {:cookie, text} = Node.peer(a, b).problem
    assert text =~ "refuses the cookie that is set for it here"
    assert {:cookie, text} = Node.peer(b, a).problem
    assert text =~ "its Erlang cookie differs from ours"

    for node <- nodes do
      assert Node.links(node) == []
      state = Node.call(node, :sys, :get_state, [GossipCluster])
      seen = inspect({state, Node.events(node), Node.log(node)}, limit: :infinity)
      refute seen =~ "the_cookie" or seen =~ "not_the_cookie_of_b"
    end
  end
end
