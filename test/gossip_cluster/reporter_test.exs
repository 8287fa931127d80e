defmodule GossipCluster.ReporterTest do
  # What the user's handlers do to the reporter, and do not do to the owner.
  use GossipCluster.OwnerCase

  alias GossipCluster.{Reporter, View}

  # A handler of Logger that holds whoever logs until the test lets go: the first line that holds these words.
  @doc false
  def log(%{msg: message} = event, %{config: %{test: test, words: words}}) do
    if event.meta[:gossip_cluster] == @name and :persistent_term.get({__MODULE__, :hold}, false) and
         inspect(message) =~ words do
      send(test, {:held, self()})

      receive do
        :let_go -> :ok
      end
    end

    :ok
  end

  defp hold(words) do
    :persistent_term.put({__MODULE__, :hold}, true)
    :ok = :logger.add_handler(:hold, __MODULE__, %{config: %{test: self(), words: words}})
    on_exit(fn -> :logger.remove_handler(:hold) end)
  end

  defp let_go(reporter) do
    :persistent_term.put({__MODULE__, :hold}, false)
    send(reporter, :let_go)
  end

  defp held do
    assert_receive {:held, reporter}, 5_000
    reporter
  end

  test "a handler that does not return delays no dial, no pulse, no answer, and no subscriber of what it holds",
       %{fake: fake} do
    fake = start(fake)
    FakeSidecar.ready(fake)
    hold("zoe")
    FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
    reporter = held()
    assert reporter != Process.whereis(@name)
    assert {:up, %Peer{name: "zoe@127.0.0.1"}} = event()
    assert_dial(:"zoe@127.0.0.1") |> answer(true)
    assert :ok = GossipCluster.await(@name)
    for _ <- 1..5, do: FakeSidecar.pulse(fake)
    FakeSidecar.say(fake, {:up, FakeSidecar.peer("zed@127.0.0.1")})
    assert_dial(:"zed@127.0.0.1") |> answer(true)
    assert :ok = GossipCluster.await(@name, min: 2)
    assert %{reports: %{waiting: waiting, dropped: 0}} = GossipCluster.status(@name)
    assert waiting > 0

    let_go(reporter)
    told()
    assert %{reports: %{waiting: 0, dropped: 0}} = GossipCluster.status(@name)
    assert {:up, %Peer{name: "zed@127.0.0.1"}} = event()
  end

  test "what it cannot keep up with is dropped, counted, and said when there is room again", %{
    fake: fake
  } do
    fake = start(fake)
    FakeSidecar.ready(fake)
    settled(fake)
    hold("the first")
    view = View.table(@name)

    log =
      capture_log(fn ->
        Reporter.report(view, [{:line, :warning, "the first"}])
        reporter = held()
        # As many as may wait, then some more.
        page = List.duplicate({:log, :debug, "a line of many"}, 64)
        for _ <- 1..400, do: Reporter.report(view, page)
        assert %{reports: %{waiting: waiting, dropped: dropped}} = GossipCluster.status(@name)
        assert waiting in 16_000..16_384
        assert waiting + dropped == 400 * 64 + 1
        # The owner does not mind.
        FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
        assert_dial(:"zoe@127.0.0.1") |> answer(true)
        assert :ok = GossipCluster.await(@name)
        Logger.configure(level: :warning)
        let_go(reporter)
        told()
        Logger.configure(level: :debug)
        %{reports: %{waiting: 0, dropped: dropped}} = GossipCluster.status(@name)
        assert_receive {:gossip_cluster, @name, {:missed, ^dropped}}, 5_000
        # It goes on as ever.
        FakeSidecar.say(fake, {:up, FakeSidecar.peer("zed@127.0.0.1")})
        assert_receive {:gossip_cluster, @name, {:up, %Peer{name: "zed@127.0.0.1"}}}, 5_000
        assert %{reports: %{dropped: ^dropped}} = GossipCluster.status(@name)
      end)

    assert [_once] = Regex.scan(~r/\d+ reports were not made, since a handler/, log)
  end

  test "one that is killed is started again; what it had not told is counted, and owner and peers stay",
       %{
         fake: fake
       } do
    fake = start(fake)
    FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
    assert {:up, _} = event()
    settled(fake)
    owner = Process.whereis(@name)
    hold("the first")
    view = View.table(@name)

    log =
      capture_log(fn ->
        Reporter.report(view, [{:line, :warning, "the first"}])
        reporter = held()
        Reporter.report(view, [{:line, :warning, "the second"}])
        ref = Process.monitor(reporter)
        :persistent_term.put({__MODULE__, :hold}, false)
        Process.exit(reporter, :kill)
        assert_receive {:DOWN, ^ref, :process, ^reporter, :killed}

        eventually(fn -> match?({pid, _} when pid != reporter, View.get(view, :reporter, nil)) end)

        FakeSidecar.say(fake, {:up, FakeSidecar.peer("zed@127.0.0.1")})
        assert {:up, %Peer{name: "zed@127.0.0.1"}} = event()
        assert {:missed, 2} = event()
        told()
      end)

    assert log =~ "2 reports were not made"
    assert Process.whereis(@name) == owner
    assert length(GossipCluster.peers(@name)) == 2
  end

  test "a handler of telemetry that raises is told, and ends nothing", %{fake: fake} do
    :persistent_term.put(__MODULE__, self())

    {:module, :telemetry, _code, _result} =
      Module.create(
        :telemetry,
        quote(
          do: def(execute(_event, _measurements, _metadata), do: raise("the handler's fault"))
        ),
        Macro.Env.location(__ENV__)
      )

    on_exit(fn ->
      :code.purge(:telemetry)
      :code.delete(:telemetry)
      :code.purge(:telemetry)
    end)

    log =
      capture_log(fn ->
        fake = start(fake)
        FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
        assert {:up, _} = event()
        {reporter, _counters} = View.get(View.table(@name), :reporter, nil)
        assert_dial(:"zoe@127.0.0.1") |> answer(true)
        assert :ok = GossipCluster.await(@name)
        told()
        assert {^reporter, _} = View.get(View.table(@name), :reporter, nil)
      end)

    assert log =~ "a handler of telemetry failed: error %RuntimeError{"
    assert log =~ "NODEUP"
  end

  test "what is not for it is ignored", %{fake: fake} do
    fake = start(fake)
    FakeSidecar.ready(fake)
    {reporter, _counters} = View.get(View.table(@name), :reporter, nil)
    send(reporter, :nonsense)
    GenServer.cast(reporter, :nonsense)
    told()
    assert {^reporter, _} = View.get(View.table(@name), :reporter, nil)
  end

  test "of a stream of new names the log gets a bounded number of lines, then one a minute; subscribers hear of each",
       %{fake: fake} do
    fake = start(fake)
    FakeSidecar.ready(fake)
    settled(fake)
    view = View.table(@name)

    log =
      capture_log(fn ->
        for n <- 1..400, kind <- [:up, :down] do
          peer = %Peer{name: "n#{n}@x", creation: 1, addresses: [{{192, 0, 2, 1}, 40_000, 1}]}
          fact = if kind == :up, do: {:up, peer, n}, else: {:down, peer, :left, n}
          Reporter.report(view, [fact])
        end

        told()
      end)

    assert length(Regex.scan(~r/found :"n/, log)) in 128..140
    assert length(Regex.scan(~r/lost :"n/, log)) in 128..140

    for n <- 1..400 do
      name = "n#{n}@x"
      assert_received {:gossip_cluster, @name, {:up, %Peer{name: ^name}}}
      assert_received {:gossip_cluster, @name, {:down, %Peer{name: ^name}, :left}}
    end

    # A minute later.
    {reporter, _counters} = View.get(view, :reporter, nil)
    long_ago = fn held -> held && %{held | since: held.since - 60_000} end

    :sys.replace_state(reporter, fn state ->
      kinds =
        Map.new(state.limit.kinds, fn {k, about} ->
          {k, %{about | held: long_ago.(about.held)}}
        end)

      %{state | limit: %{state.limit | kinds: kinds}}
    end)

    log =
      capture_log(fn ->
        send(reporter, :lines)
        told()
      end)

    assert [_once] =
             Regex.scan(
               ~r/2\d\d more nodes found in the last minute, the last: found :"n400@x"/,
               log
             )

    assert [_once] =
             Regex.scan(
               ~r/2\d\d more nodes lost in the last minute, the last: lost :"n400@x"/,
               log
             )
  end
end
