defmodule GossipCluster.Lab.Injector do
  @moduledoc """
  A stranger on a lab's network: runs in a node of its own without any cluster, records the real datagrams that pass by
  multicast, and sends hostile ones to the group and to the members' own ports.
  """

  use GenServer

  @group {233, 252, 1, 33}
  @port 45_893
  # So many at once, then a breath: what a receiver's socket buffer holds. It is the receiver's code that is tested.
  @batch 100

  @type kind :: :garbage | :disguised | :truncated | :flipped | :replayed

  @doc "Begins to listen, on the interface with this address."
  @spec start(:inet.ip4_address()) :: :ok
  def start(ip) do
    {:ok, _pid} = GenServer.start(__MODULE__, ip, name: __MODULE__)
    :ok
  end

  @doc "How many datagrams were recorded, by the address that sent them."
  @spec heard() :: %{:inet.ip4_address() => pos_integer()}
  def heard, do: GenServer.call(__MODULE__, :heard)

  @doc """
  Sends so many datagrams of this kind to the group, and as many to each port that was heard from. Returns how many each
  member should have got.

    * `:garbage` - random bytes, of random length, also none, also far more than a member would send
    * `:disguised` - random bytes behind a true header
    * `:truncated` - recorded ones, cut at every length in turn
    * `:flipped` - recorded ones, with one bit of them turned, each in turn
    * `:replayed` - recorded ones as they were
  """
  @spec attack(kind(), pos_integer()) :: pos_integer()
  def attack(kind, count), do: GenServer.call(__MODULE__, {:attack, kind, count}, 60_000)

  @impl true
  def init(ip) do
    {:ok, ears} =
      :gen_udp.open(@port, [
        :binary,
        reuseaddr: true,
        active: true,
        recbuf: 4_000_000,
        add_membership: {@group, ip}
      ])

    # What members answer, as to a recording of one that they do not know any more, is not listened to.
    {:ok, mouth} =
      :gen_udp.open(0, [:binary, active: false, ip: ip, multicast_if: ip, multicast_ttl: 1])

    {:ok, %{ears: ears, mouth: mouth, records: []}}
  end

  @impl true
  def handle_call(:heard, _from, state),
    do: {:reply, Enum.frequencies_by(state.records, fn {ip, _port, _data} -> ip end), state}

  def handle_call({:attack, kind, count}, _from, state) do
    records = state.records |> Enum.map(&elem(&1, 2)) |> Enum.reverse() |> List.to_tuple()
    members = state.records |> Enum.map(fn {ip, port, _data} -> {ip, port} end) |> Enum.uniq()

    for batch <- Enum.chunk_every(1..count, @batch) do
      for n <- batch,
          datagram = datagram(kind, n, records),
          to <- [{@group, @port} | members],
          do: :ok = send_to(state.mouth, to, datagram)

      Process.sleep(5)
    end

    {:reply, 2 * count, state}
  end

  @impl true
  # Its own are not worth a record.
  def handle_info({:udp, ears, ip, port, data}, %{ears: ears} = state) do
    {:ok, {own, _port}} = :inet.sockname(state.mouth)

    {:noreply,
     if(ip == own, do: state, else: %{state | records: [{ip, port, data} | state.records]})}
  end

  # Who has gone is asked for in vain, and what waits for that fills the buffer: then datagrams are lost.
  defp send_to(mouth, to, datagram) do
    case :gen_udp.send(mouth, to, datagram) do
      {:error, lost} when lost in [:eagain, :ehostunreach, :enobufs] -> :ok
      sent -> sent
    end
  end

  defp datagram(:garbage, n, _records), do: :crypto.strong_rand_bytes(rem(n * 7, 1_400))

  defp datagram(:disguised, n, records) do
    <<header::binary-8, _rest::binary>> = pick(records, n)
    header <> :crypto.strong_rand_bytes(rem(n, 1_190))
  end

  defp datagram(:truncated, n, records) do
    data = pick(records, div(n, 50))
    binary_part(data, 0, rem(n * 3, byte_size(data)))
  end

  defp datagram(:flipped, n, records) do
    data = pick(records, div(n, 1_000))
    bit = rem(n, bit_size(data))
    behind = bit_size(data) - bit - 1
    :crypto.exor(data, <<0::size(bit), 1::1, 0::size(behind)>>)
  end

  defp datagram(:replayed, n, records), do: pick(records, n)

  defp pick(records, n), do: elem(records, rem(n, tuple_size(records)))
end
