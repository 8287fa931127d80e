defmodule GossipCluster.Secret do
  @moduledoc false
  # A key ring as the user gives it, hidden, so that no child specification, process state, crash report or table
  # listing shows what is inside.

  alias GossipCluster.Hidden

  @typedoc "A checked ring, hidden: one to four secrets."
  @type t :: Hidden.t()

  @type item :: :cookie | {:passphrase, binary()} | {:key, <<_::256>>}

  @dead "a function whose module was loaded anew or is gone meanwhile"

  @allowed ":cookie, {:passphrase, text} of 8 to 1024 bytes, {:key, key} of exactly 32 bytes or their Base64 or hexadecimal " <>
             "text (`mix gossip.gen.key` makes one), {:file, path} or {:env, variable} where such a text is, a list of one to " <>
             "four of these, or a function of no argument (or {module, function, arguments}) that returns one of them"

  @doc "Hides a secret as given. What is hidden already, or has nothing to hide, stays as it is."
  @spec hide(term()) ::
          Hidden.t() | (... -> term()) | atom() | {module(), atom(), []} | {:file | :env, term()}
  def hide(%Hidden{} = secret), do: secret
  def hide(secret) when is_function(secret) or is_atom(secret), do: secret
  def hide({m, f, []} = secret) when is_atom(m) and is_atom(f), do: secret
  def hide({source, _where} = secret) when source in [:file, :env], do: secret
  def hide(secret), do: Hidden.wrap(secret)

  @doc """
  Checks a secret (calling it, where it is a function) and returns the hidden ring; else what would be allowed and what
  was given, in words that do not show it.
  """
  @spec resolve(term()) :: {:ok, t()} | {:error, String.t(), String.t()}
  def resolve(secret) do
    with {:ok, given} <- call(secret),
         {:ok, ring} <- ring(given) do
      {:ok, Hidden.wrap(ring)}
    else
      :dead -> {:error, "{module, function, arguments}, which is looked up anew each time", @dead}
      {:failed, what} -> {:error, @allowed, "a function that failed (#{what})"}
      {:wrong, given} -> {:error, @allowed, given}
    end
  end

  @doc "Whether the ring needs the Erlang cookie, which exists only while the node is alive."
  @spec needs_cookie?(t()) :: boolean()
  def needs_cookie?(ring), do: Hidden.reveal(ring, &(:cookie in &1))

  @doc """
  The ring as the sidecar wants it, hidden: `[{:cookie | :passphrase | :key, binary}]`. `cookie` is hidden too, and nil
  while the node is not alive: `nil`, if the ring needs one.
  """
  @spec keys(t(), Hidden.t() | nil) :: Hidden.t() | nil
  def keys(ring, cookie) do
    if cookie != nil or not needs_cookie?(ring) do
      Hidden.reveal(ring, fn items -> Hidden.wrap(Enum.map(items, &key(&1, cookie))) end)
    end
  end

  defp key(:cookie, cookie), do: {:cookie, Hidden.unwrap(cookie)}
  defp key({kind, bytes}, _cookie), do: {kind, bytes}

  # What was raised may have the secret in it: only its kind is passed on, and where something is missing, its name.
  defp call(%Hidden{} = secret), do: call(Hidden.unwrap(secret))

  defp call(secret) when is_function(secret, 0) do
    {:ok, secret.()}
  rescue
    error -> if dead?(secret, error), do: :dead, else: {:failed, cause(error)}
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

  defp cause(%System.EnvError{env: variable}),
    do: "the environment variable #{variable} is not set"

  defp cause(%File.Error{path: path, reason: reason}),
    do: "#{path}: #{:file.format_error(reason)}"

  defp cause(%UndefinedFunctionError{module: module, function: function, arity: arity})
       when module != nil,
       do: "#{Exception.format_mfa(module, function, arity)} is undefined"

  defp cause(%ArgumentError{message: "could not fetch application environment " <> rest}) do
    case String.split(rest, " ", parts: 5) do
      [key, "for", "application", app | _why] ->
        "there is no #{key} in the configuration of #{app}"

      _other ->
        "ArgumentError"
    end
  end

  defp cause(error), do: inspect(error.__struct__)

  # The checked ring, or what it is instead, in words.
  defp ring([first | _] = text) when is_integer(first) do
    length = if List.improper?(text), do: "", else: " of #{length(text)} characters"
    {:wrong, "a string#{length} (#{how()})"}
  end

  defp ring(list) when is_list(list) do
    if List.improper?(list) do
      {:wrong, "an improper list"}
    else
      items = list |> Enum.take(5) |> Enum.map(&item/1)
      ring = for {:ok, item, _given} <- items, do: item

      cond do
        length(list) not in 1..4 or length(ring) != length(list) ->
          {:wrong, "a list of #{length(list)} [#{words(items)}]"}

        Enum.uniq(ring) != ring ->
          {:wrong, "a list of #{length(list)} [#{words(items)}], two of them the same"}

        true ->
          {:ok, ring}
      end
    end
  end

  defp ring(secret) do
    case item(secret) do
      {:ok, item, _given} -> {:ok, [item]}
      {:wrong, text} -> {:wrong, text}
    end
  end

  defp words(items) do
    Enum.map_join(items, ", ", fn
      {:ok, _item, given} -> describe(given)
      {:wrong, text} -> text
    end)
  end

  # A good one with what was given, since words are made for messages alone; a wrong one in words that do not show it.
  defp item(:cookie), do: {:ok, :cookie, :cookie}
  defp item({source, _where} = key) when source in [:file, :env], do: item({:key, key})

  defp item({kind, {source, where}})
       when kind in [:key, :passphrase] and source in [:file, :env] do
    case text(where) do
      {:ok, where} -> item_at(kind, source, where)
      :error -> {:wrong, "{#{inspect(source)}, something that is no text}"}
    end
  end

  defp item({:key, key}) when is_binary(key) and byte_size(key) == 32,
    do: {:ok, {:key, key}, {:key, key}}

  defp item({:key, [first | _] = text} = key) when is_integer(first) do
    case text(text) do
      {:ok, text} -> item({:key, text})
      :error -> {:wrong, describe(key)}
    end
  end

  defp item({:key, text} = key) when is_binary(text) do
    case {decode(String.trim(text)), byte_size(text)} do
      {{:ok, <<key::binary-32>>}, _size} -> {:ok, {:key, key}, {:key, text}}
      {_other, 64} -> {:wrong, describe(key) <> " that is no hexadecimal number"}
      {_other, 44} -> {:wrong, describe(key) <> " that is no Base64"}
      {_other, _size} -> {:wrong, describe(key)}
    end
  end

  defp item({:passphrase, text} = passphrase) do
    case text(text) do
      {:ok, bytes} when byte_size(bytes) in 8..1024 ->
        {:ok, {:passphrase, bytes}, {:passphrase, bytes}}

      {:ok, bytes} ->
        {:wrong, describe({:passphrase, bytes})}

      :error ->
        {:wrong, describe(passphrase)}
    end
  end

  defp item(text) when is_binary(text), do: {:wrong, describe(text) <> " (#{how()})"}
  defp item(other), do: {:wrong, describe(other)}

  defp item_at(kind, source, where) do
    with {:ok, bytes} <- read(source, where),
         {:ok, item, given} <- item({kind, chomp(kind, bytes)}) do
      {:ok, item, {:at, source, where, given}}
    else
      {:missing, why} -> {:wrong, place(source, where) <> why}
      {:wrong, text} -> {:wrong, place(source, where) <> "is " <> text}
    end
  end

  defp place(source, where), do: "{#{inspect(source)}, #{inspect(where)}}, which "

  defp how, do: "write {:passphrase, text} or {:key, key}"

  # The two lengths that 32 bytes have in hexadecimal digits and in Base64, with or without its padding.
  defp decode(text) when byte_size(text) == 64, do: Base.decode16(text, case: :mixed)

  defp decode(text) when byte_size(text) in 43..44 do
    with :error <- Base.decode64(text, padding: false),
         do: Base.url_decode64(text, padding: false)
  end

  defp decode(_text), do: :error

  defp read(:file, path) do
    case File.read(path) do
      {:ok, bytes} -> {:ok, bytes}
      {:error, reason} -> {:missing, "cannot be read: #{:file.format_error(reason)}"}
    end
  end

  defp read(:env, variable) do
    case variable != "" and System.get_env(variable) do
      bytes when is_binary(bytes) -> {:ok, bytes}
      _none -> {:missing, "is not set"}
    end
  end

  # An editor ends a file with a line's end. A key of 32 bytes may end with one that is none.
  defp chomp(:key, bytes) when byte_size(bytes) == 32, do: bytes
  defp chomp(_kind, bytes), do: String.replace(bytes, ~r/[\r\n]+\z/, "")

  # An Erlang string is a text too.
  defp text(text) when is_binary(text), do: {:ok, text}

  defp text([first | _] = text) when is_integer(first) do
    {:ok, List.to_string(text)}
  rescue
    _error in [ArgumentError, UnicodeConversionError] -> :error
  end

  defp text(_other), do: :error

  defp describe({:at, source, where, given}),
    do: place(source, where) <> "is " <> describe(given)

  defp describe({kind, bytes}) when is_atom(kind) and is_binary(bytes),
    do: "{#{inspect(kind)}, a binary of #{byte_size(bytes)} bytes}"

  defp describe({kind, _other}) when is_atom(kind),
    do: "{#{inspect(kind)}, something that is no binary}"

  defp describe(bytes) when is_binary(bytes), do: "a binary of #{byte_size(bytes)} bytes"
  defp describe(atom) when is_atom(atom), do: inspect(atom)
  defp describe(_other), do: "something else"
end
