defmodule GossipCluster.Cluster.Conflicts do
  @moduledoc false
  # Who has the name of another, and lives: of two the sidecar lists one, and tells the other as a rival, until that is
  # gone or listed itself. Known by the boot id, since a rival may share even the creation. A new sidecar tells them all
  # anew. As many as the sidecar's own table holds. Pure.

  alias GossipCluster.Peer

  defstruct rivals: %{}

  @type t :: %__MODULE__{rivals: %{String.t() => Peer.t()}}

  @doc "There are none."
  @spec new() :: t()
  def new, do: %__MODULE__{}

  @doc "This one has the name of another."
  @spec told(t(), Peer.t()) :: t()
  def told(conflicts, peer),
    do: %{conflicts | rivals: Map.put(conflicts.rivals, peer.boot, peer)}

  @doc "This one is gone, or listed itself. Was it a rival, and is nobody else one of that name?"
  @spec over(t(), Peer.t()) :: {boolean(), t()}
  def over(%{rivals: rivals} = conflicts, %Peer{boot: boot, name: name})
      when is_map_key(rivals, boot) do
    conflicts = %{conflicts | rivals: Map.delete(rivals, boot)}
    {rival(conflicts, name) == nil, conflicts}
  end

  def over(conflicts, _peer), do: {false, conflicts}

  @doc "One that has this name of another, if there is any."
  @spec rival(t(), String.t()) :: Peer.t() | nil
  def rival(%{rivals: rivals}, _name) when map_size(rivals) == 0, do: nil

  def rival(conflicts, name),
    do: Enum.find(Map.values(conflicts.rivals), &(&1.name == name))

  @doc "All that are known."
  @spec list(t()) :: [Peer.t()]
  def list(conflicts), do: Map.values(conflicts.rivals)
end
