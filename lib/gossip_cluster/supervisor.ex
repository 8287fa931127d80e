defmodule GossipCluster.Supervisor do
  @moduledoc false
  # One cluster: its view (owned by this process, so that it outlives an owner), its reporter, the owner. The owner alone
  # is registered, under the cluster's name; the others stand in the view.

  use Supervisor

  alias GossipCluster.{Handshake, Lines, Owner, Reporter, Secret, Shared, View}

  @doc false
  @spec start_link(GossipCluster.Options.t()) :: Supervisor.on_start()
  def start_link(%{name: name} = options) do
    with nil <- taken(name),
         {:error, {:shutdown, {:failed_to_start_child, Owner, {:already_started, owner}}}} <-
           Supervisor.start_link(__MODULE__, options) do
      # Another was quicker.
      already_started(options, taken(name) || owner)
    else
      pid when is_pid(pid) -> already_started(options, pid)
      result -> result
    end
  end

  defp already_started(%{name: name, log: log}, pid) do
    :ok = Lines.write({:line, :warning, why(pid)}, name, log, :already_started)
    {:error, {:already_started, pid}}
  end

  # Started twice, mostly: by the configuration and as a child, or by two applications of an umbrella.
  defp why(pid) do
    if dictionary(pid)[:"$initial_call"] == {:supervisor, __MODULE__, 1},
      do:
        "a cluster of this name runs already (#{inspect(pid)}, started by #{parent(pid)}). " <>
          "Start it in one place only, or give one of the two another :name, and another secret or `cluster` label",
      else:
        "this name is registered by another process (#{inspect(pid)}), and a cluster registers its own name. " <>
          "Give the cluster another :name"
  end

  defp parent(pid) do
    case dictionary(pid)[:"$ancestors"] do
      # By its name only: a cluster needs no application, which needs clusters.
      [:"Elixir.GossipCluster.Application" | _] -> "`config :gossip_cluster, clusters: ...`"
      [parent | _] -> inspect(parent)
      _none -> "nobody"
    end
  end

  defp dictionary(pid) do
    case Process.info(pid, :dictionary) do
      {:dictionary, dictionary} -> dictionary
      nil -> []
    end
  end

  # Who has the name: a cluster (its supervisor, which may be starting an owner anew), or another process.
  defp taken(name), do: whereis(name) || starting(Process.whereis(name))

  defp starting(nil), do: nil

  defp starting(pid) do
    dictionary = dictionary(pid)

    with {Owner, :init, 1} <- dictionary[:"$initial_call"],
         [supervisor | _] when is_pid(supervisor) <- dictionary[:"$ancestors"],
         do: supervisor,
         else: (_ -> pid)
  end

  @doc "The supervisor of a cluster that runs."
  @spec whereis(GossipCluster.name()) :: pid() | nil
  def whereis(name), do: View.find(name, :supervisor)

  @shown [:cluster, :group, :ipv6, :group6, :port, :unicast_port, :broadcast, :interfaces, :ttl] ++
           [:advertise, :interval, :max_peers, :tags, :on_down, :quiet, :log, :log_heartbeats]

  @impl true
  def init(options) do
    view = View.create()
    View.put(view, :supervisor, self())

    View.put(view, :options, shown(options))
    # Hidden. A rotation puts another in its place.
    View.put(view, :secret, options.secret)

    # What a report may show: no secret, and nothing that may have one in it, as a function's arguments.
    View.put(view, :shown, Map.take(options, @shown))

    # Before the reporter, which is one of those who share it.
    :ok = Shared.ensure_started()

    children = [
      %{id: Reporter, start: {Reporter, :start_link, [options.name, view]}},
      %{id: Owner, start: {__MODULE__, :start_owner, [options, view]}, shutdown: 5_000}
    ]

    # An owner that crashes early waits a second before it opens a sidecar again (see Owner), so this limit is only
    # reached by what crashes at once and always; then it is the user's tree that must know.
    Supervisor.init(children, strategy: :one_for_one, max_restarts: 10, max_seconds: 5)
  end

  # What readers may see: no secret.
  @shown [:cluster, :group, :group6, :port, :unicast_port, :ttl, :interval, :ipv6, :broadcast] ++
           [:interfaces, :tags, :disconnect, :log, :observer]

  defp shown(options) do
    options
    |> Map.take(@shown)
    |> Map.put(:by_cookie, Secret.needs_cookie?(options.secret))
  end

  @doc false
  def start_owner(options, view) do
    :ok = Shared.ensure_started()
    :ok = Handshake.prepare()
    Owner.start_link(Map.put(options, :view, view))
  end
end
