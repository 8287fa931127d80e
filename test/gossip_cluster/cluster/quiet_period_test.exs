defmodule GossipCluster.Cluster.QuietPeriodTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.QuietPeriod

  defp where(reason, facts \\ []),
    do:
      QuietPeriod.on_purpose(
        reason,
        Map.merge(%{by: nil, alive: true, left: false}, Map.new(facts))
      )

  test "a disconnect here is on purpose, whether the peer lives or not" do
    assert where(:disconnect) == :here
    assert where(:disconnect, alive: false) == :here
  end

  test "a living peer that closes the connection has its reason; one that is gone has none" do
    assert where(:connection_closed) == :there
    assert where(:connection_closed, alive: false) == nil
  end

  test "what a cluster of this VM or `global` has cut, and what time has, is not" do
    for reason <- [:disconnect, :connection_closed],
        by <- [:library, :global],
        do: assert(where(reason, by: by) == nil)

    for reason <- [:net_tick_timeout, :net_kernel_terminated, nil, {:shutdown, 1}],
        do: assert(where(reason) == nil)
  end

  test "who has left wants no connection" do
    for reason <- [:disconnect, :connection_closed], do: assert(where(reason, left: true) == nil)
  end

  test "each says how long, and by which option" do
    assert {:info, here} = QuietPeriod.text(:here, 1_500)
    assert {:debug, there} = QuietPeriod.text(:there, 1_500)

    for text <- [here, there],
        do: assert(text =~ "it is not dialled for 1500 ms (option `quiet`)")

    assert here != there
  end
end
