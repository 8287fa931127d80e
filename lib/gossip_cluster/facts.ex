defmodule GossipCluster.Facts do
  @moduledoc false
  # What a cluster says of what has happened: to the log, to subscribers, to telemetry. Pure: a fact of
  # GossipCluster.Cluster becomes what GossipCluster.Reporter puts out, in this order. A line is written for a
  # transition only, so a stable cluster is silent.

  alias GossipCluster.Cluster.Health
  alias GossipCluster.Lines
  alias GossipCluster.Peer
  alias GossipCluster.Sidecar.Codec

  @type own :: %{:name => String.t(), :creation => non_neg_integer(), optional(atom()) => term()}
  @type fact ::
          {:up, Peer.t(), peers :: non_neg_integer()}
          | {:update, Peer.t(), before :: atom(), peers :: non_neg_integer()}
          | {:down, Peer.t(), Codec.down_reason(), peers :: non_neg_integer()}
          | {:conflict, Peer.t(), Peer.t(), own() | nil, peers :: non_neg_integer()}
          | {:event, event :: tuple()}
          | {:nodeup, String.t()}
          | {:nodedown, String.t(), term()}
          | {:connected, String.t(), duration :: integer()}
          | {:not_connected, String.t(), {atom(), String.t()}, duration :: integer()}
          | {:problem, String.t(), atom(), String.t(), line :: String.t()}
          | {:sidecar_start, map(), milliseconds :: non_neg_integer(), complained :: boolean()}
          | {:sidecar_exit, attempts :: pos_integer(), String.t(), new :: boolean()}
          | {:membership, :left | :rejoined}
          | {:health, Health.t(), before :: Health.t(), [Health.problem()]}
          | {:own_problem, Health.problem()}
          | {:interfaces, [Codec.interface()], before :: [Codec.interface()]}
          | {:seed, seed :: map(), before :: map()}
          | {:foreign, by_cookie :: boolean()}
          | :keys_changed
          | {:heartbeat, binary()}
          | {:log, Logger.level(), binary()}
          | {:quiet, String.t(), String.t()}
          | {:legacy_up, Peer.t(), peers :: non_neg_integer()}
          | {:legacy_down, Peer.t(), :native | :silent | :left, peers :: non_neg_integer()}
          | {:legacy_problem, String.t(), atom(), String.t(), line :: String.t()}
          | {:line, Logger.level(), String.t()}
          | {:missed, pos_integer()}

  @typedoc "A line, an event for subscribers, an event of telemetry."
  @type output :: Lines.line() | {:event, tuple()} | {:telemetry, [atom()], map(), map()}

  @doc "What is put out."
  @spec outputs(fact()) :: [output()]
  def outputs({:up, peer, peers}) do
    [
      {:line, :info, "found #{Peer.label(peer)} at #{Peer.address(peer)}"},
      {:event, {:up, peer}},
      {:telemetry, [:peer, :up], %{peers: peers}, %{peer: peer}}
    ]
  end

  def outputs({:update, peer, before, peers}) do
    line = {:line, :info, "#{Peer.label(peer)} #{status(peer.status)}"}

    if(peer.status == before, do: [], else: [line]) ++
      [
        {:event, {:update, peer}},
        {:telemetry, [:peer, :update], %{peers: peers}, %{peer: peer}}
      ]
  end

  def outputs({:down, peer, reason, peers}) do
    [
      {:line, :info, "lost #{Peer.label(peer)}: #{ended(reason)}"},
      {:event, {:down, peer, reason}},
      {:telemetry, [:peer, :down], %{peers: peers}, %{peer: peer, reason: reason}}
    ]
  end

  def outputs({:conflict, peer, other, own, peers}) do
    [
      {:line, :error,
       "two living nodes are called #{Peer.label(peer)}, #{place(own, peer)} and #{place(own, other)}: " <>
         "give each a name of its own"},
      {:event, {:conflict, peer, other}},
      {:telemetry, [:peer, :conflict], %{peers: peers}, %{peer: peer, other: other}}
    ]
  end

  def outputs({:event, event}), do: [{:event, event}]

  def outputs({:nodeup, name}), do: [{:link_line, :info, "NODEUP #{Peer.label(name)}", ""}]

  def outputs({:nodedown, name, reason}) do
    reason = if reason, do: " (#{inspect(reason)})", else: ""
    [{:link_line, :info, "NODEDOWN #{Peer.label(name)}", reason}]
  end

  def outputs({:connected, name, duration}),
    do: [{:telemetry, [:connect, :ok], %{duration: duration}, %{name: name}}]

  def outputs({:not_connected, name, {cause, why}, duration}) do
    metadata = %{name: name, reason: cause, text: why}
    [{:telemetry, [:connect, :error], %{duration: duration}, metadata}]
  end

  def outputs({:problem, name, cause, why, line}) do
    metadata = %{name: name, reason: cause, text: why}
    [{:line, :warning, line}, {:telemetry, [:peer, :problem], %{count: 1}, metadata}]
  end

  def outputs({:legacy_problem, name, cause, why, line}),
    do: outputs({:problem, name, cause, why, line})

  def outputs({:legacy_up, peer, peers}) do
    [
      {:line, :info, "found #{Peer.label(peer)}, which libcluster's wire names"},
      {:event, {:legacy_up, peer}},
      {:telemetry, [:legacy, :up], %{peers: peers}, %{peer: peer}}
    ]
  end

  def outputs({:legacy_down, peer, reason, peers}) do
    line = {:line, :info, "lost #{Peer.label(peer)}: libcluster's wire names it no more"}

    if(reason == :silent, do: [line], else: []) ++
      [
        {:event, {:legacy_down, peer, reason}},
        {:telemetry, [:legacy, :down], %{peers: peers}, %{peer: peer, reason: reason}}
      ]
  end

  # A wish, and no trouble.
  def outputs({:quiet, name, why}) do
    metadata = %{name: name, reason: :quiet, text: why}

    [
      {:line, :info, "#{Peer.label(name)}: #{why}"},
      {:telemetry, [:peer, :problem], %{count: 1}, metadata}
    ]
  end

  def outputs({:sidecar_start, ready, milliseconds, complained}) do
    duration = System.convert_time_unit(milliseconds, :millisecond, :native)

    [
      {:telemetry, [:sidecar, :start], %{duration: duration}, %{os_pid: ready.pid}},
      {:line, if(complained, do: :info, else: :debug),
       "gossipd #{ready.version} runs (process #{ready.pid})"}
    ]
  end

  def outputs({:sidecar_exit, attempts, text, new}) do
    line = {:line, :error, "#{text}. It is tried again until it runs"}

    [{:telemetry, [:sidecar, :exit], %{attempts: attempts}, %{reason: text}}] ++
      if(new, do: [line], else: [])
  end

  def outputs({:health, health, before, problems}) do
    healthy = if health == :ok, do: 1, else: 0

    health_line(health, before) ++
      [
        {:telemetry, [:health], %{healthy: healthy}, %{health: health, problems: problems}},
        {:event, {:health, health}}
      ]
  end

  def outputs({:own_problem, {cause, text} = problem}) do
    line = if Health.silent?(cause), do: [{:line, :warning, text}], else: []
    metadata = %{reason: cause, text: text}
    line ++ [{:event, {:problem, nil, problem}}, {:telemetry, [:problem], %{count: 1}, metadata}]
  end

  def outputs({:membership, membership}) do
    text =
      if membership == :left,
        do: "this node leaves the cluster",
        else: "this node joins the cluster again"

    [
      {:telemetry, [:membership], %{count: 1}, %{membership: membership}},
      {:line, :info, text},
      {:event, {:membership, membership}}
    ]
  end

  # The log has the sidecar's own lines about them.
  def outputs({:interfaces, interfaces, before}) do
    [
      {:telemetry, [:interfaces], %{count: length(interfaces)},
       %{
         interfaces: interfaces,
         added: interfaces -- before,
         removed: before -- interfaces
       }}
    ]
  end

  # A problem has its own line.
  def outputs({:seed, seed, before}) do
    count = length(seed.addresses)
    metadata = Map.put(seed, :before, before.addresses)
    [{:telemetry, [:seed], %{count: count}, metadata}]
  end

  def outputs({:foreign, by_cookie}) do
    key =
      if by_cookie,
        do:
          "Erlang cookie (Node.get_cookie/0; of a release RELEASE_COOKIE or RELEASE_COOKIE_FILE)",
        else: "`secret`"

    [
      {:line, :warning,
       "no peer is found, but packets of another cluster are heard on this network: if these should be this node's peers, " <>
         "give all nodes the same #{key} and the same `cluster` label"},
      {:telemetry, [:foreign], %{peers: 0}, %{}}
    ]
  end

  def outputs(:keys_changed) do
    [
      {:telemetry, [:keys], %{count: 1}, %{}},
      {:line, :info, "the new key ring is in use"}
    ]
  end

  def outputs({:heartbeat, name}),
    do: [{:bare_line, :debug, "Received heartbeat from #{Peer.label(name)}"}]

  def outputs({:log, level, text}), do: [{:line, level, printable(text)}]
  def outputs({:line, level, text}), do: [{:line, level, text}]

  def outputs({:missed, count}) do
    [
      {:line, :warning,
       "#{count} reports were not made, since a handler of Logger or of telemetry takes too long: subscribers have missed " <>
         "what they would have been told (peers/1 is right)"},
      {:event, {:missed, count}},
      {:telemetry, [:reports, :missed], %{count: count}, %{}}
    ]
  end

  @doc "Bytes from elsewhere, as a text."
  @spec printable(binary()) :: String.t()
  def printable(text), do: if(String.printable?(text), do: text, else: inspect(text))

  defp status(:alive), do: "is well again"
  defp status(:suspect), do: "does not answer"
  defp status(:stalled), do: "is stalled: its sidecar beats, but its Erlang VM does not respond"

  defp ended(:left), do: "it left"
  defp ended(:beam_exit), do: "its Erlang VM has ended"
  defp ended(:silent), do: "it fell silent"

  defp health_line(:isolated, _before),
    do: [
      {:line, :warning, "nobody answers this node any more: it looks cut off from the network"}
    ]

  defp health_line(:ok, :isolated), do: [{:line, :info, "this node is answered again"}]
  # The others have their lines where they come from.
  defp health_line(_health, _before), do: []

  # One of them may be this node itself.
  defp place(%{name: name, creation: creation}, %{name: name, creation: creation}), do: "here"
  defp place(_own, peer), do: "at #{Peer.address(peer)}"
end
