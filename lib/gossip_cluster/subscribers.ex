defmodule GossipCluster.Subscribers do
  @moduledoc false
  # Which processes are told of a topic: each from when it asks for it until it ends, or asks for the contrary. All
  # clusters of the VM share this process and its table, which GossipCluster.Shared makes, and which outlives it.
  #
  # Registry would do, but is a large thing to load on each node's way to its first peer (GossipCluster.Preload).

  use GenServer

  @table __MODULE__

  @type topic :: {atom(), atom()}

  @doc false
  @spec start_link([]) :: GenServer.on_start()
  def start_link([]), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "The calling process is one from now on. Exits where there is no GossipCluster.Shared."
  @spec add(topic()) :: :ok
  def add(topic), do: GenServer.call(__MODULE__, {:add, topic}, :infinity)

  @doc "The calling process is none from now on."
  @spec remove(topic()) :: :ok
  def remove(topic), do: GenServer.call(__MODULE__, {:remove, topic}, :infinity)

  @doc "Those of a topic. Raises `ArgumentError` where there is no GossipCluster.Shared."
  @spec list(topic()) :: [pid()]
  def list(topic), do: :ets.select(@table, [{{{topic, :"$1"}}, [], [:"$1"]}])

  # The topics of each process.
  @impl true
  def init([]) do
    rows = :ets.tab2list(@table)
    {:ok, Enum.reduce(rows, %{}, fn {{topic, pid}}, topics -> put(topics, pid, topic) end)}
  end

  @impl true
  def handle_call({:add, topic}, {pid, _tag}, topics) do
    true = :ets.insert(@table, {{topic, pid}})
    {:reply, :ok, put(topics, pid, topic)}
  end

  def handle_call({:remove, topic}, {pid, _tag}, topics) do
    true = :ets.delete(@table, {topic, pid})
    # It is watched on: it may come again.
    topics =
      if is_map_key(topics, pid),
        do: Map.update!(topics, pid, &List.delete(&1, topic)),
        else: topics

    {:reply, :ok, topics}
  end

  @impl true
  def handle_info({:DOWN, _ref, :process, pid, _reason}, topics) do
    {gone, topics} = Map.pop(topics, pid, [])
    Enum.each(gone, &:ets.delete(@table, {&1, pid}))
    {:noreply, topics}
  end

  # Whatever else comes is not for this process.
  def handle_info(_stray, topics), do: {:noreply, topics}

  defp put(topics, pid, topic) do
    _ref = if not is_map_key(topics, pid), do: Process.monitor(pid)
    Map.update(topics, pid, [topic], &[topic | List.delete(&1, topic)])
  end
end
