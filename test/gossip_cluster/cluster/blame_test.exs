defmodule GossipCluster.Cluster.BlameTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Blame

  @patience 3_500

  # The answers to dials of a@x that fail: {cause, begun, ended} each.
  defp blamed(blame \\ %Blame{}, dials) do
    {blamed, _blame} =
      Enum.map_reduce(dials, blame, fn {cause, begun, now}, blame ->
        Blame.failed(blame, "a@x", cause, begun, now, @patience)
      end)

    blamed
  end

  test "the sidecar's verdict takes three intervals, which are those of the group's size" do
    assert Blame.patience(1_000, 2) == 3_500
    assert Blame.patience(200, 2) == 1_100
    assert Blame.patience(200, 1_000) == 5_900
  end

  test "a cause is blamed when two dials have failed for it, and it has lasted" do
    assert blamed([{:refused, 0, 1}, {:refused, 3_498, 3_499}, {:refused, 3_500, 3_500}]) ==
             [false, false, true]

    # One that takes long is one only.
    assert blamed([{:timeout, 0, 7_000}, {:timeout, 7_500, 9_000}]) == [false, true]
  end

  test "one that takes turns with another lasts all the same" do
    dials = [{:refused, 0, 1}, {:timeout, 1_000, 3_000}, {:refused, 3_600, 3_600}]
    assert blamed(dials) == [false, false, true]
  end

  test "after a lost connection it is the loss that the verdict follows" do
    lost = Blame.lost(%Blame{}, "a@x", 1_000)
    dials = [{:refused, 1_500, 1_500}, {:refused, 4_499, 4_499}, {:refused, 4_500, 4_500}]
    assert blamed(lost, dials) == [false, false, true]
    # And not those dials that failed before.
    {false, blame} = Blame.failed(%Blame{}, "a@x", :refused, 0, 0, @patience)
    assert blamed(Blame.lost(blame, "a@x", 1_000), [{:refused, 4_500, 4_500}]) == [false]
  end

  test "where no connection was lost, 5 s are enough, however seldom the group beats" do
    assert {false, blame} = Blame.failed(%Blame{}, "a@x", :refused, 0, 0, 60_000)
    assert {true, _blame} = Blame.failed(blame, "a@x", :refused, 5_000, 5_000, 60_000)
    lost = Blame.lost(blame, "a@x", 0)
    assert {false, blame} = Blame.failed(lost, "a@x", :refused, 5_000, 5_000, 60_000)
    assert {true, _blame} = Blame.failed(blame, "a@x", :refused, 60_000, 60_000, 60_000)
  end

  test "who is reached and refuses has to do so for longer than a connect of its own can last" do
    dials = [{:handshake, 0, 1}, {:handshake, 7_999, 7_999}, {:handshake, 8_000, 8_000}]
    assert blamed(dials) == [false, false, true]
  end

  test "this node's own rules are certain" do
    for cause <- [:atoms, :accept], do: assert(blamed([{cause, 0, 0}]) == [true])
  end

  test "what is forgotten begins anew, and of others nothing is forgotten" do
    {false, blame} = Blame.failed(%Blame{}, "a@x", :refused, 0, 0, @patience)
    assert blamed(Blame.forget(blame, "b@x"), [{:refused, 4_000, 4_000}]) == [true]
    assert blamed(Blame.forget(blame, "a@x"), [{:refused, 4_000, 4_000}]) == [false]
    assert Blame.forget(blame, "a@x") == %Blame{}
  end
end
