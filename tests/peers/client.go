// An echo client in Go, with a deadline for the whole conversation.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

const limit = 1 << 20

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

func talk(host, port, text string) error {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Printf("Socket connected to %v\n", conn.RemoteAddr())
	if _, err = io.WriteString(conn, text); err != nil {
		return err
	}
	fmt.Printf("Sent %d bytes to server.\n", len(text))
	// One byte more than a reply may have; and then on to the end.
	reply, err := io.ReadAll(io.LimitReader(conn, limit+1))
	if err == nil {
		_, err = io.Copy(io.Discard, conn)
	}
	if err != nil {
		return err
	}
	at := bytes.Index(reply, []byte("<EOF>"))
	if at < 0 {
		return errors.New("the reply is not whole")
	}
	fmt.Printf("Response received : %s\n", printable(reply[:at+len("<EOF>")]))
	return nil
}

func main() {
	words := []string{"127.0.0.1", "11000", "This is a test<EOF>"}
	copy(words, os.Args[1:])
	if _, err := strconv.ParseUint(words[1], 10, 16); err != nil ||
		len(os.Args) > 4 {
		fmt.Fprintln(os.Stderr, "The arguments are [HOST [PORT [TEXT]]].")
		os.Exit(2)
	}
	if err := talk(words[0], words[1], words[2]); err != nil {
		fmt.Fprintf(os.Stderr, "client: %v\n", err)
		os.Exit(1)
	}
}
