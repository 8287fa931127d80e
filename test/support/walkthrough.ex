defmodule GossipCluster.Walkthrough do
  @moduledoc """
  Does what the README of an example says, in its order, so that it cannot say anything else than what works.

  Of its indented lines `a> TEXT` is typed into the terminal `a`, and `b| TEXT` must be shown by `b`, behind what it has
  shown before. All else are commands: one that names its node (`--sname a`, `NAME=a`, `SERIAL=a`) is a terminal from then on, any
  other must end with 0. `podman` is left to bin/test-container.
  """

  import ExUnit.Assertions

  alias GossipCluster.Lab

  # On a machine that has something else to do, too.
  @deadline 180_000

  @type step ::
          {:run, String.t()}
          | {:terminal, name :: String.t(), String.t()}
          | {:type, name :: String.t(), String.t()}
          | {:shows, name :: String.t(), String.t()}

  @doc "The steps of a README."
  @spec steps(Path.t()) :: [step()]
  def steps(readme) do
    for "    " <> line <- readme |> File.read!() |> String.split("\n"),
        not String.starts_with?(line, "podman "),
        do: step(line)
  end

  defp step(<<name::binary-1, "> ", text::binary>>), do: {:type, name, text}
  defp step(<<name::binary-1, "| ", text::binary>>), do: {:shows, name, text}

  defp step(line) do
    case Regex.run(~r/(?:--sname |\b(?:NAME|SERIAL)=)(\w)\b/, line) do
      [_, name] -> {:terminal, name, line}
      nil -> {:run, line}
    end
  end

  @doc "Does them in a folder, on the first host of a lab."
  @spec follow([step()], Path.t(), Lab.t(), [{String.t(), String.t() | nil}]) :: :ok
  def follow(steps, folder, lab, env) do
    Enum.reduce(steps, %{}, fn
      {:run, line}, terminals ->
        {output, status} =
          System.cmd("sh", ["-c", line], cd: folder, env: env, stderr_to_stdout: true)

        assert status == 0, "#{line}\n#{output}"
        terminals

      {:terminal, name, line}, terminals ->
        Map.put(terminals, name, {open(line, folder, lab, env), "", ""})

      {:type, name, text}, terminals ->
        {port, _, _} = Map.fetch!(terminals, name)
        Port.command(port, text <> "\n")
        terminals

      {:shows, name, text}, terminals ->
        case shown(terminals[name], text, now() + @deadline) do
          {:ok, terminal} ->
            Map.put(terminals, name, terminal)

          {:error, why, terminal} ->
            flunk("#{name} #{why}, but:" <> all_shown(Map.put(terminals, name, terminal)))
        end
    end)

    :ok
  end

  # A host that is called as in the README, whose name resolves as on a computer at home.
  defp open(line, folder, lab, env) do
    script = ~s(hostname h1; mount --bind "$0" /etc/hosts; exec sh -c "$1")

    Port.open({:spawn_executable, System.find_executable("ip")}, [
      :binary,
      :exit_status,
      :stderr_to_stdout,
      args:
        ["netns", "exec", Lab.netns(lab, 1), "unshare", "--uts", "sh", "-c", script] ++
          [Lab.hosts_file(lab, :stock), line],
      cd: folder,
      env:
        for(
          {name, value} <- [{"HOME", lab.dir} | env],
          do: {~c"#{name}", (value && ~c"#{value}") || false}
        )
    ])
  end

  # {port, what has been looked at, what has not}.
  defp shown({port, seen, rest}, text, until) do
    case String.split(rest, text, parts: 2) do
      [before, behind] ->
        {:ok, {port, seen <> before <> text, behind}}

      [_] ->
        receive do
          {^port, {:data, data}} -> shown({port, seen, rest <> data}, text, until)
          {^port, {:exit_status, status}} -> {:error, "ended with #{status}", {port, seen, rest}}
        after
          max(until - now(), 0) -> {:error, "does not show #{text}", {port, seen, rest}}
        end
    end
  end

  # Why one does not show what it is to show may stand in another.
  defp all_shown(terminals) do
    for {name, {port, seen, rest}} <- terminals,
        into: "",
        do: "\n--- #{name}\n#{seen}#{rest}#{waiting(port)}"
  end

  defp waiting(port) do
    receive do
      {^port, {:data, data}} -> data <> waiting(port)
      {^port, {:exit_status, status}} -> "(ended with #{status})" <> waiting(port)
    after
      0 -> ""
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
