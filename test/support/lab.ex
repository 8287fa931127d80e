defmodule GossipCluster.Lab do
  @moduledoc """
  Networks for tests: hosts that are network namespaces, each with `eth0` on one switch, a bridge in a namespace of its
  own; where there are two LANs, also with `eth1` on another bridge, and so on. Or each host is on one LAN alone, and
  the switch is a router between them, too, of unicast, as in a cloud.

      lab = Lab.start(hosts: 2)
      Lab.cut(lab, 1)

  Nothing of it can reach the machine's own interfaces. Everything is named `gc-PID-...` after the process that runs the
  tests and is removed when the test ends, with all processes in it; what a killed run has left is removed by the next
  one. It takes Linux, root (or `unshare --user --map-root-user --net --mount`, as bin/test does), `ip` and `nft`.
  """

  import ExUnit.Assertions
  import GossipCluster.Eventually

  defmodule Host do
    @moduledoc false
    @enforce_keys [:name, :netns, :ip, :lans]
    defstruct [:name, :netns, :ip, :lans]

    @type t :: %__MODULE__{
            name: String.t(),
            netns: String.t(),
            ip: :inet.ip4_address(),
            lans: [pos_integer(), ...]
          }
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

  @doc """
  Makes `:lans` LANs (default 1) and `:hosts` hosts (default 2), numbered from 1. The interfaces of the hosts `:ipv6`
  (default `[]`) have IPv6, too, as soon as the kernel gives them their link-local addresses: after a second or two.

  With `routed: true` host n is on one LAN alone, the hosts being dealt out in turn (with two LANs the odd ones are on
  the first), and the switch routes unicast between these.

  Removed when the calling test ends.
  """
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

    lans = Keyword.get(options, :lans, 1)
    routed = Keyword.get(options, :routed, false)

    hosts =
      for n <- 1..Keyword.get(options, :hosts, 2), into: %{} do
        own = if routed, do: [rem(n - 1, lans) + 1], else: Enum.to_list(1..lans)
        {n, %Host{name: "h#{n}", netns: "#{id}-h#{n}", ip: ip(n, hd(own)), lans: own}}
      end

    lab = %__MODULE__{id: id, dir: dir, switch: "#{id}-switch", hosts: hosts}
    write_hosts(lab)
    write_cookie(dir)

    try do
      run!(["netns add #{lab.switch}"])

      for lan <- 1..lans do
        run!(["-n #{lab.switch} link add #{bridge(lan)} type bridge"])
        run!(["-n #{lab.switch} link set #{bridge(lan)} up"])
      end

      for {n, %{netns: netns}} <- hosts do
        run!(["netns add #{netns}", "-n #{netns} link set lo up"])
        if n not in Keyword.get(options, :ipv6, []), do: without_ipv6(lab, n)
      end

      for {n, host} <- hosts, lan <- host.lans, do: plug_in(lab, n, lan)
      if routed, do: route(lab, lans, Keyword.has_key?(options, :ipv6))
      lab
    rescue
      error ->
        remove(lab)
        reraise error, __STACKTRACE__
    end
  end

  @doc "Makes a lab with these options, does this with it, and removes it."
  @spec run(keyword(), (t() -> result)) :: result when result: term()
  def run(options, work) do
    lab = make(options)

    try do
      work.(lab)
    after
      remove(lab)
    end
  end

  # The switch has an address on each LAN, and is the way from there to everywhere. No router passes on what goes to a
  # group on one link, or to groups of which nobody told it.
  defp route(%{switch: switch, hosts: hosts}, lans, ipv6) do
    forward = fn file ->
      command!("ip", ["netns", "exec", switch, "sh", "-c", "echo 1 > /proc/sys/net/#{file}"])
    end

    forward.("ipv4/ip_forward")

    for lan <- 1..lans,
        do: run!(["-n #{switch} address add #{:inet.ntoa(ip(254, lan))}/24 dev #{bridge(lan)}"])

    for {_n, %{netns: netns, lans: [lan]}} <- hosts,
        do: run!(["-n #{netns} route add default via #{:inet.ntoa(ip(254, lan))}"])

    if ipv6 do
      forward.("ipv6/conf/all/forwarding")

      for lan <- 1..lans do
        run!([
          "-n #{switch} address add #{:inet.ntoa(ula(254, lan))}/64 dev #{bridge(lan)} nodad"
        ])
      end
    end
  end

  # Of interfaces that come later; the loopback keeps its ::1. A kernel that has no IPv6 has no such file.
  defp without_ipv6(lab, n) do
    file = "/proc/sys/net/ipv6/conf/default/disable_ipv6"
    in_host(lab, n, ["sh", "-c", "test ! -e #{file} || echo 1 > #{file}"])
  end

  @doc """
  Plugs a host's interface in that it does not have: it is new, and comes up. Returns when, on the nodes' common clock.

    * `:index` - its number on the host. Default: one that there was not yet
    * `:ipv4` - `false`: it has no IPv4 address. Default: `true`
  """
  @spec plug_in(t(), pos_integer(), pos_integer(), keyword()) :: integer()
  def plug_in(%{switch: switch} = lab, n, lan \\ 1, options \\ []) do
    %{netns: netns} = lab.hosts[n]
    {port, device} = {port(n, lan), device(lan)}
    # The kernel lets one end have a number only where the other has one, too: that one is free.
    index = options[:index]
    {there, here} = if index, do: {"index #{1000 + index} ", "index #{index} "}, else: {"", ""}
    address = "-n #{netns} address add #{:inet.ntoa(ip(n, lan))}/24 dev #{device}"

    run!([
      "-n #{switch} link add #{port} #{there}type veth peer name #{device} #{here}netns #{netns}",
      "-n #{switch} link set #{port} master #{bridge(lan)} up"
      | if(Keyword.get(options, :ipv4, true), do: [address], else: [])
    ])

    at = clock()
    run!(["-n #{netns} link set #{device} up"])
    at
  end

  @doc "The number of a host's interface, which it must have."
  @spec index(t(), pos_integer(), pos_integer()) :: pos_integer()
  def index(lab, n, lan \\ 1) do
    arguments = ~w(-n #{lab.hosts[n].netns} -o link show #{device(lan)})
    {line, 0} = System.cmd("ip", arguments)
    {index, ":" <> _} = Integer.parse(line)
    index
  end

  @doc "Changes a LAN's switch, a bridge: words as ip-link(8) has them behind `type bridge`."
  @spec switch(t(), String.t(), pos_integer()) :: :ok
  def switch(lab, words, lan \\ 1),
    do: run!(["-n #{lab.switch} link set #{bridge(lan)} type bridge #{words}"])

  @doc "Lets the interfaces that a host gets from now on have their IPv6 addresses at once: nobody else can have them."
  @spec without_dad(t(), pos_integer()) :: :ok
  def without_dad(lab, n),
    do: in_host(lab, n, ["sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad"])

  @doc "The address of a host on a LAN."
  @spec ip(pos_integer(), pos_integer()) :: :inet.ip4_address()
  def ip(n, lan \\ 1), do: {10, 76 + lan, 0, n}

  defp device(lan), do: "eth#{lan - 1}"
  defp bridge(lan), do: "br#{lan - 1}"
  defp port(n, 1), do: "p#{n}"
  defp port(n, lan), do: "p#{n}.#{lan}"

  # The folder is HOME to what runs here. Of two VMs that start at once without a cookie file one makes it, and the other
  # may find it before its mode is set, and refuse it.
  defp write_cookie(dir) do
    file = Path.join(dir, ".erlang.cookie")
    File.write!(file, Base.encode16(:crypto.strong_rand_bytes(16)))
    File.chmod!(file, 0o400)
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
  Cuts a host off from a LAN. `:cable` takes its carrier away, as a pulled plug does; with `:silent` its interface stays
  up and what it sends goes nowhere.
  """
  @spec cut(t(), pos_integer(), :cable | :silent, pos_integer()) :: :ok
  def cut(lab, n, how \\ :cable, lan \\ 1)
  def cut(lab, n, :cable, lan), do: run!(["-n #{lab.switch} link set #{port(n, lan)} down"])
  def cut(lab, n, :silent, lan), do: run!(["-n #{lab.switch} link set #{port(n, lan)} nomaster"])

  @doc "Takes the host's interface away for good: where there is one LAN, only its loopback interface is left."
  @spec unplug(t(), pos_integer(), pos_integer()) :: :ok
  def unplug(lab, n, lan \\ 1), do: run!(["-n #{lab.switch} link delete #{port(n, lan)}"])

  @doc "Plugs a host in again, however it was cut off."
  @spec heal(t(), pos_integer(), pos_integer()) :: :ok
  def heal(lab, n, lan \\ 1),
    do: run!(["-n #{lab.switch} link set #{port(n, lan)} master #{bridge(lan)} up"])

  @doc "Gives a host's interface one more address, or takes one away, as DHCP and VPNs do."
  @spec address(t(), pos_integer(), :add | :delete, :inet.ip4_address(), pos_integer()) :: :ok
  def address(lab, n, what, ip, lan \\ 1),
    do: in_host(lab, n, ~w(ip address #{what} #{:inet.ntoa(ip)}/24 dev #{device(lan)}))

  @doc "The unique local IPv6 address that a host has on a LAN after `give_ula/2`."
  @spec ula(pos_integer(), pos_integer()) :: :inet.ip6_address()
  def ula(n, lan \\ 1), do: {0xFD76, 0, 0, lan - 1, 0, 0, 0, n}

  @doc "Gives a host its unique local IPv6 address on its first LAN, to be used at once."
  @spec give_ula(t(), pos_integer()) :: :ok
  def give_ula(lab, n) do
    [lan | _] = lab.hosts[n].lans
    links(lab, n, ["address add #{:inet.ntoa(ula(n, lan))}/64 dev #{device(lan)} nodad"])
  end

  @doc "The same where LANs are routed: the others are reached, too."
  @spec route_ipv6(t(), pos_integer()) :: :ok
  def route_ipv6(lab, n) do
    [lan] = lab.hosts[n].lans
    links(lab, n, ["route add default via #{:inet.ntoa(ula(254, lan))}"])
  end

  @doc "Takes a host's IPv4 address of its first LAN away."
  @spec drop_ipv4(t(), pos_integer()) :: :ok
  def drop_ipv4(lab, n), do: address(lab, n, :delete, lab.hosts[n].ip, hd(lab.hosts[n].lans))

  @doc "Ends all processes of a host at once, as when a pod is killed: nobody is left to say goodbye."
  @spec kill_host(t(), pos_integer()) :: :ok
  def kill_host(lab, n) do
    lab.hosts[n].netns |> processes() |> kill()
    :ok
  end

  @doc """
  Gives a host's interface another name; it is up then. Linux renames one that is up since 6.2; with older kernels it is
  down for a moment.
  """
  @spec rename(t(), pos_integer(), String.t(), String.t()) :: :ok
  def rename(lab, n, from, to) do
    script =
      ~S[ip link set "$0" name "$1" 2>/dev/null || { ip link set "$0" down && ip link set "$0" name "$1"; }] <>
        ~S[ && ip link set "$1" up]

    in_host(lab, n, ["sh", "-c", script, from, to])
  end

  @doc "Runs a program in a host's network, or in the switch's. It must succeed."
  @spec in_host(t(), pos_integer() | :switch, [String.t()]) :: :ok
  def in_host(lab, n, command),
    do: command!("ip", ["netns", "exec", netns(lab, n) | command])

  @doc "The name of a host's network namespace, or of the switch's."
  @spec netns(t(), pos_integer() | :switch) :: String.t()
  def netns(lab, :switch), do: lab.switch
  def netns(lab, n), do: lab.hosts[n].netns

  @doc "Changes a host's links and addresses: commands of ip(8), as words after `ip`."
  @spec links(t(), pos_integer(), [String.t()]) :: :ok
  def links(lab, n, commands),
    do: run!(for(command <- commands, do: "-n #{lab.hosts[n].netns} #{command}"))

  @doc "For how many milliseconds nothing has come or gone over any TCP connection of a host. It must have one."
  @spec idle(t(), pos_integer()) :: non_neg_integer()
  def idle(lab, n) do
    arguments = ~w(netns exec #{lab.hosts[n].netns} ss -HOtin state established)
    {lines, 0} = System.cmd("ip", arguments)
    [_ | _] = lines = String.split(lines, "\n", trim: true)
    Enum.min(for line <- lines, what <- ~w(snd rcv ack), do: last(line, what))
  end

  # ss leaves out what is 0.
  defp last(line, what) do
    case Regex.run(~r/ last#{what}:(\d+)/, line) do
      [_, time] -> String.to_integer(time)
      nil -> 0
    end
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

  # All are stopped before the first is killed, and children are killed before their parents: a sidecar whose VM is
  # killed a moment before it would tell of that, and it is continued when its parent ends.
  defp kill([]), do: :ok

  defp kill(pids) do
    ancestors =
      &(&1
        |> Stream.iterate(fn pid -> parent(pid) end)
        |> Enum.take_while(fn pid -> pid in pids end))

    System.cmd("kill", ["-STOP" | pids], stderr_to_stdout: true)
    children_first = Enum.sort_by(pids, &length(ancestors.(&1)), :desc)
    System.cmd("kill", ["-KILL" | children_first], stderr_to_stdout: true)
    :ok
  end

  defp run!(commands), do: Enum.each(commands, &command!("ip", String.split(&1)))

  defp command!(program, arguments) do
    case System.cmd(program, arguments, stderr_to_stdout: true) do
      {_output, 0} -> :ok
      {output, status} -> flunk("#{program} #{Enum.join(arguments, " ")}: #{status} #{output}")
    end
  end

  @doc "The number of the process that has started this one, as a text; `nil` where it has ended."
  @spec parent(pos_integer() | String.t() | nil) :: String.t() | nil
  def parent(os_pid) do
    with {:ok, status} <- File.read("/proc/#{os_pid}/status"),
         [_, parent] <- Regex.run(~r/^PPid:\t(\d+)$/m, status),
         do: parent,
         else: (_ -> nil)
  end

  # Each 115 s of a host's clock its sidecars step out of the group, for 50 ms (PROTOCOL.md, part 1), in
  # microseconds; and what they are about to say may take them a while on a busy machine.
  @step_out 115_000_000
  @out 500_000

  @doc """
  Waits for a time in which what is said to the group is heard, for so many milliseconds at least. A goodbye is said
  within 10 ms and then never again: who is out of the group misses it, which is told to be silent a while later. Real
  hosts step out each at a time of its own, and repeat to each other what they have heard; those of a lab have one clock,
  and so nobody hears.
  """
  @spec heard(pos_integer()) :: :ok
  def heard(within \\ 2_000) do
    since = rem(clock(), @step_out)
    left = @step_out - since

    cond do
      since < @out -> Process.sleep(div(@out - since, 1_000) + 1)
      left < within * 1_000 -> Process.sleep(div(left + @out, 1_000) + 1)
      true -> :ok
    end
  end

  @doc """
  Sends a signal to a process. Returns when it was sent, on the nodes' common clock. Of one that ends it the others hear;
  one that stops it has done so when this returns.
  """
  @spec signal(:KILL | :STOP | :CONT | :TERM | :USR1, pos_integer()) :: integer()
  def signal(signal, os_pid) do
    if signal in [:KILL, :TERM], do: heard()
    at = clock()
    command!("kill", ["-#{signal}", "#{os_pid}"])
    if signal == :STOP, do: eventually(fn -> stopped?(os_pid) end)
    at
  end

  # A thread of it has to get a processor first, to stop the others: on a busy machine these go on until then.
  defp stopped?(os_pid) do
    "/proc/#{os_pid}/task/*/stat"
    |> Path.wildcard()
    |> Enum.all?(fn file ->
      case File.read(file) do
        {:ok, stat} -> stat =~ ~r/\) [Tt] \d+ [^)]*$/
        # It has ended.
        {:error, _gone} -> true
      end
    end)
  end

  @doc "Whether there is a user of this number here: a user namespace may not have it."
  @spec user?(non_neg_integer()) :: boolean()
  def user?(uid) do
    "/proc/self/uid_map"
    |> File.read!()
    |> String.split("\n", trim: true)
    |> Enum.any?(fn line ->
      [first, _outside, count] = line |> String.split() |> Enum.map(&String.to_integer/1)
      uid in first..(first + count - 1)
    end)
  end

  @doc "A monotonic clock in microseconds, the same for all processes of the machine."
  @spec clock() :: integer()
  def clock, do: :os.perf_counter(:microsecond)
end
