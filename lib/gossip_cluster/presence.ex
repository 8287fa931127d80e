defmodule GossipCluster.Presence do
  @moduledoc false
  # What this node is, and that the sidecar says just that: announces it once it is alive, anew when something has changed
  # (also the cookie, which may be set at any time), and hides it when its distribution stops. nonode@nohost is never
  # announced. Runs in the owner, at each pulse and whenever this node's distribution starts or stops.

  import GossipCluster.State

  alias GossipCluster.{Dialer, Distribution, Epmd, Hidden, Links, Secret, State}

  # The announcement waits this long for epmd to tell our distribution port, so that no peer needs an update a moment later.
  @port_patience 30
  # A node that does not listen has no port to tell: so often we ask, a pulse each time.
  @port_tries 10
  # After the announcement: when it is asked why nobody is found, see GossipCluster.News.alone/2.
  @alone [3_000, 30_000]

  @doc "Looks at the distribution and its cookie, and does what a change asks for."
  @spec check(State.t()) :: State.t()
  def check(state) do
    state = look(state)

    case Distribution.own(state.own) do
      own when own == state.own -> state |> ask_port_again() |> say()
      nil -> stopped(state)
      own -> started(state, own)
    end
  end

  @doc "Reads the cookie: once for all that is said next, so that what is announced and what is keyed agree."
  @spec look(State.t()) :: State.t()
  def look(state) do
    cookie = Distribution.cookie()
    %{state | cookie: Hidden.wrap(cookie)}
  end

  defp started(state, own) do
    dialer = Dialer.own(state.dialer, if(state.left, do: nil, else: own), now())

    %{state | own: own, dist_port: nil, port_tries: 0, dialer: dialer}
    |> ask_port()
    |> say()
    |> show_all()
    |> Links.dial()
  end

  defp stopped(state) do
    if state.announced, do: command(state, :hide)
    dialer = Dialer.own(state.dialer, nil, now())

    %{state | own: nil, dist_port: nil, announced: nil, dialer: dialer}
    |> show_all()
    |> show_status()
  end

  defp ask_port_again(%{dist_port: 0, port_tries: tries} = state) when tries < @port_tries,
    do: ask_port(state)

  defp ask_port_again(state), do: state

  defp ask_port(state) do
    state = %{state | port_tries: state.port_tries + 1}

    if :net_kernel.epmd_module() == Epmd do
      %{state | dist_port: Epmd.own_port()}
    else
      # epmd may be slow to answer: not here.
      _ = if state.dist_port == nil, do: send_after(:announce, @port_patience)
      start_task(state, :port, nil, &Distribution.port/0)
    end
  end

  @doc "Our distribution port is known (0: it does not listen), or has been waited for (`:unknown`)."
  @spec port(State.t(), :inet.port_number() | :unknown) :: State.t()
  def port(state, :unknown), do: announce(%{state | dist_port: state.dist_port || 0})
  def port(state, port), do: announce(%{state | dist_port: port})

  @doc """
  The ring as it is now, or nil as long as it needs a cookie and there is none.
  """
  @spec keys(State.t()) :: [{atom(), binary()}] | nil
  def keys(state) do
    cookie = Hidden.unwrap(state.cookie)

    if cookie != nil or not Secret.needs_cookie?(state.secret),
      do: Secret.keys(state.secret, cookie)
  end

  @doc "Tells the sidecar what it does not know yet: the ring, and what this node is."
  @spec say(State.t()) :: State.t()
  def say(%{port: nil, sidecar: :waiting} = state) do
    # It waits for the cookie.
    if keys(state), do: send(self(), :open)
    state
  end

  def say(%{port: nil} = state), do: state
  def say(state), do: state |> rekey() |> announce()

  # Without a cookie (the distribution has stopped) the sidecar keeps the ring it has. What is not taken is tried again at
  # the next pulse.
  defp rekey(state) do
    keys = keys(state)

    hidden = Hidden.wrap(keys)

    if keys != nil and hidden != state.keyed and command(state, {:keys, keys}),
      do: %{state | keyed: hidden},
      else: state
  end

  defp announce(%{own: own, dist_port: dist_port, port: port, left: false} = state)
       when own != nil and dist_port != nil and port != nil do
    cookie = Hidden.unwrap(state.cookie)
    alive = Map.merge(own, %{port: dist_port, cookie: cookie})
    hidden = Hidden.wrap(alive)

    if cookie != nil and hidden != state.announced and command(state, {:alive, alive}) do
      _ = if state.announced == nil, do: for(delay <- @alone, do: send_after(:alone, delay))
      show_status(warn_weak(%{state | announced: hidden}, cookie))
    else
      state
    end
  end

  defp announce(state), do: state

  # Once for each cookie and VM, whatever the number of clusters and restarts.
  defp warn_weak(state, cookie) do
    why = if Secret.needs_cookie?(state.secret), do: Distribution.weak_cookie(cookie)
    told = {__MODULE__, :erlang.phash2(cookie)}

    if why && not :persistent_term.get(told, false) do
      :persistent_term.put(told, true)

      log(
        state,
        :info,
        "the Erlang cookie #{why}, so it may be guessed. Where strangers share the network, give all nodes " <>
          "`secret: {:key, key}` with the same 32 random bytes, as :crypto.strong_rand_bytes(32) makes them"
      )
    else
      state
    end
  end
end
