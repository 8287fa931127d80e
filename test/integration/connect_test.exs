defmodule GossipCluster.Integration.ConnectTest do
  # Why two nodes that hear each other are not connected: real nodes, each cause, and the one line that tells it.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.{Kills, Mesh}

  @quick [interval: 200]
  @key [secret: {:key, String.duplicate("k", 32)}]

  # The one line of trouble that a node has written about the other; it must not repeat, though the dials do.
  defp line(nodes, node, words) do
    [found | _] =
      eventually("#{node.name} says: #{inspect(words)}", nodes, fn ->
        lines = lines(node, words)
        lines != [] && lines
      end)

    found
  end

  defp lines(node, words),
    do: for({_at, level, text} <- Node.log(node), level != :info, text =~ words, do: text)

  # Many beats, and some tries, later: still one.
  defp once(nodes, node, words) do
    sent = Node.stat(node, :sent)
    eventually("many beats", nodes, fn -> Node.stat(node, :sent) > sent + 15 end)
    assert [_once] = lines(node, words)
  end

  defp problem(nodes, node, other) do
    eventually("#{node.name} knows what is wrong", nodes, fn ->
      Enum.find(Node.status(node).problems, &(elem(&1, 0) == other.name))
    end)
  end

  test "two laptops with different cookies, keyed by them: one line, once" do
    lab = Lab.start(hosts: 2)
    # A slow start of the second comes after the first question of the first.
    a = Node.start(lab, "a", host: 1, cluster: @quick)
    eventually("a has asked in vain", [a], fn -> Node.stat(a, :sent) > 30 end)
    b = Node.start(lab, "b", host: 2, cookie: "another_cookie", cluster: @quick)
    words = "packets of another cluster are heard on this network"

    for node <- [a, b] do
      assert line([a, b], node, words) =~ "give all nodes the same Erlang cookie"
      once([a, b], node, words)
    end
  end

  test "different cookies with a shared key are told before anyone dials" do
    lab = Lab.start(hosts: 2)
    a = Node.start(lab, "a", host: 1, cluster: @quick ++ @key)
    b = Node.start(lab, "b", host: 2, cookie: "another_cookie", cluster: @quick ++ @key)

    for {node, other} <- [{a, b}, {b, a}] do
      words = "is not dialled: its Erlang cookie differs from ours; give both nodes the same"
      assert line([a, b], node, words) =~ other.name
      assert {_, :cookie, _} = problem([a, b], node, other)
      once([a, b], node, words)
    end
  end

  test "a name that two nodes have is told with both addresses, one of which is here" do
    lab = Lab.start(hosts: 2)
    one = Node.start(lab, "shop", host: 1, at: "container", cluster: @quick)
    two = Node.start(lab, "shop", host: 2, at: "container", cluster: @quick)

    for {node, other} <- [{one, two}, {two, one}] do
      text = line([one, two], node, "two living nodes are called")
      assert text =~ "at #{:inet.ntoa(other.host.ip)}"
      assert text =~ "here: give each a name of its own"
      once([one, two], node, "two living nodes are called")
    end
  end

  test "a host name that resolves nowhere, with stock epmd" do
    lab = Lab.start(hosts: 2)

    [a, b] =
      for {name, n} <- [{"a", 1}, {"b", 2}],
          do: Node.start(lab, name, host: n, epmd: :stock, at: "nowhere#{n}", cluster: @quick)

    for {node, other} <- [{a, b}, {b, a}] do
      words = "its host name nowhere#{other.host.ip |> elem(3)} does not resolve here"
      assert line([a, b], node, words) =~ "use GossipCluster.Epmd"
      assert {_, :unresolved, _} = problem([a, b], node, other)
      once([a, b], node, words)
    end
  end

  for {verdict, cause, words} <- [
        {"drop", :timeout, "its distribution port does not answer"},
        {"reject with tcp reset", :refused, "its distribution port is closed"}
      ] do
    test "a firewall on the distribution port (#{verdict})" do
      lab = Lab.start(hosts: 2)
      for host <- [1, 2], do: Filter.firewall(lab, host, unquote(verdict))
      a = Node.start(lab, "a", host: 1, cluster: @quick)
      b = Node.start(lab, "b", host: 2, cluster: @quick)

      for {node, other} <- [{a, b}, {b, a}] do
        # The dial itself takes 7 s where nothing answers.
        assert {_, unquote(cause), text} = problem([a, b], node, other)
        assert text =~ "#{:inet.ntoa(other.host.ip)} port #{Node.peer(node, other).port}"
        assert line([a, b], node, unquote(words)) =~ "open that TCP port"
        once([a, b], node, unquote(words))
      end
    end
  end

  test "short against long names" do
    lab = Lab.start(hosts: 2)
    a = Node.start(lab, "a", host: 1, cluster: @quick)
    b = Node.start(lab, "", host: 2, alive: false)
    {:ok, _pid} = Node.call(b, Elixir.Node, :start, [:"b@host.example", :longnames])
    b = %{b | name: "b@host.example"}
    Node.start_cluster(b, @quick)

    for {node, other} <- [{a, b}, {b, a}] do
      words = "such never connect; start all nodes the same way"
      assert line([a, b], node, words) =~ other.name
      assert {_, :name_type, _} = problem([a, b], node, other)
      once([a, b], node, words)
    end
  end

  test "TLS against plain: one line on either side, once, and nobody dials" do
    lab = Lab.start(hosts: 2)
    a = Node.start(lab, "a", host: 1, cluster: @quick, flags: Mesh.tls(lab))
    b = Node.start(lab, "b", host: 2, cluster: @quick)

    for {node, other} <- [{a, b}, {b, a}] do
      words = "the distribution of one of us runs over TLS, the other's does not"
      told = line([a, b], node, words)
      assert told =~ ~s(:"#{other.name}" is not dialled)
      assert told =~ "start all nodes the same way (-proto_dist)"

      # The same in status/1 and peers/1.
      assert {_, :tls, text} = problem([a, b], node, other)
      assert told =~ text

      assert %Peer{connection: {:skipped, :tls}, problem: {:tls, ^text}} = Node.peer(node, other)
      once([a, b], node, words)
      refute Enum.any?(Node.log(node), fn {_at, _level, line} -> line =~ "cannot connect" end)
    end

    for node <- [a, b], do: assert(Node.links(node) == [])
  end

  test "a peer that beats behind a firewall delays the finding and connecting of a newcomer by nothing" do
    lab = Lab.start(hosts: 3)
    Filter.firewall(lab, 3, "drop")
    # The hole's own dial of the lower name would connect them.
    Filter.firewall(lab, 1, "ip saddr #{:inet.ntoa(lab.hosts[3].ip)} drop")
    a = Node.start(lab, "a", host: 1, cluster: [])
    b = Node.start(lab, "b", host: 2)
    hole = Node.start(lab, "z", host: 3, cluster: [])

    # It beats, and a's dial hangs in it.
    eventually("a dials into the hole", [a, hole], fn ->
      match?(%Peer{connection: :connecting}, Node.peer(a, hole))
    end)

    Node.start_cluster(b, [])
    eventually("b is connected", [a, b, hole], fn -> Node.connected(a) == [b.name] end)

    # The first dial into the hole has not come to an end meanwhile, so b has not waited for it.
    assert %Peer{connection: :connecting} = Node.peer(a, hole)
    assert Kills.failures(a, hole.name) == 0
  end

  test "a pair that was cut off, and hears of each other through others, is connected by the heal" do
    # Without `global`, which would dial too. net_kernel notices the cut within 5 s.
    flags = ["-kernel", "connect_all", "false", "-kernel", "net_ticktime", "4"]
    # Nor is it taken for a disconnect by hand, which would be respected for an hour.
    cluster = @quick ++ [quiet: 3_600_000]
    {lab, [a, b, _c] = nodes} = together(["a", "b", "c"], cluster: cluster, flags: flags)
    Filter.part(lab, 1, 2, :drop)

    # And has done so for so long that the next dial by itself comes after 22 s at the soonest: not before the deadline.
    for {node, other} <- [{a, b}, {b, a}] do
      in_vain = fn count ->
        eventually("#{node.name} has dialled in vain", nodes, fn ->
          Kills.failures(node, other.name) >= count
        end)
      end

      in_vain.(1)
      Node.call(node, Kills, :despair, [other.name, 10])
      in_vain.(11)
      # Not for lack of a peer, and each way into the hole was a short one but for a first.
      assert %Peer{status: :alive, problem: {:timeout, _}} = Node.peer(node, other)
    end

    told = for node <- [a, b], do: length(Node.about(node, if(node == a, do: b, else: a)))
    Filter.join(lab, 1, 2)
    meet(nodes)

    # That it is heard again is no news for subscribers, nor was it ever gone.
    for {{node, other}, before} <- Enum.zip([{a, b}, {b, a}], told) do
      refute Enum.any?(Node.about(node, other), &match?({:down, _reason}, &1))
      assert length(Node.about(node, other)) - before <= 2
    end
  end

  test "a knock in vain is a failed connect for libcluster's events too, and net_kernel is not asked" do
    lab = Lab.start(hosts: 1)
    a = Node.start(lab, "a")

    # Its :telemetry keeps what it is told last.
    [{:telemetry, code}] =
      Code.compile_quoted(
        quote do
          defmodule :telemetry do
            def execute(event, _measurements, metadata),
              do: :persistent_term.put(:told, {event, metadata})
          end
        end
      )

    on_exit(fn -> :code.delete(:telemetry) && :code.purge(:telemetry) end)
    {:module, _} = Node.call(a, :code, :load_binary, [:telemetry, ~c"telemetry", code])

    # Nothing listens there.
    lo = {127, 0, 0, 1}
    peer = %Peer{name: "z@h1", creation: 1, port: 1, addresses: [{lo, 1, 1}], paths: [lo]}
    connect = {:net_kernel, :connect_node, []}
    observer = {GossipCluster.Strategy, :observed, [:shop]}
    run = fn doubted, who -> [peer, :z@h1, connect, nil, doubted, who] end

    for who <- [nil, observer] do
      1 =
        Node.call(a, :erlang, :trace_pattern, [
          {:net_kernel, :connect_node, 1},
          true,
          [:call_count]
        ])

      assert {:failed, {:refused, _}} =
               Node.call(a, GossipCluster.Dial.Attempt, :run, run.(true, who))

      count = [{:net_kernel, :connect_node, 1}, :call_count]
      assert {:call_count, 0} = Node.call(a, :erlang, :trace_info, count)
      # Where it is not doubted, it is.
      assert {:failed, {_cause, _}} =
               Node.call(a, GossipCluster.Dial.Attempt, :run, run.(false, who))

      assert {:call_count, 1} = Node.call(a, :erlang, :trace_info, count)

      1 =
        Node.call(a, :erlang, :trace_pattern, [
          {:net_kernel, :connect_node, 1},
          false,
          [:call_count]
        ])
    end

    :ok = Node.call(a, :persistent_term, :put, [:told, nil])
    _failed = Node.call(a, GossipCluster.Dial.Attempt, :run, run.(true, observer))

    assert {[:libcluster, :connect_node, :error],
            %{node: :z@h1, topology: :shop, reason: :unreachable}} =
             Node.call(a, :persistent_term, :get, [:told])
  end

  test "what `global` cuts around a host that was cut off comes back soon after the heal, in spite of `quiet`" do
    options = [cluster: @quick ++ [quiet: 3_600_000], flags: ["-kernel", "net_ticktime", "4"]]
    {lab, [_a, _b, c] = nodes} = together(["a", "b", "c"], options)
    Lab.cut(lab, 3, :silent)

    for node <- nodes, node != c do
      eventually("the connection to c is gone", nodes, fn ->
        c.name not in Node.connected(node)
      end)
    end

    eventually("c is alone", nodes, fn -> Node.connected(c) == [] end)
    Lab.heal(lab, 3)
    meet(nodes, 15_000)
    # Bounded: a line for each transition, however often `global` and the dialers have tried.
    for node <- nodes, do: assert(length(Node.log(node)) < 60)
  end
end
