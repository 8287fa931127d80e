defmodule Bench.Rows do
  @moduledoc """
  What is measured: a row each, with who takes part, by turns.

  A row is a function of `env`, whose `emit` keeps a sample: `%{row:, who:, what:, value:, unit:}` and whatever else
  tells samples apart.
  """

  alias Bench.{Contender, Measure}
  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Case, Crowd, Filter, Mesh, Node, Program}

  @all [
    start: "from the start to NODEUP on both of two nodes",
    busy: "the same, with a busy loop on each core",
    loss: "the same, of nodes that start at once, where packets are lost",
    mesh: "meshes of 12 and of 20, and the processor time of a start",
    cut: "a cable is cut: until the others know",
    crowd: "a node among 1,000 members that beat: what it costs",
    flood: "junk, forged and recorded datagrams, many a second",
    idle: "two members, and nothing to do",
    beat: "a steady beat, from its datagram to the roster: the core alone"
  ]

  @doc "The rows by name, with what each is."
  def all, do: @all

  @doc "Measures a row."
  def run(:start, env) do
    for mode <- [:interactive, :release],
        trial <- 1..trials(env, mode),
        one <- Contender.all(),
        do: env.emit.(pair(one, trial, %{row: :start, mode: mode}))
  end

  def run(:busy, env) do
    for trial <- 1..env.trials.(15, 3),
        one <- Contender.named(["key", "cookie", "cookie of a release", "libcluster", "naive"]),
        do: env.emit.(Measure.busy(fn -> pair(one, trial, %{row: :busy, mode: :interactive}) end))
  end

  def run(:loss, env) do
    contenders = Contender.named(["key", "cookie", "libcluster", "naive"])

    in_lab(2, fn lab ->
      sets = for {one, n} <- Enum.with_index(contenders), do: {one, set(one, lab, 2, n, :release)}

      for percent <- [10, 30] do
        for n <- 1..2, do: Filter.lose(lab, n, percent)

        for _ <- 1..env.trials.(40, 3),
            {one, nodes} <- sets,
            sample <- lossy(one, nodes),
            do: env.emit.(Map.merge(sample, %{row: :loss, percent: percent}))
      end
    end)
  end

  def run(:mesh, env) do
    contenders =
      Contender.named([
        "key",
        "key, stock epmd",
        "cookie",
        "cookie of a release",
        "libcluster",
        "naive"
      ])

    for size <- if(env.quick, do: [6], else: [12, 20]) do
      in_lab(size, fn lab ->
        sets =
          for {one, n} <- Enum.with_index(contenders), do: {one, set(one, lab, size, n, :release)}

        for round <- 0..env.trials.(7, 1),
            {one, nodes} <- sets,
            sample <- mesh(one, nodes),
            # The first has everything to load that is not code.
            round > 0,
            do: env.emit.(Map.merge(sample, %{row: :mesh, size: size}))
      end)
    end
  end

  def run(:cut, env) do
    for _ <- 1..env.trials.(5, 1), do: env.emit.(cut("key", hd(Contender.named(["key"])), 3))

    if System.find_executable("serf"),
      do: for(_ <- 1..env.trials.(3, 1), do: env.emit.(cut_serf(5)))

    for name <- ["libcluster", "naive"],
        one <- Contender.named([name]),
        not env.quick,
        do: env.emit.(cut(name, one, 2))
  end

  def run(:crowd, env) do
    for count <- if(env.quick, do: [20], else: [100, 1_000]),
        sample <- crowd(count, env.trials.(30, 5)),
        do: env.emit.(Map.put(sample, :row, :crowd))
  end

  def run(:flood, env) do
    rates = if env.quick, do: [5_000], else: [5_000, 20_000, 50_000, 100_000, 150_000]

    for one <- Contender.named(["key", "libcluster", "naive"]),
        kind <- ["junk", "forged", "recorded"],
        sample <- flood(one, kind, rates, env.trials.(5, 2)),
        do: env.emit.(Map.put(sample, :row, :flood))
  end

  def run(:idle, env) do
    seconds = env.trials.(60, 5)

    for one <- Contender.named(["key"]) do
      in_lab(2, fn lab ->
        nodes = together(one, lab, 2, :release)
        # Until what is only said after a meeting has been said.
        Process.sleep(10_000)
        [pid, _] = for node <- nodes, do: Node.sidecar(node)
        {share, sleeps} = Measure.over(seconds, [pid], fn -> Measure.sleeps(pid) end)
        env.emit.(%{row: :idle, who: one.name, what: "wake-ups", value: sleeps, unit: "1/s"})
        env.emit.(%{row: :idle, who: one.name, what: "processor", value: share, unit: "%"})
      end)
    end
  end

  # See bench/beat_cost, which needs valgrind.
  def run(:beat, env) do
    if System.find_executable("valgrind") do
      {text, 0} = System.cmd(Path.expand("../beat_cost", __DIR__), [])

      for {what, unit, pattern} <- [
            {"instructions", "", ~r/beat: ([\d,]+), and/},
            {"instructions of its seal", "", ~r/and ([\d,]+) for its seal/},
            {"beats by one core", "1/s", ~r/([\d,]+) a second/}
          ] do
        [_, number] = Regex.run(pattern, text)
        value = number |> String.replace(",", "") |> String.to_integer()
        env.emit.(%{row: :beat, who: "key", what: what, value: value, unit: unit})
      end
    else
      IO.puts("valgrind is not installed: beats are left out")
    end
  end

  defp trials(env, :interactive), do: env.trials.(30, 3)
  defp trials(env, :release), do: env.trials.(10, 1)

  defp in_lab(hosts, work) do
    lab = Lab.make(hosts: hosts)

    try do
      work.(lab)
    after
      Lab.remove(lab)
    end
  end

  # One letter a contender, so that all can run on the same hosts.
  defp set(one, lab, count, n, mode) do
    letter = <<?a + n>>
    Contender.boot(one, lab, for(h <- 1..count, do: {"#{letter}#{h}", h}), mode)
  end

  defp together(one, lab, count, mode) do
    nodes = set(one, lab, count, 0, mode)
    since = Contender.start_now(one, nodes)
    Case.eventually("connected", nodes, fn -> Mesh.formed_at(nodes, since) end, 60_000)
    nodes
  end

  # Two fresh VMs: one runs, the other is the newcomer. Half of the newcomers have the lower name, half the higher one.
  defp pair(one, trial, labels) do
    in_lab(2, fn lab ->
      nodes = Contender.boot(one, lab, [{"a", 1}, {"b", 2}], labels.mode)

      {[joins], [waits]} =
        Enum.split_with(nodes, &String.starts_with?(&1.name, Enum.at(["a", "b"], rem(trial, 2))))

      Contender.start_now(one, [waits])
      # It has said what it says at its start, and waits.
      Process.sleep(1_500)
      at = Contender.start_now(one, [joins])
      start = Case.eventually("it has begun", nodes, fn -> Contender.started_at([joins], at) end)

      times =
        Case.eventually("NODEUP on both", nodes, fn -> Mesh.formed_at(nodes, at) end, 60_000)

      Map.merge(labels, %{
        who: one.name,
        what: "NODEUP",
        value: (Enum.max(times) - start) / 1000,
        unit: "ms"
      })
    end)
  end

  # Both start at once. A node is known when a subscriber is told `up`; and connected, which also takes a dial.
  defp lossy(one, nodes) do
    Mesh.apart(nodes)
    at = Contender.start_at(one, nodes, Lab.clock() + 500_000)
    start = Case.eventually("all have begun", nodes, fn -> Contender.started_at(nodes, at) end)
    times = Case.eventually("NODEUP on both", nodes, fn -> Mesh.formed_at(nodes, at) end, 180_000)
    nodeup = %{who: one.name, what: "NODEUP", value: (Enum.max(times) - start) / 1000, unit: "ms"}

    # Else who is measured next would hear it, and its connections are not his.
    samples = lossy_samples(one, nodes, nodeup, at, start)
    Contender.stop(one, nodes)
    samples
  end

  defp lossy_samples(one, nodes, nodeup, at, start) do
    if one.kind == :ours do
      ups =
        for node <- nodes do
          up = fn -> Enum.find_value(Node.events(node), &told_up(&1, at)) end
          Case.eventually("the subscriber is told", nodes, up)
        end

      up = %{who: one.name, what: "told `up`", value: (Enum.max(ups) - start) / 1000, unit: "ms"}
      [nodeup, up]
    else
      [nodeup]
    end
  end

  defp told_up({at, {:event, _cluster, {:up, _peer}}}, since) when at > since, do: at
  defp told_up(_event, _since), do: nil

  # From the last start to the last NODEUP; and the processor time of all VMs and sidecars until then.
  defp mesh(one, nodes) do
    vms = for node <- nodes, do: node.os_pid
    Mesh.apart(nodes)
    before = Measure.cpu(vms)
    at = Contender.start_at(one, nodes, Lab.clock() + 500_000)
    # Whoever asks sooner takes the processor time that is measured.
    Process.sleep(2_500)
    start = Case.eventually("all have begun", nodes, fn -> Contender.started_at(nodes, at) end)
    times = Case.eventually("a full mesh", nodes, fn -> Mesh.formed_at(nodes, at) end, 120_000)

    vm = %{
      who: one.name,
      what: "VM",
      value: (Measure.cpu(vms) - before) / length(nodes),
      unit: "ms"
    }

    formed = %{who: one.name, what: "mesh", value: (Enum.max(times) - start) / 1000, unit: "ms"}

    samples = mesh_samples(one, nodes, formed, vm)
    Contender.stop(one, nodes)
    Mesh.apart(nodes)
    samples
  end

  defp mesh_samples(one, nodes, formed, vm) do
    if one.kind == :ours do
      sidecars = Measure.cpu(for node <- nodes, do: Node.sidecar(node)) / length(nodes)
      [formed, vm, %{who: one.name, what: "sidecar", value: sidecars, unit: "ms"}]
    else
      [formed, vm]
    end
  end

  defp cut(name, one, hosts) do
    in_lab(hosts, fn lab ->
      nodes = together(one, lab, hosts, :release)
      Process.sleep(3_000 + :rand.uniform(1_000))
      {others, [gone]} = Enum.split(nodes, -1)
      at = Lab.clock()
      Lab.cut(lab, hosts, :cable)

      known? =
        if one.kind == :ours,
          do: &match?({:event, _, {:down, %{name: n}, _reason}} when n == gone.name, &1),
          else: &(&1 == {:nodedown, gone.name})

      times =
        for node <- others,
            do:
              Case.eventually("it is missed", [node], fn -> Node.time(node, known?) end, 100_000)

      %{row: :cut, who: name, what: "known", value: (Enum.max(times) - at) / 1000, unit: "ms"}
    end)
  end

  # Its agents, with their defaults for a LAN; the last of them is cut off, and each other one says so by a handler.
  defp cut_serf(count) do
    in_lab(count, fn lab ->
      ports =
        for n <- 1..count do
          told = Path.join(lab.dir, "told#{n}")
          join = if n > 1, do: ["-join=#{:inet.ntoa(lab.hosts[1].ip)}"], else: []

          arguments =
            ["netns", "exec", lab.hosts[n].netns, "serf", "agent", "-node=h#{n}"] ++
              ["-bind=#{:inet.ntoa(lab.hosts[n].ip)}", "-log-level=err"] ++
              ["-event-handler=member-failed=touch #{told}"] ++ join

          ip = System.find_executable("ip")
          port = Port.open({:spawn_executable, ip}, [:binary, args: arguments])
          # The first must listen before another joins.
          Case.eventually("it listens", [], fn -> serf_members(lab, n) > 0 end)
          port
        end

      Case.eventually(
        "they are together",
        [],
        fn -> Enum.all?(1..count, &(serf_members(lab, &1) == count)) end,
        60_000
      )

      Process.sleep(2_000 + :rand.uniform(1_000))
      at = Lab.clock()
      Lab.cut(lab, count, :cable)

      for n <- 1..(count - 1),
          do:
            Case.eventually(
              "h#{n} is told",
              [],
              fn -> File.exists?(Path.join(lab.dir, "told#{n}")) end,
              60_000
            )

      known = (Lab.clock() - at) / 1000
      for port <- ports, do: Port.close(port)
      %{row: :cut, who: "Serf", what: "known", value: known, unit: "ms"}
    end)
  end

  defp serf_members(lab, n) do
    command = ~w(netns exec #{lab.hosts[n].netns} serf members -status=alive)
    {lines, _status} = System.cmd("ip", command, stderr_to_stdout: true)
    length(Regex.scan(~r/\salive\b/, lines))
  end

  # Two nodes on two hosts: one among so many members on a third, one alone in a cluster of its own, which shows what the
  # library costs by itself. And on that host a VM that has no cluster.
  defp crowd(count, seconds) do
    [one] = Contender.named(["key"])
    {:key, key} = one.options[:secret]

    in_lab(3, fn lab ->
      for n <- 1..2, do: Lab.in_host(lab, n, ~w(ip address add 10.77.250.#{n}/16 dev eth0))
      crowd = Crowd.start_wide(lab, 3, count, key, 1_000)
      vms = [{"a", 1}, {"b", 2}, {"c", 2}]
      [node, alone, bare] = Contender.boot(one, lab, vms, :release)
      # Nobody is dialled: behind these members is no VM.
      nobody = [accept: {:erlang, :is_pid, []}]
      at = Contender.start_now(one, [node], nobody)
      since = Contender.start_now(one, [alone], nobody ++ [port: 45_993])
      Case.eventually("it has begun", [node], fn -> Contender.started_at([node], at) end)
      Case.eventually("it has begun", [alone], fn -> Contender.started_at([alone], since) end)
      listed = fn -> length(Node.peers(node)) == count end
      Case.eventually("all are listed", [node], listed, 180_000)
      Process.sleep(15_000)
      pid = Node.sidecar(node)
      for who <- [node, alone], do: Node.call(who, Lab.Prober, :trace, [GossipCluster])

      # To be asked for what was received takes work that grows with it: outside of what is counted.
      got = Enum.map([node, alone], &received/1)
      work = Enum.map([node, alone, bare], &reductions/1)
      {share, sleeps} = Measure.over(seconds, [pid], fn -> Measure.sleeps(pid) end)

      [among, by_itself, idle] =
        for {who, then} <- Enum.zip([node, alone, bare], work),
            do: (reductions(who) - then) / seconds

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
          do: %{who: one.name, size: count, what: what, value: value, unit: unit}
    end)
  end

  # What was received is kept by another process, and not for nothing: a small part of the work that is counted.
  defp reductions(node), do: elem(Node.call(node, :erlang, :statistics, [:exact_reductions]), 0)
  defp received(node), do: Enum.count(Node.events(node), &match?({_at, {:received, _}}, &1))

  # A member and the newcomer's host, and the attacker's. The member's sidecar and VM are measured while it floods; the
  # newcomer arrives in a flood of the highest rate.
  defp flood(one, kind, rates, seconds) do
    in_lab(3, fn lab ->
      [a, b] = nodes = set(one, lab, 2, 0, :release)
      since = Contender.start_now(one, nodes)
      Case.eventually("connected", nodes, fn -> Mesh.formed_at(nodes, since) end, 60_000)
      flood = start_flood(one, lab, kind)

      processes =
        [{"VM", [a.os_pid]}] ++
          if(one.kind == :ours, do: [{"sidecar", [Node.sidecar(a)]}], else: [])

      costs =
        for rate <- rates,
            {sent, shares} = shower(flood, rate, seconds, processes),
            {what, share} <- shares do
          %{
            who: one.name,
            kind: kind,
            rate: rate,
            sent: sent / seconds,
            what: what,
            value: share,
            unit: "%"
          }
        end

      Contender.stop(one, [b])
      Mesh.apart(nodes)
      command(flood, List.last(rates), 4 * seconds)
      at = Contender.start_now(one, [b])
      limit = 1000 * 3 * seconds

      arrived =
        try do
          start = Case.eventually("begun", nodes, fn -> Contender.started_at([b], at) end, limit)
          times = Case.eventually("NODEUP", nodes, fn -> Mesh.formed_at(nodes, at) end, limit)
          (Enum.max(times) - start) / 1000
        rescue
          ExUnit.AssertionError -> nil
        end

      Port.close(flood)

      costs ++
        [
          %{
            who: one.name,
            kind: kind,
            rate: List.last(rates),
            what: "newcomer",
            value: arrived,
            unit: "ms"
          }
        ]
    end)
  end

  defp start_flood(one, lab, kind) do
    {group, port, keep} =
      case one.kind do
        :ours -> {"233.252.1.33", 45_893, 8}
        :libcluster -> {"233.252.1.32", 45_892, 0}
        :naive -> {"233.252.1.34", 45_899, 11}
      end

    arguments =
      ["netns", "exec", lab.hosts[3].netns, Program.built("gossip_flood"), kind, group] ++
        ["#{port}", "#{:inet.ntoa(lab.hosts[3].ip)}", "#{keep}"]

    flood =
      Port.open({:spawn_executable, System.find_executable("ip")}, [
        :binary,
        :exit_status,
        line: 100,
        args: arguments
      ])

    "ready" = hear(flood, 120_000)
    flood
  end

  defp command(flood, rate, seconds), do: Port.command(flood, "#{rate} #{seconds}\n")

  # How many were sent, and what share of a core each process took meanwhile.
  defp shower(flood, rate, seconds, processes) do
    before = for {what, pids} <- processes, do: {what, Measure.cpu(pids)}
    command(flood, rate, seconds)
    sent = flood |> hear(1000 * seconds + 20_000) |> String.to_integer()

    shares =
      for {{what, pids}, {what, cpu}} <- Enum.zip(processes, before),
          do: {what, (Measure.cpu(pids) - cpu) / (10 * seconds)}

    {sent, shares}
  end

  defp hear(port, limit) do
    receive do
      {^port, {:data, {:eol, line}}} -> line
      {^port, {:exit_status, status}} -> raise "gossip_flood ended with #{status}"
    after
      limit -> raise "gossip_flood says nothing"
    end
  end
end
