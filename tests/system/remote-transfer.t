#!/usr/bin/perl
# Zones that come by AXFR from BIND's named into secondary zones through the remote
# backend, beside the same ones through the gpgsql backend; NSD as an autoprimary; a
# large zone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Select;
use IO::Socket::INET;
use Socket qw(MSG_DONTWAIT);
use Test::More;

use Csdns::Named;
use Csdns::Nsd;
use Csdns::Pdns;
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs);
use Csdns::Twin;
use Csdns::Wait qw(now_s try_until wait_until);

need_programs(qw(named nsd));
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
my $twin = Csdns::Twin->new(timeout => 60_000, pdns => { secondary => 'yes', autosecondary => 'yes', xfr_cycle_interval => 1, secondary_do_renotify => 'no' },
    csdnsd => { transaction_timeout => '20s' });
my $port = free_port();

# What comes first is the zone, or each server asks port 53 who that was.
$twin->psql("INSERT INTO domains (name, type, master) SELECT name, 'SLAVE', '127.0.0.1:$port' FROM unnest(ARRAY['a.test']) AS name");
my $SECRET = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=';
my $named = Csdns::Named->new(port => $port, keys => { 'key.test' => $SECRET }, keyed => { 'keyed.test' => 'key.test' }, notify => $twin->ports, zones => {
    'a.test' => $first, 'keyed.test' => head('keyed.test', 4),
});
my @ZONE = qw(records soa serials);

# --- into a secondary zone ---

$twin->retrieve('a.test');
$twin->arrives('a new secondary zone', 'a.test', 7);
$twin->same_tables('a new secondary zone', @ZONE);
like $twin->table('remote', 'records'), qr/a\.test\|mail\.a\.test\|A\|192\.0\.2\.1\|300\|0\|f/, 'with its records';
is $twin->pdns('remote')->dns->ask('www.a.test', 'CNAME')->{answer}[0], $twin->pdns('gpgsql')->dns->ask('www.a.test', 'CNAME')->{answer}[0], 'they are answered';
my @order = ($twin->table('remote', q{SELECT name, type, auth, coalesce(ordername, '-') FROM records WHERE type <> '' ORDER BY 1, 2, content}),
    $twin->table('gpgsql', q{SELECT name, type, auth, coalesce(ordername, '-') FROM records WHERE type <> '' ORDER BY 1, 2, content}));
is $order[0], $order[1], 'ordername and auth are as gpgsql has them';
wait_until { $twin->cluster->psql('remote', q{SELECT last_check > 0 FROM domains WHERE name = 'a.test'}) eq 't' } 10, 'the check';
pass 'it is fresh';

# --- what changes ---

(my $second = $first) =~ s/ 7 3600/ 8 3600/;
$second =~ s/^deep.*\n//m;
$second =~ s/^Mail A.*$/Mail A 192.0.2.100\n     A 192.0.2.101/m;
$named->change_zone('a.test', $second . "new A 192.0.2.6\n");
$twin->arrives('a change', 'a.test', 8);
$twin->same_tables('a change', @ZONE);
like $twin->table('remote', 'records'), qr/new\.a\.test/, 'with what is new';

# --- with TSIG ---

$twin->psql("INSERT INTO domains (name, type, master) VALUES ('keyed.test', 'SLAVE', '127.0.0.1:$port')");
$twin->retrieve('keyed.test');
try_until { $twin->pdns('remote')->log_text =~ /keyed\.test.*(?:[Rr]efused|Not Auth|NotAuth)/ } 10;
is $twin->serial('remote', 'keyed.test'), '', 'a zone that is given only to who has the key does not come';
$twin->pdnsutil("import-tsig-key key.test hmac-sha256 $SECRET");
$twin->pdnsutil('activate-tsig-key keyed.test key.test secondary', 'metadata');
$twin->retrieve('keyed.test');
$twin->arrives('a zone with TSIG', 'keyed.test', 4);
$twin->same_tables('a zone with TSIG', @ZONE);

# --- autoprimary ---

# PowerDNS asks the sender of the NOTIFY, at port 53: an address that nobody else has.
my $address = join '.', 127, map { 1 + int rand 250 } 1 .. 3;

SKIP: {
    skip 'only root has port 53', 8 if $> != 0;
    $twin->psql("INSERT INTO supermasters VALUES ('$address', 'ns.auto.test', 'prov')");
    my $autoprimary = Csdns::Nsd->new(
        address => $address, port => 53, notify => $twin->ports,
        zones => { 'auto.test' => head('auto.test', 3) . "www A 192.0.2.1\n", 'other.test' => head('other.test', 1) =~ s/NS ns\.other\.test/NS ns.elsewhere.test/r },
    );
    for my $side ($twin->sides) {
        try_until { $twin->table($side, q{SELECT count(*) FROM domains WHERE name = 'auto.test'}) } 20;
        is $twin->table($side, q{SELECT type, master, account FROM domains WHERE name = 'auto.test'}), "SLAVE|$address|prov", "a secondary zone is made ($side)";
    }
    $twin->arrives('an autoprimary zone', 'auto.test', 3);
    $twin->same_tables('an autoprimary zone', 'domains', @ZONE);
    is $twin->pdns('remote')->dns->ask('www.auto.test', 'A')->{rcode}, 'NOERROR', 'it is answered';
    for my $side ($twin->sides) {
        try_until { $twin->pdns($side)->log_text =~ /other\.test/ } 20;
        is $twin->table($side, q{SELECT count(*) FROM domains WHERE name = 'other.test'}), 0, "a zone of other name servers is not taken ($side)";
    }
}

# --- notified on ---

# A secondary with secondary-do-renotify tells others of what came, if it has to say so to somebody.
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die "udp: $!";
$twin->psql("INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'ALSO-NOTIFY', '127.0.0.1:" . $listener->sockport . q{' FROM domains WHERE name = 'a.test'});
$twin->pdns('remote')->stop;    # it would be first
my $renotifier = Csdns::Pdns->remote(socket => $twin->csdnsd->socket, name => 'renotifier', remote_dnssec => 'yes', secondary => 'yes', secondary_do_renotify => 'yes', only_notify => '');
$named->change_zone('a.test', $second =~ s/ 8 3600/ 9 3600/r);
$renotifier->control('RETRIEVE a.test');
ok scalar(IO::Select->new($listener)->can_read(20)), 'a secondary that is to notify others does';
recv $listener, my $notify, 4096, MSG_DONTWAIT;
like $notify, qr/\A..[\x20-\x27].{9}\x01a\x04test\0\0\x06\0\x01/s, 'of the zone that came';
$renotifier->stop;
$twin->pdns('remote')->start;

# --- a large one ---

my %large = map { $_ => head($_, 1) . join '', map { sprintf "n%06d A 192.0.%d.%d\n", $_, $_ / 256 % 256, $_ % 256 } 1 .. $LARGE } qw(large.test piped.test);
my $large = Csdns::Named->new(zones => \%large);

# How long it takes until the whole zone is there and answered.
sub transfers_large {
    my ($pdns, $zone, $seconds) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $twin->psql("INSERT INTO domains (name, type, master) VALUES ('$zone', 'SLAVE', '127.0.0.1:" . $large->port . "')");
    my $start = now_s();
    $pdns->control("RETRIEVE $zone");
    try_until { $twin->serial('remote', $zone) eq '1' } $seconds;
    is $twin->cluster->psql('remote', "SELECT count(*) FROM records WHERE type = 'A' AND name LIKE '%.$zone'"), $LARGE + 1, "$LARGE records have come into $zone";
    diag sprintf '%d records of %s in %.1f s', $LARGE, $zone, now_s() - $start;
    $twin->csdnsd->wait_current($twin->cluster->dbh('remote'));
    is $pdns->dns->ask(sprintf("n%06d.$zone", $LARGE), 'A')->{rcode}, 'NOERROR', 'the last one is answered';
    # It is asked for twice: by us, and because it was not fresh.
    wait_until { $twin->csdnsd->status->{transactions} == 0 } 60, 'no transaction to be left';
    return;
}

transfers_large($twin->pdns('remote'), 'large.test', 120);

# Through the pipe there is no time limit of PowerDNS' to be set.
$twin->pdns($_)->stop for $twin->sides;
my $piped = Csdns::Pdns->remote(socket => $twin->csdnsd->socket, connector => 'pipe', remote_dnssec => 'yes', secondary => 'yes');
transfers_large($piped, 'piped.test', 60);
$piped->stop;
is $twin->csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
