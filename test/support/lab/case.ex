defmodule GossipCluster.Lab.Case do
  @moduledoc """
  For tests with real nodes on real networks.

  Where no network can be made these tests fail in CI and are excluded elsewhere, counted and explained by
  test_helper.exs.
  """

  use ExUnit.CaseTemplate

  import ExUnit.Assertions

  alias GossipCluster.Lab
  alias GossipCluster.Lab.Node

  using do
    quote do
      import GossipCluster.Lab.Case
      alias GossipCluster.{Lab, Peer}
      alias GossipCluster.Lab.{Filter, Node, Prober}

      @moduletag :lab
      @moduletag timeout: 180_000
    end
  end

  @doc """
  Flags for nodes that connect only where they are asked to.

  Else whatever is sent to a node dials it. As a connection comes up, each of the two is sent something: `:rex` asks for
  what the other's `:rpc` can do, and answers, and `global` greets. Where the connection is cut before they have sent,
  they make it anew, within milliseconds, in nine of ten cases; so these flags are for tests that cut one soon after.
  """
  @spec asked_only() :: [String.t()]
  def asked_only, do: ["-kernel", "dist_auto_connect", "never"]

  @doc "A lab with a host for each of these nodes, which are started with the same options, and have met."
  @spec together([String.t()], keyword()) :: {Lab.t(), [Node.t()]}
  def together(names, options \\ [cluster: []]) do
    lab = Lab.start(hosts: length(names))

    nodes =
      Node.start_all(
        lab,
        for({name, n} <- Enum.with_index(names, 1), do: {name, [host: n] ++ options})
      )

    meet(nodes)

    # Else a test takes what its subscribers are told a moment later for something new.
    for node <- nodes do
      eventually("#{node.name} has told of it", nodes, fn ->
        Node.call(node, GossipCluster, :status).reports.waiting == 0
      end)
    end

    {lab, nodes}
  end

  @doc """
  Waits until the condition is true, and fails when that takes longer than the deadline, in milliseconds: with what was
  waited for, and what the nodes went through.
  """
  @spec eventually(String.t(), [Node.t()], (() -> as_boolean(term())), pos_integer()) :: term()
  def eventually(what, nodes, condition, deadline \\ 15_000),
    do: eventually(what, nodes, condition, deadline, now() + deadline)

  defp eventually(what, nodes, condition, deadline, until) do
    result = condition.()

    cond do
      result ->
        result

      now() < until ->
        Process.sleep(20)
        eventually(what, nodes, condition, deadline, until)

      true ->
        flunk("not within #{deadline} ms: #{what}\n#{Enum.map_join(nodes, "\n", &story/1)}")
    end
  end

  @doc "Waits until all of these list and are connected to each other, and to nobody else."
  @spec meet([Node.t()], pos_integer()) :: :ok
  def meet(nodes, deadline \\ 15_000) do
    for node <- nodes do
      others = Enum.sort(for other <- nodes, other.name != node.name, do: other.name)

      eventually(
        "#{node.name} lists and is connected to #{Enum.join(others, ", ")}",
        nodes,
        fn -> Node.connected(node) == others and shown(node) == {others, others} end,
        deadline
      )
    end

    :ok
  end

  @doc "Waits until all of these are told last of a node that it has fallen silent."
  @spec silent([Node.t()], Node.t()) :: :ok
  def silent(nodes, gone) do
    for node <- nodes do
      eventually("#{node.name} is told that #{gone.name} has fallen silent", nodes, fn ->
        node |> Node.about(gone) |> List.last() == {:down, :silent}
      end)
    end

    :ok
  end

  # The names of the listed peers, and of those that the owner shows as connected, a moment after they are.
  defp shown(node) do
    peers = node |> Node.call(GossipCluster, :peers) |> Enum.sort_by(& &1.name)
    {Enum.map(peers, & &1.name), for(%{name: name, connection: :connected} <- peers, do: name)}
  end

  @doc "What a node went through, for the message of a failure."
  @spec story(Node.t()) :: String.t()
  def story(node) do
    lines =
      for({at, what} <- Node.events(node), do: {at, inspect(what, limit: 30)}) ++
        for({at, level, line} <- Node.log(node), do: {at, "#{level}: #{line}"})

    lines = lines |> Enum.sort() |> Enum.take(-80)
    start = lines |> List.first({0, ""}) |> elem(0)

    "--- #{node.name}\n" <>
      Enum.map_join(lines, "\n", fn {at, text} ->
        "#{String.pad_leading("#{Float.round((at - start) / 1000, 1)}", 6)} ms  #{text}"
      end)
  catch
    kind, reason -> "--- #{node.name}: #{kind} #{inspect(reason, limit: 10)}"
  end

  defp now, do: System.monotonic_time(:millisecond)
end
