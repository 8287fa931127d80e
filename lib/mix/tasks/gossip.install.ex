defmodule Mix.Tasks.Gossip.Install do
  @shortdoc "Sets up GossipCluster in this project"

  @moduledoc """
  Sets up GossipCluster in the project that depends on it. Shows what it will change, and asks before it does.

      $ mix gossip.install
      lib/shop/application.ex

            def start(_type, _args) do
              children = [
          +     {GossipCluster, Application.get_env(:shop, GossipCluster, [])},
                Shop.Repo
      ...
      Write these files? [Yn]

  It adds:

    * the cluster, as the first child of the application's supervision tree
    * in `config/runtime.exs` its key, from the variable `CLUSTER_KEY`
    * in `config/test.exs` a line that switches it off in tests
    * the three files of a release without epmd, in `rel/`. One that is there stays: see `mix gossip.gen.release`

  What is there already is left as it is, so that a second run changes nothing. Where a file is written in a way that it
  does not know, it says what to put where, changes nothing at all, and ends with status 1. In an umbrella it is run in
  the application that shall start the cluster, `apps/NAME`.

    * `--yes` - does not ask
    * `--dry-run` - shows, and changes nothing
  """

  use Mix.Task

  alias Mix.Tasks.Gossip.Install.{Changes, Plan, ReleaseFiles}

  @impl true
  def run(args) do
    case OptionParser.parse(args, strict: [yes: :boolean, dry_run: :boolean]) do
      {options, [], []} -> install(project(), options)
      _other -> Mix.raise("gossip.install takes --yes and --dry-run")
    end
  end

  defp install(project, options) do
    steps = Plan.steps(project)
    writes = for {:write, path, old, new} <- steps, do: {path, old, new}
    pastes = for {:paste, path, why, where, text} <- steps, do: paste(path, why, where, text)

    for {:keep, path, why} <- steps, do: Mix.shell().info("#{path} #{why}: it stays.")
    if pastes != [], do: Mix.raise(Enum.join(pastes, "\n") <> "\nNothing was changed.")
    for {path, old, new} <- writes, do: Changes.show(path, old, new)

    cond do
      writes == [] ->
        Mix.shell().info("All is there. Nothing was changed.")

      options[:dry_run] || not (options[:yes] || Mix.shell().yes?("Write these files?")) ->
        Mix.shell().info("Nothing was changed.")

      true ->
        for {path, _old, new} <- writes, do: Changes.write(path, new)
        Mix.shell().info(next(Mix.Project.config()[:app]))
    end
  end

  defp paste(path, why, where, text) do
    "#{path} is not changed: #{why}. Put this #{where}:\n\n    " <>
      String.replace(String.trim_trailing(text), "\n", "\n    ") <> "\n"
  end

  defp next(app) do
    """
    Done. Two nodes, in two terminals, find each other:

        iex --sname a --cookie cookie -S mix
        iex --sname b --cookie cookie -S mix

    In production all nodes have the same CLUSTER_KEY, and none starts without. Make one, keep it out of the repository,
    and put it in front of the release's start:

        mix gossip.gen.key --file cluster.key
        CLUSTER_KEY="$(cat cluster.key)" bin/#{app} start
    """
  end

  defp project do
    config = Mix.Project.config()
    where!(config)
    config_folder = Path.dirname(config[:config_path])
    # Of an umbrella, both are beside each other.
    rel = Path.join(Path.dirname(config_folder), "rel") |> Path.relative_to(".")
    rel = if config_folder == "config", do: "rel", else: rel
    {module, file} = module(config)
    release = ReleaseFiles.all()

    paths =
      List.wrap(file) ++
        for(name <- ~w(config.exs runtime.exs test.exs), do: Path.join(config_folder, name)) ++
        for({name, _text} <- release, do: Path.join(rel, name))

    %{
      app: config[:app],
      module: module,
      module_file: file,
      config: config_folder,
      rel: rel,
      release: release,
      files: Changes.read(paths)
    }
  end

  defp where!(config) do
    cond do
      Mix.Project.umbrella?(config) ->
        Mix.raise(
          "this is an umbrella. Run mix gossip.install in the application that shall start the cluster: " <>
            Enum.map_join(Enum.sort(Mix.Project.apps_paths(config)), " or ", fn {_app, path} ->
              "cd #{path}"
            end)
        )

      config[:app] == :gossip_cluster ->
        Mix.raise("this is GossipCluster. Run mix gossip.install in a project that depends on it")

      not Enum.any?(config[:deps] || [], &(elem(&1, 0) == :gossip_cluster)) ->
        Mix.raise(
          ~s|this project does not depend on GossipCluster. Add to deps in #{Path.relative_to_cwd(Mix.Project.project_file())}: | <>
            ~s|{:gossip_cluster, path: "../gossip_cluster"}, the path of your checkout|
        )

      true ->
        :ok
    end
  end

  # The module that starts the tree, and the one file that defines it.
  defp module(config) do
    project = Mix.Project.get!()
    application = if function_exported?(project, :application, 0), do: project.application()

    case application[:mod] do
      {module, _arguments} -> {module, file(module, config[:elixirc_paths])}
      nil -> {nil, nil}
    end
  end

  defp file(module, folders) do
    definition = ~r/^\s*defmodule #{Regex.escape(inspect(module))} do/m
    files = for folder <- folders, file <- Path.wildcard("#{folder}/**/*.ex"), do: file

    case Enum.filter(files, &(File.read!(&1) =~ definition)) do
      [file] -> file
      _none_or_many -> nil
    end
  end
end
