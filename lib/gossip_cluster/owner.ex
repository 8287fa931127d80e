defmodule GossipCluster.Owner do
  @moduledoc false
  # The process of a cluster: owns the port and keeps the sidecar alive, routes what comes to the rooms that GossipCluster.State
  # names, and executes what the pure modules decide. It never blocks: whatever may take time (dials, epmd, the user's
  # functions) runs in tasks, and what readers want to know stands on the board.
  #
  # The sidecar may die at any time: it is started again, quickly at first, and neither the roster nor a connection
  # notices. The cookie exists only while the node is alive, so a ring that needs it waits for that; any other ring
  # listens from the start.

  use GenServer

  import GossipCluster.State

  require Logger

  alias GossipCluster.{
    Board,
    Codec,
    Dialer,
    Epmd,
    Links,
    News,
    Peer,
    Presence,
    Roster,
    Sidecar,
    State,
    Telemetry
  }

  # Delays before the sidecar is started again: at once, so that it is back within a second, then ever more patient.
  @reopen [50, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000]
  # A sidecar that has run this long was well: its end begins a new series of delays.
  @well 10_000
  # An owner that is started so soon after another opened a sidecar waits as long: what killed that may kill this.
  @early 1_000
  # From configuration to `ready`: deriving a key takes 25 ms, on a slow board a second.
  @ready_timeout 15_000
  # For the sidecar's word that the goodbyes are sent (they take 20 ms).
  @leave_timeout 200
  @stats_timeout 500
  # In interactive mode code is loaded when it is called: these, while the sidecar starts, since their hour comes right after.
  @soon [
          Codec,
          News,
          Links,
          GossipCluster.Connect,
          GossipCluster.Epmd,
          GossipCluster.Distribution
        ] ++
          [Task.Supervised, :erl_epmd, :inet_tcp_dist, :dist_util]

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

    state = %State{
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
    send_after(:pulse, pulse(state))
    # The sidecar takes its time to start: let it begin with that before anything else is done.
    state = start_sidecar(Presence.look(state))
    _ = :code.ensure_modules_loaded(@soon)
    now = now()
    names = Enum.map(Node.list(:connected), &Atom.to_string/1)
    {_changed, dialer} = Dialer.live(state.dialer, names, now)
    dialer = Enum.reduce(Roster.list(state.roster), dialer, &Dialer.listed(&2, &1, now))
    {:noreply, %{state | dialer: dialer} |> show_status() |> Presence.check()}
  end

  defp start_sidecar(state) do
    last = Board.get(state.board, :opened, nil)

    if last && now() - last < @early do
      send_after(:open, @early)
      state
    else
      open(state)
    end
  end

  ## Calls

  @impl true
  def handle_call({:await, min, timeout}, from, state) do
    if Dialer.connected_count(state.dialer) >= min do
      {:reply, :ok, state}
    else
      {ref, state} = next_ref(state)
      _ = if timeout != :infinity, do: send_after({:await_timeout, ref}, timeout)
      {:noreply, %{state | waiters: Map.put(state.waiters, ref, {from, min})}}
    end
  end

  def handle_call(:leave, from, state) do
    Board.put(state.board, :left, true)
    dialer = Dialer.own(state.dialer, nil, now())
    state = show_all(show_status(%{state | left: true, announced: nil, dialer: dialer}))

    if command(state, {:leave, :left}) do
      {ref, state} = next_ref(state)
      send_after({:leave_timeout, ref}, @leave_timeout)
      {:noreply, %{state | leavers: [{ref, from} | state.leavers]}}
    else
      {:reply, :ok, state}
    end
  end

  def handle_call({:rotate, secret}, _from, state) do
    Board.put(state.board, :secret, secret)
    {:reply, :ok, Presence.say(%{state | secret: secret})}
  end

  def handle_call(:stats, from, state) do
    {:noreply, ask_stats(state, from)}
  end

  ## The port

  @impl true
  def handle_info({port, {:data, data}}, %{port: port} = state) do
    case Codec.decode(data) do
      {:ok, event} ->
        {:noreply, told(event, state)}

      :error ->
        # Only a broken sidecar, or one of another version, says such things.
        Sidecar.close(port)

        {:noreply,
         gone(state, "gossipd sent a frame of #{byte_size(data)} bytes that cannot be read")}
    end
  end

  def handle_info({port, {:exit_status, status}}, %{port: port} = state),
    do: {:noreply, gone(state, state.fatal || Sidecar.exit_status(status))}

  # It ended before it had read what was written, so its exit status is lost: the next one will tell.
  def handle_info(
        {:EXIT, port, :epipe},
        %{port: port, sidecar: :starting, attempts: 0, fatal: nil} = state
      ),
      do: {:noreply, gone(state, nil)}

  def handle_info({:EXIT, port, reason}, %{port: port} = state) when is_port(port),
    do:
      {:noreply,
       gone(state, state.fatal || state.complaint || "gossipd is gone (#{inspect(reason)})")}

  # What a closed port had still to say.
  def handle_info({port, {kind, _}}, state) when is_port(port) and kind in [:data, :exit_status],
    do: {:noreply, state}

  def handle_info({:EXIT, port, _reason}, state) when is_port(port), do: {:noreply, state}

  def handle_info(:open, %{port: nil} = state), do: {:noreply, open(state)}
  def handle_info(:open, state), do: {:noreply, state}

  def handle_info({:ready_timeout, port}, %{port: port, sidecar: :starting} = state) do
    Sidecar.close(port)
    {:noreply, gone(state, "gossipd was not ready within #{@ready_timeout} ms")}
  end

  def handle_info({:ready_timeout, _port}, state), do: {:noreply, state}

  ## Time

  def handle_info(:pulse, state) do
    send_after(:pulse, pulse(state))
    # One that is not taken is not missed: the next one comes.
    command(state, :pulse)
    {:noreply, state |> News.expire() |> Presence.check() |> Links.check_list()}
  end

  def handle_info(:dial, state), do: {:noreply, Links.dial(%{state | dial_timer: nil})}
  def handle_info(:announce, state), do: {:noreply, Presence.port(state, :unknown)}

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

  def handle_info({:stats_timeout, ref}, state), do: {:noreply, answer_stats(state, ref, nil)}

  # Nobody after some seconds: is anybody there at all? Asked twice in a cluster's life, and not if it has peers.
  def handle_info(:alone, state) do
    if Roster.size(state.roster) == 0 and state.announced != nil,
      do: {:noreply, ask_stats(state, :alone)},
      else: {:noreply, state}
  end

  ## Nodes

  # Our own name: our distribution has started, or stopped.
  def handle_info({:nodeup, node, _info}, state) when node == node(),
    do: {:noreply, Presence.check(state)}

  def handle_info({:nodeup, node, _info}, state), do: {:noreply, Links.connected(state, node)}

  def handle_info({:nodedown, node, info}, state),
    do: {:noreply, state |> Links.disconnected(node, info[:nodedown_reason]) |> Presence.check()}

  ## Tasks

  def handle_info({ref, result}, %{tasks: tasks} = state) when is_map_key(tasks, ref) do
    Process.demonitor(ref, [:flush])
    {task, tasks} = Map.pop(tasks, ref)
    {:noreply, task_ended(%{state | tasks: tasks}, task, result)}
  end

  def handle_info({:DOWN, ref, :process, _pid, _reason}, %{tasks: tasks} = state)
      when is_map_key(tasks, ref) do
    {task, tasks} = Map.pop(tasks, ref)
    {:noreply, task_ended(%{state | tasks: tasks}, task, :killed)}
  end

  def handle_info({:task_timeout, ref}, state) do
    # Its :DOWN follows and tells the rest.
    with %{^ref => {_kind, pid, _about, _since}} <- state.tasks, do: Process.exit(pid, :kill)
    {:noreply, state}
  end

  # A late answer to a call of this process that timed out. Whatever else may come is an error, and crashes.
  def handle_info({ref, _answer}, state) when is_reference(ref), do: {:noreply, state}

  defp task_ended(state, {:dial, _pid, name, since}, result),
    do: Links.dialled(state, name, since, result)

  defp task_ended(state, {:disconnect, _pid, name, _since}, result),
    do: Links.cut(state, name, result)

  defp task_ended(state, {:knock, _pid, name, _since}, result),
    do: Links.knocked(state, name, result)

  defp task_ended(state, {:list, _pid, nil, _since}, result), do: Links.listed(state, result)
  defp task_ended(state, {:port, _pid, nil, _since}, :killed), do: Presence.port(state, 0)
  defp task_ended(state, {:port, _pid, nil, _since}, port), do: Presence.port(state, port)

  ## What the sidecar tells

  defp told({:ready, ready}, state) do
    Board.put(state.board, :sidecar, Map.take(ready, [:version, :boot, :pid]))
    metadata = %{cluster: state.name, os_pid: ready.pid}
    Telemetry.execute([:sidecar, :start], %{duration: now() - state.opened}, metadata)
    level = if state.complaint, do: :info, else: :debug

    %{state | sidecar: :running, complaint: nil}
    |> log(level, "gossipd #{ready.version} runs (process #{ready.pid})")
    |> News.interfaces(ready.interfaces)
    |> show_status()
  end

  defp told({:heartbeat, name}, state) do
    Logger.debug("Received heartbeat from #{Peer.label(name)}", gossip_cluster: state.name)
    state
  end

  defp told({:log, level, text}, state), do: log(state, level, printable(text))
  defp told({:health, health}, state), do: News.health(state, health)
  defp told({:interfaces, list}, state), do: News.interfaces(state, list)
  defp told({:stats, ref, stats}, state), do: answer_stats(state, ref, stats)

  defp told({:error, _kind, text}, state),
    do: %{state | fatal: printable(text)}

  defp told(:keys_changed, state) do
    Telemetry.execute([:keys], %{count: 1}, %{cluster: state.name})
    log(state, :info, "the new key ring is in use")
  end

  defp told(:left, state) do
    for {_ref, from} <- state.leavers, do: GenServer.reply(from, :ok)
    %{state | leavers: []}
  end

  defp told(event, state), do: News.handle(state, event)

  defp printable(text), do: if(String.printable?(text), do: text, else: inspect(text))

  defp answer_stats(state, ref, stats) do
    {from, waiting} = Map.pop(state.stats, ref)
    reply_stats(%{state | stats: waiting}, from, stats)
  end

  defp ask_stats(state, from) do
    {ref, state} = next_ref(state)

    if command(state, {:stats, ref}) do
      send_after({:stats_timeout, ref}, @stats_timeout)
      %{state | stats: Map.put(state.stats, ref, from)}
    else
      reply_stats(state, from, nil)
    end
  end

  # Too late, or no question of ours.
  defp reply_stats(state, nil, _stats), do: state
  defp reply_stats(state, :alone, stats), do: News.alone(state, stats)

  defp reply_stats(state, from, stats) do
    GenServer.reply(from, stats)
    state
  end

  ## The sidecar's life

  defp open(%{port: nil} = state) do
    case Presence.keys(state) do
      # The cookie is not there yet: Presence opens the sidecar when it is.
      nil -> show_status(%{state | sidecar: :waiting})
      keys -> open(%{state | opened: now()}, keys)
    end
  end

  defp open(state, keys) do
    case Sidecar.open(path(state)) do
      {:ok, port} -> configure(state, port, keys)
      {:error, _reason, text} -> gone(state, text)
    end
  end

  defp path(state), do: state.options.sidecar || Sidecar.path()

  defp configure(%{options: options} = state, port, keys) do
    Board.put(state.board, :opened, state.opened)
    send_after({:ready_timeout, port}, @ready_timeout)
    roster = Roster.new_sidecar(state.roster, state.opened)
    state = %{state | port: port, sidecar: :starting, roster: roster, keyed: fn -> keys end}

    command(
      state,
      {:configure,
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
       }}
    )

    state |> show_status() |> Presence.say()
  end

  # The roster and the connections stay as they are.
  defp gone(state, text) do
    attempts =
      if state.sidecar == :running and now() - state.opened >= @well, do: 0, else: state.attempts

    send_after(:open, Enum.at(@reopen, attempts, List.last(@reopen)))

    Telemetry.execute([:sidecar, :exit], %{attempts: attempts + 1}, %{
      cluster: state.name,
      reason: text || "gossipd is gone (:epipe)"
    })

    # Said once, not at each try.
    _ =
      if text != nil and text != state.complaint,
        do: log(state, :error, "#{text}. It is tried again until it runs")

    for {_ref, from} <- state.stats, do: reply_stats(state, from, nil)
    for {_ref, from} <- state.leavers, do: GenServer.reply(from, :ok)

    show_status(%{
      state
      | port: nil,
        sidecar: :down,
        attempts: attempts + 1,
        complaint: text || state.complaint,
        fatal: nil,
        announced: nil,
        keyed: nil,
        stats: %{},
        leavers: []
    })
  end

  defp pulse(state), do: div(state.options.interval, 2)

  ## The end

  # A cluster that is stopped says goodbye, in the time that its supervisor gives. An owner that crashes does not: its
  # successor is back at once, and the sidecar, at the end of its input, gives it 2 s before it says goodbye.
  @impl true
  def terminate(reason, state) do
    if shutdown?(reason) do
      for peer <- Roster.list(state.roster), do: Epmd.drop(state.name, peer, :silent)

      if not state.left and command(state, {:leave, :left}),
        do: wait_left(state.port, now() + @leave_timeout)
    end

    if state.port, do: Sidecar.close(state.port)
  end

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
end
