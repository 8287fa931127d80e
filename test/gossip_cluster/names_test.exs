defmodule GossipCluster.NamesTest do
  # A cluster takes no name of the node's but the one that it was given.
  use GossipCluster.OwnerCase, async: false

  defmodule Shop do
  end

  defp named_tables,
    do:
      for(
        table <- :ets.all(),
        is_atom(:ets.info(table, :name)),
        :ets.info(table, :named_table),
        do: :ets.info(table, :name)
      )

  test "it starts in an application that has Shop.Supervisor, Shop.Tasks and a table Shop.Board",
       %{fake: fake} do
    for name <- [Shop.Supervisor, Shop.Tasks, Shop.Board],
        do:
          start_supervised!(%{
            id: name,
            start: {Agent, :start_link, [fn -> nil end, [name: name]]}
          })

    for name <- [Shop.Board, Shop.Supervisor, Shop.Tasks], do: :ets.new(name, [:named_table])

    children = [{GossipCluster, name: Shop, secret: {:key, @key}, sidecar: fake.path}]

    supervisor =
      start_supervised!(%{
        id: :users,
        start: {Supervisor, :start_link, [children, [strategy: :one_for_one]]}
      })

    assert [{Shop, _pid, :supervisor, _}] = Supervisor.which_children(supervisor)
    FakeSidecar.ready(FakeSidecar.attach(fake), [FakeSidecar.peer("zoe@127.0.0.1")])
    eventually(fn -> match?([%Peer{name: "zoe@127.0.0.1"}], GossipCluster.peers(Shop)) end)
  end

  test "it registers that name and no other, and no table's", %{fake: fake} do
    # What all clusters of a VM share stays when they are gone.
    start_supervised!({GossipCluster, name: Before, secret: {:key, @key}, sidecar: fake.path})
    before = {Process.registered(), named_tables()}

    start_supervised!(
      {GossipCluster, name: Shop, secret: {:key, @key}, sidecar: FakeSidecar.new().path}
    )

    FakeSidecar.ready(FakeSidecar.attach(fake))

    assert {Process.registered() -- elem(before, 0), named_tables() -- elem(before, 1)} ==
             {[Shop], []}
  end

  test "names that read alike are two", %{fake: fake} do
    for name <- [:"Elixir.Shop", :Shop, :shop, String.to_atom(String.duplicate("s", 254))] do
      start_supervised!(
        {GossipCluster,
         name: name, cluster: inspect(name), secret: {:key, @key}, sidecar: fake.path}
      )

      assert GossipCluster.status(name).name == name
    end

    assert GossipCluster.status(:Shop).cluster == ":Shop"
    assert GossipCluster.status(:"Elixir.Shop").cluster == "Shop"
  end

  test "a second start under one name leaves the first alone", %{fake: fake} do
    supervisor =
      start_supervised!({GossipCluster, name: Shop, secret: {:key, @key}, sidecar: fake.path})

    FakeSidecar.ready(FakeSidecar.attach(fake), [FakeSidecar.peer("zoe@127.0.0.1")])
    eventually(fn -> match?([_zoe], GossipCluster.peers(Shop)) end)

    again = fn ->
      GossipCluster.start_link(name: Shop, secret: {:key, @key}, sidecar: fake.path)
    end

    assert again.() == {:error, {:already_started, supervisor}}

    # Also while its owner is not there.
    :ok = :sys.suspend(supervisor)
    owner = Process.whereis(Shop)
    ref = Process.monitor(owner)
    Process.exit(owner, :kill)
    assert_receive {:DOWN, ^ref, :process, ^owner, :killed}
    assert again.() == {:error, {:already_started, supervisor}}

    capture_log(fn ->
      :ok = :sys.resume(supervisor)
      eventually(fn -> Process.whereis(Shop) != nil end)
    end)

    assert [%Peer{name: "zoe@127.0.0.1"}] = GossipCluster.peers(Shop)
  end

  test "a second start says who started the first, and what to do", %{fake: fake} do
    options = [name: Shop, secret: {:key, @key}, sidecar: fake.path]
    start_supervised!({GossipCluster, options})
    supervisor = GossipCluster.Supervisor.whereis(Shop)

    log =
      capture_log(fn ->
        assert {:error, {:already_started, ^supervisor}} = GossipCluster.start_link(options)
      end)

    assert log =~
             "[warning] GossipCluster.NamesTest.Shop: a cluster of this name runs already (#{inspect(supervisor)}, started by "

    assert log =~ "Start it in one place only, or give one of the two another :name"
    stop_supervised!(Shop)

    # By the configuration and as a child.
    on_exit(fn ->
      Application.stop(:gossip_cluster)
      Application.delete_env(:gossip_cluster, :clusters)
      Application.start(:gossip_cluster)
    end)

    log =
      capture_log(fn ->
        Application.stop(:gossip_cluster)
        Application.put_env(:gossip_cluster, :clusters, [options])
        :ok = Application.start(:gossip_cluster)
        assert {:error, {:already_started, _}} = GossipCluster.start_link(options)
      end)

    assert log =~ "started by `config :gossip_cluster, clusters: ...`)"
  end

  test "a name that is another process's is told to be", %{fake: fake} do
    start_supervised!(
      {Agent, fn -> nil end}
      |> Supervisor.child_spec(start: {Agent, :start_link, [fn -> nil end, [name: Shop]]})
    )

    other = Process.whereis(Shop)
    options = [name: Shop, secret: {:key, @key}, sidecar: fake.path]

    log =
      capture_log(fn ->
        assert GossipCluster.start_link(options) == {:error, {:already_started, other}}
      end)

    assert log =~ "this name is registered by another process (#{inspect(other)})"
    assert log =~ "Give the cluster another :name"
  end

  test "many starts at once under one name are one", %{fake: fake} do
    test = self()

    starts =
      for _ <- 1..20 do
        spawn(fn ->
          Process.flag(:trap_exit, true)
          receive do: (:start -> :ok)

          send(
            test,
            {:started,
             GossipCluster.start_link(name: Shop, secret: {:key, @key}, sidecar: fake.path)}
          )

          receive do: (:stop -> :ok)
        end)
      end

    {results, log} =
      with_log(fn ->
        for pid <- starts, do: send(pid, :start)

        for _ <- starts do
          receive do: ({:started, result} -> result)
        end
      end)

    assert [{:ok, supervisor}] = Enum.filter(results, &match?({:ok, _}, &1))
    assert Enum.count(results, &(&1 == {:error, {:already_started, supervisor}})) == 19
    assert length(String.split(log, "a cluster of this name runs already")) == 1 + 19
    assert GossipCluster.peers(Shop) == []
    ref = Process.monitor(supervisor)
    for pid <- starts, do: send(pid, :stop)
    assert_receive {:DOWN, ^ref, :process, _, _}, 5_000
    assert_raise ArgumentError, fn -> GossipCluster.peers(Shop) end
  end
end
