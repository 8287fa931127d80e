defmodule GossipCluster.Cluster.Routes do
  @moduledoc false
  # Where this node is, and where its peers are reached: what a change of addresses means for dials and connections.
  # Pure; see GossipCluster.Cluster.

  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster.{Announcement, Dialer, Local, PathWatch, Problems, Roster, State}
  alias GossipCluster.Peer

  # How often this host's addresses are looked at, and where this node listens, at most: as this node is looked at anyway,
  # for to wake a VM costs more than what it then does.
  @addresses_every 500

  @doc "Something has happened to addresses, or to the path of a connection."
  @spec event(State.t(), tuple(), integer()) :: State.t()
  def event(state, {:addresses, addresses, listener}, now) do
    announcement = Announcement.host(state.announcement, addresses, listener)

    %{state | announcement: announcement, addresses_at: now}
    |> Local.announce()
    |> moved(addresses, now)
  end

  def event(state, {:path, _name, nil}, _now), do: state

  def event(%{} = state, {:path, name, %{remote: {ip, _port}} = path}, now) do
    peer = List.first(Roster.named(state.roster, name))

    # It may have ended meanwhile; the next one is looked for by itself.
    if peer != nil and Dialer.connection(state.dialer, name) == :connected,
      do:
        %{state | watch: PathWatch.connected(state.watch, name, path, peer, now)}
        |> first({:epmd_remember, name, ip})
        |> show(name),
      else: state
  end

  def event(state, {:timeout, :paths}, now) do
    {probes, dead, watch} = PathWatch.due(state.watch, now)

    state =
      Enum.reduce(probes, %{state | path_at: nil, watch: watch}, fn {name, patience}, state ->
        act(state, {:probe, name, patience})
      end)

    Enum.reduce(dead, state, &cut(&2, &1))
  end

  def event(state, {:probed, name, result}, now),
    do: %{state | watch: PathWatch.probed(state.watch, name, result, now)}

  # An interface has come, or has come anew, perhaps with another hardware address. Others send to the old one until
  # this host has said something to them: up to a minute, in which connections seem to live, and calls hang.
  def event(%{up: up} = state, {:frame, :reaches_more}, _now),
    do: if(up == %{}, do: state, else: act(state, {:touch, Map.keys(up)}))

  def event(state, {:touched, _result}, _now), do: state

  @doc "Some time has passed."
  @spec pulse(State.t(), integer()) :: State.t()
  def pulse(%{addresses_at: at} = state, now) when at == nil or now - at < @addresses_every,
    do: state

  def pulse(state, _now), do: find_addresses(state)

  @doc "When the paths that are doubted are looked at next."
  @spec set_timer(State.t(), integer()) :: State.t()
  def set_timer(%{path_at: path_at} = state, now) do
    case PathWatch.deadline(state.watch) do
      nil -> state
      at when path_at != nil and path_at <= at -> state
      at -> timer(%{state | path_at: at}, :paths, max(at - now, 0))
    end
  end

  # None: the system does not tell.
  defp moved(%{watch: %{own: own}} = state, addresses, _now) when addresses in [[], own],
    do: state

  # Where each peer is dialled may be another place now.
  defp moved(%{} = state, addresses, now) do
    state = %{state | watch: PathWatch.own(state.watch, addresses, now)}
    later(state, Enum.map(Roster.names(state.roster), &{:repath, &1}))
  end

  # The path is dead while the peer lives: the connection is ended, and made anew where the peer is reached.
  defp cut(%{} = state, {name, why, path}) do
    text = PathWatch.text(why, path)
    problem = {:dead_path, text}

    %{
      state
      | problems: Problems.put(state.problems, name, problem),
        cut: Map.put(state.cut, name, true)
    }
    |> first({:epmd_forget, name})
    |> report_problem(name, problem, "#{Peer.label(name)}: #{text}")
    |> show(name)
    |> act({:disconnect, name})
  end
end
