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
  # Where it listens on one address only, the loopback is of no use but if it is that one. A loopback address in a name,
  # or one that is listened on, leads nowhere from another machine.

  alias GossipCluster.Peer

  @loopbacks [{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}]
  # More are no help: each is given 250 ms before the next, and net_kernel gives up after 7 s.
  @most 8

  @doc "The addresses of a peer, best first, for a node that has these itself."
  @spec order(Peer.t(), [:inet.ip_address()]) :: [:inet.ip_address()]
  def order(peer, own) do
    heard = for {ip, _port, _index} <- peer.addresses, do: ip
    here = Enum.any?(heard, &(&1 in own or loopback?(&1)))
    bound = List.wrap(peer.listens)
    loopbacks = if here and Enum.all?(bound, &loopback?/1), do: @loopbacks, else: []

    (named(peer.name) ++ loopbacks ++ bound ++ heard ++ peer.own_addresses)
    |> Enum.filter(&(here or not loopback?(&1)))
    |> Enum.uniq()
    |> Enum.take(@most)
  end

  defp named(name) do
    with [_name, host] <- String.split(name, "@"),
         {:ok, ip} <- :inet.parse_strict_address(to_charlist(host)) do
      [ip]
    else
      _no_address -> []
    end
  end

  @doc "Whether an address is of the loopback."
  @spec loopback?(:inet.ip_address()) :: boolean()
  def loopback?({127, _, _, _}), do: true
  def loopback?(ip), do: ip in @loopbacks
end
