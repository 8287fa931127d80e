defmodule GossipCluster.PeerTest do
  use ExUnit.Case, async: true
  doctest GossipCluster.Peer

  alias GossipCluster.Peer

  test "only what the distribution would take is a valid name" do
    for name <- ["a@b", "shop@10.0.0.7", "shop@host.example", "größe@host", "a@::1"],
        do: assert(Peer.valid_name?(name))

    for name <- [
          "",
          "a",
          "@",
          "a@",
          "@b",
          "a@b@c",
          "a b@c",
          "a@b\n",
          "a@b\0",
          "a'@b",
          "a\"@b",
          "a\\@b",
          <<255, "@b">>,
          String.duplicate("x", 255) <> "@b"
        ],
        do: refute(Peer.valid_name?(name), inspect(name))
  end

  test "a label is quoted, whatever the bytes, and needs no atom" do
    assert Peer.label("a@b") == ~s(:"a@b")
    assert Peer.label(:a@b) == ~s(:"a@b")
    assert Peer.label("a\n\e[31m@b") == ~S(:"a\n\e[31m@b")
    assert Peer.label(<<255>>) == ":<<255>>"
  end
end
