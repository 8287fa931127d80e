defmodule GossipCluster.ClusterTest do
  # What follows from what, without a process: events in, effects out.
  use ExUnit.Case, async: true

  alias GossipCluster.{Cluster, Hidden, Peer}

  @own %{name: "own@x", creation: 1, long_names: false, tls: false, ipv6: false, hidden: false}
  @past %{left: false, up: [], health: :ok, interfaces: [], foreign: false}
  @network %{reach: :loopback, missing: []}
  @ready %{
    version: "1",
    boot: "b",
    pid: 7,
    udp_port: 54_321,
    interfaces: [{"lo", 1, "127.0.0.1"}],
    network: @network
  }

  defp local do
    %{
      own: @own,
      cookie: Hidden.wrap("a cookie"),
      keys: Hidden.wrap([{:key, "k"}]),
      by_cookie: false
    }
  end

  defp peer(name, changes \\ []),
    do: struct!(%Peer{name: name, creation: 1, port: 1, cookie: :same}, changes)

  defp crowd(count), do: for(n <- 1..count, do: peer("z#{n}@x"))

  defp options(changes),
    do:
      Map.merge(
        %{interval: 1_000, quiet: 30_000, on_down: :keep, max_peers: 4_096},
        Map.new(changes)
      )

  # Handles events one after the other, at one time; returns the effects of all.
  defp handle(cluster, events, now \\ 0) do
    Enum.reduce(List.wrap(events), {cluster, []}, fn event, {cluster, effects} ->
      {cluster, more} = Cluster.handle(cluster, event, now)
      {cluster, effects ++ more}
    end)
  end

  # Goes on as the owner does, until nothing waits for a turn; returns the effects of each turn.
  defp go_on(cluster, effects, now, turns \\ []) do
    if :continue in effects do
      {cluster, more} = Cluster.handle(cluster, :continue, now)
      go_on(cluster, more, now, [effects | turns])
    else
      {cluster, Enum.reverse([effects | turns])}
    end
  end

  # A cluster that runs, is announced, and lists these peers.
  defp running(peers \\ [], changes \\ [], past \\ %{}) do
    cluster = Cluster.new(options(changes), Map.merge(@past, past), 0)

    {cluster, _effects} =
      handle(cluster, [
        {:start, local(), nil},
        {:opened, local().keys},
        {:restore, [], [], 1},
        {:local, local()},
        {:local_port, 4000},
        {:addresses, [], nil},
        {:announced, {:alive, Map.merge(@own, %{port: 4000, host: {false, []}}), local().cookie}},
        {:frame, {:ready, @ready}},
        {:frame, {:snapshot, :first, peers}},
        {:frame, :snapshot_end}
      ])

    cluster
  end

  # What is reported, but for what subscribers alone are told.
  defp facts(effects),
    do:
      for(
        {:report, facts} <- effects,
        fact <- facts,
        not match?({:event, _event}, fact),
        do: fact
      )

  defp told(effects), do: for({:report, facts} <- effects, {:event, event} <- facts, do: event)
  defp dialled(effects), do: for({:dial, peer, _doubted} <- effects, do: peer.name)
  defp shown(effects), do: for({:show, peer} <- effects, do: peer)

  describe "the start" do
    test "opens a sidecar before anything else, then announces this node" do
      cluster = Cluster.new(options([]), @past, 0)
      {cluster, effects} = handle(cluster, {:start, local(), nil})
      assert {:open, local().keys} in effects
      assert {:timer, :pulse, 500} in effects
      refute Enum.any?(effects, &match?({:announce, _}, &1))

      {cluster, effects} = handle(cluster, [{:opened, local().keys}, {:restore, [], [], 1}])
      assert {:timer, :ready, 15_000} in effects
      {cluster, effects} = handle(cluster, {:local, local()})
      assert :ask_port in effects
      assert :find_addresses in effects
      {cluster, effects} = handle(cluster, {:local_port, 4000})
      refute Enum.any?(effects, &match?({:announce, _}, &1))
      {_cluster, effects} = handle(cluster, {:addresses, [{10, 0, 0, 1}], nil})
      alive = Map.merge(@own, %{port: 4000, host: {false, [{10, 0, 0, 1}]}})
      assert {:announce, {:alive, alive, local().cookie}} in effects
    end

    test "a ring that needs a cookie waits for it" do
      none = %{local() | cookie: nil, keys: nil, own: nil}
      {cluster, effects} = handle(Cluster.new(options([]), @past, 0), {:start, none, nil})
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {cluster, effects} = handle(cluster, [{:restore, [], [], 1}, {:local, none}])
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {_cluster, effects} = handle(cluster, {:local, local()})
      assert {:open, local().keys} in effects
    end

    test "what an earlier owner said is not said again, and what it listed is kept until it is confirmed" do
      cluster = Cluster.new(options([]), %{@past | up: ["zoe@x"]}, 0)
      peers = [peer("zoe@x", connection: :connected)]
      events = [{:start, local(), nil}, {:opened, local().keys}, {:restore, peers, ["zoe@x"], 1}]
      {cluster, effects} = handle(cluster, events ++ [{:local, local()}])
      assert facts(effects) == []
      assert [%Peer{name: "zoe@x", connection: :connected} | _] = shown(effects)
      {cluster, effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}})
      assert facts(effects) == []
      {_cluster, effects} = handle(cluster, {:pulse, local()}, 100_000)
      refute Enum.any?(facts(effects), &match?({:down, _, _, _}, &1))

      {_cluster, effects} =
        Cluster.new(options([]), @past, 0)
        |> handle([{:start, local(), nil}, {:restore, peers, [], 1}, {:local, local()}])
        |> elem(0)
        |> handle({:pulse, local()}, 10_000)

      assert [{:down, %{name: "zoe@x"}, :silent, 0}] = facts(effects)
    end
  end

  describe "subscribers are told" do
    test "of connections that come and go, and of what keeps them from coming" do
      cluster = running([peer("zoe@x")])
      problem = {:timeout, "no answer"}
      {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:failed, problem}, 5})
      assert [{:problem, %Peer{name: "zoe@x", problem: ^problem}, ^problem}] = told(effects)
      {cluster, effects} = handle(cluster, {:nodeup, "zoe@x"}, 5_000)
      assert [{:connected, %Peer{connection: :connected, problem: nil}}] = told(effects)
      {cluster, effects} = handle(cluster, {:nodedown, "zoe@x", :net_tick_timeout, nil}, 6_000)
      assert [{:disconnected, %Peer{connection: :waiting}, :net_tick_timeout}] = told(effects)
      # Nobody is listed by that name.
      {_cluster, effects} =
        handle(cluster, [{:nodeup, "else@x"}, {:nodedown, "else@x", :disconnect, nil}])

      assert told(effects) == []
    end

    test "of the end of a connection whose peer has gone before it" do
      {cluster, _} = handle(running([peer("zoe@x")]), {:nodeup, "zoe@x"})
      {cluster, effects} = handle(cluster, {:frame, {:down, peer("zoe@x"), :left}})
      assert told(effects) == []
      {cluster, effects} = handle(cluster, {:nodedown, "zoe@x", :connection_closed, nil})
      assert [{:disconnected, %Peer{name: "zoe@x"}, :connection_closed}] = told(effects)
      assert cluster.parted == %{}
    end

    test "that a peer is left alone on purpose" do
      {cluster, _} = handle(running([peer("zoe@x")]), {:nodeup, "zoe@x"})
      {_cluster, effects} = handle(cluster, {:nodedown, "zoe@x", :disconnect, nil})
      assert [{:disconnected, _, :disconnect}, {:problem, _, {:quiet, _text}}] = told(effects)
    end
  end

  describe "paths" do
    @lan {10, 0, 0, 2}
    @second {10, 1, 0, 2}
    @ours {10, 0, 0, 1}

    defp zoe(heard \\ @lan, changes \\ []),
      do: peer("zoe@x", [addresses: [{heard, 1, 1}], own_addresses: [@lan, @second]] ++ changes)

    defp connected_at(local \\ @ours) do
      {cluster, effects} = handle(running(), {:addresses, [@ours], nil})
      assert {:timer, :addresses, 500} in effects
      {cluster, _} = handle(cluster, {:frame, {:up, zoe()}})
      up = [{:dialled, "zoe@x", {:connected, nil}, 5}, {:nodeup, "zoe@x"}]
      {cluster, effects} = handle(cluster, up)
      assert {:find_path, "zoe@x"} in effects
      path = %{local: local, remote: {@lan, 9100}}
      handle(cluster, {:path, "zoe@x", path})
    end

    test "are given to Epmd and to who dials, and shown" do
      {cluster, effects} = handle(running(), {:frame, {:up, zoe()}})
      assert [%Peer{paths: [@lan, @second]}] = for({:epmd_put, peer} <- effects, do: peer)
      assert [%Peer{paths: [@lan, @second]}] = for({:dial, peer, _} <- effects, do: peer)
      assert [%Peer{paths: [@lan, @second]}] = shown(effects)

      # It runs on this machine, as is known now.
      {cluster, effects} = handle(cluster, {:addresses, [@lan], nil})
      assert [%Peer{paths: [{127, 0, 0, 1} | _]}] = for({:epmd_put, peer} <- effects, do: peer)
      assert [%Peer{paths: [{127, 0, 0, 1} | _]}] = shown(effects)

      for same <- [[@lan], []] do
        {_cluster, effects} = handle(cluster, {:addresses, same, nil})
        assert for({:epmd_put, peer} <- effects, do: peer) == []
      end
    end

    test "the one that works is shown, and remembered, until the connection ends" do
      {cluster, effects} = connected_at()
      assert {:epmd_remember, "zoe@x", @lan} in effects
      assert [%Peer{connected_via: {@lan, 9100}}] = shown(effects)
      {cluster, effects} = handle(cluster, {:nodedown, "zoe@x", :net_tick_timeout, nil})
      assert [%Peer{connected_via: nil}] = shown(effects)
      # An answer that is late.
      late = {:path, "zoe@x", %{local: @ours, remote: {@lan, 9100}}}
      {_cluster, effects} = handle(cluster, [late, {:path, "zoe@x", nil}])
      assert shown(effects) == []
    end

    test "a dead one is probed, told, cut, and dialled anew at once, without a quiet period" do
      {cluster, _} = connected_at()
      {cluster, effects} = handle(cluster, {:frame, {:update, zoe(@second)}}, 1_000)
      assert {:timer, :paths, 0} in effects
      {cluster, effects} = handle(cluster, {:timeout, :paths}, 1_000)
      assert [{"zoe@x", patience}] = for({:probe, name, ms} <- effects, do: {name, ms})
      now = 1_000 + patience
      {cluster, effects} = handle(cluster, {:probed, "zoe@x", :silent}, now)
      assert {:timer, :paths, 0} in effects
      {cluster, effects} = handle(cluster, {:timeout, :paths}, now)
      assert {:disconnect, "zoe@x"} in effects
      assert {:epmd_forget, "zoe@x"} in effects
      assert [{:problem, "zoe@x", :dead_path, text, line}] = facts(effects)
      assert text =~ "to 10.0.0.2 (from 10.0.0.1)"
      assert line =~ text
      assert [{:problem, %Peer{name: "zoe@x"}, {:dead_path, ^text}}] = told(effects)
      {cluster, effects} = handle(cluster, {:nodedown, "zoe@x", :disconnect, :library}, now)
      assert dialled(effects) == ["zoe@x"]
      assert [%Peer{paths: [@second, @lan], problem: {:dead_path, ^text}}] = shown(effects)
      {_cluster, effects} = handle(cluster, {:nodeup, "zoe@x"}, now + 10)
      assert [%Peer{problem: nil}] = shown(effects)
    end

    test "one that is probed and lives is kept" do
      {cluster, _} = connected_at()
      {cluster, _} = handle(cluster, {:frame, {:update, zoe(@second)}}, 1_000)
      {cluster, _} = handle(cluster, {:timeout, :paths}, 1_000)
      {cluster, _} = handle(cluster, {:probed, "zoe@x", :answered}, 1_100)
      {_cluster, effects} = handle(cluster, {:timeout, :paths}, 9_000)
      refute Enum.any?(effects, &match?({:disconnect, _}, &1))
    end
  end

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
      {cluster, _} = handle(running(), {:await, :caller, self(), 1, :infinity})
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

  describe "connections" do
    test "a NODEUP and a NODEDOWN for each transition of a listed node, whoever made it" do
      cluster = running([peer("zoe@x")])

      {cluster, effects} =
        handle(cluster, [{:dialled, "zoe@x", {:connected, nil}, 5}, {:nodeup, "zoe@x"}])

      assert facts(effects) == [{:connected, "zoe@x", 5}, {:nodeup, "zoe@x"}]
      assert {:put, {:up, "zoe@x"}, true} in effects
      {cluster, effects} = handle(cluster, {:nodedown, "zoe@x", :net_tick_timeout, nil})
      assert facts(effects) == [{:nodedown, "zoe@x", :net_tick_timeout}]
      assert {:delete, {:up, "zoe@x"}} in effects

      {_cluster, effects} =
        handle(cluster, [{:nodeup, "other@x"}, {:nodedown, "other@x", :disconnect, nil}])

      assert facts(effects) == []
    end

    test "a failed dial is a problem that is shown and told once, and over when it is connected" do
      {cluster, _} = handle(running(), {:frame, {:up, peer("zoe@x")}})
      problem = {:timeout, "no answer"}
      {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:failed, problem}, 5})

      assert [{:not_connected, "zoe@x", ^problem, 5}, {:problem, "zoe@x", :timeout, _, line}] =
               facts(effects)

      assert line == ~s[cannot connect to :"zoe@x" (it is tried again): no answer]
      assert [%Peer{problem: ^problem, connection: :waiting}] = shown(effects)
      assert Enum.any?(effects, &match?({:timer, :dial, ms} when ms > 0, &1))

      {cluster, effects} = handle(cluster, {:timeout, :dial}, 5_000)
      assert dialled(effects) == ["zoe@x"]
      {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:failed, problem}, 5}, 5_000)
      assert [{:not_connected, _, _, _}] = facts(effects)
      {_cluster, effects} = handle(cluster, {:nodeup, "zoe@x"}, 6_000)
      assert [%Peer{problem: nil, connection: :connected}] = shown(effects)
    end

    test "what keeps it from even being dialled is told once, in words" do
      {cluster, effects} = handle(running(), {:frame, {:up, peer("zoe@x", cookie: :differs)}})
      assert [{:up, _, _}, {:problem, "zoe@x", :cookie, _why, line}] = facts(effects)
      assert line =~ ~s(:"zoe@x" is not dialled: its Erlang cookie differs)

      {_cluster, effects} =
        handle(cluster, {:frame, {:update, peer("zoe@x", cookie: :differs, port: 9)}})

      assert [{:update, _, _, _}] = facts(effects)
    end

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

    test "a disconnect on purpose is left alone; not what this VM's library, `global` or a firewall has done" do
      cluster = running([peer("zoe@x")])
      {cluster, _} = handle(cluster, {:dialled, "zoe@x", {:connected, nil}, 1})
      {quiet, effects} = handle(cluster, {:nodedown, "zoe@x", :disconnect, nil}, 10)
      assert [%Peer{problem: {:quiet, _}}] = shown(effects)

      assert [{:nodedown, _, _}, {:line, :info, _}] =
               Enum.sort_by(facts(effects), &elem(&1, 0), :desc)

      {_, effects} = handle(quiet, {:timeout, :dial}, 30_009)
      assert dialled(effects) == []
      {_, effects} = handle(quiet, {:timeout, :dial}, 30_010)
      assert dialled(effects) == ["zoe@x"]

      for by <- [:library, :global] do
        {cut, _} = handle(cluster, {:nodedown, "zoe@x", :disconnect, by}, 10)
        {_, effects} = handle(cut, {:timeout, :dial}, 1_000)
        assert dialled(effects) == ["zoe@x"]
      end

      # The other side closed it: somebody knocks, and nobody is reached.
      {closed, effects} = handle(cluster, {:nodedown, "zoe@x", :connection_closed, nil}, 10)
      assert Enum.any?(effects, &match?({:knock, %Peer{name: "zoe@x"}}, &1))
      {reached, _} = handle(closed, {:knocked, "zoe@x", :ok}, 20)
      {_, effects} = handle(reached, {:timeout, :dial}, 2_000)
      assert dialled(effects) == []
      {loud, effects} = handle(closed, {:knocked, "zoe@x", {:error, {:refused, "x"}}}, 20)
      assert [%Peer{problem: nil}] = shown(effects)

      assert dialled(effects) == ["zoe@x"] or
               dialled(elem(handle(loud, {:timeout, :dial}, 2_000), 1)) == ["zoe@x"]
    end

    test "a new sidecar of an isolated node begins well, and tells of changes only" do
      again = [{:start, local(), nil}, {:opened, local().keys}]
      {restarted, _} = handle(Cluster.new(options([]), %{@past | health: :isolated}, 0), again)
      {isolated, _} = handle(running(), {:frame, {:health, :isolated}})
      {isolated, _} = handle(isolated, {:opened, local().keys})

      for cluster <- [isolated, restarted] do
        {cluster, effects} = handle(cluster, {:frame, {:ready, @ready}})
        assert Cluster.summary(cluster).health == :ok
        assert {:put, :health, :ok} in effects
        assert {:health, :ok} in facts(effects)
      end
    end

    test "the connection to one that is down is cut if that is wanted, and the members have judged" do
      peers = [peer("zoe@x")]
      {cluster, _} = handle(running(peers, on_down: :disconnect), {:nodeup, "zoe@x"})
      {_, effects} = handle(cluster, {:frame, {:down, hd(peers), :silent}})
      assert {:disconnect, "zoe@x"} in effects
      {isolated, _} = handle(cluster, {:frame, {:health, :isolated}})
      {_, effects} = handle(isolated, {:frame, {:down, hd(peers), :silent}})
      refute {:disconnect, "zoe@x"} in effects
      {_, effects} = handle(isolated, {:frame, {:down, hd(peers), :left}})
      assert {:disconnect, "zoe@x"} in effects
      {keeps, _} = handle(running(peers), {:nodeup, "zoe@x"})
      {_, effects} = handle(keeps, {:frame, {:down, hd(peers), :silent}})
      refute {:disconnect, "zoe@x"} in effects
    end

    test "a list of nodes is believed only if it is no older than what was told" do
      cluster = running([peer("zoe@x")])
      {cluster, _} = handle(cluster, {:nodeup, "zoe@x"})
      {cluster, effects} = handle(cluster, {:pulse, local()}, 5_000)
      assert [{:list_nodes, links}] = for({:list_nodes, _} = list <- effects, do: list)
      {_, effects} = handle(cluster, {:pulse, local()}, 20_000)
      refute Enum.any?(effects, &match?({:list_nodes, _}, &1))

      {down, effects} = handle(cluster, {:nodes, links, {:ok, []}}, 5_010)
      assert facts(effects) == [{:nodedown, "zoe@x", nil}]
      {_, effects} = handle(down, {:nodes, links, {:ok, []}}, 5_020)
      assert facts(effects) == []

      {other, _} = handle(cluster, {:nodeup, "zed@x"}, 5_005)
      {other, effects} = handle(other, {:nodes, links, {:ok, []}}, 5_010)
      assert facts(effects) == []
      {_, effects} = handle(other, {:pulse, local()}, 5_500)
      assert Enum.any?(effects, &match?({:list_nodes, _}, &1))

      {failed, effects} = handle(cluster, {:nodes, links, {:error, "why"}}, 5_010)
      assert facts(effects) == [{:line, :warning, "why"}]
      {_, effects} = handle(failed, {:nodes, links, {:error, "why"}}, 5_020)
      assert facts(effects) == []
    end
  end

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
      {cluster, effects} = handle(running(), {:frame, {:ready, @ready}})
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

  describe "the sidecar" do
    test "dies, is told once, and is started again; the roster stays, and what it knew is said again" do
      cluster = running([peer("zoe@x")])
      {cluster, effects} = handle(cluster, {:exited, "gossipd exited"}, 100)
      assert {:timer, :open, 50} in effects
      assert facts(effects) == [{:sidecar_exit, 1, "gossipd exited", true}]
      assert [%Peer{}] = Cluster.peers(cluster)
      {cluster, effects} = handle(cluster, {:pulse, local()}, 120)
      refute {:command, :pulse} in effects
      {cluster, effects} = handle(cluster, {:timeout, :open}, 150)
      assert {:open, local().keys} in effects
      {cluster, effects} = handle(cluster, {:opened, local().keys}, 151)
      assert [{:announce, {:alive, _, _}}] = for({:announce, _} = say <- effects, do: say)
      # Confirmed in silence.
      {cluster, effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}}, 200)
      assert facts(effects) == []
      {_cluster, effects} = handle(cluster, {:pulse, local()}, 60_000)
      assert facts(effects) == []
    end

    test "says what cannot be read, or nothing at all: it is closed, and another is started" do
      for event <- [{:unreadable, 7}] do
        {cluster, effects} = handle(running(), event)
        assert :close in effects
        assert [{:sidecar_exit, 1, "gossipd sent a frame of 7 bytes" <> _, true}] = facts(effects)
        assert cluster.sidecar.state == :down
      end

      cluster = Cluster.new(options([]), @past, 0)
      events = [{:start, local(), nil}, {:opened, local().keys}, {:restore, [], [], 1}]
      {starting, _} = handle(cluster, events)
      {_cluster, effects} = handle(starting, {:timeout, :ready}, 15_000)
      assert :close in effects
      # One that is ready in time is not.
      {ready, _} = handle(starting, {:frame, {:ready, @ready}})
      {_cluster, effects} = handle(ready, {:timeout, :ready}, 15_000)
      refute :close in effects
    end

    test "has a conflict, interfaces, lines: each is reported" do
      cluster = running()
      twin = peer("own@x", creation: 2)
      {cluster, effects} = handle(cluster, {:frame, {:conflict, twin, peer("own@x")}})
      assert [{:conflict, ^twin, _other, @own, 0}] = facts(effects)
      lo = @ready.interfaces
      {cluster, effects} = handle(cluster, {:frame, {:interfaces, lo, @network}})
      assert facts(effects) == []
      none = %{reach: :none, missing: ["eth7"]}
      {_cluster, effects} = handle(cluster, {:frame, {:interfaces, [], none}})
      assert facts(effects) == [{:interfaces, [], lo}]
      assert {:put, :network, none} in effects

      for frame <- [{:log, :info, "text"}, {:heartbeat, "a@x"}, :keys_changed] do
        {_cluster, effects} = handle(cluster, {:frame, frame})
        assert facts(effects) == [frame]
      end
    end
  end

  test "its summary has no name of a peer" do
    text = inspect(Cluster.summary(running(crowd(10))))
    assert text =~ "peers: 10"
    refute text =~ "z1@x"
  end
end
