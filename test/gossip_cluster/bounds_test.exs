defmodule GossipCluster.BoundsTest do
  # The numbers that PROTOCOL.md names are those of the C sources: one that is changed in either place alone fails here.
  use ExUnit.Case, async: true

  @root Path.expand("../..", __DIR__)
  @sources [
    "kit/intervals.h",
    "include/bucket.h",
    "include/effect.h",
    "include/seed.h",
    "include/tags.h"
  ]
  @words %{"one" => 1, "two" => 2, "three" => 3, "four" => 4, "seven" => 7}

  # Microseconds; what stands in several lines, or is counted in another unit than seconds, too.
  defp constants do
    for source <- @sources,
        text = File.read!(Path.join([@root, "priv_src/core", source])),
        [_, name, value] <-
          Regex.scan(~r/^#define\s+(\w+)(?:\s|\\\n)+(\([^)]*\)|UINT32_C\(\w+\)|\d+u?)/m, text),
        number = number(value),
        into: %{},
        do: {name, number}
  end

  defp number("UINT32_C(0x" <> hex), do: hex |> String.trim_trailing(")") |> String.to_integer(16)

  defp number("(" <> product) do
    product
    |> String.trim_trailing(")")
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

    rows = [
      "| strangers remembered | #{n.("PENDING_MAX")}, each for #{seconds.("PENDING_FORGET")} s after",
      "| seeds | #{n.("SEEDS_MAX")}; #{n.("SEED_BURST")} asked at once, and #{div(1000, ms.("SEED_PERIOD"))} a second |",
      "| far peers that fell silent, and are asked with the seeds | #{n.("LOST_MAX")}, each for #{div(seconds.("LOST_LIFE"), 3600)} h |",
      "| far peers that are probed since a page leaves them out | #{n.("DOUBT_BURST")} at once, #{n.("DOUBT_RATE")} a second |",
      "| answers to one source IP | #{n.("ANSWER_RATE")} at once and a second (#{n.("SOURCES")} slots;",
      "| answers in all | #{n.("ANSWER_RATE_ALL")} at once and a second |",
      "| probes that verdicts about one peer cause, of each member | one in #{ms.("FAREWELL_GAP")} ms |",
      "| `update`s of one peer, by its boot id | #{n.("UPDATE_BURST")} at once, one in T;",
      "| `disconnected` of one peer | #{n.("WORD_BURST")} at once, #{n.("WORD_RATE")} a second;",
      "| addresses that are tried, of one peer | #{once(seconds.("PATH_RETRY"))} |",
      "whatever reason | #{n.("NAMED_BURST")} at once, #{n.("NAMED_RATE")} a second |",
      "| new boot ids that others make a member take | #{n.("LIVES_BURST")} at once, 1 a second |",
      "| DISCONNECTs to the group | #{n.("DISCONNECT_BURST")} at once, #{n.("DISCONNECT_RATE")} a second;",
      "| pages | #{n.("PAGE_RATE")} a second;",
      "one in #{ms.("PAGE_RETRY")} ms, #{n.("PAGE_TRIES")} of a peer; after #{n.("PAGE_PEERS")} peers in vain one in T",
      "three times the answer's bytes, then one in #{ms.("PROBE_EVERY")} ms |",
      "| probes for others | #{n.("RELAY_RATE")} a second, #{n.("RELAYS_MAX")} at a time |",
      "| effects of one call | #{n.("EFFECTS_MAX")} |",
      "| beats out of turn, since a member's own tags change | #{n.("EXTRA_BURST")} at once, one in T |",
      "(the last #{n.("SAID_KEPT")} are known)",
      "four times at once (`AGAIN_BURST`), else once a second",
      "*Tags* are up to #{n.("TAGS_PAIRS")} pairs of texts, of at most #{n.("TAGS_MAX")} bytes together"
    ]

    text = protocol()
    for row <- rows, do: assert(text =~ row, "PROTOCOL.md does not say: #{row}")
  end

  defp once(1), do: "one a second"
  defp once(seconds), do: "one in #{seconds} s"
end
