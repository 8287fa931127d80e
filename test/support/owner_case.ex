defmodule GossipCluster.OwnerCase do
  @moduledoc """
  For tests of an owner against a sidecar that the test plays, `GossipCluster.FakeSidecar`. The node is alive, without
  listening and without epmd; whom the owner dials, and what comes of it, the test process says.
  """

  use ExUnit.CaseTemplate

  import ExUnit.{Assertions, Callbacks}
  import GossipCluster.Eventually

  alias GossipCluster.Cluster.Dialer
  alias GossipCluster.{FakeSidecar, Reporter, View}

  @name GossipCluster.OwnerCase.Cluster
  @nodes GossipCluster.OwnerCase.Nodes
  @key String.duplicate("k", 32)

  using do
    quote do
      import ExUnit.CaptureLog, except: [capture_log: 1]
      import GossipCluster.{Eventually, OwnerCase}
      alias GossipCluster.{FakeSidecar, Owner, Peer}

      @name unquote(@name)
      @key unquote(@key)
    end
  end

  setup do
    alive()
    on_exit(fn -> if Node.alive?(), do: :net_kernel.stop() end)
    {:ok, fake: FakeSidecar.new()}
  end

  @doc "Starts this node's distribution."
  def alive do
    {:ok, _pid} =
      :net_kernel.start(:"own@127.0.0.1", %{name_domain: :longnames, dist_listen: false})

    Node.set_cookie(:a_cookie_of_the_tests)
  end

  @doc "Connects on the test's behalf: what the test process says is what happens, and the list of nodes has it."
  def connect(test, nodes, node) do
    send(test, {:dial, node, self()})

    receive do
      {:answer, {:raise, message}} -> raise message
      {:answer, true} -> Agent.update(nodes, &[node | &1]) == :ok
      {:answer, answer} -> answer
    end
  end

  @doc "Tells the test."
  def disconnect(test, node), do: send(test, {:disconnect, node})

  @doc "Lists the nodes that an agent has."
  def list(agent), do: Agent.get(agent, & &1)

  @doc "What the list of nodes is from now on; each dial that works adds to it."
  def list_nodes(nodes), do: Agent.update(@nodes, fn _ -> nodes end)

  @doc "Starts the cluster, subscribes to it and becomes its sidecar."
  def start(fake, options \\ []) do
    nodes =
      start_supervised!(%{id: Agent, start: {Agent, :start_link, [fn -> [] end, [name: @nodes]]}})

    options =
      Keyword.merge(
        [
          name: @name,
          sidecar: fake.path,
          secret: {:key, @key},
          interval: 100,
          connect: {__MODULE__, :connect, [self(), nodes]},
          list_nodes: {__MODULE__, :list, [nodes]}
        ],
        options
      )

    start_supervised!({GossipCluster, options})
    :ok = GossipCluster.subscribe(@name)
    FakeSidecar.attach(fake)
  end

  @doc "Waits for a dial of this node: the process that dials, for `answer/2`."
  def assert_dial(node, timeout \\ 5_000) do
    assert_receive {:dial, ^node, dialler}, timeout
    dialler
  end

  @doc "What comes of a dial."
  def answer(dialler, answer), do: send(dialler, {:answer, answer})

  # Those have tests of their own: of connections, and of this node's health, which come when they come.
  @of_connections [:connected, :disconnected, :problem, :health]

  @doc "The next event of a subscriber, but for those of connections and of health."
  def event(timeout \\ 5_000) do
    receive do
      {:gossip_cluster, @name, event} when elem(event, 0) not in @of_connections -> event
    after
      timeout -> flunk("no event within #{timeout} ms")
    end
  end

  @doc "No event has come of what was said before."
  def no_event(owner \\ @name) do
    # All that was said before is handled before this call returns.
    _ = :sys.get_state(owner)
    told(owner)

    receive do
      {:gossip_cluster, _name, event} when elem(event, 0) not in @of_connections ->
        flunk("an unexpected event: #{inspect(event)}")
    after
      0 -> false
    end
  end

  @doc """
  What is logged meanwhile, as ExUnit has it, with all that the owner has reported by the end: a line may come a moment
  after the event that it is about.
  """
  def capture_log(fun) do
    ExUnit.CaptureLog.capture_log(fn ->
      fun.()
      # Or it has ended for good.
      eventually(fn -> Process.whereis(@name) == nil or flushed(@name) end)
    end)
  end

  @doc "Whatever the fake has said by now has been handled when this returns."
  def settled(fake) do
    # What the marker itself costs is not for the tests' output.
    capture_log(fn ->
      # Of a boot id of its own, for a conflict is told once for each.
      n = System.unique_integer([:positive])
      marker = "m#{n}@x"
      rival = FakeSidecar.peer(marker, boot: <<n::64>>)
      FakeSidecar.say(fake, {:conflict, rival, FakeSidecar.peer(marker, creation: 2)})

      assert_receive {:gossip_cluster, @name, {:conflict, %{name: ^marker}, _}}, 5_000
      told()
    end)

    :ok
  end

  @doc "How many dials of this peer have failed since something has changed."
  def failures(name), do: Dialer.failures(cluster().dialer, name)

  @doc "What the owner knows of the cluster."
  def cluster(owner \\ @name), do: :sys.get_state(owner).cluster

  @doc "Changes that."
  def change_cluster(owner \\ @name, change),
    do: :sys.replace_state(owner, &%{&1 | cluster: change.(&1.cluster)})

  @doc "A timer of the owner rings now."
  def ring(owner \\ @name, timer) do
    ref = make_ref()
    :sys.replace_state(owner, &%{&1 | timers: Map.put_new(&1.timers, timer, ref)})
    %{^timer => ref} = :sys.get_state(owner).timers
    send(owner, {:timeout, ref, timer})
  end

  @doc "Whatever the owner has reported by now is told when this returns."
  def told(owner \\ @name), do: eventually(fn -> flushed(owner) end) && :ok

  # Of a cluster that starts anew the owner has its name before its table is shown; of one that ends the table goes
  # first.
  defp flushed(owner) do
    view = View.table(owner)
    view != nil and View.open?(view) and flushed_view(view)
  end

  defp flushed_view(view) do
    Reporter.flush(view) == :ok
  rescue
    error in ArgumentError -> View.open?(view) && reraise(error, __STACKTRACE__)
  catch
    :exit, {reason, {GenServer, :call, _}} when reason in [:noproc, :shutdown, :killed] -> false
  end
end
