#!/usr/bin/perl
# The listener for those who watch: /metrics is Prometheus' format and tells the truth
# about lookups, versions, memory, PowerDNS' connections and purging; /healthz says
# whether csdnsd can answer; the dashboard and the alerts know only metrics that exist.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use HTTP::Tiny;
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Metrics qw(format_ok health_at metrics_at names_ok);
use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs);
use Csdns::Wait;

need_programs(qw(initdb csdnsd));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60), (1, 'www.a.test', 'A', '192.0.2.1', 60),
        (2, 'b.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60)});
my $port = free_port();
my $no_pdns = temp_dir() . '/"pdns".controlsocket';    # nobody listens there
my $csdnsd = Csdns::Csdnsd->start(
    db => $cluster->conninfo('store', 'csdnsd'), metrics => $port, pdns_control => $no_pdns, http => my $connector = free_port(),
);
my $dbh = $cluster->dbh('store');
my $http = HTTP::Tiny->new(timeout => 10, keep_alive => 1);
my $base = "http://127.0.0.1:$port";

sub metrics { return metrics_at($base) }
sub health { return health_at($base) }

subtest 'the format' => sub {
    my $text = format_ok($base, qr/csdns/, 60);
    like($text, qr/^csdns_purge_up\{control=".*\/\\"pdns\\"\.controlsocket"\} 0$/m, 'a label is escaped');
};

subtest 'lookups' => sub {
    my $before = metrics();
    my $remote = $csdnsd->remote;
    my $grown = sub { my ($name) = @_; return (metrics()->{$name} // 0) - ($before->{$name} // 0) };
    $remote->lookup('www.a.test', 'A') for 1 .. 10;
    $remote->lookup('nowhere.test', 'A', 1) for 1 .. 3;
    eval { $remote->call('getDomainInfo', name => 'nowhere.test') };
    eval { $remote->call('noSuchMethod') };
    is($grown->('csdns_requests_total{method="lookup",result="ok"}'), 10, 'found');
    is($grown->('csdns_requests_total{method="lookup",result="empty"}'), 3, 'not found');
    is($grown->('csdns_requests_total{method="getDomainInfo",result="empty"}'), 1, 'another method');
    is($grown->('csdns_requests_total{method="other",result="failed"}'), 1, 'one that does not exist');
    cmp_ok($grown->('csdns_request_duration_seconds_count'), '>=', 15, 'all are in the histogram');
    cmp_ok($grown->('csdns_request_duration_seconds_bucket{le="5"}'), '>=', 15, 'in one of its classes');
    my $sum = $grown->('csdns_request_duration_seconds_sum');
    ok($sum > 0 && $sum < 5, "they took $sum seconds");
    my $now = metrics();
    my @buckets = map { $now->{qq(csdns_request_duration_seconds_bucket{le="$_"})} } qw(1e-06 1e-05 0.0001 0.001 0.01 1 5 +Inf);
    is_deeply(\@buckets, [sort { $a <=> $b } @buckets], 'classes include those below');
    is($buckets[-1], $now->{csdns_request_duration_seconds_count}, 'the last has all');
    cmp_ok($now->{'csdns_connections{connector="unix"}'}, '>=', 2, 'connections');
    is($grown->('csdns_connections_accepted_total'), 1, 'one more was accepted');
};

subtest 'lookups over HTTP' => sub {
    my $before = metrics();
    my $web = HTTP::Tiny->new(timeout => 10, keep_alive => 1);
    for (1 .. 7) {
        $web->post("http://127.0.0.1:$connector/dns", { headers => { 'Content-Type' => 'text/javascript' },
            content => '{"method":"lookup","parameters":{"qtype":"A","qname":"www.a.test.","zone-id":-1}}' });
    }
    my $now = metrics();
    my $grown = sub { my ($name) = @_; return $now->{$name} - ($before->{$name} // 0) };
    is($grown->('csdns_requests_total{method="lookup",result="ok"}'), 7, 'found');
    is($grown->('csdns_request_duration_seconds_count'), 7, 'all are in the histogram');
    is($now->{'csdns_connections{connector="http"}'}, 1, 'the connection');
};

subtest 'versions and records' => sub {
    $csdnsd->wait_current($dbh);
    my $before = metrics();
    is($before->{csdns_mirror_zones}, 2, 'zones');
    is($before->{csdns_mirror_records}, 3, 'records');
    is($before->{csdns_mirror_version}, $before->{csdns_store_version}, 'the mirror is where the store is');
    is($before->{csdns_mirror_lag_versions}, 0, 'no lag');
    is($before->{'csdns_database_state{state="following"}'}, 1, 'following');
    $dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT 1, 'n' || i || '.a.test', 'A', '192.0.2.1', 60 FROM generate_series(1, 50000) i});
    my $version = $csdnsd->wait_current($dbh);
    my $after = metrics();
    is($after->{csdns_mirror_records}, 50_003, 'more records');
    is($after->{csdns_mirror_version}, $version, 'a later version');
    is($after->{csdns_mirror_changes_total}, $before->{csdns_mirror_changes_total} + 1, 'one change set');
    cmp_ok($after->{'csdns_memory_bytes{kind="mirror"}'} - $before->{'csdns_memory_bytes{kind="mirror"}'}, '>', 50_000 * 40, 'they take memory');
    cmp_ok(abs($after->{csdns_mirror_version_timestamp_seconds} - time), '<', 60, 'when it was committed');
    cmp_ok($after->{csdns_mirror_age_seconds}, '<', 10, 'the age of the data');
    $dbh->do(q{DELETE FROM records WHERE name LIKE 'n%.a.test'});
    $dbh->do(q{DELETE FROM domains WHERE name = 'b.test'});
    $dbh->do(q{DELETE FROM records WHERE domain_id = 2});
    $csdnsd->wait_current($dbh);
    is(metrics()->{csdns_mirror_records}, 2, 'fewer records');
    is(metrics()->{csdns_mirror_zones}, 1, 'a zone less');
};

subtest 'purging' => sub {
    wait_until { metrics()->{qq(csdns_purge_failed_total{control="@{[$no_pdns =~ s/"/\\"/gr]}"})} } 10, 'a purge that failed';
    my $pending = metrics()->{qq(csdns_purge_pending_names{control="@{[$no_pdns =~ s/"/\\"/gr]}"})};
    cmp_ok($pending, '>', 0, 'what was not told is pending');
    is(metrics()->{qq(csdns_purge_api_up{control="@{[$no_pdns =~ s/"/\\"/gr]}"})}, 0, 'there is no web server');
};

subtest 'the process' => sub {
    my $now = metrics();
    cmp_ok(abs($now->{process_resident_memory_bytes} / 1024 - $csdnsd->rss_kb), '<', 20_000, 'memory');
    cmp_ok($now->{process_open_fds}, '>', 5, 'descriptors');
    cmp_ok($now->{process_max_fds}, '>', $now->{process_open_fds}, 'and how many there may be');
    cmp_ok(abs(time - $now->{process_start_time_seconds}), '<', 300, 'when it started') or diag $now->{process_start_time_seconds};
    ok($now->{process_cpu_seconds_total} > 0, 'time of the CPU');
    is((grep { /^csdns_build_info\{version="\d/ } keys %$now), 1, 'the version');
};

subtest 'reloads' => sub {
    my $loads = metrics()->{csdns_mirror_loads_total};
    $csdnsd->reload;
    wait_until { metrics()->{csdns_mirror_loads_total} > $loads } 20, 'another load';
    is(metrics()->{'csdns_config_reloads_total{result="ok"}'}, 1, 'counted');
    is(metrics()->{'csdns_config_reloads_total{result="refused"}'}, 0, 'none was refused');
};

subtest 'health' => sub {
    my ($status, $health) = health();
    is($status, 200, 'ready');
    is($health->{database}, 'following', 'the database is there');
    is_deeply($health->{problems}, ['a PowerDNS does not take purges'], 'what is wrong');
    is($health->{status}, 'degraded', 'in a word');
    $cluster->stop('immediate');
    wait_until { (health())[1]{database} ne 'following' } 10, 'the loss of the database';
    ($status, $health) = health();
    is($status, 200, 'still ready: there is data');
    is_deeply([sort @{ $health->{problems} }], ['a PowerDNS does not take purges', 'the database is not there'], 'and it is said');
    is($health->{status}, 'degraded', 'degraded');
    wait_until { my $now = metrics(); $now->{csdns_mirror_age_seconds} > 1 && $now->{csdns_database_losses_total} > 1 } 20, 'the age of the data to grow';
    is(metrics()->{'csdns_database_state{state="following"}'}, 0, 'not following');

    my $strict = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'), metrics => [my $other = free_port()], wait => 0, healthz_max_age => '1s');
    wait_until { $http->get("http://127.0.0.1:$other/livez")->{success} } 20, 'the listener';
    my $answer = $http->get("http://127.0.0.1:$other/healthz");
    is($answer->{status}, 503, 'not ready without data');
    like($answer->{content}, qr/"no data has been loaded yet"/, 'because of that');
    is($http->get("http://127.0.0.1:$other/api/v1/dns/records")->{status}, 503, 'and no records');
    like($http->get("http://127.0.0.1:$other/metrics")->{content}, qr/^csdns_mirror_ready 0$/m, 'metrics are there');
    $cluster->start;
    wait_until { $http->get("http://127.0.0.1:$other/healthz")->{success} } 30, 'readiness with the database';
    $cluster->stop('immediate');
    wait_until { $http->get("http://127.0.0.1:$other/healthz")->{status} == 503 } 30, 'data that is too old';
    like($http->get("http://127.0.0.1:$other/healthz")->{content}, qr/"the data is older than allowed"/, 'and says so');
    $cluster->start;
    is($strict->stop, 0, 'it ends in peace');
};

subtest 'options' => sub {
    my $done = Csdns::Csdnsd->run('--check', '--metrics=nonsense');
    like($done->{err}, qr/could not use metrics "nonsense": it is no address and port/, 'no address');
    ok(!$http->get("http://127.0.0.1:$port/metrics/")->{success}, 'nothing beside');
    my $taken = Csdns::Csdnsd->start(db => 'dbname=x', metrics => $port, wait => 0);
    isnt($taken->process->wait_exit(10), 0, 'an address that is in use');
    like($taken->log_text, qr/could not listen on "$port": Address already in use/, 'and why');
};

subtest 'dashboard and alerts' => sub {
    names_ok($base, qr/^(?!csdns_sync_)/);
};

is($csdnsd->stop, 0, 'csdnsd ends in peace');
done_testing();
