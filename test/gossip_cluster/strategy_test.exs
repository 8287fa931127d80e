defmodule GossipCluster.StrategyTest do
  # The strategy under a supervisor that calls it as libcluster does; the test plays the sidecar.
  use ExUnit.Case, async: false

  import ExUnit.CaptureLog
  import GossipCluster.Eventually

  alias GossipCluster.Dial.Attempt
  alias GossipCluster.{FakeSidecar, LibclusterDouble, Peer, Strategy}

  @peer %Peer{name: "b@host", creation: 1}

  doctest Strategy

  # What :telemetry is to the code: a module of this name that the application may have.
  defmodule Handler do
    def install(test) do
      :persistent_term.put(__MODULE__, test)

      {:module, :telemetry, _code, _result} =
        Module.create(
          :telemetry,
          quote do
            def execute(event, measurements, metadata) do
              send(:persistent_term.get(unquote(__MODULE__)), {event, measurements, metadata})
              :ok
            end
          end,
          Macro.Env.location(__ENV__)
        )

      :ok
    end

    def remove do
      :code.purge(:telemetry)
      :code.delete(:telemetry)
      :code.purge(:telemetry)
    end
  end

  defp options(config, state \\ %{}) do
    {options, remarks} =
      Strategy.options(Map.merge(%LibclusterDouble.State{topology: :shop, config: config}, state))

    {Map.new(options), remarks}
  end

  describe "the configuration" do
    test "compat is libcluster's wire, as the strategy would have had it, and nothing else changes" do
      for config <- [
            [],
            [port: 45_892, multicast_addr: "233.252.1.32", secret: "a shared secret"],
            [port: 4000, multicast_ttl: 2, multicast_addr: {239, 1, 2, 3}, interval: 500],
            [multicast_if: "192.0.2.7", secret: "short", broadcast_only: true]
          ] do
        {without, remarks} = options(config)
        {with_compat, ^remarks} = options([compat: :libcluster] ++ config)
        assert Map.delete(with_compat, :compat) == without
        kept = Keyword.take(config, [:port, :multicast_addr, :multicast_ttl, :secret])
        assert Enum.sort(with_compat.compat[:libcluster]) == Enum.sort(kept)
        checked = GossipCluster.Options.validate!(Map.to_list(with_compat))
        assert checked.compat.port == Keyword.get(config, :port, 45_892)
      end

      # A secret of ours is none of libcluster's; what is said in full counts.
      {own, []} = options(compat: :libcluster, secret: {:key, String.duplicate("k", 32)})
      assert own.compat == [libcluster: []]
      said = [libcluster: [secret: "old", port: 1]]
      {full, []} = options(compat: said, secret: "a shared secret", port: 2)
      assert full.compat == said and full.port == 2
    end

    test "without any, is ours: keyed by the cookie, the default group, all interfaces" do
      for config <- [[], nil] do
        assert {%{name: Strategy.Shop} = options, []} = options(config)

        assert Enum.sort(Map.keys(options)) ==
                 [:connect, :disconnect, :list_nodes, :name, :observer]

        checked = GossipCluster.Options.validate!(Map.to_list(options))
        assert checked.group == "233.252.1.33" and checked.interfaces == :all
      end
    end

    test "every key of the Gossip strategy is mapped" do
      assert {options, []} =
               options(
                 port: 45_892,
                 if_addr: "192.0.2.1",
                 multicast_addr: "239.1.2.3",
                 multicast_ttl: 2,
                 broadcast_only: true,
                 secret: "a shared secret"
               )

      assert %{
               port: 45_892,
               interfaces: ["192.0.2.1"],
               group: "239.1.2.3",
               ttl: 2,
               broadcast: true,
               secret: {:passphrase, "a shared secret"}
             } = options

      assert {%{interfaces: [{10, 0, 0, 1}]}, []} =
               options(multicast_if: {10, 0, 0, 1}, if_addr: "192.0.2.1")
    end

    test "an address that means all interfaces restricts nothing" do
      for any <- ["0.0.0.0", {0, 0, 0, 0}, "::", nil, ~c"0.0.0.0"] do
        {options, []} = options(if_addr: any, multicast_if: any)
        refute Map.has_key?(options, :interfaces)
      end
    end

    test "a secret of any length is taken; a short one is reported without being shown" do
      assert {%{secret: {:passphrase, stretched}}, [remark]} = options(secret: "s3cr3t")
      assert byte_size(stretched) >= 8 and stretched != "s3cr3t"
      assert {%{secret: {:passphrase, ^stretched}}, _} = options(secret: "s3cr3t")
      assert remark =~ "only 6 bytes" and not (remark =~ "s3cr3t")

      assert {%{secret: {:passphrase, long}}, []} = options(secret: String.duplicate("x", 1_025))

      assert byte_size(long) <= 1_024
      assert {without, []} = options(secret: nil)
      refute Map.has_key?(without, :secret)
    end

    test "our own options are taken too, and win" do
      key = :crypto.strong_rand_bytes(32)

      assert {%{
                name: Mine,
                secret: {:key, ^key},
                interval: 500,
                interfaces: ["eth1"],
                cluster: "red"
              },
              []} =
               options(
                 name: Mine,
                 secret: {:key, key},
                 interval: 500,
                 if_addr: "192.0.2.1",
                 interfaces: ["eth1"],
                 cluster: "red"
               )
    end

    test "what is unknown, or not there yet, is said and has no effect" do
      assert {options, remarks} =
               options(
                 polling_interval: 5_000,
                 broadcast_only: false,
                 multicast_addr: "255.255.255.255",
                 connect: {Mine, :connect, []}
               )

      assert Enum.sort(Map.keys(options)) ==
               [:connect, :disconnect, :list_nodes, :name, :observer]

      assert options.connect == {:net_kernel, :connect_node, []}
      assert options.observer == {Strategy, :observed, [:shop]}

      for {remark, text} <-
            Enum.zip(remarks, [
              "no option :polling_interval",
              "no IPv4 multicast address",
              "belongs beside `config`"
            ]),
          do: assert(remark =~ text)

      assert length(remarks) == 3
      assert {_options, [remark]} = options(%{port: 1})
      assert remark =~ "no keyword list"
    end
  end

  describe "under libcluster's supervisor" do
    setup do
      # Who has no name has no sidecar.
      {:ok, _pid} =
        :net_kernel.start(:"own@127.0.0.1", %{name_domain: :longnames, dist_listen: false})

      on_exit(fn -> :net_kernel.stop() end)
      %{fake: FakeSidecar.new()}
    end

    test "it is a permanent child, known by its topology, that starts again", %{fake: fake} do
      config = [sidecar: fake.path, port: 4000, secret: "a shared secret"]

      supervisor =
        start_supervised!({LibclusterDouble, [[shop: [strategy: Strategy, config: config]]]})

      fake = FakeSidecar.attach(fake)
      assert %{port: 4000, keys: [passphrase: "a shared secret"]} = FakeSidecar.ready(fake)
      assert [{:shop, pid, :worker, [Strategy]}] = Supervisor.which_children(supervisor)
      assert GossipCluster.status(Strategy.name(:shop)).port == 4000

      capture_log(fn -> Supervisor.stop(pid, :broken) end)

      eventually(fn ->
        match?(
          [{:shop, other, _, _}] when is_pid(other) and other != pid,
          Supervisor.which_children(supervisor)
        )
      end)

      assert GossipCluster.peers(Strategy.name(:shop)) == []
    end

    test "what it does not know is said once, and does not fail the start", %{fake: fake} do
      config = [sidecar: fake.path, foo: 1]

      log =
        capture_log(fn ->
          start_supervised!({LibclusterDouble, [[shop: [strategy: Strategy, config: config]]]})
        end)

      assert [_before, _behind] = String.split(log, ":shop: there is no option :foo")
    end

    test "a missing executable, or a missing network, does not fail the start" do
      config = [sidecar: "/nowhere/gossipd", if_addr: "192.0.2.77", secret: "a shared secret"]
      spec = [strategy: Strategy, config: config]
      supervisor = start_supervised!({LibclusterDouble, [[one: spec, two: spec]]})
      assert Supervisor.count_children(supervisor).active == 2

      eventually(fn ->
        match?(
          %{state: :down, reason: "the executable /nowhere/gossipd is missing" <> _},
          GossipCluster.status(Strategy.name(:one)).sidecar
        )
      end)

      assert Supervisor.count_children(supervisor).active == 2
    end

    test "a wrong value fails it, in words that name the option" do
      Process.flag(:trap_exit, true)
      topologies = [shop: [strategy: Strategy, config: [port: "45892"]]]

      capture_log(fn ->
        assert {:error, {:shutdown, {:failed_to_start_child, :shop, {:EXIT, {error, _stack}}}}} =
                 LibclusterDouble.start_link([topologies])

        assert Exception.message(error) =~ ~s(option :port is "45892")
      end)
    end

    test "it has a child specification of its own" do
      state = %LibclusterDouble.State{topology: :shop}

      assert %{id: :shop, start: {Strategy, :start_link, [[^state]]}} =
               Strategy.child_spec([state])
    end
  end

  describe "the functions of the topology" do
    setup do
      :ok = Handler.install(self())
      on_exit(&Handler.remove/0)
    end

    def answer(test, answer, node) do
      send(test, {:called, self(), node})
      if is_function(answer), do: answer.(), else: answer
    end

    defp observed(kind, answer) do
      mfa = {__MODULE__, :answer, [self(), answer]}
      observer = {Strategy, :observed, [:shop]}

      result =
        case kind do
          :connect -> Attempt.run(@peer, :b@host, mfa, nil, false, observer)
          :disconnect -> Attempt.disconnect(:b@host, mfa, observer)
        end

      assert_received {:called, _pid, :b@host}
      result
    end

    test "each outcome is told as ever, and is libcluster's event" do
      about = %{node: :b@host, topology: :shop}
      assert observed(:connect, true) == {:connected, nil}
      assert_received {[:libcluster, :connect_node, :ok], %{duration: native}, ^about}
      assert is_integer(native) and native >= 0
      assert observed(:disconnect, true) == :ok
      assert_received {[:libcluster, :disconnect_node, :ok], %{duration: _}, ^about}

      for {kind, answer, reason, told} <- [
            {:connect, false, :unreachable, "could not be reached"},
            {:connect, :ignored, :not_part_of_network, "distribution does not run"},
            {:connect, {:odd, 1}, {:odd, 1}, "returned {:odd, 1}"},
            {:disconnect, false, :already_disconnected, nil},
            {:disconnect, :ignored, :not_part_of_network, nil},
            {:disconnect, :failed, :failed, nil}
          ] do
        case observed(kind, answer) do
          {:failed, {:failed, text}} -> assert kind == :connect and text =~ told
          :ok -> assert kind == :disconnect
        end

        event = [:libcluster, :"#{kind}_node", :error]
        expected = Map.put(about, :reason, reason)
        assert_received {^event, measurements, ^expected}
        assert measurements == %{}
      end
    end

    test "one that raises is an event too" do
      assert {:failed, {:failed, text}} = observed(:connect, fn -> raise "no" end)
      assert text =~ "failed: no"

      assert_received {[:libcluster, :connect_node, :error], %{},
                       %{reason: %RuntimeError{message: "no"}}}
    end

    test "the topology's own functions are called with the node, outside of the owner" do
      fake = FakeSidecar.new()
      {:ok, _pid} = start_distribution()

      topologies = [
        shop: [
          strategy: Strategy,
          connect: {__MODULE__, :answer, [self(), true]},
          list_nodes: {__MODULE__, :nodes, []},
          config: [sidecar: fake.path, interval: 100]
        ]
      ]

      start_supervised!({LibclusterDouble, [topologies]})
      fake = FakeSidecar.attach(fake)
      peer = FakeSidecar.peer("b@host.example")
      FakeSidecar.ready(fake, [peer])
      assert_receive {:called, pid, :"b@host.example"}, 5_000
      assert pid != Process.whereis(Strategy.name(:shop))

      assert_receive {[:libcluster, :connect_node, :ok], %{duration: _}, %{topology: :shop}},
                     1_000

      eventually(fn -> GossipCluster.status(Strategy.name(:shop)).connected == 1 end)
    end

    def nodes, do: [:"b@host.example"]

    # This VM becomes a node that does not listen; nobody is reached.
    defp start_distribution do
      on_exit(fn -> :net_kernel.stop() end)
      :net_kernel.start(:"own@127.0.0.1", %{name_domain: :longnames, dist_listen: false})
    end
  end
end
