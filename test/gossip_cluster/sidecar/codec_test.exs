defmodule GossipCluster.Sidecar.CodecTest do
  use ExUnit.Case, async: true

  alias GossipCluster.{FakeSidecar, Hidden, Peer}
  alias GossipCluster.Sidecar.Codec

  @key String.duplicate("k", 32)
  @network %{reach: :lan, missing: [], deaf: [], mute: []}
  @ready %{
    version: "1",
    boot: <<1::64>>,
    pid: 1,
    unicast_port: 54_321,
    interfaces: [],
    network: @network
  }
  @configuration %{
    version: 1,
    cluster: "blue",
    keys: [key: @key],
    group: "233.252.1.33",
    port: 45_893,
    interfaces: :all,
    ttl: 1,
    interval: 1_000,
    max_peers: 4_096,
    heartbeats: false,
    advertise: "",
    unicast_port: {45_894, 45_901},
    broadcast: false,
    group6: ""
  }
  @alive %{
    name: "a@host",
    creation: 1,
    port: 0,
    long_names: false,
    tls: false,
    ipv6: false,
    hidden: false,
    host: {false, []},
    tags: %{},
    cookie: "cookie"
  }

  defp decode(term), do: Codec.decode(:erlang.term_to_binary(term))

  # A generator of its own: the seed is printed with a failure, and replays it.
  defp seeded(count, function) do
    seed = :rand.uniform(1_000_000_000)

    for n <- 1..count do
      :rand.seed(:exsss, seed + n)

      try do
        function.()
      rescue
        error -> reraise "seed #{seed + n}: #{Exception.message(error)}", __STACKTRACE__
      end
    end
  end

  defp any(list), do: Enum.random(list)
  defp int(low, high), do: any([low, high, Enum.random(low..high)])
  defp bytes(most), do: :rand.bytes(Enum.random(0..most))
  defp bool, do: any([true, false])

  defp ip,
    do:
      any([{4, 255}, {8, 65_535}])
      |> then(fn {n, max} -> List.to_tuple(for(_ <- 1..n, do: int(0, max))) end)

  defp a_peer do
    %{
      name: any(["a@host", "", bytes(300)]),
      boot: :rand.bytes(8),
      creation: int(0, 0xFFFFFFFF),
      incarnation: int(0, 1_000_000),
      port: int(0, 65_535),
      long_names: bool(),
      tls: bool(),
      ipv6: bool(),
      hidden: bool(),
      status: any([:alive, :suspect, :stalled]),
      cookie: any([:unknown, :same, :differs]),
      heard: bool(),
      host: any([:unknown, {bool(), for(_ <- 1..int(1, 6), do: ip())}]),
      tags: any([%{}, %{"role" => "db"}, Map.new(0..31, &{<<?0 + &1>>, ""})]),
      addresses: for(_ <- 1..int(1, 4), do: {ip(), int(0, 65_535), int(0, 100)})
    }
  end

  defp as_peer(map) do
    {host, map} = Map.pop!(map, :host)

    {listens, own} =
      case host do
        :unknown -> {nil, []}
        {true, [first | _] = ips} -> {first, ips}
        {false, ips} -> {nil, ips}
      end

    more = %{boot: Base.encode16(map.boot, case: :lower), listens: listens, own_addresses: own}
    struct!(Peer, Map.merge(map, more))
  end

  defp an_event do
    any([
      fn -> with peer <- a_peer(), do: {{:up, peer}, {:up, as_peer(peer)}} end,
      fn -> with peer <- a_peer(), do: {{:update, peer}, {:update, as_peer(peer)}} end,
      fn -> with peer <- a_peer(), do: {{:heard, peer}, {:heard, as_peer(peer)}} end,
      fn -> with peer <- a_peer(), do: {{:settled, peer}, {:settled, as_peer(peer)}} end,
      fn ->
        {peer, reason} = {a_peer(), any([:left, :beam_exit, :silent])}
        {{:down, peer, reason}, {:down, as_peer(peer), reason}}
      end,
      fn ->
        {peer, ago} = {a_peer(), int(0, 65_535)}
        {{:disconnected, peer, ago}, {:disconnected, as_peer(peer), ago}}
      end,
      fn ->
        {peer, other} = {a_peer(), a_peer()}
        {{:conflict, peer, other}, {:conflict, as_peer(peer), as_peer(other)}}
      end,
      fn ->
        {page, peers} = {any([:first, :more]), for(_ <- 0..int(0, 64), do: a_peer())}
        {{:snapshot, page, peers}, {:snapshot, page, Enum.map(peers, &as_peer/1)}}
      end,
      fn ->
        same(
          {:stats, int(0, 0x7FFFFFFF), Map.new(Codec.stats(), &{&1, int(0, 1_000_000_000_000)})}
        )
      end,
      fn ->
        measured = {int(1, 10_000_000), int(0, 1000), int(0, 1_000_000)}
        {trip, loss, heard} = any([measured, {:unknown, :unknown, :unknown}])
        boot = int(0, 0xFFFFFFFFFFFFFFFF)

        {{:measures, 512, [{<<boot::64>>, trip, loss, heard}]},
         {:measures, 512, [{Base.encode16(<<boot::64>>, case: :lower), trip, loss, heard}]}}
      end,
      fn ->
        same({:stats, 0, %{interfaces: [{"eth0", 2, "192.0.2.1"}, {"eth1", 3, "2001:db8::1"}]}})
      end,
      fn -> same({:log, any([:debug, :info, :warning, :error]), bytes(200)}) end,
      fn ->
        same(
          {:error,
           any([:bad_config, :bad_frame, :bad_command, :port_taken, :network, :memory, :sandbox]),
           bytes(100)}
        )
      end,
      fn -> same({:heartbeat, bytes(100)}) end,
      fn -> same({:health, any([:ok, :isolated])}) end,
      fn ->
        list = any([[], [{"eth0", 2, "192.0.2.1"}, {"lo", 1, "127.0.0.1"}]])
        same({:interfaces, list, network()})
      end,
      fn -> same(any([:snapshot_end, :keys_changed, :left, :reaches_more])) end,
      fn ->
        ready = %{
          version: "1.2.3",
          boot: :rand.bytes(8),
          pid: int(1, 99_999),
          unicast_port: int(0, 65_535),
          interfaces: [{"lo", 1, "127.0.0.1"}],
          network: network()
        }

        {{:ready, ready}, {:ready, %{ready | boot: Base.encode16(ready.boot, case: :lower)}}}
      end
    ]).()
  end

  defp same(event), do: {event, event}

  defp network,
    do: %{
      reach: any([:none, :loopback, :virtual, :lan]),
      missing: any([[], ["eth7", "192.0.2.7"]]),
      deaf: any([[], [{"eth0", 0}, {"eth1", 3}]]),
      mute: any([[], [{"eth0", 2}]])
    }

  test "every event is decoded to what was said" do
    seeded(500, fn ->
      {said, understood} = an_event()
      assert decode(said) == {:ok, understood}
    end)
  end

  test "an event that is cut, prolonged or changed is never misread, and never raises" do
    seeded(200, fn ->
      {said, _understood} = an_event()
      data = :erlang.term_to_binary(said)

      for _ <- 1..20 do
        cut = binary_part(data, 0, Enum.random(0..(byte_size(data) - 1)))
        assert Codec.decode(cut) == :error
      end

      assert Codec.decode(data <> :rand.bytes(Enum.random(1..10))) == :error

      for _ <- 1..20 do
        at = Enum.random(0..(byte_size(data) - 1))
        behind = byte_size(data) - at - 1
        turned = <<0::size(at)-unit(8), Enum.random(1..255), 0::size(behind)-unit(8)>>
        changed = :crypto.exor(data, turned)
        assert match?({:ok, _event}, Codec.decode(changed)) or Codec.decode(changed) == :error
      end
    end)
  end

  test "no atom is made, whatever is said" do
    name = "never_seen_#{System.unique_integer([:positive])}"
    size = byte_size(name)

    for atom <- [
          <<100, size::16, name::binary>>,
          <<119, size, name::binary>>,
          <<118, size::16, name::binary>>
        ] do
      assert Codec.decode(<<131, atom::binary>>) == :error
      assert Codec.decode(<<131, 104, 2, 100, 5::16, "stats", atom::binary>>) == :error
      assert_raise ArgumentError, fn -> String.to_existing_atom(name) end
    end
  end

  test "keys that were derived are hidden as they are decoded" do
    keys = [:rand.bytes(32), :rand.bytes(32)]
    assert {:ok, {:derived, hidden}} = decode({:derived, keys})
    assert Hidden.unwrap(hidden) == for(key <- keys, do: {:derived, key})

    for wrong <- [[], [<<0::248>>], List.duplicate(<<0::256>>, 5), [<<0::256>> | :rest], [1], :no],
        do: assert(decode({:derived, wrong}) == :error)
  end

  test "both encodings of an atom are understood: OTP 25's and OTP 26's" do
    assert Codec.decode(<<131, 100, 4::16, "left">>) == {:ok, :left}
    assert Codec.decode(<<131, 119, 4, "left">>) == {:ok, :left}
  end

  test "what is not exactly an event of the protocol is none" do
    peer = FakeSidecar.peer("a@host")

    for term <- [
          :something,
          {:up, %{}},
          {:up, Map.delete(peer, :port)},
          {:up, Map.put(peer, :extra, 1)},
          {:up, %{peer | name: :a@host}},
          {:up, %{peer | name: String.duplicate("x", 1_021)}},
          {:up, %{peer | boot: <<1, 2, 3>>}},
          {:up, %{peer | creation: -1}},
          {:up, %{peer | creation: 0x100000000}},
          {:up, %{peer | port: 65_536}},
          {:up, %{peer | port: "1"}},
          {:up, %{peer | tls: 1}},
          {:up, %{peer | status: :dead}},
          {:up, %{peer | cookie: "same"}},
          {:up, %{peer | addresses: :none}},
          {:up, %{peer | addresses: [{{1, 2, 3}, 1, 1}]}},
          {:up, %{peer | addresses: [{{1, 2, 3, 256}, 1, 1}]}},
          {:up, %{peer | addresses: [{{1, 2, 3, 4}, 65_536, 1}]}},
          {:up, %{peer | addresses: [{{1, 2, 3, 4}, 1, -1}]}},
          {:up, %{peer | addresses: [{{1, 2, 3, 4}, 1, 1} | :rest]}},
          {:up, peer, :extra},
          {:disconnected, peer, -1},
          {:disconnected, peer, 65_536},
          {:disconnected, peer, :now},
          {:disconnected, %{peer | boot: "short"}, 1},
          {:disconnected, peer},
          {:down, peer, :dead},
          {:down, peer},
          {:conflict, peer},
          {:snapshot, :second, []},
          {:snapshot, :first, [peer | peer]},
          {:snapshot, :first, peer},
          {:health, :fine},
          {:interfaces, []},
          {:interfaces, [{"eth0", 2}], @network},
          {:interfaces, [{"eth0", 2, "192.0.2.1"} | :rest], @network},
          {:interfaces, :none, @network},
          {:interfaces, [], %{@network | reach: :far}},
          {:interfaces, [], %{@network | missing: "eth7"}},
          {:interfaces, [], %{@network | deaf: ["eth7"]}},
          {:interfaces, [], %{@network | deaf: [{:eth7, 1}]}},
          {:interfaces, [], %{@network | mute: [{"eth7", -1}]}},
          {:interfaces, [], %{@network | mute: [{"eth7", 1} | {"eth8", 1}]}},
          {:interfaces, [], Map.delete(@network, :mute)},
          {:interfaces, [], %{@network | missing: [:eth7]}},
          {:interfaces, [], %{@network | missing: ["eth7" | "eth8"]}},
          {:interfaces, [], %{reach: :lan}},
          {:interfaces, [], Map.put(@network, :more, 1)},
          {:interfaces, [], []},
          {:heartbeat, :a@host},
          {:log, :critical, "text"},
          {:log, :info, ~c"text"},
          {:error, :other, "text"},
          {:measures, -1, []},
          {:measures, 0, :none},
          {:measures, 0, [{<<1::64>>, 1, 1}]},
          {:measures, 0, [{<<1::32>>, 1, 1, 1}]},
          {:measures, 0, [{<<1::64>>, -1, 1, 1}]},
          {:measures, 0, [{<<1::64>>, 1, 1001, 1}]},
          {:measures, 0, [{<<1::64>>, 1, 1, nil}]},
          {:measures, 0, [{<<1::64>>, 1, 1, 1} | <<2::64>>]},
          {:stats, :ref, %{}},
          {:stats, 1, %{listed: -1}},
          {:stats, 1, %{listed: 1.0}},
          {:stats, 1, %{"listed" => 1}},
          {:stats, 1, %{left: 1}},
          {:stats, 1, %{interfaces: [{"eth0", 2}]}},
          {:stats, 1, %{interfaces: :none}},
          {:ready, Map.delete(@ready, :interfaces)},
          {:ready, Map.delete(@ready, :network)},
          {:ready, Map.delete(@ready, :unicast_port)},
          {:ready, %{@ready | unicast_port: 65_536}},
          {:ready, %{@ready | unicast_port: nil}},
          {:ready, %{@ready | network: :lan}},
          {:ready, %{@ready | pid: -1}},
          {:ready, %{@ready | interfaces: [:lo]}},
          {:ready, Map.put(@ready, :more, 1)},
          [],
          "left",
          1
        ],
        do: assert(decode(term) == :error, inspect(term))

    for tags <- [%{role: "db"}, %{"role" => "a\nb"}, %{"" => ""}, [{"role", "db"}], nil],
        do: assert(decode({:up, Map.put(a_peer(), :tags, tags)}) == :error)

    assert decode({:up, Map.delete(a_peer(), :tags)}) == :error
    assert Codec.decode("") == :error
    assert Codec.decode(<<131>>) == :error
    assert Codec.decode(<<0, 1, 2>>) == :error
    # A compressed term, and one beyond the longest frame.
    assert Codec.decode(
             :erlang.term_to_binary({:log, :info, String.duplicate("x", 1000)}, compressed: 9)
           ) == :error

    assert decode({:log, :info, String.duplicate("x", 1_048_576)}) == :error
  end

  test "every command of the protocol is encoded as it is" do
    for command <- [
          {:configure, @configuration},
          {:configure,
           %{
             @configuration
             | interfaces: {:only, ["eth0", "192.0.2.1"]},
               heartbeats: true,
               cluster: ""
           }},
          {:configure,
           %{
             @configuration
             | interfaces: {:except, ["lo"]},
               keys: [cookie: "c", passphrase: "p", key: @key],
               unicast_port: {0, 0},
               broadcast: true
           }},
          :hide,
          :pulse,
          :snapshot,
          {:leave, :left},
          {:leave, :beam_exit},
          {:keys, [cookie: "c"]},
          {:configure, %{@configuration | keys: [derived: <<7::256>>]}},
          {:siblings, []},
          {:siblings, [1024, 65_535]},
          {:seeds, []},
          {:stats, 0},
          {:measures, 0},
          {:measures, 0xFFFF},
          {:stats, 0x7FFFFFFF}
        ],
        do: assert(:erlang.binary_to_term(Codec.encode!(command)) == command)

    # An address is a tuple here, and bytes there.
    v6 = {0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}
    seeds = {:seeds, [{{10, 0, 0, 5}, 1, 8}, {v6, 65_535, 65_535}]}

    assert {:seeds, [{<<10, 0, 0, 5>>, 1, 8}, {<<0x2001::16, 0xDB8::16, 1::96>>, 65_535, 65_535}]} ==
             :erlang.binary_to_term(Codec.encode!(seeds))

    # A boot id is hexadecimal here, and bytes there.
    assert {:disconnected, <<1, 2, 3, 4, 5, 6, 7, 0xFF>>} ==
             :erlang.binary_to_term(Codec.encode!({:disconnected, "01020304050607ff"}))

    # The host's addresses are bytes there, as on the wire.
    for {host, bytes} <- [
          {{false, []}, <<0>>},
          {{true, [{10, 0, 0, 1}]}, <<1, 4, 10, 0, 0, 1>>},
          {{false, [{10, 0, 0, 1}, {0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}]},
           <<0, 4, 10, 0, 0, 1, 6, 0x2001::16, 0xDB8::16, 0::80, 1::16>>}
        ] do
      alive = %{@alive | cookie: "", port: 65_535, creation: 0xFFFFFFFF, host: host}

      assert {:alive, %{alive | host: bytes, tags: ""}} ==
               :erlang.binary_to_term(Codec.encode!({:alive, alive}))
    end

    # So are the tags.
    for {tags, bytes} <- [
          {%{}, ""},
          {%{"zone" => "a", "role" => "db"}, <<4, "role", 2, "db", 4, "zone", 1, "a">>}
        ] do
      assert {:alive, %{tags: ^bytes}} =
               :erlang.binary_to_term(Codec.encode!({:alive, %{@alive | tags: tags}}))
    end
  end

  test "nothing else is encoded, and what is refused is not shown: it may hold a secret" do
    for command <- [
          :stop,
          {:disconnected, "01020304050607f"},
          {:disconnected, "01020304050607fg"},
          {:disconnected, <<1, 2, 3, 4, 5, 6, 7, 8>>},
          {:disconnected, nil},
          {:seeds, [{{10, 0, 0, 5}, 1, 9}]},
          {:seeds, [{{10, 0, 0, 5}, 2, 1}]},
          {:seeds, [{{10, 0, 0, 5}, 65_535, 65_536}]},
          {:seeds, [{{10, 0, 0, 5}, 0, 1}]},
          {:seeds, [{"10.0.0.5", 1, 1}]},
          {:seeds, [{10, 0, 0, 5}]},
          {:seeds, List.duplicate({{10, 0, 0, 5}, 1, 8}, 33)},
          {:siblings, [1023]},
          {:siblings, [65_536]},
          {:siblings, [:port]},
          {:siblings, 1024},
          {:siblings, Enum.to_list(1024..1088)},
          {:configure, Map.delete(@configuration, :ttl)},
          {:configure, Map.put(@configuration, :secret, "hunter2")},
          {:configure, %{@configuration | version: 2}},
          {:configure, %{@configuration | keys: []}},
          {:configure, %{@configuration | keys: List.duplicate({:key, @key}, 5)}},
          {:configure, %{@configuration | keys: [key: "hunter2"]}},
          {:configure, %{@configuration | keys: [cookie: ""]}},
          {:configure, %{@configuration | keys: [derived: "hunter2"]}},
          {:configure, %{@configuration | interfaces: ["eth0"]}},
          {:configure, %{@configuration | interfaces: {:only, [:eth0]}}},
          {:configure, %{@configuration | port: 0}},
          {:configure, %{@configuration | ttl: 256}},
          {:configure, Map.delete(@configuration, :unicast_port)},
          {:configure, %{@configuration | unicast_port: 45_894}},
          {:configure, %{@configuration | unicast_port: {0, 1}}},
          {:configure, %{@configuration | unicast_port: {2, 1}}},
          {:configure, %{@configuration | unicast_port: {1, 65_536}}},
          {:configure, Map.delete(@configuration, :broadcast)},
          {:configure, %{@configuration | broadcast: nil}},
          {:configure, Map.delete(@configuration, :group6)},
          {:configure, %{@configuration | group6: nil}},
          {:configure, %{@configuration | interval: 99}},
          {:configure, %{@configuration | heartbeats: nil}},
          {:alive, %{@alive | name: :a@host}},
          {:alive, %{@alive | creation: -1}},
          {:alive, %{@alive | tls: nil}},
          {:alive, Map.delete(@alive, :hidden)},
          {:alive, Map.delete(@alive, :host)},
          {:alive, %{@alive | host: {1, []}}},
          {:alive, %{@alive | host: {true, [{10, 0, 0, 256}]}}},
          {:alive, %{@alive | host: {true, [{10, 0, 0, 1} | :more]}}},
          {:alive, Map.put(@alive, :more, 1)},
          {:alive, Map.delete(@alive, :tags)},
          {:alive, %{@alive | tags: %{role: "db"}}},
          {:alive, %{@alive | tags: %{"role" => "a\nb"}}},
          {:keys, [:hunter2]},
          {:keys, {:key, "hunter2"}},
          {:leave, :silent},
          {:stats, -1},
          {:measures, -1},
          {:measures, 0x10000},
          {:stats, 0x80000000},
          {:stats, "1"},
          "hunter2"
        ] do
      error = assert_raise ArgumentError, fn -> Codec.encode!(command) end
      refute Exception.message(error) =~ "hunter2"
    end

    # Nor does the stack trace hold the arguments.
    try do
      Codec.encode!({:keys, [:hunter2]})
    rescue
      ArgumentError -> refute inspect(__STACKTRACE__) =~ "hunter2"
    end
  end

  test "the counters are those that the sidecar sends" do
    source = File.read!("priv_src/io/term_encode.c")
    [_, table] = Regex.run(~r/put_counters\(.*?\{\n(.*?)\};/s, source)
    in_c = Regex.scan(~r/^\s+\{"(\w+)",/m, table) |> Enum.map(&List.last/1)
    assert Enum.sort(in_c) == Codec.stats() |> Enum.map(&to_string/1) |> Enum.sort()
  end
end
