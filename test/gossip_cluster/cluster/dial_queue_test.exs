defmodule GossipCluster.Cluster.DialQueueTest do
  # The order and the bounds alone; what the dialer makes of them is in dialer_test.exs.
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.DialQueue

  defp waiting(dials, names, queue, at),
    do: Enum.reduce(names, dials, &DialQueue.wait(&2, &1, queue, at))

  defp take_all(dials, now, taken \\ []) do
    case DialQueue.take(dials, now) do
      {nil, dials} -> {Enum.reverse(taken), dials}
      {name, dials} -> take_all(dials, now, [name | taken])
    end
  end

  test "the longest due first, in either queue; who is not due waits" do
    dials =
      DialQueue.new(0)
      |> DialQueue.wait("b", :fresh, 20)
      |> DialQueue.wait("a", :retries, 10)
      |> DialQueue.wait("c", :fresh, 40)

    assert DialQueue.deadline(dials, 0) == 10
    assert {[], _} = take_all(dials, 9)
    assert {["a", "b"], dials} = take_all(dials, 30)
    assert DialQueue.at(dials, "c") == 40
    assert DialQueue.at(dials, "a") == nil
    assert DialQueue.running?(dials, "a")
    refute DialQueue.running?(dials, "c")
    assert DialQueue.deadline(dials, 30) == 40
  end

  test "a name waits in one place, or nowhere" do
    dials =
      DialQueue.new(0) |> DialQueue.wait("a", :fresh, 10) |> DialQueue.wait("a", :retries, 30)

    assert {[], dials} = take_all(dials, 20)
    assert {["a"], dials} = take_all(dials, 30)
    assert {[], _} = take_all(dials, 100)

    dropped =
      DialQueue.new(0)
      |> DialQueue.wait("a", :fresh, 10)
      |> DialQueue.drop("a")
      |> DialQueue.drop("a")

    assert DialQueue.deadline(dropped, 10) == nil
    assert {nil, _} = DialQueue.take(dropped, 10)
  end

  test "a full queue waits for an end, and keeps the other waiting by nothing" do
    retries = for n <- 1..40, do: "r#{n}"
    dials = waiting(DialQueue.new(0), retries, :retries, 0)
    assert {taken, dials} = take_all(dials, 0)
    assert length(taken) == 32
    assert DialQueue.deadline(dials, 0) == nil

    dials = DialQueue.wait(dials, "new", :fresh, 5)
    assert {["new"], dials} = take_all(dials, 5)
    # The end of one that does not run, and that of another queue, make no room.
    dials = dials |> DialQueue.ended("never") |> DialQueue.ended("new")
    assert {[], dials} = take_all(dials, 6)
    assert {[_one], dials} = take_all(DialQueue.ended(dials, hd(taken)), 6)
    assert {[], _} = take_all(dials, 7)
  end

  test "of those whom only others tell of 16 at a time, who keep nobody waiting; what is undone costs nothing" do
    told = for n <- 1..40, do: "t#{n}"
    dials = waiting(DialQueue.new(0), told, :told, 0)
    assert {taken, dials} = take_all(dials, 0)
    assert length(taken) == 16
    dials = dials |> DialQueue.wait("new", :fresh, 5) |> DialQueue.wait("again", :retries, 5)
    assert {["again", "new"], dials} = take_all(dials, 5)

    for _ <- 1..1_000, reduce: dials do
      dials ->
        dials = DialQueue.undo(dials, "new")
        refute DialQueue.running?(dials, "new")
        assert {"new", dials} = dials |> DialQueue.wait("new", :fresh, 5) |> DialQueue.take(5)
        dials
    end
  end

  test "256 at once, and 200 a second" do
    dials = waiting(DialQueue.new(0), for(n <- 1..600, do: "n#{n}"), :fresh, 0)
    {first, dials} = take_all(dials, 0)
    assert length(first) == 256
    dials = Enum.reduce(first, dials, &DialQueue.ended(&2, &1))
    assert DialQueue.deadline(dials, 0) == 5
    assert {[_one], dials} = take_all(dials, 5)
    assert {[], dials} = take_all(dials, 9)
    assert {later, _} = take_all(dials, 1_005)
    assert length(later) == 200
  end
end
