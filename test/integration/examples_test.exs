defmodule GossipCluster.Integration.ExamplesTest do
  # Each example is built and run as its README says, in a copy, so that nothing is left in the sources.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.{OtherProject, Walkthrough}

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
    for example <- ~w(chat umbrella nerves),
        do: File.ln_s!("../../_build", Path.join([dir, "examples", example, "_build"]))

    File.mkdir!(Path.join(dir, "_build"))
    {rebar3, 0} = System.cmd(Path.expand("bin/debian-package"), ["rebar3"])
    path = Path.join(String.trim(rebar3), "usr/bin") <> ":" <> System.get_env("PATH")
    %{dir: dir, path: [{"PATH", path}]}
  end

  defp follow(example, %{dir: dir, path: path}) do
    folder = Path.join([dir, "examples", example])
    steps = Walkthrough.steps(Path.join(folder, "README.md"))
    # Two nodes, and what each shows because of the other.
    assert ["a", "b"] = for({:terminal, name, _line} <- steps, do: name)
    assert ["a", "b"] -- for({:shows, name, _text} <- steps, do: name) == []
    Walkthrough.follow(steps, folder, Lab.start(hosts: 1), OtherProject.env(path))
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

  describe "Nerves" do
    # Neither Hex nor Nerves is here: the dependencies that come from there are taken out.
    setup %{dir: dir} do
      project = Path.join(dir, "examples/nerves/mix.exs")

      {theirs, ours} =
        "examples/nerves/mix.exs"
        |> File.read!()
        |> String.split("\n")
        |> Enum.split_with(&theirs?/1)

      assert length(theirs) == 6
      File.write!(project, Enum.join(ours, "\n"))
      :ok
    end

    defp theirs?(line), do: line =~ ~r/^ *(archives: |\{:(nerves\w*|shoehorn), )/

    test "a device's code at a desk", context do
      follow("nerves", context)
    end

    test "gossipd for a device, of the libsodium of its system, and of libsodium's sources",
         context do
      {packages, 0} =
        System.cmd(Path.expand("bin/debian-package"), ["erlang-dev:arm64", "libsodium-dev:arm64"])

      [erlang, sodium] = String.split(packages)
      [ei] = Path.wildcard(Path.join(erlang, "usr/lib/erlang/lib/erl_interface-*"))
      {tarball, 0} = System.cmd(Path.expand("bin/debian-source"), ["libsodium"])

      # As Nerves sets them.
      nerves = [
        {"MIX_TARGET", "rpi4"},
        {"CC", "aarch64-linux-gnu-gcc"},
        {"CFLAGS", "-D_LARGEFILE_SOURCE -D_FILE_OFFSET_BITS=64 -O2"},
        {"ERL_EI_INCLUDE_DIR", Path.join(ei, "include")},
        {"ERL_EI_LIBDIR", Path.join(ei, "lib")},
        {"TARGET_ARCH", "aarch64"},
        {"TARGET_OS", "linux"},
        {"TARGET_ABI", "gnu"}
      ]

      stock = Path.join(context.dir, "stock_system")
      File.mkdir_p!(stock)

      for {what, system} <- [
            {"its own", [{"NERVES_SDK_SYSROOT", sodium}]},
            {"sources",
             [{"NERVES_SDK_SYSROOT", stock}, {"GOSSIP_SODIUM_SOURCE", String.trim(tarball)}]}
          ] do
        {output, status} = compile(context, nerves ++ system)
        assert status == 0, "#{what}\n#{output}"

        built = Path.join(context.dir, "_build/rpi4_dev/lib/gossip_cluster")
        cache = File.read!(Path.join(built, "gossipd_build/CMakeCache.txt"))

        assert cache =~
                 if(what == "sources",
                   do: String.trim(tarball),
                   else: "SODIUM_LIBRARY:FILEPATH=#{sodium}/"
                 )

        {elf, 0} =
          System.cmd("readelf", ["--file-header", "--dynamic", Path.join(built, "priv/gossipd")])

        assert elf =~ ~r/Machine: +AArch64/

        # What any system has, and nothing of this machine's.
        needed = for [_, library] <- Regex.scan(~r/\(NEEDED\).*\[(.+)\]/, elf), do: library
        assert "libc.so.6" in needed
        assert needed -- ["libc.so.6", "ld-linux-aarch64.so.1"] == []
      end

      # A stock system, and nothing said: it names what is missing, and takes nothing of this machine's.
      {output, status} = compile(context, [{"NERVES_SDK_SYSROOT", stock} | nerves])
      assert status != 0
      assert output =~ "lacks libsodium"
      assert output =~ "BR2_PACKAGE_LIBSODIUM=y"
    end

    defp compile(%{dir: dir, path: path}, nerves) do
      System.cmd("mix", ["compile"],
        cd: Path.join(dir, "examples/nerves"),
        env: OtherProject.env(nerves ++ path),
        stderr_to_stdout: true
      )
    end
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
