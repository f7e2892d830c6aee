#!/usr/bin/perl
# HTTP listeners (src/http), with a small server over them: what peers may do, and
# how far. Bodies, headers, connections and time are bounded; whoever stalls is cut
# off; everybody else is served meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(build_dir need_programs find_program);
use Csdns::Wait;

need_programs(qw(make curl openssl prlimit));
my $made = run_program(command => ['make', '-C', build_dir(), 'tests/system/http_server'], timeout => 300);
is($made->{status}, 0, 'the server is built') or BAIL_OUT($made->{out} . $made->{err});

my $dir = temp_dir();
my ($TIMEOUT, $IDLE) = (1500, 3000);
my $LONG = "$dir/long";    # a body that is too long
system "head -c 200000 /dev/zero >$LONG";

# Starts it; also listen => [...], cert => FILE, max =>, wrap => [command...].
sub start_server {
    my (%how) = @_;
    my $port = $how{port} // free_port();
    my $self = { port => $port, log => "$dir/log-$port" };
    $self->{process} = Csdns::Process->start(
        name => 'http_server', log => $self->{log},
        env => { ASAN_OPTIONS => 'detect_leaks=1' },
        command => [@{ $how{wrap} // [] }, build_dir() . '/tests/system/http_server', $how{max} // 20,
            $how{timeout} // $TIMEOUT, $how{idle} // $IDLE, $how{cert} // '-', @{ $how{listen} // [$port] }],
    );
    $self->{process}->wait_ready(sub { connect_to($self) }, 20);
    return $self;
}

sub connect_to {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 5);
    $socket->autoflush(1) if $socket;
    return $socket;
}

sub send_text { my ($socket, $text) = @_; return syswrite $socket, $text }

# What comes until the end, or until the pattern is there, or the time is over.
sub read_text {
    my ($socket, %how) = @_;
    my ($text, $deadline) = ('', time + ($how{seconds} // 10));
    my $select = IO::Select->new($socket);
    while ((my $left = $deadline - time) > 0) {
        next if !$select->can_read($left);
        my $n = sysread $socket, $text, 65536, length $text;
        return wantarray ? ($text, 1) : $text if !$n;
        return wantarray ? ($text, 0) : $text if $how{until} && $text =~ $how{until};
    }
    return wantarray ? ($text, 0) : $text;
}

# Seconds until the peer closes; undef when it does not.
sub closed_after {
    my ($socket, $seconds) = @_;
    my $begin = time;
    my (undef, $closed) = read_text($socket, seconds => $seconds);
    return $closed ? time - $begin : undef;
}

sub curl {
    my (@arguments) = @_;
    return run_program(command => [find_program('curl'), '-s', '--max-time', '20', @arguments], timeout => 30);
}

sub status_of {
    my ($self) = @_;
    my ($body) = curl("http://127.0.0.1:$self->{port}/status")->{out};
    return { map { split / / } split /\n/, $body };
}

sub is_served {
    my ($self, $what) = @_;
    return is(curl("http://127.0.0.1:$self->{port}/ping")->{out}, "pong\n", $what);
}

sub stops_well {
    my ($self, $what) = @_;
    is($self->{process}->stop('TERM', 10), 0, $what) or diag `cat $self->{log}`;
    return;
}

my $server = start_server();
my $url = "http://127.0.0.1:$server->{port}";

subtest 'answers' => sub {
    is_served($server, 'GET');
    my $peer = connect_to($server);
    send_text($peer, "HEAD /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    like(scalar read_text($peer), qr/\AHTTP\/1.1 200 .*Content-Length: 5\r\n.*\r\n\r\n\z/s, 'HEAD: headers alone');
    like(curl('-i', "$url/nowhere")->{out}, qr/\AHTTP\/1.1 404 .*application\/json.*\{"success":false,"error":"there is/s, 'an address that is none');
    like(curl('-i', "$url/echo")->{out}, qr/\AHTTP\/1.1 405 .*Allow: POST\r\n/s, '405 names the methods');
    is(curl('-d', 'x' x 1000, "$url/echo")->{out}, "1000\n", 'a body');
    is(length curl("$url/chunks?n=50")->{out}, 50 * 65536, 'a reply in chunks');
    is(length curl('--http1.0', "$url/chunks?n=50")->{out}, 50 * 65536, 'and without chunks for HTTP/1.0');
    is(curl("$url/later?ms=50")->{out}, "later\n", 'a reply that comes later');
    is(curl("$url/query?a=b%20c&d=%C3%A4+e")->{out}, "a is <b c>\nd is <\xc3\xa4 e>\n", 'a query is decoded');
    for my $bad ('a=b%00c', 'a', '=b') {
        like(curl('-i', "$url/query?$bad")->{out}, qr/\AHTTP\/1.1 400 /, "query $bad");
    }
};

subtest 'one connection, many requests' => sub {
    my $peer = connect_to($server);
    my $wrong = 0;
    for (1 .. 200) {
        send_text($peer, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
        $wrong++ if read_text($peer, until => qr/\r\n\r\n.*\n/s) !~ /pong\n\z/;
    }
    is($wrong, 0, '200 one after the other');
    send_text($peer, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n" x 20 . "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    my $text = read_text($peer, until => qr/later/);
    is(() = $text =~ /pong/g, 20, '20 at once');
    send_text($peer, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\nGET /pi");
    read_text($peer, until => qr/pong/);
    send_text($peer, "ng HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    ($text, my $closed) = read_text($peer);
    like($text, qr/pong/, 'one whose first half came with the one before');
    ok($closed, 'closed, as it was asked');
};

subtest 'bounds' => sub {
    like(curl('-i', '--data-binary', "\@$LONG", "$url/echo")->{out}, qr/\AHTTP\/1.1 413 /, 'a body that is too long');
    like(curl('-i', '-H', 'Transfer-Encoding: chunked', '--data-binary', "\@$LONG", "$url/echo")->{out}, qr/\AHTTP\/1.1 413 /, 'in chunks as well');
    my $peer = connect_to($server);
    send_text($peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\nx");
    like(read_text($peer), qr/\AHTTP\/1.1 413 /, 'before it comes');
    $peer = connect_to($server);
    send_text($peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nx");
    like(read_text($peer), qr/\AHTTP\/1.1 400 /, 'a length below 0');
    like(curl('-i', '-H', 'X: ' . 'y' x 20_000, "$url/ping")->{out}, qr/\AHTTP\/1.1 400 /, 'headers that are too long');
    like(curl('-i', "$url/" . 'y' x 20_000)->{out}, qr/\AHTTP\/1.1 400 /, 'an address that is too long');
    like(curl('-i', map({ ('-H', "X$_: y") } 1 .. 4000), "$url/ping")->{out}, qr/\AHTTP\/1.1 400 /, 'very many headers');
    like(curl('-i', '-X', 'BREW', "$url/ping")->{out}, qr/\AHTTP\/1.1 501 /, 'a method that is none');
    $peer = connect_to($server);
    send_text($peer, "\x16\x03\x01" . "\0" x 100 . "\r\n\r\n");
    like(read_text($peer), qr/\A(?:HTTP\/1.1 400 .*)?\z/s, 'what is no HTTP');
    is_served($server, 'and all the others are served');
};

subtest 'peers that stall' => sub {
    my %half = (
        silent => '', 'a half line' => 'GET /pi', 'half headers' => "GET /ping HTTP/1.1\r\nHost: x\r\n",
        'half a body' => "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nxxx",
    );
    my %peer = map { $_ => connect_to($server) } keys %half;
    send_text($peer{$_}, $half{$_}) for keys %half;
    my $begin = time;
    for my $what (sort keys %half) {
        closed_after($peer{$what}, 10);
        my $seconds = time - $begin;
        ok($seconds < $TIMEOUT / 1000 + 1.5, "$what: cut off after a moment") or diag $seconds;
    }
    cmp_ok(time - $begin, '>', $TIMEOUT / 1000 - 0.5, 'not before');
    my $peer = connect_to($server);
    my $sent = 0;
    $begin = time;
    local $SIG{PIPE} = 'IGNORE';
    send_text($peer, "GET /ping HTTP/1.1\r\n");
    while (time - $begin < 10 && send_text($peer, 'X')) {    # an octet now and then
        $sent++;
        last if IO::Select->new($peer)->can_read(0.2);
    }
    cmp_ok(time - $begin, '<', $TIMEOUT / 1000 + 1.5, "who dribbles is cut off as well, after $sent octets");
    cmp_ok(status_of($server)->{timed_out}, '>=', 5, 'they are counted');
};

subtest 'between requests' => sub {
    my $peer = connect_to($server);
    send_text($peer, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
    read_text($peer, until => qr/pong/);
    my $seconds = closed_after($peer, 10);
    cmp_ok($seconds, '>', $IDLE / 1000 - 0.5, 'a connection may be idle for a while') if ok(defined $seconds, 'closed at last');
};

subtest 'replies that nobody reads' => sub {
    my $peer = connect_to($server);
    send_text($peer, "GET /chunks?n=100000 HTTP/1.1\r\nHost: x\r\n\r\n");
    my ($taken, $begin) = (0, time);
    $peer->blocking(0);
    while (time - $begin < 1) {    # and more is sent all the time
        next if !IO::Select->new($peer)->can_write(0.1);
        $taken += send_text($peer, 'x' x 65536) // last;
    }
    is_served($server, 'others are served');
    cmp_ok($taken, '<', 20_000_000, "no more is read meanwhile ($taken octets)");
    wait_until { `cat $server->{log}` =~ /gone with \d+ chunks left/ } 10, 'the end of the request';
    pass('cut off, and its owner was told');
    $peer = connect_to($server);
    send_text($peer, "GET /later?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n");
    close $peer;
    is(curl("$url/later?ms=600")->{out}, "later\n", 'a peer that goes before the reply');
};

subtest 'many connections' => sub {
    wait_until { status_of($server)->{connections} <= 1 } 10, 'the others to be gone';
    my $before = status_of($server);
    my @peers = map { connect_to($server) } 1 .. 30;
    my ($alive, $closed) = (0, 0);
    for my $peer (@peers) {
        local $SIG{PIPE} = 'IGNORE';
        send_text($peer, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
        my $text = read_text($peer, until => qr/pong/, seconds => 5);
        $text =~ /pong/ ? $alive++ : $closed++;
    }
    cmp_ok($alive, '>=', 18, "$alive are served");
    cmp_ok($alive, '<=', 20, 'no more than configured');
    is($closed, 30 - $alive, 'the others are closed');
    close $_ for @peers;
    wait_until { curl("$url/ping")->{out} eq "pong\n" } 10, 'room for others';
    cmp_ok(status_of($server)->{refused}, '>=', $before->{refused} + $closed, 'refused ones are counted');
    my $wrong = grep { curl('-H', 'Connection: close', "$url/ping")->{out} ne "pong\n" } 1 .. 50;
    is($wrong, 0, 'those that are closed leave room at once');
};

stops_well($server, 'it ends in peace');

subtest 'the end' => sub {
    my $ending = start_server(idle => 60_000);
    my ($idle, $busy) = map { connect_to($ending) } 1 .. 2;
    send_text($idle, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
    read_text($idle, until => qr/pong/);
    send_text($busy, "GET /later?ms=700 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until { status_of($ending)->{requests} >= 2 } 5, 'the request to be there';
    $ending->{process}->signal('TERM');
    ok(defined closed_after($idle, 5), 'an idle connection is closed');
    ok(!connect_to($ending), 'no more are taken');
    my ($text, $closed) = read_text($busy);
    like($text, qr/later/, 'who waits for an answer gets it');
    ok($closed, 'and is closed then');
    is($ending->{process}->wait_exit(10), 0, 'no memory is lost');
};

subtest 'descriptors run out' => sub {
    my $poor = start_server(max => 1000, timeout => 60_000, wrap => ['prlimit', '--nofile=30']);
    my @peers = map { connect_to($poor) } 1 .. 60;
    close pop @peers for 1 .. 55;
    is_served($poor, 'when there are some again, it goes on');
    close $_ for @peers;
    stops_well($poor, 'and ends in peace');
};

subtest 'addresses' => sub {
    my $port = free_port();
    my $sockets = sub {    # addresses that listen on it, as the kernel writes them
        my $hex = sprintf '%04X', $port;
        return map { /^\s*\d+: ([0-9A-F]+):$hex \S+ 0A / ? $1 : () } map { split /\n/ } `cat /proc/net/tcp /proc/net/tcp6`;
    };
    for my $listen ($port, ":$port", "127.0.0.1:$port") {
        my $some = start_server(listen => [$listen], port => $port);
        is_deeply([$sockets->()], ['0100007F'], "$listen is the loopback address");
        stops_well($some, 'stopped');
    }
    for my $bad ('', 'x', '0', ':', ':0', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', 'localhost:80x', '[::1]', '1:2:3', '127.0.0.1:' . '1' x 200) {
        my $done = run_program(command => [build_dir() . '/tests/system/http_server', 1, 1, 1, '-', $bad], timeout => 10);
        like($done->{err}, qr/\Acould not listen on "\Q$bad\E": it is no address and port/, "not an address: \"$bad\"");
    }
    my $one = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1) or die;
    my $done = run_program(command => [build_dir() . '/tests/system/http_server', 1, 1, 1, '-', $port], timeout => 10);
    like($done->{err}, qr/could not listen on "$port": Address already in use/, 'one that is in use');
};

# ---- TLS ----

# A certificate for 127.0.0.1 and its key in one file.
sub make_cert {
    my ($file, $name, @more) = @_;
    my $done = run_program(timeout => 30, command => [
        'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '2', '-subj', "/CN=$name",
        '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$file.key", '-out', "$file.crt", @more ? @more : '-nodes',
    ]);
    die $done->{err} if $done->{status} != 0;
    return system("cat $file.crt $file.key > $file") == 0;
}

subtest 'TLS' => sub {
    make_cert("$dir/one.pem", 'one');
    make_cert("$dir/two.pem", 'two');
    make_cert("$dir/locked.pem", 'locked', '-passout', 'pass:x');
    system "cp $dir/one.pem $dir/cert.pem";
    my $secure = start_server(cert => "$dir/cert.pem");
    my $base = "https://127.0.0.1:$secure->{port}";
    my $ping = sub { curl('--cacert', "$dir/$_[0].pem", @_[1 .. $#_], "$base/ping")->{out} };
    is($ping->('one'), "pong\n", 'a request');
    is($ping->('two'), '', 'the other certificate is another');
    is($ping->('one', '--tls-max', '1.2'), "pong\n", 'TLS 1.2');
    is($ping->('one', '--tlsv1.0', '--tls-max', '1.1', '--ciphers', 'DEFAULT:@SECLEVEL=0'), '', 'not TLS 1.1');
    is(length curl('--cacert', "$dir/one.pem", "$base/chunks?n=100")->{out}, 100 * 65536, 'a long reply');
    is(curl('--cacert', "$dir/one.pem", '-d', 'x' x 90_000, "$base/echo")->{out}, "90000\n", 'a long body');
    my $plain = connect_to($secure);
    send_text($plain, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
    unlike(read_text($plain, seconds => 5), qr/HTTP/, 'nothing without TLS');
    ok(defined closed_after(connect_to($secure), 10), 'who does not begin is cut off');
    my $half = connect_to($secure);
    send_text($half, "\x16\x03\x01\x02\x00\x01");
    ok(defined closed_after($half, 10), 'who stops inside the handshake as well');

    my $reload = sub {
        my ($file, $pattern) = @_;
        my $before = -s $secure->{log};
        system "cp $dir/$file $dir/cert.pem";
        $secure->{process}->signal('HUP');
        return wait_until { substr(`cat $secure->{log}`, $before) =~ $pattern } 10, "$pattern in the log";
    };
    $reload->('two.pem', qr/^reloaded$/m);
    is($ping->('two'), "pong\n", 'a new certificate after a reload');
    is($ping->('one'), '', 'not the old one');
    for my $bad ('one.pem.crt', 'two.pem.key', 'locked.pem', 'log-' . $secure->{port}) {
        $reload->($bad, qr/^reload refused: could not use "/m);
        is($ping->('two'), "pong\n", "a reload of $bad changes nothing");
    }
    stops_well($secure, 'it ends in peace');
};

done_testing();
