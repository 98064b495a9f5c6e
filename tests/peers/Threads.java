/* An echo server in Java: a thread for each client, from a pool that grows as
 * it is needed. All calls block. */

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public class Threads {
    private static final byte[] MARK = "<EOF>".getBytes();
    private static final int LIMIT = 1 << 20;

    private static String address(InetAddress ip, int port) {
        String name = ip.getHostAddress();
        return (name.contains(":") ? "[" + name + "]" : name) + ":" + port;
    }

    private static String printable(byte[] text) {
        StringBuilder out = new StringBuilder();
        for (byte b : text) {
            if (b < ' ' || b > '~' || b == '\\') {
                out.append(String.format("\\x%02x", b));
            } else {
                out.append((char) b);
            }
        }
        return out.toString();
    }

    /** The bytes up to and including the mark. */
    private static byte[] receiveText(InputStream in) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        byte[] piece = new byte[16384];
        int seen = 0; // so many bytes of the mark have come in a row
        for (int n = in.read(piece); n != -1; n = in.read(piece)) {
            for (int i = 0; i < n; i++) {
                seen = piece[i] == MARK[seen] ? seen + 1
                        : piece[i] == MARK[0] ? 1 : 0;
                if (seen == MARK.length && text.size() + i < LIMIT) {
                    text.write(piece, 0, i + 1);
                    return text.toByteArray();
                }
                if (seen == MARK.length) {
                    throw new IOException("the text is too long");
                }
            }
            text.write(piece, 0, n);
            if (text.size() >= LIMIT) {
                throw new IOException("the text is too long");
            }
        }
        throw new IOException("the text stopped before its mark");
    }

    private static void serve(Socket socket) {
        String name = address(socket.getInetAddress(), socket.getPort());
        try (socket) {
            InputStream in = socket.getInputStream();
            try {
                byte[] text = receiveText(in);
                System.out.printf("Read %d bytes from socket.\n Data : %s\n",
                        text.length, printable(text));
                socket.getOutputStream().write(text);
                System.out.printf("Sent %d bytes to client.\n", text.length);
            } catch (IOException e) {
                System.err.println("server: " + name + ": " + e.getMessage());
            }
            socket.shutdownOutput();
            byte[] ignored = new byte[16384];
            while (in.read(ignored) != -1) {
                // thrown away
            }
        } catch (IOException e) {
            // this client is gone
        }
    }

    private static void end(int status, String line) {
        System.err.println(line);
        Runtime.getRuntime().halt(status);
    }

    public static void main(String[] words) throws Exception {
        // A virtual machine that a signal ends would exit with 143 or so.
        Runtime.getRuntime().addShutdownHook(
                new Thread(() -> Runtime.getRuntime().halt(0)));
        String host = words.length > 0 ? words[0] : "127.0.0.1";
        String port = words.length > 1 ? words[1] : "11000";
        if (words.length > 2 || !port.matches("[0-9]{1,5}")
                || Integer.parseInt(port) > 65535) {
            end(2, "java Threads takes [HOST [PORT]]");
        }
        ServerSocket server = new ServerSocket();
        try {
            server.setReuseAddress(true);
            server.bind(
                    new InetSocketAddress(host, Integer.parseInt(port)), 100);
        } catch (IOException e) {
            end(1, "server: listen on " + host + ":" + port + ": "
                    + e.getMessage());
        }
        System.out.printf("Listening on %s\n",
                address(server.getInetAddress(), server.getLocalPort()));
        ExecutorService threads = Executors.newCachedThreadPool();
        while (true) {
            try {
                Socket socket = server.accept();
                System.out.printf("Accepted %s\n",
                        address(socket.getInetAddress(), socket.getPort()));
                threads.execute(() -> serve(socket));
            } catch (IOException e) {
                // No descriptor is left, and nobody tells when there is one again.
                Thread.sleep(100);
            }
        }
    }
}
