# What bin/bench runs: see there.

for file <- ~w(measure contender rows report),
    do: Code.require_file("beside/#{file}.exs", __DIR__)

alias Bench.{Contender, Report, Rows}

{options, [], []} =
  OptionParser.parse(System.argv(),
    strict: [
      row: :keep,
      quick: :boolean,
      share: :float,
      out: :string,
      list: :boolean,
      table: :string
    ]
  )

if options[:list] do
  for {name, title} <- Rows.all(), do: IO.puts("#{name}\t#{title}")
  System.halt(0)
end

# A table of samples that there are.
if from = options[:table] do
  IO.write(Report.table(Report.read(from), "(from #{from})"))
  System.halt(0)
end

names = for {name, _} <- Rows.all(), do: Atom.to_string(name)
wanted = Keyword.get_values(options, :row)

for name <- wanted,
    name not in names,
    do: raise(ArgumentError, "there is no row #{name}, but #{Enum.join(names, ", ")}")

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

emit = fn samples ->
  samples = List.wrap(samples)
  Agent.update(kept, &(Enum.reverse(samples) ++ &1))

  for %{who: who, what: what, value: value, unit: unit} = sample <- samples do
    labels = for key <- [:mode, :size, :percent, :kind, :rate], sample[key], do: " #{sample[key]}"
    value = if value, do: "#{Float.round(value / 1, 2)} #{unit}", else: "not within the flood"
    IO.puts("  #{sample.row}#{labels} #{who}, #{what}: #{value}")
  end
end

share = Keyword.get(options, :share, 1.0)
trials = fn full, few -> if quick, do: few, else: max(round(share * full), few) end

for {{name, title}, n} <- Enum.with_index(rows, 1) do
  IO.puts("#{n} of #{length(rows)}: #{name}, #{title}")
  {took, _} = :timer.tc(fn -> Rows.run(name, %{quick: quick, trials: trials, emit: emit}) end)
  IO.puts("#{name}: #{div(took, 1_000_000)} s")
  # What was measured is kept whatever happens to the next row.
  Report.write(Agent.get(kept, &Enum.reverse/1), out, machine)
end

IO.puts("\n" <> File.read!(Path.join(out, "table.md")))
