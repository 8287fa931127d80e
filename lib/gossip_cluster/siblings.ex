defmodule GossipCluster.Siblings do
  @moduledoc false
  # The clusters of this VM, by name: whose owner, and from which private UDP ports its sidecar sends. Each sidecar is
  # told the ports of the others, since what it hears of these is no stranger's. All clusters of the VM share the table,
  # which GossipCluster.Shared makes.

  @table __MODULE__
  # Of one cluster: when the owner is started again, the sidecar of the one before goes on for a while.
  @kept 2
  # In one command. What is left out is a stranger's, as before.
  @most 64

  @doc """
  The calling owner opens a sidecar: the ports of the others'. From here on it gets the message `:siblings` when they
  change, so that of two who start at the same time none misses the other.
  """
  @spec join(GossipCluster.name()) :: [:inet.port_number()]
  def join(name) do
    true = :ets.insert(@table, {name, self(), kept(name)})
    ports(name)
  rescue
    ArgumentError -> []
  end

  @doc "The sidecar of the calling owner sends from this port. The other owners get the message `:siblings`."
  @spec put(GossipCluster.name(), :inet.port_number()) :: :ok
  # No port that a system gives by itself, nor one that the command takes.
  def put(_name, port) when port < 1024, do: :ok

  def put(name, port) do
    true = :ets.insert(@table, {name, self(), Enum.take(Enum.uniq([port | kept(name)]), @kept)})

    tell_others(name)
  rescue
    # The table is of a version of this library that had none: strangers they stay.
    ArgumentError -> :ok
  end

  @doc "This cluster is no more."
  @spec drop(GossipCluster.name()) :: :ok
  def drop(name) do
    true = :ets.delete(@table, name)
    tell_others(name)
  rescue
    ArgumentError -> :ok
  end

  @doc "The ports of the other clusters' sidecars."
  @spec ports(GossipCluster.name()) :: [:inet.port_number()]
  def ports(name) do
    ports =
      for {other, _owner, ports} <- :ets.tab2list(@table), other != name, port <- ports, do: port

    Enum.take(ports, @most)
  rescue
    ArgumentError -> []
  end

  defp kept(name),
    do: for({^name, _owner, ports} <- :ets.lookup(@table, name), port <- ports, do: port)

  defp tell_others(name) do
    for {other, owner, _ports} <- :ets.tab2list(@table), other != name, do: send(owner, :siblings)
    :ok
  end
end
