defmodule Bench.Measure do
  @moduledoc "What processes cost: processor time, wake-ups, memory, as the kernel counts them; and how samples are summed up."

  @ticks 100

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

  @doc "The share of a core that processes take over so many seconds, in percent, and whatever `more` counts, by the second."
  def over(seconds, os_pids, more \\ fn -> 0 end) do
    before = {cpu(os_pids), more.(), GossipCluster.Lab.clock()}
    Process.sleep(1000 * seconds)
    {cpu0, more0, at0} = before
    took = (GossipCluster.Lab.clock() - at0) / 1000
    {(cpu(os_pids) - cpu0) / took * 100, (more.() - more0) / took * 1000}
  end

  @doc "The median and other quantiles of these numbers."
  def quantile(numbers, share) do
    sorted = Enum.sort(numbers)
    Enum.at(sorted, max(ceil(share * length(sorted)) - 1, 0))
  end

  def median(numbers), do: quantile(numbers, 0.5)

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
