defmodule Kiosk do
  @moduledoc "A device that names itself after its serial number, and finds the others on its network."

  use Application

  @impl true
  def start(_type, _args) do
    children = [
      # Waits until the node has a name, and for a network.
      {GossipCluster, Application.get_env(:kiosk, GossipCluster, [])},
      {Task, &name_node/0}
    ]

    Supervisor.start_link(children, strategy: :one_for_one)
  end

  # The host's part leads nowhere, and need not: GossipCluster.Epmd answers.
  defp name_node do
    {:ok, _pid} = Node.start(:"kiosk@kiosk-#{serial()}", :shortnames)
    Node.set_cookie(Application.fetch_env!(:kiosk, :cookie))
  end

  # On a device nerves_runtime knows it; at a desk the variable SERIAL says it.
  defp serial do
    System.get_env("SERIAL") || apply(Nerves.Runtime, :serial_number, [])
  end
end
