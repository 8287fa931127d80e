defmodule GossipCluster.TextTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Text

  # Those of core/kit/utf8.c: what one side takes and the other does not would end the sidecar, again and again, or be a
  # name that is listed and never dialled.
  defp ranges(function) do
    [_, rest] = String.split(File.read!("priv_src/core/kit/utf8.c"), "bool #{function}(")
    [table, _] = String.split(rest, "};", parts: 2)

    for [_, first, last] <- Regex.scan(~r/\{0x([0-9a-f]+), 0x([0-9a-f]+)\}/, table),
        code <- String.to_integer(first, 16)..String.to_integer(last, 16),
        into: MapSet.new(),
        do: code
  end

  test "of every character: whether it is seen, and whether it is a space, as the sidecar has it" do
    unseen = ranges("utf8_is_unseen")
    spaces = ranges("utf8_is_space")
    assert MapSet.size(unseen) > 200 and MapSet.size(spaces) > 15

    # The planes that have characters; of the others every hundredth.
    planes = [0..0xD7FF, 0xE000..0x1FFFF, 0x20000..0xDFFFF//100, 0xE0000..0xE0FFF]

    for code <- Enum.concat(planes) do
      seen = Text.seen?(<<code::utf8>>)
      spaced = Text.spaced?(<<code::utf8>>)

      if seen == code in unseen or spaced != code in spaces,
        do: flunk("U+#{Integer.to_string(code, 16)}: seen: #{seen}, a space: #{spaced}")
    end
  end

  test "one among others is enough, wherever it stands" do
    for text <- ["", "a", "größe", "東京 1", "a b"], do: assert(Text.seen?(text))

    for unseen <- ["\n", "\u202e", "\u{e0041}"],
        text <- [unseen, unseen <> "ab", "ab" <> unseen],
        do: refute(Text.seen?(text))

    for space <- [" ", "\u00a0", "\u3000"],
        text <- [space, space <> "ab", "ab" <> space],
        do: assert(Text.spaced?(text))

    for text <- ["", "a", "größe", "a\tb"], do: refute(Text.spaced?(text))
  end

  test "what is no UTF-8 is not seen" do
    for bytes <- [<<255>>, <<0xC3>>, "a" <> <<0xE2, 0x82>>, <<0xED, 0xA0, 0x80>>, <<0xC0, 0x80>>],
        do: refute(Text.seen?(bytes))
  end
end
