defmodule GossipCluster.State do
  @moduledoc false
  # What the owner holds, and the small acts that its rooms share: GossipCluster.Owner routes the messages, Tender keeps the
  # sidecar alive, Presence says what this node is, News spreads what the sidecar tells, Links keeps the connections, Quiet
  # leaves alone what was disconnected on purpose, Waiters answers. All of them run in the owner's process; none blocks.

  require Logger

  alias GossipCluster.{Board, Diagnosis, Dialer, Peer, Roster, Sidecar}

  @type t :: %__MODULE__{}

  # A task that has not ended by then is killed; net_kernel itself gives a connect up after 7 s.
  @task_timeout 60_000

  @enforce_keys [:name, :options, :board, :secret, :roster, :dialer]
  defstruct [
    :name,
    :options,
    :board,
    # The ring, hidden: no state that is printed shows it.
    :secret,
    :roster,
    :dialer,
    # The sidecar: its port, :down | :waiting | :starting | :running, when it was opened, failures in a row, what was
    # complained of, what it said before it died.
    port: nil,
    sidecar: :down,
    opened: nil,
    attempts: 0,
    complaint: nil,
    fatal: nil,
    # This node: its distribution, the distribution's port (nil: not known yet). The cookie, what was announced and the
    # keys that were sent are hidden (see GossipCluster.Hidden), for there are secrets in them.
    own: nil,
    cookie: nil,
    dist_port: nil,
    port_tries: 0,
    announced: nil,
    keyed: nil,
    left: false,
    # Tasks by their reference: {kind, pid, about, since}. The dialer's timer: {deadline, reference}. When the list of nodes
    # was asked for last; how many connections were told to have come or gone.
    tasks: %{},
    dial_timer: nil,
    listed_at: 0,
    links: 0,
    # Names for which a NODEUP line was written; the lines of trouble that were told, by name; what keeps a peer from being
    # connected, by name.
    up: MapSet.new(),
    told: %{},
    problems: %{},
    # Who waits for an answer: await, leave, stats.
    waiters: %{},
    leavers: [],
    stats: %{},
    next_ref: 0
  ]

  @doc "Sends the sidecar a command; `false` if it was not taken."
  @spec command(t(), GossipCluster.Codec.command()) :: boolean()
  def command(%{port: nil}, _command), do: false
  def command(%{port: port}, command), do: Sidecar.command(port, command)

  @doc "Logs, with the cluster's name in front."
  @spec log(t(), Logger.level(), String.t()) :: t()
  def log(state, level, text) do
    Logger.log(level, "#{title(state.name)}: #{text}", gossip_cluster: state.name)
    state
  end

  # Where code is loaded when it is called, inspect would come between the first peer and its dial.
  defp title(GossipCluster), do: "GossipCluster"
  defp title(name), do: inspect(name)

  @doc """
  Logs a trouble about a name once, not at each try, also where two of them take turns; `untell/2` makes it news again.
  """
  @spec log_once(t(), term(), Logger.level(), String.t()) :: t()
  def log_once(state, about, level, text) do
    if told?(state, about, text),
      do: state,
      else: log(%{state | told: Map.update(state.told, about, [text], &[text | &1])}, level, text)
  end

  # A trouble whose words are ever new is told a few times, and no more.
  @told_most 8

  defp told?(state, about, text) do
    texts = Map.get(state.told, about, [])
    text in texts or length(texts) >= @told_most
  end

  @doc "What troubled this name is over."
  @spec untell(t(), term()) :: t()
  def untell(state, about),
    do: %{
      state
      | told: Map.delete(state.told, about),
        problems: Map.delete(state.problems, about)
    }

  @doc "Tells the subscribers."
  @spec publish(t(), GossipCluster.event()) :: t()
  def publish(state, event) do
    Registry.dispatch(GossipCluster.Registry, {:events, state.name}, fn subscribers ->
      for {pid, _value} <- subscribers, do: send(pid, {:gossip_cluster, state.name, event})
    end)

    state
  end

  @doc "Puts the peers of this name on the board, as they are now."
  @spec show(t(), String.t()) :: t()
  def show(state, name) do
    for peer <- Roster.named(state.roster, name),
        do: Board.put_peer(state.board, with_connection(state, peer))

    state
  end

  @doc "Puts all peers on the board."
  @spec show_all(t()) :: t()
  def show_all(state) do
    for peer <- Roster.list(state.roster),
        do: Board.put_peer(state.board, with_connection(state, peer))

    state
  end

  @doc "Puts on the board how the sidecar and this node are."
  @spec show_status(t()) :: t()
  def show_status(state) do
    Board.put(state.board, :status, %{
      sidecar: state.sidecar,
      reason: state.complaint,
      announced: state.announced != nil,
      left: state.left
    })

    state
  end

  @doc "The peer, with how its connection is."
  @spec with_connection(t(), Peer.t()) :: Peer.t()
  def with_connection(state, peer) do
    connection = Dialer.connection(state.dialer, peer.name)
    %{peer | connection: connection, problem: problem(state, peer.name, connection)}
  end

  @doc "What keeps this name from being connected, if anything does."
  @spec problem(t(), String.t(), term()) :: Diagnosis.t() | nil
  def problem(_state, _name, :connected), do: nil

  def problem(_state, _name, {:skipped, reason}) do
    text = Diagnosis.skipped(reason)
    text && {reason, text}
  end

  def problem(state, name, _waiting), do: state.problems[name]

  @doc "Runs a function in a task; its result comes to the owner with `kind` and `about`."
  @spec start_task(t(), atom(), term(), (() -> term())) :: t()
  def start_task(state, kind, about, function) do
    task = Task.Supervisor.async_nolink(GossipCluster.Supervisor.tasks(state.name), function)
    send_after({:task_timeout, task.ref}, @task_timeout)

    %{
      state
      | tasks: Map.put(state.tasks, task.ref, {kind, task.pid, about, System.monotonic_time()})
    }
  end

  @doc "A small integer, new each time."
  @spec next_ref(t()) :: {non_neg_integer(), t()}
  def next_ref(%{next_ref: ref} = state), do: {ref, %{state | next_ref: rem(ref + 1, 0x80000000)}}

  @doc "A message to the owner itself, in so many milliseconds."
  @spec send_after(term(), non_neg_integer()) :: reference()
  def send_after(message, delay), do: Process.send_after(self(), message, delay)

  @doc "Monotonic milliseconds."
  @spec now() :: integer()
  def now, do: System.monotonic_time(:millisecond)
end
