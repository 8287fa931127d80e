defmodule GossipCluster.Dial.Diagnosis do
  @moduledoc false
  # Why a peer is not connected, in one line that says what to do. `run/2` is called after a connect has failed, in the
  # task that dialled: it goes the way that Erlang went (name, epmd, TCP) and names the first step that does not work.
  # It may take seconds.

  alias GossipCluster.Dial.Race
  alias GossipCluster.{Epmd, Ip, LocalNode, Peer}

  # The connect itself has given the network its 7 s: what does not answer now is dropped somewhere.
  @patience 2_000
  # Long enough for some lost SYNs.
  @knock 1_500
  @epmd_port 4369

  @typedoc "What `run/2` finds, and what needs no look because the peer says it of itself."
  @type cause ::
          :unresolved
          | :wrong_address
          | :epmd
          | :no_port
          | :refused
          | :timeout
          | :unreachable
          | :handshake
          | :cookie
          | :family
          | :link_local
          | :failed
  @type t :: {cause() | GossipCluster.Cluster.Dialer.reason() | :quiet, String.t()}

  @doc "Why the connect to this peer failed."
  @spec run(Peer.t(), module()) :: {cause(), String.t()}
  def run(%Peer{} = peer, epmd \\ :net_kernel.epmd_module()) do
    own = LocalNode.own() || %{ipv6: false, tls: false}
    family = if own.ipv6, do: :inet6, else: :inet
    [_name, host] = String.split(peer.name, "@")

    if epmd == Epmd and peer.status != :legacy,
      do: from_roster(peer, family, own),
      else: resolve(peer, host, family, own, epmd)
  end

  @doc "No address of this peer has answered."
  @spec unanswered(Peer.t()) :: {cause(), String.t()}
  def unanswered(%Peer{status: :legacy} = peer), do: run(peer)

  def unanswered(peer) do
    own = LocalNode.own() || %{ipv6: false}

    case paths(peer, if(own.ipv6, do: :inet6, else: :inet)) do
      [ip | _] -> blocked(:timeout, ip, peer.port)
      [] -> run(peer)
    end
  end

  # GossipCluster.Epmd has given what the peer says of itself.
  defp from_roster(peer, family, own) do
    case paths(peer, family) do
      [] ->
        no_path(peer, family)

      [ip | _] ->
        dial(peer, ip, peer.port, family, own)
    end
  end

  defp no_path(peer, family) do
    if family == :inet6 and Enum.any?(heard(peer, :inet6), &Ip.link_local?/1),
      do:
        {:link_local,
         "it has no IPv6 address but a link-local one, which Erlang cannot dial: give its network interface a global or a " <>
           "unique local (fd00::/8) one"},
      else:
        {:family,
         "this node's distribution speaks #{version(family)}, and it is heard over the other only: " <>
           "start both with the same -proto_dist"}
  end

  defp resolve(peer, host, family, own, epmd) do
    case :inet.getaddr(to_charlist(host), family) do
      {:ok, ip} ->
        known = heard(peer, family)

        # Nodes of one machine hear each other over the loopback, and may use any of its addresses.
        if known == [] or ip in known or Enum.any?(known, &Ip.loopback?/1),
          do: ask_epmd(peer, ip, family, own, epmd),
          else: wrong_address(peer, host, ip, known, family, own, epmd)

      {:error, reason} ->
        {:unresolved,
         "its host name #{host} does not resolve here (#{reason}): put it into DNS or /etc/hosts, or name nodes by their " <>
           "addresses (#{by_address(peer)}), or use GossipCluster.Epmd. #{switch()}"}
    end
  end

  # It may still be right, behind a router that rewrites addresses: it is only told where it fails too.
  defp wrong_address(peer, host, ip, [heard | _], family, own, epmd) do
    case ask_epmd(peer, ip, family, own, epmd) do
      {:handshake, _text} = answered ->
        answered

      _fails ->
        {:wrong_address,
         "its host name #{host} resolves to #{text(ip)} here, but it is heard from #{text(heard)}: correct DNS or " <>
           "/etc/hosts, or use GossipCluster.Epmd. #{switch()}"}
    end
  end

  defp ask_epmd(peer, ip, family, own, epmd) do
    [name, _host] = String.split(peer.name, "@")

    case epmd.port_please(to_charlist(name), ip, @patience) do
      {:port, port, _version} -> dial(peer, ip, port, family, own)
      _none -> epmd_trouble(ip, family)
    end
  end

  # :erl_epmd says the same whether epmd does not answer or does not know the name.
  defp epmd_trouble(ip, family) do
    case connect(ip, @epmd_port, family) do
      :ok ->
        {:epmd,
         "the epmd at #{text(ip)} does not know it: was that epmd started anew? Restart the node, or use " <>
           "GossipCluster.Epmd. #{switch()}"}

      {:error, reason} ->
        {:epmd,
         "no epmd answers at #{text(ip)} port #{@epmd_port} (#{reason}): start it there, open that TCP port, or use " <>
           "GossipCluster.Epmd, which needs none. #{switch()}"}
    end
  end

  defp dial(_peer, _ip, 0, _family, _own),
    do:
      {:no_port,
       "it does not say on which port its distribution listens: it listens on none (-dist_listen false), or its epmd is not " <>
         "reached"}

  defp dial(peer, ip, port, family, own) do
    case connect(ip, port, family) do
      :ok -> handshake(peer, ip, port, own)
      {:error, reason} -> blocked(reason, ip, port)
    end
  end

  @doc "What it means that TCP to a distribution port fails so."
  @spec blocked(atom(), :inet.ip_address(), :inet.port_number()) :: {cause(), String.t()}
  def blocked(:econnrefused, ip, port),
    do:
      {:refused,
       "its distribution port is closed (#{text(ip)} port #{port}): a firewall rejects it, or nothing listens there; open " <>
         "that TCP port#{fixed()}"}

  def blocked(reason, ip, port) when reason in [:timeout, :etimedout],
    do:
      {:timeout,
       "its distribution port does not answer (#{text(ip)} port #{port}): a firewall drops it; open that TCP port#{fixed()}"}

  def blocked(reason, ip, port)
      when reason in [:ehostunreach, :enetunreach, :enetdown, :ehostdown],
      do:
        {:unreachable,
         "no route leads to it (#{text(ip)} port #{port}: #{reason}): check routes, netmask and firewall"}

  def blocked(reason, ip, port),
    do:
      {:failed,
       "its distribution port cannot be reached (#{text(ip)} port #{port}: #{reason}): check this machine's own firewall " <>
         "and limits"}

  defp handshake(peer, ip, port, own) do
    if LocalNode.own_cookies([peer.name])[peer.name],
      do: wrong_cookie(ip, port),
      else: refuses(peer, ip, port, own)
  end

  defp wrong_cookie(ip, port) do
    {:cookie,
     "it is reached (#{text(ip)} port #{port}) but refuses the cookie that is set for it here (Node.set_cookie/2): it must " <>
       "be the one that it uses with this node, which is its own unless one is set for this node there"}
  end

  defp refuses(peer, ip, port, own) do
    cookie =
      if peer.cookie == :same,
        do: "",
        else: "are the Erlang cookies the same (Node.get_cookie/0)? "

    tls = if own.tls, do: "Do both trust the other's TLS certificate? ", else: ""

    {:handshake,
     "it is reached (#{text(ip)} port #{port}) but refuses the connection: #{cookie}#{tls}its log tells why"}
  end

  @doc """
  Whether the peer's distribution port is reached, by plain TCP, at one of its addresses; also `:ok` where there is none
  to try. Takes 1.5 s at most.
  """
  @spec knock(Peer.t()) :: :ok | {:error, {cause(), String.t()}}
  def knock(%Peer{port: port} = peer) do
    own = LocalNode.own() || %{ipv6: false}
    family = if own.ipv6, do: :inet6, else: :inet

    with [ip | _] = ips when port > 0 <- paths(peer, family),
         {:error, reason} <- Race.run(ips, port, @knock) do
      {:error, blocked(reason, ip, port)}
    else
      _reached_or_nowhere_to_go -> :ok
    end
  end

  defp connect(ip, port, family) do
    case :gen_tcp.connect(ip, port, [family, :binary, active: false], @patience) do
      {:ok, socket} -> :gen_tcp.close(socket)
      {:error, reason} -> {:error, reason}
    end
  end

  # As it is dialled: the best first.
  defp paths(peer, family) do
    size = if family == :inet6, do: 8, else: 4
    Enum.filter(peer.paths, &(tuple_size(&1) == size))
  end

  defp heard(peer, family) do
    size = if family == :inet6, do: 8, else: 4
    for {ip, _port, _index} <- peer.addresses, tuple_size(ip) == size, do: ip
  end

  # What is to be done for GossipCluster.Epmd, ready to paste. It does not repeat how this node was started, for that may
  # hold the cookie: the same command does it again, and finds the flags in the environment. There they come early enough
  # for the distribution, which those of `iex` and `elixir` for code do not (-pa, and so what mix adds).
  defp switch do
    flags = "-epmd_module Elixir.GossipCluster.Epmd -start_epmd false"

    if System.get_env("RELEASE_ROOT"),
      do: "Add to the release's vm.args: #{flags}",
      else:
        "Type this line in the shell, and start this node anew as before: " <>
          ~s(export ERL_AFLAGS=#{present()}#{quoted(~s(-pa "#{code()}" #{flags}))})
  end

  defp present, do: if(System.get_env("ERL_AFLAGS", "") == "", do: "", else: ~s("$ERL_AFLAGS "))

  # As erl reads it between its own quotes.
  defp code,
    do:
      Epmd
      |> :code.which()
      |> Path.dirname()
      |> Path.expand()
      |> String.replace(~r/["\\]/, "\\\\\\0")

  # As a shell reads it.
  defp quoted(text), do: "'" <> String.replace(text, "'", "'\\''") <> "'"

  defp by_address(peer) do
    [name, _host] = String.split(peer.name, "@")
    "--name #{name}@#{if ip = Peer.ip(peer), do: text(ip), else: "ADDRESS"}"
  end

  defp fixed,
    do:
      " (`-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9100` gives a node a fixed one)"

  defp version(:inet), do: "IPv4"
  defp version(:inet6), do: "IPv6"

  defp text(ip), do: ip |> :inet.ntoa() |> to_string()
end
