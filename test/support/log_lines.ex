defmodule GossipCluster.LogLines do
  @moduledoc "What the code can write to the log: for tests that hold the documents to it."

  @root Path.expand("../..", __DIR__)
  # What only refuses the caller's arguments: such a message explains itself.
  @refusals ~w(application compat doctor options secret)
  # What is shown to who asks, and never logged; the doctor's texts have their own table.
  @shown ~w(doctor live_dashboard_page screen)

  @doc "Whether a line may be one that the code can write; where it ends with `...`, its beginning."
  @spec writable?(String.t()) :: boolean()
  def writable?(line) do
    texts = :persistent_term.get(__MODULE__, nil) || remember()
    Enum.any?(texts, &shows?(line, &1))
  end

  defp remember do
    texts = for text <- elixir() ++ c(), text =~ ~r/[a-zA-Z]{4}/, do: text
    :persistent_term.put(__MODULE__, texts)
    texts
  end

  defp shows?(line, text) do
    pattern = text |> String.split("\0") |> Enum.map_join(".+", &Regex.escape/1)

    case String.split(line, "...") do
      [line] -> line =~ ~r/^#{pattern}$/
      [beginning, ""] -> begins?(beginning, String.split(text, "\0"), 0)
      _several -> false
    end
  end

  # The constant parts in turn, of which some must have been seen; what is between them varies.
  defp begins?(line, [part | parts], seen) do
    cond do
      String.starts_with?(part, line) -> seen + byte_size(line) >= 12
      String.starts_with?(line, part) -> varies?(line, part, parts, seen + byte_size(part))
      true -> false
    end
  end

  defp varies?(_line, _part, [], _seen), do: false

  defp varies?(line, part, [next | _] = parts, seen) do
    rest = binary_part(line, byte_size(part), byte_size(line) - byte_size(part))

    case next != "" and :binary.match(rest, next) do
      {at, _length} when at > 0 ->
        begins?(binary_part(rest, at, byte_size(rest) - at), parts, seen)

      # It ends within what varies, or within the next part.
      _none ->
        seen >= 12
    end
  end

  @doc "White space of any kind as one space."
  @spec squeeze(String.t()) :: String.t()
  def squeeze(text), do: String.replace(text, ~r/\s+/, " ")

  @doc "Of the Elixir side. A zero byte stands for what varies, and for a backquote, which Markdown cannot quote."
  @spec elixir() :: [String.t()]
  def elixir do
    for path <- Path.wildcard(Path.join(@root, "lib/gossip_cluster/**/*.ex")),
        Path.basename(path, ".ex") not in (@refusals ++ @shown),
        Path.basename(Path.dirname(path)) not in @shown,
        text <- strings(Code.string_to_quoted!(File.read!(path))),
        do: text |> String.replace("`", "\0") |> squeeze()
  end

  defp strings(ast) do
    {_ast, found} =
      Macro.prewalk(ast, [], fn
        {skipped, _, _}, found when skipped in [:@, :sigil_r, :raise] -> {nil, found}
        {:<>, _, [left, right]}, found -> {nil, [join(left) <> join(right) | found]}
        {:<<>>, _, _} = text, found -> {nil, [join(text) | found]}
        text, found when is_binary(text) -> {nil, [text | found]}
        other, found -> {other, found}
      end)

    found
  end

  defp join({:<>, _, [left, right]}), do: join(left) <> join(right)
  defp join({:<<>>, _, parts}), do: Enum.map_join(parts, &join/1)
  defp join(text) when is_binary(text), do: text
  defp join(_varies), do: "\0"

  @doc """
  Of the sidecar, in the same form. The contract's own refusals (`term*.c`) are explained as one: they mean that the two
  halves do not fit.
  """
  @spec c() :: [String.t()]
  def c do
    for path <- Path.wildcard(Path.join(@root, "priv_src/**/*.c")),
        not String.starts_with?(Path.basename(path), "term"),
        [_, arguments] <-
          Regex.scan(
            ~r/\b(?:log_line|fault_set)\(([^;]*?"(?:[^"\\]|\\.)*")/s,
            next_to(path)
          ) do
      [text] = Regex.run(~r/"((?:[^"\\]|\\.)*)"$/s, arguments, capture: :all_but_first)
      text |> String.replace(~r/%[-.\d]*[a-z]+|`/, "\0") |> squeeze()
    end
  end

  @doc "Every literal of the sidecar's sources."
  @spec literals_of_c() :: [String.t()]
  def literals_of_c do
    for path <- Path.wildcard(Path.join(@root, "priv_src/**/*.c")),
        [text] <- Regex.scan(~r/"(?:[^"\\\n]|\\.)*"/, next_to(path)),
        do: squeeze(text)
  end

  # Neighbouring literals are one, as for the compiler.
  defp next_to(path), do: path |> File.read!() |> String.replace(~r/"\s*\n\s*"/, "")
end
