defmodule GossipCluster.Sidecar.Process do
  @moduledoc false
  # The operating system's process of a sidecar: whether it is stopped, and its end by force. The system gives the
  # number of a process that has ended to another one day, so each is known by its number and the time of its start,
  # where that can be read (in /proc, as on Linux).

  @type t :: %{os_pid: non_neg_integer(), started: String.t() | nil}

  # Places among the fields of /proc/PID/stat, behind the name of the program: see proc(5).
  @state 0
  @started 19

  @doc "That of a port, or nil where it has ended already. Quick."
  @spec of(port()) :: t() | nil
  def of(port) do
    case :erlang.port_info(port, :os_pid) do
      {:os_pid, os_pid} -> %{os_pid: os_pid, started: field(os_pid, @started)}
      :undefined -> nil
    end
  end

  @doc """
  Whether it is stopped, by a signal or a debugger. `:unknown` where the system does not tell, or it is no more.

      iex> port = Port.open({:spawn, "sleep 60"}, [])
      iex> process = GossipCluster.Sidecar.Process.of(port)
      iex> before = GossipCluster.Sidecar.Process.state(process)
      iex> true = GossipCluster.Sidecar.Process.kill(process)
      iex> before
      :runs
  """
  @spec state(t()) :: :stopped | :runs | :unknown
  def state(process) do
    case same?(process) && field(process.os_pid, @state) do
      state when state in ["T", "t"] -> :stopped
      state when is_binary(state) -> :runs
      _unknown -> :unknown
    end
  end

  @doc """
  Kills it: also one that is stopped, and whose port is closed. `false`: it has ended already. A shell does it, which
  takes some milliseconds.
  """
  @spec kill(t()) :: boolean()
  def kill(process) do
    with true <- same?(process),
         {_output, status} <-
           System.cmd("/bin/sh", ["-c", "kill -s KILL \"$0\"", "#{process.os_pid}"],
             stderr_to_stdout: true
           ),
         do: status == 0
  end

  @doc "Kills one that is stopped: it does not read that its port is closed, and would stay for ever."
  @spec end_stopped(t() | nil) :: :ok
  def end_stopped(nil), do: :ok

  def end_stopped(process) do
    _killed = state(process) == :stopped and kill(process)
    :ok
  end

  # Where no start can be read, a port that has not told of its process's end tells that it is the same.
  defp same?(%{started: nil}), do: true
  defp same?(%{os_pid: os_pid, started: started}), do: field(os_pid, @started) == started

  # The name of the program may hold anything, also spaces and brackets.
  defp field(os_pid, place) do
    with {:ok, file} <- :file.open(~c"/proc/#{os_pid}/stat", [:raw, :read, :binary]) do
      stat = :file.read(file, 4_096)
      :ok = :file.close(file)

      with {:ok, text} <- stat,
           do:
             text
             |> String.split(")")
             |> List.last()
             |> String.split(" ", trim: true)
             |> Enum.at(place)
    end
    |> case do
      field when is_binary(field) -> field
      _unknown -> nil
    end
  end
end
