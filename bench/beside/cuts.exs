defmodule Bench.Cuts do
  @moduledoc "How soon it is known that a node is gone: of this project, of the others, and of Serf's agents."

  import Bench.Measure, only: [sample: 4]

  alias Bench.Contender
  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Case, Mesh, Node}

  def cut(env) do
    serf = if System.find_executable("serf"), do: env.trials.(3, 1), else: 0
    # They wait for Erlang's own tick, which takes more than a minute.
    others = if env.quick, do: [], else: Contender.named(["libcluster", "naive"])
    trials = env.trials.(5, 1)
    env.steps.(trials + serf + length(others))
    for one <- Contender.named(["key"]), _ <- 1..trials, do: env.emit.(known(one, 3))
    for _ <- 1..serf//1, do: env.emit.(known_to_serf(5))
    for one <- others, do: env.emit.(known(one, 2))
  end

  defp known(one, hosts) do
    Lab.run([hosts: hosts], fn lab ->
      nodes = Contender.together(one, lab, hosts)
      {others, [gone]} = Enum.split(nodes, -1)
      # Anywhere between two beats.
      if one.kind == :ours, do: Mesh.beat(nodes)
      at = Lab.clock()
      Lab.cut(lab, hosts, :cable)

      known? =
        if one.kind == :ours,
          do: &match?({:event, _, {:down, %{name: n}, _reason}} when n == gone.name, &1),
          else: &(&1 == {:nodedown, gone.name})

      times =
        for node <- others do
          known = fn -> Node.time(node, known?) end
          Case.eventually("it is missed", [node], known, 100_000)
        end

      sample(one.name, "known", (Enum.max(times) - at) / 1000, "ms")
    end)
  end

  # Its agents, with their defaults for a LAN; the last of them is cut off, and each other one says so by a handler.
  defp known_to_serf(count) do
    Lab.run([hosts: count], fn lab ->
      told = fn n -> Path.join(lab.dir, "told#{n}") end
      ports = for n <- 1..count, do: agent(lab, n, told.(n))
      together = fn -> Enum.all?(1..count, &(alive(lab, &1) == count)) end
      Case.eventually("they are together", [], together, 60_000)
      # One of them probes another once a second: at any moment of that.
      Process.sleep(:rand.uniform(1_000))
      at = Lab.clock()
      Lab.cut(lab, count, :cable)
      known = fn -> Enum.all?(1..(count - 1), &File.exists?(told.(&1))) end
      Case.eventually("the others are told", [], known, 60_000)
      took = (Lab.clock() - at) / 1000
      Enum.each(ports, &Port.close/1)
      sample("Serf", "known", took, "ms")
    end)
  end

  defp agent(lab, n, told) do
    join = if n > 1, do: ["-join=#{:inet.ntoa(lab.hosts[1].ip)}"], else: []

    arguments =
      ["netns", "exec", lab.hosts[n].netns, "serf", "agent", "-node=h#{n}"] ++
        ["-bind=#{:inet.ntoa(lab.hosts[n].ip)}", "-log-level=err"] ++
        ["-event-handler=member-failed=touch #{told}"] ++ join

    ip = System.find_executable("ip")
    port = Port.open({:spawn_executable, ip}, [:binary, args: arguments])
    # The first must listen before another joins.
    Case.eventually("it listens", [], fn -> alive(lab, n) > 0 end)
    port
  end

  defp alive(lab, n) do
    command = ~w(netns exec #{lab.hosts[n].netns} serf members -status=alive)
    {lines, _status} = System.cmd("ip", command, stderr_to_stdout: true)
    length(Regex.scan(~r/\salive\b/, lines))
  end
end
