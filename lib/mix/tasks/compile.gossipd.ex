defmodule Mix.Tasks.Compile.Gossipd do
  @shortdoc "Builds the sidecar gossipd with CMake"

  @moduledoc """
  Builds the sidecar `gossipd` with CMake and puts it into the application's `priv` directory under the build path.

  It is one of this project's compilers, so `mix compile` runs it, here and where GossipCluster is a dependency.
  CMake is not even started while neither a source nor a setting has changed. Where two do this in one build directory,
  the second waits for the first: `cmake/BuildOnce.cmake` says how.

  ## Environment

    * `CC`, `CFLAGS`, `LDFLAGS`, `CMAKE_GENERATOR` - as CMake knows them
    * `CMAKE_TOOLCHAIN_FILE` - for cross builds
    * `CMAKE_BUILD_TYPE` - `RelWithDebInfo` unless set
    * `NERVES_SDK_SYSROOT` - as Nerves sets it: where the target's libraries are, unless there is a toolchain file
    * `ERL_EI_INCLUDE_DIR`, `ERL_EI_LIBDIR` - another Erlang's `ei.h` and `libei.a` (needed with a toolchain file);
      the running Erlang's own otherwise
    * `GOSSIP_SODIUM_SOURCE` - libsodium's sources, where there is no libsodium to link: its release as
      `libsodium-VERSION.tar.gz`, or the folder that it unpacks to. Where it is set, the system's libsodium is not
      looked for. Nothing is downloaded, and what `cmake/libsodium.sums` does not list is refused
    * `GOSSIP_SODIUM_SHA256` - the SHA-256 of another version of these sources, which you vouch for
    * `GOSSIPD_PRECOMPILED` - takes an executable that `bin/precompile` has made, in place of a build: the directory of
      them all, or the file of one. It must be of this version, and be what `SHA256SUMS` beside it lists; otherwise
      `mix compile` fails. Neither CMake nor a C compiler is needed then
    * `GOSSIPD_TARGET` - which of that directory, such as `aarch64-linux-musl`. Unless it is set, it is what Nerves names
      (`TARGET_ARCH`, `TARGET_OS`, `TARGET_ABI`), or what this Erlang was built for
    * `GOSSIP_CMAKE_ARGS` - more arguments for CMake, such as `-DGOSSIP_STATIC=ON`, which links the C library statically, too

  A change of any of them builds anew from nothing, since CMake keeps the old values in its cache.
  """

  use Mix.Task.Compiler

  alias Mix.Task.Compiler.Diagnostic
  alias Mix.Tasks.Compile.Gossipd.Precompiled

  @recursive true
  @manifest "compile.gossipd"
  # Raise it when the meaning of the manifest changes.
  @manifest_version 2

  @sources ["CMakeLists.txt", "mix.exs", "cmake/**/*", "priv_src/**/*.{c,h}"]
  @settings ~w(CC CFLAGS CPPFLAGS LDFLAGS CMAKE_GENERATOR CMAKE_TOOLCHAIN_FILE CMAKE_BUILD_TYPE CMAKE_PREFIX_PATH
               ERL_EI_INCLUDE_DIR ERL_EI_LIBDIR GOSSIP_SODIUM_SOURCE GOSSIP_SODIUM_SHA256 GOSSIP_CMAKE_ARGS MACOSX_DEPLOYMENT_TARGET SDKROOT
               GOSSIPD_PRECOMPILED GOSSIPD_TARGET NERVES_SDK_SYSROOT TARGET_ARCH TARGET_OS TARGET_ABI MIX_TARGET)

  @impl true
  def run(args) do
    {opts, _, _} = OptionParser.parse(args, switches: [force: :boolean])
    settings = settings()
    wanted = %{version: @manifest_version, settings: settings, sources: sources(settings)}
    built = if opts[:force], do: nil, else: read_manifest()

    cond do
      built == wanted and File.regular?(executable()) -> {:noop, []}
      precompiled(settings) != nil -> take(precompiled(settings), wanted)
      true -> build(wanted, opts[:force] || false)
    end
  end

  @impl true
  def manifests, do: [manifest()]

  @impl true
  def clean do
    forget()
    _ = File.rm(executable())
    :ok
  end

  # What was built of the sources before is not in the way of what is taken, nor the other way round.
  defp take(path, wanted) do
    forget()
    version = Mix.Project.config()[:version]
    architecture = to_string(:erlang.system_info(:system_architecture))
    target = Precompiled.target(wanted.settings.environment, architecture)

    case Precompiled.read(path, version, target) do
      {:ok, bytes} ->
        Mix.shell().info("Taking gossipd from #{path}")
        put!(executable(), bytes, 0o755)
        put!(manifest(), :erlang.term_to_binary(wanted), 0o644)
        {:ok, []}

      {:error, why} ->
        _ = File.rm(executable())
        fail("gossipd could not be taken (GOSSIPD_PRECOMPILED): #{why}.", [])
    end
  end

  defp precompiled(settings) do
    case settings.environment["GOSSIPD_PRECOMPILED"] do
      unset when unset in [nil, ""] -> nil
      path -> absolute(path)
    end
  end

  # A relative path is one from where mix was called: for a dependency mix is elsewhere by now.
  defp absolute(path), do: Path.expand(path, System.get_env("PWD") || ".")

  # The next build begins from nothing.
  defp forget do
    _ = File.rm(manifest())
    _ = File.rm_rf!(build_dir())
    :ok
  end

  # Everything that another build in the same place could disturb is left to BuildOnce.cmake, which holds a lock.
  defp build(wanted, force) do
    Mix.shell().info("Building gossipd (C, CMake)")
    part = part()
    write!("#{manifest()}.#{part}", :erlang.term_to_binary(wanted))

    definitions = [
      BUILD_DIR: build_dir(),
      ARGUMENTS: Enum.map_join(wanted.settings.arguments, ";", &String.replace(&1, ";", "\\;")),
      EXECUTABLE: executable(),
      MANIFEST: manifest(),
      PART: part,
      SETTINGS: fingerprint(wanted.settings),
      JOBS: System.schedulers_online(),
      FORCE: if(force, do: "ON", else: "OFF")
    ]

    definitions = for {name, value} <- definitions, do: "-D#{name}=#{value}"
    said = cmake(definitions ++ ["-P", Path.join(source_dir(), "cmake/BuildOnce.cmake")])
    _ = File.rm("#{manifest()}.#{part}")

    case outcome(said) do
      {:built, output} ->
        diagnostics = diagnostics(output)
        if diagnostics != [], do: Mix.shell().info(output)
        {:ok, diagnostics}

      {:not_built, output} ->
        fail("gossipd could not be built:\n\n" <> output, diagnostics(output))

      {:not_configured, output} ->
        fail(configure_message(output), [])
    end
  end

  # The last line is BuildOnce.cmake's. Where that was not even read, CMake says why, as it does where it cannot configure.
  defp outcome(said) do
    case Regex.run(~r/\A(.*?)^-- gossipd: (built|not built|not configured)\n\z/ms, said) do
      [_, output, "built"] -> {:built, output}
      [_, output, "not built"] -> {:not_built, output}
      [_, output, "not configured"] -> {:not_configured, output}
      nil -> {:not_configured, said}
    end
  end

  # One of this mix alone, among all that may write here.
  defp part, do: "#{System.pid()}-#{System.os_time()}"

  # The same for the same settings in each Erlang: a map's order is not.
  defp fingerprint(settings) do
    term = {Enum.sort(settings.environment), settings.arguments, settings.otp}
    Base.encode16(:erlang.md5(:erlang.term_to_binary(term)), case: :lower)
  end

  defp cmake(args) do
    case System.find_executable("cmake") do
      nil ->
        "CMake is missing."

      cmake ->
        # The C locale keeps the compiler's messages readable for diagnostics/1.
        {output, _} = System.cmd(cmake, args, stderr_to_stdout: true, env: [{"LC_ALL", "C"}])
        output
    end
  end

  defp fail(message, diagnostics) do
    Mix.shell().error(message)
    {:error, if(diagnostics == [], do: [diagnostic(:error, message)], else: diagnostics)}
  end

  # What is missing goes first, in one line; CMake's own words are shown only where we have no better ones.
  defp configure_message(output) do
    case {missing(output), refused(output)} do
      {[], nil} ->
        "gossipd could not be configured:\n\n#{output}\n#{needs()}"

      {[], refused} ->
        "gossipd could not be configured.\n\n#{refused}"

      {missing, _} ->
        "gossipd could not be built, since this machine lacks #{Enum.join(missing, ", ")}.\n\n#{needs()}"
    end
  end

  defp missing(output) do
    for {pattern, name} <- [
          {~r/CMake is missing/, "CMake"},
          {~r/unable to find a build program/, "make"},
          {~r/No CMAKE_C_COMPILER could be found|CMAKE_C_COMPILER:\s+\S+\s+is not a full path/,
           "a C compiler"},
          {~r/Could not find compiler set in environment variable CC/,
           "the C compiler that CC names"},
          {~r/is not able to compile a simple test\s+program/,
           "a working C compiler (libc headers included)"},
          {~r/gossipd needs libsodium/, "libsodium"},
          {~r/gossipd needs libei/, "libei (Erlang's erl_interface)"}
        ],
        output =~ pattern,
        do: name
  end

  # CMake breaks the lines of what BundledSodium says.
  defp refused(output) do
    case Regex.run(
           ~r/(GOSSIP_SODIUM_SOURCE (?:is|does|cannot|holds) .*?)\n(?:\n|Call Stack)/s,
           output <> "\n\n"
         ) do
      [_, words] -> words |> String.split() |> Enum.join(" ")
      nil -> nil
    end
  end

  defp needs, do: File.read!(Path.join(source_dir(), "cmake/needs.txt"))

  # GCC and clang: FILE:LINE:COLUMN: warning|error: MESSAGE
  defp diagnostics(output) do
    for [_, file, line, severity, message] <-
          Regex.scan(~r/^(.+?):(\d+):\d+: (?:fatal )?(warning|error): (.*)$/m, output) do
      diagnostic(
        String.to_existing_atom(severity),
        message,
        Path.expand(file),
        String.to_integer(line)
      )
    end
  end

  defp diagnostic(severity, message, file \\ nil, position \\ nil) do
    %Diagnostic{
      compiler_name: "gossipd",
      file: file || Path.join(source_dir(), "CMakeLists.txt"),
      message: message,
      position: position,
      severity: severity
    }
  end

  # Everything that would make CMake's cache stale.
  defp settings do
    environment = Map.new(@settings, &{&1, System.get_env(&1)})

    %{
      environment: environment,
      arguments: arguments(environment),
      otp:
        {System.otp_release(), :erlang.system_info(:version),
         :erlang.system_info(:system_architecture)}
    }
  end

  defp arguments(environment) do
    ["-S", source_dir(), "-DGOSSIP_TESTS=OFF"] ++
      ["-DCMAKE_BUILD_TYPE=" <> (environment["CMAKE_BUILD_TYPE"] || "RelWithDebInfo")] ++
      toolchain(environment) ++
      ei(environment) ++
      sodium(environment) ++
      OptionParser.split(environment["GOSSIP_CMAKE_ARGS"] || "")
  end

  # CMake before 3.21 does not read it from the environment.
  defp toolchain(%{"CMAKE_TOOLCHAIN_FILE" => file}) when is_binary(file),
    do: ["-DCMAKE_TOOLCHAIN_FILE=" <> Path.expand(file)]

  # Nerves names the compiler and the target's files, and has no toolchain file. CMake would look for libraries where this
  # machine has its own.
  defp toolchain(%{"NERVES_SDK_SYSROOT" => sysroot} = environment) when is_binary(sysroot) do
    ["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_FIND_ROOT_PATH=" <> sysroot] ++
      for(
        {kind, where} <- [PROGRAM: "NEVER", LIBRARY: "ONLY", INCLUDE: "ONLY"],
        do: "-DCMAKE_FIND_ROOT_PATH_MODE_#{kind}=#{where}"
      ) ++
      ["-DCMAKE_SYSTEM_PROCESSOR=" <> (environment["TARGET_ARCH"] || "")]
  end

  defp toolchain(_environment), do: []

  defp ei(%{"ERL_EI_INCLUDE_DIR" => include, "ERL_EI_LIBDIR" => lib})
       when is_binary(include) and is_binary(lib),
       do: ei_arguments(include, lib)

  # The library of the machine that builds is of no use to the machine it builds for.
  defp ei(%{"CMAKE_TOOLCHAIN_FILE" => file}) when is_binary(file), do: []

  # Not :code.lib_dir(:erl_interface): later versions of mix prune the code path.
  defp ei(_environment) do
    dirs = Path.wildcard(Path.join(to_string(:code.lib_dir()), "erl_interface-*"))
    usr = Path.join(to_string(:code.root_dir()), "usr")
    dir = Enum.find(dirs, usr, &File.regular?(Path.join(&1, "include/ei.h")))
    ei_arguments(Path.join(dir, "include"), Path.join(dir, "lib"))
  end

  defp ei_arguments(include, lib),
    do: ["-DERL_EI_INCLUDE_DIR=" <> include, "-DERL_EI_LIBDIR=" <> lib]

  # Always both: what is no longer set must leave CMake's cache.
  defp sodium(environment) do
    source = environment["GOSSIP_SODIUM_SOURCE"] || ""
    source = if source == "", do: "", else: absolute(source)
    sum = environment["GOSSIP_SODIUM_SHA256"] || ""
    ["-DGOSSIP_SODIUM_SOURCE=" <> source, "-DGOSSIP_SODIUM_SHA256=" <> sum]
  end

  # What is built of, or taken: a change is seen by it.
  defp sources(settings) do
    patterns =
      case precompiled(settings) do
        nil -> Enum.map(@sources, &Path.join(source_dir(), &1))
        path -> ["mix.exs" | if(File.dir?(path), do: [path <> "/*"], else: [path, sums(path)])]
      end

    for pattern <- patterns, path <- Path.wildcard(pattern), uniq: true do
      %File.Stat{mtime: mtime, size: size} = File.stat!(path, time: :posix)
      {Path.relative_to(path, source_dir()), mtime, size}
    end
  end

  defp sums(path), do: Path.join(Path.dirname(path), "SHA256SUMS")

  defp read_manifest do
    with {:ok, binary} <- File.read(manifest()),
         %{version: @manifest_version} = manifest <- :erlang.binary_to_term(binary) do
      manifest
    else
      _ -> nil
    end
  rescue
    ArgumentError -> nil
  end

  # Whole, or not at all. A running gossipd keeps its old file: writing into it would fail with "text file busy".
  defp put!(path, bytes, mode) do
    new = "#{path}.#{part()}"
    write!(new, bytes)
    File.chmod!(new, mode)
    File.rename!(new, path)
  end

  defp write!(path, bytes) do
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, bytes)
  end

  defp manifest, do: Path.join(Mix.Project.manifest_path(), @manifest)
  defp executable, do: Path.join([Mix.Project.app_path(), "priv", "gossipd"])
  defp build_dir, do: Path.join(Mix.Project.app_path(), "gossipd_build")
  # Mix runs a dependency's compilers in the dependency's directory.
  defp source_dir, do: File.cwd!()
end
