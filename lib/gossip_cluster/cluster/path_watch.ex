defmodule GossipCluster.Cluster.PathWatch do
  @moduledoc false
  # Over which path each peer is connected, and whether that path is dead while the peer lives on another: then calls
  # would hang until net_ticktime ends the connection, after a minute or more. Pure; times are milliseconds.
  #
  # A path is doubted for one of these reasons:
  #
  #   :local      this host does not have the connection's own address any more
  #   :remote     the peer says that its host does not have the other one any more
  #   :elsewhere  the peer is heard at another address than before, and not where the connection leads
  #
  # An address that is back within 2 s has changed nothing: DHCP and Wi-Fi do so. Nor is a path dead for a guess: it is
  # probed, by a call to the peer over the very connection. Only where neither an answer nor anything else comes over it
  # is it said to be dead, and cut; the dial that follows goes over a living path. A probe that is answered ends the
  # doubt, until something changes again.

  alias GossipCluster.Dial.Path
  alias GossipCluster.{Ip, Peer}

  # How long an address may be gone.
  @flap 2_000
  # A probe has that long: on a LAN that loses 30 % of its packets one in 16 fails without cause, and costs a reconnect.
  @patience 1_000
  @patience_elsewhere 1_600

  defstruct own: [], links: %{}, doubts: %{}

  @type why :: :local | :remote | :elsewhere
  @typep doubt :: %{
           why: why(),
           since: integer(),
           at: integer() | nil,
           state: :waiting | :probing | :silent | :answered
         }
  @type t :: %__MODULE__{
          own: [:inet.ip_address()],
          links: %{
            String.t() => %{path: Path.t(), heard: :inet.ip_address() | nil, gone: boolean()}
          },
          doubts: %{String.t() => doubt()}
        }

  @doc "These are this host's addresses now."
  @spec own(t(), [:inet.ip_address()], integer()) :: t()
  def own(%{own: own} = watch, own, _now), do: watch

  def own(watch, own, now) do
    watch.links
    |> Map.keys()
    |> Enum.reduce(%{watch | own: own}, &judge(&2, &1, now))
  end

  @doc "A peer is connected over this path. `peer`: as it is listed, or nil."
  @spec connected(t(), String.t(), Path.t(), Peer.t() | nil, integer()) :: t()
  def connected(%__MODULE__{} = watch, name, path, peer, now) do
    link = %{path: path, heard: peer && Peer.ip(peer), gone: peer != nil and gone?(path, peer)}

    watch = %{
      watch
      | links: Map.put(watch.links, name, link),
        doubts: Map.delete(watch.doubts, name)
    }

    judge(watch, name, now)
  end

  @doc "It is not any more."
  @spec disconnected(t(), String.t()) :: t()
  def disconnected(%__MODULE__{} = watch, name),
    do: %{watch | links: Map.delete(watch.links, name), doubts: Map.delete(watch.doubts, name)}

  @doc "What the sidecar says of a peer now."
  @spec updated(t(), Peer.t(), integer()) :: t()
  def updated(%__MODULE__{} = watch, %Peer{name: name} = peer, now) do
    case watch.links do
      %{^name => link} ->
        moved = link.heard != nil and Peer.ip(peer) not in [nil, link.heard]
        link = %{link | heard: Peer.ip(peer) || link.heard, gone: gone?(link.path, peer)}
        watch = judge(%{watch | links: %{watch.links | name => link}}, name, now)
        if moved, do: moved(watch, name, link, now), else: watch

      %{} ->
        watch
    end
  end

  # One that says nothing of its addresses has not said that this one is gone.
  defp gone?(_path, %Peer{own_addresses: []}), do: false
  defp gone?(%{remote: {ip, _port}}, peer), do: not Ip.loopback?(ip) and ip not in known(peer)

  # Behind a router that rewrites addresses it is heard at one that it does not know of itself.
  defp known(%Peer{own_addresses: own, addresses: [{ip, _port, _index} | _]}), do: [ip | own]
  defp known(%Peer{own_addresses: own}), do: own

  defp judge(%__MODULE__{} = watch, name, now) do
    link = Map.fetch!(watch.links, name)

    cond do
      link.path.local not in [nil | watch.own] and watch.own != [] ->
        doubt(watch, name, :local, now)

      link.gone ->
        doubt(watch, name, :remote, now)

      true ->
        trust(watch, name)
    end
  end

  # It is heard anew at another address: where the connection leads is said to be silent, or was not the best any more.
  defp moved(%__MODULE__{} = watch, name, %{heard: heard, path: %{remote: {ip, _port}}}, now) do
    if heard == ip or Ip.loopback?(ip) or is_map_key(watch.doubts, name),
      do: watch,
      else: doubt(watch, name, :elsewhere, now)
  end

  defp doubt(%__MODULE__{} = watch, name, why, now) do
    case watch.doubts do
      %{^name => %{why: ^why}} ->
        watch

      %{} ->
        at = if why == :elsewhere, do: now, else: now + @flap - @patience
        doubt = %{why: why, since: now, at: at, state: :waiting}
        %{watch | doubts: Map.put(watch.doubts, name, doubt)}
    end
  end

  # The address is there again.
  defp trust(%__MODULE__{} = watch, name) do
    case watch.doubts do
      %{^name => %{why: why}} when why in [:local, :remote] ->
        %{watch | doubts: Map.delete(watch.doubts, name)}

      %{} ->
        watch
    end
  end

  @doc """
  Who is to be probed now, with how many milliseconds of patience; and whose path is dead, and why: to be cut. Forgets
  these.
  """
  @spec due(t(), integer()) ::
          {probes :: [{String.t(), pos_integer()}], dead :: [{String.t(), why(), Path.t()}], t()}
  def due(%{doubts: doubts} = watch, _now) when map_size(doubts) == 0, do: {[], [], watch}

  def due(%{} = watch, now) do
    due =
      for {name, %{at: at} = doubt} when at != nil and at <= now <- watch.doubts,
          do: {name, doubt}

    {probes, dead} = Enum.split_with(due, fn {_name, doubt} -> doubt.state == :waiting end)

    watch =
      Enum.reduce(probes, watch, fn {name, doubt}, watch ->
        put_in(watch.doubts[name], %{doubt | state: :probing, at: nil})
      end)

    dead = for {name, doubt} <- dead, do: {name, doubt.why, watch.links[name].path}

    watch =
      Enum.reduce(dead, watch, fn {name, _why, _path}, watch -> disconnected(watch, name) end)

    {for({name, doubt} <- probes, do: {name, patience(doubt)}), dead, watch}
  end

  defp patience(%{why: :elsewhere}), do: @patience_elsewhere
  defp patience(_doubt), do: @patience

  @doc "A probe has ended."
  @spec probed(t(), String.t(), :answered | :silent, integer()) :: t()
  def probed(%__MODULE__{} = watch, name, result, now) do
    case watch.doubts do
      %{^name => %{state: :probing} = doubt} ->
        doubt = %{doubt | state: result, at: if(result == :silent, do: dead_at(doubt, now))}
        %{watch | doubts: ended(watch.doubts, name, doubt)}

      %{} ->
        watch
    end
  end

  # That it is heard elsewhere is news once. That an address is gone stays so, and is settled.
  defp ended(doubts, name, %{why: :elsewhere, state: :answered}), do: Map.delete(doubts, name)
  defp ended(doubts, name, doubt), do: Map.put(doubts, name, doubt)

  defp dead_at(%{why: :elsewhere}, now), do: now
  defp dead_at(%{since: since}, now), do: max(since + @flap, now)

  @doc "When `due/2` wants to be called; `nil` while nothing is doubted."
  @spec deadline(t()) :: integer() | nil
  def deadline(%{doubts: doubts}) when map_size(doubts) == 0, do: nil

  def deadline(watch) do
    times = for {_name, %{at: at}} when at != nil <- watch.doubts, do: at
    Enum.min(times, fn -> nil end)
  end

  @doc "The other end of a peer's connection, where that is known."
  @spec via(t(), String.t()) :: {:inet.ip_address(), :inet.port_number()} | nil
  def via(watch, name) do
    with %{path: %{remote: remote}} <- watch.links[name], do: remote
  end

  @doc "What is said of a dead path."
  @spec text(why(), Path.t()) :: String.t()
  def text(why, %{local: local, remote: {remote, _port}}) do
    ours = if local, do: " (from #{ip(local)})", else: ""

    "the path to #{ip(remote)}#{ours}, over which it is connected, is dead: #{because(why)}; it is connected anew over " <>
      "another"
  end

  defp because(:local), do: "this host does not have its own address any more"
  defp because(:remote), do: "its host does not have that address any more"
  defp because(:elsewhere), do: "the peer is heard elsewhere, and nothing comes over it"

  defp ip(ip), do: ip |> :inet.ntoa() |> to_string()
end
