import Config

# Any node with this cookie may run code on this one: take one of your own, and keep it as you keep a key.
config :kiosk, cookie: :the_public_cookie_of_this_example

# Further options of GossipCluster, such as interfaces: ["eth*", "wlan*"].
config :kiosk, GossipCluster, []
