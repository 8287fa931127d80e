defmodule Mix.Tasks.Gossip.Install.Plan do
  @moduledoc false
  # What of a project must change so that it starts a cluster: files in, files out. Pure.

  alias Mix.Tasks.Gossip.Install.Source

  @typedoc """
  A project: its application, the module that its `mod:` names and where that stands (`nil`: it has none), the folders
  of its configuration and of its release, the files of a release, and the texts of those files that are there.
  """
  @type project :: %{
          app: atom(),
          module: module() | nil,
          module_file: Path.t() | nil,
          config: Path.t(),
          rel: Path.t(),
          release: [{String.t(), String.t()}],
          files: %{Path.t() => String.t()}
        }

  @typedoc """
  `:write`: the file becomes the second text, the first being what it is (`nil`: not there). `:keep`: it stays, and why.
  `:paste`: it is for a person to change; why, and what to put where.
  """
  @type step ::
          {:write, Path.t(), String.t() | nil, String.t()}
          | {:keep, Path.t(), String.t()}
          | {:paste, Path.t(), String.t(), where :: String.t(), String.t()}

  @doc "All steps, in order. Where one is `:paste`, none is to be done."
  @spec steps(project()) :: [step()]
  def steps(project) do
    [clustered(project) || [child(project), key(project)], off(project), release(project)]
    |> List.flatten()
  end

  @doc "The steps for the three files of a release alone: what differs is written, too."
  @spec release_steps(Path.t(), [{String.t(), String.t()}], %{Path.t() => String.t()}) :: [step()]
  def release_steps(rel, release, files) do
    for {name, text} <- release, path = Path.join(rel, name) do
      if files[path] == text,
        do: {:keep, path, "is this version's"},
        else: {:write, path, files[path], text}
    end
  end

  @doc "The child, as it is put into the supervision tree."
  @spec child_text(atom()) :: String.t()
  def child_text(app),
    do: "{GossipCluster, Application.get_env(#{inspect(app)}, GossipCluster, [])}"

  # Clusters that the configuration starts need no child.
  defp clustered(project) do
    Enum.find_value(["config.exs", "runtime.exs"], fn name ->
      path = Path.join(project.config, name)
      if sets?(project.files[path], :clusters), do: {:keep, path, "starts clusters already"}
    end)
  end

  defp child(%{module: nil} = project) do
    {:paste, "mix.exs", "application/0 names no module (mod: ...) that starts a supervision tree",
     "first into the children of the supervisor that you start", child_text(project.app)}
  end

  defp child(%{module_file: nil} = project) do
    {:paste, inspect(project.module), "no file of the project defines it alone",
     "first into the children that it starts", child_text(project.app)}
  end

  defp child(%{module_file: path} = project) do
    child = child_text(project.app)
    text = Map.fetch!(project.files, path)

    case Source.add_child(text, project.module, child) do
      {:ok, new} -> {:write, path, text, new}
      :present -> {:keep, path, "names GossipCluster already"}
      {:error, why} -> {:paste, path, why, "first into its children", child}
    end
  end

  defp key(project) do
    block = """
    # The cluster's key, the same on all nodes: `mix gossip.gen.key` makes one. Where there is none, the Erlang cookie is
    # the secret; but not in production, where the start fails without a key.
    if config_env() == :prod or System.get_env("CLUSTER_KEY") != nil do
      config #{inspect(project.app)}, GossipCluster, secret: {:env, "CLUSTER_KEY"}
    end
    """

    path = Path.join(project.config, "runtime.exs")

    configured =
      Enum.any?(
        Source.configs(project.files[path]),
        &match?([_app, {:__aliases__, _, [:GossipCluster]} | _], &1)
      )

    if configured,
      do: {:keep, path, "configures GossipCluster already"},
      else: config_step(project, path, block)
  end

  # config/test.exs, where config/config.exs imports it or is not there; else config/config.exs itself.
  defp off(project) do
    config = Path.join(project.config, "config.exs")
    test = Path.join(project.config, "test.exs")
    off = "config :gossip_cluster, enabled: false\n"
    why = "# No test looks for other nodes.\n"

    cond do
      path = Enum.find([test, config], &sets?(project.files[&1], :enabled)) ->
        {:keep, path, "says already whether clusters are enabled"}

      project.files[config] == nil and project.files[test] == nil ->
        [
          config_step(
            project,
            config,
            ~s|if config_env() == :test, do: import_config("test.exs")\n|
          ),
          config_step(project, test, why <> off)
        ]

      Enum.any?(Source.imported(project.files[config]), &imports_test?/1) ->
        config_step(project, test, why <> off)

      true ->
        line = "if config_env() == :test, do: config(:gossip_cluster, enabled: false)\n"
        config_step(project, config, why <> line)
    end
  end

  defp imports_test?(file), do: file =~ ~r/^"(\#\{(config_env\(\)|Mix\.env\(\))\}|test)\.exs"$/

  defp sets?(text, key) do
    Enum.any?(Source.configs(text), fn
      [:gossip_cluster, ^key, _value] -> true
      [:gossip_cluster, options] when is_list(options) -> Keyword.has_key?(options, key)
      _other -> false
    end)
  end

  defp config_step(project, path, block) do
    case Source.add_config(project.files[path], block) do
      {:ok, new} -> {:write, path, project.files[path], new}
      {:error, why} -> {:paste, path, why, "at its end", block}
    end
  end

  # What its owner has changed stays.
  defp release(project) do
    for step <- release_steps(project.rel, project.release, project.files) do
      case step do
        {:write, path, old, _new} when old != nil ->
          {:keep, path, "is another; `mix gossip.gen.release` shows how it differs"}

        step ->
          step
      end
    end
  end
end
