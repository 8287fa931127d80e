defmodule GossipCluster.Sidecar.ProcessTest do
  use ExUnit.Case, async: true

  import GossipCluster.Eventually

  alias GossipCluster.Sidecar.Process, as: OsProcess

  doctest OsProcess

  defp sleeper do
    port =
      Port.open({:spawn_executable, System.find_executable("sleep")}, [
        :exit_status,
        args: ["600"]
      ])

    {port, OsProcess.of(port)}
  end

  defp stop(%{os_pid: os_pid}) do
    {_output, 0} = System.cmd("kill", ["-STOP", "#{os_pid}"])
    :ok
  end

  test "a stopped process is told from one that waits" do
    {port, process} = sleeper()
    assert OsProcess.state(process) == :runs
    stop(process)
    eventually(fn -> OsProcess.state(process) == :stopped end)
    assert OsProcess.kill(process)
    assert_receive {^port, {:exit_status, 137}}, 5_000
    eventually(fn -> OsProcess.state(process) == :unknown end)
  end

  test "one that is stopped, and whose port is closed, is killed" do
    {port, process} = sleeper()
    stop(process)
    Port.close(port)
    assert OsProcess.kill(process)
    eventually(fn -> not File.exists?("/proc/#{process.os_pid}") end)
    refute OsProcess.kill(process)
  end

  test "another process that has got its number is not" do
    {port, process} = sleeper()
    other = %{process | started: "1"}
    assert OsProcess.state(other) == :unknown
    refute OsProcess.kill(other)
    refute_received {^port, {:exit_status, _status}}
    assert OsProcess.state(process) == :runs
    assert OsProcess.kill(process)
  end

  test "where the system does not tell when it was started, its number must do" do
    {port, process} = sleeper()
    assert OsProcess.kill(%{process | started: nil})
    assert_receive {^port, {:exit_status, 137}}, 5_000
    assert OsProcess.of(port) == nil
  end
end
