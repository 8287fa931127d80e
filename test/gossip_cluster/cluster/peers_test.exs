defmodule GossipCluster.Cluster.PeersTest do
  # Who is listed and who is connected, and what is told of that, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.{Cluster, Peer}

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
      {restarted, _} = handle(Cluster.new(options([]), %{past() | health: :isolated}, 0), again)
      {isolated, _} = handle(running(), {:frame, {:health, :isolated}})
      {isolated, _} = handle(isolated, {:opened, local().keys})

      for cluster <- [isolated, restarted] do
        {cluster, effects} = handle(cluster, {:frame, {:ready, ready()}})
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
end
