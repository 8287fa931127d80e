defmodule GossipCluster.CrashReport do
  @moduledoc false
  # What a crash of the owner prints: how the cluster was, and neither its thousands of peers nor a secret. Pure. The
  # reason of a crash goes far (into the reports of supervisors, too), and may hold the very term that did not match;
  # the stack may hold the arguments of the function that failed.

  # In words of memory. What is larger is printed in part.
  @small 200

  @doc """
  The status of a GenServer, as OTP's `format_status/1` is given it; `summarize` makes of the state what is shown
  instead.
  """
  @spec status(map(), (term() -> term())) :: map()
  def status(status, summarize) do
    Map.new(status, fn
      {:state, state} -> {:state, summary(state, summarize)}
      {:message, {port, {:data, data}}} -> {:message, {port, {:data, "#{byte_size(data)} bytes"}}}
      {:message, message} -> {:message, small(message)}
      {:reason, {reason, [{_, _, _, _} | _] = stack}} -> {:reason, {small(reason), stack(stack)}}
      {:reason, reason} -> {:reason, small(reason)}
      other -> other
    end)
  end

  # Whatever is wrong with the state, the reason of the crash must be told.
  defp summary(state, summarize) do
    summarize.(state)
  rescue
    error -> "no summary: #{inspect(error.__struct__)}"
  end

  @doc "Calls a function. What it raises goes on with a short reason, and without the arguments of who failed."
  @spec guard((() -> term())) :: term()
  def guard(function) do
    function.()
  catch
    kind, reason -> :erlang.raise(kind, small(reason), stack(__STACKTRACE__))
  end

  @doc "A term, or where it is large a text with its beginning."
  @spec small(term()) :: term()
  def small(term) do
    if :erts_debug.flat_size(term) > @small,
      do: inspect(term, limit: 5, printable_limit: 100, structs: false),
      else: term
  end

  @doc "A stack without the arguments in it: their number stays."
  @spec stack(Exception.stacktrace()) :: Exception.stacktrace()
  def stack(stack), do: Enum.map(stack, &frame/1)

  defp frame({module, function, arguments, where}) when is_list(arguments),
    do: {module, function, length(arguments), where}

  defp frame(frame), do: frame
end
