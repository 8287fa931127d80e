defmodule GossipCluster.Dial.AtomBudget do
  @moduledoc false
  # How many names of peers may become atoms: an atom is for ever, and a VM whose table is full ends. Only a peer that
  # has proven itself, and is dialled, becomes one; but in a year of a cluster whose nodes are ever new there are many
  # of these. So new ones are bounded by a rate (as many as can be listed, twice, at once; as many again an hour), and
  # by what is left of the table: a fifth of it is for others. Pure; times are milliseconds.

  @hour 3_600_000
  @least 512
  @spare 5

  defstruct [:most, :tokens, :at]

  @type t :: %__MODULE__{most: pos_integer(), tokens: float(), at: integer()}

  @doc "The budget of a cluster that lists so many peers at most."
  @spec new(pos_integer(), integer()) :: t()
  def new(max_peers, now) do
    most = 2 * max(max_peers, @least)
    %__MODULE__{most: most, tokens: most * 1.0, at: now}
  end

  @doc "Takes a new atom, where there are `count` of at most `limit` in the VM; or says why not."
  @spec take(t(), integer(), non_neg_integer(), pos_integer()) ::
          {:ok, t()} | {:error, String.t()}
  def take(budget, now, count, limit) do
    tokens = min(budget.tokens + (now - budget.at) * budget.most / @hour, budget.most * 1.0)

    cond do
      limit - count <= div(limit, @spare) ->
        {:error,
         "the VM's table of atoms is nearly full (#{count} of #{limit}), so no name becomes a new one; start the VM anew, " <>
           "with a larger table (+t)"}

      tokens < 1.0 ->
        {:error,
         "more than #{budget.most} new names of peers an hour, and each becomes an atom, for ever: reuse node names, or " <>
           "raise `max_peers`"}

      true ->
        {:ok, %{budget | tokens: tokens - 1.0, at: now}}
    end
  end
end
