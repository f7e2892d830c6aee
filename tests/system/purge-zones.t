#!/usr/bin/perl
# Zones that come and go, with PowerDNS' list of zones cached for long: through its
# web server one by one, or by reading the list of all; and what csdnsd does when one
# of the two does not work.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs);
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdnsd pdns_server pdns:remote));

my $KEY = 'k3y-of-the-web-server';

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');

my $dir = temp_dir();
my $port = free_port();

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!";
    print {$file} $text;
    close $file or die "$path: $!";
    return $path;
}

sub add_zones {
    my (@zones) = @_;
    my $sql = q{WITH d AS (INSERT INTO domains (name, type) SELECT unnest(?::text[]), 'NATIVE' RETURNING id, name)
        INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT id, name, 'SOA', 'ns.test hostmaster.test 1 10800 3600 604800 600', 600 FROM d
         UNION ALL SELECT id, 'www.' || name, 'A', '192.0.2.1', 600 FROM d};
    $dbh->do($sql, undef, \@zones);
    return;
}

sub delete_zones { my (@zones) = @_; $dbh->do('DELETE FROM domains WHERE name = ANY (?)', undef, \@zones); return }

sub rcode { my ($pdns, $zone) = @_; return $pdns->dns->ask("www.$zone", 'A')->{rcode} }

# All of these zones answer so at last.
sub all_are {
    my ($pdns, $rcode, $what, @zones) = @_;
    my $done = try_until { !grep { rcode($pdns, $_) ne $rcode } @zones } 5;
    ok $done, $what or diag map { "$_ " . rcode($pdns, $_) . "\n" } @zones;
    return;
}

sub settled {
    my ($csdnsd) = @_;
    wait_until { my $s = $csdnsd->status; !$s->{purge_lost} && !$s->{purge_pending} && !$s->{purge_zones_pending} } 10, 'nothing pending';
    return $csdnsd->status;
}

# What a status counts more after than before.
sub counted {
    my ($csdnsd, $before) = @_;
    my $now = settled($csdnsd);
    return { map { $_ => $now->{$_} - $before->{$_} } qw(zone_flushes rediscovers purge_failed) };
}

add_zones('first.test');
my $key_file = write_file("$dir/key", "$KEY\n");
my $csdnsd = Csdns::Csdnsd->start(
    db => $cluster->conninfo('store', 'csdnsd'), pdns_control => "$dir/pdns.controlsocket",
    pdns_api => "http://127.0.0.1:$port", pdns_api_key_file => $key_file,
);
my %edge = (
    socket => $csdnsd->socket, socket_dir => $dir, caches => 1,
    webserver => 'yes', webserver_address => '127.0.0.1', webserver_port => $port, api => 'yes',
);
my $pdns = Csdns::Pdns->remote(%edge, api_key => $KEY);

is rcode($pdns, 'first.test'), 'NOERROR', 'a zone that was there' for 1 .. 2;
my $before = settled($csdnsd);
is rcode($pdns, $_), 'REFUSED', "$_ is not there" for qw(a.test a.test b.test);
add_zones('a.test');
all_are($pdns, 'NOERROR', 'a new zone', 'a.test');
is_deeply counted($csdnsd, $before), { zone_flushes => 1, rediscovers => 0, purge_failed => 0 }, 'through the web server alone';
$before = settled($csdnsd);
add_zones('b.test', 'c.test', 'x\\032y.test');
all_are($pdns, 'NOERROR', 'three new zones', 'b.test', 'c.test', 'x\\032y.test');
is_deeply counted($csdnsd, $before), { zone_flushes => 3, rediscovers => 0, purge_failed => 0 }, 'one by one';
$before = settled($csdnsd);
delete_zones('a.test', 'b.test');
all_are($pdns, 'REFUSED', 'two deleted zones', 'a.test', 'b.test');
is_deeply counted($csdnsd, $before), { zone_flushes => 2, rediscovers => 0, purge_failed => 0 }, 'one by one';
is rcode($pdns, 'c.test'), 'NOERROR', 'the third is still there';

# Many at once: the list of all is cheaper. Bursts are one command.
$before = settled($csdnsd);
my @many = map {"many$_.test"} 1 .. 300;
add_zones(@many);
all_are($pdns, 'NOERROR', 'three hundred new zones', @many);
is counted($csdnsd, $before)->{zone_flushes}, 0, 'not one by one';
cmp_ok counted($csdnsd, $before)->{rediscovers}, '>=', 1, 'by reading the list';
$before = settled($csdnsd);
delete_zones($_) for @many[0 .. 59];
all_are($pdns, 'REFUSED', 'sixty deleted zones, a transaction each', @many[0 .. 59]);

# A load does not mean that there are other zones.
$before = settled($csdnsd);
$csdnsd->reload;
wait_until { $csdnsd->status->{loads} > $before->{loads} } 10, 'everything loaded again';
is counted($csdnsd, $before)->{rediscovers}, 0, 'a load with the same zones: the list is not read';
cmp_ok $csdnsd->status->{purge_all}, '>', $before->{purge_all}, 'but everything is purged';
$before = settled($csdnsd);
$dbh->begin_work;
$dbh->do('DELETE FROM domains WHERE name = ?', undef, $many[-1]);
add_zones('instead.test');
$dbh->do(q{INSERT INTO csdns.journal (txid, what) VALUES (pg_current_xact_id(), '*')});
$dbh->commit;
all_are($pdns, 'NOERROR', 'a load with another zone', 'instead.test');
all_are($pdns, 'REFUSED', 'in place of one', $many[-1]);
cmp_ok counted($csdnsd, $before)->{rediscovers}, '>=', 1, 'the list is read';
is $csdnsd->status->{loads}, $before->{loads} + 1, 'it was a load';

# A web server that does not take the key: the list is read instead.
$pdns->stop;
$pdns->{options}{api_key} = 'another';
$pdns->start;
$before = settled($csdnsd);
add_zones('d.test');
all_are($pdns, 'NOERROR', 'a new zone without the right key', 'd.test');
like $csdnsd->log_text, qr/looks? at single zones: its web server: it answers with status 401/, 'it is logged';
is counted($csdnsd, $before)->{rediscovers}, 1, 'the list was read instead';
$pdns->stop;
@{ $pdns->{options} }{qw(webserver api)} = ('no', 'no');
$pdns->start;
settled($csdnsd);
add_zones('e.test');
all_are($pdns, 'NOERROR', 'a new zone without a web server', 'e.test');
unlike $csdnsd->log_text, qr/\Q$KEY\E/, 'the key is not in the log';
is $csdnsd->stop, 0, 'no leak, no complaint';

# Settings.
my @wrong = (
    ["--pdns-api=http://127.0.0.1:$port", qr/there are more of them than of pdns-control/],
    ['--pdns-control=/a', "--pdns-api=https://127.0.0.1:$port", qr{does not begin with http://}],
    ['--pdns-control=/a', '--pdns-api=http://192.0.2.1:80', qr/its host is not/],
    ['--pdns-control=/a', '--pdns-api=http://k@127.0.0.1', qr/the key belongs into/],
    ['--pdns-control=/a', '--pdns-api=http://127.0.0.1/api', qr/nothing may stand behind/],
    ['--pdns-control=/a', '--pdns-api=http://127.0.0.1', qr/pdns-api-key-file is not given/],
    ['--pdns-control=/a', '--pdns-api=http://127.0.0.1', "--pdns-api-key-file=$dir/none", qr/No such file/],
    ['--pdns-control=/a', '--pdns-api=http://127.0.0.1', '--pdns-api-key-file=' . write_file("$dir/two", "a\nb\n"), qr/does not print/],
    ['--pdns-control=/a', '--pdns-api=http://127.0.0.1', '--pdns-api-key-file=' . write_file("$dir/long", 'k' x 300), qr/too long/],
    ['--pdns-control=/a', '--pdns-api=http://127.0.0.1', '--pdns-api-key-file=' . write_file("$dir/empty", "\n"), qr/it is empty/],
    ['--pdns-control=a', qr/no absolute path/],
    ['--pdns-control=/a', '--pdns-control=/a', qr/there twice/],
    ['--pdns-control=/' . 'a' x 200, qr/too long for a socket/],
    ['--pdns-purge-repeat=1', '--pdns-purge-repeat=5d', qr/not a time/],
    ['--pdns-purge-repeat=1ms,', qr/not a time/],
    ['--pdns-purge-repeat=1h', qr/a time is 1ms to 1m/],
    ['--pdns-purge-repeat=1s,2s,3s,4s,5s', qr/too many times/],
);
for my $case (@wrong) {
    my $reason = pop @$case;
    my $run = Csdns::Csdnsd->run('--check', @$case);
    like $run->{err}, $reason, "refused: @$case";
}
for my $good ('--pdns-purge-repeat=none', '--pdns-purge-repeat=0', '--pdns-purge-repeat=20ms,2s,1m') {
    my $run = Csdns::Csdnsd->run('--check', $good);
    is $run->{status}, 0, "taken: $good";
}
done_testing;
