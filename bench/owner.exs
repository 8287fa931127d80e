# What the owner process pays for many peers, in reductions a peer: these must not grow with their number. And its
# longest step, in milliseconds, with what of it was spent collecting memory: while it takes one, it dials nobody and
# pulses not.
#
#   MIX_ENV=test mix run bench/owner.exs [SAMPLES]      on a quiet machine; in a network namespace, as it starts a node
#
# Bounds: from 256 to 4,096 peers within 20 %; no step above 20 ms. A step is told by the clock on the wall, so what
# else the machine does counts. The longest are collections of the owner's memory, which copy all that it holds: hence
# the words of memory a peer, and those that one step has copied, which no load of the machine changes. It fails where a
# bound is broken.

alias GossipCluster.Lab.Figures
alias GossipCluster.OwnerLoad

Logger.configure(level: :error)
samples = Figures.samples(3)
sizes = [256, 1_024, 4_096]
{:ok, _} = :net_kernel.start(:"own@127.0.0.1", %{name_domain: :longnames, dist_listen: false})

dir = Path.join(System.tmp_dir!(), "gossip-owner-bench-#{System.pid()}")
File.mkdir_p!(dir)
sidecar = Path.join(dir, "gossipd")
File.write!(sidecar, "#!/bin/sh\nexec cat >/dev/null\n")
File.chmod!(sidecar, 0o755)

run = fn count, awaited ->
  load = OwnerLoad.start(count, sidecar)
  waiting = if awaited, do: OwnerLoad.await(load)

  rows = [
    snapshot: OwnerLoad.snapshot(load),
    update: OwnerLoad.update(load),
    down: OwnerLoad.down_half(load),
    again: OwnerLoad.snapshot(load),
    vanish: OwnerLoad.vanish_half(load),
    back: OwnerLoad.snapshot(load),
    connect: OwnerLoad.connect_all(load),
    part: OwnerLoad.vanish_half(load)
  ]

  rows = if awaited, do: rows, else: rows ++ [leave: OwnerLoad.leave(load)]

  if waiting do
    Process.unlink(waiting)
    Process.exit(waiting, :kill)
  end

  OwnerLoad.stop(load)
  rows
end

# The owner crashes, and the next one restores its peers; somebody awaits meanwhile. In a cluster of its own.
restart = fn count, awaited ->
  load = OwnerLoad.start(count, sidecar)
  OwnerLoad.snapshot(load)
  {restart, load} = OwnerLoad.restart(load, awaited)
  rows = [restart: restart, confirm: OwnerLoad.snapshot(load)]
  OwnerLoad.stop(load)
  rows
end

# Clusters of their own, for this collects all memory, and the others are measured as they are found.
words = fn count, also ->
  load = OwnerLoad.start(count, sidecar)
  OwnerLoad.snapshot(load)
  also.(load)
  words = OwnerLoad.words(load)
  OwnerLoad.stop(load)
  words
end

# The first loads code.
run.(64, false)
restart.(64, true)

for {what, also} <- [
      "that waits": fn _load -> :ok end,
      "that is connected": &OwnerLoad.connect_all/1
    ] do
  words = Enum.map_join(sizes, ", ", &"#{Float.round(words.(&1, also), 1)} with #{&1}")
  IO.puts("words of memory a peer #{what}: #{words}")
end

{bad, worst} =
  for awaited <- [false, true], reduce: {[], %{longest: 0, copied: 0}} do
    {bad, worst} ->
      IO.puts("\n#{if awaited, do: "with an await pending", else: "nobody awaits"}")
      IO.puts("            " <> Enum.map_join(sizes, &String.pad_leading("N = #{&1}", 26)))

      results =
        for size <- sizes do
          runs = for _ <- 1..samples, do: run.(size, awaited) ++ restart.(size, awaited)

          for key <- Keyword.keys(hd(runs)) do
            of = Enum.map(runs, & &1[key])

            median = fn field -> Enum.at(Enum.sort_by(of, & &1[field]), div(samples, 2)) end

            {key,
             %{
               reductions: median.(:reductions).reductions,
               longest: median.(:longest).longest,
               collecting: median.(:longest).collecting,
               copied: of |> Enum.map(& &1.copied) |> Enum.max(),
               milliseconds: median.(:milliseconds).milliseconds
             }}
          end
        end

      for key <- Keyword.keys(hd(results)), reduce: {bad, worst} do
        {bad, worst} ->
          cells = Enum.map(results, & &1[key])

          row =
            Enum.map_join(cells, fn cell ->
              "#{round(cell.reductions)} red, #{Float.round(cell.longest, 1)} ms, #{round(cell.milliseconds)} ms"
              |> String.pad_leading(26)
            end)

          IO.puts(String.pad_trailing("#{key}", 12) <> row)
          growth = List.last(cells).reductions / hd(cells).reductions
          long = List.last(cells).longest
          step = Map.put(List.last(cells), :of, key)

          bad =
            if growth > 1.2,
              do: ["#{key}: reductions grow by #{Float.round(growth, 2)}" | bad],
              else: bad

          bad =
            if long > 20,
              do: ["#{key}: a step takes #{Float.round(long, 1)} ms" | bad],
              else: bad

          copied = max(worst.copied, step.copied)
          {bad, %{Enum.max_by([worst, step], & &1.longest) | copied: copied}}
      end
  end

IO.puts(
  "\nthe longest step with #{List.last(sizes)} peers: #{Float.round(worst.longest, 1)} ms (#{worst.of}), of which " <>
    "#{Float.round(worst.collecting, 1)} ms collected memory; the most words that one has copied: #{worst.copied}"
)

File.rm_rf!(dir)

if bad == [] do
  IO.puts("\nwithin the bounds")
else
  IO.puts("\nNOT within the bounds:\n" <> Enum.join(bad, "\n"))
  System.halt(1)
end
