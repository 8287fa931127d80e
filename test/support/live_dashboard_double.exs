# Phoenix.LiveDashboard.PageBuilder, as a page of 0.8 meets it: `use`, its callbacks, `~H` and `live_table/1`. Not compiled
# with the library, which is built without LiveDashboard; a test requires it (GossipCluster.LiveDashboardPageTest).
#
# `~H` here knows what a page of ours may write: elements, `:if`, `:for`, `{}` around the value of an attribute, `<%= %>`,
# and components with slots without content. Anything else is an error. Each text that comes in by an expression is
# escaped, as Phoenix does it.

defmodule Phoenix.LiveView do
  @doc "Whether the page is the live one."
  def connected?(%{live: live}), do: live
end

defmodule Phoenix.Component do
  @doc "Puts assigns into the socket."
  def assign(%{assigns: assigns} = socket, changes),
    do: %{socket | assigns: Enum.into(changes, assigns)}

  @doc "A template."
  defmacro sigil_H({:<<>>, _, [text]}, []) do
    {nodes, ""} = nodes(String.trim(text), [])
    code(nodes)
  end

  # What a template holds: texts, expressions and elements.
  defp nodes("</" <> _ = rest, found), do: {Enum.reverse(found), rest}
  defp nodes("", found), do: {Enum.reverse(found), ""}

  defp nodes("<%=" <> rest, found) do
    [expression, rest] = String.split(rest, "%>", parts: 2)
    nodes(rest, [{:expression, expression} | found])
  end

  defp nodes("<" <> rest, found) do
    [name] = Regex.run(~r/^[.:]?[a-z][\w-]*/, rest)
    {attributes, rest} = attributes(skip(rest, name), [])

    {children, rest} =
      case rest do
        "/>" <> rest ->
          {[], rest}

        ">" <> rest ->
          {children, rest} = nodes(rest, [])
          {children, skip(rest, "</#{name}>")}
      end

    nodes(rest, [{:element, name, attributes, children} | found])
  end

  defp nodes(text, found) do
    [plain] = Regex.run(~r/^[^<]+/, text)
    nodes(skip(text, plain), [{:text, plain} | found])
  end

  defp skip(text, start) do
    true = String.starts_with?(text, start)
    binary_part(text, byte_size(start), byte_size(text) - byte_size(start))
  end

  defp attributes(text, found) do
    text = String.trim_leading(text)

    case Regex.run(~r/^(:?[\w-]+)=(?:"([^"{]*)"|(?=\{))/, text) do
      nil ->
        {Enum.reverse(found), text}

      [all, name, value] ->
        attributes(skip(text, all), [{name, value} | found])

      [all, name] ->
        {expression, rest} = braces(skip(text, all), 0, "")
        attributes(rest, [{name, {:expression, expression}} | found])
    end
  end

  # What stands between a brace and the one that closes it.
  defp braces("{" <> rest, 0, ""), do: braces(rest, 1, "")
  defp braces("}" <> rest, 1, found), do: {found, rest}
  defp braces("{" <> rest, depth, found), do: braces(rest, depth + 1, found <> "{")
  defp braces("}" <> rest, depth, found), do: braces(rest, depth - 1, found <> "}")

  defp braces(<<c::utf8, rest::binary>>, depth, found),
    do: braces(rest, depth, found <> <<c::utf8>>)

  defp code(nodes) when is_list(nodes), do: Enum.map(nodes, &code/1)
  defp code({:text, text}), do: text
  defp code({:expression, text}), do: quote(do: Phoenix.Component.escape(unquote(elixir(text))))

  defp code({:element, name, attributes, children}) do
    case Map.pop(Map.new(attributes), ":if") do
      {{:expression, condition}, rest} ->
        quote do
          if unquote(elixir(condition)),
            do: unquote(code({:element, name, Map.to_list(rest), children})),
            else: []
        end

      {nil, attributes} ->
        looped(name, attributes, children)
    end
  end

  defp looped(name, %{":for" => {:expression, loop}} = attributes, children) do
    {:<-, _, [pattern, list]} = elixir(loop)

    quote do
      for unquote(pattern) <- unquote(list),
          do: unquote(element(name, Map.delete(attributes, ":for"), children))
    end
  end

  defp looped(name, attributes, children), do: element(name, attributes, children)

  defp element("." <> component, attributes, children) do
    slots =
      for {:element, ":" <> slot, attributes, []} <- children,
          do: {String.to_atom(slot), {:%{}, [], values(attributes)}}

    texts = for {:text, text} <- children, do: String.trim(text)
    true = Enum.all?(texts, &(&1 == "")) and length(slots) + length(texts) == length(children)

    slots =
      for {slot, of_slot} <- Enum.group_by(slots, &elem(&1, 0), &elem(&1, 1)),
          do: {slot, of_slot}

    {String.to_atom(component), [], [{:%{}, [], values(attributes) ++ slots}]}
  end

  defp element(name, attributes, children) do
    attributes =
      for {key, value} <- values(attributes) do
        quote do
          [
            unquote(" #{key}=\""),
            Phoenix.Component.escape(unquote(value)),
            "\""
          ]
        end
      end

    ["<#{name}", attributes, ">", code(children), "</#{name}>"]
  end

  defp values(attributes) do
    for {name, value} <- attributes do
      case value do
        {:expression, text} -> {String.to_atom(name), elixir(text)}
        text -> {String.to_atom(name), text}
      end
    end
  end

  # `@name` is an assign, and one that there must be.
  defp elixir(text) do
    text
    |> Code.string_to_quoted!()
    |> Macro.prewalk(fn
      {:@, _, [{name, _, nil}]} ->
        quote(do: Map.fetch!(unquote({:assigns, [], nil}), unquote(name)))

      other ->
        other
    end)
  end

  @doc "As Phoenix escapes a text; nothing but a text may come."
  def escape(text) when is_binary(text) do
    for <<c::utf8 <- text>>, into: "" do
      case c do
        ?< -> "&lt;"
        ?> -> "&gt;"
        ?& -> "&amp;"
        ?" -> "&quot;"
        ?' -> "&#39;"
        _ -> <<c::utf8>>
      end
    end
  end
end

defmodule Phoenix.LiveDashboard.PageBuilder do
  @callback init(term()) :: {:ok, term()} | {:ok, term(), keyword(atom())}
  @callback menu_link(term(), map()) ::
              {:ok, String.t()}
              | {:disabled, String.t()}
              | {:disabled, String.t(), String.t()}
              | :skip
  @callback mount(map(), term(), term()) :: {:ok, term()} | {:ok, term(), keyword()}
  @callback render(map()) :: term()
  @callback handle_params(map(), String.t(), term()) :: {:noreply, term()}
  @callback handle_event(binary(), map(), term()) :: {:noreply, term()} | {:reply, map(), term()}
  @callback handle_info(term(), term()) :: {:noreply, term()}
  @callback handle_refresh(term()) :: {:noreply, term()}
  @optional_callbacks mount: 3,
                      handle_params: 3,
                      handle_event: 3,
                      handle_info: 2,
                      handle_refresh: 1

  defstruct info: nil,
            module: nil,
            node: nil,
            params: nil,
            route: nil,
            tick: 0,
            allow_destructive_actions: false

  defmacro __using__(options) do
    quote bind_quoted: [options: options] do
      import Phoenix.LiveView
      import Phoenix.Component
      import Phoenix.LiveDashboard.PageBuilder
      @behaviour Phoenix.LiveDashboard.PageBuilder
      @refresher Keyword.get(options, :refresher?, true)
      def __page_live__(:refresher?), do: @refresher
      def init(options), do: {:ok, options}
      defoverridable init: 1
    end
  end

  @required [:id, :page, :row_fetcher, :title, :col]
  @optional [:rows_name, :row_attrs, :default_sort_by, :limit, :search, :hint, :dom_id]

  @doc "The table: asks for its rows as its page's parameters say, and shows a text for each column."
  def live_table(given) do
    [] = @required -- Map.keys(given)
    [] = Map.keys(given) -- (@required ++ @optional)
    %{page: %__MODULE__{node: node, params: params}, col: columns, row_fetcher: fetcher} = given
    [] = Enum.uniq(Enum.flat_map(columns, &Map.keys/1)) -- columns_may()
    fields = for %{field: field} when is_atom(field) and field != nil <- columns, do: field
    true = length(fields) == length(columns)
    for column <- columns, do: true = column[:text_align] in [nil, "left", "center", "right"]
    sortable = for %{sortable: direction, field: field} <- columns, do: {field, direction}
    [{first, _} | _] = sortable
    true = Enum.all?(sortable, fn {_field, direction} -> direction in [:asc, :desc] end)

    # What is not among these is not taken from the address.
    sort_by = Enum.find(Keyword.keys(sortable), first, &(to_string(&1) == params["sort_by"]))
    sort_dir = Enum.find([:asc, :desc], sortable[sort_by], &(to_string(&1) == params["sort_dir"]))
    limit = Enum.find([50, 100, 500, 1000, 5000], 50, &(to_string(&1) == params["limit"]))
    search = if params["search"] == "", do: nil, else: params["search"]

    {rows, total} =
      fetcher.(%{sort_by: sort_by, sort_dir: sort_dir, limit: limit, search: search}, node)

    true = is_list(rows) and (is_integer(total) or is_binary(total))

    [
      "<table id=\"#{given[:dom_id]}\" data-total=\"#{total}\">",
      for row <- rows do
        cells =
          for field <- fields,
              do: ["<td>", Phoenix.Component.escape(to_string(row[field])), "</td>"]

        ["<tr>", cells, "</tr>"]
      end,
      "</table>"
    ]
  end

  defp columns_may, do: [:field, :sortable, :header, :text_align]
end
