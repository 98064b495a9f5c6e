// An echo server in Go: a goroutine for each client. The code blocks; the
// runtime makes of it a few threads and one epoll.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const limit = 1 << 20

var mark = []byte("<EOF>")

func printable(text []byte) string {
	var out strings.Builder
	for _, b := range text {
		if b < ' ' || b > '~' || b == '\\' {
			fmt.Fprintf(&out, "\\x%02x", b)
		} else {
			out.WriteByte(b)
		}
	}
	return out.String()
}

func receiveText(conn net.Conn) ([]byte, error) {
	var text []byte
	piece := make([]byte, 32*1024)
	for {
		n, err := conn.Read(piece)
		from := len(text) - len(mark) + 1
		if from < 0 {
			from = 0
		}
		text = append(text, piece[:n]...)
		if at := bytes.Index(text[from:], mark); at >= 0 {
			text = text[:from+at+len(mark)]
			if len(text) > limit {
				return nil, errors.New("the text is too long")
			}
			return text, nil
		}
		if len(text) >= limit {
			return nil, errors.New("the text is too long")
		}
		if err == io.EOF {
			return nil, errors.New("the text is not whole")
		}
		if err != nil {
			return nil, err
		}
	}
}

func serve(conn *net.TCPConn) {
	defer conn.Close()
	fmt.Printf("Accepted %v\n", conn.RemoteAddr())
	text, err := receiveText(conn)
	if err == nil {
		fmt.Printf("Read %d bytes from socket.\n Data : %s\n", len(text),
			printable(text))
		if _, err = conn.Write(text); err == nil {
			fmt.Printf("Sent %d bytes to client.\n", len(text))
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "server: %v: %v\n", conn.RemoteAddr(), err)
	}
	conn.CloseWrite()
	io.Copy(io.Discard, conn)
}

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		os.Exit(0)
	}()

	words := []string{"127.0.0.1", "11000"}
	copy(words, os.Args[1:])
	if _, err := strconv.ParseUint(words[1], 10, 16); err != nil ||
		len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "The arguments are [HOST [PORT]].")
		os.Exit(2)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(words[0], words[1]))
	if err != nil {
		fmt.Fprintf(os.Stderr, "server: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("Listening on %v\n", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err == nil {
			go serve(conn.(*net.TCPConn))
		} else {
			// No descriptor is left; nobody tells when there is one again.
			time.Sleep(100 * time.Millisecond)
		}
	}
}
