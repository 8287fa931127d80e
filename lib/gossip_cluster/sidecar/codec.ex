defmodule GossipCluster.Sidecar.Codec do
  @moduledoc false
  # The port protocol, both ways, and nothing else: see "The port" in PROTOCOL.md. Pure.
  #
  # Up (from the sidecar): external terms, decoded with [:safe] and then checked for shape, field by field. Only what a
  # peer says of itself (its name) may be any binary, because no peer may be able to make a frame "bad".
  # Down (to the sidecar): only what this module lists can be encoded. No clause may fail with the term in the stack
  # trace, for there may be a secret in it.

  alias GossipCluster.{Hidden, Peer, Tags}

  # Of which each peer is made: so all share one tuple with the names of the fields, a constant of this module.
  # `%Peer{name: name, ...}` makes such a tuple for each, 21 words of 64 that every collection of memory copies.
  @peer %Peer{name: "", creation: 0}

  @protocol 1
  @max_up 1_048_576
  # Of one answer: MEASURES_MAX of io/term.h.
  @measures_max 512
  @max_down 1_048_576

  @statuses [:alive, :suspect, :stalled]
  @cookies [:unknown, :same, :differs]
  @reasons [:left, :beam_exit, :silent]
  @levels [:debug, :info, :warning, :error]
  @kinds [:bad_config, :bad_frame, :bad_command, :port_taken, :network, :memory, :sandbox]
  @health [:ok, :isolated]
  @reach [:none, :loopback, :virtual, :lan]
  # The sidecar's counters: with [:safe] their names must be known here. The list is io/term_encode.c's.
  @stats [
           :received,
           :bytes_received,
           :sent,
           :bytes_sent,
           :foreign,
           :forged,
           :malformed,
           :copies,
           :replayed,
           :stale,
           :misdirected,
           :relayed
         ] ++
           [:own, :unproven, :refused_full, :refused_rate, :answers_limited] ++
           [:refused_memory, :timers_refused] ++
           [
             :opened_1,
             :opened_2,
             :opened_3,
             :opened_4,
             :listed,
             :pending,
             :interval_ms,
             :key_tag,
             :isolated
           ] ++
           [:send_errors, :receive_errors, :oversized, :receive_buffer, :overflowed, :filtered] ++
           [:frames_dropped, :heartbeats_dropped, :logs_dropped] ++
           [:legacy_heard, :legacy_sent, :legacy_refused]

  @type down_reason :: :left | :beam_exit | :silent
  @type interface :: {String.t(), non_neg_integer(), String.t()}
  @typedoc """
  Where the interfaces in use lead to, and which named ones are missing; those on which what others send to the group
  does not arrive, with how many of these answer by unicast there (0: not even what this node sends itself arrives), and
  those on which what this node sends does not arrive at so many.
  """
  @type network :: %{
          reach: :none | :loopback | :virtual | :lan,
          missing: [String.t()],
          deaf: [{String.t(), non_neg_integer()}],
          mute: [{String.t(), non_neg_integer()}]
        }
  @typedoc "Boot id, round trip in microseconds, loss in thousandths, how many milliseconds ago it was heard."
  @type measure ::
          {String.t(), non_neg_integer() | :unknown, 0..1000 | :unknown,
           non_neg_integer() | :unknown}

  @type event ::
          {:ready,
           %{
             version: String.t(),
             boot: String.t(),
             pid: non_neg_integer(),
             unicast_port: :inet.port_number(),
             interfaces: [interface()],
             network: network()
           }}
          | {:snapshot, :first | :more, [Peer.t()]}
          | :snapshot_end
          | {:up, Peer.t()}
          | {:update, Peer.t()}
          | {:heard, Peer.t()}
          | {:down, Peer.t(), down_reason()}
          | {:conflict, Peer.t(), Peer.t()}
          | {:settled, Peer.t()}
          | {:disconnected, Peer.t(), milliseconds_ago :: 0..65_535}
          | {:health, :ok | :isolated}
          | {:interfaces, [interface()], network()}
          | :reaches_more
          | {:heartbeat, binary()}
          | {:legacy, String.t()}
          | {:log, :debug | :info | :warning | :error, String.t()}
          | {:stats, non_neg_integer(), %{atom() => term()}}
          | {:measures, from :: non_neg_integer(), [measure()]}
          | :pulse
          | :keys_changed
          | {:derived, Hidden.t()}
          | :left
          | {:error, atom(), String.t()}

  @type command ::
          {:configure, map()}
          | {:compat, map()}
          | {:alive, map()}
          | :hide
          | {:leave, :left | :beam_exit}
          | :pulse
          | {:keys, [{atom(), binary()}]}
          | {:siblings, [:inet.port_number()]}
          | {:seeds, [{:inet.ip_address(), first :: 1..65_535, last :: 1..65_535}]}
          | {:disconnected, boot :: String.t()}
          | :snapshot
          | {:stats, non_neg_integer()}
          | {:measures, 0..65_535}

  @doc "How many peers one answer to `measures` tells of, at most."
  @spec measures_max() :: 512
  def measures_max, do: @measures_max

  @doc "The names of the sidecar's counters."
  @spec stats() :: [atom(), ...]
  def stats, do: @stats

  @doc "The version of the port protocol."
  @spec protocol() :: 1
  def protocol, do: @protocol

  @doc "Encodes a command. Raises `ArgumentError`, which shows nothing of it, if it is none."
  @spec encode!(command()) :: binary()
  def encode!(command) do
    if command?(command) do
      data = command |> down() |> :erlang.term_to_binary()

      if byte_size(data) > @max_down,
        do: raise(ArgumentError, "a command for the sidecar is too long")

      data
    else
      raise ArgumentError, "this is no command for the sidecar"
    end
  end

  # The host's addresses, and the tags, go as the bytes that go on the wire.
  defp down({:alive, %{host: {bound, ips}, tags: tags} = map}) do
    host = IO.iodata_to_binary([if(bound, do: 1, else: 0) | Enum.map(ips, &ip/1)])
    {:alive, %{map | host: host, tags: Tags.encode(tags)}}
  end

  defp down({:seeds, seeds}),
    do: {:seeds, for({address, first, last} <- seeds, do: {bytes(address), first, last})}

  defp down({:disconnected, boot}), do: {:disconnected, Base.decode16!(boot, case: :lower)}
  defp down(command), do: command

  defp ip(ip) when tuple_size(ip) == 4, do: [4, bytes(ip)]
  defp ip(ip), do: [6, bytes(ip)]

  defp bytes({a, b, c, d}), do: <<a, b, c, d>>
  defp bytes(ip), do: for(part <- Tuple.to_list(ip), do: <<part::16>>, into: <<>>)

  defp command?(
         {:configure,
          %{version: @protocol, cluster: c, keys: k, group: g, port: p, interfaces: i} = map}
       ) do
    map_size(map) == 14 and is_binary(c) and keys?(k) and is_binary(g) and p in 1..65_535 and
      interfaces?(i) and unicast_port?(map) and
      match?(
        %{
          ttl: t,
          interval: n,
          max_peers: m,
          heartbeats: h,
          advertise: a,
          broadcast: b,
          group6: g6
        }
        when t in 0..255 and n in 100..60_000 and m in 1..65_535 and is_boolean(h) and
               is_binary(a) and is_boolean(b) and is_binary(g6),
        map
      )
  end

  defp command?({:compat, %{group: group, port: port, ttl: ttl, secret: secret} = map}),
    do:
      map_size(map) == 4 and is_binary(group) and port in 1..65_535 and ttl in 0..255 and
        (is_binary(secret) or secret == :none)

  defp command?({:alive, %{name: name, creation: creation, port: port, cookie: cookie} = map}) do
    map_size(map) == 10 and is_binary(name) and creation in 0..0xFFFFFFFF and port in 0..65_535 and
      is_binary(cookie) and host?(map) and Tags.valid?(map[:tags]) and
      match?(
        %{long_names: l, tls: t, ipv6: v, hidden: h}
        when is_boolean(l) and is_boolean(t) and is_boolean(v) and is_boolean(h),
        map
      )
  end

  defp command?({:leave, reason}), do: reason in [:left, :beam_exit]
  defp command?({:keys, keys}), do: keys?(keys)

  defp command?({:siblings, ports}) when is_list(ports) and length(ports) <= 64,
    do: Enum.all?(ports, &(&1 in 1024..65_535))

  defp command?({:seeds, seeds}) when is_list(seeds) and length(seeds) <= 32,
    do: Enum.all?(seeds, &seed?/1)

  defp command?({:disconnected, boot}) when is_binary(boot) and byte_size(boot) == 16,
    do: match?({:ok, _bytes}, Base.decode16(boot, case: :lower))

  defp command?({:stats, ref}), do: is_integer(ref) and ref in 0..0x7FFFFFFF
  defp command?({:measures, from}), do: from in 0..0xFFFF
  defp command?(atom), do: atom in [:hide, :pulse, :snapshot]

  # The bounds are the sidecar's, which refuses whatever is no endpoint.
  defp seed?({address, first, last}),
    do: ip?(address) and first in 1..65_535 and last in first..min(first + 7, 65_535)

  defp seed?(_other), do: false

  defp host?(%{host: {bound, ips}}),
    do: is_boolean(bound) and is_list(ips) and proper?(ips) and Enum.all?(ips, &ip?/1)

  defp host?(_map), do: false

  defp keys?(keys) when is_list(keys) and length(keys) in 1..4 do
    Enum.all?(keys, fn
      {kind, key} when kind in [:key, :derived] -> is_binary(key) and byte_size(key) == 32
      {kind, secret} -> kind in [:cookie, :passphrase] and is_binary(secret) and secret != ""
      _other -> false
    end)
  end

  defp keys?(_other), do: false

  defp unicast_port?(%{unicast_port: {0, 0}}), do: true

  defp unicast_port?(%{unicast_port: {first, last}}),
    do: first in 1..65_535 and last in 1..65_535 and first <= last

  defp unicast_port?(_map), do: false

  defp interfaces?(:all), do: true

  defp interfaces?({kind, list}),
    do: kind in [:only, :except] and is_list(list) and Enum.all?(list, &is_binary/1)

  defp interfaces?(_other), do: false

  @doc "Decodes a frame of the sidecar. What is not exactly one event of the protocol is `:error`."
  @spec decode(binary()) :: {:ok, event()} | :error
  # Tag 80 is a compressed term: small on the wire, large in memory. The sidecar makes none.
  def decode(<<131, tag, _rest::binary>> = data) when tag != 80 and byte_size(data) <= @max_up do
    case :erlang.binary_to_term(data, [:safe, :used]) do
      {term, used} when used == byte_size(data) -> event(term)
      _trailing -> :error
    end
  rescue
    ArgumentError -> :error
  end

  def decode(_data), do: :error

  defp event(
         {:ready,
          %{
            version: version,
            boot: <<boot::binary-8>>,
            pid: pid,
            unicast_port: port,
            interfaces: interfaces,
            network: network
          } = map}
       )
       when map_size(map) == 6 and is_binary(version) and is_integer(pid) and pid >= 0 and
              port in 0..65_535 do
    if interface_list?(interfaces) and network?(network),
      do: {:ok, {:ready, %{map | boot: hex(boot)}}},
      else: :error
  end

  defp event({:snapshot, page, peers}) when page in [:first, :more] do
    with {:ok, peers} <- peers(peers, []), do: {:ok, {:snapshot, page, peers}}
  end

  defp event({tag, peer}) when tag in [:up, :update, :heard, :settled] do
    with {:ok, peer} <- peer(peer), do: {:ok, {tag, peer}}
  end

  defp event({:down, peer, reason}) when reason in @reasons do
    with {:ok, peer} <- peer(peer), do: {:ok, {:down, peer, reason}}
  end

  defp event({:conflict, peer, other}) do
    with {:ok, peer} <- peer(peer),
         {:ok, other} <- peer(other),
         do: {:ok, {:conflict, peer, other}}
  end

  defp event({:disconnected, peer, ago}) when ago in 0..65_535 do
    with {:ok, peer} <- peer(peer), do: {:ok, {:disconnected, peer, ago}}
  end

  defp event({:health, health} = event) when health in @health, do: {:ok, event}

  defp event({:interfaces, interfaces, network} = event),
    do: if(interface_list?(interfaces) and network?(network), do: {:ok, event}, else: :error)

  defp event({:heartbeat, name} = event) when is_binary(name), do: {:ok, event}

  # A name that its sidecar has checked, of somebody who has proven nothing.
  defp event({:legacy, name} = event) when is_binary(name) and byte_size(name) in 3..255,
    do: if(String.valid?(name), do: {:ok, event}, else: :error)

  defp event({:log, level, text} = event) when level in @levels and is_binary(text),
    do: {:ok, event}

  defp event({:error, kind, text} = event) when kind in @kinds and is_binary(text),
    do: {:ok, event}

  defp event(event) when event in [:pulse, :snapshot_end, :keys_changed, :left, :reaches_more],
    do: {:ok, event}

  # Hidden from here on, as all secrets are.
  defp event({:derived, keys}) when is_list(keys) and length(keys) in 1..4 do
    if Enum.all?(keys, &(is_binary(&1) and byte_size(&1) == 32)),
      do: {:ok, {:derived, Hidden.wrap(for key <- keys, do: {:derived, key})}},
      else: :error
  end

  defp event({:stats, ref, stats} = event) when is_integer(ref) and is_map(stats) do
    if Enum.all?(stats, &stat?/1), do: {:ok, event}, else: :error
  end

  defp event({:measures, from, list}) when from in 0..0xFFFF and is_list(list) do
    with {:ok, list} <- measures(list, []), do: {:ok, {:measures, from, list}}
  end

  defp event(_term), do: :error

  defp measures([], done), do: {:ok, Enum.reverse(done)}

  defp measures([{<<boot::binary-8>>, round_trip, loss, heard} | rest], done)
       when ((is_integer(round_trip) and round_trip >= 0) or round_trip == :unknown) and
              (loss in 0..1000 or loss == :unknown) and
              ((is_integer(heard) and heard >= 0) or heard == :unknown),
       do: measures(rest, [{hex(boot), round_trip, loss, heard} | done])

  defp measures(_other, _done), do: :error

  defp stat?({:interfaces, interfaces}), do: interface_list?(interfaces)
  defp stat?({key, value}), do: key in @stats and is_integer(value) and value >= 0

  defp peers([], done), do: {:ok, Enum.reverse(done)}

  defp peers([first | rest], done) do
    with {:ok, peer} <- peer(first), do: peers(rest, [peer | done])
  end

  defp peers(_other, _done), do: :error

  defp peer(
         %{
           name: name,
           boot: <<boot::binary-8>>,
           creation: creation,
           incarnation: incarnation,
           port: port,
           long_names: long_names,
           tls: tls,
           ipv6: ipv6,
           hidden: hidden,
           status: status,
           cookie: cookie,
           heard: heard,
           host: host,
           tags: tags,
           addresses: addresses
         } = map
       )
       when map_size(map) == 15 and is_binary(name) and byte_size(name) <= 1020 and
              creation in 0..0xFFFFFFFF and
              is_integer(incarnation) and incarnation >= 0 and port in 0..65_535 and
              is_boolean(long_names) and
              is_boolean(tls) and is_boolean(ipv6) and is_boolean(hidden) and status in @statuses and
              cookie in @cookies and is_boolean(heard) and is_list(addresses) do
    with true <- proper?(addresses) and Enum.all?(addresses, &address?/1) and Tags.valid?(tags),
         {listens, own_addresses} <- host(host) do
      {:ok,
       %{
         @peer
         | name: name,
           boot: hex(boot),
           creation: creation,
           incarnation: incarnation,
           port: port,
           long_names: long_names,
           tls: tls,
           ipv6: ipv6,
           hidden: hidden,
           status: status,
           tags: tags,
           cookie: cookie,
           heard: heard,
           addresses: addresses,
           own_addresses: own_addresses,
           listens: listens
       }}
    else
      _wrong -> :error
    end
  end

  defp peer(_other), do: :error

  defp host(:unknown), do: {nil, []}

  defp host({bound, ips}) when is_boolean(bound) and is_list(ips) do
    if proper?(ips) and Enum.all?(ips, &ip?/1),
      do: {if(bound, do: List.first(ips)), ips},
      else: :error
  end

  defp host(_other), do: :error

  defp address?({ip, port, ifindex}),
    do:
      ip?(ip) and is_integer(port) and port in 0..65_535 and is_integer(ifindex) and ifindex >= 0

  defp address?(_other), do: false

  defp ip?(ip) when is_tuple(ip) and tuple_size(ip) == 4, do: parts?(ip, 255)
  defp ip?(ip) when is_tuple(ip) and tuple_size(ip) == 8, do: parts?(ip, 65_535)
  defp ip?(_other), do: false

  defp parts?(ip, max),
    do: ip |> Tuple.to_list() |> Enum.all?(&(is_integer(&1) and &1 >= 0 and &1 <= max))

  defp interface_list?(list) do
    is_list(list) and proper?(list) and
      Enum.all?(list, fn
        {name, index, address} ->
          is_binary(name) and is_integer(index) and index >= 0 and is_binary(address)

        _other ->
          false
      end)
  end

  defp network?(%{reach: reach, missing: missing, deaf: deaf, mute: mute} = map)
       when map_size(map) == 4,
       do:
         reach in @reach and is_list(missing) and proper?(missing) and
           Enum.all?(missing, &is_binary/1) and troubles?(deaf) and troubles?(mute)

  defp network?(_other), do: false

  defp troubles?(list) do
    is_list(list) and proper?(list) and
      Enum.all?(list, fn
        {name, peers} -> is_binary(name) and peers in 0..65_535
        _other -> false
      end)
  end

  defp proper?(list), do: not List.improper?(list)

  # Where code is loaded when it is called, Base would come between the first peer and its dial. And like `into: ""` it
  # builds a text with room for more, outside of the heap: 256 bytes for these 16.
  defp hex(boot) do
    digits = for <<digit::4 <- boot>>, do: :binary.at("0123456789abcdef", digit)
    :erlang.list_to_binary(digits)
  end
end
