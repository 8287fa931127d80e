defmodule GossipCluster.Screen.Rows do
  @moduledoc false
  # What is known of the peers, as rows of texts, sorted. Pure.

  alias GossipCluster.{Measures, Peer}
  alias GossipCluster.Screen.Text

  @typedoc "A cell: what it shows, and how well that is."
  @type cell :: {String.t(), :plain | :good | :warn | :bad | :dim}
  @type row :: %{column() => cell()}
  @type column ::
          :name
          | :address
          | :interface
          | :path
          | :state
          | :heard
          | :round_trip
          | :loss
          | :connection
          | :version

  @typedoc "What rows are sorted by."
  @type order :: :name | :state | :heard | :round_trip | :loss

  @doc "What rows can be sorted by."
  @spec orders() :: [order(), ...]
  def orders, do: [:name, :state, :heard, :round_trip, :loss]

  @doc """
  A row for each peer of a picture (`GossipCluster.Screen.Picture`). Whatever is worst comes first, but for names.
  """
  @spec rows(map(), order()) :: [row()]
  def rows(picture, order \\ :name) do
    interfaces = Map.new(picture.status.interfaces, fn {name, index, _ip} -> {index, name} end)

    picture.peers
    |> Enum.map(&{&1, Measures.heard_ago(picture.measures, &1, picture.now)})
    |> Enum.sort_by(&key(&1, order))
    |> Enum.map(fn {peer, heard} -> row(peer, heard, interfaces, picture.versions) end)
  end

  defp key({peer, _heard}, :name), do: {0, peer.name}
  defp key({peer, _heard}, :state), do: {rank(peer), peer.name}
  defp key({peer, heard}, :heard), do: {-(heard || 0), peer.name}
  defp key({peer, _heard}, :round_trip), do: {-(peer.round_trip || 0), peer.name}
  defp key({peer, _heard}, :loss), do: {-(peer.loss || 0.0), peer.name}

  defp rank(%{status: status}) when status != :alive, do: 0
  defp rank(%{connection: connection}) when connection != :connected, do: 1
  defp rank(_peer), do: 2

  defp row(peer, heard, interfaces, versions) do
    {address, interface} = address(peer, interfaces)

    %{
      name: {Text.clean(peer.name), :plain},
      address: {address, :plain},
      interface: {interface, :plain},
      path: path(peer),
      state: state(peer),
      heard: {ago(heard), :plain},
      round_trip: {duration(peer.round_trip), :plain},
      loss: loss(peer.loss),
      connection: connection(peer),
      version: {Text.clean(Map.get(versions, peer.name, "")), :plain}
    }
  end

  defp address(%{addresses: [{ip, _port, index} | _]}, interfaces),
    do: {ip(ip), Text.clean(Map.get(interfaces, index, ""))}

  defp address(_peer, _interfaces), do: {"", ""}

  @doc "An IP address as it is written."
  @spec ip(:inet.ip_address()) :: String.t()
  def ip(ip), do: ip |> :inet.ntoa() |> to_string()

  defp path(%{connected_via: {ip, port}}) when tuple_size(ip) == 8,
    do: {"[#{ip(ip)}]:#{port}", :plain}

  defp path(%{connected_via: {ip, port}}), do: {"#{ip(ip)}:#{port}", :plain}
  defp path(%{paths: [ip | _]}), do: {"#{ip(ip)}?", :dim}
  defp path(_peer), do: {"", :plain}

  defp state(%{status: :alive, heard: false}), do: {"told of", :dim}
  defp state(%{status: :alive}), do: {"alive", :good}
  defp state(%{status: :legacy}), do: {"libcluster", :dim}
  defp state(%{status: status}), do: {Atom.to_string(status), :warn}

  defp loss(nil), do: {"", :plain}
  defp loss(loss) when loss == 0, do: {"0 %", :plain}
  defp loss(loss), do: {percent(loss), if(loss < 0.1, do: :warn, else: :bad)}

  defp percent(loss), do: :erlang.float_to_binary(loss * 100, decimals: 1) <> " %"

  defp connection(%{connection: :connected, problem: nil}), do: {"connected", :good}

  defp connection(%{connection: :connected, problem: {cause, _text}}),
    do: {"connected, but #{cause}", :warn}

  defp connection(%{problem: {_cause, text}}), do: {one_line(text), :bad}
  defp connection(%{connection: {:skipped, reason}}), do: {"not dialled: #{reason}", :warn}
  defp connection(%{connection: connection}), do: {Atom.to_string(connection), :dim}

  @doc "A text of several lines as one."
  @spec one_line(String.t()) :: String.t()
  def one_line(text), do: text |> String.split() |> Enum.join(" ") |> Text.clean()

  @doc """
  How long ago, in milliseconds, in few characters.

      iex> Enum.map([nil, 40, 1_234, 75_000, 7_300_000, 200_000_000], &GossipCluster.Screen.Rows.ago/1)
      ["", "0.0 s", "1.2 s", "75 s", "121 min", "55 h"]
  """
  @spec ago(non_neg_integer() | nil) :: String.t()
  def ago(nil), do: ""
  def ago(ms) when ms < 10_000, do: "#{:erlang.float_to_binary(ms / 1000, decimals: 1)} s"
  def ago(ms) when ms < 600_000, do: "#{div(ms, 1000)} s"
  def ago(ms) when ms < 36_000_000, do: "#{div(ms, 60_000)} min"
  def ago(ms), do: "#{div(ms, 3_600_000)} h"

  @doc """
  A duration in microseconds, in few characters.

      iex> Enum.map([nil, 87, 340, 12_700, 2_500_000], &GossipCluster.Screen.Rows.duration/1)
      ["", "0.09 ms", "0.34 ms", "12.7 ms", "2.5 s"]
  """
  @spec duration(non_neg_integer() | nil) :: String.t()
  def duration(nil), do: ""
  def duration(us) when us < 1_000, do: "#{:erlang.float_to_binary(us / 1000, decimals: 2)} ms"

  def duration(us) when us < 1_000_000,
    do: "#{:erlang.float_to_binary(us / 1000, decimals: 1)} ms"

  def duration(us), do: "#{:erlang.float_to_binary(us / 1_000_000, decimals: 1)} s"

  @doc "A peer's row for programs: what the cells are made of."
  @spec plain(Peer.t(), map()) :: map()
  def plain(peer, picture) do
    %{
      name: peer.name,
      boot: peer.boot,
      status: peer.status,
      heard: peer.heard,
      heard_ms_ago: Measures.heard_ago(picture.measures, peer, picture.now),
      addresses:
        for({ip, port, index} <- peer.addresses, do: %{ip: ip(ip), port: port, interface: index}),
      paths: Enum.map(peer.paths, &ip/1),
      connected_via: if(peer.connected_via, do: elem(path(peer), 0)),
      port: peer.port,
      round_trip_us: peer.round_trip,
      loss: peer.loss,
      connection: plain_connection(peer.connection),
      problem:
        case peer.problem do
          nil -> nil
          {cause, text} -> %{cause: cause, text: text}
        end,
      tags: peer.tags,
      version: Map.get(picture.versions, peer.name)
    }
  end

  defp plain_connection({:skipped, reason}), do: "skipped: #{reason}"
  defp plain_connection(connection), do: connection
end
