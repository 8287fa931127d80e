defmodule GossipCluster.SidecarTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Sidecar

  test "every failure to start it names the mend" do
    for {reason, mend} <- [
          {:enoent, "mix compile"},
          {:eacces, "chmod +x"},
          {:eisdir, "is a directory"},
          {:emfile, "ulimit"},
          {:enomem, "raise the limits"},
          {:enotdir, "give the option :sidecar the absolute path"},
          {:no_priv, "give the option :sidecar the absolute path"},
          {:eio, "cannot be started: eio"}
        ] do
      text = Sidecar.failure(reason, "/here/gossipd")
      assert text =~ mend
      refute text =~ "\n"
    end
  end

  test "every exit status is explained" do
    for {status, words} <- [
          {0, "exited with status 0"},
          {1, "exited with status 1"},
          {8, "architecture"},
          {127, "a library or loader that it needs is missing"},
          {137, "killed by signal 9"},
          {139, "killed by signal 11"},
          {143, "killed by signal 15"}
        ],
        do: assert(Sidecar.exit_status(status) =~ words)
  end

  test "the executable stands in the application's own priv" do
    assert Sidecar.path() == Application.app_dir(:gossip_cluster, "priv/gossipd")
    assert Path.type(Sidecar.path()) == :absolute
    assert {:error, :no_priv, _text} = Sidecar.open(nil)
  end

  test "a command to a port that is closed is not sent, and does not raise" do
    {:ok, port} = Sidecar.open(GossipCluster.FakeSidecar.script("cat >/dev/null"))
    Sidecar.close(port)
    refute Sidecar.command(port, :pulse)
    assert :ok = Sidecar.close(port)
  end
end
