defmodule GossipCluster.Cluster.Dialer do
  @moduledoc false
  # Whom to dial, and when. Pure: the owner tells what happened and executes what is due; time (milliseconds) and the
  # seed of the jitter are arguments. What would have to look at all peers at once is done name by name (renamed/2,
  # compare/2), so that the caller can spread it.
  #
  # The rules
  #   - The node with the lower name dials at once, the other after @wait, unless they are connected by then. While the
  #     higher one's dial hangs, its net_kernel refuses the lower one's, for up to 7 s, and `global` then cuts the higher one
  #     off from all who have reached the other. So the wait is longer than the second after which TCP repeats a lost SYN
  #     (RFC 6298, section 5.7): with 10 % loss one in 30 dials of the lower name fails by then, instead of one in 5.
  #   - A failed dial is repeated for ever while the peer is listed: after 0.5 s, then twice as long each time, up to
  #     30 s, with a jitter of a quarter either way. What changes the odds (a new address, port or life of the peer, or
  #     of this node) starts anew.
  #   - Whatever else the sidecar says anew of a living peer (that it is heard directly again, above all) forgets the backoff
  #     too: what kept a dial from working may be over. The next one is begun at once, but not within @again of the last, so
  #     that updates make no storm; a dial that runs just then may still wait for an answer to what was lost, so when it
  #     fails the next follows.
  #   - A lost connection to a listed peer is dialled again after @reconnect, plus jitter: a peer that has ended, or has
  #     disconnected on purpose, says so sooner than that, and is not dialled in vain. The higher name waits for @at_once
  #     more: the other side has most often lost it too, but it need not know.
  #   - One that was cut, since its path was dead, is dialled again at once; by the higher name only when the other had time.
  #   - A connection that was ended on purpose (by hand, on either side) is left alone for a quiet period; it holds for that
  #     life of the peer, not for its next one.
  #   - Bounded in number and rate: see GossipCluster.Cluster.DialQueue. How many dials of names that were never connected may fail,
  #     as a whole and for each address: see GossipCluster.Cluster.DialBudget.
  #   - Not dialled at all, for a reason that a dial cannot cure:
  #       :not_alive   this node has no distribution, or is leaving
  #       :bad_name    the peer's name cannot be a node name
  #       :conflict    two living nodes have this name (or it is our own)
  #       :name_type   one side has short names, the other long ones
  #       :tls         one side's distribution runs over TLS, the other's plain
  #       :cookie      its Erlang cookie is not ours, and this node holds none of its own for it
  #       :refused     the `accept` option refused it (asked again when the peer changes, or its tags)

  alias GossipCluster.Cluster.{DialBudget, DialQueue, Packed, Paths}
  alias GossipCluster.Peer

  @wait 1_200
  @reconnect 400
  @at_once 300
  @backoff_first 500
  @backoff_most 30_000
  @again 1_000

  defmodule Entry do
    @moduledoc false
    @enforce_keys [:peer]
    # peer: the one that was listed last, packed; lives: creations listed under this name; state: :waiting | :dialling |
    # :connected | {:skipped, reason}; failures: dials failed since the odds changed; tried: when the last dial was
    # begun; marks, each there or not:
    #   :conflict     the sidecar says that two living nodes have this name
    #   :refused      `accept` has refused it
    #   :own_cookie   this node holds a cookie of its own for it
    #   :again        there was news while a dial of it ran
    #   :doubted      a dial failed, or a connection was lost, and none is up since
    #   :reached      it was connected since it is listed
    defstruct [:peer, lives: [], state: :waiting, failures: 0, tried: nil, marks: []]
  end

  defstruct own: nil,
            entries: %{},
            # name => true, as all such sets here: MapSet would be loaded for them as a node starts.
            connected: %{},
            # How many of the connected are listed: counted as they come and go, for it is asked for with every event.
            connected_count: 0,
            # name => {creation, until when it is left alone}; those that are over are thrown away when there are
            # quiet_most.
            quiet: %{},
            quiet_most: 64,
            queue: nil,
            budget: DialBudget.new(),
            rand: nil

  @typedoc "What of the own node matters, or nil while it must not dial."
  @type own ::
          %{
            required(:name) => String.t(),
            required(:long_names) => boolean(),
            required(:tls) => boolean(),
            optional(atom()) => term()
          }
          | nil
  @type reason :: :not_alive | :bad_name | :conflict | :name_type | :tls | :cookie | :refused
  @opaque t :: %__MODULE__{}

  @doc "Nobody is known. `seed` feeds the jitter."
  @spec new(integer(), integer()) :: t()
  def new(now, seed), do: %__MODULE__{queue: DialQueue.new(now), rand: :rand.seed_s(:exsss, seed)}

  @doc "This node's distribution started, changed or stopped (`nil`: dial nobody)."
  @spec own(t(), own(), integer()) :: t()
  def own(dialer, own, now) do
    {names, dialer} = renamed(dialer, own)
    Enum.reduce(names, dialer, &review(&2, &1, now))
  end

  @doc """
  The same, begun: every name that is returned is to be reviewed. Nobody is dialled from now on where `own` is nil.
  """
  @spec renamed(t(), own()) :: {[String.t()], t()}
  def renamed(%{} = dialer, own) do
    own = own && Map.take(own, [:name, :long_names, :tls])

    if own == dialer.own,
      do: {[], dialer},
      else: {Map.keys(dialer.entries), %{dialer | own: own}}
  end

  @doc "What this node is has changed: is this one dialled, and when?"
  @spec review(t(), String.t(), integer()) :: t()
  def review(%{entries: entries} = dialer, name, now) do
    case entries do
      %{^name => entry} -> reconsider(dialer, name, %{entry | failures: 0}, now)
      %{} -> dialer
    end
  end

  @doc "A peer is listed, or a listed one has changed. `packed`: as the roster keeps it, so that it is kept once."
  @spec listed(t(), Peer.t(), integer(), Packed.t() | nil) :: t()
  def listed(%{} = dialer, %Peer{name: name} = peer, now, packed \\ nil) do
    packed = packed || Packed.pack(peer)

    case dialer.entries do
      %{^name => entry} ->
        before = peer(name, entry)

        # What is kept may be newer than what was told, which has waited for its turn: each change is seen once.
        kept = Packed.unpack(name, packed)
        changed = odds(before) != odds(kept)
        # Tags change no odds, but maybe what `accept` says of it.
        other = changed or before.tags != kept.tags
        lives = Enum.uniq([peer.creation | entry.lives])
        entry = %{entry | peer: packed, lives: lives}
        entry = if changed, do: %{entry | failures: 0}, else: entry
        entry = if other, do: ask_again(entry), else: entry
        at = if changed, do: nil, else: DialQueue.at(dialer.queue, name)
        decide(dialer, kept, entry, now, at)

      %{} ->
        # Shares the names of its fields with all others, see GossipCluster.Sidecar.Codec.
        entry = %{%Entry{peer: nil} | peer: packed, lives: [peer.creation]}
        dialer |> count(name, 1) |> decide(Packed.unpack(name, packed), entry, now, nil)
    end
  end

  # What `accept` has said holds no more; what it says while it is asked may be of what was before.
  defp ask_again(%{state: :dialling} = entry), do: entry |> unmark(:refused) |> mark(:again)
  defp ask_again(entry), do: unmark(entry, :refused)

  # One comes to the list, or goes.
  defp count(%{} = dialer, name, change) do
    if is_map_key(dialer.connected, name),
      do: %{dialer | connected_count: dialer.connected_count + change},
      else: dialer
  end

  # What makes another try worth while at once.
  defp odds(%{} = peer),
    do:
      {peer.creation, peer.boot, peer.port, Peer.ip(peer), peer.long_names, peer.tls, peer.cookie}

  @doc "The sidecar has told something of a listed peer, be it that it is heard again: what failed is worth another try."
  @spec refreshed(t(), Peer.t(), integer()) :: t()
  def refreshed(%{} = dialer, %Peer{name: name, status: :alive}, now) do
    case dialer.entries do
      %{^name => %{state: :dialling} = entry} ->
        put(dialer, name, mark(entry, :again))

      %{^name => %{state: :waiting, failures: failures} = entry} when failures > 0 ->
        at = min(DialQueue.at(dialer.queue, name), soon(dialer, name, entry, now))
        reconsider(dialer, name, %{entry | failures: 0}, now, at)

      %{^name => %{state: :waiting} = entry} ->
        # Heard itself it need not wait among those of whom only others tell.
        if DialBudget.waits?(dialer.budget, name),
          do: reconsider(dialer, name, entry, now, now),
          else: dialer

      %{} ->
        dialer
    end
  end

  # One that does not answer, or whose VM hangs, is no better to dial than before.
  def refreshed(dialer, _peer, _now), do: dialer

  defp soon(dialer, name, %{tried: tried}, now),
    do: max(now + head_start(dialer, name), (tried || now - @again) + @again)

  @doc "A peer is no longer listed: it is not dialled again."
  @spec unlisted(t(), Peer.t(), integer()) :: t()
  def unlisted(%{entries: entries} = dialer, %Peer{name: name, creation: creation}, now) do
    with %{^name => entry} <- entries,
         lives = List.delete(entry.lives, creation),
         false <- lives == [] do
      reconsider(dialer, name, unmark(%{entry | lives: lives}, :conflict), now)
    else
      %{} -> dialer
      true -> forget(dialer, name)
    end
  end

  defp forget(dialer, name) do
    dialer = dialer |> unqueue(name) |> count(name, -1)
    %{dialer | entries: Map.delete(dialer.entries, name)}
  end

  @doc "Whether this node holds a cookie of its own for this one; it is another one now, or there is none any more."
  @spec own_cookie(t(), String.t(), boolean(), integer()) :: t()
  def own_cookie(%{entries: entries} = dialer, name, held, now) do
    case entries do
      %{^name => entry} ->
        entry = if held, do: mark(entry, :own_cookie), else: unmark(entry, :own_cookie)
        reconsider(dialer, name, %{entry | failures: 0}, now)

      %{} ->
        dialer
    end
  end

  @doc "Two living nodes have this name."
  @spec conflict(t(), String.t(), integer()) :: t()
  def conflict(%{entries: entries} = dialer, name, now) do
    case entries do
      %{^name => entry} -> reconsider(dialer, name, mark(entry, :conflict), now)
      %{} -> dialer
    end
  end

  @doc "One of them alone has it now."
  @spec settled(t(), String.t(), integer()) :: t()
  def settled(%{entries: entries} = dialer, name, now) do
    case entries do
      %{^name => entry} ->
        if :conflict in entry.marks,
          do: reconsider(dialer, name, unmark(%{entry | failures: 0}, :conflict), now),
          else: dialer

      %{} ->
        dialer
    end
  end

  @doc "A connection to this node is up, whoever made it."
  @spec connected(t(), String.t(), integer()) :: t()
  def connected(%{} = dialer, name, now) do
    dialer = %{link(dialer, name) | quiet: Map.delete(dialer.quiet, name)}

    case dialer.entries do
      %{^name => entry} ->
        dialer = %{dialer | budget: DialBudget.give_back(dialer.budget, name, now)}
        entry = %{entry | failures: 0} |> unmark(:doubted) |> mark(:reached)
        reconsider(dialer, name, entry, now)

      %{} ->
        dialer
    end
  end

  defp link(%{} = dialer, name) do
    if is_map_key(dialer.connected, name) do
      dialer
    else
      count = dialer.connected_count + listed_one(dialer, name)
      %{dialer | connected: Map.put(dialer.connected, name, true), connected_count: count}
    end
  end

  defp unlink(%{} = dialer, name) do
    if is_map_key(dialer.connected, name) do
      count = dialer.connected_count - listed_one(dialer, name)
      %{dialer | connected: Map.delete(dialer.connected, name), connected_count: count}
    else
      dialer
    end
  end

  defp listed_one(dialer, name), do: if(is_map_key(dialer.entries, name), do: 1, else: 0)

  @doc """
  The connection to this node is gone. It is dialled again if it is still listed, `:soon` or `:at_once`, but not before
  `quiet` milliseconds.
  """
  @spec disconnected(t(), String.t(), integer(), non_neg_integer(), :soon | :at_once) :: t()
  def disconnected(%__MODULE__{entries: entries} = dialer, name, now, quiet \\ 0, how \\ :soon) do
    dialer = unlink(dialer, name)
    dialer = if quiet > 0, do: be_quiet(dialer, name, now, now + quiet), else: dialer

    case entries do
      %{^name => %{state: :connected} = entry} ->
        {delay, dialer} = redial(dialer, name, how)
        reconsider(dialer, name, mark(entry, :doubted), now, now + delay)

      %{} ->
        dialer
    end
  end

  defp redial(dialer, name, :soon) do
    {jitter, dialer} = uniform(dialer, div(@reconnect, 2))
    {@reconnect + jitter + later_redial(dialer, name), dialer}
  end

  defp redial(dialer, name, :at_once), do: {later_redial(dialer, name), dialer}

  defp later_redial(dialer, name), do: if(head_start(dialer, name) == 0, do: 0, else: @at_once)

  defp be_quiet(%__MODULE__{} = dialer, name, now, until) do
    case dialer.entries do
      %{^name => entry} ->
        %{creation: creation} = peer(name, entry)

        dialer =
          if map_size(dialer.quiet) >= dialer.quiet_most, do: prune(dialer, now), else: dialer

        %{dialer | quiet: Map.put(dialer.quiet, name, {creation, until})}

      %{} ->
        dialer
    end
  end

  # As seldom as the table doubles, so that it costs each of many the same.
  defp prune(dialer, now) do
    quiet = Map.filter(dialer.quiet, fn {_name, {_creation, until}} -> until > now end)
    %{dialer | quiet: quiet, quiet_most: max(64, 2 * map_size(quiet))}
  end

  @doc "This node, which is not connected, is left alone for so many milliseconds: it wants no connection."
  @spec leave_alone(t(), String.t(), integer(), non_neg_integer()) :: t()
  def leave_alone(%__MODULE__{} = dialer, name, now, ms) do
    dialer = if ms > 0, do: be_quiet(dialer, name, now, now + ms), else: dialer

    case dialer.entries do
      %{^name => %{state: :waiting} = entry} ->
        reconsider(dialer, name, entry, now, DialQueue.at(dialer.queue, name))

      %{} ->
        dialer
    end
  end

  @doc "Whether this node is left alone now."
  @spec quiet?(t(), String.t(), integer()) :: boolean()
  def quiet?(dialer, name, now) do
    case dialer.entries do
      %{^name => entry} -> (quiet_until(dialer, peer(name, entry)) || now) > now
      %{} -> false
    end
  end

  @doc """
  The live list of connected nodes, against which all that is believed is held. Also returns the names for which it was
  wrong.
  """
  @spec live(t(), [String.t()], integer()) :: {[String.t()], t()}
  def live(dialer, names, now) do
    {gone, come} = compare(dialer, names)
    dialer = Enum.reduce(gone, dialer, &disconnected(&2, &1, now))
    {gone ++ come, Enum.reduce(come, dialer, &connected(&2, &1, now))}
  end

  @doc "The same, asked only: who is believed to be connected and is not, and who is the other way round."
  @spec compare(t(), [String.t()]) :: {gone :: [String.t()], come :: [String.t()]}
  def compare(%{connected: connected}, names) do
    names = Map.new(names, &{&1, true})

    # Most often they are the same: then nothing is built.
    if connected == names,
      do: {[], []},
      else: {difference(connected, names), difference(names, connected)}
  end

  defp difference(some, others), do: some |> Map.drop(Map.keys(others)) |> Map.keys()

  @doc "A dial has ended: `:connected`, `:failed` or `:refused` (by `accept`)."
  @spec result(t(), String.t(), :connected | :failed | :refused, integer()) :: t()
  def result(%{} = dialer, name, result, now) do
    dialer = account(%{dialer | queue: DialQueue.ended(dialer.queue, name)}, name, result, now)

    case {dialer.entries, result} do
      {_entries, :connected} ->
        connected(dialer, name, now)

      {%{^name => %{state: :dialling} = entry}, :failed} ->
        failed(dialer, name, mark(entry, :doubted), now)

      {%{^name => %{state: :dialling} = entry}, :refused} ->
        refused(dialer, name, entry, now)

      {%{}, _result} ->
        dialer
    end
  end

  defp failed(dialer, name, %{} = entry, now) do
    if :again in entry.marks do
      entry = unmark(%{entry | failures: 0}, :again)
      reconsider(dialer, name, entry, now, soon(dialer, name, entry, now))
    else
      failures = entry.failures + 1
      {delay, dialer} = backoff(dialer, failures)
      reconsider(dialer, name, %{entry | failures: failures}, now, now + delay)
    end
  end

  defp refused(dialer, name, entry, now) do
    if :again in entry.marks do
      # Something of it has changed since `accept` was asked.
      entry = unmark(entry, :again)
      reconsider(dialer, name, entry, now, soon(dialer, name, entry, now))
    else
      reconsider(dialer, name, mark(entry, :refused), now)
    end
  end

  # What was refused here was not dialled.
  defp account(dialer, name, :failed, _now),
    do: %{dialer | budget: DialBudget.spent(dialer.budget, name)}

  defp account(dialer, name, _connected_or_refused, now),
    do: %{dialer | budget: DialBudget.give_back(dialer.budget, name, now)}

  @doc "Takes the peers that are to be dialled now, the longest due first; no more than `most`."
  @spec due(t(), integer(), pos_integer() | :infinity) :: {[Peer.t()], t()}
  def due(dialer, now, most \\ :infinity)
  def due(%{own: nil} = dialer, _now, _most), do: {[], dialer}

  def due(dialer, now, most) do
    {names, budget} = DialBudget.wake(dialer.budget, now)
    %{dialer | budget: budget} |> rejoin(names, now) |> take(now, most, [])
  end

  defp rejoin(dialer, names, now) do
    Enum.reduce(names, dialer, fn name, dialer ->
      reconsider(dialer, name, dialer.entries[name], now, now)
    end)
  end

  # An atom is more than any number.
  defp take(%{} = dialer, now, most, peers) when most > 0 do
    case DialQueue.take(dialer.queue, now) do
      {nil, queue} ->
        {Enum.reverse(peers), %{dialer | queue: queue}}

      {name, queue} ->
        entry = dialer.entries[name]
        peer = peer(name, entry)

        case afford(%{dialer | queue: queue}, entry, peer, now) do
          {:ok, dialer} ->
            entry = unmark(%{entry | state: :dialling, tried: now}, :again)
            left = if most == :infinity, do: most, else: most - 1
            take(put(dialer, name, entry), now, left, [peer | peers])

          {:wait, dialer} ->
            take(%{dialer | queue: DialQueue.undo(dialer.queue, name)}, now, most, peers)
        end
    end
  end

  defp take(dialer, _now, 0, peers), do: {Enum.reverse(peers), dialer}

  defp afford(dialer, entry, peer, now) do
    if :reached in entry.marks do
      {:ok, dialer}
    else
      keys = DialBudget.keys(who(entry, peer), places(peer))
      {verdict, budget} = DialBudget.take(dialer.budget, peer.name, keys, now)
      {verdict, %{dialer | budget: budget}}
    end
  end

  defp who(_entry, %Peer{status: :legacy}), do: :legacy
  defp who(_entry, %Peer{heard: false}), do: :told
  defp who(%{failures: 0}, _peer), do: :heard
  defp who(_entry, _peer), do: :again

  # Where it is heard; or wherever others say that it is.
  defp places(%Peer{heard: true} = peer), do: peer |> Peer.ip() |> List.wrap()
  defp places(peer), do: Paths.order(peer, [])

  @doc "When `due/2` wants to be called next, or `nil` if only an event can change anything."
  @spec deadline(t(), integer()) :: integer() | nil
  def deadline(%{own: nil}, _now), do: nil

  # nil is more than any number.
  def deadline(%{} = dialer, now),
    do: min(DialQueue.deadline(dialer.queue, now), DialBudget.deadline(dialer.budget))

  @doc "How it stands with this peer: as in `t:GossipCluster.Peer.t/0`."
  @spec connection(t(), String.t()) :: :connected | :connecting | :waiting | {:skipped, reason()}
  def connection(%{} = dialer, name) do
    cond do
      is_map_key(dialer.connected, name) ->
        :connected

      entry = dialer.entries[name] ->
        if entry.state == :dialling, do: :connecting, else: entry.state

      true ->
        :waiting
    end
  end

  @doc "How many listed peers are connected."
  @spec connected_count(t()) :: non_neg_integer()
  def connected_count(dialer), do: dialer.connected_count

  @doc "How many dials of this peer have failed since something changed."
  @spec failures(t(), String.t()) :: non_neg_integer()
  def failures(dialer, name) do
    case dialer.entries do
      %{^name => entry} -> entry.failures
      %{} -> 0
    end
  end

  @doc """
  Whether it is doubtful that this peer is reached at all: a dial failed, or a connection was lost, and none is up
  since.
  """
  @spec doubted?(t(), String.t()) :: boolean()
  def doubted?(dialer, name) do
    case dialer.entries do
      %{^name => entry} -> :doubted in entry.marks
      %{} -> false
    end
  end

  ## What becomes of an entry

  defp reconsider(dialer, name, entry, now, at \\ nil),
    do: decide(dialer, peer(name, entry), entry, now, at)

  # Decides the state anew. What is to be dialled is dialled `at`; where that is nil, as soon as the rules allow.
  defp decide(%{} = dialer, %{name: name} = peer, entry, now, at) do
    reason = skip(dialer.own, entry, peer)

    cond do
      is_map_key(dialer.connected, name) -> settle(dialer, name, entry, :connected)
      # A dial of this name still runs: its result decides.
      DialQueue.running?(dialer.queue, name) -> settle(dialer, name, entry, :dialling)
      reason != nil -> settle(dialer, name, entry, {:skipped, reason})
      true -> queue(dialer, entry, peer, at || now + head_start(dialer, name))
    end
  end

  defp skip(nil, _entry, _peer), do: :not_alive
  defp skip(%{name: name}, _entry, %{name: name}), do: :conflict

  defp skip(%{} = own, %{} = entry, %{} = peer) do
    cond do
      :conflict in entry.marks -> :conflict
      match?([_one, _another | _], entry.lives) -> :conflict
      not Peer.valid_name?(peer.name) -> :bad_name
      peer.long_names != own.long_names -> :name_type
      peer.tls != own.tls and peer.status != :legacy -> :tls
      peer.cookie == :differs and :own_cookie not in entry.marks -> :cookie
      :refused in entry.marks -> :refused
      true -> nil
    end
  end

  defp head_start(%{own: %{name: own}}, name) when own < name, do: 0
  defp head_start(_dialer, _name), do: @wait

  defp backoff(dialer, failures) do
    # The exponent is capped so that the number stays small however long a peer fails.
    delay = min(@backoff_first * Bitwise.bsl(1, min(failures - 1, 16)), @backoff_most)
    {jitter, dialer} = uniform(dialer, div(delay, 2))
    {delay - div(delay, 4) + jitter, dialer}
  end

  defp uniform(dialer, most) do
    {n, rand} = :rand.uniform_s(most + 1, dialer.rand)
    {n - 1, %{dialer | rand: rand}}
  end

  defp queue(dialer, entry, %{name: name} = peer, at) do
    at = max(at, quiet_until(dialer, peer) || at)
    queue = DialQueue.wait(dialer.queue, name, line(entry, peer), at)
    put(%{dialer | queue: queue}, name, %{entry | state: :waiting})
  end

  defp line(%{} = entry, %{} = peer) do
    cond do
      peer.status == :legacy -> :legacy
      not peer.heard and :reached not in entry.marks -> :told
      entry.failures == 0 -> :fresh
      true -> :retries
    end
  end

  defp quiet_until(dialer, %{name: name, creation: creation}) do
    case dialer.quiet do
      %{^name => {^creation, until}} -> until
      %{} -> nil
    end
  end

  defp settle(dialer, name, entry, state),
    do: dialer |> unqueue(name) |> put(name, %{entry | state: state})

  defp unqueue(%{} = dialer, name) do
    budget = DialBudget.leave(dialer.budget, name)
    %{dialer | queue: DialQueue.drop(dialer.queue, name), budget: budget}
  end

  defp put(dialer, name, entry), do: %{dialer | entries: Map.put(dialer.entries, name, entry)}

  defp peer(name, entry), do: Packed.unpack(name, entry.peer)

  defp mark(%{} = entry, mark),
    do: if(mark in entry.marks, do: entry, else: %{entry | marks: [mark | entry.marks]})

  defp unmark(entry, mark), do: %{entry | marks: List.delete(entry.marks, mark)}
end
