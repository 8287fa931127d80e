defmodule GossipCluster.Cluster.AnswersTest do
  # Who asks is answered, once, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.Peer

  describe "answers" do
    test "who awaits is watched, answered once, and forgotten when it dies" do
      {cluster, effects} = handle(running(), {:await, :caller, self(), 1, %{}, :infinity})
      assert [{:monitor, ref, pid}] = for({:monitor, _, _} = monitor <- effects, do: monitor)
      assert pid == self()
      refute Enum.any?(effects, &match?({:timer, {:await, _}, _}, &1))
      {gone, effects} = handle(cluster, {:caller_down, ref})
      assert {:demonitor, ref} in effects
      assert gone.replies.awaits == %{}

      {cluster, _} = handle(cluster, {:frame, {:up, peer("zoe@x")}})
      {cluster, effects} = handle(cluster, {:nodeup, "zoe@x"})
      assert {:reply, :caller, :ok} in effects and {:demonitor, ref} in effects
      {_cluster, effects} = handle(cluster, {:timeout, {:await, ref}})
      refute Enum.any?(effects, &match?({:reply, _, _}, &1))
    end

    test "who awaits for a time is told when it is over" do
      {cluster, effects} = handle(running(), {:await, :caller, self(), 1, %{}, 50})
      assert [{:timer, timer, 50}] = for({:timer, {:await, _}, _} = timer <- effects, do: timer)
      {cluster, effects} = handle(cluster, {:timeout, timer})
      assert {:reply, :caller, {:error, :timeout}} in effects
      assert cluster.replies.awaits == %{}
    end

    test "who leaves is answered when the goodbyes are sent, when nobody sends them, and after a while" do
      {cluster, effects} = handle(running([peer("abe@x")]), {:leave, :caller})
      assert [{:request_leave, ref}] = for({:request_leave, _} = say <- effects, do: say)
      assert {:put, :left, true} in effects
      assert [%Peer{connection: {:skipped, :not_alive}}] = shown(effects)

      for event <- [
            {:frame, :left},
            {:leave_failed, ref},
            {:timeout, {:leave, ref}},
            {:exited, "x"}
          ] do
        {cluster, effects} = handle(cluster, event)
        assert {:reply, :caller, :ok} in effects
        {_cluster, effects} = handle(cluster, event)
        refute Enum.any?(effects, &match?({:reply, _, _}, &1))
      end
    end

    test "who joins again is announced and dials again; what was listed must be confirmed" do
      {cluster, effects} = handle(running([peer("zoe@x")]), {:rejoin, :caller})
      assert effects -- [{:reply, :caller, :ok}] == []

      {left, effects} = handle(cluster, [{:leave, :a}, {:leave, :b}])
      assert [{:membership, :left}] = for({:membership, _} = fact <- facts(effects), do: fact)
      dialled = {:dialled, "zoe@x", {:failed, {:refused, "x"}}, 1}
      {left, _} = handle(left, [{:frame, :left}, dialled])

      {back, effects} = handle(left, {:rejoin, :caller}, 60_000)
      assert {:put, :left, false} in effects and {:reply, :caller, :ok} in effects
      assert [{:announce, {:alive, _, _}}] = for({:announce, _} = say <- effects, do: say)
      assert facts(effects) == [{:membership, :rejoined}]
      assert [%Peer{name: "zoe@x", connection: :connecting}] = shown(effects)
      assert dialled(effects) == ["zoe@x"]
      {confirmed, _} = handle(back, {:frame, {:up, peer("zoe@x", boot: "b2")}}, 60_001)
      {_, effects} = handle(confirmed, {:pulse, local()}, 70_000)
      refute Enum.any?(facts(effects), &match?({:down, _, _, _}, &1))
      {_, effects} = handle(back, {:pulse, local()}, 70_000)
      assert [{:down, %Peer{name: "zoe@x"}, :silent, 0}] = facts(effects)
    end

    test "who asks for the counters is answered, whatever becomes of the sidecar" do
      {cluster, effects} = handle(running(), {:stats, :caller})
      assert [{:request_stats, ref}] = for({:request_stats, _} = ask <- effects, do: ask)

      for {event, answer} <- [
            {{:frame, {:stats, ref, %{received: 1}}}, %{received: 1}},
            {{:stats_failed, ref}, nil},
            {{:timeout, {:stats, ref}}, nil},
            {{:broken, :epipe}, nil}
          ] do
        {_cluster, effects} = handle(cluster, event)
        assert {:reply, :caller, answer} in effects
      end
    end

    test "strangers are told once, while nobody is found" do
      ask = fn cluster ->
        {cluster, effects} = handle(cluster, {:timeout, {:alone, 3_000}})
        {cluster, for({:request_stats, ref} <- effects, do: ref)}
      end

      {cluster, [ref]} = ask.(running())
      {cluster, effects} = handle(cluster, {:frame, {:stats, ref, %{foreign: 0}}})
      assert facts(effects) == []
      {cluster, [ref]} = ask.(cluster)
      {cluster, effects} = handle(cluster, {:frame, {:stats, ref, %{foreign: 3}}})
      assert facts(effects) == [{:foreign, false}]
      {cluster, [ref]} = ask.(cluster)
      {_cluster, effects} = handle(cluster, {:frame, {:stats, ref, %{foreign: 3}}})
      assert facts(effects) == []
      assert {_cluster, []} = ask.(running([peer("zoe@x")]))
    end

    test "what this VM's other clusters were heard of, before the sidecar knew them, is no strangers'" do
      cluster = running()
      {cluster, effects} = handle(cluster, {:siblings, [54_321]})
      assert {:command, {:siblings, [54_321]}} in effects
      assert [ref] = for({:request_stats, ref} <- effects, do: ref)
      {cluster, _effects} = handle(cluster, {:frame, {:stats, ref, %{foreign: 2}}})

      told = fn cluster, foreign ->
        {cluster, effects} = handle(cluster, {:timeout, {:alone, 3_000}})
        [ref] = for({:request_stats, ref} <- effects, do: ref)
        {_cluster, effects} = handle(cluster, {:frame, {:stats, ref, %{foreign: foreign}}})
        facts(effects)
      end

      assert told.(cluster, 2) == []
      assert told.(cluster, 3) == [{:foreign, false}]
    end

    test "the sidecar's port is told to this VM's other clusters, and it is told theirs" do
      {cluster, effects} = handle(running(), {:frame, {:ready, ready()}})
      assert {:sends_from, 54_321} in effects
      {cluster, _effects} = handle(cluster, {:exited, "gossipd exited"})
      # None runs: the next one is told when it is opened.
      assert {_cluster, []} = handle(cluster, {:siblings, [54_321]})
      {cluster, effects} = handle(cluster, {:timeout, :open})
      assert [{:open, keys}] = for({:open, _keys} = open <- effects, do: open)
      {_cluster, effects} = handle(cluster, {:opened, keys, process()})
      assert :find_siblings in effects
    end
  end

  test "one who awaits nobody is answered in the same turn, in the order in which they came" do
    {cluster, effects} = handle(running(), {:await, :first, self(), 0, %{}, :infinity})
    assert {:reply, :first, :ok} in effects
    assert cluster.replies.awaits == %{}
    callers = [{:b, 2}, {:a, 1}, {:c, 1}, {:d, 9}]

    {cluster, _} =
      handle(
        running(crowd(2)),
        for({c, min} <- callers, do: {:await, c, self(), min, %{}, :infinity})
      )

    {_cluster, effects} = handle(cluster, [{:nodeup, "z1@x"}, {:nodeup, "z2@x"}])
    assert for({:reply, caller, :ok} <- effects, do: caller) == [:a, :c, :b]
  end

  describe "who awaits peers with tags" do
    @db %{"role" => "db"}

    defp db(name, changes \\ []), do: peer(name, [tags: Map.put(@db, "zone", "a")] ++ changes)
    defp await(cluster, min), do: handle(cluster, {:await, :caller, self(), min, @db, 50})
    defp answered?(effects), do: {:reply, :caller, :ok} in effects

    test "is answered when so many that have them are connected" do
      {cluster, _} = handle(running([db("z1@x"), db("z2@x"), peer("z3@x")]), {:nodeup, "z1@x"})
      {cluster, effects} = await(cluster, 2)
      refute answered?(effects)
      {cluster, effects} = handle(cluster, {:nodeup, "z3@x"})
      refute answered?(effects)
      {cluster, effects} = handle(cluster, {:nodeup, "z2@x"})
      assert answered?(effects)
      assert for({:timer, {:await, _}, at} <- effects, do: at) == [:cancel]
      assert cluster.replies.tagged == %{}
    end

    test "is answered at once where they are there already, or nobody is awaited" do
      {cluster, _} = handle(running([db("z1@x")]), {:nodeup, "z1@x"})
      for min <- [0, 1], do: assert(answered?(elem(await(cluster, min), 1)))
      refute answered?(elem(await(cluster, 2), 1))
    end

    test "one that gets the tags counts, and one that loses them, or its connection, or is down does not" do
      {cluster, _} =
        handle(running([db("z1@x"), peer("z2@x")]), [{:nodeup, "z1@x"}, {:nodeup, "z2@x"}])

      {cluster, _} = await(cluster, 2)

      for event <- [
            {:frame, {:update, peer("z1@x", tags: %{"role" => "web"})}},
            {:nodedown, "z1@x", :net_tick_timeout, nil},
            {:frame, {:down, db("z1@x"), :silent}}
          ] do
        {fewer, _} = handle(cluster, event)
        {_cluster, effects} = handle(fewer, {:frame, {:update, db("z2@x")}})
        refute answered?(effects)
      end

      {_cluster, effects} = handle(cluster, {:frame, {:update, db("z2@x")}})
      assert answered?(effects)
    end

    test "is answered in the end" do
      for {event, answer} <- [
            {fn ref -> {:timeout, {:await, ref}} end, {:error, :timeout}},
            {fn ref -> {:caller_down, ref} end, nil}
          ] do
        {cluster, effects} = await(running(), 1)
        assert [ref] = for({:monitor, ref, _pid} <- effects, do: ref)
        {cluster, effects} = handle(cluster, event.(ref))
        assert for({:reply, :caller, answer} <- effects, do: answer) == List.wrap(answer)
        assert {:demonitor, ref} in effects
        assert cluster.replies.tagged == %{}
      end
    end
  end

  test "nobody is found: it is asked why 3, 10 and 30 s after the first announcement, and not while nothing is announced" do
    alone = for({:timer, {:alone, _}, ms} <- announcing(), do: ms)
    assert Enum.sort(alone) == [3_000, 10_000, 30_000]
    {cluster, _} = handle(running(), {:leave, :caller})
    assert {_cluster, []} = handle(cluster, {:timeout, {:alone, 3_000}})
  end

  defp announcing do
    {cluster, _} = handle(running(), {:exited, "gossipd exited"})
    {cluster, _} = handle(cluster, [{:timeout, :open}, {:opened, local().keys, process()}])
    alive = Map.merge(own(), %{port: 4000, host: {false, []}, tags: %{}})
    {_cluster, effects} = handle(cluster, {:announced, {:alive, alive, local().cookie}})
    effects
  end

  describe "whatever happens, in whatever order," do
    defp some_event(asked) do
      case {Enum.random(1..9), asked} do
        {n, _} when n in 1..2 ->
          {:await, make_ref(), self(), Enum.random(0..3), Enum.random([%{}, %{"role" => "db"}]),
           timeout()}

        {3, _} ->
          {:leave, make_ref()}

        {4, _} ->
          {:stats, make_ref()}

        {5, _} ->
          Enum.random([{:frame, :left}, {:exited, "x"}, {:opened, local().keys, process()}])

        {6, _} ->
          {Enum.random([:nodeup]), Enum.random(["z1@x", "z2@x", "z3@x"])}

        {7, _} ->
          {:nodedown, Enum.random(["z1@x", "z2@x", "z3@x"]), :net_tick_timeout, nil}

        {_, []} ->
          {:timeout, :dial}

        {_, refs} ->
          late(Enum.random(refs))
      end
    end

    defp timeout, do: Enum.random([:infinity, 50])

    defp late({:await, ref}), do: Enum.random([{:timeout, {:await, ref}}, {:caller_down, ref}])

    defp late({:leave, ref}), do: Enum.random([{:timeout, {:leave, ref}}, {:leave_failed, ref}])

    defp late({:stats, ref}) do
      Enum.random([
        {:timeout, {:stats, ref}},
        {:stats_failed, ref},
        {:frame, {:stats, ref, %{foreign: 0}}}
      ])
    end

    test "each is answered once, and who has died never; nobody is watched longer than that" do
      for seed <- 1..200 do
        :rand.seed(:exsss, seed)
        peers = [db("z1@x"), db("z2@x"), peer("z3@x")]
        start = {running(peers), [], %{}, MapSet.new(), MapSet.new()}

        {cluster, _asked, callers, answered, watched} =
          Enum.reduce(1..60, start, fn _n, {cluster, asked, callers, answered, watched} ->
            event = some_event(asked)
            {cluster, effects} = handle(cluster, event)

            asked =
              asked ++
                for({:monitor, ref, _pid} <- effects, do: {:await, ref}) ++
                for({:request_leave, ref} <- effects, do: {:leave, ref}) ++
                for({:request_stats, ref} <- effects, do: {:stats, ref})

            callers = if caller = caller(event), do: Map.put(callers, caller, true), else: callers

            watched =
              Enum.reduce(for({:monitor, r, _} <- effects, do: r), watched, &MapSet.put(&2, &1))

            watched =
              Enum.reduce(for({:demonitor, r} <- effects, do: r), watched, &MapSet.delete(&2, &1))

            answered =
              for {:reply, caller, _answer} <- effects, reduce: answered do
                answered ->
                  assert is_map_key(callers, caller)
                  refute caller in answered, "seed #{seed}: answered twice, by #{inspect(event)}"
                  MapSet.put(answered, caller)
              end

            {cluster, asked, callers, answered, watched}
          end)

        # Only who awaits may wait still.
        awaits = Map.merge(cluster.replies.awaits, cluster.replies.tagged)
        waiting = for {_ref, await} <- awaits, do: elem(await, 0)
        assert Enum.all?(waiting, &(&1 not in answered))
        assert watched == MapSet.new(Map.keys(awaits)), "seed #{seed}"

        # Those who leave or ask, when the sidecar ends.
        {cluster, effects} = handle(cluster, {:exited, "x"})
        assert cluster.replies.leaves == %{}
        assert cluster.replies.stats |> Map.values() |> Enum.all?(&(&1 in [:alone, :siblings]))
        last = for {:reply, caller, _answer} <- effects, do: caller
        assert Enum.all?(last, &(is_map_key(callers, &1) and &1 not in answered))
      end
    end

    defp caller({:await, caller, _pid, _min, _tags, _timeout}), do: caller
    defp caller({kind, caller}) when kind in [:leave, :stats] and is_reference(caller), do: caller
    defp caller(_event), do: nil
  end
end
