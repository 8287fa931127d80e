defmodule GossipCluster.Cluster.Measures do
  @moduledoc false
  # How well the peers are reached, as the sidecar measures it: asked for when somebody wants to know, part by part, so
  # that nothing comes while nobody looks. Who asks while that is under way gets the same answer. Pure; see
  # GossipCluster.Cluster.

  import GossipCluster.Cluster.State

  alias GossipCluster.Cluster.{Replies, SidecarLife, State}
  alias GossipCluster.Sidecar.Codec

  # Of one part.
  @timeout 500

  @typedoc "By boot id: the round trip in microseconds, the loss from 0.0 to 1.0, when it was heard; `nil`: not known."
  @type found :: %{
          String.t() => {pos_integer() | nil, float() | nil, milliseconds :: integer() | nil}
        }

  @typedoc "What is under way: who waits, where the next part begins, and what has come."
  @type t :: nil | {[Replies.caller()], non_neg_integer(), found()}

  @doc "Somebody asks (`nil`: without waiting), or a part has come, or does not."
  @spec event(State.t(), tuple(), integer()) :: State.t()
  def event(%{measures: nil} = state, {:measure, caller}, _now) do
    if SidecarLife.up?(state.sidecar),
      do: ask(%{state | measures: {List.wrap(caller), 0, %{}}}, 0),
      else: reply(state, List.wrap(caller))
  end

  def event(%{measures: {callers, from, found}} = state, {:measure, caller}, _now),
    do: %{state | measures: {List.wrap(caller) ++ callers, from, found}}

  def event(%{measures: {callers, from, found}} = state, {:frame, {:measures, from, part}}, now) do
    found = Enum.reduce(part, found, &put(&2, &1, now))
    next = from + Codec.measures_max()

    if length(part) == Codec.measures_max() and next <= 0xFFFF do
      ask(%{state | measures: {callers, next, found}}, next)
    else
      %{state | measures: nil}
      |> timer(:measures, :cancel)
      |> first({:put, :measures, found})
      |> reply(callers)
    end
  end

  # What was given up already.
  def event(state, {:frame, {:measures, _from, _part}}, _now), do: state

  def event(%{measures: {callers, _from, _found}} = state, {:timeout, :measures}, _now),
    do: reply(%{state | measures: nil}, callers)

  def event(state, {:timeout, :measures}, _now), do: state

  defp ask(state, from),
    do: state |> act({:command, {:measures, from}}) |> timer(:measures, @timeout)

  defp reply(state, callers), do: Enum.reduce(callers, state, &act(&2, {:reply, &1, :ok}))

  defp put(found, {boot, round_trip, loss, heard}, now) do
    Map.put(found, boot, {
      known(round_trip),
      if(loss != :unknown, do: loss / 1000),
      if(heard != :unknown, do: now - heard)
    })
  end

  defp known(:unknown), do: nil
  defp known(value), do: value
end
