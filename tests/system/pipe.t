#!/usr/bin/perl
# A real pdns_server with the pipe connector, csdns-pipe and csdnsd: lookups, a large
# zone out, a dynamic update, and csdnsd killed and started again under questions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use POSIX ();
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Process qw(run_program);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Wait qw(now_s wait_until);

need_programs(qw(initdb csdnsd csdns-pipe pdns_server pdns:remote nsupdate));
my $LARGE = 30_000;

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', qq{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('large.test', 'NATIVE'), ('middle.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.a.test hostmaster.a.test 1 10800 3600 604800 60', 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'NS', 'ns.a.test', 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'ns.a.test', 'A', '192.0.2.1', 60), (1, 'www.a.test', 'A', '192.0.2.2', 60);
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT 2, 'n' || i || '.large.test', 'A', '192.0.2.3', 60 FROM generate_series(1, $LARGE) i;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT 3, 'n' || i || '.middle.test', 'A', '192.0.2.3', 60 FROM generate_series(1, $LARGE / 3) i});
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'pdns'));
my $pdns = Csdns::Pdns->remote(
    connector => 'pipe', socket => $csdnsd->socket, pipe => ['--timeout=4s', '--write-timeout=20s'],
    dnsupdate => 'yes', allow_dnsupdate_from => '127.0.0.0/8', allow_axfr_ips => '127.0.0.0/8',
);
my $dns = $pdns->dns(timeout => 15);

# --- lookups ---

is_deeply $dns->ask('www.a.test', 'A')->{answer}, ['www.a.test. 60 IN A 192.0.2.2'], 'a lookup';
is $dns->ask('none.a.test', 'A')->{rcode}, 'NXDOMAIN', 'a name that is not there';
is $dns->ask('www.b.test', 'A')->{rcode}, 'REFUSED', 'a zone that is not there';
$cluster->psql('store', q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'new.a.test', 'A', '192.0.2.4', 60)});
$csdnsd->wait_current($cluster->dbh('store'));
is $dns->ask('new.a.test', 'A')->{rcode}, 'NOERROR', 'a new record';

# --- transfers ---

sub timed_transfer {
    my ($zone) = @_;
    my $start = now_s();
    my ($records, $why) = $dns->transfer($zone);
    return ($records ? scalar @$records : $why, now_s() - $start);
}

timed_transfer('a.test');
my ($some, $some_s) = timed_transfer('middle.test');
my ($all, $all_s) = timed_transfer('large.test');
is $some, $LARGE / 3 + 3, 'a zone of ' . $LARGE / 3 . ' records is transferred';
is $all, $LARGE + 3, "a zone of $LARGE records is transferred";
diag sprintf '%d records in %.2f s, %d in %.2f s', $LARGE / 3, $some_s, $LARGE, $all_s;
cmp_ok $all_s, '<', 15, 'in the time that PowerDNS needs for it';
cmp_ok $all_s, '<', 6 * $some_s + 0.5, 'which grows with the number of records, not with its square';

# --- dynamic updates ---

sub update {
    my (@lines) = @_;
    my $done = run_program(command => [find_program('nsupdate'), '-t', '30'], stdin => join "\n", 'server 127.0.0.1 ' . $pdns->port, 'zone a.test', @lines, 'send', '');
    return $done->{status} == 0 ? 'done' : $done->{err} =~ /update failed: (\w+)/ ? $1 : $done->{err};
}

is update('update add u.a.test 60 A 192.0.2.5', 'update add u.a.test 60 A 192.0.2.6'), 'done', 'a dynamic update';
is scalar @{ $dns->ask('u.a.test', 'A')->{answer} }, 2, 'is there';

# --- csdnsd killed and started again, under questions ---

my ($asked, %rcode) = (0);
sub ask { $asked++; $rcode{ $dns->ask('www.a.test', 'A')->{rcode} }++; return }
for my $round (1 .. 5) {
    ask() for 1 .. 50;
    $csdnsd->kill_hard;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        my $reply = $dns->ask('www.a.test', 'A');    # while nobody is there
        POSIX::_exit($reply->{rcode} eq 'NOERROR' ? 0 : 1);
    }
    $csdnsd->spawn;
    waitpid $pid, 0;
    is $?, 0, "round $round: who asks while csdnsd is away gets the answer when it is back";
}
ask() for 1 .. 50;
is_deeply \%rcode, { NOERROR => $asked }, "all of $asked questions were answered";
is update('update add v.a.test 60 A 192.0.2.5'), 'done', 'an update after it';
is +(timed_transfer('large.test'))[0], $LARGE + 3, 'a transfer after it';

# --- a transaction that is lost ---

# The update waits for a lock that is held here, and csdnsd goes meanwhile. Before that it may only have
# begun its transaction, which csdns-pipe would begin once more.
my $lock = $cluster->dbh('store');
$lock->begin_work;
$lock->do(q{LOCK TABLE records IN ACCESS EXCLUSIVE MODE});
my $pid = fork // die "fork: $!";
if (!$pid) { POSIX::_exit(update('update add lost.a.test 60 A 192.0.2.5') eq 'done' ? 1 : 0) }
wait_until {
    $cluster->psql('store', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'csdnsd transaction' AND wait_event_type = 'Lock'})
} 20, 'the update to wait for the lock';
$csdnsd->kill_hard;
$lock->rollback;
$csdnsd->spawn;
waitpid $pid, 0;
is $?, 0, 'an update whose transaction is lost fails';
is $dns->ask('lost.a.test', 'A')->{rcode}, 'NXDOMAIN', 'nothing of it is written';
is update('update add w.a.test 60 A 192.0.2.5'), 'done', 'the next one is done';
ok $pdns->process->is_running, 'pdns_server still runs';

# --- csdnsd stays away ---

my $away = Csdns::Pdns->remote(connector => 'pipe', socket => $csdnsd->socket, pipe => ['--timeout=100ms'], name => 'away');
is $away->dns->ask('www.a.test', 'A')->{rcode}, 'NOERROR', 'another server';
$csdnsd->stop;
is $away->dns(timeout => 5)->ask('www.a.test', 'A')->{rcode}, 'SERVFAIL', 'without csdnsd it says SERVFAIL, not that there is no such name';
is $away->dns(timeout => 5)->ask('other.a.test', 'A')->{rcode}, 'SERVFAIL', 'and goes on to say so';
$csdnsd->spawn;
is $away->dns->ask('www.a.test', 'A')->{rcode}, 'NOERROR', 'and answers when it is there again';

# --- the end ---

my @pipes = map { m{/(\d+)$} } grep { (readlink("$_/exe") // '') =~ m{/csdns-pipe$} } glob '/proc/[0-9]*';
my @ours = grep { my $command = do { local (@ARGV, $/) = "/proc/$_/cmdline"; <> } // ''; index($command, $csdnsd->socket) >= 0 } @pipes;
cmp_ok scalar @ours, '>', 2, 'there are ' . @ours . ' coprocesses';
$pdns->process->stop('KILL');
$away->process->stop('KILL');
wait_until { !grep { -e "/proc/$_/fd/0" } @ours } 10, 'the coprocesses to end';
pass 'they end with pdns_server, even when that is killed';
is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
