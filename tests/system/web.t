#!/usr/bin/perl
# PowerDNS' HTTP connector: a real pdns_server over it, beside one over the Unix socket;
# transactions, peers that go, and peers that are no PowerDNS.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use HTTP::Tiny;
use IO::Socket::INET;
use JSON ();
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Remote;
use Csdns::Wait qw(now_s try_until wait_until);

need_programs(qw(initdb csdnsd pdns_server pdns:remote pdnsutil nsupdate));
my $LARGE = 20_000;
my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', qq{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('large.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.a.test hostmaster.a.test 1 10800 3600 604800 60', 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'NS', 'ns.a.test', 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'ns.a.test', 'A', '192.0.2.1', 60), (1, 'www.a.test', 'A', '192.0.2.2', 60);
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT 2, 'n' || i || '.large.test', 'A', '192.0.2.3', 60 FROM generate_series(1, $LARGE) i});
my $port = free_port();
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'pdns'), http => "127.0.0.1:$port", max_request => '64k');
my $url = "http://127.0.0.1:$port/dns";

# --- pdns_server ---

my %options = (timeout => 20_000, dnsupdate => 'yes', allow_dnsupdate_from => '127.0.0.0/8', allow_axfr_ips => '127.0.0.0/8');
my @servers = (
    [unix => Csdns::Pdns->remote(socket => $csdnsd->socket, %options, name => 'unix')],
    [pipe => Csdns::Pdns->remote(connector => 'pipe', socket => $csdnsd->socket, %options, name => 'pipe')],
    [http => Csdns::Pdns->remote(connector => 'http', http => $port, %options, name => 'http')],
    [form => Csdns::Pdns->remote(connector => 'http', http => $port, form => 1, %options, name => 'form')],
);

sub update {
    my ($pdns, @lines) = @_;
    my $done = run_program(command => [find_program('nsupdate'), '-t', '20'], stdin => join "\n", 'server 127.0.0.1 ' . $pdns->port, 'zone a.test', @lines, 'send', '');
    return $done->{status} == 0 ? 'done' : $done->{err} =~ /update failed: (\w+)/ ? $1 : $done->{err};
}

for my $server (@servers) {
    my ($name, $pdns) = @$server;
    is update($pdns, "update add $name.a.test 60 A 192.0.2.9", "update add $name.a.test 60 A 192.0.2.10"), 'done', "$name: an update";
    is update($pdns, 'prereq yxdomain none.a.test', "update add no-$name.a.test 60 A 192.0.2.9"), 'NXDOMAIN', "$name: one whose prerequisite does not hold";
    $pdns->pdnsutil('set-meta', 'a.test', 'X-OF', $name);
    is $cluster->psql('store', q{SELECT content FROM domainmetadata WHERE kind = 'X-OF'}), $name, "$name: metadata are written";
    like $pdns->pdnsutil('add-zone-key', 'a.test', 'zsk', 'inactive', 'ecdsa256'), qr/^\d+$/m, "$name: a key";
    $pdns->pdnsutil('remove-zone-key', 'a.test', $cluster->psql('store', 'SELECT max(id) FROM cryptokeys'));
    is $cluster->psql('store', 'SELECT count(*) FROM cryptokeys'), 0, "$name: and no key";
    like $pdns->pdnsutil('backend-cmd', 'remote', 'version'), qr/^csdns \d/m, "$name: a command";
}
my @questions = (['www.a.test', 'A'], ['none.a.test', 'A'], ['a.test', 'SOA'], ['n7.large.test', 'ANY'], ['www.b.test', 'A'], map { ["$_->[0].a.test", 'A'] } @servers);
my @expected = map { $servers[0][1]->dns->ask(@$_)->{text} } @questions;
my @zone = sort @{ ($servers[0][1]->dns(timeout => 60)->transfer('a.test'))[0] };
for my $server (@servers[1 .. 3]) {
    my ($name, $pdns) = @$server;
    my @got = map { $pdns->dns->ask(@$_)->{text} } @questions;
    is_deeply \@got, \@expected, "$name: the same answers as over the Unix socket";
    is_deeply [sort @{ ($pdns->dns(timeout => 60)->transfer('a.test'))[0] // [] }], \@zone, "$name: the same zone";
    my $start = now_s();
    is scalar @{ ($pdns->dns(timeout => 60)->transfer('large.test'))[0] // [] }, $LARGE + 3, sprintf '%s: a large zone, in %.1f s', $name, now_s() - $start;
}
$_->[1]->stop for @servers;

# --- transactions, and peers that go ---

sub peer { return Csdns::Remote->new(http => $port, initialize => 0, @_) }

sub begin { my ($peer) = @_; return $peer->call('startTransaction', domain => 'a.test.', domain_id => 1, trxid => 7) }

sub replace {
    my ($peer, $name) = @_;
    return $peer->call('replaceRRSet', domain_id => 1, qname => "$name.a.test.", qtype => 'A', trxid => 7,
        rrset => [{ qtype => 'A', qname => "$name.a.test.", content => '192.0.2.7', ttl => 60, auth => JSON::true() }]);
}

sub count { my ($name) = @_; return $cluster->psql('store', "SELECT count(*) FROM records WHERE name = '$name.a.test'") }

my ($one, $other) = (peer(), peer());
ok begin($one), 'a transaction';
ok replace($one, 'one'), 'with a record set';
ok !$other->call('commitTransaction', trxid => 7), 'belongs to its connection, whatever the number';
is count('one'), 0, 'and nothing is there before the commit';
is scalar(() = $one->lookup('one.a.test', 'A')), 1, 'but for who wrote it';
is scalar(() = $other->lookup('one.a.test', 'A')), 0, 'and for nobody else';
ok $one->call('commitTransaction', trxid => 7), 'it is committed';
is scalar(() = $other->lookup('one.a.test', 'A')), 1, 'and seen';
ok begin($one), 'another one';
ok replace($one, 'gone'), 'with a record set';
is $csdnsd->status->{transactions}, 1, 'is open';
undef $one;
wait_until { $csdnsd->status->{transactions} == 0 } 10, 'it to end with its connection';
is count('gone'), 0, 'nothing of it is left';

sub post_raw {
    my ($text, %more) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $!";
    my $type = $more{type} // 'text/javascript';
    syswrite $socket, sprintf "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s", $more{path} // '/dns', $type, $more{headers} // '', length $text, $text;
    return $socket;
}

# Who goes while his write waits for a lock, and while he is sent a zone.
my $lock = $cluster->dbh('store');
$lock->begin_work;
$lock->do('LOCK TABLE domainmetadata IN ACCESS EXCLUSIVE MODE');
my @going = map { post_raw('{"method":"setDomainMetadata","parameters":{"name":"a.test.","kind":"X-GONE","value":["1"]}}') } 1 .. 3;
try_until { $cluster->psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'}) > 0 } 10;
@going = ();
$lock->rollback;
for (1 .. 5) {
    my $socket = post_raw('{"method":"list","parameters":{"zonename":"large.test.","domain_id":2}}');
    sysread $socket, my $some, 1000;
    like $some, qr/^HTTP\/1\.1 200.*chunked/s, 'a list comes in chunks';
    close $socket;
}
wait_until { $csdnsd->status->{http_connections} <= 1 } 10, 'they to be gone';
pass 'peers that go leave nothing';

# --- peers that are no PowerDNS ---

my $agent = HTTP::Tiny->new(timeout => 10);
is $agent->get("$url/lookup/www.a.test/A")->{status}, 405, 'without post=1: 405';
is $agent->post($url, { content => 'no JSON', headers => { 'Content-Type' => 'text/javascript' } })->{status}, 400, 'no JSON: 400';
my $origin = $agent->post($url, { content => '{"method":"getAllDomains"}', headers => { Origin => 'http://www.example', 'Content-Type' => 'text/plain' } });
is $origin->{status}, 403, 'a browser: 403';
my $form = { 'Content-Type' => 'application/x-www-form-urlencoded' };
for my $bad (['/lookup', ''], ['/lookup', 'parameter=1'], ['/lookup', 'parameters=%zz'], ['/lookup', "parameters={}\0"], ['/', 'parameters={}'], ['/look%20up', 'parameters={}'],
    ['/' . 'x' x 64, 'parameters={}'], ['/lookup"x', 'parameters={}'], ['/lookup', 'parameters={'], ['/lookup', 'parameters={}},"method":"x"']) {
    my $reply = $agent->post("$url$bad->[0]", { content => $bad->[1], headers => $form });
    like $reply->{status}, qr/^4/, "form \"$bad->[1]\" at $bad->[0]: $reply->{status}";
    unlike $reply->{content}, qr/"result":(?!false)/, 'without a result';
}
like $agent->post("$url/x.y/getDomainInfo.json", { content => 'parameters=%7B%22name%22%3A+%22a.test.%22%7D', headers => $form })->{content}, qr/"zone":"a\.test/, 'a suffix, and a plus for a space';
is $agent->post($url, { content => '{"method":"directBackendCmd","parameters":{"query":"version"' . ' ' x 70_000 . '}}' })->{status}, 400, 'over max-request: 400';
is $agent->post($url, { content => 'x' x 300_000 })->{status}, 413, 'far over it: 413';
is $agent->post($url, { content => '' })->{status}, 400, 'nothing: 400';
like peer()->call('directBackendCmd', query => 'version'), qr/^csdns/, 'it goes on';

# --- the option ---

for my $wrong ('0.0.0.0:1', '192.0.2.1:80', '[::]:1', 'localhost:1', '127.0.0.1', '127.0.0.1:0') {
    my $done = Csdns::Csdnsd->run("--http=$wrong", '--check');
    is $done->{status} >> 8, 2, "--http=$wrong is refused";
    like $done->{err}, qr/could not use http "\Q$wrong\E": it /, 'with a reason';
}
is $_->[1], 0, "--http=$_->[0] is right" for map { [$_, Csdns::Csdnsd->run("--http=$_", '--check')->{status}] } '127.0.0.1:1', '127.9.9.9:1', '[::1]:1', '8053';
my $busy = Csdns::Csdnsd->run('--socket=' . $csdnsd->dir . '/second.sock', "--http=127.0.0.1:$port");
is $busy->{status} >> 8, 1, 'a port that is taken ends it';
like $busy->{err}, qr/could not listen on "127\.0\.0\.1:$port"/, 'with the reason';
is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
