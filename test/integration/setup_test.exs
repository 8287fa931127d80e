defmodule GossipCluster.Integration.SetupTest do
  # bin/setup against a package manager that the test plays.
  use ExUnit.Case, async: false

  setup do
    dir = Path.join(System.tmp_dir!(), "gossip-setup-test-#{System.unique_integer([:positive])}")
    on_exit(fn -> File.rm_rf!(dir) end)
    for path <- ~w(bin/setup cmake/needs.txt), do: copy(path, Path.join(dir, path))
    # Nothing is installed, and whoever runs this may install.
    for {name, script} <- [{"dpkg-query", "exit 1"}, {"sudo", ~s(exec "$@")}],
        do: program(dir, name, script)

    {:ok, dir: dir, log: Path.join(dir, "build/setup.log")}
  end

  test "shows that it goes on, and keeps what apt says in a file", %{dir: dir, log: log} do
    program(dir, "apt-get", """
    echo "called: $*"
    for i in $(seq 200); do echo "Setting up package$i (1.0) ..."; done
    sleep 3
    """)

    {output, status} = run(dir)
    assert status == 0, output
    lines = String.split(output, "\n", trim: true)
    assert [first | _] = lines
    assert first =~ "bin/setup: installing "
    assert first =~ "cmake"
    assert length(lines) < 10
    assert output =~ ~r/^bin\/setup: \d+ s: Setting up package200/m
    assert output =~ "What apt said is in build/setup.log"

    said = File.read!(log)
    assert said =~ ~r/^called: .* update$/m
    assert said =~ ~r/^called: .* install .*cmake/m
    assert length(String.split(said, "Setting up")) == 401
  end

  test "shows the end of what apt said where it fails", %{dir: dir} do
    program(
      dir,
      "apt-get",
      ~s(for i in $(seq 200\); do echo "line $i"; done; echo "E: no such package" >&2; exit 100)
    )

    {output, status} = run(dir)
    assert status == 1
    assert output =~ "E: no such package"
    refute output =~ "line 1\n"
    assert output =~ "All that it said is in build/setup.log"
  end

  defp run(dir) do
    path = Path.join(dir, "path") <> ":" <> System.get_env("PATH")

    System.cmd(Path.join(dir, "bin/setup"), ["--build"],
      env: [{"PATH", path}],
      stderr_to_stdout: true
    )
  end

  defp program(dir, name, script) do
    file = Path.join([dir, "path", name])
    File.mkdir_p!(Path.dirname(file))
    File.write!(file, "#!/bin/bash\n" <> script <> "\n")
    File.chmod!(file, 0o755)
  end

  defp copy(from, to) do
    File.mkdir_p!(Path.dirname(to))
    File.cp!(from, to)
  end
end
