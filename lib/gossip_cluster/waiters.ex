defmodule GossipCluster.Waiters do
  @moduledoc false
  # Who waits for an answer: for so many connected peers, for the goodbyes to be sent, for the sidecar's counters. Each is
  # answered in the end, whatever becomes of the sidecar; only who awaits peers may wait for ever. Runs in the owner.

  import GossipCluster.State

  alias GossipCluster.{Codec, Dialer, News, Roster, State}

  # For the sidecar's word that the goodbyes are sent (they take 20 ms).
  @leave_timeout 200
  @stats_timeout 500

  @doc "Waits for at least `min` connected peers."
  @spec await(State.t(), GenServer.from(), non_neg_integer(), timeout()) :: State.t()
  def await(state, from, min, timeout) do
    {ref, state} = next_ref(state)
    _ = if timeout != :infinity, do: send_after({:await_timeout, ref}, timeout)
    connected(%{state | waiters: Map.put(state.waiters, ref, {from, min})})
  end

  @doc "Answers those who await so many connected peers."
  @spec connected(State.t()) :: State.t()
  def connected(%{waiters: waiters} = state) when map_size(waiters) == 0, do: state

  def connected(state) do
    count = Dialer.connected_count(state.dialer)
    {done, waiting} = Enum.split_with(state.waiters, fn {_ref, {_from, min}} -> count >= min end)
    for {_ref, {from, _min}} <- done, do: GenServer.reply(from, :ok)
    %{state | waiters: Map.new(waiting)}
  end

  @doc "One of these has waited long enough."
  @spec await_timeout(State.t(), non_neg_integer()) :: State.t()
  def await_timeout(state, ref) do
    {waiter, waiters} = Map.pop(state.waiters, ref)
    with {from, _min} <- waiter, do: GenServer.reply(from, {:error, :timeout})
    %{state | waiters: waiters}
  end

  @doc "Says goodbye, and answers when that is done, or nobody is there to do it."
  @spec leave(State.t(), GenServer.from()) :: State.t()
  def leave(state, from) do
    if command(state, {:leave, :left}) do
      {ref, state} = next_ref(state)
      send_after({:leave_timeout, ref}, @leave_timeout)
      %{state | leavers: [{ref, from} | state.leavers]}
    else
      GenServer.reply(from, :ok)
      state
    end
  end

  @doc "The goodbyes are sent."
  @spec left(State.t()) :: State.t()
  def left(state) do
    for {_ref, from} <- state.leavers, do: GenServer.reply(from, :ok)
    %{state | leavers: []}
  end

  @doc "They should be by now."
  @spec leave_timeout(State.t(), non_neg_integer()) :: State.t()
  def leave_timeout(state, ref) do
    {late, leavers} = Enum.split_with(state.leavers, &match?({^ref, _from}, &1))
    for {_ref, from} <- late, do: GenServer.reply(from, :ok)
    %{state | leavers: leavers}
  end

  @doc "Says goodbye at the owner's end, and waits for it: the one place where it blocks, for 0.2 s at most."
  @spec leave_now(State.t()) :: :ok
  def leave_now(state) do
    if command(state, {:leave, :left}), do: wait_left(state.port, now() + @leave_timeout)
    :ok
  end

  defp wait_left(port, deadline) do
    receive do
      {^port, {:data, data}} ->
        if Codec.decode(data) != {:ok, :left}, do: wait_left(port, deadline)

      {^port, {:exit_status, _status}} ->
        :ok

      {:EXIT, ^port, _reason} ->
        :ok
    after
      max(deadline - now(), 0) -> :ok
    end
  end

  @doc "Asks the sidecar for its counters, on behalf of a caller."
  @spec ask(State.t(), GenServer.from() | :alone) :: State.t()
  def ask(state, from) do
    {ref, state} = next_ref(state)

    if command(state, {:stats, ref}) do
      send_after({:stats_timeout, ref}, @stats_timeout)
      %{state | stats: Map.put(state.stats, ref, from)}
    else
      reply(state, from, nil)
    end
  end

  @doc "Nobody is found after some seconds: is anybody there at all? Not asked where there are peers."
  @spec ask_alone(State.t()) :: State.t()
  def ask_alone(state) do
    if Roster.size(state.roster) == 0 and state.announced != nil,
      do: ask(state, :alone),
      else: state
  end

  @doc "The counters have come, or (`nil`) do not come in time."
  @spec answer(State.t(), non_neg_integer(), map() | nil) :: State.t()
  def answer(state, ref, stats) do
    {from, waiting} = Map.pop(state.stats, ref)
    reply(%{state | stats: waiting}, from, stats)
  end

  # Too late, or no question of ours.
  defp reply(state, nil, _stats), do: state
  defp reply(state, :alone, stats), do: News.alone(state, stats)

  defp reply(state, from, stats) do
    GenServer.reply(from, stats)
    state
  end

  @doc "The sidecar is gone, and answers nobody any more."
  @spec no_answer(State.t()) :: State.t()
  def no_answer(state) do
    for {_ref, from} <- state.stats, do: reply(state, from, nil)
    left(%{state | stats: %{}})
  end
end
