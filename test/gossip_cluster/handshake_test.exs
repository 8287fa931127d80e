defmodule GossipCluster.HandshakeTest do
  use ExUnit.Case, async: false

  alias GossipCluster.Handshake

  @thin_linear_timeouts {:raw, 6, 16, <<1::native-32>>}

  setup do
    for key <- [:inet_dist_connect_options, :global_connect_retries] do
      before = Application.fetch_env(:kernel, key)
      Application.delete_env(:kernel, key)

      on_exit(fn ->
        case before do
          {:ok, value} -> Application.put_env(:kernel, key, value)
          :error -> Application.delete_env(:kernel, key)
        end
      end)
    end

    :ok
  end

  defp options, do: Application.get_env(:kernel, :inet_dist_connect_options)

  test "one option more for sockets that connect, once; the user's stay" do
    Application.put_env(:kernel, :inet_dist_connect_options, ip: {127, 0, 0, 1})
    :ok = Handshake.prepare()
    :ok = Handshake.prepare()
    added = if :os.type() == {:unix, :linux}, do: [@thin_linear_timeouts], else: []
    assert options() == [{:ip, {127, 0, 0, 1}} | added]
  end

  test "what is no list is left to Erlang" do
    Application.put_env(:kernel, :inet_dist_connect_options, :odd)
    :ok = Handshake.prepare()
    assert options() == :odd
  end

  test "`global` of a node that does not dial by GossipCluster.Epmd is left alone" do
    :ok = Handshake.prepare()
    assert :net_kernel.epmd_module() == :erl_epmd
    assert Application.fetch_env(:kernel, :global_connect_retries) == :error
  end

  test "a socket that listens: without delay, unless that is forbidden, and never doubling the wait at once" do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    Application.put_env(:kernel, :dist_nodelay, false)
    on_exit(fn -> Application.delete_env(:kernel, :dist_nodelay) end)
    :ok = Handshake.listener(socket)
    assert :inet.getopts(socket, [:nodelay]) == {:ok, nodelay: false}
    Application.delete_env(:kernel, :dist_nodelay)
    :ok = Handshake.listener(socket)
    assert :inet.getopts(socket, [:nodelay]) == {:ok, nodelay: true}

    if :os.type() == {:unix, :linux},
      do: assert(:inet.getopts(socket, [{:raw, 6, 16, 4}]) == {:ok, [@thin_linear_timeouts]})
  end
end
