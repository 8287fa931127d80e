defmodule GossipCluster.Cluster.LegacyTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Legacy

  doctest Legacy

  defp heard(legacy, name, now \\ 0), do: Legacy.heard(legacy, name, now)

  test "a name is new once, until it was silent for a minute and is dropped" do
    {:new, legacy} = heard(%Legacy{}, "a@h")
    assert Legacy.listed?(legacy, "a@h") and Legacy.size(legacy) == 1
    {:known, legacy} = heard(legacy, "a@h", 50_000)
    assert Legacy.silent(legacy, 109_999) == []
    assert Legacy.silent(legacy, 110_000) == ["a@h"]
    {:new, _legacy} = heard(Legacy.drop(legacy, "a@h"), "a@h", 110_000)
  end

  test "256 are listed, and no more; who is listed stays" do
    legacy =
      Enum.reduce(1..1_000, %Legacy{}, fn n, legacy ->
        {verdict, legacy} = heard(legacy, "n#{n}@h")
        assert verdict == if(n <= 256, do: :new, else: :refused)
        legacy
      end)

    assert Legacy.size(legacy) == 256
    assert {:known, legacy} = heard(legacy, "n1@h")
    assert {:new, _legacy} = heard(Legacy.drop(legacy, "n1@h"), "n1000@h")
  end

  test "what can be no node's name is not listed" do
    for name <- ["a", "a b@h", "a@h@h", "nonode@nohost", "\"@h", "a@", <<0xFF, "@h">>] do
      assert {:refused, legacy} = heard(%Legacy{}, name)
      assert Legacy.names(legacy) == []
    end
  end

  test "who was a peer until just now is not listed for a moment, and nothing is kept of that" do
    legacy = Legacy.bar(%Legacy{}, "a@h", 0)
    assert {:refused, legacy} = heard(legacy, "a@h", 4_999)
    assert {:new, legacy} = heard(legacy, "a@h", 5_000)
    assert Legacy.bar(legacy, "b@h", 5_000).barred == %{"b@h" => 10_000}
  end

  test "what an earlier owner had listed is put back, within the bound" do
    legacy = Legacy.restore(%Legacy{}, for(n <- 1..300, do: "n#{n}@h"), 7)
    assert Legacy.size(legacy) == 256
    assert Legacy.silent(legacy, 60_006) == []
  end

  test "a peer that is known by its name alone has no address, no port, no tags" do
    peer = Legacy.peer("a@h")
    assert peer.status == :legacy and peer.creation == 0 and not peer.long_names

    assert {peer.addresses, peer.own_addresses, peer.port, peer.tags, peer.cookie} ==
             {[], [], 0, %{}, :unknown}

    assert Legacy.peer("a@::1").long_names and Legacy.peer("a@h.example.org").long_names
  end
end
