defmodule Bench.Floods do
  @moduledoc "What datagrams cost that are not of this cluster, many a second; and whether a newcomer comes through."

  import Bench.Measure, only: [sample: 5]

  alias Bench.{Contender, Measure}
  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Mesh, Node, Program}

  def flood(env) do
    rates = if env.quick, do: [5_000], else: [5_000, 20_000, 50_000, 100_000, 150_000]

    everybody = Contender.named(["key", "libcluster", "naive"])
    kinds = ["junk", "forged", "recorded"]
    env.steps.(length(everybody) * length(kinds))

    for one <- everybody,
        kind <- kinds,
        do: env.emit.(under(one, kind, rates, env.trials.(5, 2)))
  end

  # A member and the newcomer's host, and the attacker's. The member's sidecar and VM are measured while it floods; the
  # newcomer arrives in a flood of the highest rate.
  defp under(one, kind, rates, seconds) do
    Lab.run([hosts: 3], fn lab ->
      [member, newcomer] = nodes = Contender.together(one, lab, 2)
      flood = open(one, lab, kind)
      vm = [{"VM", [member.os_pid]}]
      processes = if one.kind == :ours, do: vm ++ [{"sidecar", [Node.sidecar(member)]}], else: vm
      before = doubts(member)

      costs =
        for rate <- rates,
            {sent, shares} = shower(flood, rate, seconds, processes),
            {{what, _pids}, share} <- Enum.zip(processes, shares),
            do:
              sample(one.name, what, share, "%", %{kind: kind, rate: rate, sent: sent / seconds})

      # Of the other one, which lives; who has no such events has none here.
      doubted = doubts(member) - before

      suspected =
        if one.kind == :ours,
          do: [sample(one.name, "doubts", doubted, "", %{kind: kind})],
          else: []

      Contender.stop(one, [newcomer])
      Mesh.apart(nodes)
      most = List.last(rates)
      command(flood, most, 4 * seconds)
      arrived = arrival(one, newcomer, nodes, 3 * seconds)
      Port.close(flood)

      costs ++
        suspected ++ [sample(one.name, "newcomer", arrived, "ms", %{kind: kind, rate: most})]
    end)
  end

  # How often it was told that somebody is suspect, or gone.
  defp doubts(node) do
    Enum.count(Node.events(node), fn
      {_at, {:event, _cluster, {:update, %{status: :suspect}}}} -> true
      {_at, {:event, _cluster, {:down, _peer, _reason}}} -> true
      _other -> false
    end)
  end

  # In ms; nil where it has not arrived in time.
  defp arrival(one, newcomer, nodes, seconds) do
    since = Contender.start_now(one, [newcomer])
    {start, whole} = Mesh.span([newcomer], nodes, since, 1000 * seconds)
    (whole - start) / 1000
  rescue
    ExUnit.AssertionError -> nil
  end

  defp open(one, lab, kind) do
    {group, port, keep} =
      case one.kind do
        :ours -> {"233.252.1.33", 45_893, 8}
        :libcluster -> {"233.252.1.32", 45_892, 0}
        :naive -> {"233.252.1.34", 45_899, 11}
      end

    arguments =
      ["netns", "exec", lab.hosts[3].netns, Program.built("gossip_flood"), kind, group] ++
        ["#{port}", "#{:inet.ntoa(lab.hosts[3].ip)}", "#{keep}"]

    options = [:binary, :exit_status, line: 100, args: arguments]
    flood = Port.open({:spawn_executable, System.find_executable("ip")}, options)
    "ready" = hear(flood, 120_000)
    flood
  end

  defp command(flood, rate, seconds), do: Port.command(flood, "#{rate} #{seconds}\n")

  # How many were sent, and what share of a core each process took meanwhile.
  defp shower(flood, rate, seconds, processes) do
    Measure.rates(for({_what, pids} <- processes, do: Measure.share(pids)), fn ->
      command(flood, rate, seconds)
      flood |> hear(1000 * seconds + 20_000) |> String.to_integer()
    end)
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
