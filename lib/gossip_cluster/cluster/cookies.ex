defmodule GossipCluster.Cluster.Cookies do
  @moduledoc false
  # Of each peer whose Erlang cookie is not this node's: whether this node holds one of its own for it
  # (Node.set_cookie/2). Then that is what Erlang uses between the two, and only a dial can tell whether the other side
  # holds the same. Where there is none the other side may have one for us, and dial: so that the cookies differ is told
  # when that has lasted.
  #
  # Nothing tells when a cookie is set, so it is asked for again and again. Pure; times are milliseconds, and cookies
  # hidden.

  alias GossipCluster.Hidden

  # The node of the higher name dials after 1.2 s.
  @least 2_000

  defstruct peers: %{}, fresh: []

  @typep held :: :unknown | :none | Hidden.t()
  @type t :: %__MODULE__{
          peers: %{String.t() => %{held: held(), since: integer(), told: boolean()}},
          fresh: [String.t()]
        }

  @doc "This peer's cookie is not this node's."
  @spec differs(t(), String.t(), integer()) :: t()
  def differs(%{peers: peers} = cookies, name, _now) when is_map_key(peers, name), do: cookies

  def differs(cookies, name, now) do
    peer = %{held: :unknown, since: now, told: false}
    %{cookies | peers: Map.put(cookies.peers, name, peer), fresh: [name | cookies.fresh]}
  end

  @doc "It is, or nobody knows, or the peer is gone."
  @spec forget(t(), String.t()) :: t()
  def forget(%{peers: peers} = cookies, name) when is_map_key(peers, name),
    do: %{cookies | peers: Map.delete(peers, name)}

  def forget(cookies, _name), do: cookies

  @doc "For whom nobody has asked yet, whether this node holds a cookie for it. Once."
  @spec fresh(t()) :: {[String.t()], t()}
  def fresh(cookies), do: {cookies.fresh, %{cookies | fresh: []}}

  @doc "All of them, to be asked for again."
  @spec names(t()) :: [String.t()]
  def names(cookies), do: Map.keys(cookies.peers)

  @doc """
  What this node holds for it (`nil`: nothing of its own). `:changed`: a dial may go otherwise now; `:lasted`: it is to
  be told, once, that the cookies differ; that takes `patience` milliseconds.
  """
  @spec answer(t(), String.t(), Hidden.t() | nil, integer(), pos_integer()) ::
          {:changed | :lasted | :same, t()}
  def answer(cookies, name, cookie, now, patience) do
    held = cookie || :none

    case cookies.peers do
      %{^name => peer} -> answered(cookies, name, peer, held, now, max(patience, @least))
      # It is gone meanwhile.
      %{} -> {:same, cookies}
    end
  end

  defp answered(cookies, name, peer, held, now, patience) do
    cond do
      peer.held == :unknown and held == :none ->
        {:same, put(cookies, name, %{peer | held: :none})}

      not Hidden.same?(peer.held, held) ->
        {:changed, put(cookies, name, %{held: held, since: now, told: false})}

      held == :none and not peer.told and now - peer.since >= patience ->
        {:lasted, put(cookies, name, %{peer | told: true})}

      true ->
        {:same, cookies}
    end
  end

  @doc "Whether it is told that the cookies differ."
  @spec told?(t(), String.t()) :: boolean()
  def told?(cookies, name), do: match?(%{^name => %{told: true}}, cookies.peers)

  defp put(cookies, name, peer), do: %{cookies | peers: Map.put(cookies.peers, name, peer)}
end
