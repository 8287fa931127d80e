defmodule GossipCluster.Cluster.State do
  @moduledoc false
  # What a cluster knows, and what it is about to do in this turn; with the small steps that its rooms share. Pure.

  alias GossipCluster.Cluster.{
    Announcement,
    Blame,
    Conflicts,
    Cookies,
    Dialer,
    Health,
    Legacy,
    Measures,
    Paths,
    PathWatch,
    Problems,
    QuietPeriod,
    Replies,
    Roster,
    Seeds,
    SidecarLife
  }

  alias GossipCluster.{Facts, Peer}
  alias GossipCluster.Sidecar.Codec

  @enforce_keys [:options, :roster, :announcement]
  defstruct [
    :options,
    :roster,
    :announcement,
    dialer: nil,
    sidecar: nil,
    # `nil` where there are none.
    seeds: nil,
    replies: nil,
    # What is being asked of how well the peers are reached.
    measures: nil,
    problems: nil,
    watch: nil,
    blame: nil,
    cookies: nil,
    quiet: nil,
    conflicts: nil,
    # Whom libcluster's wire names, and the roster does not list.
    legacy: nil,
    # Names whose connection is cut, for its path is dead: they are dialled again at once.
    cut: %{},
    # What the sidecar says of this node.
    health: :ok,
    network: %{reach: :none, missing: [], deaf: [], mute: []},
    # The port that the sidecar sends from, once it has said so; 0: it cannot tell.
    unicast_port: 0,
    # What follows from it all: the health and this node's own problems, as readers see them, and as was told last.
    condition: nil,
    told: {:ok, []},
    telling: false,
    interfaces: [],
    # Whether it was told that only strangers are heard; names for which a NODEUP line was written; peers that are not
    # well.
    foreign: false,
    # Foreign datagrams until the sidecar knew whose they are: some may be of this VM's other clusters.
    familiar: 0,
    up: %{},
    unwell: %{},
    # Peers that are connected and not listed any more, until their connection ends.
    parted: %{},
    # How many connections were told to have come or gone; when the list of nodes was asked for, and whether it still
    # is.
    links: 0,
    listed_at: 0,
    listing: false,
    swept_at: 0,
    # When this host's addresses were found last; nil while they are looked for.
    addresses_at: nil,
    # When the timers of the dialer and of the watch over the paths ring.
    dial_at: nil,
    path_at: nil,
    # Whether peers of an earlier owner are still to be put back: until then no sidecar is opened, and all else that
    # concerns a peer waits.
    restoring: false,
    # What waits for a turn. Of this turn: names to look at, and what is to be done first, then, and told.
    backlog: :queue.new(),
    changed: %{},
    first: [],
    acts: [],
    facts: []
  ]

  @type t :: %__MODULE__{
          options: map(),
          roster: Roster.t(),
          announcement: Announcement.t(),
          dialer: Dialer.t() | nil,
          sidecar: SidecarLife.t(),
          seeds: Seeds.t() | nil,
          replies: Replies.t(),
          measures: Measures.t(),
          problems: Problems.t(),
          watch: PathWatch.t(),
          blame: Blame.t(),
          cookies: Cookies.t(),
          quiet: QuietPeriod.t(),
          conflicts: Conflicts.t(),
          legacy: Legacy.t(),
          cut: %{String.t() => true},
          health: :ok | :isolated,
          network: Codec.network(),
          unicast_port: :inet.port_number(),
          condition: {Health.t(), [Health.problem()]} | nil,
          told: {Health.t(), [Health.problem()]},
          telling: boolean(),
          interfaces: [Codec.interface()],
          foreign: boolean(),
          familiar: non_neg_integer(),
          up: %{String.t() => true},
          unwell: %{Roster.key() => atom()},
          parted: %{String.t() => Peer.t()},
          links: non_neg_integer(),
          listed_at: integer(),
          listing: boolean(),
          swept_at: integer(),
          addresses_at: integer() | nil,
          dial_at: integer() | nil,
          path_at: integer() | nil,
          restoring: boolean(),
          backlog: :queue.queue(tuple()),
          changed: %{String.t() => :report | :show},
          first: [tuple()],
          acts: [tuple() | atom()],
          facts: [Facts.fact()]
        }

  @no_problems %Problems{}
  @no_legacy %Legacy{}

  @doc "What readers read, before who acts on it is told."
  @spec first(t(), tuple()) :: t()
  def first(%{} = state, effect), do: %{state | first: [effect | state.first]}

  @doc "Something is to be done, in this order."
  @spec act(t(), tuple() | atom()) :: t()
  def act(%{} = state, effect), do: %{state | acts: [effect | state.acts]}

  @doc "Something is to be told, last."
  @spec fact(t(), Facts.fact()) :: t()
  def fact(%{} = state, fact), do: %{state | facts: [fact | state.facts]}

  @doc "This host's addresses are looked for."
  @spec find_addresses(t()) :: t()
  def find_addresses(state), do: act(%{state | addresses_at: nil}, :find_addresses)

  @doc "A timer is to ring in so many milliseconds, or not at all."
  @spec timer(t(), term(), non_neg_integer() | :cancel) :: t()
  def timer(state, timer, ms), do: act(state, {:timer, timer, ms})

  @doc "What waits for its turn, behind what waits already."
  @spec later(t(), [tuple()]) :: t()
  def later(%{} = state, items),
    do: %{state | backlog: Enum.reduce(items, state.backlog, &:queue.in/2)}

  @doc "The sidecar begins another life, in which it tells anew who has another's name."
  @spec settle_conflicts(t()) :: t()
  def settle_conflicts(%{} = state),
    do: later(state, for(rival <- Conflicts.list(state.conflicts), do: {:settled, rival}))

  @doc "Something of this name has changed that `peers/1` shows."
  @spec show(t(), String.t()) :: t()
  def show(%{changed: changed} = state, name) when is_map_key(changed, name), do: state

  def show(%{} = state, name), do: %{state | changed: Map.put(state.changed, name, :show)}

  @doc "Something is to be said to the sidecar, if one runs."
  @spec command(t(), Codec.command()) :: t()
  def command(%{} = state, command),
    do: if(SidecarLife.up?(state.sidecar), do: act(state, {:command, command}), else: state)

  @doc "What `status/1` shows of this node and its sidecar has changed."
  @spec put_status(t()) :: t()
  def put_status(%{} = state) do
    first(
      state,
      {:put, :status,
       %{
         sidecar: state.sidecar.state,
         reason: state.sidecar.complaint,
         announced: Announcement.announced?(state.announcement),
         left: state.announcement.left
       }}
    )
  end

  @doc "This node has become another, or leaves: what that means for each peer is looked at in portions."
  @spec rename(t()) :: t()
  def rename(%{dialer: nil} = state), do: state

  def rename(%{} = state) do
    {names, dialer} = Dialer.renamed(state.dialer, Announcement.dials_as(state.announcement))
    later(%{state | dialer: dialer}, Enum.map(names, &{:review, &1}))
  end

  @doc "The peer, with how its connection is."
  @spec with_connection(t(), Peer.t()) :: Peer.t()
  def with_connection(%{} = state, %{} = peer) do
    connection = Dialer.connection(state.dialer, peer.name)
    with_connection(state, peer, connection, problem(state, peer.name, connection))
  end

  @doc "The same, where these are known."
  @spec with_connection(t(), Peer.t(), term(), Problems.problem() | nil) :: Peer.t()
  def with_connection(%{} = state, %{} = peer, connection, problem) do
    %{
      with_paths(state, peer)
      | connection: connection,
        problem: problem,
        connected_via: PathWatch.via(state.watch, peer.name)
    }
  end

  @doc "The peer, with where it is dialled."
  @spec with_paths(t(), Peer.t()) :: Peer.t()
  def with_paths(%{} = state, peer), do: %{peer | paths: Paths.order(peer, state.watch.own)}

  @doc "Whether `peers/1` has this name: by the roster, or by libcluster's wire."
  @spec listed?(t(), String.t()) :: boolean()
  def listed?(%{} = state, name), do: Roster.listed?(state.roster, name) or legacy?(state, name)

  defp legacy?(%{legacy: legacy}, _name) when legacy == @no_legacy, do: false
  defp legacy?(%{legacy: legacy}, name), do: Legacy.listed?(legacy, name)

  @doc "Does this where libcluster's wire has named anybody."
  @spec with_legacy(t(), (t() -> t())) :: t()
  def with_legacy(%{legacy: legacy} = state, _step) when legacy == @no_legacy, do: state
  def with_legacy(state, step), do: step.(state)

  @doc "The peers of this name that it has: none, one, or the parties of a conflict."
  @spec named(t(), String.t()) :: [Peer.t()]
  def named(%{} = state, name) do
    case Roster.named(state.roster, name) do
      [] -> if legacy?(state, name), do: [Legacy.peer(name)], else: []
      peers -> peers
    end
  end

  @doc "What keeps this name from being connected, if anything does."
  @spec problem(t(), String.t(), term()) :: Problems.problem() | nil
  def problem(_state, _name, :connected), do: nil

  # The other side may hold a cookie for this node, and dial.
  def problem(%{cookies: cookies}, name, {:skipped, :cookie}) do
    if Cookies.told?(cookies, name), do: {:cookie, Problems.skipped(:cookie)}
  end

  def problem(_state, _name, {:skipped, reason}) do
    text = Problems.skipped(reason)
    text && {reason, text}
  end

  def problem(%{problems: problems}, _name, _waiting) when problems == @no_problems, do: nil
  def problem(%{} = state, name, _waiting), do: Problems.get(state.problems, name)

  @doc "What troubled this one is over."
  @spec clear_problem(t(), term()) :: t()
  def clear_problem(%{problems: problems} = state, _about) when problems == @no_problems,
    do: state

  def clear_problem(%{} = state, about),
    do: %{state | problems: Problems.clear(state.problems, about)}

  @doc "One line and one telemetry event about what keeps a peer from being connected, once for each state."
  @spec report_problem(t(), String.t(), Problems.problem(), String.t()) :: t()
  def report_problem(%{} = state, name, {cause, why}, text) do
    {new, problems} = Problems.note(state.problems, name, text)
    state = %{state | problems: problems}

    # What anybody may say has lines of its own, so that it does not use up those of peers.
    kind = if legacy?(state, name), do: :legacy_problem, else: :problem

    if new,
      do:
        state
        |> fact({kind, name, cause, why, text})
        |> notify(name, &{:problem, &1, {cause, why}}),
      else: state
  end

  @doc "Subscribers are told of a peer, by what it is now, or was when it was listed."
  @spec notify(t(), String.t(), (Peer.t() -> tuple())) :: t()
  def notify(%__MODULE__{} = state, name, event) do
    case named(state, name) do
      [peer | _] -> fact(state, {:event, event.(with_connection(state, peer))})
      [] when is_map_key(state.parted, name) -> fact(state, {:event, event.(state.parted[name])})
      [] -> state
    end
  end

  @doc "A line of trouble, once."
  @spec warn_once(t(), term(), String.t()) :: t()
  def warn_once(%{} = state, about, text) do
    {new, problems} = Problems.note(state.problems, about, text)
    state = %{state | problems: problems}
    if new, do: fact(state, {:line, :warning, text}), else: state
  end

  @doc "Whether nobody is listed."
  @spec alone?(t()) :: boolean()
  def alone?(%{legacy: legacy} = state),
    do: Roster.size(state.roster) == 0 and (legacy == @no_legacy or Legacy.size(legacy) == 0)
end
