defmodule GossipCluster.SubscribersTest do
  # One process of the VM is killed.
  use ExUnit.Case, async: false

  import GossipCluster.Eventually

  alias GossipCluster.{Shared, Subscribers}

  setup do
    :ok = Shared.ensure_started()
    %{topic: {:events, :"topic#{System.unique_integer([:positive])}"}}
  end

  # A process that does this, and waits for its end.
  defp process(act) do
    test = self()

    pid =
      spawn_link(fn ->
        act.()
        send(test, {:done, self()})
        receive do: (:end -> :ok)
      end)

    assert_receive {:done, ^pid}, 5_000
    pid
  end

  test "a process is listed until it ends, of its topics alone", %{topic: topic} do
    one = process(fn -> Subscribers.add(topic) end)
    two = process(fn -> Subscribers.add(topic) end)
    assert Enum.sort(Subscribers.list(topic)) == Enum.sort([one, two])
    assert Subscribers.list({:other, elem(topic, 1)}) == []
    send(one, :end)
    eventually(fn -> Subscribers.list(topic) == [two] end)
    send(two, :end)
    eventually(fn -> Subscribers.list(topic) == [] end)
  end

  test "who asks twice is listed once, and may leave and come again", %{topic: topic} do
    assert :ok = Subscribers.remove(topic)
    assert :ok = Subscribers.add(topic)
    assert :ok = Subscribers.add(topic)
    assert Subscribers.list(topic) == [self()]
    assert :ok = Subscribers.remove(topic)
    assert Subscribers.list(topic) == []
    assert :ok = Subscribers.add(topic)
    assert Subscribers.list(topic) == [self()]
  end

  test "who left is forgotten when it ends, and one of two topics is kept", %{topic: topic} do
    other = {:other, elem(topic, 1)}

    pid =
      process(fn ->
        Enum.each([topic, other], &Subscribers.add/1)
        Subscribers.remove(topic)
      end)

    assert {Subscribers.list(topic), Subscribers.list(other)} == {[], [pid]}
    send(pid, :end)
    eventually(fn -> not is_map_key(:sys.get_state(Subscribers), pid) end)
    assert Subscribers.list(other) == []
  end

  @tag :capture_log
  test "who is listed outlives the process that lists them, and ends later", %{topic: topic} do
    pid = process(fn -> Subscribers.add(topic) end)
    old = Process.whereis(Subscribers)
    Process.exit(old, :kill)
    eventually(fn -> Process.whereis(Subscribers) not in [nil, old] end)
    assert Subscribers.list(topic) == [pid]
    send(pid, :end)
    eventually(fn -> Subscribers.list(topic) == [] end)
  end
end
