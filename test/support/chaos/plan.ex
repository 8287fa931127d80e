defmodule GossipCluster.Chaos.Plan do
  @moduledoc """
  What bin/chaos does to a cluster, and when: drawn by a seed. Pure; the same seed, number of nodes and kinds of faults
  are the same schedule, on each machine.

      Plan.rounds(7, 10) |> Enum.take(20)

  A round is some faults at once, of which each heals; behind it all must be whole again. A host has one fault of its
  processes at a time, and one of its network; now and then both. The kinds are dealt like cards: none comes again
  before each has come.
  """

  defmodule Step do
    @moduledoc """
    A fault: `:host` has it, or all (`:all`); it begins so many milliseconds after its round, and `:lasts` so many; 0
    heals by itself. `:with` is what else was drawn.
    """
    @enforce_keys [:fault, :host, :starts, :lasts]
    defstruct [:fault, :host, :starts, :lasts, with: %{}]

    @type t :: %__MODULE__{
            fault: atom(),
            host: pos_integer() | :all,
            starts: non_neg_integer(),
            lasts: non_neg_integer(),
            with: map()
          }
  end

  # What ends or replaces a process. The first two hosts are spared these: their processes live as long as the run, and
  # tell whether memory grows.
  @ends [:sidecar_killed, :sidecar_stopped, :beam_killed, :clock]
  @spared 2
  # Nobody can be told of a new key who is not there, or does not answer.
  @absent [:sidecar_killed, :sidecar_stopped, :beam_killed, :beam_stopped, :host_stopped, :clock]
  @all [:rotation, :junk, :replay]
  @network [:cable, :loss, :one_way, :reorder, :interface, :address]
  @faults @absent ++ @network ++ @all

  @most 3
  # In one of so many cases a fault comes where there is another.
  @both 3
  @spread 2_000
  # Shorter than what others take for an end, and longer.
  @short 200..600
  @day 86_400

  @doc "All kinds of faults."
  @spec faults() :: [atom(), ...]
  def faults, do: @faults

  @doc "The fewest nodes: two that are spared, and one that is not."
  @spec fewest() :: pos_integer()
  def fewest, do: @spared + 1

  @doc "How many hosts, the first ones, keep their processes."
  @spec spared() :: pos_integer()
  def spared, do: @spared

  @doc "The rounds, without an end. `only`: of these kinds of faults alone."
  @spec rounds(integer(), pos_integer(), [atom()]) :: Enumerable.t()
  def rounds(seed, nodes, only \\ @faults) when nodes > @spared and only != [] do
    Stream.unfold({:rand.seed_s(:exsss, seed), []}, fn {rand, deck} ->
      {count, rand} = between(rand, 1..min(@most, div(nodes, 2)))
      {faults, deck, rand} = deal(count, only, deck, rand)
      hosts = %{process: Enum.to_list(1..nodes), network: Enum.to_list(1..nodes), struck: []}
      {steps, _hosts, rand} = Enum.reduce(faults, {[], hosts, rand}, &place/2)
      {Enum.sort_by(steps, &{&1.starts, &1.fault}), {rand, deck}}
    end)
  end

  # From the deck those that go together; what does not waits for the next round.
  defp deal(count, only, deck, rand) do
    {deck, rand} = if deck == [], do: shuffled(Enum.uniq(only), rand), else: {deck, rand}

    {taken, left} =
      Enum.reduce(deck, {[], []}, fn fault, {taken, left} ->
        if length(taken) < count and Enum.all?(taken, &together?(&1, fault)),
          do: {[fault | taken], left},
          else: {taken, [fault | left]}
      end)

    {Enum.reverse(taken), Enum.reverse(left), rand}
  end

  defp together?(one, other), do: not (rotates?(one, other) or rotates?(other, one))
  defp rotates?(one, other), do: one == :rotation and other in @absent

  defp place(fault, {steps, hosts, rand}) do
    {host, hosts, rand} = host(fault, hosts, rand)
    {starts, rand} = between(rand, 0..@spread)
    {lasts, with, rand} = details(fault, rand)
    step = %Step{fault: fault, host: host, starts: starts, lasts: lasts, with: with}
    {[step | steps], hosts, rand}
  end

  defp host(fault, hosts, rand) when fault in @all, do: {:all, hosts, rand}

  defp host(fault, hosts, rand) do
    kind = if fault in @network, do: :network, else: :process
    free = if fault in @ends, do: Enum.filter(hosts.process, &(&1 > @spared)), else: hosts[kind]
    {struck, others} = Enum.split_with(free, &(&1 in hosts.struck))
    {both, rand} = between(rand, 1..@both)

    {host, rand} =
      pick(if(others == [] or (both == 1 and struck != []), do: struck, else: others), rand)

    {host, %{Map.update!(hosts, kind, &(&1 -- [host])) | struck: [host | hosts.struck]}, rand}
  end

  defp details(:sidecar_killed, rand), do: {0, %{}, rand}
  defp details(:address, rand), do: {0, %{}, rand}
  defp details(:rotation, rand), do: {0, %{}, rand}
  defp details(:sidecar_stopped, rand), do: lasting(rand, [@short, 1_500..7_000])
  defp details(:beam_stopped, rand), do: lasting(rand, [@short, 3_000..10_000])
  defp details(:host_stopped, rand), do: lasting(rand, [@short, 3_000..9_000])
  defp details(:beam_killed, rand), do: lasting(rand, [200..5_000])

  defp details(:cable, rand) do
    {how, rand} = pick([:cable, :silent], rand)
    lasting(rand, [@short, 3_000..15_000], %{how: how})
  end

  defp details(:loss, rand) do
    {percent, rand} = between(rand, 5..30)
    lasting(rand, [4_000..10_000], %{percent: percent})
  end

  defp details(:one_way, rand) do
    {way, rand} = pick([:in, :out], rand)
    lasting(rand, [3_000..8_000], %{way: way})
  end

  defp details(:reorder, rand), do: lasting(rand, [3_000..8_000])
  defp details(:interface, rand), do: lasting(rand, [500..5_000])
  defp details(fault, rand) when fault in [:junk, :replay], do: lasting(rand, [2_000..5_000])

  # Seconds that the clock of the next life is ahead: it may go back, too, since the life before may have had more.
  defp details(:clock, rand) do
    {ahead, rand} = between(rand, 0..(30 * @day))
    lasting(rand, [200..2_000], %{ahead: ahead})
  end

  defp lasting(rand, ranges, with \\ %{}) do
    {range, rand} = pick(ranges, rand)
    {lasts, rand} = between(rand, range)
    {lasts, with, rand}
  end

  defp between(rand, first..last//1) do
    {n, rand} = :rand.uniform_s(last - first + 1, rand)
    {first + n - 1, rand}
  end

  defp pick(list, rand) do
    {n, rand} = between(rand, 0..(length(list) - 1))
    {Enum.at(list, n), rand}
  end

  defp shuffled(list, rand) do
    {keyed, rand} = Enum.map_reduce(list, rand, &keyed/2)
    {keyed |> Enum.sort() |> Enum.map(&elem(&1, 1)), rand}
  end

  defp keyed(item, rand) do
    {key, rand} = :rand.uniform_s(rand)
    {{key, item}, rand}
  end

  @doc "A step, for people."
  @spec text(Step.t()) :: String.t()
  def text(%Step{} = step) do
    who = if step.host == :all, do: "", else: " n#{step.host}"
    lasts = if step.lasts > 0, do: " for #{seconds(step.lasts)} s", else: ""
    more = for {key, value} <- step.with, do: " #{key}=#{value}"
    "#{step.fault}#{who}#{lasts}#{more}"
  end

  defp seconds(ms), do: :erlang.float_to_binary(ms / 1000, decimals: 1)
end
