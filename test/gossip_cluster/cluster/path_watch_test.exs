defmodule GossipCluster.Cluster.PathWatchTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Cluster.PathWatch
  alias GossipCluster.Peer

  @ours {10, 0, 0, 1}
  @our_second {10, 1, 0, 1}
  @lan {10, 0, 0, 2}
  @second {10, 1, 0, 2}
  @path %{local: @ours, remote: {@lan, 9100}}

  defp peer(heard, own \\ [@lan, @second]),
    do: %Peer{name: "b", creation: 1, addresses: [{heard, 1, 1}], own_addresses: own}

  defp connected(path \\ @path) do
    %PathWatch{}
    |> PathWatch.own([@ours, @our_second], 0)
    |> PathWatch.connected("b", path, peer(@lan), 0)
  end

  # Runs until the probe that comes first has this result.
  defp probed(watch, result) do
    at = PathWatch.deadline(watch)
    assert {[], [], ^watch} = PathWatch.due(watch, at - 1)
    assert {[{"b", patience}], [], watch} = PathWatch.due(watch, at)
    assert PathWatch.deadline(watch) == nil
    {at, PathWatch.probed(watch, "b", result, at + patience)}
  end

  test "where it is connected to, while it is" do
    watch = connected()
    assert PathWatch.via(watch, "b") == {@lan, 9100}
    assert PathWatch.via(watch, "c") == nil
    assert PathWatch.deadline(watch) == nil
    watch = PathWatch.disconnected(watch, "b")
    assert PathWatch.via(watch, "b") == nil
    assert PathWatch.own(watch, [], 5).doubts == %{}
  end

  for {why, lost, found} <- [
        {:local, quote(do: &PathWatch.own(&1, [@our_second], &2)),
         quote(do: &PathWatch.own(&1, [@our_second, @ours], &2))},
        {:remote, quote(do: &PathWatch.updated(&1, peer(@second, [@second]), &2)),
         quote(do: &PathWatch.updated(&1, peer(@second), &2))}
      ] do
    test "an address that is gone (#{why}) for two seconds, and a probe that is not answered: dead" do
      watch = unquote(lost).(connected(), 1_000)
      {at, watch} = probed(watch, :silent)
      assert at == 2_000
      assert PathWatch.deadline(watch) == 3_000
      assert {[], [{"b", unquote(why), @path}], watch} = PathWatch.due(watch, 3_000)
      # It is said once.
      assert {[], [], ^watch} = PathWatch.due(watch, 4_000)
      assert PathWatch.via(watch, "b") == nil
    end

    test "an address that is back (#{why}) within two seconds changes nothing, whatever a probe has said" do
      watch = unquote(lost).(connected(), 1_000)
      assert unquote(found).(watch, 1_900).doubts == %{}
      {_at, watch} = probed(watch, :silent)
      watch = unquote(found).(watch, 2_999)
      assert PathWatch.deadline(watch) == nil
      assert PathWatch.via(watch, "b") == {@lan, 9100}
      # Gone again: the time begins anew.
      assert PathWatch.deadline(unquote(lost).(watch, 5_000)) == 6_000
    end

    test "an address that is gone (#{why}), and a probe that is answered: it is not asked again" do
      watch = unquote(lost).(connected(), 1_000)
      {_at, watch} = probed(watch, :answered)
      assert PathWatch.deadline(watch) == nil
      assert PathWatch.deadline(unquote(lost).(watch, 9_000)) == nil
      # It was back meanwhile.
      watch = watch |> unquote(found).(10_000) |> unquote(lost).(11_000)
      assert PathWatch.deadline(watch) == 12_000
    end
  end

  test "a peer that is heard elsewhere: probed at once, and dead when that is not answered" do
    watch = PathWatch.updated(connected(), peer(@second), 1_000)
    {1_000, watch} = probed(watch, :silent)
    assert {[], [{"b", :elsewhere, @path}], _watch} = PathWatch.due(watch, 2_600)
  end

  test "a peer that is heard elsewhere, and whose connection lives: not asked again until it moves" do
    watch = PathWatch.updated(connected(), peer(@second), 1_000)
    {_at, watch} = probed(watch, :answered)
    assert PathWatch.deadline(PathWatch.updated(watch, peer(@second), 3_000)) == nil
    # Back where the connection leads.
    watch = PathWatch.updated(watch, peer(@lan), 4_000)
    assert PathWatch.deadline(watch) == nil
    assert PathWatch.deadline(PathWatch.updated(watch, peer(@second), 5_000)) == 5_000
  end

  test "what is not doubted: the loopback, a peer that says no addresses, an end of ours that nobody knows" do
    loopback = %{local: {127, 0, 0, 1}, remote: {{127, 0, 0, 1}, 9100}}
    own = [{127, 0, 0, 1}, @ours]

    watch =
      PathWatch.connected(PathWatch.own(%PathWatch{}, own, 0), "b", loopback, peer(@ours), 0)

    assert PathWatch.deadline(PathWatch.updated(watch, peer(@second, [@second]), 1)) == nil

    assert PathWatch.deadline(PathWatch.updated(connected(), peer(@lan, []), 1)) == nil
    # Rewritten by a router: heard where it is connected.
    assert PathWatch.deadline(PathWatch.updated(connected(), peer(@lan, [@second]), 1)) == nil

    watch = connected(%{@path | local: nil})
    assert PathWatch.deadline(PathWatch.own(watch, [@our_second], 1)) == nil
    # Nobody could say which addresses there are.
    assert PathWatch.deadline(PathWatch.own(connected(), [], 1)) == nil
  end

  test "connected over an address that is gone already: doubted from then on" do
    watch =
      PathWatch.connected(connected(), "b", %{@path | local: {10, 9, 9, 9}}, peer(@lan), 500)

    assert PathWatch.deadline(watch) == 1_500
  end

  test "what is said of it" do
    assert PathWatch.text(:elsewhere, @path) ==
             "the path to 10.0.0.2 (from 10.0.0.1), over which it is connected, is dead: the peer is heard elsewhere, and " <>
               "nothing comes over it; it is connected anew over another"

    assert PathWatch.text(:local, %{@path | local: nil}) =~ "the path to 10.0.0.2, over which"
    assert PathWatch.text(:remote, @path) =~ "its host does not have that address"
  end
end
