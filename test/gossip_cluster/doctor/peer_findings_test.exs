defmodule GossipCluster.Doctor.PeerFindingsTest do
  # What is concluded of peers, and what is not. That each cause is named by its fact alone is held by findings_test.exs.
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.PeerFindings
  alias GossipCluster.Peer

  @peer %Peer{
    name: "b@h2",
    creation: 1,
    port: 9_100,
    cookie: :same,
    addresses: [{{10, 0, 0, 2}, 45_894, 2}],
    connection: :waiting
  }
  @asked %{
    asked: "b@h2",
    known: nil,
    many: [],
    name: "b@h2",
    host: nil,
    resolves: nil,
    address: {10, 0, 0, 2},
    near: true,
    tcp: [],
    epmd: nil,
    udp: [],
    secret: true,
    answer: nil
  }
  @cluster %{state: :running, options: %{ttl: 1}, last: %{seeds: []}}
  @facts %{node: %{long_names: false, tls: false}, cluster: @cluster}

  defp asked(changes, facts \\ @facts) do
    for %{level: level, what: what} <-
          PeerFindings.asked(Map.merge(@asked, Map.new(changes)), facts),
        do: {level, what}
  end

  test "who is connected, or is being connected, is no trouble" do
    peers = [%{@peer | connection: :connected}, @peer]
    assert [counted, connecting] = PeerFindings.listed(%{state: :running, peers: peers})
    assert counted.cause == "2 listed, 1 connected"
    assert {connecting.level, connecting.what} == {:ok, :connecting}
    assert PeerFindings.listed(%{state: :none}) == []
  end

  test "nobody was asked about: nothing is said" do
    assert PeerFindings.asked(nil, @facts) == []
  end

  test "who answers under the key and is not listed is not met, and who does not is what was found out" do
    answers = %{level: :ok, what: :udp, cause: "b@h2 answers under this secret", do: nil}
    silent = %{level: :broken, what: :no_answer, cause: "nothing comes back", do: "open"}
    assert asked(answer: {:ok, [answers]}) == [{:ok, :udp}, {:warning, :not_listed}]
    assert asked(answer: {:ok, [silent]}) == [{:broken, :no_answer}]
    # It could not be asked: so no more is known than without.
    assert asked(answer: {:error, "no memory"}) == [{:ok, :udp}, {:warning, :not_listed}]

    [_udp, heard] = PeerFindings.asked(%{@asked | answer: {:ok, [answers]}}, @facts)
    assert heard.cause =~ "answers, and is not listed" and heard.do =~ "multicast"
    [asked, unheard] = PeerFindings.asked(%{@asked | answer: {:error, "no memory"}}, @facts)
    assert asked.cause =~ "no memory" and unheard.cause =~ "nothing of it is heard"
  end

  test "one address that is reached is enough; the others are not told" do
    closed = {{10, 0, 0, 2}, 9_100, {:error, :econnrefused}}
    open = {{10, 0, 1, 2}, 9_100, :ok}
    assert {:broken, :refused} in asked(known: @peer, tcp: [closed])
    findings = asked(known: @peer, tcp: [closed, open])
    assert {:ok, :tcp} in findings
    refute {:broken, :refused} in findings
    # A connection that is there all the same may be one that the other has made.
    assert {:warning, :refused} in asked(known: %{@peer | connection: :connected}, tcp: [closed])
  end

  test "silence of its ports tells nothing, and an answer of some does not, either" do
    for udp <- [[{45_893, :silent}], [{45_893, :closed}, {45_894, :silent}]],
        do: assert(asked(udp: udp) == [ok: :udp, warning: :not_listed])

    assert asked(udp: [{45_893, :closed}]) == [broken: :peer_not_running]
  end

  test "without a secret it is said what to give" do
    for {secret, said} <- [{false, true}, {true, false}] do
      peer = %{@asked | udp: [{45_893, :open_or_dropped}], secret: secret}
      [udp | _] = PeerFindings.asked(peer, @facts)
      assert {udp.level, udp.what} == {:ok, :udp}
      assert udp.cause =~ "--secret-file FILE" == said
    end
  end

  test "another subnet is a cause only where neither a TTL nor a seed leads there" do
    assert {:warning, :other_subnet} in asked(near: false)
    seeds = put_in(@facts.cluster.last.seeds, ["10.0.0.2"])
    ttl = put_in(@facts.cluster.options.ttl, 2)
    for facts <- [seeds, ttl], do: assert(asked([near: false], facts) == [warning: :not_listed])
  end
end
