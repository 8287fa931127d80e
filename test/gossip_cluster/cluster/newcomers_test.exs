defmodule GossipCluster.Cluster.NewcomersTest do
  # Streams of names that nobody can be reached under, and newcomers among them: what the dialer dials, in scripted
  # times.
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Dialer
  alias GossipCluster.Peer

  defp dialer, do: Dialer.own(Dialer.new(0, 1), %{name: "a@x", long_names: false, tls: false}, 0)
  defp ip(n), do: {198, 51, div(n, 250), rem(n, 250) + 1}

  defp peer(name, ip, changes \\ []),
    do: struct!(%Peer{name: name, creation: 1, port: 1, addresses: [{ip, 1, 1}]}, changes)

  # Calls due/2 whenever the dialer wants it; `events` are {time, function of the dialer}. A dial ends after 5 ms, as
  # `answer` says. Returns {time, name} of each dial.
  defp run(dialer, events, until, answer, dials \\ []) do
    event = List.first(events)
    deadline = Dialer.deadline(dialer, 0)
    at = min(deadline, if(event, do: elem(event, 0)))

    cond do
      at == nil or at > until ->
        {Enum.reverse(dials), dialer}

      event != nil and elem(event, 0) == at ->
        run(elem(event, 1).(dialer, at), tl(events), until, answer, dials)

      true ->
        now = max(at, last(dials))
        {peers, dialer} = Dialer.due(dialer, now)

        ends =
          for peer <- peers,
              do: {now + 5, &Dialer.result(&1, peer.name, answer.(peer.name), &2)}

        events = Enum.sort_by(events ++ ends, &elem(&1, 0))

        run(
          dialer,
          events,
          until,
          answer,
          Enum.reverse(for(p <- peers, do: {now, p.name})) ++ dials
        )
    end
  end

  defp last([{at, _name} | _]), do: at
  defp last([]), do: 0

  # As GossipCluster.Cluster.Peers does.
  defp heard(dialer, peer, now),
    do: dialer |> Dialer.listed(peer, now) |> Dialer.refreshed(peer, now)

  defp list(at, peer), do: {at, &Dialer.listed(&1, peer, &2)}

  test "1,200 names that another tells of, in 75 s: 128 dials at once and two a second, 16 and one in two seconds an address" do
    for {where, most} <- [{&ip/1, 128 + 2 * 75}, {fn _ -> ip(7) end, 16 + 38}] do
      stream =
        for n <- 1..1_200, do: list(div(n * 1_000, 16), peer("n#{n}@x", where.(n), heard: false))

      {dials, _dialer} = run(dialer(), stream, 75_000, fn _ -> :failed end)
      assert length(dials) in (most - 2)..(most + 1)
    end
  end

  test "the same, heard itself: 1,024 and twenty a second, 64 and one a second an address" do
    for {where, most} <- [{&ip/1, 1_024 + 20 * 75 + 256 + 20 * 75}, {fn _ -> ip(7) end, 64 + 75}] do
      stream = for n <- 1..1_200, do: list(div(n * 1_000, 16), peer("n#{n}@x", where.(n)))
      {dials, _dialer} = run(dialer(), stream, 75_000, fn _ -> :failed end)
      assert length(dials) <= most
    end
  end

  test "a newcomer among them is dialled at once, when it is heard or as soon as it is" do
    stream = for n <- 1..1_200, do: list(n * 10, peer("n#{n}@x", ip(rem(n, 3)), heard: false))
    newcomer = peer("new@x", ip(1), heard: false)

    events =
      stream ++
        [
          list(13_000, peer("heard@x", ip(1))),
          list(14_000, newcomer),
          {14_030, &heard(&1, %{newcomer | heard: true}, &2)}
        ]

    {dials, dialer} =
      run(dialer(), events, 20_000, fn name ->
        if name in ["heard@x", "new@x"], do: :connected, else: :failed
      end)

    assert {13_000, "heard@x"} in dials
    assert {14_030, "new@x"} in dials
    assert Dialer.connection(dialer, "new@x") == :connected
  end

  test "1,000 nodes that start at once, of which others tell, are dialled as fast as without a bound" do
    stream = for n <- 1..1_000, do: list(0, peer("n#{n}@x", ip(n), heard: false))
    {dials, _dialer} = run(dialer(), stream, 60_000, fn _ -> :connected end)
    assert length(dials) == 1_000
    # 256 at once, and 200 a second.
    assert dials |> List.last() |> elem(0) <= 3_800
  end

  test "who was connected once is dialled as ever, however much others have spent" do
    known = peer("k@x", ip(1))
    start = dialer() |> Dialer.listed(known, 0) |> Dialer.connected("k@x", 1)
    stream = for n <- 1..600, do: list(10, peer("n#{n}@x", ip(1)))
    {_dials, dialer} = run(start, stream, 5_000, fn _ -> :failed end)
    dialer = Dialer.disconnected(dialer, "k@x", 5_000)

    {dials, _dialer} =
      run(dialer, [], 6_000, fn name -> if name == "k@x", do: :connected, else: :failed end)

    assert Enum.any?(dials, &match?({at, "k@x"} when at <= 5_800, &1))
  end

  test "who waits and is unlisted, or is connected by the other side, is not dialled" do
    stream = for n <- 1..40, do: list(0, peer("n#{n}@x", ip(1), heard: false))
    {dials, dialer} = run(dialer(), stream, 10, fn _ -> :failed end)
    assert length(dials) == 16
    waiting = for n <- 1..40, {0, "n#{n}@x"} not in dials, do: "n#{n}@x"
    [gone, up | _] = waiting
    dialer = dialer |> Dialer.unlisted(peer(gone, ip(1)), 20) |> Dialer.connected(up, 20)
    {dials, _dialer} = run(dialer, [], 200_000, fn _ -> :failed end)
    names = for {_at, name} <- dials, do: name
    assert length(names) > 50
    refute gone in names
    refute up in names
  end
end
