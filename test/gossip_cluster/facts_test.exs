defmodule GossipCluster.FactsTest do
  # What is said of each fact, without a process.
  use ExUnit.Case, async: true

  alias GossipCluster.{Facts, Peer}

  @peer %Peer{name: "a@x", creation: 1, addresses: [{{192, 0, 2, 1}, 1, 1}]}

  defp outputs(fact), do: Facts.outputs(fact)

  defp lines(outputs),
    do: for({kind, level, text} <- outputs, kind in [:line, :bare_line], do: {level, text})

  defp events(outputs), do: for({:event, event} <- outputs, do: event)
  defp telemetry(outputs), do: for({:telemetry, name, m, meta} <- outputs, do: {name, m, meta})

  test "a peer that comes, changes and goes: a line, an event, telemetry" do
    up = outputs({:up, @peer, 3})
    assert lines(up) == [{:info, ~s(found :"a@x" at 192.0.2.1)}]
    assert events(up) == [{:up, @peer}]
    assert telemetry(up) == [{[:peer, :up], %{peers: 3}, %{peer: @peer}}]

    assert lines(outputs({:update, @peer, :alive, 3})) == []
    assert events(outputs({:update, @peer, :alive, 3})) == [{:update, @peer}]
    assert lines(outputs({:update, @peer, :suspect, 3})) == [{:info, ~s(:"a@x" is well again)}]
    ill = %{@peer | status: :suspect}
    assert lines(outputs({:update, ill, :alive, 3})) == [{:info, ~s(:"a@x" does not answer)}]

    for {reason, words} <- [left: "it left", beam_exit: "VM has ended", silent: "fell silent"] do
      down = outputs({:down, @peer, reason, 2})
      assert [{:info, line}] = lines(down)
      assert line =~ words
      assert events(down) == [{:down, @peer, reason}]
      assert telemetry(down) == [{[:peer, :down], %{peers: 2}, %{peer: @peer, reason: reason}}]
    end
  end

  test "this node leaves, and is back: a line, an event, telemetry" do
    for {membership, words} <- [left: "leaves the cluster", rejoined: "joins the cluster again"] do
      told = outputs({:membership, membership})
      assert lines(told) == [{:info, "this node " <> words}]
      assert events(told) == [{:membership, membership}]
      assert telemetry(told) == [{[:membership], %{count: 1}, %{membership: membership}}]
    end
  end

  test "a peer that is left alone on purpose: a line, which is no warning, and telemetry" do
    told = outputs({:quiet, "a@x", "it is so"})
    assert lines(told) == [{:info, ~s(:"a@x": it is so)}]
    about = %{name: "a@x", reason: :quiet, text: "it is so"}
    assert telemetry(told) == [{[:peer, :problem], %{count: 1}, about}]
  end

  test "a peer that was never heard itself has no address" do
    assert [{:info, line}] = lines(outputs({:up, %{@peer | addresses: []}, 1}))
    assert line =~ "at an unknown address"
  end

  test "a conflict names both places, one of which may be here" do
    other = %{@peer | creation: 2, addresses: [{{192, 0, 2, 2}, 1, 1}]}
    conflict = outputs({:conflict, @peer, other, nil, 1})
    assert [{:error, line}] = lines(conflict)
    assert line =~ "at 192.0.2.1 and at 192.0.2.2: give each a name"
    assert events(conflict) == [{:conflict, @peer, other}]
    own = %{name: "a@x", creation: 2}
    assert [{:error, line}] = lines(outputs({:conflict, @peer, other, own, 1}))
    assert line =~ "at 192.0.2.1 and here: give"
  end

  test "NODEUP and NODEDOWN have room for the clusters, and Erlang's reason" do
    event = {:connected, %Peer{name: "a@x", creation: 1}}
    assert outputs({:event, event}) == [{:event, event}]
    assert outputs({:nodeup, "a@x"}) == [{:link_line, :info, ~s(NODEUP :"a@x"), ""}]

    assert outputs({:nodedown, "a@x", :net_tick_timeout}) ==
             [{:link_line, :info, ~s(NODEDOWN :"a@x"), " (:net_tick_timeout)"}]

    assert [{:link_line, :info, ~s(NODEDOWN :"a@x"), ""}] = outputs({:nodedown, "a@x", nil})
  end

  test "connects, and what keeps from them" do
    assert telemetry(outputs({:connected, "a@x", 5})) ==
             [{[:connect, :ok], %{duration: 5}, %{name: "a@x"}}]

    assert outputs({:not_connected, "a@x", {:timeout, "why"}, 5}) ==
             [
               {:telemetry, [:connect, :error], %{duration: 5},
                %{name: "a@x", reason: :timeout, text: "why"}}
             ]

    problem = outputs({:problem, "a@x", :timeout, "why", "a line"})
    assert lines(problem) == [{:warning, "a line"}]
    assert [{[:peer, :problem], %{count: 1}, %{reason: :timeout}}] = telemetry(problem)
  end

  test "the sidecar's start is news at info where it was complained of, its end is said once" do
    ready = %{version: "1", pid: 7}

    assert [{:debug, "gossipd 1 runs (process 7)"}] =
             lines(outputs({:sidecar_start, ready, 1, false}))

    assert [{:info, _line}] = lines(outputs({:sidecar_start, ready, 1, true}))
    native = System.convert_time_unit(3, :millisecond, :native)

    assert [{[:sidecar, :start], %{duration: ^native}, %{os_pid: 7}}] =
             telemetry(outputs({:sidecar_start, ready, 3, false}))

    assert [{:error, "text. It is tried again until it runs"}] =
             lines(outputs({:sidecar_exit, 2, "text", true}))

    assert [] = lines(outputs({:sidecar_exit, 2, "text", false}))

    assert [{[:sidecar, :exit], %{attempts: 2}, %{reason: "text"}}] =
             telemetry(outputs({:sidecar_exit, 2, "text", false}))
  end

  test "this node's own view" do
    assert [{:warning, _}] = lines(outputs({:health, :isolated, :ok, [{:isolated, "text"}]}))
    assert [{:info, _}] = lines(outputs({:health, :ok, :isolated, []}))
    assert events(outputs({:health, :ok, :isolated, []})) == [{:health, :ok}]
    # The sidecar's end, and what it says of the network, have lines of their own.
    down = outputs({:health, :no_sidecar, :ok, [{:no_sidecar, "text"}]})
    assert lines(down) == []

    assert telemetry(down) == [
             {[:health], %{healthy: 0}, %{health: :no_sidecar, problems: [no_sidecar: "text"]}}
           ]

    for {cause, lines} <- [no_sidecar: [], no_network: [], no_name: [{:warning, "text"}]] do
      outputs = outputs({:own_problem, {cause, "text"}})
      assert lines(outputs) == lines
      assert events(outputs) == [{:problem, nil, {cause, "text"}}]
      assert telemetry(outputs) == [{[:problem], %{count: 1}, %{reason: cause, text: "text"}}]
    end

    [lo, eth] = [{"lo", 1, "127.0.0.1"}, {"eth0", 2, "192.0.2.1"}]

    assert outputs({:interfaces, [eth], [lo]}) ==
             [
               {:telemetry, [:interfaces], %{count: 1},
                %{interfaces: [eth], added: [eth], removed: [lo]}}
             ]

    assert [{:warning, line}] = lines(outputs({:foreign, true}))

    assert line =~
             "the same Erlang cookie (Node.get_cookie/0; of a release RELEASE_COOKIE or RELEASE_COOKIE_FILE)"

    assert [{:warning, line}] = lines(outputs({:foreign, false}))
    assert line =~ "the same `secret`"
    assert [{:info, _}] = lines(outputs(:keys_changed))
    assert [{:debug, ~s(Received heartbeat from :"a@x")}] = lines(outputs({:heartbeat, "a@x"}))
  end

  test "what was not reported is counted for subscribers, in the log and in telemetry" do
    missed = outputs({:missed, 7})
    assert [{:warning, "7 reports were not made" <> _}] = lines(missed)
    assert events(missed) == [{:missed, 7}]
    assert [{[:reports, :missed], %{count: 7}, %{}}] = telemetry(missed)
  end

  test "bytes that are no text are shown as bytes" do
    assert outputs({:log, :info, <<255, 254>>}) == [{:line, :info, "<<255, 254>>"}]
    assert outputs({:log, :warning, "text"}) == [{:line, :warning, "text"}]
  end
end
