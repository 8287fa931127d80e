defmodule GossipCluster.Integration.SiblingsTest do
  # What is heard of a node's own other cluster.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  test "a node's own other cluster is no stranger: nothing is said of packets of another cluster" do
    lab = Lab.start(hosts: 1)
    a = Node.start(lab, "a", host: 1, cluster: [name: Red, cluster: "red", interval: 200])
    Node.start_cluster(a, name: Blue, cluster: "blue", interval: 200)
    clusters = [Red, Blue]
    stat = fn cluster, key -> (Node.status(a, cluster).stats || %{})[key] end

    # Each is told of the other when that one is ready; what it has heard before is foreign.
    for cluster <- clusters do
      eventually("#{inspect(cluster)} hears the other as its own", [a], fn ->
        Node.status(a, cluster).announced and is_integer(stat.(cluster, :own)) and
          stat.(cluster, :own) > 60
      end)
    end

    foreign = for cluster <- clusters, do: {cluster, stat.(cluster, :foreign)}

    # Whether only strangers are heard is asked 3 s after the announcement.
    since = Lab.clock()
    eventually("4 s", [a], fn -> Lab.clock() - since > 4_000_000 end)
    assert for(cluster <- clusters, do: {cluster, stat.(cluster, :foreign)}) == foreign
    for {_at, _level, line} <- Node.log(a), do: refute(line =~ "another cluster", line)
  end

  test "the end of a connection between nodes of two clusters is one line, which names both" do
    lab = Lab.start(hosts: 1)

    clusters =
      for {name, label} <- [{Red, "red"}, {Blue, "blue"}],
          do: [name: name, cluster: label, interval: 200]

    options = [host: 1] ++ for(cluster <- clusters, do: {:configured, cluster})
    [a, b] = Node.start_all(lab, [{"a", options}, {"b", options}])

    for cluster <- [Red, Blue] do
      eventually("#{inspect(cluster)} of a shows b as connected", [a, b], fn ->
        match?(%{connection: :connected}, Node.peer(a, b, cluster))
      end)
    end

    Lab.signal(:KILL, b.os_pid)

    lines = fn -> for {_at, level, "NODE" <> _ = line} <- Node.log(a), do: {level, line} end

    eventually("a line tells that the connection is gone", [a], fn ->
      Enum.any?(lines.(), fn {_level, line} -> line =~ "NODEDOWN" end)
    end)

    assert [{:info, "NODEDOWN :\"b@h1\" in Blue, Red (" <> _}] =
             Enum.filter(lines.(), fn {_level, line} -> line =~ "NODEDOWN" end)
  end

  test "a stranger on the same machine is one" do
    lab = Lab.start(hosts: 1)
    a = Node.start(lab, "a", host: 1, cluster: [name: Red, cluster: "red", interval: 200])
    b = Node.start(lab, "b", host: 1, cluster: [name: Blue, cluster: "blue", interval: 200])

    # Of the one that came second it is certain that it heard the other before it asked.
    eventually("packets of another cluster are told", [a, b], fn ->
      Enum.any?(Node.log(b), fn {_at, _level, line} -> line =~ "another cluster" end)
    end)

    assert Node.status(b, Blue).stats.foreign > 5
  end
end
