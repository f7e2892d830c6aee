#!/usr/bin/perl
# csdns sync and csdns events: what csdns-sync has to do and did, asking it for more, and
# what happened, once and as it comes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP qw(decode_json);
use Test::More;

use Csdns::CloudStack;
use Csdns::Cluster;
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Sync;
use Csdns::Tool;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdns csdns-sync));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', <<'SQL');
CREATE ROLE csdns_feeder LOGIN IN ROLE csdns_sync;
CREATE ROLE op LOGIN IN ROLE csdns_admin;
CREATE ROLE stranger LOGIN;
INSERT INTO domains (name, type) VALUES ('acme.test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, name, 'SOA', 'ns.acme.test hostmaster.acme.test 1 3600 600 86400 60', 60 FROM domains;
SQL
my $dbh = $cluster->dbh('store');
my $op = Csdns::Tool->new(cluster => $cluster, db => 'store', role => 'op');
my $cloud = Csdns::CloudStack->new;
$cloud->account(1, networkdomain => 'acme.test');
$cloud->network(1);
$cloud->vm(1);
$cloud->vm(2);

sub ok_out {
    my ($what, @words) = @_;
    my $done = $op->run(@words);
    is "$done->{status} $done->{err}", '0 ', $what;
    return $done->{out};
}

sub json { my (@words) = @_; return decode_json(ok_out("@words --json", @words, '--json')) }

# Waits for a condition, and tells.
sub comes {
    my ($what, $condition) = @_;
    my $is_there = try_until { $condition->() } 10;
    ok $is_there, $what;
    return;
}

sub refused {
    my ($status, $why, @words) = @_;
    my $done = $op->run(@words);
    is "$done->{status} $done->{out}", "$status ", "@words: refused";
    like $done->{err}, $why, 'and it says why';
    return;
}

# before anything has happened
my $empty = json('sync status');
is_deeply [@$empty{qw(tasks failing working oldest last_event last_complete wished)}], [0, 0, 0, undef, undef, undef, JSON::PP::false], 'nothing yet';
is_deeply [@$empty{qw(failing_tasks passes workers)}], [[], [], []], 'no passes' or diag explain $empty;
like ok_out('as text', 'sync status'), qr/^queue +0, .*\nlast event +never\nlast reconcile +never\nreconcile asked for +no\n\z/, 'and as text';

# asking, with nobody there to do it
ok_out('everything', 'sync now');
my $instance = Csdns::CloudStack::uuid('i', 1);
like ok_out('one entity', 'sync now', 'instance', $instance), qr/^csdns-sync is asked for instance $instance$/m, 'told';
my $waiting = json('sync status');
is "$waiting->{tasks} $waiting->{wished}", '1 1', 'a task, and a wish';
ok defined $waiting->{oldest_seconds}, 'the oldest age';
is $dbh->selectrow_array('SELECT bool_or(forced) FROM csdns.sync_wish'), 0, 'not forced';
ok_out('forced', 'sync now', '--force');
is $dbh->selectrow_array('SELECT bool_or(forced) FROM csdns.sync_wish'), 1, 'forced';
refused(1, qr/no instance is called "nobody"/, 'sync now', 'nobody');
refused(2, qr/kind "vm" is not known/, 'sync now', 'vm', $instance);
refused(1, qr/uuid/, 'sync now', 'instance', 'x');
refused(2, qr/usage: csdns sync now \[KIND UUID \| NAME\]/, 'sync now', 1, 2, 3);

# and somebody who does
my $sync = Csdns::Sync->start(cloud => $cloud, db => $cluster->conninfo('store', 'csdns_feeder'), worker_name => 'one');
wait_until { json('sync status')->{last_complete} && $dbh->selectrow_array('SELECT count(*) = 2 FROM csdns.instance WHERE NOT placeholder') } 20, 'a reconcile';
$sync->wait_idle($dbh);
my $after = json('sync status');
my %passes = map { $_->{kind} => $_ } @{ $after->{passes} };
is_deeply [sort keys %passes], [qw(account domain instance network project public_address)], 'a pass of each kind';
is "$passes{instance}{state} $passes{instance}{listed} $passes{instance}{worker}", 'complete 2 one', 'what it did';
like ok_out('passes as text', 'sync status'), qr/^last passes:\nKIND +STATE .*\n(?:\S.*\n)*instance +complete /m, 'in a table';
my $before = $cloud->requests('listVirtualMachines');
like ok_out('by name', 'sync now', 'vm1'), qr/for instance $instance$/m, 'a name is enough';
comes('and the cloud was asked', sub { $cloud->requests('listVirtualMachines') > $before });
like ok_out('by DNS name', 'sync now', 'VM1.acme.test.'), qr/for instance $instance$/m, 'a DNS name, too';
like ok_out('by uuid', 'sync now', uc $instance), qr/for instance $instance$/m, 'and a uuid';
$dbh->do(q{INSERT INTO csdns.instance (uuid, name, account, domain) SELECT gen_random_uuid(), 'vm1', account, domain FROM csdns.instance WHERE uuid = ?}, undef, $instance);
refused(1, qr/"vm1" may mean 2 things, say which:\n  instance .*\n  instance /, 'sync now', 'vm1');

# what fails is shown
$sync->process->stop('TERM', 10);
$dbh->do(q{SELECT csdns.sync_ask('network', ?)}, undef, Csdns::CloudStack::uuid('w', 1));
$dbh->do(q{UPDATE csdns.sync_task SET attempts = 3, last_error = E'no\x1b answer', due = now() + interval '1 hour' WHERE kind = 'network'});
my $name = qq{net "1" 'x' \\n\x1b[31m\n\x{9b}2J\x{202e}};
$dbh->do(q{UPDATE csdns.network SET name = ?}, undef, $name);
my $failing = json('sync status');
is $failing->{failing_tasks}[0]{last_error}, "no\x1b answer", 'what fails, and why' or diag explain $failing;
is $failing->{failing_tasks}[0]{name}, $name, 'a name with quotes and control characters is as it is in JSON';
my $text = ok_out('as text', 'sync status');
like $text, qr/^failing .*:\nKIND .*\nnetwork .* 3 .*no\\u001b answer/m, 'in a table, and no terminal is steered';
like $text, qr/^network +net "1" 'x' \\n\\u001b\[31m\\n\\u009b2J\\u202e +[0-9a-f]{8}-/m, 'nor by a name';
unlike $text, qr/[^\n -~]/, 'there is nothing else that could';
$dbh->do(q{UPDATE csdns.sync_task SET worker = ? WHERE kind = 'network'}, undef, qq{tw"o\x1b});
is_deeply json('sync status')->{workers}, [{ worker => qq{tw"o\x1b}, tasks => 1, pass => undef }], 'who works';
like ok_out('as text', 'sync status'), qr/^tw"o\\u001b +1 *$/m, 'in a table';
my $stranger = $op->as('stranger')->run('sync status');
is $stranger->{status}, 1, 'a stranger sees nothing';
like $stranger->{err}, qr/permission denied for schema csdns/, 'and is told why';

# events
sub event { my ($type, $text) = @_; return $dbh->do(q{SELECT csdns.log_event(?, 'acme.test', 'x.acme.test', NULL, NULL, ?)}, undef, $type, $text) }
event('TEST.ONE', 'first');
event('TEST.TWO', "sec\x1bond");
event('OTHER', 'third');
my $events = json('events', '--type', 'test.*');
is join(' ', map {"$_->{type}:$_->{description}"} @{ $events->{events} }), "TEST.ONE:first TEST.TWO:sec\x1bond", 'events of a type, the oldest first';
is join(' ', map { $_->{type} } @{ json('events', '--last', 1)->{events} }), 'OTHER', 'the last one';
is json('events', '--type', 'TEST_ONE')->{count}, 0, 'no wildcards but the star';
like ok_out('as text', 'events', '--type=TEST.TWO'), qr/^\S+ \S+  TEST\.TWO  x\.acme\.test  sec\\u001bond$/m, 'as a line';
$dbh->do(q{UPDATE csdns.event SET at = now() - interval '2 hours' WHERE type = 'TEST.ONE'});
is json('events', '--type', 'TEST.*', '--since', '1h')->{count}, 1, 'since an hour ago';
is json('events', '--type', 'TEST.*', '--since', '3h')->{count}, 2, 'since three hours ago';
is json('events', '--type', 'TEST.*', '--since', '2020-01-01')->{count}, 2, 'since a date';
refused(1, qr/invalid input syntax for type timestamp.*"soon"/, 'events', '--since', 'soon');
my ($trail) = grep { $_->{type} eq 'AUDIT.RECORD' && $_->{name} eq 'acme.test' } @{ json('events', '--audit')->{events} };
like $trail->{description}, qr/^postgres by sql: nothing -> 60 SOA ns\.acme\.test/, 'the audit trail';
is scalar(grep {/^AUDIT/} map { $_->{type} } @{ json('events')->{events} }), 0, 'only where it is asked for';

# as they come; a transaction that began first and ends last is not missed
my $log = temp_dir() . '/follow';
my $follow = Csdns::Process->start(name => 'csdns events', log => "$log.err", command => ['sh', '-c',
    qq(exec "\$0" "\$@" >"$log"), find_program('csdns'), 'events', '--follow', '--audit', '--json', '--last=1', '--db', $op->conninfo]);
sub followed { open my $file, '<', $log or return (); return map { decode_json($_) } grep {/\n\z/} <$file> }
comes('the past', sub { my @all = followed(); @all == 1 });
my $slow = $cluster->dbh('store');
$slow->begin_work;
$slow->do(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'slow.acme.test', 'A', '192.0.2.77', 60 FROM domains});
event('TEST.THREE', 'live');
$dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'quick.acme.test', 'A', '192.0.2.78', 60 FROM domains});
comes('an event as it comes', sub { scalar grep { $_->{type} eq 'TEST.THREE' } followed() });
$slow->commit;
comes('audit as it comes, nothing missed',
    sub { my %names = map { ($_->{name} // '') => 1 } followed(); $names{'slow.acme.test'} && $names{'quick.acme.test'} });
event('TEST.FOUR', 'last');
comes('the last event', sub { scalar grep { $_->{type} eq 'TEST.FOUR' } followed() });
my %times;
$times{"$_->{type} $_->{name}"}++ for grep { $_->{type} =~ /^TEST|^AUDIT.RECORD/ } followed();
is_deeply [grep { $times{$_} > 1 } sort keys %times], [], 'each once';
$follow->stop('TERM', 10);

done_testing;
