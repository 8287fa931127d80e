defmodule GossipCluster.Lab.Mesh do
  @moduledoc """
  Many nodes on as many hosts that form a full mesh, again and again: what the mesh test and the mesh bench share.

      mesh = Mesh.boot(lab, 12)
      since = Mesh.form(mesh)
      Mesh.formed_at(mesh, since)
  """

  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Case, Filter, Node, Prober}

  @doc "Boots `n1@h1`, `n2@h2`, ..., without a cluster. Options as for `Lab.Node.start/3`."
  @spec boot(Lab.t(), pos_integer(), keyword()) :: [Node.t()]
  def boot(lab, count, options \\ []),
    do: Node.start_all(lab, for(n <- 1..count, do: {"n#{n}", [host: n] ++ options}))

  @doc """
  Does this with booted nodes in a lab of their own, and removes it. Options: `loss`, the share of packets in percent
  that each host loses on arrival; `tls: true` for a distribution over TLS; `multicast: false`.
  """
  @spec in_lab(pos_integer(), keyword(), ([Node.t()] -> result)) :: result when result: term()
  def in_lab(count, options, work) do
    loss = Keyword.get(options, :loss, 0)

    Lab.run([hosts: count], fn lab ->
      if options[:multicast] == false, do: Filter.without_multicast(lab)
      nodes = boot(lab, count, flags: if(options[:tls], do: tls(lab), else: []))
      for host <- 1..count, loss > 0, do: Filter.lose(lab, host, loss)
      work.(nodes)
    end)
  end

  @doc """
  Starts the cluster on all nodes at the same moment; those that ran before are stopped and disconnected first. Returns
  the time before which nothing of it happened.
  """
  @spec form([Node.t()], keyword()) :: integer()
  def form(nodes, cluster \\ []) do
    scatter(nodes)
    since = Lab.clock()
    at = since + 500_000
    for node <- nodes, do: Node.call(node, Prober, :start_cluster_at, [cluster, at])
    since
  end

  defp scatter(nodes) do
    for node <- nodes, Node.time(node, &(&1 == {:start, GossipCluster})) do
      if Node.call(node, GossipCluster.View, :exists?, [GossipCluster]),
        do: Node.call(node, Prober, :stop_cluster, [GossipCluster])
    end

    apart(nodes)
  end

  @doc "Ends all connections, and waits until the loss of each is told, so that none is told later."
  @spec apart([Node.t()]) :: true
  def apart(nodes) do
    # A connect under way may still succeed.
    Case.eventually(
      "apart",
      nodes,
      fn ->
        connected =
          for node <- nodes,
              other <- Node.call(node, :erlang, :nodes, [:connected]),
              do: {node, other}

        for {node, other} <- connected, do: Node.call(node, :erlang, :disconnect_node, [other])
        connected == [] and Enum.all?(nodes, &balanced?/1)
      end,
      30_000
    )
  end

  defp balanced?(node) do
    {ups, downs} = Enum.split_with(Node.links(node), &match?({:nodeup, _name}, &1))
    length(ups) == length(downs)
  end

  @doc "When the last node started its cluster; `nil` while one has not."
  @spec started_at([Node.t()], integer()) :: integer() | nil
  def started_at(nodes, since) do
    starts = for node <- nodes, {at, {:start, _}} <- Node.events(node), at > since, do: at
    if length(starts) == length(nodes), do: Enum.max(starts)
  end

  @doc "When each node had told all others up; `nil` while one has not."
  @spec formed_at([Node.t()], integer()) :: [integer()] | nil
  def formed_at(nodes, since) do
    times = for node <- nodes, do: whole_at(node, since, length(nodes) - 1)
    if Enum.all?(times), do: times
  end

  defp whole_at(node, since, others) do
    ups = for {at, {:nodeup, name}} <- Node.events(node), at > since, do: {name, at}
    first = ups |> Enum.reverse() |> Map.new()
    if map_size(first) == others, do: first |> Map.values() |> Enum.max()
  end

  @doc """
  Forms the mesh with these options of the cluster: the milliseconds from the last start of a cluster to the last NODEUP
  on the last node, and how many connections were lost on the way. The nodes keep the times; they are asked when so many
  milliseconds have passed, since whoever asks them sooner takes the processor time that is measured.
  """
  @spec measure([Node.t()], keyword(), pos_integer()) :: {float(), non_neg_integer()}
  def measure(nodes, cluster, alone) do
    since = form(nodes, cluster)
    Process.sleep(alone)
    {start, whole} = span(nodes, nodes, since)
    {(whole - start) / 1000, downs(nodes, since)}
  end

  @doc "When the last of those that start had started, and when the last of all these nodes had told all others up."
  @spec span([Node.t()], [Node.t()], integer(), pos_integer()) :: {integer(), integer()}
  def span(starting, nodes, since, deadline \\ 60_000) do
    started = fn -> started_at(starting, since) end
    start = Case.eventually("all have started", nodes, started, deadline)
    whole = Case.eventually("a full mesh", nodes, fn -> formed_at(nodes, since) end, deadline)
    {start, Enum.max(whole)}
  end

  @doc """
  Waits until each has said so many datagrams more. Beats come at random, each node's at times of its own: after two,
  the others are anywhere between theirs.
  """
  @spec beat([Node.t()], pos_integer(), pos_integer()) :: :ok
  def beat(nodes, count \\ 2, deadline \\ 15_000) do
    said = for node <- nodes, do: {node, Node.stat(node, :sent)}

    Case.eventually(
      "each has said #{count} datagrams more",
      nodes,
      fn -> Enum.all?(said, fn {node, then} -> Node.stat(node, :sent) >= then + count end) end,
      deadline
    )

    :ok
  end

  @doc "How many connections were lost since."
  @spec downs([Node.t()], integer()) :: non_neg_integer()
  def downs(nodes, since),
    do: length(for node <- nodes, {at, {:nodedown, _}} <- Node.events(node), at > since, do: at)

  @doc "Whether every node is connected to every other one, now."
  @spec whole?([Node.t()]) :: boolean()
  def whole?(nodes), do: Enum.all?(nodes, &(length(Node.connected(&1)) == length(nodes) - 1))

  @doc """
  What a distribution over TLS takes: flags for `erl`, with a certificate authority and a certificate for the hosts made
  for it.
  """
  @spec tls(Lab.t()) :: [String.t()]
  def tls(lab) do
    file = &Path.join(lab.dir, &1)
    names = for {_n, host} <- lab.hosts, do: "DNS:#{host.name}"

    openssl(
      ~w(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=lab -keyout) ++
        [file.("ca.key"), "-out", file.("ca.pem")]
    )

    openssl(
      ~w(req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=node -keyout) ++
        [file.("node.key"), "-out", file.("node.csr")]
    )

    File.write!(file.("extensions"), "subjectAltName=#{Enum.join(names, ",")}\n")

    openssl(
      ["x509", "-req", "-days", "1", "-in", file.("node.csr"), "-CA", file.("ca.pem")] ++
        ["-CAkey", file.("ca.key"), "-CAcreateserial", "-out", file.("node.pem")] ++
        ["-extfile", file.("extensions")]
    )

    own = [
      certfile: to_charlist(file.("node.pem")),
      keyfile: to_charlist(file.("node.key")),
      cacertfile: to_charlist(file.("ca.pem")),
      # As the guide on TLS says: a third of the work.
      versions: [:"tlsv1.3"],
      verify: :verify_peer
    ]

    options = [server: [{:fail_if_no_peer_cert, true} | own], client: own]
    File.write!(file.("dist.conf"), :io_lib.format("~p.~n", [options]))
    ["-proto_dist", "inet_tls", "-ssl_dist_optfile", file.("dist.conf")]
  end

  defp openssl(arguments) do
    {output, status} = System.cmd("openssl", arguments, stderr_to_stdout: true)
    if status != 0, do: raise("openssl #{hd(arguments)}: #{output}")
  end
end
