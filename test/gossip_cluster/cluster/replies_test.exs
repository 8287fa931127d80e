defmodule GossipCluster.Cluster.RepliesTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.Replies

  test "each is answered when so many are connected, the least demanding first, and once" do
    {two, replies} = Replies.await(%Replies{}, :b, 2)
    {one, replies} = Replies.await(replies, :a, 1)
    {also, replies} = Replies.await(replies, :c, 2)
    assert {[], ^replies} = Replies.connected(replies, 0)
    assert {[{^one, :a}], replies} = Replies.connected(replies, 1)
    assert {[], replies} = Replies.connected(replies, 1)
    assert {[{^two, :b}, {^also, :c}], replies} = Replies.connected(replies, 5)
    assert {[], replies} = Replies.connected(replies, 5)
    assert replies.awaits == %{}
  end

  test "who awaits nobody is answered at once" do
    {ref, replies} = Replies.await(%Replies{}, :a, 0)
    assert {[{^ref, :a}], _replies} = Replies.connected(replies, 0)
  end

  test "who waits no more leaves nothing behind" do
    {ref, replies} = Replies.await(%Replies{}, :a, 1)
    assert {:a, replies} = Replies.cancel(replies, ref)
    assert {nil, replies} = Replies.cancel(replies, ref)
    assert {[], replies} = Replies.connected(replies, 9)
    assert replies.awaits == %{} and :gb_sets.is_empty(replies.order)
  end

  test "the goodbyes are sent for all at once, or waited for long enough by one" do
    {a, replies} = Replies.leave(%Replies{}, :a)
    {b, replies} = Replies.leave(replies, :b)
    {c, replies} = Replies.leave(replies, :c)
    assert {:b, replies} = Replies.left(replies, b)
    assert {nil, replies} = Replies.left(replies, b)
    assert {left, replies} = Replies.left(replies)
    assert Enum.sort(left) == Enum.sort([{a, :a}, {c, :c}])
    assert {[], _replies} = Replies.left(replies)
  end

  test "each gets the counters that it asked for, or none" do
    {a, replies} = Replies.stats(%Replies{}, :a)
    {b, replies} = Replies.stats(replies, :alone)
    assert a != b
    assert {:alone, replies} = Replies.counted(replies, b)
    assert {nil, replies} = Replies.counted(replies, b)
    assert {[{^a, :a}], replies} = Replies.uncounted(replies)
    assert {nil, _replies} = Replies.counted(replies, a)
  end

  test "references fit into the 31 bits that the sidecar echoes" do
    {last, replies} = Replies.stats(%{%Replies{} | next: 0x7FFFFFFF}, :a)
    assert last == 0x7FFFFFFF
    assert {0, _replies} = Replies.stats(replies, :b)
  end
end
