defmodule GossipCluster.Cluster.LocalTest do
  # This node and its sidecar, without a process.
  use ExUnit.Case, async: true

  import GossipCluster.ClusterCase

  alias GossipCluster.{Cluster, Hidden, Peer}

  describe "the start" do
    test "opens a sidecar before anything else, then announces this node" do
      cluster = Cluster.new(options([]), past(), 0)
      {cluster, effects} = handle(cluster, {:start, local(), nil})
      assert {:open, [key: "k"]} in plain(effects)
      assert {:timer, :pulse, 300} in effects
      refute Enum.any?(effects, &match?({:announce, _}, &1))

      {cluster, effects} =
        handle(cluster, [{:opened, local().keys, process()}, {:restore, [], [], 1}])

      assert {:timer, :ready, 15_000} in effects
      {cluster, effects} = handle(cluster, {:local, local()})
      assert :ask_port in effects
      assert :find_addresses in effects
      {cluster, effects} = handle(cluster, {:local_port, 4000})
      refute Enum.any?(effects, &match?({:announce, _}, &1))
      {_cluster, effects} = handle(cluster, {:addresses, [{10, 0, 0, 1}], nil})
      alive = Map.merge(own(), %{port: 4000, host: {false, [{10, 0, 0, 1}]}, tags: %{}})
      assert {:announce, {:alive, alive, "a cookie"}} in plain(effects)
    end

    test "a ring that needs a cookie waits for it" do
      none = %{local() | cookie: nil, keys: nil, own: nil}
      {cluster, effects} = handle(Cluster.new(options([]), past(), 0), {:start, none, nil})
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {cluster, effects} = handle(cluster, [{:restore, [], [], 1}, {:local, none}])
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {_cluster, effects} = handle(cluster, {:local, local()})
      assert {:open, [key: "k"]} in plain(effects)
    end

    test "a node without a name has no sidecar, and so no socket, though its ring is there" do
      nobody = %{local() | cookie: nil, own: nil}
      {cluster, effects} = handle(Cluster.new(options([]), past(), 0), {:start, nobody, nil})
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {cluster, effects} = handle(cluster, [{:restore, [], [], 1}, {:local, nobody}])
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {_cluster, effects} = handle(cluster, {:local, local()})
      assert {:open, [key: "k"]} in plain(effects)
    end

    test "what an earlier owner said is not said again, and what it listed is kept until it is confirmed" do
      cluster = Cluster.new(options([]), %{past() | up: ["zoe@x"]}, 0)
      peers = [peer("zoe@x", connection: :connected)]

      events = [
        {:start, local(), nil},
        {:opened, local().keys, process()},
        {:restore, peers, ["zoe@x"], 1}
      ]

      {cluster, effects} = handle(cluster, events ++ [{:local, local()}])
      assert facts(effects) == []
      assert [%Peer{name: "zoe@x", connection: :connected} | _] = shown(effects)
      {cluster, effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}})
      assert facts(effects) == []
      {_cluster, effects} = handle(cluster, {:pulse, local()}, 100_000)
      refute Enum.any?(facts(effects), &match?({:down, _, _, _}, &1))

      {_cluster, effects} =
        Cluster.new(options([]), past(), 0)
        |> handle([{:start, local(), nil}, {:restore, peers, [], 1}, {:local, local()}])
        |> elem(0)
        |> handle({:pulse, local()}, 10_000)

      assert [{:down, %{name: "zoe@x"}, :silent, 0}] = facts(effects)
    end
  end

  # All of them at once took the owner 200 ms, with 4,096 of them.
  describe "the peers of an earlier owner are put back in portions" do
    # An owner whose predecessor had these, in portions of so many; what has happened by the last of them, and then.
    defp successor(portions, past \\ %{}, between \\ []) do
      [first | more] = portions
      cluster = Cluster.new(options([]), Map.merge(%{past() | restoring: true}, past), 0)

      {cluster, effects} =
        handle(cluster, [
          {:start, local(), nil},
          {:restore, first, Map.get(past, :up, []), 1},
          {:local, local()}
        ])

      Enum.reduce(more, {cluster, effects}, fn peers, {cluster, effects} ->
        {cluster, more} = handle(cluster, between ++ [{:restored, peers}])
        {cluster, effects ++ more}
      end)
    end

    defp portions(count, each), do: count |> crowd() |> Enum.sort() |> Enum.chunk_every(each)

    test "each of them is shown in the turn that has it, and asks for what follows" do
      [first, second] = portions(2 * Cluster.portion(), Cluster.portion())
      {cluster, effects} = successor([first])
      names = fn peers -> peers |> Enum.map(& &1.name) |> Enum.uniq() |> Enum.sort() end
      assert names.(shown(effects)) == names.(first)
      last = List.last(first)
      assert [{last.name, last.creation}] == for({:restore, behind} <- effects, do: behind)
      {cluster, effects} = handle(cluster, {:restored, second})
      assert names.(shown(effects)) == names.(second)
      last = List.last(second)
      assert [{last.name, last.creation}] == for({:restore, behind} <- effects, do: behind)
      refute :continue in effects
      {cluster, effects} = handle(cluster, {:restored, []})
      refute Enum.any?(effects, &match?({:restore, _}, &1))
      assert names.(Cluster.peers(cluster)) == names.(first ++ second)
    end

    test "no sidecar is opened before all of them are, whatever happens; then one is, and they are confirmed in silence" do
      [first, second] = portions(4, 2)
      between = [{:timeout, :open}, {:local, local()}, {:pulse, local()}]
      {cluster, effects} = successor([first, second], %{}, between)
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {cluster, effects} = handle(cluster, {:restored, []})
      assert [[key: "k"]] == for({:open, keys} <- plain(effects), do: keys)
      [known | gone] = first ++ second
      seen = [known, peer("zz@x")]

      {cluster, effects} =
        handle(cluster, [
          {:opened, local().keys, process()},
          {:frame, {:ready, ready()}},
          {:frame, {:snapshot, :first, seen}},
          {:frame, :snapshot_end}
        ])

      assert [{:up, %{name: "zz@x"}, 5}] = for({:up, _, _} = up <- facts(effects), do: up)
      {cluster, effects} = handle(cluster, {:pulse, local()}, 9_999)
      refute Enum.any?(facts(effects), &match?({:down, _, _, _}, &1))
      {_cluster, effects} = handle(cluster, {:pulse, local()}, 10_000)
      down = for {:down, peer, :silent, _left} <- facts(effects), do: peer.name
      assert Enum.sort(down) == Enum.sort(Enum.map(gone, & &1.name))
    end

    test "an owner that follows another at once still waits with the sidecar when all of them are put back" do
      cluster = Cluster.new(options([]), %{past() | restoring: true}, 10_000)
      events = [{:start, local(), 9_500}, {:restore, crowd(1), [], 1}, {:local, local()}]
      {cluster, effects} = handle(cluster, events ++ [{:restored, []}], 10_000)
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {_cluster, effects} = handle(cluster, {:timeout, :open}, 11_000)
      assert {:open, [key: "k"]} in plain(effects)
    end

    # One that is not put back yet would be taken for a node that is not listed.
    test "connections that come and go meanwhile are told behind them" do
      [[a], [b], [c]] = portions(3, 1)
      {cluster, _} = successor([[a]], %{up: [a.name, c.name]})
      lost = [{:nodedown, c.name, :connection_closed, nil}, {:nodeup, b.name}]
      {cluster, effects} = handle(cluster, lost ++ [{:restored, [b]}, {:restored, [c]}])
      assert facts(effects) == []
      # Nor does it turn round and round until then.
      refute :continue in effects
      {_cluster, effects} = handle(cluster, {:restored, []})

      assert [{:nodedown, c.name, :connection_closed}, {:nodeup, b.name}] ==
               Enum.filter(facts(effects), &(elem(&1, 0) in [:nodedown, :nodeup]))
    end

    # Who was connected stayed so for subscribers, and its next connection was not told.
    test "connections that came and went while there was no owner are told when they are listed next" do
      [[a], [b], [c]] = portions(3, 1)
      past = %{past() | up: [a.name, c.name, "gone@x"]}
      nodes = [a.name, b.name, "unlisted@x"]
      start = [{:start, local(), nil}, {:restore, [a, b, c], nodes, 1}, {:local, local()}]
      {cluster, effects} = handle(Cluster.new(options([]), past, 0), start)
      assert facts(effects) == []
      {cluster, effects} = handle(cluster, {:pulse, local()}, 5_000)
      assert [links] = for({:list_nodes, links} <- effects, do: links)
      {cluster, effects} = handle(cluster, {:nodes, links, {:ok, nodes}}, 5_001)

      assert Enum.sort([{:nodedown, "gone@x", nil}, {:nodedown, c.name, nil}, {:nodeup, b.name}]) ==
               Enum.sort(facts(effects))

      assert [{:disconnected, %{name: lost}, nil}, {:connected, %{name: found}}] = told(effects)
      assert {lost, found} == {c.name, b.name}
      {cluster, effects} = handle(cluster, {:nodes, links, {:ok, nodes}}, 5_002)
      assert facts(effects) == []
      {_cluster, effects} = handle(cluster, {:nodeup, c.name}, 5_003)
      assert {:nodeup, c.name} in facts(effects)
    end

    test "who awaits meanwhile is answered when those that are connected are put back" do
      [[a], [b]] = portions(2, 1)
      cluster = Cluster.new(options([]), %{past() | restoring: true}, 0)
      start = [{:start, local(), nil}, {:restore, [a], [a.name, b.name], 1}, {:local, local()}]
      {cluster, _} = handle(cluster, start)
      {cluster, effects} = handle(cluster, {:await, :caller, self(), 2, %{}, 1_000})
      refute {:reply, :caller, :ok} in effects
      {_cluster, effects} = handle(cluster, {:restored, [b]})
      assert {:reply, :caller, :ok} in effects
    end

    test "a node that leaves meanwhile dials none of them" do
      [first, second] = portions(4, 2)
      {cluster, _} = successor([first])
      {cluster, effects} = handle(cluster, {:leave, :caller})
      assert [ref] = for({:request_leave, ref} <- effects, do: ref)
      {cluster, effects} = handle(cluster, {:leave_failed, ref})
      assert {:reply, :caller, :ok} in effects
      {_cluster, effects} = handle(cluster, [{:restored, second}, {:restored, []}], 5_000)
      assert dialled(effects) == []
      assert [_ | _] = shown = shown(effects)
      assert Enum.all?(shown, &(&1.connection == {:skipped, :not_alive}))
    end

    test "a ring that is changed meanwhile is the one that the sidecar gets" do
      {cluster, _} = successor(portions(4, 2))
      keys = Hidden.wrap([{:key, "another"}])
      {cluster, effects} = handle(cluster, {:local, %{local() | keys: keys}})
      refute Enum.any?(effects, &match?({:open, _}, &1))
      {_cluster, effects} = handle(cluster, {:restored, []})
      assert [keys] == for({:open, keys} <- effects, do: keys)
    end

    test "their dials begin a bounded number a turn" do
      [first | more] = portions(4 * Cluster.portion(), Cluster.portion())
      {cluster, _} = successor([first])

      Enum.reduce(more ++ [[]], cluster, fn peers, cluster ->
        {cluster, effects} = handle(cluster, {:restored, peers}, 5_000)
        assert length(dialled(effects)) in 1..32
        cluster
      end)
    end
  end

  describe "the sidecar" do
    test "dies, is told once, and is started again; the roster stays, and what it knew is said again" do
      cluster = running([peer("zoe@x")])
      {cluster, effects} = handle(cluster, {:exited, "gossipd exited"}, 100)
      assert {:timer, :open, 50} in effects
      assert facts(effects) == [{:sidecar_exit, 1, "gossipd exited", true}]
      assert [%Peer{}] = Cluster.peers(cluster)
      {cluster, effects} = handle(cluster, {:pulse, local()}, 120)
      refute {:command, :pulse} in effects
      {cluster, effects} = handle(cluster, {:timeout, :open}, 150)
      assert {:open, [key: "k"]} in plain(effects)
      {cluster, effects} = handle(cluster, {:opened, local().keys, process()}, 151)
      assert [{:announce, {:alive, _, _}}] = for({:announce, _} = say <- effects, do: say)
      # Confirmed in silence.
      {cluster, effects} = handle(cluster, {:frame, {:up, peer("zoe@x")}}, 200)
      assert facts(effects) == []
      {_cluster, effects} = handle(cluster, {:pulse, local()}, 60_000)
      assert facts(effects) == []
    end

    test "derives its keys: the next one of the same ring is given them, and one of another ring is not" do
      derived = Hidden.wrap(derived: <<1::256>>)
      # A cluster whose sidecar has ended, and what the next one is opened with.
      next = fn cluster ->
        {cluster, _} = handle(cluster, {:exited, "gossipd exited"}, 100)
        {cluster, effects} = handle(cluster, {:timeout, :open}, 150)
        [open] = for open <- plain(effects), elem(open, 0) == :open, do: open
        {cluster, open}
      end

      {cluster, _} = handle(running(), {:opened, local().keys, process()})
      {cluster, _} = handle(cluster, {:frame, {:derived, derived}})
      assert {cluster, {:open, [key: "k"], [derived: <<1::256>>]}} = next.(cluster)

      # It is told nothing of derived ones, and has them for the next one all the same.
      {cluster, _} = handle(cluster, {:opened, local().keys, process()})
      assert {cluster, {:open, [key: "k"], [derived: <<1::256>>]}} = next.(cluster)
      {cluster, _} = handle(cluster, {:opened, local().keys, process()})

      another = %{local() | keys: Hidden.wrap(passphrase: "another")}
      {rotated, _} = handle(cluster, {:pulse, another}, 200)
      assert {_, {:open, [passphrase: "another"]}} = next.(rotated)

      # What it has derived of the ring that it was opened with is none of the ring that it was given since.
      {cluster, _} = handle(running(), {:opened, local().keys, process()})
      {cluster, effects} = handle(cluster, {:pulse, another}, 200)
      assert {:announce, {:keys, [passphrase: "another"]}} in plain(effects)
      {cluster, _} = handle(cluster, {:announced, {:keys, another.keys}}, 200)
      {cluster, _} = handle(cluster, {:frame, {:derived, derived}}, 201)
      assert {_, {:open, [passphrase: "another"]}} = next.(cluster)
    end

    test "says what cannot be read, or nothing at all: it is closed, and another is started" do
      for event <- [{:unreadable, 7}] do
        {cluster, effects} = handle(running(), event)
        assert :close in effects
        assert [{:sidecar_exit, 1, "gossipd sent a frame of 7 bytes" <> _, true}] = facts(effects)
        assert cluster.sidecar.state == :down
      end

      cluster = Cluster.new(options([]), past(), 0)
      events = [{:start, local(), nil}, {:opened, local().keys, process()}, {:restore, [], [], 1}]
      {starting, _} = handle(cluster, events)
      {_cluster, effects} = handle(starting, {:timeout, :ready}, 15_000)
      assert :close in effects
      # One that is ready in time is not.
      {ready, _} = handle(starting, {:frame, {:ready, ready()}})
      {_cluster, effects} = handle(ready, {:timeout, :ready}, 15_000)
      refute :close in effects
    end

    test "that does not answer is looked at, killed where it is stopped, and started again" do
      process = process()
      {cluster, effects} = handle(running(), {:pulse, local()}, 250)
      refute {:look_at_sidecar, process} in effects
      {_heard, effects} = handle(cluster, [{:frame, :pulse}, {:pulse, local()}], 550)
      refute {:look_at_sidecar, process} in effects
      {cluster, effects} = handle(cluster, {:pulse, local()}, 550)
      refute {:command, :pulse} in effects
      assert {:look_at_sidecar, process} in effects
      {cluster, effects} = handle(cluster, {:pulse, local()}, 850)
      assert {:look_at_sidecar, process} in effects
      assert {:command, :pulse} in effects
      {cluster, effects} = handle(cluster, {:sidecar_seen, process, :runs}, 851)
      assert effects == []
      {dead, effects} = handle(cluster, {:sidecar_seen, process, :stopped}, 851)

      assert [{:kill, ^process}, :close] =
               Enum.filter(effects, &(&1 in [{:kill, process}, :close]))

      assert {:timer, :open, 50} in effects
      assert [{:sidecar_exit, 1, "gossipd does not answer: " <> _, true}] = facts(effects)
      assert dead.sidecar.state == :down
      # Any word is an answer.
      {heard, _effects} = handle(cluster, {:frame, :pulse}, 851)
      {_heard, effects} = handle(heard, {:sidecar_seen, process, :stopped}, 851)
      assert effects == []
    end

    test "has a conflict, interfaces, lines: each is reported" do
      cluster = running()
      own = own()
      twin = peer("own@x", creation: 2)
      {cluster, effects} = handle(cluster, {:frame, {:conflict, twin, peer("own@x")}})
      assert [{:conflict, ^twin, _other, ^own, 0}] = facts(effects)
      lo = ready().interfaces
      {cluster, effects} = handle(cluster, {:frame, {:interfaces, lo, ready().network}})
      assert facts(effects) == []
      none = %{reach: :none, missing: ["eth7"], deaf: [], mute: []}
      {_cluster, effects} = handle(cluster, {:frame, {:interfaces, [], none}})
      assert facts(effects) == [{:interfaces, [], lo}]
      assert {:put, :health, :no_network} in effects

      for frame <- [{:log, :info, "text"}, {:heartbeat, "a@x"}, :keys_changed] do
        {_cluster, effects} = handle(cluster, {:frame, frame})
        assert facts(effects) == [frame]
      end
    end

    test "lacks a wall: one says so, and another only where it lacks something else" do
      said = fn cluster, text ->
        {cluster, effects} = handle(cluster, {:frame, {:log, :info, text}})
        {cluster, facts(effects)}
      end

      lacks = "the sandbox is not whole: files (Landlock): Function not implemented"
      assert {cluster, [{:log, :info, ^lacks}]} = said.(running(), lacks)
      assert {cluster, []} = said.(cluster, lacks)
      more = lacks <> "; capabilities (capset): Operation not permitted"
      assert {cluster, [{:log, :info, ^more}]} = said.(cluster, more)
      # What else it says it says again.
      for _ <- 1..2, do: assert({_, [{:log, :info, "text"}]} = said.(cluster, "text"))
    end
  end

  describe "this node" do
    test "that stops is hidden, and announced anew when it is started again, as what it is then" do
      stopped = %{local() | own: nil, cookie: nil}
      {cluster, effects} = handle(running([peer("zoe@x")]), {:local, stopped})
      assert {:command, :hide} in effects
      assert [%Peer{connection: connection}] = shown(effects)
      assert connection in [:connecting, {:skipped, :not_alive}]
      # A pulse goes on, and says nothing new.
      {cluster, effects} = handle(cluster, {:pulse, stopped})
      refute {:command, :hide} in effects
      assert {:command, :pulse} in effects
      again = %{local() | own: %{own() | creation: 2}}
      {cluster, effects} = handle(cluster, {:local, again})
      assert :ask_port in effects and :find_addresses in effects
      {_cluster, effects} = handle(cluster, [{:local_port, 4001}, {:addresses, [], nil}])
      assert [{:alive, %{creation: 2, port: 4001}, _}] = for({:announce, c} <- effects, do: c)
    end

    test "whose port is not told in time is announced without, and anew when it is" do
      cluster = Cluster.new(options([]), past(), 0)
      events = [{:start, local(), nil}, {:opened, local().keys, process()}, {:restore, [], [], 1}]
      {cluster, effects} = handle(cluster, events ++ [{:local, local()}, {:addresses, [], nil}])
      assert {:timer, :port, 30} in effects
      {cluster, effects} = handle(cluster, {:timeout, :port})
      assert [{:alive, %{port: 0}, _} = change] = for({:announce, c} <- effects, do: c)
      {cluster, _} = handle(cluster, {:announced, change})
      {cluster, effects} = handle(cluster, {:local_port, 4000})
      assert [{:alive, %{port: 4000}, _} = change] = for({:announce, c} <- effects, do: c)
      {cluster, _} = handle(cluster, {:announced, change})
      # The timer of before means nothing then.
      assert {_cluster, []} = handle(cluster, {:timeout, :port})
    end

    test "that has left is not announced again, whatever changes" do
      {cluster, _} = handle(running(), {:leave, :caller})

      {_cluster, effects} =
        handle(cluster, [
          {:local, %{local() | own: %{own() | creation: 2}}},
          {:local_port, 4001},
          {:addresses, [{10, 0, 0, 1}], nil},
          {:exited, "x"},
          {:timeout, :open},
          {:opened, local().keys, process()},
          {:frame, {:ready, ready()}},
          {:pulse, local()}
        ])

      refute Enum.any?(effects, &match?({:announce, {:alive, _, _}}, &1))
    end

    test "shows a secret in none of its effects, and tells none" do
      secret = "correct horse"
      given = %{local() | keys: Hidden.wrap([{:key, secret}]), cookie: Hidden.wrap(secret)}
      cluster = Cluster.new(options([]), past(), 0)

      {cluster, effects} =
        handle(cluster, [
          {:start, given, nil},
          {:opened, given.keys, process()},
          {:restore, [], [], 1},
          {:local, given},
          {:local_port, 1},
          {:addresses, [], nil},
          {:local, %{given | keys: Hidden.wrap([{:key, secret <> "!"}])}}
        ])

      assert Enum.sort(Enum.uniq(for {:announce, c} <- effects, do: elem(c, 0))) == [
               :alive,
               :keys
             ]

      refute inspect({cluster, effects}, limit: :infinity, structs: false) =~ secret
    end
  end

  test "an owner that follows another at once waits with the sidecar; it is opened once" do
    cluster = Cluster.new(options([]), past(), 10_000)
    {cluster, effects} = handle(cluster, {:start, local(), 9_500}, 10_000)
    refute Enum.any?(effects, &match?({:open, _}, &1))
    assert {:timer, :open, 1_000} in effects
    {cluster, effects} = handle(cluster, [{:restore, [], [], 1}, {:local, local()}], 10_001)
    refute Enum.any?(effects, &match?({:open, _}, &1))
    {cluster, effects} = handle(cluster, {:timeout, :open}, 11_000)
    assert {:open, [key: "k"]} in plain(effects)
    {cluster, effects} = handle(cluster, {:opened, local().keys, process()}, 11_000)
    assert {:put, :opened, 11_000} in effects
    {_cluster, effects} = handle(cluster, {:timeout, :open}, 11_001)
    refute Enum.any?(effects, &match?({:open, _}, &1))
  end

  test "a sidecar that cannot be started is told once, and tried ever more patiently" do
    cluster = Cluster.new(options([]), past(), 0)
    {cluster, _} = handle(cluster, [{:start, local(), nil}, {:restore, [], [], 1}])

    {_cluster, waits, facts} =
      Enum.reduce(1..10, {cluster, [], []}, fn n, {cluster, waits, facts} ->
        {cluster, effects} = handle(cluster, {:not_opened, "it is missing"}, n * 1_000)
        assert [wait] = for({:timer, :open, wait} <- effects, do: wait)
        {cluster, _} = handle(cluster, {:timeout, :open}, n * 1_000 + wait)
        {cluster, [wait | waits], facts ++ facts(effects)}
      end)

    assert [50, 200 | _] = waits = Enum.reverse(waits)
    assert waits == Enum.sort(waits) and List.last(waits) == 30_000
    assert [{:sidecar_exit, 1, "it is missing", true} | more] = facts
    assert length(more) == 9 and Enum.all?(more, &match?({:sidecar_exit, _, _, false}, &1))
  end

  test "what a sidecar said of itself is why it ended, with no byte that cannot be printed" do
    {cluster, []} = handle(running(), {:frame, {:error, :network, "no socket" <> <<0xFF>>}})
    {_cluster, effects} = handle(cluster, {:exited, "status 1"})
    assert [{:sidecar_exit, 1, text, true}] = facts(effects)
    assert String.printable?(text) and text == inspect("no socket" <> <<0xFF>>)
  end

  describe "this node's tags" do
    test "are announced, changed at once, kept for the next owner, and told to a new sidecar" do
      tags = %{"role" => "web"}
      {cluster, effects} = handle(running(), {:put_tags, :caller, tags})
      assert {:put, :tags, tags} in effects and {:reply, :caller, :ok} in effects

      assert [{:alive, %{tags: ^tags} = alive, cookie}] =
               for({:announce, say} <- effects, do: say)

      {cluster, _effects} = handle(cluster, {:announced, {:alive, alive, cookie}})
      {cluster, effects} = handle(cluster, {:put_tags, :caller, tags})
      assert for({:announce, say} <- effects, do: say) == []

      {cluster, _effects} = handle(cluster, [{:exited, "gossipd exited"}, {:timeout, :open}])
      {_cluster, effects} = handle(cluster, {:opened, local().keys, process()})
      assert [{:alive, %{tags: ^tags}, _cookie}] = for({:announce, say} <- effects, do: say)

      next = Cluster.new(options([]), %{past() | tags: tags}, 0)
      assert next.announcement.tags == tags
    end

    test "are kept while it cannot say them" do
      for event <- [{:leave, :caller}, {:exited, "gossipd exited"}] do
        {cluster, _effects} = handle(running(), event)
        {cluster, effects} = handle(cluster, {:put_tags, :caller, %{"role" => "web"}})
        assert {:reply, :caller, :ok} in effects
        assert for({:announce, say} <- effects, do: say) == []
        assert cluster.announcement.tags == %{"role" => "web"}
      end
    end
  end
end
