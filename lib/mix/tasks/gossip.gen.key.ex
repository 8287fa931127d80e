defmodule Mix.Tasks.Gossip.Gen.Key do
  @shortdoc "Makes a key for a cluster"

  @moduledoc """
  Makes a key for the option `secret`: 32 random bytes, printed as 44 characters of Base64.

      $ mix gossip.gen.key
      q5cY8Xe1Zt0q3zW9m5TnO1m3bqj1xk6vJ0b8m0r7c2E=

      $ mix gossip.gen.key --file cluster.key

  With `--file PATH` it is written to a new file that nobody else can read, and not printed. A file that exists is not
  touched. Where Mix has to compile first, it says so before the key that is printed: for a script it is better in a file,
  or is the last line (`mix gossip.gen.key | tail -1`).

  Give all nodes the same key, by one of these:

      {GossipCluster, secret: {:file, "/etc/shop/cluster.key"}}
      {GossipCluster, secret: {:env, "CLUSTER_KEY"}}
      {GossipCluster, secret: {:key, text}}
  """

  use Mix.Task

  @impl true
  def run(args) do
    key = Base.encode64(:crypto.strong_rand_bytes(32)) <> "\n"

    case OptionParser.parse(args, strict: [file: :string]) do
      {[], [], []} -> IO.write(key)
      {[file: path], [], []} -> write(path, key)
      _other -> Mix.raise("gossip.gen.key takes nothing, or --file PATH")
    end
  end

  # Made empty and closed to others before the key goes in.
  defp write(path, key) do
    with {:ok, file} <- File.open(path, [:write, :exclusive, :binary]),
         :ok <- File.chmod(path, 0o600),
         :ok <- IO.binwrite(file, key),
         :ok <- File.close(file) do
      Mix.shell().info("The key is in #{path}. Give all nodes the same, and nobody else.")
    else
      {:error, reason} -> Mix.raise("#{path}: #{:file.format_error(reason)}")
    end
  end
end
