defmodule GossipCluster.DoctorCauses do
  @moduledoc """
  Which of the causes that the doctor names are produced on real hosts by test/integration/doctor_test.exs, and which,
  as facts, by test/gossip_cluster/doctor/findings_test.exs: these would need a machine without memory, a NAT, a system
  that is broken, or minutes. Together they are the causes of guides/troubleshooting.md.
  """

  @hosts [:no_name, :weak_cookie, :not_running, :disabled, :left, :strays, :no_network, :no_echo] ++
           [:interface, :unicast_port, :deaf, :conflict, :nothing_arrives, :alone, :foreign] ++
           [:firewall_group_in, :firewall_group_out, :firewall_unicast_in] ++
           [:firewall_distribution_in, :firewall_unicast_out, :refused, :name_type, :not_accepted] ++
           [
             :no_listener,
             :listens_on_loopback,
             :not_listed,
             :no_answer,
             :peer_not_running,
             :unresolved
           ] ++
           [:other_subnet, :key_differs, :port_differs, :bad_code, :group_port_taken]

  @facts [:no_cookie, :no_gossipd, :own_name_unresolved, :own_name_on_loopback, :unannounced] ++
           [:no_sidecar, :slow_handlers, :no_interfaces_told, :virtual_network, :seed, :isolated] ++
           [:mute, :relayed, :send_errors, :refused_full, :short_memory, :timeout, :unreachable] ++
           [:wrong_address, :epmd, :no_port, :handshake, :family, :link_local, :failed, :accept] ++
           [:atoms, :cookie, :tls, :bad_name, :not_alive, :ambiguous, :unheard, :wire_version] ++
           [
             :group_differs,
             :firewall_epmd_in,
             :quiet,
             :tls_file,
             :tls_expired,
             :tls_key,
             :tls_name,
             :neighbors
           ]

  @doc "Those that real hosts have."
  @spec hosts() :: [atom()]
  def hosts, do: @hosts

  @doc "Those that are facts of a test alone."
  @spec facts() :: [atom()]
  def facts, do: @facts
end
