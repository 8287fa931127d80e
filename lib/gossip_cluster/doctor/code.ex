defmodule GossipCluster.Doctor.Code do
  @moduledoc false
  # What a node and its cluster are, as a text of some hundred characters to paste into another machine, whose doctor
  # compares. It has a check sum, and nothing secret: the key's tag in it stands in the clear in each datagram. Pure.

  alias GossipCluster.Doctor.Ruleset

  @version 1
  @prefix "GC1."
  @most_addresses 6

  @typedoc "What it says. `tag` is the key's, or nil where no cluster runs; so is `name` while the node has none."
  @type t :: %{
          name: String.t() | nil,
          group: :inet.ip4_address(),
          port: :inet.port_number(),
          ttl: 0..255,
          unicast: {:inet.port_number(), :inet.port_number()},
          wire: 0..255,
          tag: 0..0xFFFFFFFF | nil,
          long_names: boolean(),
          tls: boolean(),
          ipv6_distribution: boolean(),
          ipv6: boolean(),
          broadcast: boolean(),
          gossip_epmd: boolean(),
          seeds: boolean(),
          nets: [{:inet.ip_address(), prefix :: 0..128}]
        }

  @flags [:long_names, :tls, :ipv6_distribution, :ipv6, :broadcast, :gossip_epmd, :seeds]

  @doc "The code."
  @spec encode(t()) :: String.t()
  def encode(facts) do
    flags = for flag <- @flags, into: <<>>, do: <<if(facts[flag], do: 1, else: 0)::1>>
    {a, b, c, d} = facts.group
    {first, last} = facts.unicast
    name = facts.name || ""
    nets = facts.nets |> Enum.take(@most_addresses) |> Enum.map(&net/1)

    body =
      IO.iodata_to_binary([
        <<@version, flags::bits, if(facts.tag, do: 1, else: 0)::1, a, b, c, d>>,
        <<facts.port::16, facts.ttl, first::16, last::16, facts.wire, facts.tag || 0::32>>,
        <<byte_size(name)>>,
        name,
        nets
      ])

    @prefix <> Base.url_encode64(<<body::binary, :erlang.crc32(body)::32>>, padding: false)
  end

  defp net({ip, prefix}) when tuple_size(ip) == 4,
    do: [4, prefix, Tuple.to_list(ip)]

  defp net({ip, prefix}),
    do: [6, prefix, for(part <- Tuple.to_list(ip), do: <<part::16>>)]

  @doc "What a code says, or why it says nothing. Spaces and line breaks, as pasting makes them, do not matter."
  @spec decode(String.t()) :: {:ok, t()} | {:error, String.t()}
  def decode(text) do
    with {:ok, @prefix <> code} <- {:ok, String.replace(text, ~r/\s+/, "")},
         {:ok, bytes} <- Base.url_decode64(code, padding: false),
         size = byte_size(bytes) - 4,
         {body, <<crc::32>>} when size > 0 <-
           {binary_part(bytes, 0, size), binary_part(bytes, size, 4)},
         true <- :erlang.crc32(body) == crc do
      fields(body)
    else
      {:ok, "GC" <> _other} -> {:error, "it is of another version of the doctor"}
      {:ok, _other} -> {:error, "it does not begin with #{@prefix}"}
      _damaged -> {:error, "it is not whole: copy it from its first to its last character"}
    end
  rescue
    # Of what is shorter than a check sum.
    ArgumentError -> {:error, "it is not whole: copy it from its first to its last character"}
  end

  defp fields(
         <<@version, flags::bits-7, tagged::1, a, b, c, d, port::16, ttl, first::16, last::16,
           wire, tag::32, size, name::binary-size(size), nets::binary>>
       ) do
    values = for <<bit::1 <- flags>>, do: bit == 1

    with true <- String.printable?(name),
         {:ok, nets} <- nets(nets, []) do
      {:ok,
       Map.merge(Map.new(Enum.zip(@flags, values)), %{
         name: if(name != "", do: name),
         group: {a, b, c, d},
         port: port,
         ttl: ttl,
         unicast: {first, last},
         wire: wire,
         tag: if(tagged == 1, do: tag),
         nets: nets
       })}
    else
      _wrong -> {:error, "it says nothing that this doctor understands"}
    end
  end

  defp fields(_other), do: {:error, "it is of another version of the doctor"}

  defp nets(<<4, prefix, a, b, c, d, rest::binary>>, nets) when prefix <= 32,
    do: nets(rest, [{{a, b, c, d}, prefix} | nets])

  defp nets(<<6, prefix, ip::16-bytes, rest::binary>>, nets) when prefix <= 128,
    do: nets(rest, [{List.to_tuple(for(<<part::16 <- ip>>, do: part)), prefix} | nets])

  defp nets("", nets), do: {:ok, Enum.reverse(nets)}
  defp nets(_other, _nets), do: :error

  @doc "What differs so that the two do not meet: `{what, text, do}` each. Here first, there second."
  @spec compare(t(), t()) :: [{atom(), String.t(), String.t()}]
  def compare(here, there) do
    Enum.concat([
      differ(
        here,
        there,
        :wire,
        :wire_version,
        "the wire's version is",
        &"#{&1}",
        "run releases of one version"
      ),
      differ(
        here,
        there,
        :group,
        :group_differs,
        "the group is",
        &ip/1,
        "give all nodes the same option group"
      ),
      differ(
        here,
        there,
        :port,
        :port_differs,
        "the group's port is",
        &"#{&1}",
        "give all nodes the same option port"
      ),
      tags(here, there),
      distribution(here, there),
      same_name(here, there),
      nets_apart(here, there)
    ])
  end

  # What a VM is whose distribution does not run says nothing of the node that is to run.
  defp distribution(%{name: here}, %{name: there}) when nil in [here, there], do: []

  defp distribution(here, there) do
    proto = "start all nodes with the same -proto_dist"
    type = &if(&1, do: "long", else: "short")
    over = &if(&1, do: "TLS", else: "plain TCP")
    version = &if(&1, do: "IPv6", else: "IPv4")
    names = "start all nodes with --sname, or all with --name"

    differ(here, there, :long_names, :name_type, "the node's name is", type, names) ++
      differ(here, there, :tls, :tls, "the distribution runs over", over, proto) ++
      differ(here, there, :ipv6_distribution, :family, "the distribution speaks", version, proto)
  end

  # Nobody can tell of one that does not run.
  defp tags(%{tag: nil}, _there), do: []
  defp tags(_here, %{tag: nil}), do: []

  defp tags(here, there) do
    differ(
      here,
      there,
      :tag,
      :key_differs,
      "the key's tag is",
      &hex/1,
      "give all nodes the same secret (or Erlang cookie) and the same label (option cluster)"
    )
  end

  @doc "A key's tag as it is shown."
  @spec hex(non_neg_integer()) :: String.t()
  def hex(tag), do: Base.encode16(<<tag::32>>, case: :lower)

  defp differ(here, there, key, what, text, show, mend) do
    if here[key] == there[key],
      do: [],
      else: [{what, "#{text} #{show.(here[key])} here and #{show.(there[key])} there", mend}]
  end

  defp same_name(%{name: name}, %{name: name}) when name != nil,
    do: [
      {:conflict, "both nodes are called #{name}",
       "give each a name of its own (--sname, RELEASE_NAME)"}
    ]

  defp same_name(_here, _there), do: []

  # Multicast with a TTL of 1 stays on the link, and broadcast does; seeds do not need either.
  defp nets_apart(%{seeds: true}, _there), do: []
  defp nets_apart(_here, %{seeds: true}), do: []

  defp nets_apart(here, there) do
    if here.nets == [] or there.nets == [] or link?(here.nets, there.nets) or
         (here.ttl > 1 and there.ttl > 1),
       do: [],
       else: [
         {:other_subnet,
          "no subnet of this host (#{nets(here.nets)}) is one of that host's (#{nets(there.nets)}), and a TTL of " <>
            "#{Enum.min([here.ttl, there.ttl])} keeps multicast on its own link",
          "connect both to one network, or name one of the two in the option seeds of the other"}
       ]
  end

  defp link?(here, there) do
    Enum.any?(here, fn {ip, prefix} ->
      Enum.any?(there, fn {other, _} -> Ruleset.within?(other, ip, prefix) end)
    end)
  end

  defp nets(nets), do: Enum.map_join(nets, ", ", fn {ip, prefix} -> "#{ip(ip)}/#{prefix}" end)
  defp ip(ip), do: ip |> :inet.ntoa() |> to_string()
end
