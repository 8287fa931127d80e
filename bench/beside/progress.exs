defmodule Bench.Progress do
  @moduledoc """
  How far a row is: what it has measured, a line each; and on a terminal behind them a bar, drawn anew each second.
  """

  @width 30

  @doc "Begins; on a terminal (`bar?`) with a bar."
  def start(bar? \\ IO.ANSI.enabled?()) do
    spawn_link(fn -> loop(%{bar?: bar?, since: now(), done: 0, total: nil}) end)
  end

  @doc "There will be so many steps."
  def total(progress, steps), do: tell(progress, {:total, steps})

  @doc "A step is done, of which these lines tell."
  def step(progress, lines), do: tell(progress, {:step, lines})

  @doc "It is over. Returns how many seconds it took."
  def stop(progress), do: tell(progress, :stop)

  defp tell(progress, what) do
    ref = Process.monitor(progress)
    send(progress, {what, self(), ref})

    receive do
      {^ref, answer} ->
        Process.demonitor(ref, [:flush])
        answer

      {:DOWN, ^ref, :process, ^progress, reason} ->
        exit(reason)
    end
  end

  defp loop(state) do
    receive do
      {{:total, steps}, from, ref} ->
        send(from, {ref, :ok})
        state = %{state | total: steps}
        draw(state)
        loop(state)

      {{:step, lines}, from, ref} ->
        if state.bar?, do: IO.write("\r\e[K")
        IO.write(for line <- lines, do: [line, ?\n])
        send(from, {ref, :ok})
        state = %{state | done: state.done + 1}
        draw(state)
        loop(state)

      {:stop, from, ref} ->
        if state.bar?, do: IO.write("\r\e[K")
        send(from, {ref, now() - state.since})
    after
      1_000 ->
        draw(state)
        loop(state)
    end
  end

  defp draw(state) do
    if state.bar?, do: IO.write(["\r\e[K", text(state.done, state.total, now() - state.since)])
  end

  @doc """
  The bar after so many steps of so many, and so many seconds; what is left is told once a step has shown how long one
  takes.
  """
  def text(_done, nil, seconds), do: "  #{clock(seconds)}"

  def text(done, total, seconds) do
    filled = if total > 0, do: min(div(@width * done, total), @width), else: 0
    bar = String.duplicate("#", filled) <> String.duplicate(".", @width - filled)

    left =
      if done in 1..(total - 1)//1,
        do: ", some #{clock(div(seconds * (total - done), done))} left"

    "  [#{bar}] #{done} of #{total}, #{clock(seconds)}#{left}"
  end

  defp clock(seconds) do
    "#{div(seconds, 60)}:#{seconds |> rem(60) |> Integer.to_string() |> String.pad_leading(2, "0")}"
  end

  defp now, do: System.monotonic_time(:second)
end
