defmodule GossipCluster.Eventually do
  @moduledoc "Waits for a condition, with a deadline."

  @doc "Calls the function until it returns something true, and returns that; fails after `timeout` milliseconds."
  def eventually(function, timeout \\ 5_000),
    do: poll(function, System.monotonic_time(:millisecond) + timeout, timeout)

  defp poll(function, deadline, timeout) do
    case function.() do
      false_or_nil when false_or_nil in [false, nil] ->
        if System.monotonic_time(:millisecond) > deadline,
          do: ExUnit.Assertions.flunk("the condition did not come true within #{timeout} ms")

        Process.sleep(5)
        poll(function, deadline, timeout)

      value ->
        value
    end
  end
end
