defmodule GossipCluster.Integration.NameStreamTest do
  # A member with the key says ever new names, at addresses of its choice. (1,200 names in 75 s once made a node open
  # 5,073 TCP connections and write 19,266 lines.)
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.{Crowd, Python}

  @names 1_200
  @seconds 10
  # A dial of a name makes as many connections to its address at most: by the knock, by Erlang, to look for the reason.
  @connects 3

  test "1,200 invented names: connections and lines are bounded, and a newcomer is connected as ever" do
    lab = Lab.start(hosts: 3)
    key = :crypto.strong_rand_bytes(32)
    cluster = [secret: {:key, key}]
    [a, low] = Node.start_all(lab, [{"a", host: 1}, {"A", host: 2}])
    Node.start_cluster(a, cluster)
    liar = Python.start(lab.hosts[3], "name_stream.py", ["#{@names}", "#{@seconds}"])
    # Each is said once, to the group.
    Lab.heard(1_000 * (@seconds + 10))
    assert Python.ask(liar, Base.encode16(key)) == "joined"
    since = System.monotonic_time(:second)

    eventually("hundreds of names are listed", [a], fn -> length(Node.peers(a)) > 400 end)
    arrived = Crowd.arrive(low, cluster)
    # In its turn among those names, of which two are dialled a second, it would wait for minutes.
    eventually("a is connected", [a, low], fn -> arrived.(a) end, 60_000)

    assert Python.hear(liar) == "said #{@names}"

    # Not that all are listed at one time: nobody answers for them, so where the machine is busy, the first are dead before
    # the last are said.
    ups = fn ->
      for {_at, {:event, _, {:up, peer}}} <- Node.events(a), uniq: true, do: peer.name
    end

    eventually("subscribers hear of each", [a], fn -> length(ups.()) >= @names + 2 end)

    "connections " <> count = Python.ask(liar)
    connections = String.to_integer(count)
    logs = for node <- [a, low], do: Node.log(node)
    # More than have passed till then: first what is bounded, then the time that bounds it.
    seconds = System.monotonic_time(:second) - since + 1
    # Both nodes dial: 128 of the names at once, and two a second.
    assert connections > 128
    assert connections <= 2 * @connects * (128 + 2 * seconds)

    for log <- logs, words <- ["found ", "lost ", "cannot connect to ", "not dialled"] do
      lines = Enum.count(log, fn {_at, _level, line} -> line =~ words end)
      assert lines <= 128 + seconds + 1
    end

    assert Node.connected(a) == [low.name]
  end
end
