package Csdns::Ports;

# Free ports on the loopback address.

use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(:flock);
use IO::Socket::INET;

our @EXPORT_OK = qw(free_port);

# Below the kernel's range for outgoing connections, so that nobody is given the
# port by chance between the moment we look and the moment a program binds it.
my ($LOW, $HIGH) = (18000, 30000);

my @locks;    # one open lock file a port, held until the test ends

# A port that is free for UDP and TCP on 127.0.0.1 (and ::1 where there is IPv6),
# and that no other test which runs at the same time was given.
sub free_port {
    for (1 .. 500) {
        my $port = $LOW + int rand($HIGH - $LOW);
        my $lock = _lock($port) or next;
        next if !_is_free($port);
        push @locks, $lock;
        return $port;
    }
    die "no free port between $LOW and $HIGH\n";
}

sub _lock {
    my ($port) = @_;
    my $dir = sprintf '%s/csdns-ports-%d', $ENV{TMPDIR} // '/tmp', $>;
    mkdir $dir, 0700;
    open my $file, '>', "$dir/$port" or return;
    flock $file, LOCK_EX | LOCK_NB or return;
    return $file;
}

sub _is_free {
    my ($port) = @_;
    for my $proto (qw(udp tcp)) {
        my %listen = $proto eq 'tcp' ? (Listen => 1, ReuseAddr => 1) : ();
        my $socket = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port, Proto => $proto, %listen,
        ) or return 0;
        close $socket;
    }
    return 1;
}

1;
