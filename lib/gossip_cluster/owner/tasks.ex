defmodule GossipCluster.Owner.Tasks do
  @moduledoc false
  # What may take time, or is the user's code, in processes of their own: their results become events of
  # GossipCluster.Cluster. A task tells the owner its result (`{:task, pid, result}`). It is linked to the owner, which
  # so learns of its end (`{:EXIT, pid, reason}`), with a result or without, and none outlives its owner. It always has
  # an end: who has not ended in time is killed.

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

  @typep task :: {what(), timer :: reference(), since :: integer()}
  @type t :: %{optional(pid()) => task() | :told}

  @doc """
  Starts one, for the calling process, which traps exits. After a minute that gets `{:timeout, _, {:task, pid}}`, for
  `kill/2`.
  """
  @spec start(t(), what(), module(), atom(), [term()]) :: t()
  def start(tasks, what, module, function, arguments) do
    pid = spawn_link(__MODULE__, :run, [self(), module, function, arguments])
    timer = :erlang.start_timer(@timeout, self(), {:task, pid})
    Map.put(tasks, pid, {what, timer, System.monotonic_time()})
  end

  @doc false
  def run(owner, module, function, arguments),
    do: send(owner, {:task, self(), apply(module, function, arguments)})

  @doc "It has taken too long. Its end follows, as a message, and tells the rest."
  @spec kill(t(), pid()) :: :ok
  def kill(tasks, pid) do
    if is_map_key(tasks, pid), do: Process.exit(pid, :kill)
    :ok
  end

  @doc "It has told its result: the event of GossipCluster.Cluster that this is. Its end follows."
  @spec told(t(), pid(), term()) :: {tuple(), t()}
  def told(tasks, pid, result), do: {event(tasks[pid], result), %{tasks | pid => :told}}

  @doc "It has ended: the event that this is, unless it had told its result."
  @spec ended(t(), pid()) :: {tuple() | nil, t()}
  def ended(tasks, pid) do
    case Map.pop!(tasks, pid) do
      {:told, tasks} -> {nil, tasks}
      {task, tasks} -> {event(task, :killed), tasks}
    end
  end

  @spec event(task(), term()) :: tuple()
  defp event({what, timer, since}, result) do
    _ = :erlang.cancel_timer(timer, async: true, info: false)
    event(what, result, System.monotonic_time() - since)
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
