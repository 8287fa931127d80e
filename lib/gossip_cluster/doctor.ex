defmodule GossipCluster.Doctor do
  @moduledoc false
  # Why two nodes do not meet. Gathers facts (each kind in a module of its own, bounded in time, read only), judges them
  # (GossipCluster.Doctor.Findings), and makes the report of it. `GossipCluster.doctor/1` and `mix gossip.doctor` are
  # the ways to it.

  alias GossipCluster.Doctor.{
    Bounded,
    ClusterFacts,
    Code,
    Findings,
    FirewallFacts,
    HostFacts,
    Mends,
    NodeFacts,
    PeerFacts,
    Report,
    TlsFacts
  }

  # Files may lie on a disk that does not answer.
  @patience 2_000

  @type option ::
          {:name, GossipCluster.name() | nil}
          | {:peer, String.t() | nil}
          | {:compare, String.t() | nil}
          | {:listen, non_neg_integer()}
          | {:secret, {:cookie | :passphrase | :key, Path.t()} | nil}

  @doc "Whether the doctor may be asked about it: one node, or one host."
  @spec one?(term()) :: boolean()
  defdelegate one?(peer), to: PeerFacts

  @doc "Examines this node, its cluster and its host: takes as long as it listens, and some seconds more at most."
  @spec examine([option()], ClusterFacts.readers()) :: Report.t()
  def examine(options, readers) do
    name = ClusterFacts.name(options[:name])
    node = NodeFacts.gather()
    listen = Keyword.get(options, :listen, 3_000)
    cluster = ClusterFacts.gather(name, listen, readers)
    # Where one runs, it is the sidecar that tries the way in.
    host = HostFacts.gather(cluster.options, cluster.state != :running, listen)

    peer =
      if asked = options[:peer],
        do: PeerFacts.gather(to_string(asked), node, cluster, host, secret(options, cluster))

    facts = %{node: node, tls: tls(node), cluster: cluster, host: host, peer: peer}
    firewall = facts |> packets() |> FirewallFacts.gather()
    here = Report.code(facts)
    facts = Map.merge(facts, %{firewall: firewall, compared: compare(options[:compare], here)})
    findings = Findings.judge(facts)

    %{
      status: Findings.status(findings),
      findings: findings,
      code: Code.encode(here),
      facts: facts
    }
  end

  defp secret(options, cluster), do: options[:secret] || ClusterFacts.keys(cluster)

  defp tls(%{tls: true, host: host}) do
    case Bounded.run(fn -> TlsFacts.gather(host) end, @patience) do
      {:ok, facts} -> facts
      _late_or_failed -> nil
    end
  end

  defp tls(_plain), do: nil

  defp compare(nil, _here), do: nil

  defp compare(code, here) do
    with {:ok, there} <- Code.decode(code), do: {:ok, there, Code.compare(here, there)}
  end

  # What the firewall is asked about: on each interface that is in use, or could be.
  defp packets(%{node: node, cluster: %{options: options} = cluster, host: host, peer: peer}) do
    {:ok, group} = :inet.parse_ipv4strict_address(to_charlist(options.group))
    from = if peer && peer.address, do: %{from: peer.address}, else: %{}
    unicast = unicast(cluster)

    for {interface, own} <- ways(host, cluster),
        packet <- packets(node, options, group, own, unicast) do
      {what, packet} = packet
      packet = Map.put(packet, :interface, interface)
      {what, if(packet.hook == :input, do: Map.merge(packet, from), else: packet)}
    end
  end

  defp packets(node, options, group, own, unicast) do
    ports = Mends.ports(options.port, options.unicast_port, unicast)
    udp = %{hook: :input, protocol: :udp, port: options.port, to: group, ports: ports}
    tcp = %{hook: :input, protocol: :tcp, to: own}
    port = node.port

    [
      {:firewall_group_in, udp},
      {:firewall_group_out, %{udp | hook: :output}},
      {:firewall_unicast_in, %{udp | port: unicast, to: own}},
      # Whom it goes to is another one each time: of the same family.
      {:firewall_unicast_out, Map.delete(%{udp | hook: :output, port: unicast}, :to)}
    ] ++
      if(port, do: [{:firewall_distribution_in, Map.put(tcp, :port, port)}], else: []) ++
      if(node.name && node.epmd_module != GossipCluster.Epmd,
        do: [{:firewall_epmd_in, Map.put(tcp, :port, 4369)}],
        else: []
      )
  end

  defp unicast(%{last: %{sidecar: %{unicast_port: port}}}) when is_integer(port) and port > 0,
    do: port

  defp unicast(%{options: %{unicast_port: {first, _last}}}), do: first

  # {interface, its IPv4 address}
  defp ways(host, cluster) do
    used =
      case cluster do
        %{last: %{interfaces: [_ | _] = interfaces}} -> for {name, _, _} <- interfaces, do: name
        _none -> for %{up: true, loopback: false, name: name} <- host.interfaces, do: name
      end

    for %{name: name, addresses: addresses} <- host.interfaces,
        name in used,
        {ip, _prefix} <- Enum.take(for({{_, _, _, _}, _} = a <- addresses, do: a), 1),
        do: {name, ip}
  end

  @doc "Whether and how it is printed: the text, with colours where the terminal has them."
  @spec print(Report.t(), boolean()) :: :ok
  def print(report, true), do: IO.puts(Report.json(report))

  def print(report, false),
    do:
      IO.write(
        Report.text(report, IO.ANSI.enabled?() and System.get_env("NO_COLOR") in [nil, ""])
      )
end
