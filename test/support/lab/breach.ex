defmodule GossipCluster.Lab.Breach do
  @moduledoc """
  What is done against the sandbox of `gossipd` on purpose, by two programs of test/c/breach: `gossip_breach`, and
  `gossipd_breach`, a `gossipd` that opens a file on SIGUSR1.
  """

  alias GossipCluster.Lab.Program

  # As in priv_src/io/sandbox.h.
  @walls [limits: 1, privileges: 2, capabilities: 4, files: 8, calls: 16]

  @doc "The names of all walls."
  @spec walls() :: [atom()]
  def walls, do: Keyword.keys(@walls)

  @doc """
  Raises these walls in a process, and does there what they are against. What it says (`done`, the name of an errno, or
  which call was a breach) and its exit status. `as: uid` is another user.
  """
  @spec run([atom()], String.t(), [String.t()], keyword()) :: {String.t(), non_neg_integer()}
  def run(walls, breach, arguments \\ [], options \\ []) do
    bits = Enum.sum(for wall <- walls, do: Keyword.fetch!(@walls, wall))
    command = [options[:program] || Program.built("gossip_breach"), "#{bits}", breach | arguments]

    [program | arguments] =
      case options[:as] do
        nil -> command
        uid -> ["setpriv", "--reuid", "#{uid}", "--regid", "#{uid}", "--clear-groups" | command]
      end

    System.cmd(program, arguments, env: options[:env] || [], stderr_to_stdout: true)
  end
end
