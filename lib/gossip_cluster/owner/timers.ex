defmodule GossipCluster.Owner.Timers do
  @moduledoc false
  # The timers of a process, one for each key. When one rings, the process gets `{:timeout, reference, key}`.

  @type t :: %{optional(term()) => reference()}

  @doc "This one rings in so many milliseconds, and not when it was to ring before."
  @spec start(t(), term(), non_neg_integer()) :: t()
  def start(timers, key, ms),
    do: timers |> cancel(key) |> Map.put(key, :erlang.start_timer(ms, self(), key))

  @doc "It does not ring, if it was to."
  @spec cancel(t(), term()) :: t()
  def cancel(timers, key) do
    case Map.pop(timers, key) do
      {nil, _timers} ->
        timers

      {ref, timers} ->
        _ = :erlang.cancel_timer(ref, async: true, info: false)
        timers
    end
  end

  @doc "One has rung. `:cancelled`: its message was under way when it was cancelled, or started anew."
  @spec rang(t(), term(), reference()) :: {:ok, t()} | :cancelled
  def rang(timers, key, ref) do
    case timers do
      %{^key => ^ref} -> {:ok, Map.delete(timers, key)}
      %{} -> :cancelled
    end
  end
end
