defmodule GossipCluster.Doctor.ExecutableTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.Executable
  alias GossipCluster.Hidden

  doctest GossipCluster.Doctor.Executable

  @moduletag :tmp_dir
  @key :binary.copy(<<0xAB>>, 32)

  # What comes of an executable that is this script.
  defp run(dir, script, keys, timeout \\ 60_000) do
    path = Path.join(dir, "gossipd")
    File.write!(path, "#!/bin/sh\n" <> script)
    File.chmod!(path, 0o755)
    Executable.run(path, ["doctor", "b@h2"], keys, [:udp], timeout)
  end

  test "keys go through its stdin, and are in no argument", %{tmp_dir: dir} do
    keys = Hidden.wrap([{:key, @key}, {:cookie, "OREO"}])
    script = ~S(while read -r line && [ -n "$line" ]; do echo "$line"; done; echo "$*")

    assert {:error, said} = run(dir, script, keys)
    assert said == "key #{Base.encode16(@key)}\ncookie 4F52454F\ndoctor b@h2"
  end

  test "what ends before it has read them says why", %{tmp_dir: dir} do
    keys = Hidden.wrap([{:key, @key}])
    assert {:error, "no memory"} = run(dir, "echo no memory; exit 2", keys)
  end

  test "what does not end is left, and ends by its pipe", %{tmp_dir: dir} do
    script = "echo $$ >#{dir}/pid\nwhile read -r line; do :; done; rm #{dir}/pid\n"
    assert {:error, text} = run(dir, script, nil, 1_000)
    assert text =~ "does not come to its end"
    assert ended?(Path.join(dir, "pid"), System.monotonic_time(:millisecond) + 60_000)
  end

  defp ended?(file, until) do
    not File.exists?(file) or
      (System.monotonic_time(:millisecond) < until and
         receive do
         after
           20 -> ended?(file, until)
         end)
  end
end
