#!/usr/bin/perl
# Bad input over the socket. Each peer that misbehaves gets "false" or is cut off,
# with a line in the log; everybody else is served all the time, and memory stays
# bounded.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON ();
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Programs qw(need_programs);
use Csdns::Wait;

need_programs(qw(initdb csdnsd prlimit));
system('prlimit', "--pid=$$", '--nofile=4096:') == 0 or diag 'prlimit failed';

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('big.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60), (1, 'www.a.test', 'A', '192.0.2.1', 60),
        (2, 'big.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60);
    INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT 2, 'n' || i || '.big.test', 'TXT', '"' || repeat('x', 200) || '"', 60 FROM generate_series(1, 20000) i});
# The sanitizer keeps freed memory for a while; here that would look like a leak.
my $csdnsd = Csdns::Csdnsd->start(
    db => $cluster->conninfo('store', 'csdnsd'),
    env => { ASAN_OPTIONS => 'quarantine_size_mb=8:detect_leaks=1' },
);
my $witness = $csdnsd->remote;    # one connection for the whole test, as PowerDNS' are

sub witness_is_served { return ($witness->lookup('www.a.test', 'A'))[0]{content} eq '192.0.2.1' }

sub lookup_text { my ($parameters) = @_; return qq({"method":"lookup","parameters":{$parameters}}\n) }

# What becomes of one request, sent as it is: 'false', 'closed', 'silent', or the reply.
sub fate_of {
    my ($text, %how) = @_;
    my $peer = $csdnsd->remote(initialize => 0);
    $peer->send_text($text);
    shutdown $peer->handle, 1 if $how{half_closed};
    my $line = $peer->read_line($how{seconds} // 10);
    return $peer->{closed} ? 'closed' : 'silent' if !defined $line;
    my $reply = eval { JSON->new->utf8->decode($line) } // return "no JSON: $line";
    return JSON::is_bool($reply->{result}) && !$reply->{result} ? 'false' : $line;
}


# Refused, with a line in the log that names the peer; and the witness does not notice.
sub is_refused {
    my ($what, $text, $log) = @_;
    my $before = length $csdnsd->log_text;
    my $fate = fate_of($text);
    like $fate, qr/^(?:false|closed)$/, "$what: refused";
    my $new;
    try_to_find(sub { $new = substr $csdnsd->log_text, $before; $new =~ $log });
    like $new, $log, "$what: logged";
    ok witness_is_served(), "$what: others are served";
    return;
}

sub try_to_find { my ($found) = @_; return Csdns::Wait::try_until { $found->() } 3 }

my $peer_line = qr/\[peer pid \d+ uid \d+\]/;
my $long = 'x' x 300;

# --- requests that are none ---

is_refused 'broken JSON', qq({"method":\n), $peer_line;
is_refused 'no JSON', "hello\n", $peer_line;
is_refused 'an empty line', "\n", $peer_line;
is_refused 'an array', "[]\n", $peer_line;
is_refused 'a number', "5\n", $peer_line;
is_refused 'an object without a method', "{}\n", $peer_line;
is_refused 'a method that is a number', qq({"method":5,"parameters":{}}\n), $peer_line;
is_refused 'a method that is null', qq({"method":null,"parameters":{}}\n), $peer_line;
is_refused 'two objects in one line', qq({"method":"initialize"}{"method":"initialize"}\n), $peer_line;
is_refused 'binary zeros', "\0\0\0\0\n", $peer_line;
is_refused 'a binary zero in a string', lookup_text(qq("qname":"www\0.a.test.","qtype":"A")), $peer_line;
is_refused 'an escaped zero in a name', lookup_text('"qname":"www\\u0000.a.test.","qtype":"A"'), $peer_line;
is_refused 'no UTF-8', lookup_text(qq("qname":"\xff\xfe.a.test.","qtype":"A")), $peer_line;
is_refused 'half a surrogate', lookup_text('"qname":"\\ud800.a.test.","qtype":"A"'), $peer_line;
is_refused 'arrays 10000 deep', ('[' x 10_000) . (']' x 10_000) . "\n", $peer_line;
is_refused 'objects 10000 deep', ('{"a":' x 10_000) . '1' . ('}' x 10_000) . "\n", $peer_line;
is_refused 'deep parameters', qq({"method":"lookup","parameters":) . ('[' x 10_000) . (']' x 10_000) . "}\n", $peer_line;
is_refused 'random bytes', join('', map { chr(($_ * 7919 + 13) % 256) } 1 .. 5000) . "\n", $peer_line;
is_refused 'over the size limit', lookup_text('"qname":"' . ('x' x 2_000_000) . '","qtype":"A"'), qr/$peer_line.*size limit/;
is_refused 'endless without a newline', 'x' x 3_000_000, qr/$peer_line.*size limit/;

# --- requests with something wrong in them ---

is_refused 'an unknown method', qq({"method":"makeCoffee","parameters":{}}\n), qr/$peer_line.*makeCoffee/;
is_refused 'a method with a long name', qq({"method":"${\ ('m' x 5000)}","parameters":{}}\n), $peer_line;
is_refused 'parameters that are an array', qq({"method":"lookup","parameters":[]}\n), $peer_line;
is_refused 'no parameters', qq({"method":"lookup"}\n), qr/$peer_line.*qname/;
is_refused 'qname missing', lookup_text('"qtype":"A"'), qr/$peer_line.*qname/;
is_refused 'qname a number', lookup_text('"qname":5,"qtype":"A"'), qr/$peer_line.*qname/;
is_refused 'qname null', lookup_text('"qname":null,"qtype":"A"'), qr/$peer_line.*qname/;
is_refused 'qname with empty labels', lookup_text('"qname":"a..test.","qtype":"A"'), qr/$peer_line.*qname/;
is_refused 'qname with a long label', lookup_text(qq("qname":"$long.a.test.","qtype":"A")), qr/$peer_line.*qname/;
is_refused 'qname over 255 octets', lookup_text('"qname":"' . ('abcdefg.' x 40) . '","qtype":"A"'), qr/$peer_line.*qname/;
is_refused 'qtype missing', lookup_text('"qname":"www.a.test."'), qr/$peer_line.*qtype/;
is_refused 'qtype a number', lookup_text('"qname":"www.a.test.","qtype":1'), qr/$peer_line.*qtype/;
is_refused 'zone-id a string', lookup_text('"qname":"www.a.test.","qtype":"A","zone-id":"one"'), qr/$peer_line.*zone-id/;
is_refused 'zone-id too large', lookup_text('"qname":"www.a.test.","qtype":"A","zone-id":99999999999'), qr/$peer_line.*zone-id/;
is_refused 'list without a domain', qq({"method":"list","parameters":{"zonename":"a.test."}}\n), qr/$peer_line.*domain_id/;
is_refused 'list of no domain', qq({"method":"list","parameters":{"zonename":"a.test.","domain_id":77}}\n), qr/$peer_line.*77/;
is_refused 'getDomainInfo without a name', qq({"method":"getDomainInfo","parameters":{}}\n), qr/$peer_line.*name/;
is_refused 'getDomainMetadata without a kind', qq({"method":"getDomainMetadata","parameters":{"name":"a.test."}}\n), qr/$peer_line.*kind/;
is_refused 'setNotified without a serial', qq({"method":"setNotified","parameters":{"id":1}}\n), qr/$peer_line.*serial/;
is_refused 'setNotified of no domain', qq({"method":"setNotified","parameters":{"id":77,"serial":1}}\n), qr/$peer_line.*77/;
is_refused 'setNotified with a negative serial', qq({"method":"setNotified","parameters":{"id":1,"serial":-1}}\n), qr/$peer_line.*serial/;

# A wrong parameter does not cost the connection.
my $peer = $csdnsd->remote;
ok !$peer->call('lookup', qtype => 'A'), 'a wrong request';
is +($peer->lookup('www.a.test', 'A'))[0]{content}, '192.0.2.1', 'and a right one on the same connection';

# --- unusual, but right ---

my $right = lookup_text('"qname":"www.a.test.","qtype":"A","zone-id":-1');
like fate_of($right), qr/192\.0\.2\.1/, 'a plain request';
like fate_of($right =~ s/\n/\r\n/r), qr/192\.0\.2\.1/, 'a line that ends with carriage return and newline';
like fate_of($right =~ s/([:,])/ $1\t /gr), qr/192\.0\.2\.1/, 'blanks everywhere';
like fate_of($right =~ s/"zone-id"/"unknown":[{"a":[]}],"zone-id"/r), qr/192\.0\.2\.1/, 'a parameter that nobody knows';
like fate_of($right =~ s/www/\\u0077ww/r), qr/192\.0\.2\.1/, 'an escaped letter';
like fate_of(qq({"parameters":{"qtype":"A","qname":"WWW.a.Test."},"method":"lookup"}\n)), qr/192\.0\.2\.1/, 'another order';
like fate_of($right, half_closed => 1), qr/192\.0\.2\.1/, 'a peer that closes its side after the request';
$peer->send_text($_) for split //, $right;
like $peer->read_line, qr/192\.0\.2\.1/, 'one byte at a time';
$peer->send_text($right x 200);
is scalar(grep { ($peer->read_line // '') =~ /192\.0\.2\.1/ } 1 .. 200), 200, 'two hundred requests at once get two hundred replies';

# --- peers that hang ---

my $rss = $csdnsd->rss_kb;
my @slow = map { $csdnsd->remote(initialize => 0) } 1 .. 20;
$_->send_text(substr $right, 0, 30) for @slow;
ok witness_is_served(), 'others are served beside twenty peers that stopped in their request';
$_->send_text(substr $right, 30) for @slow;
is scalar(grep { ($_->read_line // '') =~ /192\.0\.2\.1/ } @slow), 20, 'who are answered when they go on';

my $list = qq({"method":"list","parameters":{"zonename":"big.test.","domain_id":2}}\n);
my @deaf = map { $csdnsd->remote(initialize => 0) } 1 .. 40;
$_->send_text($list x 5) for @deaf;
ok witness_is_served(), 'others are served beside forty peers that never read their long replies';
wait_until { witness_is_served() } 10, 'the witness';
my $growth = ($csdnsd->rss_kb - $rss) / 1024;
cmp_ok $growth, '<', 80, sprintf 'which costs little memory (%.0f MB; the replies have %d MB)', $growth, 200 * 20_000 * 300 / 1e6;
$deaf[0]->read_line;
ok witness_is_served(), 'one of them reads after all';
undef @deaf;
undef @slow;
ok witness_is_served(), 'and all go';

# --- many peers ---

my @many = map { my $one = eval { $csdnsd->remote(initialize => 0) }; $one // () } 1 .. 1000;
is @many, 1000, 'a thousand connections';
$_->send_text($right) for @many;
is scalar(grep { ($_->read_line // '') =~ /192\.0\.2\.1/ } @many), 1000, 'all are answered';
ok witness_is_served(), 'and so is the first';
my $half = lookup_text('"qname":"' . ('x' x 200_000));
for my $one (@many) {    # as much as the socket takes, nothing that waits
    $one->handle->blocking(0);
    syswrite $one->handle, $half;
}
ok witness_is_served(), 'a thousand unfinished long requests';
undef @many;
wait_until { $csdnsd->status->{connections} <= 3 } 10, 'the connections to go';
ok witness_is_served(), 'they go, the witness stays';

# --- no memory for a reply ---

# A lookup that is false has found nothing, so this one has no result, and PowerDNS answers SERVFAIL.
$cluster->create_db('fat');
$cluster->install_schema('fat');
$cluster->psql('fat', q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60), (1, 'www.a.test', 'A', '192.0.2.1', 60);
    INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT 1, 'fat.a.test', 'TXT', '"' || repeat('x', 240) || i || '"', 60 FROM generate_series(1, 20000) i});
my $poor = Csdns::Csdnsd->start(db => $cluster->conninfo('fat', 'csdnsd'), name => 'without memory');
my $fat = lookup_text('"qname":"fat.a.test.","qtype":"TXT","zone-id":1');

sub memory_limit {
    my ($limit) = @_;
    return system('prlimit', '--pid=' . $poor->pid, "--data=$limit:") == 0 || diag 'prlimit failed';
}
open my $status, '<', '/proc/' . $poor->pid . '/status' or die "status: $!";
my %kb = join('', <$status>) =~ /^(VmSize|VmData):\s+(\d+)/mg;
SKIP: {
    skip 'AddressSanitizer ends a program that has no memory', 4 if $kb{VmSize} > 1 << 30;
    memory_limit(($kb{VmData} + 1024) << 10);
    my $asker = $poor->remote;
    $asker->send_text($fat);
    my $reply = JSON->new->utf8->decode($asker->read_line // '{}');
    ok !exists $reply->{result}, 'a reply that there is no memory for is an error, not an empty one';
    like $reply->{log}[0], qr/lookup: out of memory/, 'with the reason';
    $poor->wait_log(qr/NOTICE.*lookup: out of memory/);
    is +($asker->lookup('www.a.test', 'A', 1))[0]{content}, '192.0.2.1', 'the next one on the same connection is answered';
    memory_limit('unlimited');
    is scalar(my @records = $asker->lookup('fat.a.test', 'TXT', 1)), 20_000, 'and that one, when there is memory';
}
is $poor->stop, 0, 'csdnsd ends well';

is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
