# Where packets are lost, beside others: the same lab, the same loss, by turns in one run, so that what else the machine
# does falls on all. Two nodes on two hosts that start at once, of whose packets 10 % are lost on arrival, from the start
# to the later NODEUP: of GossipCluster, of libcluster's Gossip strategy (stock epmd, host names that resolve), and of one
# bare `net_kernel:connect_node/1` (the same). Then meshes of twelve: how many connections were lost on the way, and how
# long it took.
#
#   LIBCLUSTER_EBIN=DIR MIX_ENV=test mix run bench/loss_beside.exs [SAMPLES [MESHES]]       as root
#
# DIR has the compiled modules of libcluster. Without it the others run alone, and that is said.

alias GossipCluster.Lab
alias GossipCluster.Lab.{Case, Figures, Filter, Mesh, Node}

{samples, meshes} =
  case Enum.map(System.argv(), &String.to_integer/1) do
    [] -> {100, 10}
    [samples] -> {samples, 0}
    [samples, meshes] -> {samples, meshes}
  end

loss = 10
key = [secret: {:key, :crypto.strong_rand_bytes(32)}]
ebin = System.get_env("LIBCLUSTER_EBIN")

theirs =
  if ebin && File.exists?(Path.join(ebin, "Elixir.Cluster.Strategy.Gossip.beam")) do
    [:libcluster]
  else
    IO.puts("LIBCLUSTER_EBIN names no compiled libcluster: it is left out")
    []
  end

# What libcluster calls for each connect.
{:module, :telemetry, telemetry, _} =
  Module.create(
    :telemetry,
    quote(do: def(execute(_event, _measurements, _metadata), do: :ok)),
    Macro.Env.location(__ENV__)
  )

boot = fn lab, kind, hosts ->
  options =
    if kind == :ours, do: [], else: [epmd: :stock, flags: if(ebin, do: ["-pa", ebin], else: [])]

  letter = %{ours: "o", libcluster: "l", dial: "d"}[kind]
  nodes = Node.start_all(lab, for(n <- hosts, do: {"#{letter}#{n}", [host: n] ++ options}))

  for node <- nodes, kind == :libcluster do
    {:module, :telemetry} =
      Node.call(node, :code, :load_binary, [:telemetry, ~c"telemetry", telemetry])

    {:module, _} = Node.call(node, :code, :ensure_loaded, [Cluster.Strategy.Gossip])
  end

  nodes
end

strategy = %{
  __struct__: Cluster.Strategy.State,
  topology: :beside,
  connect: {:net_kernel, :connect_node, []},
  disconnect: {:erlang, :disconnect_node, []},
  list_nodes: {:erlang, :nodes, [:connected]},
  config: [secret: "a shared secret"],
  meta: nil
}

# Nobody is connected, and every loss of a connection is told.
apart = fn nodes ->
  for node <- nodes,
      Node.call(node, Process, :whereis, [:libcluster_gossip]) != nil,
      do: Node.call(node, GenServer, :stop, [:libcluster_gossip])

  Mesh.apart(nodes)
end

# Starts all at one moment; that moment.
begin = fn
  :ours, nodes ->
    since = Mesh.form(nodes, key)
    Case.eventually("started", nodes, fn -> Mesh.started_at(nodes, since) end)

  kind, nodes ->
    apart.(nodes)
    at = Lab.clock() + 500_000

    # A lab has no default route, so it is told which interface to use.
    call = fn
      :libcluster, node ->
        state = %{strategy | config: [multicast_if: node.host.ip] ++ strategy.config}
        {GenServer, :start, [Cluster.Strategy.Gossip, [state], [name: :libcluster_gossip]]}

      :dial, _node ->
        {:net_kernel, :connect_node, [String.to_atom(List.last(nodes).name)]}
    end

    for node <- if(kind == :dial, do: [hd(nodes)], else: nodes) do
      {module, function, arguments} = call.(kind, node)
      wait = max(div(at - Lab.clock(), 1000), 0)
      {:ok, _} = Node.call(node, :timer, :apply_after, [wait, module, function, arguments])
    end

    at
end

# One round: the milliseconds, and how many connections were lost on the way.
round = fn kind, nodes ->
  at = begin.(kind, nodes)
  # A bare dial that failed is dialled again, as whoever calls it would.
  formed = fn ->
    Mesh.formed_at(nodes, at) ||
      (kind == :dial and Node.connected(hd(nodes)) == [] and Lab.clock() > at + 8_000_000 and
         Node.call(hd(nodes), :net_kernel, :connect_node, [String.to_atom(List.last(nodes).name)]) and
         nil)
  end

  times = Case.eventually("connected", nodes, formed, 120_000)
  Case.eventually("whole", nodes, fn -> Mesh.whole?(nodes) end, 120_000)
  {(Enum.max(times) - at) / 1000, Mesh.downs(nodes, at)}
end

in_lab = fn count, work ->
  lab = Lab.make(hosts: count)

  try do
    work.(lab)
  after
    Lab.remove(lab)
  end
end

kinds = [:ours] ++ theirs ++ [:dial]

in_lab.(2, fn lab ->
  pairs = for kind <- kinds, do: {kind, boot.(lab, kind, 1..2)}
  for n <- 1..2, do: Filter.lose(lab, n, loss)
  for {kind, nodes} <- pairs, do: round.(kind, nodes)
  rounds = for _ <- 1..samples, {kind, nodes} <- pairs, do: {kind, elem(round.(kind, nodes), 0)}

  for kind <- kinds,
      do:
        Figures.quantiles(
          "#{loss} % loss, #{kind}, from the start",
          for({^kind, ms} <- rounds, do: ms)
        )
end)

results =
  for _ <- 1..meshes//1, kind <- kinds -- [:dial] do
    in_lab.(12, fn lab ->
      nodes = boot.(lab, kind, 1..12)
      for n <- 1..12, do: Filter.lose(lab, n, loss)
      {kind, round.(kind, nodes)}
    end)
  end

for kind <- kinds -- [:dial], meshes > 0 do
  {times, lost} = Enum.unzip(for {^kind, result} <- results, do: result)

  IO.puts(
    "#{meshes} meshes of 12, #{loss} % loss, #{kind}: connections lost on the way #{Enum.sum(lost)}, in " <>
      "#{Enum.count(lost, &(&1 > 0))} of them"
  )

  Figures.quantiles("the full mesh of #{kind}, from the start", times)
end
