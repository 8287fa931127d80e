defmodule GossipCluster.Sidecar do
  @moduledoc false
  # The port to gossipd: where the executable is, how it is opened and spoken to, and what its failures mean.

  alias GossipCluster.Sidecar.Codec

  @doc """
  The executable of this application; `nil` where the application is in no directory, as in an escript. Never a relative
  path: what is executed is given the secret.
  """
  @spec path() :: Path.t() | nil
  def path do
    case :code.priv_dir(:gossip_cluster) do
      {:error, :bad_name} -> nil
      dir -> absolute(:filename.join(dir, "gossipd"))
    end
  end

  # Of Erlang, and not of Path, which would be loaded for this as a node starts (GossipCluster.Preload).
  defp absolute(path),
    do: if(:filename.pathtype(path) == :absolute, do: path, else: :filename.absname(path))

  @doc "Starts it, in its sandbox or without one. The failure is one line that names the mend."
  @spec open(Path.t() | nil, boolean()) :: {:ok, port()} | {:error, atom(), String.t()}
  def open(path, sandbox) do
    arguments = if sandbox, do: ["--port"], else: ["--port", "--no-sandbox"]
    start(path, [{:packet, 4}, args: arguments])
  end

  @doc "Starts the executable as a port with these options, `args:` among them. The failure is as `open/2` has it."
  @spec start(Path.t() | nil, list()) :: {:ok, port()} | {:error, atom(), String.t()}
  def start(nil, _options), do: {:error, :no_priv, failure(:no_priv, "gossipd")}

  def start(path, options) do
    # Without the file server, which all processes of the VM wait for.
    if match?({:ok, info} when elem(info, 2) == :directory, :file.read_file_info(path, [:raw])) do
      {:error, :eisdir, failure(:eisdir, path)}
    else
      options = [:binary, :exit_status, :use_stdio | options]
      {:ok, Port.open({:spawn_executable, path}, options)}
    end
  rescue
    error in ErlangError -> {:error, error.original, failure(error.original, path)}
  end

  @doc """
  Sends a command. `false` if the sidecar does not take it now, or is gone: nothing was sent. Never blocks, and never
  shows the command, which may hold a secret, in a stack trace.
  """
  @spec command(port(), Codec.command()) :: boolean()
  def command(port, command) do
    data = Codec.encode!(command)

    try do
      Port.command(port, data, [:nosuspend])
    rescue
      ArgumentError -> false
    end
  end

  @doc "Lets it say goodbye, and waits until it has, or for so many milliseconds at most. For the port's owner, at its end."
  @spec leave(port(), non_neg_integer()) :: :ok
  def leave(port, timeout) do
    if command(port, {:leave, :left}),
      do: await_left(port, System.monotonic_time(:millisecond) + timeout)

    :ok
  end

  defp await_left(port, deadline) do
    receive do
      {^port, {:data, data}} ->
        if Codec.decode(data) != {:ok, :left}, do: await_left(port, deadline)

      {^port, {:exit_status, _status}} ->
        :ok

      {:EXIT, ^port, _reason} ->
        :ok
    after
      max(deadline - System.monotonic_time(:millisecond), 0) -> :ok
    end
  end

  @doc "Closes the port, if it is still open; the sidecar reads the end of its input."
  @spec close(port()) :: :ok
  def close(port) do
    Port.close(port)
    :ok
  rescue
    ArgumentError -> :ok
  end

  @doc "What it means that the executable could not be started."
  @spec failure(atom(), Path.t()) :: String.t()
  # A part of an escript's path is a file.
  def failure(reason, _path) when reason in [:no_priv, :enotdir],
    do:
      "this application has no directory, as in an escript, so there is no gossipd to run: give the option :sidecar the absolute " <>
        "path of one, such as `mix compile` has built into this application's priv directory"

  def failure(:enoent, path),
    do:
      "the executable #{path} is missing: run `mix compile` (it builds gossipd), and see that the release or image holds " <>
        "this application's priv directory"

  def failure(:eacces, path),
    do:
      "the executable #{path} may not be executed: check its permissions (chmod +x) and that its file system is not mounted noexec"

  def failure(:eisdir, path), do: "#{path} is a directory, not an executable"

  def failure(reason, _path) when reason in [:emfile, :enfile, :enomem, :eagain, :system_limit],
    do:
      "gossipd cannot be started (#{reason}): the system is short of processes, files or memory; raise the limits (ulimit -n, -u)"

  def failure(reason, path), do: "the executable #{path} cannot be started: #{reason}"

  @doc "What an exit status means. What a fatal error was has been told before, in a frame."
  @spec exit_status(non_neg_integer()) :: String.t()
  def exit_status(8),
    do:
      "gossipd is not made for this machine (wrong architecture or damaged): build it on, or for, this system (mix clean; mix compile)"

  def exit_status(status) when status in [126, 127],
    do:
      "gossipd cannot run here (status #{status}): a library or loader that it needs is missing; rebuild it on this system"

  # A breach: what it says of it, if it can, is better (PROTOCOL.md, the kind `sandbox`).
  def exit_status(159),
    do:
      "gossipd asked for a system call that its sandbox does not allow, and was killed by signal 31"

  def exit_status(status) when status > 128, do: "gossipd was killed by signal #{status - 128}"
  def exit_status(status), do: "gossipd exited with status #{status}"
end
