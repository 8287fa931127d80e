defmodule GossipCluster.Integration.ScriptsTest do
  # What the scripts say where something that they need is missing.
  use ExUnit.Case, async: false

  setup do
    dir = Path.join(System.tmp_dir!(), "gossip-scripts-#{System.unique_integer([:positive])}")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    {:ok, dir: dir}
  end

  for script <- ["bin/test-compat", "bin/test-container"] do
    test "#{script} without root and without sudo says what to do", %{dir: dir} do
      copy = Path.join(dir, unquote(script))
      File.mkdir_p!(Path.dirname(copy))
      File.cp!(unquote(script), copy)
      # Nothing but the shell's own needs.
      path = Path.join(dir, "path")
      File.mkdir_p!(path)

      for tool <- ~w(bash dirname),
          do: File.ln_s!(System.find_executable(tool), Path.join(path, tool))

      for place <- [dir, Path.dirname(copy), copy, path], do: File.chmod!(place, 0o755)

      nobody =
        if System.cmd("id", ["-u"]) == {"0\n", 0},
          do: [
            System.find_executable("setpriv"),
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups"
          ],
          else: [System.find_executable("env")]

      [command | arguments] = nobody ++ [Path.join(path, "bash"), copy]

      assert {output, 1} =
               System.cmd(command, arguments, env: [{"PATH", path}], stderr_to_stdout: true)

      assert output == "#{unquote(script)}: run this as root, or install sudo\n"
    end
  end

  @tag :lab
  test "bin/test without an /etc/hosts says so", %{dir: dir} do
    etc = Path.join(dir, "etc")
    # Without what nobody else may read.
    {_, _} = System.cmd("cp", ["-a", "/etc", etc], stderr_to_stdout: true)
    File.rm!(Path.join(etc, "hosts"))
    script = ~s(mount --bind "$0" /etc && exec bin/test test/gossip_cluster/peer_test.exs)

    assert {output, 1} =
             System.cmd("unshare", ["--mount", "--", "sh", "-c", script, etc],
               stderr_to_stdout: true
             )

    assert output =~
             "bin/in-lab: the tests mount files of their own over /etc/hosts, and this system has none: `touch /etc/hosts` makes one"

    refute output =~ "mount:"
  end
end
