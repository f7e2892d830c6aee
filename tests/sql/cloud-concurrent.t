#!/usr/bin/perl
# Writers of facts side by side: one name for many, one instance changed by many, pages with the same instances.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Process;
use Csdns::Programs qw(find_program need_programs);
use Csdns::Wait;

need_programs(qw(initdb psql pgbench));

my $cluster = Csdns::Cluster->new(name => 'cloud');
my $db = 'pdns';
$cluster->create_db($db);
$cluster->install_schema($db);
sub one { my ($sql) = @_; return $cluster->psql($db, $sql) }

one(<<'SQL');
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('2.0.192.in-addr.arpa', 'NATIVE');
INSERT INTO csdns.domain (uuid) VALUES (u('d', 1));
INSERT INTO csdns.account (uuid, domain, name, network_domain) VALUES (u('a', 1), u('d', 1), 'acme', 'a.test');
INSERT INTO csdns.network (uuid) VALUES (u('w', 1));
INSERT INTO csdns.instance (uuid, name, account, domain) SELECT u('i', n), 'vm' || n, u('a', 1), u('d', 1) FROM generate_series(1, 12) n;
INSERT INTO csdns.nic (uuid, instance, network, ip4) SELECT u('n', n * 10 + k), u('i', n), u('w', 1), format('192.0.2.%s', n * 10 + k)::inet
    FROM generate_series(1, 12) n, generate_series(0, 2) k;
SQL

sub pgbench {
    my ($sql, $clients, $seconds) = @_;
    my $script = $cluster->socket_dir . '/script.pgbench';
    open my $file, '>', $script or die $!;
    print {$file} $sql;
    close $file;
    my $bench = Csdns::Process->start(
        name => 'pgbench', log => "$script.log",
        command => [find_program('pgbench'), '-n', '-c', $clients, '-T', $seconds, '-f', $script, $cluster->conninfo($db)],
    );
    wait_until { !$bench->is_running } 60, 'pgbench to end';
    my $log = $bench->log_text(all => 1);
    like $log, qr/number of failed transactions: 0 /, 'no writer failed' or diag $log;
    return;
}

sub in_line {
    my ($what) = @_;
    is one('SELECT count(*) FROM csdns.drift'), 0, "$what: no drift";
    is one('SELECT count(*) FROM csdns.reconcile()'), 0, "$what: nothing for reconcile";
    is one(q{SELECT count(*) FROM (SELECT r.name FROM csdns.rule_record m JOIN records r ON r.id = m.record_id WHERE r.type <> 'PTR'
             GROUP BY r.name HAVING count(DISTINCT m.source) > 1) x}), 0, "$what: a name is one instance's";
    return;
}

subtest 'addresses, states and names' => sub {
    pgbench(<<'SQL', 4, 5);
\set i random(1, 12)
\set k random(0, 2)
\set a random(1, 250)
\set what random(1, 4)
\set name random(1, 8)
\if :what = 1
UPDATE csdns.instance SET state = CASE state WHEN 'Running' THEN 'Destroyed' ELSE 'Running' END WHERE uuid = u('i', :i);
\elif :what = 2
UPDATE csdns.instance SET name = 'vm' || :name WHERE uuid = u('i', :i);
\else
UPDATE csdns.nic SET ip4 = format('192.0.2.%s', :a)::inet WHERE uuid = u('n', :i * 10 + :k);
\endif
SQL
    in_line('single changes');
};

subtest 'people at work' => sub {
    pgbench(<<'SQL', 4, 4);
\set i random(1, 12)
\set a random(1, 250)
\set what random(1, 4)
\if :what = 1
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'vm' || :i || '.a.test', 'CNAME', 'x.test', 60 FROM domains WHERE name = 'a.test'
    AND NOT EXISTS (SELECT FROM records WHERE name = 'vm' || :i || '.a.test' AND type = 'CNAME') AND :i <= 3 AND :client_id = 0;
\elif :what = 2
DELETE FROM records WHERE name = 'vm' || :i || '.a.test' AND type = 'CNAME';
\else
UPDATE csdns.nic SET ip4 = format('192.0.2.%s', :a)::inet WHERE uuid = u('n', :i * 10);
\endif
SQL
    one(q{DELETE FROM records WHERE type = 'CNAME'});
    in_line('people');
};

subtest 'pages' => sub {
    one(<<'SQL');
CREATE FUNCTION public.page(a int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('id', u('i', n), 'name', 'vm' || n, 'account', 'acme', 'domainid', u('d', 1),
        'nic', jsonb_build_array(jsonb_build_object('id', u('n', n * 10), 'networkid', u('w', 1), 'ipaddress', '192.0.2.' || (n + a) % 250)))
        ORDER BY random()) FROM generate_series(1, 50) n $$;
SQL
    pgbench("\\set a random(1, 200)\nSELECT csdns.upsert_instance(page(:a));\n", 4, 4);
    in_line('pages');
};

subtest 'gone and back' => sub {
    pgbench(<<'SQL', 4, 4);
\set a random(1, 200)
\set i random(1, 50)
\set k random(1, 50)
\set what random(1, 4)
\if :what = 1
SELECT csdns.remove_instance(jsonb_build_array(u('i', :i), u('i', :k)));
\elif :what = 2
SELECT csdns.remove_network(to_jsonb(u('w', 1)));
\elif :what = 3
SELECT csdns.upsert_network(jsonb_build_object('id', u('w', 1), 'type', 'Shared'));
\else
SELECT csdns.upsert_instance(page(:a));
\endif
SQL
    in_line('gone and back');
    one(q{SELECT csdns.upsert_network(jsonb_build_object('id', u('w', 1), 'type', 'Shared')), csdns.upsert_instance(page(1))});
    is one(q{SELECT count(*) FROM records WHERE name LIKE 'vm%' AND type = 'A'}), 50, 'all have their names again';
};

is one('SELECT max(version) - min(version) + 1 - count(*) FROM csdns.version'), 0, 'versions without a gap';
done_testing;
