defmodule GossipCluster.Doctor.FirewallFacts do
  @moduledoc false
  # What this host's own firewall does with the cluster's packets, by its rules: those of nftables (which are those of
  # ufw, of firewalld and of today's iptables, too), and those of the older iptables where the kernel has such. They are
  # read and never changed. Who may not read them is told so: nothing is concluded from that.

  alias GossipCluster.Doctor.{Bounded, Ruleset}

  @patience 3_000
  @places ~w(/usr/sbin /sbin /usr/local/sbin)
  # The older iptables loads its modules when it is asked; so it is asked only where these are loaded.
  @legacy "/proc/net/ip_tables_names"

  @type verdict :: %{
          what: atom(),
          packet: Ruleset.packet(),
          verdict: :pass | :drop | :reject | :depends,
          by: String.t() | nil
        }
  @type t :: %{
          rules: :read | :denied | :absent | :unreadable,
          manager: :ufw | :firewalld | nil,
          verdicts: [verdict()]
        }

  @doc "The facts about these packets: `{what, packet}` each."
  @spec gather([{atom(), Ruleset.packet()}]) :: t()
  def gather(packets) do
    read = [nft() | legacy()]
    rulesets = for {:ok, rules} <- read, do: rules

    rules =
      cond do
        :denied in read -> :denied
        :unreadable in read -> :unreadable
        rulesets == [] -> :absent
        true -> :read
      end

    verdicts =
      for {what, packet} <- packets, rules == :read do
        {verdict, by} = worst(Enum.map(rulesets, &Ruleset.verdict(&1, packet)))
        %{what: what, packet: packet, verdict: verdict, by: by}
      end

    %{rules: rules, manager: manager(rulesets), verdicts: verdicts}
  end

  defp worst(verdicts) do
    Enum.find(verdicts, hd(verdicts), &(elem(&1, 0) in [:drop, :reject])) |> depends(verdicts)
  end

  defp depends({:pass, _by} = pass, verdicts),
    do: Enum.find(verdicts, pass, &(elem(&1, 0) == :depends))

  defp depends(verdict, _verdicts), do: verdict

  defp nft do
    case command("nft", ~w(-j list ruleset)) do
      {:ok, output} -> with :error <- Ruleset.from_nft(output), do: :unreadable
      :absent -> if legacy?(), do: :absent, else: from_iptables("iptables")
      denied_or_unreadable -> denied_or_unreadable
    end
  end

  defp legacy, do: if(legacy?(), do: [from_iptables("iptables-legacy")], else: [])

  defp legacy? do
    case File.read(@legacy) do
      {:ok, names} -> "filter" in String.split(names)
      # It is readable by root alone, who is told the rest by nft.
      {:error, _reason} -> false
    end
  end

  defp from_iptables(program) do
    case command(program, ["-S"]) do
      {:ok, output} -> {:ok, Ruleset.from_iptables(output, "ip")}
      :absent when program == "iptables-legacy" -> from_iptables("iptables")
      other -> other
    end
  end

  defp command(program, arguments) do
    path =
      System.find_executable(program) ||
        Enum.find(Enum.map(@places, &Path.join(&1, program)), &File.exists?/1)

    if path do
      case run(path, arguments, "2>/dev/null") do
        {:ok, {output, 0}} -> {:ok, output}
        {:ok, _failed} -> refused(run(path, arguments, "2>&1"))
        _late_or_failed -> :unreadable
      end
    else
      :absent
    end
  end

  # What it says on its standard error would come between the lines of the report; where it fails, it says why.
  defp run(path, arguments, errors) do
    script = ~s(exec "$0" "$@" #{errors})

    Bounded.run(
      fn -> System.cmd("sh", ["-c", script, path | arguments], env: [{"LC_ALL", "C"}]) end,
      @patience
    )
  end

  defp refused({:ok, {output, status}}) when status != 0,
    do: if(output =~ ~r/not permitted|denied|must be root/i, do: :denied, else: :unreadable)

  defp refused(_other), do: :unreadable

  # Who has written the rules, and is to be asked to change them.
  defp manager(rulesets) do
    names =
      for rules <- rulesets, {{_family, table, chain}, _} <- rules.chains, do: {table, chain}

    cond do
      Enum.any?(names, fn {table, _chain} -> table == "firewalld" end) -> :firewalld
      Enum.any?(names, fn {_table, chain} -> String.starts_with?(chain, "ufw-") end) -> :ufw
      enabled?("/etc/ufw/ufw.conf") -> :ufw
      true -> nil
    end
  end

  defp enabled?(path) do
    case File.read(path) do
      {:ok, text} -> text =~ ~r/^ENABLED=yes/m
      {:error, _reason} -> false
    end
  end
end
