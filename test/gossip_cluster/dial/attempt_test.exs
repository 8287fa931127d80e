defmodule GossipCluster.Dial.AttemptTest do
  use ExUnit.Case, async: true

  alias GossipCluster.Dial.Attempt
  alias GossipCluster.Peer

  @peer %Peer{name: "b@x", creation: 1}

  def answer(answer, :b@x), do: answer
  def failing(how, :b@x), do: how.()
  def accept(answer, %Peer{name: "b@x"}), do: answer
  def nodes(answer), do: answer

  defp run(connect, accept \\ nil), do: Attempt.run(@peer, :b@x, connect, accept)

  test "the node is appended to the arguments; only true is connected, all else says why" do
    assert {:connected, nil} = run({__MODULE__, :answer, [true]})

    assert {:failed, {:failed, "it could not be reached or refused us"}} =
             run({__MODULE__, :answer, [false]})

    assert {:failed, {:failed, "this node's distribution does not run"}} =
             run({__MODULE__, :answer, [:ignored]})

    assert {:failed, {:failed, text}} = run({__MODULE__, :answer, [{:error, :odd}]})
    assert text == "GossipCluster.Dial.AttemptTest.answer/2 returned {:error, :odd}"
  end

  test "what raises, throws or exits is a failure that is told" do
    for {how, told} <- [
          {fn -> raise "boom" end, "boom"},
          {fn -> throw(:ball) end, "throw :ball"},
          {fn -> exit(:stage) end, "exit :stage"}
        ] do
      assert {:failed, {:failed, text}} = run({__MODULE__, :failing, [how]})
      assert text == "GossipCluster.Dial.AttemptTest.failing/2 failed: #{told}"
    end

    assert {:failed, {:failed, text}} = run({NoSuchModule, :connect, []})
    assert text =~ "NoSuchModule.connect/1 failed: function NoSuchModule.connect/1 is undefined"
  end

  test "a module that is not loaded yet is loaded" do
    :code.purge(:sofs)
    :code.delete(:sofs)

    assert {:failed, {:failed, ":sofs" <> _}} = run({:sofs, :from_term, []})

    assert :code.is_loaded(:sofs)
  end

  test "accept is asked first; only true accepts, false and nil refuse" do
    connect = {__MODULE__, :answer, [true]}

    for {answer, result} <- [
          {true, :connected},
          {false, :refused},
          {nil, :refused}
        ] do
      assert {^result, nil} = run(connect, fn @peer -> answer end)
      assert {^result, nil} = run(connect, {__MODULE__, :accept, [answer]})
    end
  end

  test "an `accept` that fails, or answers something odd, accepts nobody, and is told" do
    connect = {__MODULE__, :answer, [true]}
    dead = :erlang.binary_to_term(:erlang.term_to_binary(fn _peer -> true end))

    for {accept, told} <- [
          {fn _ -> raise "boom" end, "failed: boom"},
          {fn _ -> throw(:ball) end, "failed: throw :ball"},
          {fn _ -> exit(:stage) end, "failed: exit :stage"},
          {fn _ -> :yes end, "returned :yes, neither true nor false"},
          {{__MODULE__, :accept, [:yes]}, "returned :yes, neither true nor false"},
          {{NoSuchModule, :accept, []}, "failed: function NoSuchModule.accept/1 is undefined"},
          {fn -> true end, "failed: "}
        ] do
      assert {:failed, {:accept, text}} = run(connect, accept)
      assert text =~ "the option `accept` " <> told
    end

    assert {:connected, nil} = run(connect, dead)
  end

  test "nobody knocks where it is not known which way the connect goes: another function, another epmd" do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    closed = %{@peer | port: port, addresses: [{{127, 0, 0, 1}, 1, 1}]}
    assert {:connected, nil} = Attempt.run(closed, :b@x, {__MODULE__, :answer, [true]}, nil, true)

    # This VM has the stock one: net_kernel itself is asked, and says that there is no distribution.
    assert :net_kernel.epmd_module() == :erl_epmd
    refute Node.alive?()

    assert {:failed, {:failed, "this node's distribution does not run"}} =
             Attempt.run(closed, :b@x, {:net_kernel, :connect_node, []}, nil, true)
  end

  test "the list of nodes, or why there is none" do
    assert {:ok, ["a@x", "b@x"]} = Attempt.list({__MODULE__, :nodes, [[:a@x, :b@x]]})
    assert {:ok, _} = Attempt.list({:erlang, :nodes, [:connected]})
    assert {:error, text} = Attempt.list({__MODULE__, :nodes, [:none]})
    assert text == "GossipCluster.Dial.AttemptTest.nodes returned :none, no list of nodes"
    assert {:error, text} = Attempt.list({NoSuchModule, :nodes, []})
    assert text =~ "NoSuchModule.nodes failed: "
  end
end
