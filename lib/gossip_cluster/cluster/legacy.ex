defmodule GossipCluster.Cluster.Legacy do
  @moduledoc false
  # Whom libcluster's wire names: who is listed because of it. Pure; times are milliseconds. Nobody has proven anything
  # there, so these are kept apart from the roster: they are few, they have no address, and whoever the roster lists is
  # not among them.

  alias GossipCluster.Peer

  @most 256
  # libcluster says a name every 2.5 s in the mean; the sidecar passes one of two on.
  @silent 60_000
  # Who has left may have been said there just before: what comes so soon after is not believed.
  @barred 5_000

  # names: name => when it was heard last; barred: name => until when it is not listed.
  defstruct names: %{}, barred: %{}

  @type t :: %__MODULE__{
          names: %{String.t() => integer()},
          barred: %{String.t() => integer()}
        }

  @doc "It was named: `:new`, if it is listed by that; `:known`; or it is not listed."
  @spec heard(t(), String.t(), integer()) :: {:new | :known | :refused, t()}
  def heard(%{names: names} = legacy, name, now) do
    cond do
      is_map_key(names, name) -> {:known, %{legacy | names: %{names | name => now}}}
      Map.get(legacy.barred, name, now) > now -> {:refused, legacy}
      map_size(names) >= @most or not Peer.valid_name?(name) -> {:refused, legacy}
      true -> {:new, %{legacy | names: Map.put(names, name, now)}}
    end
  end

  @doc "Puts names back that an earlier owner had listed."
  @spec restore(t(), [String.t()], integer()) :: t()
  def restore(legacy, names, now),
    do: Enum.reduce(names, legacy, fn name, legacy -> elem(heard(legacy, name, now), 1) end)

  @doc "Who was not named for long."
  @spec silent(t(), integer()) :: [String.t()]
  def silent(%{names: names}, _now) when names == %{}, do: []
  def silent(%{names: names}, now), do: for({name, at} <- names, now - at >= @silent, do: name)

  @doc "It is listed no more."
  @spec drop(t(), String.t()) :: t()
  def drop(legacy, name), do: %{legacy | names: Map.delete(legacy.names, name)}

  @doc "The roster lists it no more: for a moment it is not listed here either."
  @spec bar(t(), String.t(), integer()) :: t()
  def bar(legacy, name, now) do
    barred = Map.filter(legacy.barred, fn {_name, until} -> until > now end)
    %{legacy | barred: Map.put(barred, name, now + @barred)}
  end

  @doc "The names that are listed."
  @spec names(t()) :: [String.t()]
  def names(legacy), do: Map.keys(legacy.names)

  @doc "Whether this one is listed."
  @spec listed?(t(), String.t()) :: boolean()
  def listed?(legacy, name), do: is_map_key(legacy.names, name)

  @doc "How many are listed."
  @spec size(t()) :: non_neg_integer()
  def size(legacy), do: map_size(legacy.names)

  @doc """
  What is known of a peer by its name alone. Erlang connects long names to long ones, and short to short, and tells them
  by the host.

      iex> GossipCluster.Cluster.Legacy.peer("a@10.0.0.7").long_names
      true
  """
  @spec peer(String.t()) :: Peer.t()
  def peer(name) do
    [_name, host] = String.split(name, "@")

    %Peer{
      name: name,
      creation: 0,
      status: :legacy,
      long_names: String.contains?(host, [".", ":"])
    }
  end
end
