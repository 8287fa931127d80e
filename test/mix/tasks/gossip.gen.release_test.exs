defmodule Mix.Tasks.Gossip.Gen.ReleaseTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  alias Mix.Tasks.Gossip.Gen.Release

  test "copies what is missing, and replaces what differs only where that is wanted" do
    dir = Path.join(System.tmp_dir!(), "gossip-gen-release-#{System.unique_integer([:positive])}")
    on_exit(fn -> File.rm_rf!(dir) end)
    run = fn args, input -> capture_io(input, fn -> Release.run(["--dir", dir | args]) end) end
    file = Path.join(dir, "vm.args.eex")

    assert run.(["--dry-run"], "") =~ "+ -start_epmd false"
    refute File.exists?(dir)
    assert run.([], "") =~ "#{file} is written."

    for name <- File.ls!("rel"),
        do: assert(File.read!(Path.join(dir, name)) == File.read!("rel/#{name}"))

    assert run.([], "") =~ "#{file} is this version's: it stays."

    File.write!(file, "+P 5000000\n")
    shown = run.([], "n\n")

    assert shown =~ "- +P 5000000" and shown =~ "+ -start_epmd false" and
             shown =~ "stays as it is"

    # Nobody is there to answer.
    run.([], "")
    assert File.read!(file) == "+P 5000000\n"
    run.([], "y\n")
    assert File.read!(file) == File.read!("rel/vm.args.eex")
    File.write!(file, "+P 5000000\n")
    run.(["--force"], "")
    assert File.read!(file) == File.read!("rel/vm.args.eex")
    assert_raise Mix.Error, ~r/takes --dir DIR/, fn -> Release.run(["--hex"]) end
  end
end
