defmodule GossipCluster.Connect do
  @moduledoc false
  # One dial, in a task of its own: it may block for seconds, and runs code of the user.

  alias GossipCluster.{Diagnosis, Epmd, Peer, Strategy}

  @type result :: {:connected | :refused, nil} | {:failed, {Diagnosis.cause(), String.t()}}

  @doc """
  Asks `accept`, then connects. Where it is `doubted` that the peer is reached, plain TCP has to reach it first. Never raises.
  """
  @spec run(
          Peer.t(),
          node(),
          mfa() | {module(), atom(), list()},
          (Peer.t() -> term()) | {module(), atom(), list()} | nil,
          boolean()
        ) ::
          result()
  def run(peer, node, connect, accept, doubted \\ false) do
    if accept == nil or call(accept, peer) == {:ok, true},
      do: dial(peer, node, connect, doubted),
      else: {:refused, nil}
  end

  # net_kernel gives a black hole 7 s, and while it waits there it refuses the other side's connect, if ours is the higher
  # name; and TCP asks ever more seldom, so that a hole that is mended is not noticed for seconds. Hence the knock, which is
  # short. It goes where GossipCluster.Epmd sends net_kernel; where another module does, nobody knows here.
  defp dial(peer, node, mfa, true) do
    with true <- net_kernel?(mfa) and :net_kernel.epmd_module() == Epmd,
         {:ok, {:error, why}} <- guarded(fn -> Diagnosis.knock(peer) end) do
      observe(mfa, node)
      {:failed, why}
    else
      _reached -> dial(peer, node, mfa, false)
    end
  end

  defp dial(peer, node, mfa, false) do
    case call(mfa, node) do
      {:ok, true} ->
        {:connected, nil}

      {:ok, false} ->
        {:failed, why(peer, mfa)}

      {:ok, :ignored} ->
        {:failed, {:failed, "this node's distribution does not run"}}

      {:ok, other} ->
        {:failed, {:failed, "#{called(mfa)} returned #{inspect(other, limit: 5)}"}}

      {:error, error} ->
        {:failed, {:failed, "#{called(mfa)} failed: #{error}"}}
    end
  end

  # How another function connects, nobody knows here.
  defp why(peer, mfa) do
    if net_kernel?(mfa) do
      case guarded(fn -> Diagnosis.run(peer) end) do
        {:ok, diagnosis} -> diagnosis
        {:error, error} -> {:failed, "it could not be reached or refused us (#{error})"}
      end
    else
      {:failed, "it could not be reached or refused us"}
    end
  end

  defp net_kernel?({Strategy, :observed, [_kind, _topology, mfa]}), do: net_kernel?(mfa)
  defp net_kernel?({:net_kernel, _function, _arguments}), do: true
  defp net_kernel?(_mfa), do: false

  # libcluster's events tell of this try too.
  defp observe({Strategy, :observed, [kind, topology, _mfa]}, node),
    do: Strategy.observed(kind, topology, {__MODULE__, :unreached, []}, node)

  defp observe(_mfa, _node), do: false

  @doc false
  @spec unreached(node()) :: false
  def unreached(_node), do: false

  @doc "Disconnects a node. Never raises."
  @spec disconnect(node(), {module(), atom(), list()}) :: :ok | {:error, String.t()}
  def disconnect(node, mfa) do
    case call(mfa, node) do
      {:ok, _answer} -> :ok
      {:error, error} -> {:error, "#{called(mfa)} failed: #{error}"}
    end
  end

  defp called({module, function, arguments}),
    do: "#{inspect(module)}.#{function}/#{length(arguments) + 1}"

  @doc "The connected nodes, as `list_nodes` tells them. Never raises."
  @spec list({module(), atom(), list()}) :: {:ok, [String.t()]} | {:error, String.t()}
  def list({module, function, arguments}) do
    case guarded(fn -> apply(module, function, arguments) end) do
      {:ok, nodes} when is_list(nodes) ->
        {:ok, for(node <- nodes, is_atom(node), do: Atom.to_string(node))}

      {:ok, other} ->
        {:error,
         "#{inspect(module)}.#{function} returned #{inspect(other, limit: 5)}, no list of nodes"}

      {:error, error} ->
        {:error, "#{inspect(module)}.#{function} failed: #{error}"}
    end
  end

  defp call(function, argument) when is_function(function),
    do: guarded(fn -> function.(argument) end)

  defp call({module, function, arguments}, argument),
    do: guarded(fn -> apply(module, function, arguments ++ [argument]) end)

  defp guarded(function) do
    {:ok, function.()}
  rescue
    error -> {:error, Exception.message(error)}
  catch
    kind, reason -> {:error, "#{kind} #{inspect(reason, limit: 5)}"}
  end
end
