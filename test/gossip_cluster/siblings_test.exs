defmodule GossipCluster.SiblingsTest do
  use ExUnit.Case, async: false

  alias GossipCluster.{Shared, Siblings}

  setup do
    :ok = Shared.ensure_started()
    on_exit(fn -> Enum.each([:red, :blue, :green], &Siblings.drop/1) end)
  end

  test "each cluster knows the ports of the others, and the two newest of each" do
    assert Siblings.ports(:red) == []
    assert Siblings.put(:red, 2001) == :ok
    assert Siblings.put(:blue, 3001) == :ok
    assert Siblings.put(:green, 4001) == :ok
    assert Enum.sort(Siblings.ports(:red)) == [3001, 4001]
    assert Enum.sort(Siblings.ports(:blue)) == [2001, 4001]
    for port <- [2002, 2003, 2003], do: Siblings.put(:red, port)
    assert Enum.sort(Siblings.ports(:blue)) == [2002, 2003, 4001]
    assert Siblings.drop(:red) == :ok
    assert Siblings.ports(:blue) == [4001]
  end

  test "the others are told of each change, and nobody of his own" do
    red = Task.async(fn -> owner(:red, 2001) end)
    assert_receive :red
    Siblings.put(:blue, 3001)
    assert Task.await(red) == [3001]
    refute_received :siblings
    Siblings.drop(:red)
    assert_received :siblings
  end

  test "who has no port yet is told of the others', also of one that starts at the same time" do
    assert Siblings.join(:blue) == []
    red = Task.async(fn -> owner(:red, 2001) end)
    assert_receive :red
    assert_received :siblings
    assert Siblings.ports(:blue) == [2001]
    assert Siblings.join(:blue) == [2001]
    Siblings.put(:blue, 3001)
    assert Task.await(red) == [3001]
  end

  test "a port that no system gives by itself is none" do
    assert Siblings.put(:red, 0) == :ok
    assert Siblings.put(:red, 1023) == :ok
    assert Siblings.ports(:blue) == []
  end

  defp owner(name, port) do
    Siblings.put(name, port)
    send(hd(Process.get(:"$callers")), name)

    receive do
      :siblings -> Siblings.ports(name)
    end
  end
end
