defmodule GossipCluster.ViewTest do
  use ExUnit.Case, async: true

  alias GossipCluster.{Peer, View}

  defp peer(name, creation), do: %Peer{name: name, creation: creation}

  # All of them, so many at a time.
  defp walk(view, count, behind \\ nil) do
    case View.next_peers(view, behind, count) do
      [] -> []
      peers -> [peers | walk(view, count, key(List.last(peers)))]
    end
  end

  defp key(peer), do: {peer.name, peer.creation}

  setup do
    view = View.create()
    # What else is kept stands before and behind them.
    true = View.put(view, :opened, 1)
    true = View.put(view, {:up, "a@x"}, true)
    true = View.put(view, "z", 1)
    {:ok, view: view}
  end

  test "peers are walked through by name and creation, each once, lives of one name apart, too",
       %{
         view: view
       } do
    refute View.peers?(view, 1)
    assert walk(view, 2) == []

    peers =
      for name <- ["a@x", "b@x", "c@x"],
          creation <- [0, 7, 4_294_967_295],
          do: peer(name, creation)

    for peer <- Enum.shuffle(peers), do: true = View.put_peer(view, peer)
    assert View.peers?(view, 9)
    refute View.peers?(view, 10)

    for count <- 1..10 do
      portions = walk(view, count)
      assert Enum.concat(portions) == peers
      assert Enum.all?(Enum.drop(portions, -1), &(length(&1) == count))
    end
  end

  test "who is written, and who is gone in between, moves nobody else", %{view: view} do
    for name <- ["b@x", "d@x", "f@x"], do: true = View.put_peer(view, peer(name, 1))
    assert [%{name: "b@x"}, %{name: "d@x"} = last] = View.next_peers(view, nil, 2)
    true = View.delete_peer(view, last)
    true = View.put_peer(view, peer("a@x", 1))
    true = View.put_peer(view, %{peer("f@x", 1) | port: 7})
    assert [%{name: "f@x", port: 7}] = View.next_peers(view, key(last), 2)
  end
end
