defmodule GossipCluster.Integration.RelayTest do
  # Without the key, on the network: who passes on what a member says, and what is asked of himself in its place, once
  # became its address, and `GossipCluster.Epmd` sent the Erlang distribution to him.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.Python

  test "nobody becomes a member's address by passing on what is said: nobody is dialled there" do
    lab = Lab.start(hosts: 3)

    [a, b] =
      nodes =
      Node.start_all(
        lab,
        for({name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, cluster: [interval: 200]})
      )

    meet(nodes)
    [own, other, attacker] = for n <- 1..3, do: to_string(:inet.ntoa(lab.hosts[n].ip))
    relay = Python.start(lab.hosts[3], "relay.py", [own, other])
    assert Python.hear(relay) == "ready"

    # b hears the beats of a from the attacker alone.
    rules = Path.join(lab.dir, "deaf")

    File.write!(rules, """
    table inet deaf {
      chain input {
        type filter hook input priority 0;
        ip saddr #{own} udp dport 45893 drop
      }
    }
    """)

    {_, 0} = System.cmd("ip", ~w(netns exec #{lab.hosts[2].netns} nft -f #{rules}))

    [_beats, questions, answers] =
      eventually("b asks the attacker whether he is a", nodes, fn ->
        [_, questions, _] =
          passed = relay |> Python.ask() |> String.split() |> Enum.map(&String.to_integer/1)

        if questions >= 2, do: passed
      end)

    assert answers == 0
    eventually("a has refused them", nodes, fn -> Node.stat(a, :relayed) >= questions end)

    # The connection is lost, and made again.
    assert Node.call(b, :erlang, :disconnect_node, [String.to_atom(a.name)])
    {:ok, ip} = :inet.parse_address(to_charlist(attacker))
    a_name = ~c"a"
    a_host = to_charlist(lab.hosts[1].name)

    {:ok, answered, _port, _version} =
      Node.call(b, GossipCluster.Epmd, :address_please, [a_name, a_host, :inet])

    assert answered == lab.hosts[1].ip
    refute ip in Node.peer(b, a).paths
    assert Node.call(b, :net_kernel, :connect_node, [String.to_atom(a.name)])
    eventually("b says where", nodes, fn -> match?({_, _}, Node.peer(b, a).connected_via) end)
    assert elem(Node.peer(b, a).connected_via, 0) == lab.hosts[1].ip
    assert Node.about(b, a) |> Enum.filter(&match?({:down, _}, &1)) == []
  end
end
