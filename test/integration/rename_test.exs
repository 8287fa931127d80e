defmodule GossipCluster.Integration.RenameTest do
  # What changes its name, or is one's own.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  test "an interface in use that is renamed is shown under its new name" do
    {lab, [a, _b] = nodes} = together(["a", "b"], cluster: [interval: 200])
    assert [{"eth0", index, "10.77.0.1"}] = Node.status(a).interfaces
    Lab.rename(lab, 1, "eth0", "wan0")

    eventually("the new name is shown", nodes, fn ->
      match?([{"wan0", ^index, "10.77.0.1"}], Node.status(a).interfaces)
    end)

    eventually("and told", nodes, fn ->
      Enum.any?(Node.log(a), fn {_at, _level, line} -> line =~ "multicast on wan0 10.77.0.1" end)
    end)

    meet(nodes)
  end

  # The old life says one goodbye, three times as any, and the new one begins with the last: nobody takes them for
  # rivals.
  test "a node that takes another name, or another creation, is told as one that left and one that came, once" do
    lab = Lab.start(hosts: 2)
    cluster = [interval: 200, secret: {:key, String.duplicate("k", 32)}]
    a = Node.start(lab, "a", host: 1, cluster: cluster)
    b = Node.start(lab, "b", host: 2, alive: false, cluster: cluster)
    b = Node.go_alive(b, "b")
    meet([a, b])
    sidecar = Node.sidecar(b)

    again = Node.renamed(b, "b")
    eventually("b is back", [a, b], fn -> about(a, b) == [:up, {:down, :left}, :up] end)
    meet([a, again])

    c = Node.renamed(again, "c")
    eventually("c has come", [a, b], fn -> about(a, c) == [:up] end)
    meet([a, c])
    sent = Node.stat(c, :sent)
    eventually("it beats on", [a, c], fn -> Node.stat(c, :sent) > sent + 15 end)
    assert about(a, b) == [:up, {:down, :left}, :up, {:down, :left}]
    assert about(a, c) == [:up]
    assert Node.sidecar(c) == sidecar

    for {text, times} <- [
          {~s(found :"b@h2"), 2},
          {~s(lost :"b@h2": it left), 2},
          {~s(found :"c@h2"), 1},
          {"two living nodes", 0}
        ] do
      lines = for {_at, _level, line} <- Node.log(a), line =~ text, do: line
      assert length(lines) == times, "#{text}: #{inspect(lines)}"
    end
  end

  defp about(node, peer), do: Enum.reject(Node.about(node, peer), &(&1 == :update))
end
