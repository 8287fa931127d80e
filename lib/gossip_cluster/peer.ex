defmodule GossipCluster.Peer do
  @moduledoc """
  A peer: another node of the cluster, as this node knows it.

  Its `name` is a binary. **Atoms are not made from the network**: the library turns a peer's name into an atom only to
  dial it, only after the peer has proven itself to the sidecar (it answered a fresh nonce under the cluster's key), at
  most as often as connects are allowed a second, and no more than twice `max_peers` at once and as many again an hour,
  while a fifth of the VM's table of atoms is free. (With the option `compat` also names that prove nothing: 256 at once
  and as many again an hour, 2,048 in all.) Use `node/1` to get the atom of a peer that has one.
  """

  alias GossipCluster.{Tags, Text}

  @typedoc """
    * `name` - the node's name, such as `"shop@10.0.0.7"`
    * `creation` - with the name it identifies one life of that BEAM
    * `boot` - the id of its sidecar's present run, 16 hexadecimal digits
    * `incarnation` - how often it had to contradict a false suspicion
    * `port` - its distribution port, 0 where unknown
    * `addresses` - `{ip, UDP port, interface index}`, the one that its sidecar is spoken to at first
    * `own_addresses` - what it says of its own IP addresses, whether it is heard there or not
    * `listens` - the one of these that its distribution listens on; `nil`: on all, or it does not say
    * `paths` - the IP addresses at which its distribution is dialled, best first
    * `connected_via` - `{ip, port}`: the other end of the Erlang connection; `nil`: there is none, or it is not known
    * `status` - `:alive`, `:suspect` (does not answer), `:stalled` (its sidecar beats but its BEAM hangs); or `:legacy`:
      it is known by libcluster's wire alone (option `compat`), has proven nothing, and nothing but its name is known
    * `tags` - what its operator says of it, a map of texts to texts: `%{"role" => "web"}`; see the option `tags`
    * `cookie` - whether its Erlang cookie is this node's: `:same`, `:differs`, `:unknown`
    * `heard` - whether it was heard itself; `false`: only others have told of it, yet
    * `round_trip` - how long it takes to it and back between the sidecars, in microseconds, smoothed; `nil`: not
      measured. Nothing is sent to measure it: where multicast works it is that of the meeting, or of the last time that
      one of the two was in doubt; without multicast, of the three whom each node watches, it is measured all the time
    * `loss` - the share, from 0.0 to 1.0, of its last 64 heartbeats that did not come; without multicast of the probes
      that were not answered. `nil`: of fewer than 8
    * `long_names`, `tls`, `ipv6`, `hidden` - how its distribution runs
    * `connection` - `:connected`, `:connecting`, `:waiting` (for the next try, or for the other side's), or
      `{:skipped, reason}`, where dialling cannot help; the guide on troubleshooting lists the reasons
    * `problem` - `nil`, or what keeps it from being connected, `{cause, text}`; the text says what to do
  """
  @type t :: %__MODULE__{
          name: String.t(),
          creation: non_neg_integer(),
          boot: String.t(),
          incarnation: non_neg_integer(),
          port: :inet.port_number(),
          addresses: [{:inet.ip_address(), :inet.port_number(), non_neg_integer()}],
          own_addresses: [:inet.ip_address()],
          listens: :inet.ip_address() | nil,
          paths: [:inet.ip_address()],
          connected_via: {:inet.ip_address(), :inet.port_number()} | nil,
          status: :alive | :suspect | :stalled | :legacy,
          tags: %{String.t() => String.t()},
          cookie: :same | :differs | :unknown,
          heard: boolean(),
          round_trip: pos_integer() | nil,
          loss: float() | nil,
          long_names: boolean(),
          tls: boolean(),
          ipv6: boolean(),
          hidden: boolean(),
          connection: :connected | :connecting | :waiting | {:skipped, atom()},
          problem: nil | {atom(), String.t()}
        }

  @enforce_keys [:name, :creation]
  defstruct [
    :name,
    :creation,
    boot: "",
    incarnation: 0,
    port: 0,
    addresses: [],
    own_addresses: [],
    listens: nil,
    paths: [],
    connected_via: nil,
    status: :alive,
    tags: %{},
    cookie: :unknown,
    heard: true,
    round_trip: nil,
    loss: nil,
    long_names: false,
    tls: false,
    ipv6: false,
    hidden: false,
    connection: :waiting,
    problem: nil
  ]

  @doc """
  The peer's node name as an atom, or `nil` if no such atom exists (so it was never connected).

  ## Example

      iex> GossipCluster.Peer.node(%GossipCluster.Peer{name: "nonode@nohost", creation: 0})
      :nonode@nohost
  """
  @spec node(t()) :: node() | nil
  def node(%__MODULE__{name: name}) do
    String.to_existing_atom(name)
  rescue
    ArgumentError -> nil
  end

  @doc """
  A node name as log lines show it, always in quotes, whatever bytes it has.

  ## Example

      iex> GossipCluster.Peer.label("shop@10.0.0.7")
      ~s(:"shop@10.0.0.7")
  """
  @spec label(String.t() | node() | t()) :: String.t()
  def label(%__MODULE__{name: name}), do: label(name)
  def label(node) when is_atom(node), do: label(Atom.to_string(node))

  def label(name) when is_binary(name) do
    if byte_size(name) <= 255 and plain?(name),
      do: <<?:, ?", name::binary, ?">>,
      else: ":" <> inspect(name, binaries: :infer, printable_limit: 255)
  end

  # As nearly all are. Where code is loaded when it is called, inspect would come between the first peer and its dial.
  defp plain?(<<c, rest::binary>>) when c in 0x21..0x7E and c not in [?", ?#, ?\\],
    do: plain?(rest)

  defp plain?(rest), do: rest == ""

  @doc """
  Whether a name can be a node's: `name@host`, both of printable characters without spaces, at most 255 in all.

  ## Example

      iex> GossipCluster.Peer.valid_name?("shop@10.0.0.7")
      true
      iex> GossipCluster.Peer.valid_name?("shop")
      false
  """
  @spec valid_name?(binary()) :: boolean()
  def valid_name?(name) do
    Text.seen?(name) and not Text.spaced?(name) and not long?(name) and
      not String.contains?(name, ["'", "\"", "\\"]) and
      match?([<<_, _::binary>>, <<_, _::binary>>], String.split(name, "@")) and
      name != "nonode@nohost"
  end

  # An atom has 255 characters at most.
  defp long?(name), do: byte_size(name) > 255 and length(String.to_charlist(name)) > 255

  @doc """
  Whether the peer has all of these tags. Keys may be atoms or texts; those of `peer.tags` are always texts.

  The peer may also come last, as the option `accept` has it: `{GossipCluster.Peer, :tagged?, [[role: "db"]]}`. What
  cannot be tags raises `ArgumentError`.

  ## Example

      iex> peer = %GossipCluster.Peer{name: "db1@10.0.0.7", creation: 1, tags: %{"role" => "db", "zone" => "a"}}
      iex> GossipCluster.Peer.tagged?(peer, role: "db")
      true
      iex> GossipCluster.Peer.tagged?(peer, %{"role" => "db", "zone" => "b"})
      false
  """
  @spec tagged?(t(), Tags.given()) :: boolean()
  @spec tagged?(Tags.given(), t()) :: boolean()
  def tagged?(wanted, %__MODULE__{} = peer), do: tagged?(peer, wanted)

  def tagged?(%__MODULE__{tags: tags}, wanted) do
    case Tags.new(wanted) do
      {:ok, wanted} ->
        Tags.match?(tags, wanted)

      {:error, allowed} ->
        raise ArgumentError,
              "GossipCluster.Peer.tagged?: the tags are #{inspect(wanted, limit: 10)}, but must be #{allowed}"
    end
  end

  @doc """
  The peer's first IP address, or `nil`.

  ## Example

      iex> peer = %GossipCluster.Peer{name: "b@h2", creation: 1, addresses: [{{198, 51, 100, 2}, 45_894, 2}]}
      iex> GossipCluster.Peer.ip(peer)
      {198, 51, 100, 2}
  """
  @spec ip(t()) :: :inet.ip_address() | nil
  def ip(%__MODULE__{addresses: [{ip, _port, _ifindex} | _]}), do: ip
  def ip(%__MODULE__{addresses: []}), do: nil

  @doc false
  @spec address(t()) :: String.t()
  def address(peer) do
    case ip(peer) do
      nil -> "an unknown address"
      ip -> List.to_string(:inet.ntoa(ip))
    end
  end

  # One line, however many there are: the whole is seen with `inspect(peer, structs: false)`.
  defimpl Inspect do
    import Inspect.Algebra

    alias GossipCluster.{Peer, Tags}

    def inspect(peer, options) do
      concat([
        "#GossipCluster.Peer<",
        to_doc(peer.name, options),
        where(Peer.ip(peer)),
        if(peer.port == 0, do: "", else: ", port #{peer.port}"),
        ", #{peer.status}, ",
        tags(peer.tags),
        connection(peer),
        ">"
      ])
    end

    defp where(nil), do: ""
    defp where(ip), do: " at #{:inet.ntoa(ip)}"

    defp tags(tags) when tags == %{}, do: ""
    defp tags(tags), do: Tags.show(tags) <> ", "

    defp connection(%{connection: {:skipped, reason}}), do: "skipped: #{reason}"
    defp connection(%{connection: connection, problem: nil}), do: "#{connection}"

    defp connection(%{connection: connection, problem: {cause, _text}}),
      do: "#{connection}: #{cause}"
  end
end
