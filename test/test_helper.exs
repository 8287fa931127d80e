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

# No bound, but an end for what hangs: a test that starts two VMs takes more than a minute among twenty other programs.
# The same of a message that is awaited, which ExUnit gives 100 ms.
ExUnit.start(
  capture_log: true,
  exclude: exclude,
  timeout: 180_000,
  assert_receive_timeout: 5_000
)
