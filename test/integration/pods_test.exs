defmodule GossipCluster.Integration.PodsTest do
  # As on Kubernetes: pods on the bridges of two machines, routed between them, where nothing that is sent to a group
  # arrives anywhere; any user, nothing to write to; and one name of a headless service, answered by a real name server.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.NameServer
  alias GossipCluster.OwnerCase

  @service "shop.shop-ns.svc.test"
  @door "door.shop-ns.svc.test"
  @door_port 46_000

  # Host 1 is the name server's alone.
  defp service(lab, pods), do: for(n <- pods, do: {lab.hosts[n].ip, @service})

  test "pods meet by a headless name; one dies, one comes, names move, and the name server goes: the rest stay" do
    lab = Lab.start(hosts: 6, lans: 2, routed: true)
    Filter.without_multicast(lab)

    record = "--srv-host=_gossip._udp.#{@service},#{@door},#{@door_port}"
    server = NameServer.start(lab, 1, [record])
    NameServer.answer(server, service(lab, 2..5) ++ [{lab.hosts[5].ip, @door}])
    pod = NameServer.resolv_conf(lab, server, ["shop-ns.svc.test", "svc.test"])
    headless = [interval: 200, seeds: [{:dns, "shop"}]]
    # One whose own port is another says the others'.
    door = [interval: 200, seeds: ["shop:45894"], unicast_port: @door_port]
    srv = [interval: 200, seeds: [{:srv, "_gossip._udp.shop"}], ttl: 64]

    [b, c, d, e, f] =
      Node.start_all(lab, [
        {"b", host: 2, pod: pod, cluster: headless},
        {"c", host: 3, pod: pod, cluster: door},
        {"d", host: 4, pod: pod, cluster: headless},
        {"e", host: 5, pod: pod, cluster: headless},
        {"f", host: 6, pod: pod}
      ])

    met_without_multicast(lab, [b, c, d, e])

    # A pod is killed: nobody in it says a word.
    Lab.kill_host(lab, 5)
    rest = [b, c, d]
    silent(rest, e)
    meet(rest)

    # A new one, with a new address, looks where the record leads: to the dead pod, and then to one that lives.
    Node.start_cluster(f, srv)
    seeds(f, [lab.hosts[5].ip], @door_port, [f | rest])
    assert Node.peers(f) == []
    NameServer.answer(server, service(lab, [6]) ++ [{lab.hosts[3].ip, @door}])
    seeds(f, [lab.hosts[3].ip], @door_port, [f | rest])
    pods = [b, c, d, f]
    meet(pods)

    # By now the name names the new one alone.
    for node <- rest, do: seeds(node, [lab.hosts[6].ip], 45_894, pods)

    # The name server goes; and then a pod is lost, and comes back.
    NameServer.stop(server)

    for node <- pods do
      eventually("#{node.name} says that its seed cannot be resolved", pods, fn ->
        resolve(node)
        %{health: health, problems: problems} = Node.status(node)
        health == :ok and List.keymember?(problems, :seed, 1)
      end)
    end

    stayed(pods)

    # They are on one link. c is alone on its own, where nobody is to be heard.
    informed([b, d])
    Lab.cut(lab, 2, :silent, 2)
    silent([c, d, f], b)
    Lab.heal(lab, 2, 2)
    listed(pods)
  end

  defp met_without_multicast(lab, pods) do
    meet(pods)
    assert Filter.blocked(lab) > 0
    user = user()

    for pod <- pods do
      status = Node.status(pod)
      assert status.health == :ok
      # That no multicast arrives is said, and is no harm.
      assert status.problems |> Enum.map(&elem(&1, 1)) |> Enum.all?(&(&1 in [:deaf, :mute]))
      assert [%{seed: "shop" <> _, error: nil, addresses: addresses}] = status.seeds
      assert length(addresses) == 4
      assert Node.stat(pod, :send_errors) == 0
      assert Node.call(pod, File, :write, ["/tmp/any", ""]) == {:error, :erofs}
      {:ok, text} = Node.call(pod, File, :read, ["/proc/self/status"])
      assert [_, uid] = Regex.run(~r/^Uid:\s+(\d+)/m, text)
      assert uid == user
      assert [_, "0"] = Regex.run(~r/^Gid:\s+(\d+)/m, text)
    end
  end

  # OpenShift's; root's where the system that tests has no such user, which is said, and never where it has them all.
  defp user do
    case Node.pod_user() do
      {:ok, 1_000_620_000} ->
        "1000620000"

      {:error, why} ->
        refute File.read!("/proc/self/uid_map") =~ ~r/^\s*0\s+0\s+4294967295$/m
        IO.puts(:stderr, "not shown: a pod as a user of OpenShift's: #{why}")
        "0"
    end
  end

  # Who names seeds is not warned that no multicast passes: one line informs.
  defp informed(pods) do
    for pod <- pods do
      eventually("#{pod.name} says that no multicast passes", pods, fn -> arrivals(pod) != [] end)
      assert [:info | others] = arrivals(pod)
      assert Enum.all?(others, &(&1 == :debug))
    end
  end

  defp arrivals(pod) do
    for {_at, level, line} <- Node.log(pod),
        line =~ ~r/interface eth\d/ and line =~ "arriv",
        do: level
  end

  # As every 15 s. What is under way goes on, and is not asked again.
  defp resolve(node), do: Node.call(node, OwnerCase, :ring, [GossipCluster, {:seed, 0}])

  # Asks again until its name leads there.
  defp seeds(node, ips, port, nodes) do
    eventually("#{node.name}'s seed leads to #{inspect(ips)}", nodes, fn ->
      resolve(node)
      [%{addresses: addresses}] = Node.status(node).seeds

      Enum.map(addresses, fn {ip, first, _last} -> {ip, first} end) ==
        for(ip <- ips, do: {ip, port})
    end)
  end

  # Nobody who lives was lost, and all are there.
  defp stayed(pods) do
    meet(pods)

    for one <- pods, other <- pods, one != other do
      refute Enum.any?(Node.about(one, other), &match?({:down, _reason}, &1))
    end
  end

  # Erlang's connections need longer to notice.
  defp listed(pods) do
    for node <- pods do
      others = Enum.sort(for other <- pods, other != node, do: other.name)

      eventually("#{node.name} lists #{Enum.join(others, ", ")}", pods, fn ->
        Node.peers(node) == others
      end)
    end
  end
end
