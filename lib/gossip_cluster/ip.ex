defmodule GossipCluster.Ip do
  @moduledoc false
  # What kind of address one is. Pure.

  @doc """
  Whether an address is of the loopback.

      iex> Enum.map([{127, 0, 0, 2}, {0, 0, 0, 0, 0, 0, 0, 1}, {10, 0, 0, 1}], &GossipCluster.Ip.loopback?/1)
      [true, true, false]
  """
  @spec loopback?(:inet.ip_address()) :: boolean()
  def loopback?({127, _, _, _}), do: true
  def loopback?(ip), do: ip == {0, 0, 0, 0, 0, 0, 0, 1}

  @doc """
  Whether an address is link-local, of IPv6 (fe80::/10, RFC 4291): who sends there must name an interface.

      iex> GossipCluster.Ip.link_local?({0xFE80, 0, 0, 0, 0, 0, 0, 1})
      true
  """
  @spec link_local?(:inet.ip_address()) :: boolean()
  def link_local?({first, _, _, _, _, _, _, _}), do: Bitwise.band(first, 0xFFC0) == 0xFE80
  def link_local?(_ipv4), do: false

  # IFA_F_DADFAILED and IFA_F_DEPRECATED of linux/if_addr.h.
  @fading 0x28

  @doc """
  Those of a host's IPv6 addresses that are about to go (deprecated, RFC 4862: its prefix is old, or a temporary one has
  been replaced), or that another host has, too: as Linux writes them in /proc/net/if_inet6. Other systems have no such
  file.

      iex> GossipCluster.Ip.fading("20010db8000000000000000000000001 02 40 00 20     eth0\\n")
      [{0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}]
  """
  @spec fading(String.t()) :: [:inet.ip6_address()]
  def fading(if_inet6) do
    for line <- String.split(if_inet6, "\n"),
        [ip, _index, _prefix, _scope, flags | _name] <- [String.split(line, " ", trim: true)],
        <<flags>> <- [hex(flags)],
        Bitwise.band(flags, @fading) != 0,
        <<a::16, b::16, c::16, d::16, e::16, f::16, g::16, h::16>> <- [hex(ip)],
        do: {a, b, c, d, e, f, g, h}
  end

  # Of Erlang: Base or Integer would be loaded on every node's way to its first peer for this alone, as String.Break
  # would where a text is split without a separator (GossipCluster.Preload).
  defp hex(text) do
    :binary.decode_hex(text)
  rescue
    ArgumentError -> ""
  end
end
