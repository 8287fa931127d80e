defmodule GossipCluster.TurnsTest do
  # The order and the bounds alone; what the dialer makes of them is in dialer_test.exs.
  use ExUnit.Case, async: true

  alias GossipCluster.Turns

  defp waiting(turns, names, queue, at),
    do: Enum.reduce(names, turns, &Turns.wait(&2, &1, queue, at))

  defp take_all(turns, now, taken \\ []) do
    case Turns.take(turns, now) do
      {nil, turns} -> {Enum.reverse(taken), turns}
      {name, turns} -> take_all(turns, now, [name | taken])
    end
  end

  test "the longest due first, in either queue; who is not due waits" do
    turns =
      Turns.new(0)
      |> Turns.wait("b", :fresh, 20)
      |> Turns.wait("a", :retries, 10)
      |> Turns.wait("c", :fresh, 40)

    assert Turns.deadline(turns, 0) == 10
    assert {[], _} = take_all(turns, 9)
    assert {["a", "b"], turns} = take_all(turns, 30)
    assert Turns.at(turns, "c") == 40
    assert Turns.at(turns, "a") == nil
    assert Turns.running?(turns, "a")
    refute Turns.running?(turns, "c")
    assert Turns.deadline(turns, 30) == 40
  end

  test "a name waits in one place, or nowhere" do
    turns = Turns.new(0) |> Turns.wait("a", :fresh, 10) |> Turns.wait("a", :retries, 30)
    assert {[], turns} = take_all(turns, 20)
    assert {["a"], turns} = take_all(turns, 30)
    assert {[], _} = take_all(turns, 100)

    dropped = Turns.new(0) |> Turns.wait("a", :fresh, 10) |> Turns.drop("a") |> Turns.drop("a")
    assert Turns.deadline(dropped, 10) == nil
    assert {nil, _} = Turns.take(dropped, 10)
  end

  test "a full queue waits for an end, and keeps the other waiting by nothing" do
    retries = for n <- 1..40, do: "r#{n}"
    turns = waiting(Turns.new(0), retries, :retries, 0)
    assert {taken, turns} = take_all(turns, 0)
    assert length(taken) == 32
    assert Turns.deadline(turns, 0) == nil

    turns = Turns.wait(turns, "new", :fresh, 5)
    assert {["new"], turns} = take_all(turns, 5)
    # The end of one that does not run, and that of another queue, make no room.
    turns = turns |> Turns.ended("never") |> Turns.ended("new")
    assert {[], turns} = take_all(turns, 6)
    assert {[_one], turns} = take_all(Turns.ended(turns, hd(taken)), 6)
    assert {[], _} = take_all(turns, 7)
  end

  test "256 at once, and 200 a second" do
    turns = waiting(Turns.new(0), for(n <- 1..600, do: "n#{n}"), :fresh, 0)
    {first, turns} = take_all(turns, 0)
    assert length(first) == 256
    turns = Enum.reduce(first, turns, &Turns.ended(&2, &1))
    assert Turns.deadline(turns, 0) == 5
    assert {[_one], turns} = take_all(turns, 5)
    assert {[], turns} = take_all(turns, 9)
    assert {later, _} = take_all(turns, 1_005)
    assert length(later) == 200
  end
end
