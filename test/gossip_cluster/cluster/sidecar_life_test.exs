defmodule GossipCluster.Cluster.SidecarLifeTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.SidecarLife

  defp running(at) do
    {_patience, life} = SidecarLife.opened(SidecarLife.new(), at)
    {_duration, _complained, life} = SidecarLife.ready(life, at + 50)
    life
  end

  # Dies at once, again and again.
  defp deaths(life, how, times) do
    {deaths, _life} =
      Enum.map_reduce(1..times, life, fn _, life ->
        {_patience, life} = SidecarLife.opened(life, 0)
        SidecarLife.died(life, how, 10)
      end)

    deaths
  end

  test "it is opened once, when its ring is there" do
    life = SidecarLife.new()
    assert {:wait, %{state: :waiting} = waiting} = SidecarLife.open(life, false)
    refute SidecarLife.up?(waiting)
    assert {:open, life} = SidecarLife.open(waiting, true)
    {patience, life} = SidecarLife.opened(life, 1_000)
    assert patience == 15_000
    assert SidecarLife.up?(life)
    assert {:nothing, ^life} = SidecarLife.open(life, true)
    assert {30, false, %{state: :running} = life} = SidecarLife.ready(life, 1_030)
    assert {:nothing, ^life} = SidecarLife.open(life, true)
  end

  test "an owner that follows another soon waits for a second" do
    assert SidecarLife.delay(nil, 5_000) == 0
    assert SidecarLife.delay(4_001, 5_000) == 1_000
    assert SidecarLife.delay(4_000, 5_000) == 0
  end

  test "it is tried again quickly, then ever more patiently, and said once" do
    deaths = deaths(SidecarLife.new(), {:exited, "exit"}, 10)

    assert Enum.map(deaths, & &1.delay) ==
             [50, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 30_000, 30_000]

    assert Enum.map(deaths, & &1.attempts) == Enum.to_list(1..10)
    assert Enum.map(deaths, & &1.new) == [true | List.duplicate(false, 9)]
  end

  test "one that was well for 10 s begins anew, one that was not does not" do
    {%{attempts: 1}, life} = SidecarLife.died(running(0), {:exited, "exit"}, 60)
    {_patience, life} = SidecarLife.opened(life, 1_000)
    {_duration, true, life} = SidecarLife.ready(life, 1_050)
    assert {%{attempts: 1, delay: 50}, _} = SidecarLife.died(life, {:exited, "exit"}, 11_000)
    assert {%{attempts: 2, delay: 200}, _} = SidecarLife.died(life, {:exited, "exit"}, 10_999)
  end

  test "its own last words are the better ones, and are said of this death only" do
    life = SidecarLife.fatal(running(0), "no memory")
    assert {%{text: "no memory"}, life} = SidecarLife.died(life, {:exited, "status 1"}, 60)
    assert life.complaint == "no memory"
    {_patience, life} = SidecarLife.opened(life, 100)

    assert {%{text: "status 1", new: true}, _life} =
             SidecarLife.died(life, {:exited, "status 1"}, 160)

    life = SidecarLife.fatal(running(0), "no memory")
    assert {%{text: "no memory"}, _life} = SidecarLife.died(life, {:broken, :epipe}, 60)
  end

  test "a pipe that broke before the first was ready is no news: the next one will tell" do
    {_patience, life} = SidecarLife.opened(SidecarLife.new(), 0)
    assert {%{new: false, text: text}, life} = SidecarLife.died(life, {:broken, :epipe}, 5)
    assert text == "gossipd is gone (:epipe)"
    assert life.complaint == nil
    {_patience, life} = SidecarLife.opened(life, 50)
    assert {%{new: true, text: ^text}, _life} = SidecarLife.died(life, {:broken, :epipe}, 60)
    assert {%{new: true, text: ^text}, _} = SidecarLife.died(running(0), {:broken, :epipe}, 60)
  end

  test "one that runs again after a complaint is news" do
    {_death, life} = SidecarLife.died(running(0), {:text, "late"}, 60)
    {_patience, life} = SidecarLife.opened(life, 110)
    assert {5, true, %{complaint: nil}} = SidecarLife.ready(life, 115)
  end
end
