package Csdns::Certificate;

# Certificates for tests of TLS: a CA, and what it has signed, as NAME.pem and NAME.key in a directory.

use strict;
use warnings;

use Carp qw(croak);
use Exporter 'import';

use Csdns::Process qw(run_program);
use Csdns::Programs qw(find_program);

our @EXPORT_OK = qw(make_certificate);

# make_certificate(DIR, NAME, ca => NAME of the one that signs it, for => 'DNS:localhost'); without ca it is a CA itself.
# Returns the certificate's path. Accounts other than ours may read the key.
sub make_certificate {
    my ($dir, $name, %how) = @_;
    my @signed = $how{ca} ? ('-CA', "$dir/$how{ca}.pem", '-CAkey', "$dir/$how{ca}.key") : ('-addext', 'basicConstraints=critical,CA:TRUE');
    my $done = run_program(command => [
        find_program('openssl'), qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2), '-subj', "/CN=$name",
        '-addext', 'subjectAltName=' . ($how{for} // 'DNS:localhost'), '-keyout', "$dir/$name.key", '-out', "$dir/$name.pem", @signed,
    ]);
    croak "openssl: $done->{err}" if $done->{status} != 0;
    chmod 0644, "$dir/$name.key";
    return "$dir/$name.pem";
}

1;
