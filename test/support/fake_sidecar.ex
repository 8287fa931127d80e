defmodule GossipCluster.FakeSidecar do
  @moduledoc """
  A stand-in for gossipd that the test itself plays: a shell script that relays the port's frames through two FIFOs, so
  that the test sees each command and says whatever it likes. It dies and exits when told to.

      fake = FakeSidecar.new()
      start_supervised!({GossipCluster, sidecar: fake.path, ...})
      fake = FakeSidecar.attach(fake)
      {:configure, _map} = FakeSidecar.command(fake)
      FakeSidecar.say(fake, {:up, FakeSidecar.peer("b@host")})
  """

  import ExUnit.Assertions

  @timeout 5_000

  @relay """
  echo $$ >>"$d/pids"
  run=$(wc -l <"$d/pids")
  mkfifo "$d/down$run" "$d/up$run" 2>/dev/null
  exec 3<&0
  cat "$d/up$run" 2>/dev/null &
  up=$!
  cat <&3 >"$d/down$run" 2>/dev/null &
  down=$!
  trap 'kill $up $down 2>/dev/null; exit "$(cat "$d/status")"' TERM
  wait $down
  kill $up 2>/dev/null
  exit 0
  """

  defstruct [:dir, :path, :port, :answering, runs: 0]

  @doc "Makes the script; it, and whatever runs of it, is removed at the end of the test."
  def new do
    dir = directory()

    # Each run leads a process group of its own, and so does each of the test's relays. One that waits at a FIFO would
    # wait for ever.
    ExUnit.Callbacks.on_exit(fn ->
      for file <- ["pids", "relays"], pid <- pids(dir, file), do: signal("KILL", "-" <> pid)
    end)

    %__MODULE__{dir: dir, path: script(dir, @relay)}
  end

  @doc "An executable that does just this, in sh; it knows its own directory as $d."
  def script(body), do: script(directory(), body)

  defp directory do
    name = "gossip-fake-#{System.pid()}-#{System.unique_integer([:positive])}"
    dir = Path.join(System.tmp_dir!(), name)
    File.mkdir_p!(dir)
    ExUnit.Callbacks.on_exit(fn -> File.rm_rf!(dir) end)
    dir
  end

  defp script(dir, body) do
    path = Path.join(dir, "gossipd")
    File.write!(path, "#!/bin/sh\nd=$(dirname \"$0\")\n" <> body)
    File.chmod!(path, 0o755)
    path
  end

  @doc "Becomes the next sidecar that the owner has started, or will start. Each run has FIFOs of its own."
  def attach(%{dir: dir} = fake) do
    run = fake.runs + 1
    {up, down} = {Path.join(dir, "up#{run}"), Path.join(dir, "down#{run}")}

    relay = """
    echo $$ >>'#{Path.join(dir, "relays")}'
    mkfifo '#{up}' '#{down}' 2>/dev/null
    exec 3<&0 2>/dev/null
    cat <&3 >'#{up}' &
    exec cat '#{down}'
    """

    options = [{:packet, 4}, :binary, :exit_status, args: ["-c", relay]]
    port = Port.open({:spawn_executable, "/bin/sh"}, options)
    %{fake | runs: run, port: port, answering: spawn_link(fn -> answer(port) end)}
  end

  # As gossipd answers each pulse, whatever the test is busy with, so that the owner does not take it for stuck.
  defp answer(port) do
    true = Port.command(port, :erlang.term_to_binary(:pulse))

    receive do
      :silence -> :ok
    after
      200 -> answer(port)
    end
  rescue
    # It is closed.
    ArgumentError -> :ok
  end

  @doc "From now on no pulse is answered."
  def silence(fake) do
    send(fake.answering, :silence)
    fake
  end

  @doc "The next command of the owner that is no pulse and no question for counters or measures."
  def command(%{port: port} = fake) do
    receive do
      {^port, {:data, data}} ->
        case :erlang.binary_to_term(data) do
          :pulse -> command(fake)
          {:stats, _ref} -> command(fake)
          {:measures, _from} -> command(fake)
          command -> command
        end

      {^port, {:exit_status, _status}} ->
        :closed
    after
      @timeout -> flunk("the owner sent no command within #{@timeout} ms")
    end
  end

  @doc "The next command of this kind, whatever comes before it."
  def command(fake, kind) do
    case command(fake) do
      :closed -> flunk("the owner closed the port without a command #{inspect(kind)}")
      ^kind -> kind
      command when is_tuple(command) and elem(command, 0) == kind -> command
      _other -> command(fake, kind)
    end
  end

  @doc "The next question for counters: its reference."
  def stats(%{port: port} = fake) do
    assert_receive {^port, {:data, data}}, @timeout

    case :erlang.binary_to_term(data) do
      {:stats, ref} -> ref
      _other -> stats(fake)
    end
  end

  @doc "The next question of how well the peers are reached: from which one on."
  def measures(%{port: port} = fake) do
    assert_receive {^port, {:data, data}}, @timeout

    case :erlang.binary_to_term(data) do
      {:measures, from} -> from
      _other -> measures(fake)
    end
  end

  @doc "Waits for the next pulse."
  def pulse(%{port: port}) do
    data = :erlang.term_to_binary(:pulse)
    assert_receive {^port, {:data, ^data}}, @timeout
    :ok
  end

  @doc "Says an event to the owner."
  def say(fake, event), do: say_raw(fake, :erlang.term_to_binary(event))

  @doc "Says any bytes, as a frame."
  def say_raw(%{port: port}, data) do
    Port.command(port, data)
  rescue
    # The owner did not wait so long: it has closed the port.
    ArgumentError -> false
  end

  @doc "What gossipd says once it is configured."
  def is_ready do
    {:ready,
     %{
       version: "9.9.9",
       boot: <<1::64>>,
       pid: 4711,
       unicast_port: 0,
       interfaces: [{"lo", 1, "127.0.0.1"}],
       network: %{reach: :lan, missing: [], deaf: [], mute: []}
     }}
  end

  @doc "Reads the configuration, and is ready, with these peers."
  def ready(fake, peers \\ []) do
    assert {:configure, configuration} = command(fake)

    say(fake, is_ready())
    say(fake, {:snapshot, :first, peers})
    say(fake, :snapshot_end)
    configuration
  end

  @doc "Ends as by a signal (`:kill`), or with an exit status."
  def die(%{dir: dir, port: port}, how) do
    pid = List.last(pids(dir))
    if is_integer(how), do: File.write!(Path.join(dir, "status"), "#{how}")
    if how == :kill, do: signal("KILL", "-" <> pid), else: signal("TERM", pid)
    assert_receive {^port, {:exit_status, _status}}, @timeout
    :ok
  end

  defp pids(dir, file \\ "pids") do
    case File.read(Path.join(dir, file)) do
      {:ok, pids} -> String.split(pids)
      {:error, :enoent} -> []
    end
  end

  defp signal(signal, pid),
    do: System.cmd("sh", ["-c", "kill -s #{signal} -- #{pid} 2>/dev/null"])

  @doc "A peer as it stands in a frame."
  def peer(name, changes \\ %{}) do
    Map.merge(
      %{
        name: name,
        boot: <<1, 2, 3, 4, 5, 6, 7, 8>>,
        creation: 1,
        incarnation: 0,
        port: 4370,
        long_names: true,
        tls: false,
        ipv6: false,
        hidden: false,
        status: :alive,
        cookie: :same,
        heard: true,
        host: :unknown,
        tags: %{},
        addresses: [{{192, 0, 2, 1}, 40_000, 1}]
      },
      Map.new(changes)
    )
  end
end
