#!/usr/bin/env python3
"""A correct echo server and client in another language, for the grader's own
test: it must judge any program that keeps the contract.

usage: echo.py server [HOST [PORT]]
       echo.py client [HOST [PORT [TEXT]]]
"""
import os
import signal
import socket
import sys

END = b"<EOF>"
LIMIT = 1048576


def say(line):
    print(line, flush=True)


def fail(role, what, reason):
    print(f"{role}: {what}: {reason}", file=sys.stderr)
    sys.exit(1)


def reason_of(error):
    return error.strerror or str(error)


def printable(data):
    """Control bytes and all that is no ASCII, escaped as in C."""
    out = []
    for byte in data:
        if 32 <= byte < 127 and byte != 0x5C:
            out.append(chr(byte))
        else:
            out.append({0: "\\0", 9: "\\t", 10: "\\n", 13: "\\r",
                        0x5C: "\\\\"}.get(byte, f"\\x{byte:02x}"))
    return "".join(out)


def address_of(name):
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolve(role, host, port, flags=0):
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM,
                                  flags=flags)
    except socket.gaierror as error:
        fail(role, f"look up {host}", reason_of(error))


def receive_text(peer):
    """The bytes up to and including <EOF>; None where none may be answered."""
    text = bytearray()
    while True:
        piece = peer.recv(65536)
        if not piece:
            return None
        start = max(0, len(text) - len(END) + 1)
        text += piece
        end = text.find(END, start)
        if end >= 0:
            text = text[:end + len(END)]
            return bytes(text) if len(text) <= LIMIT else None
        if len(text) >= LIMIT:
            return None


def drain(peer):
    while peer.recv(65536):
        pass


def serve_one(peer):
    text = receive_text(peer)
    if text is not None:
        say(f"Read {len(text)} bytes from socket.")
        say(f" Data : {printable(text)}")
        peer.sendall(text)
        say(f"Sent {len(text)} bytes to client.")
    peer.shutdown(socket.SHUT_WR)
    drain(peer)


def server(host, port):
    listener = None
    for family, kind, proto, _, address in resolve(
            "server", host, port, socket.AI_PASSIVE):
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(100)
            break
        except OSError as error:
            listener.close()
            last = error
    else:
        fail("server", f"listen on {host}:{port}", reason_of(last))
    say(f"Listening on {address_of(listener.getsockname())}")
    while True:
        try:
            peer, name = listener.accept()
        except OSError:
            continue
        say(f"Accepted {address_of(name)}")
        try:
            serve_one(peer)
        except OSError:
            pass  # this client is gone; the next one is served
        peer.close()


def client(host, port, text):
    for family, kind, proto, _, address in resolve("client", host, port):
        peer = socket.socket(family, kind, proto)
        try:
            peer.connect(address)
            break
        except OSError as error:
            peer.close()
            last = error
    else:
        fail("client", f"connect to {host}:{port}", reason_of(last))
    say(f"Socket connected to {address_of(peer.getpeername())}")
    try:
        peer.sendall(os.fsencode(text))
        say(f"Sent {len(os.fsencode(text))} bytes to server.")
        reply = receive_text(peer)
        if reply is None:
            fail("client", f"receive from {host}:{port}",
                 "the reply ended before <EOF>")
        drain(peer)
    except OSError as error:
        fail("client", f"receive from {host}:{port}", reason_of(error))
    say(f"Response received : {printable(reply)}")
    peer.close()


def main():
    role = sys.argv[1] if len(sys.argv) > 1 else ""
    words = sys.argv[2:]
    most = {"server": 2, "client": 3}.get(role, -1)
    port = words[1] if len(words) > 1 else "11000"
    if len(words) > most or not port.isascii() or not port.isdigit() \
            or int(port) > 65535:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        sys.exit(2)
    host = words[0] if words else "127.0.0.1"
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    if role == "server":
        server(host, int(port))
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        client(host, int(port),
               words[2] if len(words) > 2 else "This is a test<EOF>")


main()
