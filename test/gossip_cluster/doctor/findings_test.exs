defmodule GossipCluster.Doctor.FindingsTest do
  # What the doctor concludes from facts, and what it does not.
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Health
  alias GossipCluster.{DoctorCauses, Peer}
  alias GossipCluster.Doctor.{Findings, Mends}

  @stats Map.new(GossipCluster.Sidecar.Codec.stats(), &{&1, 0})
  @later %{@stats | received: 12, own: 4, key_tag: 0x8F3A21C4}

  @status %{
    health: :ok,
    announced: true,
    peers: 1,
    problems: [],
    interfaces: [{"eth0", 2, "10.0.0.1"}],
    seeds: [],
    strays: 0,
    reports: %{waiting: 0, dropped: 0},
    sidecar: %{state: :running, version: "0.1.0", os_pid: 7, unicast_port: 45_894},
    stats: @later
  }
  @peer %Peer{
    name: "b@h2",
    creation: 1,
    port: 9_100,
    cookie: :same,
    addresses: [{{10, 0, 0, 2}, 45_894, 2}],
    connection: :connected
  }
  @facts %{
    node: %{
      name: "a@h1",
      host: "h1",
      long_names: false,
      tls: false,
      ipv6: false,
      hidden: false,
      epmd_module: GossipCluster.Epmd,
      cookie: true,
      weak_cookie: nil,
      listener: {{0, 0, 0, 0}, 9_100},
      port: 9_100,
      addresses: [{10, 0, 0, 1}, {127, 0, 0, 1}],
      resolves: {:ok, {10, 0, 0, 1}}
    },
    tls: nil,
    cluster: %{
      name: GossipCluster,
      state: :running,
      others: [],
      options: %{
        group: "233.252.1.33",
        port: 45_893,
        ttl: 1,
        interval: 1_000,
        unicast_port: {45_894, 45_901},
        by_cookie: true,
        ipv6: true,
        broadcast: false
      },
      first: %{@status | stats: @stats},
      last: @status,
      peers: [@peer],
      seconds: 3.0,
      gossipd: :ok
    },
    host: %{
      interfaces: [
        %{
          name: "eth0",
          up: true,
          running: true,
          multicast: true,
          loopback: false,
          addresses: [{{10, 0, 0, 1}, 24}]
        }
      ],
      error: nil,
      neighbors: [{"IPv4", 921, 1_024}, {"IPv6", 3, 1_024}],
      group: nil,
      group_port: nil,
      unicast_ports: nil
    },
    firewall: %{rules: :read, manager: nil, verdicts: []},
    peer: nil,
    compared: nil
  }

  defp put(path, value), do: put_in(@facts, path, value)
  defp last(key, value), do: put([:cluster, :last, key], value)
  defp stat(key), do: put([:cluster, :last, :stats], %{@later | key => 3})
  defp problem(cause, text), do: last(:problems, [{nil, cause, text}])

  defp peer(changes),
    do: put([:cluster, :peers], [struct!(%{@peer | connection: :waiting}, changes)])

  defp told(cause, text), do: peer(problem: {cause, text})
  defp stock(changes), do: put([:node], Map.merge(@facts.node, Map.new(changes)))

  defp blocked(what, packet),
    do:
      put([:firewall, :verdicts], [
        %{what: what, verdict: :drop, by: "inet f in", packet: packet}
      ])

  @asked %{
    asked: "b@h2",
    known: nil,
    many: [],
    name: "b@h2",
    host: nil,
    resolves: nil,
    address: {10, 0, 0, 2},
    near: true,
    tcp: [],
    epmd: nil,
    udp: [],
    answer: nil
  }
  defp asked(changes), do: put([:peer], Map.merge(@asked, Map.new(changes)))

  # Files of a distribution over TLS, of which nothing is wrong but this.
  defp tls(changes) do
    certificate = %{from: 1_000, till: 3_000, name: true}
    {about, changes} = Keyword.pop(changes, :certificate, [])
    used = %{certfile: "c.pem", certificate: certificate, keyfile: "k.pem", key: :fits}
    used = Map.merge(used, Map.new(changes))
    used = %{used | certificate: Map.merge(certificate, Map.new(about))}

    put([:tls], %{
      file: "dist.conf",
      now: 2_000,
      error: nil,
      used: [used],
      authorities: [{"a.pem", 1}]
    })
  end

  defp compared(what), do: put([:compared], {:ok, %{name: "b@h2", tag: 1}, [{what, "x", "y"}]})

  @tcp %{hook: :input, protocol: :tcp, port: 9_100}
  @udp %{
    hook: :input,
    protocol: :udp,
    port: 45_894,
    ports: Mends.ports(45_893, {45_894, 45_901}, 45_894)
  }

  # Each cause by a fact that shows it.
  defp cases do
    [
      no_cookie: stock(cookie: false),
      no_gossipd:
        put(
          [:cluster],
          Map.merge(@facts.cluster, %{
            state: :none,
            last: nil,
            first: nil,
            gossipd: {:error, "the executable x is missing: run `mix compile`"}
          })
        ),
      own_name_unresolved: stock(epmd_module: :erl_epmd, resolves: {:error, :nxdomain}),
      own_name_on_loopback: stock(epmd_module: :erl_epmd, resolves: {:ok, {127, 0, 1, 1}}),
      unannounced: problem(:unannounced, "this node is just about to be announced"),
      no_sidecar: problem(:no_sidecar, "gossipd is being started"),
      slow_handlers: last(:reports, %{waiting: 0, dropped: 7}),
      no_interfaces_told: put([:host, :error], :emfile),
      virtual_network: problem(:virtual_network, "no interface leads out: connect it"),
      seed: problem(:seed, "seed x cannot be resolved: look at the name"),
      isolated: problem(:isolated, "nobody answers this node any more: look at its cable"),
      mute: problem(:mute, "what this node sends does not arrive: see what drops it"),
      relayed: stat(:relayed),
      neighbors: put([:host, :neighbors], [{"IPv4", 922, 1_024}, {"IPv6", 3, 1_024}]),
      send_errors: stat(:send_errors),
      refused_full: stat(:refused_full),
      short_memory: stat(:timers_refused),
      timeout: told(:timeout, "its distribution port does not answer: open it"),
      unreachable: told(:unreachable, "no route leads to it: check routes"),
      wrong_address: told(:wrong_address, "its host name resolves to y: correct DNS"),
      epmd: asked(epmd: {:error, :econnrefused}),
      no_port: told(:no_port, "it does not say on which port"),
      handshake: told(:handshake, "it is reached but refuses: are the cookies the same?"),
      family: told(:family, "this node's distribution speaks IPv4: start both"),
      link_local: told(:link_local, "it has no IPv6 address: give it one"),
      failed: told(:failed, "it could not be reached"),
      accept: told(:accept, "the option accept failed"),
      quiet: told(:quiet, "it was disconnected on purpose, here"),
      atoms: told(:atoms, "too many names: reuse them"),
      cookie: peer(connection: {:skipped, :cookie}),
      tls: peer(connection: {:skipped, :tls}),
      bad_name: peer(connection: {:skipped, :bad_name}),
      not_alive: peer(connection: {:skipped, :not_alive}),
      ambiguous: asked(many: ["b@h2", "b@h3"]),
      unheard: asked(known: %{@peer | heard: false}),
      wire_version: compared(:wire_version),
      group_differs: compared(:group_differs),
      tls_file: tls(key: {:error, "permission denied"}),
      tls_expired: tls(certificate: [till: 1_500]),
      tls_key: tls(key: :differs),
      tls_name: tls(certificate: [name: false]),
      firewall_epmd_in: blocked(:firewall_epmd_in, @tcp)
    ]
  end

  test "nothing is concluded where all is well" do
    for facts <- [@facts, tls([]), tls(key: :unknown)] do
      findings = Findings.judge(facts)
      assert Findings.status(findings) == :ok
      assert Enum.all?(findings, &(&1.level == :ok and &1.cause != ""))
    end
  end

  test "each cause is named by the fact that shows it, and by nothing else" do
    for {what, facts} <- cases() do
      findings = Findings.judge(facts)
      assert [finding] = Enum.filter(findings, &(&1.what == what and &1.level != :ok)), "#{what}"
      assert finding.do != nil and finding.cause != "", "#{what}"

      others =
        for f <- findings,
            f.level != :ok,
            f.what not in [what, :not_listed, :not_running],
            do: f.what

      assert others == [], "#{what}"
    end

    assert Enum.sort(Keyword.keys(cases())) == Enum.sort(DoctorCauses.facts())
  end

  test "without a network it is broken where not even those on this machine can meet" do
    # As the cluster itself says it.
    network = fn reach, missing ->
      view = %{
        left: false,
        named: true,
        cookie: true,
        sidecar: :running,
        answers: true,
        announced: true,
        isolated: false,
        rival: nil,
        network: %{reach: reach, missing: missing, deaf: [], mute: []},
        interfaces: [],
        named_interfaces: missing != [],
        unicast_port: 0,
        unicast_wanted: {0, 0},
        seeds: []
      }

      {:no_network, [no_network: text]} = Health.judge(view)
      problem(:no_network, text)
    end

    [lo] =
      for %{name: "eth0"} = i <- @facts.host.interfaces, do: %{i | name: "lo", loopback: true}

    none = %{@facts.cluster | state: :none, first: nil, last: nil, peers: []}

    for {level, facts} <- [
          {:warning, network.(:loopback, [])},
          {:warning, network.(:loopback, ["eth7"])},
          {:broken, network.(:none, [])},
          {:broken, network.(:none, ["eth7"])},
          {:warning, %{put([:host, :interfaces], [lo]) | cluster: none}},
          {:broken, %{put([:host, :interfaces], [%{lo | up: false}]) | cluster: none}},
          {:broken, %{put([:host, :interfaces], [%{lo | addresses: []}]) | cluster: none}}
        ] do
      findings = Findings.judge(facts)
      assert [finding] = Enum.filter(findings, &(&1.what == :no_network))

      assert {finding.level, finding.cause =~ "nodes on this machine"} ==
               {level, level == :warning}

      assert finding.do =~ ~r/network|bring it up/i
      assert Findings.status(findings) == level
    end
  end

  test "each cause has a mend" do
    fixed = [:key_differs, :port_differs, :wire_version, :group_differs, :foreign]

    firewall =
      for what <- DoctorCauses.hosts(), String.starts_with?("#{what}", "firewall_"), do: what

    named = DoctorCauses.hosts() ++ DoctorCauses.facts()
    assert Enum.uniq(named) == named
    assert named -- (Mends.causes() ++ fixed ++ firewall) == [:firewall_epmd_in]
    assert Mends.causes() -- named == []
  end

  test "less than two beats tell nothing of who is there; what others there are is counted" do
    alone = fn seconds, stats ->
      cluster = %{@facts.cluster | peers: [], seconds: seconds}
      cluster = put_in(cluster.last, %{@status | peers: 0, stats: Map.merge(@later, stats)})
      for f <- Findings.judge(%{@facts | cluster: cluster}), f.level != :ok, do: f.what
    end

    assert alone.(3.0, %{received: 4}) == [:alone]
    assert alone.(1.0, %{received: 4}) == []
    assert alone.(3.0, %{received: 0, own: 0}) == [:nothing_arrives]
    assert alone.(3.0, %{received: 9, foreign: 5}) == [:foreign]
    # Members are heard that are just joining.
    assert alone.(3.0, %{received: 12, foreign: 5}) == []
  end

  test "who may not read the rules of the firewall is told so, and no cause is made of it" do
    for rules <- [:denied, :absent, :unreadable] do
      findings = Findings.judge(put([:firewall], %{rules: rules, manager: :ufw, verdicts: []}))
      assert Findings.status(findings) == :ok
      assert [%{cause: text}] = Enum.filter(findings, &(&1.what == :firewall_unknown))
      assert text =~ "cannot be told" and text =~ "ufw"
    end

    depends = [%{what: :firewall_group_in, verdict: :depends, by: "x", packet: %{@tcp | port: 1}}]
    assert Findings.status(Findings.judge(put([:firewall, :verdicts], depends))) == :ok
  end

  test "the tool that has written the rules is named as what opens them" do
    words = [
      ufw: {"`ufw allow 45893:45901/udp`", "`ufw allow 9100/tcp`"},
      firewalld: {"--add-port=45893-45901/udp`", "--add-port=9100/tcp`"},
      nil: {"let udp to ports 45893 to 45901 pass in", "let tcp to port 9100 pass in"}
    ]

    for {manager, {udp, tcp}} <- words do
      assert opens(manager, :firewall_group_in, %{@udp | port: 45_893}) =~ udp
      # Whichever of the eight this node has: after its next start it may be another one.
      assert opens(manager, :firewall_unicast_in, @udp) =~ udp
      assert opens(manager, :firewall_distribution_in, @tcp) =~ tcp
    end
  end

  test "ports that are not beside each other are named one by one" do
    packet = %{@udp | ports: Mends.ports(45_893, {50_000, 50_007}, 50_000)}
    opens = &opens(&1, :firewall_unicast_in, packet)
    assert opens.(:ufw) == "`ufw allow 45893,50000:50007/udp`"
    assert opens.(:firewalld) =~ "--add-port=45893/udp --add-port=50000-50007/udp`"
    assert opens.(nil) =~ "let udp to ports 45893, 50000 to 50007 pass in"

    out = opens(:ufw, :firewall_unicast_out, %{packet | hook: :output})
    assert out =~ "let udp to ports 45893, 50000 to 50007 pass out"
  end

  defp opens(manager, what, packet) do
    verdict = %{what: what, verdict: :drop, by: "x", packet: packet}
    facts = put([:firewall, :manager], manager)
    findings = Findings.judge(put_in(facts.firewall.verdicts, [verdict]))
    assert %{level: level, do: mend} = Enum.find(findings, &(&1.what == what))
    assert level in [:broken, :warning]
    mend
  end
end
