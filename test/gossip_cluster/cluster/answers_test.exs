defmodule GossipCluster.Cluster.AnswersTest do
  # Who asks is answered, once, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.Peer

  describe "answers" do
    test "who awaits is watched, answered once, and forgotten when it dies" do
      {cluster, effects} = handle(running(), {:await, :caller, self(), 1, :infinity})
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
      {cluster, effects} = handle(running(), {:await, :caller, self(), 1, 50})
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
      {_cluster, effects} = handle(cluster, {:opened, keys})
      assert :find_siblings in effects
    end
  end
end
