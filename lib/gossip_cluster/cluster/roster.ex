defmodule GossipCluster.Cluster.Roster do
  @moduledoc false
  # Who is listed: folds what the sidecar says into a map and yields what a subscriber should see. Pure; time is an
  # argument, in milliseconds.
  #
  # A peer is known by name and creation: together they are one life of one BEAM. Its sidecar's boot id may change
  # (a restarted sidecar takes over its name): that is an update, no down and up.
  #
  # When our own sidecar starts anew it knows nobody yet, while the peers are where they were. So peers of its
  # predecessor become *unconfirmed* and stay listed. Each is confirmed in silence when the new sidecar lists it; who
  # has not been confirmed when the grace has passed is down, `:silent`. A snapshot of the *same* sidecar (its queue
  # overflowed) is the truth at once: who is not in it is gone.

  alias GossipCluster.Cluster.Packed
  alias GossipCluster.Peer
  alias GossipCluster.Sidecar.Codec

  # peers: name => its lives, by creation, packed: one, but in a conflict; unconfirmed: {name, creation} => deadline;
  # seen: keys listed since the running snapshot began, or nil when none runs; size: how many are listed, counted as
  # they come and go, for it is asked for with every event.
  defstruct peers: %{}, size: 0, unconfirmed: %{}, seen: nil, grace: 10_000

  # No node has this name: a VM that is not (or not yet) a node has it, and must never be listed.
  @nobody "nonode@nohost"

  @peer %Peer{name: "", creation: 0}

  @type key :: {String.t(), non_neg_integer()}
  @typedoc """
  What subscribers should see. `:missing`: down, `:silent`, of one that nobody has confirmed or listed; as it was kept,
  since there may be thousands at once.
  """
  @type event ::
          {:up, Peer.t()}
          | {:update, Peer.t()}
          | {:heard, Peer.t()}
          | {:down, Peer.t(), Codec.down_reason()}
          | {:missing, String.t(), Packed.t()}
          | {:conflict, Peer.t(), Peer.t()}
          | {:settled, Peer.t()}
  @type t :: %__MODULE__{
          peers: %{String.t() => [{creation :: non_neg_integer(), Packed.t()}, ...]},
          size: non_neg_integer(),
          unconfirmed: %{key() => integer()},
          seen: %{key() => true} | nil,
          grace: pos_integer()
        }

  @doc """
  An empty roster for peers that beat every `interval` milliseconds.

  The grace is 6 intervals, the silence that ends a peer, and 10 s at least: a new sidecar hears a small group within
  one interval and pulls the roster of a large one within a second, even where the group is so large that its interval
  is stretched.
  """
  @spec new(pos_integer()) :: t()
  def new(interval), do: %__MODULE__{grace: max(6 * interval, 10_000)}

  @doc """
  Puts peers back that an earlier owner had listed, some of them or all; they are unconfirmed. That one may have run
  another version of this library, whose peers had other fields.
  """
  @spec restore(t(), [Peer.t()], integer()) :: t()
  def restore(%{} = roster, peers, now) do
    Enum.reduce(peers, roster, fn peer, roster ->
      peer = present(peer)
      unconfirmed = Map.put_new(roster.unconfirmed, key(peer), now + roster.grace)
      put(%{roster | unconfirmed: unconfirmed}, peer)
    end)
  end

  # Most often it is: thousands are put back at once.
  defp present(peer) do
    if Map.keys(peer) == Map.keys(@peer), do: peer, else: struct(Peer, Map.from_struct(peer))
  end

  @doc "The sidecar is a new one: what its predecessor said must be confirmed."
  @spec new_sidecar(t(), integer()) :: t()
  # As all are that were just restored: thousands.
  def new_sidecar(%{unconfirmed: unconfirmed, size: size} = roster, _now)
      when map_size(unconfirmed) == size,
      do: %{roster | seen: nil}

  def new_sidecar(%{} = roster, now) do
    # A grace that runs already goes on: a sidecar that dies again and again must not keep the dead listed for ever.
    waiting =
      for {name, lives} <- roster.peers,
          {creation, _packed} <- lives,
          into: %{},
          do: {{name, creation}, now + roster.grace}

    %{roster | unconfirmed: Map.merge(waiting, roster.unconfirmed), seen: nil}
  end

  @doc "Applies an event of the sidecar. Returns what subscribers should see, in order."
  @spec apply(t(), Codec.event()) :: {t(), [event()]}
  def apply(roster, {:snapshot, page, peers}) do
    roster = if page == :first or roster.seen == nil, do: %{roster | seen: %{}}, else: roster

    {roster, events} =
      Enum.reduce(peers, {roster, []}, fn peer, {r, done} -> listed(r, peer, done) end)

    {roster, Enum.reverse(events)}
  end

  def apply(%{seen: nil} = roster, :snapshot_end), do: {roster, []}

  def apply(%{} = roster, :snapshot_end) do
    {gone, roster} =
      take_out(roster, fn key ->
        not is_map_key(roster.unconfirmed, key) and not is_map_key(roster.seen, key)
      end)

    {%{roster | seen: nil}, gone}
  end

  def apply(roster, {tag, peer}) when tag in [:up, :update] do
    {roster, events} = listed(roster, peer, [])
    {roster, Enum.reverse(events)}
  end

  def apply(roster, {:heard, peer}) do
    if has?(roster, peer) do
      before = Packed.unpack(peer.name, packed(roster, peer))
      more = if same?(before, peer), do: [], else: [{:update, peer}]
      {put(roster, peer), more ++ [{:heard, peer}]}
    else
      {roster, []}
    end
  end

  def apply(roster, {:down, peer, reason}) do
    if has?(roster, peer),
      do: {remove(roster, peer), [{:down, peer, reason}]},
      else: {roster, []}
  end

  def apply(roster, {:conflict, peer, other}), do: {roster, [{:conflict, peer, other}]}
  def apply(roster, {:settled, peer}), do: {roster, [{:settled, peer}]}

  @doc "Ends the peers whose grace has passed."
  @spec expire(t(), integer()) :: {t(), [event()]}
  def expire(%{unconfirmed: unconfirmed} = roster, _now) when map_size(unconfirmed) == 0,
    do: {roster, []}

  def expire(%{unconfirmed: unconfirmed} = roster, now) do
    over = Map.filter(unconfirmed, fn {_key, deadline} -> deadline <= now end)

    if over == %{} do
      {roster, []}
    else
      {gone, roster} = take_out(roster, &is_map_key(over, &1))
      unconfirmed = Map.drop(unconfirmed, Map.keys(over))
      {%{roster | unconfirmed: unconfirmed}, gone}
    end
  end

  @doc "All listed peers, by name."
  @spec list(t()) :: [Peer.t()]
  def list(roster), do: roster |> names() |> Enum.flat_map(&named(roster, &1))

  @doc "The names of all listed peers, in order."
  @spec names(t()) :: [String.t()]
  def names(roster), do: roster.peers |> Map.keys() |> Enum.sort()

  @doc "This one as it is kept, or nil."
  @spec packed(t(), Peer.t()) :: Packed.t() | nil
  def packed(roster, %Peer{name: name, creation: creation}) do
    with {^creation, packed} <- List.keyfind(lives(roster, name), creation, 0), do: packed
  end

  @doc "The listed peers of this name: none, one, or the parties of a conflict."
  @spec named(t(), String.t()) :: [Peer.t()]
  def named(roster, name),
    do: for({_creation, packed} <- lives(roster, name), do: Packed.unpack(name, packed))

  @doc "Whether a peer of this name is listed."
  @spec listed?(t(), String.t()) :: boolean()
  def listed?(roster, name), do: is_map_key(roster.peers, name)

  @doc "How many peers are listed."
  @spec size(t()) :: non_neg_integer()
  def size(%{size: size}), do: size

  defp listed(roster, %Peer{name: @nobody}, events), do: {roster, events}

  defp listed(%{} = roster, peer, events) do
    {roster, events} = succeed(roster, peer, events)
    key = key(peer)
    packed = packed(roster, peer)
    before = packed && Packed.unpack(peer.name, packed)
    seen = roster.seen && Map.put(roster.seen, key, true)
    roster = put(%{roster | unconfirmed: Map.delete(roster.unconfirmed, key), seen: seen}, peer)

    cond do
      before == nil -> {roster, [{:up, peer} | events]}
      before == peer -> {roster, events}
      same?(before, peer) -> {roster, [{:heard, peer} | events]}
      true -> {roster, [{:update, peer} | events]}
    end
  end

  # That it is heard itself is no news to subscribers.
  defp same?(before, peer), do: %{before | heard: peer.heard} == peer

  # A new life of a name: an earlier one, which nobody has confirmed, has ended meanwhile.
  defp succeed(%{unconfirmed: unconfirmed} = roster, _peer, events)
       when map_size(unconfirmed) == 0,
       do: {roster, events}

  defp succeed(roster, %Peer{name: name, creation: creation}, events) do
    ended =
      for {other, packed} <- lives(roster, name),
          other != creation and is_map_key(roster.unconfirmed, {name, other}),
          do: Packed.unpack(name, packed)

    {Enum.reduce(ended, roster, &remove(&2, &1)),
     Enum.reduce(ended, events, &[{:down, &1, :silent} | &2])}
  end

  defp key(%Peer{name: name, creation: creation}), do: {name, creation}

  defp lives(roster, name), do: Map.get(roster.peers, name, [])

  defp has?(roster, %Peer{name: name, creation: creation}),
    do: List.keymember?(lives(roster, name), creation, 0)

  defp put(%{} = roster, %Peer{name: name, creation: creation} = peer) do
    lives = lives(roster, name)
    all = List.keystore(lives, creation, 0, {creation, Packed.pack(peer)})
    size = roster.size + length(all) - length(lives)
    %{roster | peers: Map.put(roster.peers, name, List.keysort(all, 0)), size: size}
  end

  # Only of one that is listed.
  defp remove(%{} = roster, %Peer{name: name, creation: creation} = peer) do
    peers =
      case List.keydelete(lives(roster, name), creation, 0) do
        [] -> Map.delete(roster.peers, name)
        lives -> Map.put(roster.peers, name, lives)
      end

    %{
      roster
      | size: roster.size - 1,
        peers: peers,
        unconfirmed: Map.delete(roster.unconfirmed, key(peer)),
        seen: roster.seen && Map.delete(roster.seen, key(peer))
    }
  end

  # Takes those out of whose key this is true; what else is kept of them is the caller's. They may be thousands: the map
  # is built once, for each that is deleted alone leaves a copy of its path as garbage, and nobody is unpacked yet.
  defp take_out(%{} = roster, gone?) do
    {left, gone} =
      Enum.reduce(roster.peers, {[], []}, fn {name, lives}, {left, gone} ->
        case Enum.split_with(lives, fn {creation, _packed} -> gone?.({name, creation}) end) do
          {[], _lives} -> {[{name, lives} | left], gone}
          {lost, []} -> {left, [{name, lost} | gone]}
          {lost, lives} -> {[{name, lives} | left], [{name, lost} | gone]}
        end
      end)

    events =
      for {name, lives} <- Enum.sort(gone),
          {_creation, packed} <- lives,
          do: {:missing, name, packed}

    case events do
      [] -> {[], roster}
      events -> {events, %{roster | peers: Map.new(left), size: roster.size - length(events)}}
    end
  end
end
