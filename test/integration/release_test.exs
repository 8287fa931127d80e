defmodule GossipCluster.Integration.ReleaseTest do
  # The repository's own release, twice on one machine that has nothing but a loopback interface, and whose host name
  # resolves nowhere: no epmd, no DNS.
  use ExUnit.Case, async: false

  alias GossipCluster.{Lab, OtherProject}

  @moduletag timeout: 300_000
  # A release is a dozen programs until its VM runs, which take their time on a busy machine.
  @deadline 60_000

  # Where a namespace of one's own needs no privilege that this user lacks.
  @unshare if(System.cmd("id", ["-u"]) == {"0\n", 0},
             do: ["--net", "--mount"],
             else: ["--user", "--map-root-user", "--net", "--mount"]
           )

  setup_all do
    dir = Path.join(System.tmp_dir!(), "gossip-release-#{System.pid()}")
    File.rm_rf!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)

    for path <- ~w(lib priv_src cmake config rel CMakeLists.txt mix.exs),
        do: copy(path, Path.join(dir, path))

    {output, status} =
      System.cmd("mix", ["release", "--quiet"],
        cd: dir,
        env: OtherProject.env([{"MIX_ENV", "prod"}]),
        stderr_to_stdout: true
      )

    assert status == 0, output
    %{release: Path.join(dir, "_build/prod/rel/gossip_cluster")}
  end

  setup %{release: release} do
    {:ok, host} = :inet.gethostname()

    {:ok,
     network: network(Path.join(release, "../../..")),
     command: Path.join(release, "bin/gossip_cluster"),
     host: to_string(host)}
  end

  test "RELEASE_NAME=a and RELEASE_NAME=b cluster, and rpc, pid and stop work", context do
    # One of its own, which is not there yet.
    tmp = [{"RELEASE_TMP", Path.join(context.release, "run/a")}]
    a = start(context, [{"RELEASE_NAME", "a"}, {"GOSSIP_LOG_HEARTBEATS", "true"} | tmp])
    b = start(context, [{"RELEASE_NAME", "b"}])
    wait_for(a, ~s(NODEUP :"b@#{context.host}"))
    wait_for(b, ~s(NODEUP :"a@#{context.host}"))
    wait_for(a, ~s(Received heartbeat from :"b@#{context.host}"))

    assert {nodes, 0} = run(context, "a", ["rpc", "IO.inspect({node(), Node.list()})"], tmp)
    assert nodes =~ inspect({:"a@#{context.host}", [:"b@#{context.host}"]})
    # All without OpenSSL: who has it in a release needs its library where that runs.
    assert Path.wildcard(Path.join(context.release, "lib/crypto-*")) == []
    assert {pid, 0} = run(context, "b", ["pid"])
    assert String.trim(pid) == Integer.to_string(b.pid)

    # The doctor as the guide has it: what it prints comes to who asks.
    assert {said, 0} = run(context, "b", ["rpc", "GossipCluster.doctor(listen: 200)"])
    assert said =~ "ok       b@#{context.host}: a short name"
    assert said =~ ~r/^ok       gossipd \S+ runs/m
    assert said =~ "1 listed, 1 connected"
    assert said =~ "Code for the doctor of another machine: GC1."

    Lab.heard(20_000)
    assert {_, 0} = run(context, "a", ["stop"], tmp)
    assert ended(a) == 0
    # One is told by the sidecar, the other by Erlang: whichever comes first.
    wait_for_all(b, [~s(lost :"a@#{context.host}": it left), ~s(NODEDOWN :"a@#{context.host}")])

    assert {_, 0} = run(context, "b", ["stop"])
    assert ended(b) == 0
  end

  test "remote works through a terminal, restart comes back, and neither epmd nor DNS is asked",
       context do
    count_questions(context)
    a = start(context, [{"RELEASE_NAME", "a"}])
    b = start(context, [{"RELEASE_NAME", "b"}])
    wait_for(a, ~s(NODEUP :"b@#{context.host}"))
    wait_for(b, ~s(NODEUP :"a@#{context.host}"))

    remote = remote(context, "a")
    type(remote, "iex(a@#{context.host})1>", "{:answer, node(), Node.list()}\r")
    type(remote, inspect({:answer, :"a@#{context.host}", [:"b@#{context.host}"]}), "")
    # Two nodes and the terminal's have the cookie of the build, and show it to nobody.
    assert length(shown(context)) >= 3
    refute Enum.join(shown(context)) =~ File.read!(Path.join(context.release, "releases/COOKIE"))
    # Ctrl-\, as the guide says: the terminal ends, the node goes on.
    type(remote, "iex(a@#{context.host})2>", <<0x1C>>)
    assert_receive {^remote, {:exit_status, _status}}, @deadline

    # Told by the node that has never been away.
    assert {_, 0} = run(context, "a", ["restart"])
    wait_for(b, ~s(NODEDOWN :"a@#{context.host}"))
    wait_for(b, ~s(NODEUP :"a@#{context.host}"))
    wait_for(a, ~s(NODEUP :"b@#{context.host}"))
    assert {nodes, 0} = run(context, "a", ["rpc", "IO.inspect(Node.list())"])
    assert nodes =~ inspect([:"b@#{context.host}"])

    refute "epmd\n" in commands(context)
    assert "beam.smp\n" in commands(context)
    for node <- ["a", "b"], do: assert({_, 0} = run(context, node, ["stop"]))
    assert ended(a) == 0
    assert ended(b) == 0

    # What Erlang itself asks, before any code of ours runs: for the name of its own host, where /etc/hosts has none.
    asked = questions(context)
    {_, 0} = inside(context, ["erl", "-noshell", "-s", "init", "stop"])
    boot = questions(context) - asked

    # Two nodes, one of them twice; remote, restart, rpc, and stop twice. (Not each of these boots in all releases of
    # Erlang.)
    assert asked <= 8 * boot

    # Any other would have been counted too.
    {_, _} = inside(context, ["bash", "-c", "echo >/dev/tcp/127.0.0.1/4369"])
    assert questions(context) == asked + boot + 1
    {_, status} = inside(context, ["getent", "ahosts", context.host])
    assert status != 0
    assert questions(context) > asked + boot + 1
  end

  for {what, flags, address} <- [
        {"one address of several", "-kernel inet_dist_use_interface {198,51,100,1}",
         "198.51.100.1/32"},
        {"the loopback alone", "-kernel inet_dist_use_interface {127,0,0,1}", "127.0.0.1/8"},
        {"every address, said so", "-kernel inet_dist_use_interface {0,0,0,0}", "127.0.0.1/8"}
      ] do
    test "rpc, pid and stop find a node that listens at #{what}", context do
      assert {_, 0} = inside(context, ["ip", "address", "replace", unquote(address), "dev", "lo"])
      # The node that was there before listened elsewhere.
      if unquote(what) == "the loopback alone" do
        assert {_, 0} =
                 inside(context, ["ip", "address", "replace", "198.51.100.1/32", "dev", "lo"])

        before =
          start(context, [
            {"RELEASE_NAME", "a"},
            {"ERL_ZFLAGS", "-kernel inet_dist_use_interface {198,51,100,1}"}
          ])

        wait_for(before, "gossipd #{Mix.Project.config()[:version]} runs")
        assert {_, 0} = run(context, "a", ["stop"])
        assert ended(before) == 0
      end

      a = start(context, [{"RELEASE_NAME", "a"}, {"ERL_ZFLAGS", unquote(flags)}])
      wait_for(a, "gossipd #{Mix.Project.config()[:version]} runs")
      assert {answer, 0} = run(context, "a", ["rpc", "IO.inspect(node())"])
      assert answer =~ inspect(:"a@#{context.host}")
      assert {pid, 0} = run(context, "a", ["pid"])
      assert String.trim(pid) == Integer.to_string(a.pid)
      assert {_, 0} = run(context, "a", ["stop"])
      assert ended(a) == 0
    end
  end

  # Every packet to a DNS server or an epmd; with a route to everywhere, so that none is lost before it is counted.
  defp count_questions(context) do
    rules = """
    table inet questions {
      chain out {
        type filter hook output priority 0;
        udp dport 53 counter
        tcp dport { 53, 4369 } counter
      }
    }
    """

    path = Path.join(System.tmp_dir!(), "gossip-questions-#{System.pid()}")
    File.write!(path, rules)
    on_exit(fn -> File.rm(path) end)
    assert {_, 0} = inside(context, ["ip", "route", "add", "default", "dev", "lo"])
    assert {_, 0} = inside(context, ["nft", "-f", path])
  end

  defp questions(context) do
    {rules, 0} = inside(context, ["nft", "list", "table", "inet", "questions"])

    counts = for [_, n] <- Regex.scan(~r/counter packets (\d+)/, rules), do: String.to_integer(n)

    assert length(counts) == 2
    Enum.sum(counts)
  end

  # What runs in the network.
  defp commands(context) do
    {:ok, own} = File.read_link("/proc/#{context.network}/ns/net")

    for pid <- File.ls!("/proc"),
        File.read_link("/proc/#{pid}/ns/net") == {:ok, own},
        {:ok, name} <- [File.read("/proc/#{pid}/comm")],
        do: name
  end

  # The arguments and the environment of each Erlang VM there.
  defp shown(context) do
    {:ok, own} = File.read_link("/proc/#{context.network}/ns/net")

    for pid <- File.ls!("/proc"),
        File.read_link("/proc/#{pid}/ns/net") == {:ok, own},
        File.read("/proc/#{pid}/comm") == {:ok, "beam.smp\n"},
        {:ok, arguments} <- [File.read("/proc/#{pid}/cmdline")],
        {:ok, environment} <- [File.read("/proc/#{pid}/environ")],
        do: arguments <> environment
  end

  defp inside(context, command),
    do: System.cmd("nsenter", enter(context.network) ++ command, stderr_to_stdout: true)

  # A terminal with `remote` in it.
  defp remote(context, name) do
    command = Enum.join(["nsenter" | enter(context.network)] ++ [context.command, "remote"], " ")

    Port.open({:spawn_executable, System.find_executable("script")}, [
      :binary,
      :exit_status,
      :stderr_to_stdout,
      env:
        for(
          {name, value} <- environment([{"RELEASE_NAME", name}, {"TERM", "xterm"}]),
          do: {to_charlist(name), (value && to_charlist(value)) || false}
        ),
      args: ["-qec", command, "/dev/null"]
    ])
  end

  # Waits until the terminal shows this (it may come in pieces, and in colours), then types that. What it showed after
  # that is kept for the next wait: it often comes in the same piece.
  defp type(port, prompt, text) do
    seen = Process.get({:shown, port}, "")

    case String.split(String.replace(seen, ~r/\e\[[\d;?]*[A-Za-z]/, ""), prompt, parts: 2) do
      [_before, rest] ->
        Process.put({:shown, port}, rest)
        Port.command(port, text)

      [_not_yet] ->
        receive do
          {^port, {:data, data}} ->
            Process.put({:shown, port}, seen <> data)
            type(port, prompt, text)

          {^port, {:exit_status, status}} ->
            flunk("remote ended with #{status}: #{seen}")
        after
          @deadline -> flunk("no #{prompt} within #{@deadline} ms: #{inspect(seen)}")
        end
    end
  end

  test "the default node is gossip_cluster@HOST, its cookie may come from a file, and needs no place to write",
       context do
    cookie = Path.join(context.release, "cookie-of-mine")
    File.write!(cookie, "a cookie that is in no environment\n" |> String.replace(" ", "_"))
    File.rm_rf!(Path.join(context.release, "tmp"))

    # A file where the release would make its directory: as good as a read-only file system, for root too.
    File.write!(Path.join(context.release, "tmp"), "")

    node = start(context, [{"RELEASE_COOKIE_FILE", cookie}])
    wait_for(node, "gossipd #{Mix.Project.config()[:version]} runs")
    env = [{"RELEASE_COOKIE_FILE", cookie}]

    assert {answer, 0} =
             run(context, nil, ["rpc", "IO.inspect({node(), Node.get_cookie()})"], env)

    assert answer =~
             inspect({:"gossip_cluster@#{context.host}", :a_cookie_that_is_in_no_environment})

    assert [shown] = shown(context)
    refute shown =~ "a_cookie_that_is_in_no_environment"
    # Nor do those who have another.
    assert {refused, status} = run(context, nil, ["rpc", "IO.inspect(node())"])
    assert status != 0
    refute refused =~ "gossip_cluster@"

    assert {_, 0} = run(context, nil, ["stop"], env)
    assert ended(node) == 0
  after
    File.rm(Path.join(context.release, "tmp"))
  end

  test "a cookie that cannot be read keeps the node from starting, and is not shown", context do
    cookie = Path.join(context.release, "bad-cookie")

    for {content, why} <- [
          {"", "must be a file with the cookie that user"},
          {"a cookie with a\tcontrol character",
           "it has other characters than printable ones of ASCII"}
        ] do
      File.write!(cookie, content)
      assert {log, status} = run(context, nil, ["start"], [{"RELEASE_COOKIE_FILE", cookie}])
      assert status != 0
      assert log =~ why
      refute log =~ "control"
    end
  end

  # A process that holds a network of its own, and files that tell who resolves names; `enter` runs commands there. It
  # ends with its standard input.
  defp network(dir) do
    hosts = Path.join(dir, "hosts")
    File.write!(hosts, "127.0.0.1 localhost\n")
    # Nobody answers there, and nobody is waited for.
    resolver = Path.join(dir, "resolv.conf")
    File.write!(resolver, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")

    script =
      ~s(mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && ip link set lo up && echo $$ && exec cat)

    port =
      Port.open({:spawn_executable, System.find_executable("unshare")}, [
        :binary,
        :exit_status,
        line: 100,
        args: @unshare ++ ["--", "sh", "-c", script, hosts, resolver]
      ])

    assert_receive {^port, {:data, {:eol, pid}}}, @deadline
    pid
  end

  defp enter(network) do
    user = if "--user" in @unshare, do: ["--user", "--preserve-credentials"], else: []
    ["--target", network] ++ user ++ ["--net", "--mount", "--root", "--wd", "--"]
  end

  defp run(context, name, args, env \\ []) do
    System.cmd("nsenter", enter(context.network) ++ [context.command | args],
      env: environment([{"RELEASE_NAME", name} | env]),
      stderr_to_stdout: true
    )
  end

  defp start(context, env) do
    port =
      Port.open({:spawn_executable, System.find_executable("nsenter")}, [
        :binary,
        :exit_status,
        :stderr_to_stdout,
        line: 10_000,
        env:
          for(
            {name, value} <- environment(env),
            do: {to_charlist(name), (value && to_charlist(value)) || false}
          ),
        args: enter(context.network) ++ [context.command, "start"]
      ])

    {:os_pid, pid} = Port.info(port, :os_pid)
    on_exit(fn -> System.cmd("kill", ["-KILL", "#{pid}"], stderr_to_stdout: true) end)
    %{port: port, pid: pid}
  end

  # Nothing of the mix that runs this test reaches the release.
  defp environment(env) do
    clean =
      for name <-
            ~w(RELEASE_NAME RELEASE_NODE RELEASE_TMP RELEASE_COOKIE ROOTDIR BINDIR EMU PROGNAME MIX_ENV),
          do: {name, nil}

    clean ++ [{"LC_ALL", "C.UTF-8"} | env]
  end

  defp wait_for(node, text), do: wait_for_all(node, [text])

  # In any order.
  defp wait_for_all(node, texts),
    do: wait_for_all(node, texts, System.monotonic_time(:millisecond) + @deadline, [])

  defp wait_for_all(_node, [], _deadline, _seen), do: :ok

  defp wait_for_all(%{port: port} = node, texts, deadline, seen) do
    receive do
      {^port, {:data, {_eol, line}}} ->
        wait_for_all(node, Enum.reject(texts, &(line =~ &1)), deadline, [line | seen])

      {^port, {:exit_status, status}} ->
        flunk("ended with #{status} before: #{inspect(texts)}\n#{log(seen)}")
    after
      max(deadline - System.monotonic_time(:millisecond), 0) ->
        flunk("not logged within #{@deadline} ms: #{inspect(texts)}\n#{log(seen)}")
    end
  end

  defp log(lines), do: lines |> Enum.reverse() |> Enum.join("\n")

  defp ended(%{port: port}) do
    assert_receive {^port, {:exit_status, status}}, @deadline
    status
  end

  defp copy(from, to) do
    File.mkdir_p!(Path.dirname(to))
    File.cp_r!(from, to)
  end
end
