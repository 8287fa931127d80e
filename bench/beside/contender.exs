defmodule Bench.Contender do
  @moduledoc """
  Who is measured: this project with each kind of secret, the naive mechanism, and libcluster's Gossip strategy.

  All run in the same kind of VM, in the same lab, and are started by the same process with the same call.
  """

  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Mesh, Node, Prober}

  @enforce_keys [:name, :epmd, :options]
  defstruct [:name, :epmd, :options, kind: :ours]

  # What `elixir` has loaded before it does anything of ours: asked of it, not guessed.
  @loaded "IO.puts(for {m, _} <- :code.all_loaded(), do: [Atom.to_string(m), ?\\n])"

  @doc "All contenders that can run here, by name."
  def all do
    key = :crypto.strong_rand_bytes(32)

    ours =
      for {name, epmd, options} <- [
            {"key", :gossip, [secret: {:key, key}]},
            {"key, stock epmd", :stock, [secret: {:key, key}]},
            {"cookie", :gossip, []},
            {"cookie of a release", :gossip, [erlang_cookie: release_cookie()]}
          ],
          do: %__MODULE__{name: name, epmd: epmd, options: options}

    theirs =
      if libcluster(),
        do: [%__MODULE__{name: "libcluster", epmd: :stock, options: [], kind: :libcluster}],
        else: []

    ours ++ theirs ++ [%__MODULE__{name: "naive", epmd: :stock, options: [], kind: :naive}]
  end

  @doc "The contenders of these names, of those that can run here."
  def named(names), do: for(%{name: name} = one <- all(), name in names, do: one)

  @doc "The folder of libcluster's compiled modules, or nil."
  def libcluster do
    ebin = System.get_env("LIBCLUSTER_EBIN")
    if ebin && File.exists?(Path.join(ebin, "Elixir.Cluster.Strategy.Gossip.beam")), do: ebin
  end

  # As `mix release` makes one.
  defp release_cookie, do: Base.encode32(:crypto.strong_rand_bytes(32))

  @doc """
  Boots VMs on these hosts: `{name, host}` each. With `:interactive`, loaded is what `elixir` loads as it starts, and
  everything else when it is first called; with `:release`, all modules of Erlang's applications that a contender uses,
  of Elixir, of Logger and of the contender, and what these say of themselves in their `.app` files.
  """
  def boot(one, lab, nodes, mode) do
    specs =
      for {name, host} <- nodes do
        cookie = if c = one.options[:erlang_cookie], do: [cookie: c], else: []
        {name, [host: host, epmd: one.epmd, flags: flags(one)] ++ cookie}
      end

    nodes = Node.start_all(lab, specs)
    for node <- nodes, do: load(one, node, mode)
    nodes
  end

  defp flags(%{kind: :libcluster}), do: ["-pa", libcluster()]
  defp flags(_one), do: []

  defp load(one, node, mode) do
    for {module, binary} <- stand_ins(one),
        do: {:module, _} = Node.call(node, :code, :load_binary, [module, ~c"bench", binary])

    for module <- modules(one, mode),
        do: {:module, _} = Node.call(node, :code, :ensure_loaded, [module])

    for application <- applications(one, mode),
        do: :ok = Node.call(node, :application, :load, [application])
  end

  # A release's boot script names and describes all applications: none looks for an `.app` file as it starts. Who is no
  # application here has none to start.
  defp applications(%{kind: :ours}, :release), do: [:gossip_cluster]
  defp applications(_one, _mode), do: []

  # What libcluster tells of each connect; and the naive mechanism, which has no folder of its own. (Its one module is
  # loaded, which spares it a millisecond.)
  defp stand_ins(%{kind: :libcluster}), do: [{:telemetry, compiled(:telemetry)}]
  defp stand_ins(%{kind: :naive}), do: [{Naive, compiled(:naive)}]
  defp stand_ins(_ours), do: []

  defp compiled(what) do
    with nil <- :persistent_term.get({__MODULE__, what}, nil) do
      [{_module, binary}] =
        case what do
          :naive ->
            Code.compile_file("bench/naive.exs")

          :telemetry ->
            Code.compile_string("defmodule :telemetry, do: (def execute(_, _, _), do: :ok)")
        end

      :persistent_term.put({__MODULE__, what}, binary)
      binary
    end
  end

  defp modules(_one, :interactive), do: interactive()

  defp modules(one, :release) do
    apps =
      for app <- [:kernel, :stdlib, :crypto, :elixir, :logger],
          do: Path.join(:code.lib_dir(app), "ebin")

    own =
      %{ours: Application.app_dir(:gossip_cluster, "ebin"), libcluster: libcluster()}[one.kind]

    for ebin <- apps ++ List.wrap(own), module <- beams(ebin), do: module
  end

  # What stands beside the library for its tests alone is no part of it.
  defp beams(ebin) do
    for path <- Path.wildcard(Path.join(ebin, "*.beam")),
        {:ok, {module, compile_info: info}} =
          :beam_lib.chunks(to_charlist(path), [:compile_info]),
        not String.contains?("#{info[:source]}", "/test/support/"),
        do: module
  end

  defp interactive do
    with nil <- :persistent_term.get({__MODULE__, :interactive}, nil) do
      {names, 0} = System.cmd("elixir", ["-e", @loaded])
      names = for name <- String.split(names, "\n", trim: true), do: String.to_atom(name)

      there =
        for name <- names, is_list(:code.which(name)) or :code.which(name) == :preloaded, do: name

      :persistent_term.put({__MODULE__, :interactive}, there)
      there
    end
  end

  @doc "Starts the contender in these nodes when the common clock shows this time; it is not begun before what is returned."
  def start_at(one, nodes, at, more \\ []) do
    for node <- nodes do
      {function, arguments} = start(one, node, more)
      :ok = Node.call(node, Prober, function, arguments ++ [at])
    end

    # Timers are of whole milliseconds.
    at - 2_000
  end

  @doc "Starts it as soon as all of them have been told to."
  def start_now(one, nodes, more \\ []),
    do: start_at(one, nodes, Lab.clock() + 20_000 + 5_000 * length(nodes), more)

  @doc "Boots one VM on each of so many hosts, of which the n-th contender has the n-th letter."
  def set(one, lab, count, n \\ 0, mode \\ :release),
    do: boot(one, lab, for(h <- 1..count, do: {"#{<<?a + n>>}#{h}", h}), mode)

  @doc "The same, and all of them are connected."
  def together(one, lab, count) do
    nodes = set(one, lab, count)
    Mesh.span(nodes, nodes, start_now(one, nodes))
    nodes
  end

  @doc "Whether it has said what it says at its start, and waits for others."
  def waits?(%{kind: :ours}, node) do
    # It asks fifteen times, in vain, and beats from then on.
    Node.call(node, GossipCluster.View, :exists?, [GossipCluster]) and Node.status(node).announced and
      Node.stat(node, :sent) >= 16
  end

  # Its first heartbeat is sent before it answers anybody.
  def waits?(_other, node) do
    Node.call(node, Process, :whereis, [:contender]) != nil and
      Node.call(node, :sys, :get_state, [:contender]) != nil
  end

  # The cluster's own entry point, under a supervisor, with a subscriber that keeps what it is told.
  defp start(%{kind: :ours} = one, _node, more),
    do: {:start_cluster_at, [Keyword.delete(one.options, :erlang_cookie) ++ more]}

  defp start(%{kind: :naive}, node, _more),
    do: {:call_at, [GenServer, :start, [Naive, [interface: node.host.ip], [name: :contender]]]}

  # A lab has no default route, so it is told which interface to use.
  defp start(%{kind: :libcluster}, node, _more) do
    state = %{
      __struct__: Cluster.Strategy.State,
      topology: :beside,
      connect: {:net_kernel, :connect_node, []},
      disconnect: {:erlang, :disconnect_node, []},
      list_nodes: {:erlang, :nodes, [:connected]},
      config: [secret: "a shared secret", multicast_if: node.host.ip],
      meta: nil
    }

    {:call_at, [GenServer, :start, [Cluster.Strategy.Gossip, [state], [name: :contender]]]}
  end

  @doc "Ends the contender in these nodes, and all connections."
  def stop(one, nodes) do
    for node <- nodes do
      if one.kind == :ours do
        if Node.call(node, GossipCluster.View, :exists?, [GossipCluster]),
          do: Node.call(node, Prober, :stop_cluster, [GossipCluster])
      else
        if Node.call(node, Process, :whereis, [:contender]),
          do: Node.call(node, GenServer, :stop, [:contender])
      end
    end
  end
end
