package Csdns::Canonical;

# Records in the text form of Csdns::Dns, without what differs each time they are
# made: a signature's octets and times.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(canonical_line);

# without_serial: the SOA's serial does not count either.
sub canonical_line {
    my ($line, $without_serial) = @_;
    $line =~ s/( IN RRSIG \\# \d+ [0-9a-f]{16})[0-9a-f]{16}([0-9a-f]+)[0-9a-f]{128}$/$1 times $2 octets/;
    $line =~ s/( IN SOA \S+ \S+) \d+ /$1 serial / if $without_serial;
    return $line;
}

1;
