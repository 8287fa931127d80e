%% Starts the cluster in a supervisor of its own, and says who is there.
-module(shop).
-behaviour(application).
-behaviour(supervisor).

-export([await/1, peers/0]).
-export([start/2, stop/1, init/1]).

%% Waits until this node is connected to so many others.
-spec await(pos_integer()) -> ok | {error, timeout}.
await(Others) ->
    'Elixir.GossipCluster':await(shop, [{min, Others}, {timeout, 30000}]).

%% The names of the nodes that are there, and whether this one is connected to them.
-spec peers() -> [{binary(), term()}].
peers() ->
    [{Name, Connection} || #{name := Name, connection := Connection} <- 'Elixir.GossipCluster':peers(shop)].

start(_Type, _Args) ->
    supervisor:start_link({local, shop_sup}, ?MODULE, []).

stop(_State) ->
    ok.

init([]) ->
    {ok, Options} = application:get_env(shop, cluster),
    {ok, {#{strategy => one_for_one}, ['Elixir.GossipCluster':child_spec(Options)]}}.
