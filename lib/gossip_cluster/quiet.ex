defmodule GossipCluster.Quiet do
  @moduledoc false
  # Whether a connection was ended on purpose, and what follows: such a peer is left alone for the quiet period. Nobody says
  # that it was on purpose, so it is concluded from who closed it, and from who else may have. Runs in the owner.

  import GossipCluster.State

  alias GossipCluster.{Diagnosis, Dialer, Links, Peer, Roster, State}

  @type where :: :here | :there | nil

  @doc """
  Where this connection was ended on purpose; `nil`: nowhere.

  `:disconnect` is Node.disconnect/1 here, and the other side, which lives, then reads an orderly end. But `global` disconnects
  nodes too, to prevent overlapping partitions: it asks a node to disconnect it, so that either side sees the same as if it
  were done by hand, and these must come back soon. And who has left wants no connection.
  """
  @spec on_purpose(State.t(), node(), term()) :: where()
  def on_purpose(%{left: true}, _node, _reason), do: nil
  def on_purpose(_state, node, :disconnect), do: if(not by_global?(node), do: :here)

  def on_purpose(state, node, :connection_closed) do
    alive = match?([%Peer{status: :alive}], Roster.named(state.roster, Atom.to_string(node)))
    if alive and not by_global?(node), do: :there
  end

  def on_purpose(_state, _node, _reason), do: nil

  # Before it asks for a disconnect, `global` notes whose connection was lost to whom, and has told the node that it asks; for
  # an hour: a timer of that length. A fresh note about this node or that one, and a third, makes it the doing of `global`.
  @global_notes :global_lost_connections
  @global_keeps 3_600_000
  @global_fresh 10_000

  defp by_global?(node) do
    pair = Enum.sort([node, node()])

    Enum.any?(:ets.tab2list(@global_notes), fn
      {{a, b}, {_creation, _operation, timer}} ->
        (a in pair or b in pair) and Enum.sort([a, b]) != pair and fresh?(timer)

      _other ->
        false
    end)
  rescue
    # No such table: there is no `global`, or none that does such things.
    ArgumentError -> false
  end

  defp fresh?(timer) do
    case :erlang.read_timer(timer) do
      left when is_integer(left) -> @global_keeps - left < @global_fresh
      false -> false
    end
  end

  @doc "A peer is left alone for so long: told once, and shown as what keeps it from being connected."
  @spec begin(State.t(), String.t(), where(), non_neg_integer()) :: State.t()
  def begin(state, _name, _where, 0), do: state

  def begin(state, name, where, quiet) do
    case Roster.named(state.roster, name) do
      [peer | _] ->
        {level, text} = text(where, quiet)

        %{state | problems: Map.put(state.problems, name, {:quiet, text})}
        |> log(level, "#{Peer.label(name)}: #{text}")
        |> show(name)
        |> knock(peer, where)

      [] ->
        state
    end
  end

  defp text(:here, quiet),
    do:
      {:info,
       "it was disconnected on purpose, here: it is not dialled for #{quiet} ms (option `quiet`)"}

  defp text(:there, quiet),
    do:
      {:debug,
       "it has closed the connection and lives on, which is taken for Node.disconnect/1 there: it is not dialled for " <>
         "#{quiet} ms (option `quiet`)"}

  # A firewall, or whatever else stands between, may have closed the connection. Then it is not likely to let us through.
  defp knock(state, peer, :there),
    do: start_task(state, :knock, peer.name, fn -> Diagnosis.knock(peer) end)

  defp knock(state, _peer, :here), do: state

  @doc "Whether a peer that has closed the connection is reached at all: if not, it was not on purpose."
  @spec knocked(State.t(), String.t(), :ok | {:error, term()} | :killed) :: State.t()
  def knocked(state, name, {:error, _why}) do
    state = %{state | dialer: Dialer.loud(state.dialer, name, now())}

    case state.problems do
      %{^name => {:quiet, _text}} -> %{state | problems: Map.delete(state.problems, name)}
      %{} -> state
    end
    |> show(name)
    |> Links.dial()
  end

  def knocked(state, _name, _reached), do: state
end
