defmodule GossipCluster.Doctor.HostFacts do
  @moduledoc false
  # What this host's network is like: its interfaces; and where no cluster of this VM tells, whether what is sent to the
  # group comes back, and whether the ports are free. It opens sockets for a moment, and what it sends is an empty
  # datagram that does not leave this machine (TTL 0), which every sidecar ignores.

  alias GossipCluster.Doctor.Bounded

  @echo 500

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
          echo: [{String.t(), :heard | :silent | {:error, atom()}}] | nil,
          group_port: :free | {:error, atom()} | nil,
          unicast_ports: [{:inet.port_number(), :free | {:error, atom()}}] | nil
        }

  @doc "The facts. `tries` says whether group and ports are tried, too: not where a cluster runs in this VM."
  @spec gather(map(), boolean()) :: t()
  def gather(options, tries) do
    {interfaces, error} = interfaces()

    %{
      interfaces: interfaces,
      error: error,
      echo: if(tries, do: echo(interfaces, options)),
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

  defp echo(interfaces, %{group: group, port: port}) do
    {:ok, group} = :inet.parse_ipv4strict_address(to_charlist(group))

    tried =
      for %{up: true, multicast: true, loopback: false} = interface <- interfaces,
          {ip, _prefix} <- Enum.take(for({{_, _, _, _}, _} = a <- interface.addresses, do: a), 1),
          do: {interface.name, ip}

    functions = for {_name, ip} <- tried, do: fn -> echo(group, port, ip) end
    heard = Bounded.all(functions, 2 * @echo, :silent)
    Enum.zip_with(tried, heard, fn {name, _ip}, heard -> {name, heard} end)
  end

  defp echo(group, port, ip) do
    options = [
      :binary,
      active: false,
      reuseaddr: true,
      ip: group,
      multicast_if: ip,
      multicast_ttl: 0,
      multicast_loop: true,
      add_membership: {group, ip}
    ]

    with {:ok, socket} <- :gen_udp.open(port, options),
         :ok <- :gen_udp.send(socket, group, port, ""),
         {:ok, _datagram} <- :gen_udp.recv(socket, 0, @echo) do
      :heard
    else
      {:error, :timeout} -> :silent
      {:error, reason} -> {:error, reason}
    end
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
