# Tests with real nodes (tag :lab) need real networks. Where none can be made they fail in CI; elsewhere they are left
# out, which ExUnit counts as excluded, and this line explains.
exclude =
  with {:error, why} <- GossipCluster.Lab.available(),
       true <- System.get_env("CI") != "true" do
    IO.puts("Excluding the tests with real nodes, since #{why}. bin/test runs them all.")
    [:lab]
  else
    _available_or_ci -> []
  end

ExUnit.start(capture_log: true, exclude: exclude)
