package Csdns::Validate;

# What tools that know nothing of PowerDNS say of a signed zone as a server gives it:
# dnssec-verify and ldns-verify-zone of the whole zone, delv of single answers.

use strict;
use warnings;

use Carp qw(croak);

use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs);

# new(port => of a server on 127.0.0.1)
sub new {
    my ($class, %args) = @_;
    need_programs(qw(dig delv dnssec-verify));
    return bless { dir => temp_dir(), %args }, $class;
}

sub _dig {
    my ($self, @question) = @_;
    return run_program(command => [find_program('dig'), '@127.0.0.1', '-p', $self->{port}, @question])->{out};
}

# The zone as it is transferred, in a file; its name. edit => sub that changes the text, in $_.
sub transfer {
    my ($self, $zone, %args) = @_;
    my $file = "$self->{dir}/$zone.zone";
    local $_ = $self->_dig($zone, 'AXFR', qw(+onesoa +nocmd +nostats +nocomments));
    $args{edit}->() if $args{edit};
    open my $out, '>', $file or croak "$file: $!";
    print {$out} $_;
    close $out or croak "$file: $!";
    return $file;
}

# "" if the whole zone is right, else what dnssec-verify complains of.
sub dnssec_verify {
    my ($self, $zone, %args) = @_;
    my $done = run_program(command => [find_program('dnssec-verify'), '-z', '-o', $zone, $self->transfer($zone, %args)]);
    return $done->{status} == 0 ? '' : $done->{out} . $done->{err};
}

# The same of ldns-verify-zone.
sub ldns_verify {
    my ($self, $zone) = @_;
    need_programs('ldns-verify-zone');
    my $done = run_program(command => [find_program('ldns-verify-zone'), $self->transfer($zone)]);
    return $done->{status} == 0 ? '' : $done->{out} . $done->{err};
}

# A file with the zone's keys for delv.
sub anchors {
    my ($self, $zone) = @_;
    my $keys = $self->_dig($zone, 'DNSKEY', '+short');
    my $file = "$self->{dir}/$zone.anchors";
    open my $out, '>', $file or croak "anchors: $!";
    print {$out} "trust-anchors {\n";
    print {$out} qq{  "$zone." static-key $1 $2 $3 "$4";\n} while $keys =~ /^(257) (\d+) (\d+) (.*)$/mg;
    print {$out} "};\n";
    close $out or croak "anchors: $!";
    return $file;
}

# What delv says of a question: "fully validated" or else.
sub delv {
    my ($self, $zone, $anchors, $name, $type) = @_;
    my $done = run_program(command => [find_program('delv'), '@127.0.0.1', '-p', $self->{port}, '-a', $anchors, "+root=$zone", '-q', $name, '-t', $type]);
    return $done->{out} . $done->{err};
}

1;
