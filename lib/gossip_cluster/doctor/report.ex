defmodule GossipCluster.Doctor.Report do
  @moduledoc false
  # A report as people read it, and as programs do. Pure.

  alias GossipCluster.Doctor.{Code, Finding}
  alias GossipCluster.{Json, Peer}

  @type t :: %{
          status: Finding.level(),
          findings: [Finding.t()],
          code: String.t(),
          facts: map()
        }

  @doc "Lines for people: what is well, then each cause and what to do about it, a line each."
  @spec text(t(), boolean()) :: String.t()
  def text(%{findings: findings, status: status} = report, color) do
    {well, ill} = Enum.split_with(findings, &(&1.level == :ok))
    ill = Enum.sort_by(ill, &if(&1.level == :broken, do: 0, else: 1))

    lines =
      Enum.map(well, &[mark(:ok, color), "  ", &1.cause]) ++
        ["", "Code for the doctor of another machine: #{report.code}", "", verdict(status, ill)] ++
        Enum.map(ill, &[mark(&1.level, color), "  ", cause(&1)])

    Enum.map_join(lines, "\n", &IO.iodata_to_binary/1) <> "\n"
  end

  defp verdict(:ok, _ill), do: "All is well."
  defp verdict(_status, [_one]), do: "One cause, and what to do:"
  defp verdict(_status, ill), do: "#{length(ill)} causes, and what to do:"

  defp cause(%{cause: cause, do: nil, what: what}), do: "#{cause}. (#{what})"
  defp cause(%{cause: cause, do: mend, what: what}), do: "#{cause}. Do: #{mend}. (#{what})"

  defp mark(level, false), do: mark(level)

  defp mark(level, true) do
    color = %{ok: IO.ANSI.green(), warning: IO.ANSI.yellow(), broken: IO.ANSI.red()}[level]
    [color, mark(level), IO.ANSI.reset()]
  end

  defp mark(:ok), do: "ok     "
  defp mark(:warning), do: "warning"
  defp mark(:broken), do: "BROKEN "

  @doc "The same as JSON, one line: `status`, `findings` (each with `level`, `what`, `cause`, `do`), `code`, `facts`."
  @spec json(t()) :: String.t()
  def json(report), do: report |> plain() |> Json.encode()

  # Addresses as texts, other tuples as lists, structures as maps.
  defp plain(%Peer{} = peer), do: peer |> Map.from_struct() |> plain()
  defp plain(%Range{} = range), do: Enum.to_list(range)
  defp plain(%{} = map), do: Map.new(map, fn {key, value} -> {key, plain(value)} end)
  defp plain(list) when is_list(list), do: Enum.map(list, &plain/1)

  defp plain(tuple) when is_tuple(tuple) do
    case ip(tuple) do
      {:error, _} -> tuple |> Tuple.to_list() |> plain()
      text -> to_string(text)
    end
  end

  defp plain(term) when is_binary(term) or is_atom(term) or is_number(term), do: term
  defp plain(other), do: inspect(other)

  defp ip(tuple) do
    if tuple_size(tuple) in [4, 8] and Enum.all?(Tuple.to_list(tuple), &is_integer/1),
      do: :inet.ntoa(tuple),
      else: {:error, :einval}
  end

  @doc "The facts of a code."
  @spec code(map()) :: Code.t()
  def code(%{node: node, cluster: %{options: options} = cluster, host: host}) do
    {:ok, group} = :inet.parse_ipv4strict_address(to_charlist(options.group))

    nets =
      for %{up: true, loopback: false} = interface <- host.interfaces,
          {ip, prefix} when prefix != nil <- interface.addresses,
          not GossipCluster.Ip.link_local?(ip),
          do: {ip, prefix}

    %{
      name: node.name,
      group: group,
      port: options.port,
      ttl: options.ttl,
      unicast: options.unicast_port,
      wire: 1,
      tag: get_in(cluster, [:last, :stats, :key_tag]),
      long_names: node.long_names,
      tls: node.tls,
      ipv6_distribution: node.ipv6,
      ipv6: options.ipv6,
      broadcast: options.broadcast,
      gossip_epmd: node.epmd_module == GossipCluster.Epmd,
      seeds: match?(%{last: %{seeds: [_ | _]}}, cluster),
      nets: nets
    }
  end
end
