defmodule GossipCluster.LineLimit do
  @moduledoc false
  # How many lines about peers the log gets. A member that says ever new names, by mistake or on purpose, would fill it:
  # so of each kind of line (found, lost, cannot connect ...) @burst are written at once, and one each @every. Beyond
  # that a line a minute tells how many were held back, and the last of them, until a minute has brought no more of them
  # than would have been written. Pure; times are milliseconds.

  @burst 128
  @every 1_000
  @minute 60_000

  # kind => how many may be written now, reckoned when; and what is held back: since when, how many, the level and text
  # of the last.
  defstruct kinds: %{}

  @type kind ::
          :up
          | :down
          | :update
          | :conflict
          | :problem
          | :quiet
          | :legacy_up
          | :legacy_down
          | :legacy_problem
  @type t :: %__MODULE__{kinds: %{kind() => map()}}

  @doc "Whether this line is written now; if not, it is held back."
  @spec line(t(), kind(), Logger.level(), String.t(), integer()) :: {:write | :hold, t()}
  def line(%{} = limit, kind, level, text, now) do
    about = refill(Map.get(limit.kinds, kind, %{left: @burst, at: now, held: nil}), now)

    {verdict, about} =
      case about do
        %{held: nil, left: left} when left >= 1 ->
          {:write, %{about | left: left - 1}}

        %{held: nil} ->
          {:hold, %{about | held: %{since: now, count: 1, level: level, text: text}}}

        %{held: held} ->
          {:hold, %{about | held: %{held | count: held.count + 1, level: level, text: text}}}
      end

    {verdict, %{limit | kinds: Map.put(limit.kinds, kind, about)}}
  end

  @doc "The lines that tell what was held back, where a minute is over."
  @spec due(t(), integer()) :: {[{kind(), Logger.level(), String.t()}], t()}
  def due(%{} = limit, now) do
    Enum.reduce(limit.kinds, {[], limit}, fn
      {kind, %{held: %{since: since} = held} = about}, {lines, limit}
      when now - since >= @minute ->
        {line, held} = tell(kind, held, now)
        {line ++ lines, %{limit | kinds: Map.put(limit.kinds, kind, %{about | held: held})}}

      _nothing_held, acc ->
        acc
    end)
  end

  @doc "When `due/2` will have something, if it will."
  @spec deadline(t()) :: integer() | nil
  def deadline(limit) do
    limit.kinds
    |> Enum.flat_map(fn {_kind, %{held: held}} ->
      if held, do: [held.since + @minute], else: []
    end)
    |> Enum.min(fn -> nil end)
  end

  # Few enough: from now on each has its line again.
  defp tell(_kind, %{count: 0}, _now), do: {[], nil}

  defp tell(kind, %{count: count} = held, now) do
    text = "#{nodes(count, kind)} in the last minute, the last: #{held.text}"
    quiet = count <= div(@minute, @every)
    {[{kind, held.level, text}], if(quiet, do: nil, else: %{held | since: now, count: 0})}
  end

  defp nodes(1, kind), do: "1 more node #{was(kind)}"
  defp nodes(count, kind), do: "#{count} more nodes #{was(kind)}"

  defp was(:up), do: "found"
  defp was(:down), do: "lost"
  defp was(:update), do: "well again, or not any more,"
  defp was(:conflict), do: "with a name that another has"
  defp was(:problem), do: "not connected"
  defp was(:quiet), do: "left alone on purpose"
  defp was(:legacy_up), do: "that libcluster's wire names found"
  defp was(:legacy_down), do: "that libcluster's wire names no more"
  defp was(:legacy_problem), do: "that libcluster's wire names not connected"

  defp refill(%{} = about, now),
    do: %{about | left: min(about.left + (now - about.at) / @every, @burst * 1.0), at: now}
end
