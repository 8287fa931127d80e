defmodule GossipCluster.Screen.Visit do
  @moduledoc false
  # A call of another node from a VM that is none of the cluster's: by a hidden node of its own, whose cookie comes from a
  # file. What is written there appears here, for this is the caller's group leader.

  @doc "Calls it. The text says why it could not be."
  @spec call(String.t(), Path.t() | nil, module(), atom(), list()) ::
          {:ok, term()} | {:error, String.t()}
  def call(name, cookie_file, module, function, arguments) do
    with {:ok, node} <- name(name),
         {:ok, cookie} <- cookie(cookie_file),
         :ok <- start(name),
         :ok <- connect(node, cookie) do
      {:ok, :erpc.call(node, module, function, arguments)}
    end
  catch
    :error, {:exception, %{__exception__: true} = error, _stack} ->
      {:error, Exception.message(error)}

    :error, {:exception, reason, _stack} ->
      {:error, "#{name} could not do it: #{inspect(reason)}"}

    :error, {:erpc, reason} ->
      {:error, "the connection to #{name} has ended: #{inspect(reason)}"}

    :exit, reason ->
      {:error, "#{name} could not do it: #{inspect(reason)}"}
  end

  defp name(name) do
    if GossipCluster.Peer.valid_name?(name),
      do: {:ok, String.to_atom(name)},
      else: {:error, "#{inspect(name)} is no node name such as shop@10.0.0.7"}
  end

  defp cookie(file) do
    with {:ok, text} <- cookie_text(file), do: {:ok, String.to_atom(text)}
  end

  @doc "The cookie of a file; of nobody's in particular, that of Erlang's own."
  @spec cookie_text(Path.t() | nil) :: {:ok, String.t()} | {:error, String.t()}
  def cookie_text(nil), do: cookie_text(Path.join(System.user_home!(), ".erlang.cookie"))

  def cookie_text(file) do
    case File.read(Path.expand(file)) do
      {:ok, text} ->
        {:ok, String.trim(text)}

      {:error, reason} ->
        {:error, "the cookie's file #{file}: #{:file.format_error(reason)}#{hint(reason)}"}
    end
  end

  # Erlang makes its own file only for a node that is given no cookie.
  defp hint(:enoent),
    do:
      ". Where the nodes are given theirs (--cookie), write it into a file, for --cookie-file FILE"

  defp hint(_reason), do: ""

  # A host with a dot or a colon in it is a long one.
  defp start(name) do
    [_node, host] = String.split(name, "@")
    long = String.contains?(host, [".", ":"])
    own = "gossip-watch-#{System.pid()}@#{if long, do: "127.0.0.1", else: short_host()}"

    options = %{
      name_domain: if(long, do: :longnames, else: :shortnames),
      dist_listen: false,
      hidden: true
    }

    case :net_kernel.start(String.to_atom(own), options) do
      {:ok, _pid} -> :ok
      {:error, {:already_started, _pid}} -> :ok
      {:error, reason} -> {:error, "no node could be started here: #{inspect(reason)}"}
    end
  end

  defp short_host do
    {:ok, host} = :inet.gethostname()
    host |> to_string() |> String.split(".") |> hd()
  end

  defp connect(node, cookie) do
    true = :erlang.set_cookie(node, cookie)

    case Node.connect(node) do
      true ->
        :ok

      _false ->
        {:error,
         "#{node} cannot be reached: does it run, does epmd know it (`epmd -names` on its host), and is this its cookie? " <>
           "If it has GossipCluster.Epmd, epmd does not know it: ask in its own shell, or by its release's rpc"}
    end
  end

  @doc "The name of a cluster as it was typed: `Shop`, `:shop`; none is `GossipCluster`."
  @spec cluster(String.t() | nil) :: GossipCluster.name()
  def cluster(nil), do: GossipCluster
  def cluster(":" <> name), do: String.to_atom(name)
  def cluster(name), do: Module.concat([name])
end
