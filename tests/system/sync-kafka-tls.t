#!/usr/bin/perl
# csdns-sync and Kafka over TLS with certificates on both sides, logging in with SASL. The cluster is librdkafka's mock,
# which has neither, behind a gate that has both (tests/double/kafka_gate): csdns-sync's side is the real one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Certificate qw(make_certificate);
use Csdns::CloudStack;
use Csdns::Cluster;
use Csdns::Kafka;
use Csdns::Metrics qw(metrics_at);
use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs);
use Csdns::Sync;
use Csdns::Wait qw(try_until);

need_programs(qw(initdb csdns-sync openssl));
if (!eval { require IO::Socket::SSL; 1 }) {
    BAIL_OUT('IO::Socket::SSL is missing') if ($ENV{CI} // '') eq 'true';
    plan skip_all => 'IO::Socket::SSL is missing';
}
my $check = Csdns::Sync->run('--check', '--kafka-brokers=127.0.0.1:1');
plan skip_all => 'csdns-sync was built without Kafka' if $check->{err} =~ /built without Kafka/;

my $dir = temp_dir();
make_certificate($dir, $_) for qw(ca other);
make_certificate($dir, 'broker', ca => 'ca', for => 'IP:127.0.0.1');
make_certificate($dir, 'elsewhere', ca => 'ca', for => 'DNS:elsewhere.test');
make_certificate($dir, 'csdns', ca => 'ca');
make_certificate($dir, 'stranger', ca => 'other');

my $kafka = Csdns::Kafka->new(brokers => 2, partitions => 2);
my ($secret, %login) = ('very-secret', user => 'csdns', password => 'very-secret');
my ($gate, $bootstrap) = $kafka->gate(cert => "$dir/broker.pem", key => "$dir/broker.key", ca => "$dir/ca.pem", %login);
my ($other_gate, $misnamed) = $kafka->gate(cert => "$dir/elsewhere.pem", key => "$dir/elsewhere.key", ca => "$dir/ca.pem", %login);
my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', 'CREATE ROLE csdns_feeder LOGIN IN ROLE csdns_sync');
my $dbh = $cluster->dbh('store');
my $cloud = Csdns::CloudStack->new;
my $metrics = free_port();

my %properties = (
    'security.protocol' => 'SASL_SSL', 'ssl.ca.location' => "$dir/ca.pem", 'ssl.certificate.location' => "$dir/csdns.pem", 'ssl.key.location' => "$dir/csdns.key",
    'sasl.mechanism' => 'SCRAM-SHA-512', 'sasl.username' => 'csdns', 'sasl.password' => $secret, 'session.timeout.ms' => 4000, 'heartbeat.interval.ms' => 200,
);

# A csdns-sync with other properties, undef for none.
sub start_sync {
    my ($brokers, %other) = @_;
    my %all = (%properties, %other);
    return Csdns::Sync->start(
        cloud => $cloud, db => $cluster->conninfo('store', 'csdns_feeder'), listen => undef, reconcile_interval => 0, metrics => $metrics,
        kafka_brokers => $brokers, files => { kafka_properties_file => [map {"$_ = $all{$_}"} grep { defined $all{$_} } sort keys %all] },
    );
}

sub bus { my ($name) = @_; return metrics_at("http://127.0.0.1:$metrics")->{qq(csdns_sync_bus_$name\{bus="kafka"})} }

# What librdkafka has for TLS and SASL is taken as it is; OAUTHBEARER over OIDC is not in Debian's.
my %taken = (
    %properties, 'enable.ssl.certificate.verification' => 'true', 'ssl.endpoint.identification.algorithm' => 'https', 'ssl.cipher.suites' => 'HIGH',
    'ssl.curves.list' => 'P-256', 'ssl.sigalgs.list' => 'ECDSA+SHA256', 'ssl.key.password' => $secret, 'ssl.crl.location' => "$dir/crl.pem",
    'ssl.keystore.location' => "$dir/store.p12", 'ssl.keystore.password' => $secret, 'ssl.providers' => 'default', 'sasl.mechanisms' => 'PLAIN',
    'sasl.kerberos.service.name' => 'kafka', 'sasl.kerberos.keytab' => "$dir/keytab", 'sasl.kerberos.principal' => 'csdns@EXAMPLE.TEST',
);
for my $name (sort keys %taken) {
    open my $file, '>', "$dir/properties" or BAIL_OUT($!);
    print {$file} "$name=$taken{$name}\n";
    close $file;
    $check = Csdns::Sync->run('--check', '--kafka-brokers=127.0.0.1:1', "--kafka-properties-file=$dir/properties");
    is $check->{out} . $check->{err}, "the configuration is valid\n", "the property $name";
}

# What csdns-sync says when it does not get in, and that it counts it.
for my $case (
    ['a certificate of somebody else', qr/SSL handshake failed: .*certificate verify failed/, $bootstrap, 'ssl.ca.location' => "$dir/other.pem"],
    ['a certificate of another name', qr/SSL handshake failed: .*certificate verify failed/, $misnamed],
    ['without a certificate of ours', qr/SSL|Disconnected|[Cc]onnection/, $bootstrap, 'ssl.certificate.location' => undef, 'ssl.key.location' => undef],
    ['with one that Kafka does not know', qr/SSL|Disconnected|[Cc]onnection/, $bootstrap, 'ssl.certificate.location' => "$dir/stranger.pem", 'ssl.key.location' => "$dir/stranger.key"],
    ['another password', qr/SASL authentication error: .*Authentication failed/, $bootstrap, 'sasl.password' => 'not-the-password'],
    ['another password, PLAIN', qr/SASL authentication error: .*Authentication failed/, $bootstrap, 'sasl.password' => 'not-the-password', 'sasl.mechanism' => 'PLAIN'],
    ['a mechanism that Kafka has not', qr/SCRAM-SHA-256|mechanism/, $bootstrap, 'sasl.mechanism' => 'SCRAM-SHA-256'],
) {
    my ($what, $pattern, $brokers, %other) = @$case;
    my $sync = start_sync($brokers, %other);
    ok scalar(try_until { $sync->log_text =~ /WARNING: no connection to Kafka: (?:sasl_ssl|SASL_SSL)[^\n]*$pattern/ } 20), $what or diag $sync->log_text;
    ok scalar(try_until { bus('disconnects_total') > 0 } 20), "$what: counted";
    is bus('connected'), 0, "$what: not connected";
    is $sync->stop, 0, "$what: it stops";
    unlike $sync->log_text, qr/\Q$secret\E|not-the-password/, "$what: no password in the log";
}
my $failed = start_sync($bootstrap, 'ssl.ca.location' => "$dir/not-there.pem");
$failed->wait_log(qr/ERROR: could not start Kafka's client: .*ssl\.ca\.location/);
pass 'a CA that cannot be read';
is $failed->stop, 0, 'it stops';

# And when it does.
my $n = 0;
for my $mechanism (qw(SCRAM-SHA-512 PLAIN)) {
    my $sync = start_sync($bootstrap, 'sasl.mechanism' => $mechanism);
    $sync->wait_log(qr/connected to Kafka/, 20);
    like $gate->log_text, qr/^in: TLSv1_3, csdns, \Q$mechanism\E$/m, "$mechanism over TLS";
    for my $partition (0, 1) {
        my $offset = $kafka->send_event($cloud->action('VM.START', 'VirtualMachine', Csdns::CloudStack::uuid('i', ++$n)), partition => $partition);
        ok scalar(try_until { $kafka->committed($partition) == $offset + 1 } 20), "$mechanism: an event of partition $partition is committed";
    }
    is $dbh->selectrow_array(q{SELECT events FROM csdns.sync_source WHERE source = 'kafka'}), $n, "$mechanism: and durable";
    is bus('connected'), 1, "$mechanism: connected";
    $sync->wait_idle($dbh);
    is $sync->stop, 0, "$mechanism: it stops";
    unlike $sync->log_text, qr/\Q$secret\E/, "$mechanism: no password in the log";
}
# A reload takes no other settings of a bus, and says so; wrong ones are refused.
my $sync = start_sync($bootstrap);
$sync->wait_log(qr/connected to Kafka/, 20);
my @lines = map {"$_ = $properties{$_}"} grep { $_ ne 'sasl.password' } sort keys %properties;
for my $round (1, 2) {
    $sync->write_file('kafka_properties_file', @lines, "sasl.password = other-secret-$round");
    $sync->reload;
    ok scalar(try_until { my $n = () = $sync->log_text =~ /WARNING: changed settings of Kafka and RabbitMQ take effect at the next start\n[^\n]*reloaded$/mg; $n == $round } 20), "reload $round: a warning"
        or diag $sync->log_text;
}
$sync->write_file('kafka_properties_file', @lines, 'sasl.pass = other-secret');
$sync->reload;
$sync->wait_log(qr/ERROR: reload refused, the settings stay as they are: librdkafka has no property "sasl\.pass"/);
my $offset = $kafka->send_event($cloud->action('VM.START', 'VirtualMachine', Csdns::CloudStack::uuid('i', 1)), partition => 0);
ok scalar(try_until { $kafka->committed(0) == $offset + 1 } 20), 'events come as before';
is $sync->stop, 0, 'it stops';
unlike $sync->log_text, qr/\Q$secret\E|other-secret/, 'no password in the log';
unlike $gate->log_text, qr/before the login/, 'nothing was asked before the login';
done_testing;
