#!/usr/bin/perl
# The HTTP API of PowerDNS, writing through the remote backend, beside the same
# requests with the gpgsql backend.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP ();
use Test::More;

use Csdns::Programs qw(pdns_version);
use Csdns::Twin;

my ($TRUE, $FALSE) = (JSON::PP::true(), JSON::PP::false());
my $twin = Csdns::Twin->new(sql => q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'MASTER');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 10800 3600 604800 60', 60),
        (1, 'a.test', 'NS', 'ns.a.test', 60), (1, 'ns.a.test', 'A', '192.0.2.1', 60);
});
my @ZONE = qw(records soa serials);

sub set {
    my ($name, $type, $changetype, @contents) = @_;
    return { name => "$name.", type => $type, changetype => $changetype,
        $changetype eq 'REPLACE' ? (ttl => 120, records => [map { { content => $_, disabled => $FALSE } } @contents]) : () };
}
sub patch { my (@sets) = @_; return $twin->api(PATCH => '/zones/a.test.', { rrsets => \@sets }, @ZONE) }
sub patch_refused { my (@sets) = @_; return $twin->api_refused(422, PATCH => '/zones/a.test.', { rrsets => \@sets }, @ZONE) }

# 5.1.5's API takes a level of escapes off.
my $QUOTE = pdns_version() >= 5 ? '\\\\\\"' : '\\"';

# --- record sets ---

patch(set('www.a.test', 'A', 'REPLACE', '192.0.2.1', '192.0.2.2'));
like $twin->table('remote', 'records'), qr/www\.a\.test\|A\|192\.0\.2\.1.*\n.*192\.0\.2\.2/, 'both addresses';
patch(set('mail.a.test', 'MX', 'REPLACE', '10 ns.a.test.'), set('text.a.test', 'TXT', 'REPLACE', qq{"one" "tw${QUOTE}o"}),
    set('WWW.a.test', 'A', 'DELETE'), set('_x._tcp.a.test', 'SRV', 'REPLACE', '1 2 3 ns.a.test.'));
like $twin->table('remote', 'records'), qr/text\.a\.test\|TXT\|"one" "tw\\"o"/, 'text with a quote in it';
patch(set('www.a.test', 'CNAME', 'REPLACE', 'ns.a.test.'));
patch_refused(set('www.a.test', 'A', 'REPLACE', '192.0.2.1'));
patch_refused(set('bad.a.test', 'A', 'REPLACE', '192.0.2.300'));
patch_refused(set('good.a.test', 'A', 'REPLACE', '192.0.2.4'), set('www.b.test', 'A', 'REPLACE', '192.0.2.1'));
patch_refused(set('good.a.test', 'A', 'REPLACE', '192.0.2.4'), set('ns.a.test', 'CNAME', 'REPLACE', 'www.a.test.'));
patch(set('nothing.a.test', 'A', 'DELETE'));
patch(set('a.test', 'SOA', 'REPLACE', 'ns.a.test. hostmaster.a.test. 2024010101 10800 3600 604800 60'));
patch(set('deep.er.still.a.test', 'AAAA', 'REPLACE', '2001:db8::1'), set('*.wild.a.test', 'A', 'REPLACE', '192.0.2.7'));
# One record of a set (4.9.12, 5.0.2 and later).
if (pdns_version() >= 5) {
    my $one = sub { my ($how, $name, $type, $content) = @_; return { %{ set($name, $type, 'REPLACE', $content) }, changetype => $how } };
    patch(set('one.a.test', 'A', 'REPLACE', '192.0.2.1', '192.0.2.2'));
    patch($one->('EXTEND', 'one.a.test', 'A', '192.0.2.3'));
    like $twin->table('remote', 'records'), qr/one\.a\.test\|A\|192\.0\.2\.1.*\n.*192\.0\.2\.2.*\n.*192\.0\.2\.3/, 'EXTEND adds one';
    patch($one->('EXTEND', 'one.a.test', 'A', '192.0.2.3'));
    patch($one->('PRUNE', 'one.a.test', 'A', '192.0.2.1'));
    unlike $twin->table('remote', 'records'), qr/one\.a\.test\|A\|192\.0\.2\.1/, 'PRUNE removes one';
    patch($one->('PRUNE', 'one.a.test', 'A', '192.0.2.77'));
    patch(map { $one->(@$_) } ['EXTEND', 'one.a.test', 'A', '192.0.2.4'], ['PRUNE', 'one.a.test', 'A', '192.0.2.3'], ['EXTEND', 'one.a.test', 'A', '192.0.2.5']);
    patch($one->('EXTEND', 'made.a.test', 'MX', '10 ns.a.test.'), $one->('EXTEND', 'text.a.test', 'TXT', '"three"'));
    patch($one->('PRUNE', 'made.a.test', 'MX', '10 ns.a.test.'));
    patch_refused($one->('EXTEND', 'one.a.test', 'A', '192.0.2.300'));
    $twin->psql(q{INSERT INTO records (domain_id, name, type, content, ttl, disabled) VALUES (1, 'one.a.test', 'A', '192.0.2.99', 120, true)});
    patch($one->('EXTEND', 'one.a.test', 'A', '192.0.2.6'));
}

my $zone = $twin->api(GET => '/zones/a.test.');

sub rrsets { my ($side) = @_; return { map { ("$_->{name} $_->{type}" => $_->{type} eq 'SOA' ? '' : [$_->{ttl}, sort map { $_->{content} } @{ $_->{records} }]) } @{ $zone->{$side}{reply}{rrsets} } } }
is_deeply rrsets('remote'), rrsets('gpgsql'), 'the zone as the API shows it';
cmp_ok scalar(keys %{ rrsets('remote') }), '>', 6, 'with what was written';

# --- search ---

sub found {
    my ($found) = @_;
    return [sort map { join ' ', $_->{object_type}, $_->{name}, $_->{type} // '', $_->{object_type} eq 'record' ? ($_->{content}, $_->{ttl}) : () } grep { ($_->{type} // '') ne 'SOA' } @{ $found->{reply} }];
}
for my $query ('q=*a.test&max=100', 'q=n?.a.test&max=10&object_type=record', 'q=192.0.2.7&max=10', 'q=a.test&max=10&object_type=zone', 'q=nothing*&max=10') {
    my $found = $twin->api(GET => "/search-data?$query");
    is_deeply found($found->{remote}), found($found->{gpgsql}), "search-data $query: the same";
    cmp_ok scalar @{ found($found->{remote}) }, '>', 0, 'and something' if $query !~ /nothing/;
}

# --- settings ---

$twin->api(PUT => '/zones/a.test./metadata/ALLOW-AXFR-FROM', { kind => 'ALLOW-AXFR-FROM', metadata => ['192.0.2.0/24', '::1'] }, 'metadata');
$twin->api(POST => '/zones/a.test./metadata', { kind => 'ALSO-NOTIFY', metadata => ['192.0.2.9'] }, 'metadata');
$twin->api(POST => '/zones/a.test./metadata', { kind => 'ALSO-NOTIFY', metadata => ['192.0.2.10'] }, 'metadata');
my $metadata = $twin->api(GET => '/zones/a.test./metadata');
is_deeply [sort map { "$_->{kind} @{ $_->{metadata} }" } @{ $metadata->{remote}{reply} }], [sort map { "$_->{kind} @{ $_->{metadata} }" } @{ $metadata->{gpgsql}{reply} }],
    'metadata as the API shows it';
$twin->api(DELETE => '/zones/a.test./metadata/ALSO-NOTIFY', undef, 'metadata');
is $twin->csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
