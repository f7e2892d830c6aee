#!/usr/bin/perl
# csdns-pipe between a peer and a csdnsd that goes away at every place where it can:
# what is asked again, what is not, and what the peer is told. Both ends are the test.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Select;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX ();
use Test::More;

use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Remote;
use Csdns::Wait qw(now_s);

need_programs('csdns-pipe');
my $dir = temp_dir();
my $path = "$dir/csdnsd.sock";
my $INITIALIZE = { command => 'csdns-pipe', timeout => '0' };
my $listening;

sub listen_again {
    unlink $path;
    $listening = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "$path: $!";
    return;
}

sub stop_listening { $listening = undef; unlink $path; return }

# --- csdnsd's end: one connection ---

sub take {
    IO::Select->new($listening)->can_read(10) or die "nobody connects\n";
    my $handle = $listening->accept or die "accept: $!";
    my $conn = bless { handle => $handle, buffer => '', timeout => 10 }, 'Csdns::Remote';
    my $line = $conn->read_line // 'nothing';
    like $line, qr/"initialize".*csdns-pipe/, 'a connection begins with initialize';
    $conn->send_text(qq({"result":true}\n));
    return $conn;
}

sub hear {
    my ($conn, $method) = @_;
    my $line = $conn->read_line // 'nothing';
    like $line, qr/^\{"method":"\Q$method\E"/, "csdnsd is asked $method";
    return;
}

sub say_back { my ($conn, $text) = @_; return $conn->send_text("$text\n") }

# From another process, because csdns-pipe reads no faster than its reader.
sub say_aside {
    my ($conn, $text) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    $conn->send_text($text);
    POSIX::_exit(0);
}

# --- PowerDNS' end ---

sub start { return Csdns::Remote->new(socket => $path, pipe => ['--timeout=1s', '--write-timeout=2s', @_], initialize => $INITIALIZE) }

sub request {
    my ($peer, $method, $more) = @_;
    return $peer->send_text(qq({"method":"$method","parameters":{"name":"a.test."@{[$more // '']}}}\n));
}

sub reply_is { my ($peer, $expected, $what) = @_; return is $peer->read_line, $expected, $what }

sub refused {
    my ($peer, $pattern, $what) = @_;
    my $reply = JSON::PP->new->decode($peer->read_line // '{}');
    ok exists $reply->{result} && !$reply->{result}, "$what: the result is false";
    return like $reply->{log}[0], $pattern, "$what: and says why";
}

sub error_is {
    my ($peer, $pattern, $what) = @_;
    my $reply = JSON::PP->new->decode($peer->read_line // '{}');
    ok !exists $reply->{result}, "$what: there is no result";
    return like $reply->{log}[0] // '', $pattern, "$what: and it says why";
}

listen_again();
my $peer = start();

# --- nothing happens ---

request($peer, 'lookup');
my $conn = take();
hear($conn, 'lookup');
say_back($conn, '{"result":[1]}');
reply_is($peer, '{"result":[1]}', 'a reply is passed on');
$peer->send_text(qq({"method":"getDomainInfo"}\n{"method":"list"}\n));
hear($conn, 'getDomainInfo');
say_back($conn, '{"result":2}');
hear($conn, 'list');
say_back($conn, '{"result":3}');
reply_is($peer, '{"result":2}', 'two requests at once: the first');
reply_is($peer, '{"result":3}', 'and the second');

# --- reads ---

for my $method (qw(lookup APILookup list getAllDomains getDomainInfo getDomainMetadata getAllDomainMetadata getUpdatedMasters getUnfreshSlaveInfos
    searchRecords getDomainKeys getBeforeAndAfterNamesAbsolute getTSIGKey getTSIGKeys superMasterBackend directBackendCmd startTransaction)) {
    request($peer, $method);
    hear($conn, $method);
    $conn->close;
    $conn = take();
    hear($conn, $method);
    say_back($conn, '{"result":false}');
    reply_is($peer, '{"result":false}', "$method is asked again");
}
request($peer, 'lookup');
hear($conn, 'lookup');
$conn->send_text('{"result":["half');
$conn->close;
$conn = take();
hear($conn, 'lookup');
say_back($conn, '{"result":["whole"]}');
reply_is($peer, '{"result":["whole"]}', 'a short reply that is cut: asked again, and nothing of the first is seen');
$conn->close;
request($peer, 'lookup');
$conn = take();
hear($conn, 'lookup');
say_back($conn, '{"result":4}');
reply_is($peer, '{"result":4}', 'a connection that was closed between requests is nothing');

# --- writes ---

for my $method (qw(setNotified setDomainMetadata addDomainKey replaceRRSet feedRecord createSlaveDomain commitTransaction somethingNew)) {
    request($peer, $method);
    hear($conn, $method);
    $conn->close;
    refused($peer, qr/may be done or not/, "$method, sent");
    request($peer, 'lookup');
    $conn = take();
    hear($conn, 'lookup');
    say_back($conn, '{"result":5}');
    reply_is($peer, '{"result":5}', "$method is not asked again");
    $conn->close;
    request($peer, $method);
    $conn = take();
    hear($conn, $method);
    say_back($conn, '{"result":true}');
    reply_is($peer, '{"result":true}', "$method, not yet sent: goes to the next connection");
}

# --- transactions ---

sub begin {
    request($peer, 'startTransaction');
    hear($conn, 'startTransaction');
    say_back($conn, '{"result":true}');
    return reply_is($peer, '{"result":true}', 'a transaction begins');
}

sub is_usable {
    my ($what) = @_;
    request($peer, 'lookup');
    $conn = take();
    hear($conn, 'lookup');
    say_back($conn, '{"result":6}');
    return reply_is($peer, '{"result":6}', "$what: lookups go on");
}

for my $end (['commitTransaction', 0], ['abortTransaction', 1]) {
    my ($method, $is_true) = @$end;
    begin();
    request($peer, 'lookup');
    hear($conn, 'lookup');
    $conn->close;
    for my $inside (qw(lookup feedRecord replaceRRSet getDomainKeys)) {
        refused($peer, qr/the transaction with it/, "lost inside: $inside");
        request($peer, $inside) if $inside ne 'getDomainKeys';
    }
    request($peer, $method);
    if ($is_true) { reply_is($peer, '{"result":true}', 'it can be ended') }
    else { refused($peer, qr/the transaction with it/, 'it cannot be committed') }
    is_usable($method);
}
begin();
$conn->close;
request($peer, 'replaceRRSet');
refused($peer, qr/the transaction with it/, 'lost between two requests of a transaction');
request($peer, 'startTransaction');
$conn = take();
hear($conn, 'startTransaction');
say_back($conn, '{"result":false}');
reply_is($peer, '{"result":false}', 'the next transaction is asked for');
$conn->close;
is_usable('that did not begin');
begin();
request($peer, 'commitTransaction');
hear($conn, 'commitTransaction');
$conn->close;
refused($peer, qr/the transaction with it/, 'lost at the commit');
is_usable('after that');

# --- csdnsd is away ---

$conn->close;
stop_listening();
my $start = now_s();
request($peer, 'lookup');
error_is($peer, qr/lookup: csdnsd is not there/, 'a read');
cmp_ok now_s() - $start, '<', 4, 'in bounded time';
cmp_ok now_s() - $start, '>', 0.9, 'after having waited';
$start = now_s();
request($peer, 'setNotified');
refused($peer, qr/setNotified: csdnsd is not there/, 'a write');
request($peer, 'startTransaction');
refused($peer, qr/csdnsd is not there/, 'a transaction');
cmp_ok now_s() - $start, '<', 0.9, 'nobody waits a second time';
listen_again();
is_usable('it is there again');
$conn->close;
stop_listening();
request($peer, 'lookup');
select undef, undef, undef, 0.1;    # the time for which it is away
listen_again();
$conn = take();
hear($conn, 'lookup');
say_back($conn, '{"result":7}');
reply_is($peer, '{"result":7}', 'away for a moment: asked again when it is back');

# --- it hangs ---

request($peer, 'lookup');
hear($conn, 'lookup');
error_is($peer, qr/csdnsd does not answer/, 'a read without an answer');
is_usable('on another connection');
request($peer, 'setNotified');
hear($conn, 'setNotified');
refused($peer, qr/csdnsd does not answer/, 'a write without an answer');
is_usable('on another connection');
request($peer, 'list');
hear($conn, 'list');
for my $part (1 .. 4) {
    select undef, undef, undef, 0.5;    # slowly, but it goes on
    $conn->send_text($part == 4 ? "]}\n" : $part == 1 ? '{"result":[1' : ',1');
}
reply_is($peer, '{"result":[1,1,1]}', 'a slow reply is waited for');

# --- long ones ---

my $long = '{"result":["' . 'x' x 20_000_000 . '"]}';
my $before = $peer->process->rss_kb;
request($peer, 'list');
hear($conn, 'list');
my $pid = say_aside($conn, "$long\n");
ok $peer->read_line eq $long, 'a reply of 20 MB';
cmp_ok $peer->process->rss_kb - $before, '<', 8000, "is not held in memory: $before kB before, " . $peer->process->rss_kb . ' kB after';
waitpid $pid, 0;
my $value = ',"value":"' . 'y' x 3_000_000 . '"';
$pid = say_aside($peer, qq({"method":"setDomainMetadata","parameters":{"name":"a.test."$value}}\n));
my $line = $conn->read_line;
waitpid $pid, 0;
is length $line, length(qq({"method":"setDomainMetadata","parameters":{"name":"a.test."$value}})), 'a request of 3 MB';
say_back($conn, '{"result":true}');
reply_is($peer, '{"result":true}', 'is answered');
# csdnsd refuses what is over its limit before it has read it.
$pid = say_aside($peer, qq({"method":"setDomainMetadata","parameters":{"name":"a.test."$value}}\n));
sysread $conn->handle, my $some, 1000;
say_back($conn, '{"result":false,"log":["too long"]}');
$conn->close;
reply_is($peer, '{"result":false,"log":["too long"]}', 'what csdnsd says before it closes is heard');
waitpid $pid, 0;
is_usable('after it');
request($peer, 'list');
hear($conn, 'list');
$pid = say_aside($conn, substr $long, 0, 1_000_000);
$conn->close;
is $peer->read_line, undef, 'a long reply that is cut has no end';
is $peer->process->wait_exit >> 8, 1, 'csdns-pipe ends, which is how PowerDNS is told';
like $peer->process->log_text, qr/WARNING: list: .*within a long reply/, 'and says so';

# --- its end, and its options ---

$peer = start();
$peer->close;
is $peer->process->wait_exit, 0, 'it ends with its input';
$peer = start();
stop_listening();
request($peer, 'lookup');
$peer->close;
is $peer->process->wait_exit(5) >> 8, 1, 'also while it waits for csdnsd';
my $pipe = find_program('csdns-pipe');
like run_program(command => [$pipe, '--help'])->{out}, qr/--socket PATH.*--timeout TIME/s, '--help';
like run_program(command => [$pipe, '--version'])->{out}, qr/^csdns-pipe \d/, '--version';
for my $wrong (['--none'], ['--timeout=0'], ['--timeout=x'], ['operand'], ['--socket']) {
    my $done = run_program(command => [$pipe, @$wrong]);
    is $done->{status} >> 8, 2, "@$wrong is refused";
    like $done->{err}, qr/^csdns-pipe: /, 'with a reason';
}
done_testing;
