defmodule Mix.Tasks.Gossip.Install.Changes do
  @moduledoc false
  # What is about to become of a file, for people; and the writing.

  @around 3

  @doc "The lines that go and come, with three around them."
  @spec diff(String.t() | nil, String.t()) :: String.t()
  def diff(old, new) do
    lines =
      for {kind, lines} <- List.myers_difference(lines(old), lines(new)),
          line <- lines,
          do: {kind, line}

    changed = for {{kind, _}, n} <- Enum.with_index(lines), kind != :eq, do: n

    lines
    |> Enum.with_index()
    |> Enum.filter(fn {_, n} -> Enum.any?(changed, &(abs(&1 - n) <= @around)) end)
    |> Enum.map_join("\n", fn
      {{:eq, line}, _} -> String.trim_trailing("      " <> line)
      {{:ins, line}, _} -> "    + " <> line
      {{:del, line}, _} -> "    - " <> line
    end)
  end

  defp lines(nil), do: []
  defp lines(text), do: text |> String.trim_trailing("\n") |> String.split("\n")

  @doc "Shows one file's change."
  @spec show(Path.t(), String.t() | nil, String.t()) :: :ok
  def show(path, old, new) do
    Mix.shell().info("#{path}#{if old == nil, do: " (new)"}\n\n#{diff(old, new)}\n")
  end

  @doc "Writes it, and makes its folder."
  @spec write(Path.t(), String.t()) :: :ok
  def write(path, text) do
    with :ok <- File.mkdir_p(Path.dirname(path)),
         :ok <- File.write(path, text) do
      :ok
    else
      {:error, reason} -> Mix.raise("#{path}: #{:file.format_error(reason)}")
    end
  end

  @doc "The texts of those files that are there."
  @spec read([Path.t()]) :: %{Path.t() => String.t()}
  def read(paths) do
    for path <- paths, {:ok, text} <- [File.read(path)], into: %{}, do: {path, text}
  end
end
