#!/usr/bin/perl
# csdns-sync takes CloudStack's events from RabbitMQ: from a message to the DNS answer.
# RabbitMQ, PostgreSQL and csdns-sync itself come and go; nothing is lost, and nothing
# is acknowledged before all up to it is durable.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::AmqpProxy;
use Csdns::BusScenes;
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs);
use Csdns::RabbitMQ;
use Csdns::Scene;
use Csdns::Sync;

need_programs(qw(initdb csdnsd csdns-sync pdns_server pdns:remote));
my $check = Csdns::Sync->run('--check', '--rabbitmq-uri=amqp://localhost');
plan skip_all => 'csdns-sync was built without RabbitMQ' if $check->{err} =~ /built without RabbitMQ/;

my $mq = Csdns::RabbitMQ->new;
my $scene = Csdns::Scene->new;
my $metrics = free_port();
my %options = (
    cloud => $scene->cloud, db => $scene->sync_db, listen => undef, reconcile_interval => 0, files => { rabbitmq_password_file => [$mq->{password}] },
);
my $sync = Csdns::Sync->start(%options, worker_name => 'one', metrics => $metrics, rabbitmq_uri => $mq->uri);
my $bus = Csdns::BusScenes->new(
    scene => $scene, sync => $sync, metrics => $metrics, source => 'rabbitmq', place => qr/queue csdns-sync, delivery \d+/,
    send => sub { return $mq->send_event($_[0]) },
);

$sync->wait_log(qr/connected to RabbitMQ/);    # it has declared the queue
$bus->forms;
$bus->poison;
$bus->disorder;
$bus->watch;

# RabbitMQ goes away in order, and crashes
for my $signal (qw(TERM KILL)) {
    $bus->unhealthy(sub { $mq->stop($signal) });
    $mq->start;
    my $n = $bus->vm;
    $bus->send_event($bus->action('VM.START', $n));
    $bus->is_there($n, "RabbitMQ went away with SIG$signal");
}
# The queue keeps what comes while nobody is there.
is $sync->stop, 0, 'it stops';
my @n = map { $bus->vm } 1 .. 2;
$bus->send_event($bus->action('VM.START', $_)) for @n;
$mq->stop('TERM')->start;
$sync->spawn;
$bus->is_there($_, 'from while csdns-sync was not there') for @n;

$bus->database_away;
$bus->stuck(sub { is $mq->messages, 2, 'nothing is acknowledged from the one that is stuck on' });
$bus->killed;
$bus->killed_at_random(3);

is $sync->stop, 0, 'it stops';

# A message whose header and body get lost: it is not acknowledged with the one behind it.
my $proxy = Csdns::AmqpProxy->new(to => $mq->{port});
my $behind = Csdns::Sync->start(%options, worker_name => 'two', name => 'behind a proxy', rabbitmq_uri => $mq->uri(port => $proxy->port));
$behind->wait_log(qr/connected to RabbitMQ/);
$proxy->lose;
@n = map { $bus->vm } 1 .. 2;
$bus->send_event($bus->action('VM.START', $_)) for @n;
$behind->wait_log(qr/lost RabbitMQ: a message within a message/);
$bus->is_there($_, 'a message that was lost on the way comes again, and the one behind it') for @n;
is $behind->stop, 0, 'it stops';
is $mq->messages, 0, 'everything was acknowledged';
unlike $sync->log_text, qr/\Q$mq->{password}\E/, 'no secrets in the log';
done_testing;
