defmodule GossipCluster.Reporter do
  @moduledoc false
  # Tells the world: the log, the subscribers, telemetry. A process of its own for each cluster, since the handlers of
  # Logger and of telemetry are the user's code, and take what time they take: none of that delays the owner, its pulses
  # and dials. What the owner reports while @most facts wait is dropped and counted, and said when there is room again.
  # Of lines about peers the log gets a bounded number (GossipCluster.LineLimit); subscribers and telemetry are told of
  # each.

  use GenServer

  alias GossipCluster.Screen.Timeline
  alias GossipCluster.{Facts, LineLimit, Lines, Subscribers, View}

  # Of a cluster that is at its largest, every peer may come, be connected and go once.
  @most 16_384
  # Of the counters: facts that wait, facts that were dropped.
  @waiting 1
  @dropped 2
  # Facts about peers: there may be as many as others say.
  @limited [:up, :down, :update, :conflict, :problem, :quiet] ++
             [:legacy_up, :legacy_down, :legacy_problem]

  @doc false
  @spec start_link(atom(), View.t()) :: GenServer.on_start()
  def start_link(name, view), do: GenServer.start_link(__MODULE__, {name, view})

  @doc "Reports facts of this cluster, in order. Never waits, never fails."
  @spec report(View.t(), [Facts.fact()]) :: :ok
  def report(view, facts) do
    with {pid, counters} <- View.get(view, :reporter, nil) do
      count = length(facts)

      if :counters.get(counters, @waiting) + count <= @most do
        :counters.add(counters, @waiting, count)
        send(pid, {:report, counters, count, facts})
      else
        :counters.add(counters, @dropped, count)
      end
    end

    :ok
  end

  @doc "How many facts wait to be told, and how many were dropped since the cluster was started."
  @spec counts(View.t()) :: %{waiting: non_neg_integer(), dropped: non_neg_integer()}
  def counts(view) do
    case View.get(view, :reporter, nil) do
      {_pid, counters} ->
        %{
          waiting: :counters.get(counters, @waiting),
          dropped: :counters.get(counters, @dropped)
        }

      nil ->
        %{waiting: 0, dropped: 0}
    end
  end

  @doc """
  Emits an event of telemetry, see GossipCluster.Telemetry.

  Whoever has attached a handler has called :telemetry, so where that is not loaded nobody listens. To look for it, where
  code is loaded as it is called, would be to look into every directory of the code path as the node starts.
  """
  @spec execute([atom()], map(), map()) :: :ok
  def execute(event, measurements, metadata) do
    if function_exported?(:telemetry, :execute, 3),
      do: apply(:telemetry, :execute, [[:gossip_cluster | event], measurements, metadata])

    :ok
  end

  @doc "Waits until what was reported before is told. For tests."
  @spec flush(View.t()) :: :ok
  def flush(view) do
    {pid, _counters} = View.get(view, :reporter, nil)
    GenServer.call(pid, :flush, 30_000)
  end

  @impl true
  def init({name, view}) do
    # What an earlier one had still to tell is lost, and what it has dropped stays counted.
    %{dropped: dropped, waiting: lost} = counts(view)
    counters = :counters.new(2, [])
    :counters.put(counters, @dropped, dropped + lost)
    true = View.put(view, :reporter, {self(), counters})
    :ok = Lines.join()
    log = Map.get(View.get(view, :options, %{}), :log, :debug)

    {:ok, %{name: name, view: view, log: log, missed: dropped, limit: %LineLimit{}, timer: nil}}
  end

  @impl true
  def handle_call(:flush, _from, state), do: {:reply, Lines.flush(), state}

  @impl true
  def handle_info({:report, counters, count, facts}, state) do
    state = state |> tell(facts) |> set_timer()
    :counters.sub(counters, @waiting, count)
    {:noreply, tell_missed(state, counters)}
  end

  def handle_info(:lines, state) do
    {lines, limit} = LineLimit.due(state.limit, now())
    for {kind, level, text} <- lines, do: put_out({:line, level, text}, kind, state)
    {:noreply, set_timer(%{state | limit: limit, timer: nil})}
  end

  # Whatever else comes is not for a reporter: an answer that comes too late to a handler's own call, say.
  def handle_info(_stray, state), do: {:noreply, state}

  @impl true
  def handle_cast(_stray, state), do: {:noreply, state}

  # When half of the room is free: not at once and again and again.
  defp tell_missed(%{missed: missed} = state, counters) do
    dropped = :counters.get(counters, @dropped)

    if dropped > missed and :counters.get(counters, @waiting) <= div(@most, 2) do
      %{tell(state, [{:missed, dropped - missed}]) | missed: dropped}
    else
      state
    end
  end

  # Subscribers first: to send to them takes no time.
  defp tell(state, facts) do
    outputs = for fact <- facts, output <- Facts.outputs(fact), do: {kind(fact), output}
    {events, others} = Enum.split_with(outputs, &match?({_kind, {:event, _event}}, &1))
    for {kind, event} <- events, do: put_out(event, kind, state)
    Enum.reduce(others, state, &put_out_limited/2)
  end

  defp put_out_limited({kind, {:line, level, text} = line}, state) when kind in @limited do
    {verdict, limit} = LineLimit.line(state.limit, kind, level, text, now())
    if verdict == :write, do: put_out(line, kind, state)
    %{state | limit: limit}
  end

  defp put_out_limited({kind, output}, state) do
    put_out(output, kind, state)
    state
  end

  defp kind(fact) when is_atom(fact), do: fact
  defp kind(fact), do: elem(fact, 0)

  defp set_timer(%{timer: nil} = state) do
    case LineLimit.deadline(state.limit) do
      nil -> state
      at -> %{state | timer: Process.send_after(self(), :lines, max(at - now(), 0))}
    end
  end

  defp set_timer(state), do: state

  defp put_out({:event, event}, _kind, %{name: name, view: view}) do
    true = Timeline.put(view, event)

    Enum.each(Subscribers.list({:events, name}), &send(&1, {:gossip_cluster, name, event}))
  end

  # :telemetry guards itself against its handlers; whatever stands in its place may not.
  defp put_out({:telemetry, event, measurements, metadata}, kind, %{name: name} = state) do
    execute(event, measurements, Map.put(metadata, :cluster, name))
  catch
    class, reason ->
      text = "a handler of telemetry failed: #{class} #{inspect(reason, limit: 5)}"
      Lines.report({:line, :error, text}, name, state.log, kind)
  end

  defp put_out(line, kind, %{name: name, log: log}), do: Lines.report(line, name, log, kind)

  defp now, do: System.monotonic_time(:millisecond)
end
