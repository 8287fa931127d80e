defmodule GossipCluster.Disabled do
  @moduledoc false
  # Clusters that are switched off: all of them by `config :gossip_cluster, enabled: false`, or one by its option.
  # Nothing of it runs, no socket is open, and who asks for it gets what a cluster answers that finds nobody.

  @doc "Whether these options, or the configuration, switch a cluster off."
  @spec wanted?(keyword()) :: boolean()
  def wanted?(options), do: Keyword.get(options, :enabled, true) == false or everywhere?()

  @doc "Remembers that the cluster of this name is."
  @spec put(GossipCluster.name()) :: :ok
  def put(name), do: :persistent_term.put({__MODULE__, name}, true)

  @doc "Whether it is. One that runs is not, whatever was said earlier."
  @spec disabled?(GossipCluster.name()) :: boolean()
  def disabled?(name), do: :persistent_term.get({__MODULE__, name}, false) or everywhere?()

  defp everywhere? do
    case Application.get_env(:gossip_cluster, :enabled, true) do
      enabled when is_boolean(enabled) ->
        not enabled

      other ->
        raise ArgumentError,
              "GossipCluster: `config :gossip_cluster, enabled: ...` is #{inspect(other)}, but must be true or false"
    end
  end
end
