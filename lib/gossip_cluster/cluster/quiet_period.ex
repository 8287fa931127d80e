defmodule GossipCluster.Cluster.QuietPeriod do
  @moduledoc false
  # Whether a connection was ended on purpose: such a peer is left alone for the quiet period. Nobody says that it was on
  # purpose, so it is concluded from who closed it, and from who else may have. Pure.

  @type where :: :here | :there | nil
  @typedoc """
  What is known of the end. `by`: who of this VM ended it, if that is known: one of its clusters, or `global`; `alive`: whether
  the peer is listed, once, and answers; `left`: whether this node has left.
  """
  @type facts :: %{by: :library | :global | nil, alive: boolean(), left: boolean()}

  @doc """
  Where this connection was ended on purpose; `nil`: nowhere.

  `:disconnect` is Node.disconnect/1 here, and the other side, which lives, then reads an orderly end. But `global` disconnects
  nodes too, to prevent overlapping partitions: it asks a node to disconnect it, so that either side sees the same as if it
  were done by hand, and these must come back soon. So must what another cluster of this VM has cut: it meant itself. And who
  has left wants no connection.
  """
  @spec on_purpose(term(), facts()) :: where()
  def on_purpose(_reason, %{left: true}), do: nil
  def on_purpose(_reason, %{by: by}) when by != nil, do: nil
  def on_purpose(:disconnect, _facts), do: :here
  def on_purpose(:connection_closed, %{alive: true}), do: :there
  def on_purpose(_reason, _facts), do: nil

  @doc "What is said of it: a level, and a text, which is also what `peers/1` shows."
  @spec text(:here | :there, pos_integer()) :: {Logger.level(), String.t()}
  def text(:here, quiet),
    do:
      {:info,
       "it was disconnected on purpose, here: it is not dialled for #{quiet} ms (option `quiet`)"}

  def text(:there, quiet),
    do:
      {:debug,
       "it has closed the connection and lives on, which is taken for Node.disconnect/1 there: it is not dialled for " <>
         "#{quiet} ms (option `quiet`)"}
end
