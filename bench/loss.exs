# What lost packets cost: two nodes on two hosts that start at once, of whose packets each is lost with some probability
# on arrival. From the moment when the one that dials has listed the other to the later NODEUP (the dial), and from the
# last start_link to that NODEUP (all). Then meshes of twelve: how many connections were lost on the way, which should
# be none.
#
#   MIX_ENV=test mix run bench/loss.exs [SAMPLES [MESHES]]       as root, on a quiet machine

alias GossipCluster.Lab.{Case, Figures, Mesh, Node}

{samples, meshes} =
  case Enum.map(System.argv(), &String.to_integer/1) do
    [] -> {100, 50}
    [samples] -> {samples, 0}
    [samples, meshes] -> {samples, meshes}
  end

key = [secret: {:key, :crypto.strong_rand_bytes(32)}]

# When the node that dials first, the one of the lower name, had listed the other; it may be connected before, by the
# other.
listed_at = fn [node | _], since ->
  Enum.find_value(Node.events(node), fn
    {at, {:event, _, {:up, _peer}}} when at > since -> at
    _event -> nil
  end)
end

# Nothing (an empty list) where they were connected by a dial that the round before had left, before both had started.
round = fn nodes ->
  since = Mesh.form(nodes, key)
  whole = Case.eventually("connected", nodes, fn -> Mesh.formed_at(nodes, since) end, 60_000)
  started = Case.eventually("started", nodes, fn -> Mesh.started_at(nodes, since) end)
  up = Enum.max(whole)
  dialled = min(listed_at.(nodes, since) || up, up)
  if up > started, do: [{(up - dialled) / 1000, (up - started) / 1000}], else: []
end

for {loss, bounds} <- [{0, nil}, {10, "p50 100, p90 400"}, {30, nil}] do
  times =
    Mesh.in_lab(2, [loss: loss], fn nodes ->
      round.(nodes)
      Enum.flat_map(1..samples, fn _ -> round.(nodes) end)
    end)

  for {what, at} <- [{"dial", 0}, {"all", 1}] do
    bounds = if what == "dial", do: bounds
    Figures.quantiles("#{loss} % loss, #{what}", Enum.map(times, &elem(&1, at)), bounds)
  end
end

# What a mesh lost first, at which end and why, as the logs tell: all lines of `global`, and of lost connections.
first_lost = fn nodes, since ->
  lines =
    for node <- nodes,
        {at, _level, line} <- Node.log(node),
        at > since and line =~ ~r/^('global'|NODEDOWN)/,
        do: {div(at - since, 1000), node.name, line}

  for {ms, name, line} <- lines |> Enum.sort() |> Enum.take(12),
      do: IO.puts("    #{ms} ms, #{name}: #{line}")
end

if meshes > 0 do
  {lost, times} =
    Enum.unzip(
      for _ <- 1..meshes do
        Mesh.in_lab(12, [loss: 10], fn nodes ->
          since = Mesh.form(nodes, key)
          formed = fn -> Mesh.formed_at(nodes, since) end
          whole = Case.eventually("a full mesh", nodes, formed, 60_000)
          Case.eventually("whole", nodes, fn -> Mesh.whole?(nodes) end, 60_000)
          lost = Mesh.downs(nodes, since)
          if lost > 0, do: first_lost.(nodes, since)
          {lost, (Enum.max(whole) - Mesh.started_at(nodes, since)) / 1000}
        end)
      end
    )

  IO.puts(
    "#{meshes} meshes of 12, 10 % loss: connections lost on the way #{Enum.sum(lost)} (bound 0), in " <>
      "#{Enum.count(lost, &(&1 > 0))} of them"
  )

  Figures.quantiles("the full mesh, from the last start", times)
end
