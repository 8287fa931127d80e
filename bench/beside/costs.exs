defmodule Bench.Costs do
  @moduledoc "What a member costs where nothing happens: among many, beside one, and by the heartbeat."

  import Bench.Measure, only: [sample: 4, sample: 5]

  alias Bench.{Contender, Measure}
  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Case, Crowd, Mesh, Node}

  def crowd(env) do
    counts = if env.quick, do: [20], else: [100, 1_000]
    env.steps.(length(counts))

    for one <- Contender.named(["key"]),
        count <- counts,
        do: env.emit.(among(one, count, env.trials.(30, 5)))
  end

  def idle(env) do
    for one <- Contender.named(["key"]) do
      Lab.run([hosts: 2], fn lab ->
        nodes = Contender.together(one, lab, 2)
        # What is only said after a meeting has been said then.
        Mesh.beat(nodes, 10, 30_000)
        pid = Node.sidecar(hd(nodes))
        counters = [fn -> Measure.sleeps(pid) end, Measure.share([pid])]
        {_, [sleeps, share]} = Measure.rates(counters, Measure.look(env.trials.(60, 5)))

        env.emit.([
          sample(one.name, "wake-ups", sleeps, "1/s"),
          sample(one.name, "processor", share, "%")
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

  # Two nodes on two hosts: one among so many members on a third, one alone in a cluster of its own, which shows what the
  # library costs by itself. And on that host a VM that has no cluster.
  defp among(one, count, seconds) do
    {:key, key} = one.options[:secret]

    Lab.run([hosts: 3], fn lab ->
      for n <- 1..2, do: Lab.in_host(lab, n, ~w(ip address add 10.77.250.#{n}/16 dev eth0))
      crowd = Crowd.start_wide(lab, 3, count, key, 1_000)
      vms = [{"a", 1}, {"b", 2}, {"c", 2}]
      [node, alone, bare] = Contender.boot(one, lab, vms, :release)
      # Nobody is dialled: behind these members is no VM.
      nobody = [accept: {:erlang, :is_pid, []}]

      for {who, options} <- [{node, nobody}, {alone, [port: 45_993] ++ nobody}] do
        since = Contender.start_now(one, [who], options)
        Case.eventually("it has begun", [who], fn -> Mesh.started_at([who], since) end)
      end

      listed = fn -> length(Node.peers(node)) == count end
      Case.eventually("all are listed", [node], listed, 180_000)
      # Nothing is left that a newcomer says: it beats.
      Mesh.beat([node], 10, 60_000)
      pid = Node.sidecar(node)
      for who <- [node, alone], do: Node.call(who, Lab.Prober, :trace, [GossipCluster])

      # To be asked for what was received takes work that grows with it: outside of what is counted.
      got = Enum.map([node, alone], &received/1)

      counters =
        [Measure.share([pid]), fn -> Measure.sleeps(pid) end] ++
          for(who <- [node, alone, bare], do: fn -> reductions(who) end)

      {_, [share, sleeps, among, by_itself, idle]} =
        Measure.rates(counters, Measure.look(seconds))

      [messages, own] =
        for {who, then} <- Enum.zip([node, alone], got), do: (received(who) - then) / seconds

      rss = Measure.rss(pid)
      Port.close(crowd)

      for {what, value, unit} <- [
            {"sidecar", share, "%"},
            {"wake-ups", sleeps, "1/s"},
            {"memory", rss, "MB"},
            {"owner's messages", messages, "1/s"},
            {"owner's messages, alone", own, "1/s"},
            {"reductions", among, "1/s"},
            {"reductions, alone", by_itself, "1/s"},
            {"reductions, no cluster", idle, "1/s"}
          ],
          do: sample(one.name, what, value, unit, %{size: count})
    end)
  end

  # What was received is kept by another process, and not for nothing: a small part of the work that is counted.
  defp reductions(node), do: elem(Node.call(node, :erlang, :statistics, [:exact_reductions]), 0)
  defp received(node), do: Enum.count(Node.events(node), &match?({_at, {:received, _}}, &1))
end
