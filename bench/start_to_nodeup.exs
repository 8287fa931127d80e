# From GossipCluster.start_link to NODEUP on both nodes, two hosts on a veth lab, the library's code not loaded before.
# Each sample boots two fresh BEAMs. One cluster runs, the other is the newcomer; its start_link is the beginning, and
# the later of the two NODEUPs the end. Half of the newcomers have the lower name (they dial), half the higher one.
#
# The library's code is not loaded before, so its loading is a part of the figure. Elixir's own modules are loaded, as
# they are wherever mix, iex or a release has started the node; "bare" is a node that started by plain erl, without
# them.
#
# Of that the dial: from the word that the other is there to NODEUP, on the node that dials; the code for it is loaded.
#
# And from `ip link set up` to NODEUP on both: two that run, whose hosts have no link yet but the loopback. One has its
# link then, and beats there once a second; the end is that the other's comes up.
#
#   MIX_ENV=test mix run bench/start_to_nodeup.exs [SAMPLES]        as root, on a quiet machine

alias GossipCluster.Lab
alias GossipCluster.Lab.{Case, Figures, Node}

samples = Figures.samples(15)

# NODEUP on the node where it came last, for whoever it is.
nodeup = fn nodes ->
  Enum.max(
    for node <- nodes do
      Case.eventually("NODEUP", nodes, fn -> Node.time(node, &match?({:nodeup, _name}, &1)) end)
    end
  )
end

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

  connected = nodeup.(nodes)
  start = Node.time(joins, &match?({:start, _cluster}, &1))
  # The lower name dials.
  dials = Enum.find(nodes, &String.starts_with?(&1.name, "a"))
  found = Node.time(dials, &match?({:event, _cluster, {:up, _peer}}, &1))
  dial = Node.time(dials, &match?({:nodeup, _name}, &1)) - found
  for node <- nodes, do: Lab.signal(:KILL, node.os_pid)
  {(connected - start) / 1000, dial / 1000}
end

figures = fn name, bound, cluster, bare ->
  Lab.run([hosts: 2], fn lab ->
    both = for n <- 1..samples, do: sample.(lab, cluster, Enum.at(["a", "b"], rem(n, 2)), bare)
    {times, dials} = Enum.unzip(both)
    Figures.print(name, times, bound)
    Figures.print(name <> ": the dial", dials, nil)
  end)
end

link = fn cluster ->
  Lab.run([hosts: 2], fn lab ->
    Lab.unplug(lab, 2)

    [a, b] =
      nodes =
      Node.start_all(
        lab,
        for({name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, cluster: cluster})
      )

    # Both have asked in vain, and beat by now.
    Case.eventually("they beat", nodes, fn -> Enum.all?(nodes, &(Node.stat(&1, :sent) >= 16)) end)
    [] = Node.peers(a) ++ Node.peers(b)
    plugged = Lab.plug_in(lab, 2)
    (nodeup.(nodes) - plugged) / 1000
  end)
end

key = [secret: {:key, :crypto.strong_rand_bytes(32)}]
figures.("cookie", 80, [], false)
figures.("32-byte key", 40, key, false)
figures.("cookie, bare", 80, [], true)
figures.("32-byte key, bare", 40, key, true)
Figures.print("a link comes up", for(_ <- 1..samples, do: link.(key)), 300)
