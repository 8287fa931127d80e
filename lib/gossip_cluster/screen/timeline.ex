defmodule GossipCluster.Screen.Timeline do
  @moduledoc false
  # The latest events of a cluster, with their times, kept in its view for who looks later. The reporter writes.

  alias GossipCluster.Screen.Happening
  alias GossipCluster.View

  @most 100

  @doc "Keeps an event; of more than a hundred the oldest goes."
  @spec put(View.t(), GossipCluster.event()) :: true
  def put(view, event) do
    number = View.get(view, :happenings, 0) + 1
    true = View.put(view, {:happening, number}, {System.system_time(:millisecond), event})
    true = View.put(view, :happenings, number)
    View.delete(view, {:happening, number - @most})
  end

  @doc "What is kept, the oldest first: when, in milliseconds since 1970, and what."
  @spec list(View.t()) :: [{milliseconds :: integer(), String.t()}]
  def list(view) do
    last = View.get(view, :happenings, 0)

    for number <- max(last - @most + 1, 1)..last//1,
        {at, event} <- [View.get(view, {:happening, number}, nil)],
        do: {at, Happening.text(event)}
  end
end
