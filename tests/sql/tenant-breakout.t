#!/usr/bin/perl
# Tenants with sessions of their own: SET ROLE and its like, temporary objects and functions that leak, quotas and delegations between
# two sessions, installing again and taking csdns away while tenants are there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Programs qw(need_programs source_dir);
use Csdns::Wait qw(wait_until);

need_programs(qw(initdb psql pg_dump));

my $cluster = Csdns::Cluster->new(name => 'tenant');
my $db = 'store';
$cluster->create_db($db);
$cluster->install_schema($db);
$cluster->psql($db, <<'SQL');
CREATE ROLE acme LOGIN; CREATE ROLE globex LOGIN; CREATE ROLE writer LOGIN IN ROLE csdns_write; CREATE ROLE evil LOGIN; CREATE ROLE acme2 LOGIN;
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
INSERT INTO domains (name, type) VALUES ('acme.test', 'NATIVE'), ('globex.test', 'NATIVE'), ('shared.test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content) SELECT id, name, 'SOA', 'ns.test h.test 1 2 3 4 5' FROM domains;
INSERT INTO records (domain_id, name, type, content) SELECT id, 'www.' || name, 'A', '192.0.2.1' FROM domains;
INSERT INTO csdns.domain (uuid, name, path) VALUES (u('d', 1), 'ROOT', 'ROOT');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 1), 'acme'), (u('a', 2), u('d', 1), 'globex');
INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (1, u('a', 1), u('d', 1)), (2, u('a', 2), u('d', 1)), (3, u('a', 2), u('d', 1));
INSERT INTO csdns.zone_delegation (domain_id, account) VALUES (3, u('a', 1));
CREATE SCHEMA playground; GRANT ALL ON SCHEMA playground TO acme, acme2, globex;
GRANT evil TO acme;
SQL
$cluster->psql($db, q{SELECT csdns.add_tenant(role => 'acme', account => 'acme'), csdns.add_tenant(role => 'globex', account => 'globex'),
    csdns.add_tenant(role => 'acme2', account => 'acme')});

sub as { my ($role) = @_; return $cluster->dbh($db, $role) }

# SQLSTATE of a statement, or the rows that it gave or touched
sub try_sql {
    my ($dbh, $sql) = @_;
    my $rows = eval {
        my $st = $dbh->prepare($sql);
        $st->execute;
        $st->{NUM_OF_FIELDS} ? join(' ', map { join '|', map { $_ // '' } @$_ } @{ $st->fetchall_arrayref }) : $st->rows;
    };
    return $@ ? $dbh->state : $rows;
}

sub is_sql {
    my ($dbh, $sql, $want, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is try_sql($dbh, $sql), $want, $name // $sql;
}

my $ZONES = q{SELECT string_agg(name, ',' ORDER BY name) FROM domains};

subtest 'who one is' => sub {
    my $acme = as('acme');
    is_sql $acme, $ZONES, 'acme.test,shared.test', 'a tenant sees its own';
    is_sql $acme, $_, '42501'
        for 'SET ROLE globex', 'SET ROLE writer', 'SET ROLE postgres', 'SET ROLE csdns_admin', 'SET ROLE csdns_read', 'SET SESSION AUTHORIZATION globex',
        'SET SESSION AUTHORIZATION postgres', q{SELECT set_config('role', 'globex', false)}, q{SELECT set_config('session_authorization', 'globex', false)},
        'GRANT csdns_admin TO acme', 'GRANT globex TO acme', 'ALTER ROLE acme SUPERUSER', 'ALTER ROLE acme BYPASSRLS', 'GRANT csdns_tenant TO evil', 'REVOKE csdns_tenant FROM globex';
    is_sql $acme, 'SET ROLE csdns_tenant', '-1', 'the group itself';
    is_sql $acme, $ZONES, '', 'stands for nobody';
    is_sql $acme, 'UPDATE records SET ttl = 1', '0', 'and changes nothing';
    is_sql $acme, 'RESET ROLE', '-1';
    is_sql $acme, 'SET ROLE evil', '-1', 'a role of one\'s own without rights';
    is_sql $acme, $ZONES, '42501', 'has none';
    is_sql $acme, 'RESET ROLE', '-1';
    is_sql $acme, $ZONES, 'acme.test,shared.test', 'and back';
    for my $set (q{SET csdns.cloud_user = 'globex'}, q{SET csdns.path = 'deleteDnsZone'}, q{SET csdns.rules = 'later'}, q{SET csdns.account = 'globex'}, q{SET csdns.tenant = 'globex'}) {
        is_sql $acme, $set, '-1';
        is_sql $acme, $ZONES, 'acme.test,shared.test', 'changes nothing';
    }
    is_sql $acme, 'SET row_security = off', '-1';
    is_sql $acme, $ZONES, '42501', 'row security off: an error, not all rows';
};

subtest 'objects in the way, functions that tell' => sub {
    my $acme = as('acme');
    $acme->do($_) for 'CREATE TEMP TABLE said (t text)',
        q{CREATE FUNCTION playground.tell(t text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pg_temp.said VALUES (t); RETURN true; END $$},
        q{CREATE FUNCTION playground.yes(a int, b int) RETURNS boolean LANGUAGE sql AS 'SELECT true'},
        q{CREATE FUNCTION playground.yes(a name, b name) RETURNS boolean LANGUAGE sql AS 'SELECT true'},
        'CREATE OPERATOR playground.= (LEFTARG = int, RIGHTARG = int, FUNCTION = playground.yes)',
        'CREATE OPERATOR playground.= (LEFTARG = name, RIGHTARG = name, FUNCTION = playground.yes)',
        q{CREATE FUNCTION playground.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'globex' $$},
        'CREATE TEMP TABLE tenant (role name, account uuid, domain uuid)', 'CREATE TEMP TABLE dns_zone (domain_id int, account uuid, domain uuid)',
        q{INSERT INTO pg_temp.tenant VALUES ('acme', md5('a2')::uuid, NULL)}, q{INSERT INTO pg_temp.dns_zone VALUES (2, md5('a1')::uuid, NULL)};
    for my $path ('pg_temp, playground, pg_catalog, public', 'playground, pg_catalog, csdns, public', 'pg_temp, csdns, public') {
        $acme->do("SET search_path = $path");
        is_sql $acme, 'SELECT string_agg(name, \',\' ORDER BY name) FROM public.domains', 'acme.test,shared.test', "search_path $path";
        is_sql $acme, q{UPDATE public.records SET content = '192.0.2.66' WHERE name OPERATOR(pg_catalog.=) 'www.globex.test'}, '0', 'nor writes';
        is_sql $acme, q{INSERT INTO public.records (domain_id, name, type, content) VALUES (2, 'x.globex.test', 'A', '192.0.2.66')}, '42501';
    }
    $acme->do('SET search_path = public');
    for my $rel (qw(public.domains public.records)) {
        $acme->do('TRUNCATE pg_temp.said');
        $acme->do("SELECT count(*) FROM $rel WHERE playground.tell(name)");
        is_sql $acme, q{SELECT count(*) FROM pg_temp.said WHERE t LIKE '%globex%'}, '0', "a function that tells sees only one's own rows of $rel";
    }
    $acme->do('TRUNCATE pg_temp.said');
    $acme->do('DELETE FROM public.records WHERE playground.tell(content) AND false');
    $acme->do(q{UPDATE public.records SET ttl = 5 WHERE playground.tell(name) AND name = 'www.acme.test'});
    is_sql $acme, q{SELECT count(*) FROM pg_temp.said WHERE t LIKE '%globex%'}, '0', 'nor when writing';
    $acme->do('TRUNCATE pg_temp.said');
    $acme->do(q{SELECT count(*) FROM csdns.account WHERE playground.tell(name)});
    is_sql $acme, 'SELECT string_agg(t, \',\') FROM pg_temp.said', 'acme', 'nor in facts';
    is_sql $acme, q{SELECT 1 FROM domains WHERE name = 'globex.test' AND 1 / (id - id) = 1}, '', 'an error in the condition tells nothing of others';
    is_sql $acme, q{SELECT count(*) FROM pg_stats WHERE tablename = 'records'}, '0', 'nor do statistics';
};

subtest 'COPY' => sub {
    my $acme = as('acme');
    like $cluster->psql($db, 'COPY domains (name) TO STDOUT', user => 'acme'), qr/\Aacme\.test\nshared\.test\z/, 'COPY TO gives what one sees';
    is_sql $acme, q{COPY records (domain_id, name, type, content) FROM PROGRAM 'true'}, '42501', 'no programs';
    ok !eval { $cluster->psql($db, "COPY records (domain_id, name, type, content) FROM STDIN;\n2\tx.globex.test\tA\t192.0.2.1\n\\.\n", user => 'acme') }, 'COPY FROM is refused';
    like $@, qr/not supported with row-level security/, 'by PostgreSQL';
    $cluster->psql($db, "COPY records (domain_id, name, type, content) FROM STDIN;\n2\tc.globex.test\tA\t192.0.2.1\n\\.\n");
    pass 'the owner may';
};

subtest 'two roles of one customer' => sub {
    my ($acme, $acme2) = (as('acme'), as('acme2'));
    $cluster->psql($db, q{INSERT INTO csdns.policy (scope, max_records) VALUES (u('a', 1), 3)});
    $acme->do($_) for q{CREATE FUNCTION playground.put(z int, n text) RETURNS void LANGUAGE sql SECURITY DEFINER
            AS $$ INSERT INTO public.records (domain_id, name, type, content) VALUES (z, n, 'A', '192.0.2.1') $$}, 'GRANT EXECUTE ON FUNCTION playground.put TO PUBLIC';
    is_sql $acme2, q{SELECT playground.put(1, n || '.acme.test') FROM generate_series(1, 9) AS n}, '53400', 'one\'s function with definer\'s rights is no way round a quota';
    is_sql $acme2, q{SELECT playground.put(2, 'x.globex.test')}, '42501', 'nor into another\'s zone';
    is_sql as('globex'), q{SELECT playground.put(1, 'x.acme.test')}, '42501', 'nor does another\'s function lend its rights';
    $acme->do('DROP FUNCTION playground.put');
};

subtest 'quota, two sessions at once' => sub {
    my ($one, $two) = (as('acme'), as('acme2'));
    my $watch = $cluster->dbh($db);
    $watch->do(q{UPDATE csdns.policy SET max_records = 2});
    for my $level ('READ COMMITTED', 'REPEATABLE READ') {
        $_->do("SET default_transaction_isolation = '$level'") for $one, $two;
        $watch->do(q{DELETE FROM records WHERE name IN ('one.acme.test', 'two.acme.test')});
        $two->begin_work;
        $two->do('SELECT FROM records LIMIT 1');
        $one->begin_work;
        $one->do(q{INSERT INTO records (domain_id, name, type, content) VALUES (1, 'one.acme.test', 'A', '192.0.2.1')});
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $found = try_sql($two, q{INSERT INTO records (domain_id, name, type, content) VALUES (1, 'two.acme.test', 'A', '192.0.2.1')});
            $found = eval { $two->commit; 1 } ? 'ok' : $two->state if $found eq '1';
            require POSIX;
            POSIX::_exit($found eq '53400' ? 53 : $found eq '40001' ? 40 : 0);
        }
        $two->{InactiveDestroy} = 1;
        wait_until { $watch->selectrow_array(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'}) } 20, 'the second to wait';
        $one->commit;
        waitpid $pid, 0;
        is $? >> 8, $level eq 'READ COMMITTED' ? 53 : 40, "$level: the second is refused";
        is $watch->selectrow_array(q{SELECT count(*) FROM records WHERE domain_id = 1 AND type <> 'SOA'}), 2, 'the quota holds';
        $two = as('acme2');
    }
    $watch->do(q{UPDATE csdns.policy SET max_records = NULL});
};

subtest 'a delegation that ends' => sub {
    my ($acme, $admin) = (as('acme'), $cluster->dbh($db));
    $acme->do(q{PREPARE put AS INSERT INTO records (domain_id, name, type, content) VALUES (3, 'p.shared.test', 'TXT', $1)});
    $acme->do(q{PREPARE look AS SELECT count(*) FROM records WHERE domain_id = 3});
    is_sql $acme, q{EXECUTE put('"1"')}, '1', 'prepared, while it lasts';
    is_sql $acme, 'EXECUTE look', '3';
    $acme->begin_work;
    $acme->do('DECLARE c CURSOR WITH HOLD FOR SELECT name FROM records WHERE domain_id = 3');
    $admin->do('DELETE FROM csdns.zone_delegation');
    is_sql $acme, q{EXECUTE put('"2"')}, '42501', 'ends within an open transaction';
    $acme->rollback;
    is_sql $acme, 'EXECUTE look', '0', 'and for prepared statements';
    is_sql $acme, q{UPDATE records SET ttl = 1 WHERE name = 'p.shared.test'}, '0', 'also for what one put there';
};

subtest 'a session while one becomes a tenant, and ends being one' => sub {
    $cluster->psql($db, 'CREATE ROLE late LOGIN');
    my ($late, $admin) = (as('late'), $cluster->dbh($db));
    is_sql $late, $ZONES, '42501', 'before';
    $admin->do(q{SELECT csdns.add_tenant(role => 'late', account => 'globex')});
    is_sql $late, $ZONES, 'globex.test,shared.test', 'tenant';
    $late->do('PREPARE z AS ' . $ZONES);
    is_sql $late, 'EXECUTE z', 'globex.test,shared.test';
    $admin->do(q{SELECT csdns.remove_tenant('late')});
    is_sql $late, 'EXECUTE z', '42501', 'after';
};

subtest 'installed again, with tenants' => sub {
    my $rights = q{SELECT md5(string_agg(t, ' ' ORDER BY t)) FROM (
        SELECT concat_ws(' ', polrelid::regclass, polname, oid) FROM pg_policy
        UNION ALL SELECT concat_ws(' ', oid::regclass, array(SELECT a::text FROM unnest(relacl) AS a ORDER BY 1), relrowsecurity) FROM pg_class WHERE relnamespace IN ('csdns'::regnamespace, 'public'::regnamespace)
        UNION ALL SELECT concat_ws(' ', oid::regprocedure, array(SELECT a::text FROM unnest(proacl) AS a ORDER BY 1)) FROM pg_proc WHERE pronamespace = 'csdns'::regnamespace
        UNION ALL SELECT concat_ws(' ', attrelid::regclass, attname, attacl) FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid > 16384
        UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal) AS r (t)};
    my $before = $cluster->psql($db, $rights);
    my $reader = $cluster->dbh($db);
    $reader->begin_work;
    $reader->do('SELECT FROM records');
    $cluster->install_schema($db);
    pass 'a reader is no obstacle';
    $reader->rollback;
    is $cluster->psql($db, $rights), $before, 'rights, policies and triggers are as before';
    is_sql as('acme'), $ZONES, 'acme.test', 'tenants too';
};

subtest 'the writer of everything' => sub {
    my $writer = as('writer');
    is_sql $writer, 'SELECT count(*) FROM domains', '3';
    my $plan = join "\n", @{ $writer->selectcol_arrayref(q{EXPLAIN SELECT * FROM records WHERE domain_id = 1}) };
    unlike $plan, qr/my_|InitPlan|SubPlan/, 'policies for tenants are not in its plans';
    ok !eval { $cluster->psql($db, "COPY records (domain_id, name, type, content) FROM STDIN;\n2\tx.globex.test\tA\t192.0.2.1\n\\.\n", user => 'writer') },
        'but COPY FROM is the owner\'s alone while there are tenants';
};

subtest 'csdns taken away' => sub {
    my $dir = $ENV{CSDNS_SCHEMA_DIR} // source_dir() . '/schema';
    $cluster->psql_file($db, "$dir/remove.sql");
    is $cluster->psql($db, 'SELECT count(*) FROM pg_policy'), '0', 'no policy';
    is $cluster->psql($db, 'SELECT count(*) FROM pg_class WHERE relrowsecurity'), '0', 'no row-level security';
    is_sql as('acme'), $ZONES, '42501', 'no rights';
    $cluster->psql($db, 'DROP ROLE csdns_tenant');
    pass 'nothing depends on the role';
};

done_testing;
