defmodule GossipCluster.News do
  @moduledoc false
  # Spreads what the sidecar tells of the peers: to the dialer, the board, GossipCluster.Epmd, the log, the subscribers and
  # telemetry. A line is written for a transition only, so a stable cluster is silent.

  import GossipCluster.State

  alias GossipCluster.{Board, Dialer, Epmd, Links, Peer, Roster, Secret, State, Telemetry}

  @doc "Folds an event of the sidecar into the roster and spreads what is new."
  @spec handle(State.t(), GossipCluster.Codec.event()) :: State.t()
  def handle(state, event) do
    {roster, events} = Roster.apply(state.roster, event)

    %{state | roster: roster, dialer: heard(state.dialer, event)}
    |> spread(events)
    |> Links.dial()
  end

  # An update that changes nothing says that the peer is heard directly again, after others had to vouch that it lives.
  defp heard(dialer, {:update, peer}), do: Dialer.heard(dialer, peer, now())
  defp heard(dialer, _event), do: dialer

  @doc "Ends the peers that a new sidecar has not confirmed in time."
  @spec expire(State.t()) :: State.t()
  def expire(state) do
    {roster, events} = Roster.expire(state.roster, now())
    # Nobody has judged them: our own sidecar was away, and they were not confirmed.
    expired = for {:down, peer, :silent} <- events, do: {:expired, peer}
    %{state | roster: roster} |> spread(expired) |> Links.dial()
  end

  @doc "What the sidecar says of this node's own view."
  @spec health(State.t(), :ok | :isolated) :: State.t()
  def health(state, health) do
    Board.put(state.board, :health, health)
    healthy = if health == :ok, do: 1, else: 0
    Telemetry.execute([:health], %{healthy: healthy}, %{cluster: state.name, health: health})
    state |> log_health(health) |> publish({:health, health})
  end

  defp log_health(state, :isolated),
    do:
      log(state, :warning, "nobody answers this node any more: it looks cut off from the network")

  defp log_health(state, :ok), do: log(state, :info, "this node is answered again")

  @doc "The interfaces that are in use now. The log has the sidecar's own lines about them."
  @spec interfaces(State.t(), [GossipCluster.Codec.interface()]) :: State.t()
  def interfaces(state, interfaces) do
    before = Board.get(state.board, :interfaces, [])
    Board.put(state.board, :interfaces, interfaces)

    if interfaces != before do
      Telemetry.execute([:interfaces], %{count: length(interfaces)}, %{
        cluster: state.name,
        interfaces: interfaces,
        added: interfaces -- before,
        removed: before -- interfaces
      })
    end

    state
  end

  @doc """
  This node is announced and has found nobody: if others are heard under another key, that is told, once in the cluster's
  life. It is the commonest mistake of all, and nothing else would show it.
  """
  @spec alone(State.t(), map() | nil) :: State.t()
  def alone(state, %{foreign: foreign}) when foreign > 0 do
    if Roster.size(state.roster) > 0 or Board.get(state.board, :foreign, false) do
      state
    else
      Board.put(state.board, :foreign, true)

      state
      |> log(
        :warning,
        "no peer is found, but packets of another cluster are heard on this network: if these should be this node's peers, " <>
          "give all nodes the same #{keyed_by(state)} and the same `cluster` label"
      )
      |> telemetry([:foreign], %{})
    end
  end

  def alone(state, _stats), do: state

  defp keyed_by(state) do
    if Secret.needs_cookie?(state.secret),
      do: "Erlang cookie (Node.get_cookie/0)",
      else: "`secret`"
  end

  defp spread(state, events), do: Enum.reduce(events, state, &spread_one/2)

  defp spread_one({:up, peer}, state) do
    Epmd.put(state.name, peer)

    %{state | dialer: Dialer.listed(state.dialer, peer, now())}
    |> log(:info, "found #{Peer.label(peer)} at #{where(peer)}")
    |> show(peer.name)
    |> tell({:up, peer}, [:peer, :up])
    |> Links.changed(peer.name)
  end

  defp spread_one({:update, peer}, state) do
    Epmd.put(state.name, peer)
    before = Board.peer(state.board, peer)

    %{state | dialer: Dialer.listed(state.dialer, peer, now())}
    |> log_status(before, peer)
    |> show(peer.name)
    |> tell({:update, peer}, [:peer, :update])
    |> Links.changed(peer.name)
  end

  defp spread_one({:down, peer, reason}, state),
    do: state |> down(peer, reason) |> Links.down(peer, reason)

  defp spread_one({:expired, peer}, state), do: down(state, peer, :silent)

  defp spread_one({:conflict, peer, other}, state) do
    %{state | dialer: Dialer.conflict(state.dialer, peer.name, now())}
    |> log(
      :error,
      "two living nodes are called #{Peer.label(peer)}, #{where(state, peer)} and #{where(state, other)}: " <>
        "give each a name of its own"
    )
    |> show(peer.name)
    |> publish({:conflict, peer, other})
    |> telemetry([:peer, :conflict], %{peer: peer, other: other})
  end

  defp down(state, peer, reason) do
    others = Roster.named(state.roster, peer.name)
    if others == [], do: Epmd.drop(state.name, peer, reason)
    Board.delete_peer(state.board, peer)
    peer = with_connection(state, peer)

    %{state | dialer: Dialer.unlisted(state.dialer, peer, now())}
    |> untell(peer.name)
    |> log(:info, "lost #{Peer.label(peer)}: #{ended(reason)}")
    |> show(peer.name)
    |> publish({:down, peer, reason})
    |> telemetry([:peer, :down], %{peer: peer, reason: reason})
    |> Links.changed(peer.name)
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

  defp log_status(state, %{status: status}, %{status: status}), do: state
  defp log_status(state, nil, _peer), do: state

  defp log_status(state, _before, peer),
    do: log(state, :info, "#{Peer.label(peer)} #{status(peer.status)}")

  defp status(:alive), do: "is well again"
  defp status(:suspect), do: "does not answer"
  defp status(:stalled), do: "is stalled: its sidecar beats, but its Erlang VM does not respond"

  defp ended(:left), do: "it left"
  defp ended(:beam_exit), do: "its Erlang VM has ended"
  defp ended(:silent), do: "it fell silent"

  # One of them may be this node itself.
  defp where(%{own: %{name: name, creation: creation}}, %{name: name, creation: creation}),
    do: "here"

  defp where(_state, peer), do: "at #{where(peer)}"

  defp where(peer) do
    case Peer.ip(peer) do
      nil -> "an unknown address"
      ip -> to_string(:inet.ntoa(ip))
    end
  end
end
