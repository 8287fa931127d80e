defmodule GossipCluster.Cluster.Conflicts do
  @moduledoc false
  # Who has the name of another, and lives: of two the sidecar lists one, and tells the other as a rival, until that is
  # gone or listed itself. Known by the boot id, since a rival may share even the creation. A new sidecar tells them all
  # anew, and so does each snapshot: what it does not tell is over, and the frame that said so was lost. As many as the
  # sidecar's own table holds. Pure.

  alias GossipCluster.Peer

  # unseen: of those, who was not told since a snapshot began.
  defstruct rivals: %{}, unseen: %{}

  @type t :: %__MODULE__{
          rivals: %{String.t() => Peer.t()},
          unseen: %{String.t() => Peer.t()}
        }

  @doc "This one has the name of another. Is that news?"
  @spec told(t(), Peer.t()) :: {boolean(), t()}
  def told(%{rivals: rivals, unseen: unseen} = conflicts, %Peer{boot: boot} = peer) do
    {not is_map_key(rivals, boot),
     %{conflicts | rivals: Map.put(rivals, boot, peer), unseen: Map.delete(unseen, boot)}}
  end

  @doc "A snapshot begins: those that still are will be told once more."
  @spec snapshot(t()) :: t()
  def snapshot(conflicts), do: %{conflicts | unseen: conflicts.rivals}

  @doc "It has ended: who was not told is a rival no more."
  @spec unseen(t()) :: {[Peer.t()], t()}
  def unseen(conflicts), do: {Map.values(conflicts.unseen), %{conflicts | unseen: %{}}}

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
