defmodule GossipCluster.Tags do
  @moduledoc false
  # What an operator says of a node: a map of texts to texts, both ways. Pure. No atom is made of what comes from the
  # network; whoever writes may use atoms for keys. The bounds are those of PROTOCOL.md, and priv_src/core has the same.

  alias GossipCluster.Text

  @bytes 256
  @pairs 32

  @allowed "a map, or a keyword list, of at most #{@pairs} texts to texts without control characters, of #{@bytes} " <>
             "bytes at most together, where each text counts a byte more; as in %{role: \"web\", zone: \"a\"}"

  @type t :: %{String.t() => String.t()}
  @typedoc "As they may be written: keys are atoms or texts, also those of Erlang."
  @type given :: %{given_key() => text()} | [{given_key(), text()}]
  @type given_key :: atom() | text()
  @type text :: String.t() | charlist()

  @doc "Tags as they were written; or what would have been allowed."
  @spec new(term()) :: {:ok, t()} | {:error, String.t()}
  def new(given) do
    with {:ok, pairs} <- pairs(given),
         tags = Map.new(pairs),
         # A key may not be given twice, as an atom and as a text.
         true <- map_size(tags) == length(pairs) and valid?(tags) do
      {:ok, tags}
    else
      _wrong -> {:error, @allowed}
    end
  end

  defp pairs(given) when is_map(given) and not is_struct(given),
    do: given |> Map.to_list() |> pairs()

  defp pairs(given) when is_list(given) and length(given) <= @pairs do
    pairs =
      for {key, value} <- given,
          {:ok, key} <- [key(key)],
          {:ok, value} <- [text(value)],
          do: {key, value}

    if length(pairs) == length(given), do: {:ok, pairs}, else: :error
  end

  defp pairs(_given), do: :error

  defp key(key) when is_atom(key), do: {:ok, Atom.to_string(key)}
  defp key(key), do: text(key)

  defp text(text) when is_binary(text), do: {:ok, text}

  defp text(text) when is_list(text) do
    case :unicode.characters_to_binary(text) do
      binary when is_binary(binary) -> {:ok, binary}
      _error -> :error
    end
  rescue
    ArgumentError -> :error
  end

  defp text(_text), do: :error

  @doc "Whether these are tags: as the sidecar tells them, or takes them."
  @spec valid?(term()) :: boolean()
  def valid?(tags) when is_map(tags) and map_size(tags) <= @pairs do
    # As a list: Enum.all?/2 of a map would have the protocol Enumerable loaded as a node starts (GossipCluster.Preload).
    Enum.all?(Map.to_list(tags), fn {key, value} ->
      is_binary(key) and key != "" and seen?(key) and is_binary(value) and seen?(value)
    end) and byte_size(encode(tags)) <= @bytes
  end

  def valid?(_other), do: false

  # A text whose length no byte can tell is longer than all may be.
  defp seen?(text), do: byte_size(text) <= 255 and Text.seen?(text)

  @doc "As they go on the wire: in order of the keys, each text behind its length."
  @spec encode(t()) :: binary()
  def encode(tags) do
    for {key, value} <- Enum.sort(tags), text <- [key, value], into: "" do
      <<byte_size(text), text::binary>>
    end
  end

  @doc "Whether all of these are among the tags, with these values."
  @spec match?(t(), t()) :: boolean()
  def match?(tags, wanted) do
    Enum.all?(wanted, fn {key, value} -> is_map_key(tags, key) and tags[key] == value end)
  end

  @doc "In one line, for people: `role=web zone=a`."
  @spec show(t()) :: String.t()
  def show(tags),
    do: tags |> Enum.sort() |> Enum.map_join(" ", fn {key, value} -> "#{key}=#{value}" end)
end
