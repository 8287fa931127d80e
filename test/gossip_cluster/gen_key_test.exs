defmodule GossipCluster.GenKeyTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  alias GossipCluster.{Hidden, Options}
  alias Mix.Tasks.Gossip.Gen.Key

  test "prints a key that a cluster takes, another each time" do
    [one, two] = for _ <- 1..2, do: capture_io(fn -> Key.run([]) end)
    assert one != two
    assert String.length(String.trim(one)) == 44
    assert [{:key, <<_::256>>}] = Hidden.unwrap(Options.validate!(secret: {:key, one}).secret)
  end

  test "writes it to a file of the user's own, but over none" do
    path = Path.join(System.tmp_dir!(), "gossip-gen-key-#{System.unique_integer([:positive])}")
    on_exit(fn -> File.rm(path) end)
    printed = capture_io(fn -> Key.run(["--file", path]) end)
    assert printed =~ "The key is in #{path}"
    key = File.read!(path)
    refute printed =~ String.trim(key)
    assert Bitwise.band(File.stat!(path).mode, 0o777) == 0o600
    assert [{:key, <<_::256>>}] = Hidden.unwrap(Options.validate!(secret: {:file, path}).secret)
    assert_raise Mix.Error, ~r/file already exists/, fn -> Key.run(["--file", path]) end
    assert File.read!(path) == key
    assert_raise Mix.Error, ~r/takes nothing, or --file PATH/, fn -> Key.run(["--hex"]) end
  end
end
