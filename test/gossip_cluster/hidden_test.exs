defmodule GossipCluster.HiddenTest do
  use ExUnit.Case, async: true

  import GossipCluster.Eventually

  alias GossipCluster.Hidden

  @terms [
    nil,
    "hunter2hunter2",
    [{:key, <<7::256>>}, :cookie, {:passphrase, "hunter2hunter2"}],
    %{name: "a@h", cookie: "hunter2", port: 4370},
    String.duplicate("hunter2", 1_000)
  ]

  test "what is hidden comes back as it was" do
    for term <- @terms, do: assert(Hidden.unwrap(Hidden.wrap(term)) === term)
  end

  test "of two that are hidden it is told whether they are the same" do
    for {a, i} <- Enum.with_index(@terms),
        {b, j} <- Enum.with_index(@terms),
        do: assert(Hidden.same?(Hidden.wrap(a), Hidden.wrap(b)) == (i == j))

    # Whatever way a map was built.
    a = Map.new(1..100, &{&1, &1})
    b = Enum.reduce(Enum.shuffle(1..100), %{}, &Map.put(&2, &1, &1))
    assert Hidden.same?(Hidden.wrap(a), Hidden.wrap(b))
  end

  test "what is hidden prints as nothing, in Elixir and in Erlang" do
    for term <- @terms, hidden = Hidden.wrap(term) do
      assert inspect(hidden, limit: :infinity) == "#GossipCluster.Hidden<...>"
      raw = inspect(hidden, limit: :infinity, structs: false, binaries: :as_strings)
      refute raw =~ "hunter"
      # Nor is a key there, which is 32 times the byte 7.
      refute raw =~ inspect(<<7, 7, 7, 7>>)

      for format <- ["~p", "~w"],
          do: refute(to_string(:io_lib.format(format, [hidden])) =~ "hunter")
    end
  end

  test "what is printed, sent elsewhere or written down is as long for any secret" do
    hidden = for n <- [0, 1, 31, 32, 1_000], do: Hidden.wrap(String.duplicate("x", n))
    assert [_one] = hidden |> Enum.map(&byte_size(:erlang.term_to_binary(&1))) |> Enum.uniq()

    assert [["__struct__", "words"]] =
             hidden
             |> Enum.map(&Regex.scan(~r/__\w+__|words/, inspect(&1, structs: false)))
             |> Enum.map(&List.flatten/1)
             |> Enum.uniq()
  end

  test "it needs no process: who hides may end, and others read" do
    hidden = Task.await(Task.async(fn -> Hidden.wrap("hunter2") end))
    assert Task.await(Task.async(fn -> Hidden.unwrap(hidden) end)) == "hunter2"
  end

  test "what is hidden is freed with the last handle" do
    mebibyte = 1024 * 1024
    before = :erlang.memory(:system)
    terms = :persistent_term.info().count

    held =
      Task.await(
        Task.async(fn ->
          text = String.duplicate("x", mebibyte)
          hidden = for _n <- 1..64, do: Hidden.wrap(text)
          {:erlang.memory(:system), length(hidden)}
        end)
      )

    assert {memory, 64} = held
    assert memory - before > 48 * mebibyte
    eventually(fn -> :erlang.memory(:system) - before < 16 * mebibyte end)
    assert :persistent_term.info().count - terms < 64
  end

  test "a function gets the term; what it raises, throws or is given goes no further" do
    hidden = Hidden.wrap("hunter2hunter2")
    assert Hidden.reveal(hidden, &byte_size/1) == 14

    for {function, what} <- [
          {&Map.fetch!(Map.new([]), &1), "KeyError"},
          {&(:error = &1), "MatchError"},
          {&String.to_integer/1, "ArgumentError"},
          {fn term -> (fn :other -> term end).(term) end, "FunctionClauseError"},
          {&throw/1, "throw"},
          {&exit/1, "exit"}
        ] do
      {error, stack} =
        try do
          Hidden.reveal(hidden, function)
        rescue
          error -> {error, __STACKTRACE__}
        end

      assert error == %RuntimeError{message: "a secret could not be used: #{what}"}
      refute inspect(stack, limit: :infinity) =~ "hunter"
      # Where it was is told.
      assert inspect(stack) =~ "hidden_test.exs"
    end
  end

  test "what another VM has hidden is refused in words" do
    for other <- [
          make_ref(),
          :erlang.binary_to_term(<<131, 90, 3::16, 119, 1, ?a, 1::32, 1::32, 2::32, 3::32>>)
        ] do
      error = assert_raise ArgumentError, fn -> Hidden.unwrap(%Hidden{words: other}) end

      assert error.message =~
               "a secret that was hidden in another Erlang VM cannot be read in this one"
    end
  end
end
