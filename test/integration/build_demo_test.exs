defmodule GossipCluster.Integration.BuildDemoTest do
  # bin/demo as a newcomer runs it, in a network that is nothing but a loopback interface.
  use ExUnit.Case, async: false

  # It builds first.
  @moduletag timeout: 300_000

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

  test "shows both nodes' logs and that they met, and ends with 0", %{tmp: tmp} = context do
    {output, status} = demo("ip link set lo up", ["--seconds", "20"], context)
    assert status == 0, output
    assert output =~ ~r/^a\| .*NODEUP :"b@127\.0\.0\.1"/m
    assert output =~ ~r/^b\| .*NODEUP :"a@127\.0\.0\.1"/m
    assert output =~ ~r/^a\| .*Received heartbeat from :"b@127\.0\.0\.1"/m
    assert output =~ "a and b have found each other"

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
    assert output =~ "a and b did not meet"
    assert Path.wildcard(Path.join(tmp, "gossip-demo*")) == []
  end

  test "says how it is used" do
    assert {output, 2} =
             System.cmd(Path.expand("bin/demo"), ["--no-such-option"], stderr_to_stdout: true)

    assert output =~ "bin/demo --lan"

    assert {_, 2} =
             System.cmd(Path.expand("bin/demo"), ["--seconds", "soon"], stderr_to_stdout: true)

    assert {_, 0} = System.cmd(Path.expand("bin/demo"), ["--help"])
  end

  defp demo(prepare, args, %{env: env, demo: demo}) do
    user = if System.cmd("id", ["-u"]) == {"0\n", 0}, do: [], else: ["--user", "--map-root-user"]
    shell = ["sh", "-c", prepare <> ~s( && exec "$@"), "demo", demo | args]
    System.cmd("unshare", user ++ ["--net", "--" | shell], env: env, stderr_to_stdout: true)
  end
end
