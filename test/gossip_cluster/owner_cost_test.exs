defmodule GossipCluster.OwnerCostTest do
  # What a peer costs the owner must not depend on how many others there are. Reductions and words of memory, not time;
  # bench/owner.exs prints all three.
  use ExUnit.Case, async: false

  alias GossipCluster.Cluster
  alias GossipCluster.Cluster.Dialer
  alias GossipCluster.{OwnerLoad, Peer, View}
  alias GossipCluster.Owner.Effects

  @few 256
  @many 4_096

  setup do: OwnerLoad.quiet_node()

  # The least of five: a collection of all memory that falls into a run can only add.
  defp costs(count, sidecar, awaited) do
    runs =
      for _ <- 1..5 do
        load = OwnerLoad.start(count, sidecar)
        waiting = if awaited, do: OwnerLoad.await(load)

        costs = %{
          snapshot: OwnerLoad.snapshot(load).reductions,
          update: OwnerLoad.update(load).reductions,
          down: OwnerLoad.down_half(load).reductions
        }

        if waiting, do: Process.unlink(waiting) && Process.exit(waiting, :kill)
        OwnerLoad.stop(load)
        costs
      end

    for key <- [:snapshot, :update, :down],
        into: %{},
        do: {key, runs |> Enum.map(& &1[key]) |> Enum.min()}
  end

  for awaited <- [false, true] do
    @tag timeout: 180_000
    test "a snapshot, an update of all and a down of half, #{if awaited, do: "with an await pending", else: "nobody awaiting"}",
         %{sidecar: sidecar} do
      # Code is loaded by the first.
      _ = costs(64, sidecar, unquote(awaited))
      few = costs(@few, sidecar, unquote(awaited))
      many = costs(@many, sidecar, unquote(awaited))

      for {what, reductions} <- many do
        assert reductions <= 1.2 * few[what],
               "#{what}: #{round(few[what])} reductions a peer with #{@few} peers, #{round(reductions)} with #{@many}"
      end
    end
  end

  # A collection of memory copies all that the owner holds, in one step: with 4,096 peers that is the longest. Of one
  # that waits it was 125 words, as each peer had a copy of the names of its fields, and its boot id room for 256 bytes;
  # and 80, as peers were kept in the heap, with each of their addresses.
  test "what the owner's memory holds of a peer that waits, and of one that is connected", %{
    sidecar: sidecar
  } do
    load = OwnerLoad.start(@many, sidecar)
    OwnerLoad.snapshot(load)
    waiting = OwnerLoad.words(load)
    OwnerLoad.connect_all(load)
    connected = OwnerLoad.words(load)
    OwnerLoad.stop(load)
    assert waiting <= 42 + reference()
    assert connected <= 50 + reference()
  end

  test "what the owner's memory holds of a peer does not depend on how many addresses it has", %{
    sidecar: sidecar
  } do
    load = OwnerLoad.start(@few, sidecar)
    addresses = for n <- 1..8, do: {{192, 0, 2, n}, 40_000, n}
    ips = for n <- 1..8, do: {192, 0, 2, n}

    load = %{
      load
      | peers: Enum.map(load.peers, &%{&1 | addresses: addresses, host: {false, ips}})
    }

    OwnerLoad.snapshot(load)
    assert [%{addresses: ^addresses, own_addresses: ^ips} | _] = GossipCluster.peers(load.name)
    words = OwnerLoad.words(load)
    OwnerLoad.stop(load)
    assert words <= 43 + reference()
  end

  # What a reference to a binary outside of the heap takes: 6 words, and since OTP 27 8.
  defp reference, do: :erts_debug.flat_size(:binary.copy(<<0::800>>))

  # Peers are kept in binaries. Where these count for more than the owner may hold, every other collection copies all of
  # its memory: there were thirty in a snapshot of 4,096, for four.
  test "what is kept outside of the owner's heap does not have all of its memory collected", %{
    sidecar: sidecar
  } do
    load = OwnerLoad.start(@many, sidecar)
    OwnerLoad.snapshot(load)
    majors = OwnerLoad.update(load).majors
    OwnerLoad.stop(load)
    assert majors <= 3
  end

  # It restored all in one step: 4,096 took 200 ms.
  test "an owner whose predecessor crashed restores no more than a portion of its peers in a turn",
       %{
         sidecar: sidecar
       } do
    load = OwnerLoad.start(1_000, sidecar)
    OwnerLoad.snapshot(load)
    # Only the event, for the state is large.
    event = [{[:_, :"$1", :_], [], [{:message, :"$1"}]}]
    1 = :erlang.trace_pattern({Cluster, :handle, 3}, event, [:global])
    {_figures, load} = OwnerLoad.restart(load, true)
    :erlang.trace_pattern({Cluster, :handle, 3}, false, [:global])
    events = events(load.owner)
    OwnerLoad.stop(load)

    portions =
      Enum.flat_map(events, fn
        {:restore, peers, _nodes, _seed} -> [length(peers)]
        {:restored, peers} -> [length(peers)]
        _event -> []
      end)

    assert Enum.all?(portions, &(&1 <= Cluster.portion()))
    assert Enum.sum(portions) == 1_000
    assert List.last(portions) == 0
    # The sidecar is opened behind the last.
    opened = Enum.find_index(events, &match?({:opened, _keys, _process}, &1))
    assert opened > Enum.find_index(events, &(&1 == {:restored, []}))

    # Each is a message, behind those that are there: who asks meanwhile is not kept waiting until the last.
    assert Effects.act({:restore, {"a@x", 1}}, %{port: nil}) == %{port: nil}
    assert_received {:restore, {"a@x", 1}}
  end

  # GossipCluster.Epmd forgets in a while who is not listed any more: also those that the owner has not restored yet.
  test "a cluster that is stopped while its owner restores its peers leaves none of them to epmd",
       %{sidecar: sidecar} do
    load = OwnerLoad.start(@many, sidecar)
    OwnerLoad.snapshot(load)
    listed = fn -> :ets.match(GossipCluster.Epmd, {{:"$1", load.name}, :_, :_, :_, nil}) end
    assert length(listed.()) == @many
    # The next owner has just begun when it is stopped.
    Process.exit(load.owner, :kill)
    _successor = OwnerLoad.successor(load)
    OwnerLoad.stop(load)
    assert listed.() == []
  end

  test "what a peer costs that is restored", %{sidecar: sidecar} do
    cost = fn count ->
      runs =
        for _ <- 1..3 do
          load = OwnerLoad.start(count, sidecar)
          OwnerLoad.snapshot(load)
          {figures, load} = OwnerLoad.restart(load)
          OwnerLoad.stop(load)
          figures.reductions
        end

      Enum.min(runs)
    end

    # Code is loaded by the first.
    _ = cost.(64)
    {few, many} = {cost.(@few), cost.(@many)}

    assert many <= 1.2 * few,
           "#{round(few)} reductions a peer with #{@few} peers, #{round(many)} with #{@many}"
  end

  # What cluster_test.exs holds of the effects, seen at the process: whatever else it may do of its own is seen, too.
  test "one frame about a peer is one write of it to the view, and one round of dialling", %{
    sidecar: sidecar
  } do
    load = OwnerLoad.start(1, sidecar)
    [peer] = load.peers
    rounds = {Dialer, :due, 3}
    writes = {:ets, :insert, 2}
    traced = [{Cluster, :handle, 3}, rounds, writes]
    for function <- traced, do: 1 = :erlang.trace_pattern(function, true, [:global])
    1 = :erlang.trace(load.owner, true, [:call])

    for frame <- [{:up, peer}, {:update, %{peer | port: 9}}] do
      send(load.owner, {load.port, {:data, :erlang.term_to_binary(frame)}})
      _ = :sys.get_state(load.owner)
      calls = calls(load.owner)
      view = View.table(load.name)
      name = peer.name

      assert [%Peer{name: ^name}] =
               for({:ets, :insert, [^view, {{:peer, ^name, _}, peer}]} <- calls, do: peer)

      # Another turn may fall in between: what this node's addresses are is looked at again and again.
      assert [[:one_round]] = for({{:frame, _}, calls} <- turns(calls), do: rounds(calls))
      for {_event, calls} <- turns(calls), do: assert(length(rounds(calls)) <= 1)
    end

    OwnerLoad.stop(load)
    for function <- traced, do: :erlang.trace_pattern(function, false, [:global])
  end

  # What was called in each turn, with the event that began it.
  defp turns(calls) do
    calls
    |> Enum.chunk_while(
      [],
      fn
        {Cluster, :handle, _} = call, turn -> {:cont, Enum.reverse(turn), [call]}
        call, turn -> {:cont, [call | turn]}
      end,
      &{:cont, Enum.reverse(&1), []}
    )
    |> Enum.flat_map(fn
      [{Cluster, :handle, [_state, event, _now]} | calls] -> [{event, calls}]
      _before -> []
    end)
  end

  defp rounds(calls), do: for({Dialer, :due, _arguments} <- calls, do: :one_round)

  # What was handled by this one, of what was traced by now.
  defp events(owner) do
    ref = :erlang.trace_delivered(owner)
    assert_receive {:trace_delivered, ^owner, ^ref}, 5_000
    events(owner, [])
  end

  defp events(owner, events) do
    receive do
      {:trace_ts, ^owner, :call, {Cluster, :handle, 3}, event, _at} ->
        events(owner, [event | events])
    after
      0 -> Enum.reverse(events)
    end
  end

  # All that was traced by now.
  defp calls(owner) do
    ref = :erlang.trace_delivered(owner)
    assert_receive {:trace_delivered, ^owner, ^ref}, 5_000
    calls(owner, [])
  end

  defp calls(owner, calls) do
    receive do
      {:trace, ^owner, :call, call} -> calls(owner, [call | calls])
    after
      0 -> Enum.reverse(calls)
    end
  end
end
