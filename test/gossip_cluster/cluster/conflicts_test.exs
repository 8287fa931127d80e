defmodule GossipCluster.Cluster.ConflictsTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Conflicts
  alias GossipCluster.Peer

  defp rival(boot, changes \\ []),
    do: struct!(%Peer{name: "zoe@x", creation: 1, boot: boot}, changes)

  defp known(rivals) do
    Enum.reduce(rivals, %Conflicts{}, fn rival, conflicts ->
      {true, conflicts} = Conflicts.told(conflicts, rival)
      conflicts
    end)
  end

  test "a rival is news once, and known by its boot id as what was told of it last" do
    assert Conflicts.rival(%Conflicts{}, "zoe@x") == nil
    assert {true, conflicts} = Conflicts.told(%Conflicts{}, rival("b1"))
    assert {false, conflicts} = Conflicts.told(conflicts, rival("b1", port: 7))
    assert Conflicts.list(conflicts) == [rival("b1", port: 7)]
    assert Conflicts.rival(conflicts, "zoe@x") == rival("b1", port: 7)
    assert Conflicts.rival(conflicts, "zed@x") == nil
    # Of the same name and creation, and another.
    assert {true, conflicts} = Conflicts.told(conflicts, rival("b2"))
    assert length(Conflicts.list(conflicts)) == 2
  end

  test "a name is settled when the last that had it from another is gone" do
    conflicts = known([rival("b1"), rival("b2"), rival("b3", name: "zed@x")])
    assert {false, ^conflicts} = Conflicts.over(conflicts, rival("b4"))
    assert {false, conflicts} = Conflicts.over(conflicts, rival("b1"))
    assert Conflicts.rival(conflicts, "zoe@x") == rival("b2")
    assert {true, conflicts} = Conflicts.over(conflicts, rival("b2"))
    assert {false, ^conflicts} = Conflicts.over(conflicts, rival("b2"))
    assert Conflicts.list(conflicts) == [rival("b3", name: "zed@x")]
    # What comes back is news again.
    assert {true, _conflicts} = Conflicts.told(conflicts, rival("b1"))
  end

  test "whom a snapshot does not tell is a rival no more, and whom it tells is no news" do
    conflicts = Conflicts.snapshot(known([rival("b1"), rival("b2")]))
    assert {false, conflicts} = Conflicts.told(conflicts, rival("b2"))
    # One that comes meanwhile, and was not there when it began.
    assert {true, conflicts} = Conflicts.told(conflicts, rival("b3"))
    assert {[rival], conflicts} = Conflicts.unseen(conflicts)
    assert rival == rival("b1")
    # That is said for each; then it is known no more.
    assert {false, conflicts} = Conflicts.over(conflicts, rival)
    assert Enum.sort(Enum.map(Conflicts.list(conflicts), & &1.boot)) == ["b2", "b3"]
  end

  test "where no snapshot runs, nobody is missed" do
    conflicts = known([rival("b1")])
    assert {[], ^conflicts} = Conflicts.unseen(conflicts)
    {[_], conflicts} = Conflicts.unseen(Conflicts.snapshot(conflicts))
    assert {[], ^conflicts} = Conflicts.unseen(conflicts)
  end
end
