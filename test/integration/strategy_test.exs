defmodule GossipCluster.Integration.StrategyTest do
  # A node whose cluster libcluster's supervisor starts, and one without libcluster: guides/migrating-from-libcluster.md
  # says that these are one cluster.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.{LibclusterDouble, Strategy}

  test "a node with the strategy and a node without libcluster meet, whatever the topologies are called" do
    lab = Lab.start(hosts: 3)
    config = [port: 45_892, multicast_addr: "233.252.1.32", secret: "a shared secret"]
    own = [port: 45_892, group: "233.252.1.32", secret: {:passphrase, "a shared secret"}]
    [a, c] = Node.start_all(lab, [{"a", host: 1}, {"c", host: 3}])
    b = Node.start(lab, "b", host: 2, cluster: own)

    for {node, topology} <- [{a, :shop}, {c, :store}] do
      topologies = [{topology, [strategy: Strategy, config: config]}]

      assert {:ok, _pid} =
               Node.call(node, :supervisor, :start_child, [
                 :kernel_safe_sup,
                 %{
                   id: LibclusterDouble,
                   start: {LibclusterDouble, :start_link, [[topologies]]},
                   type: :supervisor
                 }
               ])
    end

    for {node, cluster, others} <- [
          {a, Strategy.name(:shop), ["b@h2", "c@h3"]},
          {b, GossipCluster, ["a@h1", "c@h3"]},
          {c, Strategy.name(:store), ["a@h1", "b@h2"]}
        ] do
      eventually("#{node.name} has met the others", [a, b, c], fn ->
        Node.peers(node, cluster) == others and Node.connected(node) == others
      end)
    end
  end
end
