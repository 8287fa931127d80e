defmodule GossipCluster.Options do
  # What the sidecar takes: so many items of so many bytes.
  @interfaces 32
  @interface 45
  @mfa_text "{module, function, arguments}"
  @ports_text "nil, a UDP port, a range of them (45894..45901, {45894, 45901}), or 0 for any"
  @path_text "the absolute path of an executable"

  @schema GossipCluster.Options.Schema.all()

  @moduledoc """
  The options of a cluster.

  #{GossipCluster.Options.Schema.docs()}

  Options are a keyword list (an Erlang property list of the same names is one too). Texts may be binaries or character
  lists, addresses also tuples such as `{233, 252, 1, 33}`. A wrong or an unknown option raises `ArgumentError`; its
  message says what was given and what is allowed, but never shows a secret.
  """

  alias GossipCluster.{Compat, Secret, Seed, Tags}

  @keys Keyword.keys(@schema)
  @public for {key, spec} <- @schema, spec[:doc], do: key

  @typedoc "A text, or an Erlang string."
  @type text :: String.t() | charlist()

  @typedoc "A function, for the arguments given and one more."
  @type function_of :: {module(), function :: atom(), arguments :: [term()]}

  @typedoc "What proves that a peer belongs here."
  @type secret :: secret_item() | [secret_item(), ...] | (() -> term()) | function_of()

  @type secret_item ::
          :cookie
          | {:passphrase, text() | secret_source()}
          | {:key, <<_::256>> | text() | secret_source()}
          | secret_source()

  @typedoc "Where a text is: in a file, or in a variable of the environment."
  @type secret_source :: {:file, Path.t()} | {:env, variable :: text()}

  @typedoc "A network interface: a name, a pattern of names (`\"en*\"`), or an IP address."
  @type interface :: text() | :inet.ip_address()

  @typedoc "As libcluster's Gossip strategy has them."
  @type libcluster_option ::
          {:port, :inet.port_number()}
          | {:multicast_addr, text() | :inet.ip4_address()}
          | {:multicast_ttl, 0..255}
          | {:secret, nil | String.t()}

  @typedoc "An option, as it is given."
  @type option ::
          {:name, atom()}
          | {:enabled, boolean()}
          | {:cluster, text()}
          | {:secret, secret()}
          | {:group, text() | :inet.ip4_address()}
          | {:ipv6, boolean()}
          | {:group6, text() | :inet.ip6_address()}
          | {:port, :inet.port_number()}
          | {:unicast_port, nil | 0..65_535 | Range.t() | {first :: 1..65_535, last :: 1..65_535}}
          | {:broadcast, boolean()}
          | {:seeds, [Seed.given()]}
          | {:interfaces, :all | [interface(), ...] | {:except, [interface(), ...]}}
          | {:ttl, 0..255}
          | {:advertise, nil | text() | :inet.ip4_address()}
          | {:interval, 100..60_000}
          | {:max_peers, 1..65_535}
          | {:tags, Tags.given()}
          | {:connect, function_of()}
          | {:disconnect, function_of()}
          | {:list_nodes, function_of()}
          | {:accept, nil | (GossipCluster.Peer.t() -> boolean()) | function_of()}
          | {:on_down, :keep | :disconnect}
          | {:quiet, 0..86_400_000}
          | {:log, :debug | :info | :notice | :warning | :error | false}
          | {:log_heartbeats, boolean()}
          | {:compat, nil | :libcluster | [libcluster: [libcluster_option()]]}
          | {:sidecar, nil | Path.t()}
          | {:sandbox, boolean()}

  @typedoc "Checked options: every key is there."
  @type t :: %{
          name: atom(),
          enabled: boolean(),
          cluster: String.t(),
          secret: Secret.t(),
          group: String.t(),
          ipv6: boolean(),
          group6: String.t(),
          port: :inet.port_number(),
          unicast_port: nil | {first :: :inet.port_number(), last :: :inet.port_number()},
          broadcast: boolean(),
          seeds: [Seed.t()],
          interfaces: :all | {:only | :except, [String.t(), ...]},
          ttl: 0..255,
          advertise: nil | String.t(),
          interval: 100..60_000,
          max_peers: 1..65_535,
          tags: Tags.t(),
          connect: function_of(),
          disconnect: function_of(),
          list_nodes: function_of(),
          accept: nil | (GossipCluster.Peer.t() -> term()) | function_of(),
          on_down: :keep | :disconnect,
          quiet: 0..86_400_000,
          log: :debug | :info | :notice | :warning | :error | false,
          log_heartbeats: boolean(),
          compat: Compat.t(),
          sidecar: nil | Path.t(),
          sandbox: boolean()
        }

  @doc """
  The options in Markdown, for other modules' documentation.

  ## Example

      iex> GossipCluster.Options.docs() =~ "`:secret` - "
      true
  """
  @spec docs() :: String.t()
  def docs, do: GossipCluster.Options.Schema.docs()

  @doc """
  The range of the UDP ports that the sidecar takes the first free one of; `{0, 0}`: any. By default it stands beside the
  group's, so that one rule of a firewall names both; eight, since several nodes and clusters may be on one machine.

  ## Example

      iex> GossipCluster.Options.unicast_port(%{unicast_port: nil, port: 45_893})
      {45894, 45901}
  """
  @spec unicast_port(%{
          :unicast_port => nil | {:inet.port_number(), :inet.port_number()},
          :port => :inet.port_number(),
          optional(atom()) => term()
        }) :: {:inet.port_number(), :inet.port_number()}
  def unicast_port(%{unicast_port: nil, port: 65_535}), do: {0, 0}
  def unicast_port(%{unicast_port: nil, port: port}), do: {port + 1, min(port + 8, 65_535)}
  def unicast_port(%{unicast_port: range}), do: range

  @doc """
  Hides the secret, so that child specifications, and the reports that print them, do not show it.

  Raises `ArgumentError` if `options` is not a list of options at all.

  ## Example

      iex> [secret: hidden, port: 4000] = GossipCluster.Options.hide_secret(secret: {:passphrase, "correct horse"}, port: 4000)
      iex> inspect(hidden) =~ "horse"
      false
  """
  @spec hide_secret([option()]) :: keyword()
  def hide_secret(options) do
    for {key, value} <- unfold(options) do
      case key do
        :secret -> {key, Secret.hide(value)}
        :compat -> {key, Compat.hide(value)}
        _open -> {key, value}
      end
    end
  end

  @doc """
  Checks `options` and fills in the defaults. The secret comes back as `GossipCluster.Secret.t/0`; if it is a function,
  it is called here.

  ## Example

      iex> options = GossipCluster.Options.validate!(port: 4000, group: {239, 1, 2, 3})
      iex> {options.port, options.group, options.interval}
      {4000, "239.1.2.3", 1000}

      iex> GossipCluster.Options.validate!(ttl: 300)
      ** (ArgumentError) GossipCluster: option :ttl is 300, but must be an integer from 0 to 255
  """
  @spec validate!([option()] | keyword()) :: t()
  def validate!(options) do
    options = unfold(options)
    Enum.each(options, fn {key, _value} -> key in @keys || unknown!(key) end)
    twice!(Keyword.keys(options))

    Map.new(@schema, fn {key, spec} ->
      value = Keyword.get(options, key, spec[:default])

      case check(spec[:type], value, value == spec[:default]) do
        {:ok, checked} ->
          {key, checked}

        # The value would do, but for what it names.
        {:missing, what} ->
          raise ArgumentError,
                "GossipCluster: option #{inspect(key)} is #{inspect(value)}, but #{what}"

        {:error, allowed} ->
          wrong!(key, inspect(value, limit: 10, printable_limit: 100), allowed)

        # Of a secret only what kind of thing it is.
        {:error, allowed, given} ->
          wrong!(key, given, allowed)
      end
    end)
    |> together!()
  end

  # A broadcast has no such bound: it would leave this machine.
  defp together!(%{broadcast: true, ttl: 0}) do
    raise ArgumentError,
          "GossipCluster: option :broadcast is true, but with ttl: 0 nothing may leave this machine: " <>
            "leave one of the two out"
  end

  defp together!(options), do: options

  @spec wrong!(atom(), String.t(), String.t()) :: no_return()
  defp wrong!(key, given, allowed),
    do:
      raise(
        ArgumentError,
        "GossipCluster: option #{inspect(key)} is #{given}, but must be #{allowed}"
      )

  defp unfold(options) do
    case proplist(options) do
      {:ok, unfolded} ->
        unfolded

      # The value is not shown: a secret may be in it.
      :error ->
        raise ArgumentError,
              "GossipCluster: the options must be a keyword list, as in {GossipCluster, name: Shop, secret: :cookie}"
    end
  end

  @doc false
  # The options of a function that takes no secret, told apart from what else may have been meant.
  @spec unfold!(String.t(), term(), String.t()) :: keyword()
  def unfold!(function, options, example) do
    case proplist(options) do
      {:ok, unfolded} ->
        unfolded

      :error ->
        raise ArgumentError,
              "#{function}: the options are #{inspect(options)}, but must be a keyword list: #{example}"
    end
  end

  # As Erlang writes options, too: an atom alone is `{atom, true}`.
  defp proplist(options) do
    with true <- is_list(options) and not List.improper?(options),
         unfolded = :proplists.unfold(options),
         true <- Keyword.keyword?(unfolded) do
      {:ok, unfolded}
    else
      false -> :error
    end
  end

  @doc false
  @spec known!(String.t(), keyword(), [atom()]) :: :ok
  def known!(function, options, known) do
    for {key, _value} <- options, key not in known do
      there = if match?([_], known), do: "there is", else: "there are"

      raise ArgumentError,
            "#{function}: there is no option #{inspect(key)}; #{there} #{Enum.map_join(known, ", ", &inspect/1)}"
    end

    :ok
  end

  defp twice!(keys) do
    case keys -- Enum.uniq(keys) do
      [] -> :ok
      [key | _] -> raise ArgumentError, "GossipCluster: option #{inspect(key)} is given twice"
    end
  end

  # What it is called elsewhere.
  @libcluster [
    multicast_addr: :group,
    if_addr: :interfaces,
    multicast_if: :interfaces,
    multicast_ttl: :ttl
  ]
  @secrets [key: "{:key, key}", passphrase: "{:passphrase, text}", cookie: ":cookie"]

  @spec unknown!(atom()) :: no_return()
  defp unknown!(key) when key in [:multicast_addr, :if_addr, :multicast_if, :multicast_ttl] do
    raise ArgumentError,
          "GossipCluster: there is no option #{inspect(key)}: it is #{inspect(@libcluster[key])} here " <>
            "(GossipCluster.Strategy takes libcluster's own names)"
  end

  defp unknown!(key) when key in [:key, :passphrase, :cookie] do
    raise ArgumentError,
          "GossipCluster: there is no option #{inspect(key)}: write secret: #{@secrets[key]}"
  end

  defp unknown!(key) do
    known = Enum.map_join(@public, ", ", &inspect/1)

    {likeness, near} =
      @public
      |> Enum.map(&{String.jaro_distance(to_string(&1), to_string(key)), &1})
      |> Enum.max()

    hint = if likeness > 0.8, do: " (did you mean #{inspect(near)}?)", else: ""

    raise ArgumentError,
          "GossipCluster: there is no option #{inspect(key)}#{hint}; there are #{known}"
  end

  # Each check returns the value as the rest of the library uses it, or what would have been allowed. The third argument
  # says that the value is the default, which needs no check where nil stands for "not given".
  defp check(_type, nil, true), do: {:ok, nil}
  defp check(:boolean, value, _) when is_boolean(value), do: {:ok, value}
  defp check(:boolean, _value, _), do: {:error, "true or false"}

  defp check({:integer, low, high}, value, _)
       when is_integer(value) and value >= low and value <= high,
       do: {:ok, value}

  defp check({:integer, low, high}, _value, _), do: {:error, "an integer from #{low} to #{high}"}

  defp check({:one_of, allowed}, value, _) do
    if value in allowed,
      do: {:ok, value},
      else: {:error, Enum.map_join(allowed, " or ", &inspect/1)}
  end

  defp check(:name, value, _) when is_atom(value) and value not in [nil, true, false],
    do: {:ok, value}

  defp check(:name, _value, _), do: {:error, "an atom"}

  defp check(:label, value, _) do
    case text(value) do
      {:ok, text} when byte_size(text) <= 255 -> {:ok, text}
      _other -> {:error, "a text of at most 255 bytes"}
    end
  end

  defp check(:path, value, _) do
    case text(value) do
      {:ok, text} when text != "" ->
        if Path.type(text) == :absolute, do: {:ok, text}, else: {:error, @path_text}

      _other ->
        {:error, @path_text}
    end
  end

  defp check(:group, value, _) do
    with {:ok, text} <- address(value),
         {:ok, {first, _, _, _}} when first in 224..239 <-
           :inet.parse_ipv4strict_address(to_charlist(text)) do
      {:ok, text}
    else
      _other -> {:error, "an IPv4 multicast address, from \"224.0.0.0\" to \"239.255.255.255\""}
    end
  end

  # Of another scope its members would have to send from another address than the link-local one that they do.
  defp check(:group6, value, _) do
    with {:ok, text} <- address(value),
         {:ok, {first, _, _, _, _, _, _, _} = ip} when Bitwise.band(first, 0xFF0F) == 0xFF02 <-
           :inet.parse_ipv6strict_address(to_charlist(text)),
         false <- String.contains?(text, "%") do
      {:ok, List.to_string(:inet.ntoa(ip))}
    else
      _other -> {:error, "an IPv6 multicast address of link-local scope, as \"ff12::6763\" is"}
    end
  end

  defp check(:endpoint, value, _) do
    with {:ok, text} <- address(value),
         [host | port] <- String.split(text, ":", parts: 2),
         {:ok, {first, _, _, _} = ip} when first not in 224..239 <-
           :inet.parse_ipv4strict_address(to_charlist(host)),
         true <- ip not in [{0, 0, 0, 0}, {255, 255, 255, 255}] and port?(port) do
      {:ok, text}
    else
      _other ->
        {:error, "nil or an IPv4 address, with a UDP port (\"192.0.2.7:4711\") or without"}
    end
  end

  defp check(:ports, 0, _), do: {:ok, {0, 0}}
  defp check(:ports, port, _) when is_integer(port), do: ports(port, port)
  defp check(:ports, first..last//1, _), do: ports(first, last)
  defp check(:ports, {first, last}, _), do: ports(first, last)
  defp check(:ports, _value, _), do: {:error, @ports_text}

  defp check(:interfaces, value, _) do
    case value do
      :all ->
        {:ok, :all}

      {:except, list} ->
        interfaces(:except, list)

      list ->
        with {:error, allowed} <- interfaces(:only, list),
             do: {:error, allowed <> in_a_list(list)}
    end
  end

  # What it is called with: what is appended to its arguments.
  defp check({:mfa, what}, {module, function, arguments} = mfa, _)
       when is_atom(module) and is_atom(function) and is_list(arguments) do
    arity = length(arguments) + if(what, do: 1, else: 0)

    cond do
      not Code.ensure_loaded?(module) ->
        {:missing, "there is no module #{inspect(module)}"}

      function_exported?(module, function, arity) ->
        {:ok, mfa}

      true ->
        {:missing,
         "#{Exception.format_mfa(module, function, arity)} is not there" <> appended(what)}
    end
  end

  defp check({:mfa, _what}, _value, _), do: {:error, @mfa_text}
  defp check(:observer, value, _), do: {:ok, value}
  defp check(:accept, value, _) when is_function(value, 1), do: {:ok, value}

  defp check(:accept, value, _) do
    with {:error, mfa} <- check({:mfa, "the peer"}, value, false),
         do: {:error, "nil, a function of one argument, or #{mfa}"}
  end

  defp check(:seeds, [], _), do: {:ok, []}

  defp check(:seeds, value, _) do
    with {:ok, seeds} <- Seed.parse_all(value) do
      wrong = for {:mfa, mfa} <- seeds, error = mfa_error(mfa), do: error

      List.first(wrong) || {:ok, seeds}
    end
  end

  defp check(:secret, value, _), do: Secret.resolve(value)
  defp check(:tags, value, _), do: Tags.new(value)
  defp check(:compat, value, _), do: Compat.new(value)

  defp mfa_error(mfa) do
    with {:ok, _mfa} <- check({:mfa, nil}, mfa, false), do: nil
  end

  defp appended(nil), do: ""
  defp appended(what), do: ": it is called with #{what} appended"

  defp in_a_list([]), do: ""

  defp in_a_list(value) do
    case address(value) do
      {:ok, text} -> ": write interfaces: #{inspect([text])}"
      :error -> ""
    end
  end

  defp interfaces(kind, list) do
    texts =
      if is_list(list) and list != [] and not List.improper?(list) and
           length(list) <= @interfaces,
         do: Enum.map(list, &address/1),
         else: [:error]

    if Enum.all?(
         texts,
         &match?({:ok, text} when text != "" and byte_size(text) <= @interface, &1)
       ),
       do: {:ok, {kind, Enum.map(texts, &(&1 |> elem(1) |> canonical()))}},
       else:
         {:error,
          ":all, a list of interface names, patterns (\"en*\") or IP addresses (1 to #{@interfaces}), or " <>
            "{:except, such a list}"}
  end

  # As the sidecar writes it: an IPv6 address has many spellings.
  defp canonical(text) do
    case :inet.parse_ipv6strict_address(to_charlist(text)) do
      {:ok, ip} -> List.to_string(:inet.ntoa(ip))
      {:error, :einval} -> text
    end
  end

  defp ports(first, last)
       when is_integer(first) and is_integer(last) and 1 <= first and first <= last and
              last <= 65_535,
       do: {:ok, {first, last}}

  defp ports(_first, _last), do: {:error, @ports_text}

  defp port?([]), do: true

  defp port?([text]) do
    byte_size(text) <= 5 and
      match?({port, ""} when port in 1..65_535, Integer.parse(text)) and
      String.first(text) not in ["+", "-"]
  end

  defp address({a, b, c, d} = ip)
       when a in 0..255 and b in 0..255 and c in 0..255 and d in 0..255,
       do: {:ok, List.to_string(:inet.ntoa(ip))}

  defp address(ip) when is_tuple(ip) and tuple_size(ip) == 8 do
    case :inet.ntoa(ip) do
      {:error, _reason} -> :error
      text -> {:ok, List.to_string(text)}
    end
  end

  defp address(value), do: text(value)

  defp text(value) when is_binary(value),
    do: if(String.valid?(value), do: {:ok, value}, else: :error)

  defp text([first | _] = value) when is_integer(first) do
    {:ok, List.to_string(value)}
  rescue
    _error in [ArgumentError, UnicodeConversionError] -> :error
  end

  defp text(_value), do: :error
end
