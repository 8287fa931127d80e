defmodule GossipCluster.Seed do
  @moduledoc false
  # Where members may be found whom no multicast reaches, as the option `seeds` names it: an address, a name of a host, a
  # name of many hosts, an SRV record, or a function. Pure; GossipCluster.Resolver makes addresses of it.

  alias GossipCluster.Ip

  @most 32
  @host ~r/\A[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?\z/

  @allowed "a list of up to #{@most} seeds: each an IP address or a host's name, with a UDP port (\"10.0.0.5:45894\", " <>
             "\"[2001:db8::1]:45894\") or without, {:dns, name}, {:srv, name} or {module, function, arguments}"

  @type port_or_nil :: :inet.port_number() | nil
  @typedoc "A checked seed."
  @type t ::
          {:address, :inet.ip_address(), port_or_nil()}
          | {:host, String.t(), port_or_nil()}
          | {:srv, String.t()}
          | {:mfa, {module(), atom(), [term()]}}

  @typedoc "A seed as it is written."
  @type given ::
          String.t()
          | charlist()
          | :inet.ip_address()
          | {:inet.ip_address(), :inet.port_number()}
          | {:dns | :srv, String.t() | charlist()}
          | {module(), atom(), [term()]}

  @doc """
  Checks the option.

      iex> GossipCluster.Seed.parse_all(["10.0.0.5", "b.example:4711", {:dns, "shop"}])
      {:ok, [{:address, {10, 0, 0, 5}, nil}, {:host, "b.example", 4711}, {:host, "shop", nil}]}
      iex> {:error, allowed} = GossipCluster.Seed.parse_all("10.0.0.5")
      iex> allowed =~ "a list of up to 32 seeds"
      true
  """
  @spec parse_all(term()) :: {:ok, [t()]} | {:error, String.t()}
  def parse_all(list) when is_list(list) and length(list) <= @most do
    seeds = Enum.map(list, &parse/1)
    if :error in seeds, do: {:error, @allowed}, else: {:ok, Enum.uniq(seeds)}
  rescue
    # An improper list has no length.
    ArgumentError -> {:error, @allowed}
  end

  def parse_all(_other), do: {:error, @allowed}

  @doc "One of them."
  @spec parse(term()) :: t() | :error
  def parse({:dns, name}), do: host(text(name), nil)

  def parse({:srv, name}) do
    name = text(name)
    if host?(name), do: {:srv, name}, else: :error
  end

  def parse({ip, port}) when is_tuple(ip) and is_integer(port), do: address(ip, port)

  def parse({module, function, arguments})
      when is_atom(module) and is_atom(function) and is_list(arguments),
      do: {:mfa, {module, function, arguments}}

  def parse(ip) when is_tuple(ip), do: address(ip, nil)

  def parse(given) do
    case text(given) do
      nil -> :error
      text -> split(text)
    end
  end

  # In brackets an IPv6 address, without them one that has no port.
  defp split("[" <> rest) do
    case String.split(rest, "]", parts: 2) do
      [ip, ""] -> address(ip6(ip), nil)
      [ip, ":" <> port] -> with_port(port, &address(ip6(ip), &1))
      _other -> :error
    end
  end

  defp split(text) do
    case String.split(text, ":") do
      [host] -> host_or_address(host, nil)
      [host, port] -> with_port(port, &host_or_address(host, &1))
      _more -> address(ip6(text), nil)
    end
  end

  defp with_port(text, fun) do
    case Integer.parse(text) do
      {port, ""} when port in 1..65_535 ->
        if String.first(text) in ["+", "-"], do: :error, else: fun.(port)

      _other ->
        :error
    end
  end

  defp host_or_address(text, port) do
    case :inet.parse_ipv4strict_address(to_charlist(text)) do
      {:ok, ip} -> address(ip, port)
      # What looks like an address and is none is a slip.
      {:error, _} -> if text =~ ~r/\A[0-9.]+\z/, do: :error, else: host(text, port)
    end
  end

  defp ip6(text) do
    case :inet.parse_ipv6strict_address(to_charlist(text)) do
      {:ok, ip} -> ip
      {:error, _} -> nil
    end
  end

  defp address(ip, port) do
    if usable?(ip) and (port == nil or port in 1..65_535), do: {:address, ip, port}, else: :error
  end

  defp host(name, port), do: if(host?(name), do: {:host, name, port}, else: :error)

  defp host?(name), do: is_binary(name) and byte_size(name) in 1..253 and name =~ @host

  @doc "Whether a datagram can go there, and reach just one; of a link-local address nobody knows on which link."
  @spec usable?(term()) :: boolean()
  def usable?({0, 0, 0, 0}), do: false
  def usable?({255, 255, 255, 255}), do: false
  def usable?({first, _, _, _} = ip), do: first not in 224..239 and parts?(ip, 255)
  def usable?({0, 0, 0, 0, 0, 0, 0, 0}), do: false
  # An IPv4 address in the form of an IPv6 one.
  def usable?({0, 0, 0, 0, 0, 0xFFFF, _, _}), do: false

  def usable?({first, _, _, _, _, _, _, _} = ip),
    do: parts?(ip, 65_535) and first < 0xFF00 and not Ip.link_local?(ip)

  def usable?(_other), do: false

  defp parts?(ip, most),
    do: ip |> Tuple.to_list() |> Enum.all?(&(is_integer(&1) and &1 in 0..most))

  defp text(value) when is_binary(value), do: if(String.valid?(value), do: value)

  defp text([first | _] = value) when is_integer(first) do
    List.to_string(value)
  rescue
    _error in [ArgumentError, UnicodeConversionError] -> nil
  end

  defp text(_value), do: nil

  @doc """
  A seed as people read it.

      iex> GossipCluster.Seed.label({:address, {10, 0, 0, 5}, 4711})
      "10.0.0.5:4711"
      iex> GossipCluster.Seed.label({:mfa, {Shop, :seeds, [:a]}})
      "Shop.seeds/1"
  """
  @spec label(t()) :: String.t()
  def label({:address, ip, nil}), do: ntoa(ip)
  def label({:address, ip, port}) when tuple_size(ip) == 4, do: "#{ntoa(ip)}:#{port}"
  def label({:address, ip, port}), do: "[#{ntoa(ip)}]:#{port}"
  def label({:host, name, nil}), do: name
  def label({:host, name, port}), do: "#{name}:#{port}"
  def label({:srv, name}), do: name

  def label({:mfa, {module, function, arguments}}),
    do: Exception.format_mfa(module, function, length(arguments))

  defp ntoa(ip), do: ip |> :inet.ntoa() |> List.to_string()
end
