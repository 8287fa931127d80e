defmodule GossipCluster.Doctor.Bounded do
  @moduledoc false
  # What may take time, or fail, in a process of its own: the doctor always comes to its end.

  @doc "What the function returns, or `:timeout`, or `{:failed, why}`, after so many milliseconds at most."
  @spec run((() -> result), timeout()) :: {:ok, result} | :timeout | {:failed, String.t()}
        when result: term()
  def run(function, timeout) do
    {ref, caller} = {make_ref(), self()}
    # Not linked, and ended with its result: what it opens (sockets, ports) is closed then.
    {pid, monitor} = spawn_monitor(fn -> send(caller, {ref, function.()}) end)

    receive do
      {^ref, result} ->
        Process.demonitor(monitor, [:flush])
        {:ok, result}

      {:DOWN, ^monitor, :process, ^pid, reason} ->
        {:failed, inspect(reason, limit: 5)}
    after
      timeout -> kill(pid, monitor, ref)
    end
  end

  # What it has said in between is forgotten.
  defp kill(pid, monitor, ref) do
    Process.exit(pid, :kill)

    receive do
      {:DOWN, ^monitor, :process, ^pid, _reason} -> :ok
    end

    receive do
      {^ref, _late} -> :timeout
    after
      0 -> :timeout
    end
  end

  @doc "The same for many at once; what does not come to its end is `default`."
  @spec all([(() -> result)], timeout(), default) :: [result | default]
        when result: term(), default: term()
  def all(functions, timeout, default) do
    functions
    |> Task.async_stream(&run(&1, timeout),
      max_concurrency: max(length(functions), 1),
      timeout: :infinity
    )
    |> Enum.map(fn
      {:ok, {:ok, result}} -> result
      {:ok, _late_or_failed} -> default
    end)
  end
end
