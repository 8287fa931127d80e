defmodule GossipCluster.IpTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Ip

  doctest Ip

  test "the loopback is 127.0.0.0/8 and ::1, and nothing beside" do
    for ip <- [{127, 0, 0, 0}, {127, 255, 255, 255}, {0, 0, 0, 0, 0, 0, 0, 1}],
        do: assert(Ip.loopback?(ip))

    for ip <- [{126, 0, 0, 1}, {128, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 2}],
        do: refute(Ip.loopback?(ip))
  end

  test "link-local is fe80::/10, and nothing of IPv4" do
    for first <- [0xFE80, 0xFEBF], do: assert(Ip.link_local?({first, 0, 0, 0, 0, 0, 0, 1}))

    for first <- [0xFE7F, 0xFEC0, 0xFD00, 0xFF02],
        do: refute(Ip.link_local?({first, 0, 0, 0, 0, 0, 0, 1}))

    refute Ip.link_local?({169, 254, 0, 1})
  end
end
