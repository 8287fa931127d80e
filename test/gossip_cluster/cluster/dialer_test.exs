defmodule GossipCluster.Cluster.DialerTest do
  # The policy, in tables of scripted times (milliseconds).
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Dialer
  alias GossipCluster.Peer

  @own %{name: "m@x", long_names: false, tls: false}

  defp dialer(own \\ @own), do: Dialer.own(Dialer.new(0, 1), own, 0)
  defp peer(name, changes \\ []), do: struct!(%Peer{name: name, creation: 1}, changes)
  defp names(peers), do: Enum.map(peers, & &1.name)

  # Runs the clock to `until`, calling due/2 whenever the dialer wants it; every dial ends as `answer` says, at once.
  # Returns {time, name} of each dial.
  defp run(dialer, from, until, answer) do
    case Dialer.deadline(dialer, from) do
      at when is_integer(at) and at <= until ->
        now = max(at, from)
        {peers, dialer} = Dialer.due(dialer, now)
        # Some are due; or they have to wait for the budget, until a later time.
        assert peers != [] or Dialer.deadline(dialer, now) > now, "nothing was due at #{now}"

        dialer =
          Enum.reduce(peers, dialer, fn peer, dialer ->
            case answer.(peer.name, now) do
              :pending -> dialer
              result -> Dialer.result(dialer, peer.name, result, now)
            end
          end)

        {dials, dialer} = run(dialer, now, until, answer)
        {for(peer <- peers, do: {now, peer.name}) ++ dials, dialer}

      _later_or_never ->
        {[], dialer}
    end
  end

  defp failed(_name, _now), do: :failed

  describe "who dials first" do
    test "the lower name at once, the higher after 1.2 s" do
      for {name, at} <- [{"z@x", 1_000}, {"n@x", 1_000}, {"a@x", 2_200}, {"M@x", 2_200}] do
        dialer = Dialer.listed(dialer(), peer(name), 1_000)
        assert Dialer.deadline(dialer, 1_000) == at
        assert {[], dialer} = Dialer.due(dialer, at - 1)
        assert {[%Peer{name: ^name}], dialer} = Dialer.due(dialer, at)
        assert Dialer.connection(dialer, name) == :connecting
        assert {[], dialer} = Dialer.due(dialer, at + 100_000)
        assert Dialer.deadline(dialer, at) == nil
      end
    end

    test "the higher does not dial when the lower has connected meanwhile" do
      dialer = dialer() |> Dialer.listed(peer("a@x"), 0) |> Dialer.connected("a@x", 10)
      assert Dialer.connection(dialer, "a@x") == :connected
      assert Dialer.deadline(dialer, 10) == nil
      assert {[], _} = Dialer.due(dialer, 10_000)
    end

    test "one that is connected before it is listed is not dialled" do
      dialer = dialer() |> Dialer.connected("z@x", 0) |> Dialer.listed(peer("z@x"), 5)
      assert Dialer.deadline(dialer, 5) == nil
      assert Dialer.connected_count(dialer) == 1
    end

    test "nobody is dialled until this node is alive, then all in their order" do
      dialer = Enum.reduce(~w(a@x z@x), Dialer.new(0, 1), &Dialer.listed(&2, peer(&1), 0))
      assert Dialer.connection(dialer, "z@x") == {:skipped, :not_alive}
      assert Dialer.deadline(dialer, 0) == nil
      dialer = Dialer.own(dialer, @own, 5_000)
      assert {[%Peer{name: "z@x"}], dialer} = Dialer.due(dialer, 5_000)
      assert {[%Peer{name: "a@x"}], dialer} = Dialer.due(dialer, 6_200)
      # And nobody any more once it is not.
      dialer = dialer |> Dialer.result("a@x", :failed, 6_300) |> Dialer.own(nil, 6_400)
      assert Dialer.connection(dialer, "a@x") == {:skipped, :not_alive}
      assert Dialer.deadline(dialer, 6_400) == nil
    end

    test "what does not matter to dialling changes nothing" do
      dialer = Dialer.listed(dialer(), peer("a@x"), 0)

      assert Dialer.own(dialer, Map.merge(@own, %{creation: 7, port: 1, cookie: "c"}), 100) ==
               dialer

      # Neither does a peer whose status changes put off or hasten its dial.
      assert Dialer.deadline(Dialer.listed(dialer, peer("a@x", status: :suspect), 200), 200) ==
               1_200
    end
  end

  describe "who is not dialled" do
    for {reason, own, changes} <- [
          {:conflict, %{}, [name: "m@x"]},
          {:bad_name, %{}, [name: "no name"]},
          {:name_type, %{}, [long_names: true]},
          {:name_type, %{long_names: true}, []},
          {:tls, %{}, [tls: true]},
          {:tls, %{tls: true}, []},
          {:cookie, %{}, [cookie: :differs]}
        ] do
      test "#{reason}, own #{inspect(own)}, peer #{inspect(changes)}" do
        own = Map.merge(@own, unquote(Macro.escape(own)))
        peer = struct!(peer("z@x"), unquote(changes))
        dialer = Dialer.listed(dialer(own), peer, 0)
        assert Dialer.connection(dialer, peer.name) == {:skipped, unquote(reason)}
        assert {[], _} = run(dialer, 0, 100_000, &failed/2)
      end
    end

    test "one is dialled as soon as the reason is gone" do
      dialer = Dialer.listed(dialer(), peer("z@x", cookie: :differs), 0)
      dialer = Dialer.listed(dialer, peer("z@x", cookie: :same), 700)
      assert {[%Peer{}], _} = Dialer.due(dialer, 700)
    end

    test "two lives of one name, until one is gone" do
      dialer =
        dialer() |> Dialer.listed(peer("z@x"), 0) |> Dialer.listed(peer("z@x", creation: 2), 0)

      assert Dialer.connection(dialer, "z@x") == {:skipped, :conflict}
      assert Dialer.deadline(dialer, 0) == nil
      dialer = Dialer.unlisted(dialer, peer("z@x"), 50)
      assert {[%Peer{creation: 2}], _} = Dialer.due(dialer, 50)
    end

    test "a name in conflict that is listed once" do
      dialer = dialer() |> Dialer.listed(peer("z@x"), 0) |> Dialer.conflict("z@x", 1)
      assert Dialer.connection(dialer, "z@x") == {:skipped, :conflict}
      assert Dialer.conflict(dialer, "unknown@x", 1) == dialer
      assert {[%Peer{}], settled} = Dialer.due(Dialer.settled(dialer, "z@x", 2), 2)
      assert Dialer.settled(settled, "z@x", 2) == settled
      assert Dialer.settled(settled, "unknown@x", 2) == settled
    end

    test "one that `accept` refused, until its tags change, which make no failed dial forgotten" do
      {[_], dialer} = dialer() |> Dialer.listed(peer("z@x"), 0) |> Dialer.due(0)
      dialer = Dialer.result(dialer, "z@x", :refused, 5)
      assert Dialer.deadline(dialer, 5) == nil
      dialer = Dialer.listed(dialer, peer("z@x", tags: %{"role" => "db"}), 10)
      assert {[%Peer{tags: %{"role" => "db"}}], dialer} = Dialer.due(dialer, 10)
      dialer = Dialer.result(dialer, "z@x", :failed, 20)
      dialer = Dialer.listed(dialer, peer("z@x", tags: %{"role" => "web"}), 30)
      assert Dialer.failures(dialer, "z@x") == 1
      assert {[], _dialer} = Dialer.due(dialer, 390)
    end

    test "one whose tags change while `accept` is asked is asked for again, whatever that said" do
      for status <- [:alive, :suspect] do
        {[_], dialer} = dialer() |> Dialer.listed(peer("z@x"), 0) |> Dialer.due(0)
        dialer = Dialer.listed(dialer, peer("z@x", status: status, tags: %{"role" => "db"}), 1)
        dialer = Dialer.result(dialer, "z@x", :refused, 2)
        assert Dialer.connection(dialer, "z@x") == :waiting
        assert {[%Peer{tags: %{"role" => "db"}}], dialer} = Dialer.due(dialer, 1_000)
        dialer = Dialer.result(dialer, "z@x", :refused, 1_001)
        assert Dialer.connection(dialer, "z@x") == {:skipped, :refused}
      end
    end

    test "one that `accept` refused, until it changes" do
      dialer = Dialer.listed(dialer(), peer("z@x"), 0)
      {[_], dialer} = Dialer.due(dialer, 0)
      dialer = Dialer.result(dialer, "z@x", :refused, 5)
      assert Dialer.connection(dialer, "z@x") == {:skipped, :refused}
      dialer = Dialer.listed(dialer, peer("z@x", status: :stalled), 10)
      assert Dialer.connection(dialer, "z@x") == {:skipped, :refused}
      dialer = Dialer.listed(dialer, peer("z@x", port: 5), 20)
      assert {[%Peer{port: 5}], _} = Dialer.due(dialer, 20)
    end

    test "one that is gone; what its last dial comes to is no matter" do
      dialer = Dialer.listed(dialer(), peer("z@x"), 0)
      {[_], dialer} = Dialer.due(dialer, 0)
      dialer = Dialer.unlisted(dialer, peer("z@x"), 5)
      dialer = Dialer.result(dialer, "z@x", :failed, 10)
      assert {[], _} = run(dialer, 10, 100_000, &failed/2)
      # One that was never listed is no matter either.
      assert Dialer.unlisted(dialer, peer("never@x"), 20) == dialer
    end

    test "one that is gone and waits" do
      dialer = dialer() |> Dialer.listed(peer("a@x"), 0) |> Dialer.unlisted(peer("a@x"), 5)
      assert Dialer.deadline(dialer, 5) == nil
    end
  end

  describe "a dial that fails" do
    test "is repeated for ever, each time after twice as long, up to 30 s, give or take a quarter" do
      {dials, _dialer} = dialer() |> Dialer.listed(peer("z@x"), 0) |> run(0, 3_600_000, &failed/2)
      times = Enum.map(dials, &elem(&1, 0))
      gaps = times |> Enum.zip(tl(times)) |> Enum.map(fn {a, b} -> b - a end)

      for {gap, delay} <- Enum.zip(gaps, [500, 1_000, 2_000, 4_000, 8_000, 16_000]),
          do: assert(gap in round(delay * 0.75)..round(delay * 1.25), "#{gap} after #{delay}")

      late = Enum.drop(gaps, 6)
      assert Enum.all?(late, &(&1 in 22_500..37_500))
      assert length(late) > 90
      # Jittered: they are not all the same.
      assert length(Enum.uniq(late)) > 50
    end

    test "starts anew when the odds have changed" do
      changes = [
        port: 7,
        boot: "other",
        addresses: [{{192, 0, 2, 1}, 1, 1}],
        cookie: :same,
        creation: 9
      ]

      for change <- changes do
        dialer = dialer() |> Dialer.listed(peer("z@x"), 0)
        {dials, dialer} = run(dialer, 0, 60_000, &failed/2)
        assert Dialer.failures(dialer, "z@x") == length(dials)

        dialer =
          if change == {:creation, 9},
            do: Dialer.unlisted(dialer, peer("z@x"), 60_001),
            else: dialer

        dialer = Dialer.listed(dialer, peer("z@x", [change]), 60_001)
        assert Dialer.failures(dialer, "z@x") == 0
        assert {[%Peer{}], _} = Dialer.due(dialer, 60_001)
      end

      # Those of this node, too: nobody was reached by the name that it had.
      dialer = dialer() |> Dialer.listed(peer("z@x"), 0)
      {[_ | _], dialer} = run(dialer, 0, 60_000, &failed/2)
      dialer = Dialer.own(dialer, %{name: "b@x", long_names: false, tls: false}, 60_001)
      assert Dialer.failures(dialer, "z@x") == 0
      assert {[%Peer{}], _} = Dialer.due(dialer, 60_001)
    end

    test "and then works, or is connected by the other side, is over" do
      dialer = Dialer.listed(dialer(), peer("z@x"), 0)
      {_dials, dialer} = run(dialer, 0, 10_000, &failed/2)
      dialer = Dialer.connected(dialer, "z@x", 10_000)
      assert Dialer.deadline(dialer, 10_000) == nil
      assert Dialer.failures(dialer, "z@x") == 0
    end
  end

  describe "news of a peer" do
    # Fails until `until`; the last dial was then.
    defp failing(name, until) do
      {dials, dialer} = dialer() |> Dialer.listed(peer(name), 0) |> run(0, until, &failed/2)
      {at, ^name} = List.last(dials)
      {at, dialer}
    end

    test "forgets the backoff: dialled at once, the higher name after its wait" do
      for {name, wait} <- [{"z@x", 0}, {"a@x", 1_200}] do
        {at, dialer} = failing(name, 200_000)
        assert Dialer.deadline(dialer, at) > at + 20_000
        heard = at + 5_000
        dialer = Dialer.refreshed(dialer, peer(name), heard)
        assert Dialer.failures(dialer, name) == 0
        {dials, _dialer} = run(dialer, heard, heard + 2_000, &failed/2)
        # At once, then after half a second, then a second, as from the start.
        assert [{first, ^name}, {second, ^name} | _] = dials
        assert first == heard + wait
        assert (second - first) in 375..625
      end
    end

    test "ends no wait that is no backoff, wakes nobody who is not to be dialled, and knows who is listed" do
      waiting = Dialer.listed(dialer(), peer("a@x"), 0)
      assert Dialer.refreshed(waiting, peer("a@x"), 10) == waiting

      connected = Dialer.connected(waiting, "a@x", 10)
      assert Dialer.refreshed(connected, peer("a@x"), 20) == connected

      quiet = Dialer.disconnected(connected, "a@x", 30, 30_000)
      assert Dialer.deadline(Dialer.refreshed(quiet, peer("a@x"), 40), 40) == 30_030

      skipped = Dialer.listed(dialer(), peer("a@x", cookie: :differs), 0)
      assert Dialer.refreshed(skipped, peer("a@x", cookie: :differs), 10) == skipped

      assert Dialer.refreshed(dialer(), peer("never@x"), 10) == dialer()
    end

    test "that it does not answer is no reason" do
      {at, dialer} = failing("z@x", 200_000)

      for status <- [:suspect, :stalled],
          do: assert(Dialer.refreshed(dialer, peer("z@x", status: status), at + 5_000) == dialer)
    end

    test "while a dial runs: the next follows when that one fails" do
      for {name, wait} <- [{"z@x", 0}, {"a@x", 1_200}] do
        {at, dialer} = failing(name, 200_000)
        due = Dialer.deadline(dialer, at)
        assert {[%Peer{name: ^name}], dialer} = Dialer.due(dialer, due)
        dialer = Dialer.refreshed(dialer, peer(name), due + 3_000)
        assert Dialer.connection(dialer, name) == :connecting
        assert Dialer.deadline(dialer, due + 3_000) == nil

        dialer = Dialer.result(dialer, name, :failed, due + 7_000)
        assert Dialer.deadline(dialer, due + 7_000) == due + 7_000 + wait
        # And once only.
        assert {[%Peer{name: ^name}], dialer} = Dialer.due(dialer, due + 7_000 + wait)
        dialer = Dialer.result(dialer, name, :failed, due + 7_500)
        assert (Dialer.deadline(dialer, due + 7_500) - (due + 7_500)) in 375..625

        # A name that is listed anew while its dial still runs.
        {at, dialer} = failing(name, 200_000)
        {[_], dialer} = Dialer.due(dialer, Dialer.deadline(dialer, at))
        dialer = dialer |> Dialer.unlisted(peer(name), due) |> Dialer.listed(peer(name), due)
        dialer = Dialer.refreshed(dialer, peer(name), due)
        dialer = Dialer.result(dialer, name, :failed, due + 100)
        assert Dialer.deadline(dialer, due + 100) == due + 100 + wait
      end
    end

    test "again and again makes no storm" do
      # An update every 10 ms, and each dial fails at once.
      {_at, dialer} = failing("z@x", 200_000)

      {times, _dialer} =
        Enum.flat_map_reduce(200_000..210_000//10, dialer, fn now, dialer ->
          {peers, dialer} = Dialer.due(Dialer.refreshed(dialer, peer("z@x"), now), now)

          dialer =
            Enum.reduce(peers, dialer, fn _, d -> Dialer.result(d, "z@x", :failed, now) end)

          {for(_ <- peers, do: now), dialer}
        end)

      # Two a second: its own first repetition comes after half a second, the updates add none within a second.
      assert length(times) in 10..21
      gaps = times |> Enum.zip(tl(times)) |> Enum.map(fn {a, b} -> b - a end)
      assert Enum.min(gaps) >= 375
    end

    test "a peer is doubted from a failure, or a lost connection, until it is connected" do
      dialer = Dialer.listed(dialer(), peer("z@x"), 0)
      refute Dialer.doubted?(dialer, "z@x")
      {[_], dialer} = Dialer.due(dialer, 0)
      dialer = Dialer.result(dialer, "z@x", :failed, 10)
      assert Dialer.doubted?(dialer, "z@x")
      assert Dialer.doubted?(Dialer.refreshed(dialer, peer("z@x"), 20), "z@x")
      dialer = Dialer.connected(dialer, "z@x", 30)
      refute Dialer.doubted?(dialer, "z@x")
      dialer = Dialer.disconnected(dialer, "z@x", 40)
      assert Dialer.doubted?(dialer, "z@x")
      refute Dialer.doubted?(dialer, "never@x")
    end
  end

  describe "a lost connection" do
    # The bound is a second: there is time left for the dial itself.
    test "is dialled again within a second, the higher name a little later" do
      for {name, range} <- [{"z@x", 400..600}, {"a@x", 700..900}] do
        dialer = dialer() |> Dialer.listed(peer(name), 0) |> Dialer.connected(name, 10)
        dialer = Dialer.disconnected(dialer, name, 10_000)
        assert Dialer.connection(dialer, name) == :waiting
        assert (Dialer.deadline(dialer, 10_000) - 10_000) in range
      end
    end

    test "of one that has left is not" do
      dialer = dialer() |> Dialer.listed(peer("z@x"), 0) |> Dialer.connected("z@x", 10)
      dialer = dialer |> Dialer.unlisted(peer("z@x"), 20) |> Dialer.disconnected("z@x", 20)
      assert Dialer.deadline(dialer, 20) == nil
      # The other order too.
      dialer = dialer() |> Dialer.listed(peer("z@x"), 0) |> Dialer.connected("z@x", 10)
      dialer = dialer |> Dialer.disconnected("z@x", 20) |> Dialer.unlisted(peer("z@x"), 20)
      assert Dialer.deadline(dialer, 20) == nil
    end

    test "on purpose is left alone for the quiet period, whatever else happens" do
      for name <- ["a@x", "z@x"] do
        dialer = dialer() |> Dialer.listed(peer(name), 0) |> Dialer.connected(name, 10)
        dialer = Dialer.disconnected(dialer, name, 1_000, 30_000)
        assert Dialer.connection(dialer, name) == :waiting
        assert Dialer.deadline(dialer, 1_000) == 31_000
        # Changed odds, and being listed anew, do not end it.
        dialer = Dialer.listed(dialer, peer(name, port: 5), 2_000)
        assert Dialer.deadline(dialer, 2_000) == 31_000
        again = dialer |> Dialer.unlisted(peer(name), 3_000) |> Dialer.listed(peer(name), 4_000)
        assert Dialer.deadline(again, 4_000) == 31_000
        assert {[], _} = Dialer.due(again, 30_999)
        assert {[%Peer{name: ^name}], _} = Dialer.due(again, 31_000)

        # A new life of the peer, and a connection that somebody makes, do.
        new = Dialer.unlisted(dialer, peer(name), 3_000)
        new = Dialer.listed(new, peer(name, creation: 2), 4_000)
        assert Dialer.deadline(new, 4_000) in [4_000, 5_200]
        made = dialer |> Dialer.connected(name, 5_000) |> Dialer.disconnected(name, 6_000)
        assert Dialer.deadline(made, 6_000) <= 8_000
      end

      # Who is not listed is nobody's concern.
      assert Dialer.disconnected(dialer(), "b@x", 0, 30_000) == dialer()
    end

    test "is left alone from when the other side says that it was on purpose" do
      for name <- ["a@x", "z@x"] do
        lost = dialer() |> Dialer.listed(peer(name), 0) |> Dialer.connected(name, 10)
        lost = Dialer.disconnected(lost, name, 1_000)
        refute Dialer.quiet?(lost, name, 1_100)
        quiet = Dialer.leave_alone(lost, name, 1_100, 30_000)
        assert Dialer.deadline(quiet, 1_100) == 31_100
        assert Dialer.quiet?(quiet, name, 31_099)
        refute Dialer.quiet?(quiet, name, 31_100)
        # Where that is not respected it is dialled when it was to be.
        assert Dialer.deadline(Dialer.leave_alone(lost, name, 1_100, 0), 1_100) ==
                 Dialer.deadline(lost, 1_100)

        # A dial that runs goes on: should it fail, the next one waits.
        {[%Peer{}], dialling} = Dialer.due(lost, 3_000)
        dialling = Dialer.leave_alone(dialling, name, 3_100, 30_000)
        assert Dialer.connection(dialling, name) == :connecting
        failed = Dialer.result(dialling, name, :failed, 3_200)
        assert Dialer.deadline(failed, 3_200) == 33_100
        # Of one that is connected, or not listed, there is nothing to wait for.
        up = Dialer.connected(lost, name, 1_200)
        assert Dialer.connection(Dialer.leave_alone(up, name, 1_300, 9), name) == :connected
        assert Dialer.leave_alone(dialer(), name, 1_300, 9) == dialer()
        refute Dialer.quiet?(dialer(), name, 1_300)
      end
    end

    test "that only the list of nodes tells of is dialled again, and the other way round" do
      dialer = Enum.reduce(~w(y@x z@x), dialer(), &Dialer.listed(&2, peer(&1), 0))
      {_dials, dialer} = run(dialer, 0, 0, fn _, _ -> :connected end)
      assert Dialer.connected_count(dialer) == 2
      assert {[], ^dialer} = Dialer.live(dialer, ["z@x", "y@x"], 10)
      assert {["y@x", "other@x"], dialer} = Dialer.live(dialer, ["z@x", "other@x"], 20)
      assert Dialer.connection(dialer, "y@x") == :waiting
      # Who is connected but not listed does not count.
      assert Dialer.connected_count(dialer) == 1
      assert {["y@x"], dialer} = Dialer.live(dialer, ["z@x", "other@x", "y@x"], 30)
      assert Dialer.deadline(dialer, 30) == nil
    end
  end

  describe "bounds" do
    test "a crowd of black holes never keeps a newcomer waiting" do
      holes = for n <- 1..1_000, do: "n#{n}@x"
      dialer = Enum.reduce(holes, dialer(), &Dialer.listed(&2, peer(&1), 0))

      # Each first dial takes 7 s; none of them comes back before the test's end but by failing then.
      {dials, dialer} = run(dialer, 0, 6_999, fn _, _ -> :pending end)
      assert length(dials) == 256

      dialer =
        Enum.reduce(dials, dialer, fn {_at, name}, d -> Dialer.result(d, name, :failed, 7_000) end)

      {more, dialer} = run(dialer, 7_000, 13_999, fn _, _ -> :pending end)
      # The others have had their first dial, and of those that failed 32 have a second.
      {firsts, retries} =
        Enum.split_with(more, fn {_at, name} -> name not in Enum.map(dials, &elem(&1, 1)) end)

      assert length(firsts) == 256
      assert length(retries) == 32
      # A few end, and a newcomer comes.
      dialer =
        firsts
        |> Enum.take(1)
        |> Enum.reduce(dialer, fn {_, name}, d -> Dialer.result(d, name, :failed, 14_000) end)

      assert {[_one], _} = Dialer.due(dialer, 14_000)
    end

    test "all who failed once, a newcomer is dialled at once" do
      holes = for n <- 1..200, do: "n#{n}@x"
      dialer = Enum.reduce(holes, dialer(), &Dialer.listed(&2, peer(&1), 0))
      answer = fn _name, now -> if now < 300_000, do: :failed, else: :pending end
      {_dials, dialer} = run(dialer, 0, 340_000, answer)
      assert Enum.count(holes, &(Dialer.connection(dialer, &1) == :connecting)) == 32
      dialer = Dialer.listed(dialer, peer("z@x"), 340_000)
      assert {[%Peer{name: "z@x"}], _} = Dialer.due(dialer, 340_000)
    end

    test "no more than 256 at once and 200 a second are begun" do
      peers = for n <- 1..2_000, do: peer("n#{n}@x")
      dialer = Enum.reduce(peers, dialer(), &Dialer.listed(&2, &1, 0))
      {dials, _dialer} = run(dialer, 0, 60_000, fn _, _ -> :connected end)
      assert length(dials) == 2_000
      assert Enum.uniq(Enum.map(dials, &elem(&1, 1))) |> length() == 2_000

      for second <- 0..8 do
        begun =
          Enum.count(dials, fn {at, _} -> at in (second * 1_000)..(second * 1_000 + 999) end)

        assert begun <= if(second == 0, do: 456, else: 201)
      end
    end

    test "the longest due comes first" do
      dialer = Dialer.listed(dialer(), peer("y@x"), 100) |> Dialer.listed(peer("z@x"), 50)
      assert {due, _} = Dialer.due(dialer, 200)
      assert names(due) == ["z@x", "y@x"]
    end
  end

  # Whatever happens, in whatever order: bounds hold, nothing waits unseen, and nobody is dialled who must not be.
  test "random histories" do
    seed = :rand.uniform(1_000_000_000)

    for n <- 1..100 do
      :rand.seed(:exsss, seed + n)
      all = for k <- 1..6, do: "#{Enum.random(~w(a z))}#{k}@x"

      step = fn _, {dialer, now, listed, running} ->
        name = Enum.random(all)
        one = peer(name, creation: Enum.random(1..2), cookie: Enum.random([:same, :differs]))

        {dialer, listed, running} =
          case Enum.random(1..11) do
            k when k <= 3 ->
              {Dialer.listed(dialer, one, now),
               Map.update(listed, name, [one.creation], &Enum.uniq([one.creation | &1])), running}

            4 ->
              left = List.delete(listed[name] || [], one.creation)

              listed =
                if left == [], do: Map.delete(listed, name), else: Map.put(listed, name, left)

              {Dialer.unlisted(dialer, one, now), listed, running}

            5 ->
              {Dialer.connected(dialer, name, now), listed, running}

            6 ->
              {Dialer.disconnected(dialer, name, now), listed, running}

            7 ->
              {_, dialer} = Dialer.live(dialer, Enum.take_random(all, 3), now)
              {dialer, listed, running}

            8 ->
              {Dialer.own(dialer, Enum.random([nil, @own, @own]), now), listed, running}

            9 ->
              {Dialer.refreshed(dialer, one, now), listed, running}

            10 ->
              {Dialer.leave_alone(Dialer.disconnected(dialer, name, now), name, now, 5_000),
               listed, running}

            11 ->
              case Enum.take_random(running, 1) do
                [name] ->
                  result = Enum.random([:connected, :failed, :refused])
                  {Dialer.result(dialer, name, result, now), listed, List.delete(running, name)}

                [] ->
                  {dialer, listed, running}
              end
          end

        {due, dialer} = Dialer.due(dialer, now)

        for peer <- due do
          assert is_map_key(listed, peer.name), "seed #{seed + n}: dialled one that is not listed"
          refute peer.name in running, "seed #{seed + n}: dialled twice at a time"
          assert peer.cookie == :same, "seed #{seed + n}: dialled another's cookie"
          assert Dialer.connection(dialer, peer.name) == :connecting, "seed #{seed + n}"
        end

        # Whoever waits has a time.
        if Enum.any?(Map.keys(listed), &(Dialer.connection(dialer, &1) == :waiting)),
          do:
            assert(
              is_integer(Dialer.deadline(dialer, now)),
              "seed #{seed + n}: one waits for ever"
            )

        {dialer, now + Enum.random(0..700), listed, running ++ names(due)}
      end

      Enum.reduce(1..80, {dialer(), 0, %{}, []}, step)
    end
  end
end
