defmodule Bench.Measure do
  @moduledoc "What processes cost: processor time, wake-ups, memory, as the kernel counts them."

  alias GossipCluster.Lab

  @ticks 100

  @doc "A sample: who, what of it, and how much."
  def sample(who, what, value, unit, labels \\ %{}),
    do: Map.merge(labels, %{who: who, what: what, value: value, unit: unit})

  @doc "Processor time of these processes so far, user and system, in ms."
  def cpu(os_pids), do: os_pids |> Enum.map(&own_cpu/1) |> Enum.sum()

  # To a nanosecond for each thread where the kernel keeps that (CONFIG_SCHED_INFO), else in ticks of 10 ms.
  defp own_cpu(pid) do
    case Path.wildcard("/proc/#{pid}/task/*/schedstat") do
      [] -> ticks(pid)
      files -> files |> Enum.map(&nanoseconds/1) |> Enum.sum() |> Kernel./(1.0e6)
    end
  end

  # A thread that ended meanwhile has said its last.
  defp nanoseconds(file) do
    case File.read(file) do
      {:ok, text} -> text |> String.split() |> hd() |> String.to_integer()
      {:error, _gone} -> 0
    end
  end

  defp ticks(pid) do
    [_, after_name] = "/proc/#{pid}/stat" |> File.read!() |> String.split(") ", parts: 2)
    fields = String.split(after_name)
    [user, system] = for n <- [11, 12], do: fields |> Enum.at(n) |> String.to_integer()
    (user + system) * 1000 / @ticks
  end

  @doc "How often a process has gone to sleep of itself so far: each time it was woken again."
  def sleeps(os_pid), do: status(os_pid, "voluntary_ctxt_switches")

  @doc "Resident memory of a process, in MB."
  def rss(os_pid), do: status(os_pid, "VmRSS") / 1024

  defp status(os_pid, field) do
    [_, value] = Regex.run(~r/^#{field}:\s+(\d+)/m, File.read!("/proc/#{os_pid}/status"))
    String.to_integer(value)
  end

  @doc """
  Does this, and returns what came of it and how much each of these counters has grown by the second meanwhile.
  """
  def rates(counters, work) do
    before = for count <- counters, do: count.()
    at = Lab.clock()
    result = work.()
    seconds = (Lab.clock() - at) / 1_000_000
    {result, for({count, was} <- Enum.zip(counters, before), do: (count.() - was) / seconds)}
  end

  @doc "A counter for `rates/2` of the share of a core that these processes take, in percent."
  def share(os_pids), do: fn -> cpu(os_pids) / 10 end

  @doc "What is looked at is looked at for so many seconds."
  def look(seconds), do: fn -> Process.sleep(1000 * seconds) end

  @doc "Takes the processors with as many loops as there are, while this runs."
  def busy(work) do
    # They end by themselves, should nobody end them.
    loops =
      for _ <- 1..System.schedulers_online() do
        arguments = ["600", "sh", "-c", "while :; do :; done"]
        Port.open({:spawn_executable, System.find_executable("timeout")}, args: arguments)
      end

    pids = for port <- loops, {:os_pid, pid} <- [Port.info(port, :os_pid)], do: pid

    try do
      work.()
    after
      for pid <- pids, do: System.cmd("kill", ["-TERM", "#{pid}"])
    end
  end
end
