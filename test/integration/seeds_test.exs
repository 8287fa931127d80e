defmodule GossipCluster.Integration.SeedsTest do
  # No multicast leads anywhere: nodes meet by seeds, named by address and by a real name server, which comes late, and
  # goes away.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Lab.NameServer

  @moduletag timeout: 120_000

  test "three nodes meet by one seed's address, and by a name that is there at last; the name server goes, they stay" do
    lab = Lab.start(hosts: 3)

    for host <- 1..3 do
      Filter.rules(lab, host, """
      table inet firewall {
        chain input {
          type filter hook input priority 0;
          iifname "eth0" ip daddr 224.0.0.0/4 counter drop
          iifname "eth0" ip6 daddr ff00::/8 udp dport 45893 drop
        }
      }
      """)
    end

    server = NameServer.start(lab, 1)
    inetrc = Path.join(lab.dir, "inetrc")

    File.write!(inetrc, """
    {resolv_conf, ""}.
    {hosts_file, ""}.
    {lookup, [dns]}.
    {nameserver, #{:io_lib.format("~p", [Lab.ip(1)])}}.
    """)

    dns = [flags: ["-kernel", "inetrc", ~s("#{inetrc}")]]
    seed = Lab.ip(1) |> :inet.ntoa() |> to_string()

    specs = [
      {"a", host: 1, cluster: [interval: 200, seeds: [seed]]},
      {"b", host: 2, cluster: [interval: 200, seeds: [seed]]},
      {"c", [host: 3, cluster: [interval: 200, seeds: [{:dns, "shop.test"}]]] ++ dns}
    ]

    [a, b, c] = nodes = Node.start_all(lab, specs)
    both_connected(a, b, nodes)

    # One's own address is harmless, and is shown.
    assert [%{seed: ^seed, addresses: [{_ip, 45_894, 45_901}], error: nil}] = Node.status(a).seeds

    eventually("c says that its seed has no address", nodes, fn ->
      match?(
        {:ok, [{nil, :seed, "seed shop.test cannot be resolved: " <> _}]},
        {Node.status(c).health, problems(c)}
      )
    end)

    assert Node.peers(c) == []
    NameServer.answer(server, [{Lab.ip(1), "shop.test"}])
    for node <- [a, b], do: both_connected(node, c, nodes)

    assert [%{seed: "shop.test", addresses: [{ip, 45_894, 45_901}], error: nil}] =
             Node.status(c).seeds

    assert ip == Lab.ip(1)
    assert problems(c) == []

    # Nothing of that came by multicast, and nobody minds that the name server has gone.
    for host <- 1..3, do: assert(Filter.dropped(lab, host, "firewall", "input") > 0)
    NameServer.stop(server)

    d =
      Node.start(
        lab,
        "d",
        [host: 3, cluster: [interval: 200, seeds: [seed, {:dns, "shop.test"}]]] ++ dns
      )

    both_connected(a, d, [d | nodes])
    assert [%{addresses: [_]}] = Node.status(c).seeds
    for node <- [a, b], do: assert(Node.peer(node, c).connection == :connected)
  end

  # But for one that is known after a while: that no multicast arrives, which is so.
  defp problems(node),
    do: Enum.reject(Node.status(node).problems, &match?({nil, :deaf, _text}, &1))

  defp both_connected(one, other, nodes) do
    for {node, peer} <- [{one, other}, {other, one}] do
      eventually(
        "#{node.name} and #{peer.name} are connected",
        nodes,
        fn -> match?(%{connection: :connected}, Node.peer(node, peer)) end,
        30_000
      )
    end
  end
end
