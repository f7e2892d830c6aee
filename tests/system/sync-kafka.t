#!/usr/bin/perl
# csdns-sync takes CloudStack's events from Kafka: from a message to the DNS answer.
# Brokers, PostgreSQL and csdns-sync itself come and go; nothing is lost, and no
# offset is committed before all up to it is durable.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::CloudStack;
use Csdns::Kafka;
use Csdns::Programs qw(need_programs);
use Csdns::Scene;
use Csdns::Sync;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdnsd csdns-sync pdns_server pdns:remote));
my $check = Csdns::Sync->run('--check', '--kafka-brokers=127.0.0.1:1');
plan skip_all => 'csdns-sync was built without Kafka' if $check->{err} =~ /built without Kafka/;

my $scene = Csdns::Scene->new;
my $cloud = $scene->cloud;
my $kafka = Csdns::Kafka->new(brokers => 2, partitions => 3);
my %options = (
    cloud => $cloud, db => $scene->sync_db, listen => undef, kafka_brokers => $kafka->bootstrap, reconcile_interval => 0,
);
my $sync = Csdns::Sync->start(%options, worker_name => 'one',
    files => { kafka_properties_file => ['# for the test', 'session.timeout.ms = 4000', 'heartbeat.interval.ms=200'] });

sub uuid { return Csdns::CloudStack::uuid('i', shift) }
sub action { my ($type, $n, %more) = @_; return $cloud->action($type, 'VirtualMachine', uuid($n), %more) }

# What is received and not yet committed, of a partition.
sub committed { my ($partition) = @_; return $kafka->committed($partition) }

sub comes_to {
    my ($partition, $offset, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(scalar(try_until { committed($partition) == $offset } 15), $what) || diag committed($partition);
}

# every form of event, from every partition
for my $n (1 .. 3) {
    $cloud->vm($n);
    $kafka->send_event(action('VM.CREATE', $n), partition => $n - 1);
}
$scene->answers("vm$_.acme.test", "NOERROR 192.0.2.$_", "an action's event of partition @{[$_ - 1]}") for 1 .. 3;
$cloud->vm(1, state => 'Destroyed');
$kafka->send_event({ resource => 'VirtualMachine', id => uuid(1), 'old-state' => 'Running', 'new-state' => 'Destroyed', status => 'postStateTransitionEvent' },
    partition => 0);
$scene->answers('vm1.acme.test', 'NXDOMAIN', 'an event of a state');
$scene->settled($sync, 'in the end');
is $sync->stop, 0, 'it stops';
done_testing;
