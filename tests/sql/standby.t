#!/usr/bin/perl
# The feed on a hot standby: it reads the same as on the primary, in the same order, and survives a failover.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Programs qw(need_programs source_dir);

need_programs(qw(initdb psql pg_basebackup));

my $primary = Csdns::Cluster->new(name => 'primary');
$primary->create_db('store');
$primary->psql_file('store', sort glob(($ENV{CSDNS_SCHEMA_DIR} // source_dir() . '/schema') . '/[0-9][0-9][0-9]-*.sql'));
$primary->psql('store', 'CREATE ROLE reader LOGIN IN ROLE csdns_read');
my $standby = $primary->standby;

my $feed = <<'SQL';
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT * FROM csdns.head();
SELECT csdns.follows(version, at) FROM csdns.version ORDER BY version;
SELECT * FROM csdns.touched(1) ORDER BY 1, 2, 3;
SELECT * FROM csdns.touched_record(1) ORDER BY 1;
SELECT * FROM csdns.touched_domain(1) ORDER BY 1;
SELECT * FROM csdns.touched_metadata(1) ORDER BY 1;
SELECT * FROM csdns.touched_key(1) ORDER BY 1;
SELECT * FROM csdns.changes(1, 'epoch') ORDER BY 1, 2, 3;
SELECT * FROM csdns.served_domain ORDER BY 1;
SELECT * FROM csdns.served_record ORDER BY 1;
SELECT * FROM csdns.served_metadata ORDER BY 1;
SELECT * FROM csdns.served_key ORDER BY 1;
SELECT * FROM csdns.served_tsigkey ORDER BY 1;
SELECT * FROM csdns.served_autoprimary ORDER BY 1;
SELECT * FROM csdns.change ORDER BY 1, 3, 4, 5;
COMMIT;
SQL

$primary->psql('store', <<'SQL');
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.test h.test 1 2 3 4 5', 60 FROM domains;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'x.' || name, 'A', '192.0.2.1', 60 FROM domains;
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, 'K', '1');
INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('k', 'hmac-sha256', 'eA==');
SQL
$standby->catch_up;
my $want = $primary->psql('store', $feed, user => 'reader');
like $want, qr/x\.b\.test/, 'the primary has something to read';
is $standby->psql('store', $feed, user => 'reader'), $want, 'the standby reads the same';
ok !eval { $standby->psql('store', 'DELETE FROM records'); 1 }, 'it cannot be written';
is $standby->psql('store', 'SELECT csdns.settle()', user => 'reader'), '0', 'csdns.settle() with nothing owed does no harm there';

# failover: what the standby has not seen is not followed
my ($version, $at) = split /\|/, $primary->psql('store', 'SELECT * FROM csdns.head()');
is $standby->psql('store', "SELECT csdns.follows($version, '$at')"), 't', 'a version of the primary is followed on the standby';
$standby->stop;
$primary->psql('store', q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'lost.a.test', 'A', '192.0.2.1', 60)});
my ($lost, $lost_at) = split /\|/, $primary->psql('store', 'SELECT * FROM csdns.head()');
$primary->stop('immediate');
$standby->start->promote;
$standby->psql('store', q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'other.a.test', 'A', '192.0.2.1', 60)});
is $standby->psql('store', 'SELECT version FROM csdns.head()'), $lost, 'the new primary gives the number of the lost version again';
is $standby->psql('store', "SELECT csdns.follows($lost, '$lost_at')"), 'f', 'the lost one is not followed';
is $standby->psql('store', "SELECT csdns.follows($version, '$at')"), 't', 'an older one is';
is $standby->psql('store', "SELECT string_agg(name, ' ' ORDER BY name) FROM csdns.touched($version) WHERE name LIKE 'other%'"), 'other.a.test',
    'and the journal goes on';
done_testing;
