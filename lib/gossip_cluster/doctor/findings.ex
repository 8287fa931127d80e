defmodule GossipCluster.Doctor.Findings do
  @moduledoc false
  # Facts become findings: what is well, and each cause of what is not, with what to do. Pure. A cause is named where a
  # fact shows it; what a fact does not tell is said to be unknown. `guides/troubleshooting.md` lists all causes.

  alias GossipCluster.Doctor.{Code, Mends}
  alias GossipCluster.{Epmd, Ip, Peer}

  @type level :: :ok | :warning | :broken
  @typedoc "`what` is the same for the same cause, always; `do` is `nil` where nothing is to be done."
  @type t :: %{level: level(), what: atom(), cause: String.t(), do: String.t() | nil}

  # Of those that the cluster itself names, in `status/1`: these let no new node find this one.
  @broken [:no_name, :no_cookie, :no_sidecar, :no_network, :isolated, :conflict]

  @doc "All findings, in the order of the way from this node to the others."
  @spec judge(map()) :: [t()]
  def judge(facts) do
    Enum.concat([
      node(facts.node, facts.cluster),
      tls(facts.tls, facts.node),
      cluster(facts.cluster),
      own_problems(facts.cluster),
      host(facts.host, facts.cluster),
      packets(facts.cluster),
      firewall(facts.firewall, facts.cluster),
      peers(facts.cluster),
      peer(facts.peer, facts),
      comparison(facts.compared)
    ])
    |> Enum.uniq()
  end

  @doc "The worst of them."
  @spec status([t()]) :: level()
  def status(findings) do
    levels = Enum.map(findings, & &1.level)
    Enum.find([:broken, :warning], :ok, &(&1 in levels))
  end

  defp ok(what, text), do: %{level: :ok, what: what, cause: text, do: nil}
  defp found(level, what, cause, mend), do: %{level: level, what: what, cause: cause, do: mend}

  # Of a text that names cause and mend.
  defp told(level, what, text) do
    {cause, mend} = Mends.split(text)
    found(level, what, cause, mend || Mends.default(what))
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
    do: [found(:broken, :no_cookie, "this node has no Erlang cookie", Mends.default(:no_cookie))]

  defp cookie(%{weak_cookie: nil}), do: []

  defp cookie(%{weak_cookie: why}),
    do: [
      found(
        :warning,
        :weak_cookie,
        "the Erlang cookie #{why}, so it may be guessed",
        Mends.default(:weak_cookie)
      )
    ]

  defp listener(%{port: nil}),
    do: [
      found(
        :warning,
        :no_listener,
        "the distribution of this node listens on no port",
        Mends.default(:no_listener)
      )
    ]

  defp listener(%{listener: {ip, port}, addresses: addresses}) do
    if Ip.loopback?(ip) and not Enum.all?(addresses, &Ip.loopback?/1),
      do: [
        found(
          :broken,
          :listens_on_loopback,
          "the distribution listens on #{ip(ip)} port #{port} alone, which no other machine reaches",
          Mends.default(:listens_on_loopback)
        )
      ],
      else: [ok(:listener, "the distribution listens on #{ip(ip)} port #{port}")]
  end

  defp listener(%{port: port}), do: [ok(:listener, "the distribution listens on port #{port}")]

  # Without GossipCluster.Epmd the others ask for the host by its name.
  defp own_host(%{host: host, resolves: {:error, reason}}),
    do: [
      found(
        :warning,
        :own_name_unresolved,
        "this node's host name #{host} does not resolve here (#{reason}), and without GossipCluster.Epmd it must on all others",
        Mends.default(:own_name_unresolved)
      )
    ]

  defp own_host(%{host: host, resolves: {:ok, ip}, addresses: addresses}) do
    if Ip.loopback?(ip) and not Enum.all?(addresses, &Ip.loopback?/1),
      do: [
        found(
          :warning,
          :own_name_on_loopback,
          "this node's host name #{host} resolves to #{ip(ip)} here, and without GossipCluster.Epmd no other node may see that",
          Mends.default(:own_name_on_loopback)
        )
      ],
      else: []
  end

  defp own_host(_unknown), do: []

  ## Its certificates

  defp tls(nil, _node), do: []

  defp tls(%{file: file, error: error}, _node) when error != nil, do: [unusable(file, error)]

  defp tls(%{used: used, authorities: authorities, now: now}, node) do
    Enum.flat_map(used, &(certificate(&1, now, node) ++ key(&1))) ++
      for({file, {:error, why}} <- authorities, do: unusable(file, why))
  end

  defp unusable(file, why),
    do:
      found(
        :broken,
        :tls_file,
        "#{file}, which the distribution over TLS is given, cannot be used: #{why}",
        Mends.default(:tls_file)
      )

  defp certificate(%{certfile: file, certificate: {:error, why}}, _now, _node),
    do: [unusable(file, why)]

  defp certificate(%{certfile: file, certificate: :unknown}, _now, _node),
    do: [ok(:tls_certificate, "what is in the certificate #{file} cannot be told")]

  defp certificate(%{certfile: file, certificate: %{from: from, till: till} = own}, now, node) do
    date =
      cond do
        now > till -> expired("the certificate #{file} has expired, #{date(till)}")
        now < from -> expired("the certificate #{file} is valid from #{date(from)} only")
        true -> ok(:tls_certificate, "the certificate #{file} is valid until #{date(till)}")
      end

    [date | if(own.name, do: [], else: [misnamed(file, node)])]
  end

  defp date(seconds), do: seconds |> DateTime.from_unix!() |> DateTime.to_iso8601()

  defp expired(text), do: found(:broken, :tls_expired, text, Mends.default(:tls_expired))

  # Who is dialled checks no name, so it is connected to by its own dials.
  defp misnamed(file, node),
    do:
      found(
        :warning,
        :tls_name,
        "the certificate #{file} is not for #{node.host}, this node's host: nobody who checks that connects to it",
        Mends.default(:tls_name)
      )

  defp key(%{keyfile: file, key: {:error, why}}), do: [unusable(file, why)]

  defp key(%{keyfile: file, certfile: certfile, key: :differs}),
    do: [
      found(
        :broken,
        :tls_key,
        "the key #{file} is not the one of the certificate #{certfile}",
        Mends.default(:tls_key)
      )
    ]

  defp key(_fits_or_unknown), do: []

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
      found(
        :warning,
        :disabled,
        "the cluster #{inspect(name)} is switched off (enabled: false)",
        Mends.default(:disabled)
      )
    ]

  defp cluster(%{name: name, others: others, gossipd: gossipd}) do
    there =
      if others == [], do: "", else: " (there runs #{Enum.map_join(others, ", ", &inspect/1)})"

    [
      found(
        :warning,
        :not_running,
        "no cluster #{inspect(name)} runs in this VM#{there}, so only its host was looked at",
        Mends.default(:not_running)
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
        do: [
          found(
            :warning,
            :slow_handlers,
            "#{dropped} reports were not made",
            Mends.default(:slow_handlers)
          )
        ],
        else: []

    slow ++
      if strays > 0,
        do: [
          found(
            :warning,
            :strays,
            "#{strays} messages came to the cluster's process that it does not know",
            Mends.default(:strays)
          )
        ],
        else: []
  end

  # What the cluster itself has seen.
  defp own_problems(%{last: %{problems: problems}}) do
    for {nil, cause, text} <- problems do
      level = if cause in @broken or closed?(cause, text), do: :broken, else: :warning
      told(level, cause, text)
    end
  end

  defp own_problems(_none), do: []

  # Nobody is heard there at all.
  defp closed?(:deaf, text), do: text =~ "not even what this node sends itself"
  defp closed?(_cause, _text), do: false

  ## The host

  defp host(%{error: reason}, _cluster) when reason != nil,
    do: [
      found(
        :warning,
        :no_interfaces_told,
        "the interfaces cannot be listed: #{reason}",
        Mends.default(:no_interfaces_told)
      )
    ]

  defp host(host, %{state: :running, last: %{interfaces: interfaces}}),
    do: [ok(:interfaces, "in use: #{in_use(interfaces)}; #{described_all(host.interfaces)}")]

  defp host(host, %{options: options}) do
    [ok(:interfaces, described_all(host.interfaces))] ++
      network(host.interfaces) ++
      echo(host.echo || [], options) ++
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

  defp network(interfaces) do
    if Enum.any?(interfaces, &(&1.up and not &1.loopback and &1.addresses != [])),
      do: [],
      else: [
        found(
          :broken,
          :no_network,
          "no interface but the loopback is up with an IP address",
          Mends.default(:no_network)
        )
      ]
  end

  defp echo(echo, options) do
    for {name, heard} <- echo do
      case heard do
        :heard ->
          ok(:echo, "what is sent to the group on #{name} comes back")

        :silent ->
          found(
            :broken,
            :no_echo,
            "what is sent to the group #{options.group} on #{name} does not come back to this host itself",
            Mends.default(:no_echo)
          )

        {:error, reason} ->
          found(
            :broken,
            :no_echo,
            "the group #{options.group} cannot be used on #{name} (#{reason})",
            Mends.default(:no_echo)
          )
      end
    end
  end

  defp group_port(free, _options) when free in [:free, nil], do: []

  defp group_port({:error, reason}, %{port: port}),
    do: [
      found(
        :broken,
        :group_port_taken,
        "UDP port #{port} cannot be had (#{reason})",
        Mends.default(:group_port_taken)
      )
    ]

  defp unicast_ports([]), do: []

  defp unicast_ports(ports) do
    if Enum.any?(ports, fn {_port, free} -> free == :free end),
      do: [],
      else: [
        found(
          :warning,
          :unicast_port,
          "UDP ports #{elem(hd(ports), 0)} to #{elem(List.last(ports), 0)} are all taken, or forbidden",
          Mends.default(:unicast_port)
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
        "nothing is received on UDP port #{port}, not even what this node sends itself",
        Mends.default(:nothing_arrives)
      )

  defp alone,
    do:
      found(
        :warning,
        :alone,
        "nothing is heard but this node's own packets",
        Mends.default(:alone)
      )

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
      found(:warning, what, "#{text} (#{count} in this time)", Mends.default(what))
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

  ## The peers

  defp peers(%{state: :running, peers: peers}) do
    connected = Enum.count(peers, &(&1.connection == :connected))

    [ok(:peers, "#{length(peers)} listed, #{connected} connected")] ++
      Enum.flat_map(peers, &not_connected/1)
  end

  defp peers(_none), do: []

  defp not_connected(%Peer{connection: :connected}), do: []

  defp not_connected(%Peer{problem: {cause, text}} = peer),
    do: [about(peer, told(gravity(cause), cause(peer, cause), text))]

  defp not_connected(%Peer{connection: {:skipped, reason}} = peer) do
    what = if reason == :refused, do: :not_accepted, else: reason
    level = if what in [:quiet, :not_accepted, :not_alive], do: :warning, else: :broken
    [about(peer, found(level, what, Mends.skipped(what), Mends.default(what)))]
  end

  defp not_connected(%Peer{} = peer),
    do: [
      ok(:connecting, "#{Peer.label(peer)} is being connected")
    ]

  # A wish, and no trouble.
  defp gravity(:quiet), do: :warning
  defp gravity(_cause), do: :broken

  # Whom the option accept refuses has the same word in its state as whose port is closed.
  defp cause(%Peer{connection: {:skipped, :refused}}, _cause), do: :not_accepted
  defp cause(_peer, cause), do: cause

  defp about(peer, finding), do: %{finding | cause: "#{Peer.label(peer)}: #{finding.cause}"}

  ## One of them

  defp peer(nil, _facts), do: []

  defp peer(%{known: nil, many: [_ | _] = many, asked: asked}, _facts),
    do: [
      found(
        :warning,
        :ambiguous,
        "#{asked} may be #{Enum.join(many, ", ")}",
        Mends.default(:ambiguous)
      )
    ]

  defp peer(%{known: %Peer{} = known} = peer, %{node: node}) do
    [ok(:peer, listed(known))] ++
      unheard(known) ++ ways(known, peer.tcp) ++ types(known, node) ++ ask_epmd(peer)
  end

  defp peer(peer, %{cluster: %{state: :running}} = facts) do
    reach = reach(peer)

    unknown =
      if Enum.all?(reach, &(&1.level == :ok)),
        do: [
          found(
            :warning,
            :not_listed,
            "#{peer.asked} is not listed: nothing of it is heard under this node's key",
            Mends.default(:not_listed)
          )
        ],
        else: []

    unresolved(peer) ++ far(peer, facts) ++ reach ++ unknown ++ ask_epmd(peer)
  end

  defp peer(peer, facts),
    do: unresolved(peer) ++ far(peer, facts) ++ reach(peer) ++ ask_epmd(peer)

  defp listed(known) do
    cookie =
      case known.cookie do
        :same -> "the same cookie"
        :differs -> "another cookie"
        :unknown -> "a cookie that is not known yet"
      end

    ways = if known.heard, do: "heard itself", else: "told of by others"

    "#{Peer.label(known)} is listed: #{known.status}, #{ways}, at #{Peer.address(known)}, #{cookie}, #{connection(known)}"
  end

  defp connection(%{connection: {:skipped, reason}}), do: "not dialled (#{reason})"
  defp connection(%{connection: connection}), do: "#{connection}"

  defp unheard(%{heard: true}), do: []

  defp unheard(known),
    do: [
      found(
        :warning,
        :unheard,
        "#{Peer.label(known)} is known from others, and was never heard here itself: UDP between the two does not pass",
        Mends.default(:unheard)
      )
    ]

  # One that is open is enough.
  defp ways(known, tcp) do
    case Enum.filter(tcp, &match?({_ip, _port, :ok}, &1)) do
      [] -> Enum.map(tcp, &tcp(known, &1))
      open -> Enum.map(open, &tcp(known, &1))
    end
  end

  defp tcp(known, {ip, port, :ok}),
    do: ok(:tcp, "#{Peer.label(known)} is reached by TCP at #{ip(ip)} port #{port}")

  defp tcp(known, {ip, port, {:error, reason}}) do
    what = tcp_cause(reason)
    level = if known.connection == :connected, do: :warning, else: :broken

    found(
      level,
      what,
      "#{Peer.label(known)} is not reached by TCP at #{ip(ip)} port #{port} (#{reason})",
      Mends.default(what)
    )
  end

  defp tcp_cause(:econnrefused), do: :refused
  defp tcp_cause(reason) when reason in [:timeout, :etimedout], do: :timeout

  defp tcp_cause(reason) when reason in [:ehostunreach, :enetunreach, :enetdown, :ehostdown],
    do: :unreachable

  defp tcp_cause(_reason), do: :failed

  # What the two say of themselves and is no trouble.
  defp types(known, node) do
    if known.long_names == node.long_names and known.tls == node.tls,
      do: [
        ok(
          :types,
          "#{Peer.label(known)} has the same type of name, and the same kind of distribution"
        )
      ],
      else: []
  end

  defp ask_epmd(%{epmd: {:error, reason}, address: address}),
    do: [
      found(
        :broken,
        :epmd,
        "no epmd answers at #{ip(address)} port 4369 (#{reason})",
        Mends.default(:epmd)
      )
    ]

  defp ask_epmd(_peer), do: []

  defp unresolved(%{host: host, resolves: {:error, reason}}) do
    [
      found(
        :warning,
        :unresolved,
        "the host name #{host} does not resolve here (#{reason})",
        Mends.default(:unresolved)
      )
    ]
  end

  defp unresolved(_peer), do: []

  defp far(%{near: false, address: address}, %{cluster: %{options: %{ttl: ttl}} = cluster})
       when ttl <= 1 do
    if match?(%{last: %{seeds: [_ | _]}}, cluster),
      do: [],
      else: [
        found(
          :warning,
          :other_subnet,
          "#{ip(address)} is in no subnet of this host, and a TTL of #{ttl} keeps multicast on its own link",
          Mends.default(:other_subnet)
        )
      ]
  end

  defp far(_peer, _facts), do: []

  # What its system says of the ports that a sidecar has. Silence tells nothing: somebody is there, or a firewall, or a
  # system that does not tell.
  defp reach(%{udp: []}), do: []

  defp reach(%{udp: udp, address: address}) do
    ports = Enum.map_join(udp, " and ", fn {port, _result} -> "#{port}" end)
    results = Enum.map(udp, &elem(&1, 1))
    error = Enum.find(results, &match?({:error, _}, &1))

    cond do
      error ->
        [
          found(
            :broken,
            :unreachable,
            "#{ip(address)} is not reached by UDP (#{elem(error, 1)})",
            Mends.default(:unreachable)
          )
        ]

      Enum.all?(results, &(&1 == :closed)) ->
        [
          found(
            :broken,
            :peer_not_running,
            "#{ip(address)} is reached by UDP, and its system says that nobody has the ports #{ports} there",
            Mends.default(:peer_not_running)
          )
        ]

      true ->
        [ok(:udp, "whether #{ip(address)} is reached by UDP cannot be told: nothing came back")]
    end
  end

  ## Two codes

  defp comparison(nil), do: []

  defp comparison({:error, why}),
    do: [found(:broken, :bad_code, "the code cannot be read: #{why}", Mends.default(:bad_code))]

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

  defp ip(ip), do: ip |> :inet.ntoa() |> to_string()
end
