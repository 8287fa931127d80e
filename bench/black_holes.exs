# A newcomer among peers that beat, and at whose distribution port a firewall drops everything: from its start_link to
# its listing, and to NODEUP on both sides, at a node whose dials hang in all of these peers at that time, as the
# newcomer's own do. Half of the newcomers have a lower name than that node, and dial it; half are dialled by it. The
# library's code is not loaded before, Elixir's is.
#
#   MIX_ENV=test mix run bench/black_holes.exs [ROUNDS]        as root, on a quiet machine

alias GossipCluster.Lab
alias GossipCluster.Lab.{Case, Crowd, Figures, Node}

rounds = Figures.samples(3)
# So many come within the 7 s that a dial hangs.
newcomers = ["A1", "b1", "A2", "b2", "A3", "b3"]
bound = 100

round = fn holes ->
  Lab.run([hosts: 3], fn lab ->
    key = :crypto.strong_rand_bytes(32)
    cluster = [secret: {:key, key}]
    [a | others] = Node.start_all(lab, [{"a", host: 1} | for(n <- newcomers, do: {n, host: 2})])

    for app <- [:elixir, :logger],
        module <- Application.spec(app, :modules),
        node <- others,
        do: {:module, _} = Node.call(node, :code, :ensure_loaded, [module])

    Node.start_cluster(a, cluster)
    if holes > 0, do: Crowd.black_holes(lab, 3, holes, key)
    hang? = fn -> Crowd.dialled(a) >= holes end
    Case.eventually("#{holes} dials hang", [a], fn -> hang?.() and Node.status(a).announced end)

    for newcomer <- others do
      arrived = Crowd.arrive(newcomer, cluster)
      times = Case.eventually("it is connected", [newcomer], fn -> arrived.(a) end)
      if not hang?.(), do: raise("the dials do not hang any more")
      # Its own dials shall not weigh on the next one's figures.
      Lab.signal(:KILL, newcomer.os_pid)
      times
    end
  end)
end

for holes <- [0, 1, 200] do
  times = for _ <- 1..rounds, times <- round.(holes), do: times

  for {what, at} <- [{"found", 0}, {"connected", 1}],
      do:
        Figures.print(
          "#{holes} black holes, #{what}",
          Enum.map(times, &(elem(&1, at) / 1000)),
          bound
        )
end
