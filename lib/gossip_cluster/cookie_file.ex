defmodule GossipCluster.CookieFile do
  @moduledoc false
  # The Erlang cookie from the file that RELEASE_COOKIE_FILE names, for releases: their start script would hand it to the VM
  # as an argument, which every user of the machine can read (ps, /proc/PID/cmdline). Erlang's own file would have to be
  # called ~/.erlang.cookie and belong to this user alone; a secret that is mounted into a container is and does neither.
  #
  # GossipCluster.Epmd calls this when the distribution starts, before it accepts anybody: no application runs then, and
  # the file server may not. What goes wrong is told without a word of the file's.

  # An atom has no more characters.
  @most 255

  @doc "Sets it, if the variable is set."
  @spec set() :: :ok | {:error, charlist()}
  def set do
    case :os.getenv(~c"RELEASE_COOKIE_FILE") do
      unset when unset in [false, []] ->
        :ok

      path ->
        case read(path) do
          {:ok, cookie} ->
            true = :erlang.set_cookie(cookie)
            :ok

          {:error, why} ->
            {:error,
             ~c"the Erlang cookie cannot be read from #{path} (RELEASE_COOKIE_FILE): #{why}"}
        end
    end
  end

  @doc "The cookie in a file, without the white space around it."
  @spec read(charlist()) :: {:ok, atom()} | {:error, charlist()}
  def read(path) do
    with {:ok, file} <- :file.open(path, [:read, :raw, :binary]) do
      # A few bytes more than fit, of line ends and spaces.
      answer = :file.read(file, @most + 64)
      _ = :file.close(file)
      answer
    end
    |> parse()
  end

  defp parse({:ok, text}) do
    cookie = :string.trim(text)

    cond do
      cookie == "" -> {:error, ~c"it is empty"}
      byte_size(cookie) > @most -> {:error, ~c"it is longer than #{@most} characters"}
      not printable?(cookie) -> {:error, ~c"it has other characters than printable ones of ASCII"}
      true -> {:ok, :erlang.binary_to_atom(cookie, :latin1)}
    end
  end

  defp parse(:eof), do: {:error, ~c"it is empty"}
  defp parse({:error, reason}), do: {:error, :file.format_error(reason)}

  defp printable?(<<byte, rest::binary>>) when byte in 0x20..0x7E, do: printable?(rest)
  defp printable?(rest), do: rest == ""
end
