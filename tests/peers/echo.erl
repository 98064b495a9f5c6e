%% An echo server in Erlang: a process for each client, which blocks; the
%% runtime makes of them a few threads.
%%
%% erl -noinput +Bd -run echo main -extra [HOST [PORT]]
-module(echo).
-export([main/0]).

-define(MARK, <<"<EOF>">>).
-define(MARK_SIZE, 5).
-define(LIMIT, 1048576).

%% The runtime goes on starting when this has returned.
main() ->
    spawn(fun start/0).

start() ->
    case init:get_plain_arguments() of
        [] -> run("127.0.0.1", "11000");
        [Host] -> run(Host, "11000");
        [Host, Port] -> run(Host, Port);
        _ -> usage()
    end.

usage() ->
    stop(2, "erl -run echo main -extra [HOST [PORT]]~n", []).

stop(Status, Format, Words) ->
    io:format(standard_error, Format, Words),
    halt(Status).

run(Host, Word) ->
    case re:run(Word, "^[0-9]{1,9}$") of
        {match, _} -> ok;
        nomatch -> usage()
    end,
    Port = list_to_integer(Word),
    Port =< 65535 orelse usage(),
    Address = look_up(Host),
    Options = [binary, {active, false}, {packet, raw}, {reuseaddr, true},
               {backlog, 100}, {exit_on_close, false}, {ip, Address}],
    case gen_tcp:listen(Port, Options) of
        {ok, Listener} ->
            {ok, Name} = inet:sockname(Listener),
            io:format("Listening on ~s~n", [address(Name)]),
            accept(Listener);
        {error, Reason} ->
            stop(1, "server: listen on ~s:~s: ~s~n",
                 [Host, Word, inet:format_error(Reason)])
    end.

look_up(Host) ->
    case {inet:getaddr(Host, inet), inet:getaddr(Host, inet6)} of
        {{ok, Address}, _} -> Address;
        {_, {ok, Address}} -> Address;
        {{error, Reason}, _} ->
            stop(1, "server: look up ~s: ~s~n",
                 [Host, inet:format_error(Reason)])
    end.

address({Ip, Port}) when tuple_size(Ip) =:= 4 ->
    io_lib:format("~s:~b", [inet:ntoa(Ip), Port]);
address({Ip, Port}) ->
    io_lib:format("[~s]:~b", [inet:ntoa(Ip), Port]).

accept(Listener) ->
    case gen_tcp:accept(Listener) of
        {ok, Socket} ->
            Pid = spawn(fun() -> receive go -> greet(Socket) end end),
            ok = gen_tcp:controlling_process(Socket, Pid),
            Pid ! go;
        {error, _} ->
            timer:sleep(100) % no descriptor is left, most likely
    end,
    accept(Listener).

greet(Socket) ->
    case inet:peername(Socket) of
        {ok, Name} ->
            Text = address(Name),
            io:format("Accepted ~s~n", [Text]),
            serve(Socket, Text);
        {error, _} ->
            ok % gone before it was here
    end,
    gen_tcp:close(Socket).

serve(Socket, Name) ->
    case collect(Socket, <<>>) of
        {ok, Text} ->
            io:format("Read ~b bytes from socket.~n Data : ~s~n",
                      [byte_size(Text), printable(Text)]),
            case gen_tcp:send(Socket, Text) of
                ok -> io:format("Sent ~b bytes to client.~n",
                                [byte_size(Text)]);
                {error, _} -> gone
            end;
        {error, Reason} ->
            io:format(standard_error, "server: ~s: ~s~n", [Name, Reason])
    end,
    gen_tcp:shutdown(Socket, write),
    drain(Socket).

%% To append to a binary does not copy it, as long as nobody else does.
collect(Socket, Before) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Piece} ->
            Text = <<Before/binary, Piece/binary>>,
            From = max(0, byte_size(Before) - ?MARK_SIZE + 1),
            Scope = {From, byte_size(Text) - From},
            case binary:match(Text, ?MARK, [{scope, Scope}]) of
                {At, _} when At + ?MARK_SIZE =< ?LIMIT ->
                    {ok, binary:part(Text, 0, At + ?MARK_SIZE)};
                nomatch when byte_size(Text) < ?LIMIT ->
                    collect(Socket, Text);
                _ ->
                    {error, "the text is too long"}
            end;
        {error, closed} ->
            {error, "the text ended too early"};
        {error, Reason} ->
            {error, inet:format_error(Reason)}
    end.

drain(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, _} -> drain(Socket);
        {error, _} -> ok
    end.

printable(Text) ->
    [case Byte of
         $\\ -> "\\\\";
         _ when Byte >= 32, Byte < 127 -> Byte;
         _ -> io_lib:format("\\x~2.16.0b", [Byte])
     end || <<Byte>> <= Text].
