defmodule GossipCluster.HardeningTest do
  # What compiler and linker add against faults that nobody knows of yet (cmake/GossipFlags.cmake): that the executable
  # of users, as `mix compile` builds it, has it.
  use ExUnit.Case, async: true

  alias GossipCluster.{Json, Sidecar}

  @build Path.join(Mix.Project.app_path(), "gossipd_build")

  defp readelf(options, file) do
    {text, 0} = System.cmd("readelf", options ++ ["-W", file])
    text
  end

  defp commands do
    {:ok, commands} = Json.decode(File.read!(Path.join(@build, "compile_commands.json")))

    for %{"command" => command, "file" => file} <- commands,
        file =~ "/priv_src/",
        do: {Path.basename(file), command}
  end

  test "it is position independent, has no executable stack, and nothing to write to once it is linked" do
    path = Sidecar.path()
    assert readelf(["-h"], path) =~ ~r/Type: +DYN/
    dynamic = readelf(["-d"], path)
    assert dynamic =~ ~r/\(FLAGS\) +.*BIND_NOW/
    assert dynamic =~ ~r/\(FLAGS_1\) +Flags: .*\bNOW\b.*\bPIE\b/
    refute dynamic =~ ~r/\((RPATH|RUNPATH|TEXTREL)\)/
    segments = readelf(["-l"], path)
    assert segments =~ ~r/GNU_RELRO/
    assert segments =~ ~r/GNU_STACK +(0x\w+ +){5}RW +0x/
    refute segments =~ ~r/ (RWE|WE) /
  end

  test "its stack is guarded, and what it copies is checked" do
    symbols = readelf(["--dyn-syms"], Sidecar.path())
    assert symbols =~ "__stack_chk_fail"
    assert symbols =~ "__memcpy_chk"
  end

  # Asked of the compiler itself: what the build does not look for it would not miss.
  @tag :tmp_dir
  test "every source is compiled with all that the compiler has", %{tmp_dir: dir} do
    commands = commands()
    assert length(commands) > 60
    cache = File.read!(Path.join(@build, "CMakeCache.txt"))

    flags = [
      "-fstack-protector-strong",
      "-fstack-clash-protection",
      "-fcf-protection=full",
      "-mbranch-protection=standard",
      "-D_FORTIFY_SOURCE=3"
    ]

    # Where this one clears what it should not, it is no flag of ours: see below.
    zero =
      if cache =~ ~r/^GOSSIP_CLEARS_PADDING_ALONE:INTERNAL=1$/m,
        do: ["-ftrivial-auto-var-init=zero"],
        else: []

    known = for flag <- flags, known?(flag, dir), do: flag
    # Of gcc 12 and clang 16 on; on x86-64 there is CET, on arm64 PAC and BTI.
    assert "-fstack-protector-strong" in known
    assert "-fcf-protection=full" in known or "-mbranch-protection=standard" in known

    for flag <- known ++ zero,
        {file, command} <- commands,
        do: assert(command =~ " #{flag} ", "#{file} is compiled without #{flag}")
  end

  # By the compiler; of FORTIFY's level the C library must know, too.
  defp known?(flag, dir) do
    source = Path.join(dir, "known.c")

    File.write!(source, """
    #include <string.h>
    #if defined(_FORTIFY_SOURCE) && defined(__GLIBC__) && __USE_FORTIFY_LEVEL < _FORTIFY_SOURCE
    #error unknown to the C library
    #endif
    int main(void) { return 0; }
    """)

    arguments = ["-U_FORTIFY_SOURCE", "-O2", "-Werror", flag, "-c", source, "-o", source <> ".o"]
    {_output, status} = System.cmd(compiler(), arguments, stderr_to_stdout: true)
    status == 0
  end

  # gcc 12 clears 7 bytes of a ring's first key with -ftrivial-auto-var-init=zero.
  @tag :tmp_dir
  test "no flag makes the compiler clear a part of a key", %{tmp_dir: dir} do
    [command] = for {"seal.c", command} <- commands(), do: command
    flags = for flag <- String.split(command), flag =~ ~r/^-[fm]/, do: flag
    assert length(flags) > 3
    program = Path.join(dir, "clears_padding")

    for level <- ~w(-O0 -O1 -O2) do
      arguments = flags ++ [level, "-DRUNS", "cmake/clears_padding.c", "-o", program]
      assert {"", 0} = System.cmd(compiler(), arguments, stderr_to_stdout: true)
      assert {"", 0} = System.cmd(program, [], stderr_to_stdout: true)
    end
  end

  defp compiler do
    [[_, path]] =
      Regex.scan(
        ~r/^CMAKE_C_COMPILER:\w+=(.*)$/m,
        File.read!(Path.join(@build, "CMakeCache.txt"))
      )

    path
  end

  # The executable as a whole is marked so only where each archive in it is, which Debian's are not.
  test "on x86-64 every object of ours is marked for CET" do
    if to_string(:erlang.system_info(:system_architecture)) =~ "x86_64" do
      for archive <- ["libgossip_core.a", "libgossip_io.a", "libgossipd_parts.a"] do
        notes = readelf(["-n"], Path.join(@build, archive))
        objects = for object <- String.split(notes, "File: "), object =~ ".c.o)", do: object
        assert length(objects) > 5
        for object <- objects, do: assert(object =~ "x86 feature: IBT, SHSTK")
      end
    end
  end
end
