package Csdns::Knot;

# Knot DNS as a secondary.

use strict;
use warnings;

use parent 'Csdns::NameServer';

use constant { PROGRAM => 'knotd', CONF => 'knot.conf' };

sub ARGUMENTS { return '-c' }

sub _conf {
    my ($self) = @_;
    my $dir = $self->{dir};
    my %keys = %{ $self->{keys} };
    my @keys = map {qq(  - id: "$_"\n    algorithm: hmac-sha256\n    secret: "$keys{$_}"\n)} sort keys %keys;
    my (@remotes, @acls, @zones);
    for my $zone (sort keys %{ $self->{secondary} }) {
        my $key = $self->{keyed}{$zone} ? qq(    key: "$self->{keyed}{$zone}"\n) : '';
        push @remotes, qq(  - id: "$zone"\n    address: 127.0.0.1\@$self->{secondary}{$zone}\n$key);
        push @acls, qq(  - id: "notify-$zone"\n    address: 127.0.0.1\n    action: notify\n$key);
        push @zones, qq(  - domain: "$zone"\n    storage: "$dir"\n    master: "$zone"\n    acl: ["notify-$zone", "transfer"]\n    zonefile-sync: -1\n);
    }
    return join '', <<"CONF", @keys ? ("key:\n", @keys) : (), "remote:\n", @remotes,
server:
    listen: $self->{address}\@$self->{port}
    rundir: "$dir"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "$dir"
log:
  - target: stdout
    any: info
CONF
        "acl:\n", @acls, qq(  - id: "transfer"\n    address: 127.0.0.1\n    action: transfer\n), "zone:\n", @zones;
}

1;
