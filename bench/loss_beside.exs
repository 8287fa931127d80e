# Where packets are lost, beside a bare dial: the same lab, the same loss, by turns in one run, so that what else the
# machine does falls on all. Two nodes on two hosts that start at once, of whose packets 10 % are lost on arrival, from the
# start to the later NODEUP: of GossipCluster, of libcluster's Gossip strategy, and of one bare `net_kernel:connect_node/1`
# (stock epmd, host names that resolve). Then meshes of twelve: how many connections were lost on the way, and how long it
# took. bin/bench has such pairs, too, without the bare dial.
#
#   LIBCLUSTER_EBIN=DIR MIX_ENV=test mix run bench/loss_beside.exs [SAMPLES [MESHES]]       as root
#
# DIR has the compiled modules of libcluster. Without it the others run alone, and that is said.

for file <- ~w(measure contender), do: Code.require_file("beside/#{file}.exs", __DIR__)

alias Bench.Contender
alias GossipCluster.Lab
alias GossipCluster.Lab.{Case, Figures, Filter, Mesh, Node}

{samples, meshes} =
  case Enum.map(System.argv(), &String.to_integer/1) do
    [] -> {100, 10}
    [samples] -> {samples, 0}
    [samples, meshes] -> {samples, meshes}
  end

loss = 10

if Contender.libcluster() == nil,
  do: IO.puts("LIBCLUSTER_EBIN names no compiled libcluster: it is left out")

contenders = Contender.named(["key", "libcluster"])

dial = fn [from | others] ->
  to = String.to_atom(List.last(others).name)
  Node.call(from, :net_kernel, :connect_node, [to])
end

# Starts all at one moment; that moment.
begin = fn
  :dial, nodes ->
    Mesh.apart(nodes)
    at = Lab.clock()
    # One that fails is dialled again, as whoever calls it would.
    Case.eventually("it is dialled", nodes, fn -> dial.(nodes) end, 120_000)
    at

  one, nodes ->
    Contender.stop(one, nodes)
    Mesh.apart(nodes)
    Contender.start_at(one, nodes, Lab.clock() + 500_000)
end

# One round: the milliseconds, and how many connections were lost on the way.
round = fn kind, nodes ->
  since = begin.(kind, nodes)

  {start, whole} =
    if kind == :dial do
      formed = fn -> Mesh.formed_at(nodes, since) end
      {since, Enum.max(Case.eventually("connected", nodes, formed, 120_000))}
    else
      Mesh.span(nodes, nodes, since, 120_000)
    end

  Case.eventually("whole", nodes, fn -> Mesh.whole?(nodes) end, 120_000)
  if kind != :dial, do: Contender.stop(kind, nodes)
  {(whole - start) / 1000, Mesh.downs(nodes, since)}
end

name = fn
  :dial -> "dial"
  one -> one.name
end

Lab.run([hosts: 2], fn lab ->
  pairs =
    for({one, n} <- Enum.with_index(contenders), do: {one, Contender.set(one, lab, 2, n)}) ++
      [{:dial, Node.start_all(lab, for(n <- 1..2, do: {"d#{n}", [host: n, epmd: :stock]}))}]

  for n <- 1..2, do: Filter.lose(lab, n, loss)
  for {kind, nodes} <- pairs, do: round.(kind, nodes)
  rounds = for _ <- 1..samples, {kind, nodes} <- pairs, do: {kind, elem(round.(kind, nodes), 0)}

  for {kind, _nodes} <- pairs do
    times = for {^kind, ms} <- rounds, do: ms
    Figures.quantiles("#{loss} % loss, #{name.(kind)}, from the start", times)
  end
end)

results =
  for _ <- 1..meshes//1, one <- contenders do
    Lab.run([hosts: 12], fn lab ->
      nodes = Contender.set(one, lab, 12)
      for n <- 1..12, do: Filter.lose(lab, n, loss)
      {one, round.(one, nodes)}
    end)
  end

for one <- contenders, meshes > 0 do
  {times, lost} = Enum.unzip(for {^one, result} <- results, do: result)

  IO.puts(
    "#{meshes} meshes of 12, #{loss} % loss, #{one.name}: connections lost on the way #{Enum.sum(lost)}, in " <>
      "#{Enum.count(lost, &(&1 > 0))} of them"
  )

  Figures.quantiles("the full mesh of #{one.name}, from the start", times)
end
