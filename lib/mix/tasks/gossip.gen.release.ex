defmodule Mix.Tasks.Gossip.Gen.Release do
  @shortdoc "Copies the files of a release without epmd"

  @moduledoc """
  Copies the three files that a release needs to do without epmd and DNS into `rel/`: `vm.args.eex`,
  `remote.vm.args.eex` and `env.sh.eex`. The guide on releases explains each line.

      $ mix gossip.gen.release
      rel/vm.args.eex is written.
      rel/remote.vm.args.eex is written.
      rel/env.sh.eex is written.

  Of a file that is there and differs it shows what would change, and asks. In an umbrella it is run at its root.

    * `--dir DIR` - into another folder, such as a release's `rel_templates_path`. Default: `rel`
    * `--force` - does not ask
    * `--dry-run` - shows what would change, and changes nothing
  """

  use Mix.Task

  alias Mix.Tasks.Gossip.Install.{Changes, Plan, ReleaseFiles}

  @impl true
  def run(args) do
    case OptionParser.parse(args, strict: [dir: :string, force: :boolean, dry_run: :boolean]) do
      {options, [], []} -> copy(Keyword.get(options, :dir, "rel"), options)
      _other -> Mix.raise("gossip.gen.release takes --dir DIR, --force and --dry-run")
    end
  end

  defp copy(dir, options) do
    release = ReleaseFiles.all()
    files = Changes.read(for {name, _text} <- release, do: Path.join(dir, name))
    for step <- Plan.release_steps(dir, release, files), do: step(step, options)
    :ok
  end

  defp step({:keep, path, why}, _options), do: Mix.shell().info("#{path} #{why}: it stays.")

  defp step({:write, path, old, new}, options) do
    if old != nil or options[:dry_run], do: Changes.show(path, old, new)

    cond do
      options[:dry_run] ->
        :ok

      old == nil or options[:force] || Mix.shell().yes?("Replace #{path}?", default: :no) ->
        Changes.write(path, new)
        Mix.shell().info("#{path} is written.")

      true ->
        Mix.shell().info("#{path} stays as it is.")
    end
  end
end
