defmodule GossipCluster.Integration.HostileTest do
  # A stranger on the LAN, without the key: nothing that it sends names, lists, connects, ends or slows down anybody.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.Injector

  @quick [interval: 200]
  @refused [:foreign, :forged, :malformed, :copies, :replayed, :stale, :misdirected, :relayed] ++
             [:own, :unproven, :oversized, :filtered, :overflowed]

  for {kind, count} <- [
        garbage: 2_000,
        disguised: 2_000,
        truncated: 2_000,
        flipped: 3_000,
        replayed: 3_000
      ] do
    test "#{count} #{kind} datagrams: nothing is reported, no atom made, the sidecar lives, a newcomer is found" do
      {lab, [a, b] = all, stranger} = overheard()
      # A half of them goes to the group.
      Lab.heard(10_000)
      before = for node <- all, do: snapshot(node)

      per_member = Node.call(stranger, Injector, :attack, [unquote(kind), unquote(count)])
      assert per_member >= 2 * unquote(count)

      # All of them have arrived, and were refused (UDP may lose a few).
      for {node, was} <- Enum.zip(all, before) do
        eventually("#{node.name} has refused them", all, fn ->
          refused(node) - was.refused > 0.98 * per_member
        end)
      end

      for {node, was} <- Enum.zip(all, before) do
        now = snapshot(node)
        assert now.sidecar == was.sidecar
        assert now.events == was.events
        assert now.atoms == was.atoms
        assert now.log == was.log
      end

      # Among more of them, which come until then, a newcomer is found as ever.
      c = Node.start(lab, "c", host: 4)
      met = :atomics.new(1, [])

      flood =
        Task.async(fn ->
          attack = fn -> Node.call(stranger, Injector, :attack, [unquote(kind), 1_000]) end
          attack |> Stream.repeatedly() |> Enum.find(fn _sent -> :atomics.get(met, 1) == 1 end)
        end)

      for node <- all do
        was = refused(node)
        eventually("#{node.name} is flooded", all, fn -> refused(node) > was + 100 end)
      end

      Node.start_cluster(c, @quick)
      meet([a, b, c])
      :atomics.put(met, 1, 1)
      Task.await(flood, 60_000)

      for node <- [a, b],
          do: assert(Node.about(node, c) |> Enum.reject(&(&1 == :update)) == [:up])
    end
  end

  test "what a member said before it was killed is said again: nobody lists it, names it, or dials it" do
    {lab, [a, b], stranger} = overheard()
    Lab.signal(:KILL, b.os_pid)
    eventually("a is told", [a], fn -> {:down, :beam_exit} in Node.about(a, b) end)
    eventually("a is disconnected", [a], fn -> Node.connected(a) == [] end)
    told = Node.about(a, b)

    # To a, which has known it, and to a newcomer, which has not.
    c = Node.start(lab, "c", host: 4, cluster: @quick)
    meet([a, c])
    Lab.heard(10_000)
    before = refused(c)
    sent = Node.call(stranger, Injector, :attack, [:replayed, 3_000])
    eventually("c has refused them", [a, c], fn -> refused(c) - before > 0.48 * sent end)

    assert Node.about(c, b) == []
    assert Node.about(a, b) == told
    assert Node.peers(c) == [a.name]
    assert Node.peers(a) == [c.name]
    assert_raise ArgumentError, fn -> Node.call(c, String, :to_existing_atom, [b.name]) end
  end

  # Two members, and a stranger that has heard many of their datagrams, the first ones too.
  defp overheard do
    lab = Lab.start(hosts: 4)
    stranger = Node.start(lab, "", host: 3, alive: false)
    :ok = Node.call(stranger, Injector, :start, [stranger.host.ip])

    [a, b] =
      Node.start_all(
        lab,
        for({name, n} <- [{"a", 1}, {"b", 2}], do: {name, host: n, cluster: @quick})
      )

    meet([a, b])

    eventually("the stranger hears both", [a, b], fn ->
      heard = Node.call(stranger, Injector, :heard)
      Enum.all?([a, b], &(Map.get(heard, &1.host.ip, 0) > 10))
    end)

    # A module that is loaded when it is first called has names of its own: as each 5 s, when the owner asks Erlang who
    # is connected. So all are loaded before atoms are counted.
    for node <- [a, b] do
      for app <- [:elixir, :logger, :gossip_cluster],
          do:
            :ok =
              Node.call(node, :code, :ensure_modules_loaded, [Application.spec(app, :modules)])

      snapshot(node)
    end

    {lab, [a, b], stranger}
  end

  defp snapshot(node) do
    %{
      refused: refused(node),
      sidecar: Node.sidecar(node),
      events: Node.events(node),
      log: Node.log(node),
      atoms: Node.call(node, :erlang, :system_info, [:atom_count])
    }
  end

  defp refused(node) do
    stats = Node.stats(node)
    Enum.sum(for key <- @refused, do: Map.fetch!(stats, key))
  end
end
