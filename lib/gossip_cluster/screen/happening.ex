defmodule GossipCluster.Screen.Happening do
  @moduledoc false
  # An event of a cluster (`t:GossipCluster.event/0`) in a few words. Pure.

  alias GossipCluster.Peer

  @doc "What has happened."
  @spec text(GossipCluster.event()) :: String.t()
  def text({:up, peer}), do: "found #{label(peer)} at #{Peer.address(peer)}"
  def text({:legacy_up, peer}), do: "libcluster's wire names #{label(peer)}"
  def text({:legacy_down, peer, _reason}), do: "libcluster's wire names #{label(peer)} no more"
  def text({:update, %{status: :alive} = peer}), do: "#{label(peer)} has changed"
  def text({:update, peer}), do: "#{label(peer)} is #{peer.status}"
  def text({:down, peer, :left}), do: "lost #{label(peer)}: it left"
  def text({:down, peer, :beam_exit}), do: "lost #{label(peer)}: its Erlang VM has ended"
  def text({:down, peer, :silent}), do: "lost #{label(peer)}: it is silent"
  def text({:conflict, peer, _other}), do: "two nodes have the name #{label(peer)}"
  def text({:connected, peer}), do: "NODEUP #{label(peer)}"
  def text({:disconnected, peer, nil}), do: "NODEDOWN #{label(peer)}"

  def text({:disconnected, peer, reason}),
    do: "NODEDOWN #{label(peer)} (#{inspect(reason, limit: 5, printable_limit: 80)})"

  def text({:problem, nil, {_cause, text}}), do: text
  def text({:problem, peer, {_cause, text}}), do: "#{label(peer)}: #{text}"
  def text({:membership, :left}), do: "this node has left the cluster"
  def text({:membership, :rejoined}), do: "this node has joined the cluster again"
  def text({:missed, count}), do: "#{count} reports were not made: a handler takes too long"
  def text({:health, health}), do: "this node's health is #{health}"

  defp label(peer), do: Peer.label(peer)
end
