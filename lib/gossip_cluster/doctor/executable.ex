defmodule GossipCluster.Doctor.Executable do
  @moduledoc false
  # `gossipd doctor`, run: it has the sockets of a sidecar, and the question that members ask. Secrets go through its
  # stdin, as lines; none is in its arguments. What it finds comes back as findings, of those kinds that are asked for.

  alias GossipCluster.{Hidden, Json, Sidecar}
  alias GossipCluster.Doctor.{Bounded, Finding}

  @levels %{"ok" => :ok, "warning" => :warning, "broken" => :broken}
  @most 1_000_000

  @type t :: {:ok, [Finding.t()]} | {:error, String.t()}

  @doc """
  What it is called with for a cluster of these options; it listens for so many seconds.

      iex> options = %{group: "233.252.1.33", group6: "ff12::6763", port: 45_893, ipv6: false, interfaces: {:only, ["eth0"]}}
      iex> GossipCluster.Doctor.Executable.arguments(options, 3)
      ["doctor", "--json", "--for", "3", "--group", "233.252.1.33", "--port", "45893", "--no-ipv6", "--interface", "eth0"]
  """
  @spec arguments(map(), pos_integer()) :: [String.t()]
  def arguments(options, seconds) do
    %{group: group, group6: group6, port: port, ipv6: ipv6, interfaces: interfaces} = options

    ["doctor", "--json", "--for", "#{seconds}", "--group", group, "--port", "#{port}"] ++
      if(ipv6, do: ["--group6", group6], else: ["--no-ipv6"]) ++
      case interfaces do
        :all -> []
        {:only, names} -> Enum.flat_map(names, &["--interface", &1])
        {:except, names} -> Enum.flat_map(names, &["--except", &1])
      end
  end

  @doc """
  Runs it, for so many milliseconds at most; with keys (`GossipCluster.Secret.keys/2`) it is told them first. Of its
  findings those of these kinds are taken over.
  """
  @spec run(Path.t() | nil, [String.t()], Hidden.t() | nil, [atom()], timeout()) :: t()
  def run(path, arguments, keys, kinds, timeout) do
    # Its port ends with this process, and what it writes then ends it.
    case Bounded.run(fn -> start(path, arguments, keys) end, timeout) do
      {:ok, {:ok, output}} -> read(output, kinds)
      {:ok, {:error, text}} -> {:error, text}
      :timeout -> {:error, "gossipd doctor does not come to its end"}
      {:failed, why} -> {:error, why}
    end
  end

  defp start(path, arguments, keys) do
    case Sidecar.start(path, [:stderr_to_stdout, args: arguments]) do
      {:ok, port} ->
        if keys, do: tell(port, keys)
        collect(port, "")

      {:error, _reason, text} ->
        {:error, text}
    end
  end

  # Where it is gone already, what it has said tells why.
  defp tell(port, keys) do
    Hidden.reveal(keys, fn keys ->
      lines = for {kind, bytes} <- keys, do: ["#{kind} ", Base.encode16(bytes), ?\n]
      Port.command(port, [lines, ?\n])
    end)
  rescue
    RuntimeError -> false
  end

  defp collect(port, output) do
    receive do
      {^port, {:data, data}} when byte_size(output) < @most -> collect(port, output <> data)
      {^port, {:exit_status, _status}} -> {:ok, output}
    end
  end

  @doc """
  What it has said of these kinds.

      iex> said = ~S({"findings":[{"cause":"it comes back","do":null,"level":"ok","what":"echo"}],"status":"ok"})
      iex> GossipCluster.Doctor.Executable.read(said, [:echo])
      {:ok, [%{level: :ok, what: :echo, cause: "it comes back", do: nil}]}
      iex> GossipCluster.Doctor.Executable.read(said, [:no_echo])
      {:ok, []}
      iex> GossipCluster.Doctor.Executable.read(~S({"error":"no"}), [:echo])
      {:error, "no"}
      iex> GossipCluster.Doctor.Executable.read("no memory", [:echo])
      {:error, "no memory"}
  """
  @spec read(String.t(), [atom()]) :: t()
  def read(output, kinds) do
    kinds = Map.new(kinds, &{Atom.to_string(&1), &1})

    case Json.decode(output) do
      {:ok, %{"findings" => findings}} when is_list(findings) ->
        {:ok, Enum.flat_map(findings, &finding(&1, kinds))}

      {:ok, %{"error" => text}} when is_binary(text) ->
        {:error, text}

      _other ->
        {:error, output |> String.trim() |> String.slice(0, 200)}
    end
  end

  defp finding(%{"level" => level, "what" => what, "cause" => cause, "do" => mend}, kinds)
       when is_map_key(@levels, level) and is_map_key(kinds, what) and is_binary(cause) and
              (is_binary(mend) or mend == nil),
       do: [%{level: @levels[level], what: kinds[what], cause: cause, do: mend}]

  defp finding(_other, _kinds), do: []
end
