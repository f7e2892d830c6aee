package Csdns::Bench::Axfr;

# A zone transfer that is only counted, so that the one who measures takes next to no time: Csdns::Dns reads each record.

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;

use Csdns::Dns qw(name_to_wire);
use Csdns::Wait qw(now_s);

our @EXPORT_OK = qw(transfer);

my ($SOA, $AXFR) = (6, 252);

# transfer(port, zone): { seconds, records, bytes }; dies when it is not complete. A server of PowerDNS begins the first
# and the last message with the SOA.
sub transfer {
    my ($port, $zone) = @_;
    my $start = now_s();
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Proto => 'tcp', Timeout => 5) or die "port $port: $!\n";
    my $question = name_to_wire($zone) . pack 'n2', $AXFR, 1;
    syswrite $socket, pack 'n/a*', pack('n6', 1, 0, 1, 0, 0, 0) . $question;
    my %done = (records => 0, bytes => 0);
    my $soas = 0;
    my $buffer = '';
    while ($soas < 2) {
        sysread $socket, $buffer, 1 << 20, length $buffer or die "$zone: the transfer ended after $done{records} records\n";
        my $at = 0;
        while (length $buffer >= $at + 2) {
            my $length = unpack 'n', substr $buffer, $at, 2;
            last if length $buffer < $at + 2 + $length;
            my $message = substr $buffer, $at + 2, $length;
            my (undef, $flags, $questions, $answers) = unpack 'n4', $message;
            die "$zone: rcode " . ($flags & 15) . "\n" if $flags & 15;
            $soas++ if $answers && _first_type($message, $questions) == $SOA;
            $done{records} += $answers;
            $at += 2 + $length;
        }
        $done{bytes} += $at;
        substr $buffer, 0, $at, '';
    }
    $done{seconds} = now_s() - $start;
    return \%done;
}

# The type of the first answer.
sub _first_type {
    my ($message, $questions) = @_;
    my $at = 12;
    $at = _after_name($message, $at) + 4 for 1 .. $questions;
    return unpack 'n', substr $message, _after_name($message, $at), 2;
}

sub _after_name {
    my ($message, $at) = @_;
    while (my $length = ord substr $message, $at, 1) {
        return $at + 2 if $length >= 192;
        $at += 1 + $length;
    }
    return $at + 1;
}

1;
