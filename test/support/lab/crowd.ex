defmodule GossipCluster.Lab.Crowd do
  @moduledoc """
  Many members on one host, which beat, answer and prove themselves as all members do, and behind which there is no BEAM
  to connect to: one process of test/c/crowd, which is built when it is first needed.
  """

  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Node, Program}

  # Milliseconds; long, so that a small machine bears many of them.
  @interval 5_000
  @dist_port 4370
  # The last part of the first one's address.
  @first 51

  @doc """
  Starts so many members with this key on a host: `z1@HOST`, `z2@HOST`, ... with an address each. Returns when all of
  them have announced themselves. They fall silent with the calling process.
  """
  @spec start(Lab.t(), pos_integer(), pos_integer(), binary(), pos_integer()) :: port()
  def start(lab, host, count, key, interval \\ @interval),
    do: start_at(lab, host, count, key, interval, {{10, 77, 0, @first}, 24})

  @doc """
  The same for more than a network of 24 bits has addresses for, up to 1,000: at 10.77.4.1 and on, in one of 16 bits,
  of which the others must have an address, too. The other hosts' kernels are told once and for all where these are:
  what they find out themselves they have no room for, 1,024 for all hosts of a lab together.
  """
  @spec start_wide(Lab.t(), pos_integer(), pos_integer(), binary(), pos_integer()) :: port()
  def start_wide(lab, host, count, key, interval) do
    first = {10, 77, 4, 1}
    mac = of_link(lab, host, "address")

    neighbor = &"neighbor replace #{&1} lladdr #{mac} nud permanent dev eth0"
    for {other, _} <- lab.hosts, other != host, do: batch(lab, other, first, count, neighbor)

    start_at(lab, host, count, key, interval, {first, 16})
  end

  defp of_link(lab, host, what) do
    command = ["netns", "exec", Lab.netns(lab, host), "cat", "/sys/class/net/eth0/#{what}"]
    {text, 0} = System.cmd("ip", command)
    String.trim(text)
  end

  # A line for each address.
  defp batch(lab, host, {a, b, c, d}, count, line) do
    lines =
      for n <- 0..(count - 1), last = 256 * c + d + n do
        [line.("#{a}.#{b}.#{div(last, 256)}.#{rem(last, 256)}"), ?\n]
      end

    batch = Path.join(lab.dir, "batch")
    File.write!(batch, lines)
    Lab.in_host(lab, host, ["ip", "-batch", batch])
  end

  defp start_at(lab, host, count, <<_::256>> = key, interval, {{a, b, c, d} = first, bits}) do
    %{netns: netns, name: name} = lab.hosts[host]
    # What is limited is limited by the address, so they have one each, as so many hosts would.
    batch(lab, host, first, count, &"address add #{&1}/#{bits} dev eth0")
    index = of_link(lab, host, "ifindex")

    arguments =
      ["#{count}", name, "#{a}.#{b}.#{c}.#{d}", index] ++
        ["#{@dist_port}", "#{interval}"]

    # A descriptor for each.
    script = ~S(ulimit -n 4096 && exec "$0" "$@")

    port =
      Port.open({:spawn_executable, System.find_executable("ip")}, [
        :binary,
        :exit_status,
        line: 100,
        args: [
          "netns",
          "exec",
          netns,
          "sh",
          "-c",
          script,
          Program.built("gossip_crowd") | arguments
        ]
      ])

    Port.command(port, [key, Node.cookie(), "\n"])

    receive do
      {^port, {:data, {:eol, "ready"}}} -> port
      {^port, {:exit_status, status}} -> raise "gossip_crowd ended with #{status}"
    after
      20_000 -> raise "gossip_crowd was not ready within 20 s"
    end
  end

  @doc """
  The same, behind a firewall that drops every connect to that host: who dials one of them waits for 7 s.
  """
  @spec black_holes(Lab.t(), pos_integer(), pos_integer(), binary()) :: port()
  def black_holes(lab, host, count, key) do
    rules = Path.join(lab.dir, "black-holes")

    File.write!(rules, """
    table inet holes {
      chain input {
        type filter hook input priority 0;
        iifname "eth0" tcp flags & (syn | ack) == syn counter drop
      }
    }
    """)

    {_, 0} = System.cmd("ip", ~w(netns exec #{lab.hosts[host].netns} nft -f #{rules}))
    start(lab, host, count, key)
  end

  @doc """
  Starts the cluster of a newcomer. Returns in how many microseconds the other has listed it, and in how many both have
  told NODEUP; `nil` while they have not.
  """
  @spec arrive(Node.t(), keyword()) :: (Node.t() -> {pos_integer(), pos_integer()} | nil)
  def arrive(newcomer, cluster) do
    :ok = Node.start_cluster(newcomer, cluster)

    fn other ->
      found =
        Node.time(
          other,
          &match?({:event, _, {:up, %{name: name}}} when name == newcomer.name, &1)
        )

      up = Node.time(other, &(&1 == {:nodeup, newcomer.name}))
      own = Node.time(newcomer, &(&1 == {:nodeup, other.name}))
      start = Node.time(newcomer, &match?({:start, _}, &1))
      if found && up && own, do: {found - start, max(up, own) - start}
    end
  end

  @doc """
  For the option `connect`: one attempt of `net_kernel`'s, as long as its `net_setuptime` says. The default gives each
  attempt a shorter time, and all together 7 s.
  """
  @spec connect(node()) :: boolean() | :ignored
  def connect(node), do: :net_kernel.connect_node(node)

  @doc "How many peers a node is dialling."
  @spec dialled(Node.t()) :: non_neg_integer()
  def dialled(node),
    do: Enum.count(Node.call(node, GossipCluster, :peers, []), &(&1.connection == :connecting))
end
