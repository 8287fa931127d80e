defmodule GossipCluster.TelemetryTest do
  # Every event of the moduledoc, from a cluster whose sidecar the test plays.
  use ExUnit.Case, async: false

  import ExUnit.CaptureLog
  import GossipCluster.Eventually

  alias GossipCluster.{FakeSidecar, OwnerCase, Peer, Reporter, Telemetry, TelemetryDouble}
  alias GossipCluster.Sidecar.Codec

  @name GossipCluster.TelemetryTest.Cluster
  @moduletag :capture_log

  setup do
    {:ok, _pid} =
      :net_kernel.start(:"own@127.0.0.1", %{name_domain: :longnames, dist_listen: false})

    on_exit(fn -> if Node.alive?(), do: :net_kernel.stop() end)
  end

  def connect(answer, _node), do: Agent.get(answer, & &1)
  def list, do: []

  # A seed that the test resolves.
  def seed(test) do
    send(test, {:resolving, self()})

    receive do
      {:resolved, seeds} -> seeds
    end
  end

  defp resolved(seeds) do
    assert_receive {:resolving, pid}, 5_000
    # Meanwhile the owner answers.
    assert {:error, :timeout} = GossipCluster.await(@name, min: 1, timeout: 0)
    assert pid != Process.whereis(@name)
    send(pid, {:resolved, seeds})
  end

  # The time has come, once what was resolved before has arrived.
  defp resolve_again do
    eventually(fn -> not OwnerCase.cluster(@name).seeds.states[0].asked end)
    OwnerCase.ring(@name, {:seed, 0})
  end

  defp start(answer, more \\ []) do
    fake = FakeSidecar.new()
    agent = start_supervised!({Agent, fn -> answer end})

    start_supervised!(
      {GossipCluster,
       [
         name: @name,
         sidecar: fake.path,
         interval: 100,
         secret: {:key, String.duplicate("k", 32)},
         connect: {__MODULE__, :connect, [agent]},
         list_nodes: {__MODULE__, :list, []}
       ] ++ more}
    )

    fake = FakeSidecar.attach(fake)
    FakeSidecar.ready(fake)
    assert {:alive, _} = FakeSidecar.command(fake)
    {fake, agent}
  end

  # The next event of this name; every one must be documented, with its measurements and metadata.
  defp event(name) do
    event = [:gossip_cluster | name]
    assert_receive {:telemetry, ^event, measurements, %{cluster: @name} = metadata}, 5_000
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(Telemetry)
    [row] = for row <- String.split(doc, "\n"), row =~ "`#{inspect(event)}`", do: row

    for key <- Map.keys(measurements) ++ (Map.keys(metadata) -- [:cluster]),
        do: assert(row =~ "`#{key}`", "#{inspect(event)}: #{key} is not documented")

    {measurements, metadata}
  end

  test "a cluster's life" do
    TelemetryDouble.install()
    {fake, agent} = start(true)
    assert {%{duration: duration}, %{os_pid: 4711}} = event([:sidecar, :start])
    # Native units: two shells are not started within a millisecond, nor is a test that long.
    millisecond = System.convert_time_unit(1, :millisecond, :native)
    assert duration in millisecond..(60_000 * millisecond)
    assert {%{count: 1}, %{added: [{"lo", 1, "127.0.0.1"}], removed: []}} = event([:interfaces])

    FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
    assert {%{peers: 1}, %{peer: %Peer{name: "zoe@127.0.0.1"}}} = event([:peer, :up])
    assert {%{duration: duration}, %{name: "zoe@127.0.0.1"}} = event([:connect, :ok])
    assert duration in 0..(60_000 * millisecond)
    FakeSidecar.say(fake, {:update, FakeSidecar.peer("zoe@127.0.0.1", status: :stalled)})
    assert {%{peers: 1}, %{peer: %Peer{status: :stalled}}} = event([:peer, :update])

    Agent.update(agent, fn _ -> false end)
    FakeSidecar.say(fake, {:up, FakeSidecar.peer("zed@127.0.0.1")})
    assert {_, %{name: "zed@127.0.0.1", reason: :failed, text: text}} = event([:connect, :error])
    assert {%{count: 1}, %{reason: :failed, text: ^text}} = event([:peer, :problem])
    # At each try, and the problem once.
    assert {_, %{name: "zed@127.0.0.1"}} = event([:connect, :error])
    refute_received {:telemetry, [_, :peer, :problem], _, _}

    FakeSidecar.say(fake, {:up, FakeSidecar.peer("zip@127.0.0.1", cookie: :differs)})
    assert {%{count: 1}, %{name: "zip@127.0.0.1", reason: :cookie}} = event([:peer, :problem])

    twin = FakeSidecar.peer("zoe@127.0.0.1", creation: 2)
    FakeSidecar.say(fake, {:conflict, twin, FakeSidecar.peer("zoe@127.0.0.1")})
    assert {%{peers: 3}, %{peer: _, other: _}} = event([:peer, :conflict])
    FakeSidecar.say(fake, {:down, FakeSidecar.peer("zoe@127.0.0.1"), :left})
    assert {%{peers: 2}, %{reason: :left}} = event([:peer, :down])

    FakeSidecar.say(fake, {:health, :isolated})
    assert {%{healthy: 0}, %{health: :isolated}} = event([:health])
    FakeSidecar.say(fake, {:health, :ok})
    assert {%{healthy: 1}, %{health: :ok}} = event([:health])

    eth0 = {"eth0", 2, "192.0.2.1"}
    FakeSidecar.say(fake, {:interfaces, [eth0], %{reach: :lan, missing: [], deaf: [], mute: []}})

    assert {%{count: 1}, %{interfaces: [^eth0], added: [^eth0], removed: [_lo]}} =
             event([:interfaces])

    # What is told twice, as after an overflow, is no news.
    FakeSidecar.say(fake, {:interfaces, [eth0], %{reach: :lan, missing: [], deaf: [], mute: []}})
    FakeSidecar.say(fake, {:interfaces, [], %{reach: :none, missing: [], deaf: [], mute: []}})
    assert {%{count: 0}, %{interfaces: [], added: [], removed: [^eth0]}} = event([:interfaces])

    FakeSidecar.say(fake, :keys_changed)
    assert {%{count: 1}, _} = event([:keys])

    FakeSidecar.die(fake, :kill)
    assert {%{attempts: 1}, %{reason: "gossipd " <> _}} = event([:sidecar, :exit])
  end

  test "a seed that cannot be resolved is told once, and that it can again once; the owner goes on meanwhile" do
    TelemetryDouble.install()
    {fake, _agent} = start(true, seeds: [{__MODULE__, :seed, [self()]}])
    name = "GossipCluster.TelemetryTest.seed/1"
    place = {{10, 0, 0, 5}, 7, 7}

    resolved(["10.0.0.5:7"])

    assert {%{count: 1}, %{seed: ^name, addresses: [^place], before: [], error: nil}} =
             event([:seed])

    assert FakeSidecar.command(fake) == {:seeds, [{<<10, 0, 0, 5>>, 7, 7}]}

    # Its last try was 15 s ago; those after a failure come by themselves, 0.5 and 1 s later.
    resolve_again()
    for seeds <- [[], nil, []], do: resolved(seeds)

    # What was known is kept.
    assert {%{count: 1}, %{seed: ^name, addresses: [^place], before: [^place], error: error}} =
             event([:seed])

    assert error == "it has no address"
    assert {%{count: 1}, %{reason: :seed, text: "seed " <> _}} = event([:problem])
    resolve_again()
    resolved(:not_even_a_list)
    resolve_again()
    resolved(["10.0.0.5:7"])
    assert {%{count: 1}, %{addresses: [^place], before: [^place], error: nil}} = event([:seed])
    resolve_again()
    resolved(["10.0.0.5:7"])
    resolve_again()
    resolved(["10.0.0.6:7"])
    assert {%{count: 1}, %{addresses: [_other], before: [^place], error: nil}} = event([:seed])
    for kind <- [:seed, :problem], do: refute_received({:telemetry, [_, ^kind], _, _})
  end

  test "strangers only" do
    TelemetryDouble.install()
    {fake, _agent} = start(true)
    OwnerCase.ring(@name, {:alone, 3_000})
    FakeSidecar.say(fake, {:stats, FakeSidecar.stats(fake), %{foreign: 1}})
    assert {%{peers: 0}, _} = event([:foreign])
  end

  test "what is measured when it is asked for, and not before" do
    TelemetryDouble.install()
    {fake, _agent} = start(true)
    assert {_, _} = event([:sidecar, :start])
    assert {_, _} = event([:interfaces])
    for _ <- 1..5, do: FakeSidecar.pulse(fake)
    refute_received {:telemetry, _, _, _}

    task = Task.async(fn -> GossipCluster.measure(@name) end)
    # Every counter that the sidecar has, each with a value of its own.
    counters = Codec.stats() |> Enum.with_index(1) |> Map.new()
    interfaces = [{"eth0", 2, "192.0.2.1"}]
    stats = Map.put(counters, :interfaces, interfaces)
    FakeSidecar.say(fake, {:stats, FakeSidecar.stats(fake), stats})
    assert :ok = Task.await(task)

    assert {%{peers: 0, connected: 0, interfaces: 1}, _} = event([:measure, :peers])
    assert {packets, _} = event([:measure, :packets])
    assert packets == Map.take(counters, Map.keys(packets))
    assert map_size(packets) == 6

    refused = for _ <- 1..16, do: event([:measure, :refused])
    for {%{count: count}, %{cause: cause}} <- refused, do: assert(count == counters[cause])
    assert refused |> Enum.uniq() |> length() == 16

    for position <- 1..4 do
      opened = counters[:"opened_#{position}"]
      assert {%{opened: ^opened}, %{position: ^position}} = event([:measure, :key])
    end

    refute_received {:telemetry, _, _, _}
  end

  test "without :telemetry nothing breaks" do
    refute Code.ensure_loaded?(:telemetry)

    log =
      capture_log(fn ->
        {fake, _agent} = start(true)
        FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
        assert :ok = GossipCluster.await(@name)
        task = Task.async(fn -> GossipCluster.measure(@name) end)
        FakeSidecar.say(fake, {:stats, FakeSidecar.stats(fake), %{foreign: 1}})
        assert :ok = Task.await(task)
      end)

    refute log =~ "[error]"
    assert Reporter.execute([:any], %{}, %{}) == :ok
  end

  test "a sidecar that tells nothing leaves what is known without it" do
    status = %{peers: 2, connected: 1, interfaces: [], health: :ok, stats: nil}

    assert [{[:measure, :peers], %{peers: 2, connected: 1, healthy: 1}, _}] =
             Telemetry.measurements(status, [])
  end

  test "of what is known of the ways to the peers the worst is told" do
    status = %{peers: 3, connected: 1, interfaces: [], health: :isolated, stats: nil}
    peer = %GossipCluster.Peer{name: "b@h", creation: 1}

    assert [{_, %{healthy: 0}, _}, {[:measure, :paths], paths, %{}}] =
             Telemetry.measurements(status, [
               peer,
               %{peer | round_trip: 300, loss: 0.25},
               %{peer | round_trip: 700, loss: 0.0}
             ])

    assert paths == %{round_trip_max: 700, loss_max: 0.25, loss_mean: 0.125}

    assert [_, {_, %{round_trip_max: 300} = paths, _}] =
             Telemetry.measurements(status, [%{peer | round_trip: 300}])

    assert map_size(paths) == 1
  end
end
