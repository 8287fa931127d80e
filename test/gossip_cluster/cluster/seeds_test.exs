defmodule GossipCluster.Cluster.SeedsTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Seeds

  @ports {45_894, 45_901}
  @name {:host, "shop", nil}
  @address {:address, {10, 0, 0, 5}, 7}

  defp place(n), do: {{10, 0, 0, n}, 45_894, 45_901}

  test "addresses need no resolver, names do" do
    seeds = Seeds.new([@address, @name], @ports)
    assert Seeds.to_resolve(seeds) == [1]
    assert {@name, @ports, _seeds} = Seeds.ask(seeds, 1)
    assert {[{{10, 0, 0, 5}, 7, 7}], seeds} = Seeds.news(seeds)
    assert Seeds.news(seeds) == nil
  end

  test "no more than eight ports of one host are asked" do
    assert {@name, {1000, 1007}, _seeds} = [@name] |> Seeds.new({1000, 2000}) |> Seeds.ask(0)
    assert {@name, {1000, 1000}, _seeds} = [@name] |> Seeds.new({1000, 1000}) |> Seeds.ask(0)
  end

  test "what is new is told once, and anew to another sidecar" do
    seeds = Seeds.new([@name], @ports)
    assert Seeds.news(seeds) == nil
    assert {true, wait, seeds} = Seeds.resolved(seeds, 0, {:ok, [place(1)]}, 0.0)
    assert wait == 15_000
    assert {[_], seeds} = Seeds.news(seeds)
    assert {false, 11_250, seeds} = Seeds.resolved(seeds, 0, {:ok, [place(1)]}, 1.0)
    assert Seeds.news(seeds) == nil
    assert {true, _wait, seeds} = Seeds.resolved(seeds, 0, {:ok, [place(2)]}, 0.5)
    assert {[{{10, 0, 0, 2}, _, _}], seeds} = Seeds.news(seeds)
    assert {[_], _seeds} = seeds |> Seeds.forget() |> Seeds.news()
  end

  test "a failure keeps what was known, is tried ever more patiently, and shown after the third" do
    {true, _wait, seeds} = Seeds.resolved(Seeds.new([@name], @ports), 0, {:ok, [place(1)]}, 0.0)

    {waits, seeds} =
      Enum.map_reduce(1..8, seeds, fn n, seeds ->
        # Two reasons take turns: the first that was shown stays.
        why = if rem(n, 2) == 0, do: "even", else: "odd"
        {changed, wait, seeds} = Seeds.resolved(seeds, 0, {:error, why}, 0.0)
        assert changed == (n == 3)
        assert %{seed: "shop", addresses: [_], error: error} = Seeds.shown(seeds, 0)
        assert error == if(n >= 3, do: "odd")
        {wait, seeds}
      end)

    assert waits == [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]
    assert {true, 15_000, seeds} = Seeds.resolved(seeds, 0, {:ok, [place(1)]}, 0.0)
    assert [%{error: nil, addresses: [_]}] = Seeds.shown(seeds)
  end

  test "one question at a time; on another network failures are counted anew, and what was shown stays" do
    {@name, @ports, seeds} = Seeds.ask(Seeds.new([@name], @ports), 0)
    assert Seeds.ask(seeds, 0) == nil

    seeds =
      Enum.reduce(1..5, seeds, fn _n, seeds ->
        {_changed, _wait, seeds} = Seeds.resolved(seeds, 0, {:error, "first"}, 0.0)
        assert {@name, @ports, seeds} = Seeds.ask(seeds, 0)
        seeds
      end)

    {false, wait, seeds} = Seeds.resolved(Seeds.moved(seeds), 0, {:error, "second"}, 0.0)
    assert wait == 500
    assert [%{error: "first"}] = Seeds.shown(seeds)
  end

  test "32 addresses at most, and each seed has its share" do
    seeds = Seeds.new([@name, {:host, "b", nil}, @address], @ports)
    {true, _wait, seeds} = Seeds.resolved(seeds, 0, {:ok, Enum.map(1..32, &place/1)}, 0.0)
    {true, _wait, seeds} = Seeds.resolved(seeds, 1, {:ok, Enum.map(31..40, &place/1)}, 0.0)
    {addresses, _seeds} = Seeds.news(seeds)
    assert length(addresses) == 32
    assert Enum.uniq(addresses) == addresses
    assert {{10, 0, 0, 5}, 7, 7} in addresses
    assert Enum.all?(31..40, &(place(&1) in addresses))
  end

  test "an owner that is started again goes on with what the one before has shown" do
    {true, _wait, seeds} = Seeds.resolved(Seeds.new([@name], @ports), 0, {:ok, [place(1)]}, 0.0)
    again = Seeds.new([@name, {:host, "other", nil}], @ports, Seeds.shown(seeds))
    assert {[{{10, 0, 0, 1}, _, _}], _again} = Seeds.news(again)
    assert Seeds.to_resolve(again) == [0, 1]
  end
end
