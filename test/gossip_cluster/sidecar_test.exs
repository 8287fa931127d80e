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
          {143, "killed by signal 15"},
          {159, "that its sandbox does not allow"}
        ],
        do: assert(Sidecar.exit_status(status) =~ words)
  end

  test "the executable stands in the application's own priv" do
    assert Sidecar.path() == Application.app_dir(:gossip_cluster, "priv/gossipd")
    assert Path.type(Sidecar.path()) == :absolute
    assert {:error, :no_priv, _text} = Sidecar.open(nil, true)
  end

  test "a command to a port that is closed is not sent, and does not raise" do
    {:ok, port} = Sidecar.open(GossipCluster.FakeSidecar.script("cat >/dev/null"), true)
    Sidecar.close(port)
    refute Sidecar.command(port, :pulse)
    assert :ok = Sidecar.close(port)
  end

  # The sidecar that users get: under AddressSanitizer, as in the C tests, nothing is locked.
  test "the keys stay out of swap, core files, arguments and environment" do
    key = "no_other_process_knows_this_key_"
    {:ok, port} = Sidecar.open(Sidecar.path(), true)

    assert Sidecar.command(
             port,
             {:configure,
              %{
                version: GossipCluster.Sidecar.Codec.protocol(),
                cluster: "",
                keys: [key: key],
                group: "233.252.1.33",
                port: 45_893,
                interfaces: {:only, ["lo"]},
                ttl: 0,
                interval: 1_000,
                max_peers: 16,
                heartbeats: false,
                advertise: "",
                unicast_port: {0, 0},
                broadcast: false,
                group6: ""
              }}
           )

    assert_receive {^port, {:data, _ready}}, 5_000
    {:os_pid, pid} = Port.info(port, :os_pid)
    assert [_, locked] = Regex.run(~r/VmLck:\s+(\d+) kB/, File.read!("/proc/#{pid}/status"))
    # No more than many systems let a process lock.
    assert String.to_integer(locked) in 1..64
    assert File.read!("/proc/#{pid}/limits") =~ ~r/Max core file size\s+0\s+0\s/
    for file <- ["cmdline", "environ"], do: refute(File.read!("/proc/#{pid}/#{file}") =~ key)
    Sidecar.close(port)
  end
end
