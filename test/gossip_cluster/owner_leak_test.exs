defmodule GossipCluster.OwnerLeakTest do
  # Who has come and gone leaves nothing behind: neither in the memory of the owner and what it runs, nor in a
  # table. 2,000 come and go, or as many as GOSSIP_UPS_AND_DOWNS says.
  use ExUnit.Case, async: false

  alias GossipCluster.OwnerLoad

  @peers 50
  @times div(String.to_integer(System.get_env("GOSSIP_UPS_AND_DOWNS", "2000")), @peers)
  # What is grown or kept once is, by then.
  @warm_up 10

  setup do: OwnerLoad.quiet_node()
  setup %{sidecar: sidecar}, do: {:ok, load: OwnerLoad.start(@peers, sidecar)}

  # What is held more than after the first few, when as many have come and gone so many times.
  defp growth(load, times, between) do
    OwnerLoad.come_and_go(load, @warm_up)
    before = OwnerLoad.held(load)
    between.()
    OwnerLoad.come_and_go(load, times)
    later = OwnerLoad.held(load)
    OwnerLoad.stop(load)
    Map.new(later, fn {what, now} -> {what, now - Map.fetch!(before, what)} end)
  end

  # Words of memory that may be more or less at any moment, however many have come and gone.
  @most 100

  @tag timeout: :infinity
  test "who has come and gone leaves nothing behind", %{load: load} do
    grown = growth(load, @times, fn -> :ok end)
    assert grown.processes < @most
    assert grown.tables < @most
    assert grown.rows == 0
  end

  # Or the test above could not fail.
  test "a leak is seen", %{load: load} do
    times = 2

    leak = fn state ->
      Process.put(:leak, Enum.to_list(1..(@peers * times)))
      state
    end

    grown =
      growth(load, times, fn ->
        :sys.replace_state(load.owner, leak)
        true = :ets.insert(GossipCluster.Disconnects, {:"gone@nowhere.example", 0})
      end)

    :ets.delete(GossipCluster.Disconnects, :"gone@nowhere.example")
    assert grown.processes >= @most
    assert grown.rows == 1
  end
end
