defmodule GossipCluster.Integration.ExamplesTest do
  # Each example is built and run as its README says, in a copy, so that nothing is left in the sources.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Walkthrough

  # They build, and on a machine that has something else to do, too.
  @moduletag timeout: 1_200_000

  @files ~w(lib priv_src cmake rel CMakeLists.txt mix.exs examples)

  setup_all do
    dir = Path.join(System.tmp_dir!(), "gossip-examples-#{System.pid()}")
    File.rm_rf!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)

    # Without what somebody has built there.
    {output, 0} =
      System.cmd("git", ["ls-files", "--cached", "--others", "--exclude-standard" | @files])

    for file <- String.split(output, "\n", trim: true) do
      File.mkdir_p!(Path.join(dir, Path.dirname(file)))
      File.cp!(file, Path.join(dir, file))
    end

    # The library is built once for those of mix.
    for example <- ~w(chat umbrella),
        do: File.ln_s!("../../_build", Path.join([dir, "examples", example, "_build"]))

    File.mkdir!(Path.join(dir, "_build"))
    {rebar3, 0} = System.cmd(Path.expand("bin/debian-package"), ["rebar3"])
    path = Path.join(String.trim(rebar3), "usr/bin") <> ":" <> System.get_env("PATH")

    clean =
      for name <- ~w(MIX_ENV MIX_TARGET MIX_EXS MIX_BUILD_PATH MIX_BUILD_ROOT CC CFLAGS),
          do: {name, nil}

    %{dir: dir, env: [{"PATH", path} | clean]}
  end

  defp follow(example, %{dir: dir, env: env}) do
    folder = Path.join([dir, "examples", example])
    steps = Walkthrough.steps(Path.join(folder, "README.md"))
    # Two nodes, and what each shows because of the other.
    assert ["a", "b"] = for({:terminal, name, _line} <- steps, do: name)
    assert ["a", "b"] -- for({:shows, name, _text} <- steps, do: name) == []
    Walkthrough.follow(steps, folder, Lab.start(hosts: 1), env)
  end

  test "a chat", context do
    follow("chat", context)
  end

  test "an umbrella", context do
    follow("umbrella", context)
  end

  test "Erlang with rebar3", context do
    follow("rebar3", context)
  end

  test "each is looked at here, and the README leads to it" do
    text = File.read!(__ENV__.file)
    readme = File.read!("README.md")

    for example <- File.ls!("examples") do
      assert text =~ ~s(follow("#{example}", )
      assert readme =~ "](examples/#{example}/README.md)"
    end
  end

  test "a release of an example has the files of ours" do
    for file <- File.ls!("rel"),
        do: assert(File.read!("examples/chat/rel/#{file}") == File.read!("rel/#{file}"))
  end
end
