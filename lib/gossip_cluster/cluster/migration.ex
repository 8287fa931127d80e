defmodule GossipCluster.Cluster.Migration do
  @moduledoc false
  # Nodes that are known by libcluster's wire alone: what that means for dials, and what is said of them. Pure; see
  # GossipCluster.Cluster. They are dialled as peers are, behind all others, and nothing else: no address comes of them, no
  # event of the protocol, and `on_down` has no meaning for them.

  import GossipCluster.Cluster.Connections,
    only: [forget_blame: 2, forget_idle: 2, transition: 2]

  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster.{Dialer, Legacy, Roster, State}

  @doc "The sidecar tells of a name. It waits for its turn."
  @spec event(State.t(), {:frame, {:legacy, String.t()}}, integer()) :: State.t()
  def event(state, {:frame, {:legacy, _name} = item}, _now), do: later(state, [item])

  @doc "Some time has passed. Who has left lists nobody."
  @spec pulse(State.t(), integer()) :: State.t()
  def pulse(%{announcement: %{left: true}} = state, _now),
    do: later(state, for(name <- Legacy.names(state.legacy), do: {:legacy_gone, name, :left}))

  def pulse(state, now),
    do: later(state, for(name <- Legacy.silent(state.legacy, now), do: {:legacy_silent, name}))

  @doc "What waited, in its turn."
  @spec item(State.t(), tuple(), integer()) :: State.t()
  def item(%State{} = state, {:legacy, name}, now) do
    if state.announcement.left or own?(state, name) or Roster.listed?(state.roster, name) do
      state
    else
      case Legacy.heard(state.legacy, name, now) do
        {:new, legacy} -> listed(%{state | legacy: legacy}, name, now)
        {_known, legacy} -> %{state | legacy: legacy}
      end
    end
  end

  # It may have been named while this waited.
  def item(%State{} = state, {:legacy_silent, name}, now) do
    if name in Legacy.silent(state.legacy, now),
      do: item(state, {:legacy_gone, name, :silent}, now),
      else: state
  end

  def item(state, {:legacy_gone, name, reason}, now), do: gone(state, name, reason, now)

  # One that an earlier owner had listed. What was said of it, was said.
  def item(%State{} = state, {:legacy_restored, name}, now) do
    if Roster.listed?(state.roster, name) or own?(state, name),
      do: gone(state, name, :native, now),
      else: dial(state, name, now) |> transition(name)
  end

  @doc "The roster lists this one from now on: it is not listed twice."
  @spec native(State.t(), String.t(), integer()) :: State.t()
  def native(state, name, now), do: gone(state, name, :native, now)

  @doc "The roster lists this one no more."
  @spec left(State.t(), String.t(), integer()) :: State.t()
  def left(%{options: %{compat: compat}} = state, name, now) when compat != nil,
    do: %{state | legacy: Legacy.bar(state.legacy, name, now)}

  def left(state, _name, _now), do: state

  defp own?(%{announcement: %{own: %{name: name}}}, name), do: true
  defp own?(_state, _name), do: false

  defp listed(state, name, now) do
    state = dial(state, name, now)
    peer = with_connection(state, Legacy.peer(name))
    state |> fact({:legacy_up, peer, Legacy.size(state.legacy)}) |> transition(name)
  end

  defp dial(state, name, now),
    do: %{state | dialer: Dialer.listed(state.dialer, Legacy.peer(name), now)}

  defp gone(%State{} = state, name, reason, now) do
    if Legacy.listed?(state.legacy, name) do
      peer = Legacy.peer(name)
      shown = with_connection(state, peer)
      legacy = Legacy.drop(state.legacy, name)

      %{state | legacy: legacy, dialer: Dialer.unlisted(state.dialer, peer, now)}
      |> clear_problem(name)
      |> forget_blame(name)
      |> first({:hide, peer})
      |> forget_idle(name)
      |> fact({:legacy_down, shown, reason, Legacy.size(legacy)})
      |> part(name, shown, reason)
      |> transition(name)
    else
      state
    end
  end

  # Its connection stays, and is told of when it ends; that of one that becomes a peer is that peer's.
  defp part(state, _name, _shown, :native), do: state

  defp part(state, name, shown, _reason) do
    if is_map_key(state.up, name),
      do: %{state | parted: Map.put(state.parted, name, shown)},
      else: state
  end
end
