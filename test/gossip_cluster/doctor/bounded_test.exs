defmodule GossipCluster.Doctor.BoundedTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.Bounded

  @tag capture_log: true
  test "what does not come to its end, or fails, is told so, and leaves nothing behind" do
    test = self()
    assert Bounded.run(fn -> 7 end, 5_000) == {:ok, 7}

    sleeps = fn ->
      send(test, {:runs, self()})
      Process.sleep(:infinity)
    end

    assert Bounded.run(sleeps, 50) == :timeout
    assert_received {:runs, pid}
    refute Process.alive?(pid)
    assert {:failed, why} = Bounded.run(fn -> raise "x" end, 5_000)
    assert why =~ "RuntimeError"
    assert Bounded.all([fn -> 1 end, sleeps, fn -> raise "x" end], 50, :none) == [1, :none, :none]
    assert Bounded.all([], 50, :none) == []
    assert_received {:runs, _pid}
    refute_received _anything
  end
end
