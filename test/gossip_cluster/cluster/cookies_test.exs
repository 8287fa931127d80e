defmodule GossipCluster.Cluster.CookiesTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Cookies
  alias GossipCluster.Hidden

  defp differs, do: Cookies.differs(%Cookies{}, "a@x", 0)

  # What the answers at these times are: {cookie, time} each.
  defp answers(cookies, answers, patience \\ 3_500) do
    Enum.map_reduce(answers, cookies, fn {cookie, now}, cookies ->
      Cookies.answer(cookies, "a@x", cookie, now, patience)
    end)
  end

  test "it is asked for at once, once, and then with all others" do
    assert {["a@x"], cookies} = Cookies.fresh(differs())
    assert {[], cookies} = Cookies.fresh(Cookies.differs(cookies, "a@x", 5))
    assert Cookies.names(cookies) == ["a@x"]
    assert Cookies.names(Cookies.forget(cookies, "b@x")) == ["a@x"]
    assert Cookies.names(Cookies.forget(cookies, "a@x")) == []
  end

  test "where none is held, that is told once, when it has lasted" do
    assert {[:same, :same, :lasted, :same], cookies} =
             answers(differs(), [{nil, 1}, {nil, 3_499}, {nil, 3_500}, {nil, 9_000}])

    assert Cookies.told?(cookies, "a@x")
    assert {_, early} = answers(differs(), [{nil, 3_499}])
    refute Cookies.told?(early, "a@x")
    # However often the group beats: the other side may be about to dial.
    assert {[:same, :same, :lasted], _} =
             answers(differs(), [{nil, 1}, {nil, 1_999}, {nil, 2_000}], 800)
  end

  test "one that is held, or becomes another, or is no more, changes what is done, each time" do
    # Hidden anew each time, as who asks Erlang hides it.
    times = [{:one, 1}, {:one, 5_000}, {:two, 5_500}, {nil, 6_000}, {nil, 9_499}, {nil, 9_500}]
    times = for {cookie, time} <- times, do: {cookie && Hidden.wrap(cookie), time}

    assert {[:changed, :same, :changed, :changed, :same, :lasted], cookies} =
             answers(differs(), times)

    assert Cookies.told?(cookies, "a@x")
    # And what was told is over.
    assert {[:changed], cookies} = answers(cookies, [{Hidden.wrap(:one), 9_600}])
    refute Cookies.told?(cookies, "a@x")
  end

  test "an answer that comes when it is gone says nothing" do
    assert {[:same], cookies} =
             answers(Cookies.forget(differs(), "a@x"), [{Hidden.wrap(:one), 1}])

    assert Cookies.names(cookies) == []
    refute Cookies.told?(cookies, "a@x")
  end
end
