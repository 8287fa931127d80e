defmodule GossipCluster.JsonTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Json

  doctest GossipCluster.Json

  test "what is written is read again as it was" do
    for term <- [
          nil,
          true,
          0,
          -17,
          1.5,
          "",
          "a \"quoted\" \\ line\n\t\u0000 ü",
          [],
          %{},
          [1, [2, []]],
          %{"a" => %{"b" => [false]}}
        ],
        do: assert(term |> Json.encode() |> Json.decode() == {:ok, term})
  end

  test "atoms and keys are texts, and what is no text is shown" do
    assert Json.encode(%{level: :broken}) == ~S({"level":"broken"})
    assert Json.encode(<<255>>) == ~S("<<255>>")
  end

  test "what is no JSON is refused, however deep" do
    for text <- [
          "",
          "{",
          "[1,]",
          "{\"a\"}",
          "{1:2}",
          "\"a",
          "\"\\x\"",
          "01",
          "1 2",
          "nul",
          <<?", 255, ?">>,
          String.duplicate("[", 100) <> String.duplicate("]", 100)
        ],
        do: assert(Json.decode(text) == :error, inspect(text))
  end
end
