defmodule GossipCluster.Cluster.MigrationTest do
  # Nodes that libcluster's wire names, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.{Cluster, Compat, Peer}
  alias GossipCluster.Cluster.Legacy

  @compat [compat: elem(Compat.new(:libcluster), 1)]

  defp legacy(name), do: {:frame, {:legacy, name}}
  defp cluster(peers \\ []), do: running(peers, @compat)

  test "it is shown, dialled by the usual rules and told; that it is heard again is no news" do
    {cluster, effects} = handle(cluster(), legacy("zoe@x"))
    assert dialled(effects) == ["zoe@x"]
    assert [%Peer{name: "zoe@x", status: :legacy, paths: []} | _] = shown(effects)
    assert [{:legacy_up, %Peer{name: "zoe@x"}, 1}] = facts(effects)
    assert for({:epmd_put, peer} <- effects, do: peer) == []
    # The higher name waits for the other side, as ever.
    {_cluster, effects} = handle(cluster(), legacy("a@x"))
    assert dialled(effects) == []
    {_cluster, effects} = handle(cluster, legacy("zoe@x"), 5_000)
    assert facts(effects) == [] and dialled(effects) == [] and shown(effects) == []
  end

  test "it is dialled once a backoff, however often it is named" do
    {cluster, _effects} = handle(cluster(), legacy("zoe@x"))
    failed = {:dialled, "zoe@x", {:failed, {:unresolved, "no such host"}}, 0}

    {cluster, _effects} = handle(cluster, failed, 0)

    {_cluster, times} =
      Enum.reduce(1..600, {cluster, []}, fn n, {cluster, times} ->
        {cluster, effects} = handle(cluster, [legacy("zoe@x"), {:timeout, :dial}], n * 100)
        dialled = dialled(effects) == ["zoe@x"]

        {cluster, _effects} =
          if dialled, do: handle(cluster, failed, n * 100), else: {cluster, []}

        {cluster, if(dialled, do: [n * 100 | times], else: times)}
      end)

    # 0.5 s, and twice as long each time: five or six in 30 s, of 300 times that it was named.
    assert length(times) in 5..8
  end

  test "a connected one is up, and await counts it; it is lost after a minute, and its connection stays" do
    {cluster, effects} = handle(cluster(), [legacy("zoe@x"), {:nodeup, "zoe@x"}])
    assert {:nodeup, "zoe@x"} in facts(effects)
    assert [{:connected, %Peer{status: :legacy}}] = told(effects)
    {_cluster, effects} = handle(cluster, {:await, :caller, self(), 1, %{}, 1_000})
    assert {:reply, :caller, :ok} in effects
    # With tags it does not count: it has none.
    {_cluster, effects} = handle(cluster, {:await, :caller, self(), 1, %{"a" => "b"}, 1_000})
    refute {:reply, :caller, :ok} in effects

    {cluster, effects} = handle(cluster, {:pulse, local()}, 59_999)
    refute Enum.any?(facts(effects), &match?({:legacy_down, _, _, _}, &1))
    {cluster, effects} = handle(cluster, {:pulse, local()}, 60_000)
    assert [{:legacy_down, %Peer{name: "zoe@x"}, :silent, 0} | _] = facts(effects)
    assert for({:hide, peer} <- effects, do: peer.name) == ["zoe@x"]
    assert for({:disconnect, name} <- effects, do: name) == []
    assert Cluster.summary(cluster).connected == 0
  end

  test "on_down: :disconnect does nothing to it" do
    cluster = running([], [on_down: :disconnect] ++ @compat)
    {cluster, _effects} = handle(cluster, [legacy("zoe@x"), {:nodeup, "zoe@x"}])
    {_cluster, effects} = handle(cluster, {:pulse, local()}, 60_000)
    assert [_one] = for({:hide, peer} <- effects, do: peer)
    assert for({:disconnect, name} <- effects, do: name) == []
  end

  test "one that becomes a peer is listed once, by the roster, and stays connected" do
    {cluster, _effects} = handle(cluster(), [legacy("zoe@x"), {:nodeup, "zoe@x"}])
    {cluster, effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}})

    assert [{:legacy_down, %Peer{}, :native, 0}, {:up, %Peer{connection: :connected}, 1}] =
             facts(effects)

    assert {:hide, Legacy.peer("zoe@x")} in effects
    assert [%Peer{status: :alive, connection: :connected, creation: 1}] = shown(effects)
    assert told(effects) == []
    summary = Cluster.summary(cluster)
    assert {summary.peers, summary.connected} == {1, 1}
    {_cluster, effects} = handle(cluster, legacy("zoe@x"))
    assert facts(effects) == [] and shown(effects) == []
  end

  test "one whose connection is lost while it is a peer, and is dialled as such, has one life" do
    {cluster, _effects} = handle(cluster(), legacy("zoe@x"))
    {cluster, _effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}})
    failed = {:dialled, "zoe@x", {:failed, {:timeout, "no answer"}}, 0}
    {cluster, _effects} = handle(cluster, failed, 100)
    {_cluster, effects} = handle(cluster, {:timeout, :dial}, 1_000)
    assert dialled(effects) == ["zoe@x"]
  end

  test "a peer that has left is not back because its last words come late" do
    {cluster, _effects} =
      handle(cluster([peer("zoe@x")]), {:frame, {:down, peer("zoe@x"), :left}})

    {cluster, effects} = handle(cluster, legacy("zoe@x"), 1_000)
    assert facts(effects) == [] and dialled(effects) == []
    {_cluster, effects} = handle(cluster, legacy("zoe@x"), 6_000)
    assert [{:legacy_up, _peer, 1}] = facts(effects)
  end

  test "who has left hears nobody, and lists nobody" do
    {cluster, _effects} = handle(cluster(), [legacy("zoe@x"), {:leave, :caller}])
    {cluster, effects} = handle(cluster, {:pulse, local()}, 250)
    assert [{:legacy_down, %Peer{name: "zoe@x"}, :left, 0}] = facts(effects)
    {_cluster, effects} = handle(cluster, legacy("zoe@x"), 300)
    assert facts(effects) == [] and shown(effects) == []
  end

  test "itself, and what can be no node, is nobody" do
    {_cluster, effects} = handle(cluster(), [legacy("own@x"), legacy("nonode@nohost")])
    assert facts(effects) == [] and shown(effects) == [] and dialled(effects) == []
  end

  test "a long name is not dialled by a node with a short one; nor does TLS, which nobody knows, keep it back" do
    {_cluster, effects} = handle(cluster(), legacy("zoe@x.example.org"))
    assert dialled(effects) == []
    assert [%Peer{connection: {:skipped, :name_type}} | _] = shown(effects)
    {cluster, _effects} = handle(cluster(), {:local, %{local() | own: %{own() | tls: true}}})
    {_cluster, effects} = handle(cluster, legacy("zoe@x"))
    assert dialled(effects) == ["zoe@x"]
  end

  test "who invents names keeps no newcomer waiting, and has no more dials than it is given" do
    names = for n <- 1..300, do: legacy("zz#{n}@x")
    {cluster, effects} = handle(cluster(), names)
    {cluster, turns} = go_on(cluster, effects, 0)
    dialled = Enum.flat_map(turns, &dialled/1)
    assert length(dialled) == 16
    {cluster, effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}})
    assert dialled(effects) == ["zoe@x"]

    # They all fail: 64 at once and one a second.
    {_cluster, {open, all}} =
      Enum.reduce(1..300, {cluster, {dialled, []}}, fn n, {cluster, {open, all}} ->
        events = for name <- open, do: {:dialled, name, {:failed, {:timeout, "no answer"}}, 0}
        {cluster, effects} = handle(cluster, events ++ [{:timeout, :dial}], n * 100)
        {cluster, turns} = go_on(cluster, effects, n * 100)
        {cluster, {Enum.flat_map(turns, &dialled/1) -- ["zoe@x"], open ++ all}}
      end)

    assert length(open ++ all) in 64..(64 + 31)
  end

  test "where both wires have one group and port, what is said on the other is no other cluster" do
    {:ok, compat} = Compat.new(libcluster: [port: 45_893])

    for {group, facts} <- [{"233.252.1.32", []}, {"233.252.1.33", [{:foreign, false}]}] do
      cluster = running([], compat: compat, group: group)
      {cluster, effects} = handle(cluster, {:timeout, {:alone, 3_000}})
      [ref] = for {:request_stats, ref} <- effects, do: ref
      {_cluster, effects} = handle(cluster, {:frame, {:stats, ref, %{foreign: 3}}})
      assert facts(effects) == facts
    end
  end

  test "the next owner lists whom this one has listed, and tells nothing anew" do
    shown = Legacy.peer("zoe@x")
    cluster = Cluster.new(options(@compat), %{past() | up: ["zoe@x"]}, 0)

    {_cluster, effects} =
      handle(cluster, [
        {:start, local(), nil},
        {:opened, local().keys, process()},
        {:restore, [shown], ["zoe@x"], 1}
      ])

    refute Enum.any?(facts(effects), &match?({:legacy_up, _, _}, &1))
    assert [%Peer{status: :legacy, connection: :connected}] = shown(effects)
  end

  test "what keeps it from being connected has lines of its own" do
    {cluster, _effects} = handle(cluster(), legacy("zoe@x"))
    failed = {:dialled, "zoe@x", {:failed, {:unresolved, "its host name does not resolve"}}, 0}

    {_cluster, effects} =
      Enum.reduce(0..60, {cluster, []}, fn n, {cluster, effects} ->
        {cluster, more} = handle(cluster, [{:timeout, :dial}, failed], n * 1_000)
        {cluster, effects ++ more}
      end)

    assert [{:legacy_problem, "zoe@x", :unresolved, _why, line}] =
             for({:legacy_problem, _, _, _, _} = fact <- facts(effects), do: fact)

    assert line =~ ~s(cannot connect to :"zoe@x")
    refute Enum.any?(facts(effects), &match?({:problem, _, _, _, _}, &1))
  end
end
