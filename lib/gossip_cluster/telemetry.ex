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
  | `[:gossip_cluster, :measure, :peers]` | `peers`, `connected`, `interfaces`: how many there are | |
  | `[:gossip_cluster, :measure, :packets]` | `received`, `sent`, `bytes_received`, `bytes_sent`, `send_errors`, `receive_errors` | |
  | `[:gossip_cluster, :measure, :refused]` | `count` | `cause`: `:foreign`, `:forged`, `:malformed`, `:copies`, `:replayed`, `:stale`, `:misdirected`, `:relayed`, `:unproven`, `:oversized`, `:refused_full`, `:refused_rate`, `:refused_memory`, `:answers_limited` |
  | `[:gossip_cluster, :measure, :key]` | `opened`: packets that this key has opened | `position`: 1 (the one that seals) to 4 in the ring |

  When `opened` of a position stands still on all nodes, that key can be dropped.

  ## Metrics

  With `telemetry_metrics` and `telemetry_poller`:

      [
        last_value("gossip_cluster.measure.peers.connected", tags: [:cluster]),
        last_value("gossip_cluster.measure.refused.count", tags: [:cluster, :cause]),
        last_value("gossip_cluster.measure.key.opened", tags: [:cluster, :position]),
        counter("gossip_cluster.connect.error.duration", tags: [:cluster, :reason]),
        distribution("gossip_cluster.connect.ok.duration", unit: {:native, :millisecond}),
        counter("gossip_cluster.sidecar.exit.attempts", tags: [:cluster]),
        last_value("gossip_cluster.health.healthy", tags: [:cluster]),
        last_value("gossip_cluster.interfaces.count", tags: [:cluster])
      ]

      {:telemetry_poller, measurements: [{GossipCluster, :measure, [GossipCluster]}], period: 10_000}
  """

  @packets [:received, :sent, :bytes_received, :bytes_sent, :send_errors, :receive_errors]
  @refused [:foreign, :forged, :malformed, :copies, :replayed, :stale, :misdirected, :relayed] ++
             [:unproven, :oversized] ++
             [:refused_full, :refused_rate, :refused_memory, :answers_limited]
  @keys [opened_1: 1, opened_2: 2, opened_3: 3, opened_4: 4]

  @doc false
  # Loads :telemetry if it is there, so that execute/3 finds it.
  @spec load() :: :ok
  def load do
    _ = :code.ensure_loaded(:telemetry)
    :ok
  end

  @doc false
  @spec execute([atom()], map(), map()) :: :ok
  def execute(event, measurements, metadata) do
    if function_exported?(:telemetry, :execute, 3),
      do: apply(:telemetry, :execute, [[:gossip_cluster | event], measurements, metadata])

    :ok
  end

  @doc false
  # What GossipCluster.measure/1 emits of a status. Pure.
  @spec measurements(map()) :: [{[atom()], map(), map()}]
  def measurements(status) do
    peers = %{
      peers: status.peers,
      connected: status.connected,
      interfaces: length(status.interfaces)
    }

    [{[:measure, :peers], peers, %{}} | counters(status.stats)]
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
