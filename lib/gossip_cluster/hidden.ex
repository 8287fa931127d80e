defmodule GossipCluster.Hidden do
  @moduledoc false
  # A term that nothing shows: not `inspect`, not Erlang's own printing, `:sys.get_state`, a supervisor's or a crash
  # report, a crash dump. A handle is a reference to memory that is nobody's term: an array of `:atomics`. So there is
  # nothing of the secret in what is printed or sent elsewhere, not even a sealed form of it, and no key to keep.
  #
  # A handle may be kept in child specifications and states, outlives any process and any version of any module (a
  # closure does not), and needs no process, not even a started application. Erlang frees the array with the last handle:
  # a secret that was rotated away is not kept. Two handles of equal terms are two references: `same?/2` compares.
  #
  # And it needs none of the `crypto` application, whose library takes longer to open than all else of a start.

  alias GossipCluster.CrashReport

  @enforce_keys [:words]
  defstruct @enforce_keys

  @typedoc "A handle. It means nothing to another VM."
  @type t :: %__MODULE__{words: :atomics.atomics_ref()}

  @doc "Hides a term."
  @spec wrap(term()) :: t()
  def wrap(term) do
    plain = :erlang.term_to_binary(term)
    size = byte_size(plain)
    padding = rem(8 - rem(size, 8), 8)
    words = :atomics.new(div(size + padding, 8) + 1, signed: false)
    :ok = :atomics.put(words, 1, size)
    :ok = fill(words, 2, <<plain::binary, 0::size(padding * 8)>>)
    %__MODULE__{words: words}
  end

  defp fill(words, index, <<word::64, rest::binary>>) do
    :ok = :atomics.put(words, index, word)
    fill(words, index + 1, rest)
  end

  defp fill(_words, _index, <<>>), do: :ok

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
  def unwrap(%__MODULE__{words: words}) do
    size = size(words)
    # Of Erlang: Range would be loaded for this alone as a node starts (GossipCluster.Preload).
    indexes = :lists.seq(2, div(size + 7, 8) + 1)
    plain = for index <- indexes, into: <<>>, do: <<:atomics.get(words, index)::64>>
    :erlang.binary_to_term(binary_part(plain, 0, size))
  end

  defp size(words) do
    :atomics.get(words, 1)
  rescue
    ArgumentError ->
      raise ArgumentError,
            "GossipCluster: a secret that was hidden in another Erlang VM cannot be read in this one; " <>
              "make the child specification where the cluster is to run"
  end

  @doc "Whether the same is hidden in both; of what is not hidden, as where there is nothing to hide, whether it is equal."
  @spec same?(t() | atom(), t() | atom()) :: boolean()
  def same?(%__MODULE__{} = one, %__MODULE__{} = other),
    do: one == other or unwrap(one) === unwrap(other)

  def same?(one, other), do: one == other

  defimpl Inspect do
    def inspect(_hidden, _options), do: "#GossipCluster.Hidden<...>"
  end
end
