defmodule GossipCluster.Lab.Figures do
  @moduledoc "What the scripts in bench/ share: how many samples are wanted, and the line that tells what came of them."

  @doc "The number that the script was given, or the default."
  @spec samples(pos_integer()) :: pos_integer()
  def samples(default) do
    case System.argv() do
      [n] -> String.to_integer(n)
      [] -> default
    end
  end

  @doc "Prints one line about these milliseconds, with what else there is to say of them."
  @spec print(String.t(), [number()], number() | nil, String.t()) :: :ok
  def print(name, times, bound, more \\ "") do
    sorted = Enum.sort(times)

    at = fn share ->
      Float.round(Enum.at(sorted, round(share * (length(sorted) - 1))) / 1, 1)
    end

    bound = if bound, do: " (bound #{bound} ms)", else: ""

    IO.puts(
      "#{name}: median #{at.(0.5)} ms#{bound}, min #{at.(0)}, p90 #{at.(0.9)}, max #{at.(1)}, #{more}n=#{length(sorted)}"
    )
  end

  @doc "Prints the quantiles of these milliseconds, and the bounds in words where there are some."
  @spec quantiles(String.t(), [number()], String.t() | nil) :: :ok
  def quantiles(name, times, bounds \\ nil) do
    at = &Float.round(quantile(times, &1) / 1, 1)
    bounds = if bounds, do: " (bounds in ms: #{bounds})", else: ""

    IO.puts(
      "#{name}: p50 #{at.(0.5)} p90 #{at.(0.9)} p99 #{at.(0.99)} max #{Enum.max(times)} ms#{bounds}, n=#{length(times)}"
    )
  end

  @doc "The least of these numbers below or at which this share of them is."
  @spec quantile([number()], number()) :: number()
  def quantile(numbers, share),
    do: numbers |> Enum.sort() |> Enum.at(max(ceil(share * length(numbers)) - 1, 0))

  @doc "That of a half of them."
  @spec median([number()]) :: number()
  def median(numbers), do: quantile(numbers, 0.5)
end
