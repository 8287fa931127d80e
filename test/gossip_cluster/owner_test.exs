defmodule GossipCluster.OwnerTest do
  # How a cluster starts and ends.
  use GossipCluster.OwnerCase

  alias GossipCluster.Measures

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
               heartbeats: true,
               advertise: "",
               unicast_port: {45_894, 45_901},
               broadcast: false,
               group6: "ff12::6763"
             }

      assert {:alive, alive} = FakeSidecar.command(fake)
      # Where this node is, is the machine's matter.
      assert {<<0, _addresses::binary>>, alive} = Map.pop!(alive, :host)

      assert alive == %{
               name: "own@127.0.0.1",
               creation: :erlang.system_info(:creation),
               port: 0,
               long_names: true,
               tls: false,
               ipv6: false,
               hidden: false,
               tags: "",
               cookie: "a_cookie_of_the_tests"
             }

      eventually(fn -> GossipCluster.status(@name).sidecar.state == :running end)

      assert %{os_pid: 4711, version: "9.9.9", boot: "0000000000000001", reason: nil} =
               GossipCluster.status(@name).sidecar
    end

    # It listened until then, with a socket open, also where the node was to find nobody: as in the tests of an
    # application.
    test "a node without a name opens no socket; it announces itself once it has one, and listens on without",
         %{
           fake: fake
         } do
      :net_kernel.stop()
      fake = start(fake)
      eventually(fn -> GossipCluster.status(@name).health == :waiting end)
      assert %{announced: false, sidecar: %{state: :waiting}} = GossipCluster.status(@name)
      refute Map.has_key?(:sys.get_state(@name).timers, :ready)

      alive()
      FakeSidecar.ready(fake)
      assert {:alive, %{name: "own@127.0.0.1"}} = FakeSidecar.command(fake, :alive)
      :net_kernel.stop()
      assert :hide = FakeSidecar.command(fake, :hide)
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

  describe "the end" do
    test "says goodbye when the cluster is stopped, and waits for it", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      assert {:alive, _} = FakeSidecar.command(fake)
      test = self()

      spawn_link(fn ->
        send(
          test,
          {:stopped, Supervisor.stop(GossipCluster.Supervisor.whereis(@name), :shutdown)}
        )
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
      assert {:membership, :left} = event()
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

    test "rejoin/1 announces this node again, also while the goodbyes are said, and after another owner",
         %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert {:alive, alive} = FakeSidecar.command(fake)
      assert {:up, _} = event()
      # Nothing to do.
      assert :ok = GossipCluster.rejoin(@name)

      # The goodbyes are not said yet.
      task = Task.async(fn -> GossipCluster.leave(@name) end)
      assert {:leave, :left} = FakeSidecar.command(fake)
      assert :ok = GossipCluster.rejoin(@name)
      assert {:alive, ^alive} = FakeSidecar.command(fake)
      FakeSidecar.say(fake, :left)
      assert :ok = Task.await(task)
      assert %{left: false, announced: true} = GossipCluster.status(@name)
      assert {:membership, :left} = event()
      assert {:membership, :rejoined} = event()

      # Nor does the next owner take this node for one that has left; and one that has is back all the same.
      Enum.reduce([false, true], fake, fn left, fake ->
        if left, do: :ok = GossipCluster.leave(@name)
        owner = Process.whereis(@name)
        Process.exit(owner, :kill)
        eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
        fake = FakeSidecar.attach(fake)
        FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
        if left, do: assert(:ok = GossipCluster.rejoin(@name))
        assert {:alive, ^alive} = FakeSidecar.command(fake, :alive)
        assert %{left: false, announced: true} = GossipCluster.status(@name)
        fake
      end)
    end

    test "leave/1 does not wait for a sidecar that does not answer", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      {time, :ok} = :timer.tc(fn -> GossipCluster.leave(@name) end)
      # It waits for the word that the goodbyes are sent, but no longer than this.
      assert time in 150_000..4_500_000
    end

    test "a cluster that is stopped does not wait for it for ever either", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      stop = fn -> Supervisor.stop(GossipCluster.Supervisor.whereis(@name), :shutdown) end
      {time, :ok} = :timer.tc(stop)
      assert time in 150_000..4_500_000
      assert {:leave, :left} = FakeSidecar.command(fake, :leave)
    end
  end

  describe "how well a peer is reached" do
    test "is asked for when somebody reads, and told at the next look", %{fake: fake} do
      fake = start(fake)
      zoe = FakeSidecar.peer("zoe@127.0.0.1")
      FakeSidecar.ready(fake, [zoe])
      assert {:up, %{round_trip: nil, loss: nil}} = event()
      assert [%{round_trip: nil, loss: nil}] = GossipCluster.peers(@name)
      assert FakeSidecar.measures(fake) == 0
      # Who reads again at once has nothing asked again.
      for _ <- 1..20, do: [_] = GossipCluster.peers(@name)
      FakeSidecar.say(fake, {:measures, 0, [{zoe.boot, 1500, 125, 40}]})
      eventually(fn -> match?([%{round_trip: 1500}], GossipCluster.peers(@name)) end)
      assert [%{loss: 0.125}] = GossipCluster.peers(@name)

      task = Task.async(fn -> Measures.ask(@name) end)

      # The twenty have asked once, and not again within a second, if this machine is not that slow.
      assert FakeSidecar.measures(fake) == 0
      FakeSidecar.say(fake, {:measures, 0, [{zoe.boot, 1600, :unknown, :unknown}]})
      assert :ok = Task.await(task)
      assert [%{round_trip: 1600, loss: nil} = peer] = GossipCluster.peers(@name)
      view = GossipCluster.View.table(@name)
      assert Measures.heard_ago(Measures.found(view), peer) == nil
    end

    test "is not waited for where the sidecar says nothing", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert {:up, _peer} = event()
      {time, :ok} = :timer.tc(fn -> Measures.ask(@name) end)
      assert time in 400_000..1_900_000
    end
  end

  test "a cluster that does not run is named", %{fake: _fake} do
    nobody = ~r/^no cluster :nobody runs on this node/
    assert_raise ArgumentError, nobody, fn -> GossipCluster.peers(:nobody) end

    assert_raise ArgumentError, fn -> GossipCluster.status("text") end
    assert_raise ArgumentError, fn -> GossipCluster.subscribe(:nobody) end
    assert_raise ArgumentError, fn -> GossipCluster.leave(:nobody) end
    assert_raise ArgumentError, nobody, fn -> GossipCluster.rejoin(:nobody) end
    assert_raise ArgumentError, fn -> GossipCluster.await(:nobody) end
  end

  test "the owner is called as the cluster is", %{fake: fake} do
    start(fake)
    assert {:dictionary, dictionary} = Process.info(Process.whereis(@name), :dictionary)
    assert dictionary[:"$initial_call"] == {Owner, :init, 1}
  end
end
