defmodule GossipCluster.Strategy do
  @moduledoc """
  GossipCluster as a strategy of [libcluster](https://hexdocs.pm/libcluster): in a `Cluster.Supervisor`'s configuration
  one line changes.

      config :libcluster,
        topologies: [
          shop: [
            strategy: GossipCluster.Strategy,             # was: Cluster.Strategy.Gossip
            config: [port: 45892, secret: "a shared secret"]
          ]
        ]

  The rest is as libcluster has it: the topology's `connect`, `disconnect` and `list_nodes` are called with the node
  appended, and `config` may hold what the Gossip strategy takes:

  | Key of Gossip | Here |
  |---|---|
  | `port` | `port` |
  | `multicast_if`, else `if_addr` | `interfaces: [it]`; none, `"0.0.0.0"` and `"::"` mean all |
  | `multicast_addr` | `group` |
  | `multicast_ttl` | `ttl` |
  | `secret`, a text | `secret: {:passphrase, it}`; none: the Erlang cookie |
  | `broadcast_only: true` | `broadcast: true`, beside multicast; an address that is no multicast address is reported |

  and also every option of `GossipCluster.Options`, which wins where both are given. With `compat: :libcluster` nodes that
  still have the Gossip strategy are found, too, and find this one: by what stands in `config` for that strategy, its
  `port`, `multicast_addr`, `multicast_ttl` and `secret`, or by its defaults. Nothing else changes with it. What is unknown is reported in the
  log, once, and has no effect. A wrong value raises `ArgumentError`, as it does without libcluster; whatever the
  network or the system lacks never fails the start.

  A topology is a cluster of this node's, called `name(topology)`:

      GossipCluster.peers(GossipCluster.Strategy.name(:shop))

  The topology's name is not sent and not mixed into the key, as in libcluster. **The wire is another one**: nodes with
  the Gossip strategy and nodes with this one do not hear each other, but with `compat: :libcluster`.

  ## Telemetry

  Where the application has `:telemetry`, libcluster's own events are emitted for the connects of this node, beside
  those of `GossipCluster`:

  | Event | Measurements | Metadata |
  |---|---|---|
  | `[:libcluster, :connect_node, :ok]` | `duration`, native units | `node`, `topology` |
  | `[:libcluster, :connect_node, :error]` | none | `node`, `topology`, `reason`: `:unreachable`, `:not_part_of_network`, or what the function returned or raised |
  | `[:libcluster, :disconnect_node, :ok]` | `duration`, native units | `node`, `topology` |
  | `[:libcluster, :disconnect_node, :error]` | none | `node`, `topology`, `reason`: `:already_disconnected`, `:not_part_of_network`, or what the function returned or raised |

  As with libcluster, a connection that the other side has made is no event here.
  """

  alias GossipCluster.{Lines, Options}

  # As libcluster's supervisor fills them in; also for a state that lacks them.
  @functions [
    connect: {:net_kernel, :connect_node, []},
    disconnect: {:erlang, :disconnect_node, []},
    list_nodes: {:erlang, :nodes, [:connected]}
  ]

  # What libcluster calls true, false, and :ignored.
  @refusals [
    connect: %{false: :unreachable, ignored: :not_part_of_network},
    disconnect: %{false: :already_disconnected, ignored: :not_part_of_network}
  ]

  # GossipCluster refuses shorter passphrases and longer ones; libcluster takes any text.
  @shortest 8
  @longest 1024

  @typedoc "libcluster's state of a strategy, or a map of its fields: `topology`, `connect`, `disconnect`, `list_nodes`, `config`."
  @type state :: %{required(:topology) => atom(), optional(atom()) => term()}

  @doc """
  As libcluster's strategies have it: the argument is a list of one state.

  ## Example

      iex> GossipCluster.Strategy.child_spec([%{topology: :shop, config: []}]).id
      :shop
  """
  @spec child_spec([state()]) :: Supervisor.child_spec()
  def child_spec([%{topology: topology}] = states),
    do: %{id: topology, start: {__MODULE__, :start_link, [states]}, type: :supervisor}

  @doc """
  Starts the cluster of a topology, linked to the caller. libcluster's supervisor calls it.

  ## Example

      {:ok, _pid} = GossipCluster.Strategy.start_link([%{topology: :shop, config: [secret: "a shared secret"]}])
  """
  @spec start_link([state(), ...]) :: Supervisor.on_start()
  def start_link([%{topology: topology} = state]) do
    {options, remarks} = options(state)
    # What is none of its values is refused by the cluster itself.
    log = if options[:log] in [:error, false], do: false, else: :debug
    for remark <- remarks, do: Lines.write({:line, :warning, remark}, topology, log, :strategy)
    GossipCluster.start_link(options)
  end

  @doc """
  The name of a topology's cluster, unless its `config` says `name`.

  ## Example

      iex> GossipCluster.Strategy.name(:shop)
      GossipCluster.Strategy.Shop
  """
  @spec name(atom()) :: GossipCluster.name()
  def name(topology),
    do: Module.concat(__MODULE__, topology |> Atom.to_string() |> Macro.camelize())

  @doc false
  # What a state asks for, in our own options, and what is to be said about it. Pure.
  @spec options(state()) :: {keyword(), [String.t()]}
  def options(%{topology: topology} = state) do
    known = Map.keys(Options.validate!([])) -- Keyword.keys(@functions)
    {config, remarks} = list(Map.get(state, :config))
    {own, others} = Enum.split_with(config, fn {key, _value} -> key in known end)
    {mapped, more} = map(others, own)

    # The last of two is the one that counts.
    options =
      [name: name(topology)]
      |> Keyword.merge(mapped)
      |> Keyword.merge(passphrase(own))
      |> Keyword.merge(compat(config))
      |> Keyword.merge(functions(topology, state))

    {options, remarks ++ weak(own) ++ more}
  end

  defp list(nil), do: {[], []}

  defp list(config) do
    if Keyword.keyword?(config),
      do: {config, []},
      else: {[], ["its config is no keyword list, so it has no effect"]}
  end

  defp functions(topology, state) do
    functions = for {kind, default} <- @functions, do: {kind, Map.get(state, kind) || default}
    functions ++ [observer: {__MODULE__, :observed, [topology]}]
  end

  ## Gossip's keys

  defp map(others, own) do
    Enum.reduce(others, {interfaces(others, own), []}, fn {key, value}, {options, remarks} ->
      case gossip(key, value) do
        {:ok, mapped} -> {options ++ mapped, remarks}
        {:remark, remark} -> {options, remarks ++ [remark]}
      end
    end)
  end

  # multicast_if is the more precise of the two.
  defp interfaces(others, own) do
    address = chosen(others[:multicast_if]) || chosen(others[:if_addr])
    if address && not Keyword.has_key?(own, :interfaces), do: [interfaces: [address]], else: []
  end

  defp chosen(address)
       when address in [nil, false, :any, "", "0.0.0.0", ~c"0.0.0.0", "::", ~c"::"],
       do: nil

  defp chosen({0, 0, 0, 0}), do: nil
  defp chosen({0, 0, 0, 0, 0, 0, 0, 0}), do: nil
  defp chosen(address), do: address

  # Read above, together.
  defp gossip(key, _value) when key in [:if_addr, :multicast_if], do: {:ok, []}
  defp gossip(:multicast_ttl, ttl), do: {:ok, [ttl: ttl]}

  defp gossip(:multicast_addr, address) do
    if multicast?(address),
      do: {:ok, [group: address]},
      else:
        {:remark,
         "multicast_addr #{inspect(address)} is no IPv4 multicast address, so the default group is used"}
  end

  defp gossip(:broadcast_only, none) when none in [false, nil], do: {:ok, []}

  defp gossip(:broadcast_only, _true), do: {:ok, [broadcast: true]}

  defp gossip(key, _value) when key in [:connect, :disconnect, :list_nodes],
    do: {:remark, "#{key} belongs beside `config`, not into it, so it has no effect"}

  defp gossip(key, _value),
    do:
      {:remark,
       "there is no option #{inspect(key)}, so it has no effect; there are those of libcluster's Gossip strategy " <>
         "(port, if_addr, multicast_if, multicast_addr, multicast_ttl, broadcast_only, secret) and those of GossipCluster"}

  defp multicast?({first, _, _, _}), do: first in 224..239

  defp multicast?(text) when is_binary(text) or is_list(text) do
    case :inet.parse_ipv4strict_address(to_charlist(text)) do
      {:ok, address} -> multicast?(address)
      {:error, :einval} -> false
    end
  end

  defp multicast?(_other), do: false

  # A text is what libcluster calls a secret. All else is ours, and checked where all options are.
  defp passphrase(own) do
    case Keyword.fetch(own, :secret) do
      {:ok, nil} -> Keyword.delete(own, :secret)
      {:ok, text} when is_binary(text) -> Keyword.put(own, :secret, {:passphrase, fit(text)})
      _ours -> own
    end
  end

  # Every node makes the same of the same text. Its strength stays what it was.
  defp fit(text) when byte_size(text) in @shortest..@longest, do: text
  defp fit(text), do: "libcluster " <> Base.encode16(:crypto.hash(:sha256, text))

  # libcluster's wire is as the Gossip strategy would have had it.
  defp compat(config) do
    case config[:compat] do
      :libcluster ->
        [compat: [libcluster: for({key, value} <- config, gossip?(key, value), do: {key, value})]]

      _none_or_said_in_full ->
        []
    end
  end

  # What is no text is a secret of ours, and no multicast address is reported where the group is chosen.
  defp gossip?(:secret, secret), do: is_binary(secret)
  defp gossip?(:multicast_addr, address), do: multicast?(address)
  defp gossip?(key, _value), do: key in [:port, :multicast_ttl]

  defp weak(own) do
    case Keyword.get(own, :secret) do
      text when is_binary(text) and byte_size(text) < @shortest ->
        [
          "its secret has only #{byte_size(text)} bytes and is easy to guess; take 32 random bytes, as {:key, bytes}"
        ]

      _fine ->
        []
    end
  end

  ## What is told of each connect and disconnect, in the process that does it

  @doc false
  @spec observed(
          atom(),
          :connect | :disconnect,
          node(),
          {:ok, term()} | {:error, term()},
          integer()
        ) ::
          :ok
  def observed(topology, kind, node, outcome, duration) do
    metadata = %{node: node, topology: topology}

    case outcome do
      {:ok, true} -> event(kind, :ok, %{duration: duration}, metadata)
      {:ok, other} -> event(kind, :error, %{}, Map.put(metadata, :reason, refusal(kind, other)))
      {:error, reason} -> event(kind, :error, %{}, Map.put(metadata, :reason, reason))
    end
  end

  defp refusal(kind, answer) when is_atom(answer), do: Map.get(@refusals[kind], answer, answer)
  defp refusal(_kind, answer), do: answer

  # Nothing is compiled against :telemetry, which the application may have or not.
  defp event(kind, result, measurements, metadata) do
    what = if kind == :connect, do: :connect_node, else: :disconnect_node

    if function_exported?(:telemetry, :execute, 3),
      do: apply(:telemetry, :execute, [[:libcluster, what, result], measurements, metadata])

    :ok
  end
end
