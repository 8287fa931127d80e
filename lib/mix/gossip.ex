defmodule Mix.Gossip do
  @moduledoc false
  # What the tasks have in common.

  alias GossipCluster.Json

  @doc """
  Does this work of a task; with `json`, what is refused meanwhile is printed as a line of JSON, where the task's other
  lines are: `{"error":"..."}`. The exit status is the same.
  """
  @spec refuse_as_json(boolean(), (() -> result)) :: result when result: term()
  def refuse_as_json(false, work), do: work.()

  def refuse_as_json(true, work) do
    work.()
  rescue
    error in [Mix.Error, ArgumentError] ->
      IO.puts(Json.encode(%{error: Exception.message(error)}))
      exit({:shutdown, status(error)})
  end

  # As Mix has it.
  defp status(%Mix.Error{mix: status}) when is_integer(status), do: status
  defp status(_error), do: 1
end
