#!/usr/bin/perl
# csdns-sync, through whole lives of instances, from event to DNS answer: every row of CloudStack's table of events in order; then out of order,
# doubled, lost and healed; with an API that is down, stalls, or has another clock; with two csdns-sync; with csdns-sync killed at random and
# PostgreSQL restarted meanwhile. After each: no drift, facts as in the cloud, answers as they should be.
#
# CSDNS_SEED=n   the choices
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use List::Util qw(shuffle);
use Test::More;

use Csdns::CloudStack;
use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Life;
use Csdns::Pdns;
use Csdns::Programs qw(need_programs);
use Csdns::Sync;
use Csdns::Wait qw(try_until wait_until);

need_programs(qw(initdb csdnsd csdns-sync pdns_server pdns:remote openssl));

my $seed = $ENV{CSDNS_SEED} // ($$ * 7919 + time) % 1_000_000;
srand $seed;
diag "CSDNS_SEED=$seed";

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', 'CREATE ROLE csdns_feeder LOGIN IN ROLE csdns_sync; ' . Csdns::Life::zones_sql(60));
my $dbh = $cluster->dbh('store');
my $cloud = Csdns::CloudStack->new(servers => 2, tls => 1);
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));
my $pdns = Csdns::Pdns->remote(socket => $csdnsd->socket);
my $dns = $pdns->dns;

# No reconcile unless a test asks for one: it would heal what a test looks for.
my %how = (cloud => $cloud, db => $cluster->conninfo('store', 'csdns_feeder'), api_url => $cloud->urls, api_ca => $cloud->certificate, api_tries => 2,
    api_timeout => '1s', reconcile_interval => 0, poll_interval => '100ms');
my $sync = Csdns::Sync->start(%how, worker_name => 'one');
my $life_number = 0;

sub value { my ($sql, @values) = @_; return scalar $dbh->selectrow_array($sql, undef, @values) }
sub new_life { return Csdns::Life->new($cloud, ++$life_number) }

# What differs from what is expected, as text.
sub wrong_answers {
    my ($expected) = @_;
    return join ', ', map {
        my $reply = $dns->ask(split / /, $_);
        my $answer = join ' ', $reply->{rcode}, sort map { (split / /, $_, 5)[-1] } @{ $reply->{answer} };
        $answer eq $expected->{$_} ? () : "$_ is $answer, not $expected->{$_}"
    } sort keys %$expected;
}

sub send_event {
    my ($event, %more) = @_;
    my $to = delete $more{to} // $sync;
    return $cloud->deliver($to->webhook_url, $event, secret => $to->{secret}, %more);
}

# An action as CloudStack tells it: it was scheduled, it has started, it is done.
sub announce {
    my ($event) = @_;
    send_event({ %$event, status => $_ }) for qw(Scheduled Started);
    my $sent = send_event($event);
    die "$event->{event}: $sent->{status}\n" if !$sent->{ok};
    return;
}

# Everything is done, and nothing is wrong.
my $section = time;

sub settled {
    my ($what, @lives) = @_;
    # a NIC that nobody knew yet is looked for once more, and is no task before that
    my $is_idle = try_until { !value('SELECT (SELECT count(*) FROM csdns.sync_task) + (SELECT count(*) FROM csdns.sync_stray WHERE due <= now())') } 40;
    ok $is_idle, "$what: the queue is empty" or diag explain $dbh->selectall_arrayref('SELECT * FROM csdns.v_sync_task', { Slice => {} });
    $csdnsd->wait_current($dbh);
    is value('SELECT count(*) FROM csdns.drift'), 0, "$what: no drift";
    is $cloud->difference($dbh), '', "$what: facts as in the cloud";
    note sprintf "%s: %d s", $what, time - $section;
    $section = time;
    is join('; ', grep { $_ } map { wrong_answers($_->expected) } @lives), '', "$what: answers" if @lives;
    return;
}

# --- every row in order, in each release's spelling; before each step an event that it failed

for my $release (qw(4.11 4.18 4.20 4.23)) {
    $cloud->set(release => $release);
    my $life = new_life();
    my @wrong;
    for my $n (1 .. $life->steps) {
        send_event($life->failure);
        my $event = $life->step;
        announce($event);
        my $wrong;
        next if try_until { !($wrong = wrong_answers($life->expected)) } 10;
        push @wrong, "step $n, $event->{event}: $wrong";
        last;
    }
    is join('; ', @wrong), '', "$release: " . $life->steps . ' steps of a life, each seen over DNS';
    settled($release, $life);
}
$cloud->set(release => '4.20');

# --- out of order, doubled

# The lives go on together, in turns at random, for so many steps each; returns their events.
sub live {
    my ($told, @lives) = @_;
    my %left = map { $_->number => 4 + int rand($_->middle - 3) } @lives;
    while (my @open = grep { $left{ $_->number } } @lives) {
        my $life = $open[rand @open];
        $left{ $life->number }--;
        $told->($life->step);
    }
    return;
}

my @lives = map { new_life() } 1 .. 5;
my @held;
live(sub {
    my ($event) = @_;
    push @held, $event;
    @held = shuffle @held;
    my $twice = { map { $_ => Csdns::CloudStack::uuid("$life_number-", $held[0]) } 'id' };
    send_event($held[0], %$twice) for 1 .. 1 + int rand 2;
    shift @held if rand() < 0.6;
}, @lives);
send_event($_) for shuffle @held;
settled('out of order and doubled', @lives);

# --- lost, and healed

@lives = map { new_life() } 1 .. 5;
live(sub { my ($event) = @_; send_event($event) if rand() < 0.2 }, @lives);
my $pass = value('SELECT coalesce(max(id), 0) FROM csdns.sync_pass');
$dbh->do('SELECT csdns.sync_now()');
wait_until { value('SELECT count(*) FROM csdns.sync_pass WHERE complete AND id > ?', $pass) == 6 } 30, 'a reconcile';
settled('lost, healed by the reconcile', @lives);

# --- the API

sub trouble {
    my ($what, $begin, $end, $reason) = @_;
    my @troubled = map { new_life() } 1 .. 3;
    my %last;    # event of an entity
    $begin->();
    live(sub { my ($event) = @_; $last{ $event->{entityuuid} // $event->{description} } = $event }, @troubled);
    send_event($_) for values %last;
    my $is_shown = try_until { value('SELECT count(*) FROM csdns.v_sync_failing WHERE last_error ~ ?', $reason) } 20;
    ok $is_shown, "$what: shown, with the reason" or diag explain $dbh->selectcol_arrayref('SELECT last_error FROM csdns.v_sync_task');
    isnt $cloud->difference($dbh), q(), "$what: nothing is known yet";
    $end->();
    settled("after $what", @troubled);
    return;
}
my ($first, $last) = @{ $cloud->{ports} };
trouble('an API that is down', sub { $cloud->fault(down => 10_000) }, sub { $cloud->fault(down => 0) }, 'empty reply|Empty reply|closed');
trouble('HTML from the load balancer', sub { $cloud->fault(html => 10_000) }, sub { $cloud->fault(html => 0) }, q(not CloudStack's JSON));
trouble('answers that end in the middle', sub { $cloud->fault(half => 10_000) }, sub { $cloud->fault(half => 0) }, 'transfer|bytes');
trouble('an API that stalls', sub { $cloud->fault(stall => 10_000) }, sub { $cloud->fault(stall => 0) }, 'timed out|Timeout|timeout');
trouble('a clock that is two hours ahead', sub { $cloud->set(clock => 7200) }, sub { $cloud->set(clock => 0) }, 'signature expired');
trouble('a clock that is two hours behind', sub { $cloud->set(clock => -7200) }, sub { $cloud->set(clock => 0) }, 'expires too late');

# one of two management servers is away
@lives = map { new_life() } 1 .. 2;
my $on_last = $cloud->requests("listVirtualMachines on $last");
$cloud->set(dead_ports => [$first]);
live(sub { send_event($_[0]) }, @lives);
settled('one management server is away', @lives);
cmp_ok $cloud->requests("listVirtualMachines on $last"), '>', $on_last, 'the other one is asked';
$cloud->set(dead_ports => []);

# --- two csdns-sync

my $other = Csdns::Sync->start(%how, worker_name => 'two', name => 'other', flags => ['api-post']);
$cloud->set(delay_ms => 20);
@lives = map { new_life() } 1 .. 4;
live(sub { send_event($_[0], to => rand() < 0.5 ? $sync : $other) }, @lives);
settled('two csdns-sync', @lives);

my @many = map { Csdns::CloudStack::uuid('many', $_) } 1 .. 80;
my $base = $lives[0]{virtualmachine}{ $lives[0]{id}{vm} };
$cloud->control(put => [map { [virtualmachine => { %$base, id => $many[$_], name => "many$_", nic => [] }] } 0 .. $#many]);
$_ % 2 ? send_event($cloud->action('VM.START', 'VirtualMachine', $many[$_])) : send_event($cloud->action('VM.START', 'VirtualMachine', $many[$_]), to => $other)
    for 0 .. $#many;
settled('80 instances, two csdns-sync');
my %stored;
$stored{$_}++ for map { $_->log_text =~ /instance ([-0-9a-f]+): stored/g } $sync, $other;
is join(' ', map { $stored{$_} // 0 } @many), join(' ', (1) x @many), 'each was done once';
like $_->log_text, qr/instance (?:@{[join '|', @many]}): stored/, "$_->{name} has done some of them" for $sync, $other;

# --- killed, and PostgreSQL restarted

$cloud->set(delay_ms => 5);
@lives = map { new_life() } 1 .. 4;
my ($kills, $restarts, $unsent) = (0, 0, 0);

# CloudStack gives up after three tries; whoever looks has it delivered again, with the same id.
sub send_stubbornly {
    my ($event) = @_;
    my $to = rand() < 0.5 ? $sync : $other;
    my $id;
    my $is_sent = try_until {
        my $sent = send_event($event, to => $to, defined $id ? (id => $id) : ());
        $id = $sent->{id};
        $unsent++ if !$sent->{ok};
        $sent->{ok}
    } 20;
    die "$event->{event} was not taken\n" if !$is_sent;
    return;
}

live(sub {
    my ($event) = @_;
    my $chance = rand;
    if ($chance < 0.12) {
        my $victim = rand() < 0.5 ? $sync : $other;
        send_event($event, to => $victim, tries => 1);
        select undef, undef, undef, rand 0.05;    # a point at random, nothing is waited for
        $victim->kill_hard;
        $victim->spawn;
        $kills++;
    }
    elsif ($chance < 0.17 && $restarts < 3) {
        $dbh->disconnect;
        $cluster->restart('immediate');
        $dbh = $cluster->dbh('store');
        $restarts++;
    }
    send_stubbornly($event);
}, @lives);
note "$kills kills, $restarts restarts, $unsent deliveries that failed and were repeated";
settled("$kills times killed, PostgreSQL restarted $restarts times", @lives);
is $_->stop, 0, 'it stops' for $sync, $other;
done_testing;
