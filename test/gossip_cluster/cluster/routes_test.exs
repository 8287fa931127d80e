defmodule GossipCluster.Cluster.RoutesTest do
  # What a change of addresses means for dials and connections, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.Peer

  describe "paths" do
    @lan {10, 0, 0, 2}
    @second {10, 1, 0, 2}
    @ours {10, 0, 0, 1}

    defp zoe(heard \\ @lan, changes \\ []),
      do: peer("zoe@x", [addresses: [{heard, 1, 1}], own_addresses: [@lan, @second]] ++ changes)

    defp connected_at(local \\ @ours) do
      {cluster, _effects} = handle(running(), {:addresses, [@ours], nil})
      {cluster, _} = handle(cluster, {:frame, {:up, zoe()}})
      up = [{:dialled, "zoe@x", {:connected, nil}, 5}, {:nodeup, "zoe@x"}]
      {cluster, effects} = handle(cluster, up)
      assert {:find_path, "zoe@x"} in effects
      path = %{local: local, remote: {@lan, 9100}}
      handle(cluster, {:path, "zoe@x", path})
    end

    test "are given to Epmd and to who dials, and shown" do
      {cluster, effects} = handle(running(), {:frame, {:up, zoe()}})
      assert [%Peer{paths: [@lan, @second]}] = for({:epmd_put, peer} <- effects, do: peer)
      assert [%Peer{paths: [@lan, @second]}] = for({:dial, peer, _} <- effects, do: peer)
      assert [%Peer{paths: [@lan, @second]}] = shown(effects)

      # It runs on this machine, as is known now.
      {cluster, effects} = handle(cluster, {:addresses, [@lan], nil})
      assert [%Peer{paths: [{127, 0, 0, 1} | _]}] = for({:epmd_put, peer} <- effects, do: peer)
      assert [%Peer{paths: [{127, 0, 0, 1} | _]}] = shown(effects)

      for same <- [[@lan], []] do
        {_cluster, effects} = handle(cluster, {:addresses, same, nil})
        assert for({:epmd_put, peer} <- effects, do: peer) == []
      end
    end

    # Its kernel may have another hardware address now, of which the others' know nothing until it speaks to them.
    test "each is spoken on once when an interface has come, or come anew" do
      {cluster, effects} = handle(running(), {:frame, :reaches_more})
      assert for({:touch, names} <- effects, do: names) == []
      {cluster, _} = handle(cluster, for(n <- ["zoe@x", "yan@x", "xia@x"], do: up(n)))
      {cluster, _} = handle(cluster, [{:nodeup, "zoe@x"}, {:nodeup, "yan@x"}])
      {cluster, effects} = handle(cluster, {:frame, :reaches_more})
      assert [names] = for({:touch, names} <- effects, do: names)
      assert Enum.sort(names) == ["yan@x", "zoe@x"]
      {_cluster, effects} = handle(cluster, [{:touched, :ok}, {:touched, :killed}])
      assert effects == []
    end

    defp up(name), do: {:frame, {:up, peer(name)}}

    test "the one that works is shown, and remembered, until the connection ends" do
      {cluster, effects} = connected_at()
      assert {:epmd_remember, "zoe@x", @lan} in effects
      assert [%Peer{connected_via: {@lan, 9100}}] = shown(effects)
      {cluster, effects} = handle(cluster, {:nodedown, "zoe@x", :net_tick_timeout, nil})
      assert [%Peer{connected_via: nil}] = shown(effects)
      # An answer that is late.
      late = {:path, "zoe@x", %{local: @ours, remote: {@lan, 9100}}}
      {_cluster, effects} = handle(cluster, [late, {:path, "zoe@x", nil}])
      assert shown(effects) == []
    end

    test "a dead one is probed, told, cut, and dialled anew at once, without a quiet period" do
      {cluster, _} = connected_at()
      {cluster, effects} = handle(cluster, {:frame, {:update, zoe(@second)}}, 1_000)
      assert {:timer, :paths, 0} in effects
      {cluster, effects} = handle(cluster, {:timeout, :paths}, 1_000)
      assert [{"zoe@x", patience}] = for({:probe, name, ms} <- effects, do: {name, ms})
      now = 1_000 + patience
      {cluster, effects} = handle(cluster, {:probed, "zoe@x", :silent}, now)
      assert {:timer, :paths, 0} in effects
      {cluster, effects} = handle(cluster, {:timeout, :paths}, now)
      assert {:disconnect, "zoe@x"} in effects
      assert {:epmd_forget, "zoe@x"} in effects
      assert [{:problem, "zoe@x", :dead_path, text, line}] = facts(effects)
      assert text =~ "to 10.0.0.2 (from 10.0.0.1)"
      assert line =~ text
      assert [{:problem, %Peer{name: "zoe@x"}, {:dead_path, ^text}}] = told(effects)
      {cluster, effects} = handle(cluster, {:nodedown, "zoe@x", :disconnect, :library}, now)
      assert dialled(effects) == ["zoe@x"]
      assert [%Peer{paths: [@second, @lan], problem: {:dead_path, ^text}}] = shown(effects)
      {_cluster, effects} = handle(cluster, {:nodeup, "zoe@x"}, now + 10)
      assert [%Peer{problem: nil}] = shown(effects)
    end

    test "one that is probed and lives is kept" do
      {cluster, _} = connected_at()
      {cluster, _} = handle(cluster, {:frame, {:update, zoe(@second)}}, 1_000)
      {cluster, _} = handle(cluster, {:timeout, :paths}, 1_000)
      {cluster, _} = handle(cluster, {:probed, "zoe@x", :answered}, 1_100)
      {_cluster, effects} = handle(cluster, {:timeout, :paths}, 9_000)
      refute Enum.any?(effects, &match?({:disconnect, _}, &1))
    end
  end

  test "addresses are looked for with the look at this node, twice a second at most, and once at a time" do
    found? = fn {cluster, effects} -> {:find_addresses in effects, cluster} end
    {cluster, _} = handle(running(), {:addresses, [@ours], nil}, 1_000)
    {false, cluster} = found?.(handle(cluster, {:pulse, local()}, 1_499))
    {true, cluster} = found?.(handle(cluster, {:pulse, local()}, 1_500))
    # A host of many takes its time.
    {false, cluster} = found?.(handle(cluster, {:pulse, local()}, 9_000))
    {cluster, _} = handle(cluster, {:addresses, [], nil}, 9_100)
    assert {true, _cluster} = found?.(handle(cluster, {:pulse, local()}, 9_600))
  end

  test "an address that is found only now is announced, and nothing where none has changed" do
    cluster = running()
    {_cluster, effects} = handle(cluster, {:addresses, [@ours], {{0, 0, 0, 0}, 4711}})
    assert [{:alive, alive, _cookie}] = for({:announce, change} <- effects, do: change)
    assert %{host: {false, [@ours]}, port: 4711} = alive
    # Nothing has changed: nothing is said.
    {cluster, _} = handle(cluster, {:addresses, [@ours], nil})
    announced = {:alive, %{alive | port: 4000}, local().cookie}
    {cluster, _} = handle(cluster, {:announced, announced})
    {_cluster, effects} = handle(cluster, {:addresses, [@ours], nil})
    assert effects == []
  end

  test "each of a crowd is told its new paths in a turn of its own, and loses nobody" do
    {cluster, turns} = go_on(running(), [:continue], 0)
    {cluster, more} = handle(cluster, {:frame, {:snapshot, :first, crowd(300)}})
    {cluster, turns} = go_on(cluster, Enum.concat(turns) ++ more, 0)
    assert length(turns) > 4
    {cluster, effects} = handle(cluster, {:addresses, [@ours], nil}, 10)
    {_cluster, turns} = go_on(cluster, effects, 10)
    put = for turn <- turns, do: for({:epmd_put, peer} <- turn, do: peer.name)
    assert Enum.all?(put, &(length(&1) <= 64))
    assert put |> Enum.concat() |> Enum.sort() == Enum.sort(for peer <- crowd(300), do: peer.name)
  end

  test "a path of one that is not listed, or not connected, is not watched" do
    path = {:path, "zoe@x", %{local: @ours, remote: {@lan, 9100}}}
    assert {_cluster, []} = handle(running(), path)
    {cluster, _} = handle(running(), {:frame, {:up, zoe()}})
    assert {_cluster, []} = handle(cluster, path)
    # Connected, and gone from the list: the connection is not ours to judge.
    {cluster, _} = handle(cluster, {:nodeup, "zoe@x"})
    {cluster, _} = handle(cluster, {:frame, {:down, zoe(), :left}})
    assert {_cluster, []} = handle(cluster, path)
  end

  test "the address of a connection that has gone from this host is probed after its time, not before" do
    {cluster, _} = connected_at()
    # For a moment it is away, as DHCP does.
    {cluster, effects} = handle(cluster, {:addresses, [@second], nil}, 1_000)
    assert [wait] = for({:timer, :paths, wait} <- effects, do: wait)
    assert wait > 0
    {cluster, _} = handle(cluster, {:addresses, [@ours, @second], nil}, 1_000 + wait - 1)
    {cluster, effects} = handle(cluster, {:timeout, :paths}, 1_000 + wait)
    refute Enum.any?(effects, &match?({:probe, _, _}, &1))
    # For good.
    {cluster, effects} = handle(cluster, {:addresses, [@second], nil}, 5_000)
    assert [wait] = for({:timer, :paths, wait} <- effects, do: wait)
    {cluster, effects} = handle(cluster, {:timeout, :paths}, 5_000 + wait)
    assert [{:probe, "zoe@x", _}] = for({:probe, _, _} = probe <- effects, do: probe)
    refute {:disconnect, "zoe@x"} in effects
    # An early timer cuts nobody, nor one that rings again.
    {_cluster, effects} = handle(cluster, {:timeout, :paths}, 5_001 + wait)
    refute {:disconnect, "zoe@x"} in effects
  end

  test "a cut that is not wanted any more leaves the next dial as it is" do
    {cluster, _} = connected_at()
    {cluster, _} = handle(cluster, {:frame, {:update, zoe(@second)}}, 1_000)
    {cluster, _} = handle(cluster, {:timeout, :paths}, 1_000)
    {cluster, _} = handle(cluster, {:probed, "zoe@x", :silent}, 3_000)
    {cluster, _} = handle(cluster, {:timeout, :paths}, 3_000)
    assert is_map_key(cluster.cut, "zoe@x")
    # It was up again before the end of the old one was told.
    {cluster, _} = handle(cluster, {:nodeup, "zoe@x"}, 3_100)
    assert cluster.cut == %{}
    {_cluster, effects} = handle(cluster, {:nodedown, "zoe@x", :net_tick_timeout, nil}, 9_000)
    assert dialled(effects) == []
  end
end
