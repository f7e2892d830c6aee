package Csdns::Named;

# BIND's named: as a primary, the make of server that most zones come from, and as a secondary.

use strict;
use warnings;

use parent 'Csdns::NameServer';

use constant { PROGRAM => 'named', CONF => 'named.conf' };

sub ARGUMENTS { return ('-g', '-c') }

# What all makes take, and zones => { 'a.test' => "text of a zone file" }, notify => [ports on 127.0.0.1].
sub new {
    my ($class, %args) = @_;
    return $class->SUPER::new(zones => {}, notify => [], %args);
}

# Another content of a zone; secondaries are notified. Differences are kept, for IXFR.
sub change_zone {
    my ($self, $zone, $text) = @_;
    $self->write_file("$zone.zone", $text);
    $self->{process}->signal('HUP');
    return;
}

sub _conf {
    my ($self) = @_;
    my $notify = join ' ', map {"127.0.0.1 port $_;"} @{ $self->{notify} };
    my $conf = <<"CONF";
options {
    directory "$self->{dir}"; pid-file none; session-keyfile "$self->{dir}/session.key"; listen-on port $self->{port} { $self->{address}; }; listen-on-v6 { none; };
    recursion no; allow-transfer { any; }; notify explicit; notify-source $self->{address}; check-names primary ignore; also-notify { $notify }; notify-delay 0; startup-notify-rate 100; dnssec-validation no;
    ixfr-from-differences yes; managed-keys-directory "$self->{dir}";
};
controls { };
CONF
    $conf .= qq(key "$_" { algorithm hmac-sha256; secret "$self->{keys}{$_}"; };\n) for sort keys %{ $self->{keys} };
    for my $zone (sort keys %{ $self->{zones} }) {
        my $allowed = $self->{keyed}{$zone} ? qq(allow-transfer { key "$self->{keyed}{$zone}"; };) : '';
        $conf .= qq(zone "$zone" { type primary; file "$zone.zone"; $allowed };\n);
        $self->write_file("$zone.zone", $self->{zones}{$zone});
    }
    for my $zone (sort keys %{ $self->{secondary} }) {
        my $key = $self->{keyed}{$zone} ? qq( key "$self->{keyed}{$zone}") : '';
        $conf .= qq(zone "$zone" { type secondary; file "$zone.copy"; primaries { 127.0.0.1 port $self->{secondary}{$zone}$key; }; };\n);
    }
    return $conf;
}

1;
