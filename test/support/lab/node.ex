defmodule GossipCluster.Lab.Node do
  @moduledoc """
  A real BEAM node on a host of a lab, steered over its standard input, so that the test needs no way into its network.

      a = Node.start(lab, "a", host: 1, cluster: [interval: 200])
      Node.call(a, GossipCluster, :peers, [])
  """

  alias GossipCluster.{Lab, Peer}
  alias GossipCluster.Lab.Prober

  @enforce_keys [:name, :peer, :host, :os_pid]
  defstruct [:name, :peer, :host, :os_pid]

  @type t :: %__MODULE__{
          name: String.t(),
          peer: pid(),
          host: Lab.Host.t(),
          os_pid: pos_integer()
        }

  # Small: many of them share a small machine.
  @flags ~w(+S 1:1 +SDcpu 1:1 +SDio 1 +sbwt none +sbwtdcpu none +sbwtdio none)

  @doc """
  Boots a node called `name@HOST` and starts `:gossip_cluster` in it.

    * `:host` - the number of the host. Default: `1`
    * `:epmd` - `:gossip` (GossipCluster.Epmd; host names resolve nowhere) or `:stock` (an epmd on each host). Default:
      `:gossip`
    * `:alive` - `false`: distribution does not run yet, see `go_alive/2`. Default: `true`
    * `:at` - the part of the node's name behind the `@`; one with a dot makes the name a long one. Default: the host's
      name
    * `:cookie` - default: `cookie/0`
    * `:pod` - the file that is its /etc/resolv.conf: then the node is as in a pod of OpenShift, of a user without a
      name or a home (`pod_user/0`), without capabilities, and where nothing can be written
    * `:flags` - more flags for `erl`
    * `:clock` - its clocks of the system's running time (monotonic and boot time) are ahead by so many seconds, in a
      time namespace of its own, where the kernel has these. Default: `0`
    * `:cluster` - options: a cluster to start at once; it is subscribed to before it can know anybody
    * `:configured` - the same, but from the application's configuration, so that it is stopped with the application
  """
  @spec start(Lab.t(), String.t(), keyword()) :: t()
  def start(lab, name, options \\ []) do
    host = Map.fetch!(lab.hosts, Keyword.get(options, :host, 1))
    epmd = Keyword.get(options, :epmd, :gossip)
    at = Keyword.get(options, :at, host.name)

    {:ok, peer, _node} =
      :peer.start(
        Map.merge(
          %{
            connection: :standard_io,
            exec:
              {to_charlist(System.find_executable("ip")),
               exec(lab, host, epmd, options[:pod], Keyword.get(options, :clock, 0))},
            args: Enum.map(arguments(epmd, options), &to_charlist/1),
            env: [{~c"HOME", to_charlist(lab.dir)}, {~c"ERL_CRASH_DUMP_SECONDS", ~c"0"}],
            wait_boot: 60_000
          },
          if(Keyword.get(options, :alive, true),
            do: %{
              name: to_charlist(name),
              host: to_charlist(at),
              longnames: String.contains?(at, ".")
            },
            else: %{}
          )
        )
      )

    configured = Keyword.get_values(options, :configured)
    :ok = :peer.call(peer, Prober, :boot, [configured], 60_000)
    os_pid = peer |> :peer.call(:os, :getpid, []) |> List.to_integer()
    node = %__MODULE__{name: "#{name}@#{at}", peer: peer, host: host, os_pid: os_pid}
    if cluster = options[:cluster], do: start_cluster(node, cluster)
    node
  end

  @doc "The Erlang cookie of nodes that are given no other."
  @spec cookie() :: String.t()
  def cookie, do: "a_cookie_of_the_lab"

  @doc "Boots many at once: `{name, options}` each."
  @spec start_all(Lab.t(), [{String.t(), keyword()}]) :: [t()]
  def start_all(lab, specs) do
    specs
    |> Task.async_stream(fn {name, options} -> start(lab, name, options) end,
      max_concurrency: 4,
      timeout: 120_000
    )
    |> Enum.map(fn {:ok, node} -> node end)
  end

  # A mount namespace comes with `ip netns exec`: the node sees our /etc/hosts, nobody else does.
  defp exec(lab, host, epmd, pod, ahead) do
    script = ~s(mount --bind "$0" /etc/hosts && ) <> if(pod, do: pod(), else: ~s(exec "$@"))
    hosts = Lab.hosts_file(lab, epmd)
    erl = System.find_executable("erl")

    Enum.map(
      ["netns", "exec", host.netns, "sh", "-c", script, hosts | List.wrap(pod)] ++
        clock(ahead) ++ [erl],
      &to_charlist/1
    )
  end

  # A time namespace is for who is born in it. When a signal ends that one, unshare complains of itself: to nobody.
  defp clock(0), do: []

  defp clock(ahead) do
    script =
      "exec 3>&2; exec unshare --time --monotonic #{ahead} --boottime #{ahead} --fork -- " <>
        ~S(sh -c 'exec "$@" 2>&3 3>&-' sh "$@" 2>/dev/null)

    ["sh", "-c", script, "sh"]
  end

  # The one capability it keeps is to read what is not for everybody: the code may be in somebody's home.
  defp pod do
    user =
      case pod_user() do
        {:ok, uid} ->
          "setpriv --reuid #{uid} --regid 0 --clear-groups --no-new-privs --bounding-set -all,+dac_read_search " <>
            "--inh-caps -all,+dac_read_search --ambient-caps -all,+dac_read_search "

        {:error, _why} ->
          ""
      end

    """
    set -e
    mount --bind "$1" /etc/resolv.conf
    shift
    while read -r _ _ _ _ point _; do
      case $point in /proc*|/sys*|/dev*) ;; *) mount -o remount,bind,ro "$point" ;; esac
    done < /proc/self/mountinfo
    exec #{user}"$@"
    """
  end

  @doc """
  The user of a pod: one of those that OpenShift gives to a namespace. A user namespace may not have it: there the pod
  is root, which then is nobody outside, and a test that means the user says `why` it is not shown.
  """
  @spec pod_user() :: {:ok, 1_000_620_000} | {:error, why :: String.t()}
  def pod_user do
    uid = 1_000_620_000
    map = File.read!("/proc/self/uid_map")

    if Lab.user?(uid),
      do: {:ok, uid},
      else: {:error, "this user namespace has no user #{uid} (its uid_map: #{inspect(map)})"}
  end

  defp arguments(epmd, options) do
    paths = for app <- [:elixir, :logger, :gossip_cluster], do: Application.app_dir(app, "ebin")
    cookie = Keyword.get(options, :cookie, cookie())
    code = ["-pa" | paths]

    module =
      if epmd == :gossip,
        do: ["-epmd_module", "Elixir.GossipCluster.Epmd", "-start_epmd", "false"],
        else: []

    @flags ++ code ++ module ++ ["-setcookie", cookie] ++ Keyword.get(options, :flags, [])
  end

  # What says goodbye.
  @partings [
    {GossipCluster, :leave},
    {Prober, :stop_cluster},
    {Prober, :leave_and_rejoin},
    {Node, :stop},
    {:init, :stop}
  ]

  @doc "Calls a function in the node. It raises what the function raises. Where it says goodbye the others hear that."
  @spec call(t(), module(), atom(), list()) :: term()
  def call(node, module, function, arguments \\ []) do
    if {module, function} in @partings, do: Lab.heard()
    :peer.call(node.peer, module, function, arguments, 60_000)
  end

  @doc "Starts a cluster under a supervisor of the node's and subscribes to it."
  @spec start_cluster(t(), keyword()) :: :ok
  def start_cluster(node, options \\ []), do: call(node, Prober, :start_cluster, [options])

  @doc "Starts the distribution of a node that was started without, and returns the node with its name."
  @spec go_alive(t(), String.t()) :: t()
  def go_alive(node, name) do
    name = "#{name}@#{node.host.name}"
    {:ok, _pid} = call(node, Node, :start, [String.to_atom(name), :shortnames])
    %{node | name: name}
  end

  @doc "Stops the distribution of a node and starts it under this name; returns the node with its name."
  @spec renamed(t(), String.t()) :: t()
  def renamed(node, name) do
    :ok = call(node, Node, :stop)
    go_alive(node, name)
  end

  @doc "What happened in the node, oldest first: see `GossipCluster.Lab.Prober`."
  @spec events(t()) :: [Prober.event()]
  def events(node), do: call(node, Prober, :events)

  @doc "Its log: `{time, level, line}`, oldest first."
  @spec log(t()) :: [{integer(), atom(), String.t()}]
  def log(node), do: call(node, Prober, :log)

  @doc "Events that the subscriber got about this peer, without their times: `:up`, `:update`, `{:down, reason}`, `:conflict`."
  @spec about(t(), t() | String.t(), atom()) :: [atom() | {:down, atom()}]
  def about(node, peer, cluster \\ GossipCluster) do
    for {_at, {:event, ^cluster, event}} <- events(node), kind = kind(event, name(peer)), do: kind
  end

  @doc "When the first event for which `match` is true came; `nil` if none did."
  @spec time(t(), (term() -> as_boolean(term()))) :: integer() | nil
  def time(node, match) do
    Enum.find_value(events(node), fn {at, what} -> if match.(what), do: at end)
  end

  defp kind({:down, %Peer{name: name}, reason}, name), do: {:down, reason}
  defp kind({:conflict, %Peer{name: name}, _other}, name), do: :conflict
  defp kind({kind, %Peer{name: name}}, name) when kind in [:up, :update], do: kind
  defp kind(_event, _name), do: nil

  @doc "The names of the connected nodes, sorted."
  @spec connected(t()) :: [String.t()]
  def connected(node),
    do: node |> call(:erlang, :nodes, [:connected]) |> Enum.map(&Atom.to_string/1) |> Enum.sort()

  @doc """
  Whether a call to the other node, over the Erlang connection that there is, is answered within so many milliseconds.
  No connection is made for it.
  """
  @spec reaches?(t(), t(), pos_integer()) :: boolean()
  def reaches?(node, other, timeout \\ 1_000),
    do: call(node, Prober, :reaches?, [String.to_atom(other.name), timeout])

  @doc "NODEUP and NODEDOWN as net_kernel told them: `{:nodeup | :nodedown, name}`."
  @spec links(t()) :: [{:nodeup | :nodedown, String.t()}]
  def links(node) do
    for {_at, {kind, name}} <- events(node), kind in [:nodeup, :nodedown], do: {kind, name}
  end

  @doc "The names of the listed peers, sorted."
  @spec peers(t(), atom()) :: [String.t()]
  def peers(node, cluster \\ GossipCluster),
    do: node |> call(GossipCluster, :peers, [cluster]) |> Enum.map(& &1.name) |> Enum.sort()

  @doc "The listed peer of this name, or `nil`."
  @spec peer(t(), t() | String.t(), atom()) :: Peer.t() | nil
  def peer(node, peer, cluster \\ GossipCluster),
    do: node |> call(GossipCluster, :peers, [cluster]) |> Enum.find(&(&1.name == name(peer)))

  @doc "The status of its cluster."
  @spec status(t(), atom()) :: map()
  def status(node, cluster \\ GossipCluster), do: call(node, GossipCluster, :status, [cluster])

  @doc "One counter of its sidecar. It must run."
  @spec stat(t(), atom()) :: non_neg_integer()
  def stat(node, key), do: Map.fetch!(stats(node), key)

  @doc "All its counters. A sidecar that does not answer within its half second is asked again."
  @spec stats(t()) :: map()
  def stats(node), do: GossipCluster.Eventually.eventually(fn -> status(node).stats end, 10_000)

  @doc "The process of its sidecar, or `nil`."
  @spec sidecar(t(), atom()) :: pos_integer() | nil
  def sidecar(node, cluster \\ GossipCluster), do: status(node, cluster).sidecar.os_pid

  defp name(%__MODULE__{name: name}), do: name
  defp name(name) when is_binary(name), do: name
end
