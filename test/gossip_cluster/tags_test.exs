defmodule GossipCluster.TagsTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Tags

  @longest %{"k" => String.duplicate("v", 253)}

  test "keys are atoms or texts, values texts, also as Erlang has them; what comes out are texts" do
    for given <- [
          %{role: "db", zone: "ä b"},
          %{"role" => "db", "zone" => "ä b"},
          [role: "db", zone: "ä b"],
          [{"zone", "ä b"}, {:role, "db"}],
          %{~c"role" => ~c"db", zone: [?ä, ?\s, ?b]}
        ] do
      assert Tags.new(given) == {:ok, %{"role" => "db", "zone" => "ä b"}}
    end

    for empty <- [%{}, []], do: assert(Tags.new(empty) == {:ok, %{}})
    assert Tags.new(%{k: "", l: []}) == {:ok, %{"k" => "", "l" => ""}}
    assert Tags.new(@longest) == {:ok, @longest}
    most = Map.new(0..31, &{<<?0 + &1>>, ""})
    assert Tags.new(most) == {:ok, most}
  end

  test "nothing else" do
    for wrong <- [
          nil,
          :tags,
          "role=db",
          {:role, "db"},
          [:role],
          [role: :db],
          [role: 1],
          [{1, "db"}],
          %{"" => "x"},
          [{:role, "a"}, {"role", "b"}],
          [{:role, "a"} | :more],
          %{role: "a\nb"},
          %{role: "a\u202Eb"},
          %{role: "\u2028"},
          %{role: <<0xFF>>},
          %{role: [0x110000]},
          %{role: [?a | ?b]},
          %{"k\0" => "v"},
          Map.new(0..32, &{<<?0 + &1>>, ""}),
          %{"k" => String.duplicate("v", 254)},
          %{"k" => String.duplicate("v", 300)},
          ~D[2026-01-01]
        ] do
      assert {:error, allowed} = Tags.new(wrong), inspect(wrong)
      assert allowed =~ "256 bytes"
    end
  end

  test "the sidecar's are valid, or no tags at all" do
    assert Tags.valid?(%{}) and Tags.valid?(@longest)

    for wrong <- [
          %{role: "db"},
          %{"role" => :db},
          %{"r" => "\n"},
          %{"" => ""},
          [],
          %{"k" => String.duplicate("v", 254)}
        ],
        do: refute(Tags.valid?(wrong))
  end

  test "on the wire they stand in the order of the keys' bytes, however many" do
    assert Tags.encode(%{"b" => "", "a" => "x", "Z" => "ü", "aa" => "1"}) ==
             <<1, "Z", 2, "ü"::utf8, 1, "a", 1, "x", 2, "aa", 1, "1", 1, "b", 0>>

    many = Map.new(1..32, &{"#{&1}", ""})
    bytes = for key <- Enum.sort(Map.keys(many)), into: "", do: <<byte_size(key), key::binary, 0>>
    assert Tags.encode(many) == bytes
  end

  test "all that is wanted must be there" do
    tags = %{"role" => "db", "zone" => "a"}
    for wanted <- [%{}, %{"role" => "db"}, tags], do: assert(Tags.match?(tags, wanted))

    for wanted <- [%{"role" => "web"}, %{"rack" => "1"}, Map.put(tags, "rack", "")],
        do: refute(Tags.match?(tags, wanted))
  end

  # What this side takes and the sidecar does not would end it, again and again.
  test "what nobody sees is the same to both sides" do
    source = File.read!("priv_src/core/kit/utf8.c")
    [_, rest] = String.split(source, "bool utf8_is_unseen(")
    [table, _] = String.split(rest, "};", parts: 2)

    ranges =
      for [_, first, last] <- Regex.scan(~r/\{0x([0-9a-f]+), 0x([0-9a-f]+)\}/, table),
          do: String.to_integer(first, 16)..String.to_integer(last, 16)

    assert length(ranges) > 20

    for code <- Enum.concat(0..0xD7FF, 0xE000..0x1FFFF) |> Enum.concat(0xE0000..0xE00FF) do
      unseen = Enum.any?(ranges, &(code in &1))

      assert Tags.valid?(%{"k" => <<code::utf8>>}) == not unseen,
             "U+#{Integer.to_string(code, 16)}"
    end
  end
end
