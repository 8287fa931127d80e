defmodule GossipCluster.Owner.Effects do
  @moduledoc false
  # Carries out what GossipCluster.Cluster wants done, in the owner's process: what readers read (GossipCluster.View),
  # epmd, reports, timers, answers, the sidecar, tasks. Nothing is decided here, and nothing waits. A secret is hidden
  # but for the moment in which it is sent.

  alias GossipCluster.Cluster
  alias GossipCluster.Dial.{AtomBudget, Attempt, Path}

  alias GossipCluster.{
    Compat,
    Epmd,
    Hidden,
    LocalNode,
    Options,
    Peer,
    Preload,
    Reporter,
    Resolver,
    Secret,
    Siblings,
    Sidecar
  }

  alias GossipCluster.View
  alias GossipCluster.Owner.{Tasks, Timers}
  alias GossipCluster.Sidecar.Codec

  @typedoc "The state of GossipCluster.Owner."
  @type owner :: struct()

  @doc "Does it: the owner as it is then, and what has happened by it, if that is an event."
  @spec act(Cluster.effect(), owner()) :: owner() | {owner(), Cluster.event()}
  def act({:show, peer}, %{} = owner), do: done(View.put_peer(owner.view, peer), owner)
  def act({:hide, peer}, %{} = owner), do: done(View.delete_peer(owner.view, peer), owner)
  def act({:put, key, value}, %{} = owner), do: done(View.put(owner.view, key, value), owner)
  def act({:delete, key}, %{} = owner), do: done(View.delete(owner.view, key), owner)
  def act({:report, facts}, %{} = owner), do: done(Reporter.report(owner.view, facts), owner)

  def act({:epmd_put, peer}, %{} = owner), do: done(Epmd.put(owner.name, peer), owner)

  def act({:epmd_drop, peer, reason}, %{} = owner),
    do: done(Epmd.drop(owner.name, peer, reason), owner)

  def act({:epmd_remember, name, ip}, owner), do: done(Epmd.remember(name, ip), owner)
  def act({:epmd_forget, name}, owner), do: done(Epmd.forget(name), owner)
  def act(:epmd_sweep, owner), do: done(Epmd.sweep(), owner)

  def act({:timer, key, :cancel}, %{} = owner),
    do: %{owner | timers: Timers.cancel(owner.timers, key)}

  def act({:timer, key, ms}, %{} = owner),
    do: %{owner | timers: Timers.start(owner.timers, key, ms)}

  def act(:continue, owner) do
    send(self(), :continue)
    owner
  end

  def act({:restore, behind}, owner) do
    send(self(), {:restore, behind})
    owner
  end

  def act({:reply, from, reply}, owner), do: done(GenServer.reply(from, reply), owner)

  def act({:monitor, caller, pid}, %{} = owner) do
    ref = Process.monitor(pid)
    %{owner | monitors: Map.merge(owner.monitors, %{ref => caller, caller => ref})}
  end

  def act({:demonitor, caller}, %{} = owner) do
    case Map.pop(owner.monitors, caller) do
      {nil, _monitors} ->
        owner

      {ref, monitors} ->
        Process.demonitor(ref, [:flush])
        %{owner | monitors: Map.delete(monitors, ref)}
    end
  end

  ## The sidecar

  def act({:open, keys}, %{} = owner), do: act({:open, keys, keys}, owner)

  # `ring` is what the sidecar is given for the keys.
  def act({:open, keys, ring}, %{} = owner) do
    options = owner.options

    case Sidecar.open(options.sidecar || Sidecar.path(), options.sandbox) do
      {:ok, port} ->
        owner = %{owner | port: port}
        # Should it not be taken, the end of that sidecar tells.
        _taken = Hidden.reveal(ring, &command(owner, {:configure, configuration(options, &1)}))
        _taken = compat(owner, options.compat)
        # While the sidecar opens its sockets and derives its keys.
        :ok = Preload.load_rest()
        {owner, {:opened, keys, Sidecar.Process.of(port)}}

      {:error, _reason, text} ->
        {owner, {:not_opened, text}}
    end
  end

  def act(:close, %{} = owner) do
    if owner.port, do: Sidecar.close(owner.port)
    %{owner | port: nil}
  end

  def act({:look_at_sidecar, nil}, owner), do: owner

  def act({:look_at_sidecar, process}, owner),
    do: start_task(owner, {:look_at_sidecar, process}, Sidecar.Process, :state, [process])

  def act({:kill, nil}, owner), do: owner

  def act({:kill, process}, owner) do
    # Also when the cluster ends at this moment, and its tasks with it.
    _pid = spawn(Sidecar.Process, :kill, [process])
    owner
  end

  def act({:sends_from, port}, %{} = owner), do: done(Siblings.put(owner.name, port), owner)

  def act(:find_siblings, %{} = owner) do
    case Siblings.join(owner.name) do
      [] -> owner
      ports -> {owner, {:siblings, ports}}
    end
  end

  def act({:command, command}, owner) do
    _taken = command(owner, command)
    owner
  end

  # Where it is connected again by now, there is nothing to tell: it would be taken for that connection's end.
  def act({:tell_disconnected, name, boots}, owner) do
    if Enum.any?(Node.list(:connected), &(Atom.to_string(&1) == name)),
      do: owner,
      else: Enum.reduce(boots, owner, &act({:command, {:disconnected, &1}}, &2))
  end

  def act({:announce, {:keys, keys} = change}, owner) do
    if Hidden.reveal(keys, &command(owner, {:keys, &1})),
      do: {owner, {:announced, change}},
      else: owner
  end

  def act({:announce, {:alive, alive, hidden} = change}, owner) do
    if Hidden.reveal(hidden, &command(owner, {:alive, Map.put(alive, :cookie, &1)})) do
      Hidden.reveal(hidden, &warn_of_cookie(owner, &1))
      {owner, {:announced, change}}
    else
      owner
    end
  end

  def act({:request_leave, ref}, owner),
    do: if(command(owner, {:leave, :left}), do: owner, else: {owner, {:leave_failed, ref}})

  def act({:request_stats, ref}, owner),
    do: if(command(owner, {:stats, ref}), do: owner, else: {owner, {:stats_failed, ref}})

  ## What may take time

  def act(:ask_port, owner) do
    # The stock epmd may be slow to answer.
    if :net_kernel.epmd_module() == Epmd,
      do: {owner, {:local_port, Epmd.own_port()}},
      else: start_task(owner, :port, LocalNode, :port, [])
  end

  def act({:dial, peer, doubted}, %{} = owner) do
    case to_node(owner, peer) do
      {:ok, node, owner} ->
        %{connect: connect, accept: accept, observer: observer} = owner.options
        arguments = [peer, node, connect, accept, doubted, observer]
        start_task(owner, {:dial, peer.name}, Attempt, :run, arguments)

      {:error, why} ->
        {owner, {:not_dialled, peer.name, {:atoms, why}}}
    end
  end

  def act({:disconnect, name}, %{} = owner) do
    case Peer.node(%Peer{name: name, creation: 0}) do
      nil ->
        owner

      node ->
        arguments = [node, owner.options.disconnect, owner.options.observer]
        start_task(owner, {:disconnect, name}, Attempt, :disconnect, arguments)
    end
  end

  def act(:find_addresses, owner),
    do: start_task(owner, :addresses, LocalNode, :prepare_listener, [])

  def act({:ask_cookies, names}, owner),
    do: start_task(owner, :cookies, LocalNode, :own_cookies, [names])

  def act({:resolve, index, seed, ports}, owner),
    do: start_task(owner, {:resolve, index}, Resolver, :run, [seed, ports])

  # A name that is connected is an atom.
  def act({:find_path, name}, owner),
    do: start_task(owner, {:find_path, name}, Path, :find, [String.to_existing_atom(name)])

  def act({:probe, name, patience}, owner) do
    arguments = [String.to_existing_atom(name), patience]
    start_task(owner, {:probe, name}, Path, :probe, arguments)
  end

  def act({:touch, names}, owner),
    do: start_task(owner, :touch, Path, :touch, [Enum.map(names, &String.to_existing_atom/1)])

  def act({:list_nodes, links}, %{} = owner),
    do: start_task(owner, {:list_nodes, links}, Attempt, :list, [owner.options.list_nodes])

  ## How

  defp done(result, owner) when result in [true, :ok], do: owner

  defp command(%{port: nil}, _command), do: false
  defp command(%{port: port}, command), do: Sidecar.command(port, command)

  defp compat(_owner, nil), do: true

  defp compat(owner, %{secret: nil} = compat), do: command(owner, Compat.command(compat, :none))

  defp compat(owner, %{secret: secret} = compat),
    do: Hidden.reveal(secret, &command(owner, Compat.command(compat, &1)))

  defp configuration(%{} = options, keys) do
    %{
      version: Codec.protocol(),
      cluster: options.cluster,
      keys: keys,
      group: options.group,
      group6: if(options.ipv6, do: options.group6, else: ""),
      port: options.port,
      unicast_port: Options.unicast_port(options),
      broadcast: options.broadcast,
      interfaces: options.interfaces,
      ttl: options.ttl,
      interval: options.interval,
      max_peers: options.max_peers,
      heartbeats: options.log_heartbeats,
      advertise: options.advertise || ""
    }
  end

  # Once for each cookie and VM, whatever the number of clusters and restarts.
  defp warn_of_cookie(%{} = owner, cookie) do
    line = cookie_line(cookie, Secret.needs_cookie?(owner.secret))
    warned = {__MODULE__, :erlang.phash2(cookie)}

    if line != nil and not :persistent_term.get(warned, false) do
      :persistent_term.put(warned, true)
      Reporter.report(owner.view, [line])
    end
  end

  defp cookie_line(cookie, is_secret) do
    weak = if is_secret, do: LocalNode.weak_cookie(cookie)

    cond do
      LocalNode.public_cookie?(cookie) ->
        {:line, :warning,
         "the Erlang cookie is the one that GossipCluster's own image is built with, and public: who reaches this node can " <>
           "run code in it. Give all nodes one of your own: a file with it as RELEASE_COOKIE_FILE, or as a secret " <>
           "(podman run --secret cookie), or RELEASE_COOKIE"}

      weak ->
        {:line, :info,
         "the Erlang cookie #{weak}, so it may be guessed. Where strangers share the network, give all nodes " <>
           "`secret: {:key, key}` with the same 32 random bytes, as :crypto.strong_rand_bytes(32) makes them"}

      true ->
        nil
    end
  end

  # The only place where a name becomes an atom: of a peer that the sidecar has listed, when it is dialled; or, where the
  # option compat is set, of one that libcluster's wire names.
  defp to_node(%{} = owner, %{} = peer) do
    case Peer.node(peer) do
      nil ->
        now = System.monotonic_time(:millisecond)
        count = :erlang.system_info(:atom_count)
        limit = :erlang.system_info(:atom_limit)

        budget = if peer.status == :legacy, do: :legacy_atoms, else: :atoms

        with {:ok, atoms} <- AtomBudget.take(Map.fetch!(owner, budget), now, count, limit) do
          # The next owner goes on with it.
          true = View.put(owner.view, budget, atoms)
          {:ok, String.to_atom(peer.name), Map.replace!(owner, budget, atoms)}
        end

      node ->
        {:ok, node, owner}
    end
  end

  defp start_task(%{} = owner, what, module, function, arguments) do
    tasks = Tasks.start(owner.tasks, what, module, function, arguments)
    %{owner | tasks: tasks}
  end
end
