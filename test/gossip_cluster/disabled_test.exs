defmodule GossipCluster.DisabledTest do
  # A cluster that is switched off, as in a user's own tests.
  use ExUnit.Case, async: false

  alias GossipCluster.FakeSidecar

  setup do
    fake = FakeSidecar.new()

    on_exit(fn ->
      Application.delete_env(:gossip_cluster, :enabled)
      Application.delete_env(:gossip_cluster, :clusters)
      # It is remembered for the life of the VM, and so would be by the tests that follow.
      for name <- [Off, GossipCluster], do: :persistent_term.erase({GossipCluster.Disabled, name})
    end)

    {:ok,
     fake: fake,
     options: [name: Off, secret: {:key, String.duplicate("k", 32)}, sidecar: fake.path]}
  end

  defp tree(children),
    do:
      start_supervised!(%{
        id: :tree,
        start: {Supervisor, :start_link, [children, [strategy: :one_for_one]]}
      })

  # No process under its name, and no sidecar was ever started.
  defp nothing_runs(fake) do
    assert Process.whereis(Off) == nil
    assert GossipCluster.Supervisor.whereis(Off) == nil
    refute File.exists?(Path.join(fake.dir, "pids"))
  end

  defp answers_as_if_alone(name) do
    assert GossipCluster.peers(name) == []
    assert GossipCluster.subscribe(name) == :ok
    assert GossipCluster.unsubscribe(name) == :ok

    assert {time, {:error, :timeout}} =
             :timer.tc(fn -> GossipCluster.await(name, timeout: 60_000) end)

    assert time < 30_000_000
    assert GossipCluster.await(name, min: 0) == :ok
    assert GossipCluster.leave(name, disconnect: true) == :ok
    assert GossipCluster.rejoin(name) == :ok
    assert GossipCluster.rotate_secret(name, :cookie) == :ok
    assert GossipCluster.put_tags(name, role: "db") == :ok
    assert GossipCluster.await(name, min: 1, tags: [role: "db"]) == {:error, :timeout}
    assert GossipCluster.measure(name) == :ok
    status = GossipCluster.status(name)

    assert %{
             name: ^name,
             peers: 0,
             connected: 0,
             announced: false,
             sidecar: %{state: :disabled},
             stats: nil
           } = status
  end

  test "by its option", %{fake: fake, options: options} do
    # The function of a secret is not called: in tests there may be none.
    children = [
      {GossipCluster,
       [enabled: false, secret: fn -> raise "not called" end] ++ Keyword.delete(options, :secret)},
      {GossipCluster.Await, name: Off, min: 2, timeout: 60_000, on_timeout: :error},
      {Agent, fn -> :behind end}
    ]

    supervisor = tree(children)

    assert [{Agent, _, _, _}] =
             for(
               child <- Supervisor.which_children(supervisor),
               elem(child, 1) != :undefined,
               do: child
             )

    nothing_runs(fake)
    answers_as_if_alone(Off)

    assert Keyword.keys(Map.to_list(GossipCluster.status(Off))) ==
             Keyword.keys(Map.to_list(running_status(options)))
  end

  # Of one that runs.
  defp running_status(options) do
    options = Keyword.put(options, :name, On)
    start_supervised!({GossipCluster, options})
    GossipCluster.status(On)
  end

  test "as :ignore, in the place of the options", %{fake: fake} do
    supervisor = tree([{GossipCluster, :ignore}])
    assert [{GossipCluster, :undefined, :supervisor, _}] = Supervisor.which_children(supervisor)
    nothing_runs(fake)
    answers_as_if_alone(GossipCluster)
  end

  test "by the configuration, everywhere", %{fake: fake, options: options} do
    Application.put_env(:gossip_cluster, :enabled, false)
    tree([{GossipCluster, options}])
    nothing_runs(fake)
    for name <- [Off, GossipCluster, :whatever], do: answers_as_if_alone(name)

    Application.put_env(:gossip_cluster, :enabled, "false")

    message =
      "GossipCluster: `config :gossip_cluster, enabled: ...` is \"false\", but must be true or false"

    assert_raise ArgumentError, message, fn -> GossipCluster.start_link(options) end
  end

  test "one of the configuration's clusters, or all of them", %{fake: fake, options: options} do
    for clusters <- [:ignore, [[enabled: false] ++ options]] do
      ExUnit.CaptureLog.capture_log(fn -> Application.stop(:gossip_cluster) end)
      Application.put_env(:gossip_cluster, :clusters, clusters)
      assert Application.start(:gossip_cluster) == :ok
      nothing_runs(fake)
    end
  end

  test "one that is started after all runs", %{options: options} do
    assert GossipCluster.start_link([enabled: false] ++ options) == :ignore
    start_supervised!({GossipCluster, [enabled: true] ++ options})
    assert Process.whereis(Off)
    refute GossipCluster.status(Off).sidecar.state == :disabled
    # What is off in another place does not switch off what runs.
    assert GossipCluster.start_link([enabled: false] ++ options) == :ignore
    refute GossipCluster.status(Off).sidecar.state == :disabled
  end
end
