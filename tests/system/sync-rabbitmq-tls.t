#!/usr/bin/perl
# csdns-sync and RabbitMQ over TLS with certificates on both sides, as a user that may
# be refused, with an exchange that nobody has declared, and a queue that somebody has.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Certificate qw(make_certificate);
use Csdns::CloudStack;
use Csdns::Cluster;
use Csdns::Process qw(temp_dir unprivileged_user);
use Csdns::Programs qw(need_programs);
use Csdns::RabbitMQ;
use Csdns::Sync;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdns-sync openssl));

# What can be checked without connecting; no message tells a password.
sub refuses {
    my ($what, $pattern, @options) = @_;
    my $done = Csdns::Sync->run('--check', @options);
    return like $done->{err}, $pattern, $what;
}
my $uri = '--rabbitmq-uri=amqps://csdns@localhost/cloud';
my $check = Csdns::Sync->run('--check', $uri);
plan skip_all => 'csdns-sync was built without RabbitMQ' if $check->{err} =~ /built without RabbitMQ/;
my $dir = temp_dir(user => unprivileged_user());
open my $file, '>', "$dir/password" or BAIL_OUT($!);
print {$file} "very-secret\n";
close $file;
refuses('a password is needed', qr/needs rabbitmq-password-file/, $uri);
refuses('and not in the URI', qr/^csdns-sync: could not use rabbitmq-uri: the password belongs into rabbitmq-password-file$/,
    '--rabbitmq-uri=amqps://csdns:very-secret@localhost', "--rabbitmq-password-file=$dir/password");

make_certificate($dir, $_) for qw(ca other);
make_certificate($dir, $_, ca => 'ca') for qw(localhost csdns);
make_certificate($dir, 'stranger', ca => 'other');

my $mq = Csdns::RabbitMQ->new(tls => { ca => "$dir/ca.pem", cert => "$dir/localhost.pem", key => "$dir/localhost.key" }, declared => 0);
my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', 'CREATE ROLE csdns_feeder LOGIN IN ROLE csdns_sync');
my $dbh = $cluster->dbh('store');
my $cloud = Csdns::CloudStack->new;

# What csdns-sync says of its first connection.
sub tries {
    my ($what, $pattern, %options) = @_;
    my $sync = Csdns::Sync->start(
        cloud => $cloud, db => $cluster->conninfo('store', 'csdns_feeder'), listen => undef, reconcile_interval => 0, rabbitmq_uri => $mq->uri(tls => 1),
        files => { rabbitmq_password_file => [$mq->{password}] }, rabbitmq_ca => "$dir/ca.pem", rabbitmq_cert => "$dir/csdns.pem",
        rabbitmq_key => "$dir/csdns.key", %options,
    );
    ok scalar(try_until { $sync->log_text =~ $pattern } 20), $what or diag $sync->log_text;
    unlike $sync->log_text, qr/\Q$mq->{password}\E|not-the-password/, 'no password in the log';
    return $sync;
}

my $failed = qr/no connection to RabbitMQ/;
tries('a certificate of somebody else', qr/$failed: could not connect to localhost port \d+: .*(?:verif|SSL)/i, rabbitmq_ca => "$dir/other.pem")->stop;
tries('a certificate of another name', qr/$failed: could not connect to 127\.0\.0\.1 port \d+: .*(?:verif|SSL|host)/i, rabbitmq_uri => $mq->uri(tls => 1, host => '127.0.0.1'))->stop;
tries('without a certificate of ours', qr/$failed: could not /, rabbitmq_cert => undef, rabbitmq_key => undef)->stop;
tries('with one that RabbitMQ does not know', qr/$failed: could not /, rabbitmq_cert => "$dir/stranger.pem", rabbitmq_key => "$dir/stranger.key")->stop;
tries('another password', qr/$failed: could not log in to vhost "cloud" as "csdns": .*ACCESS_REFUSED/, files => { rabbitmq_password_file => ['not-the-password'] })->stop;
tries('an exchange that is not there', qr/$failed: could not find the exchange "cloudstack-events": NOT_FOUND/)->stop;
tries('that csdns-sync may not declare', qr/$failed: could not declare the exchange "cloudstack-events": ACCESS_REFUSED/, flags => ['rabbitmq-declare-exchange'])->stop;

# Somebody declares the exchange; csdns-sync waits for it.
my $sync = tries('it waits', qr/$failed: could not find the exchange/);
$mq->declare_exchange;
$sync->wait_log(qr/connected to RabbitMQ/, 40);

# Many at once, which are acknowledged together.
my @events = map { $cloud->action('VM.START', 'VirtualMachine', Csdns::CloudStack::uuid('i', $_ % 5)) } 1 .. 400;
$mq->send_event(\@events, key => 'management-server.ActionEvent.VM-START.VirtualMachine.*');
wait_until { ($dbh->selectrow_array(q{SELECT events FROM csdns.sync_source WHERE source = 'rabbitmq'}) // 0) == 400 } 20, 'all to come';
$sync->wait_idle($dbh);
is $sync->stop, 0, 'it stops';
is $mq->messages, 0, 'and everything was acknowledged';
is $dbh->selectrow_array(q{SELECT events FROM csdns.sync_source WHERE source = 'rabbitmq'}), 400, 'once';
done_testing;
