defmodule GossipCluster.Dial.Attempt do
  @moduledoc false
  # One dial, one disconnect, one look at the list of nodes: each in a task of its own, for it may block for seconds,
  # and runs code of the user.

  alias GossipCluster.Dial.Diagnosis
  alias GossipCluster.{Disconnects, Epmd, Handshake, Peer}

  @typedoc "A function and the arguments that stand before the one that is appended."
  @type call :: {module(), atom(), list()}
  @typedoc """
  Who is told what has become of each call of `connect` and `disconnect`: called with `:connect` or `:disconnect`, the
  node, the outcome and its duration in native time units appended. libcluster's telemetry events are made so.
  """
  @type observer :: call() | nil
  @type outcome :: {:ok, term()} | {:error, term()}
  @type result ::
          {:connected | :refused, nil}
          | {:failed, {Diagnosis.cause() | :accept, String.t()}}

  @doc """
  Asks `accept`, then connects. Where it is `doubted` that the peer is reached, plain TCP has to reach it first. Never
  raises.
  """
  @spec run(Peer.t(), node(), call(), (Peer.t() -> term()) | call() | nil, boolean(), observer()) ::
          result()
  def run(peer, node, connect, accept, doubted \\ false, observer \\ nil) do
    case accepted(accept, peer) do
      true -> dial(peer, node, connect, doubted, observer)
      false -> {:refused, nil}
      {:error, why} -> {:failed, {:accept, "the option `accept` #{why}"}}
    end
  end

  # What is neither yes nor no is a mistake that must not look like a refusal.
  defp accepted(nil, _peer), do: true

  defp accepted(accept, peer) do
    case call(accept, peer) do
      {:ok, true} ->
        true

      {:ok, no} when no in [false, nil] ->
        false

      {:ok, odd} ->
        {:error, "returned #{inspect(odd, limit: 5)}, neither true nor false"}

      {:error, error} ->
        {:error, failure(accept, error)}
    end
  end

  defp failure(accept, error) do
    if dead?(accept, error),
      do:
        "is a function whose module was loaded anew or is gone meanwhile: give {module, function, arguments}",
      else: "failed: #{described(error)}"
  end

  # A cluster outlives the version of a module that a function belongs to.
  defp dead?(function, {:error, %BadFunctionError{term: function}}), do: true

  defp dead?(function, {:error, %UndefinedFunctionError{}}) when is_function(function) do
    info = :erlang.fun_info(function)
    info[:type] == :local and not :erlang.module_loaded(info[:module])
  end

  defp dead?(_function, _error), do: false

  # net_kernel gives a black hole 7 s, and while it waits there it refuses the other side's connect, if ours is the
  # higher name; and TCP asks ever more seldom, so that a hole that is mended is not noticed for seconds. Hence the
  # knock, which is short. It goes where GossipCluster.Epmd sends net_kernel; where another module does, nobody knows
  # here.
  defp dial(peer, node, mfa, true, observer) do
    with true <- net_kernel?(mfa) and :net_kernel.epmd_module() == Epmd,
         {:ok, {:error, why}} <- guarded(fn -> Diagnosis.knock(peer) end) do
      observe(observer, :connect, node, {:ok, false}, 0)
      {:failed, why}
    else
      _reached -> dial(peer, node, mfa, false, observer)
    end
  end

  defp dial(peer, node, mfa, false, observer) do
    case observed(observer, :connect, mfa, node) do
      {:ok, true} ->
        {:connected, nil}

      {:ok, :unanswered} ->
        {:failed, Diagnosis.unanswered(peer)}

      {:ok, false} ->
        {:failed, why(peer, mfa)}

      {:ok, :ignored} ->
        {:failed, {:failed, "this node's distribution does not run"}}

      {:ok, other} ->
        {:failed, {:failed, "#{called(mfa)} returned #{inspect(other, limit: 5)}"}}

      {:error, error} ->
        {:failed, {:failed, "#{called(mfa)} failed: #{described(error)}"}}
    end
  end

  defp observed(observer, kind, mfa, node) do
    since = System.monotonic_time()

    outcome = if kind == :connect and bounded?(mfa), do: bounded(mfa, node), else: call(mfa, node)

    duration = System.monotonic_time() - since
    seen = if outcome == {:ok, :unanswered}, do: {:ok, false}, else: outcome
    observe(observer, kind, node, seen, duration)
    outcome
  end

  # A lost SYN costs a second, for TCP repeats it no sooner; a lost one of three, seven. So an attempt whose SYN is not
  # answered soon is dropped, and another begins: its process is known to GossipCluster.Epmd, and when that is killed
  # net_kernel gives the attempt up at once, without a word. One that is answered is never cut, however slow the other
  # side is.
  defp bounded?(mfa), do: net_kernel?(mfa) and :net_kernel.epmd_module() == Epmd

  defp bounded(mfa, node), do: bounded(mfa, node, Handshake.bounds())

  defp bounded(_mfa, _node, []), do: {:ok, :unanswered}

  defp bounded(mfa, node, [bound | bounds]) do
    caller = self()
    ref = make_ref()
    # Linked: it ends where this one is killed.
    _pid = spawn_link(fn -> send(caller, {ref, call(mfa, node)}) end)

    case watch(ref, node, bound, bound) do
      :dropped -> bounded(mfa, node, bounds)
      outcome -> outcome
    end
  end

  defp watch(ref, node, bound, wait) do
    with nil <- outcome(ref, wait),
         {:unanswered, pid, age} when age >= bound <- syn(node) do
      Process.exit(pid, :kill)
      # It may have succeeded in this moment.
      if outcome(ref, :infinity) == {:ok, true}, do: {:ok, true}, else: :dropped
    else
      {:unanswered, _pid, age} -> watch(ref, node, bound, bound - age)
      # It looks for an address; or it is answered; or it is the other side's.
      :none -> watch(ref, node, bound, bound)
      outcome -> outcome
    end
  end

  defp outcome(ref, wait) do
    receive do
      {^ref, outcome} -> outcome
    after
      wait -> nil
    end
  end

  # The attempt that net_kernel makes for this node, whose socket is not connected yet, and how old that is.
  defp syn(node) do
    with {pid, since} when is_integer(since) <- Epmd.attempt(Atom.to_string(node)),
         {:links, links} <- Process.info(pid, :links),
         # A process of Erlang's own, and no other that has asked for an address.
         true <- Process.whereis(:net_kernel) in links,
         true <- Enum.any?(links, &(is_port(&1) and :inet.peername(&1) == {:error, :enotconn})) do
      {:unanswered, pid, System.monotonic_time(:millisecond) - since}
    else
      _other -> :none
    end
  end

  defp observe(nil, _kind, _node, _outcome, _duration), do: :ok

  defp observe({module, function, arguments}, kind, node, outcome, duration) do
    outcome = with {:error, {_class, reason}} <- outcome, do: {:error, reason}
    _ = guarded(fn -> apply(module, function, arguments ++ [kind, node, outcome, duration]) end)
    :ok
  end

  # How another function connects, nobody knows here.
  defp why(peer, mfa) do
    if net_kernel?(mfa) do
      case guarded(fn -> Diagnosis.run(peer) end) do
        {:ok, diagnosis} ->
          diagnosis

        {:error, error} ->
          {:failed, "it could not be reached or refused us (#{described(error)})"}
      end
    else
      {:failed, "it could not be reached or refused us"}
    end
  end

  defp net_kernel?({:net_kernel, _function, _arguments}), do: true
  defp net_kernel?(_mfa), do: false

  @doc "Disconnects a node, on behalf of a cluster of this VM: no other one takes that for the user's wish. Never raises."
  @spec disconnect(node(), call(), observer()) :: :ok | {:error, String.t()}
  def disconnect(node, mfa, observer \\ nil) do
    Disconnects.put(node)

    case observed(observer, :disconnect, mfa, node) do
      {:ok, _answer} -> :ok
      {:error, error} -> {:error, "#{called(mfa)} failed: #{described(error)}"}
    end
  end

  defp called({module, function, arguments}),
    do: "#{inspect(module)}.#{function}/#{length(arguments) + 1}"

  @doc "The connected nodes, as `list_nodes` tells them. Never raises."
  @spec list(call()) :: {:ok, [String.t()]} | {:error, String.t()}
  def list({module, function, arguments}) do
    case guarded(fn -> apply(module, function, arguments) end) do
      {:ok, nodes} when is_list(nodes) ->
        {:ok, for(node <- nodes, is_atom(node), do: Atom.to_string(node))}

      {:ok, other} ->
        {:error,
         "#{inspect(module)}.#{function} returned #{inspect(other, limit: 5)}, no list of nodes"}

      {:error, error} ->
        {:error, "#{inspect(module)}.#{function} failed: #{described(error)}"}
    end
  end

  defp call(function, argument) when is_function(function),
    do: guarded(fn -> function.(argument) end)

  defp call({module, function, arguments}, argument),
    do: guarded(fn -> apply(module, function, arguments ++ [argument]) end)

  defp guarded(function) do
    {:ok, function.()}
  rescue
    error -> {:error, {:error, error}}
  catch
    kind, reason -> {:error, {kind, reason}}
  end

  defp described({:error, error}) when is_exception(error), do: Exception.message(error)
  defp described({kind, reason}), do: "#{kind} #{inspect(reason, limit: 5)}"
end
