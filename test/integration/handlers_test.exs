defmodule GossipCluster.Integration.HandlersTest do
  # Real nodes, whose handlers of Logger and of telemetry take their time; and two clusters of one VM.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  # Of shorter intervals half a second in which a sidecar gets no processor would be told, and rightly.
  @quick [interval: 500]

  # Modules that the node has, and this VM has not.
  defp load(node, quoted) do
    for {module, code} <- Code.compile_quoted(quoted) do
      :code.delete(module)
      :code.purge(module)
      {:module, ^module} = Node.call(node, :code, :load_binary, [module, ~c"#{module}", code])
    end
  end

  # Until the test wakes it: so what happens meanwhile has not waited for it, however slow the machine is.
  defp sleep do
    quote do
      :persistent_term.put(:asleep, self())

      receive do
        :wake -> :persistent_term.erase(:asleep)
      end
    end
  end

  defp asleep(node), do: Node.call(node, :persistent_term, :get, [:asleep, nil])

  defp slow_logger(node) do
    load(
      node,
      quote do
        defmodule SlowHandler do
          def log(%{meta: meta, msg: message}, _config) do
            if meta[:gossip_cluster] && inspect(message) =~ "found", do: unquote(sleep())

            :ok
          end
        end
      end
    )

    :ok = Node.call(node, :logger, :add_handler, [:slow, SlowHandler, %{}])
  end

  defp slow_telemetry(node) do
    load(
      node,
      quote do
        defmodule :telemetry do
          def execute([:gossip_cluster, :peer, :up], _measurements, _metadata),
            do: unquote(sleep())

          def execute(_event, _measurements, _metadata), do: :ok
        end
      end
    )
  end

  for {what, install} <- [{"Logger", :slow_logger}, {"telemetry", :slow_telemetry}] do
    test "a handler of #{what} that sleeps delays no dial and no NODEUP, and nobody calls the node stalled" do
      lab = Lab.start(hosts: 2)

      [a, b] =
        nodes = Node.start_all(lab, for({name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n}))

      # The lower name dials at once, and it is the one that sleeps.
      case unquote(install) do
        :slow_logger -> slow_logger(a)
        :slow_telemetry -> slow_telemetry(a)
      end

      for node <- nodes, do: Node.start_cluster(node, @quick)
      eventually("the handler sleeps", nodes, fn -> asleep(a) end)
      eventually("they are connected", nodes, fn -> Node.connected(a) == [b.name] end)

      eventually("a knows it", nodes, fn -> match?(%{connection: :connected}, Node.peer(a, b)) end)

      :ok = Node.call(a, GossipCluster, :await, [GossipCluster, [min: 1, timeout: 0]])

      # A VM that says nothing to its sidecar is called stalled after 2 s: these are longer.
      heard = Node.stat(b, :opened_1)
      eventually("b hears a", nodes, fn -> Node.stat(b, :opened_1) > heard + 10 end)
      assert asleep(a)
      Node.call(a, :erlang, :send, [asleep(a), :wake])
      eventually("it has slept", nodes, fn -> asleep(a) == nil end)

      # Subscribers were told meanwhile; and b, which heard a all the while, was told of no trouble.
      assert :up in Node.about(a, b)

      statuses =
        for {_at, {:event, _cluster, {kind, %{name: name, status: status}}}} <- Node.events(b),
            kind in [:up, :update],
            name == a.name,
            do: status

      assert statuses != []
      assert Enum.uniq(statuses) == [:alive]
      eventually("its line is written", nodes, fn -> line?(a, "NODEUP") end)
    end
  end

  defp line?(node, words),
    do: Enum.any?(Node.log(node), fn {_at, _level, line} -> line =~ words end)

  for leaver <- [0, 1] do
    test "what one cluster of a VM cuts, the other connects again at once, in spite of `quiet` (#{leaver})" do
      lab = Lab.start(hosts: 2)
      nodes = Node.start_all(lab, for({name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n}))

      for node <- nodes, name <- [One, Two] do
        options = [name: name, cluster: inspect(name), quiet: 3_600_000]
        Node.start_cluster(node, options ++ @quick)
      end

      for node <- nodes, name <- [One, Two] do
        eventually("they have met in #{inspect(name)}", nodes, fn ->
          Node.call(node, GossipCluster, :status, [name]).connected == 1
        end)
      end

      node = Enum.at(nodes, unquote(leaver))
      other = Enum.at(nodes, 1 - unquote(leaver))
      :ok = Node.call(node, GossipCluster, :leave, [One, [disconnect: true]])

      eventually("it was cut", nodes, fn ->
        Enum.any?(Node.events(node), &match?({_at, {:nodedown, _name}}, &1))
      end)

      eventually("it is connected again", nodes, fn -> Node.connected(node) == [other.name] end)

      refute line?(node, "disconnected on purpose")
    end
  end
end
