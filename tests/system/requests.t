#!/usr/bin/perl
# What PowerDNS sends to a remote backend, as this version spells it: everything that it can
# be made to ask is asked by a real pdns_server and pdnsutil, and written down on the way to csdnsd. The
# golden case recorded-MAJOR.MINOR of this version must have each of the spellings: a method with its
# parameters' names and types. golden.t replays it.
#
# CSDNS_WRITE_GOLDEN=1 perl tests/system/requests.t    writes request.json of that case; golden.t
#                                                      with the same writes reply.json. Read both.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON ();
use JSON::PP ();
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Named;
use Csdns::Nsd;
use Csdns::Pdns;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs pdns_version source_dir);
use Csdns::Recorder;
use Csdns::Wait qw(wait_until);

need_programs(qw(initdb csdnsd pdns_server pdns:remote pdnsutil named nsd nsupdate));

my $SECRET = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=';
my $primary_port = free_port();
my $STORE = source_dir() . '/tests/golden/recorded-4.7/store.sql';
my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql_file('store', $STORE);
$cluster->psql('store', "UPDATE domains SET master = '127.0.0.1:$primary_port' WHERE type = 'SLAVE'");
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'pdns'));
my $recorder = Csdns::Recorder->new(to => $csdnsd->socket);
my $pdns = Csdns::Pdns->remote(
    socket => $recorder->socket, timeout => 10_000, webserver => 'yes', webserver_port => free_port(), api => 'yes', api_key => 'test',
    primary => 'yes', secondary => 'yes', autosecondary => 'yes', xfr_cycle_interval => 1, only_notify => '', distributor_threads => 1,
    dnsupdate => 'yes', allow_dnsupdate_from => '127.0.0.0/8', allow_axfr_ips => '127.0.0.0/8', zone_cache_refresh_interval => 1, loglevel => 6,
);
my $dns = $pdns->dns(timeout => 10);

# Each step is waited for, so that what it sends stands behind what the one before sent.
my @recorded = ('# start', $recorder->requests);

sub step {
    my ($name, $code) = @_;
    ok eval { $code->(); wait_until { $csdnsd->status->{transactions} == 0 } 10, 'its transactions to end'; 1 }, $name or diag $@;
    push @recorded, "# $name", $recorder->requests;
    return;
}

sub util { my (@command) = @_; return step("pdnsutil @command", sub { $pdns->pdnsutil(@command) }) }
sub api { my ($method, $path, $body) = @_; return step("$method $path", sub { $pdns->api($method, $path, $body) }) }

sub refused {
    my ($method, $path, $body) = @_;
    return step("$method $path, refused", sub { eval { $pdns->api($method, $path, $body); 1 } and die "not refused\n" });
}

sub update {
    my (@lines) = @_;
    return step("update: @lines", sub {
        my $done = run_program(command => [find_program('nsupdate'), '-t', '10'], stdin => join "\n", 'server 127.0.0.1 ' . $pdns->port, 'zone a.test', @lines, 'send', '');
        die $done->{err} if $done->{status} != 0;
    });
}

# --- pdnsutil ---

util('list-all-zones');
util('add-record', 'a.test', 'new', 'A', '300', '192.0.2.4');
util('add-record', 'a.test', 'new', 'A', '300', '192.0.2.5');
util('replace-rrset', 'a.test', 'new', 'TXT', '60', '"x"');
util('delete-rrset', 'a.test', 'new', 'A');
util('list-zone', 'a.test');
util('increase-serial', 'a.test');
my $dir = temp_dir();
write_file("$dir/zone", "\$ORIGIN a.test.\n\$TTL 60\n\@ SOA ns hostmaster 7 3 2 4 1\n\@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\nx.deep.er TXT \"y\"\n*.wild A 192.0.2.3\n");
util('load-zone', 'a.test', "$dir/zone");
util('secure-zone', 'signed.test');
util('add-zone-key', 'hashed.test', 'ksk', 'active', 'published', 'ecdsa256');
util('add-zone-key', 'hashed.test', 'zsk', 'inactive', 'unpublished', 'ecdsa256');
util('activate-zone-key', 'hashed.test', '3');
util('publish-zone-key', 'hashed.test', '3');
util('set-nsec3', 'hashed.test', '1 1 1 ab');
util('show-zone', 'hashed.test');
util('rectify-zone', 'hashed.test');
util('check-zone', 'hashed.test');
util('set-meta', 'a.test', 'ALLOW-AXFR-FROM', '127.0.0.0/8', 'AUTO-NS');
util('add-meta', 'a.test', 'ALSO-NOTIFY', '127.0.0.1:9');
util('get-meta', 'a.test');
util('import-tsig-key', 'key.test', 'hmac-sha256', $SECRET);
util('list-tsig-keys');
util('activate-tsig-key', 'a.test', 'key.test', 'primary');
util('backend-cmd', 'remote', 'help');

# --- DNS ---

step("$_->[0] $_->[1]", sub { $dns->ask(@$_, do => 1)->{rcode} =~ /^(?:NOERROR|NXDOMAIN)$/ or die "no answer\n" })
    for ['www.a.test', 'A'], ['www.a.test', 'ANY'], ['none.a.test', 'A'], ['x.wild.a.test', 'A'], ['sub.signed.test', 'A'],
    ['www.signed.test', 'A'], ['none.signed.test', 'A'], ['www.hashed.test', 'A'], ['none.hashed.test', 'A'], ['er.hashed.test', 'A'];
step("transfer of $_", sub { ($dns->transfer($_))[0] or die "no zone\n" }) for qw(signed.test hashed.test);
step('transfer with TSIG', sub {
    my $done = run_program(command => [find_program('dig'), '@127.0.0.1', '-p', $pdns->port, '-y', "hmac-sha256:key.test:$SECRET", qw(a.test AXFR +noall +answer)]);
    die "$done->{out}\n" if $done->{out} !~ /\sSOA\s/;
});

# --- the HTTP API ---

my $FALSE = JSON::PP::false();
sub rrset { my ($name, $type, @contents) = @_; return { name => "$name.", type => $type, changetype => 'REPLACE', ttl => 60, records => [map { { content => $_, disabled => $FALSE } } @contents] } }
api(GET => '/zones');
api(GET => '/zones/a.test.');
api(GET => '/zones/signed.test.?rrset_name=off.signed.test.&rrset_type=A');
api(PATCH => '/zones/a.test.', { rrsets => [rrset('api.a.test', 'A', '192.0.2.1', '192.0.2.2'), rrset('api.a.test', 'MX', '10 www.a.test.')] });
api(PATCH => '/zones/a.test.', { rrsets => [{ name => 'api.a.test.', type => 'MX', changetype => 'DELETE' }] });
refused(PATCH => '/zones/a.test.', { rrsets => [rrset('api.a.test', 'CNAME', 'www.a.test.')] });
if (pdns_version() >= 5) {
    my $one = sub { my ($how, $content) = @_; return { %{ rrset('api.a.test', 'A', $content) }, changetype => $how } };
    api(PATCH => '/zones/a.test.', { rrsets => [$one->('EXTEND', '192.0.2.3')] });
    api(PATCH => '/zones/a.test.', { rrsets => [$one->('PRUNE', '192.0.2.1')] });
}
api(GET => '/search-data?q=*api.a.test*&max=20');
api(PUT => '/zones/a.test./metadata/X-ONE', { kind => 'X-ONE', metadata => ['1', '2'] });
api(GET => '/zones/a.test./metadata');
api(GET => '/zones/signed.test./cryptokeys');
api(POST => '/zones/hashed.test./cryptokeys', { keytype => 'zsk', active => $FALSE, algorithm => 'ECDSAP256SHA256' });
api(DELETE => '/zones/hashed.test./cryptokeys/4');
api(GET => '/tsigkeys');

# --- dynamic updates ---

update('update add up.a.test 60 A 192.0.2.1', 'update add up.a.test 60 A 192.0.2.2');
update('prereq yxrrset up.a.test A', 'update delete up.a.test A 192.0.2.1');
update('update delete up.a.test');

# --- keys that go ---

util('unpublish-zone-key', 'hashed.test', '3');
util('deactivate-zone-key', 'hashed.test', '3');
util('remove-zone-key', 'hashed.test', '3');
util('delete-tsig-key', 'key.test');

# --- transfers out: NOTIFY ---

step('NOTIFY', sub {
    wait_until { $cluster->psql('store', q{SELECT count(*) FROM domains WHERE name = 'a.test' AND notified_serial IS NOT NULL}) } 20, 'the serial to be notified';
});

# --- transfers in ---

sub zone { my ($name) = @_; return "\$TTL 60\n\@ SOA ns.$name. hostmaster.$name. 7 3600 600 604800 60\n\@ NS ns.$name.\nns A 192.0.2.53\nwww A 192.0.2.1\na.b.c TXT \"one\"\n\@ MX 10 www\n" }
util('set-nsec3', 'in3.test', '1 0 0 -');
util('secure-zone', 'in3.test');
my $primary = Csdns::Named->new(port => $primary_port, notify => [$pdns->port], zones => { map { $_ => zone($_) } qw(in.test in3.test) });
for my $zone (qw(in.test in3.test)) {
    step("transfer of $zone", sub {
        $pdns->control("RETRIEVE $zone");
        wait_until { $cluster->psql('store', "SELECT count(*) FROM domains d JOIN records r ON r.domain_id = d.id WHERE d.name = '$zone' AND r.type = 'MX' AND d.last_check > 0") } 20, "$zone to come";
    });
}
SKIP: {
    skip 'only root has port 53', 1 if $> != 0;
    my $auto;
    step('an autoprimary', sub {
        $auto = Csdns::Nsd->new(address => '127.9.9.9', port => 53, notify => [$pdns->port], zones => { 'auto.test' => zone('auto.test') });
        wait_until { $cluster->psql('store', q{SELECT count(*) FROM records WHERE name = 'auto.test' AND type = 'MX'}) } 20, 'its zone to come';
    });
}
$_->stop for $pdns, $primary;
push @recorded, '# the rest', $recorder->requests;
is $csdnsd->stop, 0, 'csdnsd ends well';

# --- the spellings ---

my $json = JSON->new->utf8->allow_nonref;

# "lookup(local:string,qname:string,zone-id:integer)": lists are told by their first element.
sub shape {
    my ($value) = @_;
    return 'null' if !defined $value;
    return 'boolean' if JSON::is_bool($value);
    return '{' . join(',', map { "$_:" . shape($value->{$_}) } sort keys %$value) . '}' if ref $value eq 'HASH';
    return '[' . (@$value ? shape($value->[0]) : '') . ']' if ref $value eq 'ARRAY';
    return $json->encode($value) =~ /^"/ ? 'string' : 'number';
}

sub shapes {
    my (@requests) = @_;
    my %of;
    for my $request (@requests) {
        my $object = $json->decode($request);
        $of{"$object->{method} " . shape($object->{parameters})} //= $request;
    }
    return \%of;
}

my $version = join '.', int pdns_version(), sprintf '%.0f', 1000 * (pdns_version() - int pdns_version());
my $case = source_dir() . "/tests/golden/recorded-$version";
my @requests = map {s/("path": ?")[^"]*/${1}\/run\/csdns\/csdnsd.sock/r} grep { !/^#/ } @recorded;
if ($ENV{CSDNS_WRITE_GOLDEN}) { write_case() }
open my $golden, '<', "$case/request.json" or BAIL_OUT("PowerDNS $version has no recorded requests: see the head of this file");
chomp(my @golden = <$golden>);
my ($sent, $known) = (shapes(@requests), shapes(@golden));
for my $shape (sort keys %$sent) {
    ok $known->{$shape}, 'recorded: ' . $shape or diag $sent->{$shape};
}
my %seen = map { (split)[0] => 1 } keys %$sent;
my @methods = grep { !$seen{$_} } map { (split)[0] } keys %$known;
is_deeply \@methods, [], 'each method of the recording was seen again';
done_testing;

# A question that was asked before is left out when nothing was written since.
sub write_case {
    my (%asked, @kept);
    for my $request (@requests) {
        my $method = $json->decode($request)->{method};
        if ($method =~ /^(?:lookup|APILookup|list|get\w+|searchRecords|directBackendCmd|superMasterBackend)$/) { next if $asked{$request}++ }
        elsif ($method eq 'initialize') { next if $asked{initialize}++ }
        else { %asked = (initialize => 1) }
        push @kept, $request;
    }
    mkdir $case;
    write_file("$case/request.json", map {"$_\n"} @kept);
    symlink '../recorded-4.7/store.sql', "$case/store.sql" if !-e "$case/store.sql";
    diag "wrote $case: " . @kept . ' requests';
    return;
}

sub write_file {
    my ($path, @lines) = @_;
    open my $out, '>', $path or die "$path: $!";
    print {$out} @lines;
    close $out or die "$path: $!";
    return;
}
