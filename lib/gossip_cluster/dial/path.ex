defmodule GossipCluster.Dial.Path do
  @moduledoc false
  # The path of an Erlang connection: its two ends, and whether anything comes over it. Each function asks the process
  # of the connection, which may be busy: in a task of its own.

  @typedoc "The ends of a connection: ours where that is known, and the other."
  @type t :: %{
          local: :inet.ip_address() | nil,
          remote: {:inet.ip_address(), :inet.port_number()}
        }

  # How far a connection's socket is from its process: over TLS there are its sender and its receiver between.
  @depth 4

  @doc "The ends of the connection to a node; `nil` if there is none, or they are not known."
  @spec find(node()) :: t() | nil
  def find(node) do
    with {:ok, info} <- :net_kernel.node_info(node),
         {:net_address, {ip, port} = remote, _host, _protocol, _family}
         when is_tuple(ip) and is_integer(port) <- info[:address],
         do: %{local: local(info[:owner], remote), remote: remote},
         else: (_none -> nil)
  end

  # The socket with that other end, among what the process of the connection is linked to.
  defp local(owner, remote), do: search([owner], [], remote, @depth)

  defp search([], _seen, _remote, _depth), do: nil
  defp search(_items, _seen, _remote, 0), do: nil

  defp search(items, seen, remote, depth) do
    case Enum.find_value(items, &end_of(&1, remote)) do
      nil ->
        seen = items ++ seen
        next = for pid <- items, is_pid(pid), link <- links(pid), link not in seen, do: link
        search(Enum.uniq(next), seen, remote, depth - 1)

      ip ->
        ip
    end
  end

  defp links(pid) do
    # Never past net_kernel, which is linked to everything.
    if pid != Process.whereis(:net_kernel) and node(pid) == node(),
      do: pid |> Process.info(:links) |> List.wrap() |> Keyword.get(:links, []),
      else: []
  end

  defp end_of(port, remote) when is_port(port) do
    with {:ok, ^remote} <- :inet.peername(port), {:ok, {ip, _port}} <- :inet.sockname(port) do
      ip
    else
      _other -> nil
    end
  end

  defp end_of(_pid, _remote), do: nil

  @doc """
  Whether the path to a connected node lives: the node answers over the connection that there is, or something else
  comes over it within so many milliseconds. `:answered` also where there is no connection: then there is nothing to
  doubt.
  """
  @spec probe(node(), pos_integer()) :: :answered | :silent
  def probe(node, patience) do
    case received(node) do
      {:ok, before} -> probe(node, before, patience)
      :none -> :answered
    end
  end

  # A monitor of a name that nobody has is answered by the other VM itself, however busy its processes are. In a process
  # of its own, for it waits where the connection's buffer is full.
  defp probe(node, before, patience) do
    caller = self()
    ref = make_ref()

    pid =
      spawn(fn ->
        monitor = Process.monitor({__MODULE__.Nobody, node})
        receive do: ({:DOWN, ^monitor, :process, _name, _reason} -> send(caller, ref))
      end)

    receive do
      ^ref -> :answered
    after
      patience ->
        Process.exit(pid, :kill)
        if received(node) == {:ok, before}, do: :silent, else: :answered
    end
  end

  @doc """
  Says something to each of these nodes, over the connection that there is. A system that has a packet for another asks
  for its hardware address, and the other learns that of who asks (RFC 826; over IPv6 RFC 4861, section 7.2.3): so who
  has another than before is found again at once, and not only when the others doubt what they know. What cannot go out
  is repeated by TCP.

  It is for nobody, and no connection is made for it. Where one's buffer is full, more is on the way than this.
  """
  @spec touch([node()]) :: :ok
  def touch(nodes) do
    Enum.each(nodes, &Process.send({__MODULE__.Nobody, &1}, :touch, [:noconnect, :nosuspend]))
  end

  # Messages that have come over the connection.
  defp received(node) do
    case :net_kernel.node_info(node) do
      {:ok, info} -> {:ok, info[:in]}
      {:error, _none} -> :none
    end
  end
end
