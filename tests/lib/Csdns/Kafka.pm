package Csdns::Kafka;

# A Kafka cluster: librdkafka's mock cluster (tests/system/kafka_mock.c) in a process
# of its own, with one topic, and a producer that sends as CloudStack does.

use strict;
use warnings;

use Carp qw(croak);
use IO::Socket::INET;
use JSON::PP ();

use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(build_dir need_programs source_dir);

my $json = JSON::PP->new->utf8->canonical;

# new(brokers => 2, partitions => 3): builds it where need be, and starts it.
sub new {
    my ($class, %args) = @_;
    need_programs('make');
    my $program = 'tests/system/kafka_mock';
    my $made = run_program(command => ['make', '-C', build_dir(), $program], timeout => 300);
    croak "could not build $program: $made->{out}$made->{err}" if $made->{status} != 0;
    my $self = bless { brokers => 1, partitions => 1, topic => 'cloudstack', %args, port => free_port(), dir => temp_dir() }, $class;
    $self->{process} = Csdns::Process->start(
        name => 'kafka', log => "$self->{dir}/log", command => [build_dir() . "/$program", @$self{qw(port brokers topic partitions)}],
    );
    $self->{process}->wait_ready(sub { ($self->{bootstrap}) = $self->{process}->log_text =~ /^ready (\S+)$/m }, 20);
    return $self;
}

sub bootstrap { my ($self) = @_; return $self->{bootstrap} }

# A way in with TLS, and with SASL where there is a user: gate(cert =>, key =>, ca => of clients' certificates, user =>,
# password =>) returns its process and its bootstrap servers (tests/double/kafka_gate), which ends
# when nobody holds it. IO::Socket::SSL is needed.
sub gate {
    my ($self, %how) = @_;
    my %broker_of = map { free_port() => $_ } $self->{bootstrap} =~ /:(\d+)/g;
    my $process = Csdns::Process->start(
        name => 'kafka_gate', log => "$self->{dir}/gate-" . join('-', sort keys %broker_of),
        command => ['perl', source_dir() . '/tests/double/kafka_gate', (map { ("--$_", $how{$_}) } sort keys %how), map {"$_=$broker_of{$_}"} sort keys %broker_of],
    );
    $process->wait_ready(sub { $process->log_text =~ /^ready$/m }, 20);
    return ($process, join ',', map {"127.0.0.1:$_"} sort keys %broker_of);
}

sub _command {
    my ($self, @words) = @_;
    $self->{socket} //= IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 10) // croak "kafka_mock: $!";
    print { $self->{socket} } join("\t", @words) . "\n";
    my $answer = readline($self->{socket}) // croak 'kafka_mock is gone';
    croak "kafka_mock: @words[0, 1]: $answer" if $answer !~ /^ok (-?\d+)$/;
    return $1;
}

# The event's key is its entity's uuid. An event that is no reference is sent as it is.
# Also partition => N. Returns the offset.
sub send_event {
    my ($self, $event, %how) = @_;
    my $key = ref $event ? $event->{entityuuid} // $event->{id} // $event->{instanceUuid} // '' : '';
    return $self->_command('produce', $how{partition} // -1, $how{key} // $key, ref $event ? $json->encode($event) : $event);
}

# Up to where a group has committed, -1001 for not at all.
sub committed {
    my ($self, $partition, $group) = @_;
    return $self->_command('committed', $group // 'csdns-sync', $partition);
}

sub down { my ($self, $broker) = @_; return $self->_command('down', $broker // -1) }
sub up { my ($self, $broker) = @_; return $self->_command('up', $broker // -1) }
# The next request of a kind gets an error; both are numbers of Kafka's protocol.
sub fail { my ($self, $request, $error) = @_; return $self->_command('fail', $request, $error) }
sub set_leader { my ($self, $partition, $broker) = @_; return $self->_command('leader', $partition, $broker) }

1;
