# Whom nodes blame when their peers are killed: two survive, again and again, one of a lower and one of a higher name
# that are killed at once; first their VMs alone, then with their sidecars, as a container is. None of their lines
# should say why they cannot connect to these, for there is no reason but that they are dead.
#
#   MIX_ENV=test mix run bench/kills.exs [ROUNDS]       as root

alias GossipCluster.Lab
alias GossipCluster.Lab.{Figures, Kills}

rounds = Figures.samples(50)

for {what, kill} <- [{"VMs", :vm}, {"VMs and their sidecars", :both}] do
  Lab.run([hosts: 4], fn lab ->
    survivors = Kills.survivors(lab)
    for _ <- 1..rounds, do: Kills.round(lab, survivors, kill)
    blamed = Enum.flat_map(survivors, &Kills.blamed/1)

    IO.puts(
      "#{what} killed: #{rounds} of a lower and #{rounds} of a higher name, wrongly blamed #{length(blamed)} (bound 0)"
    )

    Enum.each(blamed, &IO.puts/1)
  end)
end
