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
             ["replay for 2.0 s", "loss n3 for 8.0 s percent=6", "sidecar_killed n9"],
             ["reorder n8 for 4.7 s", "junk for 4.3 s"],
             ["host_stopped n7 for 0.3 s", "clock n8 for 0.3 s ahead=900732"],
             ["rotation", "one_way n6 for 4.0 s way=in", "cable n4 for 8.9 s how=silent"],
             [
               "interface n6 for 5.0 s",
               "beam_stopped n9 for 8.0 s",
               "sidecar_stopped n4 for 0.6 s"
             ],
             ["address n2", "beam_killed n6 for 2.8 s"]
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

  @network [:cable, :loss, :one_way, :reorder, :interface, :address]

  test "a round has a fault, a host one of its processes and one of its network; and two hosts keep their processes" do
    rounds =
      for seed <- 1..50,
          nodes <- [3, 4, 5, 6, 10],
          steps <- steps(seed, nodes, 40),
          do: {nodes, steps}

    for {nodes, steps} <- rounds do
      assert length(steps) in 1..3

      for {_kind, steps} <-
            steps |> Enum.filter(&(&1.host != :all)) |> Enum.group_by(&(&1.fault in @network)) do
        hosts = Enum.map(steps, & &1.host)
        assert hosts == Enum.uniq(hosts)
        assert Enum.all?(hosts, &(&1 in 1..nodes))
      end

      for %{fault: fault, host: host} <- steps, fault in @ends, do: assert(host > Plan.spared())
    end

    # Both at once come, too.
    assert Enum.count(rounds, fn {_nodes, steps} ->
             hosts = for %{host: host} <- steps, host != :all, do: host
             hosts != Enum.uniq(hosts)
           end) > 100
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
