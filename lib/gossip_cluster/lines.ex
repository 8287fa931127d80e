defmodule GossipCluster.Lines do
  @moduledoc false
  # The one place where the library's own lines go to Logger: with `domain: [:gossip_cluster]` (Logger puts `:elixir`
  # before it) and the metadata `gossip_cluster`, `gossip_clusters` and `gossip_event`, and none below the level that the
  # option `log` of the cluster names.
  #
  # Where several clusters of this VM report, one event makes the same line in each of them, within a moment: so this
  # process, which all of them share, keeps each line that moment and writes it once, with the names of all. A line has
  # the time at which it came. It is called and not cast to, so that behind a handler of Logger that takes its time each
  # reporter waits, whose mailbox is bounded. Where one cluster reports, its reporter writes by itself and at once; but
  # behind what is still kept, or what one cluster says would change places when another has just ended.

  use GenServer

  require Logger

  alias GossipCluster.Subscribers

  @moment 100
  @key {__MODULE__, :reporters}

  @typedoc "A line: with the clusters' names in front, without them, or with them in the middle where that says anything."
  @type line ::
          {:line, Logger.level(), String.t()}
          | {:bare_line, Logger.level(), String.t()}
          | {:link_line, Logger.level(), String.t(), String.t()}

  @typedoc "The least level that is written, or `false`: nothing is."
  @type log :: Logger.level() | false

  @doc false
  @spec start_link([]) :: GenServer.on_start()
  def start_link([]), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "The calling process reports for a cluster, until it ends."
  @spec join() :: :ok
  def join do
    Subscribers.add(@key)
  catch
    # What all clusters share is being started anew: this one writes by itself.
    :exit, _reason -> :ok
  end

  @doc "Writes a line of this cluster, about an event of this kind; one that several report once."
  @spec report(line(), GossipCluster.name(), log(), atom()) :: :ok
  def report(line, name, log, event) do
    cond do
      not wanted?(log, elem(line, 1)) -> :ok
      several?() or any_kept?() -> share(line, name, event)
      true -> put_out(line, [name], event, now())
    end
  end

  @doc "Writes a line of this cluster at once."
  @spec write(line(), GossipCluster.name(), log(), atom()) :: :ok
  def write(line, name, log, event) do
    if wanted?(log, elem(line, 1)), do: put_out(line, [name], event, now()), else: :ok
  end

  @doc "Waits until what was reported before is written. For tests."
  @spec flush() :: :ok
  def flush do
    GenServer.call(__MODULE__, :flush, 30_000)
  catch
    :exit, {:noproc, _call} -> :ok
  end

  @doc """
  A line of these clusters as the log has it.

      iex> GossipCluster.Lines.text({:line, :info, "multicast on eth0"}, [GossipCluster, Shop])
      "GossipCluster, Shop: multicast on eth0"
      iex> GossipCluster.Lines.text({:link_line, :info, "NODEUP b@h", ""}, [GossipCluster])
      "NODEUP b@h"
      iex> GossipCluster.Lines.text({:link_line, :info, "NODEDOWN b@h", " (:nodedown)"}, [Shop])
      "NODEDOWN b@h in Shop (:nodedown)"
  """
  @spec text(line(), [GossipCluster.name(), ...]) :: String.t()
  def text({:line, _level, text}, names), do: names(names) <> ": " <> text
  def text({:bare_line, _level, text}, _names), do: text
  def text({:link_line, _, head, tail}, [:"Elixir.GossipCluster"]), do: head <> tail
  def text({:link_line, _, head, tail}, names), do: head <> " in " <> names(names) <> tail

  # Where code is loaded when it is called, inspect would come between the first peer and its dial.
  defp names([:"Elixir.GossipCluster"]), do: "GossipCluster"
  defp names(names), do: Enum.map_join(names, ", ", &inspect/1)

  @doc "Whether a line of this level is written."
  @spec wanted?(log(), Logger.level()) :: boolean()
  def wanted?(false, _level), do: false
  def wanted?(:debug, _level), do: true
  def wanted?(least, level), do: Logger.compare_levels(level, least) != :lt

  defp several?, do: match?([_, _ | _], Subscribers.list(@key))

  defp any_kept?, do: :ets.lookup(__MODULE__, :kept) == [{:kept, true}]

  defp share(line, name, event) do
    GenServer.call(__MODULE__, {:line, line, name, event, now()}, :infinity)
  catch
    # It is not there, or just being started anew.
    :exit, _reason -> put_out(line, [name], event, now())
  end

  # The oldest first: {line, names, event, time, when it is due}.
  @impl true
  def init([]), do: {:ok, keep([])}

  @impl true
  def handle_call({:line, line, name, event, time}, _from, held) do
    place = Enum.find_index(held, &(elem(&1, 0) == line and name not in elem(&1, 1)))

    held =
      if place,
        do: List.update_at(held, place, &put_elem(&1, 1, Enum.sort([name | elem(&1, 1)]))),
        else: held ++ [{line, [name], event, time, tick() + @moment}]

    if length(held) == 1 and place == nil, do: wait(held)
    {:reply, :ok, keep(held)}
  end

  def handle_call(:flush, _from, held) do
    Enum.each(held, &put_out/1)
    {:reply, :ok, keep([])}
  end

  @impl true
  def handle_info(:due, held) do
    tick = tick()
    {due, held} = Enum.split_while(held, &(elem(&1, 4) <= tick))
    Enum.each(due, &put_out/1)
    wait(held)
    {:noreply, keep(held)}
  end

  # Whatever else comes, such as a late answer to a handler's own call, is not for this process.
  def handle_info(_stray, held), do: {:noreply, held}

  # For reporters to see, behind what was written.
  defp keep(held) do
    :ets.insert(__MODULE__, {:kept, held != []})
    held
  end

  defp wait([]), do: :ok

  defp wait([oldest | _]) do
    _ = Process.send_after(self(), :due, max(elem(oldest, 4) - tick(), 0))
    :ok
  end

  defp put_out({line, names, event, time, _due}), do: put_out(line, names, event, time)

  defp put_out(line, names, event, time) do
    Logger.log(elem(line, 1), text(line, names),
      domain: [:gossip_cluster],
      gossip_cluster: hd(names),
      gossip_clusters: names,
      gossip_event: event,
      time: time
    )
  end

  defp now, do: System.os_time(:microsecond)
  defp tick, do: System.monotonic_time(:millisecond)
end
