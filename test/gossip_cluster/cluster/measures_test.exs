defmodule GossipCluster.Cluster.MeasuresTest do
  # How well the peers are reached is asked for part by part, while somebody wants to know, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.Sidecar.Codec

  @most Codec.measures_max()

  defp part(from, count),
    do: {:frame, {:measures, from, for(n <- 1..count//1, do: {"b#{from + n}", 100, 250, 40})}}

  defp asked(effects), do: for({:command, {:measures, from}} <- effects, do: from)
  defp found(effects), do: for({:put, :measures, found} <- effects, do: found)

  test "one part is kept, and then who asked is answered, with whoever has asked meanwhile" do
    {cluster, effects} = handle(running(), {:measure, :a})
    assert asked(effects) == [0]
    assert {:timer, :measures, 500} in effects
    {cluster, effects} = handle(cluster, {:measure, :b})
    assert asked(effects) == []
    {cluster, []} = handle(cluster, {:measure, nil})

    {cluster, effects} =
      handle(
        cluster,
        {:frame, {:measures, 0, [{"x", 0, 0, 0}, {"y", :unknown, :unknown, :unknown}]}}
      )

    assert [%{"x" => {0, +0.0, at}, "y" => {nil, nil, nil}}] = found(effects)
    assert is_integer(at)
    assert {:reply, :a, :ok} in effects and {:reply, :b, :ok} in effects
    assert {:timer, :measures, :cancel} in effects
    # Readers find it before who waits is told.
    assert hd(effects) |> elem(0) == :put
    {_cluster, effects} = handle(cluster, part(0, 1))
    assert effects == []
  end

  test "a full part is followed by the next, up to the last that there can be" do
    {cluster, _effects} = handle(running(), {:measure, :a})
    {cluster, effects} = handle(cluster, part(0, @most))
    assert asked(effects) == [@most] and found(effects) == []
    # What does not belong here.
    {cluster, []} = handle(cluster, part(0, @most))
    {cluster, effects} = handle(cluster, part(@most, 3))
    assert [found] = found(effects)
    assert map_size(found) == @most + 3
    assert {100, 0.25, _at} = found["b#{@most + 3}"]

    {cluster, _effects} = handle(cluster, {:measure, :a})

    {_cluster, froms} =
      Enum.reduce_while(1..200, {cluster, [0]}, fn _n, {cluster, [from | _] = froms} ->
        {cluster, effects} = handle(cluster, part(from, @most))

        case asked(effects) do
          [next] -> {:cont, {cluster, [next | froms]}}
          [] -> {:halt, {cluster, froms}}
        end
      end)

    assert length(froms) == 128
  end

  test "a sidecar that does not answer, or is not there, keeps nobody waiting" do
    {cluster, _effects} = handle(running(), {:measure, :a})
    {cluster, effects} = handle(cluster, {:timeout, :measures})
    assert {:reply, :a, :ok} in effects and found(effects) == []
    {cluster, []} = handle(cluster, {:timeout, :measures})
    {gone, _effects} = handle(cluster, {:exited, "it was killed"})
    {_cluster, effects} = handle(gone, {:measure, :a})
    assert {:reply, :a, :ok} in effects and asked(effects) == []
  end
end
