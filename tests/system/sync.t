#!/usr/bin/perl
# csdns-sync, from an event to the DNS answer: a webhook comes, the cloud's API is
# asked, the facts follow, and what PowerDNS answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Digest::SHA qw(hmac_sha256_base64);
use IO::Socket::INET;
use JSON::PP ();
use Test::More;

use Csdns::CloudStack;
use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Programs qw(need_programs);
use Csdns::Sync;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdnsd csdns-sync pdns_server pdns:remote));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', <<'SQL');
CREATE ROLE csdns_feeder LOGIN IN ROLE csdns_sync;
INSERT INTO domains (name, type) VALUES ('acme.test', 'NATIVE'), ('other.test', 'NATIVE'), ('2.0.192.in-addr.arpa', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, name, 'SOA', 'ns.acme.test hostmaster.acme.test 1 3600 600 86400 60', 60 FROM domains;
SQL
my $dbh = $cluster->dbh('store');
my $cloud = Csdns::CloudStack->new;
$cloud->account(1, networkdomain => 'acme.test');
$cloud->account(2, networkdomain => 'other.test');
$cloud->network(1);
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));
my $pdns = Csdns::Pdns->remote(socket => $csdnsd->socket, cache_ttl => 0, query_cache_ttl => 0, negquery_cache_ttl => 0);
my $sync = Csdns::Sync->start(cloud => $cloud, db => $cluster->conninfo('store', 'csdns_feeder'), worker_name => 'one');

sub answer {
    my ($name, $type) = @_;
    my $reply = $pdns->dns->ask($name, $type // 'A');
    return join ' ', $reply->{rcode}, sort map { (split / /, $_, 5)[-1] } @{ $reply->{answer} };
}

sub answers {
    my ($name, $expected, $what) = @_;
    my $is_there = try_until { answer($name) eq $expected } 10;
    ok $is_there, $what or diag answer($name);
    return;
}

sub deliver {
    my ($type, $class, $uuid, %more) = @_;
    return $cloud->deliver($sync->webhook_url, $cloud->action($type, $class, $uuid, %more), secret => $sync->{secret});
}

sub vm_event { my ($type, $n, %more) = @_; return deliver($type, 'VirtualMachine', Csdns::CloudStack::uuid('i', $n), %more) }

# Nothing to do, no drift, and the facts are what the cloud is.
sub settled {
    my ($what) = @_;
    $sync->wait_idle($dbh);
    is $dbh->selectrow_array('SELECT count(*) FROM csdns.drift'), 0, "$what: no drift";
    my $there = $cloud->control(cloud => 1)->{cloud}{virtualmachine};
    my $expected = join ', ', sort map { "$_->{name} $_->{state} " . join '/', map { $_->{ipaddress} } @{ $_->{nic} } } values %$there;
    my $facts = join ', ', sort map { $_->[0] } @{ $dbh->selectall_arrayref(q{
        SELECT format('%s %s %s', i.name, i.state, (SELECT string_agg(host(n.ip4), '/' ORDER BY n.ip4) FROM csdns.nic n WHERE n.instance = i.uuid))
          FROM csdns.instance i WHERE i.removed IS NULL}) };
    is $facts, $expected, "$what: facts as in the cloud";
    return;
}

# one instance's life
$cloud->vm(1);
is vm_event('VM.CREATE', 1, status => 'Scheduled')->{content}, qq({"outcome":"early"}\n), 'what has not happened yet is no news';
my $sent = vm_event('VM.CREATE', 1);
is "$sent->{ok} $sent->{tries} $sent->{content}", qq(1 1 {"outcome":"taken"}\n), 'a webhook is taken at the first try';
answers('vm1.acme.test', 'NOERROR 192.0.2.1', 'a new instance has its name');
is answer('1.2.0.192.in-addr.arpa', 'PTR'), 'NOERROR vm1.acme.test.', 'and its address points back';
$cloud->vm(1, ip => '192.0.2.101');
vm_event('NIC.UPDATE', 1);
answers('vm1.acme.test', 'NOERROR 192.0.2.101', 'another address');
$cloud->vm(1, name => 'web1', ip => '192.0.2.101');
vm_event('VM.UPDATE', 1);
answers('web1.acme.test', 'NOERROR 192.0.2.101', 'another name');
is answer('vm1.acme.test'), 'NXDOMAIN', 'the old one is gone';
$cloud->vm(1, name => 'web1', ip => '192.0.2.101', account => 'account2');
vm_event('VM.MOVE', 1);
answers('web1.other.test', 'NOERROR 192.0.2.101', 'another owner');
$cloud->vm(1, name => 'web1', ip => '192.0.2.101', account => 'account2', state => 'Destroyed');
vm_event('VM.DESTROY', 1);
answers('web1.other.test', 'NXDOMAIN', 'destroyed');
$cloud->vm(1, name => 'web1', ip => '192.0.2.101', account => 'account2', state => 'Stopped');
vm_event('VM.RECOVER', 1);
answers('web1.other.test', 'NOERROR 192.0.2.101', 'recovered');
vm_event('VM.DESTROY', 1, description => 'Error while destroying Vm');
settled('a failed destroy');
is answer('web1.other.test'), 'NOERROR 192.0.2.101', 'changes nothing';
$cloud->remove(virtualmachine => Csdns::CloudStack::uuid('i', 1));
vm_event('VM.EXPUNGE', 1);
answers('web1.other.test', 'NXDOMAIN', 'expunged');
settled('a life');

# replays, and many events of one
$cloud->vm(2);
my $event = $cloud->action('VM.START', 'VirtualMachine', Csdns::CloudStack::uuid('i', 2));
my @outcomes = map { $cloud->deliver($sync->webhook_url, $event, secret => $sync->{secret}, id => 'same')->{content} } 1 .. 3;
is join('', @outcomes), qq({"outcome":"taken"}\n) . qq({"outcome":"replay"}\n) x 2, 'a replay is told';
answers('vm2.acme.test', 'NOERROR 192.0.2.2', 'and done once');

# bad input
for my $bad (
    ['no signature', {}, 401], ['a wrong signature', { secret => 'wrong' }, 401], ['not JSON', { secret => $sync->{secret}, raw => '{"event":' }, 400],
    ['no object', { secret => $sync->{secret}, raw => '[1]' }, 400], ['too long', { secret => $sync->{secret}, raw => '{"x":"' . 'x' x 100_000 . '"}' }, 413],
    ['not a uuid', { secret => $sync->{secret}, raw => '{"event":"VM.START","status":"Completed","entity":"VirtualMachine","entityuuid":"1 OR 1"}' }, 400],
) {
    my ($what, $how, $status) = @$bad;
    is $cloud->deliver($sync->webhook_url, $event, %$how, tries => 1)->{status}, $status, "$what: $status";
}
is $cloud->deliver($sync->webhook_url, undef, secret => $sync->{secret}, raw => '{ "CloudStack": "works!" }')->{ok}, 1, 'a test delivery';
is $cloud->deliver($sync->webhook_url, { event => 'MOON.RISE', status => 'Completed' }, secret => $sync->{secret})->{content}, qq({"outcome":"ignored"}\n),
    'an event of no concern';

# An id that is none: the event is taken. HTTP::Tiny sends no such header.
sub deliver_raw {
    my ($id) = @_;
    my ($host, $path) = $sync->webhook_url =~ m{^http://([^/]+)(/.*)};
    my $body = JSON::PP->new->encode($event);
    my $signature = hmac_sha256_base64($body, $sync->{secret}) . '=';
    my $socket = IO::Socket::INET->new(PeerAddr => $host, Timeout => 10) or die "$host: $!\n";
    syswrite $socket, join "\r\n", "POST $path HTTP/1.1", "Host: $host", "X-CS-Event-ID: $id", "X-CS-Signature: $signature", 'Connection: close',
        'Content-Length: ' . length $body, '', $body;
    my $reply = '';
    1 while sysread $socket, $reply, 65536, length $reply;
    return $reply;
}
like deliver_raw($_), qr/\AHTTP\/1.1 200 .*"taken"/s, 'with an id that is none the event is taken' for "\xff\xfe", 'x' x 200;

# the API fails in many ways: it is asked again, and others are not held up
for my $fault (qw(fail html half down)) {
    $cloud->fault($fault => 2);
    my $n = $cloud->{next}++ // 0;
    $cloud->vm(10 + $n);
    vm_event('VM.START', 10 + $n);
    answers("vm@{[10 + $n]}.acme.test", "NOERROR 192.0.2.@{[10 + $n]}", "an API that answers with \"$fault\" for a while");
}
$cloud->vm(20, name => 'bad name');
$cloud->vm(21);
vm_event('VM.START', 20);
vm_event('VM.START', 21);
answers('vm21.acme.test', 'NOERROR 192.0.2.21', 'an instance that the schema refuses holds up nobody');
like $dbh->selectrow_array('SELECT last_error FROM csdns.v_sync_failing'), qr/name has a space/, 'it waits, with the reason';
$cloud->vm(20);
vm_event('VM.UPDATE', 20);
answers('vm20.acme.test', 'NOERROR 192.0.2.20', 'and comes when it is right');

# PostgreSQL goes away
$cluster->stop('immediate');
$cloud->vm(22);
$sent = vm_event('VM.START', 22);
is "$sent->{ok} $sent->{tries} $sent->{status}", '0 3 503', 'without a database nothing is taken';
$cluster->start;
$dbh = $cluster->dbh('store');
wait_until { vm_event('VM.START', 22)->{ok} } 20, 'events to be taken again';
answers('vm22.acme.test', 'NOERROR 192.0.2.22', 'when it is back they are');

# killed, with work in hand
for my $round (1 .. 5) {
    $cloud->set(delay_ms => 30);
    $cloud->vm(30 + $round);
    vm_event('VM.START', 30 + $round);
    select undef, undef, undef, rand 0.06;    # a point at random, nothing is waited for
    $sync->kill_hard;
    $sync->spawn;
}
$cloud->set(delay_ms => 0);
settled('killed five times');

# secrets change without a restart
$sync->write_secrets('newsecret', 'topsecret');
$sync->reload;
$sync->wait_log(qr/reloaded/);
is $cloud->deliver($sync->webhook_url, $event, secret => $_)->{ok}, 1, "the secret $_" for qw(newsecret topsecret);
settled('in the end');
unlike $sync->log_text, qr/topsecret|secret-key/, 'no secrets in the log';
is $sync->stop, 0, 'it stops';
done_testing;
