#!/usr/bin/env ruby
# An echo server in Ruby: a thread for each client.
#
# You may say: ruby threads.rb [HOST [PORT]]
require "socket"

MARK = "<EOF>".b
LIMIT = 1_048_576

$stdout.sync = true
trap("INT") { exit!(0) }
trap("TERM") { exit!(0) }

def printable(text)
  text.gsub(/[^ -~]|\\/n) { |byte| format('\x%02x', byte.ord) }
end

def address(info)
  info.ipv6? ? "[#{info.ip_address}]:#{info.ip_port}" : info.ip_unpack.join(":")
end

# The text, or the reason why there is none.
def receive_text(socket)
  text = String.new(encoding: Encoding::BINARY)
  loop do
    from = [text.bytesize - MARK.bytesize + 1, 0].max
    text << socket.readpartial(65_536)
    if (at = text.index(MARK, from))
      size = at + MARK.bytesize
      return size <= LIMIT ? [text.byteslice(0, size), nil] : [nil, "too long"]
    end
    return [nil, "too long"] if text.bytesize >= LIMIT
  end
rescue EOFError
  [nil, "cut"]
end

def converse(socket, name)
  text, reason = receive_text(socket)
  if text
    $stdout.write("Read #{text.bytesize} bytes from socket.\n" \
                  " Data : #{printable(text)}\n")
    socket.write(text)
    $stdout.write("Sent #{text.bytesize} bytes to client.\n")
  else
    warn "server: the text of #{name} is #{reason}"
  end
  socket.close_write
  loop { socket.readpartial(65_536) }
rescue EOFError, SystemCallError
  # It has ended, or it is gone.
ensure
  socket.close
end

host = ARGV.fetch(0, "127.0.0.1")
port = ARGV.fetch(1, "11000")
if ARGV.size > 2 || port !~ /\A[0-9]+\z/ || port.to_i > 65_535
  warn "You may say: ruby threads.rb [HOST [PORT]]"
  exit 2
end

begin
  server = TCPServer.new(host, port.to_i)
  server.listen(Socket::SOMAXCONN)
rescue SocketError, SystemCallError => e
  warn "server: listen on #{host}:#{port}: #{e.message}"
  exit 1
end
puts "Listening on #{address(server.local_address)}"

loop do
  socket = server.accept
  name = address(socket.remote_address)
  puts "Accepted #{name}"
  Thread.new(socket, name) { |s, n| converse(s, n) }
rescue Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM
  sleep 0.1 # nobody tells when there is enough again
rescue SystemCallError
  socket&.close # it was gone before it was here
end
