defmodule GossipCluster.Chaos.Witness do
  @moduledoc """
  What runs in each node of bin/chaos beside the cluster: its subscriber, which writes to a file what it is told and
  what is logged, so that it is there when the node has been killed, and nothing of it stays in the node's memory.
  """

  use GenServer

  alias GossipCluster.Lab.Prober

  @typedoc """
  Microseconds of the machine's clock, and `{:event, event}`, `{:link, :nodeup | :nodedown, name}`,
  `{:log, level, text}` or `{:peers, peers}`.
  """
  @type entry :: {integer(), tuple()}
  @type look :: %{
          peers: [GossipCluster.Peer.t()],
          connected: [String.t()],
          sidecar: pos_integer() | nil
        }

  @doc """
  Takes the place of `GossipCluster.Lab.Prober`, and starts the cluster. `ahead`: by so many seconds this node's clock
  is ahead of the machine's.
  """
  @spec start(Path.t(), integer(), keyword()) :: :ok
  def start(file, ahead, options) do
    :ok = :logger.remove_handler(:lab)
    :ok = GenServer.stop(Prober)
    {:ok, _pid} = GenServer.start(__MODULE__, {file, ahead}, name: __MODULE__)
    :ok = Prober.hear(:chaos, __MODULE__, :info)
    GenServer.call(__MODULE__, {:start_cluster, options}, 60_000)
  end

  @doc "What this node shows now; with `record: true` its file has it, too."
  @spec look(keyword()) :: look()
  def look(options \\ []), do: GenServer.call(__MODULE__, {:look, options[:record]}, 30_000)

  @doc "Who of these answers a call over the connection that there is."
  @spec reached([String.t()]) :: [String.t()]
  def reached(names) do
    nodes =
      for name <- names, node = String.to_atom(name), node in :erlang.nodes(:connected), do: node

    answers = :erpc.multicall(nodes, :erlang, :node, [], 2_000)
    for {node, {:ok, node}} <- Enum.zip(nodes, answers), do: Atom.to_string(node)
  end

  @doc "What a file holds from this byte on, and where it ends. A last entry that was not written whole is left."
  @spec read(Path.t(), non_neg_integer()) :: {[entry()], non_neg_integer()}
  def read(path, from) do
    {:ok, file} = :file.open(path, [:raw, :read, :binary])
    size = File.stat!(path).size
    bytes = if size > from, do: elem({:ok, _} = :file.pread(file, from, size - from), 1), else: ""
    :ok = :file.close(file)
    entries(bytes, from, [])
  end

  defp entries(<<size::32, term::binary-size(size), rest::binary>>, from, entries),
    do: entries(rest, from + 4 + size, [:erlang.binary_to_term(term) | entries])

  defp entries(_incomplete, from, entries), do: {Enum.reverse(entries), from}

  @doc false
  # Of :logger: called by the process that logs.
  def log(%{level: level} = event, _config) do
    send(__MODULE__, {:log, clock(), level, Prober.line(event)})
    :ok
  catch
    # It has no name any more: the node ends.
    :error, :badarg -> :ok
  end

  @impl true
  def init({path, ahead}) do
    Process.flag(:trap_exit, true)
    :ok = :net_kernel.monitor_nodes(true, node_type: :all)
    {:ok, file} = :file.open(path, [:raw, :append, :binary])
    {:ok, %{file: file, ahead: ahead * 1_000_000}}
  end

  @impl true
  def handle_call({:start_cluster, options}, _from, state) do
    {:ok, _supervisor} = Supervisor.start_link([{GossipCluster, options}], strategy: :one_for_one)
    {:reply, GossipCluster.subscribe(), state}
  end

  def handle_call({:look, record}, _from, state) do
    peers = GossipCluster.peers()
    if record, do: keep(state, {:peers, peers})
    connected = Enum.sort(for node <- :erlang.nodes(:connected), do: Atom.to_string(node))
    sidecar = GossipCluster.status().sidecar.os_pid
    {:reply, %{peers: peers, connected: connected, sidecar: sidecar}, state}
  end

  @impl true
  def handle_info({:gossip_cluster, GossipCluster, event}, state),
    do: keep(state, {:event, event})

  def handle_info({kind, node, _info}, state) when kind in [:nodeup, :nodedown],
    do: keep(state, {:link, kind, Atom.to_string(node)})

  def handle_info({:log, at, level, line}, state), do: keep(state, {:log, level, line}, at)

  # The cluster has ended for good: never while it is watched.
  def handle_info({:EXIT, _supervisor, reason}, state),
    do:
      keep(state, {:log, :error, "the cluster's supervisor ended: #{inspect(reason, limit: 20)}"})

  defp keep(state, what, at \\ clock()) do
    term = :erlang.term_to_binary({at - state.ahead, what})
    :ok = :file.write(state.file, [<<byte_size(term)::32>>, term])
    {:noreply, state}
  end

  defp clock, do: GossipCluster.Lab.clock()
end
