# Ten nodes that start at once on ten hosts where no multicast is heard, and know the address of the first: from the last
# start_link to the last NODEUP on the last node. The library's code is loaded in the first round, which is not counted.
#
#   MIX_ENV=test mix run bench/seeds.exs [SAMPLES]        as root, on a quiet machine

alias GossipCluster.Lab
alias GossipCluster.Lab.{Figures, Mesh}

cluster = [secret: {:key, :crypto.strong_rand_bytes(32)}, seeds: [Lab.ip(1)]]
round = fn nodes -> nodes |> Mesh.measure(cluster, 3_000) |> elem(0) end

meshes =
  Mesh.in_lab(10, [multicast: false], fn nodes ->
    round.(nodes)
    for _ <- 1..Figures.samples(11), do: round.(nodes)
  end)

Figures.print("ten nodes, one seed: full mesh", meshes, 2_000)
