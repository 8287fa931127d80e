defmodule GossipCluster.Await do
  @moduledoc """
  A child that starts when the cluster is there: what stands behind it in the list of children waits so long.

      children = [
        {GossipCluster, secret: {:key, key}},
        {GossipCluster.Await, min: 2, timeout: 10_000},
        Shop.Leader
      ]

  Options:

    * `:name` - of the cluster. Default: `GossipCluster`
    * `:min` - how many peers must be listed and connected; this node does not count. Default: `1`
    * `:tags` - only those count that have all of these tags: `[role: "db"]`. Default: `%{}`, all count
    * `:timeout` - how long to wait, in milliseconds, or `:infinity`. Default: `5000`
    * `:on_timeout` - `:continue` (a line at warning, and the next child starts) or `:error` (the supervisor does not
      start).
      Default: `:continue`

  No process remains of it. Where the supervisor starts its children anew (`:rest_for_one`), it waits again.

  Mind that a supervisor that starts its children can do nothing else: a long timeout is a long boot.
  """

  alias GossipCluster.{Lines, Options, Peer, View}

  @typedoc "See above."
  @type option ::
          {:name, GossipCluster.name()}
          | {:min, non_neg_integer()}
          | {:tags, GossipCluster.tags()}
          | {:timeout, timeout()}
          | {:on_timeout, :continue | :error}

  @example "{GossipCluster.Await, min: 2, timeout: 10_000}"

  @doc """
  A child specification; the options are those above.

  ## Example

      iex> GossipCluster.Await.child_spec(name: Shop, min: 2).id
      {GossipCluster.Await, Shop}
  """
  @spec child_spec([option()]) :: Supervisor.child_spec()
  def child_spec(options) do
    options = unfold(options)

    %{
      id: {__MODULE__, Keyword.get(options, :name, GossipCluster)},
      start: {__MODULE__, :start_link, [options]},
      restart: :transient
    }
  end

  @doc """
  Waits as `GossipCluster.await/2` does; `:ignore` when that is over, so that the supervisor goes on.

  ## Example

      :ignore = GossipCluster.Await.start_link(min: 2, timeout: 10_000)
  """
  @spec start_link([option()]) :: :ignore | {:error, {:timeout, String.t()}}
  def start_link(options \\ []) do
    options = unfold(options)
    Options.known!("GossipCluster.Await", options, [:name, :on_timeout, :min, :tags, :timeout])
    {name, options} = Keyword.pop(options, :name, GossipCluster)
    {on_timeout, options} = Keyword.pop(options, :on_timeout, :continue)

    unless on_timeout in [:continue, :error],
      do:
        raise(
          ArgumentError,
          "GossipCluster.Await: :on_timeout is #{inspect(on_timeout)}, but must be :continue or :error"
        )

    case GossipCluster.await(name, options) do
      :ok ->
        :ignore

      {:error, :timeout} ->
        if disabled?(name), do: :ignore, else: late(on_timeout, name, text(name, options))
    end
  end

  defp unfold(options), do: Options.unfold!("GossipCluster.Await", options, @example)

  defp disabled?(name), do: GossipCluster.status(name).sidecar.state == :disabled

  defp late(:error, _name, text), do: {:error, {:timeout, text}}

  defp late(:continue, name, text) do
    log = Map.get(View.find(name, :options) || %{}, :log, :debug)
    :ok = Lines.write({:line, :warning, "#{text}; the start goes on without"}, name, log, :await)
    :ignore
  end

  defp text(name, options) do
    min = Keyword.get(options, :min, 1)
    timeout = Keyword.get(options, :timeout, 5_000)
    found = connected(name, Keyword.get(options, :tags, %{}))
    "#{found} of #{min} awaited peers are connected after #{timeout} ms"
  end

  defp connected(name, tags) do
    Enum.count(
      GossipCluster.peers(name),
      &(&1.connection == :connected and Peer.tagged?(&1, tags))
    )
  rescue
    # It has ended meanwhile.
    ArgumentError -> 0
  end
end
