defmodule GossipCluster.Preload do
  @moduledoc false
  # What a node needs on its way to its first peer, loaded at once. A release has loaded all as it boots. Elsewhere
  # Erlang loads a module when it is first called, one after the other, and halts all schedulers for each: of the 62
  # ms from the application's start until its cluster is well that was the half; together, and prepared on all
  # processors, they take 20 ms (medians of five, Elixir 1.14, two processors). A cluster whose VM does not start
  # the application has them loaded as they are called.

  @modules [
    GossipCluster,
    GossipCluster.Cluster,
    GossipCluster.Cluster.Announcement,
    GossipCluster.Cluster.Answers,
    GossipCluster.Cluster.Blame,
    GossipCluster.Cluster.Bootstrap,
    GossipCluster.Cluster.Conflicts,
    GossipCluster.Cluster.Connections,
    GossipCluster.Cluster.Cookies,
    GossipCluster.Cluster.DialBudget,
    GossipCluster.Cluster.DialQueue,
    GossipCluster.Cluster.Dialer,
    GossipCluster.Cluster.Health,
    GossipCluster.Cluster.Legacy,
    GossipCluster.Cluster.Local,
    GossipCluster.Cluster.Measures,
    GossipCluster.Cluster.Migration,
    GossipCluster.Cluster.Packed,
    GossipCluster.Cluster.PathWatch,
    GossipCluster.Cluster.Paths,
    GossipCluster.Cluster.Peers,
    GossipCluster.Cluster.Problems,
    GossipCluster.Cluster.QuietPeriod,
    GossipCluster.Cluster.Replies,
    GossipCluster.Cluster.Roster,
    GossipCluster.Cluster.Routes,
    GossipCluster.Cluster.Seeds,
    GossipCluster.Cluster.SidecarLife,
    GossipCluster.Cluster.State,
    GossipCluster.CrashReport,
    GossipCluster.Dial.AtomBudget,
    GossipCluster.Dial.Attempt,
    GossipCluster.Dial.Path,
    GossipCluster.Disabled,
    GossipCluster.Disconnects,
    GossipCluster.Epmd,
    GossipCluster.Facts,
    GossipCluster.Handshake,
    GossipCluster.Hidden,
    GossipCluster.Ip,
    GossipCluster.LineLimit,
    GossipCluster.Lines,
    GossipCluster.LocalNode,
    GossipCluster.Measures,
    GossipCluster.Options,
    GossipCluster.Owner,
    GossipCluster.Owner.Effects,
    GossipCluster.Owner.Tasks,
    GossipCluster.Owner.Timers,
    GossipCluster.Peer,
    GossipCluster.Reporter,
    GossipCluster.Screen.Timeline,
    GossipCluster.Secret,
    GossipCluster.Seed,
    GossipCluster.Shared,
    GossipCluster.Siblings,
    GossipCluster.Sidecar,
    GossipCluster.Sidecar.Codec,
    GossipCluster.Sidecar.Process,
    GossipCluster.Supervisor,
    GossipCluster.Tags,
    GossipCluster.Telemetry,
    GossipCluster.Text,
    GossipCluster.View
  ]

  # Elixir's own and Erlang's, which a VM that has just started has not loaded, either.
  @others [
    Code.Identifier,
    Enumerable,
    Enumerable.List,
    Enumerable.Map,
    Inspect.Atom,
    Integer,
    MapSet,
    Module,
    Port,
    Range,
    Registry,
    Registry.Partition,
    Registry.Supervisor,
    String.Break,
    String.Chars.Integer,
    :dist_util,
    :erl_epmd,
    :gb_sets,
    :inet_tcp_dist,
    :queue,
    :rand
  ]

  @doc "The library's modules that are loaded so."
  @spec modules() :: [module(), ...]
  def modules, do: @modules

  @doc "Loads them. What cannot be loaded now shows when it is called."
  @spec load() :: :ok
  def load do
    _ = :code.ensure_modules_loaded(@modules ++ @others)
    :ok
  end
end
