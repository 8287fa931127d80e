defmodule GossipCluster.Telemetry do
  @moduledoc """
  The events that GossipCluster emits, where the application has `:telemetry`. It is no dependency: without it nothing
  is emitted and nothing is lost.

  Every event's metadata has `cluster`, the cluster's name. Durations are in native time units
  (`System.convert_time_unit/3`).

  | Event | Measurements | Metadata | When |
  |---|---|---|---|
  | `[:gossip_cluster, :peer, :up]` | `peers`: how many are listed now | `peer` | a peer was found |
  | `[:gossip_cluster, :peer, :update]` | `peers` | `peer` | its address, port, status or sidecar has changed |
  | `[:gossip_cluster, :peer, :down]` | `peers` | `peer`, `reason`: `:left`, `:beam_exit`, `:silent` | it is gone |
  | `[:gossip_cluster, :peer, :conflict]` | `peers` | `peer`, `other` | two living nodes have one name |
  | `[:gossip_cluster, :peer, :problem]` | `count`: 1 | `name`, `reason`, `text` | it is not connected, and why; once for each line in the log |
  | `[:gossip_cluster, :legacy, :up]` | `peers`: how many are listed so | `peer` | libcluster's wire names it (option `compat`) |
  | `[:gossip_cluster, :legacy, :down]` | `peers` | `peer`, `reason`: `:silent`, `:native` (it is a peer now), `:left` (this node has) | and no more |
  | `[:gossip_cluster, :connect, :ok]` | `duration` | `name` | a dial of this node has connected |
  | `[:gossip_cluster, :connect, :error]` | `duration`, with the search for the reason | `name`, `reason`, `text` | a dial has failed; at each try |
  | `[:gossip_cluster, :sidecar, :start]` | `duration`, from its start until it is ready | `os_pid` | the sidecar runs |
  | `[:gossip_cluster, :sidecar, :exit]` | `attempts`: failures in a row | `reason`, a text | it has ended, or could not be started |
  | `[:gossip_cluster, :membership]` | `count`: 1 | `membership`: `:left` or `:rejoined` | this node has left by `leave/1`, or is back by `rejoin/1` |
  | `[:gossip_cluster, :health]` | `healthy`: 1 or 0 | `health`, see `t:GossipCluster.health/0`; `problems`: `{cause, text}` each | others can find this node, or no more, for a second and longer |
  | `[:gossip_cluster, :problem]` | `count`: 1 | `reason`, `text` | why others cannot find this node; once for each cause |
  | `[:gossip_cluster, :interfaces]` | `count`: how many are in use now; 0 is deaf and dumb | `interfaces`, `added`, `removed`: lists of `{name, index, address}` | the network interfaces in use are others than before: one has come up or gone, has another address, or nothing can be sent on it |
  | `[:gossip_cluster, :seed]` | `count`: its addresses now | `seed`, as in `status/1`; `addresses`, `before`: lists of `{ip, first_port, last_port}`; `error`: a text, or `nil` | a seed has other addresses than before, or cannot be resolved, or can again |
  | `[:gossip_cluster, :foreign]` | `peers` | | alone, and packets of another cluster are heard; once at most |
  | `[:gossip_cluster, :keys]` | `count`: 1 | | a new key ring is in use |
  | `[:gossip_cluster, :reports, :missed]` | `count` | | so many reports (lines, events, measurements) were not made, since a handler takes too long |

  The `reason` of a problem is one of `:refused`, `:timeout`, `:unreachable`, `:unresolved`, `:wrong_address`, `:epmd`,
  `:no_port`, `:handshake`, `:family`, `:failed`, `:accept` (the option failed), `:atoms`, and where it is not even
  dialled `:cookie`, `:name_type`, `:tls`, `:bad_name`, `:quiet` (ended on purpose). The text says what to do; it
  varies, the reason does not.

  ## Measured when asked

  Nothing is polled. `GossipCluster.measure/1` asks the sidecar once and emits these; let `:telemetry_poller`, or a
  timer of yours, call it. Counters count since the sidecar has started.

  | Event | Measurements | Metadata |
  |---|---|---|
  | `[:gossip_cluster, :measure, :peers]` | `peers`, `connected`, `interfaces`: how many there are; `healthy`: 1 or 0 | |
  | `[:gossip_cluster, :measure, :paths]` | of the peers where it is known: `round_trip_max` in microseconds, `loss_max`, `loss_mean` from 0.0 to 1.0 | |
  | `[:gossip_cluster, :measure, :packets]` | `received`, `sent`, `bytes_received`, `bytes_sent`, `send_errors`, `receive_errors` | |
  | `[:gossip_cluster, :measure, :refused]` | `count` | `cause`: `:foreign`, `:forged`, `:malformed`, `:copies`, `:replayed`, `:stale`, `:misdirected`, `:relayed`, `:unproven`, `:oversized`, `:filtered`, `:overflowed`, `:refused_full`, `:refused_rate`, `:refused_memory`, `:answers_limited` |
  | `[:gossip_cluster, :measure, :key]` | `opened`: packets that this key has opened | `position`: 1 (the one that seals) to 4 in the ring |

  When `opened` of a position stands still on all nodes, that key can be dropped.

  ## Metrics

  `metrics/0` is a list of them for `telemetry_metrics`, as Prometheus and others report them. With
  `telemetry_metrics_prometheus_core` (or LiveDashboard, or any other reporter) and `telemetry_poller`:

      {TelemetryMetricsPrometheus.Core, metrics: GossipCluster.Telemetry.metrics()}
      {:telemetry_poller, measurements: [{GossipCluster, :measure, [GossipCluster]}], period: 10_000}

  `deploy/monitoring` has a dashboard for Grafana and three alerts for Prometheus of these.
  """

  @packets [:received, :sent, :bytes_received, :bytes_sent, :send_errors, :receive_errors]
  @refused [:foreign, :forged, :malformed, :copies, :replayed, :stale, :misdirected, :relayed] ++
             [:unproven, :oversized, :filtered, :overflowed] ++
             [:refused_full, :refused_rate, :refused_memory, :answers_limited]
  @keys [opened_1: 1, opened_2: 2, opened_3: 3, opened_4: 4]

  # Kind, name, what it is, and options beside `tags: [:cluster]`.
  @metrics [
    {:last_value, "measure.peers.peers", "Peers that are listed.", []},
    {:last_value, "measure.peers.connected", "Listed peers that are connected.", []},
    {:last_value, "measure.peers.interfaces", "Network interfaces in use.", []},
    {:last_value, "measure.peers.healthy", "1: others can find this node.", []},
    {:last_value, "measure.paths.round_trip_max",
     "The longest round trip to a peer, in microseconds.", []},
    {:last_value, "measure.paths.loss_max",
     "The largest loss of a peer's heartbeats, from 0 to 1.", []},
    {:last_value, "measure.paths.loss_mean", "The mean loss of heartbeats, from 0 to 1.", []},
    {:last_value, "measure.packets.received", "Packets received since the sidecar started.", []},
    {:last_value, "measure.packets.sent", "Packets sent since the sidecar started.", []},
    {:last_value, "measure.packets.bytes_received", "Bytes received since the sidecar started.",
     []},
    {:last_value, "measure.packets.bytes_sent", "Bytes sent since the sidecar started.", []},
    {:last_value, "measure.packets.send_errors", "Packets that the system did not take.", []},
    {:last_value, "measure.refused.count", "Packets refused since the sidecar started, by cause.",
     [tags: [:cluster, :cause]]},
    {:last_value, "measure.key.opened", "Packets that each key of the ring has opened.",
     [tags: [:cluster, :position]]},
    {:counter, "peer.up.peers", "Peers found.", []},
    {:counter, "peer.down.peers", "Peers lost, by reason.", [tags: [:cluster, :reason]]},
    {:counter, "peer.conflict.peers", "Two living nodes with one name.", []},
    {:counter, "connect.error.duration", "Failed dials, by reason.", [tags: [:cluster, :reason]]},
    {:distribution, "connect.ok.duration", "How long a dial took that has connected.",
     [
       unit: {:native, :second},
       reporter_options: [buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 7]]
     ]},
    {:counter, "sidecar.exit.attempts", "Ends of the sidecar.", []},
    {:sum, "reports.missed.count", "Reports not made, since a handler takes too long.", []}
  ]

  @doc """
  Metrics of all this for `telemetry_metrics`: definitions that any of its reporters takes. Empty where the application
  has no `telemetry_metrics`.

  All have the tag `cluster`; those by cause, reason or position of a key, that, too. None is of a single peer.

  ## Example

      GossipCluster.Telemetry.metrics() ++ my_metrics()
  """
  @spec metrics() :: [struct()]
  def metrics do
    if Code.ensure_loaded?(Telemetry.Metrics) do
      for {kind, name, description, options} <- @metrics do
        options = Keyword.merge([tags: [:cluster], description: description], options)
        apply(Telemetry.Metrics, kind, ["gossip_cluster." <> name, options])
      end
    else
      []
    end
  end

  @doc false
  # The names that Prometheus knows these metrics by.
  @spec prometheus_names() :: [String.t()]
  def prometheus_names,
    do:
      for(
        {_kind, name, _text, _options} <- @metrics,
        do: "gossip_cluster_" <> String.replace(name, ".", "_")
      )

  @doc false
  # What GossipCluster.measure/1 emits of a status and of the peers. Pure.
  @spec measurements(map(), [GossipCluster.Peer.t()]) :: [{[atom()], map(), map()}]
  def measurements(status, peers) do
    counts = %{
      peers: status.peers,
      connected: status.connected,
      interfaces: length(status.interfaces),
      healthy: if(status.health == :ok, do: 1, else: 0)
    }

    [{[:measure, :peers], counts, %{}} | paths(peers) ++ counters(status.stats)]
  end

  # Of all peers together: a series for each would be a thousand of them, each with a thousand.
  defp paths(peers) do
    trips = for %{round_trip: trip} when trip != nil <- peers, do: trip
    losses = for %{loss: loss} when loss != nil <- peers, do: loss

    worst =
      if(trips == [], do: %{}, else: %{round_trip_max: Enum.max(trips)})
      |> Map.merge(
        if losses == [],
          do: %{},
          else: %{loss_max: Enum.max(losses), loss_mean: Enum.sum(losses) / length(losses)}
      )

    if worst == %{}, do: [], else: [{[:measure, :paths], worst, %{}}]
  end

  # The sidecar does not run, or is busy: there is nothing to count.
  defp counters(nil), do: []

  defp counters(stats) do
    refused =
      for cause <- @refused,
          count = stats[cause],
          do: {[:measure, :refused], %{count: count}, %{cause: cause}}

    keys =
      for {counter, position} <- @keys,
          opened = stats[counter],
          do: {[:measure, :key], %{opened: opened}, %{position: position}}

    [{[:measure, :packets], Map.take(stats, @packets), %{}} | refused ++ keys]
  end
end
