defmodule GossipCluster.Cluster do
  @moduledoc false
  # A cluster as this node knows it, and what is to be done about it. Pure: `handle/3` takes what has happened and the time,
  # in milliseconds, and returns what the owner shall do (GossipCluster.Owner does it). The parts decide for themselves: who is
  # listed (Roster), who is dialled and when (Dialer), what the sidecar is to announce (Announcement), when it is started
  # (SidecarLife), whether a connection was ended on purpose (QuietPeriod), who is to be answered (Replies), what was said
  # (Problems). Here is what one of them means for the others.
  #
  # One call of `handle/3` is a turn. Names that have changed in it are collected and looked at once, at its end: one write
  # of each peer, one round of dialling. A turn is short, however many peers there are: what concerns many of them, or comes
  # while such work is left, waits in `backlog`, in order, of which a turn does no more than @portion; then it asks to go on.

  alias GossipCluster.Cluster.{
    Announcement,
    Dialer,
    Problems,
    QuietPeriod,
    Replies,
    Roster,
    SidecarLife
  }

  alias GossipCluster.Dial.Attempt
  alias GossipCluster.{Hidden, Peer, Report}
  alias GossipCluster.Sidecar.Codec

  # Names a turn, and dials: some milliseconds of work.
  @portion 64
  @dials 32
  # The default functions tell of each change by a message; the list is a net for what other functions do not tell.
  @list_every 5_000
  # How often GossipCluster.Epmd throws away what has been silent for long.
  @sweep_every 60_000
  # The announcement waits this long for epmd to tell our distribution port, so that no peer needs an update a moment later.
  @port_patience 30
  # After the first announcement: when it is asked why nobody is found.
  @alone [3_000, 30_000]
  # For the sidecar's word that the goodbyes are sent (they take 20 ms), and for its counters.
  @leave_timeout 200
  @stats_timeout 500

  @enforce_keys [:options, :roster, :announcement]
  defstruct [
    :options,
    :roster,
    :announcement,
    dialer: nil,
    sidecar: nil,
    replies: nil,
    problems: nil,
    # What the sidecar says of this node.
    health: :ok,
    interfaces: [],
    # Whether it was told that only strangers are heard; names for which a NODEUP line was written; peers that are not well.
    foreign: false,
    up: MapSet.new(),
    unwell: %{},
    # How many connections were told to have come or gone; when the list of nodes was asked for, and whether it still is.
    links: 0,
    listed_at: 0,
    listing: false,
    swept_at: 0,
    # When the dialer's timer rings.
    dial_at: nil,
    # What waits for a turn. Of this turn: names to look at, and what is to be done first, then, and told.
    backlog: {[], []},
    changed: %{},
    first: [],
    acts: [],
    facts: []
  ]

  @type t :: %__MODULE__{}
  @typedoc "What the owner tells of a caller: whatever it can answer, and the process that waits."
  @type caller :: {Replies.caller(), pid()}

  @typedoc "What can happen."
  @type event ::
          {:start, Announcement.local(), last_opened :: integer() | nil}
          | {:restore, [Peer.t()], [String.t()], seed :: integer()}
          | {:local, Announcement.local()}
          | {:pulse, Announcement.local()}
          | {:local_port, :inet.port_number()}
          | {:opened, keys :: Hidden.t()}
          | {:not_opened, String.t()}
          | {:frame, Codec.event()}
          | {:unreadable, non_neg_integer()}
          | {:exited, String.t()}
          | {:broken, term()}
          | {:taken, Announcement.news()}
          | {:timeout, timer()}
          | {:nodeup, String.t()}
          | {:nodedown, String.t(), term(), :library | :global | nil}
          | {:dialled, String.t(), Attempt.result(), duration :: integer()}
          | {:not_dialled, String.t(), Problems.problem()}
          | {:disconnected, String.t(), :ok | {:error, String.t()}}
          | {:knocked, String.t(), :ok | {:error, term()}}
          | {:nodes, links :: non_neg_integer(),
             {:ok, [String.t()]} | {:error, String.t()} | :killed}
          | {:await, Replies.caller(), pid(), non_neg_integer(), timeout()}
          | {:caller_down, Replies.ref()}
          | {:leave, Replies.caller()}
          | {:no_leave, Replies.ref()}
          | {:stats, Replies.caller()}
          | {:no_stats, Replies.ref()}
          | :continue

  @type timer ::
          :pulse
          | :open
          | :ready
          | :dial
          | :port
          | {:alone, pos_integer()}
          | {:await | :leave | :stats, Replies.ref()}

  @typedoc "What the owner shall do."
  @type effect ::
          {:show, Peer.t()}
          | {:hide, Peer.t()}
          | {:put, term(), term()}
          | {:delete, term()}
          | {:epmd_put, Peer.t()}
          | {:epmd_drop, Peer.t(), Codec.down_reason()}
          | :epmd_sweep
          | {:open, keys :: Hidden.t()}
          | :close
          | {:command, Codec.command()}
          | {:say, Announcement.news()}
          | {:say_leave, Replies.ref()}
          | {:ask_stats, Replies.ref()}
          | :ask_port
          | {:dial, Peer.t(), doubted :: boolean()}
          | {:disconnect, String.t()}
          | {:knock, Peer.t()}
          | {:list_nodes, non_neg_integer()}
          | {:timer, timer(), non_neg_integer() | :cancel}
          | {:reply, Replies.caller(), term()}
          | {:monitor, Replies.ref(), pid()}
          | {:demonitor, Replies.ref()}
          | :continue
          | {:report, [Report.fact()]}

  @typedoc "What an earlier owner of this cluster knew."
  @type past :: %{
          left: boolean(),
          up: [String.t()],
          health: :ok | :isolated,
          interfaces: list(),
          foreign: boolean()
        }

  @doc "A cluster that does nothing yet. `options` are checked ones."
  @spec new(map(), past(), integer()) :: t()
  def new(options, past, now) do
    %__MODULE__{
      options: options,
      roster: Roster.new(options.interval),
      announcement: Announcement.new(past.left),
      sidecar: SidecarLife.new(),
      replies: Replies.new(),
      problems: Problems.new(),
      up: MapSet.new(past.up),
      health: past.health,
      interfaces: past.interfaces,
      foreign: past.foreign,
      listed_at: now,
      swept_at: now
    }
  end

  @doc "What follows from what has happened."
  @spec handle(t(), event(), integer()) :: {t(), [effect()]}
  def handle(state, event, now) do
    state |> event(event, now) |> settle(now) |> take_effects()
  end

  @doc "All listed peers."
  @spec peers(t()) :: [Peer.t()]
  def peers(state), do: Roster.list(state.roster)

  @doc "How it is, in a few words without names: for reports."
  @spec summary(t()) :: map()
  def summary(state) do
    %{
      peers: Roster.size(state.roster),
      connected: if(state.dialer, do: Dialer.connected_count(state.dialer), else: 0),
      problems: map_size(state.problems.problems),
      sidecar: state.sidecar.state,
      announced: Announcement.announced?(state.announcement),
      left: state.announcement.left,
      health: state.health,
      backlog: :queue.len(state.backlog),
      awaits: map_size(state.replies.awaits)
    }
  end

  ## The start, and this node

  defp event(state, {:start, local, last_opened}, now) do
    # The sidecar takes its time to start: let it begin with that before anything else is looked at.
    {:same, announcement} = Announcement.look(state.announcement, %{local | own: nil})
    state = timer(%{state | announcement: announcement}, :pulse, pulse(state))

    case SidecarLife.delay(last_opened, now) do
      0 -> open(state)
      delay -> timer(state, :open, delay)
    end
    |> put_status()
  end

  defp event(state, {:restore, peers, nodes, seed}, now) do
    {_changed, dialer} = Dialer.live(Dialer.new(now, seed), nodes, now)
    roster = Roster.restore(state.roster, peers, now)
    later(%{state | dialer: dialer, roster: roster}, Enum.map(peers, &{:restored, &1}))
  end

  defp event(state, {:local, local}, _now) do
    case Announcement.look(state.announcement, local) do
      {:same, announcement} ->
        %{state | announcement: announcement} |> ask_port() |> wake() |> announce()

      {:started, announcement} ->
        %{state | announcement: announcement} |> ask_port() |> wake() |> announce() |> rename()

      {:stopped, announcement} ->
        announced = Announcement.announced?(state.announcement)
        state = if announced, do: command(state, :hide), else: state
        %{state | announcement: announcement} |> wake() |> announce() |> rename() |> put_status()
    end
  end

  defp event(state, {:pulse, local}, now) do
    # A pulse that is not taken is not missed: the next one comes.
    state
    |> timer(:pulse, pulse(state))
    |> command(:pulse)
    |> expire(now)
    |> sweep(now)
    |> event({:local, local}, now)
    |> list_nodes(now)
  end

  defp event(state, {:local_port, port}, _now),
    do: announce(%{state | announcement: Announcement.port(state.announcement, port)})

  defp event(state, {:timeout, :port}, _now),
    do: announce(%{state | announcement: Announcement.port(state.announcement, :unknown)})

  ## The sidecar's life

  defp event(state, {:timeout, :open}, _now), do: open(state)

  defp event(state, {:opened, keys}, now) do
    {patience, sidecar} = SidecarLife.opened(state.sidecar, now)
    announcement = Announcement.taken(state.announcement, {:keys, keys})
    roster = Roster.new_sidecar(state.roster, now)

    %{state | sidecar: sidecar, announcement: announcement, roster: roster}
    |> first({:put, :opened, now})
    |> timer(:ready, patience)
    |> put_status()
    |> announce()
  end

  defp event(state, {:not_opened, text}, now), do: died(state, {:text, text}, now)
  defp event(state, {:exited, text}, now), do: died(state, {:exited, text}, now)
  defp event(state, {:broken, reason}, now), do: died(state, {:broken, reason}, now)

  defp event(state, {:timeout, :ready}, now) do
    if state.sidecar.state == :starting, do: stop(state, SidecarLife.late(), now), else: state
  end

  # Only a broken sidecar, or one of another version, says what cannot be read.
  defp event(state, {:unreadable, bytes}, now),
    do: stop(state, "gossipd sent a frame of #{bytes} bytes that cannot be read", now)

  defp event(state, {:taken, news}, _now) do
    before = state.announcement
    state = %{state | announcement: Announcement.taken(before, news)}

    cond do
      elem(news, 0) == :keys ->
        state

      Announcement.announced?(before) ->
        put_status(state)

      true ->
        @alone |> Enum.reduce(state, &timer(&2, {:alone, &1}, &1)) |> put_status()
    end
  end

  ## What the sidecar tells

  defp event(state, {:frame, {:ready, ready}}, now) do
    {duration, complained, sidecar} = SidecarLife.ready(state.sidecar, now)

    %{state | sidecar: sidecar}
    |> timer(:ready, :cancel)
    |> first({:put, :sidecar, Map.take(ready, [:version, :boot, :pid])})
    |> fact({:sidecar_start, ready, duration, complained})
    |> interfaces(ready.interfaces)
    |> health(:ok)
    |> put_status()
  end

  defp event(state, {:frame, {:interfaces, list}}, _now), do: interfaces(state, list)

  defp event(state, {:frame, {:health, health}}, _now), do: health(state, health)

  defp event(state, {:frame, {:heartbeat, _name} = heard}, _now), do: fact(state, heard)
  defp event(state, {:frame, {:log, _level, _text} = line}, _now), do: fact(state, line)
  defp event(state, {:frame, :keys_changed}, _now), do: fact(state, :keys_changed)

  defp event(state, {:frame, {:error, _kind, text}}, _now),
    do: %{state | sidecar: SidecarLife.fatal(state.sidecar, Report.printable(text))}

  defp event(state, {:frame, {:stats, ref, stats}}, _now), do: counted(state, ref, stats)

  defp event(state, {:frame, :left}, _now) do
    {callers, replies} = Replies.left(state.replies)
    answer_left(%{state | replies: replies}, callers)
  end

  # An update that changes nothing says that the peer is heard directly again, after others had to vouch that it lives.
  defp event(state, {:frame, event}, _now) do
    {roster, events} = Roster.apply(state.roster, event)
    heard = for {:update, peer} <- [event], do: {:heard, peer}
    later(%{state | roster: roster}, heard ++ events)
  end

  ## Connections

  defp event(state, {:nodeup, _name} = event, _now), do: later(state, [event])
  defp event(state, {:nodedown, _name, _reason, _by} = event, _now), do: later(state, [event])
  defp event(state, {:dialled, _name, _result, _time} = event, _now), do: later(state, [event])
  defp event(state, {:not_dialled, _name, _problem} = event, _now), do: later(state, [event])
  defp event(state, {:disconnected, _name, :ok}, _now), do: state

  defp event(state, {:disconnected, name, {:error, why}}, _now),
    do: say_once(state, :disconnect, "cannot disconnect #{Peer.label(name)}: #{why}")

  defp event(state, {:knocked, name, {:error, _why}}, now) do
    # A firewall, or whatever else stands between, has closed the connection: that was not on purpose.
    problems = Problems.end_quiet(state.problems, name)
    show(%{state | dialer: Dialer.loud(state.dialer, name, now), problems: problems}, name)
  end

  defp event(state, {:knocked, _name, :ok}, _now), do: state

  defp event(%{links: links} = state, {:nodes, links, {:ok, names}}, _now) do
    {gone, come} = Dialer.compare(state.dialer, names)

    %{state | listing: false, problems: Problems.clear(state.problems, :list_nodes)}
    |> later(Enum.map(gone, &{:unlinked, &1}) ++ Enum.map(come, &{:linked, &1}))
  end

  # It may be older than what was told since. The next pulse asks again.
  defp event(state, {:nodes, _links, {:ok, _names}}, _now),
    do: %{state | listing: false, listed_at: state.listed_at - @list_every}

  defp event(state, {:nodes, _links, {:error, why}}, _now),
    do: say_once(%{state | listing: false}, :list_nodes, why)

  defp event(state, {:nodes, _links, :killed}, _now), do: %{state | listing: false}
  # The end of each turn dials who is due.
  defp event(state, {:timeout, :dial}, _now), do: %{state | dial_at: nil}
  defp event(state, :continue, _now), do: state

  ## Who waits for an answer

  defp event(state, {:await, caller, pid, min, timeout}, _now) do
    {ref, replies} = Replies.await(state.replies, caller, min)
    state = act(%{state | replies: replies}, {:monitor, ref, pid})
    # Who is connected already answers it at the end of this turn.
    if timeout == :infinity, do: state, else: timer(state, {:await, ref}, timeout)
  end

  defp event(state, {:timeout, {:await, ref}}, _now) do
    {caller, state} = cancel_await(state, ref)
    if caller, do: act(state, {:reply, caller, {:error, :timeout}}), else: state
  end

  defp event(state, {:caller_down, ref}, _now) do
    {_caller, state} = cancel_await(state, ref)
    timer(state, {:await, ref}, :cancel)
  end

  defp event(state, {:leave, caller}, _now) do
    {ref, replies} = Replies.leave(state.replies, caller)

    %{state | announcement: Announcement.leave(state.announcement), replies: replies}
    |> first({:put, :left, true})
    |> put_status()
    |> rename()
    |> timer({:leave, ref}, @leave_timeout)
    |> act({:say_leave, ref})
  end

  defp event(state, {:no_leave, ref}, now), do: event(state, {:timeout, {:leave, ref}}, now)

  defp event(state, {:timeout, {:leave, ref}}, _now) do
    {caller, replies} = Replies.left(state.replies, ref)
    if caller, do: answer_left(%{state | replies: replies}, [{ref, caller}]), else: state
  end

  defp event(state, {:stats, caller}, _now), do: ask_stats(state, caller)
  defp event(state, {:no_stats, ref}, _now), do: counted(state, ref, nil)
  defp event(state, {:timeout, {:stats, ref}}, _now), do: counted(state, ref, nil)

  # Nobody is found after some seconds: is anybody there at all? Not asked where there are peers.
  defp event(state, {:timeout, {:alone, _ms}}, _now) do
    if alone?(state) and Announcement.announced?(state.announcement),
      do: ask_stats(state, :alone),
      else: state
  end

  ## What waits for its turn

  defp item(state, {:up, peer}, now) do
    state = %{state | dialer: Dialer.listed(state.dialer, peer, now)}

    state
    |> well(peer)
    |> first({:epmd_put, peer})
    |> fact({:up, with_connection(state, peer), Roster.size(state.roster)})
    |> look(peer.name)
  end

  defp item(state, {:update, peer}, now) do
    before = Map.get(state.unwell, key(peer), :alive)
    state = %{state | dialer: Dialer.listed(state.dialer, peer, now)}

    state
    |> well(peer)
    |> first({:epmd_put, peer})
    |> fact({:update, with_connection(state, peer), before, Roster.size(state.roster)})
    |> look(peer.name)
  end

  defp item(state, {:heard, peer}, now),
    do: show(%{state | dialer: Dialer.heard(state.dialer, peer, now)}, peer.name)

  defp item(state, {:down, peer, reason}, now),
    do: state |> down(peer, reason, now) |> on_down(peer, reason)

  # Nobody has judged these: our own sidecar was away, and they were not confirmed.
  defp item(state, {:expired, peer}, now), do: down(state, peer, :silent, now)

  defp item(state, {:conflict, peer, other}, now) do
    %{state | dialer: Dialer.conflict(state.dialer, peer.name, now)}
    |> fact({:conflict, peer, other, state.announcement.own, Roster.size(state.roster)})
    |> show(peer.name)
  end

  defp item(state, {:nodeup, name}, now), do: state |> count_link() |> linked(name, now)
  defp item(state, {:linked, name}, now), do: linked(state, name, now)

  defp item(state, {:unlinked, name}, now),
    do: look(%{state | dialer: Dialer.disconnected(state.dialer, name, now)}, name)

  defp item(state, {:nodedown, name, reason, by}, now) do
    peers = Roster.named(state.roster, name)
    alive = match?([%Peer{status: :alive}], peers)
    facts = %{by: by, alive: alive, left: state.announcement.left}
    where = QuietPeriod.on_purpose(reason, facts)
    quiet = if where, do: state.options.quiet, else: 0

    %{state | dialer: Dialer.disconnected(state.dialer, name, now, quiet)}
    |> count_link()
    |> look(name, reason)
    |> quiet(List.first(peers), where, quiet)
  end

  defp item(state, {:dialled, name, result, duration}, now) do
    case result do
      {:connected, nil} ->
        dialer = Dialer.result(state.dialer, name, :connected, now)

        %{state | dialer: dialer}
        |> fact({:connected, name, duration})
        |> count_link()
        |> look(name)

      {:refused, nil} ->
        show(%{state | dialer: Dialer.result(state.dialer, name, :refused, now)}, name)

      {:failed, problem} ->
        state |> fact({:not_connected, name, problem, duration}) |> failed(name, problem, now)
    end
  end

  defp item(state, {:not_dialled, name, problem}, now), do: failed(state, name, problem, now)

  defp item(state, {:review, name}, now),
    do: show(%{state | dialer: Dialer.review(state.dialer, name, now)}, name)

  # One that an earlier owner had listed, unless it is gone meanwhile. What was said of it, was said.
  defp item(state, {:restored, peer}, now) do
    case Enum.find(Roster.named(state.roster, peer.name), &(&1.creation == peer.creation)) do
      nil ->
        state

      peer ->
        %{state | dialer: Dialer.listed(state.dialer, peer, now)} |> well(peer) |> show(peer.name)
    end
  end

  ## Peers

  defp down(state, peer, reason, now) do
    # Another life of that name may be listed.
    state =
      if Roster.named(state.roster, peer.name) == [],
        do: first(state, {:epmd_drop, peer, reason}),
        else: state

    shown = with_connection(state, peer)

    %{
      state
      | dialer: Dialer.unlisted(state.dialer, peer, now),
        problems: Problems.clear(state.problems, peer.name),
        unwell: Map.delete(state.unwell, key(peer))
    }
    |> first({:hide, peer})
    |> fact({:down, shown, reason, Roster.size(state.roster)})
    |> look(peer.name)
  end

  # The sidecar has judged so: the connection is ended, if that is wanted. Not while another life of that name is listed, for
  # the connection may be that one's; and not for the silence that a node hears which is cut off itself.
  defp on_down(%{options: %{on_down: :disconnect}} = state, peer, reason) do
    connected = Dialer.connection(state.dialer, peer.name) == :connected
    isolated = reason == :silent and state.health == :isolated

    if connected and not isolated and Roster.named(state.roster, peer.name) == [],
      do: act(state, {:disconnect, peer.name}),
      else: state
  end

  defp on_down(state, _peer, _reason), do: state

  defp expire(state, now) do
    {roster, events} = Roster.expire(state.roster, now)
    later(%{state | roster: roster}, for({:down, peer, :silent} <- events, do: {:expired, peer}))
  end

  defp sweep(state, now) do
    if now - state.swept_at < @sweep_every,
      do: state,
      else: act(%{state | swept_at: now}, :epmd_sweep)
  end

  # Most are.
  defp well(%{unwell: unwell} = state, %Peer{status: :alive}) when map_size(unwell) == 0,
    do: state

  defp well(state, %Peer{status: :alive} = peer),
    do: %{state | unwell: Map.delete(state.unwell, key(peer))}

  defp well(state, peer), do: %{state | unwell: Map.put(state.unwell, key(peer), peer.status)}

  defp key(%Peer{name: name, creation: creation}), do: {name, creation}

  # The peer, with how its connection is.
  defp with_connection(state, peer) do
    connection = Dialer.connection(state.dialer, peer.name)
    %{peer | connection: connection, problem: problem(state, peer.name, connection)}
  end

  defp problem(_state, _name, :connected), do: nil

  defp problem(_state, _name, {:skipped, reason}) do
    text = Problems.skipped(reason)
    text && {reason, text}
  end

  defp problem(state, name, _waiting), do: Problems.get(state.problems, name)

  ## Connections

  defp count_link(state), do: %{state | links: state.links + 1}

  defp linked(state, name, now),
    do: look(%{state | dialer: Dialer.connected(state.dialer, name, now)}, name)

  defp failed(state, name, {_cause, why} = problem, now) do
    state = %{state | dialer: Dialer.result(state.dialer, name, :failed, now)}

    # Looking for the reason takes a while: it may be gone, or connected by the other side.
    if Dialer.connection(state.dialer, name) == :connected or
         Roster.named(state.roster, name) == [] do
      show(state, name)
    else
      text = "cannot connect to #{Peer.label(name)} (it is tried again): #{why}"

      %{state | problems: Problems.put(state.problems, name, problem)}
      |> say_problem(name, problem, text)
      |> show(name)
    end
  end

  # A peer is left alone for so long: told once, and shown as what keeps it from being connected.
  defp quiet(state, nil, _where, _quiet), do: state
  defp quiet(state, _peer, nil, _quiet), do: state
  defp quiet(state, _peer, _where, 0), do: state

  defp quiet(state, peer, where, quiet) do
    {level, text} = QuietPeriod.text(where, quiet)

    state =
      %{state | problems: Problems.put(state.problems, peer.name, {:quiet, text})}
      |> fact({:line, level, "#{Peer.label(peer.name)}: #{text}"})
      |> show(peer.name)

    # Something that stands between may have closed the connection. Then it is not likely to let us through.
    if where == :there, do: act(state, {:knock, peer}), else: state
  end

  defp list_nodes(state, now) do
    if state.announcement.own == nil or state.listing or now - state.listed_at < @list_every,
      do: state,
      else: act(%{state | listing: true, listed_at: now}, {:list_nodes, state.links})
  end

  ## What is said once

  # One line and one telemetry event, once for each state.
  defp say_problem(state, name, {cause, why}, text) do
    {new, problems} = Problems.say(state.problems, name, text)
    state = %{state | problems: problems}
    if new, do: fact(state, {:problem, name, cause, why, text}), else: state
  end

  defp say_once(state, about, text) do
    {new, problems} = Problems.say(state.problems, about, text)
    state = %{state | problems: problems}
    if new, do: fact(state, {:line, :warning, text}), else: state
  end

  # A conflict has a line of its own, with both addresses.
  defp say_skipped(state, _name, {:skipped, :conflict}), do: state

  defp say_skipped(state, name, {:skipped, reason} = connection) do
    case problem(state, name, connection) do
      nil ->
        state

      {_reason, why} ->
        text = "#{Peer.label(name)} is not dialled: #{why}"
        say_problem(state, name, {reason, why}, text)
    end
  end

  defp say_skipped(state, _name, _connection), do: state

  # The connection, or the listing, of this name may have changed: a NODEUP or NODEDOWN for each transition of a listed node,
  # whoever made the connection. It is kept in the view, so that the next owner does not say it again.
  defp look(state, name, reason \\ nil) do
    connected = Dialer.connection(state.dialer, name) == :connected
    was_up = MapSet.member?(state.up, name)

    cond do
      connected and not was_up and Roster.named(state.roster, name) != [] ->
        problems = Problems.clear(state.problems, name)

        %{state | up: MapSet.put(state.up, name), problems: problems}
        |> first({:put, {:up, name}, true})
        |> fact({:nodeup, name})

      was_up and not connected ->
        %{state | up: MapSet.delete(state.up, name)}
        |> first({:delete, {:up, name}})
        |> fact({:nodedown, name, reason})

      true ->
        state
    end
    |> Map.update!(:changed, &Map.put(&1, name, :look))
  end

  # Something of this name has changed that `peers/1` shows.
  defp show(%{changed: changed} = state, name) when is_map_key(changed, name), do: state
  defp show(state, name), do: %{state | changed: Map.put(state.changed, name, :show)}

  ## The sidecar

  defp pulse(state), do: div(state.options.interval, 2)

  # It waits for the cookie, which may be there now.
  defp wake(%{sidecar: %{state: :waiting}} = state),
    do: if(Announcement.keys?(state.announcement), do: open(state), else: state)

  defp wake(state), do: state

  defp open(state) do
    case SidecarLife.open(state.sidecar, Announcement.keys?(state.announcement)) do
      {:open, sidecar} -> act(%{state | sidecar: sidecar}, {:open, state.announcement.keys})
      {:wait, sidecar} -> put_status(%{state | sidecar: sidecar})
      {:nothing, _sidecar} -> state
    end
  end

  defp stop(state, text, now), do: state |> act(:close) |> died({:text, text}, now)

  # The roster and the connections stay as they are.
  defp died(state, how, now) do
    {death, sidecar} = SidecarLife.died(state.sidecar, how, now)
    {left, replies} = Replies.left(state.replies)
    {asked, replies} = Replies.uncounted(replies)
    announcement = Announcement.forget(state.announcement)

    state =
      %{state | sidecar: sidecar, announcement: announcement, replies: replies}
      |> timer(:ready, :cancel)
      |> timer(:open, death.delay)
      |> fact({:sidecar_exit, death.attempts, death.text, death.told})
      # Who is answered may look at the status at once.
      |> put_status()
      |> answer_left(left)

    Enum.reduce(asked, state, fn {ref, caller}, state -> answer_stats(state, ref, caller, nil) end)
  end

  defp command(state, command),
    do: if(SidecarLife.up?(state.sidecar), do: act(state, {:command, command}), else: state)

  # Tells the sidecar what it does not know yet: the ring, and what this node is.
  defp announce(state) do
    if SidecarLife.up?(state.sidecar),
      do: Enum.reduce(Announcement.news(state.announcement), state, &act(&2, {:say, &1})),
      else: state
  end

  defp ask_port(state) do
    if Announcement.ask_port?(state.announcement) do
      state =
        if state.announcement.port == nil, do: timer(state, :port, @port_patience), else: state

      act(%{state | announcement: Announcement.port_asked(state.announcement)}, :ask_port)
    else
      state
    end
  end

  # This node has become another, or leaves: what that means for each peer is looked at in portions.
  defp rename(%{dialer: nil} = state), do: state

  defp rename(state) do
    {names, dialer} = Dialer.renamed(state.dialer, Announcement.dials_as(state.announcement))
    later(%{state | dialer: dialer}, Enum.map(names, &{:review, &1}))
  end

  defp health(%{health: health} = state, health), do: state

  defp health(state, health),
    do: %{state | health: health} |> first({:put, :health, health}) |> fact({:health, health})

  defp interfaces(%{interfaces: interfaces} = state, interfaces), do: state

  defp interfaces(state, interfaces) do
    %{state | interfaces: interfaces}
    |> first({:put, :interfaces, interfaces})
    |> fact({:interfaces, interfaces, state.interfaces})
  end

  defp put_status(state) do
    first(
      state,
      {:put, :status,
       %{
         sidecar: state.sidecar.state,
         reason: state.sidecar.complaint,
         announced: Announcement.announced?(state.announcement),
         left: state.announcement.left
       }}
    )
  end

  ## Answers

  defp cancel_await(state, ref) do
    {caller, replies} = Replies.cancel(state.replies, ref)
    state = %{state | replies: replies}
    {caller, if(caller, do: act(state, {:demonitor, ref}), else: state)}
  end

  defp answer_awaits(state) do
    {callers, replies} = Replies.connected(state.replies, Dialer.connected_count(state.dialer))

    Enum.reduce(callers, %{state | replies: replies}, fn {ref, caller}, state ->
      state
      |> act({:demonitor, ref})
      |> timer({:await, ref}, :cancel)
      |> act({:reply, caller, :ok})
    end)
  end

  defp answer_left(state, callers) do
    Enum.reduce(callers, state, fn {ref, caller}, state ->
      state |> timer({:leave, ref}, :cancel) |> act({:reply, caller, :ok})
    end)
  end

  defp ask_stats(state, caller) do
    {ref, replies} = Replies.stats(state.replies, caller)
    %{state | replies: replies} |> timer({:stats, ref}, @stats_timeout) |> act({:ask_stats, ref})
  end

  defp counted(state, ref, stats) do
    {caller, replies} = Replies.counted(state.replies, ref)
    answer_stats(%{state | replies: replies}, ref, caller, stats)
  end

  # Too late, or no question of ours.
  defp answer_stats(state, _ref, nil, _stats), do: state

  defp answer_stats(state, ref, :alone, stats),
    do: state |> timer({:stats, ref}, :cancel) |> strangers(stats)

  defp answer_stats(state, ref, caller, stats),
    do: state |> timer({:stats, ref}, :cancel) |> act({:reply, caller, stats})

  # This node is announced and has found nobody: if others are heard under another key, that is told, once in the cluster's
  # life. It is the commonest mistake of all, and nothing else would show it.
  defp strangers(%{foreign: false} = state, %{foreign: heard}) when heard > 0 do
    if alone?(state) do
      %{state | foreign: true}
      |> first({:put, :foreign, true})
      |> fact({:foreign, state.announcement.by_cookie})
    else
      state
    end
  end

  defp strangers(state, _stats), do: state

  defp alone?(state), do: Roster.size(state.roster) == 0

  ## The turn

  defp settle(%{dialer: nil} = state, _now), do: state

  defp settle(state, now) do
    state
    |> work(@portion, now)
    |> dial(now)
    |> look_at_changed()
    |> answer_awaits()
    |> set_dial_timer(now)
    |> go_on()
  end

  defp later(state, items),
    do: %{state | backlog: Enum.reduce(items, state.backlog, &:queue.in/2)}

  defp work(state, 0, _now), do: state

  defp work(state, left, now) do
    case :queue.out(state.backlog) do
      {{:value, item}, backlog} ->
        %{state | backlog: backlog} |> item(item, now) |> work(left - 1, now)

      {:empty, _backlog} ->
        state
    end
  end

  defp go_on(state),
    do: if(:queue.is_empty(state.backlog), do: state, else: act(state, :continue))

  defp dial(state, now) do
    {peers, dialer} = Dialer.due(state.dialer, now, @dials)

    Enum.reduce(peers, %{state | dialer: dialer}, fn peer, state ->
      state
      |> show(peer.name)
      |> act({:dial, peer, Dialer.doubted?(state.dialer, peer.name)})
    end)
  end

  defp look_at_changed(%{changed: changed} = state) when map_size(changed) == 0, do: state

  defp look_at_changed(state) do
    Enum.reduce(state.changed, %{state | changed: %{}}, fn {name, how}, state ->
      connection = Dialer.connection(state.dialer, name)
      state = if how == :look, do: say_skipped(state, name, connection), else: state
      problem = problem(state, name, connection)

      for peer <- Roster.named(state.roster, name), reduce: state do
        state -> first(state, {:show, %{peer | connection: connection, problem: problem}})
      end
    end)
  end

  # One that rings too early costs less than one that is set with every event.
  defp set_dial_timer(%{dial_at: dial_at} = state, now) do
    case Dialer.deadline(state.dialer, now) do
      nil -> state
      at when dial_at != nil and dial_at <= at -> state
      at -> timer(%{state | dial_at: at}, :dial, max(at - now, 0))
    end
  end

  defp first(state, effect), do: %{state | first: [effect | state.first]}
  defp act(state, effect), do: %{state | acts: [effect | state.acts]}
  defp fact(state, fact), do: %{state | facts: [fact | state.facts]}
  defp timer(state, timer, ms), do: act(state, {:timer, timer, ms})

  # What readers read before who acts on it is told, and what is reported last.
  defp take_effects(%{first: first, acts: acts, facts: facts} = state) do
    report = if facts == [], do: [], else: [{:report, Enum.reverse(facts)}]
    effects = Enum.reverse(first, Enum.reverse(acts, report))
    {%{state | first: [], acts: [], facts: []}, effects}
  end
end
