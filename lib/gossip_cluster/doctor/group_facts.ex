defmodule GossipCluster.Doctor.GroupFacts do
  @moduledoc false
  # Whether what is sent to the group comes back to this host, over IPv4 and IPv6, and who is heard there, where no
  # cluster of this VM tells: `gossipd doctor` looks, with the sockets that a sidecar would have, and its findings are
  # taken over. What it sends is an empty datagram that does not leave this machine (TTL 0), which every sidecar ignores.

  alias GossipCluster.{Json, Sidecar}
  alias GossipCluster.Doctor.{Bounded, Finding}

  # Beyond the time in which it listens.
  @patience 10_000
  @levels %{"ok" => :ok, "warning" => :warning, "broken" => :broken}
  # The rest HostFacts and Findings see themselves, or say otherwise.
  @taken %{
    "echo" => :echo,
    "no_echo" => :no_echo,
    "packets" => :packets,
    "key_tag" => :key_tag,
    "interface" => :interface
  }

  @type t :: {:ok, [Finding.t()]} | {:error, String.t()}

  @doc "The facts, by a cluster's options; others are listened to for so many milliseconds, a second at least."
  @spec gather(map(), non_neg_integer(), Path.t() | nil) :: t()
  def gather(options, listen, path \\ Sidecar.path())
  def gather(_options, _listen, nil), do: {:error, "there is no gossipd"}

  def gather(options, listen, path) do
    seconds = max(div(listen + 999, 1_000), 1)

    run = fn -> run(path, arguments(options, seconds)) end

    case Bounded.run(run, seconds * 1_000 + @patience) do
      {:ok, {:not_run, why}} -> {:error, why}
      {:ok, {output, _status}} -> read(output)
      :timeout -> {:error, "gossipd doctor does not come to its end"}
      {:failed, why} -> {:error, why}
    end
  end

  defp run(path, arguments) do
    System.cmd(path, arguments, stderr_to_stdout: true, env: [{"LC_ALL", "C"}])
  rescue
    # It is not there, say.
    error in ErlangError -> {:not_run, "#{path}: #{inspect(error.original)}"}
  end

  @doc """
  What it is asked.

      iex> options = %{group: "233.252.1.33", group6: "ff12::6763", port: 45_893, ipv6: false, interfaces: {:only, ["eth0"]}}
      iex> GossipCluster.Doctor.GroupFacts.arguments(options, 3)
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
  What it has said.

      iex> said = ~S({"findings":[{"cause":"it comes back","do":null,"level":"ok","what":"echo"}],"status":"ok"})
      iex> GossipCluster.Doctor.GroupFacts.read(said)
      {:ok, [%{level: :ok, what: :echo, cause: "it comes back", do: nil}]}
      iex> GossipCluster.Doctor.GroupFacts.read("gossipd doctor: no")
      {:error, "gossipd doctor: no"}
  """
  @spec read(String.t()) :: t()
  def read(output) do
    case Json.decode(output) do
      {:ok, %{"findings" => findings}} when is_list(findings) ->
        {:ok, Enum.flat_map(findings, &finding/1)}

      _other ->
        {:error, output |> String.trim() |> String.slice(0, 200)}
    end
  end

  defp finding(%{"level" => level, "what" => what, "cause" => cause, "do" => mend})
       when is_map_key(@levels, level) and is_map_key(@taken, what) and is_binary(cause) and
              (is_binary(mend) or mend == nil) do
    [%{level: @levels[level], what: @taken[what], cause: cause, do: mend}]
  end

  defp finding(_other), do: []
end
