#!/usr/bin/perl
# Keys of zones and TSIG keys through the remote backend: pdnsutil and the HTTP
# API, beside the same commands with the gpgsql backend. What is answered with the
# keys is another test's.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP ();
use Test::More;

use Csdns::Twin;

my ($TRUE, $FALSE) = (JSON::PP::true(), JSON::PP::false());
my $twin = Csdns::Twin->new(sql => q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE'), ('c.test', 'MASTER');
    INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT id, name, 'SOA', 'ns.' || name || ' hostmaster.' || name || ' 1 10800 3600 604800 60', 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'NS', 'ns.' || name, 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'ns.' || name, 'A', '192.0.2.1', 60 FROM domains;
});

# What is shown of a zone, without what differs with the key.
sub shown {
    my ($done) = @_;
    my %text;
    for my $side ($twin->sides) {
        $text{$side} = join "\n", map { s/tag = \d+/tag/r =~ s/(?:DNSKEY|DS) = .*//r =~ s/Bits in root.*//r } sort split /\n/, $done->{$side}{out};
        $text{$side} =~ s/Metadata items:.*?\n//sg;
    }
    return is $text{remote}, $text{gpgsql}, 'it shows the same';
}

# --- pdnsutil: keys ---

$twin->pdnsutil('secure-zone a.test', qw(cryptokeys metadata));
is $twin->table('remote', q{SELECT count(*) FROM cryptokeys}), 1, 'there is a key';
like $twin->pdns('remote')->pdnsutil('show-zone', 'a.test'), qr/ID = 1 \(CSK\).*ECDSAP256SHA256/, 'and PowerDNS reads it';
shown($twin->pdnsutil('show-zone a.test'));
$twin->pdnsutil_refused('secure-zone a.test', 'cryptokeys');
$twin->pdnsutil('add-zone-key b.test ksk active unpublished ecdsa256', 'cryptokeys');
$twin->pdnsutil('add-zone-key b.test zsk inactive ecdsa384', 'cryptokeys');
$twin->pdnsutil('add-zone-key b.test zsk 1024 active rsasha256', 'cryptokeys');
shown($twin->pdnsutil('show-zone b.test'));
$twin->pdnsutil('activate-zone-key b.test 3', 'cryptokeys');
$twin->pdnsutil('deactivate-zone-key b.test 4', 'cryptokeys');
$twin->pdnsutil('publish-zone-key b.test 2', 'cryptokeys');
$twin->pdnsutil('unpublish-zone-key b.test 3', 'cryptokeys');
shown($twin->pdnsutil('show-zone b.test'));
$twin->pdnsutil('remove-zone-key b.test 3', 'cryptokeys');
# gpgsql says that it is done.
ok $twin->pdns('remote')->try_pdnsutil('remove-zone-key', 'b.test', '77')->{status} != 0, 'a key that is not there cannot be removed';
$twin->pdnsutil_refused('export-zone-key b.test 77');
$twin->pdnsutil('list-keys b.test');
$twin->pdnsutil('disable-dnssec a.test', 'cryptokeys');

# --- pdnsutil: NSEC3 and the like ---

$twin->pdnsutil('secure-zone a.test', 'cryptokeys');
$twin->pdnsutil(['set-nsec3', 'a.test', '1 0 0 -'], 'metadata');
$twin->pdnsutil('show-zone a.test');
$twin->pdnsutil(['set-nsec3', 'a.test', '1 1 1 ab', 'narrow'], 'metadata');
$twin->pdnsutil('rectify-zone a.test', qw(records metadata));
$twin->pdnsutil('unset-nsec3 a.test', 'metadata');
$twin->pdnsutil('set-presigned a.test', 'metadata');
$twin->pdnsutil('unset-presigned a.test', 'metadata');
$twin->pdnsutil('set-publish-cds a.test', 'metadata');
$twin->pdnsutil('set-publish-cdnskey a.test', 'metadata');
$twin->pdnsutil('unset-publish-cds a.test', 'metadata');
$twin->pdnsutil('check-zone a.test');

# --- pdnsutil: TSIG ---

$twin->pdnsutil('import-tsig-key Key.Test hmac-sha256 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=', 'tsigkeys');
my $list = $twin->pdnsutil('list-tsig-keys');
is $list->{remote}{out}, $list->{gpgsql}{out}, 'list-tsig-keys says the same';
like $list->{remote}{out}, qr/^key\.test\. hmac-sha256\. QUJD/m, 'and has it';
$twin->pdnsutil('generate-tsig-key other.test hmac-sha512', 'tsignames');
$twin->pdnsutil('activate-tsig-key c.test key.test primary', 'metadata');
$twin->pdnsutil('deactivate-tsig-key c.test key.test primary', 'metadata');
$twin->pdnsutil('delete-tsig-key other.test', 'tsigkeys');

# --- HTTP API ---

$twin->api(POST => '/zones/c.test./cryptokeys', { keytype => 'csk', active => $TRUE, algorithm => 'ecdsa256' }, 'cryptokeys');
my $keys = $twin->api(GET => '/zones/c.test./cryptokeys');
is_deeply [map { [@$_{qw(id keytype active published flags algorithm)}] } @{ $keys->{remote}{reply} }],
    [map { [@$_{qw(id keytype active published flags algorithm)}] } @{ $keys->{gpgsql}{reply} }], 'the API shows the same keys';
my $id = $keys->{remote}{reply}[0]{id};
$twin->api(PUT => "/zones/c.test./cryptokeys/$id", { active => $FALSE, published => $FALSE }, 'cryptokeys');
$twin->api(PUT => "/zones/c.test./cryptokeys/$id", { active => $TRUE }, 'cryptokeys');
$twin->api(DELETE => "/zones/c.test./cryptokeys/$id", undef, 'cryptokeys');
$twin->api(POST => '/tsigkeys', { name => 'api.test', algorithm => 'hmac-sha256', key => 'QUJDREVG' }, 'tsigkeys');
my $tsig = $twin->api(GET => '/tsigkeys/api.test.');
is_deeply $tsig->{remote}{reply}, $tsig->{gpgsql}{reply}, 'the API shows the same TSIG key';
$twin->api(DELETE => '/tsigkeys/api.test.', undef, 'tsigkeys');
$twin->api_refused(422, PUT => '/zones/c.test.', { nsec3param => '1 0 0 -' }, 'metadata');
is $twin->csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
