#!/usr/bin/perl
# What CloudStack could not deliver is read from its own list of events: after csdns-sync or
# the database was away, and on a timer. No reconcile helps; except with a CloudStack whose
# list does not say what events are about, or cannot be read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::CloudStack;
use Csdns::Metrics qw(metrics_at);
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs);
use Csdns::Scene;
use Csdns::Sync;
use Csdns::Wait qw(wait_until);

need_programs(qw(initdb csdnsd csdns-sync pdns_server pdns:remote));

my $scene = Csdns::Scene->new;
my $cloud = $scene->cloud;
my $port = free_port();
my %options = (
    cloud => $cloud, db => $scene->sync_db, reconcile_interval => 0, reconcile_pause => '1ms', catch_up_interval => 0, page_size => 3, metrics => $port,
);
my $sync = Csdns::Sync->start(%options, worker_name => 'one');

sub uuid { return Csdns::CloudStack::uuid('i', shift) }
sub metrics { return metrics_at("http://127.0.0.1:$port") }
sub happened { my ($type, $n, %more) = @_; return $cloud->happened($type, 'VirtualMachine', uuid($n), %more) }
sub mark { return $scene->dbh->selectrow_array(q{SELECT last_at FROM csdns.sync_source WHERE source = 'catchup'}) }
sub passes { return $scene->dbh->selectrow_array('SELECT count(*) FROM csdns.sync_pass') }

# It happens, and the webhook comes or does not.
sub deliver {
    my ($type, $n, %more) = @_;
    my $event = happened($type, $n, %more);
    return $cloud->deliver($sync->webhook_url, $cloud->action($type, 'VirtualMachine', uuid($n)), secret => $sync->{secret}, id => $event->{id});
}

# Another csdns-sync, up to when it has read the list; what grew of its own metrics is what they are.
sub restart {
    my (%more) = @_;
    $sync = Csdns::Sync->start(%options, worker_name => 'one', %more);
    wait_until { metrics()->{'csdns_sync_catch_ups_total{outcome="complete"}'} } 20, 'the list to be read';
    $sync->wait_idle($scene->dbh);
    return;
}

sub of_catchup {
    my ($outcome) = @_;
    my $now = metrics();
    my $n = 0;
    $n += $now->{$_} for grep { /source="catchup",.*outcome="$outcome"/ } keys %$now;
    return $n;
}

wait_until { mark() } 20, 'the mark of the first start';
happened('VM.STOP', 3, ago => 3000);    # long before: not to be read
happened('VM.CREATE', 8, ago => 600);   # of a clock that is off: happens in what is away below
for my $n (1 .. 3) {
    $cloud->vm($n);
    is deliver('VM.CREATE', $n)->{ok}, 1, "instance $n, by webhook";
    $scene->answers("vm$n.acme.test", "NOERROR 192.0.2.$n", 'is in DNS');
}

# csdns-sync is away
is $sync->stop, 0, 'it stops';
$cloud->vm(1, name => 'renamed');
$cloud->remove(virtualmachine => uuid(2));
$cloud->vm($_) for 4 .. 6, 8;
is deliver('VM.UPDATE', 1)->{ok}, 0, 'a webhook that nobody takes';
deliver('VM.EXPUNGE', 2);
deliver('VM.CREATE', $_) for 4 .. 6;
$cloud->vm(7, projectid => Csdns::CloudStack::uuid('q', 1), project => 'p');
happened('VM.CREATE', 7, projectid => Csdns::CloudStack::uuid('q', 1));
happened('VM.CREATE', 4, state => 'Started');
happened('VM.CREATE', 4, resourceid => 'no-uuid');
$cloud->happened('VOLUME.CREATE', 'Volume', uuid(1));
my $before = mark();
restart();
$scene->answers('renamed.acme.test', 'NOERROR 192.0.2.1', 'an instance that was renamed meanwhile');
$scene->answers('vm1.acme.test', 'NXDOMAIN', 'has its old name no more');
$scene->answers('vm2.acme.test', 'NXDOMAIN', 'one that was destroyed');
$scene->answers("vm$_.acme.test", "NOERROR 192.0.2.$_", 'one that was created') for 4 .. 6;
$scene->answers('vm8.acme.test', 'NOERROR 192.0.2.8', 'and one of a cloud whose clock is ten minutes behind');
$scene->settled($sync, 'after csdns-sync was away');
is $scene->dbh->selectrow_array('SELECT count(*) FROM csdns.instance WHERE uuid = ?', undef, uuid(7)), 1, 'one of a project';
is passes(), 0, 'no reconcile helped';
is of_catchup('taken'), 7, 'what was lost was taken';
is of_catchup('replay'), 3, 'what had come by webhook was not taken again';
is of_catchup('early') . of_catchup('ignored') . of_catchup('malformed'), '111', 'what does not matter was passed by';
cmp_ok metrics()->{csdns_sync_catch_up_rows_total}, '==', 13, 'nor was it read what was too old';
cmp_ok $cloud->requests('listEvents'), '>=', 5, 'page by page';
isnt mark(), $before, 'it is noted how far';

# whatever zone CloudStack reads times in
for my $zone (-11, 13) {
    $sync->stop;
    $cloud->set(zone => $zone);
    my $n = 20 + $zone;
    $cloud->vm($n);
    happened('VM.CREATE', $n);
    restart();
    $scene->answers("vm$n.acme.test", "NOERROR 192.0.2.$n", "a cloud of the zone UTC$zone");
}
$cloud->set(zone => 0);

# it is noted only when all was read
$sync->stop;
$cloud->vm(40);
happened('VM.CREATE', 40);
$before = mark();
$cloud->fault(fail => 1000);
$sync = Csdns::Sync->start(%options, worker_name => 'one', api_tries => 1);
wait_until { metrics()->{'csdns_sync_catch_ups_total{outcome="failed"}'} } 20, 'an API that fails';
is mark(), $before, 'nothing is noted then';
$sync->stop;
$cloud->fault(fail => 0);
restart();
$scene->answers('vm40.acme.test', 'NOERROR 192.0.2.40', 'the next one reads it');
my $passes = passes();

# the database is away
$scene->cluster->stop('immediate');
$cloud->vm(41);
is deliver('VM.CREATE', 41)->{status}, 503, 'a webhook that cannot be stored';
$scene->cluster->start;
$scene->answers('vm41.acme.test', 'NOERROR 192.0.2.41', 'after the database was away');
$sync->stop;

# a webhook does not come at all
restart(catch_up_interval => '100ms');
$cloud->vm(42);
happened('VM.CREATE', 42);
$scene->answers('vm42.acme.test', 'NOERROR 192.0.2.42', 'one that was never sent');
is passes(), $passes, 'still no reconcile';
$sync->stop;

# CloudStack before 4.17
$cloud->vm($_) for 43, 44;
my %old = (resourceid => undef, resourcetype => undef);
happened('VM.CREATE', 43, %old, description => 'Successfully completed creating Vm. Vm Id: ' . uuid(43));
restart();
$scene->answers('vm43.acme.test', 'NOERROR 192.0.2.43', 'the description names it');
is passes(), $passes, 'no reconcile';
$sync->stop;
happened('VM.CREATE', 44, %old, description => 'Successfully completed starting Vm. Vm Id: 44');
restart();
$scene->answers('vm44.acme.test', 'NOERROR 192.0.2.44', 'nothing names it: a reconcile finds it');
cmp_ok passes(), '>', $passes, 'it was one';

# the list cannot be read
$sync->stop;
$cloud->vm(45);
$cloud->set(denied => ['listevents']);
$passes = passes();
$sync = Csdns::Sync->start(%options, worker_name => 'one');
$scene->answers('vm45.acme.test', 'NOERROR 192.0.2.45', 'it may not be read: a reconcile finds what was lost');
cmp_ok passes(), '>', $passes, 'it was one';
$sync->stop;

# nor anything else at first
$cloud->vm(46);
$cloud->fault(fail => 100_000);
$sync = Csdns::Sync->start(%options, worker_name => 'one', api_tries => 1);
wait_until { (metrics()->{'csdns_sync_reconcile_passes_total{outcome="failed"}'} // 0) >= 6 } 20, 'a reconcile that fails';
$cloud->fault(fail => 0);
$scene->answers('vm46.acme.test', 'NOERROR 192.0.2.46', 'a reconcile that broke off is repeated');
$scene->settled($sync, 'in the end');
is $sync->stop, 0, 'it stops';
done_testing;
