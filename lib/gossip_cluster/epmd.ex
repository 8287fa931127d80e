defmodule GossipCluster.Epmd do
  @moduledoc """
  Finds nodes without epmd and without DNS: an `-epmd_module` that answers from what the cluster's peers say of themselves.

      iex --erl "-pa PATH_TO_EBIN" --erl "-epmd_module Elixir.GossipCluster.Epmd -start_epmd false" --sname a -S mix

  Every peer's authenticated heartbeat carries its node name and the port on which its distribution listens. With this
  module a node name is looked up there first, so that host names need not resolve and distribution ports may be whatever
  the system gave. Where a name is not known yet, the connecting process (never `net_kernel` itself) waits for it,
  up to 4 seconds, while the stock `:erl_epmd` is asked too, so that nodes outside the cluster are still reached.

  It runs before any application does, so it works without its table: then it is just like `:erl_epmd`, except that it
  registers this node nowhere.
  """

  alias GossipCluster.Peer

  @table __MODULE__
  # Distribution protocol version that every OTP since 23 speaks.
  @version 6
  # net_kernel gives a connection 7 s (net_setuptime); the handshake wants its part of them. `global` cuts healthy links
  # when a third node's address stays unknown, so waiting is much the better answer.
  @wait 4_000
  @step 10
  # Stock epmd, and DNS, are asked when the cluster has had this time to answer.
  @ask_others 200
  # A peer that fell silent keeps its entry this long, for `global` still dials it.
  @keep 600_000

  ## The table

  @doc false
  # Called by the application's supervisor, which so owns the table: no crash of an owner empties it.
  def create_table do
    @table = :ets.new(@table, [:named_table, :public, :set, read_concurrency: true])
    :ok
  end

  @doc false
  @spec put(Peer.t()) :: :ok
  def put(%Peer{port: 0}), do: :ok

  def put(%Peer{name: name, port: port, addresses: addresses}) do
    :ets.insert(@table, {name, Enum.map(addresses, &elem(&1, 0)), port, nil})
    :ok
  end

  @doc false
  # One that left is forgotten; one that fell silent may be back, and is remembered for a while.
  @spec drop(Peer.t(), atom()) :: :ok
  def drop(%Peer{name: name}, :silent) do
    now = System.monotonic_time(:millisecond)
    :ets.update_element(@table, name, {4, now})

    :ets.select_delete(@table, [
      {{:_, :_, :_, :"$1"}, [{:is_integer, :"$1"}, {:<, :"$1", now - @keep}], [true]}
    ])

    :ok
  end

  def drop(%Peer{name: name}, _reason) do
    :ets.delete(@table, name)
    :ok
  end

  @doc false
  @spec own_port() :: :inet.port_number()
  def own_port, do: :persistent_term.get({__MODULE__, :own}, {"", 0}) |> elem(1)

  ## What net_kernel and the distribution call

  @doc false
  def start_link, do: :ignore

  @doc false
  def register_node(name, port), do: register_node(name, port, :inet)

  @doc false
  def register_node(name, port, _family) do
    :persistent_term.put({__MODULE__, :own}, {to_string(name), port})
    _ = write_port(:os.getenv(~c"GOSSIP_PORT_FILE"), port)
    # -1: the node chooses a random creation.
    {:ok, -1}
  end

  # For a release's `rpc`, `remote` and `stop`: they are nodes outside the cluster, with no epmd to ask. Raw, since the
  # file server may not run yet.
  defp write_port(false, _port), do: :ok
  defp write_port(file, port), do: :file.write_file(file, Integer.to_string(port), [:raw])

  @doc false
  defdelegate listen_port_please(name, host), to: :erl_epmd

  @doc false
  def names, do: with({:ok, host} <- :inet.gethostname(), do: names(host))

  @doc false
  def names(host) do
    suffix = "@" <> text(host)

    known =
      for {name, _ips, port, _stale} <- rows(), String.ends_with?(name, suffix) do
        {to_charlist(String.replace_suffix(name, suffix, "")), port}
      end

    if known == [], do: :erl_epmd.names(host), else: {:ok, known}
  end

  @doc false
  def port_please(name, host), do: port_please(name, host, :infinity)

  @doc false
  def port_please(name, host, timeout) do
    case {:persistent_term.get({__MODULE__, :own}, nil), lookup(name, host)} do
      {_own, {:ok, _ips, port}} ->
        {:port, port, @version}

      {{own, port}, :none} ->
        if own == text(name) and local?(host),
          do: {:port, port, @version},
          else: :erl_epmd.port_please(name, host, timeout)

      {nil, :none} ->
        :erl_epmd.port_please(name, host, timeout)
    end
  end

  @doc false
  def address_please(name, host, family) do
    cond do
      # net_kernel only wants to know whether the protocol suits, and must not be kept waiting.
      self() == Process.whereis(:net_kernel) -> suits(name, host, family)
      table?() -> wait(name, host, family, now(), nil)
      true -> :erl_epmd.address_please(name, host, family)
    end
  end

  defp suits(name, host, family) do
    case lookup(name, host) do
      {:ok, ips, _port} -> address(ips, family)
      :none -> {:ok, any(family)}
    end
  end

  defp wait(name, host, family, since, others) do
    with {:ok, ips, port} <- lookup(name, host),
         {:ok, ip} <- address(ips, family) do
      {:ok, ip, port, @version}
    else
      {:error, _reason} = error ->
        error

      :none ->
        waited = now() - since

        others =
          if others == nil and waited >= @ask_others,
            do: ask_others(name, host, family),
            else: others

        receive do
          {^others, {:ok, ip, port, version}} -> {:ok, ip, port, version}
        after
          @step ->
            if waited < @wait,
              do: wait(name, host, family, since, others),
              else: {:error, :nxdomain}
        end
    end
  end

  # A process of its own, since DNS may take seconds. Linked: it ends with the connection attempt.
  defp ask_others(name, host, family) do
    caller = self()
    ref = make_ref()

    spawn_link(fn ->
      with {:ok, ip} <- :erl_epmd.address_please(name, host, family),
           {:port, port, version} <- :erl_epmd.port_please(name, ip) do
        send(caller, {ref, {:ok, ip, port, version}})
      end
    end)

    ref
  end

  defp lookup(name, host) when is_tuple(host) do
    prefix = text(name) <> "@"

    Enum.find_value(rows(), :none, fn {full, ips, port, _stale} ->
      if host in ips and String.starts_with?(full, prefix), do: {:ok, ips, port}
    end)
  end

  defp lookup(name, host) do
    case :ets.lookup(@table, text(name) <> "@" <> text(host)) do
      [{_name, ips, port, _stale}] -> {:ok, ips, port}
      [] -> :none
    end
  rescue
    ArgumentError -> :none
  end

  defp rows do
    :ets.tab2list(@table)
  rescue
    ArgumentError -> []
  end

  defp table?, do: :ets.whereis(@table) != :undefined

  defp address(ips, family) do
    size = if family in [:inet6, :inet6_tcp], do: 8, else: 4

    case Enum.find(ips, &(tuple_size(&1) == size)) do
      nil -> {:error, :eafnosupport}
      ip -> {:ok, ip}
    end
  end

  defp any(family) when family in [:inet6, :inet6_tcp], do: {0, 0, 0, 0, 0, 0, 0, 1}
  defp any(_family), do: {127, 0, 0, 1}

  defp local?({127, _, _, _}), do: true
  defp local?({0, 0, 0, 0, 0, 0, 0, 1}), do: true
  defp local?(host) when is_tuple(host), do: false

  defp local?(host) do
    with [_name, own] <- String.split(Atom.to_string(node()), "@"),
         do: text(host) in [own, "localhost"]
  end

  defp text(value) when is_binary(value), do: value
  defp text(value) when is_tuple(value), do: value |> :inet.ntoa() |> to_string()
  defp text(value), do: to_string(value)

  defp now, do: System.monotonic_time(:millisecond)
end
