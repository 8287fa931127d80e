defmodule GossipCluster.Screen.WatchTest do
  # The table is printed and drawn where somebody looks, with a sidecar that the test plays.
  use GossipCluster.OwnerCase, async: false

  import ExUnit.CaptureIO

  alias GossipCluster.Json
  alias GossipCluster.Screen.{Timeline, Visit}

  setup %{fake: fake} do
    fake = start(fake)
    FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
    assert {:up, _peer} = event()
    :ok = GossipCluster.unsubscribe(@name)
    {:ok, fake: fake}
  end

  test "once, for people and for programs; without a terminal there are no colours" do
    text = capture_io(fn -> assert :ok = GossipCluster.info(@name) end)
    assert text =~ "own@127.0.0.1"
    assert text =~ ~r/^zoe@127\.0\.0\.1 +192\.0\.2\.1 +/m
    refute text =~ "\e"

    json = capture_io(fn -> GossipCluster.watch(@name, once: true, json: true) end)
    assert {:ok, %{"peers" => [%{"name" => "zoe@127.0.0.1"}]}} = Json.decode(json)
    assert json |> String.split("\n", trim: true) |> length() == 1
  end

  test "again and again until q; the caller's mailbox stays as it was" do
    text = capture_io("q", fn -> assert :ok = GossipCluster.watch(@name, interval: 100) end)
    assert text =~ "zoe@127.0.0.1"
    refute_received {:gossip_cluster, _name, _event}
    refute_received {:key, _key}
  end

  test "a cluster that ends ends it" do
    {:ok, device} = StringIO.open("")
    me = self()

    {_pid, ref} =
      spawn_monitor(fn ->
        Process.group_leader(self(), device)
        send(me, :drawing)
        GossipCluster.watch(@name, interval: 100)
      end)

    assert_receive :drawing
    eventually(fn -> device |> StringIO.contents() |> elem(1) =~ "zoe@" end)
    :ok = stop_supervised!(@name)
    assert_receive {:DOWN, ^ref, :process, _pid, :normal}, 5_000
    assert {_in, out} = StringIO.contents(device)
    assert out =~ "runs on this node any more"
  end

  test "so does the end of the device, or of the caller" do
    for who <- [:device, :caller] do
      {:ok, device} = StringIO.open("")

      caller =
        spawn(fn ->
          Process.group_leader(self(), device)
          GossipCluster.watch(@name, interval: 100)
        end)

      eventually(fn -> device |> StringIO.contents() |> elem(1) =~ "zoe@" end)
      key = {:events, @name}
      [drawer] = GossipCluster.Subscribers.list(key)
      ref = Process.monitor(drawer)
      Process.unlink(device)
      Process.exit(if(who == :device, do: device, else: caller), :kill)
      assert_receive {:DOWN, ^ref, :process, ^drawer, _reason}, 5_000
    end
  end

  test "a report has the peers, what has happened and the configuration, and no secret", %{
    fake: fake
  } do
    FakeSidecar.say(fake, {:up, FakeSidecar.peer("abe@127.0.0.1", boot: <<2::64>>)})

    eventually(fn ->
      for(peer <- GossipCluster.peers(@name), do: peer.name) == ["abe@127.0.0.1", "zoe@127.0.0.1"]
    end)

    GossipCluster.Reporter.flush(GossipCluster.View.table(@name))
    page = GossipCluster.report(@name)

    for name <- ["abe", "zoe"],
        do: assert(page =~ "found :&quot;#{name}@127.0.0.1&quot; at 192.0.2.1")

    assert page =~ "<dt>interval</dt><dd>100</dd>"
    assert page =~ "<dt>Elixir</dt><dd>#{System.version()}</dd>"
    refute page =~ @key or page =~ Base.encode64(@key) or page =~ "a_cookie_of_the_tests"

    assert "graph LR\n" <> _ = GossipCluster.graph(@name)
    assert "digraph" <> _ = GossipCluster.graph(@name, format: :dot)
    assert "<svg" <> _ = GossipCluster.graph(@name, format: :svg)
    assert_raise ArgumentError, fn -> GossipCluster.graph(@name, format: :png) end
    assert_raise ArgumentError, fn -> GossipCluster.report(:nobody) end

    # What another node is told is what it draws.
    assert %{node: "own@127.0.0.1", peers: [_abe, _zoe]} =
             GossipCluster.Screen.Graph.see(GossipCluster, @name)

    assert GossipCluster.Screen.Graph.see(GossipCluster, :nobody) == nil
  end

  test "of what has happened the latest hundred are kept" do
    view = GossipCluster.View.create()
    peer = %Peer{name: "zoe@127.0.0.1", creation: 1}
    assert Timeline.list(view) == []
    for _ <- 1..140, do: Timeline.put(view, {:connected, peer})
    true = Timeline.put(view, {:disconnected, peer, nil})
    list = Timeline.list(view)
    assert length(list) == 100
    assert {_at, ~s(NODEDOWN :"zoe@127.0.0.1")} = List.last(list)
    # Nothing else is left of them.
    assert :ets.info(view, :size) == 101
  end

  test "wrong options, and clusters that do not run, are told at once" do
    for wrong <- [[once: 1], [json: true], [interval: 5], [sort: :age], [colour: true]],
        do: assert_raise(ArgumentError, fn -> GossipCluster.watch(@name, wrong) end)

    assert_raise ArgumentError, ~r/no cluster :nobody/, fn -> GossipCluster.info(:nobody) end
  end

  test "mix gossip.watch listens as the project's own application is configured" do
    absent = "GOSSIP_TEST_KEY_THAT_IS_NOT_SET"
    Application.put_env(:gossip_cluster, GossipCluster, secret: {:env, absent})
    on_exit(fn -> Application.delete_env(:gossip_cluster, GossipCluster) end)
    assert [] = Application.get_env(:gossip_cluster, :clusters, [])

    assert %Mix.Error{mix: 2, message: text} = catch_error(Mix.Tasks.Gossip.Watch.run(["--once"]))
    assert text =~ absent

    # To programs all that is refused is told as what is found, with the same exit status.
    for {arguments, why} <- [
          {["--once", "--json"], absent},
          {["--json", "--no-such"], "does not know --no-such"},
          {["--json", "--sort", "age"], "--sort is one of"},
          {["--json", "--node", "shop"], "is no node name"}
        ] do
      json =
        capture_io(fn ->
          assert catch_exit(Mix.Tasks.Gossip.Watch.run(arguments)) == {:shutdown, 2}
        end)

      assert {:ok, %{"error" => text}} = Json.decode(String.trim_trailing(json, "\n"))
      assert text =~ why
    end
  end

  test "a visit to a node needs a name and a cookie" do
    assert {:error, text} = Visit.call("shop", nil, :erlang, :node, [])
    assert text =~ "is no node name"
    assert {:error, text} = Visit.call("shop@h", "/nowhere/cookie", :erlang, :node, [])
    assert text =~ "/nowhere/cookie: no such file or directory. Where the nodes are given theirs"
    assert text =~ "--cookie-file FILE"
  end
end
