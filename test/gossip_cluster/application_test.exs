defmodule GossipCluster.ApplicationTest do
  # A cluster in a tree of the user's belongs to that tree: the application :gossip_cluster may stop and start.
  use GossipCluster.OwnerCase, async: false

  setup do
    on_exit(fn -> {:ok, _} = Application.ensure_all_started(:gossip_cluster) end)
  end

  defp up(fake, node) do
    FakeSidecar.say(fake, {:up, FakeSidecar.peer(Atom.to_string(node))})
    name = Atom.to_string(node)
    assert {:up, %Peer{name: ^name}} = event()
    answer(assert_dial(node), true)
  end

  test "what stops and starts again is not noticed by a cluster in another tree", %{fake: fake} do
    fake = start(fake)
    FakeSidecar.ready(fake)
    owner = Process.whereis(@name)

    log =
      capture_log(fn ->
        :ok = Application.stop(:gossip_cluster)
        up(fake, :"zoe@127.0.0.1")
        for _ <- 1..3, do: FakeSidecar.pulse(fake)
        :ok = GossipCluster.unsubscribe(@name)
        :ok = GossipCluster.subscribe(@name)
        :ok = Application.start(:gossip_cluster)
        up(fake, :"zed@127.0.0.1")
        for _ <- 1..3, do: FakeSidecar.pulse(fake)
        assert %{peers: 2, connected: 2} = GossipCluster.status(@name)
      end)

    assert Process.whereis(@name) == owner
    refute log =~ "[error]"
  end

  test "an owner that crashes meanwhile, and a cluster that is started, do as ever", %{fake: fake} do
    capture_log(fn ->
      :ok = Application.stop(:gossip_cluster)
      fake = start(fake)
      FakeSidecar.ready(fake)
      owner = Process.whereis(@name)
      Process.exit(owner, :kill)
      eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
      fake = FakeSidecar.attach(fake)
      FakeSidecar.ready(fake)
      up(fake, :"zoe@127.0.0.1")
    end)
  end

  test "what clusters share does not end with the tree that started it", %{fake: fake} do
    shared = [GossipCluster.Shared, GossipCluster.Subscribers]
    before = Enum.map(shared, &Process.whereis/1)

    capture_log(fn ->
      # None is there, so the next cluster starts it.
      Process.exit(Process.whereis(GossipCluster.Shared), :kill)
      eventually(fn -> Enum.all?(shared, &(Process.whereis(&1) == nil)) end)

      in_an_application(fn ->
        GossipCluster.start_link(name: @name, secret: {:key, @key}, sidecar: fake.path)
      end)
    end)

    for {name, old} <- Enum.zip(shared, before) do
      pid = Process.whereis(name)
      assert is_pid(pid) and pid != old
      assert Process.info(pid, :group_leader) == {:group_leader, Process.whereis(:init)}
    end

    assert :ets.info(GossipCluster.Epmd, :owner) == Process.whereis(GossipCluster.Shared)
  end

  # Starts and stops a tree as an application's master does, which kills all that has its group leader then.
  defp in_an_application(start) do
    test = self()
    terminal = Process.group_leader()
    master = spawn_link(fn -> relay(terminal) end)

    application =
      spawn_link(fn ->
        Process.group_leader(self(), master)
        Process.flag(:trap_exit, true)
        {:ok, supervisor} = start.()
        send(test, {:started, self(), supervisor})
        receive do: (:stop -> Supervisor.stop(supervisor, :shutdown))
        send(test, {:stopped, self()})
      end)

    assert_receive {:started, ^application, _supervisor}, 5_000
    send(application, :stop)
    assert_receive {:stopped, ^application}, 5_000

    for pid <- Process.list(),
        Process.info(pid, :group_leader) == {:group_leader, master},
        do: Process.exit(pid, :kill)
  end

  defp relay(terminal) do
    receive do
      message -> send(terminal, message)
    end

    relay(terminal)
  end
end
