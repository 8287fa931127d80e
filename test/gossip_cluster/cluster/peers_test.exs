defmodule GossipCluster.Cluster.PeersTest do
  # Who is listed, and what is told of that, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.{Cluster, Peer}
  alias GossipCluster.Cluster.{Dialer, QuietPeriod, State}

  describe "listing" do
    test "nonode@nohost is nobody: not listed, not shown, not dialled" do
      {cluster, effects} =
        handle(running(), [
          {:frame, {:up, peer("nonode@nohost")}},
          {:frame, {:update, peer("nonode@nohost", port: 2)}},
          {:frame, {:snapshot, :first, [peer("nonode@nohost")]}},
          {:frame, :snapshot_end}
        ])

      assert facts(effects) == [] and shown(effects) == [] and dialled(effects) == []
      assert Cluster.peers(cluster) == []
    end

    test "of nodes that come and go nothing is kept" do
      {cluster, _} = handle(running([peer("zoe@x")]), [{:nodeup, "zoe@x"}, {:nodeup, "else@x"}])
      {cluster, _} = handle(cluster, {:frame, {:disconnected, peer("zoe@x"), 0}}, 5)
      {cluster, _} = handle(cluster, {:frame, {:down, peer("zoe@x"), :left}}, 5)

      downs = for name <- ["zoe@x", "else@x"], do: {:nodedown, name, :connection_closed, nil}
      {cluster, _} = handle(cluster, downs, 6)
      assert cluster.quiet == %QuietPeriod{}
    end

    test "a new sidecar of an isolated node begins well, and tells of changes only" do
      alive = Map.merge(own(), %{port: 4000, host: {false, []}, tags: %{}})

      again = [
        {:start, local(), nil},
        {:opened, local().keys, process()},
        {:restore, [], [], 1},
        {:local, local()},
        {:announced, {:alive, alive, local().cookie}}
      ]

      {restarted, _} =
        handle(Cluster.new(options([]), %{past() | told: {:isolated, []}}, 0), again)

      {isolated, _} = handle(running(), {:frame, {:health, :isolated}})
      {isolated, _} = handle(isolated, {:opened, local().keys, process()})
      {isolated, _} = handle(isolated, {:announced, {:alive, alive, local().cookie}})

      for cluster <- [isolated, restarted] do
        {cluster, effects} = handle(cluster, {:frame, {:ready, ready()}})
        assert Cluster.summary(cluster).health == :ok
        assert {:put, :health, :ok} in effects
        assert {:health, :ok, :isolated, []} in facts(effects)
      end
    end
  end

  describe "a name with two lives" do
    test "is a conflict, not dialled, and its connection is not cut for the one that goes" do
      old = peer("zoe@x")
      new = peer("zoe@x", creation: 2)
      {cluster, effects} = handle(running([old], on_down: :disconnect), {:frame, {:up, new}})
      assert [{:up, %{creation: 2}, 2}] = for({:up, _, _} = up <- facts(effects), do: up)
      assert dialled(effects) == []
      failed = {:dialled, "zoe@x", {:failed, {:timeout, "why"}}, 1}
      {cluster, effects} = handle(cluster, failed)
      assert [%{connection: {:skipped, :conflict}}, %{creation: 2}] = shown(effects)
      {cluster, effects} = handle(cluster, {:timeout, :dial}, 100_000)
      assert dialled(effects) == []
      {cluster, _} = handle(cluster, {:nodeup, "zoe@x"})
      {cluster, effects} = handle(cluster, {:frame, {:down, old, :left}})
      assert {:hide, old} in effects
      refute {:disconnect, "zoe@x"} in effects
      # Erlang still asks for the address of the other.
      refute Enum.any?(effects, &match?({:epmd_drop, _, _}, &1))
      refute Enum.any?(facts(effects), &match?({:nodedown, _, _}, &1))
      assert [%Peer{creation: 2}] = Cluster.peers(cluster)
      {_cluster, effects} = handle(cluster, {:frame, {:down, new, :left}})
      assert {:disconnect, "zoe@x"} in effects
      assert {:epmd_drop, new, :left} in effects
    end

    test "of which one is listed is dialled when the other is gone, or a new sidecar is to tell" do
      listed = peer("zoe@x", boot: "1")
      rivals = for n <- 2..3, do: peer("zoe@x", creation: n, boot: "#{n}")
      conflicts = for rival <- rivals, do: {:frame, {:conflict, rival, listed}}
      {cluster, _effects} = handle(running(), [{:frame, {:up, listed}} | conflicts])
      {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:failed, {:timeout, "why"}}, 1})
      assert [{:skipped, :conflict}] = for(peer <- shown(effects), do: peer.connection)

      # What was not in conflict with anybody settles nothing, nor does the first of two.
      for gone <- [peer("zoe@x", boot: "9"), hd(rivals)] do
        {cluster, _effects} = handle(cluster, {:frame, {:settled, gone}})
        {_cluster, effects} = handle(cluster, {:timeout, :dial}, 100_000)
        assert dialled(effects) == []
      end

      gone = for rival <- rivals, do: {:frame, {:settled, rival}}

      for over <- [gone, {:opened, local().keys, process()}, {:frame, :left}] do
        {_cluster, effects} = handle(cluster, over, 100_000)
        assert "zoe@x" in dialled(effects)
      end
    end

    test "whose end was lost on the way here is settled by the next snapshot, and one that lasts is no news" do
      listed = peer("zoe@x", boot: "1")
      [gone, stays] = for n <- 2..3, do: peer("zoe@x", creation: n, boot: "#{n}")
      other = {:frame, {:conflict, peer("own@x", creation: 2, boot: "4"), peer("own@x")}}
      {cluster, effects} = handle(running(), [{:frame, {:up, listed}}, other])
      assert {:put, :health, :conflict} in effects
      told = for rival <- [gone, stays], do: {:frame, {:conflict, rival, listed}}
      {cluster, _effects} = handle(cluster, told)
      {cluster, _effects} = handle(cluster, {:dialled, "zoe@x", {:failed, {:timeout, "why"}}, 1})
      first = {:frame, {:snapshot, :first, [listed]}}
      again = {:frame, {:conflict, stays, listed}}

      {cluster, effects} = handle(cluster, [first, again, {:frame, :snapshot_end}])
      assert facts(effects) == []
      assert {:put, :health, :ok} in effects
      {cluster, effects} = handle(cluster, {:timeout, :dial}, 100_000)
      assert dialled(effects) == []
      {cluster, effects} = handle(cluster, [first, again, {:frame, :snapshot_end}], 100_000)
      assert facts(effects) == [] and dialled(effects) == []

      # One that is told anew after its end is news again.
      {cluster, effects} = handle(cluster, [first, {:frame, :snapshot_end}], 100_000)
      assert "zoe@x" in dialled(effects)
      {_cluster, effects} = handle(cluster, again, 100_000)
      assert [{:conflict, ^stays, ^listed, _own, 1}] = facts(effects)
    end

    test "that is this node's own is why it is not well, until the other is gone, or listed" do
      rival = peer("own@x", creation: 2, boot: "2", addresses: [{{192, 0, 2, 7}, 1, 1}])
      {cluster, effects} = handle(running(), {:frame, {:conflict, rival, peer("own@x")}})
      assert {:put, :health, :conflict} in effects
      assert [{:conflict, text}] = for({:put, :problems, [told]} <- effects, do: told)
      assert text =~ "at 192.0.2.7"
      renamed = %{local() | own: %{own() | name: "other@x"}}

      {cluster, effects} = handle(cluster, {:timeout, :health}, 1_000)
      assert {:health, :conflict, :ok, [{:conflict, text}]} in facts(effects)
      assert {:own_problem, {:conflict, text}} in facts(effects)

      for over <- [{:frame, {:settled, rival}}, {:local, renamed}] do
        {_cluster, effects} = handle(cluster, over)
        assert {:put, :health, :ok} in effects
      end
    end

    test "is told by what was said of that life, not of the other" do
      old = peer("zoe@x", status: :suspect)
      new = peer("zoe@x", creation: 2)
      well = %{old | status: :alive}

      {_cluster, effects} =
        handle(running([old, new]), [
          {:frame, {:update, well}},
          {:frame, {:update, %{new | port: 2}}}
        ])

      assert [{:update, %{creation: 1}, :suspect, 2}, {:update, %{creation: 2}, :alive, 2}] =
               facts(effects)
    end
  end

  test "an event tells how the peer's connection is by that event, not before it" do
    {cluster, effects} = handle(running(), {:frame, {:up, peer("zoe@x", cookie: :differs)}})
    assert [{:up, %{connection: {:skipped, :cookie}}, 1} | _] = facts(effects)
    {_cluster, effects} = handle(cluster, {:frame, {:update, peer("zoe@x")}})
    assert [{:update, %{connection: connection}, :alive, 1} | _] = facts(effects)
    refute connection == {:skipped, :cookie}
  end

  test "a peer that is refused by `accept` is shown so, and is no problem" do
    {cluster, _} = handle(running(), {:frame, {:up, peer("zoe@x")}})
    {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:refused, nil}, 1})
    assert [%Peer{connection: {:skipped, :refused}, problem: nil}] = shown(effects)
    assert facts(effects) == [] and told(effects) == []
    {_cluster, effects} = handle(cluster, {:timeout, :dial}, 100_000)
    assert dialled(effects) == []
  end

  # What the dialer keeps is the newest; a change that still waits for its turn was then no change any more.
  test "what a peer changes while an earlier word of it waits for its turn is seen all the same" do
    {refused, _} = handle(running(), {:frame, {:up, peer("zoe@x")}})
    {failed, _} = handle(refused, {:dialled, "zoe@x", {:failed, {:timeout, "no answer"}}, 1})
    {refused, _} = handle(refused, {:dialled, "zoe@x", {:refused, nil}, 1})

    changes = [{refused, [tags: %{"role" => "db"}]}, {failed, [port: 2]}]

    # In one page, and in another behind much that waits.
    for {cluster, change} <- changes, others <- [[], crowd(200)] do
      page = others ++ [peer("zoe@x", status: :suspect), peer("zoe@x", change)]
      {cluster, effects} = handle(cluster, {:frame, {:snapshot, :first, page}})
      {cluster, turns} = go_on(cluster, effects, 0)
      assert Dialer.failures(cluster.dialer, "zoe@x") == 0
      {_cluster, last} = handle(cluster, {:timeout, :dial}, 1_000)
      assert "zoe@x" in dialled(Enum.concat(turns) ++ last)
    end
  end

  test "a dial that failed while the other side connected, or whose peer has gone, is no problem" do
    failed = {:dialled, "zoe@x", {:failed, {:timeout, "no answer"}}, 1}
    {cluster, _} = handle(running(), {:frame, {:up, peer("zoe@x")}})
    {connected, _} = handle(cluster, {:nodeup, "zoe@x"})
    {gone, _} = handle(cluster, {:frame, {:down, peer("zoe@x"), :left}})

    for cluster <- [connected, gone] do
      {cluster, effects} = handle(cluster, failed)
      assert [{:not_connected, "zoe@x", _, 1}] = facts(effects)
      assert told(effects) == []
      assert Cluster.summary(cluster).problems == 0
    end
  end

  test "a function that does not disconnect is told once" do
    {cluster, effects} = handle(running(), {:disconnected, "zoe@x", {:error, "it raised"}})
    assert [{:line, :warning, line}] = facts(effects)
    assert line =~ ~s(cannot disconnect :"zoe@x": it raised)
    assert {_cluster, []} = handle(cluster, {:disconnected, "zoe@x", {:error, "it raised"}})
    assert {_cluster, []} = handle(cluster, {:disconnected, "zoe@x", :ok})
  end

  test "epmd is swept once a minute" do
    sweeps = fn {cluster, effects} -> {cluster, Enum.count(effects, &(&1 == :epmd_sweep))} end
    {cluster, 0} = sweeps.(handle(running(), {:pulse, local()}, 59_999))
    {cluster, 1} = sweeps.(handle(cluster, {:pulse, local()}, 60_000))
    assert {_cluster, 0} = sweeps.(handle(cluster, {:pulse, local()}, 119_999))
  end

  describe "whatever happens, in whatever order," do
    # What an outsider makes of all effects, as the owner, epmd and a subscriber do.
    @world %{
      shown: %{},
      up: MapSet.new(),
      epmd: %{},
      dialling: MapSet.new(),
      lives: %{},
      links: %{}
    }

    defp see(effect, world, seed) do
      case effect do
        {:show, peer} ->
          put_in(world.shown[{peer.name, peer.creation}], peer)

        {:hide, peer} ->
          assert is_map_key(world.shown, {peer.name, peer.creation}) or
                   match?(%{}, world.lives[{peer.name, peer.creation}])

          %{world | shown: Map.delete(world.shown, {peer.name, peer.creation})}

        {:put, {:up, name}, true} ->
          refute name in world.up, "seed #{seed}: #{name} is up twice"
          %{world | up: MapSet.put(world.up, name)}

        {:delete, {:up, name}} ->
          assert name in world.up, "seed #{seed}: #{name} was not up"
          %{world | up: MapSet.delete(world.up, name)}

        {:epmd_put, peer} ->
          put_in(world.epmd[peer.name], peer)

        {:epmd_drop, peer, _reason} ->
          %{world | epmd: Map.delete(world.epmd, peer.name)}

        {:dial, peer, _doubted} ->
          refute peer.name in world.dialling, "seed #{seed}: #{peer.name} is dialled twice"
          refute peer.name == "nonode@nohost"

          assert is_map_key(world.epmd, peer.name),
                 "seed #{seed}: dialled, and Epmd knows nothing"

          assert peer.cookie == :same and peer.long_names == false
          %{world | dialling: MapSet.put(world.dialling, peer.name)}

        {:report, facts} ->
          Enum.reduce(facts, world, &hear(&1, &2, seed))

        _other ->
          world
      end
    end

    # For each life an up, then a down; for each name a NODEUP, then a NODEDOWN.
    defp hear({:up, %{name: name, creation: creation}, _count}, world, seed) do
      refute is_map_key(world.lives, {name, creation}), "seed #{seed}: #{name} came twice"
      put_in(world.lives[{name, creation}], true)
    end

    defp hear({:down, %{name: name, creation: creation}, _reason, _count}, world, seed) do
      assert is_map_key(world.lives, {name, creation}),
             "seed #{seed}: #{name} went, and never came"

      %{world | lives: Map.delete(world.lives, {name, creation})}
    end

    defp hear({:update, %{name: name, creation: creation}, _before, _count}, world, seed) do
      assert is_map_key(world.lives, {name, creation}), "seed #{seed}: news of one not listed"
      world
    end

    defp hear({:nodeup, name}, world, seed) do
      refute world.links[name], "seed #{seed}: two NODEUP of #{name}"
      put_in(world.links[name], true)
    end

    defp hear({:nodedown, name, _reason}, world, seed) do
      assert world.links[name], "seed #{seed}: NODEDOWN of #{name} without NODEUP"
      put_in(world.links[name], false)
    end

    defp hear(_fact, world, _seed), do: world

    @names ["abe@x", "zoe@x", "zed@x", "zip@x", "nonode@nohost"]

    defp some_peer do
      peer(Enum.random(@names),
        creation: Enum.random([1, 1, 1, 2]),
        port: Enum.random(1..2),
        status: Enum.random([:alive, :alive, :suspect, :stalled]),
        cookie: Enum.random([:same, :same, :same, :differs]),
        addresses: [{{192, 0, 2, Enum.random(1..2)}, 1, 1}]
      )
    end

    defp some_event(world, cluster) do
      name = Enum.random(@names)

      case Enum.random(1..16) do
        n when n in 1..3 ->
          {:frame, {:up, some_peer()}}

        4 ->
          {:frame, {:update, some_peer()}}

        n when n in 5..6 ->
          {:frame, {:down, some_peer(), Enum.random([:left, :silent, :beam_exit])}}

        7 ->
          {:frame, {:snapshot, Enum.random([:first, :more]), [some_peer(), some_peer()]}}

        8 ->
          {:frame, :snapshot_end}

        9 ->
          {:nodeup, name}

        10 ->
          {:nodedown, name, Enum.random([:disconnect, :connection_closed]), nil}

        n when n in 11..13 ->
          some_result(world.dialling)

        14 ->
          {:nodes, cluster.links, {:ok, Enum.take_random(@names, 2)}}

        15 ->
          {:frame, {:conflict, some_peer(), some_peer()}}

        16 ->
          Enum.random([{:timeout, :dial}, {:pulse, local()}, {:opened, local().keys, process()}])
      end
    end

    defp some_result(dialling) do
      case Enum.to_list(dialling) do
        [] ->
          {:timeout, :dial}

        names ->
          result = Enum.random([{:connected, nil}, {:refused, nil}, {:failed, {:timeout, "why"}}])
          {:dialled, Enum.random(names), result, 1}
      end
    end

    defp follow(world, effects, seed), do: Enum.reduce(effects, world, &see(&1, &2, seed))

    test "what is shown is what is listed; ups and downs take turns; nobody is dialled twice at a time" do
      for seed <- 1..100 do
        :rand.seed(:exsss, seed)

        Enum.reduce(1..60, {running(), @world, 0}, fn _n, {cluster, world, now} ->
          now = now + Enum.random([0, 1, 500, 3_000])
          event = some_event(world, cluster)

          world =
            case event do
              {:dialled, name, _, _} -> %{world | dialling: MapSet.delete(world.dialling, name)}
              _other -> world
            end

          {cluster, effects} = handle(cluster, event, now)
          {cluster, turns} = go_on(cluster, effects, now)
          world = follow(world, Enum.concat(turns), seed)
          listed = Cluster.peers(cluster)

          assert Enum.sort(Map.keys(world.shown)) ==
                   Enum.sort(for peer <- listed, do: {peer.name, peer.creation}),
                 "seed #{seed}: after #{inspect(event)}"

          assert Enum.sort(Map.keys(world.lives)) == Enum.sort(Map.keys(world.shown))
          assert Enum.sort(Map.keys(world.epmd)) == listed |> Enum.map(& &1.name) |> Enum.uniq()
          assert world.up == MapSet.new(for {name, true} <- world.links, do: name)

          # Of one that has gone nothing is kept.
          names = Map.keys(world.epmd)
          assert Map.keys(cluster.unwell) -- Map.keys(world.shown) == [], "seed #{seed}"
          assert Map.keys(cluster.problems.problems) -- names == [], "seed #{seed}"
          assert Map.keys(cluster.problems.said) -- names == [], "seed #{seed}"
          assert MapSet.subset?(MapSet.new(Map.keys(cluster.parted)), world.up), "seed #{seed}"

          for {{name, _creation}, shown} <- world.shown do
            # What readers read is how it is.
            assert shown == State.with_connection(cluster, %{shown | connection: :waiting}),
                   "seed #{seed}: #{name} is shown as it was, after #{inspect(event)}"

            assert shown.connection == :connected == name in world.up
          end

          {cluster, world, now}
        end)
      end
    end
  end
end
