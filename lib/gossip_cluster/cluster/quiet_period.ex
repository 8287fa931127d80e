defmodule GossipCluster.Cluster.QuietPeriod do
  @moduledoc false
  # Whether a connection was ended on purpose: such a peer is left alone for the quiet period. That is said, and not
  # guessed: a connection that a firewall has reset looks to each side as if the other had ended it. Whoever ends one on
  # purpose has its sidecar say so; the word names its time, so that it speaks of the connection that there was. Without
  # it a connection that is lost is made again. Pure; times are milliseconds.

  # A word that came before Erlang has noticed the end waits so long for that.
  @patience 10_000

  # since: when the connection to each node was made; words: when such a word came about it, and it still stands.
  defstruct since: %{}, words: %{}

  @type where :: :here | :there
  @type t :: %__MODULE__{
          since: %{String.t() => integer()},
          words: %{String.t() => integer()}
        }
  @typedoc """
  What is known of the end. `by`: who of this VM ended it, if that is known: one of its clusters, or `global`; `left`:
  whether this node has left.
  """
  @type facts :: %{by: :library | :global | nil, left: boolean()}

  @doc "A connection to this node is up: what was said before is about another."
  @spec connected(t(), String.t(), integer()) :: t()
  def connected(%{} = quiet, name, now),
    do: %{quiet | since: Map.put(quiet.since, name, now), words: Map.delete(quiet.words, name)}

  @doc "Nothing more need be known of this node: it is neither connected nor listed."
  @spec forget(t(), String.t()) :: t()
  def forget(%{} = quiet, name),
    do: %{quiet | since: Map.delete(quiet.since, name), words: Map.delete(quiet.words, name)}

  @doc """
  This node says that it has ended the connection on purpose, at that time. Whether that is about the last connection
  that was made, be it gone (as seen here) or not; a word that was held back is about an earlier one.
  """
  @spec said(t(), String.t(), integer(), integer()) :: {:last | :earlier, t()}
  def said(%{} = quiet, name, ended, now) do
    case quiet.since do
      %{^name => since} when since > ended -> {:earlier, quiet}
      %{} -> {:last, %{quiet | words: Map.put(quiet.words, name, now)}}
    end
  end

  @doc """
  Where this connection, which has ended now for that reason, was ended on purpose; `nil`: nowhere.

  `:disconnect` is Node.disconnect/1 here. But `global` disconnects nodes too, to prevent overlapping partitions, and
  these must come back soon. So must what another cluster of this VM has cut: it meant itself. And who has left wants no
  connection.
  """
  @spec on_purpose(t(), String.t(), term(), facts(), integer()) :: where() | nil
  def on_purpose(_quiet, _name, _reason, %{left: true}, _now), do: nil
  def on_purpose(_quiet, _name, :disconnect, %{by: nil}, _now), do: :here

  def on_purpose(%{words: words}, name, _reason, _facts, now) do
    case words do
      %{^name => at} when now - at <= @patience -> :there
      %{} -> nil
    end
  end

  @doc "What is said of it: also what `peers/1` shows."
  @spec text(where(), pos_integer()) :: String.t()
  def text(:here, quiet),
    do: "it was disconnected on purpose, here: it is not dialled for #{quiet} ms (option `quiet`)"

  def text(:there, quiet),
    do:
      "it has disconnected this node on purpose, as it says: it is not dialled for #{quiet} ms (option `quiet`)"
end
