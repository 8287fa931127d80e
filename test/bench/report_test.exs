defmodule GossipCluster.BenchReportTest do
  # What bin/bench says of its samples: figures, ratios, and whether what is promised holds.
  use ExUnit.Case, async: true

  @root Path.expand("../..", __DIR__)

  setup_all do
    for file <- ~w(progress measure contender starts cuts costs floods rows report),
        do: Code.require_file("bench/beside/#{file}.exs", @root)

    :ok
  end

  # So that this file compiles before they are loaded.
  defp report(function, arguments), do: apply(Bench.Report, function, arguments)

  defp samples(key, libcluster, naive) do
    for {who, values} <- [{"key", key}, {"libcluster", libcluster}, {"naive", naive}],
        value <- values,
        do: %{
          row: :start,
          mode: "interactive",
          who: who,
          what: "NODEUP",
          value: value,
          unit: "ms"
        }
  end

  defp line(samples, who) do
    [line] =
      for line <- samples |> then(&report(:table, [&1, "machine"])) |> String.split("\n"),
          line =~ "| #{who} |",
          do: line

    line
  end

  test "medians, ratios, and a promise that holds or does not" do
    quick = samples([10.0, 30.0, 20.0], [50.0, 50.0, 50.0], [5.0])
    assert line(quick, "key") =~ "| 20.0 ms | x 0.4 | x 4.0 | 30.0 ms | 30.0 ms | 3 |"
    assert line(quick, "key") =~ "half of libcluster's: holds"
    assert line(quick, "libcluster") =~ "| 50.0 ms |  | x 10.0 |"

    slow = samples([26.0], [50.0], [5.0])
    assert line(slow, "key") =~ "half of libcluster's: **missed**"

    # Where the yardstick did not run nothing is judged.
    assert line(samples([26.0], [], [5.0]), "key") =~ "half of libcluster's: not judged"
  end

  test "a newcomer that did not arrive is no figure, and misses" do
    sample = %{row: :flood, kind: "forged", rate: 9, who: "key", what: "newcomer", unit: "ms"}
    assert line([Map.put(sample, :value, nil)], "key") =~ "not within the flood"
    assert line([Map.put(sample, :value, nil)], "key") =~ "500 ms: **missed**"
    assert line([Map.put(sample, :value, 499.0)], "key") =~ "500 ms: holds"
  end

  test "a newcomer in junk is held against a start without, and the VM against a little junk" do
    flood = %{row: :flood, kind: "junk", rate: 150_000, who: "key", what: "newcomer", unit: "ms"}
    start = %{row: :start, mode: "release", who: "key", what: "NODEUP", unit: "ms", value: 10.0}
    lines = fn samples -> report(:table, [samples, "machine"]) end
    assert lines.([Map.put(flood, :value, 60.0), start]) =~ "50 ms more than without: holds"
    assert lines.([Map.put(flood, :value, 60.5), start]) =~ "50 ms more than without: **missed**"
    assert lines.([Map.put(flood, :value, 60.0)]) =~ "50 ms more than without: not judged"

    vm = %{flood | what: "VM", unit: "%"}
    little = Map.merge(vm, %{rate: 5_000, value: 1.0})
    assert lines.([Map.put(vm, :value, 1.1), little]) =~ "as at 5,000/s: holds"
    assert lines.([Map.put(vm, :value, 1.2), little]) =~ "as at 5,000/s: **missed**"
  end

  test "who is suspected in a flood is counted, and nobody may be" do
    doubts = %{row: :flood, kind: "forged", who: "key", what: "doubts", unit: ""}
    assert line([Map.put(doubts, :value, 0)], "key") =~ "nobody: holds"
    assert line([Map.put(doubts, :value, 1)], "key") =~ "nobody: **missed**"
  end

  test "a mesh with a key is held against the naive one and libcluster, as far as they ran" do
    mesh = fn who, value ->
      %{row: :mesh, size: 12, who: who, what: "mesh", unit: "ms", value: value}
    end

    verdict = fn samples ->
      [_, verdict] = Regex.run(~r/half of libcluster's: (\S+) \|/, line(samples, "key"))
      verdict
    end

    assert verdict.([mesh.("key", 12.0), mesh.("naive", 10.0), mesh.("libcluster", 30.0)]) ==
             "holds"

    assert verdict.([mesh.("key", 13.0), mesh.("naive", 10.0), mesh.("libcluster", 30.0)]) ==
             "**missed**"

    assert verdict.([mesh.("key", 12.0), mesh.("naive", 10.0), mesh.("libcluster", 20.0)]) ==
             "**missed**"

    assert verdict.([mesh.("key", 12.0), mesh.("naive", 10.0)]) == "holds"
  end

  test "the README shows each row that is missed, and why" do
    memory = fn value ->
      [%{row: :crowd, size: 100, who: "key", what: "memory", unit: "MB", value: value}]
    end

    missed = report(:summary, [memory.(3.0), "machine", true])
    assert missed =~ "| among 100: its memory | 3.0 MB |"
    assert missed =~ ~r/\nMissed are:\n\n- \*memory\*: [^\n]+\n$/
    refute report(:summary, [memory.(2.0), "machine", true]) =~ ~r/among 100|Missed/
    assert report(:summary, [memory.(2.0), "machine"]) =~ "among 100: its memory"
  end

  test "the summary has a column for each, and says what holds of key and cookie" do
    cookie = %{row: :start, mode: "interactive", who: "cookie", what: "NODEUP", unit: "ms"}
    samples = [Map.put(cookie, :value, 60.0) | samples([20.0], [50.0], [5.0])]

    assert report(:summary, [samples, "machine"]) =~
             "| start to NODEUP | 20.0 ms |  | 60.0 ms | 50.0 ms | 5.0 ms |  | " <>
               "key: half of libcluster's: holds; cookie: below libcluster's: **missed** |"
  end

  test "samples are read back as they were written, and make the same table" do
    dir = Path.join(System.tmp_dir!(), "gc-bench-report-#{System.pid()}")
    on_exit(fn -> File.rm_rf!(dir) end)
    samples = samples([10.5, 30.25], [50.0], [])
    :ok = report(:write, [samples, dir, "machine"])
    read = report(:read, [Path.join(dir, "samples.jsonl")])
    assert [%{who: "key", value: 10.5, row: :start, what: "NODEUP"} | _] = read
    assert report(:table, [read, "machine"]) == File.read!(Path.join(dir, "table.md"))
  end

  test "a bar says how far a row is, and how long the rest may take" do
    text = fn done, total, seconds -> apply(Bench.Progress, :text, [done, total, seconds]) end
    assert text.(0, nil, 75) == "  1:15"
    assert text.(0, 10, 0) == "  [" <> String.duplicate(".", 30) <> "] 0 of 10, 0:00"

    assert text.(2, 10, 20) ==
             "  [######" <> String.duplicate(".", 24) <> "] 2 of 10, 0:20, some 1:20 left"

    assert text.(10, 10, 100) == "  [" <> String.duplicate("#", 30) <> "] 10 of 10, 1:40"
  end

  test "what is measured is written in front of the bar, and how long it took is told" do
    written =
      ExUnit.CaptureIO.capture_io(fn ->
        progress = apply(Bench.Progress, :start, [true])
        apply(Bench.Progress, :total, [progress, 2])
        apply(Bench.Progress, :step, [progress, ["a", "b"]])
        assert apply(Bench.Progress, :stop, [progress]) in 0..5
      end)

    assert [_, "  [" <> _, "a\nb\n", "  [###############..............." <> _, ""] =
             String.split(written, "\r\e[K")
  end

  test "every row is one that can be asked for" do
    rows = apply(Bench.Rows, :all, [])
    assert length(rows) == 9

    for {name, _title} <- rows,
        do: assert(function_exported?(apply(Bench.Rows, :module, [name]), name, 1), "#{name}")
  end

  test "README and guide show what came of the samples that are kept" do
    results = Path.join(@root, "bench/results")
    samples = report(:read, [Path.join(results, "samples.jsonl")])
    machine = results |> Path.join("machine.txt") |> File.read!() |> String.trim()

    for {document, name, short} <- [
          {"README.md", "short.md", true},
          {"guides/figures.md", "summary.md", false}
        ] do
      kept = File.read!(Path.join(results, name))
      assert report(:summary, [samples, machine, short]) == kept
      shown = File.read!(Path.join(@root, document))
      assert shown =~ "<!-- bench -->\n" <> kept <> "<!-- /bench -->\n"
    end
  end
end
