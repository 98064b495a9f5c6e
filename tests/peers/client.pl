#!/usr/bin/perl
# An echo client in Perl, with alarm() as its time-out: one second for the
# connect, half a minute for all that follows.
#
# How to call it: client.pl [HOST [PORT [TEXT]]]
use strict;
use warnings;
use Errno 'EINTR';
use IO::Socket::IP;

use constant { MARK => "<EOF>", LIMIT => 1048576 };

$| = 1;
$SIG{PIPE} = 'IGNORE';
my $what = 'nothing was tried';
$SIG{ALRM} = sub { fail('no answer, and the time is up') };

sub fail {
    my ($reason) = @_;
    print STDERR "client: $what: $reason\n";
    exit 1;
}

# A call that a signal has interrupted is made again.
sub retry {
    my ($call) = @_;
    my $result;
    do { $result = $call->() } until defined $result || $! != EINTR;
    return $result // fail($!);
}

sub printable {
    my ($text) = @_;
    $text =~ s/([^ -~]|\\)/sprintf '\x%02x', ord $1/ge;
    return $text;
}

my ($host, $port, $text) =
    (@ARGV, ('127.0.0.1', 11000, 'This is a test<EOF>')[@ARGV .. 2]);
if (@ARGV > 3 || $port !~ /\A[0-9]+\z/ || $port > 65535) {
    print STDERR "How to call it: client.pl [HOST [PORT [TEXT]]]\n";
    exit 2;
}

alarm 1;
$what = "no connection with $host, port $port";
my $socket = IO::Socket::IP->new(
    PeerHost => $host, PeerService => $port, Type => SOCK_STREAM)
    or fail($@ || $!);
alarm 30;
my $ip = $socket->peerhost;
print 'Socket connected to ', $ip =~ /:/ ? "[$ip]" : $ip, ':',
    $socket->peerport, "\n";

$what = "the text to $host was not sent";
for (my $sent = 0; $sent < length $text;) {
    my $rest = $sent;
    $sent += retry(sub { syswrite $socket, $text, length($text) - $rest, $rest });
}
printf "Sent %d bytes to server.\n", length $text;

$what = "no reply from $host";
my $reply = '';
while (1) {
    my $piece;
    my $size = retry(sub { sysread $socket, $piece, 65536 });
    last if $size == 0;
    $reply .= $piece if length $reply <= LIMIT;
}
alarm 0;
my $at = index $reply, MARK;
fail('it stopped before ' . MARK) if $at < 0;
print 'Response received : ',
    printable(substr $reply, 0, $at + length MARK), "\n";
