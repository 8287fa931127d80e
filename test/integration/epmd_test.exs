defmodule GossipCluster.Integration.EpmdTest do
  # The ways to switch GossipCluster.Epmd on that its documentation names, typed as there: two hosts whose names resolve
  # nowhere, no epmd, no DNS server in reach. A release's are in release_test.exs.
  use ExUnit.Case, async: false
  use GossipCluster.Lab.Case

  import Kernel, except: [node: 1]

  @flags "-epmd_module Elixir.GossipCluster.Epmd -start_epmd false"
  @otp String.to_integer(System.otp_release())

  # Starts the cluster, waits for the other, and stays until the other has met too.
  @script """
  {:ok, _} = GossipCluster.start_link(secret: {:key, String.duplicate("k", 32)}, interval: 100)
  :ok = GossipCluster.await(GossipCluster, timeout: 80_000)
  [other] = Node.list()
  IO.puts("MET " <> inspect({node(), other, :net_kernel.epmd_module()}))
  Process.register(self(), :met)
  # Or gone, since it has met.
  GossipCluster.Eventually.eventually(fn -> :rpc.call(other, Process, :whereis, [:met]) end, 30_000)
  System.halt(0)
  """

  setup do
    lab = Lab.start(hosts: 2)
    script = Path.join(lab.dir, "script.exs")
    File.write!(script, @script)
    %{lab: lab, script: script, ebin: Application.app_dir(:gossip_cluster, "ebin")}
  end

  # In the host's network, and under its name.
  defp run(lab, n, shell, arguments) do
    %{netns: netns, name: name} = lab.hosts[n]
    outer = ~s(hostname "$1"; shift; exec sh -c "$@")
    hosts = Lab.hosts_file(lab, :gossip)

    command =
      ["netns", "exec", netns, "unshare", "--uts", "sh", "-c"] ++
        [~s(mount --bind "#{hosts}" /etc/hosts; ) <> outer, "sh", name, shell, "sh"] ++ arguments

    env = [
      {"MIX_ENV", "test"},
      {"HOME", lab.dir},
      {"TERM", "dumb"},
      {"MIX_BUILD_PATH", Mix.Project.build_path()}
    ]

    Task.async(fn -> System.cmd("ip", command, env: env, stderr_to_stdout: true) end)
  end

  defp node(name), do: "{:ok, _} = Node.start(:#{name}, :shortnames); Node.set_cookie(:c); "
  defp eval(context), do: "Code.eval_file(#{inspect(context.script)})"

  defp met(lab, tasks) do
    [{a, 0}, {b, 0}] = results = Task.await_many(tasks, 90_000)
    assert a =~ "MET {:a@h1, :b@h2, GossipCluster.Epmd}", inspect(results)
    assert b =~ "MET {:b@h2, :a@h1, GossipCluster.Epmd}", inspect(results)

    for {_n, host} <- lab.hosts do
      {pids, 0} = System.cmd("ip", ["netns", "pids", host.netns])

      names =
        for pid <- String.split(pids), {:ok, name} <- [File.read("/proc/#{pid}/comm")], do: name

      assert "epmd\n" not in names
    end
  end

  test "iex --sname, with the module's directory in --erl", %{lab: lab} = context do
    shell = ~S"""
    echo 'Code.eval_file(System.get_env("SCRIPT"))' |
      SCRIPT="$1" iex --erl "$2" --sname "$3" --cookie c -S mix run --no-compile
    """

    erl = "-pa #{context.ebin} #{@flags}"

    tasks =
      for {n, name} <- [{1, "a"}, {2, "b"}], do: run(lab, n, shell, [context.script, erl, name])

    met(lab, tasks)
  end

  # Until it is told why the other is not connected.
  @stuck """
  {:ok, _} = GossipCluster.start_link(secret: {:key, String.duplicate("k", 32)}, interval: 100)

  GossipCluster.Eventually.eventually(
    fn -> match?([%{problem: {:unresolved, _}}], GossipCluster.peers()) end,
    30_000
  )

  [] = Node.list()
  Logger.flush()
  System.halt(0)
  """

  test "the line that the log prints, pasted on one computer, before the command that was not enough",
       %{lab: lab} = context do
    iex = fn n, name, script, before ->
      shell = ~s"""
      #{before}
      echo 'Code.eval_file(System.get_env("SCRIPT"))' |
        SCRIPT="$1" iex --sname "$2" --cookie c -S mix run --no-compile
      """

      run(lab, n, shell, [script, name])
    end

    stuck = Path.join(lab.dir, "stuck.exs")
    File.write!(stuck, @stuck)
    b = iex.(2, "b", context.script, "")
    {log, 0} = Task.await(iex.(1, "a", stuck, ""), 90_000)

    assert [_, line] =
             Regex.run(
               ~r/cannot connect to :"b@h2" .*its host name h2 does not resolve here.*: (export .*)$/m,
               log
             )

    a = iex.(1, "a", context.script, line)
    [{a, 0}, {b, 0}] = results = Task.await_many([a, b], 90_000)
    assert a =~ "MET {:a@h1, :b@h2, GossipCluster.Epmd}", inspect(results)
    # It was found, and dialled.
    assert b =~ "MET {:b@h2, :a@h1, :erl_epmd}", inspect(results)
  end

  test "mix run and Node.start/2, without the directory", %{lab: lab} = context do
    shell = ~S(exec elixir --erl "$2" -S mix run --no-compile -e "$3")
    start = &(node(&1) <> eval(context))

    tasks =
      for {n, name} <- [{1, "a"}, {2, "b"}],
          do: run(lab, n, shell, ["", @flags, start.(name)])

    met(lab, tasks)
  end

  if @otp < 27, do: @tag(skip: "kernel's epmd_module is read from OTP 27.2 on; this is #{@otp}")

  test "kernel's environment instead of a flag, from OTP 27.2 on", %{lab: lab} = context do
    shell = ~S(exec elixir -S mix run --no-compile -e "$1")

    setting = "Application.put_env(:kernel, :epmd_module, GossipCluster.Epmd); "
    start = &(setting <> node(&1) <> eval(context))

    tasks = for {n, name} <- [{1, "a"}, {2, "b"}], do: run(lab, n, shell, [start.(name)])
    met(lab, tasks)
  end
end
