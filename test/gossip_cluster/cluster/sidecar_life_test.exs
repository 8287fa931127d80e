defmodule GossipCluster.Cluster.SidecarLifeTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.SidecarLife

  @process %{os_pid: 7, started: "1"}

  defp running(at) do
    {_patience, life} = SidecarLife.opened(%SidecarLife{}, @process, at)
    {_duration, _complained, life} = SidecarLife.ready(life, at + 50)
    life
  end

  # Dies at once, again and again.
  defp deaths(life, how, times) do
    {deaths, _life} =
      Enum.map_reduce(1..times, life, fn _, life ->
        {_patience, life} = SidecarLife.opened(life, @process, 0)
        SidecarLife.died(life, how, 10)
      end)

    deaths
  end

  test "it is opened once, when its ring is there" do
    life = %SidecarLife{}
    assert {:wait, %{state: :waiting} = waiting} = SidecarLife.open(life, false)
    refute SidecarLife.up?(waiting)
    assert {:open, life} = SidecarLife.open(waiting, true)
    {patience, life} = SidecarLife.opened(life, @process, 1_000)
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
    deaths = deaths(%SidecarLife{}, {:exited, "exit"}, 10)

    assert Enum.map(deaths, & &1.delay) ==
             [50, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 30_000, 30_000]

    assert Enum.map(deaths, & &1.attempts) == Enum.to_list(1..10)
    assert Enum.map(deaths, & &1.new) == [true | List.duplicate(false, 9)]
  end

  test "one that was well for 10 s begins anew, one that was not does not" do
    {%{attempts: 1}, life} = SidecarLife.died(running(0), {:exited, "exit"}, 60)
    {_patience, life} = SidecarLife.opened(life, @process, 1_000)
    {_duration, true, life} = SidecarLife.ready(life, 1_050)
    assert {%{attempts: 1, delay: 50}, _} = SidecarLife.died(life, {:exited, "exit"}, 11_000)
    assert {%{attempts: 2, delay: 200}, _} = SidecarLife.died(life, {:exited, "exit"}, 10_999)
  end

  test "its own last words are the better ones, and are said of this death only" do
    life = SidecarLife.fatal(running(0), "no memory")
    assert {%{text: "no memory"}, life} = SidecarLife.died(life, {:exited, "status 1"}, 60)
    assert life.complaint == "no memory"
    {_patience, life} = SidecarLife.opened(life, @process, 100)

    assert {%{text: "status 1", new: true}, _life} =
             SidecarLife.died(life, {:exited, "status 1"}, 160)

    life = SidecarLife.fatal(running(0), "no memory")
    assert {%{text: "no memory"}, _life} = SidecarLife.died(life, {:broken, :epipe}, 60)
  end

  test "a pipe that broke before the first was ready is no news: the next one will tell" do
    {_patience, life} = SidecarLife.opened(%SidecarLife{}, @process, 0)
    assert {%{new: false, text: text}, life} = SidecarLife.died(life, {:broken, :epipe}, 5)
    assert text == "gossipd is gone (:epipe)"
    assert life.complaint == nil
    {_patience, life} = SidecarLife.opened(life, @process, 50)
    assert {%{new: true, text: ^text}, _life} = SidecarLife.died(life, {:broken, :epipe}, 60)
    assert {%{new: true, text: ^text}, _} = SidecarLife.died(running(0), {:broken, :epipe}, 60)
  end

  test "one that runs again after a complaint is news" do
    {_death, life} = SidecarLife.died(running(0), {:text, "late"}, 60)
    {_patience, life} = SidecarLife.opened(life, @process, 110)
    assert {5, true, %{complaint: nil}} = SidecarLife.ready(life, 115)
  end

  describe "a pulse that is not answered" do
    # Pulses at these times; what follows from the last.
    defp pulses(life, times) do
      Enum.reduce(times, {:ok, life}, fn at, {_answer, life} ->
        SidecarLife.pulse(life, 250, at)
      end)
    end

    test "is sent every interval, and every 600 ms at least; the node is looked at twice as often" do
      assert for(interval <- [100, 500, 1_000, 60_000], do: SidecarLife.every(interval)) ==
               [50, 250, 300, 300]

      # Looks, each of which is some milliseconds late; the first after a pulse sends none.
      looks = for n <- 1..200, do: n * 307
      {sent, _life} = Enum.flat_map_reduce(looks, running(0), &look/2)
      assert length(sent) == 100
      assert sent |> Enum.chunk_every(2, 1, :discard) |> Enum.all?(fn [a, b] -> b - a == 614 end)
    end

    defp look(now, life) do
      if SidecarLife.due?(life, 300, now) do
        {_answer, life} = SidecarLife.pulse(life, 600, now)
        {[now], SidecarLife.heard(life)}
      else
        {[], life}
      end
    end

    test "makes the owner look whether the process is stopped, with the next pulse" do
      assert {:ok, life} = pulses(running(0), [250])
      assert {:look, life} = SidecarLife.pulse(life, 250, 500)
      assert SidecarLife.seen(life, @process, :runs) == :ok
      assert SidecarLife.seen(life, @process, :unknown) == :ok
      assert {:stuck, text} = SidecarLife.seen(life, @process, :stopped)
      assert text =~ "does not answer"
      # That was another one, or it has answered meanwhile.
      assert SidecarLife.seen(life, %{@process | started: "2"}, :stopped) == :ok
      assert SidecarLife.seen(SidecarLife.heard(life), @process, :stopped) == :ok
      {_death, dead} = SidecarLife.died(life, {:text, "x"}, 500)
      assert SidecarLife.seen(dead, @process, :stopped) == :ok
    end

    test "makes it look half-way to that already, but not for the sake of a VM that was stopped" do
      life = running(0)
      assert SidecarLife.half_way(life) == :ok
      assert {:ok, life} = SidecarLife.pulse(life, 250, 250)
      assert SidecarLife.half_way(life) == :look
      assert {:stuck, _text} = SidecarLife.seen(life, @process, :stopped)
      assert SidecarLife.half_way(SidecarLife.heard(life)) == :ok
      {_death, dead} = SidecarLife.died(life, {:text, "x"}, 500)
      assert SidecarLife.half_way(dead) == :ok

      assert {:ok, life} = SidecarLife.pulse(life, 250, 100_250)
      assert SidecarLife.half_way(life) == :ok
      assert SidecarLife.seen(life, @process, :stopped) == :ok
    end

    test "for 3 s means that it is stuck, whatever its process looks like" do
      times = for n <- 1..12, do: n * 250
      assert {:look, life} = pulses(running(0), times)
      assert {{:stuck, text}, _life} = SidecarLife.pulse(life, 250, 3_250)
      assert text =~ "does not answer for 3000 ms"
      # One word in between, whatever it is.
      assert {:ok, life} = SidecarLife.pulse(SidecarLife.heard(life), 250, 3_250)
      assert {:look, _life} = SidecarLife.pulse(life, 250, 3_500)
    end

    test "does not mean that while it starts or derives keys: but that it may be stopped" do
      {_patience, starting} = SidecarLife.opened(%SidecarLife{}, @process, 0)

      for life <- [starting, SidecarLife.given_keys(running(0), 250)] do
        times = for n <- 1..60, do: n * 250
        assert {:look, life} = pulses(life, times)
        assert {:stuck, _text} = SidecarLife.seen(life, @process, :stopped)
      end

      # Whether it has told that it has, or the time for it is over.
      life = running(0) |> SidecarLife.given_keys(250) |> SidecarLife.keys_changed()
      assert {{:stuck, _text}, _life} = pulses(life, for(n <- 1..13, do: n * 250))

      {:look, life} =
        pulses(SidecarLife.given_keys(running(0), 250), for(n <- 1..60, do: n * 250))

      assert {{:stuck, _text}, _life} = SidecarLife.pulse(life, 250, 15_250)
    end

    test "means nothing while this VM itself was stopped, and for a second after that" do
      {:look, life} = pulses(running(0), [250, 500, 750])
      assert {:ok, life} = SidecarLife.pulse(life, 250, 100_750)
      assert SidecarLife.seen(life, @process, :stopped) == :ok
      times = for n <- 1..3, do: 100_750 + n * 300
      assert {:ok, life} = pulses(life, times)
      assert SidecarLife.half_way(life) == :ok
      assert SidecarLife.seen(life, @process, :stopped) == :ok
      assert {:ok, life} = SidecarLife.pulse(life, 250, 101_950)
      assert {:look, life} = SidecarLife.pulse(life, 250, 102_200)
      times = for n <- 1..10, do: 102_200 + n * 250
      assert {:look, life} = pulses(life, times)
      assert {{:stuck, _text}, _life} = pulses(life, [104_950])
    end

    test "is not looked at by a VM whose timers are late, but the time counts" do
      times = for n <- 1..6, do: n * 600
      assert {:ok, life} = pulses(running(0), times)
      assert life.unanswered == 5 * 500
    end

    test "is none where none runs" do
      assert {:ok, life} = SidecarLife.pulse(%SidecarLife{}, 250, 0)
      assert {:ok, _life} = SidecarLife.pulse(life, 250, 5_000)
    end
  end
end
