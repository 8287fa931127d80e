defmodule GossipCluster.Chaos.JudgeTest do
  # Histories in which all is well, and the same with one thing that must not be: each must be seen, and nothing else.
  use ExUnit.Case, async: true

  alias GossipCluster.Chaos.{History, Judge}
  alias GossipCluster.Chaos.History.{Life, Trouble, Whole}
  alias GossipCluster.Peer

  @a "n1@h1"
  @b "n2@h2"
  @c "n3@h3"

  defp at(seconds), do: round(seconds * 1_000_000)

  defp peer(name, more \\ []),
    do: struct(%Peer{name: name, creation: 1, boot: "b1", port: 4370}, more)

  # One that was told of both others, and shows them.
  defp met do
    [
      {at(1), {:event, {:up, peer(@b)}}},
      {at(1), {:event, {:up, peer(@c)}}},
      {at(1.1), {:link, :nodeup, @b}},
      {at(1.1), {:event, {:connected, peer(@b)}}},
      {at(1.1), {:log, :info, "NODEUP :\"#{@b}\""}},
      {at(1.2), {:link, :nodeup, @c}},
      {at(1.2), {:event, {:connected, peer(@c)}}}
    ]
  end

  defp shown(seconds, peers), do: {at(seconds), {:peers, peers}}
  defp both, do: [peer(@b, connection: :connected), peer(@c, connection: :connected)]

  defp history(entries, more \\ []) do
    life = %Life{node: @a, from: 0, entries: Enum.sort_by(met() ++ entries, &elem(&1, 0))}
    struct(%History{lives: [life]}, more)
  end

  defp trouble(fault, node, from, until, whole \\ nil) do
    %Trouble{
      fault: fault,
      node: node,
      from: at(from),
      until: at(until),
      whole: whole && at(whole)
    }
  end

  defp whole(more \\ []) do
    struct(
      %Whole{
        round: 1,
        healed: at(20),
        listed: at(21),
        connected: at(22),
        list_bound: 6_000,
        connect_bound: 10_000
      },
      more
    )
  end

  defp invariants(history), do: for(break <- Judge.judge(history).breaks, do: break.invariant)

  @lost "GossipCluster: :\"n2@h2\" does not answer"
  @found "GossipCluster: :\"n2@h2\" answers again"

  defp log(lines), do: for({seconds, text} <- lines, do: {at(seconds), {:log, :info, text}})

  @silent {:event, {:down, %Peer{name: @b, creation: 1, boot: "b1"}, :silent}}

  test "a run in which nothing was wrong has no breaks, and all of it was checked" do
    verdict = Judge.judge(history([shown(5, both())], wholes: [whole()]))
    assert verdict.breaks == [] and verdict.starved == []
    assert %{false_up: 2, events: 4, roster: 1, repeated_line: 1, not_whole: 1} = verdict.checked
  end

  describe "down" do
    test "without any reason" do
      assert invariants(history([{at(10), @silent}])) == [:false_down]
    end

    test "after a cable was cut at either end, or a process stopped, it is not false" do
      for {fault, node} <- [
            cable: @b,
            cable: @a,
            interface: @b,
            loss: @a,
            host_stopped: @b,
            sidecar_stopped: @b
          ] do
        assert invariants(history([{at(10), @silent}], troubles: [trouble(fault, node, 7, 12)])) ==
                 []
      end
    end

    test "for what happened to somebody else, or explains nothing, it is" do
      for {fault, node} <- [
            cable: @c,
            host_stopped: @a,
            sidecar_killed: @b,
            beam_stopped: @b,
            address: @b,
            reorder: @b,
            rotation: :all,
            junk: :all,
            replay: :all
          ] do
        assert invariants(history([{at(10), @silent}], troubles: [trouble(fault, node, 7, 12)])) ==
                 [:false_down]
      end
    end

    test "for what was over long before, was too short, or had not begun, it is" do
      for {from, until} <- [{1, 6}, {9.5, 9.9}, {10.5, 15}],
          do:
            assert(
              invariants(
                history([{at(10), @silent}], troubles: [trouble(:cable, @b, from, until)])
              ) == [:false_down]
            )
    end

    test "by a node that was stopped may be told when it goes on, and no later" do
      troubles = [trouble(:interface, @b, 3, 6), trouble(:beam_stopped, @a, 4, 12)]
      assert invariants(history([{at(12.1), @silent}], troubles: troubles)) == []
      assert invariants(history([{at(13.1), @silent}], troubles: troubles)) == [:false_down]
      assert invariants(history([{at(12.1), @silent}], troubles: tl(troubles))) == [:false_down]
      other = [hd(troubles), trouble(:beam_stopped, @c, 4, 12)]
      assert invariants(history([{at(12.1), @silent}], troubles: other)) == [:false_down]
    end

    test "of a VM that ended is for that alone, and nobody leaves" do
      ended = {:event, {:down, peer(@b), :beam_exit}}
      left = {:event, {:down, peer(@b), :left}}
      killed = trouble(:beam_killed, @b, 9, 12)
      cut = trouble(:cable, @b, 5, 12)
      assert invariants(history([{at(10), ended}], troubles: [killed])) == []
      assert invariants(history([{at(10), ended}], troubles: [cut])) == [:false_down]
      assert invariants(history([{at(10), left}], troubles: [cut, killed])) == [:false_down]
      # What its sidecar says of that may be lost.
      blink = trouble(:cable, @b, 9.1, 9.4)
      assert invariants(history([{at(10), @silent}], troubles: [killed])) == [:false_down]
      assert invariants(history([{at(10), @silent}], troubles: [killed, blink])) == []
    end

    test "of a VM that ended while the sidecar of the one that tells it did not hear it" do
      killed = trouble(:beam_killed, @b, 9, 12)

      for fault <- [:sidecar_killed, :sidecar_stopped, :host_stopped] do
        troubles = &[killed, trouble(fault, &1, 8.5, 9.5)]
        assert invariants(history([{at(11), @silent}], troubles: troubles.(@a))) == []

        assert invariants(history([{at(11), @silent}], troubles: tl(troubles.(@a)))) == [
                 :false_down
               ]

        assert invariants(history([{at(11), @silent}], troubles: troubles.(@c))) == [:false_down]
      end
    end

    test "of who had no processor, or by who had none, is not judged, and that is said" do
      for {who, ms} <- [{{:sidecar, 1, 4710}, 500}, {{:sidecar, 2, 4711}, 500}, {:harness, 1_500}] do
        waits = [{at(8), who, ms - 260}, {at(8.3), who, 260}]
        verdict = Judge.judge(history([{at(10), @silent}], starved: waits))
        assert verdict.breaks == []
        assert [%{invariant: :false_down}] = verdict.starved
        assert invariants(history([{at(10), @silent}], starved: tl(waits))) == [:false_down]
      end

      # What others have done to this machine's table of neighbors.
      verdict = Judge.judge(history([{at(10), @silent}], starved: [{at(9), :neighbors, 250}]))
      assert verdict.breaks == []
      assert [%{invariant: :false_down}] = verdict.starved

      for waits <- [
            [{at(4), :harness, 900}],
            [{at(4), :neighbors, 250}],
            [{at(9), {:sidecar, 3, 1}, 900}],
            [{at(9), {:beam, 2, 1}, 900}]
          ],
          do: assert(invariants(history([{at(10), @silent}], starved: waits)) == [:false_down])
    end
  end

  test "no machine is so busy that it loses connections, or says what is not so" do
    starved =
      for who <- [:harness, {:beam, 1, 1}, {:sidecar, 1, 2}, {:sidecar, 2, 3}],
          do: {at(9), who, 5_000}

    for {invariant, entries} <- [
          lost_connection: [{at(10), {:link, :nodedown, @b}}],
          repeated_line: log([{10, @lost}, {11, @lost}]),
          events: [{at(10), {:event, {:up, peer(@b)}}}]
        ],
        do: assert(invariants(history(entries, starved: starved)) == [invariant])
  end

  test "up of one whose VM was killed long before" do
    entries = [
      {at(9), {:event, {:down, peer(@b), :beam_exit}}},
      {at(14), {:event, {:up, peer(@b)}}}
    ]

    assert invariants(history(entries, troubles: [trouble(:beam_killed, @b, 9, 20)])) == [
             :false_up
           ]

    assert invariants(history(entries, troubles: [trouble(:beam_killed, @b, 9, 13.5)])) == []
  end

  describe "a connection that ends" do
    @down {:link, :nodedown, @b}

    test "by a sidecar's death, a stopped process, a flood, a rotation is lost for nothing" do
      for {fault, node} <- [
            sidecar_killed: @b,
            sidecar_stopped: @b,
            beam_stopped: @b,
            host_stopped: @a,
            reorder: @a,
            rotation: :all,
            junk: :all,
            replay: :all,
            cable: @c
          ] do
        history = history([{at(10), @down}], troubles: [trouble(fault, node, 7, 12, 14)])
        assert invariants(history) == [:lost_connection]
      end
    end

    test "by what parts its ends, or ends one, until all were connected again, is not" do
      for fault <- [:cable, :loss, :one_way, :interface, :address, :beam_killed, :clock] do
        assert invariants(history([{at(13), @down}], troubles: [trouble(fault, @b, 7, 12, 14)])) ==
                 []

        assert invariants(history([{at(15), @down}], troubles: [trouble(fault, @b, 7, 12, 14)])) ==
                 [:lost_connection]
      end
    end

    test "by Erlang's global, which says so where another was parted, is not" do
      global =
        {at(10.2),
         {:log, :warning, "'global' at node :\"n1@h1\" disconnected node :\"n2@h2\" in order to"}}

      cut = [trouble(:cable, @c, 7, 12, 14)]
      assert invariants(history([{at(10), @down}, global], troubles: cut)) == []
      assert invariants(history([{at(10), @down}, global])) == [:lost_connection]
      assert invariants(history([{at(10), @down}], troubles: cut)) == [:lost_connection]

      # What it has asked of another comes when all are whole, and not long after.
      for {whole, broken} <- [{9.5, []}, {8.5, [:lost_connection]}] do
        cut = [trouble(:cable, @c, 5, 8, whole)]
        assert invariants(history([{at(10), @down}, global], troubles: cut)) == broken
      end
    end
  end

  test "a round behind which not all are whole in time, or ever" do
    assert invariants(history([], wholes: [whole(listed: at(26.5), connected: at(27))])) == [
             :not_whole
           ]

    assert invariants(history([], wholes: [whole(connected: at(31))])) == [:not_whole]

    never = whole(listed: nil, connected: nil, missing: "n1@h1 lacks n2@h2")
    verdict = Judge.judge(history([], wholes: [never]))
    assert [%{invariant: :not_whole, text: text} | _] = verdict.breaks
    assert text =~ "n1@h1 lacks n2@h2"

    # As much later as the machine starved, and no more.
    late = [
      whole(listed: at(26.5), connected: at(27), missing: "after 900 ms: n3@h3 lacks n2@h2")
    ]

    starved = for n <- 0..2, do: {at(23 + n / 4), :harness, 200}
    assert invariants(history([], wholes: late, starved: starved)) == []
    full = for n <- 0..1, do: {at(23 + n / 4), :neighbors, 250}
    assert invariants(history([], wholes: late, starved: full)) == []
    verdict = Judge.judge(history([], wholes: late, starved: Enum.take(starved, 2)))
    assert [%{invariant: :not_whole, text: text}] = verdict.breaks
    assert text =~ "it took 6500 ms; after 900 ms: n3@h3 lacks n2@h2"
  end

  describe "a line that is written again" do
    test "though nothing has happened" do
      assert invariants(history(log([{10, @lost}, {11, @lost}]))) == [:repeated_line]

      for {at, breaks} <- [{9, []}, {5, [:repeated_line]}],
          full = [{at(at), :neighbors, 250}],
          do:
            assert(invariants(history(log([{10, @lost}, {11, @lost}]), starved: full)) == breaks)

      # Another peer's line is no reason.
      other = String.replace(@lost, "n2@h2", "n3@h3")

      assert invariants(history(log([{10, @lost}, {10.5, other}, {11, @lost}]))) == [
               :repeated_line
             ]

      whole_node = "GossipCluster: no interface is up"
      assert invariants(history(log([{10, whole_node}, {11, whole_node}]))) == [:repeated_line]
    end

    test "for a reason: another line about the same, a fault there, or time" do
      assert invariants(history(log([{10, @lost}, {10.5, @found}, {11, @lost}]))) == []
      assert invariants(history(log([{10, @lost}, {21, @lost}]))) == []
      assert invariants(history(log([{10, @lost}, {11, @lost}]), rounds: [at(10.5)])) == []
      fault = [trouble(:sidecar_killed, @b, 10.5, 10.6)]
      assert invariants(history(log([{10, @lost}, {11, @lost}]), troubles: fault)) == []

      assert invariants(
               history(log([{10, "an application: hello"}, {11, "an application: hello"}]))
             ) == []
    end

    test "many times a minute, whatever happens" do
      flapping = for n <- 1..7, line <- [{10 + n, @lost}, {10.5 + n, @found}], do: line
      assert Enum.uniq(invariants(history(log(flapping)))) == [:repeated_line]
      assert invariants(history(log(Enum.take(flapping, 12)))) == []
    end
  end

  describe "events that contradict" do
    test "each other" do
      for {event, at} <- [
            {{:up, peer(@b)}, 5},
            {{:update, peer("n9@h9")}, 5},
            {{:down, peer("n9@h9"), :silent}, 5},
            {{:connected, peer(@b)}, 5},
            {{:missed, 3}, 5}
          ] do
        verdict =
          Judge.judge(history([{at(at), {:event, event}}], troubles: [trouble(:cable, @a, 4, 6)]))

        assert [%{invariant: :events}] = verdict.breaks
      end

      twice =
        for seconds <- [5, 6], do: {at(seconds), {:event, {:disconnected, peer(@b), :closed}}}

      assert invariants(history(twice)) == [:events]
    end

    test "what is shown" do
      cases = [
        [peer(@b, connection: :connected)],
        both() ++ [peer("n9@h9")],
        [peer(@b, connection: :connected, boot: "b2"), peer(@c, connection: :connected)],
        [peer(@b, connection: :connected, status: :suspect), peer(@c, connection: :connected)],
        [peer(@b, connection: :waiting), peer(@c, connection: :connected)]
      ]

      for peers <- cases do
        later = {at(9), {:log, :info, "GossipCluster: a line"}}
        assert invariants(history([shown(5, peers), later])) == [:roster]
      end
    end

    test "what is shown may be told a moment later" do
      moved = peer(@b, boot: "b2")
      peers = [%{moved | connection: :connected}, peer(@c, connection: :connected)]
      update = &{at(&1), {:event, {:update, moved}}}
      assert invariants(history([shown(5, peers), update.(6), shown(9, peers)])) == []
      late = [shown(5, peers), update.(8), shown(9, peers)]
      assert invariants(history(late)) == [:roster]
      assert invariants(history(late, starved: [{at(5.9), {:beam, 1, 1}, 1_000}])) == []
      assert invariants(history(late, starved: [{at(5.9), {:sidecar, 1, 1}, 1_000}])) == [:roster]
    end
  end

  describe "memory" do
    # Every 5 s, so many minutes: what does a process have that starts with 4,000 KB?
    defp samples(minutes, who, size),
      do: for(second <- 0..(minutes * 60)//5, do: {at(second), who, round(4_000 + size.(second))})

    @sidecar {:sidecar, 1, 100}
    @beam {:beam, 1, 101}

    test "that grows by 1 KB/s is seen, in a sidecar after ten minutes, in a VM after thirty" do
      for {who, minutes} <- [{@sidecar, 10}, {@beam, 30}] do
        assert invariants(%History{memory: samples(minutes, who, & &1)}) == [:memory]
        assert invariants(%History{memory: samples(minutes - 1, who, & &1)}) == []
      end
    end

    test "that comes and goes, grows at first, or once, is well" do
      for {who, minutes} <- [{@sidecar, 20}, {@beam, 60}],
          size <- [
            fn second -> 800 * rem(second, 60) / 60 end,
            fn second -> min(second, 170) * 10 end,
            fn second -> if second > 600, do: 3_000, else: 0 end
          ] do
        assert Judge.judge(%History{memory: samples(minutes, who, size)}).breaks == []
        assert Judge.judge(%History{memory: samples(minutes, who, size)}).checked.memory == 1
      end
    end
  end
end
