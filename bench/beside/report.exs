defmodule Bench.Report do
  @moduledoc """
  What came of it: the samples as JSON lines, one table in Markdown, ratios first, with the bounds that are promised and
  whether they hold; and plots.
  """

  import GossipCluster.Lab.Figures, only: [median: 1, quantile: 2]

  alias GossipCluster.Json

  # Who is compared with in the first place.
  @yardsticks ["libcluster", "naive"]

  @doc "Writes all files of these samples into a folder."
  def write(samples, dir, machine) do
    File.mkdir_p!(dir)

    File.write!(
      Path.join(dir, "samples.jsonl"),
      Enum.map(samples, &[Json.encode(rounded(&1)), ?\n])
    )

    File.write!(Path.join(dir, "machine.txt"), machine <> "\n")
    File.write!(Path.join(dir, "table.md"), table(samples, machine))
    File.write!(Path.join(dir, "summary.md"), summary(samples, machine))
    File.write!(Path.join(dir, "short.md"), summary(samples, machine, true))
    plots(samples, dir)
    :ok
  end

  @doc "What machine this is: a line."
  def machine do
    cpu = Regex.run(~r/^model name\s*:\s*(.*)$/m, File.read!("/proc/cpuinfo"))
    {kernel, 0} = System.cmd("uname", ["-sr"])
    [kernel | _] = String.split(kernel, "-")
    [load | _] = "/proc/loadavg" |> File.read!() |> String.split()

    "#{System.schedulers_online()} processors (#{if cpu, do: Enum.at(cpu, 1), else: "unknown"}), " <>
      "#{String.trim(kernel)}, Erlang/OTP #{System.otp_release()}, Elixir #{System.version()}; " <>
      "load average at the start: #{load}; #{Date.utc_today()}"
  end

  @doc "Reads samples back, as they were written."
  def read(path) do
    for line <- File.stream!(path), {:ok, sample} = Json.decode(line) do
      sample
      |> Map.new(fn {key, value} -> {String.to_atom(key), value} end)
      |> Map.update!(:row, &String.to_atom/1)
    end
  end

  defp rounded(sample) do
    for {key, value} <- sample,
        into: %{},
        do: {key, if(is_float(value), do: Float.round(value, 3), else: value)}
  end

  @doc "The table, in Markdown."
  def table(samples, machine) do
    lines =
      for {row, title} <- Bench.Rows.all(),
          of = of(samples, row: row),
          of != [],
          do: section(row, title, of, samples)

    """
    <!-- Made by bin/bench. -->

    #{machine}

    | What | Who | Median | of libcluster | of naive | p90 | max | n | Bound |
    |---|---|---|---|---|---|---|---|---|
    #{lines}
    """
    |> String.trim_trailing()
    |> Kernel.<>("\n")
  end

  # A line each: who stands in which column is said by `@columns`.
  # libcluster and the naive mechanism have stock epmd, so `key` with it stands beside them.
  @columns ["key", "key, stock epmd", "cookie", "libcluster", "naive", "Serf"]
  @lines [
    {"start to NODEUP", row: :start, mode: "interactive"},
    {"the same in a release", row: :start, mode: "release"},
    {"the same, a busy loop on each core", row: :busy},
    {"10 % of all packets lost: NODEUP", row: :loss, percent: 10, what: "NODEUP"},
    {"30 % lost: NODEUP", row: :loss, percent: 30, what: "NODEUP"},
    {"30 % lost: told `up`", row: :loss, percent: 30, what: "told `up`"},
    {"12 start at once: full mesh", row: :mesh, size: 12, what: "mesh"},
    {"20 start at once: full mesh", row: :mesh, size: 20, what: "mesh"},
    {"processor time of a start of 12: VM", row: :mesh, size: 12, what: "VM"},
    {"a cable is cut: known", row: :cut},
    {"among 1,000: sidecar", row: :crowd, size: 1_000, what: "sidecar"},
    {"among 1,000: its memory", row: :crowd, size: 1_000, what: "memory"},
    {"among 100: its memory", row: :crowd, size: 100, what: "memory"},
    {"among 1,000: the VM's reductions above one alone",
     row: :crowd, size: 1_000, what: "reductions while steady, above alone"},
    {"among 1,000: messages of members to the owner",
     row: :crowd, size: 1_000, what: "owner's messages of members"},
    {"junk, 150,000/s: sidecar", row: :flood, kind: "junk", rate: 150_000, what: "sidecar"},
    {"junk, 150,000/s: VM", row: :flood, kind: "junk", rate: 150_000, what: "VM"},
    {"junk, 150,000/s: a newcomer", row: :flood, kind: "junk", rate: 150_000, what: "newcomer"},
    {"forged, 100,000/s: sidecar", row: :flood, kind: "forged", rate: 100_000, what: "sidecar"},
    {"forged, 100,000/s: VM", row: :flood, kind: "forged", rate: 100_000, what: "VM"},
    {"forged, 150,000/s: a newcomer",
     row: :flood, kind: "forged", rate: 150_000, what: "newcomer"},
    {"forged: suspect, or gone", row: :flood, kind: "forged", what: "doubts"},
    {"recorded, 100,000/s: sidecar",
     row: :flood, kind: "recorded", rate: 100_000, what: "sidecar"},
    {"recorded, 100,000/s: VM", row: :flood, kind: "recorded", rate: 100_000, what: "VM"},
    {"recorded, 150,000/s: a newcomer",
     row: :flood, kind: "recorded", rate: 150_000, what: "newcomer"},
    {"recorded: suspect, or gone", row: :flood, kind: "recorded", what: "doubts"},
    {"idle: wake-ups", row: :idle, what: "wake-ups"},
    {"a steady beat: instructions", row: :beat, what: "instructions"},
    {"beats by one core", row: :beat, what: "beats by one core"}
  ]

  # Those that the README has room for; and each that is missed, with why.
  @shown [
    "start to NODEUP",
    "30 % lost: NODEUP",
    "12 start at once: full mesh",
    "a cable is cut: known",
    "among 1,000: sidecar",
    "junk, 150,000/s: sidecar",
    "recorded, 100,000/s: VM",
    "idle: wake-ups"
  ]

  @columns_mean "\n`key` and `cookie` are this project with such a secret; libcluster and naive have stock epmd."

  @why [
    {[row: :start, mode: "interactive"],
     "*starts*: most of the time is the loading of code; a cookie is stretched besides, as each guess at it is"},
    {[row: :start, mode: "release"],
     "*in a release*: a sidecar is started, and waits for a sealed answer; half of libcluster's is less than naive takes"},
    {[row: :busy], "*with a busy loop on each core*: all of that waits for its turns"},
    {[row: :mesh],
     "*meshes*: all VMs share the processors, so it is the processor time of a start that counts"},
    {[row: :crowd, what: "sidecar"],
     "*the sidecar*: in the first minute after all are listed it takes more; then it holds"},
    {[row: :crowd, what: "memory"],
     "*memory*: most of it are pages of libc and of the program, which processes share"}
  ]

  @doc "The same lines, all or those for the README: medians, and whether what is promised of `key` and `cookie` holds."
  def summary(samples, machine, short \\ false) do
    lines =
      for {title, labels} <- @lines,
          own = of(samples, labels),
          own != [],
          promises = promises(labels, own, samples),
          not short or title in @shown or missed?(promises) do
        cells = for who <- @columns, do: cell(of(own, who: who))
        "| #{title} | #{Enum.join(cells, " | ")} | #{promises} |\n"
      end

    """
    Medians of one run#{if short, do: " of `bin/bench`", else: ", by turns,"} on
    #{broken(machine)}.#{if short, do: @columns_mean, else: ""}

    | | #{Enum.join(@columns, " | ")} | Bound |
    |---|#{String.duplicate("---|", length(@columns))}---|
    #{lines}
    """
    |> String.trim_trailing()
    |> Kernel.<>("\n")
    |> Kernel.<>(if short, do: whys(samples), else: "")
  end

  defp missed?(promises), do: promises =~ "**missed**"

  defp whys(samples) do
    missed =
      for {_title, labels} <- @lines,
          missed?(promises(labels, of(samples, labels), samples)),
          do: labels

    whys = for {of, why} <- @why, Enum.any?(missed, &(of -- &1 == [])), do: why
    if whys == [], do: "", else: "\nMissed are:\n\n#{for why <- whys, do: "- #{why}\n"}"
  end

  defp broken(machine), do: String.replace(machine, "; ", ";\n", global: false)

  defp cell([]), do: ""

  defp cell(own) do
    case values(own) do
      [] -> "never"
      values -> shown(median(values), hd(own))
    end
  end

  defp promises(labels, own, samples) do
    for who <- ["key", "cookie"], [first | _] = theirs <- [of(own, who: who)], reduce: "" do
      text ->
        labelled = Map.take(first, [:mode, :percent, :size, :kind, :rate, :what, :unit])

        case bound(labels[:row], labelled, who, theirs, samples) do
          "" -> text
          said -> Enum.join(List.delete([text, "#{who}: #{said}"], ""), "; ")
        end
    end
  end

  @doc "Puts the summaries of a folder where README and guide have marks for them."
  def show_all(dir) do
    for {document, summary} <- [{"README.md", "short.md"}, {"guides/figures.md", "summary.md"}],
        do: show(document, File.read!(Path.join(dir, summary)))
  end

  defp show(document, summary) do
    [before, rest] = String.split(File.read!(document), "<!-- bench -->\n", parts: 2)
    [_old, behind] = String.split(rest, "<!-- /bench -->\n", parts: 2)
    File.write!(document, [before, "<!-- bench -->\n", summary, "<!-- /bench -->\n", behind])
  end

  defp section(row, title, samples, all) do
    groups =
      samples
      |> Enum.group_by(&Map.take(&1, [:mode, :percent, :size, :kind, :rate, :what, :unit]))
      |> Enum.sort_by(fn {labels, _} ->
        {labels[:mode], labels[:size], labels[:percent], labels[:kind], labels[:rate],
         labels.what}
      end)

    for {labels, group} <- groups, {who, own} <- by_who(group) do
      "| #{title(row, title, labels)} | #{who} | #{figures(own, group, labels)} | #{bound(row, labels, who, own, all)} |\n"
    end
  end

  defp by_who(group),
    do:
      group
      |> Enum.group_by(& &1.who)
      |> Enum.sort_by(fn {who, _} -> {who in @yardsticks, who} end)

  defp title(_row, title, labels) do
    more =
      for {key, format} <- [
            mode: "~s",
            size: "~s of them",
            percent: "~s % lost",
            kind: "~s",
            rate: "~s/s"
          ],
          value = labels[key],
          do: String.replace(format, "~s", "#{value}")

    what = if labels.what == "NODEUP", do: [], else: [labels.what]
    Enum.join([title | more] ++ what, ", ")
  end

  defp figures(own, group, labels) do
    values = values(own)

    if values == [] do
      "not within the flood | | | | | #{length(own)}"
    else
      ratios =
        for yardstick <- @yardsticks, theirs = values(of(group, who: yardstick)) do
          if theirs == [] or hd(own).who == yardstick or median(theirs) == 0,
            do: "",
            else: "x #{round_to(median(values) / median(theirs))}"
        end

      Enum.join(
        [shown(median(values), labels)] ++
          ratios ++
          [shown(quantile(values, 0.9), labels), shown(Enum.max(values), labels), length(own)],
        " | "
      )
    end
  end

  defp values(samples), do: for(%{value: value} when value != nil <- samples, do: value)

  defp shown(value, labels), do: "#{round_to(value)} #{labels.unit}"

  defp round_to(value) when value >= 100, do: round(value)
  defp round_to(value) when value >= 10, do: Float.round(value / 1, 1)
  defp round_to(value), do: Float.round(value / 1, 2)

  # What is promised, and whether it holds: where it does not, the figure stands beside it.
  defp bound(row, labels, who, own, samples) do
    case promise(row, labels, who, samples) do
      nil -> ""
      {text, quantile, most} -> judged(text, values(own), quantile, most)
    end
  end

  defp judged(text, [], _quantile, _most), do: "#{text}: **missed**"
  defp judged(text, _values, _quantile, nil), do: "#{text}: not judged"

  defp judged(text, values, _quantile, {:least, least}),
    do: if(Enum.min(values) >= least, do: "#{text}: holds", else: "#{text}: **missed**")

  defp judged(text, values, quantile, most),
    do: if(quantile(values, quantile) <= most, do: "#{text}: holds", else: "#{text}: **missed**")

  defp promise(:start, labels, "key", samples),
    do: against(samples, labels, "libcluster", 0.5, "half of libcluster's")

  defp promise(row, labels, "cookie", samples) when row in [:start, :busy],
    do: against(samples, labels, "libcluster", 1, "below libcluster's")

  defp promise(:loss, %{percent: 30, what: "told `up`"}, "key", _samples),
    do: {"p99 300 ms", 0.99, 300}

  defp promise(:loss, %{percent: 30, what: "NODEUP"} = labels, "key", samples),
    do: against(samples, labels, "libcluster", 1 / 3, "a third of libcluster's")

  defp promise(:mesh, %{what: "mesh"} = labels, "key", samples) do
    {_, quantile, naive} = against(samples, labels, "naive", 1.2, "")
    {_, _, libcluster} = against(samples, labels, "libcluster", 0.5, "")
    # Of what ran: nil is more than any number.
    {"1.2 x naive, half of libcluster's", quantile, min(naive, libcluster)}
  end

  defp promise(:mesh, %{what: "mesh"} = labels, who, samples) when who not in @yardsticks,
    do: against(samples, labels, "libcluster", 0.5, "half of libcluster's")

  defp promise(:cut, _labels, "key", _samples), do: {"2.2 s", 1, 2_200}
  defp promise(:crowd, %{size: 1_000, what: "sidecar"}, _who, _samples), do: {"0.5 %", 1, 0.5}
  defp promise(:crowd, %{size: 1_000, what: "memory"}, _who, _samples), do: {"5 MB", 1, 5}
  defp promise(:crowd, %{size: 100, what: "memory"}, _who, _samples), do: {"2.5 MB", 1, 2.5}
  # Of what members say nothing reaches the VM: it does what it does where there is no other.
  defp promise(:crowd, %{what: "owner's messages of members"}, _who, _samples), do: {"0", 1, 0}

  defp promise(:crowd, %{what: "reductions while steady, above alone"}, _who, _samples),
    do: {"1 %", 0.5, 1}

  defp promise(:flood, %{kind: "junk", what: "sidecar", rate: 150_000}, "key", _),
    do: {"2 %", 1, 2}

  defp promise(:flood, %{kind: "forged", what: "sidecar", rate: 100_000}, "key", _),
    do: {"40 %", 1, 40}

  defp promise(:flood, %{kind: "recorded", what: "sidecar", rate: 100_000}, "key", _),
    do: {"40 %", 1, 40}

  # It costs the VM what it does where there is little of it.
  defp promise(:flood, %{kind: "junk", what: "VM", rate: 150_000} = labels, "key", samples),
    do: against(samples, %{labels | rate: 5_000}, "key", 1.1, "as at 5,000/s")

  # Its usual time is that of a start in a VM where all is loaded.
  defp promise(:flood, %{kind: "junk", what: "newcomer"}, "key", samples) do
    usual = values(of(samples, row: :start, mode: "release", who: "key", what: "NODEUP"))
    {"50 ms more than without", 1, if(usual != [], do: median(usual) + 50)}
  end

  defp promise(:flood, %{what: "doubts"}, "key", _), do: {"nobody", 1, 0}
  defp promise(:flood, %{what: "newcomer"}, "key", _), do: {"500 ms", 1, 500}
  # At least.
  defp promise(:beat, %{what: "beats by one core"}, "key", _),
    do: {"250,000/s", 0, {:least, 250_000}}

  defp promise(:idle, %{what: "wake-ups"}, "key", _), do: {"4/s", 1, 4}
  defp promise(_row, _labels, _who, _samples), do: nil

  defp against(samples, labels, yardstick, share, text) do
    theirs = values(of(samples, [who: yardstick] ++ Map.to_list(labels)))
    {text, 0.5, if(theirs != [], do: share * median(theirs))}
  end

  defp of(samples, labels),
    do: Enum.filter(samples, fn sample -> Enum.all?(labels, fn {k, v} -> sample[k] == v end) end)

  # One line for each, the same in all plots; the sidecar's is dashed.
  @colours %{
    "key" => "#7030a0",
    "key, stock epmd" => "#c060c0",
    "cookie" => "#00796b",
    "cookie of a release" => "#60b0a0",
    "libcluster" => "#c05000",
    "naive" => "#1060c0"
  }

  # The share of samples up to a time: who is further left is quicker.
  defp plots(samples, dir) do
    starts = of(samples, row: :start, mode: "interactive")

    if starts != [],
      do:
        plot(
          dir,
          "start",
          for({who, own} <- by_who(starts), do: {who, "", ecdf(values(own))}),
          """
          set title "From the start to NODEUP on both of two nodes"
          set xlabel "milliseconds" ; set ylabel "share of the trials" ; set xrange [0:*] ; set yrange [0:1]
          """
        )

    for kind <- ["junk", "forged", "recorded"],
        floods = of(samples, row: :flood, kind: kind),
        floods != [] do
      lines =
        for {{who, what}, own} <- Enum.sort(Enum.group_by(floods, &{&1.who, &1.what})),
            what not in ["newcomer", "doubts"],
            do: {who, what, own |> Enum.map(&{&1.sent / 1000, &1.value}) |> Enum.sort()}

      plot(dir, "flood-#{kind}", lines, """
      set title "Processor time under a flood of #{kind} datagrams"
      set xlabel "thousand datagrams a second" ; set ylabel "percent of a core" ; set yrange [0:*]
      """)
    end
  end

  defp ecdf(values) do
    sorted = Enum.sort(values)
    n = length(sorted)
    [{hd(sorted), 0} | for({value, i} <- Enum.with_index(sorted, 1), do: {value, i / n})]
  end

  # White behind it, so that it can be read on a dark page, too.
  defp plot(dir, name, lines, settings) do
    blocks =
      for {{_who, _what, points}, n} <- Enum.with_index(lines),
          do: ["$d#{n} << E\n", for({x, y} <- points, do: "#{x} #{y}\n"), "E\n"]

    curves =
      for {{who, what, _points}, n} <- Enum.with_index(lines) do
        title = if what == "", do: who, else: "#{who}, #{what}"
        dashes = if what == "sidecar", do: 2, else: 1

        ~s($d#{n} with linespoints pointtype 7 pointsize 0.3 linewidth 2 dashtype #{dashes} ) <>
          ~s(linecolor rgb "#{@colours[who]}" title "#{title}")
      end

    script = [
      "set terminal svg size 720,400 font 'sans-serif,14' background 'white'\n",
      "set output '#{Path.join(dir, name <> ".svg")}'\nset key outside bottom center horizontal\nset grid\n",
      settings,
      blocks,
      "plot ",
      Enum.join(curves, ", "),
      "\n"
    ]

    if gnuplot = System.find_executable("gnuplot") do
      file = Path.join(System.tmp_dir!(), "gc-plot-#{System.pid()}")
      File.write!(file, script)
      {output, status} = System.cmd(gnuplot, [file], stderr_to_stdout: true)
      File.rm!(file)
      if status != 0, do: raise("gnuplot: #{output}")
    else
      IO.puts("gnuplot is not here: no plots")
    end
  end
end
