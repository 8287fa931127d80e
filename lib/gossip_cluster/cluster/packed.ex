defmodule GossipCluster.Cluster.Packed do
  @moduledoc false
  # A peer as it is kept: in a binary, which lies outside of the owner's heap. Each collection of the owner's memory
  # copies all that its heap holds, in one step, with 4,096 peers the longest there is; of a peer kept so it copies six
  # words, however many addresses that has, and of a `%Peer{}` more than forty. What decides often is kept beside it.
  # Pure.
  #
  # Its name is not in it: the maps where it is kept have that as their key. Nor is how it is connected, or may be: that
  # follows from elsewhere.
  #
  # A new version of this module may be loaded while a cluster runs, and meets what the last has packed: a field that is
  # new goes to the end, and unpack/2 takes what lacks it.

  alias GossipCluster.Peer

  # So all that are unpacked share the names of their fields, see GossipCluster.Sidecar.Codec.
  @peer %Peer{name: "", creation: 0}

  @type t :: binary()

  @doc "A peer, to be kept."
  @spec pack(Peer.t()) :: t()
  def pack(%Peer{} = peer) do
    :erlang.term_to_binary(
      {peer.creation, peer.boot, peer.incarnation, peer.port, peer.addresses, peer.own_addresses,
       peer.listens, peer.status, peer.tags, peer.cookie, peer.heard, peer.long_names, peer.tls,
       peer.ipv6, peer.hidden}
    )
  end

  @doc "The peer of this name that was kept so."
  @spec unpack(String.t(), t()) :: Peer.t()
  def unpack(name, packed) do
    {creation, boot, incarnation, port, addresses, own_addresses, listens, status, tags, cookie,
     heard, long_names, tls, ipv6, hidden} = :erlang.binary_to_term(packed)

    %{
      @peer
      | name: name,
        creation: creation,
        boot: boot,
        incarnation: incarnation,
        port: port,
        addresses: addresses,
        own_addresses: own_addresses,
        listens: listens,
        status: status,
        tags: tags,
        cookie: cookie,
        heard: heard,
        long_names: long_names,
        tls: tls,
        ipv6: ipv6,
        hidden: hidden
    }
  end
end
