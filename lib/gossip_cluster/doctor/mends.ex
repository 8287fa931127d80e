defmodule GossipCluster.Doctor.Mends do
  @moduledoc false
  # What to do about each cause, in words. Pure.

  @mends %{
    no_name:
      "give it a name, as in `iex --sname shop -S mix`; in a release set RELEASE_DISTRIBUTION",
    no_cookie: "give all nodes the same, as in `--cookie`, or by Node.set_cookie/1",
    weak_cookie:
      "where strangers share the network, give all nodes `secret: {:key, key}` (`mix gossip.gen.key` makes one)",
    no_listener: "start the node without -dist_listen false, so that others can connect to it",
    listens_on_loopback:
      "leave -kernel inet_dist_use_interface out, or give it an address that other machines reach",
    own_name_unresolved: "use GossipCluster.Epmd, or put the name into DNS or /etc/hosts",
    own_name_on_loopback:
      "use GossipCluster.Epmd, or correct /etc/hosts on this host and DNS for the others",
    tls_file:
      "correct it, or what names it (-ssl_dist_optfile), and let this node's user read it; then start the node anew",
    tls_expired: "have another one signed, or set this host's clock; then start the node anew",
    tls_key: "give the node the key for which its certificate was signed",
    tls_name: "have one signed for the part of the node's name behind the @ (subjectAltName)",
    not_running:
      "run the doctor in the node itself: `GossipCluster.doctor()` in its shell, `bin/shop rpc \"GossipCluster.doctor()\"` of a release",
    no_gossipd:
      "run `mix compile`, and see that the release or image holds this application's priv directory",
    disabled: "leave enabled: false out, where a cluster is wanted",
    left: "call GossipCluster.rejoin/1, or start the cluster anew",
    unannounced: "ask again in a second",
    no_sidecar: "see the reason; it is tried again until it runs",
    slow_handlers: "find the handler of Logger or of telemetry that takes too long",
    strays: "find the process that sends to the cluster's name",
    no_interfaces_told:
      "look for a sandbox or a limit that keeps the system's interfaces from this user",
    no_network: "connect this host to a network, and bring an interface up",
    virtual_network: "connect it to a network, or name these interfaces in the option interfaces",
    neighbors:
      "give it more room: raise `gc_thresh3`, as in `sysctl net.ipv4.neigh.default.gc_thresh3=8192`",
    interface: "bring it up, or correct the option interfaces",
    no_echo:
      "look for a firewall of this host that drops UDP in to the group's port: `nft list ruleset`, `iptables -S`",
    group_port_taken:
      "stop the program that has it (`ss -ulpn` names it), or give every node another option port",
    unicast_port: "see who has them (`ss -ulpn`), or name others by the option unicast_port",
    seed: "look at the name, at DNS, or correct the option seeds",
    isolated: "look at its cable, its network and its firewall",
    deaf:
      "see what drops multicast on the way here (a firewall, a switch, Wi-Fi), or set broadcast: true on all nodes",
    mute:
      "see what drops multicast on the way out (a firewall, a switch, Wi-Fi), or set broadcast: true on all nodes",
    conflict: "give each a name of its own (--sname, RELEASE_NAME)",
    nothing_arrives:
      "look for a firewall of this host that drops UDP in, and at the interfaces in use",
    alone:
      "run the doctor on another node, and compare the codes; `tcpdump -ni any udp port 45893` shows whether its packets come",
    relayed:
      "name the address that others see in the option advertise, where a NAT translates this node's; else somebody relays them",
    send_errors: "see the log for the system's own words",
    refused_full: "raise the option max_peers",
    short_memory: "give the machine, or the container, more memory",
    refused:
      "open that TCP port, and see that the node runs there (`inet_dist_listen_min` and `_max` give it a fixed one)",
    timeout: "open that TCP port in the firewalls of both hosts and between them",
    unreachable: "check routes, netmask and firewall",
    unresolved: "use GossipCluster.Epmd, or put the name into DNS or /etc/hosts",
    wrong_address: "correct DNS or /etc/hosts, or use GossipCluster.Epmd",
    epmd: "start epmd there and open TCP port 4369, or use GossipCluster.Epmd, which needs none",
    no_port: "let its distribution listen",
    handshake: "compare the cookies, and look at its log",
    family: "start both with the same -proto_dist",
    link_local: "give its network interface a global or a unique local (fd00::/8) address",
    failed: "see the system's own words",
    accept: "mend the option accept",
    atoms: "reuse node names",
    cookie: "give both nodes the same Erlang cookie, or set one for the pair (Node.set_cookie/2)",
    name_type: "start all nodes with --sname, or all with --name",
    tls: "start all nodes with the same -proto_dist",
    bad_name: "give it a name as in name@host",
    quiet: "nothing: it was disconnected on purpose, and is dialled again by itself",
    not_accepted: "change the option accept, if it is wanted",
    not_alive: "start this node's distribution",
    ambiguous: "give the whole name, as in name@host",
    unheard: "open the UDP ports of both hosts for each other",
    no_answer:
      "see that the node runs there under the same secret, and let UDP to its ports pass in the firewalls of both hosts",
    not_listed: "run the doctor there, and compare the codes",
    other_subnet:
      "connect both to one network, or name one of the two in the option seeds of the other",
    peer_not_running: "start the node there, and compare the options port and unicast_port",
    bad_code: "copy the code again, from GC1. to its last character"
  }

  @doc "All causes that have a mend."
  @spec causes() :: [atom()]
  def causes, do: Map.keys(@mends)

  @doc "What to do about this cause, if that does not hang on more."
  @spec default(atom()) :: String.t() | nil
  def default(what), do: @mends[what]

  # How a mend begins, in the texts of the library.
  @begin "(?:allow|are the|ask|bring|check|choose|compare|compile|connect|correct|enable|free|give|install|leave|let|look|" <>
           "name|open|put|raise|reuse|run|see|set|start|stop|use|was that|wait)\\b"

  @doc """
  A text of the library's that names a cause, and then the mend: the two.

      iex> GossipCluster.Doctor.Mends.split("nobody answers: look at its cable")
      {"nobody answers", "look at its cable"}
      iex> GossipCluster.Doctor.Mends.split("two cookies; give both the same")
      {"two cookies", "give both the same"}
      iex> GossipCluster.Doctor.Mends.split("memory is short")
      {"memory is short", nil}
  """
  @spec split(String.t()) :: {cause :: String.t(), mend :: String.t() | nil}
  def split(text) do
    case Regex.split(~r/(?:[:;.,] )(?=(?:or )?#{@begin})/i, text, parts: 2) do
      [cause, mend] -> {cause, mend}
      [cause] -> {cause, nil}
    end
  end

  @doc "Why a peer is not dialled."
  @spec skipped(atom()) :: String.t()
  def skipped(:cookie), do: "it is not dialled, since its Erlang cookie differs from ours"

  def skipped(:name_type),
    do: "it is not dialled, since one of us has a short node name, the other a long one"

  def skipped(:tls),
    do:
      "it is not dialled, since the distribution of one of us runs over TLS, the other's does not"

  def skipped(:conflict), do: "it is not dialled, since two living nodes have this name"
  def skipped(:bad_name), do: "it is not dialled, since that is no node name"
  def skipped(:not_accepted), do: "it is not dialled, since the option accept refuses it"
  def skipped(:not_alive), do: "it is not dialled, since this node's distribution does not run"
  def skipped(other), do: "it is not dialled (#{other})"

  @doc "What kind of packets a firewall was asked about."
  @spec packets(atom()) :: String.t()
  def packets(:firewall_group_in), do: "what comes in to the group"
  def packets(:firewall_group_out), do: "what goes out to the group"
  def packets(:firewall_unicast_in), do: "UDP in from peers"
  def packets(:firewall_unicast_out), do: "UDP out to peers"
  def packets(:firewall_distribution_in), do: "TCP in to the distribution"
  def packets(:firewall_distribution_out), do: "TCP out to the distribution of peers"
  def packets(:firewall_epmd_in), do: "TCP in to epmd"
  def packets(other), do: "packets (#{other})"

  @doc """
  The UDP ports that a cluster's rule names: the group's and all of `unicast_port`, of which a node takes another one
  each time it starts. Where this node's own is none of these, that too. Each is `{first, last}`.

      iex> GossipCluster.Doctor.Mends.ports(45_893, {45_894, 45_901}, 45_896)
      [{45893, 45901}]
      iex> GossipCluster.Doctor.Mends.ports(45_893, {50_000, 50_007}, 38_211)
      [{38211, 38211}, {45893, 45893}, {50000, 50007}]
      iex> GossipCluster.Doctor.Mends.ports(45_893, {0, 0}, 38_211)
      [{38211, 38211}, {45893, 45893}]
  """
  @spec ports(:inet.port_number(), {:inet.port_number(), :inet.port_number()}, non_neg_integer()) ::
          [{:inet.port_number(), :inet.port_number()}]
  def ports(group, unicast, own) do
    [{group, group}, unicast, {own, own}]
    |> Enum.reject(&match?({0, _last}, &1))
    |> Enum.sort()
    |> Enum.reduce([], fn
      {first, last}, [{begin, till} | rest] when first <= till + 1 ->
        [{begin, max(last, till)} | rest]

      range, joined ->
        [range | joined]
    end)
    |> Enum.reverse()
  end

  @doc """
  How to let a packet pass, with the tool that has written the rules. `ports` of it are named all at once, where it has
  such: a rule for the one port that was asked about would do until the next start.
  """
  @spec open(:ufw | :firewalld | nil, map()) :: String.t()
  def open(:ufw, %{hook: :input} = packet),
    do: "`ufw allow #{ranges(packet, ":", ",")}/#{packet.protocol}`"

  def open(:firewalld, %{hook: :input, protocol: protocol} = packet) do
    ports = "--add-port=" <> ranges(packet, "-", "/#{protocol} --add-port=") <> "/#{protocol}"
    "`firewall-cmd #{ports}`, and the same with --permanent"
  end

  def open(_tool, packet) do
    way = if packet.hook == :input, do: "in", else: "out"
    ports = ranges(packet, " to ", ", ")
    port = if ports =~ " ", do: "ports", else: "port"

    "let #{packet.protocol} to #{port} #{ports} pass #{way} (`nft list ruleset` shows the rules)"
  end

  defp ranges(packet, to, between) do
    Enum.map_join(packet[:ports] || [{packet.port, packet.port}], between, fn
      {port, port} -> "#{port}"
      {first, last} -> "#{first}#{to}#{last}"
    end)
  end
end
