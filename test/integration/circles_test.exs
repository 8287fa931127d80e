defmodule GossipCluster.Integration.CirclesTest do
  # bin/circles finds none here, and fails on those that are planted in a project of three files.
  use ExUnit.Case, async: true

  @root Path.expand("../..", __DIR__)

  defp project(files) do
    dir =
      Path.join(
        System.tmp_dir!(),
        "gossip-circles-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    File.mkdir_p!(Path.join(dir, "lib"))
    on_exit(fn -> File.rm_rf!(dir) end)

    File.write!(Path.join(dir, "mix.exs"), """
    defmodule Circles.MixProject do
      use Mix.Project
      def project, do: [app: :circles, version: "1.0.0", elixir: "~> 1.14", deps: []]
      def application, do: []
    end
    """)

    for {name, text} <- files, do: File.write!(Path.join([dir, "lib", "#{name}.ex"]), text)
    dir
  end

  defp circles(dir) do
    environment = [{"MIX_ENV", "dev"}, {"MIX_BUILD_PATH", nil}]
    System.cmd(Path.join(@root, "bin/circles"), [dir], stderr_to_stdout: true, env: environment)
  end

  @a "defmodule A do\n  def run, do: B.run()\nend\n"
  @b "defmodule B do\n  def run, do: C.run()\nend\n"

  test "there is none where all arrows go down" do
    assert {output, 0} =
             circles(project(a: @a, b: @b, c: "defmodule C do\n  def run, do: :ok\nend\n"))

    assert output =~ "No cycles found"
  end

  test "one that is planted is named" do
    assert {output, status} =
             circles(project(a: @a, b: @b, c: "defmodule C do\n  def run, do: A.run()\nend\n"))

    assert status != 0
    for file <- ~w(lib/a.ex lib/b.ex lib/c.ex), do: assert(output =~ file)
  end

  test "so is a file that is compiled against another which needs a third" do
    compiled = "defmodule A do\n  @made B.run()\n  def run, do: @made\nend\n"

    assert {output, status} =
             circles(project(a: compiled, b: @b, c: "defmodule C do\n  def run, do: :ok\nend\n"))

    assert status != 0
    assert output =~ "lib/b.ex (compile)"
  end
end
