defmodule GossipCluster.OwnerLoad do
  @moduledoc """
  What an owner costs when it is told of very many peers: a real cluster of this VM, whose sidecar hears nobody, and
  frames as gossipd writes them, sent to the owner as its port would. Nobody is dialled, however long the machine
  takes: the owner may begin no dial within the next hour. The caller has started the node's distribution.

      load = OwnerLoad.start(4_096)
      OwnerLoad.snapshot(load)
      #=> %{reductions: 1_234.5, longest: 4.2, collecting: 3.5, copied: 190_000, majors: 2, milliseconds: 300.0}
      OwnerLoad.words(load)      #=> 46.1
      OwnerLoad.stop(load)

  Reductions are the owner's, for each peer; the longest step, in milliseconds, is one message from its beginning to its
  end, by the clock on the wall, and `collecting` is what of it were collections of the owner's memory; `copied` are the
  words that the collections of one step have copied, at most, and `majors` how many collected all of the memory, which
  no load of the machine changes. Words are what is left of that memory by such a collection, for each peer.
  """

  alias GossipCluster.{Cluster, FakeSidecar, Owner, OwnerCase, View}
  alias GossipCluster.Owner.Timers

  defstruct [:name, :owner, :port, :peers, :supervisor]

  # As many as gossipd puts into one.
  @page 64
  # No argument is copied, for the owner's whole state is one.
  @flags [:call, :arity, :return_to, :garbage_collection, :monotonic_timestamp]

  @doc """
  A test's set-up: while it runs, this node is alive, and the log has errors only. `sidecar`: an executable that reads,
  and says nothing.
  """
  def quiet_node do
    level = Logger.level()
    Logger.configure(level: :error)
    OwnerCase.alive()

    ExUnit.Callbacks.on_exit(fn ->
      Logger.configure(level: level)
      if Node.alive?(), do: :net_kernel.stop()
    end)

    {:ok, sidecar: FakeSidecar.script("exec cat >/dev/null")}
  end

  @doc "Starts a cluster for this many peers, whose sidecar is this executable: one that reads, and says nothing."
  def start(count, sidecar) do
    name = :"load_#{System.unique_integer([:positive])}"

    options = [
      name: name,
      sidecar: sidecar,
      secret: {:key, String.duplicate("k", 32)},
      max_peers: 65_535,
      interval: 60_000,
      connect: {__MODULE__, :connect, []},
      list_nodes: {__MODULE__, :list, []}
    ]

    {:ok, supervisor} = GossipCluster.start_link(options)

    ready(%__MODULE__{
      name: name,
      owner: Process.whereis(name),
      supervisor: supervisor,
      peers:
        for(n <- 1..count, do: FakeSidecar.peer("a#{n}@host.example", port: rem(n, 60_000) + 1))
    })
  end

  # The sidecar of this owner runs.
  defp ready(%{owner: owner} = load) do
    # No pulse of its own counts, and none goes unanswered.
    :sys.replace_state(owner, &%{&1 | timers: Timers.cancel(&1.timers, :pulse)})
    # 200 dials a second, of which there are none left for so long.
    hour = System.monotonic_time(:millisecond) + 3_600_000
    :sys.replace_state(owner, &put_in(&1.cluster.dialer.queue.tokens_at, hour))
    load = %{load | port: :sys.get_state(owner).port}
    send(owner, {load.port, {:data, :erlang.term_to_binary(FakeSidecar.is_ready())}})
    settle(load)
    load
  end

  def connect(_node), do: false
  def list, do: []

  @doc "Ends it."
  def stop(load) do
    Process.unlink(load.supervisor)
    Supervisor.stop(load.supervisor, :shutdown)
  end

  @doc "The sidecar tells of all in pages."
  def snapshot(load) do
    [first | more] = Enum.chunk_every(load.peers, @page)
    frames = [{:snapshot, :first, first} | Enum.map(more, &{:snapshot, :more, &1})]
    load |> measure(frames ++ [:snapshot_end], length(load.peers)) |> listed(load, load.peers)
  end

  @doc "The sidecar tells that each has moved."
  def update(load) do
    moved = for peer <- load.peers, do: %{peer | port: peer.port + 1}

    load
    |> measure(for(peer <- moved, do: {:update, peer}), length(moved))
    |> listed(load, moved, [:name, :port])
  end

  @doc "The sidecar tells that every other is gone."
  def down_half(load) do
    gone = Enum.take_every(load.peers, 2)

    load
    |> measure(for(peer <- gone, do: {:down, peer, :silent}), length(gone))
    |> listed(load, load.peers -- gone)
  end

  @doc "A snapshot that lacks every other: all of these are gone at once."
  def vanish_half(load) do
    left = load.peers |> Enum.drop(1) |> Enum.take_every(2)
    [first | more] = Enum.chunk_every(left, @page)
    frames = [{:snapshot, :first, first} | Enum.map(more, &{:snapshot, :more, &1})]
    load |> measure(frames ++ [:snapshot_end], length(load.peers)) |> listed(load, left)
  end

  @doc "A connection to each comes up."
  def connect_all(load) do
    nodes = for peer <- load.peers, do: String.to_atom(peer.name)
    up = fn -> for node <- nodes, do: send(load.owner, {:nodeup, node, []}) end
    measured = measure(load, [], length(nodes), up)
    true = Enum.all?(GossipCluster.peers(load.name), &(&1.connection == :connected))
    measured
  end

  @doc "This node leaves: that concerns every peer."
  def leave(load) do
    measure(load, [], length(load.peers), fn -> GossipCluster.leave(load.name) end)
  end

  @doc """
  The owner is killed, and another follows it: what that has done when all peers are restored and a sidecar is opened.
  Somebody may await from the first moment on. All of them are to be confirmed by a snapshot then. Returns the load with
  the new owner, too.
  """
  def restart(load, awaited \\ false) do
    # So it does not wait a second with its sidecar.
    true = View.put(View.table(load.name), :opened, nil)
    steps(true)
    1 = :erlang.trace(load.supervisor, true, [:set_on_first_spawn | @flags])
    since = System.monotonic_time(:microsecond)
    Process.exit(load.owner, :kill)
    load = %{load | owner: successor(load)}
    waiting = if awaited, do: waiting(load)
    opened(load)
    settle(load)
    milliseconds = (System.monotonic_time(:microsecond) - since) / 1000
    {:reductions, reductions} = Process.info(load.owner, :reductions)
    1 = :erlang.trace(load.supervisor, false, [:all])
    1 = :erlang.trace(load.owner, false, @flags)
    steps(false)
    figures = figures(load.owner, reductions, length(load.peers), milliseconds)
    if waiting, do: Process.unlink(waiting) && Process.exit(waiting, :kill)
    names = for peer <- Cluster.peers(:sys.get_state(load.owner).cluster), do: peer.name
    true = names == Enum.sort(for peer <- load.peers, do: peer.name)
    {figures, ready(load)}
  end

  @doc "The owner that follows the load's, which was killed: when there is one."
  def successor(%{owner: owner} = load) do
    case Process.whereis(load.name) do
      pid when pid in [nil, owner] -> Process.sleep(1) && successor(load)
      pid -> pid
    end
  end

  # It is when all of them are restored; that of the killed owner ran.
  defp opened(load) do
    case View.get(View.table(load.name), :status, nil) do
      %{sidecar: :starting} -> :ok
      _waiting -> Process.sleep(1) && opened(load)
    end
  end

  @doc "What the owner's memory holds, in words a peer, when all that is not needed is collected."
  def words(load) do
    settle(load)
    1 = :erlang.trace(load.owner, true, [:garbage_collection])
    true = :erlang.garbage_collect(load.owner)
    1 = :erlang.trace(load.owner, false, [:garbage_collection])
    ref = :erlang.trace_delivered(load.owner)
    words(load.owner, ref, 0) / length(load.peers)
  end

  defp words(owner, ref, words) do
    receive do
      {:trace, ^owner, :gc_major_end, sizes} -> words(owner, ref, sizes[:heap_size])
      {:trace, ^owner, _what, _sizes} -> words(owner, ref, words)
      {:trace_delivered, ^owner, ^ref} -> words
    end
  end

  @doc """
  Each peer comes, is connected, and is gone, so many times over; each time it is another life of the same name.
  """
  def come_and_go(load, times) do
    for _ <- 1..times do
      life = System.unique_integer([:positive])
      peers = for peer <- load.peers, do: %{peer | boot: <<life::64>>, creation: life}
      for peer <- peers, do: say(load, {:up, peer})
      for peer <- peers, do: send(load.owner, {:nodeup, String.to_atom(peer.name), []})
      for peer <- peers, do: say(load, {:update, %{peer | port: peer.port + 1}})
      settle(load)
      there = GossipCluster.peers(load.name)
      true = length(there) == length(peers)
      true = Enum.all?(there, &(&1.connection == :connected and &1.creation == life))
      for peer <- peers, do: send(load.owner, {:nodedown, String.to_atom(peer.name), []})
      for peer <- peers, do: say(load, {:down, peer, :silent})
      # Its mailbox is a part of its memory.
      settle(load)
    end

    [] = GossipCluster.peers(load.name)
    :ok
  end

  defp say(load, event),
    do: send(load.owner, {load.port, {:data, :erlang.term_to_binary(event)}})

  @doc """
  What a cluster holds, in words: the owner's and all its other processes' memory, when all that is not needed is
  collected, and the ETS tables of these processes and of `GossipCluster.Shared`; and how many rows these have.
  """
  def held(load) do
    settle(load)
    processes = descendants(load.supervisor)
    shared = [Process.whereis(GossipCluster.Shared) | descendants(GossipCluster.Shared)]
    all = processes ++ shared

    tables =
      for table <- :ets.all(), :ets.info(table, :owner) in [load.supervisor | all], do: table

    %{
      processes: processes |> Enum.map(&live_words/1) |> Enum.sum(),
      tables: tables |> Enum.map(&:ets.info(&1, :memory)) |> Enum.sum(),
      rows: tables |> Enum.map(&:ets.info(&1, :size)) |> Enum.sum()
    }
  end

  defp descendants(supervisor) do
    Enum.flat_map(Supervisor.which_children(supervisor), fn
      {_id, pid, :supervisor, _modules} when is_pid(pid) -> [pid | descendants(pid)]
      {_id, pid, :worker, _modules} when is_pid(pid) -> [pid]
      _other -> []
    end)
  end

  # After a collection of everything the heap is what lives. One that has ended meanwhile, as those do that the owner
  # starts for a moment, holds nothing.
  defp live_words(pid) do
    _alive = :erlang.garbage_collect(pid)

    case Process.info(pid, :garbage_collection_info) do
      {:garbage_collection_info, info} -> info[:heap_size] + info[:old_heap_size]
      nil -> 0
    end
  end

  @doc "A caller that awaits more peers than there are, for as long as it lives."
  def await(load) do
    pid = waiting(load)
    settle(load)
    pid
  end

  defp waiting(load) do
    spawn_link(fn -> GossipCluster.await(load.name, min: 1_000_000, timeout: :infinity) end)
  end

  defp measure(load, frames, peers, also \\ fn -> :ok end) do
    messages = for frame <- frames, do: {load.port, {:data, :erlang.term_to_binary(frame)}}
    settle(load)
    steps(true)
    1 = :erlang.trace(load.owner, true, @flags)
    {:reductions, before} = Process.info(load.owner, :reductions)
    since = System.monotonic_time(:microsecond)
    for message <- messages, do: send(load.owner, message)
    also.()
    settle(load)
    milliseconds = (System.monotonic_time(:microsecond) - since) / 1000
    {:reductions, reductions} = Process.info(load.owner, :reductions)
    1 = :erlang.trace(load.owner, false, @flags)
    steps(false)

    figures(load.owner, reductions - before, peers, milliseconds)
  end

  defp figures(owner, reductions, peers, milliseconds) do
    step = longest(owner)

    %{
      reductions: reductions / peers,
      longest: milliseconds(step.longest),
      collecting: milliseconds(step.collecting),
      copied: step.copied,
      majors: step.majors,
      milliseconds: milliseconds
    }
  end

  # What was measured counts only if the owner has done it: one that understood nothing is cheap.
  defp listed(measured, load, peers, keys \\ [:name]) do
    known = fn peers -> peers |> Enum.map(&Map.take(&1, keys)) |> Enum.sort() end
    true = known.(GossipCluster.peers(load.name)) == known.(peers)
    measured
  end

  # Nothing is left to do: no message, and nothing that waits for a turn.
  defp settle(%{owner: owner} = load) do
    case Process.info(owner, [:message_queue_len, :status, :current_function]) do
      [message_queue_len: 0, status: :waiting, current_function: {:gen_server, :loop, _}] -> :ok
      _busy -> Process.sleep(1) && settle(load)
    end
  end

  defp steps(on) do
    match = if on, do: [{:_, [], []}], else: false

    for {function, arity} <- [handle_info: 2, handle_call: 3, handle_continue: 2],
        do: 1 = :erlang.trace_pattern({Owner, function, arity}, match, [:local])
  end

  # The longest step, and what of it was spent collecting; and the most that one has copied.
  defp longest(owner) do
    ref = :erlang.trace_delivered(owner)
    longest(owner, ref, begun(0), %{longest: 0, collecting: 0, copied: 0, majors: 0})
  end

  defp begun(at), do: %{since: at, collecting: 0, copied: 0, young: 0, old: 0}

  defp longest(owner, ref, step, longest) do
    receive do
      {:trace_ts, ^owner, :call, _function, at} ->
        longest(owner, ref, begun(at), longest)

      {:trace_ts, ^owner, :return_to, _function, at} ->
        longest = %{longest | copied: max(longest.copied, step.copied)}
        longest(owner, ref, step, longer(longest, at - step.since, step.collecting))

      {:trace_ts, ^owner, :gc_minor_start, sizes, at} ->
        {young, old} = {sizes[:heap_size], sizes[:old_heap_size]}
        step = %{step | collecting: step.collecting - at, young: young, old: old}
        longest(owner, ref, step, longest)

      {:trace_ts, ^owner, :gc_major_start, _sizes, at} ->
        longest = %{longest | majors: longest.majors + 1}
        step = %{step | collecting: step.collecting - at, young: 0, old: 0}
        longest(owner, ref, step, longest)

      {:trace_ts, ^owner, what, sizes, at} when what in [:gc_minor_end, :gc_major_end] ->
        step = %{
          step
          | copied: step.copied + copied(step, sizes[:heap_size], sizes[:old_heap_size])
        }

        longest(owner, ref, %{step | collecting: step.collecting + at}, longest)

      {:trace_delivered, ^owner, ^ref} ->
        longest
    end
  end

  # A minor one that finds no room for what has grown old does nothing, and a major one follows.
  defp copied(%{young: young, old: old}, young, old), do: 0
  # What is young still, and what has grown old.
  defp copied(%{old: old}, young, now_old), do: young + now_old - old

  defp longer(%{longest: longest} = of, time, collecting) when time > longest,
    do: %{of | longest: time, collecting: collecting}

  defp longer(longest, _time, _collecting), do: longest

  defp milliseconds(time), do: System.convert_time_unit(time, :native, :microsecond) / 1000
end
