defmodule GossipCluster.Screen.Terminal do
  @moduledoc false
  # The terminal behind a group leader. That may be on another node, as of `bin/shop rpc`: then that node is asked for
  # its size, its environment and its keys, for there is the person who looks.

  @type t :: %{
          device: pid(),
          size: {columns :: pos_integer(), rows :: pos_integer()} | nil,
          colour: boolean(),
          keys: :line | :each
        }

  @patience 2_000

  @doc "What stands behind this group leader; `size: nil`: no terminal."
  @spec open(pid()) :: t()
  def open(device \\ Process.group_leader()) do
    size = size(device)

    %{
      device: device,
      size: size,
      colour: size != nil and colour?(device),
      keys: if(size != nil and plain?(device), do: :each, else: :line)
    }
  end

  @doc "Its size now."
  @spec size(pid()) :: {pos_integer(), pos_integer()} | nil
  def size(device) do
    with {:ok, columns} <- :io.columns(device), {:ok, rows} <- :io.rows(device) do
      {columns, rows}
    else
      _unknown -> if plain?(device), do: stty_size(device)
    end
  end

  defp stty_size(device) do
    with [rows, columns] <- device |> stty("size") |> String.split(),
         {rows, ""} when rows > 0 <- Integer.parse(rows),
         {columns, ""} when columns > 0 <- Integer.parse(columns) do
      {columns, rows}
    else
      _none -> nil
    end
  end

  # The device of a node without a shell, as of mix, or of a release's rpc: it has no keys of its own, and lines alone.
  defp plain?(device), do: on(device, :erlang, :whereis, [:user]) == device

  # As no-color.org has it: whatever it is set to.
  defp colour?(device) do
    on(device, :os, :getenv, [~c"NO_COLOR", ~c""]) == ~c"" and
      on(device, :os, :getenv, [~c"TERM", ~c""]) != ~c"dumb"
  end

  @doc """
  Runs a function while the terminal's keys come to the calling process, as `{:key, text}`. With `keys: :each` they come
  at once, and unseen.
  """
  @spec with_keys(t(), (() -> result)) :: result when result: term()
  def with_keys(%{device: device} = terminal, function) do
    saved = raw(terminal)
    owner = self()
    # Linked: where this process is killed, nobody goes on to take what is typed.
    reader = spawn_link(fn -> read(device, owner) end)

    try do
      function.()
    after
      Process.unlink(reader)
      Process.exit(reader, :kill)
      :ok = restore(terminal, saved)
    end
  end

  # A pending read of a terminal cannot be taken back: it ends with the next key.
  defp read(device, owner) do
    case IO.getn(device, "", 1) do
      key when is_binary(key) ->
        send(owner, {:key, key})
        read(device, owner)

      _end_or_error ->
        :ok
    end
  end

  # Returns what undoes it.
  defp raw(%{keys: :line}), do: nil

  defp raw(%{device: device}) do
    saved = device |> stty("-g") |> String.trim()

    if saved =~ ~r/\A[0-9a-f:]+\z/ do
      _nothing = stty(device, "-icanon -echo min 1")
      saved
    end
  end

  defp restore(_terminal, nil), do: :ok

  defp restore(%{device: device}, saved) do
    _nothing = stty(device, saved)
    :ok
  end

  @doc "Writes; false when nobody is there to read any more."
  @spec write(t(), iodata()) :: boolean()
  def write(%{device: device}, data) do
    IO.write(device, data)
    true
  rescue
    ErlangError -> false
  end

  # What Erlang starts has no controlling terminal: it is told which one its VM reads from. Where that is none, nothing
  # comes of it.
  defp stty(device, what) do
    with pid when is_list(pid) <- on(device, :os, :getpid, []),
         command =
           "t=$(readlink /proc/#{pid}/fd/0 2>/dev/null || echo /dev/$(ps -o tty= -p #{pid})); " <>
             "case $t in /dev/*) stty #{what} <$t 2>/dev/null;; esac",
         output when is_list(output) <- on(device, :os, :cmd, [String.to_charlist(command)]) do
      List.to_string(output)
    else
      _failed -> ""
    end
  end

  defp on(device, module, function, arguments) do
    if node(device) == node(),
      do: apply(module, function, arguments),
      else: :erpc.call(node(device), module, function, arguments, @patience)
  catch
    # That node, or its terminal, is gone.
    _kind, _reason -> nil
  end
end
