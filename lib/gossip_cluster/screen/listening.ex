defmodule GossipCluster.Screen.Listening do
  @moduledoc false
  # `gossipd watch` under a terminal that this VM has: the executable listens and draws, and this hands over what it draws
  # to the device, and the device's keys and size to it. The secret goes through the pipe, before all else.

  alias GossipCluster.{Hidden, Options, Sidecar}
  alias GossipCluster.Screen.Terminal

  # Between two looks at the terminal's size, in milliseconds: what Erlang starts has no terminal of its own to be told by.
  @look 1_000

  @typedoc "How it is shown: `once`, `json`, `for` (seconds), `sort` (a text)."
  @type shown :: [{:once | :json, boolean()} | {:for, pos_integer()} | {:sort, String.t()}]

  @doc "What `gossipd watch` is called with for a cluster of these options. No secret is in it."
  @spec arguments(Options.t(), shown()) :: [String.t()]
  def arguments(options, shown) do
    ["watch", "--pipe", "--cluster", options.cluster, "--group", options.group] ++
      ["--port", Integer.to_string(options.port)] ++
      if(options.ipv6, do: ["--group6", options.group6], else: ["--no-ipv6"]) ++
      interfaces(options.interfaces) ++
      if(options.broadcast, do: ["--broadcast"], else: []) ++
      if(shown[:once], do: ["--once"], else: []) ++
      if(shown[:json], do: ["--json"], else: []) ++
      if(shown[:for], do: ["--for", Integer.to_string(shown[:for])], else: []) ++
      if(shown[:sort], do: ["--sort", shown[:sort]], else: [])
  end

  defp interfaces(:all), do: []
  defp interfaces({:only, items}), do: Enum.flat_map(items, &["--interface", &1])
  defp interfaces({:except, items}), do: Enum.flat_map(items, &["--except", &1])

  @doc "What goes through the pipe first, hidden: the secrets, and the size of the terminal (`nil`: there is none)."
  @spec head(Hidden.t(), Terminal.t()) :: Hidden.t()
  def head(keys, terminal) do
    {columns, rows} = terminal.size || {0, 0}

    Hidden.reveal(keys, fn keys ->
      lines =
        for {kind, bytes} <- keys, do: [Atom.to_string(kind), ?\s, Base.encode16(bytes), ?\n]

      Hidden.wrap(IO.iodata_to_binary([lines, "size #{columns} #{rows}\n\n"]))
    end)
  end

  @doc "Listens until it is ended; the exit status of `gossipd watch`, or why it could not be started."
  @spec run(Options.t(), Hidden.t(), shown()) :: {:ok, non_neg_integer()} | {:error, String.t()}
  def run(options, keys, shown) do
    terminal = Terminal.open()

    with {:ok, port} <- open(options, shown) do
      state = %{
        port: port,
        terminal: terminal,
        size: terminal.size,
        device: Process.monitor(terminal.device)
      }

      # What is printed once, or for programs, leaves the terminal as it is.
      keyed = if shown[:once] || shown[:json], do: %{terminal | keys: :line}, else: terminal

      Terminal.with_keys(keyed, fn ->
        true = tell(port, head(keys, terminal))
        {:ok, pass_on(state, "", now() + @look)}
      end)
    end
  end

  defp open(options, shown) do
    path = options.sidecar || Sidecar.path()

    with {:error, _reason, text} <- Sidecar.start(path, args: arguments(options, shown)),
         do: {:error, text}
  end

  # Where it is gone already, its exit status says why.
  defp tell(port, %Hidden{} = hidden), do: Hidden.reveal(hidden, &tell(port, &1))

  defp tell(port, data) do
    Port.command(port, data)
  rescue
    ArgumentError -> true
  end

  defp pass_on(%{port: port, device: device} = state, rest, look) do
    receive do
      {^port, {:data, data}} ->
        pass_on(state, write(state.terminal, rest <> data), look)

      {^port, {:exit_status, status}} ->
        status

      {:key, key} ->
        true = tell(port, key)
        pass_on(state, rest, look)

      {:DOWN, ^device, :process, _pid, _reason} ->
        Port.close(port)
        0
    after
      max(look - now(), 0) -> pass_on(resized(state), rest, now() + @look)
    end
  end

  # A character may come in two pieces.
  defp write(terminal, data) do
    case :unicode.characters_to_binary(data) do
      whole when is_binary(whole) ->
        Terminal.write(terminal, whole)
        ""

      {:incomplete, whole, rest} ->
        Terminal.write(terminal, whole)
        rest
    end
  end

  # As a terminal reports it, which xterm began.
  defp resized(%{size: nil} = state), do: state

  defp resized(state) do
    case Terminal.size(state.terminal.device) do
      {columns, rows} = size when size != state.size ->
        true = tell(state.port, "\e[8;#{rows};#{columns}t")
        %{state | size: size}

      _same_or_none ->
        state
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
