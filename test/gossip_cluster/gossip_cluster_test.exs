defmodule GossipClusterTest do
  # The public functions, and starting from configuration. The node is not alive, so nothing is announced.
  use ExUnit.Case, async: false
  doctest GossipCluster

  import ExUnit.CaptureLog

  alias GossipCluster.FakeSidecar

  @key String.duplicate("k", 32)

  # A sidecar that listens and says nothing.
  defp mute, do: FakeSidecar.script("exec cat >/dev/null")

  defp restart(clusters) do
    _ = Application.stop(:gossip_cluster)
    Application.put_env(:gossip_cluster, :clusters, clusters)
    Application.start(:gossip_cluster)
  end

  describe "config :gossip_cluster, clusters: [...]" do
    setup do
      on_exit(fn -> :ok = restart([]) end)
    end

    test "starts each of them; nothing starts by itself" do
      :ok = restart([])
      assert_raise ArgumentError, fn -> GossipCluster.peers() end

      sidecar = mute()

      :ok =
        restart([
          [secret: {:key, @key}, sidecar: sidecar],
          [name: Second, secret: {:key, @key}, sidecar: sidecar]
        ])

      assert GossipCluster.peers() == []
      assert GossipCluster.peers(Second) == []

      assert %{name: Second, cluster: "", port: 45_893, interval: 1_000} =
               GossipCluster.status(Second)
    end

    test "tells what is wrong in it, without a secret" do
      log =
        capture_log(fn ->
          for {clusters, told} <- [
                {[name: :a], "must be a list of lists of options"},
                {:none, "must be a list of lists of options"},
                {[[secret: {:passphrase, "hunter2"}]],
                 "option :secret is {:passphrase, a binary of 7 bytes}"},
                {[[prot: 1]], "there is no option :prot"}
              ] do
            assert {:error, reason} = restart(clusters)
            assert inspect(reason, limit: :infinity) =~ told
            refute inspect(reason, limit: :infinity) =~ "hunter2"
          end
        end)

      refute log =~ "hunter2"
    end
  end

  test "clusters of one node stand side by side, and are supervised under their names" do
    sidecar = mute()

    for name <- [One, Two] do
      start_supervised!({GossipCluster, name: name, secret: {:key, @key}, sidecar: sidecar})
      assert Process.whereis(name)
      assert %{name: ^name} = GossipCluster.status(name)
    end

    stop_supervised!(One)
    assert_raise ArgumentError, fn -> GossipCluster.status(One) end
    assert %{name: Two} = GossipCluster.status(Two)
  end

  test "await checks its options, and gives up in time" do
    start_supervised!({GossipCluster, name: One, secret: {:key, @key}, sidecar: mute()})
    assert GossipCluster.await(One, min: 0) == :ok
    assert GossipCluster.await(One, min: 1, timeout: 0) == {:error, :timeout}
    # An Erlang property list, too.
    erlang = fn -> :"Elixir.GossipCluster".await(One, [{:min, 1}, {:timeout, 1}]) end
    assert {time, {:error, :timeout}} = :timer.tc(erlang)
    # The default is 5 s.
    assert time < 4_500_000

    for {options, told} <- [
          {[min: -1], ":min is -1, but must be an integer from 0"},
          {[min: "1"], ~s(:min is "1", but)},
          {[timeout: -1], ":timeout is -1, but must be milliseconds or :infinity"},
          {[timeout: 1.5], ":timeout is 1.5, but"},
          {[tags: [role: :db]],
           ":tags is [role: :db], but must be a map, or a keyword list, of at most 32"},
          {[max: 1], "there is no option :max; there are :min, :tags, :timeout"}
        ] do
      error = assert_raise ArgumentError, fn -> GossipCluster.await(One, options) end
      assert error.message =~ "GossipCluster.await: " <> told
    end
  end

  test "this node's tags: as configured, as changed, and as they were to the next owner" do
    start_supervised!({GossipCluster, name: One, sidecar: mute(), tags: [role: "web"]})
    assert GossipCluster.status(One).tags == %{"role" => "web"}
    assert GossipCluster.put_tags(One, %{"role" => "db", zone: "a"}) == :ok
    assert GossipCluster.status(One).tags == %{"role" => "db", "zone" => "a"}
    # As Erlang has it.
    assert GossipCluster.put_tags(One, [{:role, ~c"db"}]) == :ok
    owner = Process.whereis(One)
    Process.exit(owner, :kill)
    GossipCluster.Eventually.eventually(fn -> Process.whereis(One) not in [nil, owner] end)
    assert GossipCluster.status(One).tags == %{"role" => "db"}
    assert :sys.get_state(One).cluster.announcement.tags == %{"role" => "db"}

    error = assert_raise ArgumentError, fn -> GossipCluster.put_tags(One, role: "a\nb") end
    assert error.message =~ "GossipCluster.put_tags: :tags is [role: \"a\\nb\"], but must be"
    assert GossipCluster.status(One).tags == %{"role" => "db"}

    assert_raise ArgumentError, ~r/no cluster Nobody runs/, fn ->
      GossipCluster.put_tags(Nobody, [])
    end
  end

  test "options alone mean the default cluster" do
    start_supervised!({GossipCluster, secret: {:key, @key}, sidecar: mute()})
    assert GossipCluster.await(min: 0, tags: [role: "db"]) == :ok
    assert GossipCluster.put_tags(role: "db") == :ok
    assert GossipCluster.status().tags == %{"role" => "db"}
    assert GossipCluster.await(min: 0) == :ok
    assert GossipCluster.await(min: 1, timeout: 0) == {:error, :timeout}
    assert GossipCluster.await([]) == {:error, :timeout}
    assert GossipCluster.leave(disconnect: true) == :ok
    assert GossipCluster.status().left
    # As Erlang has it: [disconnect] is [{disconnect, true}].
    assert GossipCluster.leave([:disconnect]) == :ok
    assert GossipCluster.leave([]) == :ok
    assert GossipCluster.rejoin() == :ok
    refute GossipCluster.status().left
  end

  test "a wrong form is told how to write it right" do
    start_supervised!({GossipCluster, name: One, secret: {:key, @key}, sidecar: mute()})

    for {call, told} <- [
          {fn -> GossipCluster.await(One, 5_000) end,
           "GossipCluster.await: the options are 5000, but must be a keyword list: " <>
             "GossipCluster.await(One, min: 2, timeout: 10_000)"},
          {fn -> apply(GossipCluster, :await, [5_000]) end,
           "GossipCluster.await: the cluster's name is 5000, but must be an atom: " <>
             "GossipCluster.await(GossipCluster, min: 2, timeout: 10_000)"},
          {fn -> GossipCluster.await([min: 2], One) end,
           "GossipCluster.await: the cluster's name is [min: 2], but must be an atom: " <>
             "GossipCluster.await(GossipCluster, min: 2, timeout: 10_000)"},
          {fn -> GossipCluster.await("One", min: 2) end,
           ~s(GossipCluster.await: the cluster's name is "One", but must be an atom)},
          {fn -> GossipCluster.await(One, %{min: 2}) end,
           "GossipCluster.await: the options are %{min: 2}, but must be a keyword list"},
          {fn -> GossipCluster.await(One, [1]) end,
           "GossipCluster.await: the options are [1], but must be a keyword list"},
          {fn -> GossipCluster.await(One, [{:min, 1} | :rest]) end, "but must be a keyword list"},
          {fn -> GossipCluster.leave(One, true) end,
           "GossipCluster.leave: the options are true, but must be a keyword list: GossipCluster.leave(One, disconnect: true)"},
          {fn -> GossipCluster.leave(One, disconnect: 1) end,
           "GossipCluster.leave: :disconnect is 1, but must be true or false"},
          {fn -> GossipCluster.leave(One, disconnected: true) end,
           "GossipCluster.leave: there is no option :disconnected; there is :disconnect"},
          {fn -> GossipCluster.await(One, minimum: 1) end,
           "GossipCluster.await: there is no option :minimum; there are :min, :tags, :timeout"},
          {fn -> GossipCluster.peers(:infinity) end,
           "no cluster :infinity runs on this node; there runs One"},
          {fn -> GossipCluster.status([]) end, "no cluster [] runs on this node; there runs One"},
          {fn -> GossipCluster.child_spec(One) end,
           "GossipCluster: the options must be a keyword list, as in {GossipCluster, name: Shop, secret: :cookie}"},
          {fn -> GossipCluster.Await.child_spec(5_000) end,
           "GossipCluster.Await: the options are 5000, but must be a keyword list: {GossipCluster.Await, min: 2, timeout: 10_000}"},
          {fn -> GossipCluster.Await.start_link(name: One, on_timout: :error) end,
           "GossipCluster.Await: there is no option :on_timout; there are :name, :on_timeout, :min, :tags, :timeout"}
        ] do
      error = assert_raise ArgumentError, call
      assert error.message =~ told
    end

    stop_supervised!(One)

    assert_raise ArgumentError, ~r/^no cluster One runs on this node; there runs none$/, fn ->
      GossipCluster.peers(One)
    end
  end

  test "a cluster that ends while it is awaited is no success" do
    start_supervised!({GossipCluster, name: One, secret: {:key, @key}, sidecar: mute()})
    task = Task.async(fn -> GossipCluster.await(One, timeout: 60_000) end)

    GossipCluster.Eventually.eventually(fn ->
      map_size(:sys.get_state(One).cluster.replies.awaits) == 1
    end)

    stop_supervised!(One)
    assert Task.await(task) == {:error, :timeout}
  end

  # The table goes between the look whether it is there and the look into it.
  test "who asks a cluster that ends at this moment is told that none runs" do
    name = :persistent_term.put({GossipCluster.View, Ending}, nil) && Ending
    on_exit(fn -> :persistent_term.erase({GossipCluster.View, Ending}) end)

    ask = fn ask, none ->
      if :persistent_term.get({GossipCluster.View, name}) == :over do
        none
      else
        try do
          for _ <- 1..50, do: GossipCluster.Supervisor.whereis(name)
          for _ <- 1..50, do: nil = GossipCluster.View.find(name, :reporter)
          for _ <- 1..50, do: GossipCluster.peers(name)
          ask.(ask, none)
        rescue
          error in ArgumentError -> ask.(ask, Enum.uniq([error.message | none]))
        end
      end
    end

    task = Task.async(fn -> ask.(ask, []) end)

    for _ <- 1..300 do
      view = GossipCluster.View.create()
      :ok = GossipCluster.View.publish(view, name)
      for _ <- 1..100, do: GossipCluster.View.put(view, :supervisor, self())
      :ets.delete(view)
    end

    :persistent_term.put({GossipCluster.View, name}, :over)
    messages = Task.await(task)
    assert messages != []
    for message <- messages, do: assert(message =~ "no cluster #{inspect(name)} runs")
  end

  defmodule Last do
    # The owner of a cluster that ends with its goodbye.
    use GenServer
    @impl true
    def init({name, view}) do
      :ok = GossipCluster.View.publish(view, name)
      {:ok, view}
    end

    @impl true
    def handle_call(:leave, _from, view) do
      :ets.delete(view)
      {:reply, :ok, view}
    end
  end

  def cut(test, node) do
    send(test, {:cut, node})
    true
  end

  test "who leaves as the cluster ends ends the connections that there were" do
    on_exit(fn -> :persistent_term.erase({GossipCluster.View, Last}) end)
    view = GossipCluster.View.create()
    options = %{disconnect: {__MODULE__, :cut, [self()]}, observer: nil}
    true = GossipCluster.View.put(view, :options, options)

    for {name, connection} <- [{"own@host", :connected}, {"else@host", :waiting}] do
      peer = %GossipCluster.Peer{name: name, creation: 1, connection: connection}
      true = GossipCluster.View.put_peer(view, peer)
    end

    start_supervised!(%{
      id: Last,
      start: {GenServer, :start_link, [Last, {Last, view}, [name: Last]]}
    })

    _atoms = [:own@host, :else@host]
    assert GossipCluster.leave(Last, disconnect: true) == :ok
    assert_received {:cut, :own@host}
    refute_received {:cut, _other}

    assert_raise ArgumentError, ~r/no cluster/, fn ->
      GossipCluster.leave(Last, disconnect: true)
    end
  end

  test "subscribing twice is subscribing once; unsubscribing ends it" do
    start_supervised!({GossipCluster, name: One, secret: {:key, @key}, sidecar: mute()})
    for _ <- 1..2, do: assert(GossipCluster.subscribe(One) == :ok)
    view = GossipCluster.View.table(One)
    GossipCluster.Reporter.report(view, [{:health, :ok, :isolated, []}])
    GossipCluster.Reporter.flush(view)
    assert_received {:gossip_cluster, One, {:health, :ok}}
    refute_received {:gossip_cluster, One, _}
    assert GossipCluster.unsubscribe(One) == :ok
    GossipCluster.Reporter.report(view, [{:health, :ok, :isolated, []}])
    GossipCluster.Reporter.flush(view)
    refute_received {:gossip_cluster, One, _}
  end

  test "a secret that is none cannot be rotated in, and is not shown" do
    start_supervised!({GossipCluster, name: One, secret: {:key, @key}, sidecar: mute()})

    error =
      assert_raise ArgumentError, fn -> GossipCluster.rotate_secret(One, {:key, "hunter2"}) end

    assert error.message =~ "the secret is {:key, a binary of 7 bytes}, but must be"
  end
end
