defmodule GossipCluster.Cluster.Local do
  @moduledoc false
  # This node and its sidecar: what is to be announced, and by whom; what the sidecar tells of this node's own view.
  # Pure; see GossipCluster.Cluster.

  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster.{
    Announcement,
    Answers,
    Bootstrap,
    Conflicts,
    Dialer,
    Health,
    Legacy,
    Migration,
    Peers,
    Replies,
    Roster,
    Seeds,
    SidecarLife,
    State
  }

  alias GossipCluster.{Facts, Options, Peer}

  # The announcement waits this long for epmd to tell our distribution port, so that no peer needs an update a moment
  # later.
  @port_patience 30
  # After the first announcement: when it is asked why nobody is found.
  @alone [3_000, 10_000, 30_000]
  # What is over so soon, as while a sidecar starts, is shown, but not told.
  @brief 1_000
  # How a sidecar says which walls its machine does not have (priv_src/gossipd/confine.c): each finds that anew.
  @lacks "the sandbox is not whole: "

  @doc "Something has happened to this node, or to its sidecar."
  @spec event(State.t(), tuple(), integer()) :: State.t()
  def event(%{} = state, {:start, local, last_opened}, now) do
    # The sidecar takes its time to start: let it begin with that before anything else is looked at, but for peers that
    # are restored in portions.
    {:same, announcement} = Announcement.update(state.announcement, %{local | own: nil})

    state =
      %{state | announcement: announcement} |> find_addresses() |> timer(:pulse, every(state))

    state = with_seeds(state, &Bootstrap.start/1)

    case SidecarLife.delay(last_opened, now) do
      0 -> open(state, local.own != nil)
      delay -> timer(state, :open, delay)
    end
    |> put_status()
  end

  def event(state, {:restore, peers, nodes, seed}, now) do
    {_changed, dialer} = Dialer.live(Dialer.new(now, seed), nodes, now)
    restored(%{state | dialer: dialer}, peers, now)
  end

  def event(state, {:restored, peers}, now), do: restored(state, peers, now)

  def event(%{} = state, {:local, local}, _now) do
    case Announcement.update(state.announcement, local) do
      {:same, announcement} ->
        %{state | announcement: announcement} |> ask_port() |> wake() |> announce()

      {:started, announcement} ->
        %{state | announcement: announcement}
        |> find_addresses()
        |> ask_port()
        |> wake()
        |> announce()
        |> rename()

      {:stopped, announcement} ->
        announced = Announcement.announced?(state.announcement)
        state = if announced, do: command(state, :hide), else: state
        %{state | announcement: announcement} |> wake() |> announce() |> rename() |> put_status()
    end
  end

  def event(state, {:pulse, local}, now) do
    every = every(state)

    state
    |> timer(:pulse, every)
    |> pulse(every, now)
    |> event({:local, local}, now)
  end

  def event(%{} = state, {:sidecar_seen, process, how}, now),
    do: answered(state, SidecarLife.seen(state.sidecar, process, how), now)

  # The sidecar begins another life, in which it knows nobody yet, also while it says goodbye to the one before. Who was
  # listed when this node left is dialled at once, and is gone if the others do not know it any more.
  def event(%{announcement: %{left: true}} = state, {:rejoin, caller}, now) do
    %{
      state
      | announcement: Announcement.rejoin(state.announcement),
        roster: Roster.new_sidecar(state.roster, now)
    }
    |> first({:put, :left, false})
    |> put_status()
    |> announce()
    |> rename()
    |> fact({:membership, :rejoined})
    |> act({:reply, caller, :ok})
  end

  def event(%{} = state, {:put_tags, caller, tags}, _now) do
    %{state | announcement: Announcement.tags(state.announcement, tags)}
    |> first({:put, :tags, tags})
    |> announce()
    |> act({:reply, caller, :ok})
  end

  def event(state, {:rejoin, caller}, _now), do: act(state, {:reply, caller, :ok})

  def event(%{} = state, {:local_port, port}, _now),
    do: announce(%{state | announcement: Announcement.port(state.announcement, port)})

  def event(%{} = state, {:timeout, :port}, _now),
    do: announce(%{state | announcement: Announcement.port(state.announcement, :unknown)})

  def event(%{} = state, {:timeout, :open}, _now), do: open(state, state.announcement.own != nil)

  def event(state, {:timeout, :health}, _now), do: tell_health(state)

  def event(%{} = state, {:opened, keys, process}, now) do
    {patience, sidecar} = SidecarLife.opened(state.sidecar, process, now)
    announcement = Announcement.opened(state.announcement, keys)
    roster = Roster.new_sidecar(state.roster, now)

    %{state | sidecar: sidecar, announcement: announcement, roster: roster, familiar: 0}
    |> settle_conflicts()
    |> first({:put, :opened, now})
    |> first({:put, :process, process})
    |> act(:find_siblings)
    |> with_seeds(&Bootstrap.opened/1)
    |> timer(:ready, patience)
    |> put_status()
    |> announce()
  end

  def event(state, {:not_opened, text}, now), do: died(state, {:text, text}, now)

  def event(state, {:exited, text}, now), do: died(state, {:exited, text}, now)

  def event(state, {:broken, reason}, now), do: died(state, {:broken, reason}, now)

  def event(%{} = state, {:timeout, :ready}, now) do
    if state.sidecar.state == :starting, do: kill(state, SidecarLife.late(), now), else: state
  end

  # Only a broken sidecar, or one of another version, says what cannot be read.
  def event(state, {:unreadable, bytes}, now),
    do: stop(state, "gossipd sent a frame of #{bytes} bytes that cannot be read", now)

  def event(%{} = state, {:announced, news}, now) do
    before = state.announcement
    state = %{state | announcement: Announcement.sent(before, news)}

    cond do
      elem(news, 0) == :keys ->
        %{state | sidecar: SidecarLife.given_keys(state.sidecar, now)}

      Announcement.announced?(before) ->
        put_status(state)

      true ->
        @alone |> Enum.reduce(state, &timer(&2, {:alone, &1}, &1)) |> put_status()
    end
  end

  def event(%{} = state, {:frame, {:ready, ready}}, now) do
    {duration, complained, sidecar} = SidecarLife.ready(state.sidecar, now)

    %{state | sidecar: sidecar, unicast_port: ready.unicast_port}
    |> timer(:ready, :cancel)
    |> first({:put, :sidecar, Map.take(ready, [:version, :boot, :pid, :unicast_port])})
    |> act({:sends_from, ready.unicast_port})
    |> fact({:sidecar_start, ready, duration, complained})
    |> interfaces(ready.interfaces, ready.network)
    |> Map.put(:health, :ok)
    |> put_status()
  end

  def event(%{interfaces: before} = state, {:frame, {:interfaces, list, network}}, _now) do
    state = interfaces(state, list, network)
    if list -- before == [], do: state, else: with_seeds(state, &Bootstrap.moved/1)
  end

  def event(state, {:frame, {:health, health}}, _now), do: %{state | health: health}

  def event(state, {:frame, {:heartbeat, _name} = heard}, _now), do: fact(state, heard)

  def event(%{} = state, {:frame, {:log, _level, @lacks <> walls} = line}, _now) do
    {news?, life} = SidecarLife.lacks(state.sidecar, walls)
    state = %{state | sidecar: life}
    if news?, do: fact(state, line), else: state
  end

  def event(state, {:frame, {:log, _level, _text} = line}, _now), do: fact(state, line)

  def event(%{} = state, {:frame, :keys_changed}, _now),
    do: fact(%{state | sidecar: SidecarLife.keys_changed(state.sidecar)}, :keys_changed)

  def event(%{} = state, {:frame, {:derived, keys}}, _now),
    do: %{state | announcement: Announcement.derived(state.announcement, keys)}

  def event(state, {:frame, :pulse}, _now), do: state

  def event(%{} = state, {:frame, {:error, _kind, text}}, _now),
    do: %{state | sidecar: SidecarLife.fatal(state.sidecar, Facts.printable(text))}

  # What a sidecar says of peers is compared with who is listed, so it is opened when all of them are.
  defp restored(%{restoring: true} = state, [], _now), do: wake(%{state | restoring: false})

  defp restored(%{} = state, peers, now) do
    {legacy, native} = Enum.split_with(peers, &(&1.status == :legacy))
    names = for peer <- legacy, do: peer.name
    roster = Roster.restore(state.roster, native, now)
    legacy = if names == [], do: state.legacy, else: Legacy.restore(state.legacy, names, now)
    state = %{state | roster: roster, legacy: legacy}
    state = Enum.reduce(native, state, &Peers.item(&2, {:restored, &1}, now))
    state = Enum.reduce(names, state, &Migration.item(&2, {:legacy_restored, &1}, now))
    last = List.last(peers)

    if state.restoring, do: act(state, {:restore, {last.name, last.creation}}), else: state
  end

  defp pulse(%{} = state, every, now) do
    if SidecarLife.due?(state.sidecar, every, now) do
      {answer, sidecar} = SidecarLife.pulse(state.sidecar, 2 * every, now)
      # A pulse that is not taken is not missed: the next one comes.
      %{state | sidecar: sidecar} |> command(:pulse) |> answered(answer, now)
    else
      answered(state, SidecarLife.half_way(state.sidecar), now)
    end
  end

  defp every(%{} = state), do: SidecarLife.every(state.options.interval)

  defp answered(state, :ok, _now), do: state

  defp answered(%{} = state, :look, _now),
    do: act(state, {:look_at_sidecar, state.sidecar.process})

  defp answered(state, {:stuck, text}, now), do: kill(state, text, now)

  # It waits for a name, the cookie, or the peers of an earlier owner, which may be there now.
  defp wake(%{sidecar: %{state: :waiting}} = state),
    do: open(state, state.announcement.own != nil)

  defp wake(state), do: state

  # A node without a name is none, and so opens no socket.
  defp open(%{} = state, named) do
    ready = named and not state.restoring and Announcement.keys?(state.announcement)

    case SidecarLife.open(state.sidecar, ready) do
      {:open, sidecar} -> act(%{state | sidecar: sidecar}, Announcement.open(state.announcement))
      {:wait, sidecar} -> put_status(%{state | sidecar: sidecar})
      {:nothing, _sidecar} -> state
    end
  end

  defp with_seeds(%{seeds: nil} = state, _step), do: state
  defp with_seeds(state, step), do: step.(state)

  # What is stuck, or stopped, does not read that the port is closed.
  defp kill(%{} = state, text, now),
    do: state |> act({:kill, state.sidecar.process}) |> stop(text, now)

  defp stop(state, text, now), do: state |> act(:close) |> died({:text, text}, now)

  # The roster and the connections stay as they are.
  defp died(%{} = state, how, now) do
    {death, sidecar} = SidecarLife.died(state.sidecar, how, now)
    {left, replies} = Replies.left(state.replies)
    {asked, replies} = Replies.uncounted(replies)
    announcement = Announcement.forget(state.announcement)

    state =
      %{state | sidecar: sidecar, announcement: announcement, replies: replies}
      |> timer(:ready, :cancel)
      |> timer(:open, death.delay)
      |> fact({:sidecar_exit, death.attempts, death.text, death.new})
      # Who is answered may look at the status at once.
      |> put_status()
      |> Answers.left(left)

    Enum.reduce(asked, state, fn {ref, caller}, state ->
      Answers.stats(state, ref, caller, nil)
    end)
  end

  @doc "Tells the sidecar what it does not know yet: the ring, and what this node is."
  @spec announce(State.t()) :: State.t()
  def announce(%{} = state) do
    if SidecarLife.up?(state.sidecar),
      do: Enum.reduce(Announcement.changes(state.announcement), state, &act(&2, {:announce, &1})),
      else: state
  end

  defp ask_port(%{} = state) do
    if Announcement.ask_port?(state.announcement) do
      state =
        if state.announcement.port == nil, do: timer(state, :port, @port_patience), else: state

      act(%{state | announcement: Announcement.port_asked(state.announcement)}, :ask_port)
    else
      state
    end
  end

  @doc "At the end of a turn: whether others can find this node now, for readers; and for subscribers, if that lasts."
  @spec judge(State.t()) :: State.t()
  def judge(%{} = state) do
    condition = Health.judge(view(state))
    if condition == state.condition, do: state, else: judged(%{state | condition: condition})
  end

  defp judged(%{condition: {health, problems}} = state) do
    state = state |> first({:put, :health, health}) |> first({:put, :problems, problems})

    cond do
      state.condition == state.told -> await_health(state, :cancel)
      elem(state.told, 0) != health and health in [:ok, :isolated] -> tell_health(state)
      state.telling -> state
      true -> await_health(state, @brief)
    end
  end

  defp await_health(state, ms), do: timer(%{state | telling: ms != :cancel}, :health, ms)

  defp tell_health(%{condition: {health, problems}, told: {before, known}} = state) do
    state = Enum.reduce(problems -- known, state, &fact(&2, {:own_problem, &1}))
    told = {health, problems}
    state = first(%{state | told: told}, {:put, :told, told})
    state = if state.telling, do: await_health(state, :cancel), else: state
    if health == before, do: state, else: fact(state, {:health, health, before, problems})
  end

  defp view(%{announcement: announcement, sidecar: sidecar} = state) do
    %{
      left: announcement.left,
      named: announcement.own != nil,
      cookie: announcement.cookie != nil,
      sidecar: sidecar.state,
      reason: sidecar.complaint,
      answers: SidecarLife.answers?(sidecar),
      announced: Announcement.announced?(announcement),
      isolated: state.health == :isolated,
      rival: rival(state),
      network: state.network,
      unicast_port: state.unicast_port,
      unicast_wanted: Options.unicast_port(state.options),
      seeds: if(state.seeds, do: Seeds.shown(state.seeds), else: []),
      interfaces: state.interfaces,
      named_interfaces: match?(%{interfaces: {:only, _names}}, state.options)
    }
  end

  defp rival(%{announcement: %{own: %{name: name}}} = state) do
    case Conflicts.rival(state.conflicts, name) do
      nil -> nil
      peer -> Peer.address(peer)
    end
  end

  defp rival(_state), do: nil

  defp interfaces(state, interfaces, network),
    do: interfaces(%{state | network: network}, interfaces)

  defp interfaces(%{interfaces: interfaces} = state, interfaces), do: state

  defp interfaces(%{} = state, interfaces) do
    %{state | interfaces: interfaces}
    |> first({:put, :interfaces, interfaces})
    |> fact({:interfaces, interfaces, state.interfaces})
  end
end
