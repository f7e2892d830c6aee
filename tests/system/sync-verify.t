#!/usr/bin/perl
# csdns-sync asks the DNS servers after a change: nothing is said of those that answer as the
# store says; one that does not is an event, and so is that it does at last, also after a
# restart. What is truncated is asked over TCP. /metrics counts by server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::CloudStack;
use Csdns::Cluster;
use Csdns::Metrics qw(metrics_at);
use Csdns::Named;
use Csdns::Pdns;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs source_dir);
use Csdns::Sync;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdns-sync pdns_server pdns:gpgsql named));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', <<'SQL');
CREATE ROLE csdns_feeder LOGIN IN ROLE csdns_sync;
INSERT INTO domains (name, type) VALUES ('acme.test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, name, 'SOA', 'ns.acme.test hostmaster.acme.test 1 3600 600 86400 60', 60 FROM domains;
SQL
my $dbh = $cluster->dbh('store');
my $cloud = Csdns::CloudStack->new;
$cloud->account(1, networkdomain => 'acme.test');
$cloud->network(1);
my $pdns = Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('store', 'pdns'), gpgsql_dnssec => 'no',
    cache_ttl => 0, query_cache_ttl => 0, negquery_cache_ttl => 0, zone_cache_refresh_interval => 0);
my $serial = 0;

sub zone { my (@lines) = @_; $serial++; return join "\n", '$TTL 60', "@ SOA ns h $serial 3600 600 86400 60", '@ NS ns', 'ns A 192.0.2.53', @lines, '' }
my $named = Csdns::Named->new(zones => { 'acme.test' => zone() });
my $metrics = free_port();
my $sync = Csdns::Sync->start(cloud => $cloud, db => $cluster->conninfo('store', 'csdns_feeder'), verify_after => '100ms', verify_tries => 3, metrics => $metrics);
plan(skip_all => 'this csdns-sync was built without ldns') if $sync->log_text =~ /built without ldns/;

sub vm_event { my ($type, $n) = @_; return $cloud->deliver($sync->webhook_url, $cloud->action($type, 'VirtualMachine', Csdns::CloudStack::uuid('i', $n)), secret => $sync->{secret}) }

# Events of verification, a line each.
sub events { return join "\n", @{ $dbh->selectcol_arrayref(q{SELECT concat_ws(' ', type, zone, name, description) FROM csdns.event WHERE type LIKE 'DNS.VERIFY%' ORDER BY id}) } }

sub events_become {
    my ($expected, $what) = @_;
    my $is_so = try_until { events() eq $expected } 20;
    ok $is_so, $what or diag events();
    return;
}

sub metric { my ($name) = @_; return metrics_at("http://127.0.0.1:$metrics")->{"csdns_sync_verify_$name"} }

# { asked, right, wrong, none } of the server on a port
sub counts {
    my ($port) = @_;
    my $server = qq(server="127.0.0.1:$port");
    return { asked => metric("questions_total{$server}"), map { $_ => metric(qq(answers_total{$server,result="$_"})) } qw(right wrong none) };
}

# A server that truncates what it answers over UDP, and over TCP answers as another does, if there is one.
sub truncating {
    my ($other) = @_;
    my ($port, $dir) = (free_port(), temp_dir());
    my $process = Csdns::Process->start(name => 'truncate', log => "$dir/log", command => ['perl', source_dir() . '/tests/double/truncate', $port, $other // ()]);
    $process->wait_ready(sub { $process->log_text =~ /ready/ }, 20);
    return ($port, $process);
}

# without servers nobody is asked
$cloud->vm(1);
vm_event('VM.CREATE', 1);
wait_until { $dbh->selectrow_array(q{SELECT count(*) FROM records WHERE name = 'vm1.acme.test'}) } 20, 'the record';
$sync->wait_idle($dbh);
is events(), '', 'no servers, no events';

# one that answers as the store says, and one that does not
$dbh->do('INSERT INTO csdns.verify_server (address, port) VALUES (?, ?)', undef, '127.0.0.1', $_->port) for $pdns, $named;
my $server = '127.0.0.1:' . $named->port;
my $started = time;
vm_event('VM.UPDATE', 1);
my $failed = "DNS.VERIFY.FAILED acme.test vm1.acme.test $server, A: expected 3600 192.0.2.1, got nothing";
events_become($failed, 'what differs is an event, of that server alone');
like $sync->log_text, qr/WARNING: verification: server \Q$server\E, vm1\.acme\.test A: expected 3600 192\.0\.2\.1, got nothing$/m, 'and in the log';
is $dbh->selectrow_array('SELECT count(*) FROM csdns.verify_fault'), 1, 'and in the table';
is metric('faults'), 1, 'and in the metrics';
is metric('repeats_waiting'), 1, 'it is to be asked again';
my ($good, $bad) = map { counts($_->port) } $pdns, $named;
ok $good->{right} > 0 && $good->{wrong} == 0 && $good->{none} == 0 && $good->{asked} >= $good->{right}, 'the one that answers as the store says has right answers alone' or diag explain $good;
ok $bad->{wrong} >= 3 && $bad->{right} == 0 && $bad->{none} == 0, 'the other wrong ones' or diag explain $bad;
$named->change_zone('acme.test', zone('vm1 3600 A 192.0.2.1'));
my $healed = "$failed\nDNS.VERIFY.OK acme.test vm1.acme.test $server answers A as the store says";
events_become($healed, 'that it is right at last is one, too');
is $dbh->selectrow_array('SELECT count(*) FROM csdns.verify_fault'), 0, 'nothing is left in the table';
is metric('faults'), 0, 'nor in the metrics';
wait_until { metric('repeats_waiting') == 0 } 20, 'nothing to be asked again';
cmp_ok counts($named->port)->{right}, '>', 0, 'and it has right answers now';

# another TTL; and what is gone must be gone
$named->change_zone('acme.test', zone('vm1 61 A 192.0.2.1'));
wait_until { grep {/ 61 IN A /} @{ $named->dns->ask('vm1.acme.test', 'A')->{answer} } } 20, 'the other TTL';
vm_event('VM.UPDATE', 1);
my $ttl = "$healed\nDNS.VERIFY.FAILED acme.test vm1.acme.test $server, A: expected 3600 192.0.2.1, got 61 192.0.2.1";
events_become($ttl, 'another TTL');
$cloud->remove(virtualmachine => Csdns::CloudStack::uuid('i', 1));
vm_event('VM.EXPUNGE', 1);
my $gone = "$ttl\nDNS.VERIFY.FAILED acme.test vm1.acme.test $server, A: expected nothing, got 61 192.0.2.1";
events_become($gone, 'a name that is gone, and is answered');
$named->change_zone('acme.test', zone());
events_become("$gone\nDNS.VERIFY.OK acme.test vm1.acme.test $server answers A as the store says", 'until it is not');

# a server that is dead
$dbh->do('DELETE FROM csdns.event');
$dbh->do('DELETE FROM csdns.verify_server');
my $dead = free_port();
$dbh->do('INSERT INTO csdns.verify_server (address, port) VALUES (?, ?)', undef, '127.0.0.1', $dead);
$cloud->vm(2);
vm_event('VM.CREATE', 2);
events_become("DNS.VERIFY.FAILED acme.test vm2.acme.test 127.0.0.1:$dead, A: expected 3600 192.0.2.2, got no answer: connection refused", 'a dead server');
ok counts($dead)->{none} >= 3 && counts($dead)->{wrong} == 0, 'which has none of either' or diag explain counts($dead);

# what differed is asked again after a restart, without a change; what nobody is asked about any more is forgotten
$named->change_zone('acme.test', zone('vm2 3600 A 192.0.2.2'));
wait_until { grep {/ 3600 IN A /} @{ $named->dns->ask('vm2.acme.test', 'A')->{answer} } } 20, 'the record';
$dbh->do('UPDATE csdns.verify_server SET port = ?', undef, $named->port);
wait_until { metric('repeats_waiting') == 0 } 20, 'the right answer of another server';
$dbh->do('DELETE FROM csdns.event');
$cloud->vm(4);
vm_event('VM.CREATE', 4);
$failed = "DNS.VERIFY.FAILED acme.test vm4.acme.test $server, A: expected 3600 192.0.2.4, got nothing";
events_become($failed, 'another that differs');
is $dbh->selectrow_array('SELECT count(*) FROM csdns.verify_fault'), 2, 'beside that of the dead server';
is $sync->stop, 0, 'it ends';
$named->change_zone('acme.test', zone('vm2 3600 A 192.0.2.2', 'vm4 3600 A 192.0.2.4'));
wait_until { grep {/ 3600 IN A /} @{ $named->dns->ask('vm4.acme.test', 'A')->{answer} } } 20, 'the record';
$sync->spawn;
events_become("$failed\nDNS.VERIFY.OK acme.test vm4.acme.test $server answers A as the store says", 'right at last, seen after a restart');
is $dbh->selectrow_array('SELECT count(*) FROM csdns.verify_fault'), 0, 'nothing is left of a server that is not asked any more';

# an answer that is truncated counts for nothing: the one over TCP does
my ($port, $truncating) = truncating($named->port);
$dbh->do('UPDATE csdns.verify_server SET port = ?', undef, $port);
$dbh->do('DELETE FROM csdns.event');
vm_event('VM.UPDATE', 2);
wait_until { (counts($port)->{right} // 0) > 0 } 20, 'an answer over TCP';
is_deeply counts($port), { asked => 1, right => 1, wrong => 0, none => 0 }, 'a right answer over TCP';
$named->change_zone('acme.test', zone());
wait_until { $named->dns->ask('vm2.acme.test', 'A')->{rcode} eq 'NXDOMAIN' } 20, 'no record';
vm_event('VM.UPDATE', 2);
events_become("DNS.VERIFY.FAILED acme.test vm2.acme.test 127.0.0.1:$port, A: expected 3600 192.0.2.2, got nothing", 'a wrong one');
$truncating->stop;
($port, $truncating) = truncating();
$dbh->do('UPDATE csdns.verify_server SET port = ?', undef, $port);
$dbh->do('DELETE FROM csdns.event');
vm_event('VM.UPDATE', 2);
events_become("DNS.VERIFY.FAILED acme.test vm2.acme.test 127.0.0.1:$port, A: expected 3600 192.0.2.2, got no answer: truncated over UDP, none over TCP", 'none over TCP');

# the work goes on meanwhile; a database that was away is no reason to stop
$cluster->restart('immediate');
$dbh = $cluster->dbh('store');
$dbh->do('UPDATE csdns.verify_server SET port = ?', undef, $pdns->port);
$dbh->do('DELETE FROM csdns.event');
$cloud->vm(3);
$cloud->vm(3, ip => '192.0.2.3');
my $is_taken = try_until { vm_event('VM.CREATE', 3)->{ok} } 20;
ok $is_taken, 'an event after a restart of the database';
wait_until { $dbh->selectrow_array(q{SELECT count(*) FROM csdns.verify_name WHERE name = 'vm3.acme.test'}) } 30, 'vm3 to be verified';
is events(), '', 'a server that is right is no event';
is $sync->stop, 0, 'it ends';

done_testing;
