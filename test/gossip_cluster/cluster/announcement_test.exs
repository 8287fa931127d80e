defmodule GossipCluster.Cluster.AnnouncementTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Announcement
  alias GossipCluster.Hidden

  @own %{name: "own@x", creation: 1, long_names: false, tls: false, ipv6: false, hidden: false}

  defp cookie(text \\ "a cookie"), do: Hidden.wrap(text)
  defp keys(text \\ "a key"), do: Hidden.wrap([{:key, text}])

  defp local(changes \\ []) do
    Map.merge(%{own: @own, cookie: cookie(), keys: keys(), by_cookie: false}, Map.new(changes))
  end

  defp look(announcement, local), do: Announcement.update(announcement, local)

  # One that has been told to the sidecar, as far as there is something to tell.
  defp say(announcement),
    do: Enum.reduce(Announcement.changes(announcement), announcement, &Announcement.sent(&2, &1))

  # Where only a ring is told, with what is hidden in it.
  defp changes(announcement),
    do:
      Enum.map(Announcement.changes(announcement), fn {:keys, keys} ->
        {:keys, Hidden.unwrap(keys)}
      end)

  defp announced do
    {:started, announcement} = look(Announcement.new(false), local())

    announcement
    |> Announcement.port_asked()
    |> Announcement.port(4000)
    |> Announcement.host([], nil)
    |> say()
  end

  test "nothing is said before this node is alive, but the ring; then the port is waited for" do
    {:same, announcement} = look(Announcement.new(false), local(own: nil, cookie: nil))
    assert changes(announcement) == [{:keys, [key: "a key"]}]
    refute Announcement.ask_port?(announcement)
    announcement = say(announcement)
    assert Announcement.changes(announcement) == []

    {:started, announcement} = look(announcement, local())
    assert Announcement.ask_port?(announcement)
    announcement = Announcement.port_asked(announcement)
    refute Announcement.ask_port?(announcement)
    assert Announcement.changes(announcement) == []
    announcement = Announcement.port(announcement, 4000)
    # And nobody has looked where this node is.
    assert Announcement.changes(announcement) == []
    announcement = Announcement.host(announcement, [{10, 0, 0, 1}], nil)
    assert [{:alive, alive, _cookie}] = Announcement.changes(announcement)
    assert alive == Map.merge(@own, %{port: 4000, host: {false, [{10, 0, 0, 1}]}, tags: %{}})
    refute Announcement.announced?(announcement)
    announcement = say(announcement)
    assert Announcement.announced?(announcement)
    assert Announcement.changes(announcement) == []
  end

  test "of its host's addresses those come first that its distribution speaks; those of one link, or of one machine, are left out" do
    v4 = for n <- 1..4, do: {10, 0, 0, n}
    v6 = for n <- 1..4, do: {0xFD00, 0, 0, 0, 0, 0, 0, n}
    local = [{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}, {0xFE80, 0, 0, 0, 0, 0, 0, 1}]

    for {ipv6, expected} <- [
          {false, v4 ++ Enum.take(v6, 2)},
          {true, v6 ++ Enum.take(v4, 2)}
        ] do
      {:started, announcement} = look(Announcement.new(false), local(own: %{@own | ipv6: ipv6}))

      assert %{host: {false, ^expected}} =
               Announcement.host(announcement, Enum.sort(local ++ v4 ++ v6), nil)
    end
  end

  test "what is not taken is news again" do
    {:started, announcement} = look(Announcement.new(false), local())
    announcement = announcement |> Announcement.port(0) |> Announcement.host([], nil)
    assert [{:keys, _}, {:alive, _, _}] = news = Announcement.changes(announcement)
    assert Announcement.changes(announcement) == news
  end

  test "another cookie is announced, and another ring told; the ring that the sidecar has outlives the cookie" do
    announcement = announced()
    assert {:same, other} = look(announcement, local(cookie: cookie("another")))
    assert [{:alive, _alive, hidden}] = Announcement.changes(other)
    assert Hidden.unwrap(hidden) == "another"

    assert {:same, other} = look(announcement, local(keys: keys("another")))
    assert changes(other) == [{:keys, [key: "another"]}]

    assert {:stopped, stopped} = look(announcement, local(own: nil, cookie: nil, keys: nil))
    assert Announcement.changes(stopped) == []
    refute Announcement.keys?(stopped)
    refute Announcement.announced?(stopped)
    assert Hidden.same?(stopped.keyed, keys())
  end

  test "another life of this node is announced anew, with its own port" do
    assert {:started, announcement} = look(announced(), local(own: %{@own | creation: 2}))
    assert Announcement.ask_port?(announcement)
    assert Announcement.changes(announcement) == []
    announcement = announcement |> Announcement.port_asked() |> Announcement.port(4001)
    announcement = Announcement.host(announcement, [], nil)
    assert [{:alive, %{creation: 2, port: 4001}, _}] = Announcement.changes(announcement)
  end

  test "a port that nobody knows is asked for twenty times, in 5 s" do
    {:started, announcement} = look(Announcement.new(false), local())
    announcement = Announcement.host(announcement, [], nil)

    asked =
      Stream.iterate(announcement, fn announcement ->
        announcement |> Announcement.port_asked() |> Announcement.port(0)
      end)

    assert asked |> Enum.take_while(&Announcement.ask_port?/1) |> length() == 20
    # And one that is late is announced without until it comes.
    late = announcement |> Announcement.port_asked() |> Announcement.port(:unknown)
    assert [_, {:alive, %{port: 0}, _}] = Announcement.changes(late)
    assert [_, {:alive, %{port: 7}, _}] = Announcement.changes(Announcement.port(late, 7))
    known = announcement |> Announcement.port(7) |> Announcement.port(:unknown)
    assert [_, {:alive, %{port: 7}, _}] = Announcement.changes(known)
  end

  test "a new sidecar knows nothing" do
    forgotten = Announcement.forget(announced())
    refute Announcement.announced?(forgotten)
    assert [{:keys, _}, {:alive, %{port: 4000}, _}] = Announcement.changes(forgotten)
  end

  test "who has left announces itself no more, and dials nobody" do
    assert Announcement.dials_as(announced()) == @own
    left = Announcement.leave(announced())
    refute Announcement.announced?(left)
    assert Announcement.changes(left) == []
    assert Announcement.dials_as(left) == nil
    assert {:started, started} = look(Announcement.new(true), local())
    assert Announcement.dials_as(started) == nil
    assert changes(Announcement.port(started, 1)) == [{:keys, [key: "a key"]}]
  end

  test "who joins again announces itself anew, and dials" do
    left = Announcement.leave(announced())
    back = Announcement.rejoin(left)
    refute Announcement.announced?(back)
    assert [{:alive, %{port: 4000}, _}] = Announcement.changes(back)
    assert Announcement.dials_as(back) == @own
    announced = announced()
    assert Announcement.rejoin(announced) == announced
  end

  describe "where this node is" do
    @lan {10, 0, 0, 1}
    @vpn {10, 8, 0, 1}
    @six {0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}
    @any {0, 0, 0, 0}

    defp host(addresses, listener), do: Announcement.host(announced(), addresses, listener)

    test "its addresses, but those that nobody else can use; IPv4 first" do
      local = [{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}, {0xFE80, 0, 0, 0, 0, 0, 0, 1}]
      assert host([@six, @vpn, @lan | local], {@any, 9100}).host == {false, [@vpn, @lan, @six]}
      assert host([], nil).host == {false, []}
    end

    test "the one that its distribution listens on, alone, comes first; and its port" do
      assert %{host: {true, [@vpn, @lan]}, port: 9100} = host([@lan, @vpn], {@vpn, 9100})
      assert %{host: {true, [{127, 0, 0, 1}, @lan]}} = host([@lan], {{127, 0, 0, 1}, 9100})
      assert %{host: {false, [@lan]}, port: 9100} = host([@lan], {{0, 0, 0, 0, 0, 0, 0, 0}, 9100})
    end

    test "no more than six" do
      many = for n <- 1..20, do: {10, 0, 0, n}
      assert {false, six} = host(many, nil).host
      assert six == Enum.take(many, 6)
      assert {true, [{10, 0, 0, 20} | five]} = host(many, {{10, 0, 0, 20}, 1}).host
      assert length(five) == 5
    end

    test "a change is announced; that nothing was seen is none" do
      announcement = say(host([@lan], {@any, 4000}))
      assert Announcement.changes(Announcement.host(announcement, [], nil)) == []
      moved = Announcement.host(announcement, [@vpn], {@any, 4000})
      assert [{:alive, %{host: {false, [@vpn]}}, _cookie}] = Announcement.changes(moved)
      # The distribution was started anew.
      {:started, announcement} = look(announcement, local(own: %{@own | creation: 2}))
      assert Announcement.changes(Announcement.port(announcement, 4000)) == []
    end
  end
end
