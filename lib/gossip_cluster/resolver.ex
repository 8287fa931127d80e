defmodule GossipCluster.Resolver do
  @moduledoc false
  # Makes addresses of a seed, as this system resolves names: files, DNS, whatever `inet` is told to ask. It takes the time
  # that takes, so it runs in a task. What the user's function returns is checked like the option itself.

  alias GossipCluster.Seed

  # Of one seed: more would never be told to the sidecar.
  @most 32
  @dns_timeout 5_000

  @typedoc "An address, and the UDP ports at which a member may be there."
  @type place :: {:inet.ip_address(), first :: :inet.port_number(), last :: :inet.port_number()}

  @doc """
  The addresses of a seed. Where none has a port, `ports` are tried.

      iex> GossipCluster.Resolver.resolve({:address, {10, 0, 0, 5}, nil}, {45_894, 45_901})
      {:ok, [{{10, 0, 0, 5}, 45_894, 45_901}]}
  """
  @spec resolve(Seed.t(), {:inet.port_number(), :inet.port_number()}) ::
          {:ok, [place(), ...]} | {:error, String.t()}
  def resolve(seed, ports) do
    case places(seed, ports) do
      {:ok, []} -> {:error, "it has no address"}
      {:ok, places} -> {:ok, places |> Enum.uniq() |> Enum.take(@most)}
      {:error, why} -> {:error, why}
    end
  end

  @doc "The same for a task, with what the time until the next one is chosen by: a number from 0 to 1."
  @spec run(Seed.t(), {:inet.port_number(), :inet.port_number()}) ::
          {{:ok, [place(), ...]} | {:error, String.t()}, float()}
  def run(seed, ports), do: {resolve(seed, ports), :rand.uniform()}

  defp places({:address, ip, nil}, {first, last}), do: {:ok, [{ip, first, last}]}
  defp places({:address, ip, port}, _ports), do: {:ok, [{ip, port, port}]}

  defp places({:host, name, port}, ports) do
    {first, last} = if port, do: {port, port}, else: ports

    case addresses(name) do
      {:ok, ips} -> {:ok, for(ip <- ips, do: {ip, first, last})}
      {:error, why} -> {:error, why}
    end
  end

  # With the search domains of this system, as for a host.
  defp places({:srv, name}, _ports) do
    case :inet_res.getbyname(to_charlist(name), :srv, @dns_timeout) do
      # Of a hostent; it holds records of many types, and its own type names few.
      {:ok, hostent} ->
        hostent |> elem(5) |> Enum.sort() |> Enum.take(@most) |> Enum.map(&record/1) |> together()

      {:error, reason} ->
        {:error, why(reason)}
    end
  end

  defp places({:mfa, {module, function, arguments}}, ports) do
    with {:ok, given} <- call(module, function, arguments),
         {:ok, seeds} <- check(given) do
      seeds |> Enum.map(&places(&1, ports)) |> together()
    end
  end

  defp record({_priority, _weight, port, host}),
    do: places({:host, List.to_string(host), port}, nil)

  # Some are better than none.
  defp together(results) do
    case for({:ok, places} <- results, place <- places, do: place) do
      [] -> List.first(results) || {:ok, []}
      places -> {:ok, places}
    end
  end

  defp addresses(name) do
    name = to_charlist(name)
    v4 = :inet.getaddrs(name, :inet)
    v6 = :inet.getaddrs(name, :inet6)

    case {v4, v6, usable(v4) ++ usable(v6)} do
      {_, _, [_ | _] = ips} -> {:ok, ips}
      {{:error, reason}, _, []} -> {:error, why(reason)}
      {_, {:error, reason}, []} -> {:error, why(reason)}
      {_, _, []} -> {:ok, []}
    end
  end

  # The same order each time: what is the same again is no news. More than fit are not always the same on all nodes.
  defp usable({:ok, ips}),
    do:
      ips
      |> Enum.filter(&Seed.usable?/1)
      |> Enum.uniq()
      |> Enum.sort_by(&:erlang.phash2({node(), &1}))

  defp usable({:error, _reason}), do: []

  defp call(module, function, arguments) do
    {:ok, apply(module, function, arguments)}
  catch
    kind, reason ->
      {:error, "it failed: " <> failure(kind, reason)}
  end

  defp failure(:error, reason),
    do: Exception.format_banner(:error, reason) |> String.slice(0, 200)

  defp failure(kind, reason), do: "#{kind} #{inspect(reason, limit: 5, printable_limit: 100)}"

  defp check({:ok, given}), do: check(given)

  defp check(given) do
    with {:ok, seeds} <- Seed.parse_all(given),
         false <- Enum.any?(seeds, &match?({:mfa, _}, &1)) do
      {:ok, seeds}
    else
      _wrong ->
        {:error,
         "it returned #{inspect(given, limit: 5, printable_limit: 100)}, but must return a list of addresses or names"}
    end
  end

  # Erlang says so, too, where the system's resolver has no answer.
  defp why(:nxdomain), do: "there is no such name, or no name server answers (nxdomain)"
  defp why(:econnrefused), do: "no name server answers (econnrefused)"
  defp why(:timeout), do: "no name server answers (timeout)"
  defp why(:try_again), do: "no name server answers (try_again)"
  defp why(:servfail), do: "the name server has failed (servfail)"
  defp why(:refused), do: "the name server refuses (refused)"
  defp why(reason), do: "#{inspect(reason, limit: 5)}"
end
