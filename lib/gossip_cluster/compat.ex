defmodule GossipCluster.Compat do
  @moduledoc false
  # The option compat: whether libcluster's own wire is spoken beside ours, so that a system may move node by node. Pure.

  alias GossipCluster.Hidden

  @typedoc "Checked: where libcluster's nodes are, and their secret, hidden; `nil`: they are not heard."
  @type t ::
          nil
          | %{group: String.t(), port: :inet.port_number(), ttl: 0..255, secret: Hidden.t() | nil}

  @keys [:port, :multicast_addr, :multicast_ttl, :secret]
  @allowed "nil, :libcluster, or [libcluster: options], where these are port, multicast_addr, multicast_ttl and secret, as the " <>
             "Gossip strategy has them"
  # The port takes frames of 1 MiB.
  @longest 65_536

  @doc "Hides the secret that may be in it, so that child specifications do not show it."
  @spec hide(term()) :: atom() | Hidden.t()
  def hide(compat) when is_atom(compat) or is_struct(compat, Hidden), do: compat
  def hide(compat), do: Hidden.wrap(compat)

  @doc "The checked option, or what is allowed, and what was given in words that do not show a secret."
  @spec new(term()) :: {:ok, t()} | {:error, String.t(), String.t()}
  def new(%Hidden{} = hidden), do: new(Hidden.unwrap(hidden))
  def new(nil), do: {:ok, nil}
  def new(:libcluster), do: options([])
  def new([:libcluster]), do: options([])
  def new(libcluster: options), do: options(options)
  def new(other) when is_atom(other), do: wrong(inspect(other))
  def new(_other), do: wrong("something else")

  defp options(options) do
    if is_list(options) and Keyword.keyword?(options),
      do: keywords(options),
      else: wrong("[libcluster: ...] with something that is no keyword list")
  end

  defp keywords(options) do
    unknown = Keyword.keys(options) -- @keys

    with [] <- unknown,
         {:ok, group} <- address(Keyword.get(options, :multicast_addr, {233, 252, 1, 32})),
         {:ok, port} <- number(options, :port, 45_892, 1..65_535),
         {:ok, ttl} <- number(options, :multicast_ttl, 1, 0..255),
         {:ok, secret} <- secret(Keyword.get(options, :secret)) do
      {:ok, %{group: group, port: port, ttl: ttl, secret: secret}}
    else
      [key | _] when key in [:if_addr, :multicast_if] ->
        wrong("given #{inspect(key)} (the option interfaces says which are used)")

      [:broadcast_only | _] ->
        wrong("given :broadcast_only (there is multicast alone)")

      [key | _] ->
        wrong("given #{inspect(key)}")

      {:wrong, key, value} ->
        wrong("given #{key}: #{value}")
    end
  end

  defp wrong(given), do: {:error, @allowed, given}

  defp number(options, key, default, range) do
    number = Keyword.get(options, key, default)

    if is_integer(number) and number in range,
      do: {:ok, number},
      else: {:wrong, key, inspect(number, limit: 5, printable_limit: 50)}
  end

  defp address({first, _, _, _} = ip) when first in 224..239 do
    case :inet.ntoa(ip) do
      {:error, :einval} -> {:wrong, :multicast_addr, inspect(ip)}
      text -> {:ok, List.to_string(text)}
    end
  end

  defp address(text) when is_binary(text) or is_list(text) do
    with true <- text?(text),
         {:ok, {first, _, _, _} = ip} when first in 224..239 <-
           :inet.parse_ipv4strict_address(to_charlist(text)) do
      {:ok, List.to_string(:inet.ntoa(ip))}
    else
      _other -> {:wrong, :multicast_addr, inspect(text, limit: 5, printable_limit: 50)}
    end
  end

  defp address(other), do: {:wrong, :multicast_addr, inspect(other, limit: 5)}

  defp text?(text) when is_binary(text), do: String.valid?(text)
  defp text?(text), do: :io_lib.latin1_char_list(text)

  defp secret(nil), do: {:ok, nil}

  # The empty one is a secret to libcluster, too.
  defp secret(text) when is_binary(text) and byte_size(text) <= @longest,
    do: {:ok, Hidden.wrap(text)}

  defp secret(text) when is_binary(text),
    do: {:wrong, :secret, "a text of #{byte_size(text)} bytes"}

  defp secret(_other), do: {:wrong, :secret, "something that is no binary"}

  @doc "What the sidecar is told, with the secret as it is."
  @spec command(map(), String.t() | :none) :: {:compat, map()}
  def command(compat, secret), do: {:compat, %{compat | secret: secret}}
end
