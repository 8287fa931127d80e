defmodule GossipCluster.BoundsTest do
  # The numbers that PROTOCOL.md names are those of the C sources: one that is changed in either place alone fails here.
  use ExUnit.Case, async: true

  alias GossipCluster.Dial.AtomBudget
  alias GossipCluster.Options

  @root Path.expand("../..", __DIR__)
  @sources [
    "core/kit/intervals.h",
    "core/state/state.h",
    "core/include/bucket.h",
    "core/include/effect.h",
    "core/include/legacy_names.h",
    "core/include/seed.h",
    "core/include/tags.h",
    "gossipd/uplink.h",
    "io/frame.h",
    "io/log.c",
    "io/outbox.h",
    "io/term.h"
  ]
  @words %{"one" => 1, "two" => 2, "three" => 3, "four" => 4, "seven" => 7}
  @parts %{2 => "half", 3 => "a third", 4 => "a quarter", 10 => "a tenth"}

  # Microseconds; what stands in several lines, or is counted in another unit than seconds, too.
  defp constants do
    for source <- @sources,
        text = File.read!(Path.join([@root, "priv_src", source])),
        [_, name, value] <-
          Regex.scan(
            ~r/^#define\s+(\w+)(?:\s|\\\n)+(\((?:\(size_t\)|[^()])*\)|UINT32_C\(\w+\)|\d+u?)/m,
            text
          ),
        number = number(value),
        into: %{},
        do: {name, number}
  end

  defp number("UINT32_C(0x" <> hex), do: hex |> String.trim_trailing(")") |> String.to_integer(16)

  defp number("(" <> product) do
    product
    |> String.replace_suffix(")", "")
    |> String.split("*", trim: true)
    |> Enum.map(&factor(String.trim(&1)))
    |> then(fn factors -> if :unknown in factors, do: nil, else: Enum.product(factors) end)
  end

  defp number(digits), do: digits |> String.trim_trailing("u") |> String.to_integer()

  defp factor("MS_US"), do: 1000
  defp factor("SECOND_US"), do: 1_000_000
  defp factor("(size_t)" <> rest), do: factor(rest)

  defp factor(text) do
    case Integer.parse(text) do
      {n, ""} -> n
      _ -> :unknown
    end
  end

  defp protocol,
    do: @root |> Path.join("PROTOCOL.md") |> File.read!() |> String.replace(~r/\s+/, " ")

  # Ways to write a value: 350000 us are "350 ms"; 2000000 are "2 s"; 7 is "7" or "seven"; 2^31 is itself.
  defp written(value) do
    words = for {word, ^value} <- @words, do: word

    times =
      for {unit, per} <- [{"ms", 1000}, {"s", 1_000_000}, {"h", 3_600_000_000}],
          value >= per and rem(value, 100) == 0 do
        number = value / per
        short = if trunc(number) == number, do: trunc(number), else: number
        "#{short} #{unit}"
      end

    ["#{value}"] ++ words ++ times ++ if(value == 2 ** 31, do: ["2^31"], else: [])
  end

  test "each constant that PROTOCOL.md names has the value that it says" do
    constants = constants()

    named =
      for [_, before, name, behind] <-
            Regex.scan(~r/(?<=(.{110}))`([A-Z][A-Z_]+)`(?=(.{60}))/, protocol()),
          Map.has_key?(constants, name) do
        whole = before <> name <> behind

        says? =
          Enum.any?(
            written(constants[name]),
            &(whole =~ ~r/(?<![\d.])#{Regex.escape(&1)}(?![\d.]*\d)/)
          )

        assert says?, "#{name} is #{constants[name]}, and PROTOCOL.md says: #{whole}"
        name
      end

    assert length(named) > 22
  end

  test "the bounds are those of the sources" do
    c = constants()
    seconds = fn name -> div(Map.fetch!(c, name), 1_000_000) end
    ms = fn name -> div(Map.fetch!(c, name), 1000) end
    n = &Map.fetch!(c, &1)

    crowd =
      "`max_peers` at once, #{@parts[n.("CROWD_PART")]} of it and #{n.("CROWD_LEAST")} each second"

    rows = [
      "| listed and rivals | `max_peers`, #{Options.Schema.all()[:max_peers][:default]} |",
      "| newcomers listed, and the buried that a vouch brings back | #{crowd} |",
      "| strangers remembered | #{n.("PENDING_MAX")}, each for #{seconds.("PENDING_FORGET")} s after",
      "| seeds | #{n.("SEEDS_MAX")}; #{n.("SEED_BURST")} asked at once, and #{div(1000, ms.("SEED_PERIOD"))} a second |",
      "| far peers that fell silent, and are asked with the seeds | #{n.("LOST_MAX")}, each for #{div(seconds.("LOST_LIFE"), 3600)} h |",
      "| peers that are probed since a page leaves them out | #{n.("DOUBT_BURST")} at once, #{n.("DOUBT_RATE")} a second |",
      "| answers to one source IP | #{n.("ANSWER_RATE")} at once and a second (#{n.("SOURCES")} slots;",
      "| answers in all | #{n.("ANSWER_RATE_ALL")} at once and a second |",
      "| what strangers cause | #{word(n.("CAUSED_TIMES"))} times the bytes that came from them,",
      "| probes that verdicts about one peer cause, of each member | one in #{ms.("FAREWELL_GAP")} ms |",
      "| `update`s of one peer, by its boot id | #{n.("UPDATE_BURST")} at once, one in T;",
      "| `disconnected` of one peer | #{n.("WORD_BURST")} at once, #{n.("WORD_RATE")} a second;",
      "| addresses that are tried, of one peer | #{every(ms.("PATH_RETRY"))} |",
      "only says that it is | #{n.("NAMED_BURST")} at once, #{n.("NAMED_RATE")} a second |",
      "| new boot ids that others make a member take | #{n.("LIVES_BURST")} at once, #{n.("LIVES_RATE")} a second |",
      "(#{n.("LIVES_BURST")} times at once, then #{often(n.("LIVES_RATE"))} a second at most;",
      "| DISCONNECTs to the group | #{n.("DISCONNECT_BURST")} at once, #{n.("DISCONNECT_RATE")} a second;",
      "(#{n.("DISCONNECT_BURST")} at once and #{n.("DISCONNECT_RATE")} a second; beyond that by unicast)",
      "| news passed on to the far | #{crowd}; to #{n.("GRAPH_LINKS")} members each |",
      "| pages | #{n.("PAGE_RATE")} a second; where the peer was not reached yet, of #{word(n.("CAUSED_TIMES"))} times",
      "one in #{ms.("PAGE_RETRY")} ms, #{n.("PAGE_TRIES")} of a peer; after #{n.("PAGE_PEERS")} peers in vain one in T",
      "of #{word(n.("CAUSED_TIMES"))} times the answer's bytes, then one in #{ms.("PROBE_EVERY")} ms |",
      "| probes for others | #{n.("RELAY_RATE")} a second, #{n.("RELAYS_MAX")} at a time |",
      "| effects of one call | #{n.("EFFECTS_MAX")} |",
      "| beats out of turn, since a member's own tags change | #{n.("EXTRA_BURST")} at once, one in T |",
      "(#{n.("EXTRA_BURST")} in a row, and then one in T)",
      "(the last #{n.("SAID_KEPT")} are known)",
      "#{word(n.("AGAIN_BURST"))} times at once (`AGAIN_BURST`), else #{often(n.("AGAIN_RATE"))} a second",
      "*Tags* are up to #{n.("TAGS_PAIRS")} pairs of texts, of at most #{n.("TAGS_MAX")} bytes together",
      # the number, the length, and what 4 bytes are aligned to
      "its record, and #{div(n.("TAGS_MAX") + 4 + 2 + 3, 4) * 4} bytes more",
      "A frame is at most #{div(n.("FRAME_LIMIT"), 1024 * 1024)} MiB down",
      "What the queue to the BEAM cannot hold (#{div(n.("OUTBOX_LIMIT"), 1024 * 1024)} MiB)",
      "At most #{n.("LINES_PER_SECOND")} `log` frames a second (#{n.("LINES_BURST")} at once)",
      "and #{n.("UPLINK_HEARTBEATS_PER_SECOND")} `heartbeat` frames (#{n.("UPLINK_HEARTBEATS_BURST")} at once)",
      "in pages of up to #{n.("UPLINK_PAGE_PEERS")} peers",
      "for its other clusters, 0..#{n.("SIBLINGS_MAX")} of",
      "Again every #{seconds.("LEGACY_REMIND")} s at most while that goes on.",
      "At most #{n.("LEGACY_NAMES_MAX")} names at a time,",
      "when it was not said for #{seconds.("LEGACY_FORGET")} s; new ones #{n.("LEGACY_NEW_BURST")} at once, " <>
        "#{n.("LEGACY_NEW_PER_SECOND")} a second"
    ]

    text = protocol()
    for row <- rows, do: assert(text =~ row, "PROTOCOL.md does not say: #{row}")
  end

  test "what an owner makes of it is bounded as its sources say" do
    queue = &constant("cluster/dial_queue.ex", &1)
    most = queue.(:most)
    dials = constant("cluster/dial_budget.ex", :bounds)
    atoms = &constant("dial/atom_budget.ex", &1)
    lines = &constant("line_limit.ex", &1)

    failed = fn key ->
      {burst, wait} = dials[key]
      "#{burst} at once, #{every(wait)}"
    end

    rows = [
      "| dials | #{queue.(:burst)} at once and #{queue.(:rate)} a second; at a time #{most.fresh} of peers that have not " <>
        "failed, #{most.retries} of those that have, #{most.told} of those of whom only others tell, #{most.legacy} of",
      "| the first of each name: #{failed.(:heard)}; further ones: #{failed.(:again)}; to the address where they are " <>
        "heard #{failed.(:heard_at)} |",
      "(`heard => false`) | #{failed.(:told)}; to each of their addresses #{failed.(:told_at)} |",
      "| failed dials of names never connected that libcluster's wire names | #{failed.(:legacy)} |",
      "| new atoms of names from libcluster's wire | #{atoms.(:legacy)} at once, as many again an hour, " <>
        "#{thousands(atoms.(:legacy_ever))} in all |",
      "| new atoms | twice `max_peers` at once, #{thousands(AtomBudget.new(1, 0).most)} at least, as many again an hour |",
      "| lines about peers, of each kind | #{lines.(:burst)} at once, #{every(lines.(:every))}; of more a line a minute |"
    ]

    text = protocol()
    for row <- rows, do: assert(text =~ row, "PROTOCOL.md does not say: #{row}")
    assert {atoms.(:hour), lines.(:minute)} == {3_600_000, 60_000}
    assert AtomBudget.new(4_096, 0).most == 2 * 4_096
  end

  # What a module's attribute is given: a literal.
  defp constant(file, name) do
    {:ok, code} =
      [@root, "lib/gossip_cluster", file]
      |> Path.join()
      |> File.read!()
      |> Code.string_to_quoted()

    {_, [given]} =
      Macro.prewalk(code, [], fn
        {:@, _, [{^name, _, [value]}]} = node, found -> {node, [value | found]}
        node, found -> {node, found}
      end)

    {value, []} = Code.eval_quoted(given)
    value
  end

  # One of each so many milliseconds.
  defp every(1000), do: "one a second"
  defp every(ms) when ms > 1000, do: "one in #{word(div(ms, 1000))} seconds"
  defp every(500), do: "two a second"
  defp every(ms), do: "#{div(1000, ms)} a second"

  defp often(1), do: "once"
  defp often(2), do: "twice"
  defp often(times), do: "#{times} times"

  defp word(n),
    do: Enum.find_value(@words, "#{n}", fn {word, value} -> if value == n, do: word end)

  defp thousands(n) when n < 1000, do: "#{n}"

  defp thousands(n),
    do: "#{div(n, 1000)},#{n |> rem(1000) |> to_string() |> String.pad_leading(3, "0")}"
end
