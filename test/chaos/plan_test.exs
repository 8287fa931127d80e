defmodule GossipCluster.Chaos.PlanTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Chaos.{Plan, Run}

  @ends [:sidecar_killed, :sidecar_stopped, :beam_killed, :clock]

  defp steps(seed, nodes, rounds, only \\ Plan.faults()),
    do: seed |> Plan.rounds(nodes, only) |> Enum.take(rounds)

  test "the same seed is the same schedule, and another seed another one" do
    assert steps(7, 10, 100) == steps(7, 10, 100)
    # However much of it is asked for.
    assert steps(7, 10, 20) == Enum.take(steps(7, 10, 100), 20)
    assert steps(7, 10, 20) != steps(8, 10, 20)
  end

  # A schedule that changes makes every list of seeds worthless: so this one is written down.
  test "seed 1 is what it always was" do
    assert for(steps <- steps(1, 10, 6), do: Enum.map(steps, &Plan.text/1)) == [
             ["replay for 4.8 s", "loss n3 for 8.4 s percent=8", "sidecar_killed n8"],
             ["junk for 2.6 s", "reorder n1 for 5.2 s"],
             [
               "host_stopped n9 for 6.5 s",
               "clock n4 for 1.3 s ahead=619792",
               "sidecar_stopped n5 for 5.6 s"
             ],
             ["rotation", "one_way n7 for 4.7 s way=out", "cable n9 for 13.0 s how=cable"],
             ["beam_stopped n2 for 9.6 s"],
             ["interface n9 for 4.9 s"]
           ]
  end

  test "each kind comes before any comes again" do
    count = length(Plan.faults())

    for seed <- 1..20, nodes <- [3, 6, 10] do
      faults = for steps <- steps(seed, nodes, 3 * count), %{fault: fault} <- steps, do: fault

      for hand <- faults |> Enum.chunk_every(count, count, :discard),
          do: assert(Enum.sort(hand) == Enum.sort(Plan.faults()))
    end
  end

  test "a round has a fault at least, each on a host of its own, and none that ends a process on those that are spared" do
    for seed <- 1..50, nodes <- [3, 4, 5, 6, 10], steps <- steps(seed, nodes, 40) do
      assert length(steps) in 1..3
      hosts = for %{host: host} <- steps, host != :all, do: host
      assert hosts == Enum.uniq(hosts)
      assert Enum.all?(hosts, &(&1 in 1..nodes))
      for %{fault: fault, host: host} <- steps, fault in @ends, do: assert(host > Plan.spared())
    end
  end

  test "while keys are rotated all nodes are there" do
    absent = [:beam_stopped, :host_stopped | @ends]

    rounds = for seed <- 1..50, steps <- steps(seed, 10, 40), do: Enum.map(steps, & &1.fault)
    rotations = Enum.filter(rounds, &(:rotation in &1))
    assert length(rotations) > 100
    assert Enum.any?(rotations, &(length(&1) > 1))
    for faults <- rotations, do: assert(Enum.all?(faults, &(&1 not in absent)))
  end

  test "only some kinds" do
    faults = for steps <- steps(3, 10, 30, [:cable, :junk]), %{fault: fault} <- steps, do: fault
    assert Enum.uniq(Enum.sort(faults)) == [:cable, :junk]
  end

  test "suspensions are shorter and longer than the others take to notice" do
    lasts =
      for steps <- steps(5, 10, 400), %{fault: :beam_stopped, lasts: lasts} <- steps, do: lasts

    assert Enum.any?(lasts, &(&1 < 750)) and Enum.any?(lasts, &(&1 > 2_500))
  end

  test "the arguments of bin/chaos" do
    assert {:ok,
            %{minutes: 3.0, nodes: 10, known: false, keep_going: false, only: only, seed: seed}} =
             Run.parse([])

    assert only == Plan.faults() and is_integer(seed)

    assert {:ok, %{minutes: 60.0, nodes: 4, seed: 9, only: [:cable, :loss]}} =
             Run.parse(~w(--minutes 60 --nodes 4 --seed 9 --only cable --only loss))

    for wrong <- [
          ~w(--nodes 2),
          ~w(--only fire),
          ~w(--minutes 0),
          ~w(--seed x),
          ~w(--fire),
          ~w(now)
        ],
        do: assert({:error, "" <> _why} = Run.parse(wrong))
  end

  test "the list of seeds that once failed can be read, and --help names every kind of fault" do
    assert [%{seed: 3, nodes: 10, minutes: 2.5}] =
             Run.known("# seed nodes minutes\n\n3 10 2.5  # a fault\n")

    for known <- Run.known(File.read!("test/chaos.seeds")),
        do: assert(known.nodes >= Plan.fewest())

    assert {help, 0} = System.cmd(Path.expand("bin/chaos"), ["--help"])
    for fault <- Plan.faults(), do: assert(help =~ ~r/\b#{fault}\b/)

    for {option, _type} <- Run.options(),
        do: assert(help =~ "--#{String.replace("#{option}", "_", "-")}")
  end
end
