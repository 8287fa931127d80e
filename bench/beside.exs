# What bin/bench runs: see there.

for file <- ~w(progress measure contender starts cuts costs floods rows report),
    do: Code.require_file("beside/#{file}.exs", __DIR__)

alias Bench.{Contender, Progress, Report, Rows}

refuse = fn why ->
  IO.puts(:stderr, "bin/bench: #{why} (bin/bench --help)")
  System.halt(2)
end

{options, rest, invalid} =
  OptionParser.parse(System.argv(),
    strict: [
      readme: :boolean,
      row: :keep,
      quick: :boolean,
      share: :float,
      out: :string,
      list: :boolean,
      samples: :keep
    ]
  )

for {option, _value} <- invalid, do: refuse.("#{option} is no option, or has a wrong value")
for argument <- rest, do: refuse.("#{argument} is no option")

if options[:list] do
  for {name, title} <- Rows.all(), do: IO.puts("#{name}\t#{title}")
  System.halt(0)
end

# The outcome of samples that there are, such as those of rows that were measured one at a time.
if (files = Keyword.get_values(options, :samples)) != [] do
  out = Keyword.get(options, :out, "bench/results")
  machine = files |> hd() |> Path.dirname() |> Path.join("machine.txt") |> File.read!()
  Report.write(Enum.flat_map(files, &Report.read/1), out, String.trim(machine))
  if options[:readme], do: Report.show_all(out)
  System.halt(0)
end

names = for {name, _} <- Rows.all(), do: Atom.to_string(name)
wanted = Keyword.get_values(options, :row)

for name <- wanted,
    name not in names,
    do: refuse.("there is no row #{name}, but #{Enum.join(names, ", ")}")

rows =
  for {name, title} <- Rows.all(),
      wanted == [] or Atom.to_string(name) in wanted,
      do: {name, title}

quick = Keyword.get(options, :quick, false)
out = Keyword.get(options, :out, if(quick, do: "bench/results/quick", else: "bench/results"))

if Contender.libcluster() == nil,
  do: IO.puts("LIBCLUSTER_EBIN names no compiled libcluster: it is left out")

if System.find_executable("serf") == nil, do: IO.puts("serf is not installed: it is left out")
machine = Report.machine()
IO.puts(machine)
{:ok, kept} = Agent.start_link(fn -> [] end)

emit = fn progress, samples ->
  # As they are read back.
  samples =
    for sample <- List.wrap(samples) do
      if sample[:mode], do: %{sample | mode: Atom.to_string(sample.mode)}, else: sample
    end

  Agent.update(kept, &(Enum.reverse(samples) ++ &1))

  lines =
    for %{who: who, what: what, value: value, unit: unit} = sample <- samples do
      labels =
        for key <- [:mode, :size, :percent, :kind, :rate], sample[key], do: " #{sample[key]}"

      value = if value, do: "#{Float.round(value / 1, 2)} #{unit}", else: "not within the flood"
      "  #{sample.row}#{labels} #{who}, #{what}: #{value}"
    end

  Progress.step(progress, lines)
end

share = Keyword.get(options, :share, 1.0)
trials = fn full, few -> if quick, do: few, else: max(round(share * full), few) end

for {{name, title}, n} <- Enum.with_index(rows, 1) do
  IO.puts("#{n} of #{length(rows)}: #{name}, #{title}")
  progress = Progress.start()

  Rows.run(name, %{
    quick: quick,
    trials: trials,
    steps: &Progress.total(progress, &1),
    emit: &emit.(progress, &1)
  })

  IO.puts("#{name}: #{Progress.stop(progress)} s")
  # What was measured is kept whatever happens to the next row.
  Report.write(Agent.get(kept, &Enum.reverse/1), out, machine)
end

IO.puts("\n" <> File.read!(Path.join(out, "table.md")))

if options[:readme], do: Report.show_all(out)
