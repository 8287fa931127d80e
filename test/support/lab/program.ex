defmodule GossipCluster.Lab.Program do
  @moduledoc "Programs of test/c that are built where a test first asks for them, beside the `gossipd` of users."

  @doc "The path of a program, which is built now unless it is already."
  @spec built(String.t()) :: Path.t()
  def built(target) do
    build = Path.join(Mix.Project.app_path(), "gossipd_build")
    arguments = ["--build", build, "--target", target]
    {output, status} = System.cmd("cmake", arguments, stderr_to_stdout: true)
    if status != 0, do: raise("#{target} cannot be built: #{output}")
    Path.join(build, target)
  end
end
