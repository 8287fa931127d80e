defmodule GossipCluster.Cluster.ConnectionsTest do
  # Who is connected, and what is told of that, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.{Cluster, Hidden, Peer}

  describe "subscribers are told" do
    test "of connections that come and go, and of what keeps them from coming" do
      cluster = running([peer("zoe@x")])
      problem = {:timeout, "no answer"}
      {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:failed, problem}, 5})
      assert told(effects) == []
      {cluster, _effects} = handle(cluster, {:timeout, :dial}, 4_000)
      {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:failed, problem}, 5}, 4_000)
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

    test "a dial that fails again and again is a problem that is shown and told once, and over when it is connected" do
      {cluster, _} = handle(running(), {:frame, {:up, peer("zoe@x")}})
      problem = {:timeout, "no answer"}
      {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:failed, problem}, 5})
      # It may have other reasons, which the sidecar is to tell.
      assert [{:not_connected, "zoe@x", ^problem, 5}] = facts(effects)
      assert [%Peer{problem: nil, connection: :waiting}] = shown(effects)
      assert Enum.any?(effects, &match?({:timer, :dial, ms} when ms > 0, &1))

      {cluster, effects} = handle(cluster, {:timeout, :dial}, 5_000)
      assert dialled(effects) == ["zoe@x"]
      {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:failed, problem}, 5}, 5_000)

      assert [{:not_connected, "zoe@x", ^problem, 5}, {:problem, "zoe@x", :timeout, _, line}] =
               facts(effects)

      assert line == ~s[cannot connect to :"zoe@x" (it is tried again): no answer]
      assert [%Peer{problem: ^problem, connection: :waiting}] = shown(effects)

      {cluster, effects} = handle(cluster, {:timeout, :dial}, 10_000)
      assert dialled(effects) == ["zoe@x"]
      {cluster, effects} = handle(cluster, {:dialled, "zoe@x", {:failed, problem}, 5}, 10_000)
      assert [{:not_connected, _, _, _}] = facts(effects)
      {_cluster, effects} = handle(cluster, {:nodeup, "zoe@x"}, 11_000)
      assert [%Peer{problem: nil, connection: :connected}] = shown(effects)
    end

    # Dials that fail for the same reason at these times: when that was told.
    defp blamed_at(cluster, times, cause \\ :refused) do
      {told, _cluster} =
        Enum.flat_map_reduce(times, cluster, fn at, cluster ->
          {cluster, effects} =
            handle(cluster, {:dialled, "zoe@x", {:failed, {cause, "why"}}, 0}, at)

          {for({:problem, _, _, _, _} <- facts(effects), do: at), cluster}
        end)

      told
    end

    test "nothing is blamed for a lost connection before the sidecar must have told that the peer is gone" do
      {cluster, _} = handle(running([peer("zoe@x")]), {:nodeup, "zoe@x"})
      # Not closed in order: nobody takes that for a disconnect on purpose.
      {lost, _} = handle(cluster, {:nodedown, "zoe@x", :net_tick_timeout, nil}, 1_000)
      assert blamed_at(lost, [1_500, 2_500, 4_499, 4_500, 8_000]) == [4_500]
      # It ended, and told so.
      {down, _} = handle(lost, {:frame, {:down, peer("zoe@x"), :beam_exit}}, 1_600)
      assert blamed_at(down, [1_700, 5_000, 9_000]) == []
    end

    test "a peer that does not answer, or whose VM hangs, is not blamed, and a word of the sidecar begins the wait anew" do
      cluster = running([peer("zoe@x")])
      times = [0, 2_000, 4_000, 6_000]
      assert blamed_at(cluster, times) == [4_000]

      for status <- [:suspect, :stalled] do
        {unwell, _} = handle(cluster, {:frame, {:update, peer("zoe@x", status: status)}})
        assert blamed_at(unwell, times) == []
        {well, _} = handle(unwell, {:frame, {:update, peer("zoe@x")}}, 0)
        assert blamed_at(well, times) == [4_000]
      end

      {tried, _} = handle(cluster, {:dialled, "zoe@x", {:failed, {:refused, "why"}}, 0}, 0)
      assert blamed_at(tried, [4_000]) == [4_000]
      # It is heard directly again.
      {heard, _} = handle(tried, {:frame, {:update, peer("zoe@x")}}, 100)
      assert blamed_at(heard, [4_000]) == []

      {lost, _} =
        handle(tried, [{:nodeup, "zoe@x"}, {:nodedown, "zoe@x", :net_tick_timeout, nil}])

      assert blamed_at(lost, [4_000]) == []
    end

    test "nobody is blamed by a node that is isolated, or whose sidecar is away" do
      times = [0, 2_000, 4_000, 6_000]
      {isolated, _} = handle(running([peer("zoe@x")]), {:frame, {:health, :isolated}})
      assert blamed_at(isolated, times) == []
      {answered, _} = handle(isolated, {:frame, {:health, :ok}})
      assert blamed_at(answered, times) == [4_000]
      {away, _} = handle(running([peer("zoe@x")]), {:exited, "it was killed"})
      assert blamed_at(away, times) == []
    end

    test "who is reached and refuses is blamed after 8 s; this node's own rules at once" do
      cluster = running([peer("zoe@x")])
      assert blamed_at(cluster, [0, 4_000, 7_999, 8_000], :handshake) == [8_000]
      assert blamed_at(cluster, [0], :accept) == [0]
      {_cluster, effects} = handle(cluster, {:not_dialled, "zoe@x", {:atoms, "why"}})
      assert [{:problem, "zoe@x", :atoms, "why", _line}] = facts(effects)
    end

    test "what keeps it from even being dialled is told once, in words" do
      {cluster, effects} = handle(running(), {:frame, {:up, peer("zoe@x", tls: true)}})
      assert [{:up, _, _}, {:problem, "zoe@x", :tls, _why, line}] = facts(effects)
      assert line =~ ~s(:"zoe@x" is not dialled: the distribution of one of us runs over TLS)

      {_cluster, effects} =
        handle(cluster, {:frame, {:update, peer("zoe@x", tls: true, port: 9)}})

      assert [{:update, _, _, _}] = facts(effects)
    end

    test "that its cookie differs is told once, in words, when no cookie was set for it, here or there" do
      differs = peer("zoe@x", cookie: :differs)
      {cluster, effects} = handle(running(), {:frame, {:up, differs}})
      assert {:ask_cookies, ["zoe@x"]} in effects
      assert [{:up, _, _}] = facts(effects)
      assert [%Peer{connection: {:skipped, :cookie}, problem: nil}] = shown(effects)
      {cluster, effects} = handle(cluster, {:cookies, %{"zoe@x" => nil}}, 1)
      assert facts(effects) == [] and dialled(effects) == []

      # Asked with each pulse.
      {cluster, effects} = handle(cluster, {:pulse, local()}, 3_500)
      assert {:ask_cookies, ["zoe@x"]} in effects
      {cluster, effects} = handle(cluster, {:cookies, %{"zoe@x" => nil}}, 3_500)
      assert [{:problem, "zoe@x", :cookie, why, line}] = facts(effects)
      assert line =~ ~s(:"zoe@x" is not dialled: its Erlang cookie differs)
      assert [{:problem, %Peer{problem: {:cookie, ^why}}, {:cookie, ^why}}] = told(effects)
      assert [%Peer{problem: {:cookie, ^why}}] = shown(effects)

      {cluster, effects} = handle(cluster, {:frame, {:update, %{differs | port: 9}}}, 3_600)
      assert [{:update, _, _, _}] = facts(effects)
      {cluster, effects} = handle(cluster, {:cookies, %{"zoe@x" => nil}}, 9_000)
      assert facts(effects) == []

      # The other side had one for us.
      {_cluster, effects} = handle(cluster, {:nodeup, "zoe@x"}, 9_100)
      assert [%Peer{connection: :connected, problem: nil}] = shown(effects)
    end

    test "one for whom a cookie was set is dialled, and again when it is another" do
      # Hidden anew each time, as who asks Erlang hides it.
      held = &%{"zoe@x" => Hidden.wrap(&1)}
      {cluster, _} = handle(running(), {:frame, {:up, peer("zoe@x", cookie: :differs)}})
      {cluster, effects} = handle(cluster, {:cookies, held.(:one)}, 1)
      assert facts(effects) == [] and dialled(effects) == ["zoe@x"]
      failed = {:dialled, "zoe@x", {:failed, {:cookie, "why"}}, 0}
      {cluster, _} = handle(cluster, failed, 2)
      {cluster, effects} = handle(cluster, {:cookies, held.(:one)}, 3)
      assert dialled(effects) == []
      {cluster, effects} = handle(cluster, {:cookies, held.(:two)}, 4)
      assert dialled(effects) == ["zoe@x"]
      {cluster, _} = handle(cluster, failed, 5)
      # It is no more.
      {cluster, effects} = handle(cluster, {:cookies, %{"zoe@x" => nil}}, 6)
      assert [%Peer{connection: {:skipped, :cookie}}] = shown(effects)
      {_cluster, effects} = handle(cluster, {:timeout, :dial}, 60_000)
      assert dialled(effects) == []
    end

    test "nobody is asked for whose cookie is the same, or who is gone" do
      {cluster, effects} = handle(running(), {:frame, {:up, peer("zoe@x")}})
      refute Enum.any?(effects, &match?({:ask_cookies, _}, &1))
      {cluster, _} = handle(cluster, {:frame, {:update, peer("zoe@x", cookie: :differs)}})

      for {event, left} <- [
            {{:update, peer("zoe@x", cookie: :same)}, ["zoe@x"]},
            {{:down, peer("zoe@x"), :left}, []}
          ] do
        {cluster, _} = handle(cluster, {:frame, event})
        assert for(peer <- Cluster.peers(cluster), do: peer.name) == left
        {_cluster, effects} = handle(cluster, {:pulse, local()}, 500)
        refute Enum.any?(effects, &match?({:ask_cookies, _}, &1))
      end
    end

    test "a disconnect on purpose is left alone; not what this VM's library, `global` or a firewall has done" do
      cluster = running([peer("zoe@x")])
      {cluster, _} = handle(cluster, {:dialled, "zoe@x", {:connected, nil}, 1})
      {quiet, effects} = handle(cluster, {:nodedown, "zoe@x", :disconnect, nil}, 10)
      assert [%Peer{problem: {:quiet, _}}] = shown(effects)

      assert [{:quiet, _, _}, {:nodedown, _, _}] =
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

      # The other side closed it, or something between the two.
      {closed, _} = handle(cluster, {:nodedown, "zoe@x", :connection_closed, nil}, 10)
      {_, effects} = handle(closed, {:timeout, :dial}, 1_000)
      assert dialled(effects) == ["zoe@x"]
    end

    test "a disconnect on purpose is said to the other side, and nothing else is" do
      {cluster, _} = handle(running([peer("zoe@x", boot: "b1")]), {:nodeup, "zoe@x"})
      {_, effects} = handle(cluster, {:nodedown, "zoe@x", :disconnect, nil}, 10)
      assert {:tell_disconnected, "zoe@x", ["b1"]} in effects

      for {reason, by} <- [disconnect: :library, disconnect: :global, connection_closed: nil] do
        {_, effects} = handle(cluster, {:nodedown, "zoe@x", reason, by}, 10)
        refute Enum.any?(effects, &match?({:tell_disconnected, _, _}, &1))
      end

      # Nobody is there who could be told.
      {other, _} = handle(cluster, {:nodeup, "else@x"})
      {_, effects} = handle(other, {:nodedown, "else@x", :disconnect, nil}, 10)
      refute Enum.any?(effects, &match?({:tell_disconnected, _, _}, &1))
    end

    test "what the other side has ended on purpose is left alone, whether it says so before or after" do
      up = [{:nodeup, "zoe@x"}, {:dialled, "zoe@x", {:connected, nil}, 1}]
      {cluster, _} = handle(running([peer("zoe@x")]), up, 10)
      word = &{:frame, {:disconnected, peer("zoe@x"), &1}}
      lost = {:nodedown, "zoe@x", :connection_closed, nil}

      for events <- [[word.(5), lost], [lost, word.(5)], [word.(5), lost, word.(1)]] do
        {quiet, effects} = handle(cluster, events, 1_000)
        assert %Peer{connection: :waiting, problem: {:quiet, text}} = List.last(shown(effects))
        assert text =~ "it has disconnected this node on purpose"
        # Once, as an event and as a fact.
        assert [{:disconnected, _, _}, {:problem, _, {:quiet, ^text}}] = told(effects)
        assert [{:quiet, "zoe@x", ^text}] = for({:quiet, _, _} = f <- facts(effects), do: f)
        {_, effects} = handle(quiet, {:timeout, :dial}, 30_999)
        assert dialled(effects) == []
        {_, effects} = handle(quiet, {:timeout, :dial}, 31_000)
        assert dialled(effects) == ["zoe@x"]
      end

      # A word that was held back, until they were connected again.
      {again, _} = handle(cluster, [lost, word.(5)], 1_000)
      {again, _} = handle(again, {:nodeup, "zoe@x"}, 1_100)

      for events <- [[word.(101), lost], [lost, word.(101)]] do
        {lost, effects} = handle(again, events, 1_200)
        assert %Peer{problem: nil} = List.last(shown(effects))
        {_, effects} = handle(lost, {:timeout, :dial}, 2_200)
        assert dialled(effects) == ["zoe@x"]
      end

      # It need not be respected.
      {cluster, _} = handle(running([peer("zoe@x")], quiet: 0), up, 10)
      {lost, _} = handle(cluster, [lost, word.(5)], 1_000)
      {_, effects} = handle(lost, {:timeout, :dial}, 2_000)
      assert dialled(effects) == ["zoe@x"]
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
