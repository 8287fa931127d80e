defmodule GossipCluster.Doctor.PeerFacts do
  @moduledoc false
  # What is known of one other node, named by its node name, its host or its address, behind which the UDP port of its
  # sidecar may stand: what the roster has of it, whether its host resolves, and whether it is reached by TCP and UDP. It
  # opens connections and closes them. One that is not listed is asked by `gossipd doctor` under this cluster's key, or a
  # secret that is given; where there is none, empty datagrams go to the UDP ports of its sidecar, which ignores them: a
  # system tells of a port that nobody has. Takes twenty seconds at most.

  alias GossipCluster.{Hidden, Ip, Peer, Seed, Sidecar}
  alias GossipCluster.Doctor.{Bounded, Executable, NodeFacts, Ruleset}

  @patience 2_000
  @silence 400
  @epmd_port 4369
  @question 15_000
  # A node's name, brackets and a port.
  @longest 255 + 8
  # What else it finds this doctor sees itself.
  @kinds [:udp, :peer, :tcp, :no_answer, :peer_not_running, :not_listed] ++
           [:firewall_unicast_out, :unreachable, :refused, :timeout, :failed, :no_port] ++
           [:link_local, :listens_on_loopback]

  @type reached :: :ok | {:error, atom()}
  @type t :: %{
          asked: String.t(),
          known: nil | Peer.t(),
          many: [String.t()],
          name: String.t() | nil,
          host: String.t() | nil,
          resolves: {:ok, :inet.ip_address()} | {:error, atom()} | nil,
          address: :inet.ip_address() | nil,
          near: boolean() | nil,
          tcp: [{:inet.ip_address(), :inet.port_number(), reached()}],
          epmd: reached() | nil,
          udp: [{:inet.port_number(), :open_or_dropped | :closed | {:error, atom()}}],
          secret: boolean(),
          answer: Executable.t() | nil
        }

  @typedoc "What it is asked under: the keys of the cluster, or what stands in a file."
  @type secret :: Hidden.t() | {:cookie | :passphrase | :key, Path.t()}

  @doc "The facts, from what this node and its cluster are."
  @spec gather(String.t(), map(), map(), map(), secret() | nil) :: t()
  def gather(asked, node, cluster, host, secret) do
    {meant, port} = split(asked)
    {known, many} = find(meant, cluster.peers)
    name = if known, do: known.name, else: if(meant =~ "@", do: meant)
    host_name = host_name(name || meant)
    resolves = host_name && resolve(host_name, node.ipv6)
    address = address(known, meant, resolves)
    stock = node.name != nil and node.epmd_module != GossipCluster.Epmd

    stranger? = known == nil and address != nil
    question = secret && stranger? && question(meant, port, cluster.options)

    [tcp, epmd, udp, answer] =
      Bounded.all(
        [
          fn -> tcp(known, node.ipv6) end,
          fn -> stock && address && knock(address, @epmd_port) end,
          fn ->
            if stranger? and not is_binary(question),
              do: udp(address, port, cluster.options),
              else: []
          end,
          fn -> if is_binary(question), do: ask(question, cluster.options, secret) end
        ],
        @question + @patience,
        nil
      )

    %{
      asked: asked,
      known: known,
      many: many,
      name: name,
      host: host_name,
      resolves: resolves,
      address: address,
      near: address && near?(address, host.interfaces),
      tcp: tcp || [],
      epmd: epmd || nil,
      udp: udp || [],
      secret: secret != nil,
      answer: answer
    }
  end

  @doc """
  The node, host or address that is asked about, and the UDP port of its sidecar where that stands behind it, as in the
  option `seeds`.

      iex> Enum.map(["b@h2", "b@h2:45894", "10.0.0.2:45894"], &GossipCluster.Doctor.PeerFacts.split/1)
      [{"b@h2", nil}, {"b@h2", 45894}, {"10.0.0.2", 45894}]
      iex> Enum.map(["2001:db8::1", "[2001:db8::1]:45894", "h2:x"], &GossipCluster.Doctor.PeerFacts.split/1)
      [{"2001:db8::1", nil}, {"2001:db8::1", 45894}, {"h2:x", nil}]
  """
  @spec split(String.t()) :: {String.t(), :inet.port_number() | nil}
  def split(asked) do
    {host, node} = apart(asked)

    case Seed.parse(host) do
      {:address, ip, port} -> {together(to_string(:inet.ntoa(ip)), node), port}
      {:host, host, port} when port != nil -> {together(host, node), port}
      _as_it_stands -> {asked, nil}
    end
  end

  @doc """
  Whether it is written as one node, or one host, may be. What is asked about is printed, and sent to.

      iex> Enum.map(["b@h2", :b@h2, "fe80::1", "224.0.0.1", "b@0.0.0.0", "h\\n2"], &GossipCluster.Doctor.PeerFacts.one?/1)
      [true, true, true, false, false, false]
  """
  @spec one?(term()) :: boolean()
  def one?(asked) when is_atom(asked), do: one?(Atom.to_string(asked))

  def one?(asked) when is_binary(asked) and byte_size(asked) in 1..@longest do
    String.printable?(asked) and not (asked =~ ~r/[\s\p{Cc}]/u) and one_host?(host(asked))
  end

  def one?(_other), do: false

  defp one_host?(host) do
    ip = parse(host)
    ip == nil or Ip.link_local?(ip) or Seed.usable?(ip)
  end

  defp host(asked), do: asked |> split() |> elem(0) |> behind_at()

  # The host, and what stands before it, which may be nothing.
  defp apart(text), do: text |> String.split("@") |> List.pop_at(-1)
  defp together(host, node), do: Enum.join(node ++ [host], "@")
  defp behind_at(text), do: text |> apart() |> elem(0)

  @doc """
  Who is meant: a node name, the part before or behind its `@`, or an address at which it is heard or that it has. Of
  several that fit none, but their names.
  """
  @spec find(String.t(), [Peer.t()]) :: {Peer.t() | nil, [String.t()]}
  def find(asked, peers) do
    ip = parse(asked)

    case Enum.filter(peers, &meant?(&1, asked, ip)) do
      [peer] -> {peer, []}
      many -> {Enum.find(many, &(&1.name == asked)), Enum.map(many, & &1.name)}
    end
  end

  defp meant?(peer, asked, nil), do: peer.name == asked or asked in String.split(peer.name, "@")

  defp meant?(peer, asked, ip) do
    heard = for {address, _port, _index} <- peer.addresses, do: address
    ip in heard or ip in peer.own_addresses or asked in String.split(peer.name, "@")
  end

  defp host_name(text) do
    host = behind_at(text)
    if parse(host) == nil, do: host
  end

  defp parse(text) do
    case :inet.parse_address(to_charlist(text)) do
      {:ok, ip} -> ip
      {:error, :einval} -> nil
    end
  end

  defp resolve(host, ipv6) do
    case Bounded.run(fn -> NodeFacts.resolve(host, ipv6) end, @patience) do
      {:ok, result} -> result
      _late_or_failed -> {:error, :timeout}
    end
  end

  defp address(%Peer{} = peer, _asked, _resolves), do: List.first(peer.paths) || Peer.ip(peer)

  defp address(nil, asked, resolves) do
    case {parse(behind_at(asked)), resolves} do
      {nil, {:ok, ip}} -> ip
      {ip, _resolves} -> ip
    end
  end

  # Whether it is on a link of this host's; what the router passes on is another matter.
  defp near?(address, interfaces) do
    Ip.loopback?(address) or
      Enum.any?(interfaces, fn interface ->
        Enum.any?(interface.addresses, fn {ip, prefix} ->
          prefix != nil and Ruleset.within?(address, ip, prefix)
        end)
      end)
  end

  # At those addresses that this node's distribution may dial, all at once.
  defp tcp(%Peer{port: port} = peer, ipv6) when port > 0 do
    ips = Enum.filter(peer.paths, &(tuple_size(&1) == if(ipv6, do: 8, else: 4)))
    functions = for ip <- ips, do: fn -> knock(ip, port) end
    results = Bounded.all(functions, @patience, {:error, :timeout})
    Enum.zip_with(ips, results, &{&1, port, &2})
  end

  defp tcp(_unknown, _ipv6), do: []

  defp knock(ip, port) do
    family = if tuple_size(ip) == 8, do: :inet6, else: :inet

    case :gen_tcp.connect(ip, port, [family, :binary, active: false], @patience) do
      {:ok, socket} -> :gen_tcp.close(socket)
      {:error, reason} -> {:error, reason}
    end
  end

  @doc """
  How `gossipd doctor` is told of it: with a port, where the ports of this cluster are others than by default; `nil` where
  it cannot be.

      iex> alias GossipCluster.Doctor.PeerFacts
      iex> PeerFacts.question("b@h2", nil, %{port: 45_893, unicast_port: {45_894, 45_901}})
      "b@h2"
      iex> PeerFacts.question("2001:db8::1", nil, %{port: 45_893, unicast_port: {50_000, 50_007}})
      "[2001:db8::1]:50000"
      iex> PeerFacts.question("h2", nil, %{port: 45_893, unicast_port: {0, 0}})
      nil
  """
  @spec question(String.t(), :inet.port_number() | nil, map()) :: String.t() | nil
  def question("-" <> _no_node, _port, _options), do: nil
  def question(_meant, nil, %{unicast_port: {0, _last}}), do: nil

  def question(meant, nil, %{port: port, unicast_port: {first, _last}}),
    do: if(first == port + 1, do: meant, else: question(meant, first, %{}))

  def question(meant, port, _options) do
    {host, node} = apart(meant)
    host = if host =~ ":", do: "[#{host}]", else: host
    together("#{host}:#{port}", node)
  end

  # A file it reads itself.
  defp ask(question, options, {kind, file}),
    do: ask(question, options, ["--kind", "#{kind}", "--secret-file", Path.expand(file)], nil)

  defp ask(question, options, keys), do: ask(question, options, ["--pipe"], keys)

  defp ask(question, options, secret, keys) do
    arguments = Executable.arguments(options, 1) ++ ["--cluster", options.cluster | secret]
    Executable.run(Sidecar.path(), arguments ++ [question], keys, @kinds, @question)
  end

  # A node that is alone on its host has the first of them. More are not asked about: a system tells of some closed
  # ports a second only.
  defp udp(address, nil, %{unicast_port: {first, last}}) when first > 0,
    do: udp(address, Enum.take(first..last, 2))

  defp udp(_address, nil, _options), do: []
  defp udp(address, port, _options), do: udp(address, [port])

  defp udp(address, ports) do
    results = Bounded.all(Enum.map(ports, &fn -> poke(address, &1) end), @patience, nil)
    Enum.zip(ports, Enum.map(results, &(&1 || :open_or_dropped)))
  end

  # Twice: what comes back of the first is told to the second.
  defp poke(address, port) do
    family = if tuple_size(address) == 8, do: :inet6, else: :inet

    with {:ok, socket} <- :gen_udp.open(0, [family, :binary, active: false]),
         :ok <- :gen_udp.connect(socket, address, port),
         :ok <- :gen_udp.send(socket, ""),
         {:error, :timeout} <- :gen_udp.recv(socket, 0, @silence),
         :ok <- :gen_udp.send(socket, ""),
         {:error, :timeout} <- :gen_udp.recv(socket, 0, @silence) do
      :open_or_dropped
    else
      {:error, :econnrefused} -> :closed
      {:ok, _answer} -> :open_or_dropped
      {:error, reason} -> {:error, reason}
    end
  end
end
