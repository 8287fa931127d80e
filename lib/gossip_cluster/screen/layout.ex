defmodule GossipCluster.Screen.Layout do
  @moduledoc false
  # Which columns a table has in a width, and how wide each is. Pure. Columns that give way are first cut, as far as
  # they still tell something; then the least important one goes. The name, and how it is connected, never go.

  alias GossipCluster.Screen.{Rows, Text}

  @gap 2

  # In their order; with the title, the side, the least width (nil: it is not cut) and how important it is.
  @columns [
    {:name, "NAME", :left, 8, 10},
    {:address, "ADDRESS", :left, nil, 5},
    {:interface, "LINK", :left, nil, 3},
    {:path, "PATH", :left, nil, 2},
    {:state, "STATE", :left, nil, 8},
    {:heard, "HEARD", :right, nil, 7},
    {:round_trip, "ROUND TRIP", :right, nil, 6},
    {:loss, "LOSS", :right, nil, 4},
    {:connection, "CONNECTION", :left, 10, 9},
    {:version, "VERSION", :left, nil, 1}
  ]

  @type column :: {Rows.column(), title :: String.t(), :left | :right, width :: pos_integer()}

  @doc "All columns there can be, with their titles."
  @spec columns() :: [{Rows.column(), String.t()}]
  def columns, do: for({key, title, _side, _least, _weight} <- @columns, do: {key, title})

  @doc "The columns for so wide a terminal. A column that would be empty is left out."
  @spec fit([Rows.row()], pos_integer()) :: [column()]
  def fit(rows, width) do
    @columns
    |> Enum.map(fn {key, title, side, least, weight} ->
      cells = Enum.map(rows, fn row -> row |> Map.fetch!(key) |> elem(0) |> Text.width() end)
      widest = Enum.max(cells, fn -> 0 end)
      {key, title, side, least, weight, widest}
    end)
    |> Enum.filter(fn {key, _title, _side, _least, _weight, widest} ->
      widest > 0 or key == :name or key == :connection
    end)
    |> Enum.map(fn {key, title, side, least, weight, widest} ->
      {key, title, side, least, weight, max(widest, Text.width(title))}
    end)
    |> choose(width)
  end

  defp choose(columns, width) do
    over = total(columns) - width
    cut = columns |> Enum.map(&slack/1) |> Enum.sum()

    cond do
      over <= 0 -> Enum.map(columns, &done/1)
      over <= cut -> columns |> cut(over) |> Enum.map(&done/1)
      length(columns) > 2 -> columns |> List.delete(least_important(columns)) |> choose(width)
      true -> columns |> narrow(width) |> Enum.map(&done/1)
    end
  end

  defp total(columns),
    do: Enum.sum(Enum.map(columns, &elem(&1, 5))) + @gap * (length(columns) - 1)

  defp slack({_key, _title, _side, nil, _weight, _width}), do: 0
  defp slack({_key, _title, _side, least, _weight, width}), do: max(width - least, 0)

  # The last gives way first: reasons are longer than names, and their beginning tells most.
  defp cut(columns, over) do
    {columns, _left} =
      columns
      |> Enum.reverse()
      |> Enum.map_reduce(over, fn column, over ->
        by = min(slack(column), over)
        {put_elem(column, 5, elem(column, 5) - by), over - by}
      end)

    Enum.reverse(columns)
  end

  defp least_important(columns), do: Enum.min_by(columns, &elem(&1, 4))

  # Narrower than anything is of use in.
  defp narrow(columns, width) do
    each = max(div(width - @gap, 2), 1)
    Enum.map(columns, &put_elem(&1, 5, each))
  end

  defp done({key, title, side, _least, _weight, width}), do: {key, title, side, width}

  @doc "Columns between two columns."
  @spec gap() :: 2
  def gap, do: @gap
end
