defmodule GossipCluster do
  @moduledoc """
  Forms Erlang clusters by itself: nodes on a network find each other within milliseconds and are connected.

      children = [
        {GossipCluster, secret: {:key, Application.fetch_env!(:shop, :cluster_key)}}
      ]

  With no option at all, the cluster is keyed by the Erlang cookie: nodes that have the same cookie, on the same
  network, form a cluster. Clusters can also be started from configuration, without a line of code:

      config :gossip_cluster, clusters: [[name: MyCluster, interval: 500]]

  Every function takes the name of a cluster of this node, `GossipCluster` unless another was given. They may be called
  from anywhere, and do not wait for the network, but for `await/2`. A name under which no cluster runs raises
  `ArgumentError`.

  From Erlang the same: `'Elixir.GossipCluster':start_link([{name, shop}])`, `'Elixir.GossipCluster':peers(shop)`.

  ## Switched off

  `config :gossip_cluster, enabled: false` switches all clusters off, as in the tests of an application; so does the
  option `enabled: false`, or `:ignore` in the place of the options, for one: `start_link/1` returns `:ignore`, and no
  process and no socket is there. Every function answers as for a cluster that finds nobody; `await/2` does not wait,
  and `GossipCluster.Await` lets the next child start.

  ## Options

  #{GossipCluster.Options.Schema.docs()}
  """

  alias GossipCluster.Cluster.Health
  alias GossipCluster.Dial.Attempt
  alias GossipCluster.Screen.{Drawing, Graph, Picture, Report, Rows, Watch}

  alias GossipCluster.{
    Disabled,
    Disconnects,
    Doctor,
    Measures,
    Options,
    Peer,
    Reporter,
    Secret,
    Subscribers,
    Tags,
    Telemetry,
    View
  }

  @typedoc "The name of a cluster of this node: an atom."
  @type name :: atom()

  @typedoc """
  What a subscriber gets in `{:gossip_cluster, name, event}`.

    * `{:up, peer}` - a peer was found, and has proven that it holds the secret
    * `{:legacy_up, peer}` - libcluster's wire names it (option `compat`): it has proven nothing, and is dialled
    * `{:legacy_down, peer, reason}` - it does not any more (`:silent`), this node has left (`:left`), or it is a peer now
      (`:native`)
    * `{:update, peer}` - its address, port, status, tags or sidecar has changed
    * `{:down, peer, reason}` - it is gone: `:left` (it said goodbye), `:beam_exit` (its Erlang VM ended without one),
      `:silent`
    * `{:conflict, peer, other}` - two living nodes have this name; `other` may be this node
    * `{:connected, peer}` - the Erlang connection to a listed peer is up, whoever made it
    * `{:disconnected, peer, reason}` - it is gone, with Erlang's reason, such as `:connection_closed`; `nil` where that
      is not known
    * `{:problem, peer, {cause, text}}` - what keeps it from being connected, or makes its connection be cut; once, as
      in the log. The causes are those of `GossipCluster.Telemetry`
    * `{:membership, :left | :rejoined}` - this node has left the cluster (`leave/1`), or is back (`rejoin/1`)
    * `{:missed, count}` - so many reports were not made, since a handler of Logger or of telemetry takes too long;
      `peers/1` tells how it is
    * `{:health, health}` - whether others can find this node, see `t:health/0`; what is over within a second is not
      told
    * `{:problem, nil, {cause, text}}` - what keeps them from it, and the mend
  """
  @type event ::
          {:up, Peer.t()}
          | {:legacy_up, Peer.t()}
          | {:legacy_down, Peer.t(), :silent | :left | :native}
          | {:update, Peer.t()}
          | {:down, Peer.t(), :left | :beam_exit | :silent}
          | {:conflict, Peer.t(), Peer.t()}
          | {:connected, Peer.t()}
          | {:disconnected, Peer.t(), term()}
          | {:problem, Peer.t(), {atom(), String.t()}}
          | {:membership, :left | :rejoined}
          | {:missed, pos_integer()}
          | {:problem, nil, {Health.cause(), String.t()}}
          | {:health, health()}

  @doc """
  A child specification. The secret is hidden in it, so that no supervisor's report shows it.

  ## Example

      iex> GossipCluster.child_spec(name: Shop, secret: {:passphrase, "correct horse"}).id
      Shop
  """
  @doc group: :run
  @spec child_spec([Options.option()] | :ignore) :: Supervisor.child_spec()
  def child_spec(:ignore), do: child_spec(enabled: false)

  def child_spec(options) do
    options = Options.hide_secret(options)

    %{
      id: Keyword.get(options, :name, __MODULE__),
      start: {__MODULE__, :start_link, [options]},
      type: :supervisor
    }
  end

  @doc """
  Starts a cluster, linked to the caller. The options are those above; a wrong one raises `ArgumentError`.

  It returns at once. What the network or the system may lack (an interface, the executable) is logged and tried again;
  it never fails the start.

  ## Example

      {:ok, _pid} = GossipCluster.start_link(name: Shop, secret: {:key, key})
  """
  @doc group: :run
  @spec start_link([Options.option()] | :ignore) :: Supervisor.on_start()
  def start_link(options \\ [])
  def start_link(:ignore), do: start_link(enabled: false)

  def start_link(options) do
    options = Options.hide_secret(options)

    if Disabled.wanted?(options) do
      :ok = Disabled.put(Keyword.get(options, :name, __MODULE__))
      :ignore
    else
      options |> Options.validate!() |> GossipCluster.Supervisor.start_link()
    end
  end

  @doc """
  The peers that are listed now, by name; this node is not among them.

  `round_trip` and `loss` are what the sidecar said when it was asked last: reading does not wait for it, but has it
  asked again, once a second at most. So the first call knows neither. Events have neither.

  ## Example

      for peer <- GossipCluster.peers(), do: {peer.name, peer.status, peer.connection}
      #=> [{"b@host", :alive, :connected}]
  """
  @doc group: :look
  @spec peers(name()) :: [Peer.t()]
  def peers(name \\ __MODULE__) do
    name |> read(view!(name), &View.peers/1, fn -> [] end) |> Measures.put(name)
  end

  @typedoc """
  Whether other nodes can find this one. It is never `:ok` while none can; `status/1` has a problem then that names the
  cause and the mend.

  | Health | It means |
  |---|---|
  | `:ok` | it is announced, on an interface that leads to others |
  | `:degraded` | what is sent to the group does not arrive on some interface, or not from there: others find this node late, or not at all |
  | `:isolated` | others were there, and none answers any more |
  | `:no_network` | no interface is in use, or none that leads out of this machine; or the one that is named is missing |
  | `:no_sidecar` | `gossipd` does not run, is being started, or does not answer |
  | `:conflict` | another living node has this node's name, so the others dial neither of the two |
  | `:waiting` | for a name of this node, or for its Erlang cookie; no socket is open yet |
  | `:unannounced` | it has left, the cluster is switched off, or it is just about to be announced |
  """
  @type health :: Health.t()

  @typedoc "See `status/1`."
  @type status :: %{
          name: name(),
          cluster: String.t(),
          group: String.t(),
          port: :inet.port_number(),
          interval: pos_integer(),
          node: node(),
          announced: boolean(),
          left: boolean(),
          tags: %{String.t() => String.t()},
          health: health(),
          peers: non_neg_integer(),
          connected: non_neg_integer(),
          problems: [{name :: String.t() | nil, cause :: atom(), text :: String.t()}],
          sidecar: %{
            state: :running | :starting | :down | :waiting | :disabled,
            reason: nil | String.t(),
            version: nil | String.t(),
            os_pid: nil | pos_integer(),
            boot: nil | String.t(),
            unicast_port: nil | :inet.port_number()
          },
          interfaces: [{name :: String.t(), index :: non_neg_integer(), address :: String.t()}],
          seeds: [
            %{
              seed: String.t(),
              addresses: [
                {:inet.ip_address(), first :: :inet.port_number(), last :: :inet.port_number()}
              ],
              error: nil | String.t()
            }
          ],
          stats: nil | %{atom() => term()},
          reports: %{waiting: non_neg_integer(), dropped: non_neg_integer()},
          strays: non_neg_integer()
        }

  @doc """
  How the cluster is, as a map. It takes half a second at most, should the sidecar be busy; `stats` is `nil` then.

    * `name`, `cluster` (the label), `group`, `port`, `interval` - as configured
    * `node` - this node, and `announced` - whether it announces itself (only while it is alive, and has not left)
    * `left` - whether `leave/1` was called, and not `rejoin/1` since
    * `tags` - this node's own, as it says them to the others
    * `health` - whether others can find this node: `:ok`, `:degraded`, `:isolated`, `:no_network`, `:no_sidecar`,
      `:conflict`, `:waiting` or `:unannounced`, see `t:health/0`
    * `peers`, `connected` - how many are listed, and how many of these are connected
    * `problems` - what keeps the others from being connected: `{name, cause, text}` each, where it is known; first,
      with `nil` for the name, what keeps this node from being found
    * `sidecar` - a map: `state` (`:running`, `:starting`, `:down`, `:waiting` for this node's distribution to start,
      or, after a crash of the cluster's process, until all its peers are back, a tenth of a second for thousands; or
      `:disabled`), `reason` (why it is down, else `nil`), `version`, `os_pid`, `boot`, `unicast_port` (the UDP port that
      it sends from and is answered at)
    * `interfaces` - `{name, index, address}` of those in use: joined, and what is sent goes out
    * `seeds` - of each item of the option `seeds` a map: `seed`, as it is written, `addresses`, as they were resolved
      last (`{ip, first_port, last_port}` each), and `error`, why it could not be resolved again, three times in a row
      and more, or `nil`
    * `stats` - the sidecar's counters since it started; and `key_tag`, a number that all datagrams show in the clear
      that are sealed by the key which this node seals by
    * `reports` - a map: `waiting`, how many lines, events and measurements wait to be made, and `dropped`, how many
      were not made, since a handler of Logger or of telemetry takes too long
    * `strays` - how many messages, calls and casts came to the cluster's process that it does not know

  ## Example

      GossipCluster.status().health
      #=> :ok
      GossipCluster.status().problems
      #=> [{"c@h3", :timeout, "its distribution port does not answer ..."}]
  """
  @doc group: :look
  @spec status(name()) :: status()
  def status(name \\ __MODULE__) do
    read(name, view!(name), &status(name, &1), fn -> disabled(name) end)
  end

  defp status(name, view) do
    stats = stats(name)
    options = View.get(view, :options, %{})
    sidecar = View.get(view, :sidecar, %{})

    status =
      View.get(view, :status, %{sidecar: :down, reason: nil, announced: false, left: false})

    peers = View.peers(view)
    running = status.sidecar == :running

    %{
      name: name,
      cluster: options[:cluster],
      group: options[:group],
      port: options[:port],
      interval: options[:interval],
      node: node(),
      announced: status.announced,
      left: status.left,
      tags: View.get(view, :tags, options[:tags]),
      health: View.get(view, :health, elem(Health.unknown(), 0)),
      peers: length(peers),
      connected: Enum.count(peers, &(&1.connection == :connected)),
      problems:
        own_problems(View.get(view, :problems, elem(Health.unknown(), 1))) ++
          for(%{problem: {cause, text}} = peer <- peers, do: {peer.name, cause, text}),
      sidecar: %{
        state: status.sidecar,
        reason: status.reason,
        version: if(running, do: sidecar[:version]),
        os_pid: if(running, do: sidecar[:pid]),
        boot: if(running, do: sidecar[:boot]),
        unicast_port: if(running, do: sidecar[:unicast_port])
      },
      interfaces:
        (stats && stats[:interfaces]) ||
          if(running, do: View.get(view, :interfaces, []), else: []),
      seeds: View.get(view, :seeds, []),
      stats: stats && Map.delete(stats, :interfaces),
      reports: Reporter.counts(view),
      strays: View.get(view, :strays, 0)
    }
  end

  defp own_problems(problems), do: for({cause, text} <- problems, do: {nil, cause, text})

  defp disabled(name) do
    {health, problems} = Health.disabled()
    options = Options.validate!([])

    options
    |> Map.take([:cluster, :group, :port, :interval])
    |> Map.merge(%{
      name: name,
      node: node(),
      announced: false,
      left: false,
      tags: options.tags,
      health: health,
      peers: 0,
      connected: 0,
      problems: own_problems(problems),
      sidecar: %{
        state: :disabled,
        reason: nil,
        version: nil,
        os_pid: nil,
        boot: nil,
        unicast_port: nil
      },
      interfaces: [],
      seeds: [],
      stats: nil,
      reports: %{waiting: 0, dropped: 0},
      strays: 0
    })
  end

  @typedoc "See `watch/1`."
  @type watch_option ::
          {:once, boolean()}
          | {:json, boolean()}
          | {:interval, 100..60_000}
          | {:sort, :name | :state | :heard | :round_trip | :loss}

  @doc """
  Prints the peers as a table: who is there, where it was heard and how it is connected, or why not.

    * `LINK` - the interface on which it is heard
    * `PATH` - the other end of the Erlang connection; with `?` where it will be dialled
    * `ROUND TRIP`, `LOSS` - see `GossipCluster.Peer`
    * `VERSION` - of this library there; connected nodes are asked for it, for 2 s at most

  Columns that find no room go, the least important first; colours need a terminal, and no `NO_COLOR` in the
  environment.

  ## Example

      GossipCluster.info()
      # a@10.0.0.5 · health ok · 2 peers, 2 connected · gossipd 0.1.0
      #
      # NAME        ADDRESS   LINK  PATH           STATE  HEARD  ROUND TRIP  LOSS  CONNECTION  VERSION
      # b@10.0.0.6  10.0.0.6  eth0  10.0.0.6:4370  alive  0.4 s     0.31 ms   0 %  connected   0.1.0
      # c@10.0.0.7  10.0.0.7  eth0  10.0.0.7:4370  alive  0.1 s     0.35 ms   0 %  connected   0.1.0
      #=> :ok
  """
  @doc group: :look
  @spec info(name()) :: :ok
  def info(name \\ __MODULE__), do: watch(name, once: true)

  @doc """
  Shows the same as a live table, with the latest events below, until `q` is typed.

    * `:once` - prints it once, and returns. Default: `false`
    * `:json` - with `once`: as one line of JSON, for programs. Default: `false`
    * `:interval` - milliseconds between two pictures. Default: `1000`
    * `:sort` - `:name`, or by what is worst: `:state`, `:heard`, `:round_trip`, `:loss`. Default: `:name`. The key `s`
      goes to the next

  In a release it is `bin/shop rpc "GossipCluster.watch()"`. Where the terminal gives no single keys, as in IEx, `q` is
  followed by Enter.

  ## Example

      GossipCluster.watch(sort: :loss)
      GossipCluster.watch(once: true, json: true)
  """
  @doc group: :look
  @spec watch(name() | [watch_option()]) :: :ok
  def watch(name_or_options \\ [])
  def watch(options) when is_list(options), do: watch(__MODULE__, options)
  def watch(name), do: watch(name, [])

  @doc """
  As `watch/1`, for the cluster of this name.

  ## Example

      GossipCluster.watch(Shop, interval: 500)
  """
  @doc group: :look
  @spec watch(name(), [watch_option()]) :: :ok
  def watch(name, options) do
    known = [:once, :json, :interval, :sort]
    options = options!("watch", name, options, known, "once: true")
    options = Keyword.merge([once: false, json: false, interval: 1_000, sort: :name], options)
    [once, json, interval, sort] = Enum.map(known, &Keyword.fetch!(options, &1))

    unless is_boolean(once), do: wrong!("watch", :once, once, "true or false")

    unless is_boolean(json) and (once or not json),
      do: wrong!("watch", :json, json, "true or false, true with once: true alone")

    unless is_integer(interval) and interval in 100..60_000,
      do: wrong!("watch", :interval, interval, "milliseconds from 100 to 60000")

    unless sort in Rows.orders(),
      do: wrong!("watch", :sort, sort, "one of #{inspect(Rows.orders())}")

    # A cluster that does not run is told at once.
    _view = view!(name)
    if once, do: Watch.once(__MODULE__, name, options), else: Watch.run(__MODULE__, name, options)
  end

  @typedoc "See `graph/1`."
  @type graph_option :: {:format, :mermaid | :dot | :svg}

  @doc """
  A picture of the cluster: who hears whom over which interface, and who is connected.

    * `:format` - `:mermaid`, `:dot` (Graphviz) or `:svg`. Default: `:mermaid`

  It is what this node knows, and what the connected nodes say that run this library: 64 of them are asked, for 2 s at
  most. A solid line is a connection, a dashed one is not; an arrow leads from who hears to who is heard.

  ## Example

      File.write!("cluster.svg", GossipCluster.graph(format: :svg))
      IO.puts(GossipCluster.graph())
  """
  @doc group: :look
  @spec graph(name() | [graph_option()]) :: String.t()
  def graph(name_or_options \\ [])
  def graph(options) when is_list(options), do: graph(__MODULE__, options)
  def graph(name), do: graph(name, [])

  @doc """
  As `graph/1`, for the cluster of this name.

  ## Example

      GossipCluster.graph(Shop, format: :dot)
  """
  @doc group: :look
  @spec graph(name(), [graph_option()]) :: String.t()
  def graph(name, options) do
    options = options!("graph", name, options, [:format], "format: :svg")
    format = Keyword.get(options, :format, :mermaid)

    unless format in [:mermaid, :dot, :svg],
      do: wrong!("graph", :format, format, ":mermaid, :dot or :svg")

    # A cluster that does not run is told at once.
    _view = view!(name)
    graph = __MODULE__ |> Picture.take(name) |> Graph.take()
    apply(Drawing, format, [graph])
  end

  @doc """
  A report of the cluster, to be attached to a report of a bug: one page of HTML with the table, the graph, the latest
  events, status, configuration and counters.

  It has names and addresses, and no secret. It asks nobody for anything when it is opened. Connected nodes are asked for
  what they see, as by `graph/1`.

  ## Example

      File.write!("report.html", GossipCluster.report())
  """
  @doc group: :look
  @spec report(name()) :: String.t()
  def report(name \\ __MODULE__) do
    _view = view!(name)
    Report.html(__MODULE__, name)
  end

  @typedoc "See `await/1`."
  @type await_option :: {:min, non_neg_integer()} | {:tags, tags()} | {:timeout, timeout()}

  @typedoc "See the option `tags`, and `put_tags/2`. Keys may be atoms or texts."
  @type tags :: Tags.given()

  @typedoc "See `leave/1`."
  @type leave_option :: {:disconnect, boolean()}

  @doc """
  Waits until at least `:min` peers (default 1; this node does not count) are listed and connected.

    * `:tags` - only those count that have all of these tags, see the option `tags`. Default: `%{}`, all count
    * `:timeout` - how long, in milliseconds, or `:infinity`. Default: `5000`

  Returns `:ok`, or `{:error, :timeout}`. It survives a restart of the cluster's processes meanwhile.

  ## Example

      :ok = GossipCluster.await(min: 2, timeout: 10_000)
      :ok = GossipCluster.await(tags: [role: "db"], min: 2)
  """
  @doc group: :look
  @spec await(name() | [await_option()]) :: :ok | {:error, :timeout}
  def await(name_or_options \\ [])
  def await(options) when is_list(options), do: await(__MODULE__, options)
  def await(name), do: await(name, [])

  @doc """
  As `await/1`, for the cluster of this name.

  ## Example

      :ok = GossipCluster.await(Shop, min: 2, timeout: 10_000)
  """
  @doc group: :look
  @spec await(name(), [await_option()]) :: :ok | {:error, :timeout}
  def await(name, options) do
    options = options!("await", name, options, [:min, :tags, :timeout], "min: 2, timeout: 10_000")
    min = Keyword.get(options, :min, 1)
    timeout = Keyword.get(options, :timeout, 5_000)

    unless is_integer(min) and min >= 0,
      do: wrong!("await", :min, min, "an integer from 0")

    unless timeout == :infinity or (is_integer(timeout) and timeout >= 0),
      do: wrong!("await", :timeout, timeout, "milliseconds or :infinity")

    tags = tags!("await", Keyword.get(options, :tags, %{}))
    deadline = if timeout != :infinity, do: now() + timeout

    cond do
      view!(name) -> await(name, {:await, min, tags, timeout}, deadline)
      min == 0 -> :ok
      true -> {:error, :timeout}
    end
  end

  defp await(name, {:await, min, tags, _timeout} = request, deadline) do
    GenServer.call(name, request, :infinity)
  catch
    # The owner is being restarted. Nobody tells when the next one is there, so it is asked for again and again.
    :exit, _reason ->
      left = if deadline, do: max(deadline - now(), 0), else: :infinity

      if left == 0 or not View.exists?(name) do
        {:error, :timeout}
      else
        Process.sleep(min(left, 20))
        timeout = if left == :infinity, do: left, else: max(left - 20, 0)
        await(name, {:await, min, tags, timeout}, deadline)
      end
  end

  @doc """
  Sends the cluster's events to the calling process from now on, as `{:gossip_cluster, name, event}`; see `t:event/0`.

  It lasts until the process ends or calls `unsubscribe/1`, whatever the cluster's own processes go through. To know
  everybody, subscribe first and call `peers/1` then: what is told twice is told the same.

  ## Example

      :ok = GossipCluster.subscribe()
      receive do
        {:gossip_cluster, GossipCluster, {:up, peer}} -> peer.name
      end
  """
  @doc group: :look
  @spec subscribe(name()) :: :ok
  def subscribe(name \\ __MODULE__) do
    if view!(name), do: Subscribers.add({:events, name}), else: :ok
  end

  @doc """
  Ends what `subscribe/1` began. Events that have come already stay in the caller's mailbox.

  ## Example

      :ok = GossipCluster.unsubscribe()
  """
  @doc group: :look
  @spec unsubscribe(name()) :: :ok
  def unsubscribe(name \\ __MODULE__) do
    # Where no cluster has ever run there is none.
    if Process.whereis(Subscribers), do: Subscribers.remove({:events, name}), else: :ok
  end

  @doc """
  Leaves the cluster: says goodbye, so that the others know at once and do not dial this node again, and dials nobody
  any more. It lasts until `rejoin/1`, or until the cluster is started anew; what is stopped with its supervisor, or
  with the VM, leaves by itself. Meanwhile `peers/1` shows who was listed last.

    * `:disconnect` - whether the connections to the cluster's peers are ended then. Default: `false`, they stay as they
      are. Where this node is connected to nobody else, `:global.disconnect/0` does it, so that `global` does not take
      it for a partition and cut others; else the option `disconnect` of the cluster, for one peer after the other

  Returns when the goodbyes are sent, after 0.2 s at most.

  ## Example

      :ok = GossipCluster.leave()
      :ok = GossipCluster.leave(disconnect: true)
  """
  @doc group: :run
  @spec leave(name() | [leave_option()]) :: :ok
  def leave(name_or_options \\ [])
  def leave(options) when is_list(options), do: leave(__MODULE__, options)
  def leave(name), do: leave(name, [])

  @doc """
  As `leave/1`, for the cluster of this name.

  ## Example

      :ok = GossipCluster.leave(Shop, disconnect: true)
  """
  @doc group: :run
  @spec leave(name(), [leave_option()]) :: :ok
  def leave(name, options) do
    options = options!("leave", name, options, [:disconnect], "disconnect: true")
    disconnect = Keyword.get(options, :disconnect, false)

    unless is_boolean(disconnect),
      do: wrong!("leave", :disconnect, disconnect, "true or false")

    if view = view!(name), do: leave(name, view, disconnect), else: :ok
  end

  defp leave(name, _view, false), do: GenServer.call(name, :leave)

  # The cluster may end with its goodbye: then they are those that there were before.
  defp leave(name, view, true) do
    before = read(name, view, &connections/1, fn -> nil end)
    :ok = GenServer.call(name, :leave)
    disconnect(connections(view, before))
  end

  defp connections(view, before) do
    connections(view)
  rescue
    error in ArgumentError ->
      if View.open?(view), do: reraise(error, __STACKTRACE__)
      before
  end

  defp connections(view) do
    nodes =
      for %{connection: :connected} = peer <- View.peers(view),
          node = Peer.node(peer),
          do: node

    {nodes, View.get(view, :options, %{})}
  end

  defp disconnect({nodes, %{disconnect: mfa, observer: observer}}) do
    # No other cluster of this VM is to take it for the user's wish.
    Enum.each(nodes, &Disconnects.put/1)

    _ =
      if mfa == {:erlang, :disconnect_node, []} and Node.list() -- nodes == [] and
           function_exported?(:global, :disconnect, 0),
         do: apply(:global, :disconnect, [])

    # Those that are left: hidden ones, where `global` did the rest.
    for node <- nodes,
        mfa != {:erlang, :disconnect_node, []} or node in Node.list(:connected),
        do: _ = Attempt.disconnect(node, mfa, observer)

    :ok
  end

  @doc """
  Joins the cluster again after `leave/1`: this node is announced, the others list and dial it, and it dials them, as
  after a start. It does so in a new life, under a new boot id, so that the goodbye of the last one delays nothing. Who
  was listed when this node left and is not there any more is told as `{:down, peer, :silent}`, after 10 s or 6
  intervals at most.

  Returns at once, also while the goodbyes of a `leave/1` are still being said, which is then followed by this. Where
  this node has not left, nothing happens.

  ## Example

      :ok = GossipCluster.leave(disconnect: true)   # maintenance: nobody dials this node
      :ok = GossipCluster.rejoin()
      :ok = GossipCluster.await(min: 1)
  """
  @doc group: :run
  @spec rejoin(name()) :: :ok
  def rejoin(name \\ __MODULE__) do
    if view!(name), do: GenServer.call(name, :rejoin), else: :ok
  end

  @doc """
  Changes what this node says of itself to the others, as the option `tags` does: these replace those that there were.

  The others are told at once, and see it as `{:update, peer}`, also in `peers/1`; what changes many times a second is
  told as it stands by then. A peer that the option `accept` has refused there is asked for again. **A connection that
  is up stays**, whatever `accept` would say of the new tags: who would end it would end it for both, and with it all
  that runs over it; whoever wants that calls `Node.disconnect/1` when it is told.

  It lasts until the cluster's supervisor is restarted, so change the configuration too. What cannot be tags raises
  `ArgumentError`.

  ## Example

      :ok = GossipCluster.put_tags(%{role: "db", zone: "a", version: "1.4.3"})
  """
  @doc group: :run
  @spec put_tags(tags()) :: :ok
  def put_tags(tags), do: put_tags(__MODULE__, tags)

  @doc """
  As `put_tags/1`, for the cluster of this name.

  ## Example

      :ok = GossipCluster.put_tags(Shop, role: "db", zone: "a")
  """
  @doc group: :run
  @spec put_tags(name(), tags()) :: :ok
  def put_tags(name, tags) do
    tags = tags!("put_tags", tags)
    if view!(name), do: GenServer.call(name, {:put_tags, tags}), else: :ok
  end

  @doc """
  Emits what is counted as telemetry events, see `GossipCluster.Telemetry`: for `:telemetry_poller`, or a timer of
  yours.

  ## Example

      {:telemetry_poller, measurements: [{GossipCluster, :measure, [GossipCluster]}], period: 10_000}
  """
  @doc group: :look
  @spec measure(name()) :: :ok
  def measure(name \\ __MODULE__) do
    peers = peers(name)
    _ = if peers != [], do: Measures.ask(name)

    for {event, measurements, metadata} <- Telemetry.measurements(status(name), peers(name)),
        do: Reporter.execute(event, measurements, Map.put(metadata, :cluster, name))

    :ok
  end

  @typedoc "See `doctor/1`."
  @type doctor_option ::
          {:name, name()}
          | {:peer, String.t() | node() | nil}
          | {:compare, String.t() | nil}
          | {:listen, non_neg_integer()}
          | {:secret_file, Path.t()}
          | {:kind, :cookie | :passphrase | :key}
          | {:json, boolean()}

  @doc """
  Finds out why two nodes do not meet, and prints it: what was looked at, and in a line a cause what to do. It changes
  nothing, and works where no cluster runs, too: then it looks at this host alone. `mix gossip.doctor` is the same.

    * `:name` - the cluster. Default: the only one that runs, or `GossipCluster`
    * `:peer` - another node, by its name, its host or its address, behind which the UDP port of its sidecar may stand
      (`"198.51.100.2:45894"`): looks at the way to it, too. Default: `nil`. Raises where it names nobody, or more than
      one, as a multicast address does
    * `:compare` - the code that the doctor of another machine has printed: says what differs. Default: `nil`
    * `:listen` - for how long packets are counted, in milliseconds. Default: `3000`
    * `:secret_file` - a file in which the secret stands under which `:peer` is asked, where it is not listed here. Default:
      the secret of the cluster, which runs or is configured (`config :gossip_cluster, clusters: ...`); where there is none,
      less is told. Raises where the file holds none
    * `:kind` - what stands there: `:cookie`, `:passphrase` or `:key`. Default: `:cookie`
    * `:json` - prints one line of JSON instead. Default: `false`

  Returns `:ok`, `:warning` or `:broken`: the worst of what it has found. It takes as long as it listens, and up to some
  seconds more. In a release it is `bin/shop rpc "GossipCluster.doctor()"`.

  ## Example

      GossipCluster.doctor(peer: "b@h2")
      #=> :ok
  """
  @doc group: :look
  @spec doctor([doctor_option()]) :: :ok | :warning | :broken
  def doctor(options \\ []) do
    example = "doctor(peer: \"b@h2\")"
    options = Options.unfold!("GossipCluster.doctor", options, example)
    known = [:name, :peer, :compare, :listen, :secret_file, :kind, :json]
    :ok = Options.known!("GossipCluster.doctor", options, known)
    listen = Keyword.get(options, :listen, 3_000)

    unless is_integer(listen) and listen in 0..60_000,
      do: wrong!("doctor", :listen, listen, "milliseconds, from 0 to 60000")

    peer = Keyword.get(options, :peer)

    unless peer == nil or Doctor.one?(peer),
      do:
        wrong!(
          "doctor",
          :peer,
          peer,
          "a node's name, a host's name or an address of one host, and a port or none"
        )

    secret = doctors_secret!(options)
    readers = %{status: &status/1, peers: &peers/1}
    report = Doctor.examine([secret: secret] ++ options, readers)

    # It was to be asked under just this.
    with {_kind, file} <- secret, %{peer: %{answer: {:error, why}}} <- report.facts do
      raise ArgumentError, "GossipCluster.doctor: #{peer} cannot be asked under #{file}: #{why}"
    end

    :ok = Doctor.print(report, Keyword.get(options, :json, false) == true)
    report.status
  end

  defp doctors_secret!(options) do
    kind = Keyword.get(options, :kind, :cookie)

    unless kind in [:cookie, :passphrase, :key],
      do: wrong!("doctor", :kind, kind, "one of :cookie, :passphrase and :key")

    case {options[:secret_file], options[:peer]} do
      {nil, _peer} ->
        nil

      {_file, nil} ->
        raise ArgumentError,
              "GossipCluster.doctor: with :secret_file, the one that is asked about under it is to be named"

      {file, _peer} ->
        unless is_binary(file) and file != "" and readable?(file),
          do: wrong!("doctor", :secret_file, file, "a file that can be read")

        {kind, file}
    end
  end

  defp readable?(file),
    do: match?({:ok, %{access: access}} when access in [:read, :read_write], File.stat(file))

  @doc """
  Changes the secret while the cluster runs: the same values as the option `:secret`.

  To change it everywhere without a gap, go around three times: first add the new one behind the old (`[old, new]`), so
  that everybody understands both; then put it in front (`[new, old]`), so that it seals; then drop the old one (`new`).

  It lasts until the cluster's supervisor is restarted, so change the configuration too. A wrong secret raises
  `ArgumentError`.

  ## Example

      old = {:file, "/etc/shop/old.key"}
      new = {:file, "/etc/shop/new.key"}
      :ok = GossipCluster.rotate_secret([old, new])
      :ok = GossipCluster.rotate_secret(Shop, [old, new])
  """
  @doc group: :run
  @spec rotate_secret(name(), term()) :: :ok
  def rotate_secret(name \\ __MODULE__, secret) do
    if view!(name), do: rotate(name, secret), else: :ok
  end

  defp rotate(name, secret) do
    case Secret.resolve(secret) do
      {:ok, ring} ->
        GenServer.call(name, {:rotate, ring})

      {:error, allowed, given} ->
        raise ArgumentError,
              "GossipCluster.rotate_secret: the secret is #{given}, but must be #{allowed}"
    end
  end

  defp stats(name) do
    GenServer.call(name, :stats, 2_000)
  catch
    :exit, _reason -> nil
  end

  defp tags!(function, given) do
    case Tags.new(given) do
      {:ok, tags} -> tags
      {:error, allowed} -> wrong!(function, :tags, given, allowed)
    end
  end

  # What a function that takes a name and options was given, or how to write it right.
  defp options!(function, name, options, known, example) do
    function = "GossipCluster." <> function
    example = &"#{function}(#{inspect(&1)}, #{example})"

    unless is_atom(name),
      do:
        raise(
          ArgumentError,
          "#{function}: the cluster's name is #{inspect(name)}, but must be an atom: #{example.(__MODULE__)}"
        )

    options = Options.unfold!(function, options, example.(name))
    :ok = Options.known!(function, options, known)
    options
  end

  @spec wrong!(String.t(), atom(), term(), String.t()) :: no_return()
  defp wrong!(function, key, value, allowed),
    do:
      raise(
        ArgumentError,
        "GossipCluster.#{function}: #{inspect(key)} is #{inspect(value, limit: 10, printable_limit: 100)}, but must be #{allowed}"
      )

  # The view of a cluster that runs; `nil` of one that is switched off.
  defp view!(name) do
    cond do
      is_atom(name) and View.exists?(name) ->
        View.table(name)

      is_atom(name) and Disabled.disabled?(name) ->
        nil

      true ->
        raise ArgumentError,
              "no cluster #{inspect(name)} runs on this node; there runs #{running()}"
    end
  end

  # Reads the view; or says what there is to say of a cluster that is switched off. The view may go meanwhile, with its
  # cluster: then there is another of this name by now, or none.
  defp read(_name, nil, _read, disabled), do: disabled.()

  defp read(name, view, read, disabled) do
    read.(view)
  rescue
    error in ArgumentError ->
      if View.open?(view), do: reraise(error, __STACKTRACE__)
      read(name, view!(name), read, disabled)
  end

  defp running do
    case View.names() do
      [] -> "none"
      names -> Enum.map_join(names, ", ", &inspect/1)
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
