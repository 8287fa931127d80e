defmodule GossipCluster.Integration.BuildDemoTest do
  # bin/demo as a newcomer runs it, in a network that is nothing but a loopback interface.
  use ExUnit.Case, async: false

  import GossipCluster.Eventually

  alias GossipCluster.Lab

  # It builds first; and on a machine that has something else to do, too.
  @moduletag timeout: 1_200_000

  # In a place whose name has a space.
  setup_all do
    dir = Path.join(System.tmp_dir!(), "gossip demo test #{System.pid()}")
    tmp = Path.join(dir, "tmp")
    File.mkdir_p!(tmp)
    on_exit(fn -> File.rm_rf!(dir) end)

    for path <- ~w(bin lib priv_src cmake config rel CMakeLists.txt mix.exs),
        do: File.cp_r!(path, Path.join(dir, path))

    {:ok,
     tmp: tmp,
     demo: Path.join(dir, "bin/demo"),
     env: [{"MIX_ENV", "dev"}, {"MIX_BUILD_PATH", nil}, {"TMPDIR", tmp}]}
  end

  test "shows both nodes' logs and that they met, and ends with 0 on Ctrl-C",
       %{tmp: tmp} = context do
    words = [
      ~r/^a\| .*NODEUP :"b@127\.0\.0\.1"/m,
      ~r/^b\| .*NODEUP :"a@127\.0\.0\.1"/m,
      ~r/^a\| .*Received heartbeat from :"b@127\.0\.0\.1"/m,
      ~r/a and b have found each other/
    ]

    {output, status} = demo("ip link set lo up", ["--seconds", "600"], context, words)
    assert status == 0, output
    for word <- words, do: assert(output =~ word)

    # The goodbye of one is seen by the other, before that ends too.
    assert [_, goodbye] = String.split(output, "b is told to stop")
    assert goodbye =~ ~r/^a\| .*lost :"b@127\.0\.0\.1": it left/m
    assert goodbye =~ ~r/^a\| .*NODEDOWN :"b@127\.0\.0\.1"/m
    refute goodbye =~ ~r/^b\| .*lost/m
    refute output =~ "[error]"
    assert Path.wildcard(Path.join(tmp, "gossip-demo*")) == []
  end

  test "ends with 1 where they cannot meet", %{tmp: tmp} = context do
    {output, status} = demo("ip link set lo down", ["--seconds", "5"], context)
    assert status == 1, output
    assert output =~ "a and b did not meet within 5 s."
    assert Path.wildcard(Path.join(tmp, "gossip-demo*")) == []
  end

  # As where the window is closed.
  test "ends its nodes where nobody reads what it says any more", %{tmp: tmp} = context do
    {port, pid} = start("ip link set lo up", [], context)
    heard("", port, ~r/^a\| .*gossipd .* runs/m)
    Port.close(port)
    {_, 0} = System.cmd("kill", ["-HUP", "#{pid}"])
    # The last that it does.
    eventually(fn -> Path.wildcard(Path.join(tmp, "gossip-demo*")) == [] end, 60_000)
  end

  test "says how it is used" do
    assert {output, 2} =
             System.cmd(Path.expand("bin/demo"), ["--no-such-option"], stderr_to_stdout: true)

    assert output =~ "bin/demo --lan"

    assert {_, 2} =
             System.cmd(Path.expand("bin/demo"), ["--seconds", "soon"], stderr_to_stdout: true)

    assert {_, 0} = System.cmd(Path.expand("bin/demo"), ["--help"])
  end

  # One says goodbye, and the other hears it.
  defp stop(pid) do
    Lab.heard(20_000)
    {_, 0} = System.cmd("kill", ["-INT", "#{pid}"])
  end

  # Until all these words have come, if there are any; then comes a Ctrl-C.
  defp demo(prepare, args, context, words \\ []) do
    {port, pid} = start(prepare, args, context)
    hear(port, pid, words, "")
  end

  defp start(prepare, args, %{env: env, demo: demo}) do
    user = if System.cmd("id", ["-u"]) == {"0\n", 0}, do: [], else: ["--user", "--map-root-user"]
    shell = ["sh", "-c", prepare <> ~s( && exec "$@"), "demo", demo | args]

    port =
      Port.open({:spawn_executable, System.find_executable("unshare")}, [
        :binary,
        :exit_status,
        :stderr_to_stdout,
        args: user ++ ["--net", "--" | shell],
        env: for({name, value} <- env, do: {~c"#{name}", (value && ~c"#{value}") || false})
      ])

    # unshare and sh become the script.
    {:os_pid, pid} = Port.info(port, :os_pid)
    {port, pid}
  end

  defp heard(output, port, word) do
    unless output =~ word do
      receive do
        {^port, {:data, data}} -> heard(output <> data, port, word)
        {^port, {:exit_status, status}} -> flunk("it ended with #{status}: #{output}")
      end
    end
  end

  defp hear(port, pid, words, output) do
    receive do
      {^port, {:data, data}} ->
        output = output <> data
        come = words != [] and Enum.all?(words, &(output =~ &1))
        if come, do: stop(pid)
        hear(port, pid, if(come, do: [], else: words), output)

      {^port, {:exit_status, status}} ->
        {output, status}
    end
  end
end
