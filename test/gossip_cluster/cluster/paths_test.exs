defmodule GossipCluster.Cluster.PathsTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Paths
  alias GossipCluster.Peer

  @lan {192, 0, 2, 1}
  @vpn {198, 51, 100, 1}
  @other {203, 0, 113, 1}
  @lo {127, 0, 0, 1}
  @lo6 {0, 0, 0, 0, 0, 0, 0, 1}

  defp peer(heard, more \\ []) do
    struct!(
      %Peer{name: "b@h2", creation: 1, addresses: for(ip <- heard, do: {ip, 1, 1})},
      more
    )
  end

  test "all addresses heard, as they were heard; then what it says of its own" do
    assert Paths.order(peer([@lan, @vpn], own_addresses: [@vpn, @other]), []) ==
             [@lan, @vpn, @other]

    assert Paths.order(peer([]), []) == []
  end

  test "an IP address in the name comes first" do
    named = &peer([@lan], name: "b@" <> &1)
    assert Paths.order(named.("198.51.100.1"), []) == [@vpn, @lan]
    assert Paths.order(named.("2001:db8::1"), []) == [{0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}, @lan]
    # These are host names.
    for host <- ["198.51.100", "7", "h2.example", "x@198.51.100.1"],
        do: assert(Paths.order(named.(host), []) == [@lan])
  end

  test "one that is heard from an address of ours runs on this machine: over the loopback" do
    assert Paths.order(peer([@lan]), [@lan]) == [@lo, @lo6, @lan]
    assert Paths.order(peer([@vpn]), [@lan]) == [@vpn]
    # Heard over it.
    assert Paths.order(peer([@lo]), []) == [@lo, @lo6]
  end

  test "what it has and this machine has, too, leads back here: 172.17.0.1 is wherever Docker is" do
    docker = {172, 17, 0, 1}
    more = [own_addresses: [docker, @other]]
    assert Paths.order(peer([@lan], more), [@vpn, docker]) == [@lan, @other]
    assert Paths.order(peer([@lan], listens: docker), [@vpn, docker]) == [@lan]
    # It runs on this machine.
    assert Paths.order(peer([@vpn], more), [@vpn, docker]) == [@lo, @lo6, @vpn, docker, @other]
    # Whoever named it so wants it.
    assert Paths.order(peer([@lan], name: "b@172.17.0.1"), [docker]) == [docker, @lan]
  end

  test "where it listens on one address only, that comes before what is heard" do
    assert Paths.order(peer([@lan], listens: @vpn), []) == [@vpn, @lan]
    # Nobody listens on the loopback then, on this machine too.
    assert Paths.order(peer([@lan], listens: @vpn), [@lan, @vpn]) == [@vpn, @lan]
    assert Paths.order(peer([@lan], listens: @lo), [@lan]) == [@lo, @lo6, @lan]
  end

  test "a loopback address leads nowhere from another machine" do
    assert Paths.order(peer([@lan], listens: @lo), [@vpn]) == [@lan]
    assert Paths.order(peer([@lan], name: "b@127.0.0.1"), [@vpn]) == [@lan]
    assert Paths.order(peer([@lan], name: "b@127.0.0.1"), [@lan]) == [@lo, @lo6, @lan]
    assert Paths.order(peer([@lan], own_addresses: [@lo, @vpn]), []) == [@lan, @vpn]
  end

  @ula {0xFD00, 0, 0, 0, 0, 0, 0, 1}
  @link_local {0xFE80, 0, 0, 0, 0, 0, 0, 1}

  test "IPv6: what Erlang cannot dial, for it needs an interface, is left out wherever it comes from" do
    febf = {0xFEBF, 0, 0, 0, 0, 0, 0, 1}
    assert Paths.order(peer([@link_local, @lan], own_addresses: [febf, @ula]), []) == [@lan, @ula]
    assert Paths.order(peer([@link_local], own_addresses: [febf]), []) == []
    assert Paths.order(peer([@link_local], listens: @link_local), []) == []
    assert Paths.order(peer([@lan], name: "b@fe80::1"), []) == [@lan]
    # It tells that both are on one machine, all the same.
    assert Paths.order(peer([@link_local]), [@link_local]) == [@lo, @lo6]
  end

  test "what leads to nobody, or to more than one, is left out" do
    bad = [
      {0, 0, 0, 0},
      {224, 0, 0, 1},
      {255, 255, 255, 255},
      {0, 0, 0, 0, 0, 0, 0, 0},
      {0xFF12, 0, 0, 0, 0, 0, 0, 0x6763},
      # 192.0.2.1 and 127.0.0.1 in the guise of IPv6.
      {0, 0, 0, 0, 0, 0xFFFF, 0xC000, 0x0201},
      {0, 0, 0, 0, 0, 0xFFFF, 0x7F00, 1},
      {0, 0, 0, 0, 0, 0, 0x7F00, 1}
    ]

    assert Paths.order(peer([@lan], own_addresses: bad), []) == [@lan]
    assert Paths.order(peer([@lan], own_addresses: bad, ipv6: true), []) == [@lan]
  end

  test "where there are too many, those of the other family give way" do
    v4 = for n <- 1..6, do: {10, 0, 0, n}
    v6 = for n <- 1..4, do: {0xFD00, 0, 0, 0, 0, 0, 0, n}
    assert Paths.order(peer(v4, own_addresses: v6), []) == v4 ++ Enum.take(v6, 2)
    assert Paths.order(peer(v4, own_addresses: v6, ipv6: true), []) == Enum.take(v4, 4) ++ v6
  end

  test "no more than eight" do
    many = for n <- 1..20, do: {10, 0, 0, n}
    assert Paths.order(peer(many), []) == Enum.take(many, 8)
  end
end
