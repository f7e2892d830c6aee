#!/usr/bin/perl
# PowerDNS answers from its caches, which are long, and csdnsd has it forget what a
# commit made wrong: over its control socket, exactly that, at once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use MIME::Base64 qw(encode_base64);
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs pdns_version);
use Csdns::Wait qw(now_s try_until wait_until);

need_programs(qw(initdb csdnsd pdns_server pdns:remote));


my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');

my @dirs = map { temp_dir() } 1 .. 2;
my @sockets = map {"$_/pdns.controlsocket"} @dirs;

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!";
    print {$file} $text;
    close $file or die "$path: $!";
    return;
}

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

my @pdns = map { Csdns::Pdns->remote(socket => $csdnsd->socket, name => "edge$_", socket_dir => $dirs[$_], caches => 1, allow_axfr_ips => '192.0.2.1') } 0, 1;
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
add_row('a.test', @$_) for ['"q"\\032$.a.test', 'A', '192.0.2.1'], ['odd.a.test', 'CNAME', '"q"\\032$.a.test'];
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

# Settings of a zone are cached as well.
sub transfers { my ($zone) = @_; my ($records) = $pdns->dns->transfer($zone); return defined $records ? 'yes' : 'no' }
is transfers('a.test'), 'no', 'a zone is not transferred' for 1 .. 2;
sql(q{INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'ALLOW-AXFR-FROM', '127.0.0.0/8' FROM domains WHERE name = 'a.test'});
my $is_allowed = try_until { transfers('a.test') eq 'yes' } 3;
ok $is_allowed, 'metadata allow it';
sql(q{DELETE FROM domainmetadata});
my $is_refused = try_until { transfers('a.test') eq 'no' } 3;
ok $is_refused, 'and no longer';

# Others keep their place in the cache. The repeats of what came before must be over.
my $quiet = sub {
    my $told = sub { join ' ', @{ $csdnsd->status }{qw(purge_repeated purge_all)} };
    my $before = $told->();
    return !try_until { $told->() ne $before } 1.2;
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
visible $pdns, 'an odd target of a CNAME', ['odd.a.test', 'A'], 'NOERROR 192.0.2.1 \"q\"\\032\$.a.test.',
    q{UPDATE records SET content = '192.0.2.2' WHERE name LIKE '"q"%'}, 'NOERROR 192.0.2.2 \"q\"\\032\$.a.test.';

# PowerDNS 5 makes records of a signaling zone (RFC 9615) from those of other zones.
SKIP: {
    skip 'PowerDNS 4 has no signaling zones', 2 if pdns_version() < 5;
    my $signal = '_signal.ns.a.test';
    my @question = ("_dsboot.a.test.$signal", 'CDS');
    my $key = "Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: " . encode_base64('k' x 32);
    sql(q{INSERT INTO records (domain_id, name, type, content) SELECT id, name, 'CDS', ? FROM domains WHERE name = 'a.test'}, '1 13 2 ' . 'ab' x 32);
    add_zone($signal);
    sql(q{INSERT INTO cryptokeys (domain_id, flags, active, published, content) SELECT id, 257, true, true, ? FROM domains WHERE name = ?}, $key, $signal);
    sql(q{INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, kind, content FROM domains,
        (VALUES ('SIGNALING-ZONE', '1'), ('NSEC3PARAM', '1 0 0 -'), ('NSEC3NARROW', '1')) AS m (kind, content) WHERE name = ?}, $signal);
    my $is_made = try_until { answer($pdns, @question) =~ /^NOERROR \S/ } 3;
    ok $is_made, 'a record that is made from another zone' or diag answer($pdns, @question);
    wait_until { $quiet->() } 20, 'the last repeat';
    answer($pdns, @question);
    sql(q{DELETE FROM records WHERE name = 'a.test' AND type = 'CDS'});
    my $is_gone = try_until { answer($pdns, @question) eq 'NOERROR' } 3;
    ok $is_gone, 'it goes with what it was made from' or diag answer($pdns, @question);
    sql(q{DELETE FROM domains WHERE name = ?}, $signal);
}

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
wait_until { $quiet->() } 20, 'the last repeat';
is answer($pdns, 'www.d.test', 'A'), 'NOERROR 192.0.2.71', 'cached' for 1 .. 2;
$csdnsd->stop;
sql(q{UPDATE records SET content = '192.0.2.72' WHERE name = 'www.d.test'});
add_zone('e.test', ['www.e.test', 'A', '192.0.2.73']);
is answer($pdns, 'www.d.test', 'A'), 'NOERROR 192.0.2.71', 'nobody purges while csdnsd is away';
$csdnsd->spawn;
answers $pdns, 'www.d.test', 'NOERROR 192.0.2.72', 'a start purges';
answers $pdns, 'www.e.test', 'NOERROR 192.0.2.73', 'and the list of zones is read again';

is $csdnsd->stop, 0, 'no leak, no complaint';
$_->stop for @pdns;

# A control socket that is not PowerDNS': takes commands and says what the test wants.
my $fake = IO::Socket::UNIX->new(Local => "$dirs[0]/fake", Listen => 10) or die "fake: $!";
my $reload = "$dirs[0]/csdnsd.conf";
write_file($reload, "pdns-control = $dirs[0]/fake\n");
$csdnsd = Csdns::Csdnsd->start(
    db => $cluster->conninfo('store', 'pdns'), config => $reload, pdns_purge_repeat => 'none',
);

# Waits for the next command; answers it, if there is an answer.
sub command {
    my ($answer) = @_;
    my $line = '';
    wait_until { IO::Select->new($fake)->can_read(0) } 10, 'a command';
    my $peer = $fake->accept;
    wait_until { IO::Select->new($peer)->can_read(0) && sysread($peer, $line, 1 << 20, length $line); $line =~ /\n/ } 10, 'all of it';
    $peer->autoflush(1);
    local $SIG{PIPE} = 'IGNORE';
    print {$peer} $answer if defined $answer;
    return wantarray ? ($line, $peer) : $line;
}

is command('17'), "PURGE\n", 'a start purges everything';
is command('3'), "SHOW zone-cache-size\n", 'and wants the list of zones to be read';
is command('Ok'), "REDISCOVER\n", 'in this order';
is command('2'), "PURGE\n", 'and everything once more after that';
wait_until { nothing_pending() } 5, 'nothing to be pending';
is $csdnsd->status->{purge_removed}, 19, 'what PowerDNS removed is counted';

sql(q{UPDATE records SET content = '192.0.2.80' WHERE name = 'www.a.test'});
my ($first, $hanging) = command(undef);
like $first, qr/\APURGE (?:\S+ )*www\.a\.test\.(?: \S+)*\n\z/, 'a change';
like $first, qr/ alias\.a\.test\./, 'what points there is in it';
for my $i (1 .. 20) {
    sql(q{UPDATE records SET content = ? WHERE name IN ('www.a.test', 'other.a.test')}, "192.0.2.$i");
    $csdnsd->wait_current($dbh);
}
my $remote = $csdnsd->remote;
my $began = now_s();
ok $remote->call('setDomainMetadata', name => 'a.test.', kind => 'X-TEST', value => ['1']), 'a write of PowerDNS';
cmp_ok now_s() - $began, '<', 1, 'it does not wait for the purge';
print {$hanging} '1';
close $hanging;
my $second = command('1');
like $second, qr/ other\.a\.test\.(?: |$)/, 'what came meanwhile is one command';
is scalar(() = $second =~ / www\.a\.test\./g), 1, 'with each name once';
wait_until { nothing_pending() } 5, 'nothing to be pending';

# Until PowerDNS knows a new zone it answers wrongly under names that point into it, too.
my %into = ('into.a.test' => 'www.f.test', 'over.a.test' => 'www.g.test');
for my $name (sort keys %into) {
    add_row('a.test', $name, 'CNAME', $into{$name});
    like command('1'), qr/ \Q$name\E\./, "$name points at a zone that is not there yet";
}
add_zone('f.test', ['www.f.test', 'A', '192.0.2.74']);
is command('3'), "SHOW zone-cache-size\n", 'the zone comes';
is command('out of order'), "REDISCOVER\n", 'PowerDNS cannot read its list of zones';
like command('1'), qr/ into\.a\.test\./, 'what points into the zone is purged';
is command('3'), "SHOW zone-cache-size\n", 'a while later';
is command('Ok'), "REDISCOVER\n", 'it reads the list';
my $again = command('1');
like $again, qr/ f\.test\.\$/, 'then the zone is purged once more';
like $again, qr/ into\.a\.test\./, 'and what points into it';
unlike $again, qr/ over\.a\.test\./, 'but nothing else';
wait_until { nothing_pending() } 5, 'nothing to be pending';

# The same with its web server, for which the test answers as well.
my $web = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 10) or die "web: $!";
write_file("$dirs[0]/key", "k\n");
write_file($reload, "pdns-control = $dirs[0]/fake\npdns-api = http://127.0.0.1:${\ $web->sockport}\npdns-api-key-file = $dirs[0]/key\n");
$csdnsd->reload;
is command('1'), "PURGE\n", 'a load purges everything';
add_zone('g.test', ['www.g.test', 'A', '192.0.2.75']);
like command('1'), qr/ over\.a\.test\./, 'another zone comes: what points into it is purged';
wait_until { IO::Select->new($web)->can_read(0) } 10, 'a request to the web server';
my $request = $web->accept;
like scalar <$request>, qr{^PUT /api/v1/servers/localhost/cache/flush\?domain=g\.test\. }, 'PowerDNS shall look at the zone';
print {$request} "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
$again = command('1');
like $again, qr/ g\.test\.\$/, 'then the zone is purged once more';
like $again, qr/ over\.a\.test\./, 'and what points into it';
wait_until { nothing_pending() } 5, 'nothing to be pending';
write_file($reload, "pdns-control = $dirs[0]/fake\n");
$csdnsd->reload;
is command('1'), "PURGE\n", 'and without a web server again';

# Answers that are none are told again, and again.
my $failed = $csdnsd->status->{purge_failed};
sql(q{UPDATE records SET content = '192.0.2.81' WHERE name = 'www.a.test'});
my @answers = ('', 'x', '-1', '99999999999999999999999', "1\n2", '1' x 300_000);
my @told = map { scalar command($_) } @answers;
like $_, qr/ www\.a\.test\./, 'told again' for @told;
wait_until { $csdnsd->status->{purge_failed} == $failed + @answers } 5, 'all of them to have failed';
is $csdnsd->status->{purge_lost}, 1, 'it counts as lost';
like command("5 \n"), qr/ www\.a\.test\./, 'told again';
wait_until { nothing_pending() } 5, 'nothing to be pending';
pass 'an answer ends it';

# More than can be kept: everything.
close $fake;
unlink "$dirs[0]/fake";
for my $block (1 .. 21) {
    sql(q{WITH d AS (INSERT INTO domains (name, type) SELECT 'z' || i || '.test', 'NATIVE' FROM generate_series(?::int, ?::int) i RETURNING id, name)
        INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'TXT', '"x"', 600 FROM d}, 1000 * $block, 1000 * $block + 999);
}
$csdnsd->wait_log(qr/\Q$dirs[0]\E\/fake" has more than 20000 names to forget: it forgets everything/, 30);
$fake = IO::Socket::UNIX->new(Local => "$dirs[0]/fake", Listen => 10) or die "fake: $!";
is command('1'), "PURGE\n", 'more than can be kept is everything';
is command('0'), "SHOW zone-cache-size\n", 'the zones as well';
is command('1'), "SHOW uptime\n", 'which it may be reading just now';
is command('0'), "SHOW zone-cache-size\n", 'so it is asked again';
is command('3'), "SHOW uptime\n", 'until it is old enough';
is command('out of order'), "REDISCOVER\n", 'and reads it';
$csdnsd->wait_log(qr/could not read the list of zones: out of order/);
$csdnsd->wait_log(qr/fake" takes purges again/);

# The configuration names another one.
my $other = IO::Socket::UNIX->new(Local => "$dirs[0]/other", Listen => 10) or die "other: $!";
write_file($reload, "pdns-control = $dirs[0]/other\n");
close $fake;
$fake = $other;
$csdnsd->reload;
is command('1'), "PURGE\n", 'a new one forgets everything';
is $csdnsd->stop, 0, 'no leak, no complaint';

# A reload does not forget what waits to be repeated.
$csdnsd = Csdns::Csdnsd->start(
    db => $cluster->conninfo('store', 'csdnsd'), pdns_control => "$dirs[0]/none", pdns_purge_repeat => '1s',
);
sql(q{UPDATE records SET content = '192.0.2.90' WHERE name = 'www.a.test'});
wait_until { $csdnsd->status->{purge_repeated} > 0 } 10, 'a first repeat, with which that of the start is over';
my $repeated = $csdnsd->status->{purge_repeated};
sql(q{UPDATE records SET content = '192.0.2.91' WHERE name = 'www.a.test'});
$csdnsd->wait_current($dbh);
$csdnsd->reload;
wait_until { $csdnsd->status->{loads} == 2 } 10, 'the reload';
my $is_kept = try_until { $csdnsd->status->{purge_repeated} > $repeated } 5;
ok $is_kept, 'what waited to be repeated is repeated after a reload';
is $csdnsd->stop, 0, 'no leak, no complaint';
done_testing;
