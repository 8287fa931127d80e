defmodule GossipCluster.Cluster do
  @moduledoc false
  # A cluster as this node knows it, and what is to be done about it. Pure: `handle/3` takes what has happened and the
  # time, in milliseconds, and returns what the owner shall do (GossipCluster.Owner does it). The parts decide for
  # themselves: who is listed (Roster), who is dialled and when (Dialer), what the sidecar is to announce
  # (Announcement), when it is started (SidecarLife), where it looks for members without multicast (Seeds), whether a
  # connection was ended on purpose (QuietPeriod), where a peer is dialled (Paths), whether the path of a connection
  # lives (PathWatch), whether what a dial failed for has lasted (Blame), whose cookie is another (Cookies), who has
  # another's name (Conflicts), who is to be answered (Replies), what was said (Problems), whom libcluster's wire names
  # (Legacy). What one of them means for the others stands in Peers, Connections, Routes, Local, Migration and Answers;
  # here is who is asked, and what a turn is.
  #
  # One call of `handle/3` is a turn. Names that have changed in it are collected and looked at once, at its end: one
  # write of each peer, one round of dialling. A turn is short, however many peers there are: what concerns many of
  # them, or comes while such work is left, waits in `backlog`, in order, of which a turn does no more than @portion;
  # then it asks to go on. The peers of an earlier owner come first, as many a turn.
  #
  # What nothing has happened to yet is not asked: where code is loaded as it is called, a node that starts needs no seeds,
  # no libcluster, no problems and nobody who waits, and spares the loading of them (GossipCluster.Preload).

  import GossipCluster.Cluster.State, only: [act: 2, timer: 3, with_legacy: 2]

  alias GossipCluster.Cluster.{
    Announcement,
    Answers,
    Blame,
    Bootstrap,
    Conflicts,
    Connections,
    Cookies,
    Dialer,
    Health,
    Legacy,
    Local,
    Measures,
    Migration,
    PathWatch,
    Peers,
    Problems,
    QuietPeriod,
    Replies,
    Roster,
    Routes,
    Seeds,
    SidecarLife,
    State
  }

  alias GossipCluster.Dial.{Attempt, Path}
  alias GossipCluster.{Facts, Hidden, Options, Peer, Resolver, Sidecar, Tags}
  alias GossipCluster.Sidecar.Codec

  # Names a turn: some milliseconds of work.
  @portion 64

  @type t :: State.t()

  @typedoc "What the owner tells of a caller: whatever it can answer, and the process that waits."
  @type caller :: {Replies.caller(), pid()}

  @typedoc "What can happen."
  @type event ::
          {:start, Announcement.local(), last_opened :: integer() | nil}
          | {:restore, [Peer.t()], [String.t()], seed :: integer()}
          | {:restored, [Peer.t()]}
          | {:local, Announcement.local()}
          | {:pulse, Announcement.local()}
          | {:local_port, :inet.port_number()}
          | {:opened, keys :: Hidden.t(), Sidecar.Process.t() | nil}
          | {:sidecar_seen, Sidecar.Process.t(), :stopped | :runs | :unknown}
          | {:not_opened, String.t()}
          | {:frame, Codec.event()}
          | {:unreadable, non_neg_integer()}
          | {:exited, String.t()}
          | {:broken, term()}
          | {:announced, Announcement.change()}
          | {:timeout, timer()}
          | {:nodeup, String.t()}
          | {:nodedown, String.t(), term(), :library | :global | nil}
          | {:dialled, String.t(), Attempt.result(), duration :: integer()}
          | {:not_dialled, String.t(), Problems.problem()}
          | {:cookies, %{String.t() => Hidden.t() | nil}}
          | {:disconnected, String.t(), :ok | {:error, String.t()}}
          | {:addresses, [:inet.ip_address()], {:inet.ip_address(), :inet.port_number()} | nil}
          | {:path, String.t(), Path.t() | nil}
          | {:probed, String.t(), :answered | :silent}
          | {:touched, :ok | :killed}
          | {:nodes, links :: non_neg_integer(),
             {:ok, [String.t()]} | {:error, String.t()} | :killed}
          | {:await, Replies.caller(), pid(), non_neg_integer(), Tags.t(), timeout()}
          | {:caller_down, Replies.ref()}
          | {:leave, Replies.caller()}
          | {:leave_failed, Replies.ref()}
          | {:rejoin, Replies.caller()}
          | {:put_tags, Replies.caller(), Tags.t()}
          | {:stats, Replies.caller()}
          | {:measure, Replies.caller() | nil}
          | {:stats_failed, Replies.ref()}
          | {:siblings, [:inet.port_number()]}
          | {:resolved, Seeds.index(), {:ok, [Resolver.place(), ...]} | {:error, String.t()},
             chance :: float()}
          | :continue

  @type timer ::
          :pulse
          | :open
          | :ready
          | :dial
          | :paths
          | :port
          | :health
          | :measures
          | {:alone, pos_integer()}
          | {:await | :leave | :stats, Replies.ref()}
          | {:seed, Seeds.index()}

  @typedoc "What the owner shall do."
  @type effect ::
          {:show, Peer.t()}
          | {:hide, Peer.t()}
          | {:put, term(), term()}
          | {:delete, term()}
          | {:epmd_put, Peer.t()}
          | {:epmd_drop, Peer.t(), Codec.down_reason()}
          | {:epmd_remember, String.t(), :inet.ip_address()}
          | {:epmd_forget, String.t()}
          | :epmd_sweep
          | {:restore, behind :: Roster.key()}
          | {:open, keys :: Hidden.t()}
          | {:open, keys :: Hidden.t(), derived :: Hidden.t()}
          | :close
          | {:look_at_sidecar, Sidecar.Process.t() | nil}
          | {:kill, Sidecar.Process.t() | nil}
          | :find_siblings
          | {:sends_from, :inet.port_number()}
          | {:command, Codec.command()}
          | {:announce, Announcement.change()}
          | {:request_leave, Replies.ref()}
          | {:request_stats, Replies.ref()}
          | :ask_port
          | {:dial, Peer.t(), doubted :: boolean()}
          | {:disconnect, String.t()}
          | {:ask_cookies, [String.t()]}
          | {:tell_disconnected, String.t(), boots :: [String.t()]}
          | :find_addresses
          | {:find_path, String.t()}
          | {:probe, String.t(), milliseconds :: pos_integer()}
          | {:touch, [String.t(), ...]}
          | {:list_nodes, non_neg_integer()}
          | {:timer, timer(), non_neg_integer() | :cancel}
          | {:reply, Replies.caller(), term()}
          | {:monitor, Replies.ref(), pid()}
          | {:demonitor, Replies.ref()}
          | :continue
          | {:report, [Facts.fact()]}

  @typedoc """
  What an earlier owner of this cluster knew. `restoring`: its peers come in portions, of `{:restore, _, _, _}` the
  first, and then of a `{:restored, _}` for each effect `{:restore, behind}`, until one is empty. Else all of them, if
  there are any, come with `{:restore, _, _, _}`.
  """
  @type past :: %{
          restoring: boolean(),
          left: boolean(),
          tags: Tags.t(),
          up: [String.t()],
          told: {Health.t(), [Health.problem()]},
          interfaces: list(),
          foreign: boolean(),
          seeds: [Seeds.shown()]
        }

  @doc "A cluster that does nothing yet. `options` are checked ones."
  @spec new(map(), past(), integer()) :: t()
  def new(options, %{} = past, now) do
    %State{
      options: options,
      roster: Roster.new(options.interval),
      announcement: Announcement.new(past.left, past.tags),
      sidecar: %SidecarLife{},
      seeds: seeds(options, past),
      replies: %Replies{},
      problems: %Problems{},
      watch: %PathWatch{},
      blame: %Blame{},
      cookies: %Cookies{},
      quiet: %QuietPeriod{},
      conflicts: %Conflicts{},
      legacy: %Legacy{},
      up: Map.new(past.up, &{&1, true}),
      health: if(elem(past.told, 0) == :isolated, do: :isolated, else: :ok),
      told: past.told,
      interfaces: past.interfaces,
      foreign: past.foreign,
      restoring: past.restoring,
      listed_at: now,
      swept_at: now
    }
  end

  @doc "How many names are looked at in a turn, and how many peers are restored in one."
  @spec portion() :: 64
  def portion, do: @portion

  defp seeds(%{seeds: []}, _past), do: nil
  defp seeds(options, past), do: Seeds.new(options.seeds, seed_ports(options), past.seeds)

  # Where the members' own may be any, they still are mostly those.
  defp seed_ports(options) do
    case Options.unicast_port(options) do
      {0, 0} -> Options.unicast_port(%{unicast_port: nil, port: min(options.port, 65_534)})
      ports -> ports
    end
  end

  @doc "What follows from what has happened."
  @spec handle(t(), event(), integer()) :: {t(), [effect()]}
  def handle(state, event, now) do
    state |> route(event, now) |> settle(now) |> judge(event) |> take_effects()
  end

  @doc "All listed peers."
  @spec peers(t()) :: [Peer.t()]
  def peers(state), do: Roster.list(state.roster)

  @doc "How it is, in a few words without names: for reports."
  @spec summary(t()) :: map()
  def summary(%{} = state) do
    %{
      peers: Roster.size(state.roster),
      connected: if(state.dialer, do: Dialer.connected_count(state.dialer), else: 0),
      problems: map_size(state.problems.problems),
      sidecar: state.sidecar.state,
      announced: Announcement.announced?(state.announcement),
      left: state.announcement.left,
      health: state.condition && elem(state.condition, 0),
      backlog: :queue.len(state.backlog),
      awaits: map_size(state.replies.awaits) + map_size(state.replies.tagged)
    }
  end

  ## Who is asked

  @local [
    :start,
    :restore,
    :restored,
    :rejoin,
    :put_tags,
    :local,
    :local_port,
    :opened,
    :sidecar_seen,
    :not_opened,
    :exited,
    :broken,
    :unreadable,
    :announced
  ]
  @answers [:await, :caller_down, :leave, :leave_failed, :stats, :stats_failed, :siblings]
  @routes [:addresses, :path, :probed, :touched]
  @of_peers [:up, :update, :refreshed, :heard, :down, :missing, :expired, :repath] ++
              [:conflict, :settled, :conflicts]
  @of_legacy [:legacy, :legacy_silent, :legacy_gone, :legacy_restored]
  @of_this_node [:ready, :interfaces, :health, :heartbeat, :log, :error, :keys_changed, :derived] ++
                  [:pulse]

  defp route(state, :continue, _now), do: state

  defp route(state, {:pulse, _local} = event, now),
    do:
      state
      |> Connections.pulse(now)
      |> Peers.pulse(now)
      |> with_legacy(&Migration.pulse(&1, now))
      |> Routes.pulse(now)
      |> Local.event(event, now)

  defp route(state, {:frame, frame} = event, now) do
    state = %{state | sidecar: SidecarLife.heard(state.sidecar)}

    cond do
      kind(frame) in @of_this_node -> Local.event(state, event, now)
      kind(frame) == :measures -> Measures.event(state, event, now)
      frame == :left or kind(frame) == :stats -> Answers.event(state, event, now)
      kind(frame) == :legacy -> Migration.event(state, event, now)
      kind(frame) == :disconnected -> Connections.event(state, event, now)
      frame == :reaches_more -> Routes.event(state, event, now)
      true -> Peers.event(state, event, now)
    end
  end

  defp route(state, {:timeout, timer} = event, now) when timer in [:open, :ready, :port, :health],
    do: Local.event(state, event, now)

  defp route(state, {:timeout, :measures} = event, now), do: Measures.event(state, event, now)
  defp route(state, {:measure, _caller} = event, now), do: Measures.event(state, event, now)

  defp route(state, {:timeout, {:seed, _index}} = event, now),
    do: Bootstrap.event(state, event, now)

  defp route(state, {:resolved, _index, _result, _chance} = event, now),
    do: Bootstrap.event(state, event, now)

  defp route(state, {:timeout, :paths} = event, now), do: Routes.event(state, event, now)

  defp route(state, {:timeout, :dial} = event, now), do: Connections.event(state, event, now)
  defp route(state, {:timeout, _timer} = event, now), do: Answers.event(state, event, now)

  defp route(state, event, now) do
    cond do
      kind(event) in @local -> Local.event(state, event, now)
      kind(event) in @answers -> Answers.event(state, event, now)
      kind(event) in @routes -> Routes.event(state, event, now)
      true -> Connections.event(state, event, now)
    end
  end

  defp kind(event) when is_tuple(event), do: elem(event, 0)
  defp kind(event), do: event

  # Whether this node can be found does not depend on its peers, of whom most turns are, but for one of its own name.
  defp judge(%{dialer: nil} = state, _event), do: state
  defp judge(state, :continue), do: state

  defp judge(state, {:frame, frame}),
    do:
      if(kind(frame) in [:conflict, :settled, :snapshot_end | @of_this_node],
        do: Local.judge(state),
        else: state
      )

  defp judge(state, _event), do: Local.judge(state)

  ## The turn

  defp settle(%{dialer: nil} = state, _now), do: state

  defp settle(state, now) do
    state
    |> work(if(state.restoring, do: 0, else: @portion), now)
    |> Connections.dial(now)
    |> answer()
    |> Connections.show_changed()
    |> Connections.ask_cookies()
    |> set_dial_timer(now)
    |> Routes.set_timer(now)
    |> go_on()
  end

  defp work(state, 0, _now), do: state

  defp work(state, left, now) do
    case :queue.out(state.backlog) do
      {{:value, item}, backlog} ->
        %{state | backlog: backlog} |> item(item, now) |> work(left - 1, now)

      {:empty, _backlog} ->
        state
    end
  end

  defp item(state, item, now) when elem(item, 0) in @of_peers, do: Peers.item(state, item, now)

  defp item(state, item, now) when elem(item, 0) in @of_legacy,
    do: Migration.item(state, item, now)

  defp item(state, item, now), do: Connections.item(state, item, now)

  # Most often nobody awaits anything.
  defp answer(%{replies: %{awaits: awaits, tagged: tagged}} = state)
       when awaits == %{} and tagged == %{},
       do: state

  defp answer(state), do: state |> Answers.match() |> Answers.awaits()

  # Behind the peers that are still to be put back: it may concern them.
  defp go_on(%{restoring: true} = state), do: state

  defp go_on(state),
    do: if(:queue.is_empty(state.backlog), do: state, else: act(state, :continue))

  # One that rings too early costs less than one that is set with every event.
  defp set_dial_timer(%{dial_at: dial_at} = state, now) do
    case Dialer.deadline(state.dialer, now) do
      nil -> state
      at when dial_at != nil and dial_at <= at -> state
      at -> timer(%{state | dial_at: at}, :dial, max(at - now, 0))
    end
  end

  # What readers read before who acts on it is told, and what is reported last.
  defp take_effects(%{first: first, acts: acts, facts: facts} = state) do
    report = if facts == [], do: [], else: [{:report, Enum.reverse(facts)}]
    effects = Enum.reverse(first, Enum.reverse(acts, report))
    {%{state | first: [], acts: [], facts: []}, effects}
  end
end
