defmodule GossipCluster.Lab.Kills do
  @moduledoc """
  Peers that are killed, and what those who survive them make of it: what the test of blame and its bench share.
  """

  alias GossipCluster.Cluster.Dialer
  alias GossipCluster.Lab
  alias GossipCluster.Lab.{Case, Node}

  @doc "A lab, and the two that survive: who is alone would not know whether the others or itself were cut off."
  @spec survivors(Lab.t()) :: [Node.t()]
  def survivors(lab) do
    nodes = Node.start_all(lab, for({name, n} <- [{"m", 1}, {"n", 2}], do: {name, host: n}))
    for node <- nodes, do: Node.start_cluster(node, [])
    Case.meet(nodes)
    nodes
  end

  @doc """
  Starts a peer of a lower name on host 3, and one of a higher name on host 4, kills their VMs (`:vm`), or these and
  their sidecars (`:both`), and waits until the survivors have neither listed nor connected any more. `:late`: their
  sidecars are kept from telling what has happened until both survivors have dialled in vain.
  """
  @spec round(Lab.t(), [Node.t()], :vm | :both | :late) :: :ok
  def round(lab, survivors, kill) do
    peers = Node.start_all(lab, for({name, n} <- [{"a", 3}, {"z", 4}], do: {name, host: n}))
    for peer <- peers, do: Node.start_cluster(peer, [])
    Case.meet(survivors ++ peers, 30_000)
    vms = for peer <- peers, do: peer.os_pid
    sidecars = for peer <- peers, do: Node.sidecar(peer)
    kill(kill, survivors, peers, vms, sidecars)
    Case.meet(survivors, 30_000)
  end

  defp kill(:vm, _survivors, _peers, vms, _sidecars), do: kill(vms)
  defp kill(:both, _survivors, _peers, vms, sidecars), do: kill(vms ++ sidecars)

  defp kill(:late, survivors, peers, vms, sidecars) do
    # A sidecar is continued when its parent ends, which is a process of the VM's, and ends with it unless stopped.
    stopped = Enum.flat_map(sidecars, &[String.to_integer(Lab.parent(&1)), &1])
    for pid <- stopped, do: Lab.signal(:STOP, pid)
    kill(vms)

    for survivor <- survivors, peer <- peers do
      Case.eventually("#{survivor.name} has dialled #{peer.name} in vain", survivors, fn ->
        failures(survivor, peer.name) > 0
      end)
    end

    for pid <- Enum.reverse(stopped), do: Lab.signal(:CONT, pid)
  end

  defp kill(pids), do: {_output, 0} = System.cmd("kill", ["-KILL" | Enum.map(pids, &"#{&1}")])

  @doc "The lines in which a node says why it cannot connect to another."
  @spec blamed(Node.t()) :: [String.t()]
  def blamed(node),
    do: for({_at, :warning, line} <- Node.log(node), line =~ "cannot connect", do: line)

  @doc "How many dials of a peer have failed since something has changed."
  @spec failures(Node.t(), String.t()) :: non_neg_integer()
  def failures(node, name) do
    state = Node.call(node, :sys, :get_state, [GossipCluster])
    Dialer.failures(state.cluster.dialer, name)
  end

  @doc """
  Lets a node believe that so many dials of a listed peer have failed: of ten and more, the next in vain is followed by
  another after 22 s at the soonest. Called in that node.
  """
  @spec despair(String.t(), pos_integer()) :: term()
  def despair(name, failures) do
    :sys.replace_state(GossipCluster, fn state ->
      put_in(
        state,
        Enum.map([:cluster, :dialer, :entries, name, :failures], &Access.key!/1),
        failures
      )
    end)
  end
end
