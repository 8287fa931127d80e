defmodule GossipCluster.Cluster.LocalTest do
  # This node and its sidecar, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.{Cluster, Peer}

  describe "the start" do
    test "opens a sidecar before anything else, then announces this node" do
      cluster = Cluster.new(options([]), past(), 0)
      {cluster, effects} = handle(cluster, {:start, local(), nil})
      assert {:open, local().keys} in effects
      assert {:timer, :pulse, 500} in effects
      refute Enum.any?(effects, &match?({:announce, _}, &1))

      {cluster, effects} = handle(cluster, [{:opened, local().keys}, {:restore, [], [], 1}])
      assert {:timer, :ready, 15_000} in effects
      {cluster, effects} = handle(cluster, {:local, local()})
      assert :ask_port in effects
      assert :find_addresses in effects
      {cluster, effects} = handle(cluster, {:local_port, 4000})
      refute Enum.any?(effects, &match?({:announce, _}, &1))
      {_cluster, effects} = handle(cluster, {:addresses, [{10, 0, 0, 1}], nil})
      alive = Map.merge(own(), %{port: 4000, host: {false, [{10, 0, 0, 1}]}})
      assert {:announce, {:alive, alive, local().cookie}} in effects
    end

    test "a ring that needs a cookie waits for it" do
      none = %{local() | cookie: nil, keys: nil, own: nil}
      {cluster, effects} = handle(Cluster.new(options([]), past(), 0), {:start, none, nil})
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {cluster, effects} = handle(cluster, [{:restore, [], [], 1}, {:local, none}])
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {_cluster, effects} = handle(cluster, {:local, local()})
      assert {:open, local().keys} in effects
    end

    test "what an earlier owner said is not said again, and what it listed is kept until it is confirmed" do
      cluster = Cluster.new(options([]), %{past() | up: ["zoe@x"]}, 0)
      peers = [peer("zoe@x", connection: :connected)]
      events = [{:start, local(), nil}, {:opened, local().keys}, {:restore, peers, ["zoe@x"], 1}]
      {cluster, effects} = handle(cluster, events ++ [{:local, local()}])
      assert facts(effects) == []
      assert [%Peer{name: "zoe@x", connection: :connected} | _] = shown(effects)
      {cluster, effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}})
      assert facts(effects) == []
      {_cluster, effects} = handle(cluster, {:pulse, local()}, 100_000)
      refute Enum.any?(facts(effects), &match?({:down, _, _, _}, &1))

      {_cluster, effects} =
        Cluster.new(options([]), past(), 0)
        |> handle([{:start, local(), nil}, {:restore, peers, [], 1}, {:local, local()}])
        |> elem(0)
        |> handle({:pulse, local()}, 10_000)

      assert [{:down, %{name: "zoe@x"}, :silent, 0}] = facts(effects)
    end
  end

  describe "the sidecar" do
    test "dies, is told once, and is started again; the roster stays, and what it knew is said again" do
      cluster = running([peer("zoe@x")])
      {cluster, effects} = handle(cluster, {:exited, "gossipd exited"}, 100)
      assert {:timer, :open, 50} in effects
      assert facts(effects) == [{:sidecar_exit, 1, "gossipd exited", true}]
      assert [%Peer{}] = Cluster.peers(cluster)
      {cluster, effects} = handle(cluster, {:pulse, local()}, 120)
      refute {:command, :pulse} in effects
      {cluster, effects} = handle(cluster, {:timeout, :open}, 150)
      assert {:open, local().keys} in effects
      {cluster, effects} = handle(cluster, {:opened, local().keys}, 151)
      assert [{:announce, {:alive, _, _}}] = for({:announce, _} = say <- effects, do: say)
      # Confirmed in silence.
      {cluster, effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}}, 200)
      assert facts(effects) == []
      {_cluster, effects} = handle(cluster, {:pulse, local()}, 60_000)
      assert facts(effects) == []
    end

    test "says what cannot be read, or nothing at all: it is closed, and another is started" do
      for event <- [{:unreadable, 7}] do
        {cluster, effects} = handle(running(), event)
        assert :close in effects
        assert [{:sidecar_exit, 1, "gossipd sent a frame of 7 bytes" <> _, true}] = facts(effects)
        assert cluster.sidecar.state == :down
      end

      cluster = Cluster.new(options([]), past(), 0)
      events = [{:start, local(), nil}, {:opened, local().keys}, {:restore, [], [], 1}]
      {starting, _} = handle(cluster, events)
      {_cluster, effects} = handle(starting, {:timeout, :ready}, 15_000)
      assert :close in effects
      # One that is ready in time is not.
      {ready, _} = handle(starting, {:frame, {:ready, ready()}})
      {_cluster, effects} = handle(ready, {:timeout, :ready}, 15_000)
      refute :close in effects
    end

    test "has a conflict, interfaces, lines: each is reported" do
      cluster = running()
      own = own()
      twin = peer("own@x", creation: 2)
      {cluster, effects} = handle(cluster, {:frame, {:conflict, twin, peer("own@x")}})
      assert [{:conflict, ^twin, _other, ^own, 0}] = facts(effects)
      lo = ready().interfaces
      {cluster, effects} = handle(cluster, {:frame, {:interfaces, lo, ready().network}})
      assert facts(effects) == []
      none = %{reach: :none, missing: ["eth7"]}
      {_cluster, effects} = handle(cluster, {:frame, {:interfaces, [], none}})
      assert facts(effects) == [{:interfaces, [], lo}]
      assert {:put, :network, none} in effects

      for frame <- [{:log, :info, "text"}, {:heartbeat, "a@x"}, :keys_changed] do
        {_cluster, effects} = handle(cluster, {:frame, frame})
        assert facts(effects) == [frame]
      end
    end
  end
end
