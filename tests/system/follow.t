#!/usr/bin/perl
# csdnsd follows the store one transaction after the other. Each case is one
# transaction; after it everything that csdnsd serves is held against the tables.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Mirror qw(wait_equal);
use Csdns::Programs qw(need_programs);

need_programs(qw(initdb csdnsd));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));
my $remote = $csdnsd->remote;

# One transaction, then the comparison. 'none' in changes: it must make no version.
sub follows {
    my ($what, $sql, %expect) = @_;
    my ($before) = $dbh->selectrow_array('SELECT version FROM csdns.head()');
    $cluster->psql('store', "BEGIN; $sql; COMMIT");
    my $after = $csdnsd->wait_current($dbh);
    my @different = wait_equal($dbh, $remote, 5);
    is_deeply \@different, [], $what;
    is $after - $before, $expect{versions} // 1, "$what: versions" if exists $expect{versions};
    return;
}

# $zone: the id of a zone in SQL.
sub zone_id { my ($name) = @_; return "(SELECT id FROM domains WHERE name = '$name')" }

sub add {
    my ($zone, @rows) = @_;
    my $id = zone_id($zone);
    return 'INSERT INTO records (domain_id, name, type, content, ttl) VALUES '
        . join ', ', map { my ($name, $type, $content) = @$_; "($id, '$name', '$type', '$content', 300)" } @rows;
}

my $soa = 'ns.a.test hostmaster.a.test 1 2 3 4 5';

is_deeply [wait_equal($dbh, $remote, 5)], [], 'an empty store';
follows 'a zone without records', q{INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE')}, versions => 1;
follows 'its first records', add('a.test', ['a.test', 'SOA', $soa], ['www.a.test', 'A', '192.0.2.1']), versions => 1;
follows 'nothing changed', 'UPDATE records SET ttl = ttl', versions => 0;
follows 'a name far below', add('a.test', ['e.d.c.b.a.test', 'A', '192.0.2.2']);
follows 'a name in between', add('a.test', ['c.b.a.test', 'TXT', '"x"']);
follows 'a second record of a name', add('a.test', ['www.a.test', 'A', '192.0.2.3']);
follows 'another type', add('a.test', ['www.a.test', 'MX', '10 mail.a.test']);
follows 'the content', q{UPDATE records SET content = '192.0.2.4' WHERE content = '192.0.2.3'};
follows 'a ttl', q{UPDATE records SET ttl = NULL WHERE name = 'www.a.test'};
follows 'a priority', q{UPDATE records SET prio = 20, content = 'mail.a.test' WHERE type = 'MX'};
follows 'disabled', q{UPDATE records SET disabled = true WHERE type = 'MX'};
follows 'enabled', q{UPDATE records SET disabled = false WHERE type = 'MX'};
follows 'another name', q{UPDATE records SET name = 'w3.a.test' WHERE type = 'MX'};
follows 'a name and its parent go together', q{DELETE FROM records WHERE name IN ('c.b.a.test', 'e.d.c.b.a.test')};
follows 'a subtree', add('a.test', map { [$_, 'A', '192.0.2.9'] } 's.a.test', 'x.s.a.test', 'y.s.a.test', 'deep.er.s.a.test');
follows 'a subtree goes', q{DELETE FROM records WHERE name = 's.a.test' OR name LIKE '%.s.a.test'};
follows 'a subtree comes back', add('a.test', map { [$_, 'A', '192.0.2.9'] } 'deep.er.s.a.test', 'y.s.a.test', 'x.s.a.test', 's.a.test');
follows 'all names below one go', q{DELETE FROM records WHERE name LIKE '%.s.a.test'};
follows 'inserted and deleted at once', add('a.test', ['t.a.test', 'A', '192.0.2.9']) . q{; DELETE FROM records WHERE name = 't.a.test'};
follows 'deleted and inserted at once', q{DELETE FROM records WHERE name = 's.a.test'; } . add('a.test', ['s.a.test', 'AAAA', '2001:db8::1']);
follows 'a rolled back savepoint', 'SAVEPOINT s; ' . add('a.test', ['v.a.test', 'A', '192.0.2.9']) . '; ROLLBACK TO s; '
    . add('a.test', ['v2.a.test', 'A', '192.0.2.9']);
follows 'a cname in place of an address, in the wrong order', add('a.test', ['s.a.test', 'CNAME', 'www.a.test'])
    . q{; DELETE FROM records WHERE name = 's.a.test' AND type = 'AAAA'};
follows 'a zone in the zone', q{INSERT INTO domains (name, type) VALUES ('b.a.test', 'MASTER'); }
    . add('b.a.test', ['b.a.test', 'SOA', $soa], ['www.b.a.test', 'A', '192.0.2.20']);
follows 'the same name in both', add('a.test', ['www.b.a.test', 'A', '192.0.2.21']);
follows 'a record moves to the inner zone', 'UPDATE records SET domain_id = ' . zone_id('b.a.test')
    . q{ WHERE content = '192.0.2.21'};
follows 'kind and notified serial', q{UPDATE domains SET type = 'NATIVE', notified_serial = 7, last_check = 5 WHERE name = 'b.a.test'};
follows 'metadata', q{INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'ALLOW-AXFR-FROM', v
    FROM domains, (VALUES ('AUTO-NS'), ('192.0.2.0/24')) AS v (v)};
follows 'metadata changed', q{UPDATE domainmetadata SET content = '2001:db8::/32' WHERE content = 'AUTO-NS'};
follows 'metadata gone', q{DELETE FROM domainmetadata WHERE domain_id = } . zone_id('a.test');
follows 'keys', q{INSERT INTO cryptokeys (domain_id, flags, active, published, content) SELECT id, 257, true, f, 'Private: x' || chr(10)
    FROM domains, (VALUES (true), (false)) AS v (f)}, versions => 1;
follows 'a key is deactivated', q{UPDATE cryptokeys SET active = false WHERE NOT published};
follows 'a key goes', q{DELETE FROM cryptokeys WHERE NOT published AND domain_id = } . zone_id('a.test');
follows 'TSIG keys', q{INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('a', 'hmac-md5', 'eA=='), ('b.c', 'hmac-sha256', 'eQ==')},
    versions => 1;
follows 'a TSIG key with another secret', q{UPDATE tsigkeys SET secret = 'eg==' WHERE name = 'a'};
follows 'a TSIG key goes, with a record', q{DELETE FROM tsigkeys WHERE name = 'a'; } . add('a.test', ['tsig.a.test', 'A', '192.0.2.30']);
follows 'the zone has a new name, and so have its records',
    q{UPDATE domains SET name = 'c.test' WHERE name = 'b.a.test'; UPDATE records SET name = replace(name, 'b.a.test', 'c.test')
      WHERE domain_id = } . zone_id('c.test');
follows 'two zones exchange their names', q{
    UPDATE domains SET name = 'tmp.test' WHERE name = 'a.test'; UPDATE domains SET name = 'a.test' WHERE name = 'c.test';
    UPDATE domains SET name = 'c.test' WHERE name = 'tmp.test';
    UPDATE records SET name = CASE WHEN d.name = 'a.test' THEN replace(r.name, 'c.test', 'a.test')
                                   ELSE regexp_replace(r.name, 'a[.]test$', 'c.test') END
      FROM records r JOIN domains d ON d.id = r.domain_id WHERE r.id = records.id};
follows 'a zone is deleted, its records by the cascade', q{DELETE FROM domains WHERE name = 'c.test'};
follows 'the same name again', q{INSERT INTO domains (name, type) VALUES ('c.test', 'NATIVE'); }
    . add('c.test', ['c.test', 'SOA', $soa], ['*.c.test', 'TXT', '"w"']);
follows 'deleted and made again in one transaction', q{DELETE FROM domains WHERE name = 'c.test';
    INSERT INTO domains (name, type) VALUES ('c.test', 'NATIVE'); } . add('c.test', ['c.test', 'SOA', $soa]);
follows 'two thousand names', q{INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT d.id, 'h' || i || '.' || i % 10 || '.c.test', 'A', '192.0.2.1', 60 FROM domains d, generate_series(1, 2000) i
     WHERE d.name = 'c.test'};
follows 'half of them go', q{DELETE FROM records WHERE name LIKE 'h%.c.test' AND id % 2 = 0};
follows 'all of them', q{UPDATE records SET content = '192.0.2.77' WHERE name LIKE 'h%.c.test'};
# In whatever order csdnsd is told of the names, it must do.
follows 'many small trees', add('c.test', map { my $n = $_; map { ["${_}n$n.c.test", 'A', '192.0.2.1'] } '', 'a.', 'b.', 'c.d.' } 1 .. 60);
follows 'the small trees go', q{DELETE FROM records WHERE name LIKE '%n__.c.test' OR name LIKE '%n_.c.test'};
follows 'TRUNCATE of the records', 'TRUNCATE records';
follows 'refilled in one transaction with TRUNCATE', 'TRUNCATE records; '
    . add('c.test', ['c.test', 'SOA', $soa], ['www.c.test', 'A', '192.0.2.1']);
follows 'TRUNCATE of the zones', 'TRUNCATE domains CASCADE';
follows 'and a zone after that', q{INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'); }
    . add('a.test', ['a.test', 'SOA', $soa]);
is $csdnsd->status->{loads}, 4, 'loaded at the start and for each TRUNCATE, followed otherwise';
is $csdnsd->stop, 0, 'csdnsd ends well';

# --- much at once comes row by row, with lookups in between ---

my $TURN = 2000;    # PG_TURN_ROWS
$cluster->psql('store', q{INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT 1, 'l' || i || '.a.test', 'A', '192.0.2.1', 60 FROM generate_series(1, 5000) i} =~ s/SELECT 1/'SELECT ' . zone_id('a.test')/er);
my $talker = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'), log_level => 'debug', name => 'talker');

# What it read last, by its log.
sub reading {
    my ($after) = @_;
    my @last = $talker->wait_log($after) && $talker->log_text =~ /read (\d+) rows in (\d+) turns, at most (\d+) in one/g;
    return @last[-3 .. -1];
}

sub in_slices {
    my ($what, $least, $rows, $turns, $most) = @_;
    cmp_ok $rows, '>=', $least, "$what: all rows";
    cmp_ok $most, '<=', $TURN, "$what: no more than $TURN in one turn";
    cmp_ok $turns, '>=', $least / $TURN, "$what: so there were several";
    return;
}

in_slices 'a load', 5000, reading(qr/loaded version .*\n.*read /);
my $version = $talker->wait_current($dbh);
$cluster->psql('store', q{UPDATE records SET content = '192.0.2.2' WHERE name LIKE 'l%'});
$talker->wait_current($dbh);
in_slices 'a large change', 10_001, reading(qr/follows $version: .*\n.*read /);
is_deeply [wait_equal($dbh, $talker->remote, 5)], [], 'and nothing is missing';
is $talker->stop, 0, 'csdnsd ends well';
done_testing;
