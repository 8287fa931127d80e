defmodule Mix.Tasks.Gossip.Report do
  @shortdoc "Writes a report of a cluster"

  @moduledoc """
  Writes what a node knows of its cluster as one page of HTML, to be attached to a report of a bug: table, graph, what
  has happened lately, status and configuration. It has names and addresses, and no secret; it asks nobody for anything
  when it is opened. See `GossipCluster.report/1`.

      $ mix gossip.report --node a@h1 --html report.html

  In a release:

      $ bin/shop rpc 'File.write!("/tmp/report.html", GossipCluster.report())'

    * `--node NAME` - the node that is asked, which epmd knows
    * `--html FILE` - where the page is written; nobody else can read it
    * `--cookie-file FILE` - where the node's Erlang cookie stands. Default: `~/.erlang.cookie`
    * `--name NAME` - which cluster, as in `--name Shop`. Default: `GossipCluster`
  """

  use Mix.Task

  alias GossipCluster.Screen.Visit

  @switches [node: :string, html: :string, cookie_file: :string, name: :string]

  @impl true
  def run(args) do
    Mix.Task.run("loadpaths")

    with {options, [], []} <- OptionParser.parse(args, strict: @switches),
         node when node != nil <- options[:node],
         file when file != nil <- options[:html] do
      write(node, file, options)
    else
      _other ->
        Mix.raise(
          "gossip.report takes --node NAME --html FILE [--cookie-file FILE] [--name NAME]"
        )
    end
  end

  defp write(node, file, options) do
    arguments = [Visit.cluster(options[:name])]

    with {:ok, page} <-
           Visit.call(node, options[:cookie_file], GossipCluster, :report, arguments),
         :ok <- File.touch(file),
         :ok <- File.chmod(file, 0o600),
         :ok <- File.write(file, page) do
      Mix.shell().info("The report is in #{file}.")
    else
      {:error, reason} when is_atom(reason) -> Mix.raise("#{file}: #{:file.format_error(reason)}")
      {:error, text} -> Mix.raise(text)
    end
  end
end
