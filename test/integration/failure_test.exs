defmodule GossipCluster.Integration.FailureTest do
  # Real nodes on real networks: what ends, hangs or is cut off, and what the others make of it.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  @quick [interval: 200]

  # net_kernel notices a cut cable within 5 s, not 75, so that a test can wait for it.
  @impatient ["-kernel", "net_ticktime", "4"]
  # The default is 60 s; this tells a lost connection after 4.5 to 7.5 s.
  @patient ["-kernel", "net_ticktime", "6"]

  test "sidecar SIGKILLed: it is back, the connection stays, and no subscriber is told a down or an up" do
    [a, b] = pair()
    old = Node.sidecar(a)
    before = Node.peer(b, a).boot
    Lab.signal(:KILL, old)

    eventually("the sidecar is back", [a, b], fn ->
      new = Node.sidecar(a)
      new != nil and new != old
    end)

    eventually("the new sidecar lists b", [a, b], fn -> Node.stat(a, :listed) == 1 end)
    eventually("b knows of it", [a, b], fn -> Node.peer(b, a).boot != before end)
    undisturbed(a, b)
    assert told(a, b) == [:up]
    assert told(b, a) == [:up]
  end

  test "sidecar SIGKILLed again and again: it is back each time" do
    [a, b] = pair()

    for _ <- 1..3, reduce: Node.sidecar(a) do
      old ->
        Lab.signal(:KILL, old)

        eventually("the sidecar is back", [a, b], fn ->
          new = Node.sidecar(a)
          if new != old, do: new
        end)
    end

    eventually("it lists b", [a, b], fn -> Node.stat(a, :listed) == 1 end)
    undisturbed(a, b)
  end

  test "owner killed: its supervisor starts another, and the connections stay" do
    [a, b] = pair()
    owner = Node.call(a, Process, :whereis, [GossipCluster])
    old = Node.sidecar(a)
    true = Node.call(a, Prober, :kill, [GossipCluster])

    eventually("another owner has another sidecar", [a, b], fn ->
      new = Node.call(a, Process, :whereis, [GossipCluster])
      is_pid(new) and new != owner and Node.sidecar(a) not in [nil, old]
    end)

    eventually("they list each other", [a, b], fn ->
      Node.stat(a, :listed) == 1 and Node.peers(a) == [b.name] and Node.peers(b) == [a.name]
    end)

    undisturbed(a, b)
    assert told(a, b) == [:up]
  end

  test "owner killed, twice: the other nodes' subscribers see an update each time, and no coming and going" do
    {_lab, [a | others] = all} = together(["a", "b", "c"], cluster: @quick)

    for _time <- 1..2 do
      old = Node.sidecar(a)
      boot = Node.peer(hd(others), a).boot
      true = Node.call(a, Prober, :kill, [GossipCluster])

      # Its sidecar goes on until the next one has taken over, and has its last words then.
      eventually("the old sidecar has ended", all, fn -> not File.exists?("/proc/#{old}") end)

      for node <- others do
        eventually("#{node.name} lists a with its new sidecar", all, fn ->
          match?(%Peer{status: :alive, boot: new} when new != boot, Node.peer(node, a))
        end)
      end
    end

    sent = Node.stat(a, :sent)
    eventually("a beats on", all, fn -> Node.stat(a, :sent) > sent + 10 end)

    for node <- others do
      assert Enum.reject(Node.about(node, a), &(&1 == :update)) == [:up]
      assert Enum.count(Node.about(node, a), &(&1 == :update)) >= 2
      assert told(a, node) == [:up]
    end

    # Nor did any connection notice.
    for node <- all, do: assert(Enum.all?(Node.links(node), &match?({:nodeup, _name}, &1)))
  end

  test "owner told what it does not know, then crashed: another takes over, and no report shows the secret" do
    secret = "a passphrase that nobody may read"
    {_lab, [a, b]} = together(["a", "b"], cluster: [secret: {:passphrase, secret}] ++ @quick)
    owner = Node.call(a, Process, :whereis, [GossipCluster])
    _message = Node.call(a, :erlang, :send, [GossipCluster, :what_is_this])
    eventually("it is told", [a], fn -> Node.status(a).strays == 1 end)
    assert Node.call(a, Process, :whereis, [GossipCluster]) == owner
    _ = Node.call(a, :sys, :terminate, [GossipCluster, :this_is_the_end])

    eventually("another owner runs", [a, b], fn ->
      new = Node.call(a, Process, :whereis, [GossipCluster])
      is_pid(new) and new != owner and Node.sidecar(a) != nil and Node.stat(a, :listed) == 1
    end)

    undisturbed(a, b)
    reports = for {_at, :error, line} <- Node.log(a), do: line
    assert Enum.any?(reports, &(&1 =~ "this_is_the_end"))
    assert [_once] = for({_at, :warning, line} <- Node.log(a), line =~ "what_is_this", do: line)

    # As text, and as a list of bytes.
    for line <- reports do
      refute line =~ secret
      refute line =~ "97,32,112,97,115,115"
      refute line =~ "a_cookie_of_the_lab"
    end
  end

  test "BEAM SIGKILLed: its sidecar says goodbye for it" do
    [a, b] = pair()
    sidecar = Node.sidecar(b)
    Lab.signal(:KILL, b.os_pid)
    eventually("a is told", [a], fn -> {:down, :beam_exit} in Node.about(a, b) end)
    eventually("the sidecar has ended", [a], fn -> not File.exists?("/proc/#{sidecar}") end)
    eventually("a is disconnected", [a], fn -> Node.connected(a) == [] end)
    assert told(a, b) == [:up, {:down, :beam_exit}]
  end

  test "BEAM stopped politely: it left, and its sidecar with it" do
    {_lab, [a, b]} = together(["a", "b"], configured: @quick)
    sidecar = Node.sidecar(b)
    :ok = Node.call(b, :init, :stop)
    eventually("a is told", [a], fn -> {:down, :left} in Node.about(a, b) end)
    eventually("the sidecar has ended", [a], fn -> not File.exists?("/proc/#{sidecar}") end)
    eventually("a is disconnected", [a], fn -> Node.connected(a) == [] end)
    assert told(a, b) == [:up, {:down, :left}]
  end

  test "BEAM SIGKILLed and started again under its name: the others list and connect the new one" do
    {lab, [a, b]} = together(["a", "b"], cluster: @quick)
    Lab.signal(:KILL, b.os_pid)
    again = Node.start(lab, "b", host: 2, cluster: @quick)
    meet([a, again])
    assert told(a, b) == [:up, {:down, :beam_exit}, :up]
  end

  test "a cluster stopped by its supervisor: it left, its sidecar ended, the connection stays" do
    [a, b] = pair()
    sidecar = Node.sidecar(b)
    :ok = Node.call(b, Prober, :stop_cluster, [GossipCluster])
    eventually("a is told", [a, b], fn -> {:down, :left} in Node.about(a, b) end)
    eventually("the sidecar has ended", [a, b], fn -> not File.exists?("/proc/#{sidecar}") end)
    undisturbed(a, b)

    :ok = Node.start_cluster(b, @quick)
    meet([a, b])
    assert told(a, b) == [:up, {:down, :left}, :up]
  end

  for how <- [:cable, :silent] do
    test "cable cut (#{how}): known long before net_ticktime, the one cut off buries nobody, and the heal reconnects" do
      {lab, [a, b, c] = all} = together(["a", "b", "c"], flags: @patient, cluster: [])

      Lab.cut(lab, 3, unquote(how))

      silent([a, b], c)
      eventually("c is told", all, fn -> Node.status(c).health == :isolated end)

      # The connections must really break, or their heal would prove nothing.
      eventually("all connections to c are lost", all, fn ->
        Node.connected(c) == [] and c.name not in Node.connected(a) and
          c.name not in Node.connected(b)
      end)

      for node <- [a, b] do
        silent = Node.time(node, &match?({:event, _, {:down, _, :silent}}, &1))
        assert silent < Node.time(node, &(&1 == {:nodedown, c.name}))
      end

      assert Node.peers(c) == [a.name, b.name]

      Lab.heal(lab, 3)
      meet(all, 30_000)
      eventually("c is told", all, fn -> Node.status(c).health == :ok end)
      for node <- [a, b], do: assert(told(node, c) == [:up, {:down, :silent}, :up])
      for peer <- [a, b], do: assert(told(c, peer) == [:up])
      assert told(a, b) == [:up] and told(b, a) == [:up]
    end
  end

  test "cable cut between two that have only each other: each is told, and the heal reconnects" do
    {lab, [a, b]} = together(["a", "b"], flags: @impatient, cluster: [])
    Lab.cut(lab, 2, :silent)

    for {node, other} <- [{a, b}, {b, a}] do
      silent([node], other)
      assert told(node, other) == [:up, {:down, :silent}]
    end

    eventually("the connection is lost", [a, b], fn ->
      Node.connected(a) == [] and Node.connected(b) == []
    end)

    Lab.heal(lab, 2)
    meet([a, b], 30_000)
  end

  # As a machine that sleeps. (A sidecar that is stopped alone is replaced: see sidecar_truth_test.exs.)
  test "sidecar and BEAM SIGSTOPped for 5 s: the others miss it and find it again, it buries nobody" do
    {_lab, [a, b, c] = all} = together(["a", "b", "c"])
    sidecar = Node.sidecar(c)
    stopped = Lab.signal(:STOP, c.os_pid)
    Lab.signal(:STOP, sidecar)

    silent([a, b], c)
    eventually("5 s", [a, b], fn -> Lab.clock() - stopped > 5_000_000 end)
    Lab.signal(:CONT, c.os_pid)
    Lab.signal(:CONT, sidecar)

    for node <- [a, b] do
      eventually("#{node.name} finds it well again", all, fn ->
        told(node, c) == [:up, {:down, :silent}, :up] and Node.peer(node, c).status == :alive
      end)
    end

    # Whoever wakes up must look around before it judges: many beats later it still has nobody buried.
    sent = Node.stat(c, :sent)
    eventually("c beats on", all, fn -> Node.stat(c, :sent) > sent + 5 end)
    for peer <- [a, b], do: assert(told(c, peer) == [:up])
    assert Node.sidecar(c) == sidecar

    # Connections never noticed.
    for node <- all, do: assert(Enum.all?(Node.links(node), &match?({:nodeup, _name}, &1)))
  end

  test "BEAM SIGSTOPped: stalled, though its sidecar beats on, and resumed" do
    [a, b] = pair()
    Lab.signal(:STOP, b.os_pid)
    eventually("a is told that it stalls", [a], fn -> Node.peer(a, b).status == :stalled end)
    Lab.signal(:CONT, b.os_pid)

    eventually("a is told that it is well again", [a, b], fn ->
      Node.peer(a, b).status == :alive
    end)

    assert told(a, b) == [:up]

    statuses =
      for {_at, {:event, _cluster, {:update, peer}}} <- Node.events(a),
          peer.name == b.name,
          do: peer.status

    assert [:stalled, :alive] == Enum.dedup(Enum.drop_while(statuses, &(&1 == :alive)))
  end

  test "in the steady state the owner receives no message for its peers' heartbeats" do
    [a, b] = pair()
    # Whatever the meeting still had to say.
    beats = fn node, n ->
      sent = Node.stat(node, :sent)
      eventually("#{node.name} beats", [a, b], fn -> Node.stat(node, :sent) >= sent + n end)
    end

    beats.(b, 5)
    heard = Node.stat(a, :received)
    :ok = Node.call(a, Prober, :trace, [GossipCluster])
    beats.(b, 10)
    :ok = Node.call(a, Prober, :untrace, [GossipCluster])
    assert Node.stat(a, :received) >= heard + 10

    received = for {_at, {:received, message}} <- Node.events(a), do: message
    assert Enum.any?(received, &match?({:timeout, _ref, :pulse}, &1))
    assert [] == Enum.reject(received, &of_its_own?/1)
  end

  # Its own timers, and the answers to what it asks its own node and its own sidecar then.
  defp of_its_own?({:timeout, ref, _timer}) when is_reference(ref), do: true
  defp of_its_own?({:task, pid, _result}) when is_pid(pid), do: true
  defp of_its_own?({:EXIT, pid, :normal}) when is_pid(pid), do: true
  defp of_its_own?({:init, _answer}), do: true

  defp of_its_own?({port, {:data, data}}) when is_port(port),
    do: :erlang.binary_to_term(data) == :pulse

  defp of_its_own?({ref, _answer}), do: is_reference(ref)
  defp of_its_own?(_message), do: false

  defp pair do
    lab = Lab.start(hosts: 2)

    nodes =
      Node.start_all(
        lab,
        for({name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, cluster: @quick})
      )

    meet(nodes)
    nodes
  end

  # What the subscriber was told, updates aside.
  defp told(node, peer), do: Enum.reject(Node.about(node, peer), &(&1 == :update))

  defp undisturbed(a, b) do
    assert Node.links(a) == [nodeup: b.name]
    assert Node.links(b) == [nodeup: a.name]
  end
end
