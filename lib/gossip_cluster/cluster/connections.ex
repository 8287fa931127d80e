defmodule GossipCluster.Cluster.Connections do
  @moduledoc false
  # Who is connected: what becomes of dials and connections, and what is said of that. Pure; see GossipCluster.Cluster.

  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster.{
    Blame,
    Cookies,
    Dialer,
    PathWatch,
    Problems,
    QuietPeriod,
    Roster,
    State
  }

  alias GossipCluster.Peer

  # Dials a turn: each starts a process.
  @dials 32
  # The default functions tell of each change by a message; the list is a net for what other functions do not tell.
  @list_every 5_000

  @no_cookies %Cookies{}
  @no_blame %Blame{}

  ## What happens

  @doc "Something has happened to connections. What concerns a name waits for its turn."
  @spec event(State.t(), tuple(), integer()) :: State.t()
  def event(state, {:frame, {:disconnected, peer, ago}}, now),
    do: later(state, [{:disconnected_by, peer.name, now - ago}])

  def event(state, {:nodeup, _name} = event, _now), do: later(state, [event])

  def event(state, {:nodedown, _name, _reason, _by} = event, _now), do: later(state, [event])

  def event(state, {:dialled, _name, _result, _time} = event, _now), do: later(state, [event])

  def event(state, {:not_dialled, _name, _problem} = event, _now), do: later(state, [event])

  def event(state, {:cookies, held}, _now),
    do: later(state, for({name, cookie} <- held, do: {:cookie, name, cookie}))

  def event(state, {:disconnected, _name, :ok}, _now), do: state

  def event(state, {:disconnected, name, {:error, why}}, _now),
    do: warn_once(state, :disconnect, "cannot disconnect #{Peer.label(name)}: #{why}")

  def event(%{links: links} = state, {:nodes, links, {:ok, names}}, _now) do
    {gone, come} = Dialer.compare(state.dialer, names)
    {lost, found} = missed(state, Map.new(names, &{&1, true}))
    {gone, come} = {Enum.uniq(gone ++ lost), Enum.uniq(come ++ found)}

    %{state | listing: false}
    |> clear_problem(:list_nodes)
    |> later(Enum.map(gone, &{:unlinked, &1}) ++ Enum.map(come, &{:linked, &1}))
  end

  # It may be older than what was told since. The next pulse asks again.
  def event(state, {:nodes, _links, {:ok, _names}}, _now),
    do: %{state | listing: false, listed_at: state.listed_at - @list_every}

  def event(state, {:nodes, _links, {:error, why}}, _now),
    do: warn_once(%{state | listing: false}, :list_nodes, why)

  def event(state, {:nodes, _links, :killed}, _now), do: %{state | listing: false}

  # The end of each turn dials who is due.
  def event(state, {:timeout, :dial}, _now), do: %{state | dial_at: nil}

  @doc "Some time has passed."
  @spec pulse(State.t(), integer()) :: State.t()
  def pulse(%{cookies: cookies} = state, now) when cookies == @no_cookies,
    do: list_nodes(state, now)

  def pulse(state, now), do: state |> ask_cookies(Cookies.names(state.cookies)) |> list_nodes(now)

  # What came and went while there was no owner was told by nobody.
  defp missed(%{up: up} = state, names) do
    found =
      for {name, _} <- names,
          not is_map_key(up, name),
          Roster.listed?(state.roster, name),
          do: name

    {for({name, _} <- up, not is_map_key(names, name), do: name), found}
  end

  defp list_nodes(%{} = state, now) do
    if state.announcement.own == nil or state.listing or now - state.listed_at < @list_every,
      do: state,
      else: act(%{state | listing: true, listed_at: now}, {:list_nodes, state.links})
  end

  ## What waits for its turn

  @doc "What waited, in its turn."
  @spec item(State.t(), tuple(), integer()) :: State.t()
  def item(%{} = state, {:cookie, name, cookie}, now) do
    {how, cookies} = Cookies.answer(state.cookies, name, cookie, now, patience(state))
    state = %{state | cookies: cookies}

    case how do
      :changed ->
        dialer = Dialer.own_cookie(state.dialer, name, cookie != nil, now)
        %{state | dialer: dialer} |> clear_problem(name) |> transition(name)

      :lasted ->
        transition(state, name)

      :same ->
        state
    end
  end

  def item(state, {:nodeup, name}, now), do: state |> count_link() |> linked(name, now)

  def item(state, {:linked, name}, now), do: linked(state, name, now)

  def item(state, {:unlinked, name}, now),
    do: state |> unlinked(name, now, 0) |> transition(name)

  def item(%{} = state, {:nodedown, name, reason, by}, now) do
    facts = %{by: by, left: state.announcement.left}
    where = QuietPeriod.on_purpose(state.quiet, name, reason, facts, now)
    quiet = if where, do: state.options.quiet, else: 0

    state
    |> unlinked(name, now, quiet)
    |> count_link()
    |> transition(name, reason)
    |> quiet(name, where)
    |> tell_other_side(name, where)
  end

  # Said by the peer, through its sidecar. What was not lost yet, as seen here, will be any moment.
  def item(%{} = state, {:disconnected_by, name, ended}, now) do
    {about, quiet} = QuietPeriod.said(state.quiet, name, ended, now)
    state = %{state | quiet: quiet}

    if about == :last and Dialer.connection(state.dialer, name) != :connected and
         not Dialer.quiet?(state.dialer, name, now) do
      dialer = Dialer.leave_alone(state.dialer, name, now, state.options.quiet)
      quiet(%{state | dialer: dialer}, name, :there)
    else
      state
    end
  end

  def item(%{} = state, {:dialled, name, result, duration}, now) do
    case result do
      {:connected, nil} ->
        dialer = Dialer.result(state.dialer, name, :connected, now)

        %{state | dialer: dialer}
        |> fact({:connected, name, duration})
        |> count_link()
        |> transition(name)

      {:refused, nil} ->
        show(%{state | dialer: Dialer.result(state.dialer, name, :refused, now)}, name)

      {:failed, problem} ->
        begun = now - System.convert_time_unit(duration, :native, :millisecond)

        state
        |> fact({:not_connected, name, problem, duration})
        |> failed(name, problem, begun, now)
    end
  end

  def item(state, {:not_dialled, name, problem}, now), do: failed(state, name, problem, now, now)

  def item(state, {:review, name}, now),
    do: show(%{state | dialer: Dialer.review(state.dialer, name, now)}, name)

  ## The end of a turn

  @doc "Asks what cookie this node holds for those whose own differs."
  @spec ask_cookies(State.t()) :: State.t()
  def ask_cookies(%State{cookies: cookies} = state) when cookies == @no_cookies, do: state

  def ask_cookies(%State{cookies: cookies} = state) do
    {names, cookies} = Cookies.fresh(cookies)
    ask_cookies(%{state | cookies: cookies}, names)
  end

  defp ask_cookies(%State{} = state, []), do: state
  defp ask_cookies(%State{} = state, names), do: act(state, {:ask_cookies, names})

  @doc "Whom the dialer wants to dial now."
  @spec dial(State.t(), integer()) :: State.t()
  def dial(%{} = state, now) do
    {peers, dialer} = Dialer.due(state.dialer, now, @dials)

    Enum.reduce(peers, %{state | dialer: dialer}, fn peer, state ->
      state
      |> show(peer.name)
      |> act({:dial, with_paths(state, peer), Dialer.doubted?(state.dialer, peer.name)})
    end)
  end

  @doc "Looks at each name that has changed in this turn, once: what is said, and what is shown."
  @spec show_changed(State.t()) :: State.t()
  def show_changed(%{changed: changed} = state) when map_size(changed) == 0, do: state

  def show_changed(%{} = state) do
    Enum.reduce(state.changed, %{state | changed: %{}}, fn {name, how}, state ->
      connection = Dialer.connection(state.dialer, name)
      state = if how == :report, do: report_skipped(state, name, connection), else: state
      problem = problem(state, name, connection)

      for peer <- named(state, name), reduce: state do
        state -> first(state, {:show, with_connection(state, peer, connection, problem)})
      end
    end)
  end

  ## Steps

  # In which the sidecar tells that a peer is gone.
  defp patience(%{} = state),
    do: Blame.patience(state.options.interval, Roster.size(state.roster) + 1)

  defp count_link(state), do: %{state | links: state.links + 1}

  @doc "Its path is looked for where the connection of a listed peer is new."
  @spec find_path(State.t(), String.t()) :: State.t()
  def find_path(%State{} = state, name) do
    if Dialer.connection(state.dialer, name) == :connected,
      do: act(state, {:find_path, name}),
      else: state
  end

  defp linked(%{} = state, name, now) do
    dialer = Dialer.connected(state.dialer, name, now)
    quiet = QuietPeriod.connected(state.quiet, name, now)
    cut = Map.delete(state.cut, name)
    transition(%{state | dialer: dialer, cut: cut, quiet: quiet}, name)
  end

  defp unlinked(%{cut: cut} = state, name, now, quiet) do
    how = if is_map_key(cut, name), do: :at_once, else: :soon
    dialer = Dialer.disconnected(state.dialer, name, now, quiet, how)
    watch = PathWatch.disconnected(state.watch, name)

    blame =
      if listed?(state, name),
        do: Blame.lost(state.blame, name, now),
        else: state.blame

    cut = Map.delete(cut, name)
    forget_idle(%{state | dialer: dialer, watch: watch, cut: cut, blame: blame}, name)
  end

  @doc "Nothing more is kept of one that is neither listed nor connected."
  @spec forget_idle(State.t(), String.t()) :: State.t()
  def forget_idle(%State{} = state, name) do
    if not listed?(state, name) and
         Dialer.connection(state.dialer, name) != :connected,
       do: %{state | quiet: QuietPeriod.forget(state.quiet, name)},
       else: state
  end

  # Looking for the reason takes a while: it may be gone, or connected by the other side.
  defp failed(%{} = state, name, problem, begun, now) do
    state = %{state | dialer: Dialer.result(state.dialer, name, :failed, now)}

    if Dialer.connection(state.dialer, name) == :connected or
         not listed?(state, name),
       do: show(state, name),
       else: state |> blame(name, problem, begun, now) |> show(name)
  end

  defp blame(%{} = state, name, {cause, why} = problem, begun, now) do
    {held, blame} =
      if informed?(state, name),
        do: Blame.failed(state.blame, name, cause, begun, now, patience(state)),
        else: {false, Blame.forget(state.blame, name)}

    state = %{state | blame: blame}

    if held do
      text = "cannot connect to #{Peer.label(name)} (it is tried again): #{why}"

      %{state | problems: Problems.put(state.problems, name, problem)}
      |> report_problem(name, problem, text)
    else
      state
    end
  end

  # Whether the sidecar would tell if it were not for the path to this peer, but for the peer, or this node itself: it
  # runs, it is answered, and holds the peer for well.
  defp informed?(%{} = state, name) do
    state.sidecar.state == :running and state.health == :ok and
      Enum.all?(Roster.named(state.roster, name), &(&1.status == :alive))
  end

  @doc "What its dials failed for counts no more."
  @spec forget_blame(State.t(), String.t()) :: State.t()
  def forget_blame(%{blame: blame} = state, _name) when blame == @no_blame, do: state
  def forget_blame(state, name), do: %{state | blame: Blame.forget(state.blame, name)}

  # A peer is left alone for so long: told once, and shown as what keeps it from being connected.
  defp quiet(%{options: %{quiet: ms}} = state, name, where) when ms > 0 and where != nil do
    text = QuietPeriod.text(where, ms)

    if listed?(state, name) do
      %{state | problems: Problems.put(state.problems, name, {:quiet, text})}
      |> fact({:quiet, name, text})
      |> notify(name, &{:problem, &1, {:quiet, text}})
      |> show(name)
    else
      state
    end
  end

  defp quiet(state, _name, _where), do: state

  # It would dial at once else.
  defp tell_other_side(state, name, :here) do
    case for(peer <- Roster.named(state.roster, name), do: peer.boot) do
      [] -> state
      boots -> act(state, {:tell_disconnected, name, boots})
    end
  end

  defp tell_other_side(state, _name, _where), do: state

  # A conflict has a line of its own, with both addresses.
  defp report_skipped(state, _name, {:skipped, :conflict}), do: state

  defp report_skipped(state, name, {:skipped, reason} = connection) do
    case problem(state, name, connection) do
      nil ->
        state

      {_reason, why} ->
        text = "#{Peer.label(name)} is not dialled: #{why}"
        report_problem(state, name, {reason, why}, text)
    end
  end

  defp report_skipped(state, _name, _connection), do: state

  @doc """
  The connection, or the listing, of this name may have changed: a NODEUP or NODEDOWN for each transition of a listed
  node, whoever made the connection. It is kept in the view, so that the next owner does not say it again.
  """
  @spec transition(State.t(), String.t(), term()) :: State.t()
  def transition(%{} = state, name, reason \\ nil) do
    connected = Dialer.connection(state.dialer, name) == :connected
    was_up = is_map_key(state.up, name)

    cond do
      connected and not was_up and listed?(state, name) ->
        %{state | up: Map.put(state.up, name, true)}
        |> clear_problem(name)
        |> forget_blame(name)
        |> first({:put, {:up, name}, true})
        |> act({:find_path, name})
        |> fact({:nodeup, name})
        |> notify(name, &{:connected, &1})

      was_up and not connected ->
        %{state | up: Map.delete(state.up, name)}
        |> first({:delete, {:up, name}})
        |> fact({:nodedown, name, reason})
        |> notify(name, &{:disconnected, &1, reason})
        |> Map.update!(:parted, &Map.delete(&1, name))

      true ->
        state
    end
    |> Map.update!(:changed, &Map.put(&1, name, :report))
  end
end
