defmodule Counter do
  @moduledoc "Counts on each node; the total is that of all."

  use Application

  @impl true
  def start(_type, _args) do
    agent = %{id: Agent, start: {Agent, :start_link, [fn -> 0 end, [name: __MODULE__]]}}
    Supervisor.start_link([agent], strategy: :one_for_one)
  end

  @doc "Counts on this node."
  @spec add(pos_integer()) :: :ok
  def add(count), do: Agent.update(__MODULE__, &(&1 + count))

  @doc "What this node has counted."
  @spec own() :: non_neg_integer()
  def own, do: Agent.get(__MODULE__, & &1)

  @doc "What all nodes have counted."
  @spec total() :: non_neg_integer()
  def total, do: Gather.everywhere(Counter, :own, []) |> Map.values() |> Enum.sum()
end
