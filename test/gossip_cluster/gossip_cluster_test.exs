defmodule GossipClusterTest do
  # The public functions, and starting from configuration. The node is not alive, so nothing is announced.
  use ExUnit.Case, async: false
  doctest GossipCluster

  import ExUnit.CaptureLog

  alias GossipCluster.FakeSidecar

  @key String.duplicate("k", 32)

  # A sidecar that listens and says nothing.
  defp mute, do: FakeSidecar.script("exec cat >/dev/null")

  defp restart(clusters) do
    _ = Application.stop(:gossip_cluster)
    Application.put_env(:gossip_cluster, :clusters, clusters)
    Application.start(:gossip_cluster)
  end

  describe "config :gossip_cluster, clusters: [...]" do
    setup do
      on_exit(fn -> :ok = restart([]) end)
    end

    test "starts each of them; nothing starts by itself" do
      :ok = restart([])
      assert_raise ArgumentError, fn -> GossipCluster.peers() end

      sidecar = mute()

      :ok =
        restart([
          [secret: {:key, @key}, sidecar: sidecar],
          [name: Second, secret: {:key, @key}, sidecar: sidecar]
        ])

      assert GossipCluster.peers() == []
      assert GossipCluster.peers(Second) == []

      assert %{name: Second, cluster: "", port: 45_893, interval: 1_000} =
               GossipCluster.status(Second)
    end

    test "tells what is wrong in it, without a secret" do
      log =
        capture_log(fn ->
          for {clusters, told} <- [
                {[name: :a], "must be a list of lists of options"},
                {:none, "must be a list of lists of options"},
                {[[secret: {:passphrase, "hunter2"}]],
                 "option :secret is {:passphrase, a binary of 7 bytes}"},
                {[[prot: 1]], "there is no option :prot"}
              ] do
            assert {:error, reason} = restart(clusters)
            assert inspect(reason, limit: :infinity) =~ told
            refute inspect(reason, limit: :infinity) =~ "hunter2"
          end
        end)

      refute log =~ "hunter2"
    end
  end

  test "clusters of one node stand side by side, and are supervised under their names" do
    sidecar = mute()

    for name <- [One, Two] do
      start_supervised!({GossipCluster, name: name, secret: {:key, @key}, sidecar: sidecar})
      assert Process.whereis(name)
      assert %{name: ^name} = GossipCluster.status(name)
    end

    stop_supervised!(One)
    assert_raise ArgumentError, fn -> GossipCluster.status(One) end
    assert %{name: Two} = GossipCluster.status(Two)
  end

  test "await checks its options, and gives up in time" do
    start_supervised!({GossipCluster, name: One, secret: {:key, @key}, sidecar: mute()})
    assert GossipCluster.await(One, min: 0) == :ok
    assert GossipCluster.await(One, min: 1, timeout: 0) == {:error, :timeout}
    # An Erlang property list, too.
    erlang = fn -> :"Elixir.GossipCluster".await(One, [{:min, 1}, {:timeout, 1}]) end
    assert {time, {:error, :timeout}} = :timer.tc(erlang)
    assert time < 2_000_000

    for {options, told} <- [
          {[min: -1], ":min is -1, but must be an integer from 0"},
          {[min: "1"], ~s(:min is "1", but)},
          {[timeout: -1], ":timeout is -1, but must be milliseconds or :infinity"},
          {[timeout: 1.5], ":timeout is 1.5, but"},
          {[max: 1], "there is no option :max; there are :min, :timeout"}
        ] do
      error = assert_raise ArgumentError, fn -> GossipCluster.await(One, options) end
      assert error.message =~ "GossipCluster.await: " <> told
    end
  end

  test "a cluster that ends while it is awaited is no success" do
    start_supervised!({GossipCluster, name: One, secret: {:key, @key}, sidecar: mute()})
    task = Task.async(fn -> GossipCluster.await(One, timeout: 60_000) end)
    GossipCluster.Eventually.eventually(fn -> map_size(:sys.get_state(One).waiters) == 1 end)
    stop_supervised!(One)
    assert Task.await(task) == {:error, :timeout}
  end

  test "subscribing twice is subscribing once; unsubscribing ends it" do
    start_supervised!({GossipCluster, name: One, secret: {:key, @key}, sidecar: mute()})
    for _ <- 1..2, do: assert(GossipCluster.subscribe(One) == :ok)
    state = :sys.get_state(One)
    GossipCluster.State.publish(state, {:health, :ok})
    assert_received {:gossip_cluster, One, {:health, :ok}}
    refute_received {:gossip_cluster, One, _}
    assert GossipCluster.unsubscribe(One) == :ok
    GossipCluster.State.publish(state, {:health, :ok})
    refute_received {:gossip_cluster, One, _}
  end

  test "a secret that is none cannot be rotated in, and is not shown" do
    start_supervised!({GossipCluster, name: One, secret: {:key, @key}, sidecar: mute()})

    error =
      assert_raise ArgumentError, fn -> GossipCluster.rotate_secret(One, {:key, "hunter2"}) end

    assert error.message =~ "the secret is {:key, a binary of 7 bytes}, but must be"
  end
end
