defmodule GossipCluster.Dial.AtomBudgetTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Dial.AtomBudget

  @hour 3_600_000
  @limit 1_048_576

  # Takes as many as it gets, but not more than `most`.
  defp take_all(budget, now, most, taken \\ 0) do
    with true <- taken < most,
         {:ok, budget} <- AtomBudget.take(budget, now, 20_000, @limit) do
      take_all(budget, now, most, taken + 1)
    else
      _enough -> {taken, budget}
    end
  end

  test "twice as many as can be listed at once, and as many again an hour" do
    budget = AtomBudget.new(4_096, 0)
    assert {8_192, budget} = take_all(budget, 0, 100_000)
    assert {:error, text} = AtomBudget.take(budget, 0, 20_000, @limit)
    assert text =~ "more than 8192 new names of peers an hour"
    assert {4_096, budget} = take_all(budget, div(@hour, 2), 100_000)
    assert {8_192, _budget} = take_all(budget, 100 * @hour, 100_000)
  end

  test "a year of ever new names is dialled: a pod every five minutes, then the table's own bound" do
    names = for n <- 1..105_120, do: n * 300_000

    Enum.reduce(names, AtomBudget.new(4_096, 0), fn now, budget ->
      assert {:ok, budget} = AtomBudget.take(budget, now, 20_000, @limit)
      budget
    end)
  end

  test "names that anybody may say are few, and end" do
    budget = AtomBudget.legacy(0)
    assert {256, budget} = take_all(budget, 0, 100_000)
    assert {:error, text} = AtomBudget.take(budget, 0, 20_000, @limit)
    assert text =~ "libcluster's wire names more than 256 new nodes an hour"

    {taken, budget} =
      Enum.reduce(1..100, {256, budget}, fn hour, {taken, budget} ->
        {more, budget} = take_all(budget, hour * @hour, 100_000)
        {taken + more, budget}
      end)

    assert taken == 2_048
    assert {:error, text} = AtomBudget.take(budget, 200 * @hour, 20_000, @limit)
    assert text =~ "somebody invents them"
  end

  test "a small cluster may churn, too" do
    assert {1_024, _budget} = take_all(AtomBudget.new(3, 0), 0, 100_000)
  end

  test "a fifth of the VM's table is left to others" do
    budget = AtomBudget.new(4_096, 0)
    assert {:ok, _budget} = AtomBudget.take(budget, 0, 79_999, 100_000)
    assert {:error, text} = AtomBudget.take(budget, 0, 80_000, 100_000)
    assert text =~ "nearly full (80000 of 100000)"
    assert {:error, _text} = AtomBudget.take(budget, 0, 99_999, 100_000)
  end
end
