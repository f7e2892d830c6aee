package Csdns::Nsd;

# NSD, as a secondary or as a primary. Unlike named it takes any address of the loopback network.

use strict;
use warnings;

use parent 'Csdns::NameServer';

use constant { PROGRAM => 'nsd', CONF => 'nsd.conf' };

sub ARGUMENTS { return ('-d', '-c') }

# What all makes take, and zones => { 'a.test' => "text of a zone file" }, notify => [ports on 127.0.0.1].
sub new {
    my ($class, %args) = @_;
    return $class->SUPER::new(zones => {}, notify => [], %args);
}

sub _conf {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $conf = <<"CONF";
server:
    ip-address: $self->{address}\@$self->{port}
    server-count: 1
    username: ""
    chroot: ""
    database: ""
    zonesdir: "$dir"
    zonelistfile: "$dir/zone.list"
    xfrdfile: "$dir/xfrd.state"
    xfrdir: "$dir"
    pidfile: ""
    verbosity: 2
    xfrd-reload-timeout: 0
remote-control:
    control-enable: no
CONF
    $conf .= qq(key:\n    name: "$_"\n    algorithm: hmac-sha256\n    secret: "$self->{keys}{$_}"\n) for sort keys %{ $self->{keys} };
    for my $zone (sort keys %{ $self->{secondary} }) {
        my $key = $self->{keyed}{$zone} // 'NOKEY';
        $conf .= <<"CONF";
zone:
    name: "$zone"
    zonefile: "$zone.zone"
    request-xfr: 127.0.0.1\@$self->{secondary}{$zone} $key
    allow-notify: 127.0.0.1 $key
    provide-xfr: 127.0.0.1 NOKEY
CONF
    }
    my $notify = join '', map {"    notify: 127.0.0.1\@$_ NOKEY\n    outgoing-interface: $self->{address}\n"} @{ $self->{notify} };
    for my $zone (sort keys %{ $self->{zones} }) {
        $self->write_file("$zone.zone", $self->{zones}{$zone});
        $conf .= qq(zone:\n    name: "$zone"\n    zonefile: "$zone.zone"\n    provide-xfr: 127.0.0.0/8 NOKEY\n$notify);
    }
    return $conf;
}

1;
