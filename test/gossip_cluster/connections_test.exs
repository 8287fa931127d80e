defmodule GossipCluster.ConnectionsTest do
  # Whom the owner dials and disconnects, and what it says of that; the policy itself is in dialer_test.exs.
  use GossipCluster.OwnerCase

  alias GossipCluster.Cluster.Roster

  @doc "A list of nodes that the test gives."
  def held(test) do
    send(test, {:list, self()})

    receive do
      {:answer, nodes} -> nodes
    end
  end

  describe "peers" do
    test "of the higher name are dialled at once, in a task, and reported once they are connected",
         %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)

      log =
        capture_log(fn ->
          FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
          dialler = assert_dial(:"zoe@127.0.0.1")
          assert dialler != Process.whereis(@name)
          # The view shows it a moment later.
          eventually(fn ->
            match?([%Peer{connection: :connecting}], GossipCluster.peers(@name))
          end)

          # The dial hangs, and nothing else does.
          FakeSidecar.say(fake, {:up, FakeSidecar.peer("zed@127.0.0.1")})
          assert_dial(:"zed@127.0.0.1") |> answer(true)
          assert :ok = GossipCluster.await(@name, min: 1)
          assert {:error, :timeout} = GossipCluster.await(@name, min: 2, timeout: 50)
          answer(dialler, true)
          assert :ok = GossipCluster.await(@name, min: 2)
          told()
        end)

      assert log =~ ~s(NODEUP :"zed@127.0.0.1")
      assert [_once] = Regex.scan(~r/NODEUP :"zoe@127.0.0.1"/, log)
      assert %{peers: 2, connected: 2} = GossipCluster.status(@name)
    end

    test "of the lower name are dialled too, when they do not dial", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("abe@127.0.0.1")})
      assert {:up, %Peer{connection: :waiting}} = event()
      assert_dial(:"abe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
    end

    test "a failed dial is told once, and tried again until it works, whatever it returns", %{
      fake: fake
    } do
      fake = start(fake)
      FakeSidecar.ready(fake)

      log =
        capture_log(fn ->
          FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
          # The third, for it is told when it has lasted.
          for _ <- 1..3, do: assert_dial(:"zoe@127.0.0.1") |> answer(false)
          assert_dial(:"zoe@127.0.0.1") |> answer({:raise, "boom"})
          # After 4 s, and up to a quarter more.
          assert_dial(:"zoe@127.0.0.1", 10_000) |> answer(true)
          assert :ok = GossipCluster.await(@name)
        end)

      assert [_once] = Regex.scan(~r/cannot connect to :"zoe@127.0.0.1".*refused/, log)
      assert [_once] = Regex.scan(~r/cannot connect to :"zoe@127.0.0.1".*boom/, log)
    end

    test "a dial that is killed has failed, and is tried again", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert_dial(:"zoe@127.0.0.1") |> Process.exit(:kill)
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
    end

    test "a connection that the list lacks is dialled again", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)

      log =
        capture_log(fn ->
          # Nothing but the list tells of it, and the list is asked at the next pulse.
          list_nodes([])
          change_cluster(&%{&1 | listed_at: &1.listed_at - 5_000})
          assert_dial(:"zoe@127.0.0.1") |> answer(true)
          assert :ok = GossipCluster.await(@name)
          send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :net_tick_timeout]})
          assert_dial(:"zoe@127.0.0.1")
        end)

      assert log =~ ~r/NODEDOWN :"zoe@127.0.0.1" in #{inspect(@name)}$/m
      assert log =~ ~s[NODEDOWN :"zoe@127.0.0.1" in #{inspect(@name)} (:net_tick_timeout)]
    end

    test "a list that is older than what was told meanwhile is not believed", %{fake: fake} do
      fake = start(fake, list_nodes: {__MODULE__, :held, [self()]})
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
      change_cluster(&%{&1 | listed_at: &1.listed_at - 5_000})
      assert_receive {:list, list}, 5_000

      log =
        capture_log(fn ->
          send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :net_tick_timeout]})
          eventually(fn -> match?(%{connected: 0}, GossipCluster.status(@name)) end)
          answer(list, [:"zoe@127.0.0.1"])
          # It is asked for again at once.
          assert_receive {:list, list}, 2_000
          answer(list, [])
          assert_dial(:"zoe@127.0.0.1", 2_000)
        end)

      refute log =~ "NODEUP"
    end

    test "one that is heard directly again is dialled at once, however long its backoff", %{
      fake: fake
    } do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      for _ <- 1..4, do: assert_dial(:"zoe@127.0.0.1") |> answer(false)
      eventually(fn -> failures("zoe@127.0.0.1") == 4 end)
      assert {:up, _} = event()
      # It changes nothing but that.
      FakeSidecar.say(fake, {:update, FakeSidecar.peer("zoe@127.0.0.1")})
      eventually(fn -> failures("zoe@127.0.0.1") == 0 end)
      # A second after the last dial; the backoff is three at least.
      assert_dial(:"zoe@127.0.0.1", 2_000) |> answer(true)
      assert :ok = GossipCluster.await(@name)
      no_event()
    end

    test "that are down are disconnected if that is wanted, and the sidecar has judged", %{
      fake: fake
    } do
      fake =
        start(fake,
          on_down: :disconnect,
          disconnect: {GossipCluster.OwnerCase, :disconnect, [self()]}
        )

      FakeSidecar.ready(fake)

      for {reason, name} <- [left: "zoe", beam_exit: "zed", silent: "zac"] do
        peer = FakeSidecar.peer("#{name}@127.0.0.1")
        node = :"#{name}@127.0.0.1"
        FakeSidecar.say(fake, {:up, peer})
        assert_dial(node) |> answer(true)
        assert :ok = GossipCluster.await(@name, min: 1)
        FakeSidecar.say(fake, {:down, peer, reason})
        assert_receive {:disconnect, ^node}, 5_000
      end

      # One that is not connected, one of whom another life is listed, and what one hears who is cut off, are let be.
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("zip@127.0.0.1", cookie: :differs)})
      FakeSidecar.say(fake, {:down, FakeSidecar.peer("zip@127.0.0.1"), :silent})
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoo@127.0.0.1")})
      assert_dial(:"zoo@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name, min: 1)
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoo@127.0.0.1", creation: 2)})
      FakeSidecar.say(fake, {:down, FakeSidecar.peer("zoo@127.0.0.1"), :beam_exit})
      FakeSidecar.say(fake, {:health, :isolated})
      FakeSidecar.say(fake, {:down, FakeSidecar.peer("zoo@127.0.0.1", creation: 2), :silent})
      settled(fake)
      eventually(fn -> :sys.get_state(@name).tasks == %{} end)

      # Its atom exists, so that nothing but its not being connected keeps it from being disconnected.
      refute_received {:disconnect, :"zip@127.0.0.1"}
      refute_received {:disconnect, _node}

      # Neither is one that a new sidecar has not confirmed in time: nobody has judged it.
      FakeSidecar.say(fake, {:health, :ok})
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("zig@127.0.0.1")})
      assert_dial(:"zig@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name, min: 1)

      change_cluster(fn cluster ->
        long_ago = System.monotonic_time(:millisecond) - 60_000
        %{cluster | roster: Roster.new_sidecar(cluster.roster, long_ago)}
      end)

      eventually(fn -> GossipCluster.peers(@name) == [] end)
      settled(fake)
      eventually(fn -> :sys.get_state(@name).tasks == %{} end)
      refute_received {:disconnect, _node}
    end

    test "that are down keep their connections otherwise", %{fake: fake} do
      fake = start(fake, disconnect: {GossipCluster.OwnerCase, :disconnect, [self()]})
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
      FakeSidecar.say(fake, {:down, FakeSidecar.peer("zoe@127.0.0.1"), :silent})
      settled(fake)
      eventually(fn -> :sys.get_state(@name).tasks == %{} end)
      refute_received {:disconnect, _node}
    end

    test "which `accept` refuses are listed but not dialled", %{fake: fake} do
      test = self()

      accept = fn peer ->
        send(test, {:asked, peer.name})
        peer.port != 1
      end

      fake = start(fake, accept: accept)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1", port: 1)])
      assert_receive {:asked, "zoe@127.0.0.1"}, 5_000

      eventually(fn ->
        match?([%Peer{connection: {:skipped, :refused}}], GossipCluster.peers(@name))
      end)

      refute_received {:dial, _, _}
      # It is asked again when the peer has changed.
      FakeSidecar.say(fake, {:update, FakeSidecar.peer("zoe@127.0.0.1", port: 2)})
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
    end

    test "no atom is made of a name that is not dialled", %{fake: fake} do
      name = "never#{System.unique_integer([:positive])}@127.0.0.1"
      fake = start(fake)

      FakeSidecar.ready(fake, [
        FakeSidecar.peer(name, cookie: :differs),
        FakeSidecar.peer("ugly#{name}\n")
      ])

      assert {:up, _} = event()
      assert {:up, _} = event()
      settled(fake)
      assert [%Peer{connection: {:skipped, :cookie}} = peer, ugly] = GossipCluster.peers(@name)
      assert ugly.connection == {:skipped, :bad_name}
      assert Peer.node(peer) == nil
      assert Peer.node(ugly) == nil
    end

    test "why one is not dialled is told once", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)

      log =
        capture_log(fn ->
          for port <- 1..3,
              do:
                FakeSidecar.say(
                  fake,
                  {:update, FakeSidecar.peer("zoe@127.0.0.1", cookie: :differs, port: port)}
                )

          # When it has lasted: the other side may hold a cookie for this node.
          eventually(fn -> GossipCluster.status(@name).problems != [] end)
          # And some pulses later.
          FakeSidecar.say(fake, {:update, FakeSidecar.peer("zoe@127.0.0.1", cookie: :differs)})
          for _ <- 1..3, do: FakeSidecar.pulse(fake)
          settled(fake)
        end)

      assert [_once] =
               Regex.scan(~r/:"zoe@127.0.0.1" is not dialled: its Erlang cookie differs/, log)

      assert [{"zoe@127.0.0.1", :cookie, "its Erlang cookie differs" <> _}] =
               GossipCluster.status(@name).problems
    end
  end
end
