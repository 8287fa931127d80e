defmodule GossipCluster.Cluster.BootstrapTest do
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.Cluster

  @name {:host, "shop", nil}
  @address {:address, {10, 0, 0, 5}, 7}
  @place {{10, 0, 0, 9}, 45_894, 45_901}

  defp seeds_told(effects), do: for({:command, {:seeds, seeds}} <- effects, do: seeds)
  defp resolved(result), do: {:resolved, 0, result, 0.0}

  test "a cluster without seeds asks nobody, and says nothing" do
    cluster = Cluster.new(options([]), past(), 0)
    {cluster, effects} = handle(cluster, {:start, local(), nil})
    refute Enum.any?(effects, &match?({:resolve, _, _, _}, &1))
    refute Enum.any?(effects, &match?({:put, :seeds, _}, &1))
    {_cluster, effects} = handle(cluster, {:opened, local().keys, process()})
    assert seeds_told(effects) == []
  end

  test "names are resolved from the start on, and told to each sidecar when they are others than before" do
    cluster = Cluster.new(options(seeds: [@name, @address]), past(), 0)
    {cluster, effects} = handle(cluster, {:start, local(), nil})
    assert [{:resolve, 0, @name, _ports}] = for({:resolve, _, _, _} = ask <- effects, do: ask)
    {cluster, effects} = handle(cluster, {:opened, local().keys, process()})
    assert seeds_told(effects) == [[{{10, 0, 0, 5}, 7, 7}]]
    {cluster, _effects} = handle(cluster, [{:restore, [], [], 1}])

    {cluster, effects} = handle(cluster, resolved({:ok, [@place]}), 100)
    assert seeds_told(effects) == [[@place, {{10, 0, 0, 5}, 7, 7}]]
    assert {:timer, {:seed, 0}, 15_000} in effects
    assert [{:seed, %{addresses: [@place]}, %{addresses: []}}] = facts(effects)

    assert {:put, :seeds, [%{seed: "shop", addresses: [@place], error: nil}, _address]} =
             List.keyfind(effects, :seeds, 1)

    {cluster, effects} = handle(cluster, {:timeout, {:seed, 0}}, 15_100)
    assert [{:resolve, 0, @name, _ports}] = for({:resolve, _, _, _} = ask <- effects, do: ask)
    {cluster, effects} = handle(cluster, resolved({:ok, [@place]}), 15_200)
    assert seeds_told(effects) == []
    assert facts(effects) == []

    {cluster, _effects} = handle(cluster, {:exited, "gossipd has ended"}, 16_000)
    {_cluster, effects} = handle(cluster, {:opened, local().keys, process()}, 16_100)
    assert seeds_told(effects) == [[@place, {{10, 0, 0, 5}, 7, 7}]]
  end

  test "a network that comes has names resolved at once, one that goes does not" do
    asked = fn effects -> for({:resolve, index, @name, _ports} <- effects, do: index) end
    network = ready().network
    cluster = running([], seeds: [@address, @name])
    {cluster, _effects} = handle(cluster, {:resolved, 1, {:error, "no net"}, 0.0}, 100)

    eth0 = {"eth0", 2, "10.0.0.7"}
    came = {:frame, {:interfaces, [eth0], network}}
    {cluster, effects} = handle(cluster, came, 200)
    assert asked.(effects) == [1]
    # While that is under way, no other.
    {cluster, effects} = handle(cluster, {:timeout, {:seed, 1}}, 300)
    assert asked.(effects) == []
    {cluster, effects} = handle(cluster, {:resolved, 1, {:ok, [@place]}, 0.0}, 400)
    assert {:timer, {:seed, 1}, 15_000} in effects

    {cluster, effects} = handle(cluster, came, 500)
    assert asked.(effects) == []
    {cluster, effects} = handle(cluster, {:frame, {:interfaces, [], network}}, 600)
    assert asked.(effects) == []
    moved = {:frame, {:interfaces, [put_elem(eth0, 2, "10.0.0.8")], network}}
    {_cluster, effects} = handle(cluster, moved, 700)
    assert asked.(effects) == [1]
  end

  test "what is resolved while no sidecar runs is told to the next" do
    cluster = Cluster.new(options(seeds: [@name]), past(), 0)
    {cluster, _effects} = handle(cluster, {:start, local(), nil})
    {cluster, effects} = handle(cluster, resolved({:ok, [@place]}))
    assert seeds_told(effects) == []
    {_cluster, effects} = handle(cluster, {:opened, local().keys, process()})
    assert seeds_told(effects) == [[@place]]
  end

  test "what cannot be resolved is a problem after the third time, once, until it can" do
    cluster = running([], seeds: [@name])
    {cluster, _effects} = handle(cluster, resolved({:ok, [@place]}))

    {cluster, problems} =
      Enum.map_reduce(1..6, cluster, fn n, cluster ->
        {cluster, effects} = handle(cluster, resolved({:error, "reason #{n}"}), 1_000 * n)
        assert seeds_told(effects) == []
        {for({:put, :problems, problems} <- effects, do: problems), cluster}
      end)
      |> then(fn {problems, cluster} -> {cluster, Enum.concat(problems)} end)

    assert [[{:seed, "seed shop cannot be resolved: reason 3. " <> _}]] = problems
    {_cluster, effects} = handle(cluster, resolved({:ok, [@place]}), 10_000)
    assert {:put, :problems, []} in effects
    assert seeds_told(effects) == []
  end
end
