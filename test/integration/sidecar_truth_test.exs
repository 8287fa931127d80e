defmodule GossipCluster.Integration.SidecarTruthTest do
  # What a node says of itself while nobody can find it: a sidecar that is frozen or missing, a network that is none, no
  # name.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  # Which way its health and its own problem are told, besides status/1.
  defp told_health(node),
    do: for({_at, {:event, _cluster, {:health, health}}} <- Node.events(node), do: health)

  defp health(nodes, node, health) do
    eventually("#{node.name} says that its health is #{inspect(health)}", nodes, fn ->
      Node.status(node).health == health
    end)

    eventually("its subscriber is told so", nodes, fn ->
      List.last(told_health(node)) == health
    end)

    Node.status(node).problems
  end

  # One problem, in these words, that has the mend in it.
  defp assert_problem(problems, cause, words) do
    assert [{nil, ^cause, text}] = problems
    assert text =~ words
  end

  # The others bury who is silent for 2 s, or a quarter longer than an interval: with this one, after 2 s at the soonest.
  @slow [interval: 5_000]

  test "frozen: noticed, said, replaced, and the others see no more than an update" do
    {_lab, [a, b, c] = nodes} = together(["a", "b", "c"], cluster: @slow)
    old = Node.sidecar(c)
    Lab.signal(:STOP, old)

    eventually("another sidecar runs", nodes, fn ->
      Node.sidecar(c) not in [nil, old] and Node.stat(c, :listed) == 2
    end)

    eventually("the old one is no more", nodes, fn -> not File.exists?("/proc/#{old}") end)
    # Seen by a look at its process: one that is stuck, and not stopped, is given 3 s.
    assert Enum.any?(Node.log(c), fn {_at, _level, line} -> line =~ "its process is stopped" end)

    # Who knows the new one judges the old one no more.
    boot = Node.status(c).sidecar.boot

    for node <- [a, b] do
      eventually("#{node.name} knows the new one", nodes, fn ->
        match?(%{boot: ^boot, status: :alive}, Node.peer(node, c))
      end)
    end

    for node <- [a, b] do
      assert Enum.uniq(Node.about(node, c)) == [:up, :update]
      assert Enum.all?(Node.links(node), &match?({:nodeup, _name}, &1))
    end

    for node <- [a, b], do: assert(Enum.uniq(Node.about(c, node)) -- [:update] == [:up])
  end

  test "frozen, and its owner is killed: the next owner ends it, for it would stay until it is continued" do
    {_lab, [a, b]} = together(["a", "b"], cluster: @slow)
    old = Node.sidecar(b)
    Lab.signal(:STOP, old)
    true = Node.call(b, Process, :exit, [Node.call(b, Process, :whereis, [GossipCluster]), :kill])
    eventually("the old one is no more", [a, b], fn -> not File.exists?("/proc/#{old}") end)
    eventually("another one runs", [a, b], fn -> Node.status(b).health == :ok end)
    assert Node.sidecar(b) != old
    assert Enum.uniq(Node.about(a, b)) -- [:update] == [:up]
  end

  test "frozen, and its whole VM is killed: it is continued, says goodbye for it, and ends" do
    {_lab, [a, b]} = together(["a", "b"])
    old = Node.sidecar(b)
    Lab.signal(:STOP, old)
    Lab.signal(:KILL, b.os_pid)
    eventually("it is no more", [a], fn -> not File.exists?("/proc/#{old}") end)
    eventually("the other is told why", [a], fn -> {:down, :beam_exit} in Node.about(a, b) end)
  end

  test "stopped together with its BEAM, as a machine that sleeps: it is the same one when both go on" do
    {_lab, [a, b]} = together(["a", "b"])
    old = Node.sidecar(b)
    stopped = Lab.signal(:STOP, b.os_pid)
    Lab.signal(:STOP, old)
    eventually("2 s", [a], fn -> Lab.clock() - stopped > 2_000_000 end)
    Lab.signal(:CONT, b.os_pid)
    Lab.signal(:CONT, old)
    eventually("b is well again", [a, b], fn -> Node.peers(a) == [b.name] end)
    sent = Node.stat(b, :sent)
    eventually("it beats on", [a, b], fn -> Node.stat(b, :sent) > sent + 3 end)
    assert Node.sidecar(b) == old
  end

  test "missing: :no_sidecar" do
    lab = Lab.start(hosts: 1)
    a = Node.start(lab, "a", host: 1, cluster: [sidecar: "/nowhere/gossipd"])
    assert_problem(health([a], a, :no_sidecar), :no_sidecar, "/nowhere/gossipd is missing")
  end

  test "an interface that is named and missing: :no_network, until it comes" do
    lab = Lab.start(hosts: 1, lans: 2)
    Lab.rename(lab, 1, "eth1", "spare")
    a = Node.start(lab, "a", host: 1, cluster: [interfaces: ["eth7"]])
    assert_problem(health([a], a, :no_network), :no_network, "eth7")
    Lab.rename(lab, 1, "spare", "eth7")
    assert health([a], a, :ok) == []
  end

  test "one of two named interfaces is missing: all is well, and the missing one is a problem" do
    lab = Lab.start(hosts: 1)
    a = Node.start(lab, "a", host: 1, cluster: [interfaces: ["eth0", "eth7"]])
    told = fn -> for {_at, {:event, _, {:problem, nil, told}}} <- Node.events(a), do: told end
    eventually("the missing one is told", [a], fn -> match?([{:interface, _text}], told.()) end)
    assert %{health: :ok, problems: problems} = Node.status(a)
    assert_problem(problems, :interface, "eth7")
  end

  test "no interface but the loopback: :no_network" do
    lab = Lab.start(hosts: 1)
    Lab.unplug(lab, 1)
    a = Node.start(lab, "a", host: 1, cluster: [])
    assert_problem(health([a], a, :no_network), :no_network, "only nodes on this machine")
  end

  test "only a virtual interface, as Docker's bridge: :no_network" do
    lab = Lab.start(hosts: 1)
    Lab.unplug(lab, 1)
    Lab.in_host(lab, 1, ~w(ip link add docker0 type bridge))
    Lab.in_host(lab, 1, ~w(ip address add 172.17.0.1/16 dev docker0))
    Lab.in_host(lab, 1, ~w(ip link set docker0 up))
    a = Node.start(lab, "a", host: 1, cluster: [])
    assert_problem(health([a], a, :no_network), :virtual_network, "docker0")
  end

  test "nonode@nohost: it has no name, and says how to give it one" do
    lab = Lab.start(hosts: 1)
    key = [secret: {:key, String.duplicate("k", 32)}]

    # Whatever the secret is: a node without a name is none, and opens no socket.
    for cluster <- [[], key] do
      a = Node.start(lab, "", host: 1, alive: false, cluster: cluster)
      assert_problem(health([a], a, :waiting), :no_name, "iex --sname")
      said = fn -> for {_at, _level, line} <- Node.log(a), line =~ "--sname", do: line end
      eventually("the log has it once", [a], fn -> match?([_once], said.()) end)
      assert Node.sidecar(a) == nil
      a = Node.go_alive(a, "a#{length(cluster)}")
      assert health([a], a, :ok) == []
    end
  end

  test "has left: :unannounced" do
    lab = Lab.start(hosts: 1)
    a = Node.start(lab, "a", host: 1, cluster: [])
    eventually("it is well", [a], fn -> Node.status(a).health == :ok end)
    :ok = Node.call(a, GossipCluster, :leave)
    assert_problem(health([a], a, :unannounced), :left, "has left")
  end

  test "nothing can be sent, for a firewall rejects it: :no_network" do
    lab = Lab.start(hosts: 1)
    a = Node.start(lab, "a", host: 1, cluster: [interval: 200])
    eventually("it is well", [a], fn -> Node.status(a).health == :ok end)
    Lab.in_host(lab, 1, ~w(nft add table inet out))

    Lab.in_host(lab, 1, [
      "nft",
      "add chain inet out o { type filter hook output priority 0; policy accept; }"
    ])

    Lab.in_host(lab, 1, ~w(nft add rule inet out o meta l4proto udp drop))
    assert_problem(health([a], a, :no_network), :no_network, "nothing can be sent on any")
    Lab.in_host(lab, 1, ~w(nft delete table inet out))
    assert health([a], a, :ok) == []
  end
end
