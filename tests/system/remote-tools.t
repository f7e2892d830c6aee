#!/usr/bin/perl
# pdnsutil's writes through the remote backend, beside the same ones through
# PowerDNS' gpgsql backend.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(pdns_version);
use Csdns::Twin;

my $twin = Csdns::Twin->new(sql => q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'MASTER');
    INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT id, name, 'SOA', 'ns.' || name || ' hostmaster.' || name || ' 1 10800 3600 604800 60', 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'NS', 'ns.' || name, 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'ns.' || name, 'A', '192.0.2.1', 60 FROM domains;
});
my @ZONE = qw(records soa serials comments);

# --- records ---

$twin->pdnsutil('add-record a.test www A 300 192.0.2.2', @ZONE);
$twin->pdnsutil('add-record a.test www A 300 192.0.2.3 192.0.2.4', @ZONE);
like $twin->table('remote', 'records'), qr/www\.a\.test\|A\|192\.0\.2\.2\|300\|0\|f\n.*192\.0\.2\.3.*\n.*192\.0\.2\.4/, 'all three are there';
$twin->pdnsutil(['add-record', 'a.test', '@', 'MX', '3600', '10 Mail.a.test.'], @ZONE);
$twin->pdnsutil(['add-record', 'a.test', '_s._tcp', 'SRV', '3600', '0 5 5060 sip.a.test'], @ZONE);
$twin->pdnsutil(['add-record', 'a.test', 'text', 'TXT', '3600', '"one; \\"two\\"" "three \\\\ four"'], @ZONE);
$twin->pdnsutil(['replace-rrset', 'a.test', 'www', 'A', '60', '192.0.2.9'], @ZONE);
$twin->pdnsutil_refused('replace-rrset a.test www A 60 192.0.2.300', @ZONE);
$twin->pdnsutil_refused('add-record a.test www CNAME 60 x.a.test', @ZONE);
$twin->pdnsutil('add-record a.test UPPER.Sub A 60 192.0.2.5', @ZONE);
$twin->pdnsutil(['add-record', 'a.test', 'q\\.x', 'A', '60', '192.0.2.5'], @ZONE);
$twin->pdnsutil('delete-rrset a.test www A', @ZONE);
$twin->pdnsutil('delete-rrset a.test nothing A', @ZONE);
$twin->pdnsutil('increase-serial a.test', @ZONE);
# It writes rows for empty non-terminals there, which moves the serial, and nothing here.
$twin->pdnsutil('rectify-zone a.test', qw(records soa));
$twin->pdnsutil('check-zone a.test');
$twin->pdnsutil('list-all-zones');
is_deeply [sort split /\n/, $twin->pdns('remote')->pdnsutil('list-all-zones')], [sort split /\n/, $twin->pdns('gpgsql')->pdnsutil('list-all-zones')], 'the same zones';

# --- a zone from a file ---

my $dir = temp_dir();
open my $file, '>', "$dir/zone" or die "zone: $!";
print {$file} <<'ZONE';
$ORIGIN a.test.
$TTL 1h
@ IN SOA ns hostmaster 2024010101 3h 1h 1w 1h
@ NS ns
@ MX 10 mail
Ns A 192.0.2.1
mail A 192.0.2.2
deep.er.name TXT "x" "y"
*.wild CNAME mail
sub NS ns.sub
ns.sub A 192.0.2.3
ZONE
close $file;
$twin->pdnsutil("load-zone a.test $dir/zone", @ZONE);
like $twin->table('remote', 'records'), qr/deep\.er\.name\.a\.test\|TXT\|"x" "y"\|3600/, 'the file is in the tables';
unlike $twin->table('remote', 'records'), qr/sip/, 'and what was there before is not';

# --- records as PowerDNS 5 spells the commands ---

if (pdns_version() >= 5) {
    $twin->pdnsutil('rrset add a.test five.a.test A 300 192.0.2.2', @ZONE);
    $twin->pdnsutil('rrset add a.test five.a.test A 300 192.0.2.3 192.0.2.4', @ZONE);
    like $twin->table('remote', 'records'), qr/five\.a\.test\|A\|192\.0\.2\.2\|300\|0\|f\n.*192\.0\.2\.3.*\n.*192\.0\.2\.4/, 'all three are there';
    $twin->pdnsutil('rrset replace a.test five.a.test A 60 192.0.2.9', @ZONE);
    $twin->pdnsutil('rrset delete a.test five.a.test A', @ZONE);
    unlike $twin->table('remote', 'records'), qr/five/, 'none is there';
    $twin->pdnsutil('zone increase-serial a.test', @ZONE);
    $twin->pdnsutil("zone load a.test $dir/zone", @ZONE);
}

# --- metadata ---

$twin->pdnsutil('set-meta a.test ALLOW-AXFR-FROM 192.0.2.0/24 AUTO-NS', 'metadata');
$twin->pdnsutil('add-meta a.test ALLOW-AXFR-FROM 2001:db8::/32', 'metadata');
my $meta = $twin->pdnsutil('get-meta a.test');
is $meta->{remote}{out}, $meta->{gpgsql}{out}, 'get-meta says the same';
$twin->pdnsutil('set-meta a.test X-OTHER 1', 'metadata');
$twin->pdnsutil('set-meta a.test ALLOW-AXFR-FROM', 'metadata');
$twin->pdnsutil_refused('set-meta a.test X-' . 'K' x 40 . ' 1');
$twin->same_tables('a kind that is too long', 'metadata');

# --- the rest as PowerDNS 5 spells it ---

if (pdns_version() >= 5) {
    $twin->pdnsutil('metadata set a.test X-FIVE 1 2', 'metadata');
    $twin->pdnsutil('metadata add a.test X-FIVE 3', 'metadata');
    like $twin->pdnsutil('metadata get a.test')->{remote}{out}, qr/^X-FIVE = 1, 2, 3$/m, 'metadata get';
    $twin->pdnsutil('zone secure a.test', 'cryptokeys');
    $twin->pdnsutil('zone add-key a.test zsk inactive ecdsa256', 'cryptokeys');
    $twin->pdnsutil("zone $_-key a.test 2", 'cryptokeys') for qw(activate deactivate unpublish publish);
    like $twin->pdnsutil('zone show a.test')->{remote}{out}, qr/ID = 1 \(CSK\).*ECDSAP256SHA256/, 'zone show';
    $twin->pdnsutil('zone list-keys a.test');
    $twin->pdnsutil(['zone', 'set-nsec3', 'a.test', '1 0 0 -'], 'metadata');
    $twin->pdnsutil('zone rectify a.test', qw(records metadata));
    $twin->pdnsutil('zone check a.test');
    $twin->pdnsutil('zone unset-nsec3 a.test', 'metadata');
    $twin->pdnsutil('zone remove-key a.test 2', 'cryptokeys');
    $twin->pdnsutil('zone dnssec-disable a.test', 'cryptokeys');
    $twin->pdnsutil('tsigkey import five.test hmac-sha256 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=', 'tsigkeys');
    like $twin->pdnsutil('tsigkey list')->{remote}{out}, qr/^five\.test\. hmac-sha256\./m, 'tsigkey list';
    $twin->pdnsutil('tsigkey activate a.test five.test primary', 'metadata');
    $twin->pdnsutil('tsigkey delete five.test', 'tsigkeys');
    my $list = $twin->pdnsutil('zone list a.test');
    is_deeply [sort grep { !/SOA/ } split /\n/, $list->{remote}{out}], [sort grep { !/SOA/ } split /\n/, $list->{gpgsql}{out}], 'zone list: the same';
    my $all = $twin->pdnsutil('zone list-all');
    is_deeply [sort split /\n/, $all->{remote}{out}], [sort split /\n/, $all->{gpgsql}{out}], 'zone list-all: the same';
}

# --- backend-cmd ---

like $twin->pdns('remote')->pdnsutil('backend-cmd', 'remote', 'status'), qr/^database following$/m, 'pdnsutil backend-cmd: status';
like $twin->pdns('remote')->pdnsutil('backend-cmd', 'remote', 'version'), qr/^csdns /m, 'version';
like $twin->pdns('remote')->pdnsutil('backend-cmd', 'remote', 'help'), qr/^reload /m, 'help';
is $twin->csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
