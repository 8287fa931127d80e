defmodule GossipCluster.Lab.Python do
  @moduledoc """
  Attackers and insiders for tests of nodes: scripts of `test/python`, each in the network of a host. They say and are
  told a line at a time.
  """

  import ExUnit.Assertions

  alias GossipCluster.Lab.Host

  # Debian's Python, since it has Debian's python3-nacl: another one in the path does not.
  @python "/usr/bin/python3"

  @doc "Starts a script, with the names of the host's network and its address in front of the arguments; it ends with the test."
  @spec start(Host.t(), String.t(), [String.t()]) :: port()
  def start(host, script, arguments) do
    path = Path.expand("../../python/#{script}", __DIR__)

    Port.open({:spawn_executable, @python}, [
      :binary,
      :exit_status,
      line: 100,
      env: [{~c"PYTHONDONTWRITEBYTECODE", ~c"1"}],
      args: [path, host.netns, "#{:inet.ntoa(host.ip)}" | arguments]
    ])
  end

  @doc "Says a line to it, and returns its answer."
  @spec ask(port(), String.t()) :: String.t()
  def ask(port, line \\ "") do
    Port.command(port, [line, "\n"])
    hear(port)
  end

  @doc "The next line that it says."
  @spec hear(port()) :: String.t()
  def hear(port) do
    receive do
      {^port, {:data, {:eol, line}}} -> line
      {^port, {:exit_status, status}} -> flunk("the script ended with #{status}")
    after
      30_000 -> flunk("the script says nothing")
    end
  end
end
