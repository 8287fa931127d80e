defmodule GossipCluster.Chaos.Judge.Events do
  @moduledoc """
  Whether what a subscriber is told makes sense, and leads to what `peers/1` shows. Pure.

  Who is listed comes `up` and goes `down`, in turn, and is updated only in between; its connection comes and goes in
  turn. The events, replayed, are the list: `peers/1` may be ahead of them by the time that the reporter takes.
  """

  alias GossipCluster.Chaos.History
  alias GossipCluster.Chaos.History.Life
  alias GossipCluster.Chaos.Judge.Break

  @ahead 2_000_000
  @starved 1_000
  # What an event tells of a peer, and peers/1 shows: the rest may change without one.
  @told [:creation, :boot, :status, :addresses, :port, :tags]

  @doc "The events of one life."
  @spec judge(Life.t()) :: %{breaks: [Break.t()], checked: map()}
  def judge(life) do
    state = %{
      node: life.node,
      listed: %{},
      connected: %{},
      shown: [],
      events: 0,
      shows: 0,
      breaks: []
    }

    state = Enum.reduce(life.entries, state, &entry/2)

    # What was shown in the last two seconds may be ahead of what was read.
    %{breaks: Enum.reverse(state.breaks), checked: %{events: state.events, roster: state.shows}}
  end

  defp entry({at, _what} = entry, state), do: entry |> told(expired(state, at)) |> matched()

  defp told({at, {:event, event}}, state) do
    state = %{state | events: state.events + 1}

    case event(event, state) do
      {:error, why} ->
        break(state, :events, at, "#{why}: #{inspect(event, limit: 6, printable_limit: 60)}")

      state ->
        state
    end
  end

  defp told({at, {:peers, peers}}, state),
    do: %{state | shown: state.shown ++ [{at, peers}], shows: state.shows + 1}

  defp told(_other, state), do: state

  defp event({:up, %{name: name} = peer}, state) do
    if state.listed[name],
      do: {:error, "up of one that is listed"},
      else: put_in(state.listed[name], peer)
  end

  defp event({:update, %{name: name} = peer}, state) do
    if state.listed[name],
      do: put_in(state.listed[name], peer),
      else: {:error, "update of one that is not listed"}
  end

  # Who is connected, but not listed, is not told of.
  defp event({:down, %{name: name}, _reason}, state) do
    if state.listed[name],
      do: %{
        state
        | listed: Map.delete(state.listed, name),
          connected: Map.delete(state.connected, name)
      },
      else: {:error, "down of one that is not listed"}
  end

  defp event({:connected, %{name: name}}, state) do
    if state.connected[name],
      do: {:error, "connected again without a disconnected"},
      else: put_in(state.connected[name], true)
  end

  defp event({:disconnected, %{name: name}, _reason}, state) do
    if state.connected[name] == false,
      do: {:error, "disconnected again without a connected"},
      else: put_in(state.connected[name], false)
  end

  defp event({:missed, _count}, _state),
    do: {:error, "a subscriber that takes its events at once misses some"}

  defp event(_other, state), do: state

  # Each that was shown must be what the events have led to, then or a moment later.
  defp matched(state),
    do: %{
      state
      | shown: Enum.reject(state.shown, fn {_at, peers} -> differences(state, peers) == [] end)
    }

  defp expired(state, at) do
    {old, waiting} = Enum.split_with(state.shown, fn {shown, _peers} -> at - shown > @ahead end)

    Enum.reduce(old, %{state | shown: waiting}, fn {shown, peers}, state ->
      text =
        "peers/1 is not what the events have told: #{Enum.join(differences(state, peers), "; ")}"

      break(state, :roster, shown, text)
    end)
  end

  defp differences(state, peers) do
    shown = Map.new(peers, &{&1.name, &1})

    for name <- Enum.uniq(Map.keys(shown) ++ Map.keys(state.listed)),
        difference = difference(shown[name], state.listed[name], state.connected[name]),
        do: "#{name} #{difference}"
  end

  defp difference(nil, _told, _connected), do: "is told, and not shown"
  defp difference(_shown, nil, _connected), do: "is shown, and not told"

  defp difference(shown, told, connected) do
    case Enum.find(@told, &(Map.fetch!(shown, &1) != Map.fetch!(told, &1))) do
      nil when connected == (shown.connection == :connected) or connected == nil ->
        nil

      nil ->
        "shows the connection #{shown.connection}, told was connected: #{connected}"

      key ->
        "shows the #{key} #{inspect(Map.fetch!(shown, key))}, told was #{inspect(Map.fetch!(told, key))}"
    end
  end

  defp break(state, invariant, at, text) do
    # A list may be told later by a VM that has no processor.
    waits =
      if invariant == :roster, do: [{[{:beam, History.host(state.node)}], @starved}], else: []

    break = %Break{
      invariant: invariant,
      at: at,
      node: state.node,
      text: "#{state.node}: #{text}",
      waits: waits
    }

    %{state | breaks: [break | state.breaks]}
  end
end
