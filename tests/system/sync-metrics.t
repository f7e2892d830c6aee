#!/usr/bin/perl
# The listener for those who watch csdns-sync: /metrics is Prometheus' format and tells the
# truth about events, the queue, the cloud's API, reconciles and refused webhooks; /healthz
# says whether it can take events; the dashboard and the alerts know only metrics that exist.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Digest::SHA qw(hmac_sha256_base64);
use HTTP::Tiny;
use IO::Socket::INET;
use Test::More;

use Csdns::CloudStack;
use Csdns::Cluster;
use Csdns::Metrics qw(format_ok health_at metrics_at names_ok);
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs);
use Csdns::Sync;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdns-sync));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', 'CREATE ROLE csdns_feeder LOGIN IN ROLE csdns_sync');
my $dbh = $cluster->dbh('store');
my $cloud = Csdns::CloudStack->new;
$cloud->account(1);
$cloud->network(1);
my $port = free_port();
my $base = "http://127.0.0.1:$port";
my $http = HTTP::Tiny->new(timeout => 10);
my $sync = Csdns::Sync->start(
    cloud => $cloud, db => $cluster->conninfo('store', 'csdns_feeder'), worker_name => 'one', metrics => $port,
    reconcile_interval => '0', api_tries => 2, api_timeout => '1s', webhook_rate => 50,
);

sub metrics { return metrics_at($base) }

# How much each of these has grown since. What is in the database may be there before it is counted.
sub grown {
    my ($before, %expected) = @_;
    my $grown = sub { my ($now) = @_; return { map { $_ => ($now->{"csdns_sync_$_"} // 0) - ($before->{"csdns_sync_$_"} // 0) } keys %expected } };
    my $got;
    try_until { $got = $grown->(metrics()); !grep { $got->{$_} != $expected{$_} } keys %expected } 5;
    is($got->{$_}, $expected{$_}, $_) for sort keys %expected;
    return;
}

sub deliver {
    my ($type, $n, %more) = @_;
    my %how = (secret => $sync->{secret}, map { $_ => delete $more{$_} } grep { exists $more{$_} } qw(secret id raw tries));
    return $cloud->deliver($sync->webhook_url, $cloud->action($type, 'VirtualMachine', Csdns::CloudStack::uuid('i', $n), %more), %how);
}

wait_until { (health_at($base))[0] == 200 } 20, 'readiness';

subtest 'the format' => sub {
    deliver('VM.CREATE', 1, status => 'Started');
    my $text = format_ok($base, qr/csdns_sync/, 60);
    is((() = $text =~ /^csdns_sync_build_info\{version="\d/mg), 1, 'the version');
};

subtest 'events' => sub {
    my $before = metrics();
    $cloud->vm($_) for 1 .. 3;
    deliver('VM.CREATE', $_) for 1 .. 3;
    deliver('VM.CREATE', 1, id => 'again') for 1 .. 2;
    deliver('VM.CREATE', 2, status => 'Scheduled');
    deliver('VOLUME.CREATE', 2);
    deliver("VM.NEW.TYPE.$_", 2) for 1 .. 4;
    deliver('VM.START', 2, VirtualMachine => 'not-a-uuid', entityuuid => 'not-a-uuid', tries => 1);
    deliver('VM.START', 2, entity => undef, VirtualMachine => undef, description => 'Successfully completed starting Vm');
    deliver('VM.STOP', 1, secret => 'wrong', tries => 1);
    deliver('VM.STOP', 1, raw => 'no JSON', tries => 1) for 1 .. 2;
    my $long = '{"x":"' . 'x' x 100_000 . '"}';
    is(deliver('VM.STOP', 1, raw => $long, tries => 1)->{status}, 413, 'too long');
    my $chunks = $http->post($sync->webhook_url, { content => do { my @parts = ($long, $long); sub { shift @parts } } });
    is($chunks->{status}, 413, 'in chunks, too');
    $sync->wait_idle($dbh);
    my $of = sub { my ($type, $outcome) = @_; return qq(events_total{source="webhook",type="$type",outcome="$outcome"}) };
    grown($before,
        $of->('VM.CREATE', 'taken') => 4, $of->('VM.CREATE', 'replay') => 1, $of->('VM.CREATE', 'early') => 1,
        $of->('other', 'ignored') => 1, $of->('other', 'taken') => 4, $of->('VM.START', 'unknown') => 1,
        $of->('VM.START', 'malformed') => 1, $of->('other', 'malformed') => 2, $of->('VM.STOP', 'taken') => 0,
        'webhooks_refused_total{reason="bad_signature"}' => 1, 'webhooks_refused_total{reason="bad_body"}' => 3,
        'webhooks_refused_total{reason="too_many"}' => 0, 'webhooks_refused_total{reason="too_long"}' => 2,
    );
    is(() = $sync->log_text =~ /WARNING: \[peer 127\.0\.0\.1\] refused a webhook delivery: it is longer than max-body$/mg, 2, 'with the peer in the log');
    my $now = metrics();
    ok(!(grep { /NEW\.TYPE|VOLUME/ } keys %$now), 'what peers send makes no label');
    cmp_ok(abs($now->{csdns_sync_last_event_timestamp_seconds} - time), '<', 60, 'when the last came');
    cmp_ok($now->{csdns_sync_webhook_connections_accepted_total}, '>', 0, 'connections');
    my $socket = IO::Socket::INET->new("127.0.0.1:$sync->{port}");
    my $signature = hmac_sha256_base64('{}', $sync->{secret}) . '=';
    print {$socket} "POST /webhook HTTP/1.1\r\nHost: x\r\nX-CS-Signature: $signature\r\nContent-Length: 2\r\n\r\n{}" x 300;
    wait_until { metrics()->{'csdns_sync_webhooks_refused_total{reason="too_many"}'} } 20, 'too many in a second';
    close $socket;
    wait_until { deliver('VM.STOP', 1, status => 'Started', tries => 1)->{ok} } 20, 'the next second';
};

subtest 'tasks and the API' => sub {
    my $before = metrics();
    $cloud->vm(1, name => 'renamed');
    deliver('VM.UPDATE', 1);
    $sync->wait_idle($dbh);
    grown($before, 'tasks_total{outcome="stored"}' => 1, tasks_claimed_total => 1, api_requests_total => 1, api_request_duration_seconds_count => 1,
        api_retries_total => 0);
    $before = metrics();
    $cloud->remove(virtualmachine => Csdns::CloudStack::uuid('i', 1));
    deliver('VM.EXPUNGE', 1);
    $sync->wait_idle($dbh);
    grown($before, 'tasks_total{outcome="gone"}' => 1, 'tasks_total{outcome="failed"}' => 0, 'api_errors_total{kind="refused"}' => 0);
    my $now = metrics();
    is($now->{csdns_sync_queue_tasks}, 0, 'the queue is empty');
    is($now->{csdns_sync_queue_oldest_age_seconds}, '0.000000', 'and nothing waits');
    is($now->{csdns_sync_api_up}, 1, 'the API answers');
    my $sum = $now->{csdns_sync_api_request_duration_seconds_sum};
    ok($sum > 0 && $sum < 30, "in $sum s");
};

# What goes wrong, and the kind of error.
for my $case ([fail => 'internal'], [html => 'malformed'], [down => 'transfer'], [half => 'transfer'], [stall => 'timeout']) {
    my ($fault, $kind) = @$case;
    subtest "an API that does this: $fault" => sub {
        my $before = metrics();
        $cloud->fault($fault => 1000);
        deliver('VM.STOP', 2);
        my $name = qq(csdns_sync_api_errors_total{kind="$kind"});
        wait_until { metrics()->{$name} - $before->{$name} >= 2 } 20, 'two errors';
        wait_until { metrics()->{'csdns_sync_tasks_total{outcome="failed"}'} > $before->{'csdns_sync_tasks_total{outcome="failed"}'} } 20, 'the task to fail';
        cmp_ok(metrics()->{csdns_sync_api_retries_total}, '>', $before->{csdns_sync_api_retries_total}, 'a second try');
        is((health_at($base))[1]{api}, 'failing', 'said by /healthz');
        $cloud->fault($fault => 0);
        $dbh->do('SELECT csdns.sync_ask(kind, uuid) FROM csdns.sync_task');
        $sync->wait_idle($dbh);
        is((health_at($base))[1]{status}, 'ok', 'well again');
    };
}

subtest 'an API that does not take the key' => sub {
    $cloud->set(clock => 100_000);
    my $before = metrics();
    deliver('VM.STOP', 2);
    wait_until { metrics()->{csdns_sync_queue_failing_tasks} } 20, 'a task that fails';
    my $now = metrics();
    is($now->{csdns_sync_queue_tasks}, 1, 'it stays in the queue');
    cmp_ok($now->{csdns_sync_queue_oldest_age_seconds}, '>', 0, 'and has an age');
    cmp_ok($now->{'csdns_sync_api_errors_total{kind="unauthorized"}'}, '>', $before->{'csdns_sync_api_errors_total{kind="unauthorized"}'}, 'counted');
    is($now->{csdns_sync_api_up}, 0, 'the API is of no use');
    my ($status, $health) = health_at($base);
    is("$status $health->{status}", '200 degraded', 'events are taken all the same');
    like($health->{problems}[0], qr/API does not take the key/, 'what is wrong');
    $cloud->set(clock => 0);
    $dbh->do('SELECT csdns.sync_ask(kind, uuid) FROM csdns.sync_task');
    $sync->wait_idle($dbh);
};

subtest 'a reconcile' => sub {
    is(metrics()->{csdns_sync_reconcile_last_complete_timestamp_seconds}, '0.000000', 'there was none');
    $cloud->vm($_) for 10 .. 14;
    $cloud->vm(2, name => 'other');
    my $before = metrics();
    my $done = sub { metrics()->{'csdns_sync_reconcile_passes_total{outcome="complete"}'} };
    kill USR1 => $sync->pid;
    wait_until { $done->() == 6 } 20, 'one of all kinds';
    my $now = metrics();
    cmp_ok(abs($now->{csdns_sync_reconcile_last_complete_timestamp_seconds} - time), '<', 60, 'when');
    cmp_ok($now->{csdns_sync_reconcile_last_differences}, '>=', 6, 'differences');
    is($now->{csdns_sync_reconcile_last_differences}, $now->{'csdns_sync_reconcile_entities_total{result="changed"}'}, 'the same as here');
    wait_until { metrics()->{csdns_sync_reconcile_last_duration_seconds} > 0 } 10, 'how long it took';
    $cloud->remove(virtualmachine => Csdns::CloudStack::uuid('i', 10));
    kill USR1 => $sync->pid;
    wait_until { $done->() == 12 } 20, 'another';
    is(metrics()->{csdns_sync_reconcile_last_differences}, 1, 'one difference');
    is(metrics()->{'csdns_sync_reconcile_entities_total{result="missing"}'}, 1, 'which is missing');
    $sync->wait_idle($dbh);
    $cloud->set(empty_page => 1, empty_kind => 'network');
    $cloud->fault(fail => 2);
    kill USR1 => $sync->pid;
    wait_until { metrics()->{'csdns_sync_reconcile_passes_total{outcome="failed"}'} } 20, 'one that fails';
    $cloud->set(empty_page => 0);
};

subtest 'without the database' => sub {
    $cluster->stop('immediate');
    wait_until { (health_at($base))[0] == 503 } 20, 'it is not ready';
    my ($status, $health) = health_at($base);
    is("$health->{status} $health->{database}", 'unready down', 'and says so');
    is_deeply([grep { /database/ } @{ $health->{problems} }], ['the database is not there'], 'and why');
    my $now = metrics();
    is($now->{'csdns_sync_database_up{connection="intake"}'}, 0, 'nor is it in the metrics');
    is($now->{csdns_sync_queue_tasks}, undef, 'which do not make up the queue');
    deliver('VM.STOP', 2, tries => 1);
    grown($now, 'webhooks_refused_total{reason="not_stored"}' => 1, 'events_total{source="webhook",type="VM.STOP",outcome="failed"}' => 1);
    is($http->get("$base/livez")->{status}, 200, 'it lives');
    $cluster->start;
    wait_until { (health_at($base))[0] == 200 } 30, 'readiness with the database';
    wait_until { defined metrics()->{csdns_sync_queue_tasks} } 30, 'the queue';
    $dbh = $cluster->dbh('store');
};

subtest 'a database that does not answer' => sub {
    $dbh->begin_work;
    $dbh->do('LOCK TABLE csdns.sync_pass IN ACCESS EXCLUSIVE MODE');
    my $now = metrics();
    is($now->{csdns_sync_queue_tasks}, undef, 'holds up no metrics');
    is($now->{'csdns_sync_database_up{connection="monitor"}'}, 0, 'which say so');
    $dbh->rollback;
    wait_until { defined metrics()->{csdns_sync_queue_tasks} } 30, 'the queue';
};

subtest 'reloads and options' => sub {
    $sync->reload;
    wait_until { metrics()->{'csdns_sync_config_reloads_total{result="ok"}'} } 20, 'one';
    is(metrics()->{'csdns_sync_config_reloads_total{result="refused"}'}, 0, 'none was refused');
    like(Csdns::Sync->run('--check', '--metrics=nonsense')->{err}, qr/could not use metrics "nonsense"/, 'no address');
};

subtest 'dashboard and alerts' => sub { names_ok($base, qr/^csdns_sync_/) };

is($sync->stop, 0, 'csdns-sync ends in peace');
done_testing();
