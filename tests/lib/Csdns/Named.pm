package Csdns::Named;

# BIND's named as a primary: the make of server that most zones come from.

use strict;
use warnings;

use Carp qw(croak);

use Csdns::Dns;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(find_program need_programs);

# new(zones => { 'a.test' => "text of a zone file" }, notify => [ports on 127.0.0.1], keys => { name => secret },
# keyed => { zone => name of the key that may transfer it }), and address and port where they matter.
sub new {
    my ($class, %args) = @_;
    need_programs('named');
    my $self = bless { zones => {}, notify => [], keys => {}, keyed => {}, dir => temp_dir(), address => '127.0.0.1', %args }, $class;
    $self->{port} //= free_port();
    $self->write_zone($_, $self->{zones}{$_}) for keys %{ $self->{zones} };
    $self->_write_conf;
    $self->{process} = Csdns::Process->start(
        name => 'named', log => "$self->{dir}/log", cwd => $self->{dir},
        command => [find_program('named'), '-g', '-c', "$self->{dir}/named.conf"],
    );
    my $probe = Csdns::Dns->new(address => $self->{address}, port => $self->{port}, timeout => 0.2, retries => 1);
    $self->{process}->wait_ready(sub { $probe->ask('ready.invalid', 'SOA')->{rcode} ne 'TIMEOUT' }, 30);
    return $self;
}

sub port { my ($self) = @_; return $self->{port} }
sub log_text { my ($self) = @_; return $self->{process}->log_text }

sub write_zone {
    my ($self, $zone, $text) = @_;
    open my $file, '>', "$self->{dir}/$zone.zone" or croak "zone file: $!";
    print {$file} $text;
    close $file or croak "zone file: $!";
    return;
}

# Another content of a zone; secondaries are notified. Differences are kept, for IXFR.
sub change_zone {
    my ($self, $zone, $text) = @_;
    $self->write_zone($zone, $text);
    $self->{process}->signal('HUP');
    return;
}

sub _write_conf {
    my ($self) = @_;
    my $notify = join ' ', map {"127.0.0.1 port $_;"} @{ $self->{notify} };
    open my $conf, '>', "$self->{dir}/named.conf" or croak "named.conf: $!";
    print {$conf} <<"CONF";
options {
    directory "$self->{dir}"; pid-file none; session-keyfile "$self->{dir}/session.key"; listen-on port $self->{port} { $self->{address}; }; listen-on-v6 { none; };
    recursion no; allow-transfer { any; }; notify explicit; notify-source $self->{address}; check-names primary ignore; also-notify { $notify }; notify-delay 0; startup-notify-rate 100; dnssec-validation no;
    ixfr-from-differences yes; managed-keys-directory "$self->{dir}";
};
controls { };
CONF
    print {$conf} qq(key "$_" { algorithm hmac-sha256; secret "$self->{keys}{$_}"; };\n) for sort keys %{ $self->{keys} };
    for my $zone (sort keys %{ $self->{zones} }) {
        my $allowed = $self->{keyed}{$zone} ? qq(allow-transfer { key "$self->{keyed}{$zone}"; };) : '';
        print {$conf} qq(zone "$zone" { type primary; file "$zone.zone"; $allowed };\n);
    }
    close $conf or croak "named.conf: $!";
    return;
}

1;
