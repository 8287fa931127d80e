defmodule GossipCluster.Integration.IntentionTest do
  # Who ends a connection on purpose says so; whatever else ends one is mended at once.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @kinds [
    {"", []},
    {" with -connect_all false", ["-connect_all", "false"]},
    {", both hidden", ["-hidden"]}
  ]
  # A disconnect that is guessed, or respected, lasts longer than any test.
  @cluster [interval: 200, quiet: 3_600_000]

  for {kind, flags} <- @kinds do
    test "a firewall that restarts is no intention, Node.disconnect/1 on either side is#{kind}" do
      flags = unquote(flags) ++ asked_only()
      {lab, [a, b] = nodes} = together(["a", "b"], cluster: @cluster, flags: flags)

      # It is taken for no intention: that would be respected for an hour. (How soon it is dialled again is shown in
      # dialer_test.exs, where a busy machine does not matter.)
      Filter.reset(lab, 1, 2)
      use_connections(nodes)

      for {node, other} <- [{a, b}, {b, a}] do
        eventually("#{node.name} has lost it, and is connected again", nodes, fn ->
          Node.links(node) == [nodeup: other.name, nodedown: other.name, nodeup: other.name]
        end)
      end

      # That connection is a good one, and stays.
      for {node, other} <- [{a, b}, {b, a}] do
        eventually("#{node.name} reaches #{other.name}", nodes, fn ->
          Node.reaches?(node, other)
        end)

        assert Node.links(node) == [nodeup: other.name, nodedown: other.name, nodeup: other.name]
      end

      Filter.forget_resets(lab, 1, 2)

      # What is ended by hand is respected by both, until a connect by hand.
      for {by, other} <- [{a, b}, {b, a}] do
        before = length(Node.links(by))
        true = Node.call(by, Elixir.Node, :disconnect, [String.to_atom(other.name)])

        for {node, other} <- [{by, other}, {other, by}] do
          eventually("#{node.name} leaves #{other.name} alone", nodes, fn ->
            Enum.any?(Node.status(node).problems, &match?({_name, :quiet, _text}, &1))
          end)

          sent = Node.stat(node, :sent)
          eventually("it beats on", nodes, fn -> Node.stat(node, :sent) > sent + 15 end)
          assert Enum.drop(Node.links(node), before) == [nodedown: other.name]
        end

        true = Node.call(other, :net_kernel, :connect_node, [String.to_atom(by.name)])
        meet(nodes)
      end

      # Each says which of the two it was: once here, and once there.
      for node <- nodes, where <- ["on purpose, here", "on purpose, as it says"] do
        assert [_once] = for({_at, _level, line} <- Node.log(node), line =~ where, do: line)
      end
    end
  end

  # `global` then disconnects others, to prevent overlapping partitions; and they dial again at once. Neither may go on
  # for long.
  test "what `global` cuts around a reset connection is whole again soon, and stays so" do
    {lab, [a, b, _c] = nodes} = together(["a", "b", "c"], cluster: @cluster)
    Filter.reset(lab, 1, 2)
    use_connections([a, b])

    for {node, other} <- [{a, b}, {b, a}] do
      eventually("#{node.name} has lost #{other.name}", nodes, fn ->
        {:nodedown, other.name} in Node.links(node)
      end)
    end

    Filter.forget_resets(lab, 1, 2)
    settle(nodes)

    for node <- nodes,
        do: refute(Enum.any?(Node.status(node).problems, &match?({_name, :quiet, _text}, &1)))
  end

  # Whole for 4 s of beats. What `global` says may come late, behind a moment in which all were connected; then once more.
  # Each pair is cut at most twice: by the reset, and by what `global` made of it. So this ends.
  defp settle(nodes) do
    meet(nodes)
    links = Enum.map(nodes, &Node.links/1)
    for links <- links, do: assert(Enum.count(links, &match?({:nodedown, _}, &1)) <= 4)
    last = List.last(nodes)
    sent = Node.stat(last, :sent)
    eventually("4 s of beats", nodes, fn -> Node.stat(last, :sent) > sent + 20 end)
    if Enum.map(nodes, &Node.links/1) != links, do: settle(nodes)
  end

  # Each side learns of a reset when it sends.
  defp use_connections(nodes) do
    for node <- nodes, other <- nodes, node != other do
      to = {:nobody, String.to_atom(other.name)}
      Node.call(node, :erlang, :send, [to, :hello, [:noconnect]])
    end
  end
end
