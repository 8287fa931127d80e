defmodule GossipCluster.Integration.CompatTest do
  # A system that moves from libcluster node by node: guides/migrating-from-libcluster.md. Both wires have one group and
  # one port, as where a topology's configuration is kept.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.{GossipDouble, Strategy}

  defp topology(secret, more) do
    config = [port: 45_892, multicast_addr: "233.252.1.32", interval: 200] ++ more
    config = if secret, do: [secret: secret] ++ config, else: config
    {options, []} = Strategy.options(%{topology: :shop, config: config})
    Keyword.drop(options, [:name, :observer])
  end

  for {kind, secret} <- [{"in the clear", nil}, {"by its secret", "a shared secret"}] do
    test "#{kind}: each is connected to all from the first node that moves to the last" do
      secret = unquote(secret)
      lab = Lab.start(hosts: 3)
      specs = for n <- 1..3, do: {"n#{n}", host: n, epmd: :stock}
      [a, b, c] = nodes = Node.start_all(lab, specs)

      for n <- 2..3,
          do: Node.call(Enum.at(nodes, n - 1), GossipDouble, :start, [Lab.ip(n), secret])

      Node.start_cluster(a, topology(secret, compat: :libcluster))

      eventually("a has found those that have not moved, and they it", nodes, fn ->
        Enum.all?([b, c], &match?(%{status: :legacy, connection: :connected}, Node.peer(a, &1))) and
          Enum.all?([b, c], &(a.name in Node.connected(&1)))
      end)

      assert %{addresses: [], paths: [], tags: %{}, port: 0} = Node.peer(a, b)
      assert Node.status(a).health == :ok

      # The next one moves.
      :ok = Node.call(b, GossipDouble, :stop)
      Node.start_cluster(b, topology(secret, compat: :libcluster))

      eventually("a and b are peers, and c is none", nodes, fn ->
        match?(%{status: :alive, connection: :connected}, Node.peer(a, b)) and
          match?(%{status: :alive, connection: :connected}, Node.peer(b, a)) and
          match?(%{status: :legacy, connection: :connected}, Node.peer(b, c))
      end)

      assert Node.peers(a) == [b.name, c.name]

      # The last one moves; and it has the second deployment already, without compat.
      :ok = Node.call(c, GossipDouble, :stop)
      Node.start_cluster(c, topology(secret, []))

      eventually("all are peers of all", nodes, fn ->
        for(x <- nodes, y <- nodes, x != y, do: Node.peer(x, y))
        |> Enum.all?(&match?(%{status: :alive, connection: :connected}, &1))
      end)

      assert Node.peers(a) == [b.name, c.name]

      # Nobody was lost on the way.
      for node <- nodes, event <- Node.links(node), do: refute(match?({:nodedown, _}, event))

      if secret,
        do: for({_at, _level, line} <- Node.log(a), do: refute(line =~ secret)),
        else: invented(nodes)
    end
  end

  # In the clear anybody may say any name. Few are listed, and fewer dialled, each once in its backoff; who is there stays.
  defp invented([a, _b, c] = nodes) do
    names = for n <- 1..2_000, do: "invented#{n}@nowhere"

    wrong = [
      "nonode@nohost",
      "two@at@signs",
      "no sign",
      "a b@h",
      String.duplicate("x", 300) <> "@h"
    ]

    :ok = Node.call(c, GossipDouble, :invent, [Lab.ip(3), wrong ++ names])

    eventually("a has listed some, and has refused others", nodes, fn ->
      length(Node.peers(a)) > 2 and Node.stat(a, :legacy_refused) > 50
    end)

    peers = Node.call(a, GossipCluster, :peers)
    {invented, others} = Enum.split_with(peers, &(&1.name in names))
    assert Enum.map(others, & &1.name) == for(node <- tl(nodes), do: node.name)
    assert length(invented) <= 256
    assert Enum.all?(invented, &match?(%{status: :legacy, addresses: [], cookie: :unknown}, &1))

    # An atom is for ever: of those that were not dialled there is none.
    eventually("one was dialled, in vain", nodes, fn ->
      Enum.any?(
        Node.call(a, GossipCluster, :peers),
        &match?({:legacy, {_, _}}, {&1.status, &1.problem})
      )
    end)

    atoms = Node.call(a, GossipDouble, :atoms, [wrong ++ names])
    assert atoms != [] and length(atoms) <= 256
    assert atoms -- names == ["nonode@nohost"]
    assert Node.connected(a) == for(node <- tl(nodes), do: node.name)
    assert Node.status(a).health == :ok
  end
end
