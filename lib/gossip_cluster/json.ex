defmodule GossipCluster.Json do
  @moduledoc false
  # JSON (RFC 8259), as much as the doctor needs: to write a report, and to read what `nft -j` says. Erlang has a module
  # for it since OTP 27 only, and the library has no dependency. Pure.

  @deepest 64

  @doc """
  A term as JSON. Atoms but `true`, `false` and `nil` are texts, and so are the keys of maps; those are sorted.

      iex> GossipCluster.Json.encode(%{b: [1, nil, true], a: "x\\n"})
      ~S({"a":"x\\n","b":[1,null,true]})
  """
  @spec encode(nil | atom() | number() | String.t() | list() | map()) :: String.t()
  def encode(term), do: IO.iodata_to_binary(value(term))

  defp value(nil), do: "null"
  defp value(bool) when is_boolean(bool), do: Atom.to_string(bool)
  defp value(atom) when is_atom(atom), do: text(Atom.to_string(atom))
  defp value(number) when is_integer(number), do: Integer.to_string(number)
  defp value(number) when is_float(number), do: Float.to_string(number)

  defp value(text) when is_binary(text),
    do: text(if String.valid?(text), do: text, else: inspect(text))

  defp value(list) when is_list(list), do: [?[, Enum.map_intersperse(list, ?,, &value/1), ?]]

  defp value(map) when is_map(map) do
    pairs = map |> Enum.map(fn {key, value} -> {to_string(key), value} end) |> Enum.sort()
    [?{, Enum.map_intersperse(pairs, ?,, fn {k, v} -> [text(k), ?:, value(v)] end), ?}]
  end

  defp text(text), do: [?", for(<<c::utf8 <- text>>, do: character(c)), ?"]

  defp character(?"), do: ~S(\")
  defp character(?\\), do: ~S(\\)
  defp character(?\n), do: ~S(\n)

  defp character(c) when c < 0x20 or c == 0x7F,
    do: ["\\u", c |> Integer.to_string(16) |> String.pad_leading(4, "0")]

  defp character(c), do: <<c::utf8>>

  @doc """
  A JSON text as a term: objects are maps with texts as keys, `null` is `nil`. What is no JSON is `:error`.

      iex> GossipCluster.Json.decode(~S({"a": [1, -2.5, null, "\\u00e9\\n"]}))
      {:ok, %{"a" => [1, -2.5, nil, "é\\n"]}}
      iex> GossipCluster.Json.decode("{")
      :error
  """
  @spec decode(binary()) :: {:ok, term()} | :error
  def decode(text) do
    {term, rest} = read(skip(text), 0)
    if skip(rest) == "", do: {:ok, term}, else: :error
  catch
    :no_json -> :error
  end

  defp read(_text, @deepest), do: throw(:no_json)
  defp read("null" <> rest, _depth), do: {nil, rest}
  defp read("true" <> rest, _depth), do: {true, rest}
  defp read("false" <> rest, _depth), do: {false, rest}
  defp read(<<?", rest::binary>>, _depth), do: string(rest, [])
  defp read("[" <> rest, depth), do: array(skip(rest), [], depth + 1)
  defp read("{" <> rest, depth), do: object(skip(rest), %{}, depth + 1)
  defp read(text, _depth), do: number(text)

  defp array("]" <> rest, [], _depth), do: {[], rest}

  defp array(text, items, depth) do
    {item, rest} = read(text, depth)

    case skip(rest) do
      "," <> rest -> array(skip(rest), [item | items], depth)
      "]" <> rest -> {Enum.reverse([item | items]), rest}
      _other -> throw(:no_json)
    end
  end

  defp object("}" <> rest, map, _depth) when map == %{}, do: {map, rest}

  defp object(<<?", rest::binary>>, map, depth) do
    with {key, rest} <- string(rest, []),
         ":" <> rest <- skip(rest),
         {value, rest} <- read(skip(rest), depth) do
      map = Map.put(map, key, value)

      case skip(rest) do
        "," <> rest -> object(skip(rest), map, depth)
        "}" <> rest -> {map, rest}
        _other -> throw(:no_json)
      end
    else
      _other -> throw(:no_json)
    end
  end

  defp object(_text, _map, _depth), do: throw(:no_json)

  @escapes %{
    ?n => ?\n,
    ?t => ?\t,
    ?r => ?\r,
    ?b => ?\b,
    ?f => ?\f,
    ?/ => ?/,
    ?\\ => ?\\,
    ?" => ?"
  }

  defp string(<<?", rest::binary>>, done),
    do: {done |> Enum.reverse() |> IO.iodata_to_binary(), rest}

  defp string(<<"\\u", digits::4-bytes, rest::binary>>, done) do
    case Integer.parse(digits, 16) do
      # Half of a pair: what it stands for is of no interest here.
      {code, ""} when code in 0xD800..0xDFFF -> string(rest, ["\uFFFD" | done])
      {code, ""} -> string(rest, [<<code::utf8>> | done])
      _other -> throw(:no_json)
    end
  end

  defp string(<<?\\, c, rest::binary>>, done) when is_map_key(@escapes, c),
    do: string(rest, [<<@escapes[c]>> | done])

  defp string(<<c::utf8, rest::binary>>, done) when c >= 0x20 and c != ?\\,
    do: string(rest, [<<c::utf8>> | done])

  defp string(_text, _done), do: throw(:no_json)

  defp number(text) do
    case Regex.run(~r/\A-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/, text) do
      [digits] -> {String.to_integer(digits), behind(text, digits)}
      [digits | _] when byte_size(digits) < 64 -> {float(digits), behind(text, digits)}
      _other -> throw(:no_json)
    end
  end

  defp float(digits) do
    case Float.parse(digits) do
      {float, ""} -> float
      _other -> throw(:no_json)
    end
  end

  defp behind(text, digits),
    do: binary_part(text, byte_size(digits), byte_size(text) - byte_size(digits))

  defp skip(<<c, rest::binary>>) when c in [?\s, ?\t, ?\n, ?\r], do: skip(rest)
  defp skip(text), do: text
end
