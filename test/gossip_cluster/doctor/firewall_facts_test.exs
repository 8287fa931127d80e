defmodule GossipCluster.Doctor.FirewallFactsTest do
  # What is made of what nft and iptables say, which programs of the test's own stand for: the path is that of the VM.
  use ExUnit.Case, async: false

  alias GossipCluster.Doctor.FirewallFacts

  @packet {:firewall_group_in,
           %{hook: :input, protocol: :udp, port: 45_893, to: {233, 252, 1, 33}, interface: "eth0"}}

  setup do
    dir = Path.join(System.tmp_dir!(), "gossip-doctor-#{System.unique_integer([:positive])}")
    File.mkdir_p!(dir)
    path = System.get_env("PATH")
    System.put_env("PATH", dir <> ":" <> path)

    on_exit(fn ->
      System.put_env("PATH", path)
      File.rm_rf!(dir)
    end)

    {:ok, dir: dir}
  end

  defp says(dir, script) do
    file = Path.join(dir, "nft")
    File.write!(file, "#!/bin/sh\n" <> script)
    File.chmod!(file, 0o755)
    FirewallFacts.gather([@packet])
  end

  test "rules that are read are judged, and who has written them is known by their names", %{
    dir: dir
  } do
    chain =
      ~s({"chain": {"family": "inet", "table": "firewalld", "name": "in", "type": "filter", "hook": "input", "prio": 0, ) <>
        ~s("policy": "drop"}})

    facts = says(dir, "echo warning >&2\necho '{\"nftables\": [#{chain}]}'\n")
    assert %{rules: :read, manager: :firewalld, verdicts: [verdict]} = facts
    assert %{what: :firewall_group_in, verdict: :drop, by: "inet firewalld in"} = verdict
  end

  test "who may not read them is told from what cannot be read", %{dir: dir} do
    denied = "echo 'Operation not permitted (you must be root)' >&2\nexit 1\n"
    assert %{rules: :denied, verdicts: []} = says(dir, denied)
    assert %{rules: :unreadable} = says(dir, "echo 'no such thing' >&2\nexit 1\n")
    assert %{rules: :unreadable} = says(dir, "echo 'no JSON'\n")
  end
end
