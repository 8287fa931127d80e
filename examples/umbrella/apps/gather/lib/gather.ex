defmodule Gather do
  @moduledoc "The application that starts the cluster; the others depend on it, and never name GossipCluster."

  use Application

  @impl true
  def start(_type, _args),
    do: Supervisor.start_link([GossipCluster], strategy: :one_for_one, name: __MODULE__)

  @doc "Waits until this node is connected to so many others."
  @spec await(pos_integer()) :: :ok | {:error, :timeout}
  def await(others), do: GossipCluster.await(min: others, timeout: 30_000)

  @doc "What a function returns on each node; one that cannot be asked is left out."
  @spec everywhere(module(), atom(), list()) :: %{node() => term()}
  def everywhere(module, function, arguments) do
    nodes = [node() | Node.list()]
    answers = :erpc.multicall(nodes, module, function, arguments, 5_000)
    for {node, {:ok, answer}} <- Enum.zip(nodes, answers), into: %{}, do: {node, answer}
  end
end
