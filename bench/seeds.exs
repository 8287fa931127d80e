# Ten nodes that start at once on ten hosts where no multicast is heard, and know the address of the first: from the last
# start_link to the last NODEUP on the last node. The library's code is loaded in the first round, which is not counted.
#
#   MIX_ENV=test mix run bench/seeds.exs [SAMPLES]        as root, on a quiet machine

alias GossipCluster.Lab
alias GossipCluster.Lab.{Case, Figures, Mesh}

count = 10
samples = Figures.samples(11)
lab = Lab.make(hosts: count)

for host <- 1..count do
  Lab.rules(lab, host, """
  table inet firewall {
    chain input {
      type filter hook input priority 0;
      iifname "eth0" ip daddr 224.0.0.0/4 drop
      iifname "eth0" ip6 daddr ff00::/8 udp dport 45893 drop
    }
  }
  """)
end

cluster = [secret: {:key, :crypto.strong_rand_bytes(32)}, seeds: [Lab.ip(1)]]

round = fn nodes ->
  since = Mesh.form(nodes, cluster)

  # The nodes tell the times. Whoever asks them meanwhile takes the processor time that is measured.
  Process.sleep(3_000)
  start = Case.eventually("all have started", nodes, fn -> Mesh.started_at(nodes, since) end)
  whole = Case.eventually("a full mesh", nodes, fn -> Mesh.formed_at(nodes, since) end, 60_000)
  (Enum.max(whole) - start) / 1000
end

try do
  nodes = Mesh.boot(lab, count)
  round.(nodes)
  Figures.print("ten nodes, one seed: full mesh", for(_ <- 1..samples, do: round.(nodes)), 2_000)
after
  Lab.remove(lab)
end
