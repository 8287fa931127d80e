defmodule GossipCluster.Chaos.Gauge do
  @moduledoc """
  What bin/chaos measures of the machine: how much memory the processes of the nodes have, and for how long they, or
  this VM itself, could not run because the processors were busy with others. Such a moment is nobody's fault; what is
  judged in it is judged with it.

  The kernel tells how long a task has waited for a processor: the second number of /proc/PID/task/TID/schedstat.

  And for how long its neighbor table was full. All network namespaces have one together (arp(7), gc_thresh3: 1,024
  entries); what is sent to one who has none of them is dropped, and the sender told nothing. So others who have many
  addresses on this machine can keep a node of these from being heard.
  """

  use GenServer

  alias GossipCluster.Doctor.HostFacts
  alias GossipCluster.Lab

  @tick 250
  # A wait below that within a tick is what each busy machine has.
  @starved 100
  @memory 5_000
  @page 4

  # Of the first network namespace, which alone has them: a line for each processor, and how often it was full last in it.
  @tables ["/proc/1/net/stat/arp_cache", "/proc/1/net/stat/ndisc_cache"]

  @typedoc """
  `{at, who, milliseconds}`: at that time `who` had waited for so long within a quarter of a second; `:neighbors`: what is
  sent, for a place in that table.
  """
  @type starved :: {integer(), who :: term(), pos_integer()}
  @typedoc "`{at, who, kilobytes}`: the memory of a process that it shares with nobody."
  @type memory :: {integer(), {atom(), pos_integer(), pos_integer()}, non_neg_integer()}

  @doc "Begins to measure."
  @spec start_link() :: GenServer.on_start()
  def start_link, do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "From now on these processes: `{:beam | :sidecar, host, OS process}`."
  @spec watch([{atom(), pos_integer(), pos_integer()}]) :: :ok
  def watch(processes), do: GenServer.cast(__MODULE__, {:watch, processes})

  @doc "All that was measured."
  @spec read() :: %{starved: [starved()], memory: [memory()]}
  def read, do: GenServer.call(__MODULE__, :read, 60_000)

  @impl true
  def init([]) do
    Process.flag(:priority, :high)
    Process.send_after(self(), :tick, @tick)

    {:ok,
     %{
       due: Lab.clock() + @tick * 1000,
       tasks: %{},
       next: 0,
       full: full(),
       starved: [],
       memory: []
     }}
  end

  @impl true
  def handle_cast({:watch, processes}, state) do
    tasks =
      for process <- processes, into: %{} do
        {process, state.tasks[process] || {task(process), nil}}
      end

    {:noreply, %{state | tasks: tasks}}
  end

  @impl true
  def handle_call(:read, _from, state),
    do:
      {:reply, %{starved: Enum.reverse(state.starved), memory: Enum.reverse(state.memory)}, state}

  @impl true
  def handle_info(:tick, state) do
    now = Lab.clock()
    state = starved(state, now, :harness, div(now - state.due, 1000))
    state = Enum.reduce(state.tasks, state, &waited(&2, now, &1))
    full = full()
    state = starved(state, now, :neighbors, if(full > state.full, do: @tick, else: 0))
    state = if now >= state.next, do: memory(state, now), else: state
    Process.send_after(self(), :tick, @tick)
    {:noreply, %{state | due: Lab.clock() + @tick * 1000, full: full}}
  end

  defp waited(state, now, {process, {path, before}}) do
    case path && File.read(path) do
      {:ok, text} ->
        [_ran, waited | _] = String.split(text)
        waited = div(String.to_integer(waited), 1_000_000)
        state = put_in(state.tasks[process], {path, waited})
        starved(state, now, process, waited - (before || waited))

      _gone ->
        state
    end
  end

  defp starved(state, now, who, ms) when ms >= @starved,
    do: %{state | starved: [{now, who, ms} | state.starved]}

  defp starved(state, _now, _who, _ms), do: state

  # How often it was full; 0 where that cannot be seen.
  defp full do
    Enum.sum(
      for table <- @tables, %{"table_fulls" => fulls} <- HostFacts.counts(table), do: fulls
    )
  end

  defp memory(state, now) do
    read =
      for {{_kind, _host, os_pid} = process, _task} <- state.tasks,
          {:ok, text} <- [File.read("/proc/#{os_pid}/statm")],
          [_size, resident, shared | _] = Enum.map(String.split(text), &String.to_integer/1),
          do: {now, process, (resident - shared) * @page}

    %{state | memory: read ++ state.memory, next: now + @memory * 1000}
  end

  # The thread that runs Erlang's processes: of the others' waits nothing is to be seen outside.
  defp task({:beam, _host, os_pid}) do
    Enum.find(Path.wildcard("/proc/#{os_pid}/task/*/schedstat"), fn path ->
      comm = path |> Path.dirname() |> Path.join("comm")
      File.read(comm) in [{:ok, "1_scheduler\n"}, {:ok, "erts_sched_1\n"}]
    end)
  end

  defp task({:sidecar, _host, os_pid}), do: "/proc/#{os_pid}/task/#{os_pid}/schedstat"
end
