#!/usr/bin/perl
# csdns-sync takes CloudStack's events from Kafka: from a message to the DNS answer.
# Brokers, PostgreSQL and csdns-sync itself come and go; nothing is lost, and no
# offset is committed before all up to it is durable.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::BusScenes;
use Csdns::Kafka;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs);
use Csdns::Scene;
use Csdns::Sync;
use Csdns::Wait qw(try_until);

need_programs(qw(initdb csdnsd csdns-sync pdns_server pdns:remote));
my $check = Csdns::Sync->run('--check', '--kafka-brokers=127.0.0.1:1');
plan skip_all => 'csdns-sync was built without Kafka' if $check->{err} =~ /built without Kafka/;

# Properties that are refused; the message tells the name and never the value.
my $dir = temp_dir();
for my $case (
    ['queued.min.messages=very-secret' => 'librdkafka does not take the value of the property "queued.min.messages"'],
    ['very.secret=1' => 'librdkafka has no property "very.secret", or not in this build'],
    ['enable.auto.offset.store=true' => 'the property "enable.auto.offset.store" of Kafka is not to be set: csdns-sync does'],
    ['very-secret' => 'a line of the properties of Kafka is not "name=value"'],
) {
    my ($line, $complaint) = @$case;
    open my $file, '>', "$dir/properties" or BAIL_OUT($!);
    print {$file} "# a comment\nclient.rack = somewhere\n$line\n";
    close $file;
    $check = Csdns::Sync->run('--check', '--kafka-brokers=127.0.0.1:1', "--kafka-properties-file=$dir/properties");
    is $check->{err}, "csdns-sync: $complaint\n", "refused: $complaint";
}

my $scene = Csdns::Scene->new;
my $kafka = Csdns::Kafka->new(brokers => 2, partitions => 3);
my $metrics = free_port();
my %options = (
    cloud => $scene->cloud, db => $scene->sync_db, listen => undef, reconcile_interval => 0, kafka_brokers => $kafka->bootstrap,
    files => { kafka_properties_file => ['# for the test', 'session.timeout.ms = 4000', 'heartbeat.interval.ms=200', 'ssl.key.password = very-secret'] },
);
my $sync = Csdns::Sync->start(%options, worker_name => 'one', metrics => $metrics);
my $partition = 0;
my $bus = Csdns::BusScenes->new(
    scene => $scene, sync => $sync, metrics => $metrics, source => 'kafka', place => qr/cloudstack, partition \d+, offset \d+/, max_body => 900_000,
    send => sub { return $kafka->send_event($_[0], partition => $partition) },
);

sub committed_is {
    my ($offset, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(scalar(try_until { $kafka->committed($partition) == $offset } 15), $what) || diag $kafka->committed($partition);
}

$bus->forms;
for (1, 2) {
    $partition = $_;
    my $n = $bus->vm;
    my $offset = $bus->send_event($bus->action('VM.CREATE', $n));
    $bus->is_there($n, "from partition $_ too");
    committed_is($offset + 1, 'and its offset is committed');
}
$bus->poison;
$bus->disorder;
$bus->watch;

# brokers: one, that leads the partition; then all of them
$kafka->set_leader(1, 1);
$partition = 1;
$kafka->down(1);
$kafka->set_leader(1, 2);
my $n = $bus->vm;
$bus->send_event($bus->action('VM.START', $n));
$bus->is_there($n, 'a broker is down, another leads');
$bus->unhealthy(sub { $kafka->down });
$kafka->up;
$n = $bus->vm;
$bus->send_event($bus->action('VM.START', $n));
$bus->is_there($n, 'all brokers were down');

$bus->database_away;
$bus->stuck(sub { my ($first) = @_; committed_is($first, 'committed is what comes before the one that is stuck') });
$bus->killed;
$bus->killed_at_random(2);

# An error that a client does not survive: another took its place, says the group.
my ($HEARTBEAT, $FENCED_INSTANCE_ID) = (12, 82);
$kafka->fail($HEARTBEAT, $FENCED_INSTANCE_ID);
$sync->wait_log(qr/Kafka's client failed, it is made anew: FENCED_INSTANCE_ID/, 20);
$n = $bus->vm;
$bus->send_event($bus->action('VM.START', $n));
$bus->is_there($n, 'the client failed for good, and another was made');

# Two share the partitions; one is killed, the other takes over.
my $second = Csdns::Sync->start(%options, name => 'csdns-sync two', worker_name => 'two');
my $has = qr/kafka: has cloudstack, partition/;
$second->wait_log($has, 30);
sub all_partitions {
    my ($what) = @_;
    my @n = map { $bus->vm } 0 .. 2;
    for (0 .. 2) { $partition = $_; $bus->send_event($bus->action('VM.START', $n[$_])) }
    $bus->is_there($n[$_], "$what: partition $_") for 0 .. 2;
    return;
}
all_partitions('two of a group');
$second->kill_hard;
all_partitions('one of them killed');

$partition = 1;
is $sync->stop, 0, 'it stops';
my $last = $kafka->send_event($bus->action('VM.STOP', 1), partition => 1);
committed_is($last, 'everything was committed');
unlike $sync->log_text, qr/very-secret/, 'no secrets in the log';
done_testing;
