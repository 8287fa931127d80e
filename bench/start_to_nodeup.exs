# From GossipCluster.start_link to NODEUP on both nodes, two hosts on a veth lab, the library's code not loaded before.
# Each sample boots two fresh BEAMs. One cluster runs, the other is the newcomer; its start_link is the beginning, and
# the later of the two NODEUPs the end. Half of the newcomers have the lower name (they dial), half the higher one.
#
# The library's code is not loaded before, so its loading is a part of the figure. Elixir's own modules are loaded, as
# they are wherever mix, iex or a release has started the node; "bare" is a node that started by plain erl, without
# them.
#
#   MIX_ENV=test mix run bench/start_to_nodeup.exs [SAMPLES]        as root, on a quiet machine

alias GossipCluster.Lab
alias GossipCluster.Lab.{Case, Figures, Node}

samples = Figures.samples(15)

sample = fn lab, cluster, newcomer, bare ->
  options = [{"a", host: 1}, {"b", host: 2}]
  nodes = Node.start_all(lab, options)
  {[joins], [waits]} = Enum.split_with(nodes, &String.starts_with?(&1.name, newcomer))

  for app <- [:elixir, :logger],
      module <- Application.spec(app, :modules),
      node <- nodes,
      not bare,
      do: {:module, _} = Node.call(node, :code, :ensure_loaded, [module])

  Node.start_cluster(waits, cluster)
  # It must have announced itself, and have nothing more to do.
  Case.eventually("it waits", nodes, fn ->
    Node.status(waits).announced && Node.stat(waits, :sent) > 0
  end)

  Node.start_cluster(joins, cluster)

  times =
    for node <- nodes do
      Case.eventually("NODEUP", nodes, fn -> Node.time(node, &match?({:nodeup, _name}, &1)) end)
    end

  start = Node.time(joins, &match?({:start, _cluster}, &1))
  for node <- nodes, do: Lab.signal(:KILL, node.os_pid)
  (Enum.max(times) - start) / 1000
end

figures = fn name, bound, cluster, bare ->
  lab = Lab.make(hosts: 2)

  try do
    times = for n <- 1..samples, do: sample.(lab, cluster, Enum.at(["a", "b"], rem(n, 2)), bare)
    Figures.print(name, times, bound)
  after
    Lab.remove(lab)
  end
end

key = [secret: {:key, :crypto.strong_rand_bytes(32)}]
figures.("cookie", 80, [], false)
figures.("32-byte key", 40, key, false)
figures.("cookie, bare", 80, [], true)
figures.("32-byte key, bare", 40, key, true)
