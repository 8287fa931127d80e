defmodule GossipCluster.Epmd do
  @moduledoc """
  Finds nodes without epmd and without DNS: an `-epmd_module` that answers from what the cluster's peers say of
  themselves.

  Every peer's authenticated heartbeat carries its node name and the port on which its distribution listens. With this
  module a node name is looked up there first, so that host names need not resolve and distribution ports may be
  whatever the system gave. Where a name is not known yet, the connecting process (never `net_kernel` itself) waits for
  it, up to 4 seconds, while the stock `:erl_epmd` is asked too, so that nodes outside the cluster are still reached.
  The distribution may run over TCP or TLS (`-proto_dist inet_tls`).

  A peer may have many addresses, of which one works: they are tried as Happy Eyeballs does (RFC 8305), the best first,
  the next after 250 ms, and the first that answers TCP is given to Erlang. That is where the peer was connected last;
  then an IP address in its name; the loopback, where both nodes run on one machine; the address that its distribution
  listens on; and every address that it is heard at, or says that it has. So it is for every dial of Erlang's: those of
  `global`, and yours.

  ## Where packets are lost

  An attempt whose SYN is not answered is given up and followed by the next, after 50, 100, 200 ... ms, 7 s all
  together. `global` would take the first that is given up for a node that cannot be reached, and disconnect others from
  it, to prevent overlapping partitions. Hence a cluster that starts sets the kernel's parameter
  `global_connect_retries` to 6, unless it is set. What is sent to a node while it is being dialled is lost with the
  attempt, as it is with any that fails.

  ## Switching it on

  Erlang reads the setting when its distribution starts:

      -epmd_module Elixir.GossipCluster.Epmd -start_epmd false

    * **A release**: these two flags in `rel/vm.args.eex`; `rpc`, `remote` and `stop` need two small files more, see the
      guide on releases. A container: the same
    * **iex**: the module's directory must come with the flags, since `iex` and `elixir` add theirs too late:

          iex --erl "-pa _build/dev/lib/gossip_cluster/ebin -epmd_module Elixir.GossipCluster.Epmd -start_epmd false" \\
            --sname a -S mix

      Or by a line in the shell before it, which the log prints ready to paste where a peer's host name does not resolve:

          export ERL_AFLAGS='-pa "/shop/_build/dev/lib/gossip_cluster/ebin" -epmd_module Elixir.GossipCluster.Epmd -start_epmd false'
          iex --sname a -S mix

      Of two nodes it is enough that one has it: that one dials
    * **mix**, with the distribution started later: `Node.start(:a, :shortnames)` in the application, and

          elixir --erl "-epmd_module Elixir.GossipCluster.Epmd -start_epmd false" -S mix run

    * **From Erlang/OTP 27.2 on** also without a flag, before the distribution starts:
      `Application.put_env(:kernel, :epmd_module, GossipCluster.Epmd)`, or
      `-kernel epmd_module 'Elixir.GossipCluster.Epmd'`. Not both this and the flag: Erlang takes that for an error

  Why a flag: what Erlang asks without it is its own resolver, which is the whole VM's. To teach that the names of peers
  would change the order in which every name is looked up, your database's too, and let who has the cluster's key say
  where a name leads that DNS just then does not know. So that is not done.

  ## Nodes outside the cluster

  Names that no peer has are also looked up as Erlang does without this module: by DNS, and the epmd of that host. To
  have nothing but the cluster:

      config :gossip_cluster, GossipCluster.Epmd, fallback: false

  (`-gossip_cluster Elixir.GossipCluster.Epmd '[{fallback,false}]'` on a command line.) Then no epmd and no DNS server
  is ever asked.

  ## IPv6

  Where the distribution runs over IPv6 (`-proto_dist inet6_tcp` or `inet6_tls`), peers are dialled at their IPv6
  addresses: those that they say their hosts have, global or unique local (`fd00::/8`), whichever family they are heard
  over. Erlang cannot dial a link-local address (`fe80::/10`), for that needs an interface. A peer that has no other is
  found, and not connected, unless its host name resolves to an IPv6 address; `peers/1` says so.

  ## Before the application runs, and when it crashes

  Erlang calls this module before any application runs. It works without its table: then it is just like `:erl_epmd` (or
  finds nobody, without fallback), except that it registers this node nowhere. The table belongs to no cluster: whatever
  crashes in a cluster, `global` still finds its nodes.
  """

  alias GossipCluster.{CookieFile, Peer}
  alias GossipCluster.Dial.Race

  @table __MODULE__
  # Distribution protocol version that every OTP since 23 speaks.
  @version 6
  # net_kernel gives a connection 7 s (net_setuptime); the handshake wants its part of them. `global` cuts healthy links
  # when a third node's address stays unknown, so waiting is much the better answer.
  @wait 4_000
  @step 10
  # Stock epmd, and DNS, are asked when the cluster has had this time to answer.
  @ask_others 200
  # Where none of several addresses has answered by then, the connect to the first one tells why.
  @race 2_500
  # A peer that fell silent keeps its entry this long, for `global` still dials it.
  @keep 600_000

  ## The table, which GossipCluster.Shared makes and owns: a row for each cluster of this node that lists the peer, so
  ## that what one of them says does not speak for another

  @doc false
  @spec put(GossipCluster.name(), Peer.t()) :: :ok
  def put(_cluster, %Peer{port: 0}), do: :ok

  def put(cluster, %Peer{name: name, port: port, paths: paths}) do
    :ets.insert(@table, {{name, cluster}, paths, port, now(), nil})
    :ok
  end

  @doc false
  # Where the peer of this name is connected: that is tried first from now on.
  @spec remember(String.t(), :inet.ip_address()) :: :ok
  def remember(name, ip) do
    :ets.insert(@table, {{:via, name}, ip})
    :ok
  end

  @doc false
  # That path has died.
  @spec forget(String.t()) :: :ok
  def forget(name) do
    :ets.delete(@table, {:via, name})
    :ok
  end

  @doc false
  # Who dials this name for net_kernel: a process that is still looking for its address, or has had it since a time.
  @spec attempt(String.t()) :: {pid(), :looking | integer()} | nil
  def attempt(name) do
    case :ets.lookup(@table, {:attempt, name}) do
      [{_key, pid, since}] -> {pid, since}
      [] -> nil
    end
  rescue
    ArgumentError -> nil
  end

  @doc false
  # One that left is forgotten; one that fell silent may be back, and is remembered for a while.
  @spec drop(GossipCluster.name(), Peer.t(), atom()) :: :ok
  def drop(cluster, %Peer{name: name}, :silent) do
    _ = :ets.update_element(@table, {name, cluster}, {5, now()})
    :ok
  end

  def drop(cluster, %Peer{name: name}, _reason) do
    :ets.delete(@table, {name, cluster})
    if listed?(name), do: :ok, else: forget_all(name)
  end

  defp listed?(name),
    do: :ets.select(@table, [{{{name, :_}, :_, :_, :_, :_}, [], [true]}], 1) != :"$end_of_table"

  @doc false
  # Forgets those that have been silent for long. It looks at all, so it is not done for each.
  @spec sweep() :: :ok
  def sweep do
    _ =
      :ets.select_delete(@table, [
        {{:_, :_, :_, :_, :"$1"}, [{:is_integer, :"$1"}, {:<, :"$1", now() - @keep}], [true]}
      ])

    forgotten = for [name] <- :ets.match(@table, {{:via, :"$1"}, :_}), not listed?(name), do: name

    Enum.each(forgotten, &forget_all/1)
  end

  defp forget_all(name), do: Enum.each([:via, :attempt], &:ets.delete(@table, {&1, name}))

  @doc false
  @spec own_port() :: :inet.port_number()
  def own_port, do: :persistent_term.get({__MODULE__, :own}, {"", 0}) |> elem(1)

  ## What net_kernel and the distribution call

  @doc false
  def start_link, do: :ignore

  @doc false
  def register_node(name, port), do: register_node(name, port, :inet)

  @doc false
  def register_node(name, port, family) do
    # Now, since nobody is accepted before this has returned.
    with :ok <- CookieFile.set() do
      :persistent_term.put({__MODULE__, :own}, {to_string(name), port})
      _ = write_port(:os.getenv(~c"GOSSIP_PORT_FILE"), port, family)
      # -1: the node chooses a random creation.
      {:ok, -1}
    end
  end

  # For a release's `rpc`, `remote` and `stop`: they are nodes outside the cluster, with no epmd to ask. Raw, since the
  # file server may not run yet.
  defp write_port(false, _port, _family), do: :ok

  defp write_port(file, port, family) do
    _ = :file.write_file(file ++ ~c".address", :io_lib.write(listens_at(family)), [:raw])
    :file.write_file(file, Integer.to_string(port), [:raw])
  end

  # Where a node on the same host reaches the listener.
  defp listens_at(family) do
    case :application.get_env(:kernel, :inet_dist_use_interface) do
      {:ok, ip} when is_tuple(ip) and ip not in [{0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0}] -> ip
      _everywhere -> any(family)
    end
  end

  @doc false
  defdelegate listen_port_please(name, host), to: :erl_epmd

  @doc false
  def names, do: with({:ok, host} <- :inet.gethostname(), do: names(host))

  @doc false
  def names(host) do
    suffix = "@" <> text(host)

    known =
      for {name, _ips, port} <- peers(:_), String.ends_with?(name, suffix) do
        {to_charlist(String.replace_suffix(name, suffix, "")), port}
      end

    cond do
      known != [] -> {:ok, known}
      fallback?() -> :erl_epmd.names(host)
      true -> {:error, :address}
    end
  end

  @doc false
  def port_please(name, host), do: port_please(name, host, :infinity)

  @doc false
  def port_please(name, host, timeout) do
    with :none <- lookup(name, host),
         :none <- own(name, host) do
      if fallback?(), do: :erl_epmd.port_please(name, host, timeout), else: :noport
    else
      {:ok, _ips, port} -> {:port, port, @version}
    end
  end

  defp own(name, host) do
    {own, port} = :persistent_term.get({__MODULE__, :own}, {nil, 0})
    if own == text(name) and local?(host), do: {:ok, [], port}, else: :none
  end

  @doc false
  def address_please(name, host, family) do
    cond do
      # net_kernel only wants to know whether the protocol suits, and must not be kept waiting.
      self() == Process.whereis(:net_kernel) -> suits(name, host, family)
      own_port() == 0 -> with(:ok <- CookieFile.set(), do: address_there(name, host, family))
      true -> address_there(name, host, family)
    end
  end

  # A node that does not listen (-dist_listen false), as a release's `rpc` starts one, is not registered: it has its
  # cookie from now on, that is before the handshake.
  defp address_there(name, host, family) do
    cond do
      table?() or not fallback?() -> attempted(name, host, family)
      true -> :erl_epmd.address_please(name, host, family)
    end
  end

  # Who asks is the process that will connect. GossipCluster.Dial.Attempt looks after it.
  defp attempted(name, host, family) do
    full = text(name) <> "@" <> text(host)
    note(full, :looking)
    answer = wait(name, host, family, now(), nil)
    note(full, now())
    answer
  end

  # Only of names that are listed: of others nobody asks.
  defp note(name, since) do
    if listed?(name), do: :ets.insert(@table, {{:attempt, name}, self(), since})
  rescue
    ArgumentError -> false
  end

  defp suits(name, host, family) do
    case lookup(name, host) do
      {:ok, ips, _port} -> with(:none <- address(ips, family), do: {:ok, any(family)})
      :none -> {:ok, any(family)}
    end
  end

  defp wait(name, host, family, since, others) do
    with {:ok, ips, port} <- lookup(name, host),
         {:ok, ip} <- known(via_first(name, host, ips), port, host, family) do
      {:ok, ip, port, @version}
    else
      {:error, _reason} = error ->
        error

      :none ->
        waited = now() - since

        others =
          if others == nil and waited >= @ask_others and fallback?(),
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

  # A peer that is listed without an address of this family: its port is known, and its host name may resolve.
  defp known(ips, port, host, family) do
    case of_family(ips, family) do
      [ip] -> {:ok, ip}
      [first | _] = ips -> with({:error, _why} <- Race.run(ips, port, @race), do: {:ok, first})
      [] -> if fallback?(), do: resolve(host, family), else: {:error, :eafnosupport}
    end
  end

  defp via_first(name, host, ips) do
    case :ets.lookup(@table, {:via, text(name) <> "@" <> text(host)}) do
      [{_key, ip}] -> if ip in ips, do: [ip | List.delete(ips, ip)], else: ips
      [] -> ips
    end
  end

  defp resolve(host, family) do
    case :inet.getaddr(if(is_binary(host), do: to_charlist(host), else: host), family(family)) do
      {:ok, ip} -> {:ok, ip}
      {:error, _reason} -> {:error, :eafnosupport}
    end
  end

  # A process of its own, since DNS may take seconds. Linked: it ends with the connection attempt.
  defp ask_others(name, host, family) do
    caller = self()
    ref = make_ref()

    spawn_link(fn ->
      case :erl_epmd.address_please(name, host, family(family)) do
        {:ok, ip} ->
          with {:port, port, version} <- :erl_epmd.port_please(name, ip),
               do: send(caller, {ref, {:ok, ip, port, version}})

        {:error, _reason} ->
          :ok
      end
    end)

    ref
  end

  defp lookup(name, host) when is_tuple(host) do
    prefix = text(name) <> "@"

    Enum.find_value(peers(:_), :none, fn {full, ips, port} ->
      if host in ips and String.starts_with?(full, prefix), do: {:ok, ips, port}
    end)
  end

  defp lookup(name, host) do
    case peers(text(name) <> "@" <> text(host)) do
      [{_name, ips, port}] -> {:ok, ips, port}
      [] -> :none
    end
  end

  # The peers of this name, or all of them: what was said last by a cluster that lists them still, if one does.
  defp peers(name) do
    @table
    |> :ets.select([{{{name, :_}, :_, :_, :_, :_}, [], [:"$_"]}])
    |> Enum.sort_by(fn {_key, _ips, _port, at, stale} -> {stale == nil, at} end, :desc)
    |> Enum.uniq_by(fn {{name, _cluster}, _ips, _port, _at, _stale} -> name end)
    |> Enum.map(fn {{name, _cluster}, ips, port, _at, _stale} -> {name, ips, port} end)
  rescue
    # There is no table.
    ArgumentError -> []
  end

  defp table?, do: :ets.whereis(@table) != :undefined

  defp address(ips, family) do
    case of_family(ips, family) do
      [ip | _] -> {:ok, ip}
      [] -> :none
    end
  end

  defp of_family(ips, family) do
    size = if family(family) == :inet6, do: 8, else: 4
    Enum.filter(ips, &(tuple_size(&1) == size))
  end

  # Some releases of Erlang name the family, some the protocol.
  defp family(family) when family in [:inet6, :inet6_tcp, :inet6_tls], do: :inet6
  defp family(_ipv4), do: :inet

  defp any(family),
    do: if(family(family) == :inet6, do: {0, 0, 0, 0, 0, 0, 0, 1}, else: {127, 0, 0, 1})

  defp local?({127, _, _, _}), do: true
  defp local?({0, 0, 0, 0, 0, 0, 0, 1}), do: true
  defp local?(host) when is_tuple(host), do: false

  defp local?(host) do
    with [_name, own] <- String.split(Atom.to_string(node()), "@"),
         do: text(host) in [own, "localhost"]
  end

  defp text(value) when is_binary(value), do: value
  defp text(value) when is_tuple(value), do: value |> :inet.ntoa() |> to_string()
  defp text(value) when is_list(value), do: List.to_string(value)
  defp text(value), do: Atom.to_string(value)

  # Read each time: this module works before any application is started, and configuration may come later.
  defp fallback? do
    case Application.get_env(:gossip_cluster, __MODULE__, []) do
      options when is_list(options) -> :proplists.get_value(:fallback, options, true) != false
      _other -> true
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
