defmodule GossipCluster.FaultsTest do
  # What others do wrong to a cluster's process, and what must not come of it.
  use GossipCluster.OwnerCase

  alias GossipCluster.{Disconnects, LocalNode, Reporter, TelemetryDouble, View}

  defp count(log, words), do: length(String.split(log, words)) - 1

  test "stray messages, casts, calls and exits end nothing; each kind is said once, and all are counted",
       %{fake: fake} do
    fake = start(fake)
    FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
    assert_dial(:"zoe@127.0.0.1") |> answer(true)
    assert :ok = GossipCluster.await(@name)
    owner = Process.whereis(@name)

    log =
      capture_log(fn ->
        for n <- 1..3, do: send(owner, {:nonsense, n})
        for n <- 1..3, do: GenServer.cast(owner, {:nonsense, n})
        for n <- 1..3, do: assert({:error, :unknown_call} = GenServer.call(owner, {:nonsense, n}))

        # Of processes that were linked to it, and end as they should, or not.
        for reason <- [:normal, :shutdown, :boom] do
          pid =
            spawn(fn ->
              Process.link(owner)
              exit(reason)
            end)

          ref = Process.monitor(pid)
          assert_receive {:DOWN, ^ref, :process, ^pid, _}, 5_000
        end

        # What may come late to any process is no stray.
        send(owner, {make_ref(), :late})
        send(owner, {:timeout, make_ref(), :pulse})
        assert %{strays: 12} = GossipCluster.status(@name)
        told()
      end)

    assert Process.whereis(@name) == owner
    assert count(log, "a message that it does not know came, and is ignored") == 1
    assert count(log, "a cast that it does not know came") == 1
    assert count(log, "a call that it does not know came") == 1
    assert log =~ "{:nonsense, 1}"
    # It works on.
    FakeSidecar.say(fake, {:up, FakeSidecar.peer("zed@127.0.0.1")})
    assert_dial(:"zed@127.0.0.1") |> answer(true)
    assert :ok = GossipCluster.await(@name, min: 2)
  end

  test "a caller that dies in await(timeout: :infinity) leaves nothing behind", %{fake: fake} do
    fake = start(fake)
    FakeSidecar.ready(fake)
    settled(fake)

    for _ <- 1..3 do
      caller = spawn(fn -> GossipCluster.await(@name, min: 3, timeout: :infinity) end)
      eventually(fn -> map_size(cluster().replies.awaits) == 1 end)
      assert map_size(:sys.get_state(@name).monitors) == 2
      Process.exit(caller, :kill)
      eventually(fn -> cluster().replies.awaits == %{} end)
      assert :sys.get_state(@name).monitors == %{}
    end

    # Nor does one that was answered, or whose time is over.
    assert :ok = GossipCluster.await(@name, min: 0, timeout: :infinity)
    assert {:error, :timeout} = GossipCluster.await(@name, min: 1, timeout: 1)
    state = :sys.get_state(@name)
    assert state.monitors == %{}
    refute Enum.any?(Map.keys(state.timers), &match?({:await, _}, &1))
  end

  test "a crash prints how the cluster was, and no peer", %{fake: fake} do
    fake = start(fake)
    names = for n <- 1..50, do: "abe#{n}@127.0.0.1"
    FakeSidecar.ready(fake, Enum.map(names, &FakeSidecar.peer/1))
    for _ <- names, do: assert({:up, _} = event())
    settled(fake)
    owner = Process.whereis(@name)

    for break <- [
          # The state itself does not match; and a function has it among its arguments.
          fn state -> %{state | cluster: Map.put(state.cluster, :links, :broken)} end,
          fn state -> %{state | cluster: Map.delete(state.cluster, :links)} end,
          fn state ->
            %{state | cluster: Map.put(state.cluster, :dialer, state.cluster.dialer.entries)}
          end,
          fn state -> %{state | cluster: {:broken, state.cluster}} end
        ] do
      owner = Process.whereis(@name)
      ref = Process.monitor(owner)

      log =
        capture_log(fn ->
          :sys.replace_state(owner, break)
          send(owner, {:nodeup, :"abe1@127.0.0.1", []})
          assert_receive {:DOWN, ^ref, :process, ^owner, _reason}, 5_000
          eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
          # The supervisor's report, too.
          _ = Supervisor.which_children(GossipCluster.Supervisor.whereis(@name))
        end)

      assert log =~ "GenServer #{inspect(@name)} terminating"
      refute log =~ "abe2@127.0.0.1"
      refute log =~ "abe50@127.0.0.1"
      # A summary, not thousands of lines.
      assert byte_size(log) < 10_000
    end

    refute Process.whereis(@name) == owner
    status = inspect(:sys.get_status(@name), limit: :infinity, printable_limit: :infinity)
    refute status =~ "abe2@127.0.0.1"
    assert status =~ "peers: 50"
  end

  describe "`accept`" do
    test "that fails is a line, a problem and a telemetry event, and is asked again", %{
      fake: fake
    } do
      TelemetryDouble.install()
      test = self()

      accept = fn _peer ->
        send(test, :asked)
        if :persistent_term.get({__MODULE__, :mended}, false), do: true, else: raise("no table")
      end

      on_exit(fn -> :persistent_term.erase({__MODULE__, :mended}) end)
      fake = start(fake, accept: accept)

      log =
        capture_log(fn ->
          FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])

          assert_receive {:telemetry, [_, :peer, :problem], _, %{reason: :accept, text: text}},
                         5_000

          assert text == "the option `accept` failed: no table"
          assert [{"zoe@127.0.0.1", :accept, ^text}] = GossipCluster.status(@name).problems
          for _ <- 1..3, do: assert_receive(:asked, 5_000)
          told()
        end)

      assert log =~ ~s(cannot connect to :"zoe@127.0.0.1")
      assert count(log, "(it is tried again): the option `accept` failed: no table") == 1
      refute_received {:dial, _node, _dialler}
      :persistent_term.put({__MODULE__, :mended}, true)
      assert_dial(:"zoe@127.0.0.1", 10_000) |> answer(true)
      assert :ok = GossipCluster.await(@name)
      assert GossipCluster.status(@name).problems == []
    end

    test "whose module was loaded anew is told as such", %{fake: fake} do
      [{module, _beam}] =
        Code.compile_string(
          "defmodule GossipCluster.FaultsTest.Gone do def accept, do: fn _peer -> true end end"
        )

      accept = module.accept()
      :code.purge(module)
      :code.delete(module)
      :code.purge(module)
      fake = start(fake, accept: accept)

      log =
        capture_log(fn ->
          FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
          eventually(fn -> match?([{_, :accept, _}], GossipCluster.status(@name).problems) end)
          told()
        end)

      assert log =~
               ~r/the option `accept` is a function whose module was loaded anew or is gone meanwhile/

      refute_received {:dial, _node, _dialler}
    end
  end

  describe "atoms" do
    test "of names beyond the budget are not made; the peer says why, and is dialled when there is room",
         %{
           fake: fake
         } do
      fake = start(fake)
      FakeSidecar.ready(fake)
      settled(fake)
      :sys.replace_state(@name, &%{&1 | atoms: %{&1.atoms | tokens: 0.5, most: 1_024}})
      name = "new#{System.unique_integer([:positive])}@127.0.0.1"
      zoe = "zoe@127.0.0.1"
      _ = :"zoe@127.0.0.1"

      log =
        capture_log(fn ->
          FakeSidecar.say(fake, {:up, FakeSidecar.peer("z" <> name)})
          FakeSidecar.say(fake, {:up, FakeSidecar.peer(zoe)})
          # One whose atom exists is not concerned.
          assert_dial(:"zoe@127.0.0.1") |> answer(true)

          eventually(fn ->
            match?([{"z" <> ^name, :atoms, _}], GossipCluster.status(@name).problems)
          end)

          told()
        end)

      assert log =~ "more than 1024 new names of peers an hour"
      assert_raise ArgumentError, fn -> String.to_existing_atom("z" <> name) end
      :sys.replace_state(@name, &%{&1 | atoms: %{&1.atoms | tokens: 1.5}})
      assert_receive {:dial, node, dialler}, 10_000
      assert Atom.to_string(node) == "z" <> name
      answer(dialler, true)
      assert :ok = GossipCluster.await(@name, min: 2)
    end

    test "the next owner goes on with the budget of the last", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)
      name = "znew#{System.unique_integer([:positive])}@127.0.0.1"
      FakeSidecar.say(fake, {:up, FakeSidecar.peer(name)})
      assert_receive {:dial, _node, dialler}, 5_000
      answer(dialler, true)
      %{atoms: atoms} = :sys.get_state(@name)
      assert atoms.tokens < atoms.most
      owner = Process.whereis(@name)

      capture_log(fn ->
        Process.exit(owner, :kill)
        eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
      end)

      assert :sys.get_state(@name).atoms == atoms
    end
  end

  test "what one cluster of this VM has cut is no purpose of the user's to the other", %{
    fake: fake
  } do
    fake =
      start(fake, quiet: 3_600_000, on_down: :disconnect, disconnect: {__MODULE__, :cut, [self()]})

    FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
    assert_dial(:"zoe@127.0.0.1") |> answer(true)
    assert :ok = GossipCluster.await(@name)

    # Another cluster's `leave(disconnect: true)`, or its `on_down: :disconnect`.
    assert :ok =
             GossipCluster.Dial.Attempt.disconnect(:"zoe@127.0.0.1", {__MODULE__, :cut, [self()]})

    assert_received {:cut, :"zoe@127.0.0.1"}

    log =
      capture_log(fn ->
        send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :disconnect]})
        assert_dial(:"zoe@127.0.0.1") |> answer(true)
        assert :ok = GossipCluster.await(@name)
      end)

    assert log =~ "NODEDOWN"
    refute log =~ "quiet"

    # It is up again: what comes now is the user's.
    send(@name, {:nodeup, :"zoe@127.0.0.1", []})
    send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :disconnect]})
    eventually(fn -> match?([%Peer{problem: {:quiet, _}}], GossipCluster.peers(@name)) end)
  end

  def cut(test, node), do: send(test, {:cut, node})

  test "a note of a cut is of this node, and for ten seconds" do
    node = :"cut#{System.unique_integer([:positive])}@x"
    assert Disconnects.by(node) == nil
    Disconnects.put(node)
    assert Disconnects.by(node) == :library
    assert Disconnects.by(:other@x) == nil
    :ets.insert(Disconnects, {node, System.monotonic_time(:millisecond) - 10_001})
    assert Disconnects.by(node) == nil
    # And is thrown away with the next.
    Disconnects.put(:other@x)
    assert :ets.lookup(Disconnects, node) == []
    Disconnects.forget(:other@x)
    assert Disconnects.by(:other@x) == nil
  end

  test "a sidecar that answers no more is said, killed and replaced, and one that answers is left alone",
       %{
         fake: fake
       } do
    fake = start(fake)
    FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
    assert_dial(:"zoe@127.0.0.1") |> answer(true)
    assert {:up, _peer} = event()
    process = cluster().sidecar.process
    since = System.monotonic_time(:millisecond)
    # Longer than the silence that is the end of one.
    eventually(fn -> System.monotonic_time(:millisecond) - since > 3_500 end)
    assert cluster().sidecar.process == process
    FakeSidecar.silence(fake)

    log =
      capture_log(fn ->
        next = FakeSidecar.attach(fake)
        FakeSidecar.ready(next, [FakeSidecar.peer("zoe@127.0.0.1")])
        eventually(fn -> cluster().sidecar.state == :running end)
        told()
      end)

    assert count(log, "gossipd does not answer for 3000 ms, and is killed. It is tried again") ==
             1

    assert cluster().sidecar.process != process
    eventually(fn -> GossipCluster.Sidecar.Process.state(process) == :unknown end)
    assert [%Peer{connection: :connected}] = GossipCluster.peers(@name)
    no_event()
  end

  test "a cluster that ends leaves no stopped sidecar behind", %{fake: fake} do
    fake = start(fake)
    FakeSidecar.ready(fake)
    settled(fake)
    process = cluster().sidecar.process
    {_output, 0} = System.cmd("kill", ["-STOP", "#{process.os_pid}"])
    eventually(fn -> GossipCluster.Sidecar.Process.state(process) == :stopped end)
    :ok = stop_supervised(@name)
    eventually(fn -> GossipCluster.Sidecar.Process.state(process) == :unknown end)
  end

  describe "nonode@nohost" do
    test "a node whose name is still to come is none", %{fake: fake} do
      :net_kernel.stop()
      # What --sname undefined does.
      {:ok, _} = :net_kernel.start([:undefined, :shortnames])
      assert Node.alive?() and node() == :nonode@nohost
      assert LocalNode.own() == nil
      fake = start(fake)
      # It opens no socket, and announces nothing.
      eventually(fn -> GossipCluster.status(@name).health == :waiting end)
      assert %{announced: false, sidecar: %{state: :waiting}} = GossipCluster.status(@name)
      :net_kernel.stop()
      alive()
      FakeSidecar.ready(fake)
      assert {:alive, %{name: "own@127.0.0.1"}} = FakeSidecar.command(fake, :alive)
      :net_kernel.stop()
      assert :hide = FakeSidecar.command(fake, :hide)
      {:ok, _} = :net_kernel.start([:undefined, :shortnames])
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("nonode@nohost")})
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
      assert {:up, %Peer{name: "zoe@127.0.0.1", connection: {:skipped, :not_alive}}} = event()
      for _ <- 1..3, do: FakeSidecar.pulse(fake)
      refute GossipCluster.status(@name).announced
      assert [%Peer{name: "zoe@127.0.0.1"}] = GossipCluster.peers(@name)
      refute_received {:dial, _node, _dialler}
    end
  end

  test "a report to a cluster that has no reporter is lost, and that is all" do
    assert Reporter.report(View.create(), [{:line, :info, "text"}]) == :ok
  end
end
