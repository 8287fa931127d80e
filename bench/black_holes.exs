# A newcomer among peers that beat, and at whose distribution port a firewall drops everything: from its start_link to
# its listing, and to NODEUP on both sides, at a node whose dials hang in all of these peers at that time, as the newcomer's
# own do. Half of the newcomers have a lower name than that node, and dial it; half are dialled by it. The library's code
# is not loaded before, Elixir's is.
#
#   MIX_ENV=test mix run bench/black_holes.exs [ROUNDS]        as root, on a quiet machine

alias GossipCluster.Lab
alias GossipCluster.Lab.{Crowd, Node}

rounds =
  case System.argv() do
    [n] -> String.to_integer(n)
    [] -> 3
  end

# So many come within the 7 s that a dial hangs.
newcomers = ["A1", "b1", "A2", "b2", "A3", "b3"]
bound = 100

wait = fn wait, what, condition, until ->
  cond do
    value = condition.() -> value
    Lab.clock() > until -> raise "not within 30 s: #{what}"
    true -> Process.sleep(10) && wait.(wait, what, condition, until)
  end
end

round = fn holes ->
  lab = Lab.make(hosts: 3)

  try do
    key = :crypto.strong_rand_bytes(32)
    cluster = [secret: {:key, key}]
    [a | others] = Node.start_all(lab, [{"a", host: 1} | for(n <- newcomers, do: {n, host: 2})])

    for app <- [:elixir, :logger],
        module <- Application.spec(app, :modules),
        node <- others,
        do: {:module, _} = Node.call(node, :code, :ensure_loaded, [module])

    Node.start_cluster(a, cluster)
    if holes > 0, do: Crowd.black_holes(lab, 3, holes, key)
    until = Lab.clock() + 30_000_000
    dials = fn -> Crowd.dialled(a) >= holes end
    wait.(wait, "#{holes} dials hang", fn -> dials.() and Node.status(a).announced end, until)

    for newcomer <- others do
      arrived = Crowd.arrive(newcomer, cluster)
      times = wait.(wait, "#{newcomer.name} is connected", fn -> arrived.(a) end, until)
      if not dials.(), do: raise("the dials do not hang any more")
      # Its own dials shall not weigh on the next one's figures.
      Lab.signal(:KILL, newcomer.os_pid)
      times
    end
  after
    Lab.remove(lab)
  end
end

for holes <- [0, 1, 200] do
  times = for _ <- 1..rounds, times <- round.(holes), do: times

  for {what, at} <- [{"found", 0}, {"connected", 1}] do
    sorted = times |> Enum.map(&(elem(&1, at) / 1000)) |> Enum.sort()

    share = fn share ->
      sorted |> Enum.at(round(share * (length(sorted) - 1))) |> Float.round(1)
    end

    IO.puts(
      "#{holes} black holes, #{what}: median #{share.(0.5)} ms (bound #{bound} ms), min #{share.(0)}, " <>
        "p90 #{share.(0.9)}, max #{share.(1)}, n=#{length(sorted)}"
    )
  end
end
