defmodule GossipCluster.Cluster.Announcement do
  @moduledoc false
  # What this node is, and that the sidecar says just that: it is announced once it is alive, anew when something has
  # changed (also the cookie, which may be set at any time), and hidden when its distribution stops. Pure: the owner
  # looks at the node at each pulse, and tells what it saw. The secrets among that are hidden: they are compared here,
  # and passed on.

  alias GossipCluster.{Hidden, Ip, Tags}

  # More are not told: see PROTOCOL.md, HOST.
  @most_addresses 6
  # A node that does not listen has no port to tell: so often we ask, a pulse each time.
  @port_tries 20

  # own: this node's distribution; cookie, keys: hidden, nil as long as there is none; by_cookie: whether the ring needs
  # the cookie; port: where the distribution listens, nil as long as that is asked; host: whether it listens on the
  # first of these addresses of its host alone, nil as long as nobody has looked; tags: what its operator says of it;
  # announced, keyed: what the sidecar has taken; configured: the ring that it was opened with; derived: a ring, and the
  # keys that a sidecar has made of it.
  defstruct own: nil,
            cookie: nil,
            keys: nil,
            by_cookie: false,
            port: nil,
            port_tries: 0,
            host: nil,
            tags: %{},
            announced: nil,
            keyed: nil,
            configured: nil,
            derived: nil,
            left: false

  @type own :: %{
          :name => String.t(),
          :creation => non_neg_integer(),
          optional(atom()) => term()
        }
  @typedoc "What the owner sees: this node (nil: not alive), its cookie, the ring, and whether that needs the cookie."
  @type local :: %{
          own: own() | nil,
          cookie: Hidden.t() | nil,
          keys: Hidden.t() | nil,
          by_cookie: boolean()
        }
  @type t :: %__MODULE__{
          own: own() | nil,
          cookie: Hidden.t() | nil,
          keys: Hidden.t() | nil,
          by_cookie: boolean(),
          port: :inet.port_number() | nil,
          port_tries: non_neg_integer(),
          host: {boolean(), [:inet.ip_address()]} | nil,
          tags: Tags.t(),
          announced: {map(), Hidden.t()} | nil,
          keyed: Hidden.t() | nil,
          configured: Hidden.t() | nil,
          derived: {Hidden.t(), Hidden.t()} | nil,
          left: boolean()
        }
  @typedoc "What the sidecar does not know yet."
  @type change :: {:keys, Hidden.t()} | {:alive, map(), Hidden.t()}

  @doc "Of one that has left, or has not; and what its operator says of it."
  @spec new(boolean(), Tags.t()) :: t()
  def new(left, tags \\ %{}), do: %__MODULE__{left: left, tags: tags}

  @doc "Takes what the owner sees now; says whether this node has come, gone, or become another."
  @spec update(t(), local()) :: {:same | :started | :stopped, t()}
  def update(announcement, %{own: own, cookie: cookie, keys: keys, by_cookie: by_cookie}) do
    before = announcement.own
    announcement = %{announcement | cookie: cookie, keys: keys, by_cookie: by_cookie}

    cond do
      own == before ->
        {:same, announcement}

      own == nil ->
        {:stopped, %{announcement | own: nil, port: nil, host: nil, announced: nil}}

      true ->
        {:started, %{announcement | own: own, port: nil, port_tries: 0, host: nil}}
    end
  end

  @doc "Whether the ring is known: it is not while it needs a cookie and there is none."
  @spec keys?(t()) :: boolean()
  def keys?(announcement), do: announcement.keys != nil

  @doc "Whether the distribution's port should be asked for (again)."
  @spec ask_port?(t()) :: boolean()
  def ask_port?(%{own: nil}), do: false
  def ask_port?(%{port: nil, port_tries: 0}), do: true
  def ask_port?(%{port: port, port_tries: tries}), do: port == 0 and tries < @port_tries

  @doc "It is asked for."
  @spec port_asked(t()) :: t()
  def port_asked(announcement), do: %{announcement | port_tries: announcement.port_tries + 1}

  @doc "The port is known (0: none listens), or has been waited for long enough (`:unknown`)."
  @spec port(t(), :inet.port_number() | :unknown) :: t()
  def port(announcement, :unknown), do: %{announcement | port: announcement.port || 0}
  def port(announcement, port), do: %{announcement | port: port}

  @doc """
  These are the host's addresses, and where the distribution listens; `nil`: that is not seen. What others cannot use is
  left out.
  """
  @spec host(t(), [:inet.ip_address()], {:inet.ip_address(), :inet.port_number()} | nil) :: t()
  # Nothing was seen.
  def host(%{host: host} = announcement, [], nil) when host != nil, do: announcement

  def host(announcement, addresses, listener) do
    # Those first that its distribution speaks: there is not room for many.
    six = match?(%{own: %{ipv6: true}}, announcement)
    useful = addresses |> Enum.reject(&local?/1) |> Enum.sort_by(&(tuple_size(&1) == 8 != six))

    case listener do
      nil -> %{announcement | host: {false, Enum.take(useful, @most_addresses)}}
      {ip, port} -> %{announcement | host: bound(ip, useful), port: port}
    end
  end

  defp bound(any, useful) when any in [{0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0}],
    do: {false, Enum.take(useful, @most_addresses)}

  defp bound(ip, useful), do: {true, Enum.take([ip | List.delete(useful, ip)], @most_addresses)}

  # The loopback is known to all who are there; and Erlang cannot dial fe80::/10, which needs an interface.
  defp local?(ip), do: Ip.loopback?(ip) or Ip.link_local?(ip)

  @doc """
  What is to be said to a sidecar that runs. Without a cookie (the distribution has stopped) it keeps the ring that it
  has.
  """
  @spec changes(t()) :: [change()]
  def changes(announcement), do: keys(announcement) ++ alive(announcement)

  defp keys(%{keys: nil}), do: []

  defp keys(%{keys: keys, keyed: keyed}),
    do: if(Hidden.same?(keys, keyed), do: [], else: [{:keys, keys}])

  defp alive(%{own: own, port: port, host: host, cookie: cookie, left: false} = announcement)
       when own != nil and port != nil and host != nil and cookie != nil do
    alive = Map.merge(own, %{port: port, host: host, tags: announcement.tags})
    if said?(announcement.announced, alive, cookie), do: [], else: [{:alive, alive, cookie}]
  end

  defp alive(_announcement), do: []

  defp said?({alive, before}, alive, cookie), do: Hidden.same?(before, cookie)
  defp said?(_other, _alive, _cookie), do: false

  @doc "Its operator says something else of it from now on."
  @spec tags(t(), Tags.t()) :: t()
  def tags(announcement, tags), do: %{announcement | tags: tags}

  @doc "The sidecar has taken it. What is not taken is said again at the next pulse."
  @spec sent(t(), change()) :: t()
  def sent(announcement, {:keys, keys}), do: %{announcement | keyed: keys}

  def sent(announcement, {:alive, alive, cookie}),
    do: %{announcement | announced: {alive, cookie}}

  @doc """
  What opens a sidecar: with the ring, and where an earlier one has derived its keys, with these, which spares the next
  one that work.
  """
  @spec open(t()) :: {:open, Hidden.t()} | {:open, Hidden.t(), Hidden.t()}
  def open(%{keys: keys, derived: {ring, derived}}) do
    if Hidden.same?(keys, ring), do: {:open, keys, derived}, else: {:open, keys}
  end

  def open(%{keys: keys}), do: {:open, keys}

  @doc "A sidecar is opened with this ring."
  @spec opened(t(), Hidden.t()) :: t()
  def opened(announcement, keys), do: %{announcement | keyed: keys, configured: keys}

  @doc "It has derived these keys of the ring that it was opened with, whatever ring it may have been given since."
  @spec derived(t(), Hidden.t()) :: t()
  def derived(%{configured: ring} = announcement, keys) when ring != nil,
    do: %{announcement | derived: {ring, keys}}

  def derived(announcement, _keys), do: announcement

  @doc "The sidecar is gone, and what it knew."
  @spec forget(t()) :: t()
  def forget(announcement), do: %{announcement | announced: nil, keyed: nil, configured: nil}

  @doc "This node leaves: it announces itself no more."
  @spec leave(t()) :: t()
  def leave(announcement), do: %{announcement | left: true, announced: nil}

  @doc "It is back: it is announced again."
  @spec rejoin(t()) :: t()
  def rejoin(announcement), do: %{announcement | left: false}

  @doc "Whether the sidecar announces this node."
  @spec announced?(t()) :: boolean()
  def announced?(announcement), do: announcement.announced != nil

  @doc "What the dialer may know of this node: nothing while it must not dial."
  @spec dials_as(t()) :: own() | nil
  def dials_as(%{left: true}), do: nil
  def dials_as(%{own: own}), do: own
end
