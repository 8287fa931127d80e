defmodule GossipCluster.Lab.Filter do
  @moduledoc """
  What becomes of packets in a `GossipCluster.Lab`: some are lost, all between two hosts, what goes to the group, or
  connections are reset, by rules of nft in a host or in the switch.

      Filter.part(lab, 1, 2)
      Filter.join(lab, 1, 2)
  """

  import ExUnit.Assertions

  alias GossipCluster.Lab

  @doc "Gives a host a firewall's rules, or the switch, as nft reads them. They must be right."
  @spec rules(Lab.t(), pos_integer() | :switch, String.t()) :: :ok
  def rules(lab, n, rules) do
    path = Path.join(lab.dir, "rules")
    File.write!(path, rules)
    Lab.in_host(lab, n, ["nft", "-f", path])
  end

  @doc "Lets a host's firewall `drop`, or `reject with tcp reset`, each TCP connection that is made to it."
  @spec firewall(Lab.t(), pos_integer(), String.t()) :: :ok
  def firewall(lab, n, verdict) do
    rules(lab, n, """
    table inet firewall {
      chain input {
        type filter hook input priority 0;
        iifname "eth0" tcp flags & (syn | ack) == syn #{verdict}
      }
    }
    """)
  end

  @doc "Lets each packet that reaches a host over the switch be lost with this probability; 0 ends that."
  @spec lose(Lab.t(), pos_integer(), 0..100) :: :ok
  def lose(lab, n, percent) do
    rules(lab, n, """
    table inet lab
    delete table inet lab
    table inet lab {
      chain loss {
        type filter hook prerouting priority -300;
        iifname "eth0" numgen random mod 100 < #{percent} counter drop
      }
    }
    """)
  end

  @doc "How many packets `lose/3` has dropped on a host."
  @spec lost(Lab.t(), pos_integer()) :: non_neg_integer()
  def lost(lab, n), do: dropped(lab, n, "lab", "loss")

  @doc "How many packets the first rule of a chain that counts has counted on a host."
  @spec dropped(Lab.t(), pos_integer(), String.t(), String.t()) :: non_neg_integer()
  def dropped(lab, n, table, chain), do: counted(lab, n, "inet", table, chain)

  defp counted(lab, n, family, table, chain) do
    {rules, 0} =
      System.cmd(
        "ip",
        ~w(netns exec #{Lab.netns(lab, n)} nft list chain #{family} #{table} #{chain})
      )

    [_, packets] = Regex.run(~r/counter packets (\d+)/, rules)
    String.to_integer(packets)
  end

  @doc """
  Lets no packet pass between two hosts, multicast included, which both reach all others. Who sends one over TCP is told
  at once (`:reset`), so that connections end when they are used; or what it sends goes nowhere (`:drop`).
  """
  @spec part(Lab.t(), pos_integer(), pos_integer(), :reset | :drop) :: :ok
  def part(lab, one, other, how \\ :reset) do
    for {here, there} <- [{one, other}, {other, one}] do
      there = :inet.ntoa(lab.hosts[there].ip)
      # Lost on arrival: a sender that were told would know more than a broken path tells.
      reset = if how == :reset, do: "ip daddr #{there} meta l4proto tcp reject with tcp reset"
      lost = if how == :reset, do: "meta l4proto != tcp drop", else: "drop"

      rules(lab, here, """
      table inet part {
        chain out {
          type filter hook output priority 0;
          #{reset}
        }
        chain in {
          type filter hook input priority 0;
          ip saddr #{there} #{lost}
        }
      }
      """)
    end

    :ok
  end

  @doc """
  What a firewall or NAT does that restarts and has forgotten the connections: every TCP packet of those that there are
  between two hosts is answered with a reset, whichever side sends it. New connections pass. Ends by `forget_resets/3`.
  """
  @spec reset(Lab.t(), pos_integer(), pos_integer()) :: :ok
  def reset(lab, one, other) do
    # Both first: as soon as one side has its rules the connection may go, and the one that follows it is to live.
    ports =
      for {here, there} <- [{one, other}, {other, one}],
          do: {here, there, connected_ports(lab, here, there)}

    for {here, there, ports} <- ports do
      if ports == [], do: flunk("no TCP connection between the hosts #{one} and #{other}")
      ports = Enum.join(ports, ", ")

      rules(lab, here, """
      table inet resets {
        chain out {
          type filter hook output priority 0;
          ip daddr #{:inet.ntoa(lab.hosts[there].ip)} tcp sport . tcp dport { #{ports} } reject with tcp reset
        }
      }
      """)
    end

    :ok
  end

  @doc "Ends what `reset/3` began."
  @spec forget_resets(Lab.t(), pos_integer(), pos_integer()) :: :ok
  def forget_resets(lab, one, other) do
    for host <- [one, other], do: Lab.in_host(lab, host, ~w(nft delete table inet resets))
    :ok
  end

  # The ports of the connections from a host to another, here and there, as nft writes pairs.
  defp connected_ports(lab, here, there) do
    arguments =
      ~w(netns exec #{lab.hosts[here].netns} ss -Htn state established dst #{:inet.ntoa(lab.hosts[there].ip)})

    {lines, 0} = System.cmd("ip", arguments)

    for line <- String.split(lines, "\n", trim: true) do
      [_, here, there] = Regex.run(~r/:(\d+)\s+\S+:(\d+)\s*$/, line)
      "#{here} . #{there}"
    end
  end

  @doc """
  Loses the first packets of a kind that reach a host: as many as `quota` bytes hold, by a match of nft's such as
  `"tcp flags syn"`.
  """
  @spec lose_first(Lab.t(), pos_integer(), String.t(), pos_integer()) :: :ok
  def lose_first(lab, n, match, quota) do
    rules(lab, n, """
    table inet first {
      chain in {
        type filter hook prerouting priority -300;
        iifname "eth*" #{match} quota until #{quota} bytes counter drop
      }
    }
    """)
  end

  @doc "How many packets `lose_first/4` has dropped on a host."
  @spec first_lost(Lab.t(), pos_integer()) :: non_neg_integer()
  def first_lost(lab, n), do: dropped(lab, n, "first", "in")

  @doc "Ends what `part/3` began."
  @spec join(Lab.t(), pos_integer(), pos_integer()) :: :ok
  def join(lab, one, other) do
    for host <- [one, other], do: Lab.in_host(lab, host, ~w(nft delete table inet part))
    :ok
  end

  @doc "Lets nothing that is sent to a group's port pass the switch: no multicast, and no broadcast."
  @spec without_multicast(Lab.t()) :: :ok
  def without_multicast(lab) do
    rules(lab, :switch, """
    table bridge lab {
      chain multicast {
        type filter hook forward priority 0;
        udp dport 45893 counter drop
      }
    }
    """)
  end

  @doc "How many datagrams `without_multicast/1` has dropped."
  @spec blocked(Lab.t()) :: non_neg_integer()
  def blocked(lab), do: counted(lab, :switch, "bridge", "lab", "multicast")
end
