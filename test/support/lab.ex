defmodule GossipCluster.Lab do
  @moduledoc """
  Networks for tests: hosts that are network namespaces, each with `eth0` on one switch, a bridge in a namespace of its own.

      lab = Lab.start(hosts: 2)
      Lab.cut(lab, 1)

  Nothing of it can reach the machine's own interfaces. Everything is named `gc-PID-...` after the process that runs the
  tests and is removed when the test ends, with all processes in it; what a killed run has left is removed by the next one.
  It takes Linux, root (or `unshare --user --map-root-user --net --mount`, as bin/test does), `ip` and `nft`.
  """

  import ExUnit.Assertions

  defmodule Host do
    @moduledoc false
    @enforce_keys [:name, :netns, :ip]
    defstruct [:name, :netns, :ip]
    @type t :: %__MODULE__{name: String.t(), netns: String.t(), ip: :inet.ip4_address()}
  end

  @enforce_keys [:id, :dir, :switch, :hosts]
  defstruct [:id, :dir, :switch, :hosts]

  @type t :: %__MODULE__{
          id: String.t(),
          dir: Path.t(),
          switch: String.t(),
          hosts: %{pos_integer() => Host.t()}
        }

  @doc "Whether a lab can be made here, and if not, why."
  @spec available() :: :ok | {:error, String.t()}
  def available do
    missing = Enum.reject(~w(ip nft mount), &System.find_executable/1)

    # Files of our own are mounted over it.
    missing = if File.exists?("/etc/hosts"), do: missing, else: ["/etc/hosts" | missing]

    with [] <- missing,
         probe = "gc-#{System.pid()}-probe",
         {_output, 0} <- System.cmd("ip", ["netns", "add", probe], stderr_to_stdout: true) do
      remove_netns(probe)
      :ok
    else
      {output, _status} -> {:error, "no network namespace can be made: #{String.trim(output)}"}
      missing -> {:error, "these are missing: #{Enum.join(missing, ", ")}"}
    end
  end

  @doc "Makes a switch and `:hosts` hosts (default 2), numbered from 1. Removed when the calling test ends."
  @spec start(keyword()) :: t()
  def start(options \\ []) do
    lab = make(options)
    ExUnit.Callbacks.on_exit(fn -> remove(lab) end)
    lab
  end

  @doc "The same, for callers that are no tests: to be removed by `remove/1`."
  @spec make(keyword()) :: t()
  def make(options) do
    case available() do
      :ok ->
        :ok

      {:error, why} ->
        raise "these tests need real networks, and #{why} (run bin/test, or as root on Linux)"
    end

    remove_leftovers()
    id = "gc-#{System.pid()}-#{System.unique_integer([:positive])}"
    dir = Path.join(System.tmp_dir!(), id)
    File.mkdir_p!(dir)

    hosts =
      for n <- 1..Keyword.get(options, :hosts, 2), into: %{} do
        {n, %Host{name: "h#{n}", netns: "#{id}-h#{n}", ip: {10, 77, 0, n}}}
      end

    lab = %__MODULE__{id: id, dir: dir, switch: "#{id}-switch", hosts: hosts}
    write_hosts(lab)

    try do
      run!(["netns add #{lab.switch}", "-n #{lab.switch} link add br0 type bridge"])
      run!(["-n #{lab.switch} link set br0 up"])
      for {n, host} <- hosts, do: plug_in(lab, n, host)
      lab
    rescue
      error ->
        remove(lab)
        reraise error, __STACKTRACE__
    end
  end

  defp plug_in(%{switch: switch}, n, %{netns: netns, ip: ip}) do
    run!([
      "netns add #{netns}",
      "-n #{switch} link add p#{n} type veth peer name eth0 netns #{netns}",
      "-n #{switch} link set p#{n} master br0 up",
      "-n #{netns} address add #{:inet.ntoa(ip)}/24 dev eth0",
      "-n #{netns} link set lo up",
      "-n #{netns} link set eth0 up"
    ])
  end

  # Two files for /etc/hosts: where every host is known, and where none is.
  defp write_hosts(lab) do
    known = for {_n, host} <- lab.hosts, do: "#{:inet.ntoa(host.ip)} #{host.name}\n"
    File.write!(hosts_file(lab, :stock), ["127.0.0.1 localhost\n" | known])
    File.write!(hosts_file(lab, :gossip), "127.0.0.1 localhost\n")
  end

  @doc "What stands for /etc/hosts: with `:stock` epmd the hosts' names must resolve, with `:gossip` they must not need to."
  @spec hosts_file(t(), :stock | :gossip) :: Path.t()
  def hosts_file(lab, epmd), do: Path.join(lab.dir, "hosts.#{epmd}")

  @doc """
  Cuts a host off. `:cable` takes its carrier away, as a pulled plug does; with `:silent` its interface stays up and what it
  sends goes nowhere.
  """
  @spec cut(t(), pos_integer(), :cable | :silent) :: :ok
  def cut(lab, n, how \\ :cable)
  def cut(lab, n, :cable), do: run!(["-n #{lab.switch} link set p#{n} down"])
  def cut(lab, n, :silent), do: run!(["-n #{lab.switch} link set p#{n} nomaster"])

  @doc "Takes the host's interface away for good: there is only its loopback interface."
  @spec unplug(t(), pos_integer()) :: :ok
  def unplug(lab, n), do: run!(["-n #{lab.switch} link delete p#{n}"])

  @doc "Plugs a host in again, however it was cut off."
  @spec heal(t(), pos_integer()) :: :ok
  def heal(lab, n), do: run!(["-n #{lab.switch} link set p#{n} master br0 up"])

  @doc "Lets each packet that reaches a host over the switch be lost with this probability; 0 ends that."
  @spec lose(t(), pos_integer(), 0..100) :: :ok
  def lose(lab, n, percent) do
    netns = lab.hosts[n].netns
    rules = Path.join(lab.dir, "loss")

    File.write!(rules, """
    table inet lab
    delete table inet lab
    table inet lab {
      chain loss {
        type filter hook prerouting priority -300;
        iifname "eth0" numgen random mod 100 < #{percent} counter drop
      }
    }
    """)

    command!("ip", ["netns", "exec", netns, "nft", "-f", rules])
  end

  @doc "How many packets `lose/3` has dropped on a host."
  @spec lost(t(), pos_integer()) :: non_neg_integer()
  def lost(lab, n) do
    {rules, 0} =
      System.cmd("ip", ~w(netns exec #{lab.hosts[n].netns} nft list chain inet lab loss))

    [_, packets] = Regex.run(~r/counter packets (\d+)/, rules)
    String.to_integer(packets)
  end

  @doc """
  Lets no packet pass between two hosts, multicast included, which both reach all others. Who sends one over TCP is told at
  once (`:reset`), so that connections end when they are used; or what it sends goes nowhere (`:drop`).
  """
  @spec part(t(), pos_integer(), pos_integer(), :reset | :drop) :: :ok
  def part(lab, one, other, how \\ :reset) do
    for {here, there} <- [{one, other}, {other, one}] do
      rules = Path.join(lab.dir, "part")
      there = :inet.ntoa(lab.hosts[there].ip)
      # Lost on arrival: a sender that were told would know more than a broken path tells.
      reset = if how == :reset, do: "ip daddr #{there} meta l4proto tcp reject with tcp reset"
      lost = if how == :reset, do: "meta l4proto != tcp drop", else: "drop"

      File.write!(rules, """
      table inet part {
        chain out {
          type filter hook output priority 0;
          #{reset}
        }
        chain in {
          type filter hook input priority 0;
          ip saddr #{there} #{lost}
        }
      }
      """)

      command!("ip", ["netns", "exec", lab.hosts[here].netns, "nft", "-f", rules])
    end

    :ok
  end

  @doc "Ends what `part/3` began."
  @spec join(t(), pos_integer(), pos_integer()) :: :ok
  def join(lab, one, other) do
    for host <- [one, other],
        do:
          command!(
            "ip",
            ~w(netns exec #{lab.hosts[host].netns} nft delete table inet part)
          )

    :ok
  end

  @doc "Removes the hosts, the switch, and all processes in them."
  @spec remove(t()) :: :ok
  def remove(lab) do
    # Processes first, all of them: whoever is left would notice the others' end.
    names = [lab.switch | for({_n, host} <- lab.hosts, do: host.netns)]
    remove_all(names)
    File.rm_rf!(lab.dir)
    :ok
  end

  # Of runs that were killed: their process is no more.
  defp remove_leftovers do
    {names, 0} = System.cmd("ip", ["netns", "list"])

    left =
      for line <- String.split(names, "\n", trim: true),
          [name | _] = String.split(line),
          [_, pid] <- [Regex.run(~r/\Agc-(\d+)-/, name)],
          not File.exists?("/proc/#{pid}"),
          do: name

    remove_all(left)

    for name <- left,
        [id] <- [Regex.run(~r/\Agc-\d+-\d+/, name)],
        do: File.rm_rf!(Path.join(System.tmp_dir!(), id))
  end

  defp remove_all(names) do
    names |> Enum.flat_map(&processes/1) |> kill()
    Enum.each(names, &remove_netns/1)
  end

  defp remove_netns(name), do: System.cmd("ip", ["netns", "delete", name], stderr_to_stdout: true)

  defp processes(netns) do
    case System.cmd("ip", ["netns", "pids", netns], stderr_to_stdout: true) do
      {pids, 0} -> String.split(pids)
      {_error, _status} -> []
    end
  end

  defp kill([]), do: :ok
  defp kill(pids), do: System.cmd("kill", ["-KILL" | pids], stderr_to_stdout: true)

  defp run!(commands), do: Enum.each(commands, &command!("ip", String.split(&1)))

  defp command!(program, arguments) do
    case System.cmd(program, arguments, stderr_to_stdout: true) do
      {_output, 0} -> :ok
      {output, status} -> flunk("#{program} #{Enum.join(arguments, " ")}: #{status} #{output}")
    end
  end

  @doc "Sends a signal (`:KILL`, `:STOP`, `:CONT`) to a process. Returns when it was sent, on the nodes' common clock."
  @spec signal(:KILL | :STOP | :CONT, pos_integer()) :: integer()
  def signal(signal, os_pid) do
    at = clock()
    command!("kill", ["-#{signal}", "#{os_pid}"])
    at
  end

  @doc "A monotonic clock in microseconds, the same for all processes of the machine."
  @spec clock() :: integer()
  def clock, do: :os.perf_counter(:microsecond)
end
