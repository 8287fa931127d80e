defmodule GossipCluster.Doctor.GroupFactsTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.{Findings, GroupFacts}

  @moduletag :tmp_dir
  @options %{
    group: "239.1.2.3",
    group6: "ff12::1",
    port: 4_000,
    ipv6: true,
    interfaces: {:except, ["docker*", "eth1"]}
  }

  # What comes of an executable that is this script.
  defp says(dir, script, listen \\ 0) do
    path = Path.join(dir, "gossipd")
    File.write!(path, "#!/bin/sh\n" <> script)
    File.chmod!(path, 0o755)
    GroupFacts.gather(@options, listen, path)
  end

  test "it is asked by the cluster's options, and for whole seconds", %{tmp_dir: dir} do
    asked = ~s(echo "$*")
    options = "--group 239.1.2.3 --port 4000 --group6 ff12::1 --except docker* --except eth1"
    assert says(dir, asked) == {:error, "doctor --json --for 1 #{options}"}
    assert says(dir, asked, 2_001) == {:error, "doctor --json --for 3 #{options}"}
  end

  test "its findings are taken over, but what is said elsewhere, or is none", %{tmp_dir: dir} do
    json = """
    {"findings":[
      {"cause":"it does not come back","do":"look","level":"warning","what":"no_echo"},
      {"cause":"eth9 is not up","do":"correct --interface","level":"warning","what":"interface"},
      {"cause":"3 packets","do":null,"level":"ok","what":"packets"},
      {"cause":"nothing of others is heard","do":"see","level":"warning","what":"alone"},
      {"cause":"x","do":null,"level":"fine","what":"echo"},
      {"cause":1,"do":null,"level":"ok","what":"echo"},
      {"what":"echo"}, 7, null
    ],"status":"warning"}
    """

    assert {:ok, findings} = says(dir, "cat <<'END'\n#{json}END\nexit 1\n")

    assert findings == [
             %{level: :warning, what: :no_echo, cause: "it does not come back", do: "look"},
             %{
               level: :warning,
               what: :interface,
               cause: "eth9 is not up",
               do: "correct --interface"
             },
             %{level: :ok, what: :packets, cause: "3 packets", do: nil}
           ]
  end

  test "what cannot be run, or says nothing of use, is told and is no cause", %{tmp_dir: dir} do
    assert {:error, "no memory"} = says(dir, "echo no memory >&2\nexit 2\n")
    assert {:error, why} = GroupFacts.gather(@options, 0, Path.join(dir, "none"))
    assert why =~ "is missing"
    assert {:error, _none} = GroupFacts.gather(@options, 0, nil)
    assert {:error, "{}"} = says(dir, "echo '{}'\n")

    assert %{level: :ok, cause: cause} = judged({:error, why}, :echo)
    assert cause =~ why
  end

  test "what it says to do is said in the cluster's words" do
    finding = %{level: :warning, what: :interface, cause: "eth9 is not up", do: "--interface"}
    assert %{cause: "eth9 is not up", do: mend} = judged({:ok, [finding]}, :interface)
    assert mend =~ "the option interfaces"
    silent = %{level: :broken, what: :no_echo, cause: "nothing comes back", do: "look"}
    assert judged({:ok, [silent]}, :no_echo) == silent
  end

  defp judged(group, what) do
    cluster = %{name: Shop, state: :none, others: [], options: %{port: 4_000}, gossipd: :ok}

    host = %{
      interfaces: [],
      error: nil,
      neighbors: [],
      group: group,
      group_port: nil,
      unicast_ports: nil
    }

    firewall = %{rules: :absent, manager: nil, verdicts: []}
    facts = %{node: %{name: nil}, tls: nil, peer: nil, compared: nil}
    facts = Map.merge(facts, %{cluster: cluster, host: host, firewall: firewall})
    facts |> Findings.judge() |> Enum.find(&(&1.what == what))
  end
end
