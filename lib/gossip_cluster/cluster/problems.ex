defmodule GossipCluster.Cluster.Problems do
  @moduledoc false
  # What keeps peers from being connected, by name, and what was said of that: each trouble once, not at each try, also
  # where two of them take turns. What is over is news when it comes again. Pure.

  alias GossipCluster.Cluster.Dialer

  # A trouble whose words are ever new is told a few times, and no more.
  @most 8

  defstruct said: %{}, problems: %{}

  @typedoc "A cause, and what to do about it."
  @type problem :: {atom(), String.t()}
  @type t :: %__MODULE__{
          said: %{term() => [String.t()]},
          problems: %{String.t() => problem()}
        }

  @doc "Whether this is to be said of it: not what was said before."
  @spec note(t(), term(), String.t()) :: {boolean(), t()}
  def note(problems, about, text) do
    said = Map.get(problems.said, about, [])

    if text in said or length(said) >= @most,
      do: {false, problems},
      else: {true, %{problems | said: Map.put(problems.said, about, [text | said])}}
  end

  @doc "This keeps a peer from being connected."
  @spec put(t(), String.t(), problem()) :: t()
  def put(problems, name, problem),
    do: %{problems | problems: Map.put(problems.problems, name, problem)}

  @doc "What keeps this peer from being connected, if anything is known."
  @spec get(t(), String.t()) :: problem() | nil
  def get(problems, name), do: problems.problems[name]

  @doc "Why a peer is not even dialled; `nil` where that is wanted, or goes without saying."
  @spec skipped(Dialer.reason()) :: String.t() | nil
  def skipped(:cookie),
    do:
      "its Erlang cookie differs from ours; give both nodes the same, or set one for the pair (Node.set_cookie/2)"

  def skipped(:name_type),
    do:
      "one of us has a short node name (--sname), the other a long one (--name), and such never connect; start all nodes " <>
        "the same way"

  def skipped(:tls),
    do:
      "the distribution of one of us runs over TLS, the other's does not; start all nodes the same way (-proto_dist)"

  def skipped(:bad_name), do: "that is no node name; it must be name@host"

  def skipped(:conflict),
    do: "two living nodes have this name; give each a name of its own"

  def skipped(reason) when reason in [:not_alive, :refused], do: nil

  @doc "What troubled this one is over."
  @spec clear(t(), term()) :: t()
  def clear(%{said: said, problems: problems} = state, about)
      when is_map_key(said, about) or is_map_key(problems, about),
      do: %{state | said: Map.delete(said, about), problems: Map.delete(problems, about)}

  def clear(problems, _about), do: problems
end
