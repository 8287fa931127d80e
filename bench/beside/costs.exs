defmodule Bench.Costs do
  @moduledoc "What a member costs where nothing happens: among many, beside one, and by the heartbeat."

  import Bench.Measure, only: [sample: 4, sample: 5]

  alias Bench.{Contender, Measure}
  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Case, Crowd, Mesh, Node}
  alias GossipCluster.Sidecar.Codec

  def crowd(env) do
    counts = if env.quick, do: [20], else: [100, 1_000]
    env.steps.(length(counts))

    for one <- Contender.named(["key"]),
        count <- counts,
        do: env.emit.(among(one, count, env))
  end

  def idle(env) do
    for one <- Contender.named(["key"]) do
      Lab.run([hosts: 2], fn lab ->
        nodes = Contender.together(one, lab, 2)
        # What is only said after a meeting has been said then.
        Mesh.beat(nodes, 10, 30_000)
        pid = Node.sidecar(hd(nodes))
        vm = hd(nodes).os_pid
        counters = [fn -> Measure.sleeps(pid) end, Measure.share([pid]), Measure.share([vm])]
        {_, [sleeps, share, of_vm]} = Measure.rates(counters, Measure.look(env.trials.(60, 5)))

        env.emit.([
          sample(one.name, "wake-ups", sleeps, "1/s"),
          sample(one.name, "processor", share, "%"),
          sample(one.name, "VM", of_vm, "%")
        ])
      end)
    end
  end

  # See bench/beat_cost, which needs valgrind.
  def beat(env) do
    if System.find_executable("valgrind") do
      {text, 0} = System.cmd(Path.expand("../beat_cost", __DIR__), [])

      for {what, unit, pattern} <- [
            {"instructions", "", ~r/beat: ([\d,]+), and/},
            {"instructions of its seal", "", ~r/and ([\d,]+) for its seal/},
            {"beats by one core", "1/s", ~r/([\d,]+) a second/}
          ] do
        [_, number] = Regex.run(pattern, text)
        value = number |> String.replace(",", "") |> String.to_integer()
        env.emit.(sample("key", what, value, unit))
      end
    else
      IO.puts("valgrind is not installed: beats are left out")
    end
  end

  # On each of two hosts a node among so many members, which are on a third, and one that is alone in a cluster of its
  # own, whose work is what the library costs by itself. And a VM that has no cluster.
  #
  # Two nodes that do the same differ by a percent in half a minute: one looks at itself once more. So both of a host are
  # counted at the same time, again and again, and by their looks.
  defp among(one, count, env) do
    {:key, key} = one.options[:secret]

    Lab.run([hosts: 3], fn lab ->
      for n <- 1..2, do: Lab.in_host(lab, n, ~w(ip address add 10.77.250.#{n}/16 dev eth0))
      crowd = Crowd.start_wide(lab, 3, count, key, 1_000)
      vms = [{"a", 1}, {"b", 2}, {"c", 1}, {"d", 2}, {"e", 2}]
      [a, b, c, d, bare] = Contender.boot(one, lab, vms, :release)
      {members, alone} = {[a, b], [c, d]}

      tallies =
        for {node, more} <- [{a, []}, {b, []}, {c, [port: 45_993]}, {d, [port: 45_994]}],
            into: %{} do
          # Nobody is dialled: behind these members is no VM.
          since = Contender.start_now(one, [node], more ++ [accept: {:erlang, :is_pid, []}])
          Case.eventually("it has begun", [node], fn -> Mesh.started_at([node], since) end)
          {node, Node.call(node, Lab.Prober, :tally, [GossipCluster])}
        end

      listed = fn -> Enum.all?(members, &(length(Node.peers(&1)) == count + 1)) end
      Case.eventually("all are listed", members, listed, 180_000)
      # Nothing is left that a newcomer says, nor of the question why nobody is found.
      asked = fn -> Enum.all?(alone, &asked?(&1, tallies)) end
      Case.eventually("they have asked", alone, asked, 60_000)
      Mesh.beat(members, 10, 60_000)
      # What was said until now is much: nobody is to pay for that later.
      for {node, _} <- tallies, do: tallied(node, tallies)

      samples =
        for _ <- 1..env.trials.(6, 2),
            {what, value, unit} <- window(members, alone, bare, tallies, env.trials.(30, 5)),
            do: sample(one.name, what, value, unit, %{size: count})

      Port.close(crowd)
      samples
    end)
  end

  # So many seconds. Steady is who is told of nobody meanwhile: each word of a member takes as much as a look.
  defp window(members, alone, bare, tallies, seconds) do
    counters =
      for {what, unit, count} <- [{"sidecar", "%", &share/1}, {"wake-ups", "1/s", &sleeps/1}],
          node <- members,
          do: {what, unit, count.(node)}

    counters = counters ++ [{"reductions, no cluster", "1/s", fn -> total(bare) end}]
    nodes = members ++ alone
    before = for node <- nodes, do: {total(node), tallied(node, tallies)}
    {_, rates} = Measure.rates(for({_, _, count} <- counters, do: count), Measure.look(seconds))
    later = for node <- nodes, do: {total(node), tallied(node, tallies)}

    costs =
      for {{was, {looked, _}}, {is, {looks, frames}}} <- Enum.zip(before, later),
          do: {(is - was) / (looks.pulse - looked.pulse), Enum.flat_map(frames, &news/1)}

    {of_members, of_alone} = Enum.split(costs, length(members))
    told = Enum.frequencies(for {_, news} <- costs, kind <- news, do: kind)
    if told != %{}, do: IO.puts("  told meanwhile: #{inspect(told)}")

    for({{what, unit, _}, rate} <- Enum.zip(counters, rates), do: {what, rate, unit}) ++
      for(node <- members, do: {"memory", Measure.rss(Node.sidecar(node)), "MB"}) ++
      for(
        {_, news} <- of_members,
        do: {"owner's messages of members", length(news) / seconds, "1/s"}
      ) ++
      for({a_look, _} <- of_members, do: {"reductions a look", a_look, ""}) ++
      for({a_look, _} <- of_alone, do: {"reductions a look, alone", a_look, ""}) ++
      for(
        {{among, []}, {alone, []}} <- Enum.zip(of_members, of_alone),
        do: {"reductions while steady, above alone", 100 * (among / alone - 1), "%"}
      )
  end

  defp share(node), do: Measure.share([Node.sidecar(node)])

  defp sleeps(node) do
    pid = Node.sidecar(node)
    fn -> Measure.sleeps(pid) end
  end

  defp total(node), do: elem(Node.call(node, :erlang, :statistics, [:exact_reductions]), 0)
  defp tallied(node, tallies), do: Node.call(node, Lab.Prober, :tallied, [tallies[node]])

  # What a sidecar says, by its kinds: all but that it runs.
  defp news(frame) do
    case Codec.decode(frame) do
      {:ok, :pulse} -> []
      {:ok, event} when is_tuple(event) -> [elem(event, 0)]
      {:ok, event} -> [event]
    end
  end

  defp asked?(node, tallies) do
    {timers, _frames} = tallied(node, tallies)
    is_map_key(timers, {:alone, 30_000})
  end
end
