defmodule GossipCluster.EpmdTest do
  # The answers, from the table; that net_kernel uses them is shown with real nodes in test/integration.
  use ExUnit.Case, async: false

  import GossipCluster.Eventually

  alias GossipCluster.{Epmd, Peer}

  setup do
    :ets.delete_all_objects(Epmd)
    :ok
  end

  defp peer(name, port, ips), do: %Peer{name: name, creation: 1, port: port, paths: ips}

  test "a listed peer: name, address of the family, and port, without asking anybody" do
    Epmd.put(
      :shop,
      peer("b@nowhere.example", 4711, [{192, 0, 2, 1}, {0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}])
    )

    assert Epmd.address_please(~c"b", ~c"nowhere.example", :inet) ==
             {:ok, {192, 0, 2, 1}, 4711, 6}

    assert Epmd.address_please(~c"b", ~c"nowhere.example", :inet6) ==
             {:ok, {0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}, 4711, 6}

    assert Epmd.port_please(~c"b", ~c"nowhere.example") == {:port, 4711, 6}
    assert Epmd.port_please(~c"b", {192, 0, 2, 1}) == {:port, 4711, 6}
    assert Epmd.names(~c"nowhere.example") == {:ok, [{~c"b", 4711}]}
    Epmd.put(:shop, peer("c@nowhere.example", 4712, [{192, 0, 2, 1}]))
    assert Epmd.address_please(~c"c", ~c"nowhere.example", :inet6) == {:error, :eafnosupport}
    assert {:ok, names} = Epmd.names(~c"nowhere.example")
    assert Enum.sort(names) == [{~c"b", 4711}, {~c"c", 4712}]
  end

  test "one whose port is not known is not listed; a new port replaces the old" do
    Epmd.put(:shop, peer("b@nowhere.example", 0, [{192, 0, 2, 1}]))
    assert :ets.tab2list(Epmd) == []
    Epmd.put(:shop, peer("b@nowhere.example", 1, [{192, 0, 2, 1}]))
    Epmd.put(:shop, peer("b@nowhere.example", 2, [{192, 0, 2, 2}]))
    assert Epmd.address_please(~c"b", ~c"nowhere.example", :inet) == {:ok, {192, 0, 2, 2}, 2, 6}
  end

  test "one that fell silent is kept, for `global` still asks; one that left is not" do
    b = peer("b@nowhere.example", 1, [{192, 0, 2, 1}])
    Epmd.put(:shop, b)
    Epmd.drop(:shop, b, :silent)
    assert Epmd.port_please(~c"b", ~c"nowhere.example") == {:port, 1, 6}
    Epmd.put(:shop, b)
    Epmd.drop(:shop, b, :left)
    assert :ets.tab2list(Epmd) == []
    # One that is not there is no matter.
    assert :ok = Epmd.drop(:shop, b, :silent)
  end

  test "a peer of two clusters is known as long as one of them lists it" do
    old = peer("b@nowhere.example", 1, [{192, 0, 2, 1}])
    new = peer("b@nowhere.example", 2, [{192, 0, 2, 2}])
    please = fn -> Epmd.address_please(~c"b", ~c"nowhere.example", :inet) end

    for reason <- [:left, :silent] do
      Epmd.put(:shop, old)
      # A millisecond decides which of the two was said last.
      said = System.monotonic_time(:millisecond)
      eventually(fn -> System.monotonic_time(:millisecond) > said end)
      Epmd.put(:bank, new)
      assert please.() == {:ok, {192, 0, 2, 2}, 2, 6}
      assert Epmd.names(~c"nowhere.example") == {:ok, [{~c"b", 2}]}

      # The other cluster lists it still, and what it says counts.
      Epmd.drop(:bank, new, reason)
      assert please.() == {:ok, {192, 0, 2, 1}, 1, 6}
      assert Epmd.port_please(~c"b", {192, 0, 2, 1}) == {:port, 1, 6}
      assert Epmd.names(~c"nowhere.example") == {:ok, [{~c"b", 1}]}

      Epmd.drop(:shop, old, :left)
    end

    # The one that fell silent is remembered, without its being listed anywhere.
    assert please.() == {:ok, {192, 0, 2, 2}, 2, 6}
    Epmd.drop(:bank, new, :left)
    assert :ets.tab2list(Epmd) == []
  end

  test "a connecting process waits for a peer that is being found" do
    test = self()

    {:ok, _} =
      Task.start_link(fn ->
        send(test, {:found, Epmd.address_please(~c"b", ~c"nowhere.invalid", :inet)})
      end)

    refute_receive {:found, _}, 100
    Epmd.put(:shop, peer("b@nowhere.invalid", 4711, [{192, 0, 2, 1}]))
    assert_receive {:found, {:ok, {192, 0, 2, 1}, 4711, 6}}, 1_000
  end

  describe "a peer of several addresses" do
    setup do
      {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 2}, reuseaddr: true)
      {:ok, port} = :inet.port(socket)

      {:ok,
       socket: socket, port: port, please: fn -> Epmd.address_please(~c"b", ~c"h2", :inet) end}
    end

    test "the first that answers TCP is given", %{port: port, please: please} do
      Epmd.put(:shop, peer("b@h2", port, [{127, 0, 0, 1}, {127, 0, 0, 2}]))
      assert please.() == {:ok, {127, 0, 0, 2}, port, 6}
    end

    test "where it was connected last is tried first, until that path has died", context do
      %{port: port, please: please} = context
      {:ok, _socket} = :gen_tcp.listen(port, ip: {127, 0, 0, 3}, reuseaddr: true)
      Epmd.put(:shop, peer("b@h2", port, [{127, 0, 0, 2}, {127, 0, 0, 3}]))
      assert please.() == {:ok, {127, 0, 0, 2}, port, 6}
      Epmd.remember("b@h2", {127, 0, 0, 3})
      assert please.() == {:ok, {127, 0, 0, 3}, port, 6}
      Epmd.forget("b@h2")
      assert please.() == {:ok, {127, 0, 0, 2}, port, 6}
      # It is not one of its addresses any more.
      Epmd.remember("b@h2", {127, 0, 0, 1})
      assert please.() == {:ok, {127, 0, 0, 2}, port, 6}
      # Gone with the peer.
      Epmd.drop(:shop, peer("b@h2", port, []), :left)
      assert :ets.tab2list(Epmd) == []
    end

    test "none answers: the connect to the first one is to tell why", context do
      %{port: port, socket: socket, please: please} = context
      :ok = :gen_tcp.close(socket)
      Epmd.put(:shop, peer("b@h2", port, [{127, 0, 0, 1}, {127, 0, 0, 2}]))
      assert please.() == {:ok, {127, 0, 0, 1}, port, 6}
    end
  end

  test "who dials a listed peer for net_kernel is noted, and since when it has had the address" do
    assert Epmd.attempt("b@nowhere.invalid") == nil
    Epmd.put(:shop, peer("b@nowhere.invalid", 4711, [{192, 0, 2, 1}]))
    before = System.monotonic_time(:millisecond)
    {:ok, _ip, 4711, 6} = Epmd.address_please(~c"b", ~c"nowhere.invalid", :inet)
    assert {pid, since} = Epmd.attempt("b@nowhere.invalid")
    assert pid == self()
    assert since >= before
  end

  test "net_kernel itself is answered at once, whoever is asked for" do
    # Whoever is registered as net_kernel is not kept waiting; this node is not alive, so the name is free.
    Process.register(self(), :net_kernel)

    on_exit(fn ->
      if Process.whereis(:net_kernel) == self(), do: Process.unregister(:net_kernel)
    end)

    {time, answer} = :timer.tc(fn -> Epmd.address_please(~c"b", ~c"nowhere.invalid", :inet) end)
    assert answer == {:ok, {127, 0, 0, 1}}

    assert {:ok, {0, 0, 0, 0, 0, 0, 0, 1}} =
             Epmd.address_please(~c"b", ~c"nowhere.invalid", :inet6)

    # It would have waited 4 s.
    assert time < 3_500_000
    Epmd.put(:shop, peer("b@nowhere.invalid", 4711, [{192, 0, 2, 1}]))
    assert {:ok, {192, 0, 2, 1}} = Epmd.address_please(~c"b", ~c"nowhere.invalid", :inet)
    # Another process will resolve the name.
    assert {:ok, {0, 0, 0, 0, 0, 0, 0, 1}} =
             Epmd.address_please(~c"b", ~c"nowhere.invalid", :inet6)

    Process.unregister(:net_kernel)
  end

  test "a release's commands are told the port, and where the node listens" do
    file = Path.join(System.tmp_dir!(), "gossip-port-#{System.pid()}")
    System.put_env("GOSSIP_PORT_FILE", file)

    on_exit(fn ->
      System.delete_env("GOSSIP_PORT_FILE")
      :persistent_term.erase({Epmd, :own})
      Application.delete_env(:kernel, :inet_dist_use_interface)
      for path <- [file, file <> ".address"], do: File.rm(path)
    end)

    for {interface, family, address} <- [
          {{198, 51, 100, 1}, :inet, "{198,51,100,1}"},
          {{0, 0, 0, 0}, :inet_tcp, "{127,0,0,1}"},
          {nil, :inet, "{127,0,0,1}"},
          {nil, :inet6_tcp, "{0,0,0,0,0,0,0,1}"},
          {{0, 0, 0, 0, 0, 0, 0, 0}, :inet6, "{0,0,0,0,0,0,0,1}"},
          {{0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}, :inet6, "{8193,3512,0,0,0,0,0,1}"}
        ] do
      if interface,
        do: Application.put_env(:kernel, :inet_dist_use_interface, interface),
        else: Application.delete_env(:kernel, :inet_dist_use_interface)

      assert {:ok, -1} = Epmd.register_node(~c"own", 4999, family)
      assert File.read!(file) == "4999"
      assert File.read!(file <> ".address") == address
    end
  end

  test "what a node registers it knows itself by, and needs no table for" do
    on_exit(fn -> :persistent_term.erase({Epmd, :own}) end)
    assert :ignore = Epmd.start_link()
    assert {:ok, -1} = Epmd.register_node(~c"own", 4999, :inet_tcp)
    assert Epmd.own_port() == 4999
    assert Epmd.port_please(~c"own", {127, 0, 0, 1}) == {:port, 4999, 6}
    assert Epmd.port_please(~c"own", ~c"localhost", 100) == {:port, 4999, 6}
    assert {:ok, -1} = Epmd.register_node(~c"own", 5000)
    assert Epmd.own_port() == 5000
    assert {:ok, 0} = Epmd.listen_port_please(~c"own", ~c"localhost")
  end

  test "a peer that is listed without an address of the family: its port is known, its name is resolved" do
    # An address is a name that resolves everywhere.
    Epmd.put(:shop, peer("b@::1", 4711, [{192, 0, 2, 1}]))
    loopback = {0, 0, 0, 0, 0, 0, 0, 1}

    for family <- [:inet6, :inet6_tcp],
        do: assert(Epmd.address_please(~c"b", ~c"::1", family) == {:ok, loopback, 4711, 6})

    assert Epmd.address_please(~c"b", ~c"::1", :inet) == {:ok, {192, 0, 2, 1}, 4711, 6}
  end

  describe "without fallback" do
    setup do
      Application.put_env(:gossip_cluster, Epmd, fallback: false)
      on_exit(fn -> Application.delete_env(:gossip_cluster, Epmd) end)
    end

    # Who is asked: every call of Erlang's own module, and of the resolver. A tracer is not traced, hence the task.
    defp asked(function) do
      {:module, _} = Code.ensure_loaded(:erl_epmd)
      test = self()

      tracer =
        spawn_link(fn ->
          for pattern <- [{:erl_epmd, :_, :_}, {:inet, :getaddr, 2}],
              do: :erlang.trace_pattern(pattern, true, [])

          :erlang.trace(:new_processes, true, [:call])
          send(test, :traced)
          receive do: (:done -> :ok)
          ref = :erlang.trace_delivered(:all)
          receive do: ({:trace_delivered, :all, ^ref} -> :ok)
          :erlang.trace(:all, false, [:call])
          send(test, {:asked, Process.info(self(), :messages)})
        end)

      receive do: (:traced -> :ok)
      result = Task.await(Task.async(function), 10_000)
      send(tracer, :done)
      assert_receive {:asked, {:messages, messages}}, 5_000
      {result, for({:trace, _pid, :call, {module, name, _}} <- messages, do: {module, name})}
    end

    test "nobody else is asked for a name that no peer has; a peer is found as ever" do
      Epmd.put(:shop, peer("b@localhost", 4711, [{192, 0, 2, 1}]))
      assert {:noport, []} = asked(fn -> Epmd.port_please(~c"c", ~c"localhost") end)
      assert {{:error, :address}, []} = asked(fn -> Epmd.names(~c"elsewhere") end)
      please = &fn -> Epmd.address_please(&1, ~c"localhost", &2) end
      assert {{:error, :eafnosupport}, []} = asked(please.(~c"b", :inet6))
      assert {{:ok, {192, 0, 2, 1}, 4711, 6}, []} = asked(please.(~c"b", :inet))
      # After the wait for a peer that may be found yet.
      assert {{:error, :nxdomain}, []} = asked(please.(~c"c", :inet))
    end

    test "with it they are asked" do
      Application.put_env(:gossip_cluster, Epmd, fallback: true)
      assert {_error, asked} = asked(fn -> Epmd.port_please(~c"c", {127, 0, 0, 1}) end)
      assert {:erl_epmd, :port_please} in asked
      assert {_, asked} = asked(fn -> Epmd.address_please(~c"c", ~c"127.0.0.1", :inet) end)
      assert {:erl_epmd, :address_please} in asked
    end
  end

  # Who has no name has no sidecar.
  defp alive do
    {:ok, _pid} =
      :net_kernel.start(:"own@127.0.0.1", %{name_domain: :longnames, dist_listen: false})

    on_exit(fn -> :net_kernel.stop() end)
  end

  test "two clusters of this node that list a peer: it leaves one of them" do
    alive()
    b = GossipCluster.FakeSidecar.peer("b@nowhere.example", port: 4711)

    [shop, bank] =
      for name <- [Shop, Bank] do
        fake = GossipCluster.FakeSidecar.new()
        key = {:key, :crypto.strong_rand_bytes(32)}
        start_supervised!({GossipCluster, name: name, secret: key, sidecar: fake.path})
        fake = GossipCluster.FakeSidecar.attach(fake)
        GossipCluster.FakeSidecar.ready(fake, [b])
        eventually(fn -> length(GossipCluster.peers(name)) == 1 end)
        fake
      end

    for {fake, name, found} <- [{shop, Shop, {:port, 4711, 6}}, {bank, Bank, :noport}] do
      GossipCluster.FakeSidecar.say(fake, {:down, b, :left})
      eventually(fn -> GossipCluster.peers(name) == [] end)
      Application.put_env(:gossip_cluster, Epmd, fallback: false)
      assert Epmd.port_please(~c"b", ~c"nowhere.example") == found
      Application.delete_env(:gossip_cluster, Epmd)
    end
  end

  test "the table outlives a crash of the cluster's processes" do
    alive()
    fake = GossipCluster.FakeSidecar.new()
    key = {:key, :crypto.strong_rand_bytes(32)}
    start_supervised!({GossipCluster, name: Crashing, secret: key, sidecar: fake.path})
    fake = GossipCluster.FakeSidecar.attach(fake)
    known = GossipCluster.FakeSidecar.peer("b@nowhere.example", port: 4711)
    GossipCluster.FakeSidecar.ready(fake, [known])
    eventually(fn -> Epmd.port_please(~c"b", ~c"nowhere.example") == {:port, 4711, 6} end)

    owner = Process.whereis(Crashing)
    Process.exit(owner, :kill)
    eventually(fn -> Process.whereis(Crashing) not in [nil, owner] end)

    assert Epmd.address_please(~c"b", ~c"nowhere.example", :inet) ==
             {:ok, {192, 0, 2, 1}, 4711, 6}
  end
end
