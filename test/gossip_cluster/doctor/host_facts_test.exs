defmodule GossipCluster.Doctor.HostFactsTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.HostFacts

  # As Linux 6.1 writes it, on two processors.
  @arp """
  entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast
  0000010c  0003013e 0002e6e0 00000003   000ee3da 0005f9d8 0000143f   00000000
  0000010c  00027c5a 000295dc 00000005   000cbd56 00056233 00001546   00000000
  """

  @tag :tmp_dir
  test "how many neighbors the kernel remembers, and may", %{tmp_dir: proc} do
    assert HostFacts.neighbors(proc) == []
    write(proc, "net/stat/arp_cache", @arp)
    assert HostFacts.neighbors(proc) == []
    write(proc, "sys/net/ipv4/neigh/default/gc_thresh3", "1024\n")
    assert HostFacts.neighbors(proc) == [{"IPv4", 268, 1_024}]

    write(proc, "net/stat/ndisc_cache", String.replace(@arp, "0000010c", "00000400"))
    write(proc, "sys/net/ipv6/neigh/default/gc_thresh3", "1024\n")
    assert HostFacts.neighbors(proc) == [{"IPv4", 268, 1_024}, {"IPv6", 1_024, 1_024}]

    for other <- ["", "entries\n", "entries\nmany\n"] do
      write(proc, "net/stat/arp_cache", other)
      assert [{"IPv6", _, _}] = HostFacts.neighbors(proc)
    end
  end

  defp write(proc, path, text) do
    path = Path.join(proc, path)
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, text)
  end
end
