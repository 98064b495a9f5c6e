#!/usr/bin/env python3
"""An echo server on asyncio's streams: a coroutine for each client.

call: python3 aio.py [HOST [PORT]]
"""
import asyncio
import os
import signal
import sys

END = b"<EOF>"
LIMIT = 1048576


def printable(data):
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 0x5C
                   else f"\\x{byte:02x}" for byte in data)


def address_of(name):
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def say(line):
    print(line, flush=True)


async def converse(reader, writer, name):
    try:
        text = await reader.readuntil(END)
        say(f"Read {len(text)} bytes from socket.\n Data : {printable(text)}")
        writer.write(text)
        await writer.drain()
        say(f"Sent {len(text)} bytes to client.")
    except asyncio.IncompleteReadError:
        print(f"server: {name}: the text has no end", file=sys.stderr)
    except asyncio.LimitOverrunError:
        print(f"server: {name}: the text is too long", file=sys.stderr)
    writer.write_eof()
    while await reader.read(65536):
        pass


async def serve(reader, writer):
    name = address_of(writer.get_extra_info("peername") or ("?", 0))
    say(f"Accepted {name}")
    # drain() returns when the kernel has taken everything.
    writer.transport.set_write_buffer_limits(high=0)
    try:
        await converse(reader, writer, name)
    except OSError:
        pass  # this client is gone
    finally:
        writer.close()


async def main(host, port):
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    try:
        # The limit is where <EOF> may begin.
        server = await asyncio.start_server(serve, host, port, backlog=100,
                                            limit=LIMIT - len(END))
    except OSError as error:
        known = (error.errno or 0) > 0  # those of getaddrinfo() are not
        reason = os.strerror(error.errno) if known else error.strerror
        print(f"server: listen on {host}:{port}: {reason}", file=sys.stderr)
        os._exit(1)
    say(f"Listening on {address_of(server.sockets[0].getsockname())}")
    await end.wait()
    os._exit(0)  # whoever is in the middle of something is left


words = sys.argv[1:]
port = words[1] if len(words) > 1 else "11000"
if len(words) > 2 or not port.isascii() or not port.isdigit() \
        or int(port) > 65535:
    print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
    sys.exit(2)
asyncio.run(main(words[0] if words else "127.0.0.1", int(port)))
