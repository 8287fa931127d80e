defmodule GossipCluster.DoctorTest do
  # The doctor as it is called: by a function, and by its task.
  use ExUnit.Case, async: false

  import ExUnit.CaptureIO

  alias GossipCluster.Json
  alias Mix.Tasks.Gossip.Doctor

  test "the task examines the host where no cluster runs, and its exit status is the worst that it has found" do
    json =
      capture_io(fn ->
        status =
          catch_exit(Doctor.run(["--json", "--listen", "0", "--name", "Nobody", "127.0.0.1"]))

        assert status in [{:shutdown, 1}, {:shutdown, 2}]
        send(self(), status)
      end)

    assert {:ok, %{"status" => status, "findings" => findings, "code" => "GC1." <> _} = report} =
             Json.decode(String.trim(json))

    assert_received {:shutdown, code}
    assert status == %{1 => "warning", 2 => "broken"}[code]
    assert "not_running" in for(%{"what" => what} <- findings, do: what)
    assert %{"asked" => "127.0.0.1"} = report["facts"]["peer"]
  end

  test "where no cluster runs, another node is asked under the secret that one is configured with" do
    before = Application.get_env(:gossip_cluster, :clusters, [])
    on_exit(fn -> Application.put_env(:gossip_cluster, :clusters, before) end)

    # A port that nobody has any more; `nil`: it is only looked whether somebody has it.
    {:ok, socket} = :gen_udp.open(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :ok = :gen_udp.close(socket)
    arguments = ["--json", "--listen", "0", "--name", "Nobody", "127.0.0.1:#{port}"]

    for {secret, asked} <- [
          {[secret: {:key, String.duplicate("k", 32)}], true},
          {[secret: fn -> raise "no" end], false},
          # By the cookie of a node, which this VM is not.
          {[], false}
        ] do
      cluster = [name: Nobody, interfaces: ["lo"]] ++ secret
      Application.put_env(:gossip_cluster, :clusters, [cluster])
      json = capture_io(fn -> assert {:shutdown, _} = catch_exit(Doctor.run(arguments)) end)

      {:ok, %{"findings" => findings, "facts" => %{"peer" => peer}}} =
        Json.decode(String.trim(json))

      assert "peer_not_running" in for(%{"what" => what} <- findings, do: what)
      assert {peer["secret"], peer["answer"] != nil} == {asked, asked}
      refute json =~ "kkkk"
    end
  end

  test "people get lines, the last of which are causes" do
    text =
      capture_io(fn ->
        assert GossipCluster.doctor(name: Nobody, listen: 0, compare: "GC1.no") == :broken
      end)

    assert text =~ ~r/^BROKEN   the code cannot be read: .+ Do: copy the code again/m
    assert text =~ ~r/\nCode for the doctor of another machine: GC1\.[\w-]+\n/
    refute text =~ "\e["
  end

  test "what it does not know is refused" do
    # Not with the exit status of a warning.
    for {arguments, why} <- [
          {["--no-such"], "takes [PEER]"},
          {["a", "b"], "takes [PEER]"},
          {["--listen", "-1"], ":listen is -1"},
          {["224.0.0.1"], ":peer is \"224.0.0.1\""},
          {["h2", "--secret-file", "/nowhere"], ":secret_file is \"/nowhere\""},
          {["h2", "--secret-file", ""], ":secret_file is \"\""},
          {["h2", "--kind", "cooky"], ":kind is \"cooky\""},
          {["--secret-file", __ENV__.file], "asked about under it is to be named"},
          {["127.0.0.1", "--secret-file", __ENV__.file, "--listen", "0"],
           "cookie of 1 to 255 bytes"}
        ] do
      assert %Mix.Error{mix: 2, message: message} = catch_error(Doctor.run(arguments))
      assert message =~ why

      json =
        capture_io(fn ->
          assert catch_exit(Doctor.run(["--json" | arguments])) == {:shutdown, 2}
        end)

      assert {:ok, %{"error" => message} = error} = Json.decode(String.trim_trailing(json, "\n"))
      assert message =~ why and map_size(error) == 1
    end

    assert_raise ArgumentError, ~r/no option :pear/, fn -> GossipCluster.doctor(pear: "b@h2") end
    assert_raise ArgumentError, ~r/:listen is -1/, fn -> GossipCluster.doctor(listen: -1) end

    # Nobody, or more than one.
    for peer <-
          ["", "b@h\n2", "\e[31mh2", <<255>>, "h\0", String.duplicate("h", 264), 5] ++
            ["224.0.0.1", "b@224.0.0.1", "255.255.255.255", "0.0.0.0", "ff02::1"] ++
            ["::", "::ffff:10.0.0.1"],
        do:
          assert_raise(ArgumentError, ~r/:peer is .*, but must be a node's name/s, fn ->
            GossipCluster.doctor(peer: peer)
          end)
  end
end
