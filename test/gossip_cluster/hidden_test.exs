defmodule GossipCluster.HiddenTest do
  use ExUnit.Case, async: true

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

  test "equal terms are equal when hidden, others are not" do
    for {a, i} <- Enum.with_index(@terms),
        {b, j} <- Enum.with_index(@terms),
        do: assert(Hidden.wrap(a) == Hidden.wrap(b) == (i == j))

    # Whatever way a map was built.
    a = Map.new(1..100, &{&1, &1})
    b = Enum.reduce(Enum.shuffle(1..100), %{}, &Map.put(&2, &1, &1))
    assert Hidden.wrap(a) == Hidden.wrap(b)
  end

  test "what is hidden prints as nothing, in Elixir and in Erlang" do
    for term <- @terms, hidden = Hidden.wrap(term) do
      assert inspect(hidden, limit: :infinity) == "#GossipCluster.Hidden<...>"
      raw = inspect(hidden, limit: :infinity, structs: false, binaries: :as_strings)
      refute raw =~ "hunter"
      # The number of bytes 7 in a row is not that of the key either.
      refute raw =~ inspect(<<7, 7, 7, 7>>)

      for format <- ["~p", "~w"],
          do: refute(to_string(:io_lib.format(format, [hidden])) =~ "hunter")
    end
  end

  test "a short secret shows nothing by its length" do
    sizes = for n <- 1..200, do: byte_size(Hidden.wrap(String.duplicate("x", n)).sealed)
    assert [_one] = Enum.uniq(sizes)
  end

  test "it needs no process: who hides may end, and others read" do
    hidden = Task.await(Task.async(fn -> Hidden.wrap("hunter2") end))
    assert Task.await(Task.async(fn -> Hidden.unwrap(hidden) end)) == "hunter2"
  end

  test "nothing is kept for a handle" do
    _ = Hidden.wrap(:first)
    before = :persistent_term.info().count
    for n <- 1..1_000, do: Hidden.wrap(n)
    assert :persistent_term.info().count - before < 100
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

  test "what another VM has hidden, or what was changed, is refused in words" do
    %Hidden{sealed: <<first, rest::binary>>} = hidden = Hidden.wrap("hunter2")

    for other <- [
          %{hidden | key: make_ref()},
          %{hidden | sealed: <<Bitwise.bxor(first, 1), rest::binary>>}
        ] do
      error = assert_raise ArgumentError, fn -> Hidden.unwrap(other) end

      assert error.message =~
               "a secret that was hidden in another Erlang VM cannot be read in this one"
    end
  end
end
