defmodule GossipCluster.Screen.TableTest do
  # The table: rows, columns that fit, lines that fit, and what comes from the network in them.
  use ExUnit.Case, async: true

  alias GossipCluster.Peer
  alias GossipCluster.Screen.{Frame, Happening, Layout, Picture, Rows, Text}

  doctest GossipCluster.Screen.Text
  doctest GossipCluster.Screen.Rows

  @b %Peer{
    name: "b@10.0.0.6",
    creation: 1,
    boot: "01",
    addresses: [{{10, 0, 0, 6}, 45_894, 2}],
    paths: [{10, 0, 0, 6}],
    connected_via: {{10, 0, 0, 6}, 4370},
    connection: :connected,
    round_trip: 310,
    loss: 0.0
  }
  @c %Peer{
    name: "c@10.0.0.7",
    creation: 1,
    boot: "02",
    addresses: [{{0xFD00, 0, 0, 0, 0, 0, 0, 7}, 45_894, 3}],
    paths: [{0xFD00, 0, 0, 0, 0, 0, 0, 7}],
    status: :stalled,
    connection: :waiting,
    problem: {:refused, "its port 4370 refuses connections:\nsee the firewall of its host"},
    round_trip: 2_310_000,
    loss: 0.125
  }
  @odd %Peer{name: "日本語のノード@ホスト", creation: 1, boot: "03", heard: false}

  defp picture(peers, changes \\ %{}) do
    status =
      Map.merge(
        %{
          node: :"a@10.0.0.5",
          cluster: "",
          health: :ok,
          peers: length(peers),
          connected: Enum.count(peers, &(&1.connection == :connected)),
          problems: [],
          sidecar: %{state: :running, version: "0.1.0"},
          interfaces: [{"eth0", 2, "10.0.0.5"}, {"wlan0", 3, "fd00::5"}]
        },
        changes
      )

    %{
      api: GossipCluster,
      name: GossipCluster,
      at: ~U[2026-11-26 12:00:00Z],
      now: 10_000,
      status: status,
      peers: peers,
      measures: %{"01" => {310, 0.0, 9_600}, "02" => {2_310_000, 0.125, nil}},
      versions: %{"b@10.0.0.6" => "0.1.0"}
    }
  end

  defp lines(picture, events \\ [], style) do
    style = Map.merge(%{width: 200, height: nil, colour: false}, Map.new(style))
    picture |> Frame.lines(events, style) |> Enum.map(&IO.iodata_to_binary/1)
  end

  test "a row says all that is known" do
    assert [b, c, odd] = Rows.rows(picture([@c, @odd, @b]))

    assert %{
             name: {"b@10.0.0.6", _},
             address: {"10.0.0.6", _},
             interface: {"eth0", _},
             path: {"10.0.0.6:4370", _},
             state: {"alive", :good},
             heard: {"0.4 s", _},
             round_trip: {"0.31 ms", _},
             loss: {"0 %", _},
             connection: {"connected", :good},
             version: {"0.1.0", _}
           } = b

    assert %{
             address: {"fd00::7", _},
             interface: {"wlan0", _},
             path: {"fd00::7?", :dim},
             state: {"stalled", :warn},
             heard: {"", _},
             round_trip: {"2.3 s", _},
             loss: {"12.5 %", :bad},
             connection: {"its port 4370 refuses connections: see the firewall of its host", :bad}
           } = c

    assert %{state: {"told of", :dim}, address: {"", _}, connection: {"waiting", _}} = odd
  end

  test "the worst comes first, but for names" do
    names = fn order ->
      for row <- Rows.rows(picture([@b, @c, @odd]), order), do: elem(row.name, 0)
    end

    assert ["b@10.0.0.6", "c@10.0.0.7", _odd] = names.(:name)
    assert ["c@10.0.0.7", _odd, "b@10.0.0.6"] = names.(:state)
    assert ["c@10.0.0.7", "b@10.0.0.6", _odd] = names.(:loss)
    assert ["c@10.0.0.7", "b@10.0.0.6", _odd] = names.(:round_trip)
    assert ["b@10.0.0.6", _one, _other] = names.(:heard)
  end

  test "a table of any width fits it, with as much as has room, and the name and the reason always" do
    rows = Rows.rows(picture([@b, @c, @odd]))
    all = Enum.map(Layout.columns(), &elem(&1, 0))

    widths =
      for width <- 20..200 do
        columns = Layout.fit(rows, width)
        keys = Enum.map(columns, &elem(&1, 0))
        assert Enum.filter(all, &(&1 in keys)) == keys
        assert :name in keys and :connection in keys
        sum = Enum.sum(for {_key, _title, _side, each} <- columns, do: each)
        assert sum + Layout.gap() * (length(columns) - 1) <= width

        for line <- lines(picture([@b, @c, @odd]), width: width),
            do: assert(Text.width(line) <= width, line)

        length(columns)
      end

    assert widths == Enum.sort(widths)
    assert List.last(widths) == length(all)
    assert hd(widths) == 2
    # The version goes first.
    keys = rows |> Layout.fit(140) |> Enum.map(&elem(&1, 0))
    assert :version in keys
  end

  test "a column without a word in it is left out" do
    keys = picture([@odd]) |> Rows.rows() |> Layout.fit(200) |> Enum.map(&elem(&1, 0))
    assert keys == [:name, :state, :connection]
  end

  test "lines stand under each other, whatever alphabet a name is of" do
    [titles | rows] = picture([@b, @odd]) |> lines([]) |> Enum.drop(2)
    {at, _length} = :binary.match(titles, "STATE")

    for row <- rows do
      state = if row =~ "alive", do: "alive", else: "told of"
      {before, _length} = :binary.match(row, state)
      assert row |> binary_part(0, before) |> Text.width() == at
    end
  end

  test "the whole fits the height, and says what is not shown" do
    peers = for n <- 10..59, do: %{@b | name: "n#{n}@h", boot: "#{n}"}
    events = for n <- 1..9, do: {"12:00:0#{n}", "event #{n}"}

    for height <- 12..70 do
      lines = lines(picture(peers), events, height: height, help: "q ends")
      assert length(lines) <= height
      shown = Enum.count(lines, &(&1 =~ ~r/^n\d\d@h/))
      more = Enum.find(lines, &(&1 =~ "more"))
      if shown < 50, do: assert(more =~ "… and #{50 - shown} more"), else: assert(more == nil)
      assert List.last(lines) == "q ends"
    end

    # The newest event is the last, and there are five.
    assert [_empty, _5, _4, _3, _2, "12:00:01  event 1"] =
             picture([@b]) |> lines(events, []) |> Enum.take(-6)
  end

  test "colours are asked for, and end where they began" do
    plain = lines(picture([@b, @c]), [])
    refute Enum.any?(plain, &(&1 =~ "\e"))
    painted = lines(picture([@b, @c]), colour: true)
    assert Enum.any?(painted, &(&1 =~ "\e[31m")) and Enum.any?(painted, &(&1 =~ "\e[32m"))
    assert Enum.map(painted, &Regex.replace(~r/\e\[\d*m/, &1, "")) == plain

    for line <- painted do
      [ends, all] = for code <- ["\e[0m", "\e["], do: length(String.split(line, code)) - 1
      assert all == 2 * ends
    end
  end

  test "nothing that comes from the network reaches the terminal as a command" do
    bad = "x\e[2J\r\n\u202Ey\x9B"
    peer = %{@c | name: bad <> "@h", problem: {:other, bad}}
    shown = picture([peer], %{problems: [{nil, :odd, bad}], health: :degraded, cluster: bad})
    text = shown |> lines([{"12:00:00", bad}], []) |> Enum.join()
    assert GossipCluster.Text.seen?(text)
    assert text =~ "\uFFFD[2J"
    assert text =~ "! x"
  end

  test "what is wrong with this node stands above" do
    alone =
      picture([], %{health: :no_network, problems: [{nil, :no_network, "no interface is up"}]})

    assert [head, "! no interface is up", "", "(no peers)"] = lines(alone, [])
    assert head =~ "a@10.0.0.5 · health no_network · 0 peers, 0 connected · gossipd 0.1.0"
    down = picture([], %{sidecar: %{state: :down, version: nil}})
    assert [head | _] = lines(down, [])
    assert head =~ "gossipd is down"
  end

  test "each event is a few words" do
    for {event, text} <- [
          {{:up, @b}, ~s(found :"b@10.0.0.6" at 10.0.0.6)},
          {{:update, @c}, ~s(:"c@10.0.0.7" is stalled)},
          {{:down, @b, :beam_exit}, ~s(lost :"b@10.0.0.6": its Erlang VM has ended)},
          {{:connected, @b}, ~s(NODEUP :"b@10.0.0.6")},
          {{:disconnected, @b, :connection_closed},
           ~s[NODEDOWN :"b@10.0.0.6" (:connection_closed)]},
          {{:problem, nil, {:no_network, "no interface"}}, "no interface"},
          {{:health, :ok}, "this node's health is ok"}
        ],
        do: assert(Happening.text(event) == text)
  end

  test "programs get all of it" do
    status = %{
      announced: true,
      group: "233.252.1.33",
      port: 45_893,
      interval: 1_000,
      tags: %{"role" => "web"}
    }

    text = [@b, @c] |> picture(status) |> Picture.plain() |> GossipCluster.Json.encode()
    assert {:ok, %{"node" => "a@10.0.0.5", "peers" => [b, c]}} = GossipCluster.Json.decode(text)

    assert %{
             "name" => "b@10.0.0.6",
             "round_trip_us" => 310,
             "loss" => +0.0,
             "heard_ms_ago" => 400
           } = b

    assert %{"connected_via" => "10.0.0.6:4370", "version" => "0.1.0", "problem" => nil} = b
    assert %{"problem" => %{"cause" => "refused"}, "connected_via" => nil, "version" => nil} = c
  end
end
