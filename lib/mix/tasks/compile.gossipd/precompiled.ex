defmodule Mix.Tasks.Compile.Gossipd.Precompiled do
  @moduledoc false
  # An executable that bin/precompile has made, taken in place of a build: only where GOSSIPD_PRECOMPILED asks for it,
  # only of this very version, and only if its bytes are those that SHA256SUMS beside it lists. Nothing is downloaded.

  @doc """
  Reads what `path` names: a directory with an executable for each target, or the file of one. Returns its bytes, which
  are those that were checked, or why it is refused.
  """
  @spec read(Path.t(), String.t(), {:ok, String.t()} | {:error, String.t()}) ::
          {:ok, binary()} | {:error, String.t()}
  def read(path, version, target) do
    with {:ok, file} <- file(path, version, target),
         {:ok, sums} <- read_file(Path.join(Path.dirname(file), "SHA256SUMS")),
         {:ok, listed} <- listed(sums, file),
         {:ok, bytes} <- read_file(file) do
      case Base.encode16(:crypto.hash(:sha256, bytes), case: :lower) do
        ^listed -> {:ok, bytes}
        is -> {:error, "#{file} is refused: its SHA-256 is #{is}, and SHA256SUMS lists #{listed}"}
      end
    end
  end

  @doc """
  The target of this build, such as `aarch64-linux-musl`: what GOSSIPD_TARGET says; what Nerves says (TARGET_ARCH,
  TARGET_OS, TARGET_ABI); otherwise that of the running Erlang, unless MIX_TARGET says that it is for another machine.
  """
  @spec target(%{String.t() => String.t() | nil}, String.t()) ::
          {:ok, String.t()} | {:error, String.t()}
  def target(%{"GOSSIPD_TARGET" => target}, _architecture) when target not in [nil, ""],
    do: {:ok, target}

  def target(%{"TARGET_ARCH" => cpu, "TARGET_OS" => os, "TARGET_ABI" => abi}, _architecture)
      when is_binary(cpu) and is_binary(os) and is_binary(abi),
      do: {:ok, "#{cpu}-#{os}-#{abi}"}

  def target(%{"MIX_TARGET" => mix_target}, _architecture)
      when mix_target not in [nil, "", "host"],
      do:
        {:error,
         "set GOSSIPD_TARGET, such as aarch64-linux-musl: what MIX_TARGET=#{mix_target} runs on is not known"}

  def target(_environment, architecture) do
    case String.split(architecture, "-") do
      [cpu, _vendor, os, abi] -> {:ok, "#{cpu}-#{os}-#{abi}"}
      [cpu, os, abi] -> {:ok, "#{cpu}-#{os}-#{abi}"}
      _ -> {:error, "set GOSSIPD_TARGET: there is none for #{architecture}"}
    end
  end

  defp file(path, version, target) do
    cond do
      File.dir?(path) -> with {:ok, target} <- target, do: in_directory(path, version, target)
      not File.exists?(path) -> {:error, "#{path} does not exist"}
      String.starts_with?(Path.basename(path), "gossipd-#{version}-") -> {:ok, path}
      true -> {:error, "#{path} is refused: this version's are called gossipd-#{version}-TARGET"}
    end
  end

  defp in_directory(path, version, target) do
    name = "gossipd-#{version}-#{target}"
    there = path |> Path.join("gossipd-*") |> Path.wildcard() |> Enum.map(&Path.basename/1)

    if name in there do
      {:ok, Path.join(path, name)}
    else
      there = if there == [], do: "none", else: Enum.join(there, ", ")

      {:error,
       "#{path} has no #{name}, but #{there}. Another target is named by GOSSIPD_TARGET: what ends in -musl is linked " <>
         "statically and runs on any Linux of its processor"}
    end
  end

  defp read_file(file) do
    with {:error, reason} <- File.read(file),
         do: {:error, "#{file} cannot be read: #{:file.format_error(reason)}"}
  end

  # `DIGEST  NAME` a line, as sha256sum writes it.
  defp listed(sums, file) do
    name = Path.basename(file)

    digests =
      for line <- String.split(sums, "\n"),
          [digest, ^name] <- [String.split(line)],
          do: String.downcase(digest)

    case digests do
      [digest] -> {:ok, digest}
      [] -> {:error, "#{file} is refused: SHA256SUMS beside it does not list it"}
      _ -> {:error, "#{file} is refused: SHA256SUMS lists it more than once"}
    end
  end
end
