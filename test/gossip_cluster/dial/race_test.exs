defmodule GossipCluster.Dial.RaceTest do
  use ExUnit.Case, async: false

  alias GossipCluster.Dial.Race

  @lo {127, 0, 0, 1}

  # A port of this address on which somebody listens, and one on which nobody does.
  defp listen(ip) do
    {:ok, socket} = :gen_tcp.listen(0, ip: ip, reuseaddr: true)
    {:ok, port} = :inet.port(socket)
    {socket, port}
  end

  # An address where connects are not answered: what goes there comes back by the loopback interface, is for nobody, and
  # is dropped without a word (ip_forward is off in a lab). A listener whose queue is full now and then answers.
  # 192.0.2.0/24 is for documentation (RFC 5737).
  @silent {192, 0, 2, 9}

  setup do
    assert {_, 0} = ip(["route", "add", "192.0.2.9/32", "dev", "lo"])
    on_exit(fn -> {_, 0} = ip(["route", "del", "192.0.2.9/32", "dev", "lo"]) end)
  end

  defp ip(args), do: System.cmd("ip", args, stderr_to_stdout: true)

  test "the first that answers, in their order" do
    {_socket, port} = listen({0, 0, 0, 0})
    assert Race.run([@lo, {127, 0, 0, 2}], port, 1_000) == {:ok, @lo}
    assert Race.run([{127, 0, 0, 2}, @lo], port, 1_000) == {:ok, {127, 0, 0, 2}}
  end

  test "one that fails is followed at once by the next" do
    {_socket, port} = listen(@lo)

    # A busy machine may delay one of them. The next one of its own turn comes after 250 ms, no sooner.
    times =
      for _ <- 1..5 do
        assert {time, {:ok, @lo}} = :timer.tc(Race, :run, [[{127, 0, 0, 2}, @lo], port, 5_000])
        time
      end

    assert Enum.min(times) < 200_000
  end

  test "one that is silent is followed after a quarter of a second" do
    {_socket, port} = listen(@lo)
    assert {time, {:ok, @lo}} = :timer.tc(Race, :run, [[@silent, @lo], port, 5_000])
    assert time >= 250_000
  end

  test "none: why the first failed, as soon as all have; or the end of its patience" do
    {socket, port} = listen(@lo)
    :ok = :gen_tcp.close(socket)

    assert {time, {:error, :econnrefused}} =
             :timer.tc(Race, :run, [[@lo, {127, 0, 0, 2}], port, 5_000])

    # Not at the end of its patience.
    assert time < 4_500_000
    assert {time, {:error, :timeout}} = :timer.tc(Race, :run, [[@silent, @lo], port, 600])
    assert time >= 600_000
    assert {:error, :econnrefused} = Race.run([@lo, @silent], port, 300)
  end

  test "nothing is left of it: no message, no process, no socket" do
    {socket, port} = listen(@lo)
    before = Process.info(self(), :links)
    ports = length(Port.list())
    assert Race.run([@silent, @lo], port, 5_000) == {:ok, @lo}
    assert {:error, :timeout} = Race.run([@silent], port, 600)
    assert Process.info(self(), :links) == before
    assert Process.info(self(), :messages) == {:messages, []}
    GossipCluster.Eventually.eventually(fn -> length(Port.list()) <= ports end)
    :gen_tcp.close(socket)
  end
end
