defmodule GossipCluster.ResolverTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Resolver

  doctest Resolver

  @ports {45_894, 45_901}

  def given(value), do: value
  def broken, do: raise("no list today")
  def thrown, do: throw(:ball)

  defp call(value), do: Resolver.resolve({:mfa, {__MODULE__, :given, [value]}}, @ports)

  test "an address needs nobody, and has the members' ports or its own" do
    assert Resolver.resolve({:address, {10, 0, 0, 5}, nil}, {1, 8}) ==
             {:ok, [{{10, 0, 0, 5}, 1, 8}]}

    assert Resolver.resolve({:address, {10, 0, 0, 5}, 9}, {1, 8}) ==
             {:ok, [{{10, 0, 0, 5}, 9, 9}]}
  end

  test "a name is resolved as this system does" do
    assert {:ok, places} = Resolver.resolve({:host, "localhost", nil}, @ports)
    assert {{127, 0, 0, 1}, 45_894, 45_901} in places
    assert {:ok, places} = Resolver.resolve({:host, "localhost", 7}, @ports)
    assert {{127, 0, 0, 1}, 7, 7} in places
  end

  test "a function returns what the option takes" do
    assert call(["10.0.0.5", {{10, 0, 0, 6}, 7}]) ==
             {:ok, [{{10, 0, 0, 5}, 45_894, 45_901}, {{10, 0, 0, 6}, 7, 7}]}

    assert call({:ok, [{10, 0, 0, 5}]}) == {:ok, [{{10, 0, 0, 5}, 45_894, 45_901}]}
    assert {:ok, [_ | _]} = call(["localhost"])
    assert call([]) == {:error, "it has no address"}
    assert {:ok, all} = call(for n <- 1..32, do: "10.0.0.#{n}")
    assert length(all) == 32
  end

  test "of several those count that have an address" do
    assert {:ok, [{{10, 0, 0, 5}, 45_894, 45_901}]} = call(["no-such-host.invalid", "10.0.0.5"])
    assert {:error, _why} = call(["no-such-host.invalid"])
  end

  test "a function that fails, or returns something else, is no more than an error" do
    assert {:error, text} = Resolver.resolve({:mfa, {__MODULE__, :broken, []}}, @ports)
    assert text == "it failed: ** (RuntimeError) no list today"

    assert {:error, "it failed: throw :ball"} =
             Resolver.resolve({:mfa, {__MODULE__, :thrown, []}}, @ports)

    for wrong <- [nil, "10.0.0.5", [{Mod, :fun, []}], [1], {:error, :no}] do
      assert {:error, "it returned " <> rest} = call(wrong)
      assert rest =~ "but must return a list of addresses or names"
    end
  end

  test "a task is told by what to choose the time until the next one" do
    assert {{:ok, _places}, chance} = Resolver.run({:address, {10, 0, 0, 5}, nil}, @ports)
    assert chance >= 0 and chance <= 1
  end
end
