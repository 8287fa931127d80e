defmodule Chat do
  @moduledoc """
  A chat of all nodes that are on this network: they gather by themselves.

      Chat.say("hello")
      Chat.here()
  """

  use Application

  @impl true
  def start(_type, _args) do
    children = [
      # Finds the other nodes, and connects them.
      GossipCluster,
      # Erlang's process groups, which span all connected nodes.
      %{id: :pg, start: {:pg, :start_link, [Chat]}},
      Chat.Room
    ]

    Supervisor.start_link(children, strategy: :rest_for_one)
  end

  @doc "Shows a text on all nodes."
  @spec say(String.t()) :: :ok
  def say(text), do: Enum.each(:pg.get_members(Chat, :rooms), &send(&1, {:said, node(), text}))

  @doc "The nodes that are here."
  @spec here() :: [node()]
  def here, do: Enum.sort(for room <- :pg.get_members(Chat, :rooms), do: node(room))
end

defmodule Chat.Room do
  @moduledoc false
  use GenServer

  def start_link(_options), do: GenServer.start_link(__MODULE__, [])

  @impl true
  def init([]) do
    :ok = :pg.join(Chat, :rooms, self())
    :ok = GossipCluster.subscribe()
    {:ok, nil}
  end

  @impl true
  def handle_info({:said, from, text}, state), do: show("#{from}: #{text}", state)
  def handle_info({:gossip_cluster, _, event}, state), do: told(event, state)

  defp told({:connected, peer}, state), do: show("* #{peer.name} is here", state)
  defp told({:down, peer, _reason}, state), do: show("* #{peer.name} is gone", state)
  defp told(_event, state), do: {:noreply, state}

  defp show(line, state) do
    IO.puts(line)
    {:noreply, state}
  end
end
