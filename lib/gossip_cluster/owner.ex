defmodule GossipCluster.Owner do
  @moduledoc false
  # The process of a cluster. It decides nothing: what comes becomes an event of GossipCluster.Cluster, and what that wants
  # done is done here: the port, timers, tasks, what readers read (GossipCluster.View), answers. It never blocks: whatever may
  # take time (dials, epmd, the user's functions) runs in tasks, and what is said is said by GossipCluster.Reporter. Secrets
  # are hidden but for the moment in which they are sent.

  use GenServer

  alias GossipCluster.{
    Cluster,
    Disconnects,
    Epmd,
    Hidden,
    LocalNode,
    Peer,
    Reporter,
    Secret,
    Siblings,
    Sidecar,
    View
  }

  alias GossipCluster.Cluster.{
    Announcement,
    DialQueue,
    Dialer,
    Paths,
    PathWatch,
    Problems,
    QuietPeriod,
    Roster
  }

  alias GossipCluster.Dial.{AtomBudget, Attempt, Diagnosis, Path}
  alias GossipCluster.Sidecar.Codec

  # A task that has not ended by then is killed; net_kernel itself gives a connect up after 7 s.
  @task_timeout 60_000
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
    port: nil,
    # By what they are for; tasks and monitors by their reference.
    timers: %{},
    tasks: %{},
    monitors: %{},
    # What came that nobody here knows, by kind.
    strays: %{}
  ]

  @doc false
  @spec start_link(map()) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options.name)

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)
    # A burst of frames is not copied when memory is collected.
    Process.flag(:message_queue_data, :off_heap)
    # Also tells when this node's own distribution starts and stops.
    :ok = :net_kernel.monitor_nodes(true, [:nodedown_reason, node_type: :all])
    view = options.view
    :ok = View.publish(view, options.name)
    now = now()

    past = %{
      left: View.get(view, :left, false),
      up: View.up(view),
      health: View.get(view, :health, :ok),
      interfaces: View.get(view, :interfaces, []),
      foreign: View.get(view, :foreign, false)
    }

    owner = %__MODULE__{
      name: options.name,
      options: options,
      view: view,
      secret: View.get(view, :secret, options.secret),
      atoms: View.get(view, :atoms, nil) || AtomBudget.new(options.max_peers, now),
      cluster: Cluster.new(options, past, now)
    }

    {:ok, owner, {:continue, :start}}
  end

  # In interactive mode code is loaded when it is called: these, while the sidecar starts, since their hour comes right after.
  defp soon do
    [Codec, Roster, Dialer, DialQueue, Paths, PathWatch, Problems, QuietPeriod, AtomBudget] ++
      [Attempt, Epmd, Path, Disconnects, Siblings, Announcement, Peer, Task.Supervised] ++
      [:queue, :gb_sets, :rand, :erl_epmd, :inet_tcp_dist, :dist_util]
  end

  @impl true
  def handle_continue(:start, owner) do
    owner = step(owner, {:start, local(owner), View.get(owner.view, :opened, nil)})
    _ = :code.ensure_modules_loaded(soon())
    names = Enum.map(Node.list(:connected), &Atom.to_string/1)
    seed = :erlang.phash2({self(), node(), now()})
    owner = step(owner, {:restore, View.peers(owner.view), names, seed})
    {:noreply, look(owner)}
  end

  ## Calls

  @impl true
  def handle_call({:await, min, timeout}, {pid, _tag} = from, owner),
    do: {:noreply, step(owner, {:await, from, pid, min, timeout})}

  def handle_call(:leave, from, owner), do: {:noreply, step(owner, {:leave, from})}
  def handle_call(:stats, from, owner), do: {:noreply, step(owner, {:stats, from})}

  def handle_call({:rotate, secret}, _from, owner) do
    true = View.put(owner.view, :secret, secret)
    {:reply, :ok, look(%{owner | secret: secret})}
  end

  def handle_call(request, _from, owner),
    do: {:reply, {:error, :unknown_call}, stray(owner, :call, request)}

  @impl true
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

  def handle_info({:timeout, ref, key}, owner) do
    case owner.timers do
      %{^key => ^ref} -> {:noreply, rang(%{owner | timers: Map.delete(owner.timers, key)}, key)}
      # It was cancelled when it had just rung.
      %{} -> {:noreply, owner}
    end
  end

  def handle_info(:continue, owner), do: {:noreply, step(owner, :continue)}

  # Another cluster of this VM has a sidecar, or another one, or is no more.
  def handle_info(:siblings, owner),
    do: {:noreply, step(owner, {:siblings, Siblings.ports(owner.name)})}

  ## Nodes

  # Our own name: our distribution has started, or stopped.
  def handle_info({:nodeup, node, _info}, owner) when node == node(), do: {:noreply, look(owner)}

  def handle_info({:nodeup, node, _info}, owner) do
    Disconnects.forget(node)
    {:noreply, step(owner, {:nodeup, Atom.to_string(node)})}
  end

  def handle_info({:nodedown, node, info}, owner) do
    event = {:nodedown, Atom.to_string(node), info[:nodedown_reason], Disconnects.by(node)}
    {:noreply, owner |> step(event) |> look()}
  end

  ## Tasks, and callers

  def handle_info({ref, result}, %{tasks: tasks} = owner) when is_map_key(tasks, ref) do
    Process.demonitor(ref, [:flush])
    {:noreply, task_ended(owner, ref, result)}
  end

  def handle_info({:DOWN, ref, :process, _pid, _reason}, %{tasks: tasks} = owner)
      when is_map_key(tasks, ref),
      do: {:noreply, task_ended(owner, ref, :killed)}

  def handle_info({:DOWN, ref, :process, _pid, _reason}, %{monitors: monitors} = owner)
      when is_map_key(monitors, ref) do
    {caller, monitors} = Map.pop(monitors, ref)
    {:noreply, step(%{owner | monitors: Map.delete(monitors, caller)}, {:caller_down, caller})}
  end

  # A late answer to a call of this process that timed out.
  def handle_info({ref, _answer}, owner) when is_reference(ref), do: {:noreply, owner}
  def handle_info(message, owner), do: {:noreply, stray(owner, :message, message)}

  # What has no meaning here is somebody's mistake, which must not end a cluster: it is said once, and counted.
  defp stray(owner, kind, what) do
    strays = Map.update(owner.strays, kind, 1, &(&1 + 1))
    true = View.put(owner.view, :strays, strays |> Map.values() |> Enum.sum())

    if strays[kind] == 1 do
      text = inspect(what, limit: 5, printable_limit: 80)

      say(
        owner,
        :warning,
        "#{article(kind)} that it does not know came, and is ignored, as all others will be: #{text}"
      )
    end

    %{owner | strays: strays}
  end

  defp article(:message), do: "a message"
  defp article(:cast), do: "a cast"
  defp article(:call), do: "a call"

  defp say(owner, level, text), do: Reporter.report(owner.view, [{:line, level, text}])

  ## A turn

  # What happens because of an effect is handled in a turn of its own, when all effects are done.
  defp step(owner, event) do
    {cluster, effects} = handle(owner.cluster, event)
    run(effects, %{owner | cluster: cluster}, [])
  end

  # A defect ends the owner, and its reason goes far: into the reports of supervisors, too. All peers may be in it.
  defp handle(cluster, event) do
    Cluster.handle(cluster, event, now())
  catch
    kind, reason -> :erlang.raise(kind, small(reason), Enum.map(__STACKTRACE__, &frame/1))
  end

  defp run([effect | effects], owner, events) do
    case act(effect, owner) do
      {owner, event} -> run(effects, owner, [event | events])
      owner -> run(effects, owner, events)
    end
  end

  defp run([], owner, events), do: events |> Enum.reverse() |> Enum.reduce(owner, &step(&2, &1))

  defp look(owner), do: step(owner, {:local, local(owner)})

  defp local(owner) do
    cookie = LocalNode.cookie()

    %{
      own: LocalNode.own(owner.cluster.announcement.own),
      cookie: cookie && Hidden.wrap(cookie),
      keys: owner |> keys(cookie) |> hide(),
      by_cookie: Secret.needs_cookie?(owner.secret)
    }
  end

  # The ring as it is now, or nil as long as it needs a cookie and there is none.
  defp keys(owner, cookie) do
    if cookie != nil or not Secret.needs_cookie?(owner.secret),
      do: Secret.keys(owner.secret, cookie)
  end

  defp hide(nil), do: nil
  defp hide(keys), do: Hidden.wrap(keys)

  defp rang(owner, :pulse), do: step(owner, {:pulse, local(owner)})

  defp rang(owner, {:task, ref}) do
    # Its :DOWN follows and tells the rest.
    with %{^ref => {_what, pid, _since}} <- owner.tasks, do: Process.exit(pid, :kill)
    owner
  end

  defp rang(owner, key), do: step(owner, {:timeout, key})

  ## Effects: each returns the owner, and what follows at once, if anything does

  defp act({:show, peer}, owner) do
    true = View.put_peer(owner.view, peer)
    owner
  end

  defp act({:hide, peer}, owner) do
    true = View.delete_peer(owner.view, peer)
    owner
  end

  defp act({:put, key, value}, owner) do
    true = View.put(owner.view, key, value)
    owner
  end

  defp act({:delete, key}, owner) do
    true = View.delete(owner.view, key)
    owner
  end

  defp act({:report, facts}, owner) do
    :ok = Reporter.report(owner.view, facts)
    owner
  end

  defp act({:epmd_put, peer}, owner) do
    :ok = Epmd.put(owner.name, peer)
    owner
  end

  defp act({:epmd_drop, peer, reason}, owner) do
    :ok = Epmd.drop(owner.name, peer, reason)
    owner
  end

  defp act({:epmd_remember, name, ip}, owner) do
    :ok = Epmd.remember(name, ip)
    owner
  end

  defp act({:epmd_forget, name}, owner) do
    :ok = Epmd.forget(name)
    owner
  end

  defp act(:epmd_sweep, owner) do
    :ok = Epmd.sweep()
    owner
  end

  defp act({:timer, key, :cancel}, owner), do: cancel_timer(owner, key)

  defp act({:timer, key, ms}, owner) do
    owner = cancel_timer(owner, key)
    %{owner | timers: Map.put(owner.timers, key, :erlang.start_timer(ms, self(), key))}
  end

  defp act(:continue, owner) do
    send(self(), :continue)
    owner
  end

  defp act({:reply, from, reply}, owner) do
    GenServer.reply(from, reply)
    owner
  end

  defp act({:monitor, caller, pid}, owner) do
    ref = Process.monitor(pid)
    %{owner | monitors: Map.merge(owner.monitors, %{ref => caller, caller => ref})}
  end

  defp act({:demonitor, caller}, owner) do
    case Map.pop(owner.monitors, caller) do
      {nil, _monitors} ->
        owner

      {ref, monitors} ->
        Process.demonitor(ref, [:flush])
        %{owner | monitors: Map.delete(monitors, ref)}
    end
  end

  ## Effects: the sidecar

  defp act({:open, keys}, owner) do
    options = owner.options

    case Sidecar.open(options.sidecar || Sidecar.path()) do
      {:ok, port} ->
        owner = %{owner | port: port}

        # Should it not be taken, the end of that sidecar tells.
        _taken =
          command(
            owner,
            {:configure,
             %{
               version: Codec.protocol(),
               cluster: options.cluster,
               keys: Hidden.unwrap(keys),
               group: options.group,
               port: options.port,
               interfaces: options.interfaces,
               ttl: options.ttl,
               interval: options.interval,
               max_peers: options.max_peers,
               heartbeats: options.log_heartbeats,
               advertise: options.advertise || ""
             }}
          )

        {owner, {:opened, keys}}

      {:error, _reason, text} ->
        {owner, {:not_opened, text}}
    end
  end

  defp act(:close, owner) do
    if owner.port, do: Sidecar.close(owner.port)
    %{owner | port: nil}
  end

  defp act({:sends_from, port}, owner) do
    :ok = Siblings.put(owner.name, port)
    owner
  end

  defp act(:find_siblings, owner) do
    case Siblings.join(owner.name) do
      [] -> owner
      ports -> {owner, {:siblings, ports}}
    end
  end

  defp act({:command, command}, owner) do
    _taken = command(owner, command)
    owner
  end

  defp act({:say, {:keys, keys} = news}, owner) do
    if command(owner, {:keys, Hidden.unwrap(keys)}), do: {owner, {:taken, news}}, else: owner
  end

  defp act({:say, {:alive, alive, hidden} = news}, owner) do
    cookie = Hidden.unwrap(hidden)

    if command(owner, {:alive, Map.put(alive, :cookie, cookie)}) do
      warn_weak(owner, cookie)
      {owner, {:taken, news}}
    else
      owner
    end
  end

  defp act({:say_leave, ref}, owner),
    do: if(command(owner, {:leave, :left}), do: owner, else: {owner, {:no_leave, ref}})

  defp act({:ask_stats, ref}, owner),
    do: if(command(owner, {:stats, ref}), do: owner, else: {owner, {:no_stats, ref}})

  ## Effects: what may take time

  defp act(:ask_port, owner) do
    # The stock epmd may be slow to answer.
    if :net_kernel.epmd_module() == Epmd,
      do: {owner, {:local_port, Epmd.own_port()}},
      else: start_task(owner, :port, LocalNode, :port, [])
  end

  defp act({:dial, peer, doubted}, owner) do
    case to_node(owner, peer) do
      {:ok, node, owner} ->
        %{connect: connect, accept: accept, observer: observer} = owner.options
        arguments = [peer, node, connect, accept, doubted, observer]
        start_task(owner, {:dial, peer.name}, Attempt, :run, arguments)

      {:error, why} ->
        {owner, {:not_dialled, peer.name, {:atoms, why}}}
    end
  end

  defp act({:disconnect, name}, owner) do
    case Peer.node(%Peer{name: name, creation: 0}) do
      nil ->
        owner

      node ->
        arguments = [node, owner.options.disconnect, owner.options.observer]
        start_task(owner, {:disconnect, name}, Attempt, :disconnect, arguments)
    end
  end

  defp act({:knock, peer}, owner),
    do: start_task(owner, {:knock, peer.name}, Diagnosis, :knock, [peer])

  defp act(:look_at_place, owner), do: start_task(owner, :place, LocalNode, :place, [])

  # A name that is connected is an atom.
  defp act({:find_path, name}, owner),
    do: start_task(owner, {:find_path, name}, Path, :find, [String.to_existing_atom(name)])

  defp act({:probe, name, patience}, owner) do
    arguments = [String.to_existing_atom(name), patience]
    start_task(owner, {:probe, name}, Path, :probe, arguments)
  end

  defp act({:list_nodes, links}, owner),
    do: start_task(owner, {:list_nodes, links}, Attempt, :list, [owner.options.list_nodes])

  ## The sidecar

  defp command(%{port: nil}, _command), do: false
  defp command(%{port: port}, command), do: Sidecar.command(port, command)

  # Once for each cookie and VM, whatever the number of clusters and restarts.
  defp warn_weak(owner, cookie) do
    why = if Secret.needs_cookie?(owner.secret), do: LocalNode.weak_cookie(cookie)
    said = {__MODULE__, :erlang.phash2(cookie)}

    if why != nil and not :persistent_term.get(said, false) do
      :persistent_term.put(said, true)

      say(
        owner,
        :info,
        "the Erlang cookie #{why}, so it may be guessed. Where strangers share the network, give all nodes " <>
          "`secret: {:key, key}` with the same 32 random bytes, as :crypto.strong_rand_bytes(32) makes them"
      )
    end
  end

  ## Dials

  # The only place where a name becomes an atom: of a peer that the sidecar has listed, when it is dialled.
  defp to_node(owner, peer) do
    case Peer.node(peer) do
      nil ->
        count = :erlang.system_info(:atom_count)
        limit = :erlang.system_info(:atom_limit)

        with {:ok, atoms} <- AtomBudget.take(owner.atoms, now(), count, limit) do
          # The next owner goes on with it.
          true = View.put(owner.view, :atoms, atoms)
          {:ok, String.to_atom(peer.name), %{owner | atoms: atoms}}
        end

      node ->
        {:ok, node, owner}
    end
  end

  defp start_task(owner, what, module, function, arguments) do
    supervisor = View.get(owner.view, :tasks, nil)
    task = Task.Supervisor.async_nolink(supervisor, module, function, arguments)
    tasks = Map.put(owner.tasks, task.ref, {what, task.pid, System.monotonic_time()})
    act({:timer, {:task, task.ref}, @task_timeout}, %{owner | tasks: tasks})
  end

  defp task_ended(owner, ref, result) do
    {{what, _pid, since}, tasks} = Map.pop(owner.tasks, ref)
    event = ended(what, result, System.monotonic_time() - since)
    step(cancel_timer(%{owner | tasks: tasks}, {:task, ref}), event)
  end

  defp ended({:dial, name}, :killed, duration),
    do: {:dialled, name, {:failed, {:failed, "the connect did not come to an end"}}, duration}

  defp ended({:dial, name}, result, duration), do: {:dialled, name, result, duration}

  defp ended({:disconnect, name}, :killed, _duration),
    do: {:disconnected, name, {:error, "it did not come to an end"}}

  defp ended({:disconnect, name}, result, _duration), do: {:disconnected, name, result}
  # Nothing is known then, which is as before.
  defp ended({:knock, name}, :killed, _duration), do: {:knocked, name, :ok}
  defp ended({:knock, name}, result, _duration), do: {:knocked, name, result}
  defp ended({:list_nodes, links}, result, _duration), do: {:nodes, links, result}
  # What is not known has not changed.
  defp ended(:place, :killed, _duration), do: {:place, [], nil}
  defp ended(:place, {addresses, listener}, _duration), do: {:place, addresses, listener}
  defp ended({:find_path, name}, :killed, _duration), do: {:path, name, nil}
  defp ended({:find_path, name}, path, _duration), do: {:path, name, path}
  defp ended({:probe, name}, :killed, _duration), do: {:probed, name, :answered}
  defp ended({:probe, name}, result, _duration), do: {:probed, name, result}
  defp ended(:port, :killed, _duration), do: {:local_port, 0}
  defp ended(:port, port, _duration), do: {:local_port, port}

  defp cancel_timer(owner, key) do
    case owner.timers do
      %{^key => ref} ->
        _ = :erlang.cancel_timer(ref, async: true, info: false)
        %{owner | timers: Map.delete(owner.timers, key)}

      %{} ->
        owner
    end
  end

  ## The end

  # A cluster that is stopped says goodbye, in the time that its supervisor gives. An owner that crashes does not: its
  # successor is back at once, and the sidecar, at the end of its input, gives it 2 s before it says goodbye.
  @impl true
  def terminate(reason, owner) do
    if shutdown?(reason) do
      for peer <- Cluster.peers(owner.cluster), do: Epmd.drop(owner.name, peer, :silent)
      if not owner.cluster.announcement.left, do: leave_now(owner)
      Siblings.drop(owner.name)
    end

    if owner.port, do: Sidecar.close(owner.port)
  end

  defp shutdown?(:normal), do: true
  defp shutdown?(:shutdown), do: true
  defp shutdown?({:shutdown, _why}), do: true
  defp shutdown?(_reason), do: false

  # The one place where the owner waits, for 0.2 s at most.
  defp leave_now(owner) do
    if command(owner, {:leave, :left}), do: wait_left(owner.port, now() + @leave_timeout)
    :ok
  end

  defp wait_left(port, deadline) do
    receive do
      {^port, {:data, data}} ->
        if Codec.decode(data) != {:ok, :left}, do: wait_left(port, deadline)

      {^port, {:exit_status, _status}} ->
        :ok

      {:EXIT, ^port, _reason} ->
        :ok
    after
      max(deadline - now(), 0) -> :ok
    end
  end

  # What a crash prints: how the cluster was, and not its thousands of peers. OTP 25 and later call it; Elixir 1.14 does not
  # know it as a callback.
  @doc false
  def format_status(status) do
    Map.new(status, fn
      {:state, %__MODULE__{} = owner} -> {:state, summary(owner)}
      {:message, {port, {:data, data}}} -> {:message, {port, {:data, "#{byte_size(data)} bytes"}}}
      {:message, message} -> {:message, small(message)}
      {:reason, reason} -> {:reason, short(reason)}
      other -> other
    end)
  end

  # Whatever is wrong with the state, the reason of the crash must be told.
  defp summary(owner) do
    describe(owner)
  rescue
    error -> "no summary: #{inspect(error.__struct__)}"
  end

  defp describe(owner) do
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

  # A stack may hold the arguments of the function that failed, and an error the term that did not match: all peers, that is.
  defp short({reason, [{_, _, _, _} | _] = stack}), do: {small(reason), Enum.map(stack, &frame/1)}
  defp short(reason), do: small(reason)

  defp frame({module, function, arguments, where}) when is_list(arguments),
    do: {module, function, length(arguments), where}

  defp frame(frame), do: frame

  defp small(reason) do
    if :erts_debug.flat_size(reason) > 200,
      do: inspect(reason, limit: 5, printable_limit: 100, structs: false),
      else: reason
  end

  defp now, do: System.monotonic_time(:millisecond)
end
