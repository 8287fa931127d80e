defmodule GossipCluster.Integration.WatchTest do
  # The table as people see it: from another VM, over a terminal, as a release's rpc shows it, and with Mix.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  alias GossipCluster.Json

  # One lab for all: a node takes seconds to boot.
  test "a cluster is looked at over a terminal, live, and once" do
    {lab, [a, b] = nodes} = together(["a", "b"], epmd: :stock, cluster: [interval: 200])

    eventually("the meeting was measured", nodes, fn ->
      match?(
        [%{round_trip: us, loss: loss}] when us > 0 and loss != nil,
        Node.call(a, GossipCluster, :peers)
      )
    end)

    # Live, in a terminal of 24 lines of 90 columns.
    port = on_terminal(lab, rpc("GossipCluster.watch(interval: 300)"))
    {screen, port} = until(port, "", &(&1 =~ "connected"))
    assert screen =~ "\e[?1049h"
    assert screen =~ ~r/a@h1 · health ok · 1 peer, 1 connected/
    assert screen =~ "b@h2"
    eventually("a process watches", nodes, fn -> watched?(a) end)

    # What happens is told below, without a key.
    :ok = Node.call(b, GossipCluster, :leave)
    {_screen, port} = until(port, "", &(&1 =~ ~r/lost :"b@h2": it left/))
    :ok = Node.call(b, GossipCluster, :rejoin)
    {_screen, port} = until(port, "", &(&1 =~ ~r/found :"b@h2"/))

    # One key is enough, and is not seen; another kind of order is said.
    true = Port.command(port, "s")
    {_screen, port} = until(port, "", &(&1 =~ "s sorts (by state)"))
    true = Port.command(port, "q")
    {rest, _status} = the_end(port, "")
    refute rest =~ "\nq"
    # The terminal is as it was.
    assert rest =~ "\e[?25h\e[?1049l"
    assert rest =~ ~r/\bicanon\b/ and rest =~ ~r/(?<!-)\becho\b/

    # Without a terminal: one table after the other, until its reader is gone. Then nothing of it is left on the node.
    command = "{ #{rpc("GossipCluster.watch(interval: 100)")} 2>/dev/null | head -n 12; }"
    assert {tables, 0} = plainly(lab, command)
    assert [_, _, _ | _] = String.split(tables, "a@h1 · health ok")
    eventually("nothing of it is left", nodes, fn -> not watched?(a) end)

    # Once, for programs.
    File.write!(Path.join(lab.dir, "cookie"), Node.cookie())
    mix = "mix gossip.watch --node a@h1 --cookie-file #{lab.dir}/cookie --once"
    assert {json, 0} = plainly(lab, mix <> " --json")
    assert {:ok, %{"node" => "a@h1", "peers" => [peer]}} = Json.decode(json)
    assert %{"name" => "b@h2", "connection" => "connected", "round_trip_us" => us} = peer
    assert us > 0 and peer["heard_ms_ago"] < 60_000

    # By listening alone: both are heard, and neither hears of it.
    listen = "mix gossip.watch --cookie-file #{lab.dir}/cookie"
    port = on_terminal(lab, listen)
    {_screen, port} = until(port, "", &(&1 =~ ~r/b@h2 .*alive/ and &1 =~ ~r/a@h1 .*alive/))
    assert Node.peers(a) == ["b@h2"] and Node.peers(b) == ["a@h1"]
    true = Port.command(port, "s")
    {_screen, port} = until(port, "", &(&1 =~ "s sorts (by state)"))
    true = Port.command(port, "q")
    {rest, _status} = the_end(port, "")
    assert rest =~ "\e[?25h\e[?1049l"
    assert rest =~ ~r/\bicanon\b/ and rest =~ ~r/(?<!-)\becho\b/

    assert {json, 0} = plainly(lab, listen <> " --once --json --for 1")
    assert {:ok, %{"agree" => 2, "members" => members}} = Json.decode(json)
    assert [%{"name" => "a@h1", "said_by" => nil}, %{"name" => "b@h2"}] = members

    # As a stream, which ends with its reader. From OTP 26 on the terminal's process says on stderr that it is gone.
    assert {json, 0} = plainly(lab, "{ #{listen} --json 2>/dev/null | head -n 3; }")
    assert [_, _, _] = lines = String.split(json, "\n", trim: true)
    for line <- lines, do: assert({:ok, %{"members" => _}} = Json.decode(line))
  end

  # Whether a process draws there, or waits to.
  defp watched?(node) do
    code = """
    for pid <- Process.list(),
        {_, stack} <- [Process.info(pid, :current_stacktrace)],
        {GossipCluster.Screen.Watch, _function, _arity, _where} <- stack,
        reduce: false,
        do: (_ -> true)
    """

    {watched, _binding} = Node.call(node, Code, :eval_string, [code])
    watched
  end

  # Hidden, as a release's rpc is: a visible node would be one more of the mesh, which `global` keeps whole.
  defp rpc(code),
    do: "elixir --hidden --sname watcher --cookie #{Node.cookie()} --rpc-eval a@h1 '#{code}'"

  defp host(lab, command) do
    script = ~s(mount --bind "$0" /etc/hosts && exec "$@")
    hosts = Lab.hosts_file(lab, :stock)
    ["netns", "exec", lab.hosts[1].netns, "sh", "-c", script, hosts | command]
  end

  defp environment(lab), do: [{"HOME", lab.dir}, {"MIX_ENV", "test"}, {"TERM", "xterm"}]

  defp plainly(lab, command) do
    System.cmd("ip", host(lab, ["sh", "-c", command <> " </dev/null 2>&1"]), env: environment(lab))
  end

  defp on_terminal(lab, command) do
    command = "stty rows 24 cols 90; #{command}; stty -a"
    args = host(lab, ["script", "-qfec", command, "/dev/null"])
    env = for {key, value} <- environment(lab), do: {to_charlist(key), to_charlist(value)}

    Port.open({:spawn_executable, System.find_executable("ip")}, [
      :binary,
      :exit_status,
      :stderr_to_stdout,
      args: args,
      env: env
    ])
  end

  defp until(port, seen, wanted?) do
    if wanted?.(seen) do
      {seen, port}
    else
      receive do
        {^port, {:data, data}} -> until(port, seen <> data, wanted?)
        {^port, {:exit_status, status}} -> flunk("it ended with #{status}: #{seen}")
      after
        60_000 -> flunk("this is all that came: #{inspect(seen, printable_limit: :infinity)}")
      end
    end
  end

  defp the_end(port, seen) do
    receive do
      {^port, {:data, data}} -> the_end(port, seen <> data)
      {^port, {:exit_status, status}} -> {seen, status}
    after
      60_000 -> flunk("it does not end: #{inspect(seen)}")
    end
  end
end
