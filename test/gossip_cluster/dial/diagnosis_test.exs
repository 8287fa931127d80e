defmodule GossipCluster.Dial.DiagnosisTest do
  # What a failed connect is put down to. Real TCP, on the loopback interface only.
  use ExUnit.Case, async: true

  alias GossipCluster.Dial.Diagnosis
  alias GossipCluster.Peer

  # What stands for epmd: it tells the port that the test has told its process.
  defp closed_port do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    port
  end

  # Dialled where it is heard.
  defp peer(changes) do
    paths = for {ip, _port, _index} <- Keyword.get(changes, :addresses, []), do: ip
    struct!(%Peer{name: "b@h2", creation: 1, paths: paths}, changes)
  end

  defp run(changes), do: changes |> peer() |> Diagnosis.run(GossipCluster.Epmd)

  describe "with GossipCluster.Epmd" do
    test "a closed port, one that is not told, and one that is reached" do
      at = [{{127, 0, 0, 1}, 1, 1}]
      port = closed_port()
      assert {:refused, text} = run(port: port, addresses: at)
      assert text =~ "its distribution port is closed (127.0.0.1 port #{port})"
      assert text =~ "open that TCP port (`-kernel inet_dist_listen_min"

      assert {:no_port, text} = run(port: 0, addresses: at)
      assert text =~ "-dist_listen false"

      {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
      {:ok, port} = :inet.port(socket)
      assert {:handshake, text} = run(port: port, addresses: at)
      assert text =~ "refuses the connection: are the Erlang cookies the same"
      assert {:handshake, text} = run(port: port, addresses: at, cookie: :same)
      refute text =~ "cookie"
      :gen_tcp.close(socket)
    end

    test "one that is heard over the other IP version only" do
      assert {:family, text} = run(port: 1, addresses: [{{0, 0, 0, 0, 0, 0, 0, 1}, 1, 1}])
      assert text =~ "speaks IPv4"
    end
  end

  describe "with another epmd" do
    defmodule Knows do
      def port_please(~c"b", {127, 0, 0, 1}, timeout) when timeout <= 2_000,
        do: {:port, :persistent_term.get(__MODULE__), 6}
    end

    defmodule KnowsNot do
      def port_please(~c"b", {127, 0, 0, 1}, _timeout), do: :noport
    end

    test "a host name that resolves nowhere" do
      peer = peer(name: "b@no-such-host.invalid", addresses: [{{192, 0, 2, 9}, 1, 1}])
      assert {:unresolved, text} = Diagnosis.run(peer, Knows)

      assert text =~
               "its host name no-such-host.invalid does not resolve here (nxdomain): put it into DNS"

      assert text =~ "(--name b@192.0.2.9)"

      # That this line works: epmd_test.exs.
      assert text =~
               ~r/or use GossipCluster.Epmd. Type this line in the shell, .*: export ERL_AFLAGS=.*-epmd_module \S+ -start_epmd false'$/
    end

    test "the port that it tells, an epmd that does not know the name or is not there" do
      :persistent_term.put(Knows, closed_port())
      peer = peer(name: "b@127.0.0.1", addresses: [{{127, 0, 0, 1}, 1, 1}])
      assert {:refused, _text} = Diagnosis.run(peer, Knows)
      assert {:epmd, text} = Diagnosis.run(peer, KnowsNot)

      assert text =~
               ~r/the epmd at 127.0.0.1 does not know it|no epmd answers at 127.0.0.1 port 4369/
    end

    test "a host name that leads elsewhere" do
      :persistent_term.put(Knows, closed_port())
      peer = peer(name: "b@127.0.0.1", addresses: [{{192, 0, 2, 9}, 1, 1}])
      assert {:wrong_address, text} = Diagnosis.run(peer, Knows)

      assert text =~
               "its host name 127.0.0.1 resolves to 127.0.0.1 here, but it is heard from 192.0.2.9"

      # Where it is reached all the same, the name is not to blame.
      {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
      {:ok, port} = :inet.port(socket)
      :persistent_term.put(Knows, port)
      assert {:handshake, _text} = Diagnosis.run(peer, Knows)
      :gen_tcp.close(socket)
    end
  end

  test "a knock tells whether the port is reached where the peer is heard, and nothing where there is none to try" do
    at = [{{127, 0, 0, 1}, 1, 1}]
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    assert :ok = Diagnosis.knock(peer(port: port, addresses: at))
    :gen_tcp.close(socket)
    assert {:error, {:refused, text}} = Diagnosis.knock(peer(port: port, addresses: at))
    assert text =~ "its distribution port is closed (127.0.0.1 port #{port})"

    assert :ok = Diagnosis.knock(peer(port: 0, addresses: at))
    assert :ok = Diagnosis.knock(peer(port: port, addresses: []))
    assert :ok = Diagnosis.knock(peer(port: port, addresses: [{{0, 0, 0, 0, 0, 0, 0, 1}, 1, 1}]))
  end

  test "each error of TCP has its cause" do
    for {error, cause, told} <- [
          {:econnrefused, :refused, "closed"},
          {:timeout, :timeout, "a firewall drops it"},
          {:etimedout, :timeout, "a firewall drops it"},
          {:ehostunreach, :unreachable, "no route leads to it (192.0.2.1 port 7: ehostunreach)"},
          {:enetunreach, :unreachable, "check routes"},
          {:eperm, :failed, "this machine's own firewall"}
        ] do
      assert {^cause, text} = Diagnosis.blocked(error, {192, 0, 2, 1}, 7)
      assert text =~ told
    end
  end
end
