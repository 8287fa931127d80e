defmodule GossipCluster.Chaos.Run do
  @moduledoc """
  A run of bin/chaos: does what `GossipCluster.Chaos.Plan` has drawn, waits until all are whole again, and has
  `GossipCluster.Chaos.Judge` judge what was seen.
  """

  alias GossipCluster.Chaos.{Faults, Gauge, History, Judge, Plan, Story, Witness}
  alias GossipCluster.Chaos.History.Whole
  alias GossipCluster.Lab
  alias GossipCluster.Lab.Node

  @known Path.expand("../../chaos.seeds", __DIR__)

  # Behind the last heal all list all within this time: a beat (T), the pages of a roster, and what verdicts of the last
  # moment need to be refuted.
  @list_bound 6_000
  # All are connected within that time, and as long as the longest fault: TCP, which doubles the time between two tries,
  # may find out so late that the way is there again.
  @connect_bound 10_000
  # Who is not whole by then will not be.
  @hopeless 60_000
  @look 200
  @told 3
  # Nothing is done for so long when all are whole, so that what a fault left behind can show.
  @calm 2_000

  @options [
    minutes: :float,
    seed: :integer,
    nodes: :integer,
    only: :keep,
    known: :boolean,
    keep_going: :boolean
  ]

  @doc "The options of bin/chaos, as OptionParser takes them."
  @spec options() :: keyword(atom())
  def options, do: @options

  @doc "Runs bin/chaos with these arguments. Its exit status: 0, 1 (something was broken), or 2 (they are wrong)."
  @spec main([String.t()]) :: 0 | 1 | 2
  def main(arguments) do
    Process.flag(:trap_exit, true)
    Logger.configure(level: :none)

    case parse(arguments) do
      {:ok, options} ->
        # What once failed did so with all kinds of faults.
        known = if options.known, do: known(File.read!(@known)), else: []

        runs =
          for(run <- known, do: Map.merge(%{options | only: Plan.faults()}, run)) ++ [options]

        runs |> Enum.map(&run/1) |> Enum.max()

      {:error, why} ->
        IO.puts(:stderr, "bin/chaos: #{why} (bin/chaos --help)")
        2
    end
  end

  @doc "What the arguments ask for, or what is wrong with them."
  @spec parse([String.t()]) :: {:ok, map()} | {:error, String.t()}
  def parse(arguments) do
    {given, rest, invalid} = OptionParser.parse(arguments, strict: @options)
    only = Keyword.get_values(given, :only)
    faults = Map.new(Plan.faults(), &{Atom.to_string(&1), &1})

    options = %{
      minutes: Keyword.get(given, :minutes, 3.0),
      seed: Keyword.get_lazy(given, :seed, fn -> :rand.uniform(999_999) end),
      nodes: Keyword.get(given, :nodes, 10),
      only: if(only == [], do: Plan.faults(), else: Enum.map(only, &faults[&1])),
      known: Keyword.get(given, :known, false),
      keep_going: Keyword.get(given, :keep_going, false)
    }

    cond do
      invalid != [] -> {:error, "what is #{invalid |> hd() |> elem(0)}?"}
      rest != [] -> {:error, "what is #{hd(rest)}?"}
      nil in options.only -> {:error, "--only takes one of #{Enum.join(Plan.faults(), ", ")}"}
      options.nodes not in Plan.fewest()..99 -> {:error, "--nodes takes #{Plan.fewest()} to 99"}
      options.minutes <= 0 -> {:error, "--minutes takes a number above 0"}
      true -> {:ok, options}
    end
  end

  @doc "Seeds that once failed: lines of seed, nodes, minutes, and behind a # what it was."
  @spec known(String.t()) :: [%{seed: integer(), nodes: pos_integer(), minutes: float()}]
  def known(text) do
    for line <- String.split(text, "\n"),
        line = line |> String.split("#") |> hd() |> String.trim(),
        line != "" do
      [seed, nodes, minutes] = String.split(line)
      {minutes, ""} = Float.parse(minutes)
      %{seed: String.to_integer(seed), nodes: String.to_integer(nodes), minutes: minutes}
    end
  end

  defp run(options) do
    IO.puts("bin/chaos: seed #{options.seed}, #{options.nodes} nodes, #{options.minutes} min")
    {:ok, gauge} = Gauge.start_link()
    world = Faults.start(options.nodes)

    state = %{
      options: options,
      world: world,
      start: Lab.clock(),
      round: 0,
      history: %History{},
      done: %{},
      reported: MapSet.new()
    }

    try do
      for {fault, why} <- Faults.lacks(world.means),
          do: IO.puts("bin/chaos: no #{fault}, since there is #{why}")

      if world.means.reorder == :htb,
        do: IO.puts("bin/chaos: packets are reordered by HTB, for there is no netem")

      state |> first() |> rounds() |> summary()
    catch
      kind, reason ->
        IO.puts(
          "bin/chaos: seed #{options.seed}: the run itself failed: " <>
            Exception.format(kind, reason, __STACKTRACE__)
        )

        1
    after
      Lab.remove(world.lab)
      GenServer.stop(gauge)
    end
  end

  # The meeting is judged like the end of a round.
  defp first(state), do: behind(state, [], [])

  defp rounds(state) do
    lacking = Keyword.keys(Faults.lacks(state.world.means))
    until = state.start + round(state.options.minutes * 60_000_000)

    state.options.seed
    |> Plan.rounds(state.options.nodes, state.options.only)
    |> Enum.reduce_while(state, fn steps, state ->
      cond do
        Lab.clock() >= until -> {:halt, state}
        over?(state) -> {:halt, state}
        true -> {:cont, round(state, Enum.reject(steps, &(&1.fault in lacking)))}
      end
    end)
  end

  defp over?(state), do: MapSet.size(state.reported) > 0 and not state.options.keep_going

  defp round(state, steps) do
    state = %{state | round: state.round + 1}
    since = Lab.clock()

    {state, open, tasks} =
      steps
      |> Enum.flat_map(&[{&1.starts, :begins, &1}, {&1.starts + &1.lasts, :heals, &1}])
      |> Enum.sort_by(&elem(&1, 0))
      |> Enum.reduce({state, %{}, []}, fn {after_ms, what, step}, {state, open, tasks} ->
        # It is the schedule that says when.
        Process.sleep(max(0, after_ms - div(Lab.clock() - since, 1000)))
        act(what, step, state, open, tasks)
      end)

    behind(state, Map.values(open), tasks)
  end

  defp act(:begins, step, state, open, tasks) do
    say(state, Plan.text(step))
    {world, trouble, heal} = Faults.begin(state.world, step)
    done = Map.update(state.done, step.fault, 1, &(&1 + 1))
    {%{state | world: world, done: done}, Map.put(open, step.fault, {trouble, heal}), tasks}
  end

  defp act(:heals, step, state, open, tasks) do
    {trouble, heal} = Map.fetch!(open, step.fault)
    if step.lasts > 0, do: say(state, "#{step.fault} is over")
    before = Lab.clock()
    {world, task} = heal.(state.world)

    until =
      cond do
        task == nil -> Lab.clock()
        # The old life of a node that starts anew has ended here.
        step.fault in [:beam_killed, :clock] -> before
        # It goes on with its task.
        true -> nil
      end

    trouble = %{trouble | until: until}
    {%{state | world: world}, Map.put(open, step.fault, {trouble, nil}), List.wrap(task) ++ tasks}
  end

  # All has healed: when are they whole?
  defp behind(state, troubles, tasks) do
    world = tasks |> Task.await_many(150_000) |> Enum.reduce(state.world, & &1.(&2))
    healed = Lab.clock()
    troubles = for {trouble, _} <- troubles, do: %{trouble | until: trouble.until || healed}
    longest = troubles |> Enum.map(&div(&1.until - &1.from, 1000)) |> Enum.max(fn -> 0 end)

    whole =
      until_whole(world, %Whole{
        round: state.round,
        healed: healed,
        list_bound: @list_bound,
        connect_bound: @connect_bound + longest
      })

    troubles = Enum.map(troubles, &%{&1 | whole: whole.connected})
    say(state, whole_text(whole))
    Process.sleep(@calm)
    watch(looks(world, record: true))
    # What was shown last must be told a moment later.
    Process.sleep(@calm)

    %{state | world: Faults.collect(world)}
    |> remember(whole, troubles)
    |> report()
  end

  defp whole_text(%{connected: nil} = whole), do: "NOT WHOLE: #{whole.missing}"

  defp whole_text(whole) do
    [listed, connected] =
      for at <- [whole.listed, whole.connected], do: div(at - whole.healed, 1000)

    "whole: listed after #{listed} ms, connected after #{connected} ms"
  end

  defp until_whole(world, whole) do
    seen = looks(world, [])
    watch(seen)
    unlisted = missing(seen, &listed?/2)

    whole =
      if unlisted == [] and whole.listed == nil, do: %{whole | listed: Lab.clock()}, else: whole

    unconnected = if unlisted == [], do: unconnected(world, seen), else: []
    missing = unlisted ++ unconnected

    cond do
      missing == [] ->
        %{whole | connected: Lab.clock()}

      div(Lab.clock() - whole.healed, 1000) > @hopeless ->
        lacking(whole, missing)

      true ->
        Process.sleep(@look)
        until_whole(world, lacking(whole, missing))
    end
  end

  # What the last look found that was not whole.
  defp lacking(whole, missing) do
    ms = div(Lab.clock() - whole.healed, 1000)
    %{whole | missing: "after #{ms} ms: " <> (missing |> Enum.take(12) |> Enum.join("; "))}
  end

  defp looks(world, options) do
    world.nodes
    |> Task.async_stream(
      fn {host, node} -> {host, Node.call(node, Witness, :look, [options])} end,
      max_concurrency: 4,
      timeout: 90_000
    )
    |> Map.new(fn {:ok, {host, look}} ->
      {host, Map.put(look, :beam, world.nodes[host].os_pid)}
    end)
  end

  defp watch(seen) do
    Gauge.watch(
      Enum.flat_map(seen, fn {host, look} ->
        [
          {:beam, host, look.beam}
          | if(look.sidecar, do: [{:sidecar, host, look.sidecar}], else: [])
        ]
      end)
    )
  end

  defp listed(look), do: Enum.map(look.peers, & &1.name)

  # What each lacks of the others.
  defp missing(seen, good?) do
    names = for {host, _look} <- seen, do: History.name(host)

    for {host, look} <- Enum.sort(seen),
        name = History.name(host),
        others = names -- [name],
        text <- lacks(look, others, good?),
        do: "#{name} #{text}"
  end

  defp lacks(%{sidecar: nil}, _others, _good?), do: ["has no sidecar"]

  defp lacks(look, others, good?) do
    for(other <- others, not good?.(look, other), do: "lacks #{other}") ++
      for(extra <- listed(look) -- others, do: "lists #{extra}")
  end

  defp listed?(look, other),
    do: Enum.any?(look.peers, &(&1.name == other and &1.status == :alive))

  defp unconnected(world, seen) do
    case missing(seen, &connected?/2) do
      [] -> unreached(world)
      missing -> missing
    end
  end

  defp connected?(look, other) do
    other in look.connected and
      Enum.any?(look.peers, &(&1.name == other and &1.connection == :connected))
  end

  # A connection that is there may be dead.
  defp unreached(world) do
    names = for {host, _node} <- world.nodes, do: History.name(host)

    world.nodes
    |> Task.async_stream(
      fn {host, node} ->
        name = History.name(host)
        others = names -- [name]

        for other <- others -- Node.call(node, Witness, :reached, [others]),
            do: "#{name} gets no answer of #{other}"
      end,
      max_concurrency: 4,
      timeout: 90_000
    )
    |> Enum.flat_map(fn {:ok, missing} -> missing end)
  end

  defp remember(state, whole, troubles) do
    measured = Gauge.read()

    history = %{
      state.history
      | troubles: state.history.troubles ++ troubles,
        wholes: state.history.wholes ++ [whole],
        rounds: state.world.rounds,
        lives: Enum.map(state.world.lives, & &1.life),
        starved: measured.starved,
        memory: measured.memory
    }

    %{state | history: history}
  end

  # What one fault breaks is often broken on many nodes: the first of a round are told in full.
  defp report(state) do
    new = Enum.reject(Judge.judge(state.history).breaks, &(&1 in state.reported))

    for {break, n} <- Enum.with_index(new) do
      say(state, "BROKEN #{break.invariant} (seed #{state.options.seed}): #{break.text}")

      if n < @told do
        IO.puts("at #{String.trim(Story.time(break.at, state.start))} s; what they went through:")
        IO.puts(Story.of(state.history, "#{break.node} #{break.text}", break.at, state.start))
      end
    end

    %{state | reported: MapSet.union(state.reported, MapSet.new(new))}
  end

  defp summary(state) do
    verdict = Judge.judge(state.history)
    wholes = Enum.filter(state.history.wholes, & &1.connected)

    took =
      &(wholes
        |> Enum.map(fn whole -> div(Map.fetch!(whole, &1) - whole.healed, 1000) end)
        |> Enum.sort())

    minutes = Float.round((Lab.clock() - state.start) / 60_000_000, 1)

    IO.puts(
      "\nbin/chaos: seed #{state.options.seed}, #{state.options.nodes} nodes, #{minutes} min, #{state.round} rounds"
    )

    IO.puts("faults: " <> counts(state.done))
    IO.puts("checked: " <> counts(verdict.checked))

    IO.puts(
      "whole again: listed #{spread(took.(:listed))}, connected #{spread(took.(:connected))}"
    )

    for {{kind, host, _pid}, slope, _last} <- Judge.Memory.slopes(state.history.memory),
        do: IO.puts("memory: the #{kind} of n#{host} #{Float.round(slope * 1.0, 3)} KB/s")

    starved = &History.starved(state.history, state.start, Lab.clock(), &1)

    IO.puts(
      "starved: #{starved.(:all)} ms of one at most; the table of neighbors was full for #{starved.([:neighbors])} ms; " <>
        "not judged for that: #{length(verdict.starved)}"
    )

    for break <- verdict.starved,
        do: IO.puts("  not judged: #{Story.time(break.at, state.start)}  #{break.text}")

    IO.puts("broken: #{MapSet.size(state.reported)}")
    if MapSet.size(state.reported) == 0, do: 0, else: 1
  end

  defp counts(map),
    do: Enum.map_join(Enum.sort(map), ", ", fn {key, count} -> "#{key} #{count}" end)

  defp spread([]), do: "never"

  defp spread(times),
    do: "median #{Enum.at(times, div(length(times), 2))} ms, at most #{List.last(times)} ms"

  defp say(state, text),
    do: IO.puts("#{Story.time(Lab.clock(), state.start)}  #{state.round}  #{text}")
end
