package Csdns::NameServer;

# What the name servers of other makes have in common: named, NSD, Knot.

use strict;
use warnings;

use Csdns::Dns;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(find_program need_programs);

# A make is a package with PROGRAM, CONF (a file's name), ARGUMENTS before it, and _conf, which returns what is in it.
# new takes, as far as the make can do it:
#
#   secondary => { zone => port of its primary on 127.0.0.1 }
#   keys      => { name => secret }
#   keyed     => { zone => name of the key that may transfer it, or that signs its transfers and notifications }
#   address, port   where they matter
sub new {
    my ($class, %args) = @_;
    need_programs($class->PROGRAM);
    my $self = bless { secondary => {}, keys => {}, keyed => {}, address => '127.0.0.1', dir => temp_dir(), %args }, $class;
    $self->{port} //= free_port();
    $self->write_file($class->CONF, $self->_conf);
    return $self->_start;
}

sub _start {
    my ($self) = @_;
    $self->{process} = Csdns::Process->start(
        name => $self->PROGRAM, log => "$self->{dir}/log", cwd => $self->{dir},
        command => [find_program($self->PROGRAM), $self->ARGUMENTS, "$self->{dir}/" . $self->CONF],
    );
    my $probe = $self->dns(timeout => 0.2, retries => 1);
    $self->{process}->wait_ready(sub { $probe->ask('ready.invalid', 'SOA')->{rcode} ne 'TIMEOUT' }, 30);
    return $self;
}

sub write_file {
    my ($self, $name, $text) = @_;
    open my $file, '>', "$self->{dir}/$name" or die "$name: $!\n";
    print {$file} $text;
    close $file or die "$name: $!\n";
    return;
}

sub stop { my ($self, @args) = @_; $self->{process}->stop(@args); return $self }
sub start { my ($self) = @_; return $self->_start }
sub port { my ($self) = @_; return $self->{port} }
sub dns { my ($self, %args) = @_; return Csdns::Dns->new(address => $self->{address}, port => $self->{port}, %args) }
sub log_text { my ($self) = @_; return $self->{process}->log_text }

1;
