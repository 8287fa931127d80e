defmodule GossipCluster.Doctor.ClusterFacts do
  @moduledoc false
  # What the cluster that runs in this VM knows: its status at the beginning and at the end of some seconds, and its
  # peers. Where none runs, with which options one would. Read only.

  alias GossipCluster.Doctor.Bounded
  alias GossipCluster.{Disabled, Hidden, LocalNode, Options, Secret, Sidecar, View}

  @patience 2_000
  @default :"Elixir.GossipCluster"
  @kept [:cluster, :group, :group6, :port, :unicast_port, :ttl, :interval, :ipv6, :broadcast] ++
          [:interfaces]

  @type t :: %{
          name: GossipCluster.name(),
          state: :running | :disabled | :none,
          others: [GossipCluster.name()],
          options: map(),
          first: map() | nil,
          last: map() | nil,
          peers: [GossipCluster.Peer.t()],
          seconds: float(),
          gossipd: :ok | {:error, String.t()}
        }

  @doc """
  Which cluster is meant: the one that is named, else the only one that runs, else the default one.
  """
  @spec name(GossipCluster.name() | nil) :: GossipCluster.name()
  def name(nil) do
    case View.names() do
      [only] -> only
      _none_or_many -> @default
    end
  end

  def name(name), do: name

  @doc "Whether it runs."
  @spec state(GossipCluster.name()) :: :running | :disabled | :none
  def state(name) do
    cond do
      View.exists?(name) -> :running
      Disabled.disabled?(name) -> :disabled
      true -> :none
    end
  end

  @doc """
  The keys of a cluster that runs, or that one would have with the application's configuration, hidden; `nil` where there
  are none. No fact has them, since facts are printed.
  """
  @spec keys(t()) :: Hidden.t() | nil
  def keys(%{state: :running, name: name}) do
    case View.find(name, :secret) do
      nil -> nil
      ring -> Secret.keys(ring, LocalNode.cookie())
    end
  end

  def keys(%{state: :none, name: name}) do
    # It may be a function that asks elsewhere.
    with [options | _] <- given(name),
         resolve = fn -> Secret.resolve(Keyword.get(options, :secret, :cookie)) end,
         {:ok, {:ok, ring}} <- Bounded.run(resolve, @patience) do
      Secret.keys(ring, LocalNode.cookie())
    else
      _none -> nil
    end
  end

  def keys(_disabled), do: nil

  defp options(:running, name), do: running(View.find(name, :options) || %{}, name)
  defp options(_state, name), do: configured(name)

  defp running(options, name) do
    secret = View.find(name, :secret)
    by_cookie = if secret, do: Secret.needs_cookie?(secret), else: options[:by_cookie]
    options = defaults() |> Map.merge(Map.take(options, @kept))
    %{options | unicast_port: Options.unicast_port(options)} |> Map.put(:by_cookie, by_cookie)
  end

  # Those of the application's configuration; what is wrong with them is said where the cluster starts.
  defp configured(name) do
    given = name |> given() |> List.first([])

    options =
      try do
        Options.validate!(Keyword.drop(given, [:secret, :compat, :accept, :seeds]))
      rescue
        ArgumentError -> Options.validate!([])
      end

    options = Map.take(options, @kept)
    Map.merge(%{options | unicast_port: Options.unicast_port(options)}, %{by_cookie: nil})
  end

  defp given(name) do
    for options <- List.wrap(Application.get_env(:gossip_cluster, :clusters, [])),
        is_list(options) and Keyword.keyword?(options),
        Keyword.get(options, :name, @default) == name,
        do: options
  end

  defp defaults, do: Map.take(Options.validate!([]), @kept)

  @typedoc "What reads the status and the peers of a cluster; nothing here knows who does."
  @type readers :: %{
          status: (GossipCluster.name() -> map()),
          peers: (GossipCluster.name() -> [GossipCluster.Peer.t()])
        }

  @doc "The facts, from so many milliseconds."
  @spec gather(GossipCluster.name(), non_neg_integer(), readers()) :: t()
  def gather(name, listen, readers) do
    state = state(name)

    Map.merge(look(state, name, listen, readers), %{
      name: name,
      state: state,
      others: View.names() -- [name],
      options: options(state, name),
      seconds: listen / 1_000,
      gossipd: gossipd()
    })
  end

  defp look(:running, name, listen, readers) do
    first = readers.status.(name)
    # No wait for something: what its counters grow by in that time is the fact.
    Process.sleep(listen)
    %{first: first, last: readers.status.(name), peers: readers.peers.(name)}
  rescue
    # It has ended meanwhile.
    ArgumentError -> look(:none, name, listen, readers)
  end

  defp look(_state, _name, _listen, _readers), do: %{first: nil, last: nil, peers: []}

  # Whether the executable could be run.
  defp gossipd do
    path = Sidecar.path()

    case path && File.stat(path) do
      nil -> {:error, Sidecar.failure(:no_priv, "gossipd")}
      {:ok, %{type: :directory}} -> {:error, Sidecar.failure(:eisdir, path)}
      {:ok, %{mode: mode}} when Bitwise.band(mode, 0o111) != 0 -> :ok
      {:ok, _stat} -> {:error, Sidecar.failure(:eacces, path)}
      {:error, reason} -> {:error, Sidecar.failure(reason, path)}
    end
  end
end
