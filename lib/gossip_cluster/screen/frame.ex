defmodule GossipCluster.Screen.Frame do
  @moduledoc false
  # A picture of a cluster as lines of a terminal: a headline, what is wrong with this node, the table, what has happened
  # lately. Pure. Every line fits the width, and the whole the height, where there is one.

  alias GossipCluster.Screen.{Layout, Rows, Text}

  @colours %{
    plain: nil,
    good: "\e[32m",
    warn: "\e[33m",
    bad: "\e[31m",
    dim: "\e[2m",
    title: "\e[1m"
  }
  @reset "\e[0m"

  @events 5

  @type style :: %{
          required(:width) => pos_integer(),
          required(:height) => pos_integer() | nil,
          required(:colour) => boolean(),
          optional(:order) => Rows.order(),
          optional(:help) => String.t()
        }

  @doc "The lines, without line ends. `events`: `{time, text}`, the newest first."
  @spec lines(map(), [{String.t(), String.t()}], style()) :: [iodata()]
  def lines(picture, events, style) do
    head = [headline(picture, style) | problems(picture, style)]
    foot = foot(events, style)
    rows = Rows.rows(picture, Map.get(style, :order, :name))
    # The titles, and an empty line above and below.
    room = if style.height, do: max(style.height - length(head) - length(foot) - 2, 1)
    head ++ [""] ++ table(rows, room, style) ++ foot
  end

  defp headline(%{status: status} = picture, style) do
    parts = [
      Text.clean(Atom.to_string(status.node)),
      if(picture.name != picture.api or status.cluster != "",
        do: cluster(picture.name, status.cluster)
      ),
      "health #{status.health}",
      "#{status.peers} #{if status.peers == 1, do: "peer", else: "peers"}, #{status.connected} connected",
      version(status.sidecar)
    ]

    text = parts |> Enum.reject(&(&1 == nil)) |> Enum.join(" · ")
    line(text, style, if(status.health == :ok, do: :title, else: :bad))
  end

  defp cluster(name, ""), do: "cluster #{inspect(name)}"
  defp cluster(name, label), do: "cluster #{inspect(name)} (#{Text.clean(label)})"

  defp version(%{state: :running, version: version}), do: "gossipd #{version}"
  defp version(%{state: state}), do: "gossipd is #{state}"

  defp problems(%{status: status}, style) do
    for {nil, _cause, text} <- status.problems, do: line("! " <> Rows.one_line(text), style, :bad)
  end

  defp table([], _room, style), do: [line("(no peers)", style, :dim)]

  defp table(rows, room, style) do
    columns = Layout.fit(rows, style.width)

    {shown, more} =
      if room == nil or length(rows) <= room,
        do: {rows, []},
        else: {Enum.take(rows, max(room - 1, 0)), [more(length(rows) - max(room - 1, 0), style)]}

    [titles(columns, style) | Enum.map(shown, &row(&1, columns, style))] ++ more
  end

  defp more(count, style), do: line("… and #{count} more", style, :dim)

  defp titles(columns, style) do
    columns
    |> Enum.map(fn {_key, title, side, width} ->
      paint(Text.fit(title, width, side), :title, style)
    end)
    |> joined()
  end

  defp row(row, columns, style) do
    columns
    |> Enum.map(fn {key, _title, side, width} ->
      {text, kind} = Map.fetch!(row, key)
      paint(Text.fit(text, width, side), kind, style)
    end)
    |> joined()
  end

  defp joined(cells), do: Enum.intersperse(cells, String.duplicate(" ", Layout.gap()))

  defp foot(events, style) do
    shown = events |> Enum.take(@events) |> Enum.reverse()
    lines = for {time, text} <- shown, do: line("#{time}  #{Rows.one_line(text)}", style, :plain)
    help = style[:help]
    lines = if help, do: lines ++ [line(help, style, :dim)], else: lines
    if lines == [], do: [], else: ["" | lines]
  end

  defp line(text, style, kind), do: text |> Text.cut(style.width) |> paint(kind, style)

  defp paint(text, kind, style) do
    case @colours[kind] do
      code when code == nil or not style.colour -> text
      code -> [code, text, @reset]
    end
  end
end
