defmodule GossipCluster.QuietTest do
  # Which ends of a connection are taken for Node.disconnect/1, and which are not.
  use GossipCluster.OwnerCase

  describe "a connection that ended" do
    for {where, words} <- [
          here: "it was disconnected on purpose, here",
          there: "it has disconnected this node on purpose, as it says"
        ] do
      test "a disconnect by hand is respected for the quiet period (#{where})", %{fake: fake} do
        fake = start(fake, quiet: 1_500)
        FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
        assert_dial(:"zoe@127.0.0.1") |> answer(true)
        assert :ok = GossipCluster.await(@name)
        # Longer than a lost connection waits anyway, which is 600 ms at most.
        down = System.monotonic_time(:millisecond)
        ended_on_purpose(fake, unquote(where))

        eventually(fn ->
          match?([%Peer{problem: {:quiet, _}}], GossipCluster.peers(@name))
        end)

        assert [%Peer{connection: :waiting, problem: {:quiet, text}}] = GossipCluster.peers(@name)
        assert text =~ unquote(words) <> ": it is not dialled for 1500 ms"

        # What the sidecar tells of the peer meanwhile does not end it.
        FakeSidecar.say(fake, {:update, FakeSidecar.peer("zoe@127.0.0.1", port: 4_371)})

        dialler = assert_dial(:"zoe@127.0.0.1")
        assert System.monotonic_time(:millisecond) - down >= 1_500
        answer(dialler, true)
        assert :ok = GossipCluster.await(@name)
        assert [%Peer{problem: nil}] = GossipCluster.peers(@name)
      end
    end

    # Here the sidecar is asked to say so to the other side; there it has said so.
    defp ended_on_purpose(fake, :here) do
      # Another test may have had this one disconnected, by a cluster of this VM.
      :ok = GossipCluster.Disconnects.forget(:"zoe@127.0.0.1")
      send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :disconnect]})

      assert {:disconnected, <<1, 2, 3, 4, 5, 6, 7, 8>>} =
               FakeSidecar.command(fake, :disconnected)
    end

    defp ended_on_purpose(fake, :there) do
      FakeSidecar.say(fake, {:disconnected, FakeSidecar.peer("zoe@127.0.0.1"), 0})
      send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :connection_closed]})
    end

    test "a connection that something between has closed is dialled again at once, in spite of `quiet`",
         %{fake: fake} do
      fake = start(fake, quiet: 3_600_000)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)

      send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :connection_closed]})
      dialler = assert_dial(:"zoe@127.0.0.1")
      assert [%Peer{problem: nil}] = GossipCluster.peers(@name)
      answer(dialler, true)
    end

    test "after this node has left, a disconnect is nothing to tell", %{fake: fake} do
      fake = start(fake)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1")])
      assert {:alive, _} = FakeSidecar.command(fake)
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
      task = Task.async(fn -> GossipCluster.leave(@name) end)
      assert {:leave, :left} = FakeSidecar.command(fake)
      FakeSidecar.say(fake, :left)
      assert :ok = Task.await(task)

      log =
        capture_log(fn ->
          send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :disconnect]})
          settled(fake)
        end)

      assert log =~ ~s(NODEDOWN :"zoe@127.0.0.1")
      refute log =~ "quiet"
      refute log =~ "dialled"

      assert [%Peer{connection: {:skipped, :not_alive}, problem: nil}] =
               GossipCluster.peers(@name)
    end

    test "what a peer that does not answer closes is dialled again soon", %{fake: fake} do
      fake = start(fake, quiet: 3_600_000)
      FakeSidecar.ready(fake, [FakeSidecar.peer("zoe@127.0.0.1", status: :suspect)])
      assert_dial(:"zoe@127.0.0.1") |> answer(true)
      assert :ok = GossipCluster.await(@name)
      send(@name, {:nodedown, :"zoe@127.0.0.1", [nodedown_reason: :connection_closed]})
      assert_dial(:"zoe@127.0.0.1")
    end

    # `global` asks a node to disconnect it, so each side is one or the other. It keeps its notes: nodes that no other
    # test has.
    for {node, reason} <- ["gil@127.0.0.1": :disconnect, "guy@127.0.0.1": :connection_closed] do
      test "what `global` disconnects is dialled again soon, and not called a purpose (#{reason})",
           %{fake: fake} do
        fake = start(fake, quiet: 3_600_000)
        FakeSidecar.ready(fake, [FakeSidecar.peer("#{unquote(node)}")])
        assert_dial(unquote(node)) |> answer(true)
        assert :ok = GossipCluster.await(@name)

        # A third node tells `global` that it has lost this one: that is noted before anything is disconnected.
        send(:global_name_server, {:lost_connection, :"abe@127.0.0.1", 1, 1, unquote(node)})
        key = {:"abe@127.0.0.1", unquote(node)}
        eventually(fn -> :ets.lookup(:global_lost_connections, key) != [] end)

        log =
          capture_log(fn ->
            send(@name, {:nodedown, unquote(node), [nodedown_reason: unquote(reason)]})
            assert_dial(unquote(node))
          end)

        assert log =~ "NODEDOWN"
        refute log =~ "quiet"
      end
    end
  end
end
