defmodule GossipCluster.Chaos.Story do
  @moduledoc "What nodes went through around a moment, for people. Pure."

  alias GossipCluster.Chaos.History

  @before 60
  @after_it 10

  @doc "What each node that a text names wrote last before a moment, and next; times count from the run's start."
  @spec of(History.t(), String.t(), integer(), integer()) :: String.t()
  def of(history, text, at, start) do
    for [name] <- Regex.scan(~r/\bn\d+@h\d+/, text) |> Enum.uniq(),
        life = life(history, name, at) do
      {before, later} =
        life.entries
        |> Enum.reject(&match?({_, {:peers, _}}, &1))
        |> Enum.split_while(&(elem(&1, 0) <= at))

      lines = Enum.take(before, -@before) ++ Enum.take(later, @after_it)

      "--- #{name}\n" <>
        Enum.map_join(lines, "\n", fn {at, what} -> "#{time(at, start)}  #{line(what)}" end)
    end
    |> Enum.join("\n")
  end

  defp life(history, name, at),
    do: history.lives |> Enum.filter(&(&1.node == name and &1.from <= at)) |> List.last()

  @doc "Seconds since the start."
  @spec time(integer(), integer()) :: String.t()
  def time(at, start),
    do: String.pad_leading(:erlang.float_to_binary((at - start) / 1_000_000, decimals: 3), 9)

  defp line({:log, level, text}), do: "#{level}: #{text}"
  defp line({:link, kind, name}), do: "#{kind} #{name}"
  defp line({:event, {kind, %{name: _} = peer}}), do: "#{kind} #{peer(peer)}"

  defp line({:event, {kind, %{name: _} = peer, more}}),
    do: "#{kind} #{peer(peer)} #{inspect(more, limit: 6)}"

  defp line({:event, event}), do: inspect(event, limit: 10)

  defp peer(peer),
    do:
      "#{peer.name} boot #{peer.boot} #{peer.status} #{inspect(peer.addresses)} port #{peer.port}"
end
