#!/usr/bin/perl
# csdnsd as a process: options, configuration file, --check, the socket's mode and
# owner, who may connect, signals, systemd's socket activation and notification.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Fcntl qw(S_IMODE);
use IO::Select;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM SOCK_STREAM);
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Process qw(temp_dir unprivileged_user);
use Csdns::Programs qw(need_programs);
use Csdns::Wait;

need_programs(qw(initdb csdnsd));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60), (1, 'www.a.test', 'A', '192.0.2.1', 60)});
my $db = $cluster->conninfo('store', 'csdnsd');
my $dir = temp_dir();

sub write_conf {
    my ($text) = @_;
    open my $file, '>', "$dir/csdnsd.conf" or die "$dir/csdnsd.conf: $!";
    print {$file} $text;
    close $file;
    return "$dir/csdnsd.conf";
}

sub is_served { my ($remote) = @_; my @found = $remote->lookup('www.a.test', 'A'); return @found && $found[0]{content} eq '192.0.2.1' }

# --- the command line ---

my $done = Csdns::Csdnsd->run('--help');
is $done->{status}, 0, '--help';
like $done->{out}, qr/--$_\b/, "--help tells of --$_"
    for qw(config db socket socket-mode socket-owner socket-group allow-user log-level check help version);
cmp_ok scalar(grep { length > 80 } split /\n/, $done->{out}), '==', 0, '--help fits a terminal';
$done = Csdns::Csdnsd->run('--version');
like $done->{out}, qr/^csdnsd \d+\.\d+/, '--version';
is $done->{status}, 0, '--version: status';

for my $case (
    ['an unknown option', qr/no-such-option/, '--no-such-option'],
    ['an argument', qr/argument/, 'hello'],
    ['a mode that is none', qr/socket-mode.*rwx|rwx.*socket-mode/, '--socket-mode=rwx'],
    ['a mode out of range', qr/socket-mode/, '--socket-mode=7777'],
    ['a log level that is none', qr/log-level.*loud/, '--log-level=loud'],
    ['conninfo that is none', qr/db.*nosuch/, '--db=nosuch=1 dbname=x'],
    ['a user that is none', qr/no-such-user/, '--allow-user=no-such-user'],
    ['a file that is not there', qr/nosuchfile/, "--config=$dir/nosuchfile"],
    ['a number out of range', qr/max-connections/, '--max-connections=0'],
) {
    my ($what, $message, @arguments) = @$case;
    my $result = Csdns::Csdnsd->run('--check', @arguments);
    isnt $result->{status}, 0, "$what: refused";
    like $result->{err}, $message, "$what: and why";
}
$done = Csdns::Csdnsd->run('--check', '--db=dbname=x password=geheim nosuch=1');
unlike $done->{err}, qr/geheim/, 'a password is not shown in an error';
for my $db ('postgresql://u:geheim@h:port/x?nosuch=1', 'postgresql://u:geheim@[h/x', 'password=geheim host') {
    $done = Csdns::Csdnsd->run('--check', "--db=$db");
    is $done->{status} >> 8 || $done->{status}, 2, 'a connection string that is none is refused';
    unlike $done->{err}, qr/geheim/, 'and its password not shown';
}

# --- the configuration file ---

write_conf(qq{# comment\n\ndb = $db\nsocket = "$dir/f.sock"\n  log-level=info  \nsocket-mode = 0600\n});
$done = Csdns::Csdnsd->run('--check', "--config=$dir/csdnsd.conf");
is $done->{status}, 0, '--check of a good file';
for my $case (
    ['an unknown name', "no-such-name = 1\n", qr/csdnsd\.conf:1.*no-such-name/],
    ['no value', "db = $db\nsocket\n", qr/csdnsd\.conf:2/],
    ['a wrong value, with its line', "\n\nsocket-mode = 99\n", qr/csdnsd\.conf:3.*socket-mode/],
    ['--check in a file', "check = yes\n", qr/csdnsd\.conf:1.*check/],
    ['a quote that does not end', qq{socket = "abc\n}, qr/csdnsd\.conf:1/],
) {
    my ($what, $text, $message) = @$case;
    write_conf($text);
    my $result = Csdns::Csdnsd->run('--check', "--config=$dir/csdnsd.conf");
    isnt $result->{status}, 0, "file: $what: refused";
    like $result->{err}, $message, "file: $what: and where";
}

my $conf = write_conf("db = $db\nsocket = $dir/f.sock\nsocket-mode = 0600\nlog-level = notice\n");
my $csdnsd = Csdns::Csdnsd->start(config => $conf, socket => "$dir/c.sock");
ok is_served($csdnsd->remote), 'started with a file';
ok -S "$dir/c.sock" && !-e "$dir/f.sock", 'the command line wins over the file';
is sprintf('%04o', S_IMODE((stat "$dir/c.sock")[2])), '0600', "the file's mode";

# --- SIGHUP ---

my $witness = $csdnsd->remote;
unlike $csdnsd->log_text, qr/DEBUG|INFO/, 'log level notice';
write_conf("db = $db\nsocket = $dir/f.sock\nsocket-mode = 0600\nlog-level = debug\n");
my $loads = $csdnsd->status->{loads};
$csdnsd->reload;
wait_until { $csdnsd->status->{loads} > $loads } 10, 'the reload';
$csdnsd->remote(initialize => 0)->send_text('half a req');
$csdnsd->wait_log(qr/INFO.*inside a request/);
pass 'SIGHUP reads the file again and loads again';
ok is_served($witness), 'connections survive it';
write_conf("db = $db\nlog-level = loud\n");
$csdnsd->reload;
$csdnsd->wait_log(qr/ERROR.*reload.*loud/);
pass 'a bad file is refused';
ok is_served($witness), 'and nothing else happens';
write_conf("db = host=$dir/nowhere dbname=nosuch\nsocket-mode = 0600\n");
$csdnsd->reload;
$csdnsd->wait_log(qr/(?:could not|no connection).*nowhere/);
ok is_served($witness), 'a file that points to a database that is not there: the data stay';
write_conf("db = $db\nsocket-mode = 0600\n");
$csdnsd->reload;
$cluster->psql('store', q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'new.a.test', 'A', '192.0.2.2', 60)});
wait_until { $witness->lookup('new.a.test', 'A') } 15, 'the first database again';
pass 'and back to the right one';
is $csdnsd->stop, 0, 'SIGTERM ends it with status 0';
ok !-e "$dir/c.sock", 'the socket is gone';

# --- SIGTERM and requests in hand ---

$csdnsd = Csdns::Csdnsd->start(db => $db);
my $request = qq({"method":"lookup","parameters":{"qname":"www.a.test.","qtype":"A"}}\n);
$witness = $csdnsd->remote;
$witness->send_text(substr $request, 0, 40);
is $csdnsd->remote->call('initialize'), JSON::true(), 'another one is served';
kill TERM => $csdnsd->pid;
wait_until { !-e $csdnsd->socket } 10, 'the socket to go';
pass 'the socket goes at once, while a request is in hand';
$csdnsd->wait_log(qr/stopping/);
$witness->send_text(substr $request, 40);
like $witness->read_line, qr/192\.0\.2\.1/, 'a request that had begun is answered after SIGTERM';
ok $witness->is_closed, 'then the connection ends';
my $begin = now_s();
is $csdnsd->process->wait_exit, 0, 'and csdnsd';
cmp_ok now_s() - $begin, '<', 4, 'at once, as nothing is in hand';

# Five seconds are what a request may take that has begun.
sub begin_and_stop {
    $csdnsd = Csdns::Csdnsd->start(db => $db);
    $witness = $csdnsd->remote;
    $witness->send_text(substr $request, 0, 40);
    $csdnsd->remote->call('initialize');
    kill TERM => $csdnsd->pid;
    $csdnsd->wait_log(qr/stopping/);
    return now_s();
}
$begin = begin_and_stop();
is $csdnsd->process->wait_exit, 0, 'a request that does not end is not waited for for ever';
cmp_ok now_s() - $begin, '>', 4, 'but for a while';
$begin = begin_and_stop();
kill TERM => $csdnsd->pid;
is $csdnsd->process->wait_exit, 0, 'a second signal ends csdnsd';
cmp_ok now_s() - $begin, '<', 4, 'without waiting';
$csdnsd = Csdns::Csdnsd->start(db => $db);
my @busy = map { $csdnsd->remote } 1 .. 50;
$_->send_text($request) for @busy;
kill TERM => $csdnsd->pid;
is scalar(grep { ($_->read_line // '') =~ /192\.0\.2\.1/ } @busy), 50, 'fifty requests that were sent before SIGTERM are answered';
is $csdnsd->process->wait_exit, 0, 'and csdnsd ends';
$csdnsd = Csdns::Csdnsd->start(db => $db);
kill INT => $csdnsd->pid;
is $csdnsd->process->wait_exit, 0, 'SIGINT ends it as well';
# All that had come before the signal, however much at once.
$csdnsd = Csdns::Csdnsd->start(db => $db);
$witness = $csdnsd->remote;
kill STOP => $csdnsd->pid;
$witness->send_text($request x 200);
kill TERM => $csdnsd->pid;
kill CONT => $csdnsd->pid;
is scalar(grep { ($witness->read_line // '') =~ /192\.0\.2\.1/ } 1 .. 200), 200, 'two hundred requests that wait when SIGTERM comes';
ok $witness->is_closed, 'then the connection ends';
is $csdnsd->process->wait_exit, 0, 'and csdnsd';
# A reload may name another socket; what is removed at the end is the one that was made.
write_conf("db = $db\nsocket = $dir/mine.sock\n");
$csdnsd = Csdns::Csdnsd->start(config => "$dir/csdnsd.conf", socket => undef, wait => 0);
$csdnsd->wait_log(qr/loaded version/);
open my $precious, '>', "$dir/precious" or die "precious: $!";
close $precious;
write_conf("db = $db\nsocket = $dir/precious\n");
$csdnsd->reload;
$csdnsd->wait_log(qr/WARNING.*only with a restart/);
is $csdnsd->stop, 0, 'ends after a reload with another socket';
ok -e "$dir/precious", 'what has the new name stays';
ok !-e "$dir/mine.sock", 'its own socket goes';

# --- the socket ---

$csdnsd = Csdns::Csdnsd->start(db => $db);
is sprintf('%04o', S_IMODE((stat $csdnsd->socket)[2])), '0660', 'mode 0660 unless told otherwise';
my $second = Csdns::Csdnsd->start(db => $db, socket => $csdnsd->socket, wait => 0);
isnt $second->process->wait_exit, 0, 'a second csdnsd on the same socket is refused';
like $second->log_text, qr/ERROR.*another process/, 'and says why';
ok is_served($csdnsd->remote), 'the first one goes on';
$csdnsd->kill_hard;
ok -S $csdnsd->socket, 'killed, it leaves its socket behind';
$csdnsd->spawn;
ok is_served($csdnsd->remote), 'which the next one replaces';
# One that still ends does not take the socket of the next one away.
my $late = $csdnsd->remote;
$late->send_text(substr $request, 0, 40);
is $csdnsd->remote->call('initialize'), JSON::true(), 'the late peer is connected';
kill TERM => $csdnsd->pid;
$csdnsd->wait_log(qr/stopping/);
my $next = Csdns::Csdnsd->start(db => $db, socket => $csdnsd->socket, wait => 0);
my $is_up = Csdns::Wait::try_until { !$next->is_running || $next->has_data } 10;
$late->send_text(substr $request, 40);
is $csdnsd->process->wait_exit, 0, 'the old one has ended';
$next->spawn if !$next->is_running;    # it may also refuse while the old one is there
$next->wait_ready;
ok is_served($next->remote), 'the new one has its socket';
$next->stop;

$csdnsd = Csdns::Csdnsd->start(db => $db, socket_mode => '0777');
is sprintf('%04o', S_IMODE((stat $csdnsd->socket)[2])), '0777', 'another mode';
$csdnsd->stop;
for my $case (
    ['a file is there', "$dir/csdnsd.conf", qr/no socket/],
    ['no such directory', "$dir/nowhere/x.sock", qr/nowhere.*No such file/],
    ['too long', '/tmp/' . ('x' x 120), qr/107/],
) {
    my ($what, $path, $message) = @$case;
    my $daemon = Csdns::Csdnsd->start(db => $db, socket => $path, wait => 0);
    isnt $daemon->process->wait_exit, 0, "socket path, $what: refused";
    like $daemon->log_text, $message, "socket path, $what: and why";
}
ok -f "$dir/csdnsd.conf", 'the file is still there';
# Somebody who is too busy to take connections, and somebody who listens for something else.
my $busy = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "$dir/busy", Listen => 1) or die "busy: $!";
listen $busy, 0;
my @queue;
for (1 .. 5) {
    my $one = IO::Socket::UNIX->new(Type => SOCK_STREAM, Blocking => 0) or die "queue: $!";
    $one->blocking(0);
    connect $one, Socket::pack_sockaddr_un("$dir/busy");
    push @queue, $one;
}
my $datagrams = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/datagrams") or die "datagrams: $!";
for my $case (['a full queue', "$dir/busy", qr/ERROR.*another process/], ['a socket for datagrams', "$dir/datagrams", qr/ERROR.*datagrams/]) {
    my ($what, $path, $message) = @$case;
    my $daemon = Csdns::Csdnsd->start(db => $db, socket => $path, wait => 0);
    my $status = eval { $daemon->process->wait_exit(5) };
    ok $status, "$what: refused at once";
    like $daemon->log_text, $message, "$what: and why";
    ok -S $path, "$what: the socket is still there";
    $daemon->process->stop;
}
undef @queue;

SKIP: {
    skip 'only root can give the socket to others', 5 if $> != 0;
    my $user = unprivileged_user();
    my ($uid, $gid) = (getpwnam $user)[2, 3];
    $csdnsd = Csdns::Csdnsd->start(db => $db, socket_owner => $user, socket_group => $gid, allow_user => [$user, 'root']);
    is_deeply [(stat $csdnsd->socket)[4, 5]], [$uid, $gid], 'owner by name, group by number';
    ok is_served($csdnsd->remote), 'an allowed user is served';
    $csdnsd->stop;
    $csdnsd = Csdns::Csdnsd->start(db => $db, socket_mode => '0666', allow_user => $user, wait => 0);
    wait_until { -S $csdnsd->socket && $csdnsd->log_text =~ /loaded/ } 10, 'the start';
    my $peer = Csdns::Remote->new(socket => $csdnsd->socket, initialize => 0);
    $peer->send_text($request);
    ok $peer->is_closed, 'another user is turned away';
    $csdnsd->wait_log(qr/WARNING.*uid 0/);
    pass 'with a line in the log';
    is $csdnsd->stop, 0, 'and no harm';
}

$csdnsd = Csdns::Csdnsd->start(db => $db, max_connections => 10);
my @peers = map { Csdns::Remote->new(socket => $csdnsd->socket, initialize => 0) } 1 .. 15;
$_->send_text($request) for @peers;
my @answers = map { $_->read_line // '' } @peers;
is scalar(grep {/192\.0\.2\.1/} @answers), 9, 'ten connections at most (one is there already), the others are turned away';
$csdnsd->wait_log(qr{WARNING.*there are too many});
pass 'with a line in the log';
undef @peers;
wait_until { eval { is_served($csdnsd->remote) } } 10, 'room again';
pass 'there is room again';
$csdnsd->stop;

# --- systemd ---

SKIP: {
    skip 'built without libsystemd', 8 if `ldd ${\ Csdns::Programs::find_program('csdnsd')} 2>/dev/null` !~ /libsystemd/;
    my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/notify") or die "notify: $!";
    my $heard = '';
    my $hear = sub {
        my ($pattern) = @_;
        return Csdns::Wait::try_until {
            while (IO::Select->new($notify)->can_read(0)) { recv $notify, my $text, 4096, 0; $heard .= "$text\n" }
            $heard =~ $pattern;
        } 10;
    };
    my $listen = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "$dir/activated", Listen => 5) or die "activated: $!";
    # Connected before csdnsd runs: socket activation loses no request.
    my $early = Csdns::Remote->new(socket => "$dir/activated", initialize => 0);
    $cluster->stop;
    $csdnsd = Csdns::Csdnsd->start(
        db => $db, socket => "$dir/unused", wait => 0, fds => { 3 => $listen },
        env => { LISTEN_FDS => 1, LISTEN_PID => '%PID%', NOTIFY_SOCKET => "$dir/notify" },
    );
    $csdnsd->wait_log(qr/systemd's socket/);
    $csdnsd->wait_log(qr/WARNING/);
    ok $hear->(qr/READY=1\nSTATUS=no data yet/), 'a boot does not wait for a database that is down';
    $csdnsd->reload;
    $csdnsd->wait_log(qr/reloading/);
    $hear->(qr/RELOADING=1/);
    $csdnsd->reload;
    $hear->(qr/RELOADING=1.*RELOADING=1/s);    # what belongs to the first has been said by now
    $cluster->start;
    ok $hear->(qr/STATUS=answering/), 'it says when it has data';
    $early->send_text($request);
    like $early->read_line, qr/192\.0\.2\.1/, "systemd's socket is served";
    ok !-e "$dir/unused", 'and the other one not made';
    $heard = '';
    $csdnsd->reload;
    ok $hear->(qr/RELOADING=1\nMONOTONIC_USEC=\d+(?:.*\n)*?.*READY=1/), 'RELOADING and READY around a reload';
    kill TERM => $csdnsd->pid;
    ok $hear->(qr/STOPPING=1/), 'STOPPING=1';
    is $csdnsd->process->wait_exit, 0, 'ends';
    ok -S "$dir/activated", "systemd's socket stays";
    my $pair = Csdns::Csdnsd->start(
        db => $db, wait => 0, fds => { 3 => $notify }, env => { LISTEN_FDS => 1, LISTEN_PID => '%PID%' },
    );
    isnt $pair->process->wait_exit, 0, 'a descriptor of the wrong kind is refused';
    like $pair->log_text, qr/systemd/, 'and it says so';
}
done_testing;
