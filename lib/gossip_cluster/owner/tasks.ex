defmodule GossipCluster.Owner.Tasks do
  @moduledoc false
  # What may take time, or is the user's code, in processes of their own: their results become events of
  # GossipCluster.Cluster. A task is known by its reference, under which its result comes (`{reference, result}`) or its
  # end (`{:DOWN, reference, ...}`). It always has one: who has not ended in time is killed.

  # net_kernel itself gives a connect up after 7 s.
  @timeout 60_000

  alias GossipCluster.Sidecar

  @typedoc "What a task is for."
  @type what ::
          {:dial | :disconnect | :find_path | :probe, name :: String.t()}
          | {:list_nodes, links :: non_neg_integer()}
          | {:look_at_sidecar, Sidecar.Process.t()}
          | :addresses
          | {:resolve, seed :: non_neg_integer()}
          | :cookies
          | :port
          | :touch

  @type t :: %{optional(reference()) => {what(), pid(), timer :: reference(), since :: integer()}}

  @doc "Starts one. After a minute the calling process gets `{:timeout, _, {:task, reference}}`, for `kill/2`."
  @spec start(t(), Supervisor.supervisor(), what(), module(), atom(), [term()]) :: t()
  def start(tasks, supervisor, what, module, function, arguments) do
    task = Task.Supervisor.async_nolink(supervisor, module, function, arguments)
    timer = :erlang.start_timer(@timeout, self(), {:task, task.ref})
    Map.put(tasks, task.ref, {what, task.pid, timer, System.monotonic_time()})
  end

  @doc "It has taken too long. Its end follows, as a message, and tells the rest."
  @spec kill(t(), reference()) :: :ok
  def kill(tasks, ref) do
    with %{^ref => {_what, pid, _timer, _since}} <- tasks, do: Process.exit(pid, :kill)
    :ok
  end

  @doc "It has ended, with a result, or `:killed`: the event of GossipCluster.Cluster that this is."
  @spec ended(t(), reference(), term()) :: {tuple(), t()}
  def ended(tasks, ref, result) do
    Process.demonitor(ref, [:flush])
    {{what, _pid, timer, since}, tasks} = Map.pop!(tasks, ref)
    _ = :erlang.cancel_timer(timer, async: true, info: false)
    {event(what, result, System.monotonic_time() - since), tasks}
  end

  defp event({:dial, name}, :killed, duration),
    do: {:dialled, name, {:failed, {:failed, "the connect did not come to an end"}}, duration}

  defp event({:dial, name}, result, duration), do: {:dialled, name, result, duration}

  defp event({:disconnect, name}, :killed, _duration),
    do: {:disconnected, name, {:error, "it did not come to an end"}}

  defp event({:disconnect, name}, result, _duration), do: {:disconnected, name, result}
  # Nothing is known then, which is as before.
  defp event({:list_nodes, links}, result, _duration), do: {:nodes, links, result}
  # What is not known has not changed.
  defp event(:cookies, :killed, _duration), do: {:cookies, %{}}
  defp event(:cookies, held, _duration), do: {:cookies, held}
  defp event(:addresses, :killed, _duration), do: {:addresses, [], nil}
  defp event(:addresses, {addresses, listener}, _), do: {:addresses, addresses, listener}
  defp event({:look_at_sidecar, process}, :killed, _), do: {:sidecar_seen, process, :unknown}
  defp event({:look_at_sidecar, process}, how, _), do: {:sidecar_seen, process, how}
  defp event({:find_path, name}, :killed, _duration), do: {:path, name, nil}
  defp event({:find_path, name}, path, _duration), do: {:path, name, path}
  defp event({:probe, name}, :killed, _duration), do: {:probed, name, :answered}
  defp event({:probe, name}, result, _duration), do: {:probed, name, result}

  defp event({:resolve, seed}, :killed, _duration),
    do: {:resolved, seed, {:error, "it was not resolved within a minute"}, 0.0}

  defp event({:resolve, seed}, {result, chance}, _duration), do: {:resolved, seed, result, chance}
  defp event(:touch, result, _duration), do: {:touched, result}
  defp event(:port, :killed, _duration), do: {:local_port, 0}
  defp event(:port, port, _duration), do: {:local_port, port}
end
