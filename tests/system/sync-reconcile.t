#!/usr/bin/perl
# csdns-sync lists the whole cloud: at the start, when it is asked, and what was lost
# is there afterwards. It removes nothing that the API has not said is gone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::CloudStack;
use Csdns::Cluster;
use Csdns::Programs qw(need_programs);
use Csdns::Sync;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdns-sync));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', <<'SQL');
CREATE ROLE csdns_feeder LOGIN IN ROLE csdns_sync;
INSERT INTO domains (name, type) VALUES ('acme.test', 'NATIVE');
SQL
my $dbh = $cluster->dbh('store');
my $cloud = Csdns::CloudStack->new;
$cloud->account(1, networkdomain => 'acme.test');
$cloud->network(1);
$cloud->vm($_) for 1 .. 25;
$cloud->vm(26, account => undef, projectid => Csdns::CloudStack::uuid('project', 1), project => 'moon');
$cloud->put(project => { id => Csdns::CloudStack::uuid('project', 1), name => 'moon', domainid => $cloud->{domain} });
$cloud->address(1, isstaticnat => JSON::PP::true, virtualmachineid => Csdns::CloudStack::uuid('i', 3), vmipaddress => '192.0.2.3');

my %how = (cloud => $cloud, db => $cluster->conninfo('store', 'csdns_feeder'), page_size => 10, reconcile_pause => '1ms', api_tries => 2);
my $sync = Csdns::Sync->start(%how, worker_name => 'one');

sub value { my ($sql) = @_; return scalar $dbh->selectrow_array($sql) }
sub names { return value(q{SELECT string_agg(split_part(name, '.', 1), ' ' ORDER BY length(name), name) FROM records WHERE type = 'A' AND name LIKE 'vm%'}) // '' }
sub passes { return value('SELECT count(*) FROM csdns.sync_pass WHERE finished IS NOT NULL') }

# The passes of one reconcile, to their end.
sub reconciled {
    my ($begin) = @_;
    my $before = value('SELECT coalesce(max(id), 0) FROM csdns.sync_pass');
    $begin->() if $begin;
    wait_until { value("SELECT count(*) FROM csdns.sync_pass WHERE finished IS NOT NULL AND id > $before") >= 6 } 30, 'a reconcile';
    $sync->wait_idle($dbh);
    return;
}
sub signal { reconciled(sub { $sync->process->signal('USR1') }); return }

wait_until { passes() >= 6 } 30, 'the first reconcile';
$sync->wait_idle($dbh);
is names(), join(' ', map {"vm$_"} 1 .. 25), 'everything is there after the start';
is value(q{SELECT string_agg(kind || ' ' || listed, ', ' ORDER BY id) FROM csdns.v_sync_pass WHERE state = 'complete'}),
    'domain 1, account 1, project 1, network 1, instance 26, public_address 1', 'in six passes';
is value(q{SELECT i.name FROM csdns.instance i JOIN csdns.account a ON a.uuid = i.account WHERE a.is_project}), 'vm26', 'with what belongs to projects';
is value('SELECT count(*) FROM csdns.public_address WHERE instance IS NOT NULL'), 1, 'and static NAT';
is value('SELECT count(*) FROM csdns.drift'), 0, 'no drift';

my $version = value('SELECT version FROM csdns.head()');
signal();
is value('SELECT version FROM csdns.head()'), $version, 'the same again changes nothing';

# events that were lost
$cloud->vm(1, ip => '192.0.2.101');
$cloud->vm(30);
$cloud->remove(virtualmachine => Csdns::CloudStack::uuid('i', 2));
reconciled(sub { $dbh->do('SELECT csdns.sync_now()') });
is value(q{SELECT content FROM records WHERE name = 'vm1.acme.test' AND type = 'A'}), '192.0.2.101', 'a lost change is there';
is names(), join(' ', map {"vm$_"} 1, 3 .. 25, 30), 'what came and what went';
is value(q{SELECT sum(changed) || ' ' || sum(missing) FROM (SELECT * FROM csdns.sync_pass ORDER BY id DESC LIMIT 6) AS p}), '2 1', 'three differences were found';

# passes that are not complete
$cloud->remove(virtualmachine => Csdns::CloudStack::uuid('i', 3));
$cloud->set(empty_page => 2, empty_kind => 'virtualmachine');
signal();
is names(), join(' ', map {"vm$_"} 1, 3 .. 25, 30), 'an empty page in the middle: nothing is removed';
like value('SELECT error FROM csdns.sync_pass WHERE kind = \'instance\' ORDER BY id DESC LIMIT 1'), qr/^page 2 is empty, with 10 of 24 listed/, 'that is told';
$cloud->set(empty_page => 0);
for my $fault (qw(html fail half)) {
    $cloud->fault($fault => 1000);
    signal();
    is names(), join(' ', map {"vm$_"} 1, 3 .. 25, 30), "an API that answers with \"$fault\": nothing is removed";
    $cloud->fault($fault => 0);
}
signal();
is names(), join(' ', map {"vm$_"} 1, 4 .. 25, 30), 'then a complete one, and it is gone';

# a page of the past, and too much missing
$cloud->vm($_, ip => "192.0.2.$_") for 100 .. 180;
signal();
is value('SELECT count(*) FROM csdns.instance WHERE removed IS NULL AND name IS NOT NULL'), 106, 'many more';
$cloud->remove(virtualmachine => Csdns::CloudStack::uuid('i', $_)) for 100 .. 160;
signal();
is value('SELECT count(*) FROM csdns.instance WHERE removed IS NULL'), 106, 'most of them gone at once is not believed';
is value(q{SELECT count(*) FROM csdns.event WHERE type = 'SYNC.PASS.REFUSED'}), 1, 'there is an event';
reconciled(sub { $dbh->do('SELECT csdns.sync_now(true)') });
is value('SELECT count(*) FROM csdns.instance WHERE removed IS NULL'), 45, 'unless it is forced';

# two at once, and one that dies
my $other = Csdns::Sync->start(%how, worker_name => 'two', name => 'other');
$cloud->set(delay_ms => 20);
$dbh->do(q{SELECT csdns.sync_ask('instance', uuid) FROM csdns.instance WHERE removed IS NULL});
my $requests = $cloud->requests('listVirtualMachines');
$sync->process->signal('USR1');
$sync->kill_hard;
$sync->wait_idle($dbh, 60);
$sync->spawn;
wait_until { value('SELECT count(*) FROM csdns.v_sync WHERE last_complete IS NOT NULL AND tasks = 0') } 60, 'the other to take over';
is value('SELECT count(*) FROM csdns.drift'), 0, 'no drift in the end';
is value('SELECT count(*) FROM csdns.instance WHERE removed IS NULL'), 45, 'nothing is lost';

is $_->stop, 0, 'it stops' for $sync, $other;

# two that start at the same moment: while one wish is held up neither can begin
$dbh->do('DELETE FROM csdns.sync_turn');
my $before = value('SELECT max(id) FROM csdns.sync_pass');
my $locker = $cluster->dbh('store');
$locker->begin_work;
$locker->do('LOCK TABLE csdns.sync_wish IN ACCESS EXCLUSIVE MODE');
my @both = map { Csdns::Sync->start(%how, worker_name => $_, name => $_) } qw(three four);
# What is listed counts for who wanted it before, by two clocks with a statement's way in between: so both are to have
# wanted it for a while, one held up and the other refused.
sub connections { return value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'csdns-sync reconcile' AND $_[0]") }
wait_until { connections(q{wait_event_type = 'Lock'}) == 1 } 20, 'one to begin';
wait_until { connections(q{backend_start < clock_timestamp() - interval '1 second'}) == 2 } 20, 'both to want it';
$locker->commit;
wait_until { value("SELECT count(*) FROM csdns.sync_pass WHERE finished IS NOT NULL AND id > $before") >= 6 } 30, 'one to list the cloud';
my $is_told = try_until {
    $dbh->do(q{NOTIFY csdns_sync, 'reconcile'});
    return grep { $_->log_text =~ /another csdns-sync has reconciled with the cloud/ } @both;
} 20;
ok $is_told, 'the other one leaves it at that';
is value("SELECT count(*) || ' ' || count(DISTINCT worker) FROM csdns.sync_pass WHERE id > $before"), '6 1', 'the cloud was listed once';
is value('SELECT count(*) FROM csdns.sync_turn'), 0, 'and now it is nobody\'s turn';

# one that dies while it lists
$cloud->set(delay_ms => 1000);
$both[0]->process->signal('USR1');
my $backend = wait_until { value(q{SELECT backend FROM csdns.sync_turn WHERE worker = 'three'}) } 20, 'one to begin';
$both[0]->kill_hard;
$cloud->set(delay_ms => 0);
wait_until { !value("SELECT count(*) FROM pg_stat_activity WHERE pid = $backend") } 20, 'its connection to end';
$before = value('SELECT max(id) FROM csdns.sync_pass');
$both[1]->process->signal('USR1');
ok scalar(try_until { value("SELECT count(*) FROM csdns.sync_pass WHERE complete AND worker = 'four' AND id > $before") == 6 } 30), 'the other one lists instead';
is $both[1]->stop, 0, 'it stops';
done_testing;
