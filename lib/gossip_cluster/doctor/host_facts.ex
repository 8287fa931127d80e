defmodule GossipCluster.Doctor.HostFacts do
  @moduledoc false
  # What this host's network is like: its interfaces; and where no cluster of this VM tells, what becomes of what is sent
  # to the group, and whether the ports are free. It opens sockets for a moment. And how many neighbors the kernel
  # remembers: all network namespaces have one table of each family together (arp(7), gc_thresh3), which the first of them
  # alone shows.

  alias GossipCluster.Doctor.{Executable, GroupFacts}

  @type interface :: %{
          name: String.t(),
          up: boolean(),
          running: boolean(),
          multicast: boolean(),
          loopback: boolean(),
          addresses: [{:inet.ip_address(), prefix :: non_neg_integer() | nil}]
        }
  @type t :: %{
          interfaces: [interface()],
          error: atom() | nil,
          neighbors: [{String.t(), entries :: non_neg_integer(), most :: pos_integer()}],
          group: Executable.t() | nil,
          group_port: :free | {:error, atom()} | nil,
          unicast_ports: [{:inet.port_number(), :free | {:error, atom()}}] | nil
        }

  @doc """
  The facts. `tries` says whether group and ports are tried, too: not where a cluster runs in this VM. Then others are
  listened to for so many milliseconds.
  """
  @spec gather(map(), boolean(), non_neg_integer()) :: t()
  def gather(options, tries, listen) do
    {interfaces, error} = interfaces()

    %{
      interfaces: interfaces,
      error: error,
      neighbors: neighbors("/proc"),
      group: if(tries, do: GroupFacts.gather(options, listen)),
      group_port: if(tries, do: free(options.port, reuseaddr: true)),
      unicast_ports: if(tries, do: unicast_ports(options.unicast_port))
    }
  end

  defp interfaces do
    case :inet.getifaddrs() do
      {:ok, list} -> {Enum.map(list, &interface/1), nil}
      {:error, reason} -> {[], reason}
    end
  end

  defp interface({name, options}) do
    flags = Keyword.get(options, :flags, [])

    %{
      name: to_string(name),
      up: :up in flags,
      running: :running in flags,
      multicast: :multicast in flags,
      loopback: :loopback in flags,
      addresses: addresses(options, [])
    }
  end

  # Each address is followed by its mask.
  defp addresses([{:addr, ip}, {:netmask, mask} | rest], done),
    do: addresses(rest, [{ip, prefix(mask)} | done])

  defp addresses([{:addr, ip} | rest], done), do: addresses(rest, [{ip, nil} | done])
  defp addresses([_other | rest], done), do: addresses(rest, done)
  defp addresses([], done), do: Enum.reverse(done)

  defp prefix(mask) do
    for part <- Tuple.to_list(mask), <<(bit::1 <- <<part::16>>)>>, bit == 1, reduce: 0 do
      count -> count + 1
    end
  end

  @doc "The tables of neighbors that this host shows, with `/proc` at this path."
  @spec neighbors(Path.t()) :: [{String.t(), non_neg_integer(), pos_integer()}]
  def neighbors(proc) do
    for {family, table, settings} <- [
          {"IPv4", "arp_cache", "ipv4"},
          {"IPv6", "ndisc_cache", "ipv6"}
        ],
        # Each processor's line tells of all entries.
        [%{"entries" => entries} | _] <- [counts(Path.join(proc, "net/stat/#{table}"))],
        {:ok, most} <- [
          File.read(Path.join(proc, "sys/net/#{settings}/neigh/default/gc_thresh3"))
        ],
        {most, ""} when most > 0 <- [Integer.parse(String.trim(most))],
        do: {family, entries, most}
  end

  @doc "What a file of /proc/net/stat counts, by its names: of each processor; none where it cannot be read."
  @spec counts(Path.t()) :: [%{String.t() => non_neg_integer()}]
  def counts(file) do
    with {:ok, text} <- File.read(file),
         [names | processors] <- String.split(text, "\n", trim: true) do
      for line <- processors, do: named(String.split(names), String.split(line))
    else
      _unreadable -> []
    end
  end

  defp named(names, numbers) do
    for {name, number} <- Enum.zip(names, numbers),
        {n, ""} <- [Integer.parse(number, 16)],
        into: %{},
        do: {name, n}
  end

  defp unicast_ports({0, 0}), do: []

  defp unicast_ports({first, last}),
    do: for(port <- first..min(last, first + 31), do: {port, free(port, [])})

  defp free(port, options) do
    case :gen_udp.open(port, options) do
      {:ok, socket} -> with :ok <- :gen_udp.close(socket), do: :free
      {:error, reason} -> {:error, reason}
    end
  end
end
