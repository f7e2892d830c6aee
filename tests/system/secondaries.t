#!/usr/bin/perl
# Zones that go out to secondaries of other makes, named, NSD and Knot: by AXFR with
# TSIG, after a NOTIFY. What is written with SQL is on each of them within seconds,
# without anybody touching the SOA. Signed zones are verified as they arrive there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Knot;
use Csdns::Named;
use Csdns::Nsd;
use Csdns::Pdns;
use Csdns::Programs qw(need_programs);
use Csdns::Validate;
use Csdns::Wait qw(now_s try_until);

need_programs(qw(initdb csdnsd pdns_server pdns:remote pdnsutil named nsd knotd dig dnssec-verify ldns-verify-zone));

my $SECRET = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=';
my @ZONES = qw(plain.test keyed.test signed.test signed3.test signedout.test);
my @SIGNED = grep {/^signed/} @ZONES;

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');
for my $zone (@ZONES) {
    my ($id) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES (?, 'MASTER') RETURNING id}, undef, $zone);
    my $insert = $dbh->prepare('INSERT INTO records (domain_id, name, type, content, ttl) VALUES (?, ?, ?, ?, 60)');
    $insert->execute($id, $_->[0] eq '' ? $zone : "$_->[0].$zone", @$_[1, 2]) for ['', 'SOA', "ns.$zone hostmaster.$zone 1 3600 600 604800 60"],
        ['', 'NS', "ns.$zone"], ['ns', 'A', '127.0.0.9'], ['www', 'A', '192.0.2.1'], ['www', 'AAAA', '2001:db8::1'], ['', 'MX', "10 www.$zone"],
        ['a.b.ent', 'TXT', '"x" "y"'], ['*.wild', 'A', '192.0.2.2'], ['sub', 'NS', "ns.sub.$zone"], ['ns.sub', 'A', '192.0.2.3'],
        ['a.sub', 'TXT', '"hidden"'], ['far.only', 'NS', "ns.sub.$zone"], ['secure', 'NS', "ns.sub.$zone"], ['secure', 'DS', '12345 13 2 ' . '0a' x 32],
        ['odd\\.dot', 'A', '192.0.2.4'], ['_s._tcp', 'SRV', "1 2 3 www.$zone"], ['', 'CAA', '0 issue "ca.test"'];
}
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'pdns'));
my $edge = Csdns::Pdns->remote(
    socket => $csdnsd->socket, primary => 'yes', xfr_cycle_interval => 1, only_notify => '127.0.0.1', allow_axfr_ips => '192.0.2.1', timeout => 10_000,
);
$edge->pdnsutil('secure-zone', 'signed.test');
$edge->pdnsutil('add-zone-key', 'signed3.test', $_, 'active', 'published', 'ecdsa256') for qw(ksk zsk);
$edge->pdnsutil('set-nsec3', 'signed3.test', '1 0 1 ab');
$edge->pdnsutil('secure-zone', 'signedout.test');
$edge->pdnsutil('set-nsec3', 'signedout.test', '1 1 0 -');
$edge->pdnsutil('import-tsig-key', 'key.test', 'hmac-sha256', $SECRET);
$edge->pdnsutil('set-meta', $_, 'ALLOW-AXFR-FROM', '127.0.0.1') for grep { $_ ne 'keyed.test' } @ZONES;
$edge->pdnsutil('activate-tsig-key', 'keyed.test', 'key.test', 'primary');
$csdnsd->wait_current($dbh);

my %how = (secondary => { map { $_ => $edge->port } @ZONES }, keys => { 'key.test' => $SECRET }, keyed => { 'keyed.test' => 'key.test' });
my %secondary = (named => Csdns::Named->new(%how), nsd => Csdns::Nsd->new(%how), knot => Csdns::Knot->new(%how));
my @makes = sort keys %secondary;
for my $zone (@ZONES) { $edge->pdnsutil('set-meta', $zone, 'ALSO-NOTIFY', map { '127.0.0.1:' . $secondary{$_}->port } @makes) }

# --- what the primary has is what each of them has ---

sub lines { my ($server, $zone) = @_; my ($lines) = $server->dns->transfer($zone); return $lines ? join "\n", sort @$lines : '' }

sub soon {
    my ($what, $condition) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok scalar(try_until { $condition->() } 15), $what;
}

sub arrives {
    my ($what, $make, $zone, $line) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return soon("$make: $what", sub { scalar grep { $_ eq $line } @{ ($secondary{$make}->dns->transfer($zone))[0] // [] } });
}

for my $zone (@ZONES) {
    for my $make (@makes) { arrives("$zone", $make, $zone, "www.$zone. 60 IN A 192.0.2.1") }
}
for my $make (@makes) {
    soon("$make has plain.test as the primary gives it", sub { lines($secondary{$make}, 'plain.test') eq lines($edge, 'plain.test') });
    like $secondary{$make}->dns->ask('odd\\.dot.plain.test', 'A')->{text}, qr/192\.0\.2\.4/, "$make answers from it";
}
is_deeply [$edge->dns->transfer('keyed.test')], [undef, 'NOTAUTH'], 'without the key nobody gets keyed.test';

# --- an INSERT ---

for my $zone (@ZONES) {
    my $start = now_s();
    $dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'new.' || name, 'A', '192.0.2.77', 60 FROM domains WHERE name = ?}, undef, $zone);
    for my $make (@makes) { arrives("a new row of $zone", $make, $zone, "new.$zone. 60 IN A 192.0.2.77") }
    note sprintf '%s: %.2f s', $zone, now_s() - $start;
    cmp_ok now_s() - $start, '<', 10, "$zone: within seconds";
}
# Empty non-terminals come and go with what is below them.
$dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'far.down.' || name, 'A', '192.0.2.78', 60 FROM domains});
$dbh->do(q{DELETE FROM records WHERE name LIKE 'www.%' OR name LIKE 'a.b.ent.%'});
for my $zone (@ZONES) {
    for my $make (@makes) {
        soon("$make: what is deleted from $zone goes", sub { $secondary{$make}->dns->ask("www.$zone", 'A')->{rcode} eq 'NXDOMAIN' });
    }
}

# --- the serial, and what PowerDNS remembers of it ---

my ($serial) = $dbh->selectrow_array(q{SELECT split_part(content, ' ', 3) FROM records WHERE type = 'SOA' AND name = 'plain.test'});
cmp_ok $serial, '>', 1, 'the serial moved by itself';
soon('that it was notified is stored', sub { $dbh->selectrow_array(q{SELECT notified_serial = ? FROM domains WHERE name = 'plain.test'}, undef, $serial) });

# --- signed zones, as they arrived ---

for my $make (@makes) {
    my $validator = Csdns::Validate->new(port => $secondary{$make}->port);
    for my $zone (@SIGNED) {
        is $validator->dnssec_verify($zone), '', "dnssec-verify takes $zone from $make";
        is $validator->ldns_verify($zone), '', "ldns-verify-zone takes $zone from $make";
    }
}
is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
