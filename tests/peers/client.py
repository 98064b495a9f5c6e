#!/usr/bin/env python3
"""An echo client in Python that says all that it has to say, and ends its
sending side at once: from then on it only listens.

Run it with: client.py [HOST [PORT [TEXT]]]
"""
import os
import socket
import sys

END = b"<EOF>"


def printable(data):
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 0x5C
                   else f"\\x{byte:02x}" for byte in data)


def receive(peer):
    pieces = []
    while piece := peer.recv(65536):
        pieces.append(piece)
    reply, end, _ = b"".join(pieces).partition(END)
    if not end:
        raise EOFError("it broke off")
    return reply + end


def talk(host, port, text):
    what = f"cannot reach {host} at port {port}"
    try:
        with socket.create_connection((host, port), timeout=1) as peer:
            name, number = peer.getpeername()[:2]
            name = f"[{name}]" if ":" in name else name
            print(f"Socket connected to {name}:{number}", flush=True)
            peer.settimeout(None)
            what = "the text was not taken"
            peer.sendall(text)
            peer.shutdown(socket.SHUT_WR)
            print(f"Sent {len(text)} bytes to server.", flush=True)
            what = "no whole reply"
            reply = receive(peer)
    except (OSError, EOFError) as error:
        sys.exit(f"client: {what}: {getattr(error, 'strerror', None) or error}")
    print(f"Response received : {printable(reply)}")


words = sys.argv[1:] + ["127.0.0.1", "11000", "This is a test<EOF>"][
    len(sys.argv) - 1:]
if len(words) > 3 or not words[1].isascii() or not words[1].isdigit() \
        or int(words[1]) > 65535:
    print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
    sys.exit(2)
talk(words[0], int(words[1]), os.fsencode(words[2]))
