defmodule GossipCluster.Hidden do
  @moduledoc false
  # A term that nothing shows: not `inspect`, not Erlang's own printing, `:sys.get_state`, a supervisor's or a crash
  # report.
  #
  # It is sealed with a key that this VM makes for itself and forgets when it ends, so a handle is plain data: it may be
  # kept in child specifications and states, outlives any process and any version of any module (a closure does not),
  # and needs no process, not even a started application. Equal terms have equal handles, so handles can be compared.
  # Nothing is kept for a handle, so none needs to be given back.

  alias GossipCluster.CrashReport

  @enforce_keys [:key, :sealed]
  defstruct @enforce_keys

  @typedoc "A handle. It means nothing to another VM."
  @type t :: %__MODULE__{key: reference(), sealed: <<_::64, _::_*8>>}

  # Sealed are multiples of so many bytes: a length tells little, too.
  @block 256
  @tag 16

  @doc "Hides a term."
  @spec wrap(term()) :: t()
  def wrap(term) do
    {id, key, nonce_key} = key()
    plain = :erlang.term_to_binary(term, [:deterministic])
    size = byte_size(plain)
    padding = @block - 1 - rem(size + 3, @block)
    plain = <<size::32, plain::binary, 0::size(padding * 8)>>

    # The nonce depends on the term alone, so that equal terms are sealed alike; no two others share one.
    nonce = binary_part(:crypto.mac(:hmac, :sha256, nonce_key, plain), 0, 12)
    {sealed, tag} = :crypto.crypto_one_time_aead(:aes_256_gcm, key, nonce, plain, "", @tag, true)
    %__MODULE__{key: id, sealed: nonce <> tag <> sealed}
  end

  @doc """
  Calls a function with the term that was hidden. What that raises may have the term in its words, and in the stack the
  arguments of the function that failed: only its kind goes on, and where it was.
  """
  @spec reveal(t(), (term() -> term())) :: term()
  def reveal(hidden, function) do
    term = unwrap(hidden)

    try do
      function.(term)
    catch
      kind, reason ->
        stack = CrashReport.stack(__STACKTRACE__)
        error = %RuntimeError{message: "a secret could not be used: #{failure(kind, reason)}"}
        :erlang.raise(:error, error, stack)
    end
  end

  defp failure(:error, reason), do: inspect(Exception.normalize(:error, reason, []).__struct__)
  defp failure(kind, _reason), do: to_string(kind)

  @doc "The term that was hidden. Raises `ArgumentError` in another VM than the one that hid it."
  @spec unwrap(t()) :: term()
  def unwrap(%__MODULE__{key: id, sealed: <<nonce::12-bytes, tag::@tag-bytes, sealed::binary>>}) do
    with {^id, key, _nonce_key} <- :persistent_term.get({__MODULE__, id}, nil),
         <<size::32, plain::size(size)-bytes, _zeros::binary>> <-
           :crypto.crypto_one_time_aead(:aes_256_gcm, key, nonce, sealed, "", tag, false) do
      :erlang.binary_to_term(plain)
    else
      _none ->
        raise ArgumentError,
              "GossipCluster: a secret that was hidden in another Erlang VM cannot be read in this one; " <>
                "make the child specification where the cluster is to run"
    end
  end

  # Made at the first use. Should two processes come first, each makes one: hence a handle names the key that sealed it.
  defp key do
    case :persistent_term.get(__MODULE__, nil) do
      nil ->
        key = {make_ref(), :crypto.strong_rand_bytes(32), :crypto.strong_rand_bytes(32)}
        :persistent_term.put({__MODULE__, elem(key, 0)}, key)
        :persistent_term.put(__MODULE__, key)
        key

      key ->
        key
    end
  end

  defimpl Inspect do
    def inspect(_hidden, _options), do: "#GossipCluster.Hidden<...>"
  end
end
