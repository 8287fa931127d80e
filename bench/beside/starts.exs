defmodule Bench.Starts do
  @moduledoc "How soon nodes are together: pairs, pairs on a busy machine and where packets are lost, and meshes."

  import Bench.Measure, only: [sample: 5]

  alias Bench.{Contender, Measure}
  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Case, Filter, Mesh, Node}

  def start(env) do
    modes = [interactive: env.trials.(30, 3), release: env.trials.(10, 1)]
    env.steps.(Enum.sum(Keyword.values(modes)) * length(Contender.all()))

    for {mode, trials} <- modes,
        trial <- 1..trials,
        one <- Contender.all(),
        do: env.emit.(pair(one, trial, mode))
  end

  def busy(env) do
    everybody = Contender.named(["key", "cookie", "cookie of a release", "libcluster", "naive"])
    trials = env.trials.(15, 3)
    env.steps.(trials * length(everybody))

    for trial <- 1..trials,
        one <- everybody,
        do: env.emit.(Measure.busy(fn -> pair(one, trial, :interactive) end))
  end

  def loss(env) do
    Lab.run([hosts: 2], fn lab ->
      sets = sets(["key", "cookie", "libcluster", "naive"], lab, 2)
      trials = env.trials.(40, 3)
      env.steps.(2 * trials * length(sets))

      for percent <- [10, 30] do
        for n <- 1..2, do: Filter.lose(lab, n, percent)

        for _ <- 1..trials,
            {one, nodes} <- sets,
            do: env.emit.(lossy(one, nodes, %{percent: percent}))
      end
    end)
  end

  def mesh(env) do
    everybody = for one <- Contender.all(), do: one.name
    sizes = if env.quick, do: [6], else: [12, 20]
    rounds = env.trials.(7, 1)
    env.steps.(length(sizes) * rounds * length(everybody))

    for size <- sizes do
      Lab.run([hosts: size], fn lab ->
        sets = sets(everybody, lab, size)

        for round <- 0..rounds,
            {one, nodes} <- sets,
            samples = formed(one, nodes, %{size: size}),
            # The first has everything to load that is not code.
            round > 0,
            do: env.emit.(samples)
      end)
    end
  end

  # All on the same hosts: one letter a contender.
  defp sets(names, lab, count) do
    for {one, n} <- Enum.with_index(Contender.named(names)),
        do: {one, Contender.set(one, lab, count, n)}
  end

  # Two fresh VMs: one runs and waits, the other is the newcomer. Half of the newcomers have the lower name, half the
  # higher one.
  defp pair(one, trial, mode) do
    Lab.run([hosts: 2], fn lab ->
      nodes = Contender.boot(one, lab, [{"a", 1}, {"b", 2}], mode)
      newcomer = Enum.at(["a", "b"], rem(trial, 2))
      {joins, waits} = Enum.split_with(nodes, &String.starts_with?(&1.name, newcomer))
      Contender.start_now(one, waits)

      Case.eventually("it waits", nodes, fn -> Enum.all?(waits, &Contender.waits?(one, &1)) end)

      since = Contender.start_now(one, joins)
      nodeup(one, Mesh.span(joins, nodes, since), %{mode: mode})
    end)
  end

  defp nodeup(one, {start, whole}, labels),
    do: sample(one.name, "NODEUP", (whole - start) / 1000, "ms", labels)

  # Both start at once. A node is known when a subscriber is told `up`; and connected, which also takes a dial.
  defp lossy(one, nodes, labels) do
    alone(one, nodes, fn since ->
      {start, _whole} = span = Mesh.span(nodes, nodes, since, 180_000)

      told =
        for node <- nodes, one.kind == :ours do
          told = fn -> Enum.find_value(Node.events(node), &told_up(&1, since)) end
          Case.eventually("the subscriber is told", nodes, told)
        end

      known =
        for at <- Enum.sort(told, :desc) |> Enum.take(1),
            do: sample(one.name, "told `up`", (at - start) / 1000, "ms", labels)

      [nodeup(one, span, labels) | known]
    end)
  end

  defp told_up({at, {:event, _cluster, {:up, _peer}}}, since) when at > since, do: at
  defp told_up(_event, _since), do: nil

  # From the last start to the last NODEUP; and the processor time of all VMs and sidecars until then.
  defp formed(one, nodes, labels) do
    vms = for node <- nodes, do: node.os_pid

    alone(one, nodes, fn since ->
      before = Measure.cpu(vms)

      # Whoever asks sooner takes the processor time that is measured: also of ours alone, which are asked for their
      # sidecars.
      Process.sleep(2_500)
      taken = Measure.cpu(vms) - before
      asked = Lab.clock()
      {start, whole} = Mesh.span(nodes, nodes, since, 120_000)
      sidecars = for node <- nodes, one.kind == :ours, do: Node.sidecar(node)
      each = fn what, ms -> sample(one.name, what, ms / length(nodes), "ms", labels) end

      Enum.concat([
        [sample(one.name, "mesh", (whole - start) / 1000, "ms", labels)],
        # Of one that was not whole by then it would not be all.
        if(whole < asked, do: [each.("VM", taken)], else: []),
        if(sidecars == [], do: [], else: [each.("sidecar", Measure.cpu(sidecars))])
      ])
    end)
  end

  # Starts it in all these nodes at one moment, and ends it after that, or who is measured next would hear it.
  defp alone(one, nodes, work) do
    Mesh.apart(nodes)
    result = work.(Contender.start_at(one, nodes, Lab.clock() + 500_000))
    Contender.stop(one, nodes)
    Mesh.apart(nodes)
    result
  end
end
