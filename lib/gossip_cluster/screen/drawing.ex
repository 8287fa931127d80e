defmodule GossipCluster.Screen.Drawing do
  @moduledoc false
  # A graph (GossipCluster.Screen.Graph) in Mermaid, in DOT and as an SVG. Pure. A solid line is a connection, a dashed one
  # is not; an arrow leads from who hears to who is heard, and a line with one at each end is heard both ways. Whatever
  # came from the network is escaped as each of the three has it.

  alias GossipCluster.Screen.{Graph, Text}

  @doc "For Mermaid, as GitHub shows it in a block of that name."
  @spec mermaid(Graph.t()) :: String.t()
  def mermaid(graph) do
    ids = ids(graph)

    nodes =
      for node <- graph.nodes do
        text = mermaid_text(title(node))
        "  #{ids[node.name]}[\"#{text}\"]#{if node.own, do: ":::own"}\n"
      end

    edges =
      for {{a, b}, ab, ba} <- Graph.pairs(graph) do
        label = mermaid_text(Graph.label(ab, ba))
        {from, line, to} = mermaid_line(ids[a], ids[b], ab, ba)
        "  #{from} #{line}#{if label != "", do: "|\"#{label}\"|"} #{to}\n"
      end

    IO.iodata_to_binary(["graph LR\n", nodes, edges, "  classDef own stroke-width:3px\n"])
  end

  # There is no arrow at the beginning alone: then the ends change places.
  defp mermaid_line(a, b, ab, ba) do
    line = if connected?(ab, ba), do: "--", else: "-.-"

    case {heard?(ab), heard?(ba)} do
      {true, true} -> {a, "<" <> line <> ">", b}
      {true, false} -> {a, line <> ">", b}
      {false, true} -> {b, line <> ">", a}
      {false, false} -> {a, if(line == "--", do: "---", else: line), b}
    end
  end

  # Entities, as Mermaid has them: a number between # and ;.
  defp mermaid_text(text) do
    for <<c::utf8 <- Text.clean(text)>>,
      into: "",
      do: if(c in ~c(#;"'`<>&|[]{}\(\)\\%), do: "##{c};", else: <<c::utf8>>)
  end

  @doc "For Graphviz."
  @spec dot(Graph.t()) :: String.t()
  def dot(graph) do
    ids = ids(graph)

    nodes =
      for node <- graph.nodes do
        width = if node.own, do: ", penwidth=3"
        "  #{ids[node.name]} [label=#{dot_text(title(node))}#{width}];\n"
      end

    edges =
      for {{a, b}, ab, ba} <- Graph.pairs(graph) do
        style = if connected?(ab, ba), do: "solid", else: "dashed"
        direction = direction(heard?(ab), heard?(ba))

        "  #{ids[a]} -> #{ids[b]} [label=#{dot_text(Graph.label(ab, ba))}, style=#{style}, dir=#{direction}];\n"
      end

    IO.iodata_to_binary(["digraph cluster {\n  node [shape=box];\n", nodes, edges, "}\n"])
  end

  defp direction(true, true), do: "both"
  defp direction(true, false), do: "forward"
  defp direction(false, true), do: "back"
  defp direction(false, false), do: "none"

  defp dot_text(text),
    do: [?", text |> Text.clean() |> String.replace(["\\", "\""], &"\\#{&1}"), ?"]

  defp ids(graph),
    do: graph.nodes |> Enum.with_index() |> Map.new(fn {node, n} -> {node.name, "n#{n}"} end)

  defp title(%{status: "alive"} = node), do: node.name
  defp title(node), do: "#{node.name} (#{node.status})"

  defp connected?(ab, ba), do: (ab != nil and ab.connected) or (ba != nil and ba.connected)
  defp heard?(edge), do: edge != nil and edge.heard

  ## SVG

  @colours """
  .gc { --paper: #ffffff; --ink: #1f2328; --dim: #59636e; --good: #116329; --warn: #7d4e00; --box: #f6f8fa }
  @media (prefers-color-scheme: dark) {
    .gc { --paper: #0d1117; --ink: #e6edf3; --dim: #9198a1; --good: #7ee787; --warn: #e3b341; --box: #161b22 }
  }
  .gc text { font: 13px system-ui, sans-serif; fill: var(--ink) }
  .gc .label { font-size: 11px; fill: var(--dim); paint-order: stroke; stroke: var(--paper); stroke-width: 4px }
  .gc .back { fill: var(--paper) }
  .gc .node { fill: var(--box); stroke: var(--good); stroke-width: 1.5px }
  .gc .own { stroke-width: 3px }
  .gc .unwell { stroke: var(--warn); stroke-dasharray: 3 2 }
  .gc line { stroke: var(--good); stroke-width: 1.5px }
  .gc .apart { stroke: var(--warn); stroke-dasharray: 6 4 }
  .gc marker path { fill: context-stroke }
  """

  # Beyond that an edge's label is not read any more.
  @labelled 45
  @height 28
  # Columns of a name; the whole of it is told when it is pointed at.
  @longest 36

  @doc "An SVG, in light and dark, whose texts are read by screen readers."
  @spec svg(Graph.t()) :: String.t()
  def svg(graph) do
    count = length(graph.nodes)
    widest = graph.nodes |> Enum.map(&box/1) |> Enum.max(fn -> 60 end)
    {across, down} = radii(count, widest)
    {width, height} = {2 * across + widest + 40, 2 * down + @height + 40}
    places = places(graph.nodes, {across, down}, {width / 2, height / 2})
    pairs = Graph.pairs(graph)

    said =
      "#{count} nodes, #{Enum.count(pairs, fn {_names, ab, ba} -> connected?(ab, ba) end)} connections"

    IO.iodata_to_binary([
      ~s(<svg xmlns="http://www.w3.org/2000/svg" class="gc" viewBox="0 0 #{round(width)} #{round(height)}" ),
      ~s(width="#{round(width)}" height="#{round(height)}" role="img" aria-label="The cluster: #{said}">\n),
      "<style>\n#{@colours}</style>\n",
      ~s(<defs><marker id="gc-heard" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" ),
      ~s(orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>\n),
      ~s(<rect class="back" width="100%" height="100%"/>\n),
      for({{a, b}, ab, ba} <- pairs, do: line(places[a], places[b], ab, ba)),
      if(length(pairs) <= @labelled,
        do: for({{a, b}, ab, ba} <- pairs, do: label(places[a], places[b], Graph.label(ab, ba))),
        else: []
      ),
      for(node <- graph.nodes, do: node(node, places[node.name])),
      "</svg>\n"
    ])
  end

  # An ellipse, since boxes are wide. Two that follow each other are apart by `2 sin(pi / count)` of it, times the sine of
  # their direction across and its cosine down: where the one is too little for them, the other is enough.
  defp radii(count, _widest) when count < 2, do: {0, 0}

  defp radii(count, widest) do
    step = 2 * :math.sin(:math.pi() / count)

    {max(round((1.2 * widest + 12) / step), round(widest * 0.8) + 80), max(round(60 / step), 120)}
  end

  # Around, the first at the top.
  defp places(nodes, {across, down}, {x, y}) do
    count = length(nodes)

    for {node, n} <- Enum.with_index(nodes), into: %{} do
      angle = 2 * :math.pi() * n / max(count, 1) - :math.pi() / 2
      {node.name, {x + across * :math.cos(angle), y + down * :math.sin(angle), box(node)}}
    end
  end

  # As wide as its text is, about.
  defp box(node), do: 24 + 8 * Text.width(shown(node))

  defp shown(node), do: node |> title() |> Text.clean() |> Text.cut(@longest)

  defp line({x1, y1, w1}, {x2, y2, w2}, ab, ba) do
    {sx, sy} = border({x1, y1, w1}, {x2, y2})
    {tx, ty} = border({x2, y2, w2}, {x1, y1})

    [
      ~s(<line x1="#{n(sx)}" y1="#{n(sy)}" x2="#{n(tx)}" y2="#{n(ty)}"),
      if(connected?(ab, ba), do: "", else: ~s( class="apart")),
      if(heard?(ab), do: ~s[ marker-end="url(#gc-heard)"], else: ""),
      if(heard?(ba), do: ~s[ marker-start="url(#gc-heard)"], else: ""),
      "/>\n"
    ]
  end

  # Where the way from the middle of a box to a point leaves it.
  defp border({x, y, width}, {to_x, to_y}) do
    {dx, dy} = {to_x - x, to_y - y}
    across = if dx == 0, do: 1.0e9, else: (width / 2 + 2) / abs(dx)
    along = if dy == 0, do: 1.0e9, else: (@height / 2 + 2) / abs(dy)
    part = min(across, along)
    {x + dx * part, y + dy * part}
  end

  defp label(_one, _other, ""), do: []

  # A third of the way: in the middle they would lie upon each other.
  defp label({x1, y1, _w1}, {x2, y2, _w2}, text) do
    {x, y} = {x1 + (x2 - x1) * 0.42, y1 + (y2 - y1) * 0.42}

    ~s(<text class="label" x="#{n(x)}" y="#{n(y + 4)}" text-anchor="middle">#{escape(text)}</text>\n)
  end

  defp node(node, {x, y, width}) do
    class =
      Enum.join(
        ["node"] ++
          if(node.own, do: ["own"], else: []) ++
          if(node.status == "alive", do: [], else: ["unwell"]),
        " "
      )

    [
      ~s(<rect class="#{class}" x="#{n(x - width / 2)}" y="#{n(y - @height / 2)}" ),
      ~s(width="#{n(width)}" height="#{@height}" rx="6"/>),
      ~s(<text x="#{n(x)}" y="#{n(y + 4.5)}" text-anchor="middle">#{escape(shown(node))}<title>#{escape(title(node))}</title></text>\n)
    ]
  end

  defp n(number), do: :erlang.float_to_binary(number / 1, decimals: 1)

  @doc """
  A text as it stands in HTML and in SVG, between tags or in quotes.

      iex> GossipCluster.Screen.Drawing.escape("<b title='\\"'>&\\e")
      "&lt;b title=&#39;&quot;&#39;&gt;&amp;\\uFFFD"
  """
  @spec escape(binary()) :: String.t()
  def escape(text) do
    for <<c::utf8 <- Text.clean(text)>>, into: "", do: entity(c)
  end

  defp entity(?<), do: "&lt;"
  defp entity(?>), do: "&gt;"
  defp entity(?&), do: "&amp;"
  defp entity(?"), do: "&quot;"
  defp entity(?'), do: "&#39;"
  defp entity(c), do: <<c::utf8>>
end
