defmodule GossipCluster.SeedTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Seed

  doctest Seed

  test "what a seed may be" do
    for {given, seed} <- [
          {"10.0.0.5", {:address, {10, 0, 0, 5}, nil}},
          {~c"10.0.0.5", {:address, {10, 0, 0, 5}, nil}},
          {{10, 0, 0, 5}, {:address, {10, 0, 0, 5}, nil}},
          {{{10, 0, 0, 5}, 4711}, {:address, {10, 0, 0, 5}, 4711}},
          {"10.0.0.5:4711", {:address, {10, 0, 0, 5}, 4711}},
          {"2001:db8::1", {:address, {0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}, nil}},
          {"[2001:db8::1]", {:address, {0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}, nil}},
          {"[2001:db8::1]:4711", {:address, {0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}, 4711}},
          {"::1", {:address, {0, 0, 0, 0, 0, 0, 0, 1}, nil}},
          {"host", {:host, "host", nil}},
          {"host.example.", {:host, "host.example.", nil}},
          {"1and1.example:65535", {:host, "1and1.example", 65_535}},
          {{:dns, "shop-headless"}, {:host, "shop-headless", nil}},
          {{:dns, ~c"shop"}, {:host, "shop", nil}},
          {{:srv, "_gossip._udp.shop"}, {:srv, "_gossip._udp.shop"}},
          {{Shop, :seeds, [1]}, {:mfa, {Shop, :seeds, [1]}}}
        ] do
      assert Seed.parse(given) == seed, inspect(given)
    end
  end

  test "what it may not be" do
    for wrong <-
          [
            nil,
            :seed,
            1,
            "",
            ~c"",
            " host",
            "ho st",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "host:x"
          ] ++
            ["10.0.0", "10.0.0.256", "010.0.0.5", "1.2.3.4.5", "-host", "host-", "a..b", ".a"] ++
            [
              "0.0.0.0",
              "255.255.255.255",
              "233.252.1.33",
              "::",
              "ff02::1",
              "fe80::1",
              "fe80::1%eth0"
            ] ++
            ["::ffff:10.0.0.5", "[10.0.0.5]", "[::1", "[::1]x", "[::1]:", "[::1]:0", "1:2:3"] ++
            [
              {:dns, ""},
              {:dns, nil},
              {:dns, "a:1"},
              {:srv, "a b"},
              {:srv, 1},
              {:host, "a"},
              <<255>>
            ] ++
            [
              {10, 0, 0, 256},
              {10, 0, 0},
              {{10, 0, 0, 5}, 0},
              {{10, 0, 0, 5}, 65_536},
              {"a", :b, []}
            ] ++
            [String.duplicate("a", 254), fn -> [] end, [:a], %{}, {1, 2, 3, 4, 5, 6, 7, 65_536}] do
      assert Seed.parse(wrong) == :error, inspect(wrong)
    end
  end

  test "a list of up to 32, each once" do
    assert Seed.parse_all([]) == {:ok, []}
    assert {:ok, [_one]} = Seed.parse_all(["host", "host", {:dns, "host"}])
    assert {:ok, all} = Seed.parse_all(for n <- 1..32, do: "host#{n}")
    assert length(all) == 32

    for wrong <- ["host", ["host" | "b"], [1], nil, for(n <- 1..33, do: "host#{n}")] do
      assert {:error, "a list of up to 32 seeds: " <> _} = Seed.parse_all(wrong)
    end
  end

  test "what it is called is what is written" do
    for text <- ["10.0.0.5", "10.0.0.5:1", "2001:db8::1", "[2001:db8::1]:1", "host", "host:1"] do
      assert text |> Seed.parse() |> Seed.label() == text
    end

    assert Seed.label({:srv, "_a._udp.b"}) == "_a._udp.b"
    assert Seed.label({:mfa, {Shop, :seeds, [1, 2]}}) == "Shop.seeds/2"
  end
end
