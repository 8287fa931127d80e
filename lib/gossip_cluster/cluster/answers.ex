defmodule GossipCluster.Cluster.Answers do
  @moduledoc false
  # Who asks, and is answered: `await`, `leave`, the sidecar's counters, and whether only strangers are heard. Pure; see
  # GossipCluster.Cluster.

  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster.{Announcement, Dialer, Replies, Roster, SidecarLife, State}
  alias GossipCluster.Tags

  # For the sidecar's word that the goodbyes are sent (they take 20 ms), and for its counters.
  @leave_timeout 200
  @stats_timeout 500

  @doc "Somebody asks, or an answer has come, or does not."
  @spec event(State.t(), tuple(), integer()) :: State.t()
  def event(%{} = state, {:frame, {:stats, ref, stats}}, _now), do: counted(state, ref, stats)

  def event(%{} = state, {:frame, :left}, _now) do
    {callers, replies} = Replies.left(state.replies)
    %{state | replies: replies} |> settle_conflicts() |> left(callers)
  end

  def event(%{} = state, {:await, caller, pid, min, tags, timeout}, _now) do
    {ref, replies} =
      if tags == %{},
        do: Replies.await(state.replies, caller, min),
        else: Replies.await(state.replies, caller, min, tags, with_tags(state, tags))

    state = act(%{state | replies: replies}, {:monitor, ref, pid})
    # Who is connected already answers it at the end of this turn.
    if timeout == :infinity, do: state, else: timer(state, {:await, ref}, timeout)
  end

  def event(%{} = state, {:timeout, {:await, ref}}, _now) do
    {caller, state} = cancel_await(state, ref)
    if caller, do: act(state, {:reply, caller, {:error, :timeout}}), else: state
  end

  def event(%{} = state, {:caller_down, ref}, _now) do
    {_caller, state} = cancel_await(state, ref)
    timer(state, {:await, ref}, :cancel)
  end

  def event(%{} = state, {:leave, caller}, _now) do
    {ref, replies} = Replies.leave(state.replies, caller)

    state = if state.announcement.left, do: state, else: fact(state, {:membership, :left})

    %{state | announcement: Announcement.leave(state.announcement), replies: replies}
    |> first({:put, :left, true})
    |> put_status()
    |> rename()
    |> timer({:leave, ref}, @leave_timeout)
    |> act({:request_leave, ref})
  end

  def event(%{} = state, {:leave_failed, ref}, now),
    do: event(state, {:timeout, {:leave, ref}}, now)

  def event(%{} = state, {:timeout, {:leave, ref}}, _now) do
    {caller, replies} = Replies.left(state.replies, ref)
    if caller, do: left(%{state | replies: replies}, [{ref, caller}]), else: state
  end

  def event(%{} = state, {:stats, caller}, _now), do: ask_stats(state, caller)

  def event(%{} = state, {:stats_failed, ref}, _now), do: counted(state, ref, nil)

  def event(%{} = state, {:timeout, {:stats, ref}}, _now), do: counted(state, ref, nil)

  # From here on the sidecar tells them from strangers; what it has counted before may be theirs.
  def event(%{} = state, {:siblings, ports}, _now) do
    if SidecarLife.up?(state.sidecar),
      do: state |> act({:command, {:siblings, ports}}) |> ask_stats(:siblings),
      else: state
  end

  # Nobody is found after some seconds: is anybody there at all? Not asked where there are peers.
  def event(%{} = state, {:timeout, {:alone, _ms}}, _now) do
    if alone?(state) and Announcement.announced?(state.announcement),
      do: ask_stats(state, :alone),
      else: state
  end

  # Once for each who asks. Later only the names that change are looked at.
  defp with_tags(state, tags) do
    for peer <- Roster.list(state.roster),
        Tags.match?(peer.tags, tags),
        Dialer.connection(state.dialer, peer.name) == :connected,
        uniq: true,
        do: peer.name
  end

  @doc "Which of the names that have changed in this turn are connected, and have the tags that somebody awaits?"
  @spec match(State.t()) :: State.t()
  def match(%{changed: changed, replies: replies} = state) do
    if changed == %{} or not Replies.tagged?(replies),
      do: state,
      else: %{state | replies: Enum.reduce(Map.keys(changed), replies, &match(state, &2, &1))}
  end

  defp match(state, replies, name) do
    connected = Dialer.connection(state.dialer, name) == :connected
    peers = if connected, do: Roster.named(state.roster, name), else: []

    Replies.match(replies, name, fn tags -> Enum.any?(peers, &Tags.match?(&1.tags, tags)) end)
  end

  @doc "Answers those who await no more peers than are connected."
  @spec awaits(State.t()) :: State.t()
  def awaits(state) do
    {callers, replies} = Replies.connected(state.replies, Dialer.connected_count(state.dialer))

    Enum.reduce(callers, %{state | replies: replies}, fn {ref, caller}, state ->
      state
      |> act({:demonitor, ref})
      |> timer({:await, ref}, :cancel)
      |> act({:reply, caller, :ok})
    end)
  end

  @doc "Answers those who wait for the goodbyes."
  @spec left(State.t(), [{Replies.ref(), Replies.caller()}]) :: State.t()
  def left(state, callers) do
    Enum.reduce(callers, state, fn {ref, caller}, state ->
      state |> timer({:leave, ref}, :cancel) |> act({:reply, caller, :ok})
    end)
  end

  @doc "Answers one who waits for the counters; `nil`: they do not come."
  @spec stats(State.t(), Replies.ref(), Replies.caller() | nil, map() | nil) :: State.t()
  # Too late, or no question of ours.
  def stats(state, _ref, nil, _stats), do: state

  def stats(state, ref, :alone, stats),
    do: state |> timer({:stats, ref}, :cancel) |> strangers(stats)

  def stats(state, ref, :siblings, stats) do
    familiar = if stats, do: stats.foreign, else: state.familiar
    timer(%{state | familiar: familiar}, {:stats, ref}, :cancel)
  end

  def stats(state, ref, caller, stats),
    do: state |> timer({:stats, ref}, :cancel) |> act({:reply, caller, stats})

  defp cancel_await(state, ref) do
    {caller, replies} = Replies.cancel(state.replies, ref)
    state = %{state | replies: replies}
    {caller, if(caller, do: act(state, {:demonitor, ref}), else: state)}
  end

  defp ask_stats(state, caller) do
    {ref, replies} = Replies.stats(state.replies, caller)

    %{state | replies: replies}
    |> timer({:stats, ref}, @stats_timeout)
    |> act({:request_stats, ref})
  end

  defp counted(state, ref, stats) do
    {caller, replies} = Replies.counted(state.replies, ref)
    stats(%{state | replies: replies}, ref, caller, stats)
  end

  # This node is announced and has found nobody: if others are heard under another key, that is told, once in the
  # cluster's life. It is the commonest mistake of all, and nothing else would show it.
  defp strangers(%{foreign: false, familiar: familiar} = state, %{foreign: heard})
       when heard > familiar do
    if alone?(state) and not libcluster_there?(state.options) do
      %{state | foreign: true}
      |> first({:put, :foreign, true})
      |> fact({:foreign, state.announcement.by_cookie})
    else
      state
    end
  end

  defp strangers(state, _stats), do: state

  # libcluster's wire may have the same group and port: then what is foreign is its beats, and this node's own there.
  defp libcluster_there?(%{compat: %{group: group, port: port}, group: group, port: port}),
    do: true

  defp libcluster_there?(_options), do: false
end
