defmodule Naive do
  # The mechanism in its simplest form, as one writes it at first: each node says its name to a group, and whoever hears
  # it connects. No secret, no bounds, no membership. The yardstick of bin/bench, and nothing to take up.
  use GenServer

  @group {233, 252, 1, 34}
  @port 45_899

  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: __MODULE__)

  @impl true
  def init(options) do
    interface = Keyword.fetch!(options, :interface)

    {:ok, socket} =
      :gen_udp.open(@port, [
        :binary,
        active: true,
        reuseaddr: true,
        ip: @group,
        multicast_if: interface,
        multicast_ttl: 1,
        multicast_loop: true,
        add_membership: {@group, interface}
      ])

    send(self(), :beat)
    {:ok, socket}
  end

  @impl true
  def handle_info(:beat, socket) do
    :ok = :gen_udp.send(socket, @group, @port, "heartbeat::" <> :erlang.term_to_binary(node()))
    Process.send_after(self(), :beat, 1_000)
    {:noreply, socket}
  end

  def handle_info({:udp, _socket, _ip, _port, "heartbeat::" <> term}, socket) do
    node = :erlang.binary_to_term(term)
    if node != node() and node not in Node.list(), do: Node.connect(node)
    {:noreply, socket}
  end

  def handle_info({:udp, _socket, _ip, _port, _other}, socket), do: {:noreply, socket}
end
