defmodule GossipCluster.ClusterTest do
  # What a turn is: events in, effects out, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.{Cluster, Peer}

  describe "a turn" do
    test "writes a peer once and dials in one round, also where the same is told many times" do
      {_cluster, effects} = handle(running(), {:frame, {:up, peer("zoe@x")}})
      assert [%Peer{name: "zoe@x", connection: :connecting}] = shown(effects)
      assert dialled(effects) == ["zoe@x"]

      # The page of a snapshot that lists a peer twice, and others.
      page = [peer("zed@x"), peer("zoe@x"), peer("zoe@x", port: 2), peer("zoe@x", port: 3)]
      {_cluster, effects} = handle(running(), {:frame, {:snapshot, :first, page}})
      assert effects |> shown() |> Enum.map(& &1.name) |> Enum.sort() == ["zed@x", "zoe@x"]
      assert effects |> dialled() |> Enum.sort() == ["zed@x", "zoe@x"]
    end

    test "shows a peer, and tells Epmd, before it is dialled; answers and reports come last" do
      {cluster, _} = handle(running(), {:await, :caller, self(), 1, %{}, :infinity})
      {cluster, effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}})
      place = fn match -> Enum.find_index(effects, match) end
      assert place.(&match?({:epmd_put, _}, &1)) < place.(&match?({:dial, _, _}, &1))
      assert place.(&match?({:show, _}, &1)) < place.(&match?({:dial, _, _}, &1))
      assert List.last(effects) == {:report, facts(effects)}
      {_cluster, effects} = handle(cluster, {:nodeup, "zoe@x"})
      place = fn match -> Enum.find_index(effects, match) end
      assert place.(&match?({:show, _}, &1)) < place.(&(&1 == {:reply, :caller, :ok}))
      assert {:report, [{:nodeup, "zoe@x"}, {:event, _event}]} = List.last(effects)
    end

    test "is short however many it concerns, loses nobody, and keeps the order" do
      peers = crowd(1_000)
      {cluster, effects} = handle(running(), {:frame, {:snapshot, :first, peers}})
      {cluster, turns} = go_on(cluster, effects, 0)
      assert length(turns) >= 15

      for turn <- turns,
          do: assert(length(shown(turn)) <= 64 + 32 and length(dialled(turn)) <= 32)

      ups = for {:up, peer, _count} <- facts(Enum.concat(turns)), do: peer.name
      assert ups == Enum.map(peers, & &1.name)

      # All are gone; and before that is through, one is back, and another is connected.
      {cluster, first} =
        handle(cluster, [{:frame, {:snapshot, :first, []}}, {:frame, :snapshot_end}])

      {cluster, second} =
        handle(cluster, [{:frame, {:up, peer("z1000@x")}}, {:nodeup, "z1000@x"}])

      {cluster, turns} = go_on(cluster, first ++ second, 0)

      about =
        for fact <- facts(Enum.concat(turns)), elem(fact, 0) in [:up, :down, :nodeup], do: fact

      assert length(about) == 1_002
      assert [{:up, %{name: "z1000@x"}, _}, {:nodeup, "z1000@x"}] = Enum.take(about, -2)
      assert [%Peer{name: "z1000@x"}] = Cluster.peers(cluster)
    end

    test "that takes all, where this node stops, dials nobody from then on" do
      {cluster, effects} = handle(running(), {:frame, {:snapshot, :first, crowd(500)}})
      {cluster, stopped} = handle(cluster, {:local, %{local() | own: nil, cookie: nil}})
      assert {:command, :hide} in stopped
      {cluster, [_first | turns]} = go_on(cluster, effects ++ stopped, 5_000)
      assert Enum.flat_map(turns, &dialled/1) == []

      last =
        (effects ++ stopped ++ Enum.concat(turns))
        |> shown()
        |> Map.new(&{&1.name, &1.connection})

      assert map_size(last) == 500
      # Those that were being dialled still are.
      assert last |> Map.values() |> Enum.frequencies() == %{
               {:skipped, :not_alive} => 468,
               :connecting => 32
             }

      {_cluster, effects} = handle(cluster, {:timeout, :dial}, 60_000)
      assert dialled(effects) == []
    end
  end

  test "its summary has no name of a peer" do
    text = inspect(Cluster.summary(running(crowd(10))))
    assert text =~ "peers: 10"
    refute text =~ "z1@x"
  end
end
