defmodule GossipCluster.Doctor.MendsTest do
  # What to do about a cause, in words.
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.Mends

  doctest GossipCluster.Doctor.Mends

  test "the texts of the library come apart into cause and mend" do
    for {cause, mend, text} <- [
          {"its distribution port is closed (10.0.0.2 port 9100)", "open that TCP port",
           "its distribution port is closed (10.0.0.2 port 9100): a firewall rejects it, or nothing listens there; open that TCP port"},
          {"nobody answers this node any more", "look at its cable, its network and its firewall",
           "nobody answers this node any more: look at its cable, its network and its firewall"},
          {"this node has no name, so nobody can find it", "give it one",
           "this node has no name, so nobody can find it: give it one"},
          {"no route leads to it (10.0.0.2 port 1: enetunreach)",
           "check routes, netmask and firewall",
           "no route leads to it (10.0.0.2 port 1: enetunreach): check routes, netmask and firewall"}
        ] do
      {found, rest} = Mends.split(text)
      assert String.starts_with?(found, cause)
      assert String.starts_with?(rest, mend)
    end
  end
end
