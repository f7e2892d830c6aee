#!/usr/bin/perl
# The bounds of what peers may take of csdnsd: the length of a request, the memory of all requests that are being read,
# and descriptors. Whoever goes beyond them is refused with a line in the log, and all others are served.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Metrics qw(metrics_at);
use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Remote;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdnsd prlimit));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60), (1, 'www.a.test', 'A', '192.0.2.1', 60)});
my $dbh = $cluster->dbh('store');
my $db = $cluster->conninfo('store', 'csdnsd');
local $SIG{PIPE} = 'IGNORE';

sub limit { my ($pid, $nofile) = @_; return system('prlimit', "--pid=$pid", "--nofile=$nofile") == 0 || die "prlimit $nofile\n" }
sub is_served { my ($remote) = @_; return ($remote->lookup('www.a.test', 'A'))[0]{content} eq '192.0.2.1' }

# A lookup of so many octets, its newline among them.
sub request_of {
    my ($octets) = @_;
    my ($begin, $end) = ('{"method":"lookup","parameters":{"qname":"www.a.test.","qtype":"A"', "}}\n");
    return $begin . ' ' x ($octets - length "$begin$end") . $end;
}

subtest 'the length of a request' => sub {
    my $csdnsd = Csdns::Csdnsd->start(db => $db, max_request => '8k');
    my $peer = $csdnsd->remote;
    for my $octets (100, 8191, 8192) {
        $peer->send_text(request_of($octets));
        like($peer->read_line, qr/192\.0\.2\.1/, "$octets octets are answered");
    }
    is($csdnsd->log_text =~ /over the size limit/, '', 'none was too long');
    $peer->send_text(request_of(8193));
    like($peer->read_line, qr/"result":false.*over the size limit/, 'one octet more than max-request is refused');
    $csdnsd->wait_log(qr/\[peer pid \d+ uid \d+\].*over the size limit/);
    ok(is_served($csdnsd->remote), 'others are served');
    is($csdnsd->stop, 0, 'it ends in peace');
};

subtest 'the memory of all requests' => sub {
    my $csdnsd = Csdns::Csdnsd->start(db => $db, metrics => my $port = free_port());
    my $witness = $csdnsd->remote;
    my $bytes = sub { metrics_at("http://127.0.0.1:$port")->{'csdns_memory_bytes{kind="requests"}'} };
    my $unfinished = substr request_of(1_000_000), 0, 900_000;
    my @peers = map { $csdnsd->remote(initialize => 0) } 1 .. 100;
    $_->send_text($unfinished) for @peers;
    $csdnsd->wait_log(qr/no memory for more of it/);
    my $most = $bytes->();
    cmp_ok($most, '>', 32 << 20, 'unfinished requests take memory');
    cmp_ok($most, '<', 68 << 20, '64 MiB of it, and what one more takes');
    ok(is_served($witness), 'others are served');
    undef @peers;
    wait_until { $bytes->() < 1 << 20 } 10, 'it to be given back';
    ok(is_served($csdnsd->remote), 'afterwards, too');
    is($csdnsd->stop, 0, 'it ends in peace');
};

subtest 'as many descriptors as connections' => sub {
    limit($$, '256:');
    my $csdnsd = Csdns::Csdnsd->start(db => $db, max_connections => 700, metrics => my $port = free_port());
    my $max = metrics_at("http://127.0.0.1:$port")->{process_max_fds};
    cmp_ok($max, '>=', 700 + 256, "it raises its own limit, to $max");
    is($csdnsd->log_text =~ /descriptors are allowed/, '', 'and says nothing of it');
    is($csdnsd->stop, 0, 'it ends in peace');
    limit($$, '1024:');

    my $dir = temp_dir();
    my $poor = Csdns::Process->start(name => 'poor', log => "$dir/log", cwd => $dir,
        command => ['prlimit', '--nofile=200:200', find_program('csdnsd'), "--socket=$dir/socket", "--db=$db"]);
    my $is_said = try_until { $poor->log_text =~ /WARNING.*only 200 descriptors are allowed for 1100 connections.*loaded version/s } 20;
    ok($is_said, 'where it may not, it says so') or diag $poor->log_text;
    is($poor->stop('TERM', 10), 0, 'and ends in peace');
};

subtest 'descriptors run out' => sub {
    my $csdnsd = Csdns::Csdnsd->start(db => $db);
    my $witness = $csdnsd->remote;
    $csdnsd->status;    # over a connection that stays
    limit($csdnsd->pid, $csdnsd->process->open_files + 20 . ':');
    my @peers = map { $csdnsd->remote(initialize => 0) } 1 .. 100;
    my $refused = sub { scalar(() = $csdnsd->log_text =~ /could not accept a connection: Too many open files/g) };
    wait_until { $refused->() > 2 } 10, 'none to be left, and another look, and another';
    cmp_ok($refused->(), '<', 50, 'it looks now and then');
    ok(is_served($witness), 'who is there is served');
    $dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'new.a.test', 'A', '192.0.2.2', 60)});
    $csdnsd->wait_current($dbh);
    is(($witness->lookup('new.a.test', 'A'))[0]{content}, '192.0.2.2', 'and changes are followed');
    undef @peers;
    ok(is_served($csdnsd->remote), 'when there are some again, it goes on');
    is($csdnsd->stop, 0, 'it ends in peace');
};
done_testing;
