defmodule GossipCluster.Screen.Watch do
  @moduledoc false
  # The live table: one process that takes a picture now and then, hears the cluster's events and the keys, and draws. It
  # ends with `q`, with who called it, and with the terminal.

  alias GossipCluster.{Json, Peer}
  alias GossipCluster.Screen.{Frame, Happening, Picture, Rows, Terminal}

  # The alternate screen, without a cursor; and back.
  @begin "\e[?1049h\e[?25l\e[2J"
  @finish "\e[?25h\e[?1049l"
  @home "\e[H"
  @clear_line "\e[K"
  @clear_rest "\e[J"

  # Without a terminal: as wide as most.
  @width 100
  @kept 20

  @doc "Prints the table, once."
  @spec once(module(), GossipCluster.name(), keyword()) :: :ok
  def once(api, name, options) do
    terminal = Terminal.open()
    picture = Picture.whole(api, name)

    text =
      if options[:json],
        do: [Json.encode(Picture.plain(picture)), ?\n],
        else: picture |> Frame.lines([], style(terminal, options, nil)) |> Enum.map(&[&1, ?\n])

    IO.write(terminal.device, text)
  end

  @doc "Draws it again and again. Returns when it is ended."
  @spec run(module(), GossipCluster.name(), keyword()) :: :ok
  def run(api, name, options) do
    # Whoever calls must not find our messages in its mailbox.
    caller = self()
    {pid, ref} = spawn_monitor(fn -> start(api, name, options, caller) end)

    receive do
      {:DOWN, ^ref, :process, ^pid, :normal} -> :ok
      {:DOWN, ^ref, :process, ^pid, reason} -> exit(reason)
    end
  end

  defp start(api, name, options, caller) do
    terminal = Terminal.open()
    :ok = api.subscribe(name)

    state = %{
      api: api,
      name: name,
      options: options,
      terminal: terminal,
      order: options[:sort],
      caller: Process.monitor(caller),
      device: Process.monitor(terminal.device),
      events: [],
      versions: %{},
      asking: nil
    }

    reason =
      Terminal.with_keys(terminal, fn ->
        _ = if terminal.size, do: Terminal.write(terminal, @begin)
        reason = draw(state)
        _ = if terminal.size, do: Terminal.write(terminal, @finish)
        reason
      end)

    _ = if is_binary(reason), do: Terminal.write(terminal, [reason, ?\n])
    :ok
  end

  defp draw(state) do
    picture = Picture.take(state.api, state.name, state.versions)
    state = ask_versions(state, picture)

    if show(state, picture),
      do: wait(state, now() + state.options[:interval]),
      else: :gone
  rescue
    ArgumentError ->
      "GossipCluster.watch: no cluster #{inspect(state.name)} runs on this node any more"
  end

  defp show(%{terminal: terminal} = state, picture) do
    size = if terminal.size, do: Terminal.size(terminal.device)
    help = "q ends, s sorts (by #{state.order})"

    lines =
      Frame.lines(picture, state.events, style(%{terminal | size: size}, order(state), help))

    frame =
      if terminal.size,
        do: [
          @home,
          Enum.map_intersperse(lines, [@clear_line, ?\n], & &1),
          @clear_line,
          @clear_rest
        ],
        else: [Enum.map(lines, &[&1, ?\n]), ?\n]

    Terminal.write(terminal, frame)
  end

  defp order(state), do: Keyword.put(state.options, :sort, state.order)

  defp style(%{size: {columns, rows}} = terminal, options, help),
    do: %{
      width: columns,
      height: if(help, do: rows),
      colour: terminal.colour,
      order: options[:sort],
      help: help
    }

  defp style(%{size: nil}, options, _help),
    do: %{width: @width, height: nil, colour: false, order: options[:sort]}

  defp wait(state, until) do
    %{name: name, caller: caller, device: device} = state

    receive do
      {:gossip_cluster, ^name, event} ->
        wait(%{state | events: Enum.take([happened(event) | state.events], @kept)}, until)

      {:key, key} when key in ["q", "Q"] ->
        :ended

      {:key, "s"} ->
        draw(%{state | order: next(state.order)})

      {:key, _other} ->
        wait(state, until)

      {:versions, versions} ->
        wait(%{state | versions: versions, asking: nil}, until)

      {:DOWN, monitor, :process, _pid, _reason} when monitor in [caller, device] ->
        :gone

      {:DOWN, asking, :process, _pid, _reason} when asking == state.asking ->
        wait(%{state | asking: nil}, until)
    after
      max(until - now(), 0) -> draw(state)
    end
  end

  defp happened(event) do
    time = NaiveDateTime.local_now() |> NaiveDateTime.to_time() |> Time.to_string()
    {time, Happening.text(event)}
  end

  defp next(order) do
    orders = Rows.orders()
    at = Enum.find_index(orders, &(&1 == order))
    Enum.at(orders, rem(at + 1, length(orders)))
  end

  # Who does not answer is not waited for here.
  defp ask_versions(%{asking: nil} = state, picture) do
    if Enum.any?(picture.peers, &new?(&1, state.versions)) do
      me = self()
      ask = fn -> send(me, {:versions, Picture.versions(picture.peers, state.versions)}) end
      {_pid, asking} = spawn_monitor(ask)
      %{state | asking: asking}
    else
      state
    end
  end

  defp ask_versions(state, _picture), do: state

  defp new?(peer, versions),
    do:
      peer.connection == :connected and not is_map_key(versions, peer.name) and
        Peer.node(peer) != nil

  defp now, do: System.monotonic_time(:millisecond)
end
