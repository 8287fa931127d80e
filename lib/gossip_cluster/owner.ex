defmodule GossipCluster.Owner do
  @moduledoc false
  # The process of a cluster. It owns the port, tells the sidecar what this node is, folds what the sidecar says into the
  # roster, and executes what the pure modules decide. It never blocks: whatever may take time (dials, epmd, the user's
  # functions) runs in tasks. What readers want to know stands on the board.
  #
  # The sidecar may die at any time: it is started again, quickly at first, and neither the roster nor a connection
  # notices. The cookie exists only while the node is alive, so a ring that needs it waits for that; any other ring
  # listens from the start. The port closes with this process: what is said at the end depends on why, see terminate/2.

  use GenServer

  require Logger

  alias GossipCluster.{
    Board,
    Codec,
    Connect,
    Dialer,
    Distribution,
    Epmd,
    Peer,
    Roster,
    Secret,
    Sidecar,
    Telemetry
  }

  # Delays before the sidecar is started again: at once, so that it is back within a second, then ever more patient.
  @reopen [50, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000]
  # A sidecar that has run this long was well; an owner that dies sooner after it opened one is not (see first_open/1).
  @well 10_000
  @early 1_000
  # From configuration to `ready`: the key derivation takes 25 ms a key, on a slow board a second.
  @ready_timeout 15_000
  # How long a leave waits for the sidecar's word that the goodbyes are sent (they take 20 ms).
  @leave_timeout 200
  # The announcement waits this long for the distribution port, so that peers need no update a millisecond later.
  @port_patience 30
  @port_tries 10
  # A dial that has not ended by then is given up; net_kernel itself gives up after 7 s.
  @dial_timeout 60_000
  @list_every 5_000
  @stats_timeout 1_000
  # New atoms for names of peers, for each peer allowed: see GossipCluster.Peer.
  @atoms_per_peer 16

  defstruct [
    :name,
    :options,
    :board,
    :secret,
    :roster,
    :dialer,
    # The port, and what is known of the sidecar behind it.
    port: nil,
    sidecar: :down,
    opened: nil,
    attempts: 0,
    complaint: nil,
    fatal: nil,
    # This node: its distribution, its port (nil: not asked yet), and what was announced (hidden: there is a cookie in it).
    own: nil,
    dist_port: nil,
    port_tries: 0,
    announced: nil,
    keyed: nil,
    left: false,
    # Tasks: ref => {kind, pid, ...}. Timers: one for the dialer, {deadline, ref}.
    tasks: %{},
    dial_timer: nil,
    listed_at: 0,
    # Names that a NODEUP line was written for; name => the trouble that was told.
    up: MapSet.new(),
    told: %{},
    # Callers that wait: await, leave, stats.
    waiters: %{},
    leavers: [],
    stats: %{},
    next_ref: 0
  ]

  ## Calls

  @doc false
  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options.name)

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)
    # Also tells when this node's own distribution starts and stops.
    :ok = :net_kernel.monitor_nodes(true, [:nodedown_reason, node_type: :all])
    Telemetry.load()
    board = Board.table(options.name)
    now = now()

    state = %__MODULE__{
      name: options.name,
      options: options,
      board: board,
      secret: Board.get(board, :secret, options.secret),
      roster: Roster.restore(Roster.new(options.interval), Board.peers(board), now),
      dialer: Dialer.new(now, :erlang.phash2({self(), node(), now})),
      left: Board.get(board, :left, false),
      up: Board.get(board, :up, MapSet.new()),
      listed_at: now
    }

    {:ok, state, {:continue, :start}}
  end

  @impl true
  def handle_continue(:start, state) do
    now = now()

    dialer =
      Enum.reduce(
        Node.list(:connected),
        state.dialer,
        &Dialer.connected(&2, Atom.to_string(&1), now)
      )

    dialer = Enum.reduce(Roster.list(state.roster), dialer, &Dialer.listed(&2, &1, now))
    send_after(:pulse, div(state.options.interval, 2))

    case first_open(state) do
      0 -> send(self(), :open)
      delay -> send_after(:open, delay)
    end

    {:noreply, %{state | dialer: dialer} |> show_status() |> check_distribution()}
  end

  # Something that kills the owner soon after it started is likely to do it again: do not spin.
  defp first_open(state) do
    case Board.get(state.board, :opened, nil) do
      nil -> 0
      opened -> if now() - opened < @early, do: @early, else: 0
    end
  end

  @impl true
  def handle_call({:await, min, timeout}, from, state) do
    if Dialer.connected_count(state.dialer) >= min do
      {:reply, :ok, state}
    else
      {ref, state} = next_ref(state)
      if timeout != :infinity, do: send_after({:await_timeout, ref}, timeout)
      {:noreply, %{state | waiters: Map.put(state.waiters, ref, {from, min})}}
    end
  end

  def handle_call(:leave, from, state) do
    Board.put(state.board, :left, true)
    state = %{state | left: true, announced: nil, dialer: Dialer.own(state.dialer, nil, now())}

    if command(state, {:leave, :left}) do
      {ref, state} = next_ref(state)
      send_after({:leave_timeout, ref}, @leave_timeout)
      {:noreply, show_status(%{state | leavers: [{ref, from} | state.leavers]})}
    else
      {:reply, :ok, show_status(state)}
    end
  end

  def handle_call({:rotate, secret}, _from, state) do
    Board.put(state.board, :secret, secret)
    state = %{state | secret: secret}
    {:reply, :ok, if(state.port, do: rekey(state), else: open(state))}
  end

  def handle_call(:stats, from, state) do
    {ref, state} = next_ref(state)

    if command(state, {:stats, ref}) do
      send_after({:stats_timeout, ref}, @stats_timeout)
      {:noreply, %{state | stats: Map.put(state.stats, ref, from)}}
    else
      {:reply, nil, state}
    end
  end

  ## Messages

  @impl true
  def handle_info({port, {:data, data}}, %{port: port} = state) do
    case Codec.decode(data) do
      {:ok, event} ->
        {:noreply, handle_event(event, state)}

      :error ->
        # Only a sidecar of another version, or a broken one, says such things.
        Sidecar.close(port)

        {:noreply,
         sidecar_gone(
           state,
           "gossipd sent a frame that is none (#{byte_size(data)} bytes); it is closed"
         )}
    end
  end

  def handle_info({port, {:exit_status, status}}, %{port: port} = state),
    do: {:noreply, sidecar_gone(state, state.fatal || Sidecar.exit_status(status))}

  def handle_info({:EXIT, port, reason}, %{port: port} = state),
    do: {:noreply, sidecar_gone(state, state.fatal || "gossipd is gone (#{inspect(reason)})")}

  # What a port that is closed had still to say.
  def handle_info({port, {kind, _}}, state) when is_port(port) and kind in [:data, :exit_status],
    do: {:noreply, state}

  def handle_info({:EXIT, port, _reason}, state) when is_port(port), do: {:noreply, state}

  def handle_info(:open, %{port: nil} = state), do: {:noreply, open(state)}
  def handle_info(:open, state), do: {:noreply, state}

  def handle_info({:ready_timeout, port}, %{port: port, sidecar: :starting} = state) do
    Sidecar.close(port)

    {:noreply,
     sidecar_gone(state, "gossipd did not get ready within #{@ready_timeout} ms; it is closed")}
  end

  def handle_info({:ready_timeout, _port}, state), do: {:noreply, state}

  def handle_info(:pulse, state) do
    send_after(:pulse, div(state.options.interval, 2))
    # A pulse that is not taken is not missed: the next one comes.
    command(state, :pulse)
    now = now()
    {roster, events} = Roster.expire(state.roster, now)
    state = roster_events(%{state | roster: roster}, events)

    state =
      if state.port_tries < @port_tries and state.dist_port == 0, do: ask_port(state), else: state

    {:noreply, state |> check_distribution() |> check_list(now)}
  end

  def handle_info({:nodeup, node, _info}, state) when node == node(),
    do: {:noreply, check_distribution(state)}

  def handle_info({:nodeup, node, _info}, state) do
    name = Atom.to_string(node)
    state = %{state | dialer: Dialer.connected(state.dialer, name, now())}
    {:noreply, connection_changed(state, name)}
  end

  def handle_info({:nodedown, node, info}, state) do
    name = Atom.to_string(node)
    state = %{state | dialer: Dialer.disconnected(state.dialer, name, now())}
    # Our own name: the distribution stopped.
    {:noreply, state |> connection_changed(name, info[:nodedown_reason]) |> check_distribution()}
  end

  def handle_info(:dial, state), do: {:noreply, dial(%{state | dial_timer: nil})}

  def handle_info(:announce, state),
    do: {:noreply, announce(%{state | dist_port: state.dist_port || 0})}

  def handle_info({ref, result}, %{tasks: tasks} = state) when is_map_key(tasks, ref) do
    Process.demonitor(ref, [:flush])
    {task, tasks} = Map.pop(tasks, ref)
    {:noreply, task_done(%{state | tasks: tasks}, task, result)}
  end

  def handle_info({:DOWN, ref, :process, _pid, reason}, %{tasks: tasks} = state)
      when is_map_key(tasks, ref) do
    {task, tasks} = Map.pop(tasks, ref)
    {:noreply, task_done(%{state | tasks: tasks}, task, {:exit, reason})}
  end

  def handle_info({:task_timeout, ref}, state) do
    # Its :DOWN follows and tells the rest.
    with %{^ref => {_kind, pid, _about, _since}} <- state.tasks, do: Process.exit(pid, :kill)
    {:noreply, state}
  end

  def handle_info({:await_timeout, ref}, state) do
    {waiter, waiters} = Map.pop(state.waiters, ref)
    with {from, _min} <- waiter, do: GenServer.reply(from, {:error, :timeout})
    {:noreply, %{state | waiters: waiters}}
  end

  def handle_info({:leave_timeout, ref}, state) do
    {late, leavers} = Enum.split_with(state.leavers, &match?({^ref, _from}, &1))
    for {_ref, from} <- late, do: GenServer.reply(from, :ok)
    {:noreply, %{state | leavers: leavers}}
  end

  def handle_info({:stats_timeout, ref}, state), do: {:noreply, reply_stats(state, ref, nil)}

  # A late answer to a call of this process that has timed out. Anything else is an error in this module, and crashes.
  def handle_info({ref, _answer}, state) when is_reference(ref), do: {:noreply, state}

  @impl true
  def terminate(reason, %{port: port} = state) when port != nil do
    # When the cluster is stopped it says goodbye. When this process crashes it does not: its successor is back at once,
    # and the sidecar tells the others only that it ends.
    if shutdown?(reason) and not state.left and command(state, {:leave, :left}) do
      wait_left(port, now() + @leave_timeout)
    end

    Sidecar.close(port)
  end

  def terminate(_reason, _state), do: :ok

  defp shutdown?(:normal), do: true
  defp shutdown?(:shutdown), do: true
  defp shutdown?({:shutdown, _why}), do: true
  defp shutdown?(_reason), do: false

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

  ## What the sidecar says

  defp handle_event({:ready, ready}, state) do
    log(
      state,
      if(state.complaint, do: :info, else: :debug),
      "gossipd #{ready.version} runs (process #{ready.pid})"
    )

    Telemetry.execute([:sidecar, :start], %{duration: now() - state.opened}, %{
      cluster: state.name,
      os_pid: ready.pid
    })

    Board.put(state.board, :sidecar, Map.take(ready, [:version, :boot, :pid, :interfaces]))
    show_status(%{state | sidecar: :running, complaint: nil})
  end

  defp handle_event({:heartbeat, name}, state) do
    Logger.debug("Received heartbeat from #{Peer.label(name)}")
    state
  end

  defp handle_event({:health, health}, state) do
    if health == :isolated,
      do:
        log(state, :warning, "this node hears nobody any more: it looks cut off from the network"),
      else: log(state, :info, "this node is heard again")

    Board.put(state.board, :health, health)
    publish(state, {:health, health})
    Telemetry.execute([:health], %{}, %{cluster: state.name, health: health})
    state
  end

  defp handle_event({:log, level, text}, state) do
    log(state, level, printable(text))
    state
  end

  defp handle_event({:stats, ref, stats}, state), do: reply_stats(state, ref, stats)

  defp handle_event({:error, kind, text}, state),
    do: %{state | fatal: Sidecar.explain(kind, printable(text))}

  defp handle_event(:keys_changed, state) do
    log(state, :info, "the new key ring is in use")
    state
  end

  defp handle_event(:left, state) do
    for {_ref, from} <- state.leavers, do: GenServer.reply(from, :ok)
    %{state | leavers: []}
  end

  defp handle_event(event, state) do
    {roster, events} = Roster.apply(state.roster, event)
    roster_events(%{state | roster: roster}, events)
  end

  defp roster_events(state, []), do: state

  defp roster_events(state, events) do
    Enum.reduce(events, state, &roster_event/2) |> dial() |> check_waiters()
  end

  defp roster_event({:up, peer}, state) do
    Epmd.put(peer)
    state = %{state | dialer: Dialer.listed(state.dialer, peer, now())}
    log(state, :info, "found #{Peer.label(peer)}#{where(peer)}")

    state
    |> show_peers(peer.name)
    |> tell({:up, peer}, [:peer, :up])
    |> connection_changed(peer.name)
  end

  defp roster_event({:update, peer}, state) do
    Epmd.put(peer)

    before =
      Enum.find(
        Board.peers(state.board),
        &(&1.name == peer.name and &1.creation == peer.creation)
      )

    if before && before.status != peer.status,
      do: log(state, :info, "#{Peer.label(peer)} #{status(peer.status)}")

    state = %{state | dialer: Dialer.listed(state.dialer, peer, now())}

    state
    |> show_peers(peer.name)
    |> tell({:update, peer}, [:peer, :update])
    |> connection_changed(peer.name)
  end

  defp roster_event({:down, peer, reason}, state) do
    if Roster.named(state.roster, peer.name) == [], do: Epmd.drop(peer, reason)
    peer = with_connection(state, peer)

    state = %{
      state
      | dialer: Dialer.unlisted(state.dialer, peer, now()),
        told: Map.delete(state.told, peer.name)
    }

    Board.delete_peer(state.board, peer)
    log(state, :info, "lost #{Peer.label(peer)}: #{down(reason)}")

    state
    |> show_peers(peer.name)
    |> publish({:down, peer, reason})
    |> telemetry([:peer, :down], %{peer: peer, reason: reason})
  end

  defp roster_event({:conflict, peer, other}, state) do
    log(
      state,
      :error,
      "two living nodes are called #{Peer.label(peer)}:#{where(peer)} and#{where(other)}. Give each a name of its own"
    )

    state = %{state | dialer: Dialer.conflict(state.dialer, peer.name, now())}

    state
    |> show_peers(peer.name)
    |> publish({:conflict, peer, other})
    |> telemetry([:peer, :conflict], %{peer: peer, other: other})
  end

  defp tell(state, {kind, peer}, event) do
    peer = with_connection(state, peer)
    state |> publish({kind, peer}) |> telemetry(event, %{peer: peer})
  end

  defp telemetry(state, event, metadata) do
    Telemetry.execute(
      event,
      %{peers: Roster.size(state.roster)},
      Map.put(metadata, :cluster, state.name)
    )

    state
  end

  defp where(%{addresses: []}), do: " (address unknown)"
  defp where(peer), do: " at #{:inet.ntoa(Peer.ip(peer))}"

  defp status(:alive), do: "is well again"
  defp status(:suspect), do: "does not answer"
  defp status(:stalled), do: "is stalled: its sidecar beats, but its Erlang VM does not respond"

  defp down(:left), do: "it left"
  defp down(:beam_exit), do: "its Erlang VM has ended"
  defp down(:silent), do: "it fell silent"

  ## The sidecar's life

  defp open(%{port: nil} = state) do
    cookie = Distribution.cookie()

    if Secret.needs_cookie?(state.secret) and cookie == nil do
      # check_distribution/1 opens it.
      show_status(%{state | sidecar: :waiting})
    else
      now = now()
      Board.put(state.board, :opened, now)

      case Sidecar.open(state.options.sidecar || Sidecar.path()) do
        {:ok, port} ->
          send_after({:ready_timeout, port}, @ready_timeout)
          keys = Secret.keys(state.secret, cookie)

          state = %{
            state
            | port: port,
              sidecar: :starting,
              opened: now,
              fatal: nil,
              announced: nil,
              keyed: fn -> keys end,
              roster: Roster.new_sidecar(state.roster, now)
          }

          command(state, {:configure, configuration(state.options, keys)})
          announce(show_status(state))

        {:error, _reason, text} ->
          sidecar_gone(%{state | opened: now}, text)
      end
    end
  end

  defp configuration(options, keys) do
    %{
      version: Codec.protocol(),
      cluster: options.cluster,
      keys: keys,
      group: options.group,
      port: options.port,
      interfaces: options.interfaces,
      ttl: options.ttl,
      interval: options.interval,
      max_peers: options.max_peers,
      heartbeats: options.log_heartbeats
    }
  end

  # Connections and roster stay as they are.
  defp sidecar_gone(state, text) do
    now = now()

    attempts =
      if state.sidecar == :running and now - state.opened >= @well, do: 0, else: state.attempts

    delay = Enum.at(@reopen, attempts, List.last(@reopen))
    send_after(:open, delay)

    # Said once, not at each try.
    if text != state.complaint,
      do: log(state, :error, "#{text}. It is started again until it runs")

    Telemetry.execute([:sidecar, :exit], %{attempts: attempts}, %{
      cluster: state.name,
      reason: text
    })

    for {ref, _from} <- state.stats, do: send(self(), {:stats_timeout, ref})
    for {_ref, from} <- state.leavers, do: GenServer.reply(from, :ok)

    show_status(%{
      state
      | port: nil,
        sidecar: :down,
        attempts: attempts + 1,
        complaint: text,
        fatal: nil,
        announced: nil,
        keyed: nil,
        leavers: []
    })
  end

  ## What this node is

  defp check_distribution(state) do
    own = Distribution.own()

    cond do
      own == state.own -> state |> rekey() |> announce()
      own == nil -> distribution_stopped(state)
      true -> distribution_started(state, own)
    end
  end

  defp distribution_started(state, own) do
    state = %{state | own: own, dist_port: nil, port_tries: 0}
    dialer = Dialer.own(state.dialer, if(state.left, do: nil, else: own), now())
    state = ask_port(%{state | dialer: dialer})
    state = if state.sidecar == :waiting, do: open(%{state | sidecar: :down}), else: rekey(state)
    state |> announce() |> show_all() |> dial()
  end

  defp distribution_stopped(state) do
    if state.announced, do: command(state, :hide)

    state = %{
      state
      | own: nil,
        dist_port: nil,
        announced: nil,
        dialer: Dialer.own(state.dialer, nil, now())
    }

    state |> show_all() |> show_status()
  end

  defp ask_port(state) do
    state = %{state | port_tries: state.port_tries + 1}

    case {:net_kernel.epmd_module(), Epmd.own_port()} do
      {Epmd, port} ->
        %{state | dist_port: port}

      _stock_epmd ->
        send_after(:announce, @port_patience)
        start_task(state, :port, nil, fn -> Distribution.port() end)
    end
  end

  # Says what this node is, whenever that has changed, once the distribution port is known or has been waited for.
  defp announce(%{own: own, dist_port: dist_port, left: false, port: port} = state)
       when own != nil and dist_port != nil and port != nil do
    cookie = Distribution.cookie() || ""
    alive = Map.merge(own, %{port: dist_port, cookie: cookie})

    if state.announced == nil or state.announced.() != alive do
      if command(state, {:alive, alive}) do
        warn_weak(state, cookie)
        show_status(%{state | announced: fn -> alive end})
      else
        # The next pulse tries again.
        state
      end
    else
      state
    end
  end

  defp announce(state), do: state

  # The cookie may be changed at any time, and the ring may be rotated.
  defp rekey(%{port: nil} = state), do: state

  defp rekey(state) do
    cookie = Distribution.cookie()

    if Secret.needs_cookie?(state.secret) and cookie == nil do
      # The distribution has stopped: the old cookie's key goes on listening.
      state
    else
      keys = Secret.keys(state.secret, cookie)

      if state.keyed.() != keys and command(state, {:keys, keys}),
        do: %{state | keyed: fn -> keys end},
        else: state
    end
  end

  defp warn_weak(state, cookie) do
    why = if Secret.needs_cookie?(state.secret), do: Distribution.weak_cookie(cookie)
    told = {__MODULE__, :weak_cookie, :erlang.phash2(cookie)}

    if why && not :persistent_term.get(told, false) do
      :persistent_term.put(told, true)

      log(
        state,
        :info,
        "the Erlang cookie #{why}, so it may be guessed. Where others share the network, give each node " <>
          "`secret: {:key, key}` with the same 32 random bytes (:crypto.strong_rand_bytes(32))"
      )
    end
  end

  ## Connections

  # Takes what is due and sets the timer for what will be.
  defp dial(state) do
    now = now()
    {peers, dialer} = Dialer.due(state.dialer, now)
    state = Enum.reduce(peers, %{state | dialer: dialer}, &dial_peer/2)
    set_dial_timer(state, Dialer.deadline(state.dialer, now), now)
  end

  defp dial_peer(peer, state) do
    case to_node(state, peer) do
      {:ok, node} ->
        %{connect: connect, accept: accept} = state.options

        state
        |> start_task(:dial, peer.name, fn -> Connect.run(peer, node, connect, accept) end)
        |> show_peers(peer.name)

      :error ->
        failed(
          state,
          peer.name,
          "this node has made too many atoms for names of peers already; raise `max_peers`"
        )
    end
  end

  # The only place where a name becomes an atom: of a peer that the sidecar has listed, when it is dialled.
  defp to_node(state, peer) do
    made = Board.get(state.board, :atoms, 0)

    cond do
      node = Peer.node(peer) ->
        {:ok, node}

      made < @atoms_per_peer * state.options.max_peers ->
        Board.put(state.board, :atoms, made + 1)
        {:ok, String.to_atom(peer.name)}

      true ->
        :error
    end
  end

  defp set_dial_timer(%{dial_timer: {deadline, _ref}} = state, deadline, _now), do: state

  defp set_dial_timer(state, deadline, now) do
    with {_deadline, ref} <- state.dial_timer, do: Process.cancel_timer(ref)
    %{state | dial_timer: deadline && {deadline, send_after(:dial, max(deadline - now, 0))}}
  end

  defp task_done(state, {:dial, _pid, name, since}, result) do
    measurements = %{duration: System.monotonic_time() - since}

    case result do
      {:connected, nil} ->
        Telemetry.execute([:connect, :ok], measurements, %{cluster: state.name, name: name})
        state = %{state | dialer: Dialer.result(state.dialer, name, :connected, now())}
        state |> connection_changed(name) |> dial()

      {:refused, nil} ->
        %{state | dialer: Dialer.result(state.dialer, name, :refused, now())}
        |> show_peers(name)
        |> dial()

      {:failed, why} ->
        Telemetry.execute([:connect, :error], measurements, %{
          cluster: state.name,
          name: name,
          reason: why
        })

        failed(state, name, why)

      {:exit, _killed} ->
        failed(state, name, "the connect did not end within #{div(@dial_timeout, 1_000)} s")
    end
  end

  defp task_done(state, {:port, _pid, nil, _since}, result) do
    port = if is_integer(result), do: result, else: 0
    announce(%{state | dist_port: port})
  end

  defp task_done(state, {:list, _pid, nil, _since}, result) do
    case result do
      {:ok, names} ->
        changed = MapSet.new(names) |> symmetric_difference(state.dialer.connected)
        state = %{state | dialer: Dialer.live(state.dialer, names, now())}
        changed |> Enum.reduce(state, &connection_changed(&2, &1)) |> dial()

      {:error, why} ->
        tell_once(state, :list_nodes, why)

      {:exit, _killed} ->
        state
    end
  end

  defp symmetric_difference(a, b),
    do: MapSet.union(MapSet.difference(a, b), MapSet.difference(b, a))

  defp failed(state, name, why) do
    state = %{state | dialer: Dialer.result(state.dialer, name, :failed, now())}

    state =
      if Roster.named(state.roster, name) == [], do: state, else: tell_once(state, name, why)

    state |> show_peers(name) |> dial()
  end

  # One line for a trouble, not one a try.
  defp tell_once(state, about, why) do
    if state.told[about] == why do
      state
    else
      what =
        if is_binary(about),
          do:
            "cannot connect to #{Peer.label(about)}: #{why}. It is tried again while it is heard",
          else: why

      log(state, :warning, what)
      %{state | told: Map.put(state.told, about, why)}
    end
  end

  # Called when a connection or the listing of a name may have changed: writes the line of a transition, once.
  defp connection_changed(state, name, reason \\ nil) do
    connected = Dialer.connection(state.dialer, name) == :connected
    listed = Roster.named(state.roster, name) != []
    was_up = MapSet.member?(state.up, name)

    state =
      cond do
        connected and listed and not was_up ->
          Logger.info("NODEUP #{Peer.label(name)}#{in_cluster(state)}")
          put_up(%{state | told: Map.delete(state.told, name)}, MapSet.put(state.up, name))

        not connected and was_up ->
          Logger.info(
            "NODEDOWN #{Peer.label(name)}#{in_cluster(state)}#{if reason, do: " (#{inspect(reason)})"}"
          )

          put_up(state, MapSet.delete(state.up, name))

        true ->
          state
      end

    state |> tell_skipped(name) |> show_peers(name) |> check_waiters() |> dial()
  end

  # Kept on the board, so that the next owner does not write the line again.
  defp put_up(state, up) do
    Board.put(state.board, :up, up)
    %{state | up: up}
  end

  defp tell_skipped(state, name) do
    case Dialer.connection(state.dialer, name) do
      {:skipped, :cookie} ->
        skipped(state, name, "its Erlang cookie differs from ours; give both nodes the same")

      {:skipped, :name_type} ->
        skipped(
          state,
          name,
          "one of us has a short node name (--sname), the other a long one (--name)"
        )

      {:skipped, :tls} ->
        skipped(state, name, "the distribution of one of us runs over TLS, the other's does not")

      {:skipped, :bad_name} ->
        skipped(state, name, "that is no node name")

      _other ->
        state
    end
  end

  defp skipped(state, name, why) do
    if state.told[name] == why do
      state
    else
      log(state, :warning, "#{Peer.label(name)} is not dialled: #{why}")
      %{state | told: Map.put(state.told, name, why)}
    end
  end

  # The default functions tell of each change by a message; this net catches what others miss.
  defp check_list(state, now) do
    running = Enum.any?(state.tasks, &match?({_ref, {:list, _pid, _about, _since}}, &1))

    if state.own == nil or running or now - state.listed_at < @list_every do
      state
    else
      list_nodes = state.options.list_nodes
      start_task(%{state | listed_at: now}, :list, nil, fn -> Connect.list(list_nodes) end)
    end
  end

  defp start_task(state, kind, about, function) do
    task = Task.Supervisor.async_nolink(GossipCluster.Supervisor.tasks(state.name), function)
    send_after({:task_timeout, task.ref}, @dial_timeout)

    %{
      state
      | tasks: Map.put(state.tasks, task.ref, {kind, task.pid, about, System.monotonic_time()})
    }
  end

  ## Showing and telling

  defp check_waiters(%{waiters: waiters} = state) when map_size(waiters) == 0, do: state

  defp check_waiters(state) do
    count = Dialer.connected_count(state.dialer)
    {done, waiters} = Enum.split_with(state.waiters, fn {_ref, {_from, min}} -> count >= min end)
    for {_ref, {from, _min}} <- done, do: GenServer.reply(from, :ok)
    %{state | waiters: Map.new(waiters)}
  end

  defp with_connection(state, peer),
    do: %{peer | connection: Dialer.connection(state.dialer, peer.name)}

  defp show_peers(state, name) do
    for peer <- Roster.named(state.roster, name),
        do: Board.put_peer(state.board, with_connection(state, peer))

    state
  end

  defp show_all(state) do
    for peer <- Roster.list(state.roster),
        do: Board.put_peer(state.board, with_connection(state, peer))

    state
  end

  defp show_status(state) do
    Board.put(state.board, :status, %{
      sidecar: state.sidecar,
      reason: state.complaint,
      announced: state.announced != nil,
      left: state.left
    })

    state
  end

  defp publish(state, event) do
    Registry.dispatch(GossipCluster.Registry, {:events, state.name}, fn subscribers ->
      for {pid, _value} <- subscribers, do: send(pid, {:gossip_cluster, state.name, event})
    end)

    state
  end

  defp reply_stats(state, ref, stats) do
    {from, waiting} = Map.pop(state.stats, ref)
    if from, do: GenServer.reply(from, stats)
    %{state | stats: waiting}
  end

  defp log(state, level, text),
    do: Logger.log(level, "#{inspect(state.name)}: #{text}", gossip_cluster: state.name)

  defp in_cluster(%{name: GossipCluster}), do: ""
  defp in_cluster(%{name: name}), do: " in #{inspect(name)}"

  defp printable(text), do: if(String.printable?(text), do: text, else: inspect(text))

  defp command(%{port: nil}, _command), do: false
  defp command(%{port: port}, command), do: Sidecar.command(port, command)

  defp next_ref(%{next_ref: ref} = state),
    do: {ref, %{state | next_ref: rem(ref + 1, 0x80000000)}}

  defp send_after(message, delay), do: Process.send_after(self(), message, delay)
  defp now, do: System.monotonic_time(:millisecond)
end
