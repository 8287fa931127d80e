defmodule GossipCluster.Doctor.PeerFindings do
  @moduledoc false
  # Facts become findings: the listed peers, and the one that was asked about. Pure.

  import GossipCluster.Doctor.Finding

  alias GossipCluster.Doctor.{Finding, Mends}
  alias GossipCluster.Peer

  @doc "All that are listed: who is connected, and why others are not."
  @spec listed(map()) :: [Finding.t()]
  def listed(%{state: :running, peers: peers}) do
    connected = Enum.count(peers, &(&1.connection == :connected))

    [ok(:peers, "#{length(peers)} listed, #{connected} connected")] ++
      Enum.flat_map(peers, &not_connected/1)
  end

  def listed(_none), do: []

  defp not_connected(%Peer{connection: :connected}), do: []

  defp not_connected(%Peer{problem: {cause, text}} = peer),
    do: [about(peer, told(gravity(cause), cause(peer, cause), text))]

  defp not_connected(%Peer{connection: {:skipped, reason}} = peer) do
    what = if reason == :refused, do: :not_accepted, else: reason
    level = if what in [:quiet, :not_accepted, :not_alive], do: :warning, else: :broken
    [about(peer, found(level, what, Mends.skipped(what)))]
  end

  defp not_connected(%Peer{} = peer),
    do: [ok(:connecting, "#{Peer.label(peer)} is being connected")]

  # A wish, and no trouble.
  defp gravity(:quiet), do: :warning
  defp gravity(_cause), do: :broken

  # Whom the option accept refuses has the same word in its state as whose port is closed.
  defp cause(%Peer{connection: {:skipped, :refused}}, _cause), do: :not_accepted
  defp cause(_peer, cause), do: cause

  defp about(peer, finding), do: %{finding | cause: "#{Peer.label(peer)}: #{finding.cause}"}

  @doc "The one that was asked about, if one was."
  @spec asked(map() | nil, map()) :: [Finding.t()]
  def asked(nil, _facts), do: []

  def asked(%{known: nil, many: [_ | _] = many, asked: asked}, _facts),
    do: [found(:warning, :ambiguous, "#{asked} may be #{Enum.join(many, ", ")}")]

  def asked(%{known: %Peer{} = known} = peer, %{node: node}) do
    [ok(:peer, described(known))] ++
      unheard(known) ++ ways(known, peer.tcp) ++ types(known, node) ++ ask_epmd(peer)
  end

  def asked(peer, %{cluster: %{state: :running}} = facts) do
    reach = reach(peer)
    unknown = if Enum.all?(reach, &(&1.level == :ok)), do: [not_listed(peer)], else: []

    unresolved(peer) ++ far(peer, facts) ++ reach ++ unknown ++ ask_epmd(peer)
  end

  def asked(peer, facts),
    do: unresolved(peer) ++ far(peer, facts) ++ reach(peer) ++ ask_epmd(peer)

  # Who holds the key and is not met: what goes to the group does not come from the one to the other.
  defp not_listed(%{answer: {:ok, [_ | _]}} = peer),
    do:
      found(
        :warning,
        :not_listed,
        "#{peer.asked} answers, and is not listed",
        "see whether multicast passes between the two (a firewall, a switch, Wi-Fi, a router); else set broadcast: true on " <>
          "all nodes, or name one of the two in the option seeds of the other"
      )

  defp not_listed(peer),
    do:
      found(
        :warning,
        :not_listed,
        "#{peer.asked} is not listed: nothing of it is heard under this node's key"
      )

  defp described(known) do
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
        "#{Peer.label(known)} is known from others, and was never heard here itself: UDP between the two does not pass"
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
    do: ok(:tcp, "#{Peer.label(known)} is reached by TCP at #{:inet.ntoa(ip)} port #{port}")

  defp tcp(known, {ip, port, {:error, reason}}) do
    what = tcp_cause(reason)
    level = if known.connection == :connected, do: :warning, else: :broken

    found(
      level,
      what,
      "#{Peer.label(known)} is not reached by TCP at #{:inet.ntoa(ip)} port #{port} (#{reason})"
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
    do: [found(:broken, :epmd, "no epmd answers at #{:inet.ntoa(address)} port 4369 (#{reason})")]

  defp ask_epmd(_peer), do: []

  defp unresolved(%{host: host, resolves: {:error, reason}}) do
    [
      found(:warning, :unresolved, "the host name #{host} does not resolve here (#{reason})")
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
          "#{:inet.ntoa(address)} is in no subnet of this host, and a TTL of #{ttl} keeps multicast on its own link"
        )
      ]
  end

  defp far(_peer, _facts), do: []

  defp unasked(%{secret: true}), do: ""

  defp unasked(_without),
    do:
      ", and a node answers under its cluster's secret alone, which is given by --secret-file FILE and --kind KIND " <>
        "(secret_file: and kind: of GossipCluster.doctor/1)"

  # What its system says of the ports that a sidecar has. Silence tells nothing: somebody is there, or a firewall, or a
  # system that does not tell.
  defp reach(%{answer: {:ok, findings}}), do: findings

  defp reach(%{answer: {:error, why}} = peer),
    do: [ok(:udp, "#{peer.asked} could not be asked: #{why}")]

  defp reach(%{udp: []}), do: []

  defp reach(%{udp: udp, address: address} = peer) do
    ports = Enum.map_join(udp, " and ", fn {port, _result} -> "#{port}" end)
    results = Enum.map(udp, &elem(&1, 1))
    error = Enum.find(results, &match?({:error, _}, &1))

    cond do
      error ->
        [
          found(
            :broken,
            :unreachable,
            "#{:inet.ntoa(address)} is not reached by UDP (#{elem(error, 1)})"
          )
        ]

      Enum.all?(results, &(&1 == :closed)) ->
        [
          found(
            :broken,
            :peer_not_running,
            "#{:inet.ntoa(address)} is reached by UDP, and its system says that nobody has the ports #{ports} there"
          )
        ]

      true ->
        [
          ok(
            :udp,
            "whether #{:inet.ntoa(address)} is reached by UDP cannot be told: nothing came back" <>
              unasked(peer)
          )
        ]
    end
  end
end
