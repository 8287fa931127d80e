defmodule GossipCluster.Doctor.ReportTest do
  # What is printed of what was found.
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.Report
  alias GossipCluster.{Json, Peer}

  test "a report has a line a cause, at its end, and the same as JSON" do
    findings = [
      %{
        level: :broken,
        what: :timeout,
        cause: ~s(:"b@h2": its distribution port does not answer),
        do: "open it"
      },
      %{level: :ok, what: :peers, cause: "1 listed, 0 connected", do: nil}
    ]

    facts = %{node: %{listener: {{0, 0, 0, 0}, 9_100}}, peer: %Peer{name: "b@h2", creation: 1}}
    report = %{status: :broken, findings: findings, code: "GC1.x", facts: facts}
    lines = report |> Report.text(false) |> String.split("\n", trim: true)
    assert [head, line] = Enum.take(lines, -2)
    assert head == "One cause, and what to do:"

    assert line ==
             ~s(BROKEN   :"b@h2": its distribution port does not answer. Do: open it. (timeout\))

    assert Report.text(report, true) =~ "\e[31mBROKEN"

    assert {:ok, json} = report |> Report.json() |> Json.decode()
    assert json["status"] == "broken" and json["code"] == "GC1.x"

    assert %{"level" => "broken", "what" => "timeout", "do" => "open it"} = hd(json["findings"])

    assert json["facts"]["peer"]["name"] == "b@h2"
    assert json["facts"]["node"]["listener"] == ["0.0.0.0", 9_100]
  end

  test "where all is well it says just that at its end" do
    report = %{status: :ok, findings: [], code: "GC1.x", facts: %{}}
    assert Report.text(report, false) =~ ~r/GC1\.x\n\nAll is well\.\n\z/
  end
end
