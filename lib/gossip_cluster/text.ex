defmodule GossipCluster.Text do
  @moduledoc false
  # Which characters a text from the network may have, so that it deceives nobody who reads it on a terminal. Pure. The
  # sidecar refuses the same ones first (PROTOCOL.md); this is the second wall, and the tables are those of
  # core/kit/utf8.c.

  # Unicode's Cc, Cf, Zl and Zp, as of version 15.
  @unseen [
    {0x00, 0x1F},
    {0x7F, 0x9F},
    {0xAD, 0xAD},
    {0x600, 0x605},
    {0x61C, 0x61C},
    {0x6DD, 0x6DD},
    {0x70F, 0x70F},
    {0x890, 0x891},
    {0x8E2, 0x8E2},
    {0x180E, 0x180E},
    {0x200B, 0x200F},
    {0x2028, 0x202E},
    {0x2060, 0x2064},
    {0x2066, 0x206F},
    {0xFEFF, 0xFEFF},
    {0xFFF9, 0xFFFB},
    {0x110BD, 0x110BD},
    {0x110CD, 0x110CD},
    {0x13430, 0x1343F},
    {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A},
    {0xE0001, 0xE0001},
    {0xE0020, 0xE007F}
  ]

  # Unicode's Zs, as of version 15.
  @spaces [
    {0x20, 0x20},
    {0xA0, 0xA0},
    {0x1680, 0x1680},
    {0x2000, 0x200A},
    {0x202F, 0x202F},
    {0x205F, 0x205F},
    {0x3000, 0x3000}
  ]

  @doc "Whether it is UTF-8, and has no character that controls a terminal or deceives the eye."
  @spec seen?(binary()) :: boolean()
  def seen?(<<code::utf8, rest::binary>>), do: not unseen?(code) and seen?(rest)
  def seen?(rest), do: rest == ""

  @doc "Whether it has a space, of any width. It is UTF-8."
  @spec spaced?(String.t()) :: boolean()
  def spaced?(<<code::utf8, rest::binary>>), do: space?(code) or spaced?(rest)
  def spaced?(""), do: false

  # As nearly all are.
  defp unseen?(code) when code in 0x20..0x7E, do: false

  for {first, last} <- @unseen do
    defp unseen?(code) when code in unquote(first)..unquote(last), do: true
  end

  defp unseen?(_code), do: false

  defp space?(code) when code in 0x21..0x9F, do: false

  for {first, last} <- @spaces do
    defp space?(code) when code in unquote(first)..unquote(last), do: true
  end

  defp space?(_code), do: false
end
