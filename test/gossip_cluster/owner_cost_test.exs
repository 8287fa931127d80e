defmodule GossipCluster.OwnerCostTest do
  # What a peer costs the owner must not depend on how many others there are. Reductions, not time; bench/owner.exs prints both.
  use ExUnit.Case, async: false

  alias GossipCluster.{FakeSidecar, OwnerLoad}

  @few 256
  @many 4_096

  setup do
    level = Logger.level()
    Logger.configure(level: :error)

    {:ok, _pid} =
      :net_kernel.start(:"own@127.0.0.1", %{name_domain: :longnames, dist_listen: false})

    on_exit(fn ->
      Logger.configure(level: level)
      if Node.alive?(), do: :net_kernel.stop()
    end)

    {:ok, sidecar: FakeSidecar.script("exec cat >/dev/null")}
  end

  # The least of five: a collection of all memory that falls into a run can only add.
  defp costs(count, sidecar, awaited) do
    runs =
      for _ <- 1..5 do
        load = OwnerLoad.start(count, sidecar)
        waiting = if awaited, do: OwnerLoad.await(load)

        costs = %{
          snapshot: OwnerLoad.snapshot(load).reductions,
          update: OwnerLoad.update(load).reductions,
          down: OwnerLoad.down_half(load).reductions
        }

        if waiting, do: Process.unlink(waiting) && Process.exit(waiting, :kill)
        OwnerLoad.stop(load)
        costs
      end

    for key <- [:snapshot, :update, :down],
        into: %{},
        do: {key, runs |> Enum.map(& &1[key]) |> Enum.min()}
  end

  for awaited <- [false, true] do
    @tag timeout: 180_000
    test "a snapshot, an update of all and a down of half, #{if awaited, do: "with an await pending", else: "nobody awaiting"}",
         %{sidecar: sidecar} do
      # Code is loaded by the first.
      _ = costs(64, sidecar, unquote(awaited))
      few = costs(@few, sidecar, unquote(awaited))
      many = costs(@many, sidecar, unquote(awaited))

      for {what, reductions} <- many do
        assert reductions <= 1.2 * few[what],
               "#{what}: #{round(few[what])} reductions a peer with #{@few} peers, #{round(reductions)} with #{@many}"
      end
    end
  end
end
