#!/usr/bin/perl
# What several sessions do to each other: the order of versions, owed serials, rules that two transactions break together,
# snapshots that are too old; then a storm of pgbench writers without a deadlock, with a follower that must stay equal.
#
# CSDNS_SEED=n repeats the follower's choices   CSDNS_SECONDS=n length of the storm (8)

use strict;
use warnings;

use FindBin;
use IO::Select;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Process;
use Csdns::Programs qw(find_program need_programs);
use Csdns::Wait;

need_programs(qw(initdb psql pgbench));

my $seed = $ENV{CSDNS_SEED} // ($$ * 7919 + time) % 1_000_000;
my $seconds = $ENV{CSDNS_SECONDS} // 8;
srand $seed;
diag "CSDNS_SEED=$seed";

my $cluster = Csdns::Cluster->new(name => 'store');

sub fresh_db {
    my ($db, $zones) = @_;
    $cluster->create_db($db);
    $cluster->install_schema($db);
    $cluster->psql($db, <<"SQL");
INSERT INTO domains (name, type) SELECT 'z' || g || '.test', 'NATIVE' FROM generate_series(1, $zones) g;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.test h.test 10 1 2 3 4', 60 FROM domains;
SQL
    return;
}

sub serial_of {
    my ($dbh, $zone) = @_;
    return $dbh->selectrow_array("SELECT csdns.soa_serial(content) FROM records WHERE domain_id = $zone AND type = 'SOA'");
}

sub add {
    my ($dbh, $zone, $label, $type, $content) = @_;
    $dbh->do('INSERT INTO records (domain_id, name, type, content, ttl) VALUES (?, ?, ?, ?, 60)', {},
        $zone, "$label.z$zone.test", $type // 'A', $content // '192.0.2.1');
    return;
}

# As PowerDNS' API replaces a record set.
sub replace_soa {
    my ($dbh, $zone, $serial) = @_;
    $dbh->do("DELETE FROM records WHERE domain_id = $zone AND name = 'z$zone.test' AND type = 'SOA'");
    $dbh->do("INSERT INTO records (domain_id, name, type, content, ttl)
              VALUES ($zone, 'z$zone.test', 'SOA', 'ns.test h.test $serial 1 2 3 4', 60)");
    return;
}

sub debts { my ($dbh) = @_; return $dbh->selectrow_array('SELECT count(*) FROM csdns.serial_debt') }

sub owed_serials {
    fresh_db('owed', 2);
    my ($one, $two) = ($cluster->dbh('owed'), $cluster->dbh('owed'));
    $_->do('SET lock_timeout = 5000') for $one, $two;

    $one->begin_work;
    $one->do("DELETE FROM records WHERE domain_id = 1 AND type = 'SOA'");
    add($two, 1, 'a');
    is debts($two), 1, 'a commit while another session holds the SOA does not wait, it owes';
    is serial_of($two, 1), 10, 'the serial is the old one';
    $one->do("INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'z1.test', 'SOA', 'ns.test h.test 11 1 2 3 4', 60)");
    $one->commit;
    is serial_of($two, 1), 11, 'the holder changed it: its serial stays';
    is debts($two), 0, 'and the debt is settled';

    $one->begin_work;
    replace_soa($one, 1, 11);
    add($two, 1, 'b');
    is debts($two), 1, 'owed again';
    $one->commit;
    is serial_of($two, 1), 12, 'the holder put the same serial: it moves once for both';
    is debts($two), 0, 'settled';

    $one->begin_work;
    replace_soa($one, 1, 99);
    add($two, 1, 'c');
    $one->rollback;
    is serial_of($two, 1), 12, 'the holder rolled back: not moved yet';
    is debts($two), 1, 'still owed';
    my $version = $two->selectrow_array('SELECT version FROM csdns.head()');
    is $two->selectrow_array('SELECT csdns.settle()'), 1, 'csdns.settle() says how many';
    is serial_of($two, 1), 13, 'and moves it';
    is debts($two), 0, 'settled';
    is $two->selectrow_array('SELECT version FROM csdns.head()'), $version + 1, 'in a version of its own';
    is_deeply $two->selectcol_arrayref("SELECT name FROM csdns.touched($version)"), ['z1.test'], 'that says so';
    is $two->selectrow_array('SELECT csdns.settle()'), 0, 'nothing is owed';
    is $two->selectrow_array('SELECT version FROM csdns.head()'), $version + 1, 'and nothing is written';

    $one->begin_work;
    replace_soa($one, 1, 99);
    add($two, 1, 'd');
    $one->rollback;
    add($two, 2, 'd');
    is serial_of($two, 1), 14, 'the next commit of anybody settles it';
    is debts($two), 0, 'settled';

    $one->begin_work;
    $one->do('UPDATE records SET ordername = NULL, auth = true WHERE domain_id = 1');
    add($two, 1, 'e');
    is debts($two), 1, 'rectify holds the SOA';
    $one->commit;
    is serial_of($two, 1), 15, 'and its commit settles it';

    $one->begin_work;
    is serial_of($one, 1), 15, 'an editor reads the serial';
    add($two, 1, $_) for 'f', 'g';
    is serial_of($two, 1), 17, 'others move it twice';
    replace_soa($one, 1, 16);
    $one->commit;
    is serial_of($two, 1), 18, 'a serial that was served meanwhile is not served again';
    replace_soa($two, 1, 5);
    is serial_of($two, 1), 5, 'alone it can be set back';

    $one->begin_work;
    $one->do("SELECT FROM records WHERE domain_id = 1 AND type = 'SOA' FOR UPDATE");
    add($two, 1, 'h');
    $one->do('DELETE FROM domains WHERE id = 1');
    $one->commit;
    add($two, 2, 'h');
    is debts($two), 0, 'a zone that is gone owes nothing';
    return;
}

sub joint_faults {
    fresh_db('joint', 1);
    my ($one, $two) = ($cluster->dbh('joint'), $cluster->dbh('joint'));
    for my $case (
        ['CNAME beside another', ['CNAME', 'x.test'], ['A', '192.0.2.1'], qr/CNAME beside A/],
        ['two CNAMEs', ['CNAME', 'x.test'], ['CNAME', 'y.test'], qr/more than one CNAME/],
        ['the same twice', ['A', '192.0.2.1'], ['A', '192.0.2.1'], qr/is there twice/],
    ) {
        my ($what, $first, $second, $message) = @$case;
        my $label = $what =~ s/ /-/gr =~ tr/A-Z/a-z/r;
        $_->begin_work for $one, $two;
        add($one, 1, $label, @$first);
        add($two, 1, $label, @$second);
        ok eval { $one->commit; 1 }, "$what: the first commits";
        ok !eval { $two->commit; 1 }, "$what: the second does not";
        like $@, $message, "$what: and says why";
        $two->rollback if !$two->{AutoCommit};
    }

    $_->begin_work for $one, $two;
    add($one, 1, 'renamed');
    my $done = eval { $two->do('SET LOCAL lock_timeout = 100'); $two->do("UPDATE domains SET name = 'new.test' WHERE id = 1"); 1 };
    ok !$done, 'a zone cannot be renamed under a writer';
    $two->rollback;
    $one->commit;
    return;
}

sub old_snapshots {
    fresh_db('snapshots', 2);
    my ($one, $two) = ($cluster->dbh('snapshots'), $cluster->dbh('snapshots'));
    for my $level ('REPEATABLE READ', 'SERIALIZABLE') {
        $one->begin_work;
        $one->do("SET TRANSACTION ISOLATION LEVEL $level");
        $one->selectrow_array('SELECT count(*) FROM records');
        add($two, 2, lc $level =~ s/ /-/r);
        add($one, 1, 'late');
        ok !eval { $one->commit; 1 }, "$level: a snapshot from before another version is refused";
        is $one->state, '40001', 'as a serialization failure';
        like $@, qr/the store has changed since this transaction's snapshot/, 'that says why';
        $one->rollback if !$one->{AutoCommit};

        $one->begin_work;
        $one->do("SET TRANSACTION ISOLATION LEVEL $level");
        $one->selectrow_array('SELECT count(*) FROM records');
        add($two, 2, 'pruned-' . lc $level =~ s/ /-/r);
        $two->do("SELECT csdns.prune('0')");
        add($one, 1, 'late');
        ok !eval { $one->commit; 1 }, "$level: nor one from before what has been pruned";
        is $one->state, '40001', 'as a serialization failure';
        $one->rollback if !$one->{AutoCommit};
    }
    my ($gaps) = $two->selectrow_array('SELECT max(version) - min(version) + 1 - count(*) FROM csdns.version');
    is $gaps, 0, 'no gap';
    return;
}

# A writer that has not touched records yet needs them at commit, for the serial.
sub table_locks {
    fresh_db('locks', 2);
    my ($one, $two) = ($cluster->dbh('locks'), $cluster->dbh('locks'));
    $_->do("SET deadlock_timeout = '50ms'") for $one, $two;
    $one->begin_work;
    $one->do("INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, 'K', '1')");
    $two->begin_work;
    $two->do('LOCK TABLE records IN ACCESS EXCLUSIVE MODE');
    $two->do("UPDATE domains SET notified_serial = 1 WHERE id = 2");
    my $waiter = Csdns::Process->start(
        name => 'psql', log => $cluster->socket_dir . '/waiter',
        command => [find_program('psql'), '-X', '-d', $cluster->conninfo('locks'), '-c',
            "INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, 'K', '2')"],
    );
    my $watch = $cluster->dbh('locks');
    wait_until {
        $watch->selectrow_array("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql' AND wait_event_type = 'Lock'");
    } 10, 'the writer to wait for the table';
    is $watch->selectrow_array("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"), 0,
        'whoever waits for a table does not hold the mutex';
    ok eval { $two->commit; 1 }, 'the holder of the table commits';
    ok eval { $one->commit; 1 }, 'and so do the others';
    wait_until { !$waiter->is_running } 10, 'the waiter to end';
    is $watch->selectrow_array('SELECT count(*) FROM domainmetadata'), 2, 'all of them';
    return;
}

# Writers: one row; several rows of two zones in random order; the SOA replaced as the API does it, with a serial or with the same;
# rectify; metadata; deletion; a rolled-back editor.
my %SCRIPTS = (
    one => [3, <<'SQL'],
\set z random(1, 20)
\set h random(1, 400)
INSERT INTO records (domain_id, name, type, content, ttl) SELECT :z, 'o' || :client_id || '-' || :h || '.z' || :z || '.test', 'A', '192.0.2.1', 60
    WHERE NOT EXISTS (SELECT FROM records WHERE name = 'o' || :client_id || '-' || :h || '.z' || :z || '.test');
SQL
    two => [3, <<'SQL'],
\set a random(1, 20)
\set b random(1, 20)
\set h random(1, 1000000000)
BEGIN;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'a' || :h || '.z' || :a || '.test', 'A', '192.0.2.1', 60);
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:b, 'b' || :h || '.z' || :b || '.test', 'A', '192.0.2.1', 60);
UPDATE records SET ttl = ttl + 1 WHERE name = 'a' || :h || '.z' || :a || '.test';
COMMIT;
SQL
    # one editor to a zone, as PowerDNS' own API has it
    api => [2, <<'SQL'],
\set z random(1, 10) * 2 - :client_id % 2
\set same random(0, 1)
\set h random(1, 1000000000)
BEGIN;
SELECT csdns.soa_serial(content) + 1 - :same AS serial FROM records WHERE domain_id = :z AND type = 'SOA' \gset
DELETE FROM records WHERE domain_id = :z AND name = 'z' || :z || '.test' AND type = 'SOA';
INSERT INTO records (domain_id, name, type, content, ttl)
    VALUES (:z, 'z' || :z || '.test', 'SOA', 'ns.test h.test ' || :serial || ' 1 2 3 4', 60);
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:z, 'p' || :h || '.z' || :z || '.test', 'A', '192.0.2.1', 60);
COMMIT;
SQL
    undone => [1, <<'SQL'],
\set z random(1, 20)
BEGIN;
UPDATE records SET content = 'ns.test h.test 77 1 2 3 4' WHERE domain_id = :z AND type = 'SOA';
ROLLBACK;
SQL
    rectify => [1, <<'SQL'],
\set z random(1, 20)
UPDATE records SET auth = NOT auth WHERE domain_id = :z AND type = 'SOA';
SQL
    metadata => [1, <<'SQL'],
\set z random(1, 20)
BEGIN;
DELETE FROM domainmetadata WHERE domain_id = :z AND kind = 'X-STORM' || :client_id;
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (:z, 'X-STORM' || :client_id, random()::text);
UPDATE domains SET notified_serial = (random() * 1000)::int WHERE id = :z;
COMMIT;
SQL
    delete => [1, <<'SQL'],
\set z random(1, 20)
WITH old AS (SELECT id FROM records WHERE domain_id = :z AND type = 'A' ORDER BY id LIMIT 5 FOR UPDATE SKIP LOCKED)
DELETE FROM records r USING old WHERE r.id = old.id;
SQL
);

# Notifications, once there are any or after a moment.
sub heard {
    my ($dbh) = @_;
    IO::Select->new($dbh->{pg_socket})->can_read(0.05);
    my $heard = 0;
    $heard++ while $dbh->pg_notifies;
    return $heard;
}

sub storm {
    fresh_db('storm', 20);
    my $dir = $cluster->socket_dir;
    my $follower = Follower->new($cluster->dbh('storm'));
    my @benches;
    for my $name (sort keys %SCRIPTS) {
        my ($clients, $script) = @{ $SCRIPTS{$name} };
        open my $file, '>', "$dir/$name.pgbench" or die "$name: $!";
        print {$file} $script;
        close $file;
        push @benches, [$name, Csdns::Process->start(
            name => "pgbench $name", log => "$dir/$name.log",
            command => [find_program('pgbench'), '-n', '-c', $clients, '-T', $seconds, '-f', "$dir/$name.pgbench", $cluster->conninfo('storm')],
        )];
    }
    my $deadline = now_s() + $seconds * 5 + 60;
    my $listener = $cluster->dbh('storm');
    $listener->do('LISTEN csdns');
    my $heard = 0;
    while (grep { $_->[1]->is_running } @benches) {
        die 'the writers do not end' if now_s() > $deadline;
        $heard += heard($listener);
        $follower->step;
    }
    my $total = 0;
    for my $bench (@benches) {
        my ($name, $process) = @$bench;
        my $log = $process->log_text(all => 1);
        my ($failed) = $log =~ /number of failed transactions: (\d+)/;
        my ($done) = $log =~ /number of transactions actually processed: (\d+)/;
        is $failed, 0, "$name: no transaction failed" or diag $log;
        unlike $log, qr/ERROR|aborted/, "$name: no error";
        cmp_ok $done // 0, '>', 0, "$name: some were done";
        $total += $done // 0;
    }
    my $dbh = $cluster->dbh('storm');
    is $dbh->selectrow_array("SELECT sum(deadlocks) FROM pg_stat_database"), 0, 'no deadlock';
    is $dbh->selectrow_array('SELECT max(version) - min(version) + 1 - count(*) FROM csdns.version'), 0, 'versions without a gap';
    is $dbh->selectrow_array('SELECT count(*) FROM csdns.version v JOIN csdns.version w ON w.version = v.version + 1 WHERE w.at < v.at'), 0,
        'versions in the order of time';
    $dbh->selectrow_array('SELECT csdns.settle()');
    is debts($dbh), 0, 'nothing is owed in the end';
    is $dbh->selectrow_array("SELECT count(*) FROM records WHERE type = 'SOA'"), 20, 'every zone has its SOA';
    is $dbh->selectrow_array('SELECT count(*) FROM csdns.pending'), 0, 'nothing pending';
    $follower->step(1);
    is_deeply $follower->{faults}, [], 'the follower was equal at every comparison, and serials moved';
    cmp_ok $follower->{compared}, '>', 5, 'there were some';
    cmp_ok $heard, '>', 5, 'notifications came';
    diag "$total transactions, $follower->{steps} steps, $follower->{compared} comparisons, $follower->{moved} zones seen changed";
    return;
}

subtest 'serials owed and raced for' => \&owed_serials;
subtest 'rules that two transactions break together' => \&joint_faults;
subtest 'old snapshots' => \&old_snapshots;
subtest 'locks of whole tables' => \&table_locks;
subtest 'a storm of writers' => \&storm;
done_testing;

package Follower;

# Keeps a copy of all zones and records by the journal alone, and compares it with the tables of the same snapshot now and then.

sub new {
    my ($class, $dbh) = @_;
    my $self = bless { dbh => $dbh, faults => [], compared => 0, steps => 0, moved => 0 }, $class;
    $self->snapshot(sub { $self->load });
    return $self;
}

sub snapshot {
    my ($self, $work) = @_;
    my $dbh = $self->{dbh};
    $dbh->begin_work;
    $dbh->do('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    $work->();
    $dbh->commit;
    return;
}

sub fault { my ($self, $text) = @_; push @{ $self->{faults} }, $text if @{ $self->{faults} } < 20; return }

sub rows {
    my ($self, $sql) = @_;
    return map { [map { $_ // '-' } @$_] } @{ $self->{dbh}->selectall_arrayref($sql) };
}

sub tables {
    my ($self) = @_;
    my %t = (record => {}, domain => {}, metadata => {});
    $t{record}{"$_->[1] $_->[2]"}{ $_->[0] } = "@$_" for $self->rows('SELECT * FROM csdns.served_record');
    $t{domain}{ $_->[0] } = "@$_" for $self->rows('SELECT * FROM csdns.served_domain');
    $t{metadata}{ $_->[1] }{ $_->[0] } = "@$_" for $self->rows('SELECT * FROM csdns.served_metadata');
    return \%t;
}

sub load {
    my ($self) = @_;
    $self->{copy} = $self->tables;
    $self->{head} = ($self->rows('SELECT version, at FROM csdns.head()'))[0];
    $self->{soa} = $self->serials;
    return;
}

sub serials {
    my ($self) = @_;
    return { map { $_->[0] => $_->[1] }
        $self->rows("SELECT domain_id, csdns.soa_serial(content) FROM csdns.served_record WHERE type = 'SOA'") };
}

sub step {
    my ($self, $compare) = @_;
    $self->{steps}++;
    $self->snapshot(sub { $self->follow; $self->compare if $compare || rand() < 0.1 });
    return;
}

sub follow {
    my ($self) = @_;
    my ($version, $at) = @{ $self->{head} };
    my ($head) = $self->rows('SELECT version, at FROM csdns.head()');
    return if $head->[0] == $version;
    return $self->fault("version $version is not followed") if !$self->{dbh}->selectrow_array('SELECT csdns.follows(?, ?)', {}, $version, $at);
    my ($seen) = $self->{dbh}->selectrow_array("SELECT count(*) FROM csdns.version WHERE version > $version");
    $self->fault("$head->[0] is there, but only $seen after $version") if $seen != $head->[0] - $version;
    my $copy = $self->{copy};
    my (%changed);
    for my $touch ($self->rows("SELECT * FROM csdns.touched($version)")) {
        my ($what, $zone, $name) = @$touch;
        if ($what eq 'n') {
            delete $copy->{record}{"$zone $name"};
        } elsif ($what eq 'z') {
            delete @{ $copy->{record} }{ grep {/^$zone /} keys %{ $copy->{record} } };
            delete $copy->{metadata}{$zone};
        }
        delete $copy->{domain}{$zone} if $what =~ /[dz]/;
        $changed{$zone} = 1 if $what =~ /[nz]/;
    }
    $copy->{record}{"$_->[1] $_->[2]"}{ $_->[0] } = "@$_" for $self->rows("SELECT * FROM csdns.touched_record($version)");
    $copy->{domain}{ $_->[0] } = "@$_" for $self->rows("SELECT * FROM csdns.touched_domain($version)");
    $copy->{metadata}{ $_->[1] }{ $_->[0] } = "@$_" for $self->rows("SELECT * FROM csdns.touched_metadata($version)");
    $self->{head} = $head;

    my $soa = $self->serials;
    my %owed = map { $_->[0] => 1 } $self->rows('SELECT domain_id FROM csdns.serial_debt');
    for my $zone (grep { !$owed{$_} } keys %changed) {
        my ($was, $is) = ($self->{soa}{$zone}, $soa->{$zone});
        $self->{moved}++;
        $self->fault("zone $zone changed after version $version, its serial went from $was to $is") if $is <= $was;
        $self->{soa}{$zone} = $is;
    }
    return;
}

sub compare {
    my ($self) = @_;
    $self->{compared}++;
    my $tables = $self->tables;
    my $copy = $self->{copy};
    for my $kind (qw(record domain metadata)) {
        my ($is, $should) = map { flat($_->{$kind}) } $copy, $tables;
        $self->fault("$kind at version $self->{head}[0]: copy and table differ") if $is ne $should;
    }
    return;
}

sub flat {
    my ($tree) = @_;
    return join "\n", sort map { ref $_ ? values %$_ : $_ } values %$tree;
}
