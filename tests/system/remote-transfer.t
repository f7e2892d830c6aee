#!/usr/bin/perl
# Zones that come by AXFR and IXFR from BIND's named: into secondary zones through
# the remote backend, beside the same ones through the gpgsql backend; autoprimary;
# a large zone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Socket::INET;
use Test::More;

use Csdns::Named;
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs);
use Csdns::Twin;
use Csdns::Wait qw(now_s try_until wait_until);

need_programs('named');
my $LARGE = 100_000;

sub head { my ($zone, $serial) = @_; return "\$TTL 300\n\@ IN SOA ns.$zone. hostmaster.$zone. $serial 3600 600 604800 60\n\@ NS ns.$zone.\nns A 192.0.2.53\n" }

my $first = head('a.test', 7) . <<'ZONE';
@ MX 10 Mail
Mail A 192.0.2.1
       AAAA 2001:db8::1
www 60 CNAME mail
text TXT "one two" "th\"ree" "\195\164"
deep.er.name A 192.0.2.2
*.wild A 192.0.2.3
_s._tcp SRV 1 2 3 mail
sub NS ns.sub
ns.sub A 192.0.2.4
@ CAA 0 issue "ca.test"
odd\.dot A 192.0.2.5
type TYPE65280 \# 4 0A000001
ZONE
my $twin = Csdns::Twin->new(timeout => 60_000, pdns => { secondary => 'yes', autosecondary => 'yes', xfr_cycle_interval => 1, slave_renotify => 'no' },
    csdnsd => { transaction_timeout => '20s' });
my $port = free_port();

# What comes first is the zone, or each server asks port 53 who that was.
$twin->psql("INSERT INTO domains (name, type, master) SELECT name, 'SLAVE', '127.0.0.1:$port' FROM unnest(ARRAY['a.test']) AS name");
my $SECRET = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=';
my $named = Csdns::Named->new(port => $port, keys => { 'key.test' => $SECRET }, keyed => { 'keyed.test' => 'key.test' }, notify => [map { $twin->pdns($_)->port } $twin->sides], zones => {
    'a.test' => $first, 'keyed.test' => head('keyed.test', 4),
});
my @ZONE = qw(records soa serials);

sub serial_of { my ($side, $zone) = @_; return $twin->cluster->psql($side, "SELECT split_part(content, ' ', 3) FROM records WHERE type = 'SOA' AND name = '$zone'") }

sub arrives {
    my ($what, $zone, $serial, $seconds) = @_;
    for my $side ($twin->sides) {
        try_until { serial_of($side, $zone) eq $serial } $seconds // 20;
        is serial_of($side, $zone), $serial, "$what: has come ($side)";
    }
    return;
}

# --- into a secondary zone ---

$twin->pdns($_)->control('RETRIEVE a.test') for $twin->sides;
arrives('a new secondary zone', 'a.test', 7);
$twin->same_tables('a new secondary zone', @ZONE);
like $twin->table('remote', 'records'), qr/a\.test\|mail\.a\.test\|A\|192\.0\.2\.1\|300\|0\|f/, 'with its records';
is $twin->pdns('remote')->dns->ask('www.a.test', 'CNAME')->{answer}[0], $twin->pdns('gpgsql')->dns->ask('www.a.test', 'CNAME')->{answer}[0], 'they are answered';
my @order = ($twin->table('remote', q{SELECT name, type, auth, coalesce(ordername, '-') FROM records WHERE type <> '' ORDER BY 1, 2, content}),
    $twin->table('gpgsql', q{SELECT name, type, auth, coalesce(ordername, '-') FROM records WHERE type <> '' ORDER BY 1, 2, content}));
is $order[0], $order[1], 'ordername and auth are as gpgsql has them';
wait_until { $twin->cluster->psql('remote', q{SELECT last_check > 0 FROM domains WHERE name = 'a.test'}) eq 't' } 10, 'the check';
pass 'it is fresh';

# --- what changes comes as IXFR ---

(my $second = $first) =~ s/ 7 3600/ 8 3600/;
$second =~ s/^deep.*\n//m;
$second =~ s/^Mail A.*$/Mail A 192.0.2.100\n     A 192.0.2.101/m;
$named->change_zone('a.test', $second . "new A 192.0.2.6\n");
arrives('a change', 'a.test', 8);
$twin->same_tables('a change', @ZONE);
(my $third = $second) =~ s/ 8 3600/ 9 3600/;
$named->change_zone('a.test', $third);
arrives('another one', 'a.test', 9);
$twin->same_tables('another one', @ZONE);
unlike $twin->table('remote', 'records'), qr/new\.a\.test/, 'the record is gone';

# --- with TSIG ---

$twin->psql("INSERT INTO domains (name, type, master) VALUES ('keyed.test', 'SLAVE', '127.0.0.1:$port')");
$twin->pdns($_)->control('RETRIEVE keyed.test') for $twin->sides;
try_until { $twin->pdns('remote')->log_text =~ /keyed\.test.*(?:[Rr]efused|Not Auth|NotAuth)/ } 10;
is serial_of('remote', 'keyed.test'), '', 'a zone that is given only to who has the key does not come';
$twin->pdnsutil("import-tsig-key key.test hmac-sha256 $SECRET");
$twin->pdnsutil('activate-tsig-key keyed.test key.test secondary', 'metadata');
$twin->pdns($_)->control('RETRIEVE keyed.test') for $twin->sides;
arrives('a zone with TSIG', 'keyed.test', 4);
$twin->same_tables('a zone with TSIG', @ZONE);

# --- autoprimary ---

# PowerDNS asks the sender of the NOTIFY, at port 53.
my $address = '127.0.0.1';
sub can_bind { return IO::Socket::INET->new(LocalAddr => $address, LocalPort => 53, Proto => 'udp') ? 1 : 0 }

SKIP: {
    skip "port 53 of $address is not ours", 7 if !can_bind();
    $twin->psql("INSERT INTO supermasters VALUES ('$address', 'ns.auto.test', 'prov')");
    my $autoprimary = Csdns::Named->new(
        address => $address, port => 53, notify => [map { $twin->pdns($_)->port } $twin->sides],
        zones => { 'auto.test' => head('auto.test', 3) . "www A 192.0.2.1\n", 'other.test' => "\$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns.elsewhere.test.\n" },
    );
    for my $side ($twin->sides) {
        try_until { $twin->table($side, q{SELECT count(*) FROM domains WHERE name = 'auto.test'}) } 20;
        is $twin->table($side, q{SELECT type, master, account FROM domains WHERE name = 'auto.test'}), "SLAVE|$address|prov", "a secondary zone is made ($side)";
    }
    arrives('an autoprimary zone', 'auto.test', 3);
    $twin->same_tables('an autoprimary zone', 'domains', @ZONE);
    is $twin->pdns('remote')->dns->ask('www.auto.test', 'A')->{rcode}, 'NOERROR', 'it is answered';
    is $twin->table('remote', q{SELECT count(*) FROM domains WHERE name = 'other.test'}), 0, 'a zone of other name servers is not taken';
}

# --- a large one ---

my $large = Csdns::Named->new(zones => { 'large.test' => head('large.test', 1) . join '', map { sprintf "n%06d A 192.0.%d.%d\n", $_, $_ / 256 % 256, $_ % 256 } 1 .. $LARGE });
$twin->psql("INSERT INTO domains (name, type, master) VALUES ('large.test', 'SLAVE', '127.0.0.1:" . $large->port . "')");
my $start = now_s();
$twin->pdns('remote')->control('RETRIEVE large.test');
try_until { serial_of('remote', 'large.test') eq '1' } 120;
is $twin->cluster->psql('remote', q{SELECT count(*) FROM records WHERE type = 'A' AND name LIKE '%.large.test'}), $LARGE + 1, "$LARGE records have come";
diag sprintf '%d records in %.1f s', $LARGE, now_s() - $start;
$twin->csdnsd->wait_current($twin->cluster->dbh('remote'));
is $twin->pdns('remote')->dns->ask(sprintf('n%06d.large.test', $LARGE), 'A')->{rcode}, 'NOERROR', 'the last one is answered';
# It is asked for twice: by us, and because it was not fresh.
wait_until { $twin->csdnsd->status->{transactions} == 0 } 60, 'no transaction to be left';
is $twin->csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
