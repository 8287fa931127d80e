defmodule GossipCluster.Cluster.Bootstrap do
  @moduledoc false
  # Seeds: resolved in tasks, again and again, and told to the sidecar when they are others than before. Asked only where
  # there are any. Pure; see GossipCluster.Cluster.

  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster.{Seeds, SidecarLife, State}

  @doc "The owner has started: what is not an address yet is resolved at once."
  @spec start(State.t()) :: State.t()
  def start(state), do: state |> show() |> ask_all()

  @doc """
  Interfaces have come, or have another address: names may lead elsewhere now, or be known at last, so all are resolved
  at once. A node that starts before its network is there does not wait out a backoff that grew meanwhile.
  """
  @spec moved(State.t()) :: State.t()
  def moved(state), do: ask_all(%{state | seeds: Seeds.moved(state.seeds)})

  @doc "A sidecar is started, which knows none."
  @spec opened(State.t()) :: State.t()
  def opened(state), do: tell(%{state | seeds: Seeds.forget(state.seeds)})

  @doc "One of them is to be resolved, or was."
  @spec event(State.t(), tuple(), integer()) :: State.t()
  def event(state, {:timeout, {:seed, index}}, _now), do: ask(state, index)

  def event(state, {:resolved, index, result, chance}, _now) do
    before = Seeds.shown(state.seeds, index)
    {changed, wait, seeds} = Seeds.resolved(state.seeds, index, result, chance)
    state = timer(%{state | seeds: seeds}, {:seed, index}, wait)

    if changed,
      do: state |> show() |> fact({:seed, Seeds.shown(seeds, index), before}) |> tell(),
      else: state
  end

  defp ask_all(state), do: state.seeds |> Seeds.to_resolve() |> Enum.reduce(state, &ask(&2, &1))

  defp ask(%{seeds: seeds} = state, index) do
    case Seeds.ask(seeds, index) do
      {seed, ports, seeds} -> act(%{state | seeds: seeds}, {:resolve, index, seed, ports})
      nil -> state
    end
  end

  defp show(state), do: first(state, {:put, :seeds, Seeds.shown(state.seeds)})

  defp tell(state) do
    with true <- SidecarLife.up?(state.sidecar),
         {addresses, seeds} <- Seeds.news(state.seeds) do
      act(%{state | seeds: seeds}, {:command, {:seeds, addresses}})
    else
      _nothing -> state
    end
  end
end
