defmodule GossipCluster.DeathsTest do
  # The sidecar's life and death, and that of the owner, which must not show.
  use GossipCluster.OwnerCase

  describe "the sidecar's death" do
    test "is followed by a new one within a second; nobody sees it, connections and roster stay",
         %{fake: fake} do
      fake = start(fake)

      FakeSidecar.ready(fake, [
        FakeSidecar.peer("zoe@127.0.0.1"),
        FakeSidecar.peer("zed@127.0.0.1")
      ])

      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert_dial(:"zed@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name, min: 2)
      assert {:up, _} = event()
      assert {:up, _} = event()
      peers = GossipCluster.peers(@name)

      log =
        capture_log(fn ->
          # What this one has derived the next one is given.
          FakeSidecar.say(fake, {:derived, [<<7::256>>]})
          owner = Process.whereis(@name)
          eventually(fn -> :sys.get_state(owner).cluster.announcement.derived != nil end)
          FakeSidecar.die(fake, :kill)
          died = System.monotonic_time(:millisecond)
          fake = FakeSidecar.attach(fake)
          assert %{keys: [derived: <<7::256>>]} = FakeSidecar.ready(fake)
          assert System.monotonic_time(:millisecond) - died < 1_000
          assert {:alive, _} = FakeSidecar.command(fake)
          assert GossipCluster.peers(@name) == peers

          # One is heard again, under the boot id that it had: no event. The other has a new address: an update.
          FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})

          FakeSidecar.say(
            fake,
            {:up, FakeSidecar.peer("zed@127.0.0.1", addresses: [{{192, 0, 2, 9}, 1, 1}])}
          )

          assert {:update, %Peer{name: "zed@127.0.0.1", connection: :connected}} = event()
          settled(fake)
          no_event()
        end)

      # Whether its status or the broken pipe is noticed first, nobody knows.
      assert log =~
               ~r/gossipd (was killed by signal 9|is gone \(:epipe\))\. It is tried again until it runs/

      assert log =~ "gossipd 9.9.9 runs"
      refute log =~ "NODEDOWN"
    end

    test "one that fails again and again is told once, with its own words", %{fake: _fake} do
      # What it says before it exits: {error, port_taken, <<"udp port 45893">>}.
      path =
        FakeSidecar.script("""
        head -c 5 >/dev/null
        echo x >>"$d/runs"
        printf '\\000\\000\\000\\043\\203h\\003d\\000\\005errord\\000\\012port_takenm\\000\\000\\000\\006p45893'
        exit 1
        """)

      log =
        capture_log(fn ->
          start_supervised!({GossipCluster, name: @name, sidecar: path, secret: {:key, @key}})
          runs = Path.join(Path.dirname(path), "runs")
          eventually(fn -> match?({:ok, "x\nx\nx\n" <> _}, File.read(runs)) end)
          eventually(fn -> GossipCluster.status(@name).sidecar.reason end)
        end)

      assert [_once] = Regex.scan(~r/p45893\. It is tried again until it runs/, log)

      eventually(fn ->
        match?(%{state: :down, reason: "p45893" <> _}, GossipCluster.status(@name).sidecar)
      end)
    end

    test "each cause is named with its mend, and none stops the cluster", %{fake: fake} do
      foreign = FakeSidecar.script("")
      File.write!(foreign, <<0x7F, "ELF", 2, 1, 1, 0::size(400)>>)
      forbidden = FakeSidecar.script("")
      File.chmod!(forbidden, 0o644)

      for {path, expected} <- [
            {"/nowhere/gossipd", ~r/missing: run `mix compile`/},
            {System.tmp_dir!(), ~r/is a directory/},
            {forbidden, ~r/may not be executed: check its permissions/},
            {foreign, ~r/not made for this machine/},
            {FakeSidecar.script("exit 3"), ~r/exited with status 3/}
          ] do
        log =
          capture_log(fn ->
            start_supervised!({GossipCluster, name: @name, sidecar: path, secret: {:key, @key}})

            # A broken pipe may be noticed before the status of one that exits; the next one tells.
            eventually(fn -> (GossipCluster.status(@name).sidecar.reason || "") =~ expected end)
            assert {:error, :timeout} = GossipCluster.await(@name, timeout: 10)
            assert GossipCluster.status(@name).stats == nil
            assert :ok = GossipCluster.leave(@name)
            stop_supervised!(@name)
          end)

        assert log =~ expected
      end

      # And one that works works.
      fake = start(fake)
      FakeSidecar.ready(fake)
    end

    test "a frame that cannot be read ends that sidecar", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake)

      log =
        capture_log(fn ->
          FakeSidecar.say_raw(fake, <<131, 104>>)
          port = fake.port
          assert_receive {^port, {:exit_status, _}}, 5_000
          FakeSidecar.ready(FakeSidecar.attach(fake))
        end)

      assert log =~ "gossipd sent a frame of 2 bytes that cannot be read"
    end
  end

  describe "the owner's crash" do
    test "keeps peers, subscribers and what was logged; awaiting goes on", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
      assert {:up, _} = event()
      owner = Process.whereis(@name)
      test = self()

      waiting =
        spawn_link(fn ->
          send(test, {:awaited, GossipCluster.await(@name, min: 2, timeout: 20_000)})
        end)

      eventually(fn -> Process.info(waiting, :status) == {:status, :waiting} end)

      log =
        capture_log(fn ->
          Process.exit(owner, :kill)
          eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
          port = fake.port
          assert_receive {^port, {:exit_status, _}}, 5_000
          assert [%Peer{name: "zoe@127.0.0.1"}] = GossipCluster.peers(@name)
          fake = FakeSidecar.attach(fake)

          FakeSidecar.ready(fake, [
            FakeSidecar.peer("zoe@127.0.0.1"),
            FakeSidecar.peer("zed@127.0.0.1")
          ])

          # The node is not really connected, so the new owner, which looks at the list of nodes, dials it again.
          assert_dial(:"zoe@127.0.0.1") |> answer(true)
          assert_dial(:"zed@127.0.0.1") |> answer(true)
          assert {:up, %Peer{name: "zed@127.0.0.1"}} = event()
          assert_receive {:awaited, :ok}, 5_000
          told()
        end)

      refute log =~ ~s(NODEUP :"zoe@127.0.0.1")
      assert log =~ ~s(NODEUP :"zed@127.0.0.1")
    end

    test "ends its dials, and the next owner dials again", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      dialler = assert_dial(:"zoe@127.0.0.1")
      ref = Process.monitor(dialler)

      capture_log(fn ->
        Process.exit(Process.whereis(@name), :kill)
        assert_receive {:DOWN, ^ref, :process, ^dialler, :killed}, 5_000
        fake = FakeSidecar.attach(fake)
        FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
        assert_dial(:"zoe@127.0.0.1") |> answer(true)
        assert :ok = GossipCluster.await(@name)
      end)
    end

    test "shows no secret, nor does anything else that is printed", %{fake: fake} do
      secret = "correct horse battery staple"
      fake = start(fake, secret: [{:passphrase, secret}, :cookie])
      FakeSidecar.ready(fake)

      printed =
        capture_log(fn ->
          owner = Process.whereis(@name)
          supervisor = GossipCluster.Supervisor.whereis(@name)

          for pid <- [owner, supervisor] do
            send(
              self(),
              inspect(:sys.get_status(pid), limit: :infinity, printable_limit: :infinity)
            )

            send(
              self(),
              inspect(:sys.get_state(pid), limit: :infinity, printable_limit: :infinity)
            )
          end

          ref = Process.monitor(owner)

          # No message of the owner's is in the log; then it crashes, with its state in the report.
          send(owner, :nonsense)
          :ok = GenServer.stop(owner, :broken)
          assert_receive {:DOWN, ^ref, :process, ^owner, :broken}, 5_000
          eventually(fn -> Process.whereis(@name) not in [nil, owner] end)
        end)

      texts =
        [printed | texts([])] ++
          [inspect(:ets.tab2list(GossipCluster.View.table(@name)), limit: :infinity)]

      assert length(texts) == 6
      assert printed =~ "nonsense"

      for text <- texts do
        refute text =~ "correct horse"
        refute text =~ "a_cookie_of_the_tests"
      end
    end

    defp texts(texts) do
      receive do
        text when is_binary(text) -> texts([text | texts])
      after
        0 -> texts
      end
    end
  end
end
