defmodule GossipCluster.ClusterCase do
  @moduledoc """
  For tests of what follows from what, without a process: events of `GossipCluster.Cluster` in, effects out.

      {cluster, effects} = handle(running([peer("zoe@x")]), {:nodeup, "zoe@x"})
      assert facts(effects) == [{:nodeup, "zoe@x"}]
  """

  alias GossipCluster.{Cluster, Hidden, Peer}

  @own %{name: "own@x", creation: 1, long_names: false, tls: false, ipv6: false, hidden: false}
  @past %{
    left: false,
    tags: %{},
    up: [],
    told: {:ok, []},
    interfaces: [],
    foreign: false,
    restoring: false,
    seeds: []
  }
  @ready %{
    version: "1",
    boot: "b",
    pid: 7,
    unicast_port: 54_321,
    interfaces: [{"lo", 1, "127.0.0.1"}],
    network: %{reach: :lan, missing: [], deaf: [], mute: []}
  }

  @doc "This node's distribution."
  def own, do: @own

  @doc "What an earlier owner knew: nothing."
  def past, do: @past

  @doc "What the sidecar says when it is ready."
  def ready, do: @ready

  @doc "The operating system's process of the sidecar."
  def process, do: %{os_pid: 7, started: "1"}

  @doc "What the owner sees of this node."
  def local do
    %{
      own: @own,
      cookie: Hidden.wrap("a cookie"),
      keys: Hidden.wrap([{:key, "k"}]),
      by_cookie: false
    }
  end

  @doc "Effects, and of what is hidden in them the term: two handles of the same are not equal."
  def plain(effects), do: Enum.map(effects, &plain_effect/1)

  defp plain_effect({:open, keys}), do: {:open, Hidden.unwrap(keys)}

  defp plain_effect({:open, keys, derived}),
    do: {:open, Hidden.unwrap(keys), Hidden.unwrap(derived)}

  defp plain_effect({:announce, {:keys, keys}}), do: {:announce, {:keys, Hidden.unwrap(keys)}}

  defp plain_effect({:announce, {:alive, alive, cookie}}),
    do: {:announce, {:alive, alive, Hidden.unwrap(cookie)}}

  defp plain_effect(other), do: other

  @doc "A peer as the sidecar tells of it."
  def peer(name, changes \\ []),
    do: struct!(%Peer{name: name, creation: 1, port: 1, cookie: :same}, changes)

  @doc "So many of them."
  def crowd(count), do: for(n <- 1..count, do: peer("z#{n}@x"))

  @doc "Options, as far as they matter here."
  def options(changes),
    do:
      Map.merge(
        %{
          port: 45_893,
          unicast_port: {54_321, 54_321},
          seeds: [],
          interval: 1_000,
          quiet: 30_000,
          on_down: :keep,
          max_peers: 4_096
        },
        Map.new(changes)
      )

  @doc "Handles events one after the other, at one time; returns the effects of all."
  def handle(cluster, events, now \\ 0) do
    Enum.reduce(List.wrap(events), {cluster, []}, fn event, {cluster, effects} ->
      {cluster, more} = Cluster.handle(cluster, event, now)
      {cluster, effects ++ more}
    end)
  end

  @doc "Goes on as the owner does, until nothing waits for a turn; returns the effects of each turn."
  def go_on(cluster, effects, now, turns \\ []) do
    if :continue in effects do
      {cluster, more} = Cluster.handle(cluster, :continue, now)
      go_on(cluster, more, now, [effects | turns])
    else
      {cluster, Enum.reverse([effects | turns])}
    end
  end

  @doc "A cluster that runs, is announced, and lists these peers."
  def running(peers \\ [], changes \\ [], past \\ %{}) do
    cluster = Cluster.new(options(changes), Map.merge(@past, past), 0)

    {cluster, _effects} =
      handle(cluster, [
        {:start, local(), nil},
        {:opened, local().keys, process()},
        {:restore, [], [], 1},
        {:local, local()},
        {:local_port, 4000},
        {:addresses, [], nil},
        {:announced,
         {:alive, Map.merge(@own, %{port: 4000, host: {false, []}, tags: %{}}), local().cookie}},
        {:frame, {:ready, @ready}},
        {:frame, {:snapshot, :first, peers}},
        {:frame, :snapshot_end}
      ])

    cluster
  end

  @doc "What is reported, but for what subscribers alone are told."
  def facts(effects),
    do:
      for(
        {:report, facts} <- effects,
        fact <- facts,
        not match?({:event, _event}, fact),
        do: fact
      )

  @doc "What subscribers alone are told."
  def told(effects), do: for({:report, facts} <- effects, {:event, event} <- facts, do: event)

  @doc "Who is dialled."
  def dialled(effects), do: for({:dial, peer, _doubted} <- effects, do: peer.name)

  @doc "Who is shown to readers, as what."
  def shown(effects), do: for({:show, peer} <- effects, do: peer)
end
