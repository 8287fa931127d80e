defmodule GossipCluster.Screen.Html do
  @moduledoc false
  # The report: one page that asks nobody for anything, to be attached to a report of a bug. Pure. Whatever came from the
  # network is escaped; there is no script, and a policy in the page forbids any, and all requests.

  alias GossipCluster.Screen.{Drawing, Layout, Rows}

  @style """
  :root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --dim: #59636e; --line: #d1d9e0; --box: #f6f8fa;
    --good: #116329; --warn: #7d4e00; --bad: #b3141d }
  @media (prefers-color-scheme: dark) {
    :root { --paper: #0d1117; --ink: #e6edf3; --dim: #9198a1; --line: #3d444d; --box: #161b22; --good: #7ee787;
      --warn: #e3b341; --bad: #ff9492 }
  }
  * { box-sizing: border-box }
  body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
  main { max-width: 1400px; margin: 0 auto; padding: 1.5rem 1rem 3rem }
  h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere }
  h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
  .dim { color: var(--dim) } .good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad) }
  .wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px }
  .wide:focus-visible { outline: 2px solid var(--ink) }
  table { border-collapse: collapse; width: 100%; font-size: 14px }
  th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap;
    vertical-align: top }
  tbody tr:last-child > * { border-bottom: 0 }
  thead th { background: var(--box) }
  td.right, th.right { text-align: right; font-variant-numeric: tabular-nums }
  td.connection { white-space: normal; min-width: 14rem }
  tbody th { font-weight: 600 }
  dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .15rem 1rem; margin: 0 }
  dt { color: var(--dim) } dd { margin: 0; overflow-wrap: anywhere }
  .graph { padding: .5rem } .graph svg { display: block; max-width: 100%; min-width: 40rem; height: auto; margin: 0 auto }
  ol { margin: 0; padding: 0; list-style: none } li { overflow-wrap: anywhere } time { color: var(--dim) }
  ul.problems { padding-left: 1.2rem; margin: .5rem 0 }
  """

  @right [:heard, :round_trip, :loss]

  @doc """
  The page. `events`: `{milliseconds since 1970, text}`, the oldest first; `more`: sections of `{title, [{name, value}]}`
  with what else there is to say.
  """
  @spec page(map(), map(), [{integer(), String.t()}], [{String.t(), [{String.t(), String.t()}]}]) ::
          String.t()
  def page(%{status: status} = picture, graph, events, more) do
    node = text(Atom.to_string(status.node))

    IO.iodata_to_binary([
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
      "<title>GossipCluster: #{node}</title>\n<style>\n#{@style}</style>\n</head>\n<body>\n<main>\n",
      "<h1>#{node}</h1>\n<p class=\"dim\">A report of GossipCluster, ",
      text(picture.at |> DateTime.truncate(:second) |> DateTime.to_string()),
      ". It has names and addresses of this cluster, and no secret.</p>\n",
      health(status),
      section("Peers", peers(picture)),
      section("Who hears whom", [
        "<p class=\"dim\">A solid line is a connection, a dashed one is not. An arrow leads from who hears to who is " <>
          "heard; what nobody was asked about is not there.</p>\n",
        wide("Graph of the cluster", ["<div class=\"graph\">", Drawing.svg(graph), "</div>"])
      ]),
      section("What has happened", timeline(events)),
      for({title, pairs} <- more, do: section(title, definitions(pairs))),
      "</main>\n</body>\n</html>\n"
    ])
  end

  defp section(title, content),
    do: ["<section>\n<h2>#{text(title)}</h2>\n", content, "</section>\n"]

  # It scrolls by itself, with the keyboard, too.
  defp wide(label, content),
    do: [
      "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"#{text(label)}\">",
      content,
      "</div>\n"
    ]

  defp health(status) do
    kind = if status.health == :ok, do: "good", else: "bad"

    problems =
      for {nil, _cause, words} <- status.problems, do: "<li class=\"bad\">#{text(words)}</li>\n"

    [
      "<p>Health: <strong class=\"#{kind}\">#{text(Atom.to_string(status.health))}</strong>. ",
      "#{status.peers} #{if status.peers == 1, do: "peer", else: "peers"}, #{status.connected} connected.</p>\n",
      if(problems == [], do: "", else: ["<ul class=\"problems\">\n", problems, "</ul>\n"])
    ]
  end

  defp peers(%{peers: []}), do: "<p>None.</p>\n"

  defp peers(picture) do
    head =
      for {key, title} <- Layout.columns(),
          do: "<th scope=\"col\"#{right(key)}>#{title |> String.capitalize() |> text()}</th>"

    rows =
      for row <- Rows.rows(picture, :state),
          do: ["<tr>", for({key, _title} <- Layout.columns(), do: cell(key, row[key])), "</tr>\n"]

    wide("Peers", [
      "<table>\n<thead><tr>",
      head,
      "</tr></thead>\n<tbody>\n",
      rows,
      "</tbody>\n</table>"
    ])
  end

  defp cell(:name, {words, _kind}), do: "<th scope=\"row\">#{text(words)}</th>"

  defp cell(key, {words, kind}) do
    inside =
      if kind == :plain or words == "",
        do: text(words),
        else: "<span class=\"#{kind}\">#{text(words)}</span>"

    class = if key == :connection, do: " class=\"connection\"", else: right(key)
    "<td#{class}>#{inside}</td>"
  end

  defp right(key) when key in @right, do: " class=\"right\""
  defp right(_key), do: ""

  defp timeline([]), do: "<p>Nothing, since this cluster was started.</p>\n"

  defp timeline(events) do
    items =
      for {at, words} <- events do
        time = at |> DateTime.from_unix!(:millisecond) |> DateTime.to_iso8601()
        "<li><time datetime=\"#{time}\">#{time}</time> #{text(Rows.one_line(words))}</li>\n"
      end

    ["<ol>\n", items, "</ol>\n"]
  end

  defp definitions(pairs) do
    [
      "<dl>\n",
      for({name, value} <- pairs, do: "<dt>#{text(name)}</dt><dd>#{text(value)}</dd>\n"),
      "</dl>\n"
    ]
  end

  defp text(words), do: Drawing.escape(words)
end
