defmodule GossipCluster.Integration.SidecarTruthTest do
  # What a node says of itself while nobody can find it: a sidecar that is frozen or missing, a network that is none, no name.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  test "frozen: noticed within 5 s, said, replaced, and the others see no more than an update" do
    {_lab, [a, b, c] = nodes} = together(["a", "b", "c"])
    old = Node.sidecar(c)
    stopped = Lab.signal(:STOP, old)

    eventually(
      "another sidecar runs",
      nodes,
      fn -> Node.sidecar(c) not in [nil, old] and Node.stat(c, :listed) == 2 end,
      5_000
    )

    assert Lab.clock() - stopped < 5_000_000
    eventually("the old one is no more", nodes, fn -> not File.exists?("/proc/#{old}") end)
    assert Enum.any?(Node.log(c), fn {_at, _level, line} -> line =~ "gossipd does not answer" end)

    # Longer than it takes to bury the silent.
    sent = Node.stat(c, :sent)
    eventually("it beats on", nodes, fn -> Node.stat(c, :sent) > sent + 3 end)

    for node <- [a, b] do
      assert Enum.uniq(Node.about(node, c)) == [:up, :update]
      assert Enum.all?(Node.links(node), &match?({:nodeup, _name}, &1))
    end

    for node <- [a, b], do: assert(Enum.uniq(Node.about(c, node)) -- [:update] == [:up])
  end

  test "stopped together with its BEAM, as a machine that sleeps: it is the same one when both go on" do
    {_lab, [a, b]} = together(["a", "b"])
    old = Node.sidecar(b)
    stopped = Lab.signal(:STOP, b.os_pid)
    Lab.signal(:STOP, old)
    eventually("2 s", [a], fn -> Lab.clock() - stopped > 2_000_000 end)
    Lab.signal(:CONT, b.os_pid)
    Lab.signal(:CONT, old)
    eventually("b is well again", [a, b], fn -> Node.peers(a) == [b.name] end)
    sent = Node.stat(b, :sent)
    eventually("it beats on", [a, b], fn -> Node.stat(b, :sent) > sent + 3 end)
    assert Node.sidecar(b) == old
  end
end
