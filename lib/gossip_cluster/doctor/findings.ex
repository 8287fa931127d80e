defmodule GossipCluster.Doctor.Findings do
  @moduledoc false
  # Facts become findings: what is well, and each cause of what is not, with what to do. Pure. A cause is named where a
  # fact shows it; what a fact does not tell is said to be unknown. `guides/troubleshooting.md` lists all causes.

  import GossipCluster.Doctor.Finding

  alias GossipCluster.Doctor.{Code, Finding, Mends, PeerFindings, TlsFindings}
  alias GossipCluster.{Epmd, Ip}

  # Of those that the cluster itself names, in `status/1`: these let no new node find this one.
  @broken [:no_name, :no_cookie, :no_sidecar, :no_network, :isolated, :conflict]

  @doc "All findings, in the order of the way from this node to the others."
  @spec judge(map()) :: [Finding.t()]
  def judge(facts) do
    Enum.concat([
      node(facts.node, facts.cluster),
      TlsFindings.judge(facts.tls, facts.node),
      cluster(facts.cluster),
      own_problems(facts.cluster),
      host(facts.host, facts.cluster),
      packets(facts.cluster),
      firewall(facts.firewall, facts.cluster),
      PeerFindings.listed(facts.cluster),
      PeerFindings.asked(facts.peer, facts),
      comparison(facts.compared)
    ])
    |> Enum.uniq()
  end

  @doc "The worst of them."
  @spec status([Finding.t()]) :: Finding.level()
  def status(findings) do
    levels = Enum.map(findings, & &1.level)
    Enum.find([:broken, :warning], :ok, &(&1 in levels))
  end

  ## This node

  # A cluster that runs there names it itself; a VM without one may have no use for a name.
  defp node(%{name: nil}, %{state: state}),
    do: if(state == :running, do: [], else: [ok(:node, "this VM is no node (nonode@nohost)")])

  defp node(node, _cluster) do
    [ok(:node, described(node))] ++
      cookie(node) ++ listener(node) ++ if(node.epmd_module == Epmd, do: [], else: own_host(node))
  end

  defp described(node) do
    type = if node.long_names, do: "a long name", else: "a short name"
    over = if node.tls, do: "over TLS", else: "over plain TCP"
    version = if node.ipv6, do: "IPv6", else: "IPv4"
    hidden = if node.hidden, do: ", hidden", else: ""

    "#{node.name}: #{type}#{hidden}, distribution #{over} and #{version}, -epmd_module #{inspect(node.epmd_module)}"
  end

  defp cookie(%{cookie: false}),
    do: [found(:broken, :no_cookie, "this node has no Erlang cookie")]

  defp cookie(%{weak_cookie: nil}), do: []

  defp cookie(%{weak_cookie: why}),
    do: [found(:warning, :weak_cookie, "the Erlang cookie #{why}, so it may be guessed")]

  defp listener(%{port: nil}),
    do: [found(:warning, :no_listener, "the distribution of this node listens on no port")]

  defp listener(%{listener: {ip, port}, addresses: addresses}) do
    if Ip.loopback?(ip) and not Enum.all?(addresses, &Ip.loopback?/1),
      do: [
        found(
          :broken,
          :listens_on_loopback,
          "the distribution listens on #{:inet.ntoa(ip)} port #{port} alone, which no other machine reaches"
        )
      ],
      else: [ok(:listener, "the distribution listens on #{:inet.ntoa(ip)} port #{port}")]
  end

  defp listener(%{port: port}), do: [ok(:listener, "the distribution listens on port #{port}")]

  # Without GossipCluster.Epmd the others ask for the host by its name.
  defp own_host(%{host: host, resolves: {:error, reason}}),
    do: [
      found(
        :warning,
        :own_name_unresolved,
        "this node's host name #{host} does not resolve here (#{reason}), and without GossipCluster.Epmd it must on all others"
      )
    ]

  defp own_host(%{host: host, resolves: {:ok, ip}, addresses: addresses}) do
    if Ip.loopback?(ip) and not Enum.all?(addresses, &Ip.loopback?/1),
      do: [
        found(
          :warning,
          :own_name_on_loopback,
          "this node's host name #{host} resolves to #{:inet.ntoa(ip)} here, and without GossipCluster.Epmd no other node may see that"
        )
      ],
      else: []
  end

  defp own_host(_unknown), do: []

  ## The cluster

  defp cluster(%{state: :running, last: %{} = status, options: options} = cluster) do
    tag = status.stats[:key_tag]
    key = if tag, do: ", key tag #{Code.hex(tag)}", else: ""
    announced = if status.announced, do: "announced", else: "not announced"

    [
      ok(
        :cluster,
        "#{inspect(cluster.name)}: #{status.health}, #{announced}, group #{options.group} port #{options.port}, " <>
          "TTL #{options.ttl}#{key}"
      )
    ] ++ sidecar(status.sidecar) ++ handlers(status)
  end

  defp cluster(%{state: :disabled, name: name}),
    do: [
      found(:warning, :disabled, "the cluster #{inspect(name)} is switched off (enabled: false)")
    ]

  defp cluster(%{name: name, others: others, gossipd: gossipd}) do
    there =
      if others == [], do: "", else: " (there runs #{Enum.map_join(others, ", ", &inspect/1)})"

    [
      found(
        :warning,
        :not_running,
        "no cluster #{inspect(name)} runs in this VM#{there}, so only its host was looked at"
      )
    ] ++ with {:error, text} <- gossipd, do: [told(:broken, :no_gossipd, text)], else: (:ok -> [])
  end

  defp sidecar(%{state: :running} = sidecar),
    do: [
      ok(
        :sidecar,
        "gossipd #{sidecar.version} runs (process #{sidecar.os_pid}), UDP port #{sidecar.unicast_port}"
      )
    ]

  defp sidecar(_sidecar), do: []

  defp handlers(%{reports: %{dropped: dropped}, strays: strays}) do
    slow =
      if dropped > 0,
        do: [found(:warning, :slow_handlers, "#{dropped} reports were not made")],
        else: []

    slow ++
      if strays > 0,
        do: [
          found(
            :warning,
            :strays,
            "#{strays} messages came to the cluster's process that it does not know"
          )
        ],
        else: []
  end

  # What the cluster itself has seen.
  defp own_problems(%{last: %{problems: problems}}) do
    for {nil, cause, text} <- problems do
      told(gravity(cause, text), cause, text)
    end
  end

  defp own_problems(_none), do: []

  # Those on this machine do find this node.
  defp gravity(:no_network, "only nodes on this machine are found" <> _why), do: :warning
  defp gravity(cause, _text) when cause in @broken, do: :broken

  # Nobody is heard there at all.
  defp gravity(:deaf, text),
    do: if(text =~ "not even what this node sends itself", do: :broken, else: :warning)

  defp gravity(_cause, _text), do: :warning

  ## The host

  defp host(%{error: reason}, _cluster) when reason != nil,
    do: [found(:warning, :no_interfaces_told, "the interfaces cannot be listed: #{reason}")]

  defp host(host, %{state: :running, last: %{interfaces: interfaces}}) do
    [ok(:interfaces, "in use: #{in_use(interfaces)}; #{described_all(host.interfaces)}")] ++
      Enum.flat_map(host.neighbors, &neighbors/1)
  end

  defp host(host, %{options: options}) do
    [ok(:interfaces, described_all(host.interfaces))] ++
      network(host.interfaces) ++
      Enum.flat_map(host.neighbors, &neighbors/1) ++
      group(host.group) ++
      group_port(host.group_port, options) ++ unicast_ports(host.unicast_ports || [])
  end

  defp in_use([]), do: "none"

  defp in_use(interfaces),
    do: Enum.map_join(interfaces, ", ", fn {name, _, address} -> "#{name} #{address}" end)

  defp described_all(interfaces) do
    Enum.map_join(interfaces, ", ", fn interface ->
      state =
        if interface.up,
          do: if(interface.running, do: "up", else: "up without a carrier"),
          else: "down"

      "#{interface.name} #{state}"
    end)
  end

  # From nine tenths on: it forgets old ones as it fills.
  defp neighbors({family, entries, most}) when entries * 10 >= most * 9,
    do: [
      found(
        :warning,
        :neighbors,
        "the kernel remembers #{entries} #{family} neighbors, of all network namespaces of this machine together, and " <>
          "#{most} at most: where it has no room it drops what is sent, and tells the sender nothing"
      )
    ]

  defp neighbors(_roomy), do: []

  defp network(interfaces) do
    case for(%{up: true, addresses: [_ | _], loopback: loopback} <- interfaces, do: loopback) do
      [] ->
        [found(:broken, :no_network, "no interface is up with an IP address")]

      loopback ->
        if Enum.all?(loopback),
          do: [
            found(
              :warning,
              :no_network,
              "no interface but the loopback is up with an IP address: nodes on this machine find each other, and no " <>
                "other host can be found"
            )
          ],
          else: []
    end
  end

  # What the executable has found, in its own words.
  defp group(nil), do: []

  defp group({:ok, findings}) do
    for finding <- findings do
      # What is an option of the cluster here is one of the executable's there.
      if finding.what == :interface,
        do: found(finding.level, :interface, finding.cause),
        else: finding
    end
  end

  defp group({:error, why}),
    do: [ok(:echo, "whether what is sent to the group comes back was not tried: #{why}")]

  defp group_port(free, _options) when free in [:free, nil], do: []

  defp group_port({:error, reason}, %{port: port}),
    do: [found(:broken, :group_port_taken, "UDP port #{port} cannot be had (#{reason})")]

  defp unicast_ports([]), do: []

  defp unicast_ports(ports) do
    if Enum.any?(ports, fn {_port, free} -> free == :free end),
      do: [],
      else: [
        found(
          :warning,
          :unicast_port,
          "UDP ports #{elem(hd(ports), 0)} to #{elem(List.last(ports), 0)} are all taken, or forbidden"
        )
      ]
  end

  ## What comes

  defp packets(%{first: %{stats: %{} = first}, last: %{stats: %{} = last}} = cluster) do
    grown = Map.new(last, fn {key, value} -> {key, value - Map.get(first, key, 0)} end)
    heard = grown.received - grown.own - grown.foreign
    seconds = :erlang.float_to_binary(cluster.seconds, decimals: 1)

    [
      ok(
        :packets,
        "in #{seconds} s: #{grown.received} received, #{grown.own} of them this node's own, #{grown.foreign} under another key, " <>
          "#{heard} of members"
      )
    ] ++ loneliness(cluster, grown, last, heard) ++ counters(grown, last)
  end

  defp packets(_none), do: []

  # Nothing is concluded from less than two beats.
  defp loneliness(%{last: %{peers: 0} = status, seconds: seconds} = cluster, grown, last, heard) do
    cond do
      not status.announced or seconds * 1_000 < 2 * cluster.options.interval -> []
      grown.foreign > 0 and heard == 0 -> [foreign(cluster, last)]
      grown.received == 0 -> [silence(cluster)]
      heard == 0 -> [alone()]
      true -> []
    end
  end

  defp loneliness(_cluster, _grown, _last, _heard), do: []

  defp foreign(%{options: options}, last) do
    secret = if options.by_cookie, do: "Erlang cookie (Node.get_cookie/0)", else: "option secret"

    found(
      :broken,
      :foreign,
      "no peer is found, and all packets that are heard are under another key than this node's (tag #{Code.hex(last.key_tag)})",
      "give all nodes the same #{secret} and the same option cluster; compare the codes of two doctors"
    )
  end

  defp silence(%{options: %{port: port}}),
    do:
      found(
        :broken,
        :nothing_arrives,
        "nothing is received on UDP port #{port}, not even what this node sends itself"
      )

  defp alone,
    do: found(:warning, :alone, "nothing is heard but this node's own packets")

  defp counters(grown, last) do
    for {keys, what, text} <- [
          {[:relayed], :relayed,
           "packets for this node were sent to another address than they arrive at"},
          {[:send_errors], :send_errors, "the system refuses to send packets"},
          {[:refused_full], :refused_full, "newcomers are refused, since max_peers are listed"},
          {[:refused_memory, :timers_refused], :short_memory, "memory is short for the sidecar"}
        ],
        count = Enum.sum(Enum.map(keys, &Map.get(grown, &1, 0))),
        count > 0 do
      found(:warning, what, "#{text} (#{count} in this time)")
    end ++ forged(last)
  end

  defp forged(%{forged: count}) when count > 0,
    do: [
      ok(
        :forged,
        "#{count} packets had the key's tag and not its seal: damage, or somebody who tries; they have no effect"
      )
    ]

  defp forged(_stats), do: []

  ## The firewall

  defp firewall(%{rules: :read, verdicts: verdicts} = firewall, cluster) do
    blocked =
      for %{verdict: verdict} = v <- verdicts,
          verdict in [:drop, :reject],
          do: blocked(v, firewall, cluster)

    unsure = for %{verdict: :depends} = v <- verdicts, do: unsure(v)
    passed = for %{verdict: :pass, what: what} <- verdicts, uniq: true, do: Mends.packets(what)

    passes =
      if passed == [],
        do: [],
        else: [ok(:firewall, "the firewall of this host lets pass: #{Enum.join(passed, ", ")}")]

    passes ++ Enum.uniq_by(blocked, & &1.what) ++ Enum.uniq(unsure)
  end

  defp firewall(%{rules: rules, manager: manager}, _cluster) do
    by = if manager, do: "; #{manager} is in use", else: ""

    why =
      case rules do
        :denied ->
          "this user may not read its rules, which takes root (in a container CAP_NET_ADMIN)#{by}"

        :absent ->
          "there is neither nft nor iptables to ask#{by}"

        :unreadable ->
          "its rules cannot be read#{by}"
      end

    [
      ok(
        :firewall_unknown,
        "whether this host has a firewall that drops packets cannot be told: #{why}"
      )
    ]
  end

  defp blocked(%{what: what, packet: packet, verdict: verdict, by: by}, firewall, cluster) do
    does = if verdict == :drop, do: "drops", else: "rejects"

    found(
      level(what, cluster),
      what,
      "the firewall of this host #{does} #{Mends.packets(what)} (#{String.upcase("#{packet.protocol}")} port #{packet.port}, #{by})",
      Mends.open(firewall.manager, packet)
    )
  end

  # Seeds need no multicast.
  defp level(what, %{last: %{seeds: [_ | _]}})
       when what in [:firewall_group_in, :firewall_group_out],
       do: :warning

  defp level(what, _cluster) when what in [:firewall_group_in, :firewall_group_out], do: :broken
  defp level(:firewall_distribution_in, _cluster), do: :broken
  defp level(_what, _cluster), do: :warning

  defp unsure(%{what: what, packet: packet, by: by}),
    do:
      ok(
        :firewall_unknown,
        "whether the firewall of this host lets #{Mends.packets(what)} pass (#{packet.protocol} port #{packet.port}) depends on " <>
          "more than can be told here (#{by})"
      )

  ## Two codes

  defp comparison(nil), do: []

  defp comparison({:error, why}),
    do: [found(:broken, :bad_code, "the code cannot be read: #{why}")]

  defp comparison({:ok, there, []}),
    do: [
      ok(
        :same,
        "group, port, key, type of name, distribution and networks of #{there.name || "the other"} fit this node's" <>
          if(there.tag, do: "", else: " (no cluster runs there, so its key is not known)")
      )
    ]

  defp comparison({:ok, _there, differences}),
    do: for({what, text, mend} <- differences, do: found(:broken, what, text, mend))
end
