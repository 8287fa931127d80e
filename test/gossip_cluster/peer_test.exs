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
          "a\u009b@b",
          "a\u00a0@b",
          "a\u202e@b",
          "a\u2028@b",
          "\ufeffa@b",
          "a\u3000@b",
          "nonode@nohost",
          <<255, "@b">>,
          String.duplicate("x", 255) <> "@b",
          # One letter to the eye, and too long for an atom.
          "a" <> String.duplicate("\u0301", 255) <> "@b"
        ],
        do: refute(Peer.valid_name?(name), inspect(name))
  end

  test "it prints in one line, whatever its name and its state" do
    peer = %Peer{
      name: "a@b",
      creation: 1,
      boot: "0102030405060708",
      port: 4370,
      addresses: [{{192, 0, 2, 1}, 40_000, 1}]
    }

    assert inspect(peer) == ~s(#GossipCluster.Peer<"a@b" at 192.0.2.1, port 4370, alive, waiting>)
    assert inspect([peer], width: 10) =~ inspect(peer)

    assert inspect(%{peer | addresses: [], port: 0}) ==
             ~s(#GossipCluster.Peer<"a@b", alive, waiting>)

    assert inspect(%{peer | tags: %{"zone" => "a", "role" => "db"}}) ==
             ~s(#GossipCluster.Peer<"a@b" at 192.0.2.1, port 4370, alive, role=db zone=a, waiting>)

    troubled = %{
      peer
      | status: :suspect,
        connection: {:skipped, :cookie},
        problem: {:cookie, "its Erlang cookie differs"}
    }

    assert inspect(troubled) ==
             ~s(#GossipCluster.Peer<"a@b" at 192.0.2.1, port 4370, suspect, skipped: cookie>)

    troubled = %{peer | problem: {:port_closed, "its distribution port is closed"}}

    assert inspect(troubled) ==
             ~s(#GossipCluster.Peer<"a@b" at 192.0.2.1, port 4370, alive, waiting: port_closed>)

    refute inspect(%{peer | name: "a\n@b" <> <<255>>}) =~ "\n"
    assert inspect(peer, structs: false) =~ "creation: 1"
  end

  test "a label is quoted, whatever the bytes, and needs no atom" do
    assert Peer.label("a@b") == ~s(:"a@b")
    assert Peer.label(:a@b) == ~s(:"a@b")
    assert Peer.label("a\n\e[31m@b") == ~S(:"a\n\e[31m@b")
    assert Peer.label(<<255>>) == ":<<255>>"
  end

  test "it has tags, or not; either may be named first" do
    peer = %Peer{name: "a@b", creation: 1, tags: %{"role" => "db", "zone" => "a"}}

    for {wanted, has} <- [{[], true}, {[role: "db"], true}, {%{"zone" => "b"}, false}] do
      assert Peer.tagged?(peer, wanted) == has
      assert apply(Peer, :tagged?, [wanted, peer]) == has
    end

    assert_raise ArgumentError, ~r/the tags are \[role: :db\], but must be a map/, fn ->
      Peer.tagged?(peer, role: :db)
    end
  end
end
