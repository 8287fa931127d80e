defmodule GossipCluster.Doctor.Ruleset do
  @moduledoc false
  # What a firewall's rules do with a packet: those of nftables as `nft -j list ruleset` has them, and those of iptables
  # as `iptables -S` has them, brought into the same form. Pure.
  #
  # It walks the rules as the kernel does, for the first packet of a talk. What it does not understand, or what hangs
  # on more than is known of the packet (its sender, a rate, a set that changes), makes the answer `:depends` and never
  # a guess, where the verdict could be another one for it.

  alias GossipCluster.Json

  @typedoc """
  The packet: which way it goes, its protocol, ports and addresses. What is not there is not known; `interface` is the
  one that it comes in or goes out by. `ports` is not asked about: it is what a rule would have to name.
  """
  @type packet :: %{
          required(:hook) => :input | :output,
          required(:protocol) => :udp | :tcp,
          required(:port) => :inet.port_number(),
          optional(:to) => :inet.ip_address(),
          optional(:from) => :inet.ip_address(),
          optional(:interface) => String.t(),
          optional(:ports) => [{:inet.port_number(), :inet.port_number()}]
        }
  @typedoc "What becomes of it, and by which chain: `:depends` where that hangs on what is not known."
  @type verdict :: {:pass | :drop | :reject | :depends, by :: String.t() | nil}

  @typedoc "Base chains in their order, all chains by name, and sets."
  @type t :: %{bases: [map()], chains: %{tuple() => [[map()]]}, sets: %{tuple() => [term()]}}

  @doc "The rules of `nft -j list ruleset`, or `:error`."
  @spec from_nft(binary()) :: {:ok, t()} | :error
  def from_nft(json) do
    with {:ok, %{"nftables" => items}} when is_list(items) <- Json.decode(json) do
      {:ok, Enum.reduce(items, %{bases: [], chains: %{}, sets: %{}}, &item/2) |> sort()}
    else
      _other -> :error
    end
  end

  defp item(%{"chain" => %{"family" => f, "table" => t, "name" => n} = chain}, rules) do
    rules = %{rules | chains: Map.put_new(rules.chains, {f, t, n}, [])}
    if chain["hook"], do: %{rules | bases: [chain | rules.bases]}, else: rules
  end

  defp item(%{"rule" => %{"family" => f, "table" => t, "chain" => n, "expr" => expr}}, rules),
    do: %{rules | chains: Map.update(rules.chains, {f, t, n}, [expr], &(&1 ++ [expr]))}

  defp item(%{"set" => %{"family" => f, "table" => t, "name" => n} = set}, rules) do
    # One that packets add to, or whose elements end, is another one at any moment.
    changes = Enum.any?(List.wrap(set["flags"]), &(&1 in ["dynamic", "timeout"]))
    elements = if changes, do: :unknown, else: List.wrap(set["elem"])
    %{rules | sets: Map.put(rules.sets, {f, t, n}, elements)}
  end

  defp item(_other, rules), do: rules

  defp sort(rules),
    do: %{rules | bases: rules.bases |> Enum.reverse() |> Enum.sort_by(&priority/1)}

  defp priority(%{"prio" => priority}) when is_integer(priority), do: priority
  defp priority(_chain), do: 0

  @doc "The rules of `iptables -S` (`\"ip\"`) or `ip6tables -S` (`\"ip6\"`), of the table filter."
  @spec from_iptables(String.t(), String.t()) :: t()
  def from_iptables(text, family) do
    empty = %{bases: [], chains: %{}, sets: %{}}

    text
    |> String.split("\n", trim: true)
    |> Enum.map(&OptionParser.split/1)
    |> Enum.reduce(empty, &line(&1, &2, family))
    |> sort()
  end

  defp line(["-P", name, policy], rules, family) do
    chain = %{
      "family" => family,
      "table" => "filter",
      "name" => name,
      "type" => "filter",
      "hook" => String.downcase(name),
      "prio" => 0,
      "policy" => String.downcase(policy)
    }

    item(%{"chain" => chain}, rules)
  end

  defp line(["-N", name], rules, family),
    do: item(%{"chain" => %{"family" => family, "table" => "filter", "name" => name}}, rules)

  defp line(["-A", name | words], rules, family) do
    rule = %{"family" => family, "table" => "filter", "chain" => name, "expr" => words(words, [])}
    item(%{"rule" => rule}, rules)
  end

  defp line(_other, rules, _family), do: rules

  defp words([], expr), do: Enum.reverse(expr)
  defp words(["!", _option, _value | rest], expr), do: words(rest, [unknown() | expr])
  defp words(["-m", _module | rest], expr), do: words(rest, expr)
  defp words(["--comment", _text | rest], expr), do: words(rest, expr)

  defp words(["-p", protocol | rest], expr),
    do: words(rest, [match(%{"meta" => %{"key" => "l4proto"}}, protocol) | expr])

  defp words(["-i", name | rest], expr),
    do: words(rest, [match(%{"meta" => %{"key" => "iifname"}}, plus(name)) | expr])

  defp words(["-o", name | rest], expr),
    do: words(rest, [match(%{"meta" => %{"key" => "oifname"}}, plus(name)) | expr])

  defp words([option, ports | rest], expr) when option in ["--dport", "--dports"] do
    payload = %{"payload" => %{"protocol" => "th", "field" => "dport"}}
    words(rest, [match(payload, ports(ports)) | expr])
  end

  defp words([option, net | rest], expr) when option in ["-d", "-s"] do
    field = if option == "-d", do: "daddr", else: "saddr"
    payload = %{"payload" => %{"protocol" => "ip", "field" => field}}
    words(rest, [match(payload, net(net)) | expr])
  end

  defp words([option, states | rest], expr) when option in ["--state", "--ctstate"] do
    states = states |> String.downcase() |> String.split(",")
    words(rest, [match(%{"ct" => %{"key" => "state"}}, states, "in") | expr])
  end

  defp words([jump, target | rest], expr) when jump in ["-j", "-g"] do
    verdict =
      case target do
        "ACCEPT" -> %{"accept" => nil}
        "DROP" -> %{"drop" => nil}
        "REJECT" -> %{"reject" => nil}
        "RETURN" -> %{"return" => nil}
        log when log in ["LOG", "NFLOG"] -> %{"log" => nil}
        chain when jump == "-g" -> %{"goto" => %{"target" => chain}}
        chain -> %{"jump" => %{"target" => chain}}
      end

    # What follows belongs to the target.
    _ = rest
    Enum.reverse([verdict | expr])
  end

  defp words([_unknown | rest], expr), do: words(rest, [unknown() | expr])

  defp match(left, right, op \\ "=="),
    do: %{"match" => %{"op" => op, "left" => left, "right" => right}}

  defp unknown, do: %{"unknown" => nil}

  defp plus(name), do: String.replace(name, ~r/\+$/, "*")

  defp ports(text) do
    ports =
      for port <- String.split(text, ",") do
        case for(end_ <- String.split(port, ":"), do: Integer.parse(end_)) do
          [{port, ""}] -> port
          [{first, ""}, {last, ""}] -> %{"range" => [first, last]}
          _other -> "?"
        end
      end

    %{"set" => ports}
  end

  defp net(text) do
    case String.split(text, "/") do
      [address, length] ->
        case Integer.parse(length) do
          {length, ""} -> %{"prefix" => %{"addr" => address, "len" => length}}
          _mask -> "?"
        end

      [address] ->
        address
    end
  end

  @doc "What becomes of the packet. The first chain that does not let it pass is the one that counts."
  @spec verdict(t(), packet()) :: verdict()
  def verdict(rules, packet) do
    hooks = if packet.hook == :input, do: ["prerouting", "input"], else: ["output", "postrouting"]

    for(hook <- hooks, base <- rules.bases, base["hook"] == hook and filters?(base), do: base)
    |> Enum.reject(&other_family?(&1, packet))
    |> Enum.reduce({:pass, nil}, fn
      _base, {verdict, by} when verdict in [:drop, :reject] -> {verdict, by}
      base, before -> weigh(before, of_base(rules, base, packet))
    end)
  end

  # Those of other types translate addresses, or choose routes.
  defp filters?(base), do: base["type"] == "filter"

  defp other_family?(%{"family" => "ip"}, %{to: to}), do: tuple_size(to) == 8
  defp other_family?(%{"family" => "ip6"}, %{to: to}), do: tuple_size(to) == 4
  defp other_family?(%{"family" => family}, _packet), do: family not in ["inet", "ip", "ip6"]

  defp weigh(before, {:pass, _by}), do: before
  defp weigh(_before, verdict), do: verdict

  defp of_base(rules, base, packet) do
    key = {base["family"], base["table"], base["name"]}
    policy = if base["policy"] == "drop", do: :drop, else: :pass
    by = "#{base["family"]} #{base["table"]} #{base["name"]}"

    {end_, maybe} = walk(rules, key, packet, MapSet.new(), 0)
    verdict = if end_ in [:return, :continue], do: policy, else: end_
    # What it would be without the rules of which nobody can tell whether they count here.
    if Enum.any?(maybe, &(&1 != verdict)), do: {:depends, by}, else: {verdict, by}
  end

  # How the chain ends for the packet, and which other ends there might be.
  defp walk(_rules, _key, _packet, maybe, depth) when depth > 16,
    do: {:continue, MapSet.put(maybe, :unknown)}

  defp walk(rules, key, packet, maybe, depth) do
    rules.chains
    |> Map.get(key, [])
    |> Enum.reduce_while({:continue, maybe}, fn expr, {_end, maybe} ->
      rule(rules, key, expr, packet, maybe, depth)
    end)
  end

  defp rule(rules, key, expr, packet, maybe, depth) do
    {matches, verdict} = expr(rules, key, expr, packet, true)

    case {matches, verdict} do
      {false, _verdict} -> {:cont, {:continue, maybe}}
      {_any, nil} -> {:cont, {:continue, maybe}}
      {matches, {jump, target}} -> jump(rules, key, jump, target, packet, maybe, depth, matches)
      {true, :unknown} -> {:cont, {:continue, MapSet.put(maybe, :unknown)}}
      {true, verdict} -> {:halt, {verdict, maybe}}
      {:unknown, verdict} -> {:cont, {:continue, MapSet.put(maybe, verdict)}}
    end
  end

  defp jump(rules, {family, table, _}, jump, target, packet, maybe, depth, matches) do
    {end_, inner} = walk(rules, {family, table, target}, packet, maybe, depth + 1)

    cond do
      # Whether it goes there at all is not known.
      matches == :unknown -> {:cont, {:continue, maybe_end(inner, end_)}}
      end_ in [:pass, :drop, :reject] -> {:halt, {end_, inner}}
      jump == :goto -> {:halt, {:return, inner}}
      true -> {:cont, {:continue, inner}}
    end
  end

  defp maybe_end(maybe, end_) when end_ in [:pass, :drop, :reject], do: MapSet.put(maybe, end_)
  defp maybe_end(maybe, _end), do: maybe

  # Whether all matches of a rule are true of the packet (or that is unknown), and what it says then.
  defp expr(_rules, _key, [], _packet, matches), do: {matches, nil}

  defp expr(rules, key, [statement | rest], packet, matches) do
    case statement(rules, key, statement, packet) do
      :nothing -> expr(rules, key, rest, packet, matches)
      {:match, true} -> expr(rules, key, rest, packet, matches)
      {:match, false} -> {false, nil}
      {:match, :unknown} -> expr(rules, key, rest, packet, :unknown)
      {:verdict, verdict} -> {matches, verdict}
    end
  end

  defp statement(
         rules,
         key,
         %{"match" => %{"op" => op, "left" => left, "right" => right}},
         packet
       ) do
    {:match, compare(op, field(left, packet), right, sets(rules, key))}
  end

  defp statement(_, _, %{"accept" => _}, _), do: {:verdict, :pass}
  defp statement(_, _, %{"drop" => _}, _), do: {:verdict, :drop}
  defp statement(_, _, %{"reject" => _}, _), do: {:verdict, :reject}
  defp statement(_, _, %{"return" => _}, _), do: {:verdict, :return}
  defp statement(_, _, %{"jump" => %{"target" => target}}, _), do: {:verdict, {:jump, target}}
  defp statement(_, _, %{"goto" => %{"target" => target}}, _), do: {:verdict, {:goto, target}}
  defp statement(_, _, %{"xt" => %{"name" => "REJECT"}}, _), do: {:verdict, :reject}

  defp statement(_, _, %{"xt" => %{"name" => name}}, _) when name in ["LOG", "NFLOG", "comment"],
    do: :nothing

  defp statement(rules, key, %{"vmap" => %{"key" => left, "data" => %{"set" => pairs}}}, packet) do
    value = field(left, packet)
    sets = sets(rules, key)
    found = for [right, verdict] <- pairs, do: {compare("==", value, right, sets), verdict}

    case Enum.find(found, fn {matches, _verdict} -> matches == true end) do
      {true, verdict} -> statement(rules, key, verdict, packet)
      nil -> {:match, if(Enum.any?(found, &(elem(&1, 0) == :unknown)), do: :unknown, else: false)}
    end
  end

  @silent ~w(counter log comment continue notrack mangle)
  defp statement(_rules, _key, statement, _packet) when is_map(statement) do
    case Map.keys(statement) do
      [name] when name in @silent -> :nothing
      ["queue"] -> {:verdict, :unknown}
      _limit_or_what_is_new -> {:match, :unknown}
    end
  end

  defp statement(_rules, _key, _other, _packet), do: {:match, :unknown}

  defp sets(rules, {family, table, _chain}),
    do: fn name -> Map.get(rules.sets, {family, table, name}, :unknown) end

  # What the packet has in this field, `nil` where no packet of its kind has it, or `:unknown`.
  defp field(%{"payload" => %{"protocol" => protocol, "field" => "dport"}}, packet)
       when protocol in ["udp", "tcp", "th"],
       do: if(protocol in ["th", "#{packet.protocol}"], do: packet.port)

  defp field(%{"payload" => %{"protocol" => protocol, "field" => "flags"}}, packet),
    do: if(protocol == "tcp" and packet.protocol == :tcp, do: {:flags, ["syn"]})

  defp field(%{"payload" => %{"protocol" => protocol, "field" => field}}, packet)
       when protocol in ["ip", "ip6"] and field in ["daddr", "saddr"] do
    address = packet[if(field == "daddr", do: :to, else: :from)]
    size = if protocol == "ip", do: 4, else: 8

    cond do
      is_map_key(packet, :to) and tuple_size(packet.to) != size -> nil
      address == nil -> :unknown
      true -> address
    end
  end

  defp field(%{"payload" => %{"protocol" => protocol, "field" => field}}, packet)
       when protocol in ["ip", "ip6"] and field in ["protocol", "nexthdr"],
       do: Atom.to_string(packet.protocol)

  # Of a protocol that it does not have.
  defp field(%{"payload" => %{"protocol" => protocol}}, packet)
       when protocol in ["icmp", "icmpv6", "igmp", "sctp", "tcp", "udp"],
       do: if("#{packet.protocol}" == protocol, do: :unknown)

  defp field(%{"meta" => %{"key" => key}}, packet) do
    case key do
      "l4proto" ->
        Atom.to_string(packet.protocol)

      name when name in ["iif", "iifname"] ->
        interface(packet, :input)

      name when name in ["oif", "oifname"] ->
        interface(packet, :output)

      "nfproto" ->
        family(packet)

      "protocol" ->
        if is_map_key(packet, :to), do: String.replace(family(packet), "v4", ""), else: :unknown

      "pkttype" ->
        kind(packet)

      _other ->
        :unknown
    end
  end

  defp field(%{"ct" => %{"key" => "state"}}, _packet), do: "new"
  defp field(%{"ct" => %{"key" => "status"}}, _packet), do: nil

  defp field(%{"&" => [left, mask]}, packet) do
    case field(left, packet) do
      {:flags, flags} -> {:flags, Enum.filter(flags, &(&1 in List.wrap(mask)))}
      nil -> nil
      _other -> :unknown
    end
  end

  defp field(_other, _packet), do: :unknown

  defp interface(%{hook: hook} = packet, hook), do: Map.get(packet, :interface, :unknown)
  defp interface(_packet, _other_way), do: :unknown

  defp family(%{to: to}), do: if(tuple_size(to) == 4, do: "ipv4", else: "ipv6")
  defp family(_packet), do: :unknown

  defp kind(%{to: {first, _, _, _}}) when first in 224..239, do: "multicast"
  defp kind(%{to: {0xFF02, _, _, _, _, _, _, _}}), do: "multicast"
  defp kind(%{to: {255, 255, 255, 255}}), do: "broadcast"
  defp kind(_packet), do: :unknown

  defp compare(_op, :unknown, _right, _sets), do: :unknown
  defp compare(_op, nil, _right, _sets), do: false
  defp compare("!=", value, right, sets), do: negate(compare("==", value, right, sets))

  defp compare(op, value, right, sets) when op in ["==", "in"],
    do: equal(value, right, sets)

  defp compare(op, value, right, _sets) when is_integer(value) and is_integer(right) do
    case op do
      "<" -> value < right
      ">" -> value > right
      "<=" -> value <= right
      ">=" -> value >= right
      _other -> :unknown
    end
  end

  defp compare(_op, _value, _right, _sets), do: :unknown

  defp negate(:unknown), do: :unknown
  defp negate(matches), do: not matches

  defp equal({:flags, flags}, right, _sets), do: Enum.sort(flags) == Enum.sort(List.wrap(right))

  defp equal(value, "@" <> name, sets) do
    case sets.(name) do
      :unknown -> :unknown
      elements -> any(value, elements, sets)
    end
  end

  defp equal(value, %{"set" => elements}, sets), do: any(value, elements, sets)
  defp equal(value, list, sets) when is_list(list), do: any(value, list, sets)
  defp equal(value, %{"elem" => %{"val" => right}}, sets), do: equal(value, right, sets)

  defp equal(value, %{"range" => [first, last]}, _sets) when is_integer(value),
    do: if(is_integer(first) and is_integer(last), do: value in first..last, else: :unknown)

  defp equal(value, %{"range" => [first, last]}, _sets) when is_tuple(value) do
    with first when is_tuple(first) <- ip(first),
         last when is_tuple(last) <- ip(last),
         do: value >= first and value <= last
  end

  defp equal(value, %{"prefix" => %{"addr" => address, "len" => length}}, _sets)
       when is_tuple(value) and is_integer(length) do
    with net when is_tuple(net) <- ip(address), do: within?(value, net, length)
  end

  defp equal(value, right, _sets) when is_tuple(value) and is_binary(right) do
    with net when is_tuple(net) <- ip(right), do: value == net
  end

  defp equal(value, right, _sets) when is_integer(value) and is_integer(right), do: value == right

  defp equal(value, right, _sets) when is_binary(value) and is_binary(right) do
    if String.ends_with?(right, "*"),
      do: String.starts_with?(value, String.trim_trailing(right, "*")),
      else: value == right
  end

  defp equal(_value, _right, _sets), do: :unknown

  defp any(value, elements, sets) do
    results = Enum.map(elements, &equal(value, &1, sets))

    cond do
      true in results -> true
      :unknown in results -> :unknown
      true -> false
    end
  end

  defp ip(text) when is_binary(text) do
    case :inet.parse_address(to_charlist(text)) do
      {:ok, ip} -> ip
      {:error, :einval} -> :unknown
    end
  end

  defp ip(_other), do: :unknown

  @doc "Whether an address is in a net of so many bits."
  @spec within?(:inet.ip_address(), :inet.ip_address(), non_neg_integer()) :: boolean()
  def within?(address, net, length) when tuple_size(address) == tuple_size(net) do
    bits = &for(part <- Tuple.to_list(&1), do: part)
    size = if tuple_size(address) == 4, do: 8, else: 16
    join = fn parts -> Enum.reduce(parts, 0, &(Bitwise.bsl(&2, size) + &1)) end
    shift = size * tuple_size(address) - length

    length in 0..(size * tuple_size(address)) and
      Bitwise.bsr(join.(bits.(address)), shift) == Bitwise.bsr(join.(bits.(net)), shift)
  end

  def within?(_address, _net, _length), do: false
end
