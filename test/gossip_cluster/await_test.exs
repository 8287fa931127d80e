defmodule GossipCluster.AwaitTest do
  use ExUnit.Case, async: false

  import ExUnit.CaptureLog
  import GossipCluster.Eventually

  alias GossipCluster.{Await, FakeSidecar}

  @name GossipCluster.AwaitTest.Cluster

  setup do
    {:ok, _pid} =
      :net_kernel.start(:"own@127.0.0.1", %{name_domain: :longnames, dist_listen: false})

    on_exit(fn -> if Node.alive?(), do: :net_kernel.stop() end)
    {:ok, fake: FakeSidecar.new()}
  end

  def connect(_node), do: true
  def disconnect(test, node), do: send(test, {:disconnect, node})
  def list, do: [:"zoe@127.0.0.1"]

  defp cluster(fake) do
    {GossipCluster,
     name: @name,
     sidecar: fake.path,
     interval: 100,
     secret: {:key, String.duplicate("k", 32)},
     connect: {__MODULE__, :connect, []},
     disconnect: {__MODULE__, :disconnect, [self()]},
     list_nodes: {__MODULE__, :list, []}}
  end

  defp cluster_of(name), do: :sys.get_state(name).cluster

  # What the test is told when it starts.
  defp gated(test),
    do: %{id: :gated, start: {Agent, :start_link, [fn -> send(test, :gated_starts) end]}}

  test "what stands behind it starts when the peers are connected, and not before", %{fake: fake} do
    test = self()
    children = [cluster(fake), {Await, name: @name, min: 1, timeout: 60_000}, gated(test)]

    boot =
      Task.async(fn ->
        {:ok, pid} = Supervisor.start_link(children, strategy: :one_for_one)
        left = for {id, child, _, _} <- Supervisor.which_children(pid), do: {id, child}
        send(test, {:children, left})
        receive do: (:stop -> Supervisor.stop(pid))
      end)

    fake = FakeSidecar.attach(fake)
    FakeSidecar.ready(fake)
    eventually(fn -> map_size(cluster_of(@name).replies.awaits) == 1 end)
    refute_received :gated_starts
    FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
    assert_receive :gated_starts, 5_000
    assert_receive {:children, children}, 5_000
    # Nothing of it is left but its place.
    assert {{Await, @name}, :undefined} in children
    send(boot.pid, :stop)
    assert Task.await(boot) == :ok
  end

  test "a time that is over: the start goes on, or fails, as asked", %{fake: fake} do
    start_supervised!(cluster(fake))
    fake = FakeSidecar.attach(fake)
    FakeSidecar.ready(fake)
    FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
    assert :ok = GossipCluster.await(@name)

    log =
      capture_log(fn -> assert Await.start_link(name: @name, min: 2, timeout: 10) == :ignore end)

    assert log =~ "1 of 2 awaited peers are connected after 10 ms; the start goes on without"

    tagged = [name: @name, tags: [role: "db"], timeout: 10]
    log = capture_log(fn -> assert Await.start_link(tagged) == :ignore end)
    assert log =~ "0 of 1 awaited peers are connected after 10 ms"

    children = [{Await, name: @name, min: 3, timeout: 10, on_timeout: :error}, gated(self())]
    Process.flag(:trap_exit, true)

    assert {:error, {:shutdown, {:failed_to_start_child, {Await, @name}, {:timeout, text}}}} =
             Supervisor.start_link(children, strategy: :one_for_one)

    assert text == "1 of 3 awaited peers are connected after 10 ms"
    refute_received :gated_starts
  end

  test "wrong options, or no cluster", %{fake: fake} do
    start_supervised!(cluster(fake))

    assert_raise ArgumentError, ~r/:on_timeout is :stop, but must be :continue or :error/, fn ->
      Await.start_link(name: @name, on_timeout: :stop)
    end

    assert_raise ArgumentError, ~r/no option :max/, fn ->
      Await.start_link(name: @name, max: 1)
    end

    assert_raise ArgumentError, ~r/no cluster/, fn -> Await.start_link(name: :nobody) end
    assert Await.child_spec(min: 2).id == {Await, GossipCluster}
    # As Erlang calls it.
    assert :"Elixir.GossipCluster.Await".start_link([{:name, @name}, {:min, 0}]) == :ignore
  end

  test "leave/2 ends the connections if that is wanted", %{fake: fake} do
    start_supervised!(cluster(fake))
    fake = FakeSidecar.attach(fake)
    FakeSidecar.ready(fake)

    for name <- ["zoe@127.0.0.1", "zip@127.0.0.1"],
        do: FakeSidecar.say(fake, {:up, FakeSidecar.peer(name)})

    assert :ok = GossipCluster.await(@name, min: 2)
    assert :ok = GossipCluster.leave(@name)
    refute_received {:disconnect, _node}
    assert :ok = GossipCluster.leave(@name, disconnect: false)
    refute_received {:disconnect, _node}
    assert :ok = GossipCluster.leave(@name, disconnect: true)
    assert_received {:disconnect, :"zoe@127.0.0.1"}
    assert_received {:disconnect, :"zip@127.0.0.1"}

    assert_raise ArgumentError, ~r/:disconnect is .*, but must be true or false/, fn ->
      GossipCluster.leave(@name, disconnect: 1)
    end
  end
end
