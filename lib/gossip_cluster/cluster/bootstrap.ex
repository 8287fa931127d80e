defmodule GossipCluster.Cluster.Bootstrap do
  @moduledoc false
  # Seeds: resolved in tasks, again and again, and told to the sidecar when they are others than before. Pure; see
  # GossipCluster.Cluster.

  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster.{Seeds, SidecarLife, State}

  @doc "The owner has started: what is not an address yet is resolved at once."
  @spec start(State.t()) :: State.t()
  def start(%{seeds: %{seeds: []}} = state), do: state

  def start(state),
    do: state.seeds |> Seeds.to_resolve() |> Enum.reduce(show(state), &ask(&2, &1))

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

  defp ask(state, index) do
    {seed, ports} = Seeds.question(state.seeds, index)
    act(state, {:resolve, index, seed, ports})
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
