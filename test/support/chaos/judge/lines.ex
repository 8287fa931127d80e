defmodule GossipCluster.Chaos.Judge.Lines do
  @moduledoc """
  Whether a node repeats itself in the log. Pure. A line may come again when something has happened: another line about
  the same peer came in between, a fault began or healed at either, or all were given other keys. And even so only a few
  times a minute.
  """

  alias GossipCluster.Chaos.History
  alias GossipCluster.Chaos.History.Life
  alias GossipCluster.Chaos.Judge.Break

  @again 10_000_000
  @minute 60_000_000
  @most 6

  @doc "The lines of one life."
  @spec judge(History.t(), Life.t()) :: %{breaks: [Break.t()], checked: map()}
  def judge(history, life) do
    lines =
      for {at, {:log, _level, text}} <- life.entries, ours?(text), do: {at, text, subject(text)}

    changes = changes(history)
    {_told, breaks} = Enum.reduce(lines, {%{}, []}, &line(&1, &2, life.node, changes))
    %{breaks: Enum.reverse(breaks), checked: %{repeated_line: length(lines)}}
  end

  # Erlang's own lines are its affair.
  defp ours?(text), do: text =~ ~r/^(\S+: |)(GossipCluster|NODEUP|NODEDOWN)/

  # The last line about each, and when each line came.
  defp line({at, text, subject}, {told, breaks}, node, changes) do
    {last, times} = told[subject] || {nil, %{}}
    since = Enum.take_while(times[text] || [], &(at - &1 < @minute))

    why =
      cond do
        since == [] ->
          nil

        last == text and at - hd(since) < @again and
            not changed?(changes, [node, subject], hd(since), at) ->
          "again"

        length(since) >= @most ->
          "#{length(since) + 1} times in a minute"

        true ->
          nil
      end

    break = %Break{
      invariant: :repeated_line,
      at: at,
      node: node,
      text: "#{node} writes #{why}: #{text}",
      # A table of neighbors that is full lets now this through, now that.
      waits: [{[:neighbors], 1}]
    }

    {Map.put(told, subject, {text, Map.put(times, text, [at | since])}),
     if(why, do: [break | breaks], else: breaks)}
  end

  defp subject(text) do
    case Regex.run(~r/\bn\d+@h\d+/, text) do
      [name] -> name
      nil -> nil
    end
  end

  defp changes(history) do
    faults =
      for trouble <- history.troubles, at <- [trouble.from, trouble.until], do: {at, trouble.node}

    Enum.map(history.rounds, &{&1, :all}) ++ Enum.filter(faults, &elem(&1, 0))
  end

  defp changed?(changes, nodes, from, until),
    do:
      Enum.any?(changes, fn {at, node} ->
        at >= from and at <= until and node in [:all | nodes]
      end)
end
