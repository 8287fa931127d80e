defmodule GossipCluster.UpgradeTest do
  # New versions of the library's modules are loaded while a cluster runs, and the old ones purged.
  use GossipCluster.OwnerCase, async: false

  alias GossipCluster.{Secret, Upgrade}

  setup do
    on_exit(fn -> Enum.each(Upgrade.modules(), &Upgrade.restore/1) end)
  end

  defp kill(pid) do
    ref = Process.monitor(pid)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^ref, :process, ^pid, :killed}, 5_000
  end

  defp started_anew(old) do
    eventually(fn ->
      pid = Process.whereis(@name)
      pid != nil and pid != old
    end)
  end

  # The cluster's supervisor and all its children; what all clusters share. Each would be started again in silence: who
  # still runs a purged version is killed, which is no report of an error.
  defp processes do
    supervisor = GossipCluster.Supervisor.whereis(@name)

    for owner <- [supervisor, Process.whereis(GossipCluster.Shared)],
        {id, pid, _kind, _modules} <- [
          {owner, owner, nil, nil} | Supervisor.which_children(owner)
        ],
        do: {id, pid}
  end

  test "no cluster notices, whichever module changes", %{fake: fake} do
    fake = start(fake, secret: [{:key, @key}, :cookie])
    FakeSidecar.ready(fake)
    FakeSidecar.command(fake, :alive)
    owner = Process.whereis(@name)
    processes = processes()
    modules = Upgrade.modules()
    assert Secret in modules and Owner in modules

    log =
      capture_log(fn ->
        for module <- modules do
          Upgrade.load(module)
          node = :"z#{System.unique_integer([:positive])}@127.0.0.1"
          name = Atom.to_string(node)
          FakeSidecar.say(fake, {:up, FakeSidecar.peer(name)})
          assert {:up, %Peer{name: ^name}} = event()
          answer(assert_dial(node), true)

          eventually(fn ->
            Enum.any?(
              GossipCluster.peers(@name),
              &(&1.name == name and &1.connection == :connected)
            )
          end)

          FakeSidecar.pulse(fake)
          FakeSidecar.say(fake, {:down, FakeSidecar.peer(name), :left})
          assert {:down, %Peer{name: ^name}, :left} = event()

          assert Process.whereis(@name) == owner,
                 "#{inspect(module)} was loaded anew, and the owner ended"

          assert processes() == processes,
                 "#{inspect(module)} was loaded anew, and a process of the cluster ended"
        end

        # What was hidden by versions long gone.
        :ok = GossipCluster.rotate_secret(@name, [{:passphrase, "correct horse"}, {:key, @key}])

        assert {:keys, [passphrase: "correct horse", key: @key]} =
                 FakeSidecar.command(fake, :keys)
      end)

    refute log =~ "[error]"
  end

  test "the secret in a child specification outlives the code that hid it", %{fake: fake} do
    fake = start(fake, secret: {:key, @key})
    FakeSidecar.ready(fake)
    owner = Process.whereis(@name)

    capture_log(fn ->
      Upgrade.load(Secret)
      Upgrade.load(Secret)
      kill(owner)
      started_anew(owner)
      fake = FakeSidecar.attach(fake)
      assert %{keys: [key: @key]} = FakeSidecar.ready(fake)

      # The whole cluster, from the user's own supervisor.
      owner = Process.whereis(@name)
      kill(GossipCluster.Supervisor.whereis(@name))
      started_anew(owner)
      assert %{keys: [key: @key]} = FakeSidecar.ready(FakeSidecar.attach(fake))
    end)
  end

  test "a function of the user's whose own code is gone is told in a line" do
    [{module, _beam}] =
      Code.compile_string(
        "defmodule GossipCluster.UpgradeTest.Gone do def secret, do: fn -> :cookie end end"
      )

    function = module.secret()
    :code.purge(module)
    :code.delete(module)
    :code.purge(module)

    error =
      assert_raise ArgumentError, fn ->
        GossipCluster.start_link(name: @name, secret: function)
      end

    assert error.message =~ "option :secret is a function whose module was loaded anew or is gone"
    assert error.message =~ "{module, function, arguments}"
  end
end
