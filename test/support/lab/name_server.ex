defmodule GossipCluster.Lab.NameServer do
  @moduledoc """
  A real name server (dnsmasq) on a host of a lab, whose answers change when the test says so.

      server = NameServer.start(lab, 1, ["--srv-host=_gossip._udp.shop.test,door.shop.test,46000"])
      NameServer.answer(server, [{Lab.ip(2), "shop.test"}])
      NameServer.stop(server)
  """

  import ExUnit.Assertions
  import GossipCluster.Eventually

  alias GossipCluster.Lab

  @enforce_keys [:os_pid, :names, :ip]
  defstruct [:os_pid, :names, :ip]
  @type t :: %__MODULE__{os_pid: pos_integer(), names: Path.t(), ip: :inet.ip4_address()}

  @doc "Starts one for the domain `test`, which knows no name there yet. It ends with the lab."
  @spec start(Lab.t(), pos_integer(), [String.t()]) :: t()
  def start(lab, n, arguments \\ []) do
    program =
      System.find_executable("dnsmasq") ||
        flunk("dnsmasq is missing: bin/setup installs it")

    %{netns: netns, ip: ip} = lab.hosts[n]
    names = Path.join(lab.dir, "names")
    File.write!(names, "")
    # Who asks when it is gone is told so each time, and does not wait.
    Lab.in_host(lab, n, ["sh", "-c", "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit"])

    port =
      Port.open({:spawn_executable, System.find_executable("ip")}, [
        :binary,
        :exit_status,
        :stderr_to_stdout,
        args:
          ["netns", "exec", netns, program] ++
            ~w(--keep-in-foreground --conf-file=/dev/null --user=root --no-resolv --no-hosts --local=/test/) ++
            ~w(--bind-interfaces --pid-file= --log-facility=- --addn-hosts=#{names}) ++
            ["--listen-address=#{:inet.ntoa(ip)}" | arguments]
      ])

    {:os_pid, os_pid} = Port.info(port, :os_pid)
    # Before it listens a signal may end it.
    eventually(fn -> listens?(netns) end, 10_000)
    %__MODULE__{os_pid: os_pid, names: names, ip: ip}
  end

  defp listens?(netns) do
    {lines, 0} = System.cmd("ip", ["netns", "exec", netns, "ss", "-Hlnu", "sport = :53"])
    lines != ""
  end

  @doc "Lets it answer with these addresses for these names from now on, and with no others."
  @spec answer(t(), [{:inet.ip_address(), String.t()}]) :: :ok
  def answer(server, names) do
    # Moved into place, for it may be reading.
    new = server.names <> ".new"
    File.write!(new, for({ip, name} <- names, do: "#{:inet.ntoa(ip)} #{name}\n"))
    File.rename!(new, server.names)
    Lab.signal(:HUP, server.os_pid)
    :ok
  end

  @doc "Ends it: nobody answers any more, and who asks is told so."
  @spec stop(t()) :: :ok
  def stop(server) do
    Lab.signal(:KILL, server.os_pid)
    :ok
  end

  @doc "The resolver's configuration that leads to it, as Kubernetes writes it."
  @spec resolv_conf(Lab.t(), t(), [String.t()]) :: Path.t()
  def resolv_conf(lab, server, domains) do
    path = Path.join(lab.dir, "resolv.conf")

    File.write!(path, """
    search #{Enum.join(domains, " ")}
    nameserver #{:inet.ntoa(server.ip)}
    options ndots:5
    """)

    path
  end
end
