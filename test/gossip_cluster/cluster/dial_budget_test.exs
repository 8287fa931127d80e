defmodule GossipCluster.Cluster.DialBudgetTest do
  # Tokens alone, in scripted times (milliseconds); what the dialer makes of them is in newcomers_test.exs.
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.DialBudget

  defp ip(n), do: {192, 0, div(n, 250), rem(n, 250)}

  # Takes for each of these names; how many got it.
  defp take_all(budget, names, keys, now) do
    Enum.map_reduce(names, budget, &DialBudget.take(&2, &1, keys.(&1), now))
  end

  defp got(verdicts), do: Enum.count(verdicts, &(&1 == :ok))

  test "of those whom others tell of 128 at once and two a second fail, wherever they are; of the heard 1,024 and twenty" do
    for {who, most, second} <- [{:told, 128, 2}, {:heard, 1_024, 20}, {:again, 256, 20}] do
      keys = fn n -> DialBudget.keys(who, [ip(n)]) end
      {verdicts, budget} = take_all(DialBudget.new(), 1..2_000, keys, 0)
      assert got(verdicts) == most
      assert DialBudget.deadline(budget) == div(1_000, second)
      assert {[], budget} = DialBudget.wake(budget, div(1_000, second) - 1)
      # Who waits longest is first.
      assert {[next], budget} = DialBudget.wake(budget, div(1_000, second))
      assert next == most + 1
      {names, budget} = DialBudget.wake(budget, 10_000)
      # The first of them has not taken its token.
      assert length(names) == 10 * second
      assert Enum.sort(names) == names
      refute DialBudget.waits?(budget, next)
      assert DialBudget.waits?(budget, 2_000)
    end
  end

  test "one address: 16 at once and one in two seconds, or 64 and one a second; those elsewhere do not wait" do
    for {who, most, every} <- [{:told, 16, 2_000}, {:heard, 64, 1_000}, {:again, 64, 1_000}] do
      {verdicts, budget} =
        take_all(DialBudget.new(), 1..100, fn _ -> DialBudget.keys(who, [ip(1)]) end, 0)

      assert got(verdicts) == most
      assert DialBudget.deadline(budget) == every

      assert {:ok, budget} = DialBudget.take(budget, :elsewhere, DialBudget.keys(who, [ip(2)]), 0)

      # An address among others counts as well.
      assert {:wait, _} = DialBudget.take(budget, :both, DialBudget.keys(who, [ip(2), ip(1)]), 0)
    end
  end

  test "those of whom others tell do not use up what is for the heard" do
    {_verdicts, budget} =
      take_all(DialBudget.new(), 1..1_000, fn _ -> DialBudget.keys(:told, [ip(1)]) end, 0)

    assert {:ok, _budget} =
             DialBudget.take(budget, :newcomer, DialBudget.keys(:heard, [ip(1)]), 0)
  end

  test "who can be reached gives back what it took: nobody waits, however many they are" do
    budget =
      Enum.reduce(1..5_000, DialBudget.new(), fn n, budget ->
        assert {:ok, budget} = DialBudget.take(budget, n, DialBudget.keys(:told, [ip(1)]), 0)
        DialBudget.give_back(budget, n, 0)
      end)

    assert DialBudget.deadline(budget) == nil

    # Who waited for what comes back is next at once.
    {_verdicts, budget} = take_all(budget, 1..20, fn _ -> DialBudget.keys(:told, [ip(1)]) end, 0)
    budget = budget |> DialBudget.give_back(3, 5) |> DialBudget.spent(4)
    assert DialBudget.deadline(budget) == 5
    assert {[17], budget} = DialBudget.wake(budget, 5)
    assert {:ok, budget} = DialBudget.take(budget, 17, DialBudget.keys(:told, [ip(1)]), 5)
    # Once.
    assert budget
           |> DialBudget.give_back(3, 5)
           |> DialBudget.give_back(4, 5)
           |> DialBudget.wake(6)
           |> elem(0) == []
  end

  test "who leaves waits no more, and a place is kept" do
    keys = DialBudget.keys(:told, [ip(1)])
    {_verdicts, budget} = take_all(DialBudget.new(), 1..19, fn _ -> keys end, 0)
    assert {:wait, budget} = DialBudget.take(budget, 17, keys, 10)
    budget = DialBudget.leave(budget, 18)
    {names, budget} = DialBudget.wake(budget, 60_000)
    assert names == [17, 19]
    assert DialBudget.deadline(budget) == nil
    assert budget == DialBudget.leave(budget, 18)
  end

  test "it is as large as what is spent, not as what was ever dialled" do
    budget =
      Enum.reduce(1..20_000, DialBudget.new(), fn n, budget ->
        {:ok, budget} = DialBudget.take(budget, n, DialBudget.keys(:heard, [ip(n)]), n * 1_000)
        DialBudget.spent(budget, n)
      end)

    assert :erts_debug.flat_size(budget) < 2_000
  end
end
