# Twelve nodes that start at once on twelve hosts, without epmd, under names that resolve nowhere: from the last
# start_link to the last NODEUP on the last node, that is, to the full mesh of 66 connections. The library's code is
# loaded in the first round, which is not counted. Also how many connections were lost on the way, which should be none.
#
#   MIX_ENV=test mix run bench/mesh.exs [SAMPLES]        as root, on a quiet machine

alias GossipCluster.Lab.{Figures, Mesh}

count = 12
samples = Figures.samples(11)

round = &Mesh.measure(&1, &2, 1_500)

figures = fn name, bound, options, cluster ->
  # `global` remembers for a while whom the others have lost, and cuts them again when it hears of it late, as it does
  # where packets are lost: there, each round has nodes that were never apart.
  results =
    if options[:loss] do
      for _ <- 1..samples, do: Mesh.in_lab(count, options, &round.(&1, cluster))
    else
      Mesh.in_lab(count, options, fn nodes ->
        round.(nodes, cluster)
        for _ <- 1..samples, do: round.(nodes, cluster)
      end)
    end

  {meshes, downs} = Enum.unzip(results)
  Figures.print(name, meshes, bound, "connections lost while forming #{Enum.sum(downs)}, ")
end

key = [secret: {:key, :crypto.strong_rand_bytes(32)}]
figures.("cookie: full mesh", 300, [], [])
figures.("32-byte key: full mesh", 300, [], key)
figures.("32-byte key, TLS: full mesh", 300, [tls: true], key)
figures.("32-byte key, 10 % loss: full mesh", 10_000, [loss: 10], key)
