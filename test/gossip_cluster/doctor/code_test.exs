defmodule GossipCluster.Doctor.CodeTest do
  # The text that one doctor prints and another one reads.
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.Code

  @here %{
    name: "a@h1",
    group: {233, 252, 1, 33},
    port: 45_893,
    ttl: 1,
    unicast: {45_894, 45_901},
    wire: 1,
    tag: 0x8F3A21C4,
    long_names: false,
    tls: false,
    ipv6_distribution: false,
    ipv6: true,
    broadcast: false,
    gossip_epmd: true,
    seeds: false,
    nets: [{{10, 77, 0, 1}, 24}, {{0xFD76, 0, 0, 0, 0, 0, 0, 1}, 64}]
  }
  @there %{@here | name: "b@h2", nets: [{{10, 77, 0, 2}, 24}]}

  test "says what it was made of" do
    for facts <- [@here, %{@here | name: nil, tag: nil, nets: [], ipv6: false, seeds: true}],
        do: assert(facts |> Code.encode() |> Code.decode() == {:ok, facts})

    code = Code.encode(@here)
    assert byte_size(code) < 120
    assert code =~ ~r/\AGC1\.[A-Za-z0-9_-]+\z/
    # As a terminal or a mail breaks it.
    assert {:ok, _} =
             code |> String.split_at(40) |> Tuple.to_list() |> Enum.join("\n  ") |> Code.decode()
  end

  test "which is damaged says nothing: each of its characters counts" do
    code = Code.encode(@here)
    assert {:error, _why} = Code.decode(String.slice(code, 0, byte_size(code) - 1))

    for at <- 4..(byte_size(code) - 2) do
      {before, <<c, rest::binary>>} = String.split_at(code, at)

      assert {:error, _} =
               Code.decode(<<before::binary, if(c == ?A, do: ?B, else: ?A), rest::binary>>)
    end

    for other <- ["", "GC1.", "GC1.AAAA", "GC2.AAAAAAAA", "hello", "GC1.****"],
        do: assert({:error, _why} = Code.decode(other))

    assert {:error, "it is of another version" <> _} = Code.decode("GC2.AAAAAAAAAAAA")
  end

  test "of any bytes with a right sum is read, or refused" do
    for n <- 0..2_000 do
      body = :erlang.term_to_binary({n, :crypto.hash(:sha256, <<n::32>>)})
      body = binary_part(<<1, body::binary>>, 0, rem(n, 40) + 1)

      text =
        "GC1." <> Base.url_encode64(<<body::binary, :erlang.crc32(body)::32>>, padding: false)

      assert match?({:ok, %{port: _}}, Code.decode(text)) or
               match?({:error, _}, Code.decode(text))
    end
  end

  test "two that fit differ in nothing; else in a line each, here first" do
    assert Code.compare(@here, @there) == []

    for {change, what, words} <- [
          {%{wire: 2}, :wire_version, "1 here and 2 there"},
          {%{group: {239, 0, 0, 1}}, :group_differs, "233.252.1.33 here and 239.0.0.1 there"},
          {%{port: 4_000}, :port_differs, "45893 here and 4000 there"},
          {%{tag: 1}, :key_differs, "8f3a21c4 here and 00000001 there"},
          {%{long_names: true}, :name_type, "short here and long there"},
          {%{tls: true}, :tls, "plain TCP here and TLS there"},
          {%{ipv6_distribution: true}, :family, "IPv4 here and IPv6 there"},
          {%{name: "a@h1"}, :conflict, "a@h1"},
          {%{nets: [{{10, 78, 0, 2}, 24}]}, :other_subnet, "10.78.0.2/24"}
        ] do
      assert [{^what, text, mend}] = Code.compare(@here, Map.merge(@there, change))
      assert text =~ words and mend != ""
    end

    # What says nothing of the node that is to run there, and networks that seeds or a TTL reach beyond.
    for there <- [
          %{@there | name: nil, long_names: true, tls: true},
          %{@there | tag: nil},
          %{@there | seeds: true, nets: [{{10, 78, 0, 2}, 24}]},
          %{@there | nets: []}
        ],
        do: assert(Code.compare(@here, there) == [])

    far = %{@there | ttl: 4, nets: [{{10, 78, 0, 2}, 24}]}
    assert Code.compare(%{@here | ttl: 4}, far) == []
  end
end
