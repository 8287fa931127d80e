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
end
