defmodule GossipCluster.Cluster.Peers do
  @moduledoc false
  # Who is listed: what the sidecar tells of peers, and what is said of that. Pure; see GossipCluster.Cluster.

  import GossipCluster.Cluster.Connections,
    only: [find_path: 2, forget_blame: 2, forget_idle: 2, transition: 2]

  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster.{
    Conflicts,
    Cookies,
    Dialer,
    Migration,
    Packed,
    PathWatch,
    Roster,
    State
  }

  alias GossipCluster.Peer

  # How often GossipCluster.Epmd throws away what has been silent for long.
  @sweep_every 60_000

  @no_cookies %Cookies{}

  ## What happens

  @doc "The sidecar tells of peers. What concerns a name waits for its turn."
  @spec event(State.t(), tuple(), integer()) :: State.t()
  # An update that changes nothing says that the peer is heard directly again, after others had to vouch that it lives.
  def event(%{} = state, {:frame, event}, _now) do
    {roster, events} = Roster.apply(state.roster, event)
    heard = for {:update, peer} <- [event], do: {:refreshed, peer}
    later(%{state | roster: roster}, bounds(event) ++ heard ++ events)
  end

  defp bounds({:snapshot, :first, _peers}), do: [{:conflicts, :first}]
  defp bounds(:snapshot_end), do: [{:conflicts, :end}]
  defp bounds(_event), do: []

  @doc "Some time has passed."
  @spec pulse(State.t(), integer()) :: State.t()
  def pulse(state, now), do: state |> expire(now) |> sweep(now)

  defp expire(%{} = state, now) do
    {roster, events} = Roster.expire(state.roster, now)

    later(
      %{state | roster: roster},
      for({:missing, name, packed} <- events, do: {:expired, name, packed})
    )
  end

  defp sweep(%{} = state, now) do
    if now - state.swept_at < @sweep_every,
      do: state,
      else: act(%{state | swept_at: now}, :epmd_sweep)
  end

  ## What waits for its turn

  @doc "What waited, in its turn."
  @spec item(State.t(), tuple(), integer()) :: State.t()
  def item(%{} = state, {:up, %Peer{} = peer}, now) do
    state =
      state
      |> with_legacy(&Migration.native(&1, peer.name, now))
      |> settled(peer, now)
      |> listed(peer, now)

    state
    |> well(peer)
    |> put_epmd(peer)
    |> fact({:up, with_connection(state, peer), Roster.size(state.roster)})
    |> transition(peer.name)
  end

  def item(%{} = state, {:update, %Peer{} = peer}, now) do
    before = Map.get(state.unwell, key(peer), :alive)
    state = settled(state, peer, now)
    watch = PathWatch.updated(state.watch, peer, now)
    state = listed(%{state | watch: watch}, peer, now)
    state = if peer.status == before, do: state, else: forget_blame(state, peer.name)

    state
    |> well(peer)
    |> put_epmd(peer)
    |> fact({:update, with_connection(state, peer), before, Roster.size(state.roster)})
    |> transition(peer.name)
  end

  def item(%{} = state, {:refreshed, %Peer{} = peer}, now),
    do:
      %{state | dialer: Dialer.refreshed(state.dialer, peer, now)}
      |> forget_blame(peer.name)
      |> show(peer.name)

  def item(%{} = state, {:heard, %Peer{} = peer}, now) do
    dialer = Dialer.listed(state.dialer, peer, now, Roster.packed(state.roster, peer))
    show(%{state | dialer: Dialer.refreshed(dialer, peer, now)}, peer.name)
  end

  def item(state, {:down, %Peer{} = peer, reason}, now),
    do: state |> down(peer, reason, now) |> on_down(peer, reason)

  def item(state, {:missing, name, packed}, now),
    do: item(state, {:down, Packed.unpack(name, packed), :silent}, now)

  # Nobody has judged these: our own sidecar was away, and they were not confirmed.
  def item(state, {:expired, name, packed}, now),
    do: down(state, Packed.unpack(name, packed), :silent, now)

  def item(%{} = state, {:conflict, %Peer{} = peer, other}, now) do
    {new, conflicts} = Conflicts.told(state.conflicts, peer)
    state = %{state | conflicts: conflicts}

    if new,
      do:
        %{state | dialer: Dialer.conflict(state.dialer, peer.name, now)}
        |> fact({:conflict, peer, other, state.announcement.own, Roster.size(state.roster)})
        |> show(peer.name),
      else: state
  end

  def item(%{} = state, {:conflicts, :first}, _now),
    do: %{state | conflicts: Conflicts.snapshot(state.conflicts)}

  def item(%{} = state, {:conflicts, :end}, now) do
    {over, conflicts} = Conflicts.unseen(state.conflicts)
    Enum.reduce(over, %{state | conflicts: conflicts}, &settled(&2, &1, now))
  end

  def item(state, {:settled, %Peer{} = peer}, now), do: settled(state, peer, now)

  def item(%{} = state, {:repath, name}, _now),
    do: state.roster |> Roster.named(name) |> Enum.reduce(show(state, name), &put_epmd(&2, &1))

  # One that an earlier owner had listed, unless it is gone meanwhile. What was said of it, was said.
  def item(%{} = state, {:restored, %Peer{} = peer}, now) do
    case Enum.find(Roster.named(state.roster, peer.name), &(&1.creation == peer.creation)) do
      nil ->
        state

      peer ->
        state
        |> listed(peer, now)
        |> well(peer)
        |> find_path(peer.name)
        |> show(peer.name)
    end
  end

  ## Steps

  # Who had the name of another is gone, or has it alone.
  defp settled(%{} = state, %{} = peer, now) do
    case Conflicts.over(state.conflicts, peer) do
      {true, conflicts} ->
        dialer = Dialer.settled(state.dialer, peer.name, now)
        show(%{state | dialer: dialer, conflicts: conflicts}, peer.name)

      {false, conflicts} ->
        %{state | conflicts: conflicts}
    end
  end

  defp listed(%{} = state, %{} = peer, now) do
    dialer = Dialer.listed(state.dialer, peer, now, Roster.packed(state.roster, peer))
    state = %{state | dialer: dialer}

    if peer.cookie == :differs,
      do: %{state | cookies: Cookies.differs(state.cookies, peer.name, now)},
      else: forget_cookie(state, peer.name)
  end

  defp down(%{} = state, %{} = peer, reason, now) do
    # Another life of that name may be listed.
    state =
      if Roster.listed?(state.roster, peer.name),
        do: state,
        else: forget_cookie(first(state, {:epmd_drop, peer, reason}), peer.name)

    shown = with_connection(state, peer)
    up = is_map_key(state.up, peer.name)
    state = Migration.left(state, peer.name, now)

    %{
      state
      | parted: if(up, do: Map.put(state.parted, peer.name, shown), else: state.parted),
        dialer: Dialer.unlisted(state.dialer, peer, now),
        unwell: Map.delete(state.unwell, key(peer))
    }
    |> clear_problem(peer.name)
    |> forget_blame(peer.name)
    |> first({:hide, peer})
    |> forget_idle(peer.name)
    |> fact({:down, shown, reason, Roster.size(state.roster)})
    |> transition(peer.name)
  end

  # The sidecar has judged so: the connection is ended, if that is wanted. Not while another life of that name is
  # listed, for the connection may be that one's; and not for the silence that a node hears which is cut off itself.
  defp on_down(%{options: %{on_down: :disconnect}} = state, %{} = peer, reason) do
    connected = Dialer.connection(state.dialer, peer.name) == :connected
    isolated = reason == :silent and state.health == :isolated

    if connected and not isolated and not Roster.listed?(state.roster, peer.name),
      do: act(state, {:disconnect, peer.name}),
      else: state
  end

  defp on_down(state, _peer, _reason), do: state

  # Most are.
  defp well(%{unwell: unwell} = state, %Peer{status: :alive}) when map_size(unwell) == 0,
    do: state

  defp well(%{} = state, %Peer{status: :alive} = peer),
    do: %{state | unwell: Map.delete(state.unwell, key(peer))}

  defp well(%{} = state, %{} = peer),
    do: %{state | unwell: Map.put(state.unwell, key(peer), peer.status)}

  defp key(%Peer{name: name, creation: creation}), do: {name, creation}

  defp put_epmd(state, peer), do: first(state, {:epmd_put, with_paths(state, peer)})

  defp forget_cookie(%{cookies: cookies} = state, _name) when cookies == @no_cookies, do: state

  defp forget_cookie(%{} = state, name),
    do: %{state | cookies: Cookies.forget(state.cookies, name)}
end
