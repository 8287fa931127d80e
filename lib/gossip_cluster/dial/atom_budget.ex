defmodule GossipCluster.Dial.AtomBudget do
  @moduledoc false
  # How many names of peers may become atoms: an atom is for ever, and a VM whose table is full ends. Only a peer that
  # has proven itself, and is dialled, becomes one; but in a year of a cluster whose nodes are ever new there are many
  # of these. So new ones are bounded by a rate (as many as can be listed, twice, at once; as many again an hour), and
  # by what is left of the table: a fifth of it is for others. Pure; times are milliseconds.

  @hour 3_600_000
  @least 512
  @spare 5
  # Names from libcluster's wire: so many at once, and an hour; and so many in all.
  @legacy 256
  @legacy_ever 2_048

  # left: how many more there may be, ever.
  defstruct [:most, :tokens, :at, left: :infinity]

  @type t :: %__MODULE__{
          most: pos_integer(),
          tokens: float(),
          at: integer(),
          left: non_neg_integer() | :infinity
        }

  @doc "The budget of a cluster that lists so many peers at most."
  @spec new(pos_integer(), integer()) :: t()
  def new(max_peers, now) do
    most = 2 * max(max_peers, @least)
    %__MODULE__{most: most, tokens: most * 1.0, at: now}
  end

  @doc """
  The budget for names that libcluster's wire says, where anybody may say any: it is small, and it ends, for atoms do
  not.
  """
  @spec legacy(integer()) :: t()
  def legacy(now),
    do: %__MODULE__{most: @legacy, tokens: @legacy * 1.0, at: now, left: @legacy_ever}

  @doc "Takes a new atom, where there are `count` of at most `limit` in the VM; or says why not."
  @spec take(t(), integer(), non_neg_integer(), pos_integer()) ::
          {:ok, t()} | {:error, String.t()}
  def take(%{} = budget, now, count, limit) do
    tokens = min(budget.tokens + (now - budget.at) * budget.most / @hour, budget.most * 1.0)

    cond do
      limit - count <= div(limit, @spare) ->
        {:error,
         "the VM's table of atoms is nearly full (#{count} of #{limit}), so no name becomes a new one; start the VM anew, " <>
           "with a larger table (+t)"}

      budget.left == 0 ->
        {:error,
         "libcluster's wire has named #{@legacy_ever} new nodes since this cluster was started, and each becomes an atom, for " <>
           "ever: somebody invents them; leave the option compat out"}

      tokens < 1.0 and budget.left != :infinity ->
        {:error,
         "libcluster's wire names more than #{@legacy} new nodes an hour, and each becomes an atom, for ever"}

      tokens < 1.0 ->
        {:error,
         "more than #{budget.most} new names of peers an hour, and each becomes an atom, for ever: reuse node names, or " <>
           "raise `max_peers`"}

      true ->
        left = if budget.left == :infinity, do: :infinity, else: budget.left - 1
        {:ok, %{budget | tokens: tokens - 1.0, at: now, left: left}}
    end
  end
end
