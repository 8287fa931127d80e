defmodule GossipCluster.ReportingTest do
  # What the sidecar tells, on its way to subscribers, view, log and status.
  use GossipCluster.OwnerCase

  describe "peers" do
    test "come, change and go, in the view and for subscribers", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert {:up, %Peer{name: "zoe@127.0.0.1", boot: "0102030405060708"}} = event()
      assert [%Peer{name: "zoe@127.0.0.1", status: :alive}] = GossipCluster.peers(@name)

      FakeSidecar.say(fake, {:update, FakeSidecar.peer("zoe@127.0.0.1", status: :stalled)})
      assert {:update, %Peer{status: :stalled}} = event()
      assert [%Peer{status: :stalled}] = GossipCluster.peers(@name)

      FakeSidecar.say(fake, {:down, FakeSidecar.peer("zoe@127.0.0.1"), :beam_exit})
      assert {:down, %Peer{name: "zoe@127.0.0.1"}, :beam_exit} = event()
      assert [] = GossipCluster.peers(@name)
    end

    test "what repeats is no event", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert {:up, _peer} = event()
      FakeSidecar.say(fake, {:update, FakeSidecar.peer("zoe@127.0.0.1")})
      FakeSidecar.say(fake, {:snapshot, :first, [FakeSidecar.peer("zoe@127.0.0.1")]})
      FakeSidecar.say(fake, :snapshot_end)
      FakeSidecar.say(fake, {:down, FakeSidecar.peer("never@127.0.0.1"), :silent})
      settled(fake)
      no_event()
    end

    test "a conflict is told with both addresses and stops dialling", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      one = FakeSidecar.peer("zoe@127.0.0.1", cookie: :unknown)
      two = FakeSidecar.peer("zoe@127.0.0.1", creation: 2, addresses: [{{192, 0, 2, 2}, 1, 1}])

      log =
        capture_log(fn ->
          FakeSidecar.say(fake, {:up, one})
          dialler = assert_dial(:"zoe@127.0.0.1")
          FakeSidecar.say(fake, {:conflict, two, one})
          assert {:up, _} = event()
          assert {:conflict, %Peer{creation: 2}, %Peer{creation: 1}} = event()
          answer(dialler, false)

          eventually(fn ->
            match?([%Peer{connection: {:skipped, :conflict}}], GossipCluster.peers(@name))
          end)
        end)

      assert log =~
               ~s(two living nodes are called :"zoe@127.0.0.1", at 192.0.2.2 and at 192.0.2.1)
    end
  end

  describe "logs and counters" do
    test "the sidecar's lines reach Logger with its level; heartbeats as asked", %{fake: fake} do
      fake = start(fake, log_heartbeats: true)
      FakeSidecar.ready(fake)

      log =
        capture_log(fn ->
          FakeSidecar.say(fake, {:log, :warning, "no network"})
          FakeSidecar.say(fake, {:log, :info, <<255, 254>>})
          FakeSidecar.say(fake, {:heartbeat, "a@host"})
          settled(fake)
        end)

      assert log =~ "[warning] #{inspect(@name)}: no network"
      assert log =~ "[info] #{inspect(@name)}: <<255, 254>>"
      assert log =~ ~s([debug] Received heartbeat from :"a@host")
    end

    test "status asks the sidecar for its counters, and does without them", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      assert {:alive, _} = FakeSidecar.command(fake)
      task = Task.async(fn -> GossipCluster.status(@name) end)
      ref = FakeSidecar.stats(fake)
      FakeSidecar.say(fake, {:stats, ref, %{received: 5, interfaces: [{"eth0", 2, "192.0.2.1"}]}})

      assert %{stats: %{received: 5}, interfaces: [{"eth0", 2, "192.0.2.1"}], health: :ok} =
               Task.await(task)

      FakeSidecar.say(fake, {:health, :isolated})
      assert_receive {:gossip_cluster, @name, {:health, :isolated}}, 5_000

      assert %{stats: nil, health: :isolated, interfaces: [{"lo", 1, "127.0.0.1"}]} =
               GossipCluster.status(@name)
    end

    test "packets of another cluster are told once, and only while nobody is found", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      assert {:alive, _} = FakeSidecar.command(fake)

      ask = fn foreign ->
        capture_log(fn ->
          ring({:alone, 3_000})
          FakeSidecar.say(fake, {:stats, FakeSidecar.stats(fake), %{foreign: foreign}})
          settled(fake)
        end)
      end

      refute ask.(0) =~ "another cluster"
      assert ask.(3) =~ "give all nodes the same `secret` and the same `cluster` label"
      refute ask.(5) =~ "another cluster"
    end

    test "packets of another cluster are nothing to tell where there are peers", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert {:alive, _} = FakeSidecar.command(fake)
      assert {:up, _} = event()
      ring({:alone, 3_000})
      settled(fake)
      # Not even asked.
      assert cluster().replies.stats == %{}
    end

    test "a peer that beats and never changes costs no line and no message", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1", cookie: :differs)])
      assert {:up, _} = event()

      # That it is not dialled is told a moment later.
      eventually(fn ->
        match?([{"zoe@127.0.0.1", _, _}], GossipCluster.status(@name).problems)
      end)

      settled(fake)

      assert capture_log(fn -> for(_ <- 1..20, do: FakeSidecar.pulse(fake)) end) == ""
      no_event()
    end
  end
end
