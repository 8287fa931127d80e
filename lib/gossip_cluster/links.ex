defmodule GossipCluster.Links do
  @moduledoc false
  # Keeps the connections: starts the dials that the dialer wants, feeds their ends back, and writes the NODEUP and
  # NODEDOWN lines, one for each transition of a listed node, whoever made the connection.

  import GossipCluster.State

  require Logger

  alias GossipCluster.{Board, Connect, Dialer, Peer, Quiet, Roster, State, Telemetry, Waiters}

  # The default functions tell of each change by a message; the list is a net for what other functions do not tell.
  @list_every 5_000
  # New atoms for names of peers, for each peer allowed: see GossipCluster.Peer.
  @atoms_per_peer 16

  @doc "Starts what is due, and sets the timer for what will be."
  @spec dial(State.t()) :: State.t()
  def dial(state) do
    now = now()
    {peers, dialer} = Dialer.due(state.dialer, now)
    state = Enum.reduce(peers, %{state | dialer: dialer}, &dial_peer/2)
    set_timer(state, Dialer.deadline(state.dialer, now), now)
  end

  defp dial_peer(peer, state) do
    case to_node(state, peer) do
      {:ok, node} ->
        %{connect: connect, accept: accept} = state.options
        doubted = Dialer.doubted?(state.dialer, peer.name)

        state
        |> start_task(:dial, peer.name, fn ->
          Connect.run(peer, node, connect, accept, doubted)
        end)
        |> show(peer.name)

      :error ->
        failed(
          state,
          peer.name,
          {:atoms, "too many atoms were made for names of peers; raise `max_peers`"}
        )
    end
  end

  # The only place where a name becomes an atom: of a peer that the sidecar has listed, when it is dialled.
  defp to_node(state, peer) do
    made = Board.get(state.board, :atoms, 0)

    cond do
      node = Peer.node(peer) ->
        {:ok, node}

      made < @atoms_per_peer * state.options.max_peers ->
        Board.put(state.board, :atoms, made + 1)
        {:ok, String.to_atom(peer.name)}

      true ->
        :error
    end
  end

  defp set_timer(%{dial_timer: {deadline, _ref}} = state, deadline, _now), do: state

  defp set_timer(state, deadline, now) do
    with {_deadline, ref} <- state.dial_timer, do: Process.cancel_timer(ref)
    %{state | dial_timer: deadline && {deadline, send_after(:dial, max(deadline - now, 0))}}
  end

  @doc "A dial has ended, or was killed."
  @spec dialled(State.t(), String.t(), integer(), Connect.result() | :killed) :: State.t()
  def dialled(state, name, since, result) do
    measurements = %{duration: System.monotonic_time() - since}
    metadata = %{cluster: state.name, name: name}

    case result do
      {:connected, nil} ->
        Telemetry.execute([:connect, :ok], measurements, metadata)
        dialer = Dialer.result(state.dialer, name, :connected, now())
        changed(%{state | dialer: dialer, links: state.links + 1}, name)

      {:refused, nil} ->
        dial(show(%{state | dialer: Dialer.result(state.dialer, name, :refused, now())}, name))

      {:failed, {cause, why}} ->
        reason = Map.merge(metadata, %{reason: cause, text: why})
        Telemetry.execute([:connect, :error], measurements, reason)
        failed(state, name, {cause, why})

      :killed ->
        killed = {:failed, {:failed, "the connect did not come to an end"}}
        dialled(state, name, since, killed)
    end
  end

  defp failed(state, name, {_cause, why} = problem) do
    state = %{state | dialer: Dialer.result(state.dialer, name, :failed, now())}
    connected = Dialer.connection(state.dialer, name) == :connected

    # Looking for the reason takes a while: it may be gone, or connected by the other side.
    if connected or Roster.named(state.roster, name) == [] do
      dial(show(state, name))
    else
      text = "cannot connect to #{Peer.label(name)} (it is tried again): #{why}"
      problems = Map.put(state.problems, name, problem)
      %{state | problems: problems} |> trouble(name, problem, text) |> show(name) |> dial()
    end
  end

  # One line and one telemetry event, once for each state.
  defp trouble(state, name, {cause, why}, text) do
    told = log_once(state, name, :warning, text)

    if told != state,
      do:
        Telemetry.execute([:peer, :problem], %{count: 1}, %{
          cluster: state.name,
          name: name,
          reason: cause,
          text: why
        })

    told
  end

  @doc "A node was connected, by whomever."
  @spec connected(State.t(), node()) :: State.t()
  def connected(state, node) do
    name = Atom.to_string(node)
    dialer = Dialer.connected(state.dialer, name, now())
    changed(%{state | dialer: dialer, links: state.links + 1}, name)
  end

  @doc "A connection was lost."
  @spec disconnected(State.t(), node(), term()) :: State.t()
  def disconnected(state, node, reason) do
    name = Atom.to_string(node)
    now = now()
    where = Quiet.on_purpose(state, node, reason)
    quiet = if where, do: state.options.quiet, else: 0
    dialer = Dialer.disconnected(state.dialer, name, now, quiet)
    state = %{state | dialer: dialer, links: state.links + 1}
    state |> changed(name, reason) |> Quiet.begin(name, where, quiet)
  end

  @doc """
  A peer is down, and the sidecar has judged so: its connection is ended, if that is wanted. Not while another life of that name
  is listed, for the connection may be that one's; and not for the silence that a node hears which is cut off itself.
  """
  @spec down(State.t(), Peer.t(), GossipCluster.Codec.down_reason()) :: State.t()
  def down(%{options: %{on_down: :disconnect}} = state, peer, reason) do
    node = Peer.node(peer)
    isolated = Board.get(state.board, :health, :ok) == :isolated

    if node != nil and Dialer.connection(state.dialer, peer.name) == :connected and
         Roster.named(state.roster, peer.name) == [] and not (reason == :silent and isolated) do
      disconnect = state.options.disconnect
      start_task(state, :disconnect, peer.name, fn -> Connect.disconnect(node, disconnect) end)
    else
      state
    end
  end

  def down(state, _peer, _reason), do: state

  @doc "A disconnect has ended."
  @spec cut(State.t(), String.t(), :ok | {:error, String.t()} | :killed) :: State.t()
  def cut(state, _name, :ok), do: state
  def cut(state, name, :killed), do: cut(state, name, {:error, "it did not come to an end"})

  def cut(state, name, {:error, why}),
    do: log_once(state, :disconnect, :warning, "cannot disconnect #{Peer.label(name)}: #{why}")

  @doc "Asks for the list of connected nodes, if it is time."
  @spec check_list(State.t()) :: State.t()
  def check_list(state) do
    running = Enum.any?(state.tasks, &match?({_ref, {:list, _pid, _about, _since}}, &1))

    if state.own == nil or running or now() - state.listed_at < @list_every do
      state
    else
      list_nodes = state.options.list_nodes
      state = %{state | listed_at: now()}
      start_task(state, :list, state.links, fn -> Connect.list(list_nodes) end)
    end
  end

  @doc "The list of connected nodes has come, which was asked for after so many links had come or gone."
  @spec listed(State.t(), non_neg_integer(), {:ok, [String.t()]} | {:error, String.t()} | :killed) ::
          State.t()
  def listed(%{links: links} = state, links, {:ok, names}) do
    {changed, dialer} = Dialer.live(state.dialer, names, now())
    Enum.reduce(changed, untell(%{state | dialer: dialer}, :list_nodes), &changed(&2, &1))
  end

  # It may be older than what was told since. The next pulse asks again.
  def listed(state, _links, {:ok, _names}),
    do: %{state | listed_at: state.listed_at - @list_every}

  def listed(state, _links, {:error, why}), do: log_once(state, :list_nodes, :warning, why)
  def listed(state, _links, :killed), do: state

  @doc "The connection, or the listing, of this name may have changed."
  @spec changed(State.t(), String.t(), term()) :: State.t()
  def changed(state, name, reason \\ nil) do
    connection = Dialer.connection(state.dialer, name)
    listed = Roster.named(state.roster, name) != []
    was_up = MapSet.member?(state.up, name)

    cond do
      connection == :connected and listed and not was_up ->
        line("NODEUP", state, name, "")
        state |> put_up(MapSet.put(state.up, name)) |> untell(name)

      connection != :connected and was_up ->
        line("NODEDOWN", state, name, if(reason, do: " (#{inspect(reason)})", else: ""))
        put_up(state, MapSet.delete(state.up, name))

      true ->
        state
    end
    |> log_skipped(name, connection)
    |> show(name)
    |> Waiters.connected()
    |> dial()
  end

  defp line(what, state, name, reason) do
    cluster = if state.name == GossipCluster, do: "", else: " in #{inspect(state.name)}"
    Logger.info("#{what} #{Peer.label(name)}#{cluster}#{reason}", gossip_cluster: state.name)
  end

  # Kept on the board, so that the next owner does not write the line again.
  defp put_up(state, up) do
    Board.put(state.board, :up, up)
    %{state | up: up}
  end

  # A conflict has a line of its own, with both addresses.
  defp log_skipped(state, _name, {:skipped, :conflict}), do: state

  defp log_skipped(state, name, {:skipped, reason} = connection) do
    case problem(state, name, connection) do
      nil ->
        state

      {_, why} ->
        trouble(state, name, {reason, why}, "#{Peer.label(name)} is not dialled: #{why}")
    end
  end

  defp log_skipped(state, _name, _connection), do: state
end
