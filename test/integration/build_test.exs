defmodule GossipCluster.Integration.BuildTest do
  # Builds this project the way its users do: from a copy of exactly the files that the package lists.
  use ExUnit.Case, async: false

  import GossipCluster.Eventually

  alias GossipCluster.OtherProject

  # On a machine that has something else to do, too.
  @moduletag timeout: 1_200_000

  @version Mix.Project.config()[:version]
  @package_files Mix.Project.config()[:package][:files]

  # Programs that mix and its scripts need; what CMake needs comes on top of them, test by test.
  @tools ~w(erl elixir mix sh bash env sed uname readlink dirname basename cat grep rm mkdir git tr cut od dd awk)

  setup_all do
    dir = Path.join(System.tmp_dir!(), "gossip-build-#{System.pid()}")
    File.rm_rf!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)

    library = copy_package(Path.join(dir, "library"))
    cmake_log = Path.join(dir, "cmake.log")
    logging = Path.join(dir, "logging_bin")
    wrap(logging, "cmake", "echo \"$@\" >>'#{cmake_log}'\nexec '#{real("cmake")}' \"$@\"")
    %{dir: dir, library: library, cmake_log: cmake_log, logging: logging}
  end

  describe "as a path: dependency" do
    setup context do
      app = Path.join(context.dir, "app")
      File.exists?(app) || new_app(app, ~s({:gossip_cluster, path: "../library"}))
      {:ok, app: app, path: [{"PATH", context.logging <> ":" <> System.get_env("PATH")}]}
    end

    test "gossipd stands in the user's build path and nothing is left in the sources", context do
      before = tree(context.library)
      mix!(context.app, ["compile"], context.path)

      assert {"gossipd " <> version, 0} = System.cmd(gossipd(context.app), ["--version"])
      assert String.trim(version) == @version
      assert tree(context.library) == before
    end

    test "starts in the user's supervision tree, with its sidecar", context do
      code = """
      {:ok, _} = :net_kernel.start(:"app@127.0.0.1", %{name_domain: :longnames, dist_listen: false})
      options = [name: C, interfaces: ["lo"], secret: {:key, <<1::256>>}]
      {:ok, _} = Supervisor.start_link([{GossipCluster, options}], strategy: :one_for_one)
      states = Stream.repeatedly(fn -> Process.sleep(10) && GossipCluster.status(C).sidecar.state end)
      IO.inspect({:runs, states |> Stream.take(6_000) |> Enum.member?(:running)})
      """

      assert mix!(context.app, ["run", "-e", code], context.path) =~ "{:runs, true}"
    end

    test "mix gossip.install sets up a new application: it compiles, and its child starts, but not in tests",
         context do
      mix!(context.app, ["compile"], context.path)
      shop = Path.join(context.dir, "shop")
      run!(real("mix"), ["new", shop, "--sup"], context.dir)
      project = Path.join(shop, "mix.exs")
      dependency = ~s([\n      {:gossip_cluster, path: "../library"})
      text = File.read!(project)

      File.write!(
        project,
        String.replace(text, "[\n      # {:dep_from_hexpm", dependency <> "\n      # {",
          global: false
        )
      )

      # What the other application has built is there.
      env = [{"MIX_BUILD_PATH", Path.join(context.app, "_build/dev")} | context.path]
      before = contents(shop)
      assert mix!(shop, ["gossip.install", "--dry-run"], env) =~ "+       {GossipCluster, "
      assert contents(shop) == before

      output = mix!(shop, ["gossip.install", "--yes"], env)
      assert output =~ "Done."
      assert output =~ ~S(CLUSTER_KEY="$(cat cluster.key\)" bin/shop start)
      installed = contents(shop)

      assert Map.keys(installed) -- Map.keys(before) ==
               ~w(config/config.exs config/runtime.exs config/test.exs) ++
                 ~w(rel/env.sh.eex rel/remote.vm.args.eex rel/vm.args.eex)

      for name <- ~w(vm.args.eex remote.vm.args.eex env.sh.eex),
          do: assert(installed["rel/" <> name] == File.read!("rel/" <> name))

      assert mix!(shop, ["gossip.install", "--yes"], env) =~ "All is there. Nothing was changed."
      assert contents(shop) == installed
      mix!(shop, ["format", "--check-formatted"], env)

      # What it does not know it leaves alone, and all else too.
      tree = Path.join(shop, "lib/shop/application.ex")

      File.write!(
        tree,
        String.replace(before["lib/shop/application.ex"], "children = [", "children = [] ++ [")
      )

      File.rm_rf!(Path.join(shop, "config"))
      unknown = contents(shop)
      {output, status} = mix(shop, ["gossip.install", "--yes"], env)
      assert status == 1

      assert output =~
               "lib/shop/application.ex is not changed: its start/2 has no `children = [...]`. Put this first into"

      assert output =~ "    {GossipCluster, Application.get_env(:shop, GossipCluster, [])}\n"
      assert contents(shop) == unknown
      for {name, text} <- installed, do: write!(Path.join(shop, name), text)

      code =
        "IO.inspect(for {GossipCluster, pid, _, _} <- Supervisor.which_children(Shop.Supervisor), do: is_pid(pid))"

      assert mix!(shop, ["run", "-e", code], env) =~ "[true]\n"
      assert mix!(shop, ["run", "-e", code], [{"MIX_ENV", "test"} | env]) =~ "[false]\n"
      {output, status} = mix(shop, ["run", "-e", code], [{"MIX_ENV", "prod"} | env])
      assert status != 0 and output =~ "CLUSTER_KEY"
    end

    test "does not start CMake while nothing has changed", context do
      mix!(context.app, ["compile"], context.path)
      File.rm(context.cmake_log)
      mix!(context.app, ["compile"], context.path)
      refute File.exists?(context.cmake_log)
    end

    test "compiles again only the source that changed", context do
      mix!(context.app, ["compile"], context.path)
      File.rm(context.cmake_log)
      objects = objects(context.app)
      main = Path.join(context.library, "priv_src/main.c")
      File.write!(main, File.read!(main) <> "\n/* changed */\n")
      # Both mix and make look at modification times.
      File.touch!(main, System.os_time(:second) + 2)
      mix!(context.app, ["compile"], context.path)

      assert [_build] = File.stream!(context.cmake_log) |> Enum.to_list()

      changed =
        for {object, time} <- objects(context.app),
            objects[object] != time,
            do: Path.basename(object)

      assert changed == ["main.c.o"]
    end

    test "builds anew with other CFLAGS and another CC", context do
      mix!(context.app, ["compile"], context.path)
      cc_log = Path.join(context.dir, "cc.log")

      wrap(
        Path.join(context.dir, "cc_bin"),
        "my-cc",
        "echo \"$@\" >>'#{cc_log}'\nexec '#{real("cc")}' \"$@\""
      )

      compiler = Path.join(context.dir, "cc_bin/my-cc")

      mix!(context.app, ["compile"], [
        {"CC", compiler},
        {"CFLAGS", "-DGOSSIP_BUILD_TEST=1"},
        # bin/test's cache of compilations would call it in a way of its own
        {"CMAKE_C_COMPILER_LAUNCHER", nil} | context.path
      ])

      calls = cc_log |> File.read!() |> String.split("\n") |> Enum.filter(&(&1 =~ "main.c.o -c"))
      assert [call] = calls
      assert call =~ "-DGOSSIP_BUILD_TEST=1"
      assert {_, 0} = System.cmd(gossipd(context.app), ["--version"])
    end

    test "a toolchain file is passed on, and the target's libei is taken from the environment",
         context do
      [lib | _] =
        :code.lib_dir() |> to_string() |> Path.join("erl_interface-*") |> Path.wildcard()

      target = Path.join(context.dir, "target_ei")
      File.mkdir_p!(target)
      File.cp_r!(Path.join(lib, "include"), Path.join(target, "include"))
      File.cp_r!(Path.join(lib, "lib"), Path.join(target, "lib"))
      toolchain = Path.join(context.dir, "toolchain.cmake")

      File.write!(toolchain, """
      set(CMAKE_C_COMPILER #{real("cc")})
      set(CMAKE_C_FLAGS_INIT "-DFROM_THE_TOOLCHAIN=1")
      """)

      mix!(context.app, ["compile"], [
        {"CMAKE_TOOLCHAIN_FILE", toolchain},
        {"ERL_EI_INCLUDE_DIR", Path.join(target, "include")},
        {"ERL_EI_LIBDIR", Path.join(target, "lib")} | context.path
      ])

      assert File.read!(Path.join(build_dir(context.app), "compile_commands.json")) =~
               "-DFROM_THE_TOOLCHAIN=1"

      cache = File.read!(Path.join(build_dir(context.app), "CMakeCache.txt"))
      assert cache =~ "ERLANGEI_LIBRARY:FILEPATH=#{target}/lib/libei.a"
      assert {_, 0} = System.cmd(gossipd(context.app), ["--version"])
    end

    # Two terminals right after a clone; and the first may be ended, by Ctrl-C or otherwise.
    for {what, then} <- [
          {"the first goes on", :goes_on},
          {"the first is killed, and all that it has started", :is_killed}
        ] do
      test "two at once build one after the other: #{what}", context do
        mix!(context.app, ["compile"], context.path)
        clean_gossipd(context.app)
        held = Path.join(context.dir, "held, #{unquote(then)}")
        go = held <> ", go"

        # The first make of all waits: that is in the middle of what CMake finds out before it builds.
        for name <- ["make", "gmake"] do
          wrap(held <> ", bin", name, """
          if mkdir '#{held}' 2>/dev/null; then while ! [ -e '#{go}' ]; do sleep 0.05; done; fi
          exec '#{real("make")}' "$@"
          """)
        end

        [{"PATH", path}] = context.path
        env = [{"PATH", "#{held}, bin:#{path}"}]
        first = start_mix(context.app, ["compile"], env)
        eventually(fn -> File.exists?(held) end, 300_000)
        File.rm!(context.cmake_log)
        second = start_mix(context.app, ["compile"], env)
        eventually(fn -> File.exists?(context.cmake_log) end, 300_000)
        {:os_pid, pid} = Port.info(first, :os_pid)

        if unquote(then) == :is_killed, do: kill([pid | started_by(pid)])

        File.touch!(go)
        {output, status} = ended(first)
        assert status == if(unquote(then) == :goes_on, do: 0, else: 137), output
        {output, status} = ended(second)
        assert status == 0, output
        assert {"gossipd " <> _, 0} = System.cmd(gossipd(context.app), ["--version"])
        refute mix!(context.app, ["compile"], context.path) =~ "Building"
      end
    end

    test "a target of its own (MIX_TARGET) has a build of its own", context do
      mix!(context.app, ["compile"], [{"MIX_TARGET", "board"} | context.path])

      assert File.regular?(
               Path.join(context.app, "_build/board_dev/lib/gossip_cluster/priv/gossipd")
             )
    end

    test "a C error is told with its place, and mended", context do
      frame = Path.join(context.library, "priv_src/main.c")
      source = File.read!(frame)
      File.write!(frame, source <> "\nint broken(void) { return missing_name; }\n")
      File.touch!(frame, System.os_time(:second) + 4)
      {output, status} = mix(context.app, ["compile"], context.path)
      File.write!(frame, source)
      File.touch!(frame, System.os_time(:second) + 6)

      assert status != 0
      assert output =~ ~r/main\.c:\d+:\d+: error: .*missing_name/
      mix!(context.app, ["compile"], context.path)
    end
  end

  test "as a git: dependency inside an umbrella, and in its release", %{
    dir: dir,
    library: library
  } do
    repository = Path.join(dir, "repository")
    File.cp_r!(library, repository)
    File.cp!(".gitignore", Path.join(repository, ".gitignore"))
    git = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]

    for args <- [["init", "-q"], ["add", "."], git ++ ["commit", "-q", "-m", "All"]],
        do: run!("git", args, repository)

    umbrella = Path.join(dir, "umbrella")

    new_app(Path.join(umbrella, "apps/one"), ~s({:gossip_cluster, git: "#{repository}"}),
      umbrella: true
    )

    File.write!(Path.join(umbrella, "mix.exs"), """
    defmodule Umbrella.MixProject do
      use Mix.Project
      def project, do: [apps_path: "apps", version: "1.0.0", deps: [], releases: [all: [applications: [one: :permanent]]]]
    end
    """)

    # As users build: nothing set.
    env = [{"MIX_ENV", "prod"}, {"CMAKE_BUILD_TYPE", nil}]
    mix!(umbrella, ["deps.get"], env)
    mix!(umbrella, ["compile"], env)
    assert {"gossipd " <> _, 0} = System.cmd(gossipd(umbrella, "prod"), ["--version"])

    assert {"", 0} =
             System.cmd("git", ["status", "--porcelain"],
               cd: Path.join(umbrella, "deps/gossip_cluster")
             )

    {output, 1} = mix(umbrella, ["gossip.install"], env)

    assert output =~
             "this is an umbrella. Run mix gossip.install in the application that shall start the cluster: cd apps/one"

    mix!(umbrella, ["release", "--quiet"], env)

    released =
      Path.join(umbrella, "_build/prod/rel/all/lib/gossip_cluster-#{@version}/priv/gossipd")

    assert {"gossipd " <> _, 0} = System.cmd(released, ["--version"])
    # Needs nothing installed: only the C library.
    {libraries, 0} = System.cmd("ldd", [released])
    refute libraries =~ "sodium"
  end

  test "by CMake alone, as packagers do it, with the tests' library installed and no tests in the package",
       context do
    build = Path.join(context.dir, "by_cmake")
    run = &System.cmd("cmake", &1, stderr_to_stdout: true)
    assert {_, 0} = run.(["-S", context.library, "-B", build])
    assert {_, 0} = run.(["--build", build, "--parallel", "2"])
    assert {"gossipd " <> _, 0} = System.cmd(Path.join(build, "gossipd"), ["--version"])
  end

  test "mix clean cleans", %{dir: dir, library: library} do
    own = Path.join(dir, "own")
    File.cp_r!(library, own)
    mix!(own, ["compile"])
    assert File.regular?(gossipd(own))
    assert File.dir?(build_dir(own))
    mix!(own, ["clean"])
    refute File.exists?(gossipd(own))
    refute File.exists?(build_dir(own))
  end

  describe "in an escript" do
    setup context do
      app = Path.join(context.dir, "script")

      unless File.exists?(app) do
        new_app(app, ~s({:gossip_cluster, path: "../library"}), escript: true)

        File.write!(Path.join(app, "lib/script.ex"), """
        defmodule Script do
          def main(sidecar) do
            sidecar = if sidecar != [], do: [sidecar: hd(sidecar)], else: []
            # Before a node has a name its sidecar is not started. This one asks no epmd, for it does not listen.
            {:ok, _} = :net_kernel.start(:"script@127.0.0.1", %{name_domain: :longnames, dist_listen: false})
            options = [name: C, interfaces: ["lo"], secret: {:key, <<1::256>>}] ++ sidecar
            {:ok, _} = GossipCluster.start_link(options)
            IO.inspect(wait(GossipCluster.status(C).sidecar), limit: :infinity, printable_limit: :infinity)
          end

          defp wait(%{state: state}) when state in [:waiting, :starting], do: wait(GossipCluster.status(C).sidecar)
          defp wait(%{state: :down, reason: nil}), do: wait(GossipCluster.status(C).sidecar)
          defp wait(sidecar), do: sidecar
        end
        """)

        mix!(app, ["escript.build"])
      end

      # A trap in the current directory.
      trap = Path.join(context.dir, "trap")
      wrap(Path.join(trap, "priv"), "gossipd", "touch '#{trap}/sprung'")

      {:ok,
       app: app,
       trap: trap,
       run: &System.cmd(Path.join(app, "script"), &1, cd: trap, stderr_to_stdout: true)}
    end

    test "what lies in the current directory is not run, and the message says what to do", %{
      trap: trap,
      run: run
    } do
      {output, 0} = run.([])
      refute File.exists?(Path.join(trap, "sprung"))
      assert output =~ "state: :down"
      assert output =~ "an escript"
      assert output =~ "give the option :sidecar the absolute path of"
    end

    test "gossipd may be given by an absolute path, and by no other", %{
      app: app,
      trap: trap,
      run: run
    } do
      {output, 0} = run.([gossipd(app)])
      assert output =~ "state: :running"
      {output, status} = run.(["priv/gossipd"])
      assert status != 0

      assert output =~
               ~s(option :sidecar is "priv/gossipd", but must be the absolute path of an executable)

      refute File.exists?(Path.join(trap, "sprung"))
    end
  end

  describe "on a machine that lacks" do
    setup %{dir: dir} do
      app = Path.join(dir, "lacking")
      File.exists?(app) || new_app(app, ~s({:gossip_cluster, path: "../library"}))
      {:ok, app: app}
    end

    for {lacks, has} <- [
          {"CMake", ["make", "cc"]},
          {"make", ["cmake", "cc"]},
          {"a C compiler", ["cmake", "make"]}
        ] do
      test "#{lacks}, one message says so and names the packages", %{dir: dir, app: app} do
        bin = Path.join(dir, "bin without #{unquote(lacks)}")

        for tool <- @tools ++ unquote(has),
            path = System.find_executable(tool),
            do: wrap(bin, tool, "exec '#{path}' \"$@\"")

        {output, status} = mix(app, ["compile"], [{"PATH", bin}])
        assert status != 0
        assert_told(output, unquote(lacks))
      end
    end

    for {package, lacks} <- [{"Sodium", "libsodium"}, {"ErlangEI", "libei"}] do
      test "#{lacks}, one message says so and names the packages", %{app: app} do
        {output, status} =
          mix(app, ["compile"], [
            {"GOSSIP_CMAKE_ARGS", "-DCMAKE_DISABLE_FIND_PACKAGE_#{unquote(package)}=ON"}
          ])

        assert status != 0
        assert_told(output, unquote(lacks))
      end
    end
  end

  describe "libsodium's sources (GOSSIP_SODIUM_SOURCE)" do
    setup %{dir: dir} do
      app = Path.join(dir, "lacking")
      File.exists?(app) || new_app(app, ~s({:gossip_cluster, path: "../library"}))
      {:ok, app: app, compile: &mix(app, ["compile"], &1)}
    end

    test "are refused where they are not what is listed, and where they are not there", context do
      tarball = Path.join(context.dir, "libsodium-1.0.18.tar.gz")
      File.write!(tarball, "not libsodium")
      digest = Base.encode16(:crypto.hash(:sha256, "not libsodium"), case: :lower)

      {output, status} = context.compile.([{"GOSSIP_SODIUM_SOURCE", tarball}])
      assert status != 0

      assert output =~ "gossipd could not be configured.\n\nGOSSIP_SODIUM_SOURCE is refused: "

      assert output =~
               "the SHA-256 of the tarball #{tarball} is #{digest}, and must be one of those"

      assert output =~ "(libsodium 1.0.18, "
      refute output =~ "apt-get"

      {output, status} =
        context.compile.([
          {"GOSSIP_SODIUM_SOURCE", tarball},
          {"GOSSIP_SODIUM_SHA256", String.duplicate("0", 64)}
        ])

      assert status != 0
      assert output =~ "and must be GOSSIP_SODIUM_SHA256, 0000"

      # What one vouches for is taken as far as it goes.
      {output, status} =
        context.compile.([
          {"GOSSIP_SODIUM_SOURCE", tarball},
          {"GOSSIP_SODIUM_SHA256", String.upcase(digest)}
        ])

      assert status != 0
      assert output =~ "GOSSIP_SODIUM_SOURCE cannot be unpacked: #{tarball}"

      {output, status} = context.compile.([{"GOSSIP_SODIUM_SOURCE", "nowhere/libsodium"}])
      assert status != 0
      assert output =~ "GOSSIP_SODIUM_SOURCE does not exist: #{context.app}/nowhere/libsodium"
      {output, status} = context.compile.([{"GOSSIP_SODIUM_SOURCE", context.library}])
      assert status != 0
      assert output =~ "GOSSIP_SODIUM_SOURCE holds no sources of libsodium"
    end

    test "as a folder are what they were when they were listed, in each byte", context do
      {tarball, 0} = System.cmd(Path.expand("bin/debian-source"), ["libsodium"])
      run!("tar", ["xf", String.trim(tarball)], context.dir)
      [folder] = Path.wildcard(Path.join(context.dir, "libsodium-*[0-9]"))
      build = Path.join(context.dir, "by_folder")

      configure = fn ->
        System.cmd(
          "cmake",
          ~w(-S #{context.library} -B #{build} -DGOSSIP_TESTS=OFF -DGOSSIP_SODIUM_SOURCE=#{folder}),
          stderr_to_stdout: true
        )
      end

      assert {output, 0} = configure.()
      assert output =~ ~r/-- libsodium \S+ is built from/
      # What counts for nothing may differ.
      File.write!(Path.join(folder, "src/libsodium/crypto_sign/crypto_sign.c"), "#error")
      assert {_, 0} = configure.()

      File.write!(Path.join(folder, "src/libsodium/sodium/utils.c"), " ", [:append])
      {output, status} = configure.()
      assert status != 0
      assert output =~ "GOSSIP_SODIUM_SOURCE is refused"
    end
  end

  test "one that was built beforehand (GOSSIPD_PRECOMPILED) takes no CMake and no compiler, and must be what is listed",
       %{dir: dir} do
    app = Path.join(dir, "lacking")
    File.exists?(app) || new_app(app, ~s({:gossip_cluster, path: "../library"}))
    bin = Path.join(dir, "bin without all")

    for tool <- @tools,
        path = System.find_executable(tool),
        do: wrap(bin, tool, "exec '#{path}' \"$@\"")

    made = Path.join(dir, "precompiled")
    name = "gossipd-#{@version}-any-linux-gnu"
    wrap(made, name, "echo first")
    sums = fn -> run!("sh", ["-c", "sha256sum gossipd-* >SHA256SUMS"], made) end
    sums.()
    env = [{"PATH", bin}, {"GOSSIPD_PRECOMPILED", made}, {"GOSSIPD_TARGET", "any-linux-gnu"}]

    assert mix!(app, ["compile"], env) =~ "Taking gossipd from #{made}"
    assert {"first\n", 0} = System.cmd(gossipd(app), [])
    refute mix!(app, ["compile"], env) =~ "Taking gossipd"

    # Another, and the list still has the first: what was taken before is not there any more, either.
    wrap(made, name, "echo another")
    {output, status} = mix(app, ["compile"], env)
    assert status != 0

    assert output =~
             "gossipd could not be taken (GOSSIPD_PRECOMPILED): #{made}/#{name} is refused: its SHA-256 is "

    refute File.exists?(gossipd(app))

    sums.()
    mix!(app, ["compile"], env)
    assert {"another\n", 0} = System.cmd(gossipd(app), [])

    {output, status} =
      mix(
        app,
        ["compile"],
        [{"GOSSIPD_TARGET", "riscv64-linux-gnu"} | env] |> Enum.uniq_by(&elem(&1, 0))
      )

    assert status != 0
    assert output =~ "#{made} has no gossipd-#{@version}-riscv64-linux-gnu, but #{name}."

    # Only where it is asked for.
    {output, status} = mix(app, ["compile"], [{"PATH", bin}])
    assert status != 0
    assert output =~ "this machine lacks CMake"
  end

  defp assert_told(output, lacks) do
    assert output =~ "gossipd could not be built, since this machine lacks #{lacks}"

    for system <- ["Debian", "Alpine", "Fedora", "Homebrew", "Nerves"],
        do: assert(output =~ system)

    assert output =~ "    GOSSIP_SODIUM_SOURCE=$PWD/libsodium-"
    # Once: what it needs, and below that what an option needs besides.
    assert [_, _] = String.split(output, "apt-get install cmake")
    assert [_, _] = String.split(output, "apt-get install libssl-dev")
  end

  defp copy_package(to) do
    for pattern <- @package_files, from <- Path.wildcard(pattern, match_dot: true) do
      File.mkdir_p!(Path.dirname(Path.join(to, from)))
      File.cp_r!(from, Path.join(to, from))
    end

    to
  end

  defp new_app(dir, dependency, opts \\ []) do
    name = Path.basename(dir)
    shared = ~s(build_path: "../../_build", deps_path: "../../deps", lockfile: "../../mix.lock", )
    File.mkdir_p!(Path.join(dir, "lib"))
    File.write!(Path.join(dir, "lib/#{name}.ex"), "defmodule #{Macro.camelize(name)} do\nend\n")

    File.write!(Path.join(dir, "mix.exs"), """
    defmodule #{Macro.camelize(name)}.MixProject do
      use Mix.Project
      def project, do: [app: :#{name}, version: "1.0.0", #{if opts[:umbrella], do: shared}deps: [#{dependency}]#{if opts[:escript], do: ", escript: [main_module: Script]"}]
      def application, do: [extra_applications: [:logger]]
    end
    """)
  end

  # Without optimisation, which takes time.
  defp mix(dir, args, env) do
    env = OtherProject.env(env ++ [{"CMAKE_BUILD_TYPE", "Debug"}])
    System.cmd(real("mix"), args, cd: dir, env: env, stderr_to_stdout: true)
  end

  # The same, with its output and status still to come: ended/1.
  defp start_mix(dir, args, env) do
    env = OtherProject.env(env ++ [{"CMAKE_BUILD_TYPE", "Debug"}])

    Port.open({:spawn_executable, real("mix")}, [
      :binary,
      :exit_status,
      :stderr_to_stdout,
      args: args,
      cd: dir,
      env: for({name, value} <- env, do: {~c"#{name}", (value && ~c"#{value}") || false})
    ])
  end

  defp ended(port, output \\ "") do
    receive do
      {^port, {:data, data}} -> ended(port, output <> data)
      {^port, {:exit_status, status}} -> {output, status}
    end
  end

  # Those that have ended meanwhile are no failure.
  defp kill(pids) do
    {_, _} = System.cmd("kill", ["-KILL" | Enum.map(pids, &to_string/1)], stderr_to_stdout: true)
  end

  defp started_by(pid) do
    {list, 0} = System.cmd("ps", ["-e", "-o", "pid=,ppid="])

    children =
      for line <- String.split(list, "\n", trim: true),
          [child, parent] = String.split(line),
          do: {String.to_integer(parent), String.to_integer(child)}

    started_by(pid, Enum.group_by(children, &elem(&1, 0), &elem(&1, 1)))
  end

  defp started_by(pid, children),
    do: Enum.flat_map(children[pid] || [], &[&1 | started_by(&1, children)])

  # Nothing but what is built of C.
  defp clean_gossipd(project) do
    File.rm_rf!(build_dir(project))
    File.rm!(Path.join(project, "_build/dev/lib/gossip_cluster/.mix/compile.gossipd"))
  end

  defp mix!(dir, args, env \\ []) do
    {output, status} = mix(dir, args, env)
    assert status == 0, "mix #{Enum.join(args, " ")}:\n#{output}"
    output
  end

  defp run!(command, args, dir) do
    {output, status} = System.cmd(command, args, cd: dir, stderr_to_stdout: true)
    assert status == 0, output
  end

  defp wrap(bin, name, script) do
    File.mkdir_p!(bin)
    file = Path.join(bin, name)
    File.write!(file, "#!/bin/sh\n#{script}\n")
    File.chmod!(file, 0o755)
  end

  defp real(tool), do: System.find_executable(tool) || flunk("#{tool} is not installed")

  defp gossipd(project, env \\ "dev"),
    do: Path.join(project, "_build/#{env}/lib/gossip_cluster/priv/gossipd")

  defp build_dir(project), do: Path.join(project, "_build/dev/lib/gossip_cluster/gossipd_build")
  defp tree(dir), do: Path.wildcard(Path.join(dir, "**"), match_dot: true)

  defp write!(file, text) do
    File.mkdir_p!(Path.dirname(file))
    File.write!(file, text)
  end

  # All files of a project but what is built.
  defp contents(dir) do
    for file <- tree(dir),
        name = Path.relative_to(file, dir),
        File.regular?(file) and not String.starts_with?(name, "_build"),
        into: %{},
        do: {name, File.read!(file)}
  end

  defp objects(project) do
    for object <- Path.wildcard(Path.join(build_dir(project), "**/*.o")), into: %{} do
      {object, modified(object)}
    end
  end

  # To the nanosecond, which File.stat/2 does not tell: on a fast machine two builds are within a second.
  defp modified(file) do
    {time, 0} = System.cmd("stat", ["-c", "%y", file])
    time
  end
end
