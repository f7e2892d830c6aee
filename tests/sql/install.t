#!/usr/bin/perl
# Installing: twice, beside data that PowerDNS has already, into another schema, on an old PowerDNS, without the right to make
# roles, under writers; and taking it away again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Programs qw(need_programs source_dir);
use Csdns::Process;
use Csdns::Programs qw(find_program);
use Csdns::Wait;

need_programs(qw(initdb psql pgbench));

my $schema = $ENV{CSDNS_SCHEMA_DIR} // source_dir() . '/schema';
my @files = sort glob "$schema/[0-9][0-9][0-9]-*.sql";
my $cluster = Csdns::Cluster->new(name => 'install');

sub install { my ($db) = @_; return $cluster->psql_file($db, @files) }
sub one { my ($db, $sql) = @_; return $cluster->psql($db, $sql) }

# What a schema is made of, as text.
sub shape {
    my ($db) = @_;
    return one($db, <<'SQL');
SELECT n.nspname, c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE n.nspname IN ('public', 'csdns') ORDER BY 1, 2, a.attnum;
SELECT p.oid::regprocedure, md5(pg_get_functiondef(p.oid)), p.proacl::text FROM pg_proc p WHERE p.pronamespace = 'csdns'::regnamespace ORDER BY p.oid::regprocedure::text;
SELECT tgrelid::regclass, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgrelid::regclass::text, 2;
SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text !~ '^pg_' ORDER BY indexrelid::regclass::text;
SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'csdns'::regnamespace ORDER BY 1;
SQL
}

sub twice {
    $cluster->create_db('twice');
    install('twice');
    is $cluster->notices, '', 'the first time says nothing';
    my $shape = shape('twice');
    one('twice', <<'SQL');
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
UPDATE csdns.setting SET value = 'epoch' WHERE name = 'serial_style';
SQL
    my $head = one('twice', 'SELECT * FROM csdns.head()');
    install('twice');
    is shape('twice'), $shape, 'the second time changes nothing';
    is one('twice', 'SELECT * FROM csdns.head()'), $head, 'no version';
    is one('twice', q{SELECT value FROM csdns.setting WHERE name = 'serial_style'}), 'epoch', 'no setting';
    is one('twice', 'SELECT version FROM csdns.schema_version'), '1', 'nor the version of the schema';
    return;
}

sub file_by_file {
    $cluster->create_db('single');
    for my $round (1, 2) {
        $cluster->psql_file('single', $_) for @files;
    }
    is shape('single'), shape('twice'), 'one psql for each file gives the same';
    unlike join('', map { slurp($_) } @files), qr/^\\|^\s*(?:BEGIN|COMMIT)\s*;/m, 'no psql commands, no transactions inside';
    return;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/ = undef;
    return <$file>;
}

my $DATA = <<'SQL';
INSERT INTO domains (name, type, notified_serial) VALUES ('a.test', 'MASTER', 7), ('b.test', 'NATIVE', NULL);
INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled, ordername, auth) VALUES
    (1, 'a.test', 'SOA', 'ns.test h.test 7 1 2 3 4', 60, 0, false, '', true), (1, 'x.a.test', 'A', '192.0.2.1', 60, NULL, false, 'x', true),
    (1, 'bad.a.test', 'A', 'nonsense', 60, 0, false, NULL, true), (2, 'outside.test', 'A', '192.0.2.1', 60, 0, false, NULL, true);
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, 'SOA-EDIT-API', 'DEFAULT');
INSERT INTO cryptokeys (domain_id, flags, active, content) VALUES (1, 257, true, 'key');
INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('k', 'hmac-sha256', 'eA==');
INSERT INTO supermasters VALUES ('192.0.2.1', 'ns.test', 'x');
INSERT INTO comments (domain_id, name, type, modified_at, comment) VALUES (1, 'x.a.test', 'A', 5, 'why');
SQL
my @TABLES = qw(domains records domainmetadata cryptokeys tsigkeys supermasters comments);

sub dump_of {
    my ($db, $in) = @_;
    return join "\n", map { one($db, 'SELECT * FROM ' . ($in ? "$in." : '') . "$_ ORDER BY 1") } @TABLES;
}

sub beside_data {
    my ($theirs) = glob '/usr/share/doc/pdns-backend-pgsql/schema.pgsql.sql';
    my @from = $theirs && -r $theirs ? $theirs : "$schema/010-pdns.sql";
    note "tables from $from[0]";
    $cluster->create_db('beside');
    $cluster->psql_file('beside', @from);
    one('beside', $DATA);
    my $before = dump_of('beside');
    my $indexes = one('beside', q{SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1});
    install('beside');
    like $cluster->notices, qr/WARNING:  records here already that break a rule: 2\n/, 'rows that break a rule are counted';
    is one('beside', 'SELECT name, reason FROM csdns.invalid_record ORDER BY 1'),
        "bad.a.test|content is not an IPv4 address\noutside.test|name is outside its zone", 'and listed';
    is dump_of('beside'), $before, 'no row is touched';
    is one('beside', q{SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1}), $indexes, 'nor an index';
    one('beside', q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'new.a.test', 'A', '192.0.2.1', 60)});
    like one('beside', q{SELECT content FROM records WHERE type = 'SOA'}), qr/ 8 /, 'it works';
    install('beside');
    unlike $cluster->notices, qr/WARNING/, 'the second time does not warn';
    return;
}

sub another_schema {
    $cluster->create_db('other');
    one('other', 'CREATE SCHEMA pdns; ALTER DATABASE other SET search_path = pdns, public');
    install('other');
    is one('other', q{SELECT count(*) FROM pg_class WHERE relname = 'records' AND relnamespace = 'pdns'::regnamespace}), 1, 'tables are made there';
    one('other', <<'SQL');
SET search_path = pg_catalog;
INSERT INTO pdns.domains (name, type) VALUES ('a.test', 'NATIVE');
INSERT INTO pdns.records (domain_id, name, type, content, ttl) VALUES (1, 'a.test', 'SOA', 'ns.test h.test 7 1 2 3 4', 60);
INSERT INTO pdns.records (domain_id, name, type, content, ttl) VALUES (1, 'x.a.test', 'A', '192.0.2.1', 60);
SQL
    is one('other', q{SELECT csdns.soa_serial(content) FROM pdns.records WHERE type = 'SOA'}), 8, 'a writer with any search_path moves the serial';
    is one('other', q{SET search_path = pg_catalog; SELECT count(*) FROM csdns.touched_record(3)}), 2, 'a reader with any search_path reads';
    ok !eval { one('other', 'ALTER DATABASE other RESET search_path'); install('other'); 1 }, 'again with another search_path is refused';
    like $@, qr/csdns serves table pdns\.records here, but search_path .* leads to none/, 'and says why';
    one('other', 'ALTER DATABASE other SET search_path = pdns, public');
    return;
}

sub old_powerdns {
    $cluster->create_db('old');
    one('old', <<'SQL');
CREATE TABLE domains (id serial PRIMARY KEY, name varchar(255) NOT NULL, master varchar(128), last_check int, type varchar(6) NOT NULL,
    notified_serial int, account varchar(40));
SQL
    ok !eval { install('old'); 1 }, 'tables older than 4.7 are refused';
    like $@, qr/older than 4\.7: domains\.options, domains\.catalog missing/, 'and what is missing is named';
    is one('old', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'csdns'}), 0, 'nothing is left behind';
    return;
}

sub roles {
    is one('postgres', q{SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'csdns%' AND NOT rolcanlogin}),
        'csdns_admin csdns_cloud csdns_read csdns_sync csdns_tenant csdns_write', 'the roles, none of which can log in';
    one('postgres', 'CREATE ROLE builder LOGIN');
    one('postgres', 'CREATE DATABASE built OWNER builder');
    is eval { $cluster->_psql('built', ['-1', map { ('-f', $_) } @files], undef, user => 'builder'); 1 }, 1,
        'the owner of a database installs it where the roles are there' or diag $@;
    my $other = Csdns::Cluster->new(name => 'no-roles');
    $other->psql('postgres', 'CREATE ROLE builder LOGIN');
    $other->psql('postgres', 'CREATE DATABASE built OWNER builder');
    ok !eval { $other->_psql('built', ['-1', map { ('-f', $_) } @files], undef, user => 'builder'); 1 }, 'but not where they are missing';
    like $@, qr/role "csdns_read" is missing and builder may not create roles/, 'and says why';
    return;
}

# A writer that has one table and wants the next, while the installer has the next and wants the one: the installer lets go.
sub against_the_order {
    $cluster->create_db('order_db');
    $cluster->psql_file('order_db', "$schema/010-pdns.sql");
    my ($writer, $watch) = ($cluster->dbh('order_db'), $cluster->dbh('order_db'));
    $writer->do(q{INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE')});
    $writer->begin_work;
    $writer->do(q{INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, 'K', '1')});
    my $installer = Csdns::Process->start(
        name => 'psql', log => $cluster->socket_dir . '/order',
        command => [find_program('psql'), '-Xq1', '-v', 'ON_ERROR_STOP=1', '-d', $cluster->conninfo('order_db'), map { ('-f', $_) } @files],
    );
    wait_until {
        $watch->selectrow_array(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql' AND wait_event_type = 'Lock'});
    } 10, 'the installer to wait';
    ok eval { $writer->do(q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'x.a.test', 'A', '192.0.2.1', 60)}); 1 },
        'the writer gets the next table' or diag $@;
    ok eval { $writer->commit; 1 }, 'and commits' or diag $@;
    wait_until { !$installer->is_running } 30, 'the installer to end';
    is $watch->selectrow_array('SELECT version FROM csdns.schema_version'), 1, 'then it is installed' or diag $installer->log_text(all => 1);
    return;
}

# Writers go on while it is installed and installed again: none fails, nothing hangs.
sub under_writers {
    $cluster->create_db('busy');
    $cluster->psql_file('busy', "$schema/010-pdns.sql");
    one('busy', q{INSERT INTO domains (name, type) SELECT 'z' || g || '.test', 'NATIVE' FROM generate_series(1, 4) g});
    one('busy', q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.test h.test 7 1 2 3 4', 60 FROM domains});
    my $script = $cluster->socket_dir . '/busy.pgbench';
    open my $file, '>', $script or die $!;
    # most take records first, some the other way round
    print {$file} <<'SQL';
\set z random(1, 4)
\set h random(1, 1000000000)
\set other random(1, 10)
BEGIN;
\set other :other = 1
\if :other
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (:z, 'K', '1');
\endif
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:z, 'x' || :h || '.z' || :z || '.test', 'A', '192.0.2.1', 60);
COMMIT;
SQL
    close $file;
    my $bench = Csdns::Process->start(
        name => 'pgbench', log => "$script.log",
        command => [find_program('pgbench'), '-n', '-c', 3, '-T', 5, '-f', $script, $cluster->conninfo('busy')],
    );
    my $installed = 0;
    while ($bench->is_running && $installed < 5) {
        install('busy');
        $installed++;
    }
    wait_until { !$bench->is_running } 30, 'pgbench to end';
    my $log = $bench->log_text(all => 1);
    cmp_ok $installed, '>', 1, 'installed more than once';
    like $log, qr/number of failed transactions: 0 /, 'no writer failed' or diag $log;
    unlike $log, qr/ERROR/, 'no error' or diag $log;
    is one('busy', 'SELECT max(version) - min(version) + 1 - count(*) FROM csdns.version'), 0, 'versions without a gap';
    return;
}

sub remove {
    my $before = dump_of('beside');
    $cluster->psql_file('beside', "$schema/remove.sql");
    is dump_of('beside'), $before, 'no row is touched';
    is one('beside', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'csdns'}), 0, 'the schema is gone';
    is one('beside', q{SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal}), 0, 'no trigger is left';
    one('beside', q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'x.a.test', 'A', 'anything', 60)});
    like one('beside', q{SELECT content FROM records WHERE type = 'SOA'}), qr/ 8 /, 'the tables are as PowerDNS made them';
    is one('beside', q{SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a WHERE a.grantee IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'csdns%')}),
        0, 'no rights are left';
    ok eval { $cluster->psql_file('beside', "$schema/remove.sql"); 1 }, 'removing twice is no error' or diag $@;
    install('beside');
    is one('beside', 'SELECT version FROM csdns.head()'), 1, 'and it can come back';
    ok eval { $cluster->psql_file('other', "$schema/remove.sql"); 1 }, 'removed from another schema' or diag $@;
    return;
}

subtest 'twice' => \&twice;
subtest 'file by file' => \&file_by_file;
subtest 'beside data' => \&beside_data;
subtest 'another schema' => \&another_schema;
subtest 'an old PowerDNS' => \&old_powerdns;
subtest 'roles' => \&roles;
subtest 'against the order' => \&against_the_order;
subtest 'under writers' => \&under_writers;
subtest 'remove' => \&remove;
done_testing;

