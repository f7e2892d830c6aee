#!/usr/bin/perl
# csdns-sync takes CloudStack's events from RabbitMQ: from a message to the DNS answer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::CloudStack;
use Csdns::Programs qw(need_programs);
use Csdns::RabbitMQ;
use Csdns::Scene;
use Csdns::Sync;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdnsd csdns-sync pdns_server pdns:remote));
my $check = Csdns::Sync->run('--check', '--rabbitmq-uri=amqp://localhost');
plan skip_all => 'csdns-sync was built without RabbitMQ' if $check->{err} =~ /built without RabbitMQ/;

my $mq = Csdns::RabbitMQ->new;
my $scene = Csdns::Scene->new;
my $cloud = $scene->cloud;
my $sync = Csdns::Sync->start(
    cloud => $cloud, db => $scene->sync_db, listen => undef, reconcile_interval => 0, worker_name => 'one', rabbitmq_uri => $mq->uri,
    files => { rabbitmq_password_file => [$mq->{password}] },
);

sub uuid { return Csdns::CloudStack::uuid('i', shift) }
sub action { my ($type, $n, %more) = @_; return $cloud->action($type, 'VirtualMachine', uuid($n), %more) }

# every form of event
$sync->wait_log(qr/connected to RabbitMQ/);
$cloud->vm(1);
$mq->send_event(action('VM.CREATE', 1));
$scene->answers('vm1.acme.test', 'NOERROR 192.0.2.1', "an action's event");

$scene->settled($sync, 'in the end');
is $sync->stop, 0, 'it stops';
is $mq->messages, 0, 'and everything was acknowledged';
done_testing;
