defmodule GossipCluster.GossipDouble do
  @moduledoc """
  Speaks as libcluster's Gossip strategy does, written from the bytes: says `heartbeat::` and the node's name at once and
  then every 1 to 5,000 ms, connects to whom it hears, and with a secret encrypts by AES-256-CBC.
  """

  use GenServer

  @group {233, 252, 1, 32}
  @port 45_892

  @doc """
  Starts it in a node, under a supervisor of Erlang's own. `ip` is the address of the interface to use.
  """
  @spec start(:inet.ip4_address(), nil | binary()) :: :ok
  def start(ip, secret) do
    child = %{id: __MODULE__, start: {__MODULE__, :start_link, [{ip, secret}]}}
    {:ok, _pid} = :supervisor.start_child(:kernel_safe_sup, child)
    :ok
  end

  @doc "Ends it."
  @spec stop() :: :ok
  def stop, do: :supervisor.terminate_child(:kernel_safe_sup, __MODULE__)

  @doc "Says in the clear that there are these nodes, all at once."
  @spec invent(:inet.ip4_address(), [String.t()]) :: :ok
  def invent(ip, names) do
    {:ok, socket} = :gen_udp.open(0, multicast_if: ip, multicast_ttl: 1)
    for name <- names, do: :ok = :gen_udp.send(socket, @group, @port, beat(name))
    :gen_udp.close(socket)
  end

  @doc "Which of these names are atoms in this node."
  @spec atoms([String.t()]) :: [String.t()]
  def atoms(names), do: Enum.filter(names, &atom?/1)

  defp atom?(name) do
    is_atom(String.to_existing_atom(name))
  rescue
    ArgumentError -> false
  end

  @doc false
  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: __MODULE__)

  @impl true
  def init({ip, secret}) do
    {:ok, socket} =
      :gen_udp.open(@port, [
        :binary,
        active: true,
        ip: {0, 0, 0, 0},
        reuseaddr: true,
        broadcast: true,
        multicast_if: ip,
        multicast_ttl: 1,
        multicast_loop: true,
        add_membership: {@group, ip}
      ])

    send(self(), :heartbeat)
    {:ok, %{socket: socket, key: secret && :crypto.hash(:sha256, secret)}}
  end

  @impl true
  def handle_info(:heartbeat, state) do
    beat = node() |> Atom.to_string() |> beat() |> seal(state.key)
    :ok = :gen_udp.send(state.socket, @group, @port, beat)
    Process.send_after(self(), :heartbeat, :rand.uniform(5_000))
    {:noreply, state}
  end

  def handle_info({:udp, _socket, _ip, _port, datagram}, state) do
    with <<"heartbeat::", 131, 116, 1::32, rest::binary>> <- open(datagram, state.key),
         {"node", rest} <- atom(rest),
         {name, ""} <- atom(rest),
         true <- name != Atom.to_string(node()) do
      :net_kernel.connect_node(String.to_atom(name))
    end

    {:noreply, state}
  end

  # What term_to_binary(%{node: name}) is on OTP 25, byte by byte.
  defp beat(name) do
    <<"heartbeat::", 131, 116, 1::32, 100, 4::16, "node", 100, byte_size(name)::16, name::binary>>
  end

  defp atom(<<100, size::16, name::size(size)-bytes, rest::binary>>), do: {name, rest}
  defp atom(<<118, size::16, name::size(size)-bytes, rest::binary>>), do: {name, rest}
  defp atom(<<119, size, name::size(size)-bytes, rest::binary>>), do: {name, rest}
  defp atom(_other), do: :error

  defp seal(beat, nil), do: beat

  defp seal(beat, key) do
    iv = :crypto.strong_rand_bytes(16)
    more = 16 - rem(byte_size(beat), 16)
    padded = beat <> :binary.copy(<<more>>, more)
    iv <> :crypto.crypto_one_time(:aes_256_cbc, key, iv, padded, true)
  end

  defp open(datagram, nil), do: datagram

  defp open(<<iv::16-bytes, sealed::binary>>, key)
       when sealed != "" and rem(byte_size(sealed), 16) == 0 do
    padded = :crypto.crypto_one_time(:aes_256_cbc, key, iv, sealed, false)
    binary_part(padded, 0, max(byte_size(padded) - :binary.last(padded), 0))
  end

  defp open(_datagram, _key), do: ""
end
