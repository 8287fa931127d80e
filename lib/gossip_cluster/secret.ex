defmodule GossipCluster.Secret do
  @moduledoc false
  # A key ring as the user gives it, hidden, so that no child specification, process state, crash report or table listing
  # shows what is inside.

  alias GossipCluster.Hidden

  @typedoc "A checked ring, hidden: one to four secrets."
  @type t :: Hidden.t()

  @type item :: :cookie | {:passphrase, binary()} | {:key, <<_::256>>}

  @dead "a function whose module was loaded anew or is gone meanwhile"

  @allowed ":cookie, {:passphrase, text} of 8 to 1024 bytes, {:key, binary} of exactly 32 bytes, a list of one to four " <>
             "of these, or a function of no argument (or {module, function, arguments}) that returns one of them"

  @doc "Hides a secret as given. What is hidden already, or has nothing to hide, stays as it is."
  @spec hide(term()) :: Hidden.t() | (... -> term()) | atom() | {module(), atom(), []}
  def hide(%Hidden{} = secret), do: secret
  def hide(secret) when is_function(secret) or is_atom(secret), do: secret
  def hide({m, f, []} = secret) when is_atom(m) and is_atom(f), do: secret
  def hide(secret), do: Hidden.wrap(secret)

  @doc """
  Checks a secret (calling it, where it is a function) and returns the hidden ring; else what would be allowed and what was
  given, in words that do not show it.
  """
  @spec resolve(term()) :: {:ok, t()} | {:error, String.t(), String.t()}
  def resolve(secret) do
    with {:ok, given} <- call(secret),
         {:ok, ring} <- ring(given) do
      {:ok, Hidden.wrap(ring)}
    else
      :dead -> {:error, "{module, function, arguments}, which is looked up anew each time", @dead}
      {:failed, what} -> {:error, @allowed, "a function that failed (#{what})"}
      {:wrong, given} -> {:error, @allowed, describe(given)}
    end
  end

  @doc "Whether the ring needs the Erlang cookie, which exists only while the node is alive."
  @spec needs_cookie?(t()) :: boolean()
  def needs_cookie?(ring), do: :cookie in Hidden.unwrap(ring)

  @doc "The ring as the sidecar wants it. `cookie` is nil while the node is not alive."
  @spec keys(t(), binary() | nil) :: [{:cookie | :passphrase | :key, binary()}]
  def keys(ring, cookie) do
    Enum.map(Hidden.unwrap(ring), fn
      :cookie when is_binary(cookie) -> {:cookie, cookie}
      {kind, bytes} -> {kind, bytes}
    end)
  end

  # What was raised may have the secret in it: only its kind is passed on.
  defp call(%Hidden{} = secret), do: call(Hidden.unwrap(secret))

  defp call(secret) when is_function(secret, 0) do
    {:ok, secret.()}
  rescue
    error -> if dead?(secret, error), do: :dead, else: {:failed, inspect(error.__struct__)}
  catch
    kind, _reason -> {:failed, to_string(kind)}
  end

  defp call({m, f, a}) when is_atom(m) and is_atom(f) and is_list(a),
    do: call(fn -> apply(m, f, a) end)

  defp call(secret), do: {:ok, secret}

  # A child specification outlives the version of a module that its closures belong to.
  defp dead?(function, %BadFunctionError{term: function}), do: true

  defp dead?(function, %UndefinedFunctionError{}) do
    info = :erlang.fun_info(function)
    info[:type] == :local and not :erlang.module_loaded(info[:module])
  end

  defp dead?(_function, _error), do: false

  defp ring(list) when is_list(list) do
    list = if List.improper?(list), do: list, else: Enum.map(list, &plain/1)

    if not List.improper?(list) and length(list) in 1..4 and Enum.all?(list, &item?/1),
      do: {:ok, list},
      else: {:wrong, list}
  end

  defp ring(secret) do
    secret = plain(secret)
    if item?(secret), do: {:ok, [secret]}, else: {:wrong, secret}
  end

  # An Erlang string is a text too.
  defp plain({:passphrase, [first | _] = text}) when is_integer(first) do
    {:passphrase, List.to_string(text)}
  rescue
    _error in [ArgumentError, UnicodeConversionError] -> {:passphrase, nil}
  end

  defp plain(item), do: item

  defp item?(:cookie), do: true
  defp item?({:passphrase, text}), do: is_binary(text) and byte_size(text) in 8..1024
  defp item?({:key, key}), do: is_binary(key) and byte_size(key) == 32
  defp item?(_other), do: false

  defp describe(list) when is_list(list) do
    if List.improper?(list),
      do: "an improper list",
      else:
        "a list of #{length(list)} [#{list |> Enum.take(5) |> Enum.map_join(", ", &describe_item/1)}]"
  end

  defp describe(other), do: describe_item(other)

  defp describe_item({kind, bytes}) when is_atom(kind) and is_binary(bytes),
    do: "{#{inspect(kind)}, a binary of #{byte_size(bytes)} bytes}"

  defp describe_item({kind, _other}) when is_atom(kind),
    do: "{#{inspect(kind)}, something that is no binary}"

  defp describe_item(bytes) when is_binary(bytes), do: "a binary of #{byte_size(bytes)} bytes"
  defp describe_item(atom) when is_atom(atom), do: inspect(atom)
  defp describe_item(_other), do: "something else"
end
