#!/usr/bin/perl
# PowerDNS answers from its caches, which are long, and csdnsd has it forget what a
# commit made wrong: over its control socket, exactly that, at once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs);
use Csdns::Wait qw(now_s try_until wait_until);

need_programs(qw(initdb csdnsd pdns_server pdns:remote));

# Far longer than this test, so that nothing is fresh by itself.
my %LONG = (
    cache_ttl => 600, query_cache_ttl => 600, negquery_cache_ttl => 600, zone_cache_refresh_interval => 600,
    zone_metadata_cache_ttl => 600, dnssec_key_cache_ttl => 600,
);

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');

my @dirs = map { temp_dir() } 1 .. 2;
my @sockets = map {"$_/pdns.controlsocket"} @dirs;

sub sql { my ($text, @values) = @_; $dbh->do($text, undef, @values); return }

sub add_zone {
    my ($zone, @rows) = @_;
    $dbh->begin_work;
    my ($id) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES (?, 'NATIVE') RETURNING id}, undef, $zone);
    my @soa = ($zone, 'SOA', "ns.$zone hostmaster.$zone 1 10800 3600 604800 600");
    add_row($zone, @$_) for \@soa, [$zone, 'NS', "ns.$zone"], ["ns.$zone", 'A', '192.0.2.53'], @rows;
    $dbh->commit;
    return;
}

sub add_row {
    my ($zone, $name, $type, $content) = @_;
    sql(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, ?, ?, ?, 600 FROM domains WHERE name = ?},
        $name, $type, $content, $zone);
    return;
}

sub answer {
    my ($pdns, $name, $type) = @_;
    my $reply = $pdns->dns->ask($name, $type);
    return join ' ', $reply->{rcode}, sort map { (split / /, $_, 5)[-1] } @{ $reply->{answer} };
}

# How often PowerDNS has answered from its packet cache.
sub hits { my ($pdns) = @_; return $pdns->control('SHOW packetcache-hit') }

# Waits for an answer.
sub answers {
    my ($pdns, $name, $expected, $what) = @_;
    my $is_there = try_until { answer($pdns, $name, 'A') eq $expected } 5;
    ok $is_there, $what or diag answer($pdns, $name, 'A');
    return;
}

# The answer before (asked twice, so that it is cached), a statement, the answer after.
sub visible {
    my ($pdns, $what, $question, $before, $change, $after) = @_;
    my ($name, $type) = @$question;
    is answer($pdns, $name, $type), $before, "$what: before" for 1 .. 2;
    ref $change ? $change->() : sql($change);
    my $is_there = try_until { answer($pdns, $name, $type) eq $after } 3;
    ok $is_there, "$what: after" or diag answer($pdns, $name, $type);
    return;
}

add_zone('a.test', ['www.a.test', 'A', '192.0.2.1'], ['alias.a.test', 'CNAME', 'www.a.test'], ['other.a.test', 'A', '192.0.2.9']);

# Nobody is there yet.
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'), pdns_control => \@sockets);
$csdnsd->wait_log(qr/\Q$sockets[1]\E" is not there for purging/);
is $csdnsd->status->{purge_lost}, 2, 'both PowerDNS are not there yet';

my @pdns = map { Csdns::Pdns->remote(socket => $csdnsd->socket, name => "edge$_", socket_dir => $dirs[$_], %LONG) } 0, 1;
my $pdns = $pdns[0];
wait_until { $csdnsd->status->{purge_lost} == 0 } 5, 'both PowerDNS to be told';
sub nothing_pending { my $now = $csdnsd->status; return $now->{purge_lost} + $now->{purge_pending} + $now->{purge_zones_pending} == 0 }
wait_until { nothing_pending() } 5, 'both PowerDNS to know all';
like $csdnsd->log_text, qr/\Q$sockets[0]\E" takes purges again/, 'it is logged';
pass 'both PowerDNS were told when they came';

my $before = hits($pdns);
answer($pdns, 'www.a.test', 'A') for 1 .. 3;
is hits($pdns) - $before, 2, 'answers come from the cache';

visible $pdns, 'update', ['www.a.test', 'A'], 'NOERROR 192.0.2.1',
    q{UPDATE records SET content = '192.0.2.2' WHERE name = 'www.a.test'}, 'NOERROR 192.0.2.2';
visible $pdns, 'the target of a CNAME', ['alias.a.test', 'A'], 'NOERROR 192.0.2.2 www.a.test.',
    q{UPDATE records SET content = '192.0.2.3' WHERE name = 'www.a.test'}, 'NOERROR 192.0.2.3 www.a.test.';
visible $pdns, 'insert', ['new.a.test', 'A'], 'NXDOMAIN',
    sub { add_row('a.test', 'new.a.test', 'A', '192.0.2.4') }, 'NOERROR 192.0.2.4';
visible $pdns, 'another type', ['new.a.test', 'TXT'], 'NOERROR',
    sub { add_row('a.test', 'new.a.test', 'TXT', '"x"') }, 'NOERROR "x"';
visible $pdns, 'delete', ['new.a.test', 'A'], 'NOERROR 192.0.2.4',
    q{DELETE FROM records WHERE name = 'new.a.test'}, 'NXDOMAIN';
visible $pdns, 'wildcard', ['x.y.a.test', 'A'], 'NXDOMAIN',
    sub { add_row('a.test', '*.a.test', 'A', '192.0.2.5') }, 'NOERROR 192.0.2.5';
visible $pdns, 'a name under the wildcard', ['x.y.a.test', 'A'], 'NOERROR 192.0.2.5',
    sub { add_row('a.test', 'x.y.a.test', 'A', '192.0.2.6') }, 'NOERROR 192.0.2.6';
visible $pdns, 'a name with a blank', ['m\\032n.a.test', 'A'], 'NOERROR 192.0.2.5',
    sub { add_row('a.test', 'm\\032n.a.test', 'A', '192.0.2.8') }, 'NOERROR 192.0.2.8';
visible $pdns, 'a new zone', ['www.b.test', 'A'], 'REFUSED',
    sub { add_zone('b.test', ['www.b.test', 'A', '192.0.2.20']) }, 'NOERROR 192.0.2.20';
visible $pdns, 'a new zone inside another', ['www.c.a.test', 'A'], 'NOERROR 192.0.2.5',
    sub { add_zone('c.a.test', ['www.c.a.test', 'A', '192.0.2.21']) }, 'NOERROR 192.0.2.21';
visible $pdns, 'a deleted zone inside another', ['www.c.a.test', 'A'], 'NOERROR 192.0.2.21',
    q{DELETE FROM domains WHERE name = 'c.a.test'}, 'NOERROR 192.0.2.5';
visible $pdns, 'a deleted zone', ['www.b.test', 'A'], 'NOERROR 192.0.2.20',
    q{DELETE FROM domains WHERE name = 'b.test'}, 'REFUSED';

# Others keep their place in the cache. The repeats of what came before must be over.
my $quiet = sub {
    my $names = $csdnsd->status->{purge_repeated};
    return !try_until { $csdnsd->status->{purge_repeated} != $names } 1.2;
};
wait_until { $quiet->() } 20, 'the last repeat';
answer($pdns, 'other.a.test', 'A') for 1 .. 2;
my $status = $csdnsd->status;
visible $pdns, 'a change to www', ['www.a.test', 'A'], 'NOERROR 192.0.2.3',
    q{UPDATE records SET content = '192.0.2.30' WHERE name = 'www.a.test'}, 'NOERROR 192.0.2.30';
$before = hits($pdns);
answer($pdns, 'other.a.test', 'A');
is hits($pdns) - $before, 1, 'another name is still in the cache after it';
wait_until { $csdnsd->status->{purge_repeated} > $status->{purge_repeated} } 5, 'the repeat';
pass 'the purge was repeated';
is $csdnsd->status->{purge_all}, $status->{purge_all}, 'without a purge of everything';
is $csdnsd->status->{rediscovers}, $status->{rediscovers}, 'and without reading the list of zones';

# Both hear of each change.
answer($_, 'www.a.test', 'A') for @pdns, @pdns;
sql(q{UPDATE records SET content = '192.0.2.31' WHERE name = 'www.a.test'});
for my $i (0, 1) {
    answers $pdns[$i], 'www.a.test', 'NOERROR 192.0.2.31', "PowerDNS $i has the change";
}

# One that hangs delays nobody, and hears all of it when it goes on.
$pdns[1]->process->signal('STOP');
for my $i (40 .. 60) {
    sql(q{UPDATE records SET content = ? WHERE name = 'www.a.test'}, "192.0.2.$i");
    sql(q{UPDATE records SET content = ? WHERE name = 'other.a.test'}, "192.0.2.$i") if $i == 50;
    my $done = try_until { answer($pdns, 'www.a.test', 'A') eq "NOERROR 192.0.2.$i" } 3;
    ok $done, "beside one that hangs, change $i" if !$done || $i == 60;
}
my $answered = now_s();
$csdnsd->remote->lookup('www.a.test', 'A');
cmp_ok now_s() - $answered, '<', 1, 'csdnsd answers meanwhile';
cmp_ok $csdnsd->status->{purge_pending}, '>', 0, 'what it has to forget is kept';
$csdnsd->wait_log(qr/\Q$sockets[1]\E" is not there for purging: it does not answer/, 20);
$pdns[1]->process->signal('CONT');
answers $pdns[1], 'www.a.test', 'NOERROR 192.0.2.60', 'it has the last change when it goes on';
answers $pdns[1], 'other.a.test', 'NOERROR 192.0.2.50', 'and the other';
wait_until { nothing_pending() } 5, 'nothing to be pending';

# One that was away hears of zones that came meanwhile. It starts with a list of
# zones that it reads itself, so what is looked at is that csdnsd goes on.
$pdns[1]->stop;
add_zone('d.test', ['www.d.test', 'A', '192.0.2.70']);
$csdnsd->wait_log(qr/\Q$sockets[1]\E" is not there for purging: (?!it does)/, 10);
answers $pdns, 'www.d.test', 'NOERROR 192.0.2.70', 'beside one that is away, a new zone';
$pdns[1]->start;
answers $pdns[1], 'www.d.test', 'NOERROR 192.0.2.70', 'it has the zone when it is back';
visible $pdns[1], 'after its return', ['www.d.test', 'A'], 'NOERROR 192.0.2.70',
    q{UPDATE records SET content = '192.0.2.71' WHERE name = 'www.d.test'}, 'NOERROR 192.0.2.71';

# csdnsd itself starts anew: what changed meanwhile is forgotten.
is answer($pdns, 'www.d.test', 'A'), 'NOERROR 192.0.2.71', 'cached' for 1 .. 2;
$csdnsd->stop;
sql(q{UPDATE records SET content = '192.0.2.72' WHERE name = 'www.d.test'});
add_zone('e.test', ['www.e.test', 'A', '192.0.2.73']);
is answer($pdns, 'www.d.test', 'A'), 'NOERROR 192.0.2.71', 'nobody purges while csdnsd is away';
$csdnsd->spawn;
answers $pdns, 'www.d.test', 'NOERROR 192.0.2.72', 'a start purges';
answers $pdns, 'www.e.test', 'NOERROR 192.0.2.73', 'and the list of zones is read again';

is $csdnsd->stop, 0, 'no leak, no complaint';
done_testing;
