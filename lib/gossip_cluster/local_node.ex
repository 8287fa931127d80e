defmodule GossipCluster.LocalNode do
  @moduledoc false
  # What this node's own distribution is like: its name, type and port, and its cookie.

  alias GossipCluster.{Handshake, Hidden, Ip, Peer}

  @type t :: %{
          name: String.t(),
          creation: non_neg_integer(),
          long_names: boolean(),
          tls: boolean(),
          ipv6: boolean(),
          hidden: boolean()
        }

  @doc """
  This node's distribution, or nil while it is not alive. `before` is the last answer, which stands as long as name and
  creation do. Quick: asks no other node, no epmd, and not net_kernel, which a dead DNS may keep busy for seconds.
  """
  @spec own(t() | nil) :: t() | nil
  def own(before \\ nil) do
    name = Atom.to_string(node())
    creation = :erlang.system_info(:creation)

    cond do
      # Its name is still to come where it was started as `--sname undefined`.
      not :erlang.is_alive() or node() == :nonode@nohost -> nil
      match?(%{name: ^name, creation: ^creation}, before) -> before
      true -> own(name, creation)
    end
  end

  defp own(name, creation) do
    protocols = flag(:proto_dist)

    %{
      name: name,
      creation: creation,
      long_names: long?(name),
      tls: Enum.any?(protocols, &(&1 in ["inet_tls", "inet6_tls"])),
      ipv6: Enum.any?(protocols, &(&1 in ["inet6_tcp", "inet6_tls"])),
      # Only the flag tells: a node that was started hidden by a call offers no way to ask.
      hidden: match?({:ok, _}, :init.get_argument(:hidden))
    }
  end

  # The host tells the type as surely as net_kernel does: a short one has neither dot nor colon, a long one has.
  defp long?(name) do
    [_name, host] = String.split(name, "@")
    String.contains?(host, [".", ":"])
  end

  @doc "This node's cookie, a hidden binary, or nil while it has none."
  @spec cookie() :: Hidden.t() | nil
  def cookie do
    # get_cookie/0 would not do: the compiler takes it for a function that cannot fail, and drops the catch.
    case :erlang.get_cookie(node()) do
      :nocookie -> nil
      cookie -> cookie |> Atom.to_string() |> Hidden.wrap()
    end
  catch
    # The distribution is just being stopped.
    :exit, _reason -> nil
  end

  @doc """
  The cookies that this node holds for these others alone (Node.set_cookie/2), hidden; `nil`: it uses its own with that
  one.
  """
  @spec own_cookies([String.t()]) :: %{String.t() => Hidden.t() | nil}
  def own_cookies(names) do
    own = cookie()
    Map.new(names, &{&1, own_cookie(Peer.node(%Peer{name: &1, creation: 0}), own)})
  end

  # A node that is no atom here has none.
  defp own_cookie(nil, _own), do: nil
  defp own_cookie(_node, nil), do: nil

  defp own_cookie(node, own) do
    case :erlang.get_cookie(node) do
      :nocookie -> nil
      cookie -> if Atom.to_string(cookie) != Hidden.unwrap(own), do: Hidden.wrap(cookie)
    end
  catch
    :exit, _reason -> nil
  end

  @doc """
  The port on which this node's distribution listens; 0 if it does not. May ask epmd, and so may block: not for the
  owner.
  """
  @spec port() :: :inet.port_number()
  def port do
    [name, _host] = String.split(Atom.to_string(node()), "@")

    case :net_kernel.epmd_module().port_please(to_charlist(name), {127, 0, 0, 1}) do
      {:port, port, _version} -> port
      _none -> 0
    end
  end

  @doc """
  This host's IP addresses, sorted (none where the system does not tell), and the address and port that this node's
  distribution listens on, if that is seen. Asks the kernel, which takes its time where there are thousands: not for the
  owner. Changes nothing.
  """
  @spec addresses() :: {[:inet.ip_address()], {:inet.ip_address(), :inet.port_number()} | nil}
  def addresses, do: addresses(listener())

  defp addresses({_port, address}), do: {host_addresses(), address}
  defp addresses(nil), do: {host_addresses(), nil}

  @doc """
  Prepares the socket that this node's distribution listens on for networks that lose packets (see
  GossipCluster.Handshake); then the same as `addresses/0`.
  """
  @spec prepare_listener() ::
          {[:inet.ip_address()], {:inet.ip_address(), :inet.port_number()} | nil}
  def prepare_listener do
    listener = listener()
    with {port, _address} <- listener, do: :ok = Handshake.listener(port)
    addresses(listener)
  end

  defp host_addresses do
    case :inet.getifaddrs() do
      {:ok, interfaces} ->
        all =
          Enum.uniq(Enum.sort(for {_name, options} <- interfaces, {:addr, ip} <- options, do: ip))

        without_fading(all)

      {:error, _reason} ->
        []
    end
  end

  @if_inet6 "/proc/net/if_inet6"

  # Who has no other of IPv6 is still reached at these; and who has none of them, as most hosts without IPv6, has no file
  # read for it: it is looked at again and again.
  defp without_fading(all) do
    with true <- Enum.any?(all, &global_ipv6?/1),
         {:ok, if_inet6} <- :file.read_file(@if_inet6),
         lasting = all -- Ip.fading(if_inet6),
         true <- Enum.any?(lasting, &global_ipv6?/1) do
      lasting
    else
      _none_known -> all
    end
  end

  defp global_ipv6?(ip),
    do: tuple_size(ip) == 8 and not Ip.loopback?(ip) and not Ip.link_local?(ip)

  # The socket that net_kernel owns, and that leads nowhere, and its address. Those of connections are linked to it,
  # too, but not its own.
  defp listener do
    with pid when is_pid(pid) <- Process.whereis(:net_kernel),
         {:links, links} <- Process.info(pid, :links) do
      Enum.find_value(links, &(is_port(&1) && listener(&1, pid)))
    else
      _none -> nil
    end
  end

  defp listener(port, owner) do
    with {:connected, ^owner} <- :erlang.port_info(port, :connected),
         {:error, :enotconn} <- :inet.peername(port),
         {:ok, {ip, number}} when is_tuple(ip) <- :inet.sockname(port) do
      {port, {ip, number}}
    else
      _other -> nil
    end
  end

  @doc """
  Whether a cookie is easy to guess, and why: short, or as Erlang generates them (20 capital letters from few seeds).
  """
  @spec weak_cookie(binary()) :: nil | String.t()
  def weak_cookie(cookie) do
    cond do
      byte_size(cookie) < 16 -> "has only #{byte_size(cookie)} characters"
      cookie =~ ~r/\A[A-Z]{20}\z/ -> "was generated by Erlang, from few seeds"
      true -> nil
    end
  end

  # The Dockerfile's.
  @public "public-cookie-of-the-gossip-image"

  @doc "Whether everybody knows this cookie: that of the image which this repository builds."
  @spec public_cookie?(binary()) :: boolean()
  def public_cookie?(cookie), do: cookie == @public

  defp flag(name) do
    case :init.get_argument(name) do
      {:ok, values} -> values |> Enum.concat() |> Enum.map(&to_string/1)
      :error -> []
    end
  end
end
