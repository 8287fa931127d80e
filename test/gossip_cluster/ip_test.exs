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

  test "fading are those of IPv6 that are deprecated, or another's; nothing else that stands in the file, or is damaged" do
    lines = [
      "00000000000000000000000000000001 01 80 10 80       lo",
      "fe800000000000005054000000000001 02 40 20 80     eth0",
      "fd760000000000000000000000000001 02 40 00 a0     eth0",
      "fd760000000000000000000000000002 02 40 00 c8     eth0",
      "fd760000000000000000000000000003 02 40 00 21     eth0",
      "fd760000000000000000000000000004 02 40 00 41     eth0",
      "fd76 02 40 00 20 eth0",
      "fd760000000000000000000000000005 02 40 00 xx eth0",
      "fd760000000000000000000000000006 02",
      ""
    ]

    assert Ip.fading(Enum.join(lines, "\n")) == for(n <- 1..3, do: {0xFD76, 0, 0, 0, 0, 0, 0, n})
    assert Ip.fading("") == []
  end
end
