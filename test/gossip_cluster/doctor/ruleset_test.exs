defmodule GossipCluster.Doctor.RulesetTest do
  # What a firewall's rules do with a packet, and when that cannot be told.
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.Ruleset
  alias GossipCluster.Json

  @group %{
    hook: :input,
    protocol: :udp,
    port: 45_893,
    to: {233, 252, 1, 33},
    interface: "eth0"
  }
  @dist %{hook: :input, protocol: :tcp, port: 9_100, to: {10, 0, 0, 1}, interface: "eth0"}

  defp chain(name, more),
    do: %{chain: Map.merge(%{family: "inet", table: "f", name: name}, more)}

  defp base(policy \\ "accept", more \\ %{}),
    do: chain("in", Map.merge(%{type: "filter", hook: "input", prio: 0, policy: policy}, more))

  defp rule(expr, chain \\ "in"),
    do: %{rule: %{family: "inet", table: "f", chain: chain, expr: expr}}

  defp is(left, right, op \\ "=="), do: %{match: %{op: op, left: left, right: right}}
  defp port(protocol, right, op \\ "=="), do: is(payload(protocol, "dport"), right, op)
  defp payload(protocol, field), do: %{payload: %{protocol: protocol, field: field}}
  defp meta(key), do: %{meta: %{key: key}}

  @drop %{drop: nil}
  @accept %{accept: nil}

  defp verdict(items, packet \\ @group) do
    {:ok, rules} = Ruleset.from_nft(Json.encode(%{nftables: [%{metainfo: %{}} | items]}))
    rules |> Ruleset.verdict(packet) |> elem(0)
  end

  test "without a rule everything passes; with a policy of drop nothing does that no rule lets pass" do
    assert verdict([]) == :pass
    assert verdict([base()]) == :pass
    assert verdict([base("drop")]) == :drop
    assert verdict([base("drop"), rule([port("udp", 45_893), @accept])]) == :pass
    assert verdict([base("drop"), rule([port("udp", 45_894), @accept])]) == :drop
    assert verdict([base("drop"), rule([port("tcp", 45_893), @accept])]) == :drop
    assert verdict([base("drop", %{hook: "forward"})]) == :pass
    assert verdict([base("drop", %{type: "nat"})]) == :pass
  end

  test "the first rule that fits decides, whatever it counts or logs; jumps come back, gotos do not" do
    assert verdict([base(), rule([port("udp", 45_893), %{counter: nil}, @drop]), rule([@accept])]) ==
             :drop

    assert verdict([base(), rule([@accept]), rule([port("udp", 45_893), @drop])]) == :pass
    assert verdict([base(), rule([%{reject: %{type: "icmp"}}])]) == :reject
    own = [chain("own", %{}), rule([port("udp", 1), @drop], "own")]
    assert verdict([base()] ++ own ++ [rule([%{jump: %{target: "own"}}]), rule([@drop])]) == :drop
    assert verdict([base()] ++ own ++ [rule([%{goto: %{target: "own"}}]), rule([@drop])]) == :pass
    back = [chain("own", %{}), rule([%{return: nil}], "own"), rule([@drop], "own")]
    assert verdict([base()] ++ back ++ [rule([%{jump: %{target: "own"}}])]) == :pass
    # One that calls itself, as no kernel lets it.
    round = [chain("own", %{}), rule([%{jump: %{target: "own"}}], "own")]
    assert verdict([base()] ++ round ++ [rule([%{jump: %{target: "own"}}])]) == :depends
  end

  test "ports, addresses, interfaces and states are compared as nft writes them" do
    for {match, fits} <- [
          {port("udp", %{set: [1, 45_893]}), true},
          {port("udp", %{set: [%{range: [45_000, 46_000]}]}), true},
          {port("udp", %{range: [1, 2]}), false},
          {port("udp", 45_893, "!="), false},
          {port("tcp", 22, "!="), false},
          {port("th", 45_893), true},
          {is(payload("ip", "daddr"), %{prefix: %{addr: "224.0.0.0", len: 4}}), true},
          {is(payload("ip", "daddr"), "10.0.0.1"), false},
          {is(payload("ip6", "daddr"), "ff12::6763"), false},
          {is(payload("ip", "protocol"), "udp"), true},
          {is(meta("iifname"), "eth0"), true},
          {is(meta("iifname"), "lo"), false},
          {is(meta("iifname"), "et*"), true},
          {is(meta("l4proto"), %{set: ["tcp", "udp"]}), true},
          {is(meta("pkttype"), "multicast"), true},
          {is(meta("nfproto"), "ipv6"), false},
          {is(%{ct: %{key: "state"}}, ["established", "related"], "in"), false},
          {is(%{ct: %{key: "state"}}, "new", "in"), true},
          {is(payload("icmp", "type"), "echo-request"), false}
        ],
        do:
          assert(
            verdict([base(), rule([match, @drop])]) == if(fits, do: :drop, else: :pass),
            inspect(match)
          )

    syn = is(%{&: [payload("tcp", "flags"), ["syn", "ack"]]}, "syn")
    assert verdict([base(), rule([syn, @drop])], @dist) == :drop
    assert verdict([base(), rule([syn, @drop])], @group) == :pass

    state = %{
      vmap: %{
        key: %{ct: %{key: "state"}},
        data: %{set: [["established", @accept], ["new", @drop]]}
      }
    }

    assert verdict([base(), rule([state])]) == :drop
  end

  test "what hangs on what is not known is said to: never a guess" do
    from = is(payload("ip", "saddr"), %{prefix: %{addr: "10.0.0.0", len: 8}})
    assert verdict([base(), rule([from, @drop])]) == :depends
    assert verdict([base(), rule([from, @drop])], Map.put(@group, :from, {10, 1, 1, 1})) == :drop
    assert verdict([base(), rule([from, @drop])], Map.put(@group, :from, {192, 0, 2, 1})) == :pass
    # It would pass anyway.
    assert verdict([base(), rule([from, @accept])]) == :pass
    assert verdict([base("drop"), rule([from, @accept])]) == :depends
    assert verdict([base("drop"), rule([%{limit: %{rate: 1}}, @accept])]) == :depends
    assert verdict([base(), rule([%{"what is new": 1}, @drop])]) == :depends
    assert verdict([base(), rule([%{queue: %{num: 1}}])]) == :depends
    # What is dropped for sure is dropped.
    assert verdict([base(), rule([from, @drop]), rule([@drop])]) == :drop

    set = fn flags ->
      %{set: %{family: "inet", table: "f", name: "s", flags: flags, elem: [45_893]}}
    end

    assert verdict([set.([]), base(), rule([port("udp", "@s"), @drop])]) == :drop
    assert verdict([set.(["dynamic"]), base(), rule([port("udp", "@s"), @drop])]) == :depends
    assert verdict([base(), rule([port("udp", "@none"), @drop])]) == :depends
  end

  test "of two chains on one way each must let it pass" do
    other = %{base("accept", %{prio: 10}) | chain: %{base().chain | name: "late", prio: 10}}
    late = fn expr -> %{rule: %{family: "inet", table: "f", chain: "late", expr: expr}} end
    assert verdict([other, base(), late.([@drop]), rule([@accept])]) == :drop
    assert verdict([other, base(), late.([@accept]), rule([@drop])]) == :drop
    assert verdict([other, base(), late.([@accept]), rule([@accept])]) == :pass
  end

  test "what iptables says is understood the same way" do
    rules = """
    -P INPUT DROP
    -P FORWARD ACCEPT
    -P OUTPUT ACCEPT
    -N ufw-user-input
    -A INPUT -i lo -j ACCEPT
    -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A INPUT -j ufw-user-input
    -A INPUT -m limit --limit 3/min -j LOG --log-prefix "[UFW BLOCK] "
    -A ufw-user-input -p udp -m udp --dport 45893 -j ACCEPT
    -A ufw-user-input -p udp -m multiport --dports 45894:45901,4369 -j ACCEPT
    -A ufw-user-input -s 10.0.0.0/8 -p tcp -m tcp --dport 9100 -j ACCEPT
    -A OUTPUT -d 233.252.1.33/32 -p udp -j REJECT --reject-with icmp-port-unreachable
    """

    rules = Ruleset.from_iptables(rules, "ip")
    verdict = fn packet -> rules |> Ruleset.verdict(packet) |> elem(0) end
    assert verdict.(@group) == :pass
    assert verdict.(%{@group | port: 45_900, to: {10, 0, 0, 1}}) == :pass
    assert verdict.(%{@group | port: 45_902}) == :drop
    assert verdict.(%{@group | hook: :output}) == :reject
    assert verdict.(@dist) == :depends
    assert verdict.(Map.put(@dist, :from, {10, 9, 9, 9})) == :pass
    assert verdict.(Map.put(@dist, :from, {192, 0, 2, 1})) == :drop
    assert verdict.(%{@group | interface: "lo", port: 1}) == :pass
  end

  test "what is no answer of nft is none" do
    for text <- ["", "{}", "[]", "{\"nftables\": 1}"],
        do: assert(Ruleset.from_nft(text) == :error)
  end

  test "an address is within a net, of both families" do
    assert Ruleset.within?({10, 77, 0, 9}, {10, 77, 0, 1}, 24)
    refute Ruleset.within?({10, 77, 1, 9}, {10, 77, 0, 1}, 24)
    assert Ruleset.within?({10, 77, 1, 9}, {10, 77, 0, 1}, 0)
    assert Ruleset.within?({0xFD00, 0, 0, 1, 0, 0, 0, 9}, {0xFD00, 0, 0, 1, 0, 0, 0, 1}, 64)
    refute Ruleset.within?({0xFD00, 0, 0, 2, 0, 0, 0, 9}, {0xFD00, 0, 0, 1, 0, 0, 0, 1}, 64)
    refute Ruleset.within?({10, 0, 0, 1}, {0xFD00, 0, 0, 1, 0, 0, 0, 1}, 0)
  end
end
