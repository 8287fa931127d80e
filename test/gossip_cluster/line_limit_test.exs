defmodule GossipCluster.LineLimitTest do
  # Which lines about peers are written, in scripted times (milliseconds).
  use ExUnit.Case, async: true

  alias GossipCluster.LineLimit

  # Lines of one kind at these times, with `due/2` called at each deadline on the way: what the log gets.
  defp run(limit, kind, times) do
    {log, limit} =
      Enum.flat_map_reduce(times, limit, fn at, limit ->
        {summaries, limit} = pass(limit, at)
        {verdict, limit} = LineLimit.line(limit, kind, :info, "line #{at}", at)
        {summaries ++ if(verdict == :write, do: [{at, "line #{at}"}], else: []), limit}
      end)

    {log, limit}
  end

  defp pass(limit, until) do
    case LineLimit.deadline(limit) do
      at when at != nil and at <= until ->
        assert {[], ^limit} = LineLimit.due(limit, at - 1)
        {lines, limit} = LineLimit.due(limit, at)
        {more, limit} = pass(limit, until)
        {for({_kind, _level, text} <- lines, do: {at, text}) ++ more, limit}

      _later_or_never ->
        {[], limit}
    end
  end

  test "128 at once and one a second are written as they come, for ever" do
    {log, limit} =
      run(%LineLimit{}, :up, List.duplicate(0, 128) ++ Enum.map(1..600, &(&1 * 1_000)))

    assert length(log) == 128 + 600
    assert LineLimit.deadline(limit) == nil
    assert LineLimit.due(limit, 1_000_000) == {[], limit}
  end

  test "of a stream one line a minute tells how many, and the last; when it is over each has its line again" do
    # 16 a second for five minutes.
    times = for n <- 0..4_799, do: div(n * 1_000, 16)
    {log, limit} = run(%LineLimit{}, :up, times)
    {written, summaries} = Enum.split_with(log, fn {_at, text} -> text =~ ~r/^line/ end)
    assert length(written) in 128..140
    assert length(summaries) == 4
    {last, limit} = pass(limit, 400_000)
    assert [{_at, ~s(8) <> _}] = last

    counted =
      for {_at, text} <- summaries ++ last,
          do: text |> String.split() |> hd() |> String.to_integer()

    assert length(written) + Enum.sum(counted) == 4_800
    assert {_, "960 more nodes found in the last minute, the last: line " <> _} = hd(summaries)

    # A minute in which nothing came.
    {[], limit} = pass(limit, 500_000)
    assert LineLimit.deadline(limit) == nil
    {log, _limit} = run(limit, :up, [500_000])
    assert log == [{500_000, "line 500000"}]
  end

  test "each kind has its own" do
    {_log, limit} = run(%LineLimit{}, :up, List.duplicate(0, 200))

    for kind <- [:down, :update, :conflict, :problem] do
      assert {:write, _} = LineLimit.line(limit, kind, :info, "x", 0)
    end

    assert {:hold, _} = LineLimit.line(limit, :up, :info, "x", 0)
    # One that is held back alone.
    {_log, limit} = run(%LineLimit{}, :problem, List.duplicate(0, 128))
    {:hold, limit} = LineLimit.line(limit, :problem, :warning, "why", 10)
    assert LineLimit.deadline(limit) == 60_010
    assert {[{:problem, :warning, text}], limit} = LineLimit.due(limit, 60_010)
    assert text == "1 more node not connected in the last minute, the last: why"
    assert LineLimit.deadline(limit) == nil
  end
end
