#!/usr/bin/perl
# csdns verify: asks real servers, set by set, and tells what differs from the store.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP qw(decode_json);
use Test::More;

use Csdns::Cluster;
use Csdns::Named;
use Csdns::Pdns;
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs);
use Csdns::Tool;
use Csdns::Zones qw(seed);

need_programs(qw(initdb csdns pdns_server pdns:gpgsql named));

my $seed = $ENV{CSDNS_SEED} // ($$ * 7919 + time) % 1_000_000;
seed($seed);
diag "CSDNS_SEED=$seed";

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', 'CREATE ROLE op LOGIN IN ROLE csdns_admin');
my $dbh = $cluster->dbh('store');
my $op = Csdns::Tool->new(cluster => $cluster, db => 'store', role => 'op');
plan(skip_all => 'this csdns was built without ldns') if $op->run('verify', 'x')->{err} =~ /built without ldns/;
my $random = Csdns::Zones->new(names => 15);
$random->store($dbh, $random->make);
$dbh->do(q{INSERT INTO domains (name, type) VALUES ('v.test', 'NATIVE')});
my ($id) = $dbh->selectrow_array(q{SELECT id FROM domains WHERE name = 'v.test'});

sub add {
    my ($name, $type, $content, %more) = @_;
    $dbh->do('INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES (?, ?, ?, ?, ?, ?, ?)', undef,
        $id, $name, $type, $content, $more{ttl} // 60, $more{prio}, $more{disabled} // 0);
    return;
}
add('v.test', 'SOA', 'ns.v.test h.v.test 7 3600 600 86400 60');
add('v.test', 'NS', 'ns.v.test');
add('v.test', 'MX', 'Mail.V.test', prio => 10);
add('ns.v.test', 'A', '192.0.2.53');
add('www.v.test', 'A', "192.0.2.$_") for 1 .. 3;
add('www.v.test', 'A', '192.0.2.4', disabled => 1);
add('big.v.test', 'TXT', '"' . 'x' x 250 . $_ . '"') for 10 .. 30;
add('*.wild.v.test', 'A', '192.0.2.9');
add('sub.v.test', 'NS', 'ns.sub.v.test');
add('ns.sub.v.test', 'A', '192.0.2.99');
add('alias.v.test', 'ALIAS', 'www.v.test');

my $pdns = Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('store', 'pdns'), gpgsql_dnssec => 'no',
    cache_ttl => 0, query_cache_ttl => 0, negquery_cache_ttl => 0, zone_cache_refresh_interval => 0);
my $named = Csdns::Named->new(zones => { 'v.test' => <<'ZONE' });
$TTL 60
@ SOA ns h 6 3600 600 86400 60
@ NS ns
@ MX 10 mail
ns A 192.0.2.53
www A 192.0.2.1
www A 192.0.2.2
www A 192.0.2.3
*.wild 61 A 192.0.2.9
sub NS ns.sub
ns.sub A 192.0.2.99
extra A 192.0.2.1
ZONE
my $good = '127.0.0.1:' . $pdns->port;
my $other = '127.0.0.1:' . $named->port;

sub verified {
    my ($status, @words) = @_;
    my $done = $op->run('verify', @words, '--json');
    is $done->{status}, $status, "verify @words: $status" or diag $done->{out}, $done->{err};
    return $done->{out} ? decode_json($done->{out}) : {};
}
sub sets { my ($answer) = @_; return join ' ', map {"$_->{name}/$_->{type}"} @{ $answer->{differences} } }

# the same
my $same = verified(0, 'v.test', '--server', $good);
is sets($same), '', 'PowerDNS answers as the store says';
is "$same->{zones} $same->{rrsets} $same->{skipped}", '1 8 2', 'every set that is comparable';
is $op->run('verify', 'V.test.', '-s', $good)->{out}, "1 zones, 8 record sets, 0 differences, 2 not compared\n", 'as text';

# not the same
my $differs = verified(1, 'v.test', '--server', $good, '--server', $other);
is sets($differs), '*.wild.v.test/A big.v.test/TXT v.test/SOA', 'what named has otherwise: a TTL, a missing set, the serial';
is_deeply $differs->{differences}[0], { server => $other, zone => 'v.test', name => '*.wild.v.test', type => 'A',
    expected => '60 192.0.2.9', got => '61 192.0.2.9' }, 'with all that is needed';
is $differs->{differences}[1]{got}, 'NXDOMAIN', 'what it answered';
like $op->run('verify', 'v.test', '--server', $other)->{out},
    qr/^\Q$other\E: v\.test SOA: expected 60 ns\.v\.test h\.v\.test \d+ .*; got 60 ns\.v\.test h\.v\.test 6 /m, 'as text';

# servers of the store
$dbh->do(q{INSERT INTO csdns.verify_server (address, port) VALUES ('127.0.0.1', ?)}, undef, $pdns->port);
is sets(verified(0, 'v.test')), '', 'servers of all zones';
$dbh->do(q{INSERT INTO csdns.verify_server (zone, address, port) VALUES ('v.test', '127.0.0.1', ?)}, undef, $named->port);
isnt sets(verified(1, 'v.test')), '', 'servers of the zone';
$dbh->do(q{DELETE FROM csdns.verify_server WHERE zone = 'v.test'});

# all zones, whatever is in them
$dbh->do(q{DELETE FROM domains WHERE name IN ('nosoa.test', 'empty.test')});
my $all = verified(0);
cmp_ok $all->{zones}, '>', 5, 'all zones';
cmp_ok $all->{rrsets}, '>', 100, 'with odd names and all types';
is sets($all), '', 'no differences' or diag explain $all->{differences};

# an instance
$dbh->do($_) for (
    q{INSERT INTO csdns.domain (uuid, name, path, network_domain) VALUES ('a0000000-0000-0000-0000-000000000001', 'ROOT', 'ROOT', 'v.test')},
    q{INSERT INTO csdns.account (uuid, domain, name) VALUES ('a0000000-0000-0000-0000-000000000002', 'a0000000-0000-0000-0000-000000000001', 'acme')},
    q{INSERT INTO csdns.network (uuid, name, account, domain) VALUES ('a0000000-0000-0000-0000-000000000003', 'lan', 'a0000000-0000-0000-0000-000000000002', 'a0000000-0000-0000-0000-000000000001')},
    q{INSERT INTO csdns.instance (uuid, name, account, domain) VALUES ('a0000000-0000-0000-0000-000000000004', 'vm', 'a0000000-0000-0000-0000-000000000002', 'a0000000-0000-0000-0000-000000000001')},
    q{INSERT INTO csdns.nic (uuid, instance, network, ip4, is_default) VALUES ('a0000000-0000-0000-0000-000000000005', 'a0000000-0000-0000-0000-000000000004', 'a0000000-0000-0000-0000-000000000003', '198.51.100.7', true)},
);
is verified(0, 'vm')->{rrsets}, 1, 'an instance by name';
is sets(verified(1, 'A0000000-0000-0000-0000-000000000004', '--server', $other)), 'vm.v.test/A', 'or uuid';

# who cannot be asked
my $dead = '127.0.0.1:' . free_port();
my $gone = verified(2, 'v.test', '--server', $dead);
is_deeply $gone->{problems}, [{ server => $dead, reason => 'does not answer' }], 'a server that does not answer, once';
is verified(1, 'v.test', '--server', $dead, '--server', $other)->{problems}[0]{server}, $dead, 'beside one that differs';
for my $wrong ([['nothing.test'], qr/there is no zone and no instance "nothing\.test"/], [['v.test', '--server', 'no.such.host.invalid'], qr/server "no\.such\.host\.invalid"/]) {
    my $done = $op->run('verify', @{ $wrong->[0] });
    is $done->{status}, 2, "verify @{ $wrong->[0] }: could not ask";
    like $done->{err}, $wrong->[1], 'with the reason';
}

# a tenant
$dbh->do($_) for ('CREATE ROLE acme LOGIN', q{SELECT csdns.add_tenant('acme', 'acme')},
    "INSERT INTO csdns.dns_zone (domain_id, account) VALUES ($id, 'a0000000-0000-0000-0000-000000000002')");
my $tenant = Csdns::Tool->new(cluster => $cluster, db => 'store', role => 'acme');
my $blind = $tenant->run('verify');
is "$blind->{status} $blind->{err}", "2 csdns: nobody to ask: name a --server; those of csdns.verify_server are for administrators\n", 'a tenant has to name servers';
like $tenant->run('verify', '--server', $good)->{out}, qr/^1 zones, \d+ record sets, 0 differences/, 'and may';

$dbh->do('DELETE FROM csdns.verify_server');
like $op->run('verify', 'v.test')->{err}, qr/zone "v\.test": nobody to ask/, 'without servers';

done_testing;
