#!/usr/bin/perl
# An echo server in Perl: one process, select(), and sockets that do not block.
#
# Call it so: perl.pl [HOST [PORT]]
use strict;
use warnings;
use Errno qw(EAGAIN EINTR EMFILE ENFILE ENOBUFS ENOMEM);
use IO::Select;
use IO::Socket::IP;
use POSIX ();
use Socket qw(SHUT_WR SOMAXCONN);

use constant { MARK => "<EOF>", LIMIT => 1048576 };

$| = 1;
$SIG{PIPE} = 'IGNORE';
# At once, not when the interpreter gets to it: select() may have begun by then.
my $end = POSIX::SigAction->new(sub { POSIX::_exit(0) });
POSIX::sigaction($_, $end) for POSIX::SIGINT, POSIX::SIGTERM;

my ($host, $port) = (@ARGV, ('127.0.0.1', 11000)[@ARGV .. 1]);
if (@ARGV > 2 || $port !~ /\A[0-9]+\z/ || $port > 65535) {
    print STDERR "Call it so: perl.pl [HOST [PORT]]\n";
    exit 2;
}

my $listener = IO::Socket::IP->new(
    LocalHost => $host, LocalService => $port, Type => SOCK_STREAM,
    Listen => SOMAXCONN, ReuseAddr => 1, V6Only => 1);
if (!$listener) {
    my $reason = $@ || $!;
    print STDERR "server: listen on $host:$port: $reason\n";
    exit 1;
}
$listener->blocking(0);
print "Listening on ", address($listener->sockhost, $listener->sockport), "\n";

my ($readable, $writable) = (IO::Select->new($listener), IO::Select->new);
my %clients;

sub address {
    my ($ip, $number) = @_;
    return $ip =~ /:/ ? "[$ip]:$number" : "$ip:$number";
}

sub printable {
    my ($text) = @_;
    $text =~ s/([^ -~]|\\)/sprintf '\x%02x', ord $1/ge;
    return $text;
}

sub leave {
    my ($socket) = @_;
    $readable->remove($socket);
    $writable->remove($socket);
    delete $clients{$socket};
    close $socket;
}

# What comes from now on is thrown away.
sub finish {
    my ($socket, $client, $reason) = @_;
    warn "server: serve $client->{name}: $reason\n" if $reason;
    $client->{phase} = 'draining';
    $client->{text} = '';
    shutdown $socket, SHUT_WR;
    $writable->remove($socket);
    $readable->add($socket);
}

sub receive {
    my ($socket, $client) = @_;
    my $got = sysread $socket, my $piece, 65536;
    if (!defined $got) {
        leave($socket) unless $! == EAGAIN || $! == EINTR;
        return;
    }
    if ($got == 0) {
        finish($socket, $client, 'cut text')
            if $client->{phase} eq 'collecting';
        return leave($socket);
    }
    return if $client->{phase} eq 'draining';

    my $from = length($client->{text}) - length(MARK) + 1;
    $client->{text} .= $piece;
    my $at = index $client->{text}, MARK, $from < 0 ? 0 : $from;
    if ($at >= 0 && $at + length(MARK) <= LIMIT) {
        substr($client->{text}, $at + length(MARK)) = '';
        printf "Read %d bytes from socket.\n Data : %s\n",
            length $client->{text}, printable($client->{text});
        $client->{phase} = 'replying';
        $readable->remove($socket);
        $writable->add($socket);
    } elsif (length($client->{text}) >= LIMIT) {
        finish($socket, $client, 'text too long');
    }
}

sub reply {
    my ($socket, $client) = @_;
    my $length = length $client->{text};
    my $sent = syswrite $socket, $client->{text}, $length - $client->{sent},
        $client->{sent};
    if (!defined $sent) {
        leave($socket) unless $! == EAGAIN || $! == EINTR;
        return;
    }
    $client->{sent} += $sent;
    return if $client->{sent} < $length;
    print "Sent $length bytes to client.\n";
    finish($socket, $client);
}

# Returns whether something was lacking.
sub accept_one {
    my $socket = $listener->accept
        or return grep { $! == $_ } EMFILE, ENFILE, ENOBUFS, ENOMEM;
    $socket->blocking(0);
    my $name = defined $socket->peerhost
        ? address($socket->peerhost, $socket->peerport) : 'somebody';
    print "Accepted $name\n";
    $clients{$socket} =
        { name => $name, phase => 'collecting', text => '', sent => 0 };
    $readable->add($socket);
    return 0;
}

my $full = 0;
while (1) {
    # While no descriptor is left the listener has a rest.
    $full ? $readable->remove($listener) : $readable->add($listener);
    my ($reads, $writes) =
        IO::Select->select($readable, $writable, undef, $full ? 0.1 : undef);
    $full = 0;
    for my $socket (@{$writes || []}) {
        reply($socket, $clients{$socket});
    }
    for my $socket (@{$reads || []}) {
        if ($socket == $listener) {
            $full = accept_one();
        } elsif ($clients{$socket}) {
            receive($socket, $clients{$socket});
        }
    }
}
