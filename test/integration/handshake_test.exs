defmodule GossipCluster.Integration.HandshakeTest do
  # Lost packets in the handshake of two nodes: one that fails costs others their connections, since `global` prevents
  # overlapping partitions.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.Mesh

  @quick [interval: 200]
  # Nobody dials for the cluster: what is made is made by hand.
  @by_hand [accept: {:erlang, :is_atom, []}]

  @syn "tcp flags & (syn | ack) == syn"
  # tcp(7): TCP_THIN_LINEAR_TIMEOUTS.
  @thin_linear_timeouts {:raw, 6, 16, 4}

  # How many bytes a packet has: IP and TCP with their options, two of length, and what it says.
  @reply 52 + 2 + 21
  @acknowledgement 52 + 2 + 17

  test "a handshake whose last two words are lost seven times each succeeds, for TCP does not wait ever longer" do
    lab = Lab.start(hosts: 2)
    # With BBR, which knows no threshold, Linux takes no stream for a thin one.
    control = "/proc/sys/net/ipv4/tcp_congestion_control"
    for host <- [1, 2], do: Lab.in_host(lab, host, ["sh", "-c", "echo reno >#{control}"])
    [a, b] = nodes = Node.start_all(lab, [{"a", host: 1}, {"b", host: 2}])
    for node <- nodes, do: Node.start_cluster(node, @quick ++ @by_hand)
    eventually("b is listed", nodes, fn -> Node.peers(a) == [b.name] end)

    # Where the wait doubles, from 0.2 s, the eighth would come after 25 s; net_kernel waits for 7.
    Filter.lose_first(lab, 2, "tcp flags & syn == 0 meta length #{@reply}", 7 * @reply + 1)

    Filter.lose_first(
      lab,
      1,
      "tcp flags & syn == 0 meta length #{@acknowledgement}",
      7 * @acknowledgement + 1
    )

    assert Node.call(a, :net_kernel, :connect_node, [:b@h2])
    for host <- [1, 2], do: assert(Filter.first_lost(lab, host) == 7)
    assert Node.reaches?(a, b)
  end

  test "so it is over TLS: both sockets of a connection have the option" do
    lab = Lab.start(hosts: 2)
    specs = for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, flags: Mesh.tls(lab)}
    nodes = Node.start_all(lab, specs)
    for node <- nodes, do: Node.start_cluster(node, @quick)
    meet(nodes)

    for node <- nodes do
      connected =
        for port <- Node.call(node, :erlang, :ports),
            match?({:ok, {_ip, _port}}, Node.call(node, :inet, :peername, [port])),
            do: Node.call(node, :inet, :getopts, [port, [@thin_linear_timeouts]])

      assert connected != []
      for option <- connected, do: assert({:ok, [{:raw, 6, 16, <<1::native-32>>}]} = option)
    end
  end

  # `global` of the node that joins hears of the other one while that is being dialled. Five dials are dropped, each for
  # the next one.
  test "SYNs that are lost to one who joins cost nobody a connection" do
    lab = Lab.start(hosts: 3)
    [a, b, c] = nodes = Mesh.boot(lab, 3)
    for node <- [b, c], do: Node.start_cluster(node, @quick)
    meet([b, c])

    eventually("`global` knows it too", nodes, fn ->
      c.name in synced(b) and b.name in synced(c)
    end)

    for {here, there} <- [{1, 3}, {3, 1}] do
      from = "ip saddr #{:inet.ntoa(Lab.ip(there))}"
      Filter.lose_first(lab, here, "#{from} #{@syn}", 5 * 60 + 1)
    end

    joining = Lab.clock()
    Node.start_cluster(a, @quick)

    eventually("all are synchronized", nodes, fn ->
      Enum.all?(nodes, &(length(synced(&1)) == 2))
    end)

    assert Mesh.downs(nodes, joining) == 0
    assert Filter.first_lost(lab, 3) >= 3
  end

  # With whom `global` has come to agree.
  defp synced(node) do
    state = Node.call(node, :sys, :get_state, [:global_name_server])
    for other <- elem(state, 3), do: Atom.to_string(other)
  end
end
