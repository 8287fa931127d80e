defmodule GossipCluster.Cluster.Blame do
  @moduledoc false
  # When a dial that failed is put down to what it looked like: to a firewall, a cookie, a name. A peer that was killed
  # a moment ago looks like one behind a firewall, until its sidecar, or the silence, tells what has happened; and a
  # node that is dialled from both sides at once refuses one of them. So a cause is blamed once it has lasted:
  #
  #   - two dials at least have failed for it, and
  #   - the sidecar has had the time in which it tells that a peer is gone, and has told nothing. With a connection lost this
  #     time begins at the loss; else at the first of these dials, and is @most at most.
  #   - One that is reached and refuses has to do so for longer than net_kernel keeps to a connect of its own, which makes it
  #     refuse ours.
  #
  # Each word of the sidecar about the peer begins it anew. What needs no look at the network is certain at once. Pure;
  # times are milliseconds.

  # Three intervals: a peer is suspected after 1.25 of silence, asked four times in 0.3 s, and judged 0.35 s after that
  # (see PROTOCOL.md, "Failure"); lost packets add to it.
  @intervals 3
  @verdict 500
  # A large group beats less often: see PROTOCOL.md, "Interval law"; 1.8 ms a member.
  @members_ms 1.8
  @most 5_000
  # net_kernel gives a connect up after 7 s (net_setuptime).
  @setup 8_000

  # This node's own rules: no second look makes them other.
  @certain [:atoms, :accept]

  defstruct doubts: %{}

  @type t :: %__MODULE__{
          doubts: %{
            String.t() => %{
              lost: integer() | nil,
              causes: %{atom() => {since :: integer(), dials :: pos_integer()}}
            }
          }
        }

  @doc "The time in which a group of so many, that beats every `interval` milliseconds, tells that a peer is gone."
  @spec patience(pos_integer(), non_neg_integer()) :: pos_integer()
  def patience(interval, members) when is_integer(interval),
    do: @intervals * max(interval, ceil(members * @members_ms)) + @verdict

  @doc "The connection to this peer is lost."
  @spec lost(t(), String.t(), integer()) :: t()
  def lost(blame, name, now), do: put(blame, name, %{lost: now, causes: %{}})

  @doc "A dial that was begun then has failed for this cause. Is that to be blamed?"
  @spec failed(t(), String.t(), atom(), integer(), integer(), pos_integer()) :: {boolean(), t()}
  def failed(blame, _name, cause, _begun, _now, _patience) when cause in @certain,
    do: {true, blame}

  def failed(blame, name, cause, begun, now, patience) do
    doubt = Map.get(blame.doubts, name, %{lost: nil, causes: %{}})
    {since, dials} = Map.get(doubt.causes, cause, {begun, 0})
    doubt = %{doubt | causes: Map.put(doubt.causes, cause, {since, dials + 1})}
    {dials > 0 and now >= due(doubt.lost, cause, since, patience), put(blame, name, doubt)}
  end

  defp due(_lost, :handshake, since, patience), do: since + max(patience, @setup)
  defp due(nil, _cause, since, patience), do: since + min(patience, @most)
  defp due(lost, _cause, _since, patience), do: lost + patience

  @doc "What was found of this peer until now counts no more: it is connected, or gone, or the sidecar has told news of it."
  @spec forget(t(), String.t()) :: t()
  def forget(%{doubts: doubts} = blame, name) when is_map_key(doubts, name),
    do: %{blame | doubts: Map.delete(doubts, name)}

  def forget(blame, _name), do: blame

  defp put(blame, name, doubt), do: %{blame | doubts: Map.put(blame.doubts, name, doubt)}
end
