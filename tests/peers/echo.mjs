// A correct echo server for Node, for the grader's own test: it must judge any
// program that keeps the contract, also one on a runtime with timers, threads
// and an event loop of its own.
//
// usage: node echo.mjs [HOST [PORT]]
import net from "node:net";

const END = Buffer.from("<EOF>");
const LIMIT = 1048576;

const words = process.argv.slice(2);
const host = words[0] ?? "127.0.0.1";
const port = words[1] ?? "11000";
if (words.length > 2 || !/^[0-9]+$/.test(port) || Number(port) > 65535) {
    console.error("usage: echo.mjs [HOST [PORT]]");
    process.exit(2);
}
process.on("SIGINT", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));

const named = { 0: "\\0", 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };
function printable(data) {
    let out = "";
    for (const byte of data)
        out += byte >= 32 && byte < 127 && byte !== 92
            ? String.fromCharCode(byte)
            : named[byte] ?? "\\x" + byte.toString(16).padStart(2, "0");
    return out;
}

function address(ip, number) {
    return ip.includes(":") ? `[${ip}]:${number}` : `${ip}:${number}`;
}

function serve(socket) {
    // A client that has reset already has no address any more.
    if (socket.remoteAddress === undefined) {
        socket.destroy();
        return;
    }
    console.log("Accepted " + address(socket.remoteAddress, socket.remotePort));
    let pieces = [], length = 0, tail = Buffer.alloc(0), done = false;

    function answer(text) {
        done = true;
        pieces = [];
        if (text && text.length <= LIMIT) {
            console.log(`Read ${text.length} bytes from socket.`);
            console.log(` Data : ${printable(text)}`);
            socket.end(text, () =>
                console.log(`Sent ${text.length} bytes to client.`));
        } else {
            socket.end();
        }
    }

    socket.on("data", (piece) => {
        if (done)
            return; // read and thrown away, until the client's FIN
        pieces.push(piece);
        length += piece.length;
        const window = Buffer.concat([tail, piece]);
        const at = window.indexOf(END);
        if (at >= 0)
            answer(Buffer.concat(pieces)
                .subarray(0, length - window.length + at + END.length));
        else if (length >= LIMIT)
            answer(null);
        else
            tail = Buffer.from(window.subarray(-(END.length - 1)));
    });
    socket.on("end", () => done || answer(null));
    socket.on("error", () => {}); // this client is gone
}

const server = net.createServer({ allowHalfOpen: true }, serve);
server.on("error", (error) => {
    console.error(`server: listen on ${address(host, port)}: ` +
        (error.code === "EADDRINUSE" ? "Address already in use"
            : error.message));
    process.exit(1);
});
server.listen({ host, port: Number(port), backlog: 100 }, () => {
    const at = server.address();
    console.log("Listening on " + address(at.address, at.port));
});
