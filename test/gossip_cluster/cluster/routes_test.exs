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
      {cluster, effects} = handle(running(), {:addresses, [@ours], nil})
      assert {:timer, :addresses, 500} in effects
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
end
