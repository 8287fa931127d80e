defmodule GossipCluster.Chaos.Faults do
  @moduledoc """
  Does what `GossipCluster.Chaos.Plan` has drawn to real nodes in a lab, and undoes it.

  What the kernel lacks is done in another way or left out, and `means/1` says so: reordering takes netem, or else HTB,
  in which every third packet waits behind the others of its kind; a clock that jumps takes time namespaces.
  """

  alias GossipCluster.Chaos.{History, Plan, Witness}
  alias GossipCluster.Chaos.History.{Life, Trouble}
  alias GossipCluster.{Eventually, Lab}
  alias GossipCluster.Lab.{Filter, Injector, Node}

  defmodule World do
    @moduledoc """
    A lab and its nodes, by host; `:lives`: all there ever were, with the file of each and how far it was read; `:ring`:
    the secrets that all have; `:rounds`: when each round of a rotation began; `:moved`: hosts whose address is the
    other one; `:stranger`: who floods.
    """
    @enforce_keys [:lab, :count, :ring, :means]
    defstruct [
      :lab,
      :count,
      :ring,
      :means,
      :stranger,
      nodes: %{},
      lives: [],
      rounds: [],
      moved: MapSet.new()
    ]

    @type t :: %__MODULE__{}
  end

  @typedoc "How to reorder packets, and whether clocks can jump."
  @type means :: %{reorder: :netem | :htb | nil, clock: boolean()}
  @typedoc "What heals a fault. A task returns what it has made of the world, as a function."
  @type heal :: (World.t() -> {World.t(), Task.t() | nil})

  # So many datagrams a second to the group, and as many to each member's own port.
  @flood_batch 100
  @flood_gap 250
  @told 60_000

  @doc "A lab with so many hosts and nodes, not all of which need have met."
  @spec start(pos_integer()) :: World.t()
  def start(count) do
    # Each other one has both families.
    evens = Enum.filter(1..count, &(rem(&1, 2) == 0))
    # The last is the stranger's.
    lab = Lab.make(hosts: count + 1, ipv6: evens)
    world = %World{lab: lab, count: count, ring: [key()], means: means(lab)}

    try do
      stranger = Node.start(lab, "", host: count + 1, alive: false)
      :ok = Node.call(stranger, Injector, :start, [stranger.host.ip])
      world = %{world | stranger: stranger}

      1..count
      |> Task.async_stream(&node(world, &1, 0), max_concurrency: 2, timeout: 120_000)
      |> Enum.reduce(world, fn {:ok, started}, world -> started.(world) end)
    rescue
      error ->
        Lab.remove(lab)
        reraise error, __STACKTRACE__
    end
  end

  defp key, do: {:key, :crypto.strong_rand_bytes(32)}

  # Starts a node of this world: what becomes of the world.
  defp node(world, host, ahead) do
    node = Node.start(world.lab, "n#{host}", host: host, clock: ahead)
    file = Path.join(world.lab.dir, "n#{host}.#{System.unique_integer([:positive])}.entries")
    from = Lab.clock()
    :ok = Node.call(node, Witness, :start, [file, ahead, [secret: world.ring]])
    life = %{file: file, read: 0, life: %Life{node: History.name(host), from: from}}

    fn world ->
      %{world | nodes: Map.put(world.nodes, host, node), lives: world.lives ++ [life]}
    end
  end

  @doc "What this machine can do."
  @spec means(Lab.t()) :: means()
  def means(lab) do
    lo = ~w(ip netns exec #{Lab.netns(lab, :switch)} tc qdisc replace dev lo root handle 1:)

    %{
      reorder:
        cond do
          run(lo ++ ~w(netem delay 1ms)) -> :netem
          run(lo ++ ~w(htb default 10)) -> :htb
          true -> nil
        end,
      clock: run(~w(unshare --time --monotonic 1 --boottime 1 --fork true))
    }
  end

  @doc "Kinds of faults that cannot be had here, and why; and what is done in another way."
  @spec lacks(means()) :: [{atom(), String.t()}]
  def lacks(means) do
    [
      reorder: means.reorder == nil && "neither netem nor HTB",
      clock: not means.clock && "no time namespaces"
    ]
    |> Enum.filter(&elem(&1, 1))
  end

  @doc "Begins a fault: the trouble that it is, and what heals it."
  @spec begin(World.t(), Plan.Step.t()) :: {World.t(), Trouble.t(), heal()}
  def begin(world, step) do
    node = if step.host == :all, do: :all, else: History.name(step.host)
    from = Lab.clock()
    {world, heal} = fault(step, world)
    {world, %Trouble{fault: step.fault, node: node, from: from}, heal}
  end

  defp fault(%{fault: :sidecar_killed, host: host}, world) do
    signal("KILL", [sidecar(world, host)])
    {world, &{&1, nil}}
  end

  defp fault(%{fault: :sidecar_stopped, host: host}, world),
    do: stop(world, [sidecar(world, host)])

  defp fault(%{fault: :beam_stopped, host: host}, world),
    do: stop(world, [world.nodes[host].os_pid])

  defp fault(%{fault: :host_stopped, host: host}, world),
    do: stop(world, [world.nodes[host].os_pid, sidecar(world, host)])

  defp fault(%{fault: :beam_killed, host: host}, world),
    do: {killed(world, host), &restart(&1, host, 0)}

  defp fault(%{fault: :clock, host: host, with: %{ahead: ahead}}, world),
    do: {killed(world, host), &restart(&1, host, ahead)}

  defp fault(%{fault: :cable, host: host, with: %{how: how}}, world) do
    :ok = Lab.cut(world.lab, host, how)
    {world, &healed(&1, fn lab -> Lab.heal(lab, host) end)}
  end

  defp fault(%{fault: :loss, host: host, with: %{percent: percent}}, world) do
    :ok = Filter.lose(world.lab, host, percent)
    {world, &healed(&1, fn lab -> Filter.lose(lab, host, 0) end)}
  end

  # In the switch: a sender that is told would know more than a broken path tells.
  defp fault(%{fault: :one_way, host: host, with: %{way: way}}, world) do
    side = if way == :in, do: "oifname", else: "iifname"

    Filter.rules(world.lab, :switch, """
    table bridge one_way {
      chain forward {
        type filter hook forward priority 0;
        #{side} "p#{host}" drop
      }
    }
    """)

    {world,
     &healed(&1, fn lab -> Lab.in_host(lab, :switch, ~w(nft delete table bridge one_way)) end)}
  end

  defp fault(%{fault: :reorder, host: host}, world) do
    for command <- reorder(world.means.reorder), do: Lab.in_host(world.lab, host, command)
    if world.means.reorder == :htb, do: mark(world.lab, host)

    {world,
     &healed(&1, fn lab ->
       Lab.in_host(lab, host, ~w(tc qdisc del dev eth0 root))

       if world.means.reorder == :htb,
         do: Lab.in_host(lab, host, ~w(nft delete table inet reorder))
     end)}
  end

  defp fault(%{fault: :interface, host: host}, world) do
    :ok = Lab.unplug(world.lab, host)

    {%{world | moved: MapSet.delete(world.moved, host)},
     &healed(&1, fn lab -> Lab.plug_in(lab, host) end)}
  end

  # The old one first: the kernel deletes all of a subnet with the first of it.
  defp fault(%{fault: :address, host: host}, world) do
    places = [Lab.ip(host), Lab.ip(100 + host)]

    {[old, new], moved} =
      if host in world.moved,
        do: {Enum.reverse(places), MapSet.delete(world.moved, host)},
        else: {places, MapSet.put(world.moved, host)}

    :ok = Lab.address(world.lab, host, :delete, old)
    :ok = Lab.address(world.lab, host, :add, new)
    {%{world | moved: moved}, &{&1, nil}}
  end

  defp fault(%{fault: :rotation}, %{ring: [old]} = world) do
    new = key()

    task =
      Task.async(fn ->
        rounds = for ring <- [[old, new], [new, old], [new]], do: rotate(world, ring)
        fn world -> %{world | ring: [new], rounds: rounds ++ world.rounds} end
      end)

    {world, &{&1, task}}
  end

  defp fault(%{fault: fault}, world) when fault in [:junk, :replay] do
    over = :atomics.new(1, [])
    kinds = if fault == :junk, do: [:garbage, :disguised, :truncated, :flipped], else: [:replayed]

    task =
      Task.async(fn ->
        kinds
        |> Stream.cycle()
        |> Enum.find(fn kind ->
          Node.call(world.stranger, Injector, :attack, [kind, @flood_batch])
          # A rate, not a wait for something.
          Process.sleep(@flood_gap)
          :atomics.get(over, 1) == 1
        end)

        & &1
      end)

    {world,
     fn world ->
       :atomics.put(over, 1, 1)
       {world, task}
     end}
  end

  defp healed(world, mend) do
    mend.(world.lab)
    {world, nil}
  end

  defp stop(world, pids) do
    processes = for pid <- pids, do: {pid, born(pid)}
    signal("STOP", pids)

    {world,
     fn world ->
       # Its owner may have replaced it, and the number may be another's.
       signal("CONT", for({pid, born} <- processes, born(pid) == born, do: pid))
       {world, nil}
     end}
  end

  defp born(pid) do
    case File.read("/proc/#{pid}/stat") do
      {:ok, text} -> text |> String.split(")") |> List.last() |> String.split() |> Enum.at(19)
      {:error, _gone} -> nil
    end
  end

  defp killed(world, host) do
    signal("KILL", [world.nodes[host].os_pid])
    %{world | nodes: Map.delete(world.nodes, host)}
  end

  defp restart(world, host, ahead), do: {world, Task.async(fn -> node(world, host, ahead) end)}

  # A round of a rotation, on all nodes before the next begins: when it began.
  defp rotate(world, ring) do
    began = Lab.clock()
    files = for {host, _node} <- world.nodes, do: {host, file(world, host)}
    before = for {host, file} <- files, into: %{}, do: {host, taken(file)}

    for {_host, node} <- world.nodes,
        do: :ok = Node.call(node, GossipCluster, :rotate_secret, [GossipCluster, ring])

    for {host, file} <- files,
        do: Eventually.eventually(fn -> taken(file) > before[host] end, @told)

    began
  end

  defp taken(file) do
    {entries, _end} = Witness.read(file, 0)

    Enum.count(
      entries,
      &match?({_, {:log, _, "GossipCluster: the new key ring is in use" <> _}}, &1)
    )
  end

  defp file(world, host) do
    name = History.name(host)
    world.lives |> Enum.reverse() |> Enum.find(&(&1.life.node == name)) |> Map.fetch!(:file)
  end

  defp sidecar(world, host) do
    %{sidecar: pid} = Node.call(world.nodes[host], Witness, :look)
    true = is_integer(pid)
    pid
  end

  defp reorder(:netem), do: [~w(tc qdisc add dev eth0 root netem delay 8ms reorder 70% 50%)]

  defp reorder(:htb) do
    [
      ~w(tc qdisc add dev eth0 root handle 1: htb default 10),
      ~w(tc class add dev eth0 parent 1: classid 1:10 htb rate 1gbit quantum 60000),
      ~w(tc class add dev eth0 parent 1: classid 1:20 htb rate 1mbit burst 200 cburst 200 quantum 1500)
    ]
  end

  defp mark(lab, host) do
    Filter.rules(lab, host, """
    table inet reorder {
      chain out {
        type filter hook postrouting priority 0;
        oifname "eth0" numgen random mod 100 < 30 meta priority set 1:20
      }
    }
    """)
  end

  @doc "Reads what the witnesses have written since."
  @spec collect(World.t()) :: World.t()
  def collect(world) do
    lives =
      for %{life: life} = entry <- world.lives do
        {entries, read} = Witness.read(entry.file, entry.read)
        %{entry | read: read, life: %{life | entries: life.entries ++ entries}}
      end

    %{world | lives: lives}
  end

  defp signal(_signal, []), do: true
  defp signal(signal, pids), do: run(["kill", "-#{signal}" | Enum.map(pids, &"#{&1}")])

  defp run([program | arguments]) do
    System.find_executable(program) != nil and
      match?({_, 0}, System.cmd(program, arguments, stderr_to_stdout: true))
  end
end
