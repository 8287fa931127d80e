defmodule GossipCluster.Cluster.RosterTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.{Packed, Roster}
  alias GossipCluster.Peer

  defp peer(name, changes \\ []), do: struct!(%Peer{name: name, creation: 1, boot: "b1"}, changes)

  # Who is missing, as it is told in its turn.
  defp told({roster, events}) do
    {roster,
     Enum.map(events, fn
       {:missing, name, packed} -> {:down, Packed.unpack(name, packed), :silent}
       event -> event
     end)}
  end

  defp expire(roster, now), do: told(Roster.expire(roster, now))

  # Applies events one after the other; returns what was yielded by the last.
  defp fold(roster, events),
    do: Enum.reduce(events, {roster, []}, fn event, {r, _} -> told(Roster.apply(r, event)) end)

  defp snapshot(roster, peers) do
    {roster, events} = Roster.apply(roster, {:snapshot, :first, peers})
    {roster, more} = told(Roster.apply(roster, :snapshot_end))
    {roster, events ++ more}
  end

  test "up, update and down, each yielded once" do
    a = peer("a@x")
    {roster, [{:up, ^a}]} = Roster.apply(Roster.new(1000), {:up, a})
    {roster, []} = Roster.apply(roster, {:up, a})
    {roster, []} = Roster.apply(roster, {:update, a})
    moved = %{a | port: 5}
    {roster, [{:update, ^moved}]} = Roster.apply(roster, {:update, moved})
    assert Roster.list(roster) == [moved]
    {roster, [{:down, ^moved, :left}]} = Roster.apply(roster, {:down, moved, :left})
    {roster, []} = Roster.apply(roster, {:down, moved, :left})
    assert Roster.list(roster) == [] and Roster.size(roster) == 0
  end

  # Where a peer is heard first may be another link than the one that others told of.
  test "that a peer is heard in person is no news, but what is new of it is" do
    a = peer("a@x", heard: false, addresses: [{{10, 0, 0, 1}, 4, 2}])
    {roster, [{:up, ^a}]} = Roster.apply(Roster.new(1000), {:up, a})
    heard = %{a | heard: true}
    assert {_, [{:heard, ^heard}]} = Roster.apply(roster, {:heard, heard})
    elsewhere = %{heard | addresses: [{{10, 0, 0, 1}, 4, 3}]}

    assert {roster, [{:update, ^elsewhere}, {:heard, ^elsewhere}]} =
             Roster.apply(roster, {:heard, elsewhere})

    assert Roster.list(roster) == [elsewhere]
    assert {_, []} = Roster.apply(Roster.new(1000), {:heard, elsewhere})
  end

  test "an update of a peer that was not listed lists it" do
    a = peer("a@x")
    assert {_, [{:up, ^a}]} = Roster.apply(Roster.new(1000), {:update, a})
  end

  test "two lives of one name are two entries, and each ends alone" do
    {old, new} = {peer("a@x"), peer("a@x", creation: 2)}
    {roster, [{:up, ^new}]} = fold(Roster.new(1000), up: old, up: new)
    assert Roster.named(roster, "a@x") == [old, new] and Roster.size(roster) == 2
    {roster, [{:down, ^old, :silent}]} = Roster.apply(roster, {:down, old, :silent})
    assert Roster.named(roster, "a@x") == [new]
  end

  test "a conflict is passed on and lists nobody" do
    {a, b} = {peer("a@x"), peer("a@x", creation: 2)}
    assert {roster, [{:conflict, ^a, ^b}]} = Roster.apply(Roster.new(1000), {:conflict, a, b})
    assert {roster, [{:settled, ^a}]} = Roster.apply(roster, {:settled, a})
    assert Roster.size(roster) == 0
  end

  test "a snapshot of the same sidecar is the truth: who is missing is gone, who is new is up" do
    [a, b, c] = for name <- ~w(a@x b@x c@x), do: peer(name)
    {roster, _} = fold(Roster.new(1000), up: a, up: b)
    assert {roster, [{:up, ^c}, {:down, ^a, :silent}]} = snapshot(roster, [b, c])
    assert Roster.list(roster) == [b, c]
  end

  test "a snapshot comes in pages, and what happens between them counts" do
    [a, b, c, d] = for name <- ~w(a@x b@x c@x d@x), do: peer(name)
    {roster, _} = fold(Roster.new(1000), up: a, up: b, up: c)

    {roster, events} =
      fold(roster, [
        {:snapshot, :first, [a]},
        {:up, d},
        {:snapshot, :more, [b]},
        {:down, b, :left},
        :snapshot_end
      ])

    assert events == [{:down, c, :silent}]
    assert Roster.list(roster) == [a, d]
    # An end without a beginning means nothing.
    assert {^roster, []} = Roster.apply(roster, :snapshot_end)
  end

  test "a new sidecar that lists the same peers yields nothing" do
    [a, b] = for name <- ~w(a@x b@x), do: peer(name)
    {roster, _} = fold(Roster.new(1000), up: a, up: b)
    roster = Roster.new_sidecar(roster, 0)
    {roster, []} = snapshot(roster, [])
    assert Roster.list(roster) == [a, b]
    {roster, []} = Roster.apply(roster, {:up, a})
    {roster, []} = expire(roster, 9_999)
    assert {roster, [{:down, ^b, :silent}]} = expire(roster, 10_000)
    assert {^roster, []} = expire(roster, 100_000)
    assert Roster.list(roster) == [a]
  end

  test "a peer whose sidecar was restarted too is updated, not lost" do
    a = peer("a@x")
    {roster, _} = Roster.apply(Roster.new(1000), {:up, a})
    other = %{a | boot: "b2"}

    assert {roster, [{:update, ^other}]} =
             roster |> Roster.new_sidecar(0) |> Roster.apply({:up, other})

    assert {_, []} = expire(roster, 100_000)
  end

  test "a goodbye during the grace is one" do
    a = peer("a@x")
    {roster, _} = Roster.apply(Roster.new(1000), {:up, a})

    assert {roster, [{:down, ^a, :left}]} =
             roster |> Roster.new_sidecar(0) |> Roster.apply({:down, a, :left})

    assert {_, []} = expire(roster, 100_000)
  end

  test "a sidecar that dies again and again does not keep the dead listed" do
    a = peer("a@x")
    {roster, _} = Roster.apply(Roster.new(1000), {:up, a})
    roster = Enum.reduce(0..9, roster, &Roster.new_sidecar(&2, &1 * 1_000))
    assert {_, [{:down, ^a, :silent}]} = expire(roster, 10_000)
  end

  test "peers that are restored wait for their grace from then on, also when the sidecar is opened later" do
    [a, b, c] = for name <- ["a@x", "b@x", "c@x"], do: peer(name)
    roster = Roster.new(1000) |> Roster.restore([a, b], 0) |> Roster.restore([c], 100)
    assert Roster.list(roster) == [a, b, c]
    roster = Roster.new_sidecar(roster, 5_000)
    # A page of it confirms one; the next sidecar has to confirm that one anew.
    {roster, []} = Roster.apply(roster, {:snapshot, :first, [b]})
    roster = Roster.new_sidecar(roster, 6_000)
    # What the first had begun to list is no list of this one's.
    {roster, []} = Roster.apply(roster, :snapshot_end)
    {roster, []} = expire(roster, 9_999)
    {roster, [{:down, ^a, :silent}]} = expire(roster, 10_000)
    {roster, [{:down, ^c, :silent}]} = expire(roster, 10_100)
    {_roster, [{:down, ^b, :silent}]} = expire(roster, 16_000)
  end

  test "a second new sidecar starts a new grace for those that the first has confirmed" do
    a = peer("a@x")
    {roster, _} = Roster.apply(Roster.new(1000), {:up, a})
    {roster, []} = roster |> Roster.new_sidecar(0) |> Roster.apply({:up, a})
    roster = Roster.new_sidecar(roster, 8_000)
    assert {_, []} = expire(roster, 17_999)
    assert {_, [{:down, ^a, :silent}]} = expire(roster, 18_000)
  end

  test "the grace is six intervals, and at least 10 s" do
    for {interval, grace} <- [{100, 10_000}, {1_000, 10_000}, {2_000, 12_000}, {60_000, 360_000}] do
      roster = Roster.restore(Roster.new(interval), [peer("a@x")], 0)
      assert {_, []} = expire(roster, grace - 1)
      assert {_, [{:down, _, :silent}]} = expire(roster, grace)
    end
  end

  test "a peer that began another life while nobody looked is down, and up" do
    {old, new, other} = {peer("a@x"), peer("a@x", creation: 2, boot: "b2"), peer("b@x")}
    {roster, _} = fold(Roster.new(1000), up: old, up: other)
    roster = Roster.new_sidecar(roster, 0)
    assert {roster, [{:down, ^old, :silent}, {:up, ^new}]} = Roster.apply(roster, {:up, new})
    assert Roster.list(roster) == [new, other] and Roster.size(roster) == 2
    assert {_, [{:down, ^other, :silent}]} = expire(roster, 10_000)
    # One that is confirmed lives.
    {roster, _} = fold(Roster.new_sidecar(roster, 0), up: new)
    assert {roster, [{:up, ^old}]} = Roster.apply(roster, {:up, old})
    assert Roster.named(roster, "a@x") == [old, new]
  end

  test "what an earlier owner listed is kept in silence until it is confirmed" do
    a = peer("a@x", connection: :connected)
    roster = Roster.restore(Roster.new(1000), [a], 0)
    assert [%Peer{name: "a@x"}] = Roster.list(roster)
    assert {_, []} = Roster.apply(roster, {:up, peer("a@x")})
  end

  # A release upgrade, and then a crash: the new owner would have crashed again and again.
  test "what an earlier owner listed may have fields fewer, or others" do
    old = peer("a@x", port: 7) |> Map.delete(:tags) |> Map.put(:gone, 1)
    roster = Roster.restore(Roster.new(1000), [old], 0)
    assert Roster.list(roster) == [peer("a@x", port: 7)]
  end

  # Whatever the order: a peer is up before it is updated or down, and never up twice.
  test "random sequences keep the order of a subscriber's events" do
    seed = :rand.uniform(1_000_000_000)

    for n <- 1..200 do
      :rand.seed(:exsss, seed + n)
      names = ~w(a@x b@x c@x)

      step = fn {roster, now} ->
        one = peer(Enum.random(names), creation: Enum.random(1..2), port: Enum.random(0..1))

        {roster, events} =
          case Enum.random(1..8) do
            1 -> Roster.apply(roster, {:down, one, :silent})
            2 -> Roster.apply(roster, {:snapshot, :first, [one]})
            3 -> Roster.apply(roster, :snapshot_end)
            4 -> {Roster.new_sidecar(roster, now), []}
            5 -> Roster.expire(roster, now)
            _ -> Roster.apply(roster, {Enum.random([:up, :update]), one})
          end
          |> told()

        {events, {roster, now + Enum.random(0..4_000)}}
      end

      {events, {roster, _now}} =
        Enum.map_reduce(1..60, {Roster.new(1000), 0}, fn _, acc -> step.(acc) end)

      up =
        for event <- List.flatten(events), reduce: MapSet.new() do
          up ->
            {kind, peer} = {elem(event, 0), elem(event, 1)}
            key = {peer.name, peer.creation}
            assert key in up == (kind != :up), "seed #{seed + n}: #{inspect(event)}"
            if kind == :down, do: MapSet.delete(up, key), else: MapSet.put(up, key)
        end

      assert MapSet.equal?(up, MapSet.new(Roster.list(roster), &{&1.name, &1.creation})),
             "seed #{seed + n}"
    end
  end
end
