#!/usr/bin/perl
# PostgreSQL that is not there, goes away, hangs, crashes, forgets or fails over:
# csdnsd says so, answers from what it has, and misses nothing afterwards.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Mirror qw(wait_equal);
use Csdns::Pdns;
use Csdns::Programs qw(need_programs);
use Csdns::Wait;

need_programs(qw(initdb csdnsd pg_basebackup pdns_server pdns:remote));

my $SETUP = q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60), (1, 'www.a.test', 'A', '192.0.2.1', 60)};

sub new_store {
    my (%args) = @_;
    my $cluster = Csdns::Cluster->new(%args);
    $cluster->create_db('store');
    $cluster->install_schema('store');
    $cluster->psql('store', $SETUP);
    return $cluster;
}

sub add { my ($cluster, $name, $address) = @_; return $cluster->psql('store', add_sql($name, $address)) }

sub add_sql {
    my ($name, $address) = @_;
    return qq{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, '$name.a.test', 'A', '$address', 60)};
}

sub address {
    my ($daemon, $name) = @_;
    my @records = eval { $daemon->remote->lookup("$name.a.test", 'A') };
    return join ' ', sort map { $_->{content} } @records;
}

sub shows {
    my ($daemon, $name, $address, $what) = @_;
    Csdns::Wait::try_until { address($daemon, $name) eq $address } 20;
    is address($daemon, $name), $address, $what;
    return;
}

# --- down at the start ---

my $cluster = new_store();
my $db = $cluster->conninfo('store', 'csdnsd');
$cluster->stop;
my $csdnsd = Csdns::Csdnsd->start(db => $db, wait => 0);
$csdnsd->wait_log(qr/WARNING.*no connection to the database/);
pass 'down at the start: it says so';
$csdnsd->wait_log(qr/no data/);
my $peer = $csdnsd->remote;
ok !exists $peer->request({ method => 'lookup', parameters => { qname => 'www.a.test.', qtype => 'A' } })->{result}, 'and refuses lookups while it has no data';
is +Csdns::Pdns->remote(socket => $csdnsd->socket, name => 'early')->dns->ask('www.a.test', 'A')->{rcode}, 'SERVFAIL', 'which is SERVFAIL, not that there is no such zone';
is $csdnsd->status->{database}, 'disconnected', 'its status';
wait_until { (() = $csdnsd->log_text =~ /next attempt in/g) >= 3 } 15, 'some attempts';
my @pauses = $csdnsd->log_text =~ /next attempt in (\d+) ms/g;
cmp_ok $pauses[-1], '>', $pauses[0], "it keeps trying with growing pauses (@pauses ms)";
$cluster->start;
shows($csdnsd, 'www', '192.0.2.1', 'PostgreSQL comes: it answers');
ok $peer->call('lookup', qname => 'www.a.test.', qtype => 'A'), 'on the old connection as well';

my $pdns = Csdns::Pdns->remote(socket => $csdnsd->socket);
my $dns = $pdns->dns;
is $dns->ask('www.a.test', 'A')->{answer}[0], 'www.a.test. 60 IN A 192.0.2.1', 'over DNS';

# --- lost later ---

$cluster->stop('fast');
$csdnsd->wait_log(qr/WARNING.*answering from version \d+/);
pass 'lost: it says that it answers from what it has';
is address($csdnsd, 'www'), '192.0.2.1', 'and does';
is $dns->ask('www.a.test', 'A')->{answer}[0], 'www.a.test. 60 IN A 192.0.2.1', 'over DNS';
is $dns->ask('nothing.a.test', 'A')->{rcode}, 'NXDOMAIN', 'denials too';
my $age = $csdnsd->status->{age_ms};
wait_until { $csdnsd->status->{age_ms} > $age } 5, 'the age to grow';
pass 'the age of its data is in the status, and grows';
$cluster->start;
add($cluster, 'after', '192.0.2.2');
shows($csdnsd, 'after', '192.0.2.2', 'PostgreSQL is back: a change is seen');
is $csdnsd->status->{loads}, 1, 'without loading everything again';

# What was committed while csdnsd could not connect.
kill STOP => $csdnsd->pid;
$cluster->restart('fast');
add($cluster, "missed$_", "192.0.2.$_") for 1 .. 20;
$cluster->psql('store', q{DELETE FROM records WHERE name = 'missed7.a.test'});
kill CONT => $csdnsd->pid;
shows($csdnsd, 'missed20', '192.0.2.20', 'what happened meanwhile is seen');
is_deeply [wait_equal($cluster->dbh('store'), $csdnsd->remote, 10)], [], 'all of it';

$cluster->restart('immediate');
add($cluster, 'crash', '192.0.2.3');
shows($csdnsd, 'crash', '192.0.2.3', 'PostgreSQL crashed and is back');

# A backend that is terminated, an idle connection that is cut.
$cluster->psql('store', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'csdnsd'});
add($cluster, 'terminated', '192.0.2.4');
shows($csdnsd, 'terminated', '192.0.2.4', "csdnsd's connections were terminated");

# --- a PostgreSQL that hangs ---

$cluster->freeze;
is address($csdnsd, 'www'), '192.0.2.1', 'frozen: it answers';
is scalar(grep { $_->{rcode} eq 'NOERROR' } @{ $dns->ask_many([map { ['www.a.test', 'A'] } 1 .. 200]) }), 200, 'two hundred over DNS';
ok !$csdnsd->remote->call('nothingLikeThat'), 'and refuses what it does not know';
$cluster->thaw;
add($cluster, 'thawed', '192.0.2.5');
shows($csdnsd, 'thawed', '192.0.2.5', 'it goes on');

# A reader must not wait for writers who hold locks, but never mind how long.
my $locker = $cluster->dbh('store');
$locker->begin_work;
$locker->do('LOCK TABLE records IN ACCESS EXCLUSIVE MODE');
is address($csdnsd, 'thawed'), '192.0.2.5', 'the table is locked: it answers';
$locker->do(add_sql('locked', '192.0.2.6'));
$locker->commit;
shows($csdnsd, 'locked', '192.0.2.6', 'and sees what the lock held back');

# A commit that takes its time must not keep csdnsd from the versions before it.
$locker->begin_work;
$locker->do('SELECT pg_advisory_xact_lock(99100, 110115)');
is address($csdnsd, 'locked'), '192.0.2.6', 'commits are held up: it answers';
$locker->rollback;

is $csdnsd->status->{loads}, 1, 'all that without a second load';

# --- a store that is not as it should be ---

$cluster->create_db('empty');
my $other = Csdns::Csdnsd->start(db => $cluster->conninfo('empty', 'csdnsd'), wait => 0, name => 'without a schema');
$other->wait_log(qr/(?:WARNING|ERROR).*(?:schema|csdns\.)/);
pass 'a database without the schema: it says so';
$cluster->install_schema('empty');
$cluster->psql('empty', $SETUP);
shows($other, 'www', '192.0.2.1', 'and answers when the schema has been installed');
$cluster->psql('empty', 'REVOKE csdns_read FROM csdnsd');
$other->kill_hard;
my $poor = Csdns::Csdnsd->start(db => $cluster->conninfo('empty', 'csdnsd'), wait => 0, name => 'without rights');
$poor->wait_log(qr/(?:WARNING|ERROR).*permission denied/);
pass 'a role without rights: it says so';
$cluster->psql('empty', 'GRANT csdns_read TO csdnsd');
shows($poor, 'www', '192.0.2.1', 'and answers when they have been granted');
$cluster->psql('postgres', 'DROP DATABASE empty WITH (FORCE)');
$poor->wait_log(qr/WARNING.*empty/);
is address($poor, 'www'), '192.0.2.1', 'its database is dropped: it answers';
$cluster->create_db('empty');
$cluster->install_schema('empty');
$cluster->psql('empty', $SETUP . '; ' . add_sql('another', '192.0.2.7'));
shows($poor, 'another', '192.0.2.7', 'and takes a new one of the same name for what it is');
is_deeply [wait_equal($cluster->dbh('empty'), $poor->remote, 10)], [], 'altogether';
$poor->stop;

# csdns.changes() that does not say what version it leads to, or takes longer than csdnsd waits for it.
my $TAKES_LONG = 'PERFORM pg_sleep(600)';

sub spoil_changes {
    my ($db, $body) = @_;
    $cluster->psql($db, qq{CREATE OR REPLACE FUNCTION csdns.changes(since bigint, since_at timestamptz)
        RETURNS TABLE (part "char", f1 text, f2 text, f3 text, f4 text, f5 text, f6 text, f7 text, f8 text)
        LANGUAGE plpgsql STABLE SECURITY DEFINER AS \$\$ BEGIN $body; END \$\$});
    return;
}

$cluster->create_db('spoilt');
$cluster->install_schema('spoilt');
$cluster->psql('spoilt', $SETUP);
my $patient = Csdns::Csdnsd->start(
    db => $cluster->conninfo('spoilt', 'csdnsd'), name => 'without a version', env => { CSDNS_TEST_SILENCE_MS => 1500 },
);
spoil_changes('spoilt', 'RETURN');
$cluster->psql('spoilt', add_sql('later', '192.0.2.12'));
$patient->wait_log(qr/WARNING.*no connection to the database: csdns\.changes\(\) gave no version/);
pass 'changes without a version: it says so';
is address($patient, 'www') . address($patient, 'later'), '192.0.2.1', 'and serves what it has';
$cluster->install_schema('spoilt');
shows($patient, 'later', '192.0.2.12', 'the function is as it should be: it goes on');
is $patient->status->{loads}, 1, 'without loading everything again';

# Rows that say what changed, and then what makes them worthless. By themselves they would mean that the names are gone.
sub stream_changes {
    my ($row) = @_;
    my $nulls = join ', ', ('NULL::text') x 5;
    $cluster->psql('spoilt', qq{CREATE OR REPLACE FUNCTION csdns.changes(since bigint, since_at timestamptz)
        RETURNS TABLE (part "char", f1 text, f2 text, f3 text, f4 text, f5 text, f6 text, f7 text, f8 text) LANGUAGE sql STABLE AS \$\$
            SELECT 'v'::"char", (since + 1)::text, '1'::text, 't'::text, $nulls
            UNION ALL SELECT 'n', '1', name, NULL, $nulls FROM unnest(ARRAY['www.a.test', 'later.a.test']) AS name
            UNION ALL $row \$\$});
    return;
}

my $n = 20;
for my $case (
    ['an error', q{SELECT 'R', (1 / (g - g))::text, '1', 'www.a.test', 'A', '192.0.2.66', '60', NULL, 'f' FROM generate_series(1, 1) AS g}, qr/division by zero/],
    ['a record that is none', q{SELECT 'R', 'x', '1', 'www.a.test', 'A', '192.0.2.66', '60', NULL, 'f'}, qr/a record of csdns\.changes\(\) is not as expected/],
    ['a zone that is none', q{SELECT 'D', '1', 'a.test', 'NATIVE', NULL, 'never', NULL, NULL, NULL}, qr/a domain of csdns\.changes\(\) is not as expected/],
    ['a name of no zone', q{SELECT 'n', 'x', 'a.test', NULL, NULL, NULL, NULL, NULL, NULL}, qr/a part of csdns\.changes\(\) has no zone/],
) {
    my ($what, $row, $why) = @$case;
    my $name = 'n' . ++$n;
    stream_changes($row);
    $cluster->psql('spoilt', add_sql($name, "192.0.2.$n"));
    $patient->wait_log(qr/WARNING.*no connection to the database: $why/);
    is join('|', map { address($patient, $_) } qw(www later), $name), '192.0.2.1|192.0.2.12|', "changes with $what in them: nothing of them is served";
    $cluster->install_schema('spoilt');
    shows($patient, $name, "192.0.2.$n", 'the function is as it should be: it goes on');
}
is $patient->status->{loads}, 1, 'without loading everything again';
SKIP: {
    skip 'csdnsd was built without --enable-test-hooks', 3 if !Csdns::Csdnsd->has_hooks;
    spoil_changes('spoilt', $TAKES_LONG);
    $cluster->psql('spoilt', add_sql('much', '192.0.2.13'));
    shows($patient, 'much', '192.0.2.13', 'changes that take longer than csdnsd waits: it loads everything');
    cmp_ok $patient->status->{loads}, '>=', 2, 'as its status says';
    cmp_ok scalar(() = $patient->log_text =~ /it says nothing/g), '>=', 2, 'when it has waited twice';
}

# A load that fails when some of it has come.
my $loads = $patient->status->{loads};
$cluster->psql('spoilt', q{CREATE OR REPLACE VIEW csdns.served_record AS
    SELECT id::bigint AS id, domain_id, name::text AS name, type::text AS type, content::text AS content, ttl / CASE type WHEN 'SOA' THEN 1 ELSE 0 END AS ttl, prio,
           disabled IS NOT FALSE AS disabled FROM records});
$patient->reload;
$patient->wait_log(qr/WARNING.*no connection to the database: division by zero.*WARNING.*no connection to the database: division by zero/s);
is join('|', map { address($patient, $_) } qw(www later)), '192.0.2.1|192.0.2.12', 'a load that fails: it serves what it has';
is $patient->status->{loads}, $loads, 'it is not counted';
$cluster->install_schema('spoilt');
Csdns::Wait::try_until { $patient->status->{loads} > $loads } 20;
is $patient->status->{loads}, $loads + 1, 'and made again until it works';
is_deeply [wait_equal($cluster->dbh('spoilt'), $patient->remote, 10)], [], 'with everything';
is $patient->stop, 0, 'it ends well';

# --- commits that were seen and then lost ---

my $forgetful = new_store(name => 'forgetful', conf => { synchronous_commit => 'off', wal_writer_delay => '10s', wal_writer_flush_after => 0 });
my $seer = Csdns::Csdnsd->start(db => $forgetful->conninfo('store', 'csdnsd'), name => 'seer');
$forgetful->psql('store', 'CHECKPOINT');
add($forgetful, 'lost', '192.0.2.8');
shows($seer, 'lost', '192.0.2.8', 'an asynchronous commit is seen');
my $seen = $seer->status->{mirror_version};
$forgetful->restart('immediate');
SKIP: {
    my ($left) = $forgetful->psql('store', q{SELECT count(*) FROM records WHERE name = 'lost.a.test'});
    skip 'the commit was not lost', 4 if $left;
    shows($seer, 'lost', '', 'the crash took it back, and csdnsd as well');
    is_deeply [wait_equal($forgetful->dbh('store'), $seer->remote, 10)], [], 'it has what the store has';
    # The same version number for something else.
    $forgetful->psql('store', 'SET synchronous_commit = on; ' . add_sql('kept', '192.0.2.9'));
    shows($seer, 'kept', '192.0.2.9', 'another commit with the same number');
    is_deeply [wait_equal($forgetful->dbh('store'), $seer->remote, 10)], [], 'it has what the store has';
}
$seer->stop;

# --- failover ---

my $primary = new_store(name => 'old primary');
my $standby = $primary->standby;
my ($one, $two) = ($primary->socket_dir, $standby->socket_dir);
my $both = "host=$one,$two port=5432,5432 dbname=store user=csdnsd";
my $survivor = Csdns::Csdnsd->start(db => $both, name => 'two hosts');
my $writes_only = Csdns::Csdnsd->start(db => "$both target_session_attrs=read-write", name => 'primary only');
my $reader = Csdns::Csdnsd->start(db => $standby->conninfo('store', 'csdnsd'), name => 'on the standby');
is $reader->status->{listening}, 'no', 'on a standby it polls';
is $survivor->status->{listening}, 'yes', 'on a primary it listens';
add($primary, 'replicated', '192.0.2.10');
shows($reader, 'replicated', '192.0.2.10', 'a change comes through the standby');
$standby->catch_up;
$primary->stop('immediate');
shows($_, 'replicated', '192.0.2.10', "$_->{name}: the primary is gone, it answers") for $survivor, $writes_only, $reader;
$standby->promote;
add($standby, 'promoted', '192.0.2.11');
shows($_, 'promoted', '192.0.2.11', "$_->{name}: follows the new primary") for $survivor, $writes_only, $reader;
Csdns::Wait::try_until { $reader->status->{listening} eq 'yes' } 10;
is $_->status->{listening}, 'yes', "$_->{name}: listens" for $survivor, $writes_only, $reader;
is_deeply [wait_equal($standby->dbh('store'), $_->remote, 10)], [], "$_->{name}: has everything" for $survivor, $writes_only, $reader;
is $_->status->{loads}, 1, "$_->{name}: with one load" for $survivor, $writes_only, $reader;

is $_->stop, 0, "$_->{name}: ends well" for $csdnsd, $survivor, $writes_only, $reader;
done_testing;
