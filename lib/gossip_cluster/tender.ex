defmodule GossipCluster.Tender do
  @moduledoc false
  # Keeps the sidecar alive. It may die at any time: it is started again, quickly at first, and neither the roster nor a
  # connection notices. The cookie exists only while the node is alive, so a ring that needs it waits for that; any other
  # ring listens from the start. Runs in the owner.

  import GossipCluster.State

  alias GossipCluster.{
    Board,
    Codec,
    Hidden,
    News,
    Presence,
    Roster,
    Sidecar,
    State,
    Telemetry,
    Waiters
  }

  # Delays before the sidecar is started again: at once, so that it is back within a second, then ever more patient.
  @reopen [50, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000]
  # A sidecar that has run this long was well: its end begins a new series of delays.
  @well 10_000
  # An owner that is started so soon after another opened a sidecar waits as long: what killed that may kill this.
  @early 1_000
  # From configuration to `ready`: deriving a key takes 25 ms, on a slow board a second.
  @ready_timeout 15_000

  @doc "The owner has started: so does its sidecar, now or soon."
  @spec start(State.t()) :: State.t()
  def start(state) do
    last = Board.get(state.board, :opened, nil)

    if last && now() - last < @early do
      send_after(:open, @early)
      state
    else
      open(state)
    end
  end

  @doc "Starts a sidecar, where none is there and the keys are."
  @spec open(State.t()) :: State.t()
  def open(%{port: nil} = state) do
    case Presence.keys(state) do
      # The cookie is not there yet: Presence opens the sidecar when it is.
      nil -> show_status(%{state | sidecar: :waiting})
      keys -> open(%{state | opened: now()}, keys)
    end
  end

  def open(state), do: state

  defp open(state, keys) do
    case Sidecar.open(state.options.sidecar || Sidecar.path()) do
      {:ok, port} -> configure(state, port, keys)
      {:error, _reason, text} -> gone(state, text)
    end
  end

  defp configure(%{options: options} = state, port, keys) do
    Board.put(state.board, :opened, state.opened)
    send_after({:ready_timeout, port}, @ready_timeout)
    roster = Roster.new_sidecar(state.roster, state.opened)
    state = %{state | port: port, sidecar: :starting, roster: roster, keyed: Hidden.wrap(keys)}

    command(
      state,
      {:configure,
       %{
         version: Codec.protocol(),
         cluster: options.cluster,
         keys: keys,
         group: options.group,
         port: options.port,
         interfaces: options.interfaces,
         ttl: options.ttl,
         interval: options.interval,
         max_peers: options.max_peers,
         heartbeats: options.log_heartbeats
       }}
    )

    state |> show_status() |> Presence.say()
  end

  @doc "It runs, and has understood its configuration."
  @spec ready(State.t(), map()) :: State.t()
  def ready(state, ready) do
    Board.put(state.board, :sidecar, Map.take(ready, [:version, :boot, :pid]))
    metadata = %{cluster: state.name, os_pid: ready.pid}

    Telemetry.execute(
      [:sidecar, :start],
      %{duration: System.convert_time_unit(now() - state.opened, :millisecond, :native)},
      metadata
    )

    level = if state.complaint, do: :info, else: :debug

    %{state | sidecar: :running, complaint: nil}
    |> log(level, "gossipd #{ready.version} runs (process #{ready.pid})")
    |> News.interfaces(ready.interfaces)
    |> show_status()
  end

  @doc "It is not ready yet, after all that time."
  @spec late(State.t()) :: State.t()
  def late(state), do: stop(state, "gossipd was not ready within #{@ready_timeout} ms")

  @doc "It says what cannot be read: only a broken sidecar, or one of another version, does."
  @spec unreadable(State.t(), non_neg_integer()) :: State.t()
  def unreadable(state, bytes),
    do: stop(state, "gossipd sent a frame of #{bytes} bytes that cannot be read")

  defp stop(state, text) do
    Sidecar.close(state.port)
    gone(state, text)
  end

  @doc "It has exited; what it said of the reason itself is the better word."
  @spec exited(State.t(), non_neg_integer()) :: State.t()
  def exited(state, status), do: gone(state, state.fatal || Sidecar.exit_status(status))

  @doc "The pipe to it broke."
  @spec broken(State.t(), term()) :: State.t()
  # It ended before it had read what was written, so its exit status is lost: the next one will tell.
  def broken(%{sidecar: :starting, attempts: 0, fatal: nil} = state, :epipe), do: gone(state, nil)

  def broken(state, reason),
    do: gone(state, state.fatal || state.complaint || "gossipd is gone (#{inspect(reason)})")

  # The roster and the connections stay as they are.
  defp gone(state, text) do
    attempts =
      if state.sidecar == :running and now() - state.opened >= @well, do: 0, else: state.attempts

    send_after(:open, Enum.at(@reopen, attempts, List.last(@reopen)))

    Telemetry.execute([:sidecar, :exit], %{attempts: attempts + 1}, %{
      cluster: state.name,
      reason: text || "gossipd is gone (:epipe)"
    })

    # Said once, not at each try.
    _ =
      if text != nil and text != state.complaint,
        do: log(state, :error, "#{text}. It is tried again until it runs")

    %{
      state
      | port: nil,
        sidecar: :down,
        attempts: attempts + 1,
        complaint: text || state.complaint,
        fatal: nil,
        announced: nil,
        keyed: nil
    }
    |> show_status()
    # Who is answered may look at the status at once.
    |> Waiters.no_answer()
  end
end
