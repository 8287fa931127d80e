defmodule GossipCluster.PrecompiledTest do
  # What GOSSIPD_PRECOMPILED names is taken only if it is what SHA256SUMS lists. That mix does so: build_test.
  use ExUnit.Case, async: true

  alias Mix.Tasks.Compile.Gossipd.Precompiled

  @target "x86_64-linux-musl"
  @name "gossipd-1.2.3-#{@target}"

  setup do
    dir = Path.join(System.tmp_dir!(), "gossip-precompiled-#{System.unique_integer([:positive])}")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    file = Path.join(dir, @name)
    File.write!(file, "the executable")
    sums(dir, [{digest("the executable"), @name}, {digest("another"), "gossipd-1.2.3-other"}])
    {:ok, dir: dir, path: file}
  end

  describe "read/3" do
    test "gives the bytes of the directory's executable for the target, and of a file", context do
      assert read(context.dir) == {:ok, "the executable"}
      assert read(context.path) == {:ok, "the executable"}
      assert Precompiled.read(context.path, "1.2.3", {:error, "no"}) == {:ok, "the executable"}
    end

    test "refuses what has other bytes, and says both digests", %{dir: dir, path: file} do
      File.write!(file, "the executablE")
      assert {:error, why} = read(dir)
      assert why =~ "#{file} is refused: its SHA-256 is #{digest("the executablE")}"
      assert why =~ "SHA256SUMS lists #{digest("the executable")}"
    end

    test "refuses what is not listed, is listed twice, or has no list", %{dir: dir, path: file} do
      sums(dir, [{digest("the executable"), "gossipd-1.2.3-other"}])
      assert read(dir) == {:error, "#{file} is refused: SHA256SUMS beside it does not list it"}
      sums(dir, [{digest("the executable"), @name}, {digest("another"), @name}])
      assert read(dir) == {:error, "#{file} is refused: SHA256SUMS lists it more than once"}
      File.rm!(Path.join(dir, "SHA256SUMS"))
      assert {:error, why} = read(dir)
      assert why =~ "SHA256SUMS cannot be read: no such file"
    end

    test "says which targets there are where this one is missing", %{dir: dir, path: file} do
      assert {:error, why} = Precompiled.read(dir, "1.2.3", {:ok, "riscv64-linux-gnu"})
      assert why =~ "#{dir} has no gossipd-1.2.3-riscv64-linux-gnu, but #{@name}. "
      File.rm!(file)
      assert {:error, why} = read(dir)
      assert why =~ "but none. "
      assert read(file) == {:error, "#{file} does not exist"}
      assert Precompiled.read(dir, "1.2.3", {:error, "not known"}) == {:error, "not known"}
    end

    test "refuses one of another version", %{dir: dir, path: file} do
      assert {:error, why} = Precompiled.read(dir, "1.2.4", {:ok, @target})
      assert why =~ "has no gossipd-1.2.4-#{@target}, but #{@name}"
      assert {:error, why} = Precompiled.read(file, "1.2.4", {:ok, @target})
      assert why == "#{file} is refused: this version's are called gossipd-1.2.4-TARGET"
    end
  end

  test "target/2 is what is set, what Nerves sets, or what Erlang was built for" do
    for {environment, architecture, expected} <- [
          {%{}, "x86_64-pc-linux-gnu", {:ok, "x86_64-linux-gnu"}},
          {%{}, "aarch64-unknown-linux-musl", {:ok, "aarch64-linux-musl"}},
          {%{}, "aarch64-linux-gnu", {:ok, "aarch64-linux-gnu"}},
          {%{"GOSSIPD_TARGET" => "a-b-c"}, "x86_64-pc-linux-gnu", {:ok, "a-b-c"}},
          {%{"GOSSIPD_TARGET" => ""}, "x86_64-pc-linux-gnu", {:ok, "x86_64-linux-gnu"}},
          {%{"MIX_TARGET" => "host"}, "x86_64-pc-linux-gnu", {:ok, "x86_64-linux-gnu"}},
          {%{
             "MIX_TARGET" => "rpi4",
             "TARGET_ARCH" => "aarch64",
             "TARGET_OS" => "linux",
             "TARGET_ABI" => "gnu"
           }, "x86_64-pc-linux-gnu", {:ok, "aarch64-linux-gnu"}}
        ],
        do: assert(Precompiled.target(environment, architecture) == expected)

    # What this machine is says nothing of the one it is for.
    assert {:error, why} = Precompiled.target(%{"MIX_TARGET" => "rpi4"}, "x86_64-pc-linux-gnu")
    assert why =~ "set GOSSIPD_TARGET"
    assert {:error, why} = Precompiled.target(%{}, "win32")
    assert why =~ "set GOSSIPD_TARGET"
  end

  defp read(path), do: Precompiled.read(path, "1.2.3", {:ok, @target})
  defp digest(bytes), do: Base.encode16(:crypto.hash(:sha256, bytes), case: :lower)

  defp sums(dir, lines) do
    text = for {digest, name} <- lines, do: "#{digest}  #{name}\n"
    File.write!(Path.join(dir, "SHA256SUMS"), text)
  end
end
