defmodule GossipCluster.Owner do
  @moduledoc false
  # The process of a cluster: owns the port, routes what comes to the rooms that GossipCluster.State names, and executes what
  # the pure modules decide. It never blocks: whatever may take time (dials, epmd, the user's functions) runs in tasks, and
  # what readers want to know stands on the board.

  use GenServer

  import GossipCluster.State

  require Logger

  alias GossipCluster.{
    Board,
    Codec,
    Connect,
    Dialer,
    Distribution,
    Epmd,
    Links,
    News,
    Peer,
    Presence,
    Quiet,
    Roster,
    Sidecar,
    State,
    Telemetry,
    Tender,
    Turns,
    Waiters
  }

  # In interactive mode code is loaded when it is called: these, while the sidecar starts, since their hour comes right after.
  @soon [Codec, News, Dialer, Turns, Links, Waiters, Connect, Epmd, Distribution] ++
          [Task.Supervised, :erl_epmd, :inet_tcp_dist, :dist_util]

  @doc false
  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options.name)

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)
    # Also tells when this node's own distribution starts and stops.
    :ok = :net_kernel.monitor_nodes(true, [:nodedown_reason, node_type: :all])
    Telemetry.load()
    board = options.board
    Board.publish(board, options.name)
    now = now()

    state = %State{
      name: options.name,
      options: options,
      board: board,
      secret: Board.get(board, :secret, options.secret),
      roster: Roster.restore(Roster.new(options.interval), Board.peers(board), now),
      # After the sidecar is started, which it can wait for.
      dialer: nil,
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
    state = Tender.start(Presence.look(state))
    _ = :code.ensure_modules_loaded(@soon)
    now = now()
    names = Enum.map(Node.list(:connected), &Atom.to_string/1)
    dialer = Dialer.new(now, :erlang.phash2({self(), node(), now}))
    {_changed, dialer} = Dialer.live(dialer, names, now)
    dialer = Enum.reduce(Roster.list(state.roster), dialer, &Dialer.listed(&2, &1, now))
    {:noreply, %{state | dialer: dialer} |> show_status() |> Presence.check()}
  end

  ## Calls

  @impl true
  def handle_call({:await, min, timeout}, from, state),
    do: {:noreply, Waiters.await(state, from, min, timeout)}

  def handle_call(:leave, from, state) do
    Board.put(state.board, :left, true)
    dialer = Dialer.own(state.dialer, nil, now())
    state = show_all(show_status(%{state | left: true, announced: nil, dialer: dialer}))
    {:noreply, Waiters.leave(state, from)}
  end

  def handle_call({:rotate, secret}, _from, state) do
    Board.put(state.board, :secret, secret)
    {:reply, :ok, Presence.say(%{state | secret: secret})}
  end

  def handle_call(:stats, from, state), do: {:noreply, Waiters.ask(state, from)}

  ## The port

  @impl true
  def handle_info({port, {:data, data}}, %{port: port} = state) do
    case Codec.decode(data) do
      {:ok, event} -> {:noreply, told(event, state)}
      :error -> {:noreply, Tender.unreadable(state, byte_size(data))}
    end
  end

  def handle_info({port, {:exit_status, status}}, %{port: port} = state),
    do: {:noreply, Tender.exited(state, status)}

  def handle_info({:EXIT, port, reason}, %{port: port} = state) when is_port(port),
    do: {:noreply, Tender.broken(state, reason)}

  # What a closed port had still to say.
  def handle_info({port, {kind, _}}, state) when is_port(port) and kind in [:data, :exit_status],
    do: {:noreply, state}

  def handle_info({:EXIT, port, _reason}, state) when is_port(port), do: {:noreply, state}

  def handle_info(:open, state), do: {:noreply, Tender.open(state)}

  def handle_info({:ready_timeout, port}, %{port: port, sidecar: :starting} = state),
    do: {:noreply, Tender.late(state)}

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

  def handle_info({:await_timeout, ref}, state),
    do: {:noreply, Waiters.await_timeout(state, ref)}

  def handle_info({:leave_timeout, ref}, state),
    do: {:noreply, Waiters.leave_timeout(state, ref)}

  def handle_info({:stats_timeout, ref}, state), do: {:noreply, Waiters.answer(state, ref, nil)}
  def handle_info(:alone, state), do: {:noreply, Waiters.ask_alone(state)}

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
    do: Quiet.knocked(state, name, result)

  defp task_ended(state, {:list, _pid, links, _since}, result),
    do: Links.listed(state, links, result)

  defp task_ended(state, {:port, _pid, nil, _since}, :killed), do: Presence.port(state, 0)
  defp task_ended(state, {:port, _pid, nil, _since}, port), do: Presence.port(state, port)

  ## What the sidecar tells

  defp told({:ready, ready}, state), do: Tender.ready(state, ready)

  defp told({:heartbeat, name}, state) do
    Logger.debug("Received heartbeat from #{Peer.label(name)}", gossip_cluster: state.name)
    state
  end

  defp told({:log, level, text}, state), do: log(state, level, printable(text))
  defp told({:health, health}, state), do: News.health(state, health)
  defp told({:interfaces, list}, state), do: News.interfaces(state, list)
  defp told({:stats, ref, stats}, state), do: Waiters.answer(state, ref, stats)

  defp told({:error, _kind, text}, state),
    do: %{state | fatal: printable(text)}

  defp told(:keys_changed, state) do
    Telemetry.execute([:keys], %{count: 1}, %{cluster: state.name})
    log(state, :info, "the new key ring is in use")
  end

  defp told(:left, state), do: Waiters.left(state)
  defp told(event, state), do: News.handle(state, event)

  defp printable(text), do: if(String.printable?(text), do: text, else: inspect(text))

  defp pulse(state), do: div(state.options.interval, 2)

  ## The end

  # A cluster that is stopped says goodbye, in the time that its supervisor gives. An owner that crashes does not: its
  # successor is back at once, and the sidecar, at the end of its input, gives it 2 s before it says goodbye.
  @impl true
  def terminate(reason, state) do
    if shutdown?(reason) do
      for peer <- Roster.list(state.roster), do: Epmd.drop(state.name, peer, :silent)

      if not state.left, do: Waiters.leave_now(state)
    end

    if state.port, do: Sidecar.close(state.port)
  end

  defp shutdown?(:normal), do: true
  defp shutdown?(:shutdown), do: true
  defp shutdown?({:shutdown, _why}), do: true
  defp shutdown?(_reason), do: false
end
