defmodule GossipCluster.Owner do
  @moduledoc false
  # The process of a cluster. It decides nothing: what comes becomes an event of GossipCluster.Cluster, and what that
  # wants done is carried out by GossipCluster.Owner.Effects. It never blocks: whatever may take time (dials, epmd, the
  # user's functions) runs in tasks, and the log, subscribers and telemetry are told by GossipCluster.Reporter.

  use GenServer

  alias GossipCluster.{
    Cluster,
    CrashReport,
    Disconnects,
    Epmd,
    LocalNode,
    Reporter,
    Secret,
    Siblings,
    Sidecar,
    View
  }

  alias GossipCluster.Dial.AtomBudget
  alias GossipCluster.Owner.{Effects, Tasks, Timers}
  alias GossipCluster.Sidecar.Codec

  # For the sidecar's word that the goodbyes are sent, at the end.
  @leave_timeout 200

  @enforce_keys [:name, :options, :view, :secret, :atoms, :cluster]
  defstruct [
    :name,
    :options,
    :view,
    # The ring, hidden: no state that is printed shows it.
    :secret,
    :atoms,
    :cluster,
    # For names that libcluster's wire says.
    legacy_atoms: nil,
    port: nil,
    timers: %{},
    tasks: %{},
    # Of callers: by their reference, and the other way round.
    monitors: %{},
    # What came that nobody here knows, by kind.
    strays: %{}
  ]

  @doc false
  @spec start_link(map()) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options.name)

  @impl true
  def init(%{} = options) do
    Process.flag(:trap_exit, true)
    # A burst of frames is not copied when memory is collected.
    Process.flag(:message_queue_data, :off_heap)

    # Peers are kept in binaries (GossipCluster.Cluster.Packed): where these make up more words than this, every other
    # collection of memory is one of all that is held.
    Process.flag(:min_bin_vheap_size, 4_194_304)
    # Also tells when this node's own distribution starts and stops.
    :ok = :net_kernel.monitor_nodes(true, [:nodedown_reason, node_type: :all])
    view = options.view
    :ok = View.publish(view, options.name)
    now = now()

    past = %{
      left: View.get(view, :left, false),
      tags: View.get(view, :tags, options.tags),
      up: View.up(view),
      told: View.get(view, :told, {:ok, []}),
      interfaces: View.get(view, :interfaces, []),
      foreign: View.get(view, :foreign, false),
      # Fewer are restored at once, while the sidecar starts.
      restoring: View.peers?(view, Cluster.portion()),
      seeds: View.get(view, :seeds, [])
    }

    owner = %__MODULE__{
      name: options.name,
      options: options,
      view: view,
      secret: View.get(view, :secret, options.secret),
      atoms: View.get(view, :atoms, nil) || AtomBudget.new(options.max_peers, now),
      legacy_atoms: View.get(view, :legacy_atoms, nil) || AtomBudget.legacy(now),
      cluster: Cluster.new(options, past, now)
    }

    {:ok, owner, {:continue, :start}}
  end

  @impl true
  def handle_continue(:start, %{} = owner) do
    # That of an owner that was killed, which so could not end it.
    _pid = spawn(Sidecar.Process, :end_stopped, [View.get(owner.view, :process, nil)])
    owner = step(owner, {:start, local(owner), View.get(owner.view, :opened, nil)})
    names = Enum.map(Node.list(:connected), &Atom.to_string/1)
    seed = :erlang.phash2({self(), node(), now()})
    peers = View.next_peers(owner.view, nil, Cluster.portion())
    owner = step(owner, {:restore, peers, names, seed})
    {:noreply, look_at_node(owner)}
  end

  ## Calls

  @impl true
  def handle_call({:await, min, tags, timeout}, {pid, _tag} = from, owner),
    do: {:noreply, step(owner, {:await, from, pid, min, tags, timeout})}

  def handle_call({:put_tags, tags}, from, owner),
    do: {:noreply, step(owner, {:put_tags, from, tags})}

  def handle_call(:leave, from, owner), do: {:noreply, step(owner, {:leave, from})}
  def handle_call(:rejoin, from, owner), do: {:noreply, step(owner, {:rejoin, from})}
  def handle_call(:stats, from, owner), do: {:noreply, step(owner, {:stats, from})}
  def handle_call(:measure, from, owner), do: {:noreply, step(owner, {:measure, from})}

  def handle_call({:rotate, secret}, _from, owner) do
    true = View.put(owner.view, :secret, secret)
    {:reply, :ok, look_at_node(%{owner | secret: secret})}
  end

  def handle_call(request, _from, owner),
    do: {:reply, {:error, :unknown_call}, stray(owner, :call, request)}

  @impl true
  def handle_cast(:measure, owner), do: {:noreply, step(owner, {:measure, nil})}
  def handle_cast(message, owner), do: {:noreply, stray(owner, :cast, message)}

  ## The port

  @impl true
  def handle_info({port, {:data, data}}, %{port: port} = owner) do
    case Codec.decode(data) do
      {:ok, event} -> {:noreply, step(owner, {:frame, event})}
      :error -> {:noreply, step(owner, {:unreadable, byte_size(data)})}
    end
  end

  def handle_info({port, {:exit_status, status}}, %{port: port} = owner),
    do: {:noreply, step(%{owner | port: nil}, {:exited, Sidecar.exit_status(status)})}

  def handle_info({:EXIT, port, reason}, %{port: port} = owner) when is_port(port),
    do: {:noreply, step(%{owner | port: nil}, {:broken, reason})}

  # What a closed port had still to say.
  def handle_info({port, {kind, _}}, owner) when is_port(port) and kind in [:data, :exit_status],
    do: {:noreply, owner}

  def handle_info({:EXIT, port, _reason}, owner) when is_port(port), do: {:noreply, owner}

  ## Time

  def handle_info({:timeout, _timer, {:task, pid}}, owner) do
    :ok = Tasks.kill(owner.tasks, pid)
    {:noreply, owner}
  end

  def handle_info({:timeout, ref, key}, owner) do
    case Timers.rang(owner.timers, key, ref) do
      {:ok, timers} -> {:noreply, timeout(%{owner | timers: timers}, key)}
      :cancelled -> {:noreply, owner}
    end
  end

  def handle_info(:continue, owner), do: {:noreply, step(owner, :continue)}

  def handle_info({:restore, behind}, owner) do
    peers = View.next_peers(owner.view, behind, Cluster.portion())
    {:noreply, step(owner, {:restored, peers})}
  end

  # Another cluster of this VM has a sidecar, or another one, or is no more.
  def handle_info(:siblings, owner),
    do: {:noreply, step(owner, {:siblings, Siblings.ports(owner.name)})}

  ## Nodes

  # Our own name: our distribution has started, or stopped.
  def handle_info({:nodeup, node, _info}, owner) when node == node(),
    do: {:noreply, look_at_node(owner)}

  def handle_info({:nodeup, node, _info}, owner) do
    Disconnects.forget(node)
    {:noreply, step(owner, {:nodeup, Atom.to_string(node)})}
  end

  def handle_info({:nodedown, node, info}, owner) do
    event = {:nodedown, Atom.to_string(node), info[:nodedown_reason], Disconnects.by(node)}
    {:noreply, owner |> step(event) |> look_at_node()}
  end

  ## Tasks, and callers

  def handle_info({:task, pid, result}, %{tasks: tasks} = owner) when is_map_key(tasks, pid) do
    {event, tasks} = Tasks.told(tasks, pid, result)
    {:noreply, step(%{owner | tasks: tasks}, event)}
  end

  def handle_info({:EXIT, pid, _reason}, %{tasks: tasks} = owner) when is_map_key(tasks, pid) do
    {event, tasks} = Tasks.ended(tasks, pid)
    owner = %{owner | tasks: tasks}
    {:noreply, if(event, do: step(owner, event), else: owner)}
  end

  def handle_info({:DOWN, ref, :process, _pid, _reason}, %{monitors: monitors} = owner)
      when is_map_key(monitors, ref) do
    {caller, monitors} = Map.pop(monitors, ref)
    {:noreply, step(%{owner | monitors: Map.delete(monitors, caller)}, {:caller_down, caller})}
  end

  # A late answer to a call of this process that timed out.
  def handle_info({ref, _answer}, owner) when is_reference(ref), do: {:noreply, owner}
  def handle_info(message, owner), do: {:noreply, stray(owner, :message, message)}

  # What has no meaning here is somebody's mistake, which must not end a cluster: it is said once, and counted.
  defp stray(%{} = owner, kind, what) do
    strays = Map.update(owner.strays, kind, 1, &(&1 + 1))
    true = View.put(owner.view, :strays, strays |> Map.values() |> Enum.sum())

    if strays[kind] == 1 do
      text = inspect(what, limit: 5, printable_limit: 80)

      Reporter.report(owner.view, [
        {:line, :warning,
         "#{article(kind)} that it does not know came, and is ignored, as all others will be: #{text}"}
      ])
    end

    %{owner | strays: strays}
  end

  defp article(:message), do: "a message"
  defp article(:cast), do: "a cast"
  defp article(:call), do: "a call"

  ## A turn

  # What happens because of an effect is handled in a turn of its own, when all effects are done.
  defp step(owner, event) do
    {owner, events} = turn(owner, event)
    Enum.reduce(events, owner, &step(&2, &1))
  end

  defp turn(owner, event) do
    CrashReport.guard(fn ->
      {cluster, effects} = Cluster.handle(owner.cluster, event, now())
      act(effects, %{owner | cluster: cluster}, [])
    end)
  end

  defp act([effect | effects], owner, events) do
    case Effects.act(effect, owner) do
      {owner, event} -> act(effects, owner, [event | events])
      owner -> act(effects, owner, events)
    end
  end

  defp act([], owner, events), do: {owner, Enum.reverse(events)}

  defp timeout(owner, :pulse), do: step(owner, {:pulse, local(owner)})
  defp timeout(owner, key), do: step(owner, {:timeout, key})

  ## This node

  defp look_at_node(owner), do: step(owner, {:local, local(owner)})

  defp local(%{} = owner) do
    CrashReport.guard(fn ->
      cookie = LocalNode.cookie()

      %{
        own: LocalNode.own(owner.cluster.announcement.own),
        cookie: cookie,
        # As long as it needs a cookie and there is none, there is no ring.
        keys: Secret.keys(owner.secret, cookie),
        by_cookie: Secret.needs_cookie?(owner.secret)
      }
    end)
  end

  ## The end

  # A cluster that is stopped says goodbye, in the time that its supervisor gives. An owner that crashes does not: its
  # successor is back at once, and the sidecar, at the end of its input, gives it 2 s before it says goodbye.
  @impl true
  def terminate(reason, owner) do
    CrashReport.guard(fn -> stop(reason, owner) end)
  after
    drop_frames()
  end

  # What waits in the mailbox of a process that crashes is printed: a frame may have keys in it.
  defp drop_frames do
    receive do
      {port, {:data, _frame}} when is_port(port) -> drop_frames()
    after
      0 -> :ok
    end
  end

  defp stop(reason, %{} = owner) do
    if shutdown?(reason) do
      # Also of those that are not restored yet.
      for peer <- View.peers(owner.view), do: Epmd.drop(owner.name, peer, :silent)
      if not owner.cluster.announcement.left, do: leave_now(owner)
      Siblings.drop(owner.name)
    end

    if owner.port, do: Sidecar.close(owner.port)
    Sidecar.Process.end_stopped(owner.cluster.sidecar.process)
  end

  defp shutdown?(:normal), do: true
  defp shutdown?(:shutdown), do: true
  defp shutdown?({:shutdown, _why}), do: true
  defp shutdown?(_reason), do: false

  # The one place where the owner waits.
  defp leave_now(%{port: nil}), do: :ok
  defp leave_now(%{port: port}), do: Sidecar.leave(port, @leave_timeout)

  # What a crash prints: how the cluster was, and not its thousands of peers. OTP 25 and later call it; an Elixir that
  # knows it as a callback wants to be told, and 1.14 does not know it.
  if {:format_status, 1} in GenServer.behaviour_info(:callbacks), do: @impl(true)
  @doc false
  def format_status(status), do: CrashReport.status(status, &summary/1)

  defp summary(%{} = owner) do
    owner.cluster
    |> Cluster.summary()
    |> Map.merge(%{
      name: owner.name,
      port: owner.port,
      tasks: map_size(owner.tasks),
      timers: map_size(owner.timers),
      strays: owner.strays
    })
  end

  defp now, do: System.monotonic_time(:millisecond)
end
