(* An echo server in OCaml: a thread for each client, kept for the next ones,
   since this runtime does not give back all of a thread that ends. The main
   thread waits for a signal and does nothing else; another one accepts. *)

let mark = "<EOF>"
let mark_size = String.length mark
let limit = 1048576

let print_now text =
  print_string text;
  flush stdout

let printable text =
  let out = Buffer.create (String.length text) in
  String.iter
    (fun c ->
      if c < ' ' || c > '~' || c = '\\' then
        Buffer.add_string out (Printf.sprintf "\\x%02x" (Char.code c))
      else Buffer.add_char out c)
    text;
  Buffer.contents out

let address = function
  | Unix.ADDR_INET (ip, port) ->
      let name = Unix.string_of_inet_addr ip in
      Printf.sprintf
        (if String.contains name ':' then "[%s]:%d" else "%s:%d")
        name port
  | Unix.ADDR_UNIX name -> name

let rec retry f = try f () with Unix.Unix_error (Unix.EINTR, _, _) -> retry f

(* Where in the text the mark ends, if it ends behind [from]. *)
let rec find_mark text from =
  if from + mark_size > Buffer.length text then None
  else if Buffer.sub text from mark_size = mark then Some (from + mark_size)
  else find_mark text (from + 1)

let receive_text socket =
  let text = Buffer.create 1024 and piece = Bytes.create 16384 in
  let rec go_on () =
    match retry (fun () -> Unix.read socket piece 0 (Bytes.length piece)) with
    | 0 -> Error "the text broke off"
    | size -> (
        let from = max 0 (Buffer.length text - mark_size + 1) in
        Buffer.add_subbytes text piece 0 size;
        match find_mark text from with
        | Some stop when stop <= limit -> Ok (Buffer.sub text 0 stop)
        | None when Buffer.length text < limit -> go_on ()
        | _ -> Error "the text is too long")
  in
  go_on ()

(* Not write: it calls the kernel more than once, and where a signal comes in
   between, it forgets what has been sent. *)
let rec send socket text from =
  let size = String.length text - from in
  if size > 0 then
    let sent =
      retry (fun () -> Unix.single_write_substring socket text from size)
    in
    send socket text (from + sent)

let rec drain socket piece =
  if retry (fun () -> Unix.read socket piece 0 (Bytes.length piece)) > 0 then
    drain socket piece

let serve (socket, name) =
  (try
     (match receive_text socket with
     | Ok text ->
         let size = String.length text in
         print_now
           (Printf.sprintf "Read %d bytes from socket.\n Data : %s\n" size
              (printable text));
         send socket text 0;
         print_now (Printf.sprintf "Sent %d bytes to client.\n" size)
     | Error reason -> Printf.eprintf "server: %s: %s\n%!" name reason);
     Unix.shutdown socket Unix.SHUTDOWN_SEND;
     drain socket (Bytes.create 16384)
   with Unix.Unix_error _ -> () (* this client is gone *));
  Unix.close socket

let lock = Mutex.create ()
let more = Condition.create ()
let waiting = Queue.create ()
let idle = ref 0

let rec work client =
  serve client;
  Mutex.lock lock;
  incr idle;
  while Queue.is_empty waiting do
    Condition.wait more lock
  done;
  decr idle;
  let next = Queue.take waiting in
  Mutex.unlock lock;
  work next

let hand_over client =
  Mutex.lock lock;
  if !idle > Queue.length waiting then (
    Queue.add client waiting;
    Condition.signal more)
  else ignore (Thread.create work client);
  Mutex.unlock lock

let rec accept listener =
  (try
     let socket, client = Unix.accept ~cloexec:true listener in
     let name = address client in
     print_now (Printf.sprintf "Accepted %s\n" name);
     hand_over (socket, name)
   with
  | Unix.Unix_error ((Unix.EMFILE | ENFILE | ENOBUFS | ENOMEM), _, _) ->
      Thread.delay 0.1
  | Unix.Unix_error _ -> ());
  accept listener

let fail line =
  prerr_endline line;
  exit 1

let listen host port =
  match
    Unix.getaddrinfo host port [ AI_SOCKTYPE SOCK_STREAM; AI_PASSIVE ]
  with
  | [] -> fail (Printf.sprintf "server: look up %s: unknown" host)
  | { ai_family; ai_addr; _ } :: _ -> (
      try
        let socket = Unix.socket ~cloexec:true ai_family SOCK_STREAM 0 in
        Unix.setsockopt socket SO_REUSEADDR true;
        Unix.bind socket ai_addr;
        Unix.listen socket 100;
        socket
      with Unix.Unix_error (reason, _, _) ->
        fail
          (Printf.sprintf "server: listen on %s:%s: %s" host port
             (Unix.error_message reason)))

let is_port word =
  word <> ""
  && String.for_all (fun c -> c >= '0' && c <= '9') word
  && String.length word < 10
  && int_of_string word <= 65535

let () =
  let word i default =
    if Array.length Sys.argv > i then Sys.argv.(i) else default
  in
  let host = word 1 "127.0.0.1" and port = word 2 "11000" in
  if Array.length Sys.argv > 3 || not (is_port port) then (
    prerr_endline "ocaml: [HOST [PORT]] is all there is to say";
    exit 2);
  (* The threads inherit this: signals are for the main thread alone. *)
  let signals = [ Sys.sigint; Sys.sigterm ] in
  ignore (Thread.sigmask SIG_BLOCK signals);
  Sys.set_signal Sys.sigpipe Sys.Signal_ignore;
  let listener = listen host port in
  print_now
    (Printf.sprintf "Listening on %s\n" (address (Unix.getsockname listener)));
  ignore (Thread.create accept listener);
  ignore (Thread.wait_signal signals);
  Unix._exit 0
