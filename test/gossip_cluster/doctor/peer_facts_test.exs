defmodule GossipCluster.Doctor.PeerFactsTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.PeerFacts
  alias GossipCluster.Peer

  doctest GossipCluster.Doctor.PeerFacts

  @cluster %{options: %{unicast_port: {45_894, 45_901}}, peers: []}
  @node %{name: nil, ipv6: false, epmd_module: GossipCluster.Epmd}

  defp gather(asked, peers \\ []),
    do: PeerFacts.gather(asked, @node, %{@cluster | peers: peers}, %{interfaces: []}, nil)

  # A port of the loopback that nobody has any more.
  defp closed do
    {:ok, socket} = :gen_udp.open(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :ok = :gen_udp.close(socket)
    port
  end

  test "the port that is named is asked about, and no other" do
    port = closed()
    facts = gather("b@127.0.0.1:#{port}")
    assert %{asked: "b@127.0.0.1:" <> _, name: "b@127.0.0.1", address: {127, 0, 0, 1}} = facts
    assert facts.udp == [{port, :closed}]
    assert [45_894, 45_895] == for({port, _result} <- gather("127.0.0.1").udp, do: port)
  end

  test "what could be asked under a secret is known to be so" do
    port = closed()
    assert %{secret: false, udp: [_], answer: nil} = gather("127.0.0.1:#{port}")
    secret = {:cookie, "/nowhere/cookie"}
    host = %{interfaces: []}
    options = %{group: "233.252.1.33", group6: "ff12::6763", port: 45_893, ipv6: false}
    options = Map.put(options, :interfaces, {:only, ["lo"]})
    cluster = put_in(@cluster.options, Map.merge(options, %{cluster: "", unicast_port: {1, 8}}))
    facts = PeerFacts.gather("127.0.0.1:#{port}", @node, cluster, host, secret)

    assert %{secret: true, udp: [], answer: {:error, "the secret's file /nowhere/cookie" <> _}} =
             facts
  end

  test "who is listed is found with a port behind its name, too" do
    peer = %Peer{name: "b@h2", creation: 1, addresses: [{{127, 0, 0, 1}, 45_894, 1}]}

    for asked <- ["b@h2", "b@h2:45894", "h2:45894", "127.0.0.1:45894"],
        do: assert(%{known: ^peer, udp: []} = gather(asked, [peer]))
  end
end
