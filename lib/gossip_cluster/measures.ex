defmodule GossipCluster.Measures do
  @moduledoc false
  # What readers know of how well the peers are reached: what the sidecar said when it was asked last. See
  # GossipCluster.Cluster.Measures, which asks it.

  alias GossipCluster.Cluster.Measures, as: Asked
  alias GossipCluster.{Peer, View}

  # Who reads often does not ask as often, in milliseconds.
  @age 1_000

  @doc "Puts into the peers what is known of them, and has it be known anew if that is some time ago. Does not wait."
  @spec put([Peer.t()], GossipCluster.name()) :: [Peer.t()]
  # Who is alone measures nobody.
  def put([], _name), do: []

  def put(peers, name) do
    case View.table(name) do
      nil -> peers
      view -> put(peers, name, view)
    end
  rescue
    # The view goes with its cluster, at any moment.
    ArgumentError -> peers
  end

  defp put(peers, name, view) do
    now = System.monotonic_time(:millisecond)
    asked = View.get(view, :measures_asked, nil)

    if asked == nil or now - asked >= @age do
      true = View.put(view, :measures_asked, now)
      :ok = GenServer.cast(name, :measure)
    end

    merge(peers, found(view))
  end

  @doc "The same as it is now; takes half a second at most, should the sidecar be busy."
  @spec ask(GossipCluster.name()) :: :ok
  def ask(name) do
    GenServer.call(name, :measure, 2_000)
  catch
    :exit, _reason -> :ok
  end

  @doc "What was found last."
  @spec found(View.t()) :: Asked.found()
  def found(view), do: View.get(view, :measures, %{})

  @doc "How long ago a peer was heard in person, in milliseconds; `nil`: never, or it is not known."
  @spec heard_ago(Asked.found(), Peer.t(), now :: integer()) :: non_neg_integer() | nil
  def heard_ago(found, peer, now \\ System.monotonic_time(:millisecond)) do
    case Map.get(found, peer.boot) do
      {_round_trip, _loss, at} when is_integer(at) and is_integer(now) -> max(now - at, 0)
      _not_known -> nil
    end
  end

  defp merge(peers, found) when found == %{}, do: peers
  defp merge(peers, found), do: Enum.map(peers, &merge_one(&1, found))

  # Of one that an earlier version of the library has shown these fields may be missing.
  defp merge_one(peer, found) do
    case Map.get(found, peer.boot) do
      {round_trip, loss, _at} -> Map.merge(peer, %{round_trip: round_trip, loss: loss})
      nil -> peer
    end
  end
end
