defmodule GossipCluster.Screen.Text do
  @moduledoc false
  # A text as a terminal shows it: how many columns it takes, cut to so many, filled up to them. Pure. A cell of a
  # terminal is one column, two for East Asian wide characters and emoji (UAX #11), none for marks that combine.

  @wide [
    {0x1100, 0x115F},
    {0x231A, 0x231B},
    {0x2329, 0x232A},
    {0x23E9, 0x23EC},
    {0x25FD, 0x25FE},
    {0x2614, 0x2615},
    {0x2648, 0x2653},
    {0x26A1, 0x26A1},
    {0x2705, 0x2705},
    {0x274C, 0x274C},
    {0x2753, 0x2755},
    {0x2E80, 0x303E},
    {0x3041, 0x33FF},
    {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},
    {0xA000, 0xA4CF},
    {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},
    {0x16FE0, 0x18DFF},
    {0x1B000, 0x1B2FF},
    {0x1F004, 0x1F004},
    {0x1F0CF, 0x1F0CF},
    {0x1F18E, 0x1F19A},
    {0x1F200, 0x1F320},
    {0x1F32D, 0x1F64F},
    {0x1F680, 0x1F6FC},
    {0x1F7E0, 0x1F7EB},
    {0x1F90C, 0x1FAFF},
    {0x20000, 0x3FFFD}
  ]

  @doc """
  A text in which nothing controls the terminal or deceives the eye: such characters, and bytes that are no UTF-8, are
  U+FFFD.

      iex> GossipCluster.Screen.Text.clean("a\\e[31mb" <> <<255>>)
      "a\\uFFFD[31mb\\uFFFD"
  """
  @spec clean(binary()) :: String.t()
  def clean(text) do
    if GossipCluster.Text.seen?(text),
      do: text,
      else: for(part <- parts(text), into: "", do: part)
  end

  defp parts(<<code::utf8, rest::binary>>) do
    part = <<code::utf8>>
    [if(GossipCluster.Text.seen?(part), do: part, else: "\uFFFD") | parts(rest)]
  end

  defp parts(<<_byte, rest::binary>>), do: ["\uFFFD" | parts(rest)]
  defp parts(""), do: []

  @doc """
  How many columns a text takes.

      iex> Enum.map(["shop", "日本", "e\\u0301", "👩‍💻"], &GossipCluster.Screen.Text.width/1)
      [4, 4, 1, 2]
  """
  @spec width(String.t()) :: non_neg_integer()
  def width(text),
    do: if(plain?(text), do: byte_size(text), else: width(String.graphemes(text), 0))

  defp width([grapheme | rest], sum), do: width(rest, sum + columns(grapheme))
  defp width([], sum), do: sum

  defp plain?(<<c, rest::binary>>) when c in 0x20..0x7E, do: plain?(rest)
  defp plain?(rest), do: rest == ""

  @doc """
  The text in so many columns at most; what is cut off is `…`.

      iex> GossipCluster.Screen.Text.cut("shop@10.0.0.7", 8)
      "shop@10…"
  """
  @spec cut(String.t(), non_neg_integer()) :: String.t()
  def cut(_text, 0), do: ""

  def cut(text, columns) do
    if width(text) <= columns,
      do: text,
      else: cut(String.graphemes(text), columns - 1, []) <> "…"
  end

  defp cut([grapheme | rest], left, kept) do
    columns = columns(grapheme)
    if columns <= left, do: cut(rest, left - columns, [grapheme | kept]), else: kept(kept)
  end

  defp kept(kept), do: kept |> Enum.reverse() |> IO.iodata_to_binary()

  @doc """
  The text in just so many columns, to the `:left` or `:right` of them.

      iex> GossipCluster.Screen.Text.fit("12", 4, :right)
      "  12"
  """
  @spec fit(String.t(), non_neg_integer(), :left | :right) :: String.t()
  def fit(text, columns, side) do
    text = cut(text, columns)
    blanks = String.duplicate(" ", columns - width(text))
    if side == :left, do: text <> blanks, else: blanks <> text
  end

  # That of its first character: those that follow combine with it.
  defp columns(<<code::utf8, rest::binary>>) do
    cond do
      wide?(code) or String.contains?(rest, "\uFE0F") -> 2
      code < 0x300 -> 1
      # What stands alone though it combines, as at the start of a text.
      <<code::utf8>> =~ ~r/\A[\p{Mn}\p{Me}]/u -> 0
      true -> 1
    end
  end

  for {first, last} <- @wide do
    defp wide?(code) when code in unquote(first)..unquote(last), do: true
  end

  defp wide?(_code), do: false
end
