defmodule GossipCluster.Handshake do
  @moduledoc false
  # What keeps a handshake of Erlang's from failing where packets are lost, for one that fails costs more than itself:
  # `global` takes it for a broken network, and cuts healthy connections of both nodes to prevent overlapping
  # partitions.
  #
  #   - net_kernel gives a handshake 7 s. TCP waits twice as long before each repetition of the same packet (0.2, 0.4,
  #     0.8, 1.6, 3.2 s), so six losses in a row are too many; measured at 10 % loss: one mesh of twelve in a hundred.
  #     Linux repeats the first six times without doubling where TCP_THIN_LINEAR_TIMEOUTS is set, and little is in
  #     flight: eleven losses. The sockets that connect get it by `inet_dist_connect_options`, those that are connected
  #     to by the socket that listens.
  #   - A node that joins hears from `global` of nodes which it is just dialling, and `global` gives such a node up when
  #     that dial fails: also where GossipCluster.Dial.Attempt drops it, to begin it anew. By a parameter of the
  #     kernel's that is not documented (OTP 25 and 27 have it) `global` tries as often again as dials are dropped.

  alias GossipCluster.Epmd

  # Where a system knows it not, Erlang passes over it. With BBR it changes nothing: no stream counts as thin there.
  # tcp(7): of the protocol TCP, the option TCP_THIN_LINEAR_TIMEOUTS.
  @thin_linear_timeouts {:raw, 6, 16, <<1::native-32>>}

  # Together as long as net_kernel would wait, and the last has time for the slowest of networks.
  @bounds [50, 100, 200, 400, 800, 1_600, 3_850]

  @doc "How long each attempt of a dial waits for an answer to its SYN, in milliseconds, before the next one begins."
  @spec bounds() :: [50 | 100 | 200 | 400 | 800 | 1_600 | 3_850, ...]
  def bounds, do: @bounds

  @doc "Sets what Erlang reads whenever it dials. What the user has set stands."
  @spec prepare() :: :ok
  def prepare do
    _ = if :os.type() == {:unix, :linux}, do: connect_with(@thin_linear_timeouts)
    _ = if :net_kernel.epmd_module() == Epmd, do: retry(length(@bounds) - 1)
    :ok
  end

  defp connect_with(option) do
    case Application.get_env(:kernel, :inet_dist_connect_options, []) do
      options when is_list(options) ->
        if option not in options,
          do: Application.put_env(:kernel, :inet_dist_connect_options, options ++ [option])

      # Erlang will say what it makes of it.
      _other ->
        :ok
    end
  end

  defp retry(times) do
    if Application.get_env(:kernel, :global_connect_retries) == nil,
      do: Application.put_env(:kernel, :global_connect_retries, times)
  end

  @doc "The same for the socket on which the distribution listens: those of its connections inherit it."
  @spec listener(port()) :: :ok
  def listener(port) do
    _ = if Application.get_env(:kernel, :dist_nodelay, true), do: undelay(port)
    _ = if :os.type() == {:unix, :linux}, do: :inet.setopts(port, [@thin_linear_timeouts])
    :ok
  end

  # Whoever is dialled says two things one after the other, and else the second waits until the first is acknowledged.
  defp undelay(port) do
    with {:ok, [nodelay: false]} <- :inet.getopts(port, [:nodelay]),
         do: :inet.setopts(port, nodelay: true)
  end
end
