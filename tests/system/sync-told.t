#!/usr/bin/perl
# csdns-sync without the cloud's API: what finished jobs tell of instances is all that
# there is. It is stored in the order in which it came, and nothing waits in vain.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP ();
use Test::More;

use Csdns::BusScenes;
use Csdns::Kafka;
use Csdns::Programs qw(need_programs);
use Csdns::Scene;
use Csdns::Sync;
use Csdns::Wait qw(wait_until);

need_programs(qw(initdb csdnsd csdns-sync pdns_server pdns:remote));
my $check = Csdns::Sync->run('--check', '--kafka-brokers=127.0.0.1:1');
plan skip_all => 'csdns-sync was built without Kafka' if $check->{err} =~ /built without Kafka/;

my $scene = Csdns::Scene->new;
my $cluster = $scene->cluster;
# No event tells whose zone is which: policy does.
$cluster->psql('store', q{UPDATE csdns.policy SET common = true, common_zone = 'acme.test' WHERE scope = '00000000-0000-0000-0000-000000000000'});
my $kafka = Csdns::Kafka->new;
my $sync = Csdns::Sync->start(
    db => $scene->sync_db, worker_name => 'one', kafka_brokers => $kafka->bootstrap,
    files => { kafka_properties_file => ['session.timeout.ms=4000', 'heartbeat.interval.ms=200'] },
);
my $bus = Csdns::BusScenes->new(scene => $scene, sync => $sync, source => 'kafka', send => sub { return $kafka->send_event($_[0], partition => 0) });
my $n = $bus->fresh;

# A finished job that tells of the instance; the cloud is not asked.
sub told {
    my ($type, $number, %more) = @_;
    return $bus->job_event($type, $number, jobResult => { %{ $scene->cloud->vm($number, %more) }, class => 'UserVmResponse', object => 'null' });
}

sub nothing_waits {
    my ($what) = @_;
    $sync->wait_idle($scene->dbh);
    return pass "$what: nothing waits";
}

$bus->send_event($bus->action('VM.CREATE', $n));
$bus->send_event($bus->job_event('VM.CREATE', $n, status => 'IN_PROGRESS'));
$bus->send_event(told('VM.CREATE', $n));
$bus->is_there($n, 'a job that created an instance');
$bus->send_event($bus->state_event($n, 'Starting', 'Running'));
$sync->wait_log(qr/kafka: $_/) for qr/action VM\.CREATE: ignored/, qr/state Running: ignored/;
nothing_waits('events that tell nothing');

$bus->send_event(told('NIC.UPDATE', $n, ip => '192.0.2.101'));
$scene->answers("vm$n.acme.test", 'NOERROR 192.0.2.101', 'another address');
my $old = told('VM.START', $n, ip => '192.0.2.102');
$old->{jobResult} = 'org.apache.cloudstack.api.response.UserVmResponse/virtualmachine/' . JSON::PP->new->encode($old->{jobResult});
$bus->send_event($old);
$scene->answers("vm$n.acme.test", 'NOERROR 192.0.2.102', 'as up to 4.11');
$bus->send_event(told('VM.START', $n, ip => '192.0.2.103', status => 'Running'));
$scene->answers("vm$n.acme.test", 'NOERROR 192.0.2.103', 'started');

$bus->send_event({ %{ told('NIC.UPDATE', $n, ip => '192.0.2.104') }, status => 'FAILED' });
$bus->send_event($bus->action('VM.DESTROY', $n, description => 'Error while destroying Vm'));
my $other = $bus->fresh;
$bus->send_event(told('VM.CREATE', $other));
$bus->is_there($other, 'another instance');
is $scene->answer("vm$n.acme.test"), 'NOERROR 192.0.2.103', 'jobs and actions that failed change nothing';
$bus->send_event($bus->action('VM.DESTROY', $n));
$bus->is_gone($n, 'destroyed');
$bus->send_event($bus->action('VM.DESTROY', $n));
wait_until { 2 == (() = $sync->log_text =~ /action VM\.DESTROY: taken/g) } 20, 'the second to come';
nothing_waits('destroyed twice');

# The first cannot be stored now, the second can: afterwards the first must not undo it.
# Nothing is before them, so that the first is in a transaction of its own.
$sync->stop;
my $stale = $bus->fresh;
$cluster->psql('store', <<'SQL');
CREATE FUNCTION csdns.test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.hint::text LIKE '%192.0.2.151%' THEN RAISE EXCEPTION 'refused for the test' USING ERRCODE = '55006'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER test_refuse BEFORE INSERT OR UPDATE ON csdns.sync_task FOR EACH ROW EXECUTE FUNCTION csdns.test_refuse();
SQL
$bus->send_event(told('VM.START', $stale, ip => "192.0.2.$_")) for 151, 152;
$sync->spawn;
$scene->answers("vm$stale.acme.test", 'NOERROR 192.0.2.152', 'what came later is there');
$cluster->psql('store', 'DROP TRIGGER test_refuse ON csdns.sync_task');
$sync->wait_log(qr/no event waits for the database any more/);
$other = $bus->fresh;
$bus->send_event(told('VM.CREATE', $other));
$bus->is_there($other, 'the next');
nothing_waits('in the end');
is $scene->answer("vm$stale.acme.test"), 'NOERROR 192.0.2.152', 'what came before it does not undo it';
is $scene->dbh->selectrow_array('SELECT count(*) FROM csdns.drift'), 0, 'no drift';
is $scene->cloud->requests('listVirtualMachines'), 0, 'the cloud was not asked';
is $sync->stop, 0, 'it stops';
done_testing;
