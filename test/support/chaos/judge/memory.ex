defmodule GossipCluster.Chaos.Judge.Memory do
  @moduledoc """
  Whether a process grows all the time. Pure.

  A process takes and gives back; of what it keeps the least of each minute tells. The slope is the median of the slopes
  between all pairs of minutes (Theil and Sen), of that half of its life in which it is lower: so no single step counts.
  A VM's allocators take memory in large steps, so a VM must have lived for long before its slope tells anything.
  """

  alias GossipCluster.Chaos.Gauge
  alias GossipCluster.Chaos.Judge.Break

  @second 1_000_000
  @minute 60 * @second
  # At first everything grows.
  @warm 3 * @minute
  @long %{sidecar: 10 * @minute, beam: 30 * @minute}
  # Kilobytes a second.
  @bound 0.5

  @doc "Each process that was measured for long enough."
  @spec judge([Gauge.memory()]) :: %{breaks: [Break.t()], checked: map()}
  def judge(memory) do
    slopes = slopes(memory)

    breaks =
      for {{kind, host, _os_pid}, slope, last} <- slopes, slope > @bound do
        text =
          "the #{kind} of n#{host} grows by #{Float.round(slope * 1.0, 2)} KB/s (bound #{@bound})"

        %Break{invariant: :memory, at: last, node: "n#{host}@h#{host}", text: text}
      end

    %{breaks: breaks, checked: %{memory: length(slopes)}}
  end

  @doc "The slope of each such process, in kilobytes a second, and when it was measured last."
  @spec slopes([Gauge.memory()]) :: [{tuple(), number(), integer()}]
  def slopes(memory) do
    for {{kind, _host, _os_pid} = process, samples} <-
          Enum.group_by(memory, &elem(&1, 1), &{elem(&1, 0), elem(&1, 2)}),
        {first, _size} = Enum.min(samples),
        {last, _size} = Enum.max(samples),
        last - first >= @long[kind] do
      {process, samples |> Enum.filter(fn {at, _} -> at >= first + @warm end) |> slope(), last}
    end
  end

  defp slope(samples) do
    minutes =
      samples
      |> Enum.group_by(fn {at, _size} -> div(at, @minute) end, &elem(&1, 1))
      |> Enum.map(fn {minute, sizes} -> {minute, Enum.min(sizes)} end)
      |> Enum.sort()

    minutes
    |> Enum.split(div(length(minutes), 2))
    |> Tuple.to_list()
    |> Enum.map(&median/1)
    |> Enum.min()
  end

  defp median(minutes) do
    slopes =
      for {m, size} <- minutes, {n, more} <- minutes, n > m, do: (more - size) / ((n - m) * 60)

    slopes |> Enum.sort() |> Enum.at(div(length(slopes), 2))
  end
end
