defmodule GossipCluster.Lab.Prober do
  @moduledoc """
  What a lab's node runs beside the cluster: it starts the clusters, is their subscriber, and keeps what happened and
  what was logged, each with its time on `GossipCluster.Lab.clock/0`, until the test asks.
  """

  use GenServer

  @typedoc """
    * `{:start, cluster}` - `start_link` is about to be called
    * `{:event, cluster, event}` - what a subscriber gets
    * `{:nodeup, name}`, `{:nodedown, name}` - what net_kernel tells
    * `{:received, message}` - by a traced owner, see `trace/1`
    * `{:loaded, module}` - because it was called, or asked for, see `trace_loads/0`
  """
  @type event :: {integer(), term()}

  # Elixir 1.15 has handlers instead, and warns.
  @backends Version.match?(System.version(), "< 1.15.0-dev")

  @doc """
  Makes the node ready: log, prober, and if these clusters are to be in the application's configuration, the application.
  Returns when it runs.
  """
  @spec boot([keyword()]) :: :ok
  def boot(clusters) do
    {:ok, _pid} = GenServer.start(__MODULE__, [], name: __MODULE__)
    # What it needs itself is loaded now: where a start is measured, that is no part of it.
    _ = line(%{level: :debug, msg: {:string, "a line"}, meta: %{time: 0}})
    _ = GossipCluster.Lab.clock()
    # Nothing is printed: standard output is the way in.
    _ = if @backends, do: Application.put_env(:logger, :backends, [], persistent: true)
    Application.put_env(:logger, :default_handler, false, persistent: true)
    {:ok, _started} = Application.ensure_all_started(:logger)
    _ = :logger.remove_handler(:default)
    :ok = hear(:lab, __MODULE__, :debug)
    :ok = :logger.set_primary_config(:level, :debug)
    Application.put_env(:gossip_cluster, :clusters, clusters, persistent: true)
    # Else with the first cluster: what it loads is a part of a start, and bin/bench counts it.
    if clusters != [], do: {:ok, _started} = Application.ensure_all_started(:gossip_cluster)
    for options <- clusters, do: GenServer.call(__MODULE__, {:subscribe, options})
    :ok
  end

  @doc "Has `log/2` of a module called with what is logged from this level on, but for reports of progress."
  @spec hear(atom(), module(), :logger.level()) :: :ok
  def hear(handler, module, level) do
    :ok = :logger.add_handler(handler, module, %{level: level})
    :logger.add_handler_filter(handler, :progress, {&:logger_filters.progress/2, :stop})
  end

  @doc "What was logged, as one line."
  @spec line(:logger.log_event()) :: String.t()
  def line(event) do
    event
    |> :logger_formatter.format(%{single_line: true, template: [:msg]})
    |> IO.chardata_to_string()
  end

  @doc "Starts a cluster and subscribes to it."
  @spec start_cluster(keyword()) :: :ok
  def start_cluster(options), do: GenServer.call(__MODULE__, {:start_cluster, options}, 60_000)

  @doc "Starts a cluster when the clock shows this time, so that many nodes start at once."
  @spec start_cluster_at(keyword(), integer()) :: :ok
  def start_cluster_at(options, at), do: GenServer.cast(__MODULE__, {:start_cluster, options, at})

  @doc "Calls a function, such as a start, when the clock shows this time: that is kept as `{:start, module}`."
  @spec call_at(module(), atom(), list(), integer()) :: :ok
  def call_at(module, function, arguments, at),
    do: GenServer.cast(__MODULE__, {:call, {module, function, arguments}, at})

  @doc "Stops a cluster, as its application's supervisor would."
  @spec stop_cluster(atom()) :: :ok
  def stop_cluster(name), do: GenServer.call(__MODULE__, {:stop_cluster, name}, 60_000)

  @doc "All events so far, oldest first."
  @spec events() :: [event()]
  def events, do: GenServer.call(__MODULE__, :events, 60_000)

  @doc "The log so far, oldest first."
  @spec log() :: [{integer(), atom(), String.t()}]
  def log do
    for {{at, _unique}, level, line} <- :ets.tab2list(__MODULE__.Log), do: {at, level, line}
  end

  @doc "Keeps each message that the owner of a cluster receives from now on, as `{:received, message}`."
  @spec trace(atom()) :: :ok
  def trace(cluster), do: GenServer.call(__MODULE__, {:trace, cluster, true})

  @doc "Ends that."
  @spec untrace(atom()) :: :ok
  def untrace(cluster), do: GenServer.call(__MODULE__, {:trace, cluster, false})

  @doc """
  Counts from now on which timers of a cluster's owner ring, and keeps what its sidecar says, as `tallied/1` tells. Who
  does that has nothing else to keep, so that its work is the same for each node.
  """
  @spec tally(atom()) :: pid()
  def tally(cluster) do
    tally = spawn(fn -> tally(%{}, []) end)
    1 = :erlang.trace(Process.whereis(cluster), true, [:receive, {:tracer, tally}])
    tally
  end

  defp tally(timers, frames) do
    receive do
      {:trace, _owner, :receive, {:timeout, _timer, key}} ->
        tally(Map.update(timers, key, 1, &(&1 + 1)), frames)

      {:trace, _owner, :receive, {port, {:data, frame}}} when is_port(port) ->
        tally(timers, [frame | frames])

      {:trace, _owner, :receive, _message} ->
        tally(timers, frames)

      {:tell, pid} ->
        send(pid, {self(), timers, frames})
        tally(timers, [])
    end
  end

  @doc "How often each timer has rung so far, and the frames since this was asked last, the newest first."
  @spec tallied(pid()) :: {%{term() => pos_integer()}, [binary()]}
  def tallied(tally) do
    send(tally, {:tell, self()})
    receive do: ({^tally, timers, frames} -> {timers, frames})
  end

  @doc "Keeps each module that is called from now on and not loaded, or asked for, as `{:loaded, module}`."
  @spec trace_loads() :: :ok
  def trace_loads do
    prober = Process.whereis(__MODULE__)
    # The prober could not: who traces is not traced.
    tracer = spawn(fn -> tell_loads(prober) end)
    1 = :erlang.trace_pattern({:code, :ensure_loaded, 1}, true, [])
    _processes = :erlang.trace(:all, true, [:call, {:tracer, tracer}])
    :ok
  end

  defp tell_loads(prober) do
    receive do
      {:trace, _pid, :call, {:code, :ensure_loaded, [module]}} -> send(prober, {:loaded, module})
    end

    tell_loads(prober)
  end

  @doc "Whether a connected node answers a call within so many milliseconds."
  @spec reaches?(node(), pos_integer()) :: boolean()
  def reaches?(node, timeout) do
    node in :erlang.nodes(:connected) and :erpc.call(node, :erlang, :node, [], timeout) == node
  rescue
    ErlangError -> false
  end

  @doc "Leaves, and joins again before the goodbyes are said."
  @spec leave_and_rejoin() :: :ok
  def leave_and_rejoin do
    leave = :gen_server.send_request(GossipCluster, :leave)
    :ok = GossipCluster.rejoin()
    {:reply, :ok} = :gen_server.wait_response(leave, 5_000)
    :ok
  end

  @doc "Kills a registered process."
  @spec kill(atom()) :: true
  def kill(name), do: name |> Process.whereis() |> Process.exit(:kill)

  @doc false
  # Of :logger: called by the process that logs.
  def log(%{level: level} = event, _config) do
    key = {GossipCluster.Lab.clock(), System.unique_integer([:monotonic])}
    :ets.insert(__MODULE__.Log, {key, level, line(event)})
  end

  @impl true
  def init([]) do
    Process.flag(:trap_exit, true)
    :ets.new(__MODULE__.Log, [:named_table, :public, :ordered_set])
    :ok = :net_kernel.monitor_nodes(true, node_type: :all)
    {:ok, %{events: [], supervisors: %{}}}
  end

  @impl true
  def handle_call({:start_cluster, options}, _from, state),
    do: {:reply, :ok, start_now(state, options)}

  def handle_call({:subscribe, options}, _from, state) do
    :ok = GossipCluster.subscribe(Keyword.get(options, :name, GossipCluster))
    {:reply, :ok, state}
  end

  def handle_call({:stop_cluster, name}, _from, state) do
    {supervisor, supervisors} = Map.pop!(state.supervisors, name)
    :ok = Supervisor.stop(supervisor, :shutdown)
    {:reply, :ok, %{state | supervisors: supervisors}}
  end

  def handle_call(:events, _from, state), do: {:reply, Enum.reverse(state.events), state}

  def handle_call({:trace, cluster, on}, _from, state) do
    1 = :erlang.trace(Process.whereis(cluster), on, [:receive])
    {:reply, :ok, state}
  end

  @impl true
  def handle_cast({:start_cluster, options, at}, state) do
    wait = div(at - GossipCluster.Lab.clock(), 1000)
    Process.send_after(self(), {:start_cluster, options}, max(wait, 0))
    {:noreply, state}
  end

  def handle_cast({:call, call, at}, state) do
    Process.send_after(self(), {:call, call}, max(div(at - GossipCluster.Lab.clock(), 1000), 0))
    {:noreply, state}
  end

  @impl true
  def handle_info({:call, {module, function, arguments}}, state) do
    state = keep(state, {:start, module})
    {:ok, _pid} = apply(module, function, arguments)
    {:noreply, state}
  end

  def handle_info({:start_cluster, options}, state), do: {:noreply, start_now(state, options)}

  def handle_info({:gossip_cluster, cluster, event}, state),
    do: {:noreply, keep(state, {:event, cluster, event})}

  def handle_info({kind, node, _info}, state) when kind in [:nodeup, :nodedown],
    do: {:noreply, keep(state, {kind, Atom.to_string(node)})}

  def handle_info({:trace, _owner, :receive, message}, state),
    do: {:noreply, keep(state, {:received, message})}

  def handle_info({:loaded, _module} = loaded, state), do: {:noreply, keep(state, loaded)}
  def handle_info({:EXIT, _supervisor, :shutdown}, state), do: {:noreply, state}

  defp start_now(state, options) do
    name = Keyword.get(options, :name, GossipCluster)
    state = keep(state, {:start, name})
    {:ok, _started} = Application.ensure_all_started(:gossip_cluster)
    {:ok, supervisor} = Supervisor.start_link([{GossipCluster, options}], strategy: :one_for_one)
    :ok = GossipCluster.subscribe(name)
    put_in(state.supervisors[name], supervisor)
  end

  defp keep(state, what),
    do: %{state | events: [{GossipCluster.Lab.clock(), what} | state.events]}
end
