defmodule GossipCluster.Cluster.StateTest do
  # The small steps that the rooms of a cluster share, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase
  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster
  alias GossipCluster.Cluster.Roster

  test "effects come in their order: what readers read, then what is to be done, then what is told" do
    state =
      running()
      |> fact({:nodeup, "a@x"})
      |> act({:disconnect, "a@x"})
      |> first({:put, :a, 1})
      |> timer(:pulse, 5)
      |> first({:put, :b, 2})
      |> fact({:nodeup, "b@x"})

    assert {state, effects} = Cluster.handle(state, :continue, 0)

    assert effects == [
             {:put, :a, 1},
             {:put, :b, 2},
             {:disconnect, "a@x"},
             {:timer, :pulse, 5},
             {:report, [{:nodeup, "a@x"}, {:nodeup, "b@x"}]}
           ]

    # None is done twice.
    assert {_state, []} = Cluster.handle(state, :continue, 0)
  end

  test "what waits, waits behind what waits already" do
    state = running() |> later([{:review, "a"}, {:review, "b"}]) |> later([{:review, "c"}])
    assert :queue.to_list(state.backlog) == [{:review, "a"}, {:review, "b"}, {:review, "c"}]
  end

  test "a name that is to be shown is shown once, and none less is done of it than was to be" do
    state = running()
    assert show(show(state, "a@x"), "a@x").changed == %{"a@x" => :show}
    # That something is to be said of it, too, is not forgotten.
    state = %{state | changed: %{"a@x" => :report}}
    assert show(state, "a@x").changed == %{"a@x" => :report}
  end

  test "a command is for a sidecar that runs" do
    state = running()
    assert {:command, :pulse} in command(state, :pulse).acts
    {down, _} = handle(state, {:exited, "x"})
    assert command(down, :pulse) == down
  end

  test "a peer is told as it is, as it was when it was listed, or not at all" do
    event = &{:connected, &1}
    listed = notify(running([peer("zoe@x")]), "zoe@x", event)
    assert [{:event, {:connected, %{name: "zoe@x", connection: :connecting}}}] = listed.facts
    parted = %{running() | parted: %{"zoe@x" => peer("zoe@x", connection: :connected)}}

    assert [{:event, {:connected, %{connection: :connected}}}] =
             notify(parted, "zoe@x", event).facts

    assert notify(running(), "zoe@x", event).facts == []
  end

  test "a problem is a line, an event of telemetry and one for subscribers, once for each state" do
    problem = {:cookie, "it differs"}
    state = report_problem(running([peer("zoe@x")]), "zoe@x", problem, "zoe@x: it differs")
    assert [{:event, {:problem, peer, ^problem}}, fact] = state.facts
    assert peer.name == "zoe@x"
    assert fact == {:problem, "zoe@x", :cookie, "it differs", "zoe@x: it differs"}
    assert report_problem(state, "zoe@x", problem, "zoe@x: it differs") == state
    # Another one is another line.
    other = report_problem(state, "zoe@x", {:tls, "it has none"}, "zoe@x: it has none")
    assert length(other.facts) == 4
  end

  test "a warning is said once, also where another comes between" do
    state = running() |> warn_once(:a, "one") |> warn_once(:a, "two") |> warn_once(:a, "one")
    assert state.facts == [{:line, :warning, "two"}, {:line, :warning, "one"}]
  end

  test "who is connected has no problem; why one is not dialled says more than what failed before" do
    state = running([peer("zoe@x")])
    failed = {:dialled, "zoe@x", {:failed, {:timeout, "no answer"}}, 1}
    {state, _} = handle(state, failed)
    # It has to last.
    assert problem(state, "zoe@x", :waiting) == nil
    {state, _} = handle(state, failed, 4_000)
    assert problem(state, "zoe@x", :waiting) == {:timeout, "no answer"}
    assert problem(state, "zoe@x", :connected) == nil
    assert problem(state, "zoe@x", {:skipped, :cookie}) == nil
    {state, _} = handle(state, {:frame, {:update, peer("zoe@x", cookie: :differs)}})
    {state, _} = handle(state, {:cookies, %{"zoe@x" => nil}})
    {state, _} = handle(state, {:cookies, %{"zoe@x" => nil}}, 4_000)
    assert {:cookie, text} = problem(state, "zoe@x", {:skipped, :cookie})
    assert text =~ "cookie"
    # It is nobody's fault.
    assert problem(state, "zoe@x", {:skipped, :not_alive}) == nil
    assert problem(state, "zoe@x", {:skipped, :refused}) == nil
  end

  test "a peer has its connection, its problem and its paths, whatever it had before" do
    state = running([peer("zoe@x", addresses: [{{10, 0, 0, 2}, 1, 1}])])
    [bare] = Cluster.peers(state)
    assert %{connection: :waiting, paths: [], problem: nil} = bare
    shown = with_connection(state, bare)
    assert %{connection: :connecting, paths: [{10, 0, 0, 2}], connected_via: nil} = shown
    stale = %{bare | connection: :connected, paths: [{1, 2, 3, 4}], problem: {:tls, "x"}}
    assert with_connection(state, stale) == shown
  end

  test "a node that becomes another looks at each peer anew, in portions; while nobody is known at none" do
    state = running(crowd(3))
    other = put_in(state.announcement.own, %{own() | name: "other@x"})
    names = for {:review, name} <- :queue.to_list(rename(other).backlog), do: name
    assert Enum.sort(names) == ["z1@x", "z2@x", "z3@x"]
    # It is the same.
    assert rename(state).backlog == state.backlog
    nobody = Cluster.new(options([]), past(), 0)
    assert rename(nobody) == nobody
  end

  test "`status/1` shows what is, not what was" do
    {state, _} = handle(running(), {:exited, "gossipd exited"})
    assert {:put, :status, status} = hd(put_status(state).first)
    assert status == %{sidecar: :down, reason: "gossipd exited", announced: false, left: false}
  end

  test "alone is who lists nobody, not who is connected to nobody" do
    assert alone?(running())
    refute alone?(running([peer("zoe@x", cookie: :differs)]))
    state = running([peer("zoe@x")])
    {state, _} = handle(state, {:frame, {:down, peer("zoe@x"), :left}})
    assert alone?(state) and Roster.size(state.roster) == 0
  end
end
