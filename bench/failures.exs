# What a failure costs, in milliseconds, three hosts on a veth lab, all options at their defaults:
#
#   beam      the BEAM is SIGKILLed         until the last other subscriber is told `{:down, _, :beam_exit}`
#   sidecar   the sidecar is SIGKILLed      until the next one runs
#   cable     a host's cable is cut         until the last other subscriber is told `{:down, _, :silent}`
#   silent    the same, its carrier kept
#   heal      the cable is plugged in again until all list each other
#   reset     a connection is reset at both ends, as by a firewall that restarts,
#             until a call over the next one is answered, both ways; two hidden nodes, which `global` does not connect
#
#   MIX_ENV=test mix run bench/failures.exs [SAMPLES]               as root, on a quiet machine

alias GossipCluster.Lab
alias GossipCluster.Lab.{Case, Figures, Filter, Mesh, Node}

samples = Figures.samples(5)

down? = fn peer, reason ->
  &match?({:event, _cluster, {:down, %{name: ^peer}, ^reason}}, &1)
end

in_lab = fn measure ->
  Lab.run([hosts: 3], fn lab ->
    specs = for {name, n} <- [{"a", 1}, {"b", 2}, {"c", 3}], do: {name, host: n, cluster: []}
    nodes = Node.start_all(lab, specs)
    Case.meet(nodes)
    Mesh.beat(nodes)
    measure.(lab, nodes)
  end)
end

# When the last of these nodes had the event.
last = fn nodes, match ->
  Enum.max(
    for node <- nodes, do: Case.eventually("an event", nodes, fn -> Node.time(node, match) end)
  )
end

cut = fn how ->
  fn lab, [a, b, c] ->
    at = Lab.clock()
    Lab.cut(lab, 3, how)
    known = last.([a, b], down?.(c.name, :silent)) - at
    healed = Lab.clock()
    Lab.heal(lab, 3)

    whole =
      Enum.max(
        for node <- [a, b] do
          Case.eventually("whole again", [a, b, c], fn ->
            Enum.find_value(Node.events(node), fn
              {at, {:event, _, {:up, %{name: name}}}} when at > healed -> name == c.name && at
              _event -> nil
            end)
          end)
        end
      )

    [known, whole - healed]
  end
end

measures = [
  {["beam: told"], 100,
   fn _lab, [a, b, c] ->
     at = Lab.signal(:KILL, c.os_pid)
     [last.([a, b], down?.(c.name, :beam_exit)) - at]
   end},
  {["sidecar: back"], 1000,
   fn _lab, [_a, _b, c] = nodes ->
     old = Node.sidecar(c)
     at = Lab.signal(:KILL, old)
     Case.eventually("it is back", nodes, fn -> Node.sidecar(c) not in [nil, old] end)

     [{back, _, _} | _] =
       for {time, _level, line} = entry <- Node.log(c),
           time > at,
           line =~ ~r/gossipd .* runs \(process/,
           do: entry

     [back - at]
   end},
  {["cable: known", "heal"], 2500, cut.(:cable)},
  {["silent: known", "heal"], 2500, cut.(:silent)}
]

# What a firewall or NAT does that restarts: each side learns of it when it sends.
reset = fn ->
  Lab.run([hosts: 2], fn lab ->
    specs =
      for {name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, cluster: [], flags: ["-hidden"]}

    [a, b] = nodes = Node.start_all(lab, specs)
    Case.meet(nodes)
    Mesh.beat(nodes)
    pairs = [{a, b}, {b, a}]
    Filter.reset(lab, 1, 2)
    at = Lab.clock()

    for {node, other} <- pairs do
      to = {:nobody, String.to_atom(other.name)}
      Node.call(node, :erlang, :send, [to, :hello, [:noconnect]])
    end

    for {node, other} <- pairs do
      Case.eventually("a call by the next connection", nodes, fn ->
        length(Node.links(node)) >= 3 and Node.reaches?(node, other)
      end)
    end

    (Lab.clock() - at) / 1000
  end)
end

Figures.print("reset: back", for(_ <- 1..(2 * samples), do: reset.()), 1000)

for {names, bound, measure} <- measures do
  rows = for _ <- 1..samples, do: in_lab.(measure)

  for {name, column} <- Enum.with_index(names),
      do:
        Figures.print(
          name,
          Enum.map(rows, &(Enum.at(&1, column) / 1000)),
          if(column == 0, do: bound)
        )
end
