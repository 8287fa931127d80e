defmodule Mix.Gossip do
  @moduledoc false
  # What the tasks have in common.

  alias GossipCluster.Json

  # 1 is what the doctor warns of, and that nobody was heard.
  @refused 2

  @doc """
  Does this work of a task. What is refused meanwhile ends it with exit status 2: with a text on stderr, or, with `json`,
  with a line of JSON where the task's other lines are: `{"error":"..."}`.
  """
  @spec refuse(boolean(), (() -> result)) :: result when result: term()
  def refuse(json, work) do
    work.()
  rescue
    error in [Mix.Error, ArgumentError] ->
      text = Exception.message(error)
      unless json, do: Mix.raise(text, exit_status: @refused)
      IO.puts(Json.encode(%{error: text}))
      exit({:shutdown, @refused})
  end
end
