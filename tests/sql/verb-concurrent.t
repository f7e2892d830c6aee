#!/usr/bin/perl
# Verbs of two sessions at once: what the second may depends on what the first did, also before that is committed.

use strict;
use warnings;

use DBD::Pg ':async';
use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Programs qw(need_programs);
use Csdns::Wait;

need_programs(qw(initdb psql));

my $cluster = Csdns::Cluster->new(name => 'verbs');
$cluster->create_db('verbs');
$cluster->install_schema('verbs');
my $admin = $cluster->dbh('verbs');
$admin->do(<<'SQL');
CREATE FUNCTION public.u(kind text, n int) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid::text $$;
CREATE ROLE acme LOGIN IN ROLE csdns_tenant;
CREATE ROLE evil LOGIN IN ROLE csdns_tenant;
INSERT INTO csdns.domain (uuid, name) VALUES (u('d', 1)::uuid, 'ROOT');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1)::uuid, u('d', 1)::uuid, 'acme'), (u('a', 2)::uuid, u('d', 1)::uuid, 'evil');
INSERT INTO csdns.tenant (role, account) VALUES ('acme', u('a', 1)::uuid), ('evil', u('a', 2)::uuid);
INSERT INTO csdns.network (uuid, name, account, domain) SELECT u('w', n)::uuid, 'net' || n, u('a', 2)::uuid, u('d', 1)::uuid FROM generate_series(1, 3) AS n;
INSERT INTO csdns.dns_server (name, name_servers, is_public, public_suffix) VALUES ('pub', '{ns.test}', true, 'pub.test');
SQL

sub session {
    my ($role) = @_;
    my $dbh = $cluster->dbh('verbs');
    $dbh->do("SET ROLE $role");
    return $dbh;
}

# The first session does something and keeps its transaction open; the second waits for it, and goes on when it ends.
sub side_by_side {
    my ($what, $first, $second, $want) = @_;
    my ($one, $two) = (session($first->[0]), session($second->[0]));
    $one->begin_work;
    $one->do($first->[1]);
    $two->do($second->[1], { pg_async => PG_ASYNC });
    wait_until {
        $admin->selectrow_array(q{SELECT count(*) FROM pg_stat_activity WHERE pid = ? AND wait_event_type = 'Lock'}, {}, $two->{pg_pid});
    } 20, "$what: the second waits";
    $one->commit;
    my $done = eval { $two->pg_result };
    like $done ? 'done' : $two->errstr, $want, $what;
    $_->disconnect for $one, $two;
    return;
}

my $create = q{SELECT * FROM csdns.create_dns_zone('%s', 'pub')};
side_by_side('a zone below one that is being created', [acme => sprintf $create, 'a.test'], [evil => sprintf $create, 'x.a.test'],
    qr/"x.a.pub.test": lies below zone "a.pub.test" of another owner/);
side_by_side('and above', [acme => sprintf $create, 'x.b.test'], [evil => sprintf $create, 'b.test'], qr/"b.pub.test": lies above a zone of another owner/);
side_by_side('the same', [acme => sprintf $create, 'c.test'], [evil => sprintf $create, 'c.test'], qr/"c.pub.test": exists already/);
side_by_side('another', [acme => sprintf $create, 'd.test'], [evil => sprintf $create, 'e.test'], qr/done/);
side_by_side('on a server that is being disabled', [$admin->{pg_user} => q{SELECT * FROM csdns.update_dns_server('pub', state => 'Disabled')}],
    [acme => sprintf $create, 'late.test'], qr/DNS server "pub": not found/);

my $record = q{SELECT * FROM csdns.%s_dns_record('c.pub.test', '%s', 'A', '{192.0.2.%d}')};
side_by_side('one name and type twice', [acme => sprintf $record, 'create', 'w', 1], [acme => sprintf $record, 'create', 'w', 2],
    qr/record "w.c.pub.test" A: exists already/);
side_by_side('a record that is being deleted', [acme => sprintf $record, 'delete', 'w', 1], [acme => sprintf $record, 'update', 'w', 3],
    qr/record "w.c.pub.test" A: not found/);
side_by_side('another after it', [acme => sprintf $record, 'create', 'v', 1], [acme => sprintf $record, 'create', 'w', 2], qr/done/);

$admin->do(q{SELECT csdns.delegate_dns_zone('a.pub.test', 'evil', u('d', 1))});
my $associate = q{SELECT * FROM csdns.associate_dns_zone_to_network('a.pub.test', u('w', %d), '%s')};
side_by_side('one subdomain for two networks', [evil => sprintf $associate, 1, 's'], [evil => sprintf $associate, 2, 's'],
    qr/network "net1" has subdomain "s" of zone "a.pub.test" already/);
side_by_side('a delegation that is being taken back', [acme => q{SELECT * FROM csdns.undelegate_dns_zone('a.pub.test', 'evil', u('d', 1))}],
    [evil => sprintf $associate, 3, 't'], qr/zone "a.pub.test": not found/);
is $admin->selectrow_array('SELECT count(*) FROM csdns.network_zone'), 0, 'nothing rests on it';
is $admin->selectrow_array('SELECT count(*) FROM csdns.drift'), 0, 'no drift';
done_testing;
