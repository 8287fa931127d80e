defmodule Mix.Tasks.Gossip.Install.Source do
  @moduledoc false
  # Changes of Elixir source as text: a child at the head of a supervisor's list, a block at the end of a configuration.
  # All else stays as its author has laid it out. What is changed is parsed again, and must be what it was and the new
  # piece. Pure.

  @typedoc "The new text; `:present`, where there is nothing to do; or why it cannot be done."
  @type result :: {:ok, String.t()} | :present | {:error, String.t()}

  @doc """
  Puts `child` first into the list of children that `module`, an Application, starts: `children = [...]` or
  `Supervisor.start_link([...], ...)` in its `start/2`, once, and written as a list.
  """
  @spec add_child(String.t(), module(), String.t()) :: result()
  def add_child(text, module, child) do
    with {:ok, ast} <- parse(text),
         false <- names_us?(ast),
         [{meta, list}] <- lists(ast, module),
         {:ok, new} <- insert(text, meta, list, child),
         true <- same_but_for?(text, new, child) do
      {:ok, new}
    else
      true -> :present
      {:error, why} -> {:error, why}
      [] -> {:error, "its start/2 has no `children = [...]`"}
      [_ | _] -> {:error, "its start/2 has more than one `children = [...]`"}
      _other -> {:error, "its list of children is laid out in a way that is not known here"}
    end
  end

  @doc "Puts `block` at the end of a configuration; `nil` is a file that is not there."
  @spec add_config(String.t() | nil, String.t()) :: {:ok, String.t()} | {:error, String.t()}
  def add_config(nil, block), do: {:ok, "import Config\n\n" <> block}

  def add_config(text, block) do
    new = String.trim_trailing(text) <> "\n\n" <> block

    with {:ok, ast} <- parse(text),
         true <- Enum.any?(nodes(ast), &match?({:import, _, [{:__aliases__, _, [:Config]}]}, &1)),
         true <- statements(new) == statements(text) ++ statements(block) do
      {:ok, new}
    else
      {:error, why} -> {:error, why}
      false -> {:error, "it has no `import Config`"}
    end
  end

  @doc "The arguments of each `config` in a text, without positions; none, where it is no Elixir, or not there."
  @spec configs(String.t() | nil) :: [[Macro.t()]]
  def configs(text), do: calls(text, :config)

  @doc "The arguments of each `import_config`, as text."
  @spec imported(String.t() | nil) :: [String.t()]
  def imported(text),
    do: for([file | _] <- calls(text, :import_config), do: Macro.to_string(file))

  defp calls(nil, _name), do: []

  defp calls(text, name) do
    for {^name, _, [_ | _] = arguments} <- nodes(statements(text)), do: arguments
  end

  defp parse(text) do
    keep = [
      columns: true,
      token_metadata: true,
      literal_encoder: &{:ok, {:__block__, &2, [&1]}},
      emit_warnings: false
    ]

    case Code.string_to_quoted(text, keep) do
      {:ok, ast} -> {:ok, ast}
      {:error, _where} -> {:error, "it does not parse"}
    end
  end

  defp nodes(ast), do: Enum.to_list(Macro.prewalker(ast))

  defp names_us?(ast), do: Enum.any?(nodes(ast), &match?({:__aliases__, _, [:GossipCluster]}, &1))

  defp lists(ast, module) do
    starts =
      for {:defmodule, _, [{:__aliases__, _, parts} | body]} <- nodes(ast),
          Enum.all?(parts, &is_atom/1) and Module.concat(parts) == module,
          {:def, _, [{:start, _, [_, _]} | body]} <- nodes(body),
          node <- nodes(body),
          do: node

    assigned =
      for {:=, _, [{:children, _, context}, {:__block__, meta, [list]}]} <- starts,
          is_atom(context) and is_list(list),
          do: {meta, list}

    given =
      for {{:., _, [{:__aliases__, _, [:Supervisor]}, :start_link]}, _,
           [{:__block__, meta, [list]} | _]} <- starts,
          is_list(list),
          do: {meta, list}

    if assigned == [], do: given, else: assigned
  end

  defp insert(text, meta, list, child) do
    {before, [line | rest]} = text |> String.split("\n") |> Enum.split(meta[:line] - 1)
    {head, tail} = line |> String.to_charlist() |> Enum.split(meta[:column])
    closing = meta[:closing]

    cond do
      closing[:line] == meta[:line] ->
        {inner, [?] | tail]} = Enum.split(tail, closing[:column] - meta[:column] - 1)
        new = one_a_line(child, to_string(inner), indentation(line))
        opening = head |> Enum.drop(-1) |> to_string()
        {:ok, Enum.join(before ++ ["#{opening}#{new}#{tail}" | rest], "\n")}

      String.trim(to_string(tail)) =~ ~r/^(#.*)?$/ ->
        comma = if list == [], do: "", else: ","
        return = if String.ends_with?(line, "\r"), do: "\r", else: ""
        new = inner_indentation(line, rest) <> child <> comma <> return
        {:ok, Enum.join(before ++ [line, new | rest], "\n")}

      true ->
        :unknown
    end
  end

  # As mix format lays it out.
  defp one_a_line(child, inner, indentation) do
    others = if String.trim(inner) == "", do: "", else: ",\n" <> inner

    "[\n#{child}#{others}\n]"
    |> Code.format_string!(line_length: 98 - String.length(indentation))
    |> to_string()
    |> String.replace("\n", "\n" <> indentation)
  end

  defp inner_indentation(line, [next | _]) do
    if String.trim(next) =~ ~r/^(\]|$)/, do: indentation(line) <> "  ", else: indentation(next)
  end

  defp indentation(line), do: hd(Regex.run(~r/^[ \t]*/, line))

  defp same_but_for?(old, new, child) do
    [piece] = statements(child)

    without =
      Macro.prewalk(statements(new), fn
        list when is_list(list) -> List.delete(list, piece)
        other -> other
      end)

    statements(new) != statements(old) and without == statements(old)
  end

  # What a text says, wherever it stands in it.
  defp statements(text) do
    case Code.string_to_quoted(text, emit_warnings: false) do
      {:ok, {:__block__, _, statements}} -> bare(statements)
      {:ok, statement} -> bare([statement])
      {:error, _where} -> []
    end
  end

  defp bare(statements), do: Macro.prewalk(statements, &Macro.update_meta(&1, fn _ -> [] end))
end
