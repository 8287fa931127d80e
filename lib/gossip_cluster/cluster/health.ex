defmodule GossipCluster.Cluster.Health do
  @moduledoc false
  # Whether other nodes can find this one, and if not, why: one problem for each cause, in words with the mend. Never
  # says `:ok` while nobody can find this node. Pure. `GossipCluster.status/1` documents what the words mean.

  @type t ::
          :ok
          | :degraded
          | :isolated
          | :no_network
          | :no_sidecar
          | :waiting
          | :unannounced
          | :conflict
  @type cause ::
          :left
          | :disabled
          | :no_name
          | :no_cookie
          | :no_sidecar
          | :no_network
          | :virtual_network
          | :interface
          | :unicast_port
          | :seed
          | :isolated
          | :deaf
          | :mute
          | :conflict
          | :unannounced
  @type problem :: {cause(), String.t()}

  @typedoc """
  What is known of this node: whether it has left, has a name and a cookie; its sidecar's state, what is wrong with it,
  and whether it answers; whether that announces this node, is isolated, and where its interfaces lead to, which are
  named or not, which UDP port is its own, and of which range it was to be; the address of another living node that has
  its name.
  """
  @type view :: %{
          left: boolean(),
          named: boolean(),
          cookie: boolean(),
          sidecar: :down | :waiting | :starting | :running,
          reason: String.t() | nil,
          answers: boolean(),
          announced: boolean(),
          isolated: boolean(),
          rival: String.t() | nil,
          network: GossipCluster.Sidecar.Codec.network(),
          interfaces: [{String.t(), non_neg_integer(), String.t()}],
          named_interfaces: boolean(),
          unicast_port: :inet.port_number(),
          unicast_wanted: {:inet.port_number(), :inet.port_number()},
          seeds: [%{:seed => String.t(), :error => String.t() | nil, optional(atom()) => term()}]
        }

  @doc """
  The health, and all problems, the weightiest first.

      iex> view = %{left: false, named: true, cookie: true, sidecar: :running, reason: nil, answers: true, announced: true,
      ...>   isolated: false, rival: nil, network: %{reach: :lan, missing: [], deaf: [], mute: []}, interfaces: [],
      ...>   named_interfaces: false, unicast_port: 45_894, unicast_wanted: {45_894, 45_901}, seeds: []}
      iex> GossipCluster.Cluster.Health.judge(view)
      {:ok, []}
      iex> {:waiting, [{:no_name, text}]} = GossipCluster.Cluster.Health.judge(%{view | named: false, sidecar: :waiting})
      iex> text =~ "iex --sname"
      true
  """
  @spec judge(view()) :: {t(), [problem()]}
  def judge(view) do
    found = left(view) ++ local(view) ++ sidecar(view)
    problems = for {_health, cause, text} <- found, do: {cause, text}

    case for({health, _cause, _text} when health != :ok <- found, do: health) do
      [health | _] -> {health, problems}
      [] when view.announced -> {:ok, problems}
      [] -> {:unannounced, [{:unannounced, announcing()} | problems]}
    end
  end

  @doc "Of a cluster that is switched off."
  @spec disabled() :: {t(), [problem()]}
  def disabled,
    do:
      {:unannounced,
       [
         {:disabled,
          "this cluster is switched off (enabled: false), so it finds nobody and nobody finds it"}
       ]}

  @doc "Of a cluster whose process has not looked yet."
  @spec unknown() :: {t(), [problem()]}
  def unknown, do: {:unannounced, [{:unannounced, announcing()}]}

  @doc "Whether nothing else has a line in the log for it."
  @spec silent?(cause()) :: boolean()
  def silent?(cause), do: cause in [:no_name, :no_cookie, :virtual_network, :unicast_port, :seed]

  defp announcing, do: "this node is just about to be announced"

  defp left(%{left: true}),
    do: [
      {:unannounced, :left,
       "this node has left the cluster, and announces itself no more until GossipCluster.rejoin/1 is called, or the cluster is started anew"}
    ]

  defp left(_view), do: []

  defp local(%{named: false}),
    do: [
      {:waiting, :no_name,
       "this node has no name, so nobody can find it: give it one, as in `iex --sname shop -S mix` or `elixir --sname shop -S mix run` " <>
         "(or switch the cluster off, `config :gossip_cluster, enabled: false`)"}
    ]

  defp local(%{cookie: false}),
    do: [
      {:waiting, :no_cookie,
       "this node has no Erlang cookie, so nobody can connect to it: give all nodes the same, as in `--cookie` or Node.set_cookie/1"}
    ]

  defp local(_view), do: []

  # It waits for what is told already.
  defp sidecar(%{sidecar: :waiting}), do: []

  defp sidecar(%{sidecar: state, reason: reason}) when state != :running,
    do: [{:no_sidecar, :no_sidecar, reason || "gossipd is being started"}]

  defp sidecar(%{answers: false}),
    do: [{:no_sidecar, :no_sidecar, "gossipd does not answer; it is replaced if it goes on so"}]

  defp sidecar(view),
    do:
      network(view, view.network) ++
        isolated(view) ++
        conflict(view) ++ hearing(view) ++ unicast(view) ++ seeds(view)

  defp network(_view, %{missing: missing, reach: :none}) when missing != [],
    do: [
      {:no_network, :no_network,
       "no interface is in use: #{names(missing)} not up with an IP address; it is used as soon as it is. Bring it up, or correct " <>
         "the option interfaces"}
    ]

  defp network(_view, %{reach: :none}),
    do: [
      {:no_network, :no_network,
       "no interface is in use: none is up with an IP address, or nothing can be sent on any (a firewall, or no route)"}
    ]

  defp network(_view, %{reach: reach, missing: missing}) when reach != :lan and missing != [],
    do: [
      {:no_network, :no_network,
       "only nodes on this machine are found: #{names(missing)} not up with an IP address; it is used as soon as it is. Bring it up, " <>
         "or correct the option interfaces"}
    ]

  defp network(_view, %{missing: missing}) when missing != [],
    do: [
      {:ok, :interface,
       "#{names(missing)} not up with an IP address, and not in use; the others are. Bring it up, or correct the option interfaces"}
    ]

  # Who names them wants just these.
  defp network(%{named_interfaces: true}, _network), do: []

  defp network(_view, %{reach: :loopback}),
    do: [
      {:no_network, :no_network,
       "only nodes on this machine are found, since no other interface is up with an IP address: connect it to a network, which is " <>
         "used within a second"}
    ]

  defp network(view, %{reach: :virtual}) do
    names = Enum.map_join(view.interfaces, ", ", &elem(&1, 0))

    [
      {:no_network, :virtual_network,
       "no interface leads out of this machine, so only its own containers and virtual machines are found (#{names}): connect it to " <>
         "a network, or name these in the option interfaces, if they are meant"}
    ]
  end

  defp network(_view, _network), do: []

  defp isolated(%{isolated: true}),
    do: [
      {:isolated, :isolated,
       "nobody answers this node any more: look at its cable, its network and its firewall"}
    ]

  defp isolated(_view), do: []

  # What is seen, and what shows the cause; which it is, nobody here can tell. Whom it knows it goes on with by unicast.
  # Who names seeds does not count on multicast.
  defp hearing(%{network: %{deaf: deaf, mute: mute}, seeds: seeds}) do
    health = if seeds == [], do: :degraded, else: :ok

    for({name, peers} <- deaf, do: {health, :deaf, deaf(name, peers)}) ++
      for {name, peers} <- mute, do: {health, :mute, mute(name, peers)}
  end

  defp deaf(name, 0),
    do:
      "nothing that is sent to the group arrives on interface #{name}, not even what this node sends itself, so it finds no new " <>
        "node there by itself: look for a firewall of this machine that drops what comes in to the group's UDP port"

  defp deaf(name, peers) do
    answer = if peers == 1, do: "one of them answers", else: "#{peers} of them answer"

    "nothing that others send to the group arrives on interface #{name}, though #{answer} by unicast there, so new nodes are found " <>
      "late or not at all: see what drops multicast on the way here (a firewall, a switch, Wi-Fi), or set broadcast: true on all nodes"
  end

  defp mute(name, peers) do
    "what this node sends to the group on interface #{name} does not arrive at #{peers} of those who answer by unicast there, so new " <>
      "nodes find it late or not at all: see what drops multicast on the way out (a firewall, a switch, Wi-Fi), or set broadcast: true on all nodes"
  end

  # The others list one of the two, and dial neither.
  defp conflict(%{rival: nil}), do: []

  defp conflict(%{rival: address}),
    do: [
      {:conflict, :conflict,
       "another living node, at #{address}, has this node's name, so the others dial neither of the two: give each a " <>
         "name of its own (--sname, RELEASE_NAME)"}
    ]

  # Multicast finds this node all the same, and answers go by it where a firewall keeps unicast away.
  defp unicast(%{unicast_port: 0}), do: []
  defp unicast(%{unicast_wanted: {0, 0}}), do: []

  defp unicast(%{unicast_port: port, unicast_wanted: {first, last}})
       when port >= first and port <= last,
       do: []

  defp unicast(%{unicast_port: port, unicast_wanted: {first, last}}) do
    taken =
      if first == last,
        do: "port #{first} is taken",
        else: "ports #{first} to #{last} are all taken"

    [
      {:ok, :unicast_port,
       "UDP #{taken} on this machine, or forbidden, so the others answer to port #{port}, which a firewall may keep away: " <>
         "`ss -ulpn` names who has them; the option unicast_port names others"}
    ]
  end

  # Multicast, and peers that are known already, find this node all the same.
  defp seeds(view) do
    for %{seed: seed, error: error} when error != nil <- view.seeds do
      {:ok, :seed,
       "seed #{seed} cannot be resolved: #{error}. It is tried again, and what was known of it is used meanwhile: look at the name, " <>
         "at DNS, or correct the option seeds"}
    end
  end

  defp names([name]), do: "interface #{name} is"
  defp names(names), do: "interfaces #{Enum.join(names, ", ")} are"
end
