defmodule GossipCluster.Integration.CrowdTest do
  # Real nodes among many others, which are no nodes: peers that cannot be reached, and members of other clusters.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.Crowd

  test "200 peers that beat behind a firewall delay the finding and connecting of newcomers by nothing" do
    lab = Lab.start(hosts: 3)
    key = :crypto.strong_rand_bytes(32)
    cluster = [secret: {:key, key}]

    # So long such a dial hangs, in seconds, and not 7: none is to end before the newcomers are there.
    flags = ["-kernel", "net_setuptime", "120"]
    # One newcomer dials, the other is dialled.
    specs = [{"a", host: 1, flags: flags}, {"A", host: 2}, {"b", host: 2}]
    [a, low, high] = Node.start_all(lab, specs)
    Node.start_cluster(a, [connect: {Crowd, :connect, []}] ++ cluster)
    Crowd.black_holes(lab, 3, 200, key)
    hangs = fn -> Crowd.dialled(a) == 200 end
    eventually("a dials into all of them", [a], hangs, 60_000)

    for newcomer <- [low, high] do
      arrived = Crowd.arrive(newcomer, cluster)
      eventually("a is connected", [a, newcomer], fn -> arrived.(a) end)

      # None of the dials has come to an end meanwhile, so it has waited for none. (How long that takes is what
      # bench/black_holes.exs measures; that a newcomer waits for no turn either is shown in dialer_test.exs, where a
      # busy machine does not matter.)
      assert hangs.()
    end

    # As of old, each told once, and nothing of them connected.
    assert Node.connected(a) == [low.name, high.name]
    assert length(for {_at, {:event, _, {:up, _peer}}} <- Node.events(a), do: :up) == 202

    # What only its sidecar uses: a kilobyte or so for each of them, and as much for itself as 100 would take. What it
    # maps of libraries others map, too, and how much of them there is at a time the kernel decides.
    assert own_pages(Node.sidecar(a)) <= 210
  end

  # Memory that is no file's, to the page.
  defp own_pages(os_pid) do
    {size, 0} = System.cmd("getconf", ["PAGESIZE"])
    rollup = File.read!("/proc/#{os_pid}/smaps_rollup")
    [_, kilobytes] = Regex.run(~r/^Anonymous:\s+(\d+) kB$/m, rollup)
    div(1024 * String.to_integer(kilobytes), size |> String.trim() |> String.to_integer())
  end

  test "five foreign nodes: a stable cluster writes no line, and has nothing to tell" do
    lab = Lab.start(hosts: 7)
    [a, b] = nodes = Node.start_all(lab, for({n, i} <- [{"a", 1}, {"b", 2}], do: {n, host: i}))

    # Of shorter intervals half a second in which one gets no processor would be told, and rightly.
    for node <- nodes, do: Node.start_cluster(node, interval: 500)
    meet(nodes)
    for host <- 3..7, do: Crowd.start(lab, host, 1, :crypto.strong_rand_bytes(32), 100)

    heard(nodes, 50)
    before = for node <- nodes, do: {Node.log(node), Node.events(node)}
    heard(nodes, 300)

    for {node, {log, events}} <- Enum.zip(nodes, before) do
      assert Node.log(node) == log
      assert Node.events(node) == events
      refute Enum.any?(log, fn {_at, _level, line} -> line =~ "another cluster" end)
    end

    meet([a, b])
  end

  # Waits for so many more packets of other clusters, be it that the kernel drops some of them before the sidecar.
  defp heard(nodes, count) do
    foreign = fn node ->
      stats = Node.stats(node)
      stats.foreign + stats.filtered
    end

    for {node, before} <- Enum.map(nodes, &{&1, foreign.(&1)}) do
      eventually("#{node.name} has heard #{count} foreign packets", nodes, fn ->
        foreign.(node) >= before + count
      end)
    end
  end
end
