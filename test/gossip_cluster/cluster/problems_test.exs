defmodule GossipCluster.Cluster.ProblemsTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Problems

  test "a trouble is said once, also where two take turns, and is news after it was over" do
    assert {true, problems} = Problems.note(%Problems{}, "a@x", "one")
    assert {false, problems} = Problems.note(problems, "a@x", "one")
    assert {true, problems} = Problems.note(problems, "a@x", "two")
    assert {false, problems} = Problems.note(problems, "a@x", "one")
    # Of another it is another.
    assert {true, problems} = Problems.note(problems, "b@x", "one")
    assert {true, problems} = Problems.note(Problems.clear(problems, "a@x"), "a@x", "one")
    assert {false, _problems} = Problems.note(problems, "b@x", "one")
  end

  test "words that are ever new are said eight times" do
    {said, _problems} =
      Enum.map_reduce(1..20, %Problems{}, &Problems.note(&2, "a@x", "try #{&1}"))

    assert Enum.count(said, & &1) == 8
  end

  test "what keeps a peer from being connected stands until it is cleared" do
    problems = Problems.put(%Problems{}, "a@x", {:timeout, "text"})
    assert Problems.get(problems, "a@x") == {:timeout, "text"}
    assert Problems.get(problems, "b@x") == nil
    assert Problems.get(Problems.clear(problems, "a@x"), "a@x") == nil
    assert Problems.clear(problems, "b@x") == problems
  end

  test "what needs no look" do
    for reason <- [:cookie, :name_type, :tls, :bad_name, :conflict],
        do: assert(Problems.skipped(reason) =~ ~r/give|start all|must be/)

    for reason <- [:not_alive, :refused], do: assert(Problems.skipped(reason) == nil)
  end
end
