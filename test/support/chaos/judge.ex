defmodule GossipCluster.Chaos.Judge do
  @moduledoc """
  Whether a run of bin/chaos broke what the library promises. Pure: it knows what was done to whom, and when, and holds
  what each node told against that; whatever no fault explains is a break.

    * `:false_down` - a peer is told `down` though nothing was wrong with it, or with the links between
    * `:false_up` - one is told `up` whose VM was killed long before
    * `:lost_connection` - a connection ends though nothing was wrong with either end or the links between: by a
      sidecar's death, a stopped process, a flood, a new key
    * `:not_whole` - not all list all, or not all are connected, within the bound after all faults had healed
    * `:repeated_line` - a node writes the same line again, though nothing has happened in between
    * `:events` - the events contradict each other
    * `:roster` - `peers/1` does not show, within two seconds, what the events have told
    * `:memory` - a process grows all the time

  Some of it a machine may do that has no processor for a process (see `GossipCluster.Chaos.Gauge`). Where the sidecar
  of the one that is told down, or of the one that tells it, waited for half a second, or a VM for a second before its
  list was told, that is not judged, and said; and the bounds of being whole are longer by as long as one waited.
  Nothing else is excused: no machine is so slow that it loses a connection, or says what is not so.
  """

  alias GossipCluster.Chaos.History
  alias GossipCluster.Chaos.History.{Life, Trouble, Whole}
  alias GossipCluster.Chaos.Judge.{Events, Lines, Memory}

  defmodule Break do
    @moduledoc """
    What was broken, when, and on which node, where it was one. `:waits`: it is none where one of some had waited for so
    many milliseconds (see GossipCluster.Chaos.Gauge).
    """
    @enforce_keys [:invariant, :at, :text]
    defstruct [:invariant, :at, :text, :node, waits: []]

    @type t :: %__MODULE__{
            invariant: atom(),
            at: integer(),
            text: String.t(),
            node: String.t() | nil,
            waits: [{[{:beam | :sidecar, pos_integer()} | :harness | :neighbors], pos_integer()}]
          }
  end

  @typedoc "Breaks; how much of each kind was checked; what would be a break on a machine that was not starved."
  @type verdict :: %{
          breaks: [Break.t()],
          checked: %{atom() => non_neg_integer()},
          starved: [Break.t()]
        }

  @second 1_000_000
  # Nobody can be taken for dead in a shorter time: 1.25 T of silence, of which T has passed at most when it begins,
  # 0.3 s of probes, 0.1 s and 0.35 s of suspicion (PROTOCOL.md, Failure).
  @unnoticed 750_000
  # A verdict is told so long after the fault has healed, at most: it is repeated in the next two beats.
  @settled 3 * @second
  # What starves a node shows in what others tell of it within this time. A wait is known when it is over.
  @consequence 5 * @second
  @known @second
  # Of the time in which nobody is taken for dead: who had no processor for so long has hardly had a chance.
  @starved 500
  # A sidecar that has just started is not measured yet; the harness is.
  @all_starved 1_500
  # And of that in which the table of neighbors was full at all.
  @full 1

  # Faults of a node that explain why others tell it to be down: of these with whom it exchanges nothing, and of that
  # node itself, which exchanges nothing with others.
  @silent [:sidecar_stopped, :host_stopped]
  @parted [:cable, :loss, :one_way, :interface]
  @ended [:beam_killed, :clock]
  # Those that keep the sidecar of a node from hearing what others say: the next sidecar does not know of who has ended.
  @unhearing [:sidecar_killed | @silent]
  # Faults that explain the end of a connection, whichever end has them.
  @breaking [:address | @parted ++ @ended]

  @doc "All breaks of a run so far, and what was checked."
  @spec judge(History.t()) :: verdict()
  def judge(history) do
    verdicts =
      Enum.flat_map(history.lives, fn life ->
        [downs(history, life), ups(history, life), links(history, life)] ++
          [Lines.judge(history, life), Events.judge(life)]
      end) ++ Enum.map(history.wholes, &whole(history, &1)) ++ [Memory.judge(history.memory)]

    breaks = Enum.flat_map(verdicts, & &1.breaks)
    {starved, breaks} = Enum.split_with(breaks, &starved?(history, &1))

    %{
      breaks: Enum.sort_by(breaks, & &1.at),
      checked: verdicts |> Enum.map(& &1.checked) |> Enum.reduce(%{}, &add/2),
      starved: starved
    }
  end

  defp add(one, other), do: Map.merge(one, other, fn _key, a, b -> a + b end)

  # Of the others no machine is so slow that it does them, or their bounds have grown already.
  defp starved?(history, %{waits: waits, at: at}) do
    Enum.any?(waits, fn {of, ms} ->
      History.starved(history, at - @consequence, at + @known, of) >= ms
    end)
  end

  defp downs(history, %Life{} = life) do
    downs = for {at, {:event, {:down, peer, reason}}} <- life.entries, do: {at, peer.name, reason}

    breaks =
      for {at, name, reason} <- downs, not down?(history.troubles, life.node, name, reason, at) do
        text = "#{life.node} tells #{name} down (#{reason}), though nothing was wrong"
        sidecars = for node <- [life.node, name], do: {:sidecar, History.host(node)}
        waits = [{sidecars, @starved}, {[:harness], @all_starved}, {[:neighbors], @full}]
        %Break{invariant: :false_down, at: at, node: life.node, text: text, waits: waits}
      end

    %{breaks: breaks, checked: %{false_down: length(downs)}}
  end

  # Nobody leaves.
  defp down?(_troubles, _node, _name, :left, _at), do: false

  defp down?(troubles, node, name, reason, at) do
    since = since(troubles, node, at)

    Enum.any?(troubles, fn trouble ->
      in_force?(trouble, since, at) and
        case reason do
          :beam_exit ->
            trouble.fault in @ended and trouble.node == name

          :silent ->
            (noticed?(trouble) and silent?(trouble, node, name)) or
              unheard?(troubles, trouble, node, name, {since, at})
        end
    end)
  end

  defp silent?(%{fault: fault} = trouble, node, name),
    do:
      (fault in @silent and trouble.node == name) or
        (fault in @parted and trouble.node in [node, name])

  # That its VM has ended is said, and may be lost on the way, or there was no sidecar to hear it.
  defp unheard?(troubles, trouble, node, name, {since, at}) do
    trouble.fault in @ended and trouble.node == name and
      Enum.any?(troubles, fn other ->
        in_force?(other, since, at) and
          ((other.fault in @parted and other.node in [node, name]) or
             (other.fault in @unhearing and other.node == node))
      end)
  end

  defp noticed?(%Trouble{until: nil}), do: true
  defp noticed?(trouble), do: trouble.until - trouble.from >= @unnoticed

  defp in_force?(trouble, since, at),
    do: trouble.from <= at and (trouble.until == nil or since <= trouble.until + @settled)

  # What was told to a process that was stopped is heard when it goes on: so it may have happened since it was stopped.
  defp since(troubles, node, at) do
    stops =
      for %{fault: fault, node: ^node, from: from, until: until} <- troubles,
          fault in [:beam_stopped | @silent],
          from <= at and (until == nil or at <= until + @second),
          do: from

    Enum.min([at | stops])
  end

  defp ups(history, life) do
    ups = for {at, {:event, {:up, peer}}} <- life.entries, do: {at, peer.name}

    breaks =
      for {at, name} <- ups,
          dead?(history.troubles, name, since(history.troubles, life.node, at)) do
        text = "#{life.node} tells #{name} up, which was killed before, and not started yet"
        %Break{invariant: :false_up, at: at, node: life.node, text: text}
      end

    %{breaks: breaks, checked: %{false_up: length(ups)}}
  end

  defp dead?(troubles, name, at) do
    Enum.any?(troubles, fn trouble ->
      trouble.fault in @ended and trouble.node == name and trouble.from + @settled < at and
        (trouble.until == nil or at < trouble.until)
    end)
  end

  defp links(history, life) do
    downs = for {at, {:link, :nodedown, name}} <- life.entries, do: {at, name}

    breaks =
      for {at, name} <- downs,
          not link?(history.troubles, [life.node, name], at),
          not by_global?(history, [life.node, name], at) do
        text = "#{life.node} loses its connection to #{name}, though nothing was wrong"
        %Break{invariant: :lost_connection, at: at, node: life.node, text: text}
      end

    %{breaks: breaks, checked: %{lost_connection: length(downs)}}
  end

  defp link?(troubles, ends, at),
    do: Enum.any?(troubles, &(&1.node in ends and breaking?(&1, at)))

  # What a fault has done to a connection may show until a call over it was answered.
  defp breaking?(trouble, at) do
    trouble.fault in @breaking and trouble.from <= at and
      (trouble.whole == nil or at <= trouble.whole)
  end

  # Where one connection ends, Erlang's `global` ends others, so that no partitions overlap. It says so; and what it asks
  # of another node may come there when all are connected again.
  defp by_global?(history, [node, name], at) do
    Enum.any?(history.troubles, &(breaking?(&1, at) or breaking?(&1, at - @second))) and
      Enum.any?(history.lives, fn life ->
        life.node in [node, name] and
          Enum.any?(life.entries, fn entry ->
            match?({_, {:log, _, "'global'" <> _}}, entry) and abs(elem(entry, 0) - at) < @second
          end)
      end)
  end

  defp whole(history, %Whole{} = whole) do
    breaks =
      for {done, bound, what} <- [
            {whole.listed, whole.list_bound, "not all list all"},
            {whole.connected, whole.connect_bound, "not all are connected"}
          ],
          late?(history, whole.healed, done, bound) do
        took = if done, do: "#{div(done - whole.healed, 1000)} ms", else: "longer"

        text =
          "round #{whole.round}: #{what} within #{bound} ms, and as long as the machine starved; it took #{took}; " <>
            whole.missing

        %Break{invariant: :not_whole, at: done || whole.healed + bound * 1000, text: text}
      end

    %{breaks: breaks, checked: %{not_whole: 1}}
  end

  defp late?(_history, _healed, nil, _bound), do: true

  defp late?(history, healed, done, bound),
    do: div(done - healed, 1000) > bound + History.starved(history, healed, done)
end
