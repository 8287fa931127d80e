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

  # A room is here once it is in the group: what is said from then on reaches it. A connection comes a moment before.
  @impl true
  def init([]) do
    {_reference, rooms} = :pg.monitor(Chat, :rooms)
    :ok = :pg.join(Chat, :rooms, self())
    tell(rooms, "here")
    {:ok, nil}
  end

  @impl true
  def handle_info(message, nil) do
    case message do
      {:said, from, text} -> IO.puts("#{from}: #{text}")
      {_reference, :join, :rooms, rooms} -> tell(rooms, "here")
      {_reference, :leave, :rooms, rooms} -> tell(rooms, "gone")
    end

    {:noreply, nil}
  end

  defp tell(rooms, what) do
    for room <- rooms, room != self(), do: IO.puts("* #{node(room)} is #{what}")
  end
end
