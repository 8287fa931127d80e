defmodule GossipCluster.OwnerTest do
  # The owner against a sidecar that the test plays. The node is alive, without listening and without epmd.
  use ExUnit.Case, async: false

  import ExUnit.CaptureLog
  import GossipCluster.Eventually

  alias GossipCluster.{FakeSidecar, Owner, Peer}

  @name GossipCluster.OwnerTest.Cluster
  @key String.duplicate("k", 32)

  setup do
    alive()
    on_exit(fn -> if Node.alive?(), do: :net_kernel.stop() end)
    {:ok, fake: FakeSidecar.new()}
  end

  defp alive do
    {:ok, _pid} =
      :net_kernel.start(:"own@127.0.0.1", %{name_domain: :longnames, dist_listen: false})

    Node.set_cookie(:a_cookie_of_the_tests)
  end

  # Connects and lists on the test's behalf: what the test process says is what happens.
  def connect(test, node) do
    send(test, {:dial, node, self()})

    receive do
      {:answer, {:raise, message}} -> raise message
      {:answer, answer} -> answer
    end
  end

  def disconnect(test, node), do: send(test, {:disconnect, node})
  def list(agent), do: Agent.get(agent, & &1)

  defp start(fake, options \\ []) do
    nodes = start_supervised!({Agent, fn -> [] end})

    options =
      Keyword.merge(
        [
          name: @name,
          sidecar: fake.path,
          secret: {:key, @key},
          interval: 100,
          connect: {__MODULE__, :connect, [self()]},
          list_nodes: {__MODULE__, :list, [nodes]}
        ],
        options
      )

    start_supervised!({GossipCluster, options})
    :ok = GossipCluster.subscribe(@name)
    FakeSidecar.attach(fake)
  end

  defp assert_dial(node) do
    assert_receive {:dial, ^node, dialler}, 5_000
    dialler
  end

  defp answer(dialler, answer), do: send(dialler, {:answer, answer})

  defp event(timeout \\ 5_000) do
    receive do
      {:gossip_cluster, @name, event} -> event
    after
      timeout -> flunk("no event within #{timeout} ms")
    end
  end

  defp no_event(owner \\ @name) do
    # All that was said before is handled before this call returns.
    _ = :sys.get_state(owner)
    refute_received {:gossip_cluster, _, _}
  end

  # Whatever the fake has said by now has been handled when the answer to a later heartbeat is there.
  defp settled(fake) do
    log =
      capture_log(fn ->
        marker = "m#{System.unique_integer([:positive])}@x"
        FakeSidecar.say(fake, {:heartbeat, marker})
        eventually(fn -> Process.info(Process.whereis(@name), :message_queue_len) end)

        FakeSidecar.say(
          fake,
          {:conflict, FakeSidecar.peer(marker), FakeSidecar.peer(marker, creation: 2)}
        )

        assert_receive {:gossip_cluster, @name, {:conflict, %{name: ^marker}, _}}, 5_000
      end)

    log
  end

  describe "the start" do
    test "configures, then announces this node, alive, with its cookie", %{fake: fake} do
      fake =
        start(fake,
          cluster: "blue",
          ttl: 3,
          max_peers: 7,
          interfaces: ["lo"],
          log_heartbeats: true
        )

      assert FakeSidecar.ready(fake) == %{
               version: 1,
               cluster: "blue",
               keys: [{:key, @key}],
               group: "233.252.1.33",
               port: 45_893,
               interfaces: {:only, ["lo"]},
               ttl: 3,
               interval: 100,
               max_peers: 7,
               heartbeats: true
             }

      assert {:alive, alive} = FakeSidecar.command(fake)

      assert alive == %{
               name: "own@127.0.0.1",
               creation: :erlang.system_info(:creation),
               port: 0,
               long_names: true,
               tls: false,
               ipv6: false,
               hidden: false,
               cookie: "a_cookie_of_the_tests"
             }

      eventually(fn -> GossipCluster.status(@name).sidecar.state == :running end)

      assert %{os_pid: 4711, version: "9.9.9", boot: "0000000000000001", reason: nil} =
               GossipCluster.status(@name).sidecar
    end

    test "a node that is not alive listens, announces nothing, and announces once it is alive", %{
      fake: fake
    } do
      :net_kernel.stop()
      fake = start(fake)
      FakeSidecar.ready(fake)
      for _ <- 1..3, do: FakeSidecar.pulse(fake)
      refute GossipCluster.status(@name).announced
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
      assert {:up, %Peer{name: "zoe@127.0.0.1", connection: {:skipped, :not_alive}}} = event()

      alive()
      assert {:alive, %{name: "own@127.0.0.1"}} = FakeSidecar.command(fake, :alive)
      # And now it dials.
      assert_dial(:"zoe@127.0.0.1") |> answer(true)

      :net_kernel.stop()
      assert :hide = FakeSidecar.command(fake, :hide)
      eventually(fn -> not GossipCluster.status(@name).announced end)
    end

    test "a ring that needs the cookie waits until there is one", %{fake: fake} do
      :net_kernel.stop()
      fake = start(fake, secret: [:cookie, {:key, @key}])
      eventually(fn -> GossipCluster.status(@name).sidecar.state == :waiting end)
      alive()
      assert %{keys: [{:cookie, cookie}, {:key, @key}]} = FakeSidecar.ready(fake)
      # The cookie that the node had when it came up, or already the test's.
      assert is_binary(cookie)
      assert {:alive, %{name: "own@127.0.0.1"}} = FakeSidecar.command(fake, :alive)
    end

    test "a cookie that changes is a new key, and is announced", %{fake: fake} do
      fake = start(fake, secret: :cookie)
      assert %{keys: [{:cookie, "a_cookie_of_the_tests"}]} = FakeSidecar.ready(fake)
      assert {:alive, %{cookie: "a_cookie_of_the_tests"}} = FakeSidecar.command(fake)
      Node.set_cookie(:another_cookie_of_the_tests)
      assert {:keys, [{:cookie, "another_cookie_of_the_tests"}]} = FakeSidecar.command(fake)
      assert {:alive, %{cookie: "another_cookie_of_the_tests"}} = FakeSidecar.command(fake)
    end

    test "two clusters of one name do not start", %{fake: fake} do
      start(fake)

      assert {:error, {:already_started, _pid}} =
               GossipCluster.start_link(name: @name, sidecar: fake.path)
    end
  end

  describe "peers" do
    test "come, change and go, on the board and for subscribers", %{fake: fake} do
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

    test "of the higher name are dialled at once, in a task, and reported once they are connected",
         %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)

      log =
        capture_log(fn ->
          FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
          dialler = assert_dial(:"zoe@127.0.0.1")
          assert dialler != Process.whereis(@name)
          assert [%Peer{connection: :connecting}] = GossipCluster.peers(@name)
          # The dial hangs, and nothing else does.
          FakeSidecar.say(fake, {:up, FakeSidecar.peer("zed@127.0.0.1")})
          assert_dial(:"zed@127.0.0.1") |> answer(true)
          assert :ok = GossipCluster.await(@name, min: 1)
          assert {:error, :timeout} = GossipCluster.await(@name, min: 2, timeout: 50)
          answer(dialler, true)
          assert :ok = GossipCluster.await(@name, min: 2)
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
          for _ <- 1..2, do: assert_dial(:"zoe@127.0.0.1") |> answer(false)
          assert_dial(:"zoe@127.0.0.1") |> answer({:raise, "boom"})
          assert_dial(:"zoe@127.0.0.1") |> answer(true)
          assert :ok = GossipCluster.await(@name)
        end)

      assert [_once] = Regex.scan(~r/cannot connect to :"zoe@127.0.0.1".*refused/, log)
      assert [_once] = Regex.scan(~r/cannot connect to :"zoe@127.0.0.1".*boom/, log)
    end

    test "a connection that the list lacks is dialled again", %{fake: fake} do
      nodes = [:"zoe@127.0.0.1"]
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)

      log =
        capture_log(fn ->
          send(@name, {:nodedown, hd(nodes), [nodedown_reason: :net_tick_timeout]})
          assert_dial(:"zoe@127.0.0.1")
        end)

      assert log =~ ~s[NODEDOWN :"zoe@127.0.0.1" in #{inspect(@name)} (:net_tick_timeout)]
    end

    for {reason, words} <- [
          disconnect: "it was disconnected on purpose, here",
          connection_closed: "which is taken for Node.disconnect/1 there"
        ] do
      test "a disconnect by hand is respected for the quiet period (#{reason})", %{fake: fake} do
        fake = start(fake, quiet: 400)
        FakeSidecar.ready(fake, [listening("zoe@127.0.0.1")])
        assert_dial(:"zoe@127.0.0.1") |> answer(true)
        assert :ok = GossipCluster.await(@name)
        down = System.monotonic_time(:millisecond)
        send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: unquote(reason)]})

        eventually(fn ->
          match?([%Peer{problem: {:quiet, _}}], GossipCluster.peers(@name))
        end)

        assert [%Peer{connection: :waiting, problem: {:quiet, text}}] = GossipCluster.peers(@name)
        assert text =~ unquote(words) <> ": it is not dialled for 400 ms"

        # What the sidecar tells of the peer meanwhile does not end it.
        FakeSidecar.say(fake, {:update, listening("zoe@127.0.0.1")})

        dialler = assert_dial(:"zoe@127.0.0.1")
        assert System.monotonic_time(:millisecond) - down >= 400
        answer(dialler, true)
        assert :ok = GossipCluster.await(@name)
        assert [%Peer{problem: nil}] = GossipCluster.peers(@name)
      end
    end

    # One whose distribution port is reached, as a living node's is.
    defp listening(name) do
      unless Process.get(:listening) do
        {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
        Process.put(:listening, :inet.port(socket))
      end

      {:ok, port} = Process.get(:listening)
      FakeSidecar.peer(name, port: port, addresses: [{{127, 0, 0, 1}, 40_000, 1}])
    end

    test "a connection that a firewall has closed is dialled again at once, in spite of `quiet`",
         %{fake: fake} do
      fake = start(fake, quiet: 3_600_000)
      {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
      {:ok, port} = :inet.port(socket)
      :ok = :gen_tcp.close(socket)
      at = [{{127, 0, 0, 1}, 40_000, 1}]
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1", port: port, addresses: at)])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)

      send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :connection_closed]})
      dialler = assert_dial(:"zoe@127.0.0.1")
      assert [%Peer{problem: nil}] = GossipCluster.peers(@name)
      answer(dialler, true)
    end

    test "after this node has left, a disconnect is nothing to tell", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert {:alive, _} = FakeSidecar.command(fake)
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
      task = Task.async(fn -> GossipCluster.leave(@name) end)
      assert {:leave, :left} = FakeSidecar.command(fake)
      FakeSidecar.say(fake, :left)
      assert :ok = Task.await(task)

      log =
        capture_log(fn ->
          send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :disconnect]})
          settled(fake)
        end)

      assert log =~ ~s(NODEDOWN :"zoe@127.0.0.1")
      refute log =~ "quiet"
      refute log =~ "dialled"

      assert [%Peer{connection: {:skipped, :not_alive}, problem: nil}] =
               GossipCluster.peers(@name)
    end

    defp failures(name), do: GossipCluster.Dialer.failures(:sys.get_state(@name).dialer, name)

    test "one that is heard directly again is dialled at once, however long its backoff", %{
      fake: fake
    } do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      for _ <- 1..3, do: assert_dial(:"zoe@127.0.0.1") |> answer(false)
      eventually(fn -> failures("zoe@127.0.0.1") == 3 end)
      assert {:up, _} = event()
      # It changes nothing but that.
      FakeSidecar.say(fake, {:update, FakeSidecar.peer("zoe@127.0.0.1")})
      eventually(fn -> failures("zoe@127.0.0.1") == 0 end)
      dialler = assert_dial(:"zoe@127.0.0.1")
      answer(dialler, true)
      assert :ok = GossipCluster.await(@name)
      no_event()
    end

    test "what a peer that does not answer closes is dialled again soon", %{fake: fake} do
      fake = start(fake, quiet: 3_600_000)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1", status: :suspect)])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
      send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :connection_closed]})
      assert_dial(:"zoe@127.0.0.1")
    end

    # `global` asks a node to disconnect it, so each side is one or the other. It keeps its notes: nodes that no other test has.
    for {node, reason} <- ["gil@127.0.0.1": :disconnect, "guy@127.0.0.1": :connection_closed] do
      test "what `global` disconnects is dialled again soon, and not called a purpose (#{reason})",
           %{fake: fake} do
        fake = start(fake, quiet: 3_600_000)
        FakeSidecar.ready(fake, [listening("#{unquote(node)}")])
        assert_dial(unquote(node)) |> answer(true)
        assert :ok = GossipCluster.await(@name)

        # A third node tells `global` that it has lost this one: that is noted before anything is disconnected.
        send(:global_name_server, {:lost_connection, :"abe@127.0.0.1", 1, 1, unquote(node)})
        key = {:"abe@127.0.0.1", unquote(node)}
        eventually(fn -> :ets.lookup(:global_lost_connections, key) != [] end)

        log =
          capture_log(fn ->
            send(@name, {:nodedown, unquote(node), [nodedown_reason: unquote(reason)]})
            assert_dial(unquote(node))
          end)

        assert log =~ "NODEDOWN"
        refute log =~ "quiet"
      end
    end

    test "that are down are disconnected if that is wanted, and the sidecar has judged", %{
      fake: fake
    } do
      fake = start(fake, on_down: :disconnect, disconnect: {__MODULE__, :disconnect, [self()]})
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
      eventually(fn -> Task.Supervisor.children(GossipCluster.Supervisor.tasks(@name)) == [] end)
      refute_received {:disconnect, _node}
    end

    test "that are down keep their connections otherwise", %{fake: fake} do
      fake = start(fake, disconnect: {__MODULE__, :disconnect, [self()]})
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
      FakeSidecar.say(fake, {:down, FakeSidecar.peer("zoe@127.0.0.1"), :silent})
      settled(fake)
      eventually(fn -> Task.Supervisor.children(GossipCluster.Supervisor.tasks(@name)) == [] end)
      refute_received {:disconnect, _node}
    end

    test "which `accept` refuses are listed but not dialled", %{fake: fake} do
      test = self()
      accept = fn peer -> send(test, {:asked, peer.name}) && peer.port != 1 end
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

          settled(fake)
        end)

      assert [_once] =
               Regex.scan(~r/:"zoe@127.0.0.1" is not dialled: its Erlang cookie differs/, log)

      assert [{"zoe@127.0.0.1", :cookie, "its Erlang cookie differs" <> _}] =
               GossipCluster.status(@name).problems
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

  describe "the sidecar's death" do
    test "is followed by a new one within a second; nobody sees it, connections and roster stay",
         %{fake: fake} do
      fake = start(fake)

      FakeSidecar.ready(fake, [
        FakeSidecar.peer("zoe@127.0.0.1"),
        FakeSidecar.peer("zed@127.0.0.1")
      ])

      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert_dial(:"zed@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name, min: 2)
      assert {:up, _} = event()
      assert {:up, _} = event()
      peers = GossipCluster.peers(@name)

      log =
        capture_log(fn ->
          FakeSidecar.die(fake, :kill)
          died = System.monotonic_time(:millisecond)
          fake = FakeSidecar.attach(fake)
          FakeSidecar.ready(fake)
          assert System.monotonic_time(:millisecond) - died < 1_000
          assert {:alive, _} = FakeSidecar.command(fake)
          assert GossipCluster.peers(@name) == peers

          # One is heard again, under the boot id that it had: no event. The other has a new address: an update.
          FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})

          FakeSidecar.say(
            fake,
            {:up, FakeSidecar.peer("zed@127.0.0.1", addresses: [{{192, 0, 2, 9}, 1, 1}])}
          )

          assert {:update, %Peer{name: "zed@127.0.0.1", connection: :connected}} = event()
          settled(fake)
          no_event()
        end)

      # Whether its status or the broken pipe is noticed first, nobody knows.
      assert log =~
               ~r/gossipd (was killed by signal 9|is gone \(:epipe\))\. It is tried again until it runs/

      assert log =~ "gossipd 9.9.9 runs"
      refute log =~ "NODEDOWN"
    end

    test "one that fails again and again is told once, with its own words", %{fake: _fake} do
      # What it says before it exits: {error, port_taken, <<"udp port 45893">>}.
      path =
        FakeSidecar.script("""
        head -c 5 >/dev/null
        echo x >>"$d/runs"
        printf '\\000\\000\\000\\043\\203h\\003d\\000\\005errord\\000\\012port_takenm\\000\\000\\000\\006p45893'
        exit 1
        """)

      log =
        capture_log(fn ->
          start_supervised!({GossipCluster, name: @name, sidecar: path, secret: {:key, @key}})
          runs = Path.join(Path.dirname(path), "runs")
          eventually(fn -> match?({:ok, "x\nx\nx\n" <> _}, File.read(runs)) end)
          eventually(fn -> GossipCluster.status(@name).sidecar.reason end)
        end)

      assert [_once] = Regex.scan(~r/p45893\. It is tried again until it runs/, log)
      assert %{state: :down, reason: "p45893" <> _} = GossipCluster.status(@name).sidecar
    end

    test "each cause is named with its mend, and none stops the cluster", %{fake: fake} do
      foreign = FakeSidecar.script("")
      File.write!(foreign, <<0x7F, "ELF", 2, 1, 1, 0::size(400)>>)
      forbidden = FakeSidecar.script("")
      File.chmod!(forbidden, 0o644)

      for {path, expected} <- [
            {"/nowhere/gossipd", ~r/missing: run `mix compile`/},
            {System.tmp_dir!(), ~r/is a directory/},
            {forbidden, ~r/may not be executed: check its permissions/},
            {foreign, ~r/not made for this machine/},
            {FakeSidecar.script("exit 3"), ~r/exited with status 3/}
          ] do
        log =
          capture_log(fn ->
            start_supervised!({GossipCluster, name: @name, sidecar: path, secret: {:key, @key}})
            eventually(fn -> GossipCluster.status(@name).sidecar.reason end)
            assert GossipCluster.status(@name).sidecar.reason =~ expected
            assert {:error, :timeout} = GossipCluster.await(@name, timeout: 10)
            assert GossipCluster.status(@name).stats == nil
            assert :ok = GossipCluster.leave(@name)
            stop_supervised!(@name)
          end)

        assert log =~ expected
      end

      # And one that works works.
      fake = start(fake)
      FakeSidecar.ready(fake)
    end

    test "a frame that cannot be read ends that sidecar", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)

      log =
        capture_log(fn ->
          FakeSidecar.say_raw(fake, <<131, 104>>)
          port = fake.port
          assert_receive {^port, {:exit_status, _}}, 5_000
          FakeSidecar.ready(FakeSidecar.attach(fake))
        end)

      assert log =~ "gossipd sent a frame of 2 bytes that cannot be read"
    end
  end

  describe "the owner's crash" do
    test "keeps peers, subscribers and what was logged; awaiting goes on", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
      assert {:up, _} = event()
      owner = Process.whereis(@name)
      test = self()

      waiting =
        spawn_link(fn ->
          send(test, {:awaited, GossipCluster.await(@name, min: 2, timeout: 20_000)})
        end)

      eventually(fn -> Process.info(waiting, :status) == {:status, :waiting} end)

      log =
        capture_log(fn ->
          Process.exit(owner, :kill)
          eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
          port = fake.port
          assert_receive {^port, {:exit_status, _}}, 5_000
          assert [%Peer{name: "zoe@127.0.0.1"}] = GossipCluster.peers(@name)
          fake = FakeSidecar.attach(fake)

          FakeSidecar.ready(fake, [
            FakeSidecar.peer("zoe@127.0.0.1"),
            FakeSidecar.peer("zed@127.0.0.1")
          ])

          # The node is not really connected, so the new owner, which looks at the list of nodes, dials it again.
          assert_dial(:"zoe@127.0.0.1") |> answer(true)
          assert_dial(:"zed@127.0.0.1") |> answer(true)
          assert {:up, %Peer{name: "zed@127.0.0.1"}} = event()
          assert_receive {:awaited, :ok}, 5_000
        end)

      refute log =~ ~s(NODEUP :"zoe@127.0.0.1")
      assert log =~ ~s(NODEUP :"zed@127.0.0.1")
    end

    test "shows no secret, nor does anything else that is printed", %{fake: fake} do
      secret = "correct horse battery staple"
      fake = start(fake, secret: [{:passphrase, secret}, :cookie])
      FakeSidecar.ready(fake)

      printed =
        capture_log(fn ->
          owner = Process.whereis(@name)
          supervisor = Process.whereis(GossipCluster.Supervisor.name(@name))

          for pid <- [owner, supervisor] do
            send(
              self(),
              inspect(:sys.get_status(pid), limit: :infinity, printable_limit: :infinity)
            )

            send(
              self(),
              inspect(:sys.get_state(pid), limit: :infinity, printable_limit: :infinity)
            )
          end

          ref = Process.monitor(owner)
          # No message of the owner's: it crashes, with its state and the message in the report.
          send(owner, :nonsense)
          assert_receive {:DOWN, ^ref, :process, ^owner, {:function_clause, _}}, 5_000
          eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
        end)

      texts =
        [printed | texts([])] ++
          [inspect(:ets.tab2list(GossipCluster.Board.table(@name)), limit: :infinity)]

      assert length(texts) == 6
      assert printed =~ "nonsense"

      for text <- texts do
        refute text =~ "correct horse"
        refute text =~ "a_cookie_of_the_tests"
      end
    end

    defp texts(texts) do
      receive do
        text when is_binary(text) -> texts([text | texts])
      after
        0 -> texts
      end
    end
  end

  describe "the end" do
    test "says goodbye when the cluster is stopped, and waits for it", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      assert {:alive, _} = FakeSidecar.command(fake)
      test = self()

      spawn_link(fn ->
        send(test, {:stopped, Supervisor.stop(GossipCluster.Supervisor.name(@name), :shutdown)})
      end)

      assert {:leave, :left} = FakeSidecar.command(fake)
      FakeSidecar.say(fake, :left)
      assert :closed = FakeSidecar.command(fake)
      assert_receive {:stopped, :ok}, 5_000
    end

    test "leave/1 says goodbye, dials nobody any more, and outlives the owner", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      assert {:alive, _} = FakeSidecar.command(fake)
      task = Task.async(fn -> GossipCluster.leave(@name) end)
      assert {:leave, :left} = FakeSidecar.command(fake)
      FakeSidecar.say(fake, :left)
      assert :ok = Task.await(task)
      assert %{left: true, announced: false} = GossipCluster.status(@name)
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
      assert {:up, %Peer{connection: {:skipped, :not_alive}}} = event()

      owner = Process.whereis(@name)
      Process.exit(owner, :kill)
      eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
      fake = FakeSidecar.attach(fake)
      FakeSidecar.ready(fake)
      for _ <- 1..3, do: FakeSidecar.pulse(fake)
      assert %{left: true, announced: false} = GossipCluster.status(@name)
    end

    test "leave/1 does not wait for a sidecar that does not answer", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      assert :ok = GossipCluster.leave(@name)
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
      assert {:health, :isolated} = event()

      assert %{stats: nil, health: :isolated, interfaces: [{"lo", 1, "127.0.0.1"}]} =
               GossipCluster.status(@name)
    end

    test "packets of another cluster are told once, and only while nobody is found", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      assert {:alive, _} = FakeSidecar.command(fake)

      ask = fn foreign ->
        send(@name, :alone)
        FakeSidecar.say(fake, {:stats, FakeSidecar.stats(fake), %{foreign: foreign}})
        settled(fake)
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
      send(@name, :alone)
      assert settled(fake) =~ "two living"
      # Not even asked.
      assert :sys.get_state(@name).stats == %{}
    end

    test "a peer that beats and never changes costs no line and no message", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1", cookie: :differs)])
      assert {:up, _} = event()
      # That it is not dialled is told a moment later.
      settled(fake)

      assert capture_log(fn -> for(_ <- 1..20, do: FakeSidecar.pulse(fake)) end) == ""
      no_event()
    end
  end

  test "a cluster that does not run is named", %{fake: _fake} do
    assert_raise ArgumentError, "no cluster :nobody runs on this node", fn ->
      GossipCluster.peers(:nobody)
    end

    assert_raise ArgumentError, fn -> GossipCluster.status("text") end
    assert_raise ArgumentError, fn -> GossipCluster.subscribe(:nobody) end
    assert_raise ArgumentError, fn -> GossipCluster.leave(:nobody) end
    assert_raise ArgumentError, fn -> GossipCluster.await(:nobody) end
  end

  test "the owner is called as the cluster is", %{fake: fake} do
    start(fake)
    assert {:dictionary, dictionary} = Process.info(Process.whereis(@name), :dictionary)
    assert dictionary[:"$initial_call"] == {Owner, :init, 1}
  end
end
