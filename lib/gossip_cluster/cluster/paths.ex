defmodule GossipCluster.Cluster.Paths do
  @moduledoc false
  # At which addresses a peer's distribution is dialled, and in which order: the best first, the others behind it, for
  # one of them works. Pure. The order:
  #
  #   1. an IP address in the node's name: whoever named it so wants it to be used;
  #   2. the loopback, where both run in one network namespace of one machine: it works whatever becomes of the LAN. They do
  #      if the peer is heard from an address that this node has itself: a kernel takes no such packet from outside;
  #   3. the address that its distribution listens on, where that is one and not all;
  #   4. every address that it is heard at, the best path first;
  #   5. what else it says of its own addresses.
  #
  # A link-local address of IPv6 is none to dial: it needs an interface, which Erlang cannot name. Nor is what leads to
  # nobody, or to more than one.
  #
  # An address that it has and this node has, too, is another one there (172.17.0.1 is on every machine that has Docker):
  # who answers at it here is this node itself.
  #
  # Where it listens on one address only, the loopback is of no use but if it is that one. A loopback address in a name,
  # or one that is listened on, leads nowhere from another machine.

  alias GossipCluster.{Ip, Peer}

  @loopbacks [{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}]
  # More are no help: each is given 250 ms before the next, and net_kernel gives up after 7 s.
  @most 8

  @doc "The addresses of a peer, best first, for a node that has these itself."
  @spec order(Peer.t(), [:inet.ip_address()]) :: [:inet.ip_address()]
  def order(%{} = peer, own) do
    heard = for {ip, _port, _index} <- peer.addresses, do: ip
    here = Enum.any?(heard, &(&1 in own or Ip.loopback?(&1)))
    bound = List.wrap(peer.listens)
    loopbacks = if here and Enum.all?(bound, &Ip.loopback?/1), do: @loopbacks, else: []

    told = bound ++ heard ++ peer.own_addresses
    told = if here, do: told, else: Enum.reject(told, &(&1 in own))

    (named(peer.name) ++ loopbacks ++ told)
    |> Enum.filter(&(leads_somewhere?(&1) and (here or not Ip.loopback?(&1))))
    |> Enum.uniq()
    |> at_most(peer.ipv6)
  end

  # Those of the other family, which its distribution does not speak, give way.
  defp at_most(ips, ipv6) do
    {mine, others} = Enum.split_with(ips, &(tuple_size(&1) == 8 == ipv6))
    mine = Enum.take(mine, @most)
    kept = mine ++ Enum.take(others, @most - length(mine))
    Enum.filter(ips, &(&1 in kept))
  end

  defp named(name) do
    with [_name, host] <- String.split(name, "@"),
         {:ok, ip} <- :inet.parse_strict_address(to_charlist(host)) do
      [ip]
    else
      _no_address -> []
    end
  end

  # IPv4 in the guise of IPv6 would be dialled as what it hides.
  defp leads_somewhere?({first, _, _, _}), do: first in 1..223
  defp leads_somewhere?({0, 0, 0, 0, 0, 0, 0, 1}), do: true
  defp leads_somewhere?({0, 0, 0, 0, 0, x, _, _}) when x in [0, 0xFFFF], do: false

  defp leads_somewhere?({first, _, _, _, _, _, _, _} = ip),
    do: first < 0xFF00 and not Ip.link_local?(ip)
end
