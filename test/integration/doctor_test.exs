defmodule GossipCluster.DoctorIntegrationTest do
  # What the doctor names on real hosts, each of which has troubles of its own: as many of the causes that
  # guides/troubleshooting.md lists as a host of a lab can have, see GossipCluster.DoctorCauses.
  use GossipCluster.Lab.Case, async: false

  alias GossipCluster.{Doctor, DoctorCauses, Json, Lab.Filter}

  @readers %{status: &GossipCluster.status/1, peers: &GossipCluster.peers/1}
  @fast [interval: 100]

  defp examine(node, options \\ []),
    do: Node.call(node, Doctor, :examine, [Keyword.merge([listen: 600], options), @readers])

  defp causes(report),
    do: for(%{level: level, what: what} <- report.findings, level != :ok, do: what)

  # Looks again until the doctor names these: a cause must have lasted before the cluster itself names it.
  defp finds({node, wanted, options} = look, until \\ now() + 60_000) do
    report = examine(node, options)
    causes = causes(report)

    cond do
      wanted -- causes == [] ->
        report

      now() < until ->
        Process.sleep(100)
        finds(look, until)

      true ->
        flunk("the doctor of #{node.name} names #{inspect(causes)}, and not #{inspect(wanted)}")
    end
  end

  defp now, do: System.monotonic_time(:millisecond)

  # On all of them at once. What each names in all.
  defp all_find(looks) do
    looks
    |> Task.async_stream(&finds(&1), max_concurrency: 4, timeout: 120_000)
    |> Enum.flat_map(fn {:ok, report} ->
      assert report.status in [:warning, :broken]
      causes(report)
    end)
  end

  # What the executable alone sees on the same hosts.
  defp without_elixir(lab, tag) do
    tag = Doctor.Code.hex(tag)

    for_programs = for host <- [1, 8, 9], do: Task.async(fn -> for_programs(lab, host) end)

    says(lab, [
      {1, 0, ["on eth0 comes back", "key tag #{tag} is heard from 10.77.0.", "All is well."]},
      {2, 2, ["BROKEN   nothing can be sent to the group on eth0: Operation not permitted"]},
      {4, 2, ["BROKEN   what is sent to the group on eth0 does not come back to this host"]},
      {8, 1, ["warning  no interface but the loopback", "nodes on this machine find each other"]},
      {9, 2, ["BROKEN   UDP port 45893 cannot be had: Address already in use"]}
    ])

    Task.await_many(for_programs, 60_000)
  end

  # What it says on hosts, and the status that it ends with.
  defp says(lab, rows) do
    for {host, status, words} <- rows do
      Task.async(fn -> {host, status, words, executable(lab, host)} end)
    end
    |> Task.await_many(60_000)
    |> Enum.each(fn {host, status, words, {text, result}} ->
      for words <- words, do: assert(text =~ words, "on host #{host}: #{text}")
      assert result == status, "on host #{host}: #{text}"
    end)
  end

  defp executable(lab, host, options \\ []) do
    gossipd = Application.app_dir(:gossip_cluster, "priv/gossipd")
    System.cmd("ip", ["netns", "exec", Lab.netns(lab, host), gossipd, "doctor" | options])
  end

  # The same as JSON, its causes by the words of the doctor in Elixir.
  defp for_programs(lab, host) do
    {text, result} = executable(lab, host, ["--json"])
    assert [line, ""] = String.split(text, "\n")
    assert {:ok, %{"findings" => findings, "status" => status}} = Json.decode(line)
    assert status == Enum.at(["ok", "warning", "broken"], result)

    for finding <- findings do
      assert %{"level" => level, "what" => what, "cause" => cause, "do" => mend} = finding
      assert cause != "" and level == "ok" == (mend == nil)

      if level != "ok",
        do: assert(String.to_existing_atom(what) in Doctor.Mends.causes())
    end

    wanted = %{
      1 => {"ok", "key_tag"},
      8 => {"warning", "no_network"},
      9 => {"broken", "group_port_taken"}
    }

    assert wanted[host] in for(%{"level" => level, "what" => what} <- findings, do: {level, what})
  end

  test "names on each host what is wrong there, and nothing where all is well" do
    lab = Lab.start(hosts: 9)

    Filter.rules(lab, 2, """
    table inet firewall {
      chain input {
        type filter hook input priority 0;
        iifname "eth0" udp dport { 45893, 45894-45901 } drop
        iifname "eth0" tcp flags & (syn | ack) == syn reject with tcp reset
      }
      chain output {
        type filter hook output priority 0;
        ip daddr 233.252.1.33 udp dport 45893 reject
        udp dport 45894-45901 drop
      }
    }
    """)

    Filter.rules(lab, 4, """
    table inet firewall {
      chain input {
        type filter hook input priority 0;
        iifname "eth0" udp dport 45893 drop
      }
    }
    """)

    Filter.rules(lab, 5, """
    table inet firewall {
      chain input {
        type filter hook input priority 0;
        iifname "eth0" tcp flags & (syn | ack) == syn reject with tcp reset
      }
    }
    """)

    Lab.unplug(lab, 8)
    nobody = {Peer, :tagged?, [[role: "nobody"]]}
    named = ["eth0", "eth9"]
    loopback = ~w(-kernel inet_dist_use_interface {127,0,0,1})

    [a, j, b, c, d, e, f, _g, h, l, i, k, z] =
      Node.start_all(lab, [
        {"a", [host: 1, cluster: @fast]},
        {"j", [host: 1, cluster: @fast]},
        {"b", [host: 2, cluster: @fast]},
        {"c",
         [
           host: 3,
           cookie: "short",
           cluster: @fast ++ [interfaces: named]
         ]},
        {"d", [host: 4, at: "h4.lab", cluster: @fast]},
        {"e", [host: 5, cluster: @fast ++ [accept: nobody]]},
        {"f", [host: 6, at: "twin", cluster: @fast]},
        {"f", [host: 7, at: "twin", cluster: @fast]},
        {"h", [host: 8, cluster: @fast]},
        {"l", [host: 8, cluster: @fast]},
        {"i", [host: 9, cluster: @fast ++ [port: 4_000], flags: loopback]},
        {"k", [host: 9, cluster: @fast ++ [port: 4_000], flags: ~w(-dist_listen false)]},
        {"z", [host: 9, alive: false, cluster: [name: Nameless]]}
      ])

    # Where all is well: a cluster of its own, of two nodes that meet in the other one, too.
    for node <- [a, j],
        do: Node.start_cluster(node, @fast ++ [name: Well, cluster: "well", port: 4_100])

    well =
      eventually("all is well", [a, j], fn ->
        report = examine(a, name: Well, peer: j.name, compare: examine(j, name: Well).code)
        if report.status == :ok, do: report
      end)

    assert causes(well) == []
    whats = for %{what: what} <- well.findings, do: what
    for what <- [:cluster, :packets, :firewall, :peer, :tcp, :same], do: assert(what in whats)

    # What goes to the group alone is lost between these two.
    Filter.rules(lab, 6, """
    table inet firewall {
      chain input {
        type filter hook input priority 0;
        udp dport 4200 drop
      }
      chain output {
        type filter hook output priority 0;
        udp dport 4200 drop
      }
    }
    """)

    for node <- [a, f],
        do: Node.start_cluster(node, @fast ++ [name: Apart, cluster: "apart", port: 4_200])

    apart = finds({a, [:not_listed], [name: Apart, peer: "10.77.0.6"]})
    told = for %{what: what, cause: cause} <- apart.findings, into: %{}, do: {what, cause}
    assert told.udp =~ "f@twin answers under this secret: UDP passes both ways to 10.77.0.6"
    assert told.tcp =~ "f@twin is reached by TCP at 10.77.0.6"
    assert told.not_listed =~ "10.77.0.6 answers, and is not listed"

    # There is the loopback alone, and they are connected over it.
    meet([h, l])

    for options <- [[], [name: Nobody]] do
      lonely = finds({h, [:no_network], options})
      assert lonely.status == :warning

      assert Enum.find(lonely.findings, &(&1.what == :no_network)).cause =~
               "nodes on this machine"
    end

    # Where no cluster runs it asks under a secret that it is given, and else says that it needs one.
    cookie = Path.join(lab.dir, "cookie")
    File.write!(cookie, Node.cookie())
    stranger = [name: Nobody, peer: "10.77.0.6"]

    for {options, said} <- [
          {stranger, "--secret-file FILE"},
          {[secret: {:cookie, cookie}] ++ stranger, "f@twin answers under this secret"}
        ] do
      told = for %{what: :udp, cause: cause} <- examine(z, options).findings, do: cause
      assert Enum.any?(told, &(&1 =~ said)), inspect(told)
    end

    # Nobody can share that port with this socket.
    {:ok, _holder} = Node.call(z, Agent, :start, [:gen_udp, :open, [45_893]])
    Node.start_cluster(c, name: Second, cluster: "second", unicast_port: 45_894)
    Node.call(d, :erlang, :send, [GossipCluster, :what_nobody_knows])
    assert Node.call(z, GossipCluster, :start_link, [[name: Off, enabled: false]]) == :ignore

    found =
      all_find([
        {b,
         [:firewall_group_in, :firewall_group_out, :firewall_unicast_in, :firewall_unicast_out] ++
           [:firewall_distribution_in, :nothing_arrives], []},
        {b, [:not_running, :no_echo], [name: Nobody]},
        {c, [:weak_cookie, :interface, :foreign], []},
        {c, [:unicast_port], [name: Second]},
        {a, [:refused, :name_type], []},
        {d, [:strays, :name_type, :deaf], []},
        {e, [:not_accepted, :firewall_distribution_in], []},
        {f, [:conflict], []},
        {h, [:no_network], []},
        {i, [:listens_on_loopback], []},
        {k, [:no_listener], []},
        {z, [:no_name], [name: Nameless]},
        {z, [:disabled], [name: Off]},
        {z, [:group_port_taken], [name: Nobody]},
        # One other, or its code.
        {a, [:not_listed, :unresolved], [peer: "nobody@nowhere.invalid"]},
        {a, [:peer_not_running], [peer: "10.77.0.9"]},
        {a, [:peer_not_running], [peer: "10.77.0.9:50999"]},
        {a, [:no_answer], [peer: "10.77.0.2"]},
        {a, [:other_subnet, :unreachable], [peer: "192.0.2.1"]},
        {a, [:key_differs], [compare: examine(c).code]},
        {a, [:port_differs], [compare: examine(i).code]},
        {a, [:bad_code], [compare: String.slice(well.code, 0, byte_size(well.code) - 1)]}
      ])

    without_elixir(lab, Node.stat(a, :key_tag))

    Node.call(j, GossipCluster, :leave, [])
    Node.call(k, GossipCluster, :leave, [])
    later = all_find([{j, [:left], []}, {i, [:alone], []}])

    assert DoctorCauses.hosts() -- (found ++ later) == []
    # And none that the guide does not list.
    assert Enum.uniq(found ++ later) -- (DoctorCauses.hosts() ++ DoctorCauses.facts()) == []
  end

  test "both families are looked at, by the executable and where no cluster runs: over one alone is a warning" do
    lab = Lab.start(hosts: 3, ipv6: [1, 2, 3])

    six = fn verdict ->
      """
      table inet firewall {
        chain input {
          type filter hook input priority 0;
          ip6 daddr ff12::6763 udp dport 45893 #{verdict}
        }
      }
      """
    end

    Filter.rules(lab, 1, six.("accept"))
    Filter.rules(lab, 2, six.("drop"))
    Filter.rules(lab, 3, six.("drop"))
    Lab.in_host(lab, 3, ~w(ip -4 address flush dev eth0))

    # From its link-local address, once that is no longer tentative.
    ready =
      "until ip -6 address show dev eth0 scope link -tentative | grep -q fe80; do sleep 0.1; done"

    for host <- 1..3, do: Lab.in_host(lab, host, ["timeout", "20", "sh", "-c", ready])

    over = "what is sent to the group on eth0 over IPv6"

    says(lab, [
      {1, 1,
       [
         "ok       what is sent to the group on eth0 comes back",
         "ok       #{over} comes back"
       ]},
      {2, 1,
       [
         "ok       what is sent to the group on eth0 comes back",
         "warning  #{over} does not come back"
       ]},
      {3, 2, ["ok       interface eth0 fe80::", "BROKEN   #{over} does not come back"]}
    ])

    # What mix gossip.doctor is: a VM without a cluster.
    nodes = Node.start_all(lab, for(host <- 1..3, do: {"z", [host: host, alive: false]}))

    wanted = [
      {:ok, "comes back"},
      {:warning, "does not come back"},
      {:broken, "does not come back"}
    ]

    Enum.zip(nodes, wanted)
    |> Task.async_stream(fn {node, {level, words}} ->
      report = examine(node, name: Nobody)
      found = Enum.find(report.findings, &(&1.cause =~ over))
      assert found.level == level and found.cause =~ words
      assert :echo in for(%{what: what} <- report.findings, do: what) or level == :broken
    end)
    |> Stream.run()
  end
end
