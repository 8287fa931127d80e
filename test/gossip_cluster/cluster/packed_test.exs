defmodule GossipCluster.Cluster.PackedTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Packed
  alias GossipCluster.Peer

  # Every field is another than it is by default.
  @peer %Peer{
    name: "shop@10.0.0.7",
    creation: 0xFFFFFFFF,
    boot: "0123456789abcdef",
    incarnation: 7,
    port: 4370,
    addresses: [{{10, 0, 0, 7}, 45_892, 2}, {{0xFE80, 0, 0, 0, 0, 0, 0, 7}, 45_892, 3}],
    own_addresses: [{10, 0, 0, 7}],
    listens: {10, 0, 0, 7},
    paths: [{10, 0, 0, 7}],
    connected_via: {{10, 0, 0, 7}, 4370},
    status: :suspect,
    tags: %{"role" => "web"},
    cookie: :differs,
    heard: false,
    round_trip: 1500,
    loss: 0.25,
    long_names: true,
    tls: true,
    ipv6: true,
    hidden: true,
    connection: :connected,
    problem: {:nxdomain, "why"}
  }
  @of_connections [:paths, :connected_via, :connection, :problem]
  # Asked for by readers: GossipCluster.Measures.
  @measured [:round_trip, :loss]

  test "all that the sidecar says of a peer is kept, and nothing else" do
    default = %Peer{name: "", creation: 0}
    for {field, value} <- Map.from_struct(@peer), do: assert(value != Map.get(default, field))

    assert Packed.unpack(@peer.name, Packed.pack(@peer)) ==
             Map.merge(@peer, Map.take(default, @of_connections ++ @measured))

    assert Packed.unpack("b@x", Packed.pack(%{default | name: "b@x"})) == %{default | name: "b@x"}
  end

  # A release upgrade while a cluster runs: whoever changes what is packed keeps this one, and adds his own.
  test "what a version before has packed is read" do
    fields =
      {1, "0123456789abcdef", 7, 4370, [{{10, 0, 0, 7}, 45_892, 2}], [{10, 0, 0, 7}], nil, :alive,
       %{"role" => "web"}, :same, true, false, false, false, true}

    assert Packed.unpack("a@x", :erlang.term_to_binary(fields)) == %Peer{
             name: "a@x",
             creation: 1,
             boot: "0123456789abcdef",
             incarnation: 7,
             port: 4370,
             addresses: [{{10, 0, 0, 7}, 45_892, 2}],
             own_addresses: [{10, 0, 0, 7}],
             tags: %{"role" => "web"},
             cookie: :same,
             hidden: true
           }
  end

  test "it lies outside of the heap, and those that are unpacked share the names of their fields" do
    packed = Packed.pack(%Peer{name: "a@x", creation: 1, boot: "0123456789abcdef"})
    # What a reference to any binary takes that lies outside: 6 words, and since OTP 27 8.
    assert :erts_debug.flat_size(packed) == :erts_debug.flat_size(:binary.copy(<<0::800>>))

    [one, other] = for name <- ["a@x", "b@x"], do: Packed.unpack(name, packed)
    assert :erts_debug.size([one, other]) < :erts_debug.size([one]) + :erts_debug.size([other])
  end
end
