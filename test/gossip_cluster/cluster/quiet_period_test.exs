defmodule GossipCluster.Cluster.QuietPeriodTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.QuietPeriod

  @nobody %{by: nil, left: false}

  defp where(quiet, reason, facts \\ [], now \\ 1_000),
    do: QuietPeriod.on_purpose(quiet, "a@x", reason, Map.merge(@nobody, Map.new(facts)), now)

  defp connected(since), do: QuietPeriod.connected(%QuietPeriod{}, "a@x", since)

  defp said(quiet, ended, now) do
    {about, quiet} = QuietPeriod.said(quiet, "a@x", ended, now)
    {about, quiet}
  end

  test "Node.disconnect/1 here is on purpose" do
    assert where(connected(0), :disconnect) == :here
  end

  test "nothing else is, without a word of the other side" do
    for reason <- [:connection_closed, :net_tick_timeout, :net_kernel_terminated, nil, {:a, 1}],
        do: assert(where(connected(0), reason) == nil)
  end

  test "what a cluster of this VM or `global` has cut is not" do
    for by <- [:library, :global], do: assert(where(connected(0), :disconnect, by: by) == nil)
  end

  test "with its word the other side has ended it, for whatever reason Erlang gives" do
    assert {:last, quiet} = said(connected(0), 900, 990)

    for reason <- [:connection_closed, :net_tick_timeout, nil],
        do: assert(where(quiet, reason) == :there)

    # Both have: here is what this node's user has done.
    assert where(quiet, :disconnect) == :here
    assert where(quiet, :disconnect, by: :global) == :there
  end

  test "a word that came and was not followed by an end is forgotten" do
    {:last, quiet} = said(connected(0), 990, 990)
    assert where(quiet, :connection_closed, [], 10_990) == :there
    assert where(quiet, :connection_closed, [], 10_991) == nil
  end

  test "a word is about the connection that there was when it was ended" do
    assert {:earlier, quiet} = said(connected(500), 499, 600)
    assert where(quiet, :connection_closed) == nil
    assert {:last, _quiet} = said(connected(500), 500, 600)
    # It is connected anew meanwhile.
    {:last, quiet} = said(connected(0), 400, 400)
    assert where(QuietPeriod.connected(quiet, "a@x", 450), :connection_closed) == nil
    # Of one that was up before this owner was, nothing else is known.
    assert {:last, _quiet} = said(%QuietPeriod{}, 400, 400)
  end

  test "a word is about this node alone" do
    {:last, quiet} = said(connected(0), 900, 900)
    assert QuietPeriod.on_purpose(quiet, "b@x", :connection_closed, @nobody, 1_000) == nil
  end

  test "who has left wants no connection" do
    {:last, quiet} = said(connected(0), 900, 900)

    for reason <- [:disconnect, :connection_closed],
        do: assert(where(quiet, reason, left: true) == nil)
  end

  test "of one that is gone nothing is kept" do
    {:last, quiet} = said(connected(0), 900, 900)
    assert QuietPeriod.forget(quiet, "a@x") == %QuietPeriod{}
  end

  test "each says how long, and by which option" do
    here = QuietPeriod.text(:here, 1_500)
    there = QuietPeriod.text(:there, 1_500)

    for text <- [here, there],
        do: assert(text =~ "it is not dialled for 1500 ms (option `quiet`)")

    assert here != there
  end
end
