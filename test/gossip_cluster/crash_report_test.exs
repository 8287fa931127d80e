defmodule GossipCluster.CrashReportTest do
  # What a crash may show, without a process.
  use ExUnit.Case, async: true

  alias GossipCluster.CrashReport

  @large Enum.to_list(1..1_000)

  defp status(changes), do: CrashReport.status(Map.new(changes), &%{peers: length(&1)})

  test "of the state only its summary, or that there is none" do
    assert status(state: @large) == %{state: %{peers: 1_000}}
    assert status(state: :broken) == %{state: "no summary: ArgumentError"}
  end

  test "of a sidecar's frame only its size" do
    assert status(message: {:port, {:data, "secret"}}) == %{message: {:port, {:data, "6 bytes"}}}
    assert status(message: :continue) == %{message: :continue}
  end

  test "of what is large only the beginning, of what is small all" do
    assert %{message: text, reason: text} = status(message: {:m, @large}, reason: {:m, @large})
    assert is_binary(text) and byte_size(text) < 200 and text =~ "{:m, [1, 2, 3"
    assert status(reason: {:badmatch, 1}) == %{reason: {:badmatch, 1}}
    # A structure that prints itself at length, or fails to.
    assert CrashReport.small({%Inspect.Opts{}, @large}) =~ ~r/\A\{%\{/

    for words <- [0, 1, 50, 99, 100, 150, 5_000] do
      small = CrashReport.small(List.duplicate(:x, words))
      assert is_binary(small) == words * 2 > 200
      assert :erts_debug.flat_size(small) <= 200
    end
  end

  test "of a stack where it failed, and no argument" do
    stack = [{Enum, :map, [@large, "secret"], []}, {Enum, :map, 2, [file: ~c"a.ex", line: 1]}]
    small = [{Enum, :map, 2, []}, {Enum, :map, 2, [file: ~c"a.ex", line: 1]}]
    assert CrashReport.stack(stack) == small
    assert status(reason: {:function_clause, stack}) == %{reason: {:function_clause, small}}
    assert %{reason: {text, ^small}} = status(reason: {{:badmatch, @large}, stack})
    assert is_binary(text)
    # No stack, though it looks a little like one.
    assert status(reason: {:shutdown, []}) == %{reason: {:shutdown, []}}
  end

  test "what is raised goes on: its kind, its beginning, and where it was" do
    assert CrashReport.guard(fn -> :ok end) == :ok

    for {raise, kind} <- [
          {fn -> :erlang.error({:badmatch, @large}) end, :error},
          {fn -> throw({:badmatch, @large}) end, :throw},
          {fn -> exit({:badmatch, @large}) end, :exit}
        ] do
      {caught, reason, stack} =
        try do
          CrashReport.guard(raise)
        catch
          kind, reason -> {kind, reason, __STACKTRACE__}
        end

      assert caught == kind
      assert reason =~ "{:badmatch, [1, 2"
      assert inspect(stack) =~ "crash_report_test.exs"
    end

    stack =
      try(
        do: CrashReport.guard(fn -> "secret" |> Process.get() |> hd() |> then(&{&1, @large}) end),
        rescue: (_ -> __STACKTRACE__)
      )

    refute Enum.any?(stack, fn {_, _, arguments, _} -> is_list(arguments) end)
  end

  test "whatever else there is in a status stays, such as the log of `:sys`" do
    assert status(log: [:event]) == %{log: [:event]}
  end
end
