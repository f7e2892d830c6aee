package Csdns::BusScenes;

# What is the same for every event bus: scenes from an event to the DNS answer, told
# with a Csdns::Scene, a csdns-sync and a bus.

use strict;
use warnings;

use Test::More;

use Csdns::CloudStack;
use Csdns::Metrics qw(health_at metrics_at);
use Csdns::Wait qw(try_until wait_until);

# new(scene =>, sync =>, source => 'kafka', metrics => PORT, place => qr/of a message/, send => sub { my ($event) = @_ })
sub new {
    my ($class, %args) = @_;
    return bless { next => 1, %args }, $class;
}

sub uuid { return Csdns::CloudStack::uuid('i', shift) }
sub cloud { my ($self) = @_; return $self->{scene}->cloud }
sub action { my ($self, $type, $n, %more) = @_; return $self->cloud->action($type, 'VirtualMachine', uuid($n), %more) }

# The number of an instance that is not there yet.
sub fresh { my ($self) = @_; return $self->{next}++ }

# A new instance, which the cloud has from now on.
sub vm { my ($self, %more) = @_; my $n = $self->fresh; $self->cloud->vm($n, %more); return $n }

sub state_event {
    my ($self, $n, $old, $new, %more) = @_;
    return { resource => 'VirtualMachine', id => uuid($n), 'old-state' => $old, 'new-state' => $new, status => 'postStateTransitionEvent',
        eventDateTime => '2026-11-21 00:00:00 +0000', %more };
}

# jobResult is what the cloud answers: an object, or up to 4.11 text.
sub job_event {
    my ($self, $type, $n, %more) = @_;
    return { jobId => uuid("job$n"), commandEventType => $type, command => 'org.apache.cloudstack.api.command.admin.vm.DeployVMCmdByAdmin',
        processStatus => 0, resultCode => 0, status => 'SUCCEEDED', instanceType => 'VirtualMachine', instanceUuid => uuid($n), user => uuid('u'),
        account => uuid('caller'), cmdInfo => {}, %more };
}

sub is_there { my ($self, $n, $what) = @_; local $Test::Builder::Level = $Test::Builder::Level + 1; return $self->{scene}->answers("vm$n.acme.test", "NOERROR 192.0.2.$n", $what) }
sub is_gone { my ($self, $n, $what) = @_; local $Test::Builder::Level = $Test::Builder::Level + 1; return $self->{scene}->answers("vm$n.acme.test", 'NXDOMAIN', $what) }

sub send_event { my ($self, @what) = @_; return $self->{send}->(@what) }

# Every form of event, and what is none.
sub forms {
    my ($self) = @_;
    my ($cloud, $sync) = ($self->cloud, $self->{sync});
    my $n = $self->vm;
    $self->send_event($self->action('VM.CREATE', $n, status => 'Scheduled'));
    $self->send_event({ event => 'VM.CREATE', account => 1, zone => 1, resource => 'com.cloud.vm.VirtualMachine', id => uuid($n) });
    $self->send_event({ event => 'ALERT', status => 'whatever' });
    $self->send_event($self->state_event($n, 'Starting', 'Running', status => 'preStateTransitionEvent'));
    $self->send_event($self->action('VM.CREATE', $n));
    $self->is_there($n, 'an event of an action');
    $sync->wait_log(qr/$self->{source}: $_/) for qr/action VM\.CREATE: early/, qr/usage VM\.CREATE: ignored/, qr/action ALERT: ignored/, qr/state Running: early/;
    pass 'early, usage and alerts: nothing to do';
    $cloud->vm($n, state => 'Destroyed');
    $self->send_event($self->state_event($n, 'Running', 'Destroyed'));
    $self->is_gone($n, 'an event of a state');
    $cloud->vm($n);
    $self->send_event($self->job_event('VM.RECOVER', $n));
    $self->is_there($n, 'an event of a job');
    $cloud->vm($n, ip => "192.0.2.200");
    my $class = 'org.apache.cloudstack.api.response.UserVmResponse/virtualmachine/';
    $self->send_event($self->job_event('NIC.UPDATE', $n, jobResult => $class . '{"id":"' . uuid($n) . '","nic":[]}'));
    $self->{scene}->answers("vm$n.acme.test", 'NOERROR 192.0.2.200', "an event of a job as up to 4.11; the cloud's API is believed, not the event");
    return;
}

# What cannot be taken is logged with its place and passed by.
sub poison {
    my ($self) = @_;
    my @poison = (['{"event":' => 'not JSON'], ['[1]' => 'not a JSON object'], ['' => 'not JSON'],
        ['{"event":"VM.START","status":"Completed","entity":"VirtualMachine","entityuuid":"1 OR 1"}' => 'is not a uuid'],
        ['{"x":"' . ('x' x 1_100_000) . '"}' => '(?:it is too long|longer than)']);
    for my $case (@poison) {
        next if $self->{max_body} && length $case->[0] > $self->{max_body};
        $self->send_event($case->[0]);
        $self->{sync}->wait_log(qr/$self->{source}: passed by $self->{place}: .*$case->[1]/);
    }
    my $n = $self->vm;
    $self->send_event($self->action('VM.START', $n));
    $self->is_there($n, 'poison is passed by');
    my $bad = $self->fresh;
    $self->_refuse($bad, '22P02');
    $self->send_event($self->action('VM.START', $bad));
    $self->{sync}->wait_log(qr/$self->{source}: passed by $self->{place}: refused for the test/);
    $self->_refuse_nothing;
    $n = $self->vm;
    $self->send_event($self->action('VM.START', $n));
    $self->is_there($n, 'so is what the database refuses');
    return;
}

# Has the database refuse events of an instance with a SQLSTATE.
sub _refuse {
    my ($self, $n, $state) = @_;
    my $uuid = uuid($n);
    $self->{scene}->cluster->psql('store', <<"SQL");
CREATE OR REPLACE FUNCTION csdns.test_refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
    IF NEW.uuid = '$uuid' THEN RAISE EXCEPTION 'refused for the test' USING ERRCODE = '$state'; END IF;
    RETURN NEW;
END \$\$;
CREATE TRIGGER test_refuse BEFORE INSERT OR UPDATE ON csdns.sync_task FOR EACH ROW EXECUTE FUNCTION csdns.test_refuse();
SQL
    return;
}

sub _refuse_nothing { my ($self) = @_; $self->{scene}->cluster->psql('store', 'DROP TRIGGER test_refuse ON csdns.sync_task'); return }

# What /metrics of csdns-sync and /healthz say of this bus.
sub watch {
    my ($self) = @_;
    my $base = "http://127.0.0.1:$self->{metrics}";
    my $number = sub { return metrics_at($base)->{"csdns_sync_bus_$_[0]" . qq({bus="$self->{source}"})} // -1 };
    is $number->('connected'), 1, 'metrics: connected';
    my %before = map { $_ => $number->("${_}_total") } qw(messages durable passed poison);
    $self->send_event('not JSON');
    $self->send_event($self->action('VM.START', 1, status => 'Started'));
    my $n = $self->vm;
    $self->send_event($self->action('VM.START', $n));
    $self->is_there($n, 'something to count');
    my %grown = map { $_ => $number->("${_}_total") - $before{$_} } keys %before;
    is_deeply \%grown, { messages => 3, durable => 1, passed => 1, poison => 1 }, 'metrics: what became of messages';
    $self->{scene}->cluster->stop('immediate');
    $self->send_event($self->action('VM.START', $n));
    ok scalar(try_until { $number->('held') == 1 && $number->('messages_in_flight') == 1 } 20), 'metrics: an event waits for the database';
    $self->{scene}->cluster->start;
    ok scalar(try_until { $number->('held') == 0 && $number->('messages_in_flight') == 0 } 20), 'metrics: and no more';
    return;
}

# /healthz while the bus is away: on_away ends it.
sub unhealthy {
    my ($self, $on_away) = @_;
    my $base = "http://127.0.0.1:$self->{metrics}";
    my $problems = sub { my ($status, $health) = health_at($base); return "$status $health->{status} @{ $health->{problems} }" };
    ok scalar(try_until { $problems->() eq '200 ok ' } 20), 'healthz: ok' or diag $problems->();
    $on_away->();
    ok scalar(try_until { $problems->() eq '200 degraded an event bus is not connected' } 20), 'healthz: the bus is away' or diag $problems->();
    return;
}

# Events come twice, late, and in the wrong order.
sub disorder {
    my ($self) = @_;
    my $n = $self->vm(ip => '192.0.2.210');
    my @life = ($self->action('VM.CREATE', $n), $self->state_event($n, 'Starting', 'Running'), $self->action('VM.DESTROY', $n), $self->action('VM.RECOVER', $n),
        $self->action('NIC.UPDATE', $n));
    $self->send_event($_) for reverse(@life), @life, $life[2];
    $self->{scene}->answers("vm$n.acme.test", 'NOERROR 192.0.2.210', 'doubled and unordered events');
    $self->{scene}->settled($self->{sync}, 'doubled and unordered events');
    return;
}

# An event that the database cannot take now, and one behind it that it can: the first
# is not taken for done, and comes again.
sub stuck {
    my ($self, $left) = @_;
    my $sync = $self->{sync};
    $sync->stop;
    my ($first, $second) = map { $self->vm } 1 .. 2;
    $self->_refuse($first, '55006');
    my @sent = map { $self->send_event($self->action('VM.START', $_)) } $first, $second;
    $sync->spawn;
    $self->is_there($second, 'an event behind one that is stuck');
    is $sync->stop, 0, 'stops though it is stuck';
    $left->(@sent);
    $self->_refuse_nothing;
    $sync->spawn;
    $self->is_there($first, 'the one that was stuck');
    return;
}

# PostgreSQL goes away, and comes back.
sub database_away {
    my ($self) = @_;
    my $cluster = $self->{scene}->cluster;
    my @n = map { $self->vm } 1 .. 3;
    $cluster->stop('immediate');
    $self->send_event($self->action('VM.START', $n[0]));
    $self->{sync}->wait_log(qr/$self->{source}: events wait for the database/);
    $self->send_event($self->action('VM.START', $n[1]));
    $cluster->start;
    $self->send_event($self->action('VM.START', $n[2]));
    $self->is_there($_, 'an event from while PostgreSQL was down') for @n;
    return;
}

# Killed when it has received events that are not durable: they come again.
sub killed {
    my ($self) = @_;
    my ($cluster, $sync) = ($self->{scene}->cluster, $self->{sync});
    my @n = map { $self->vm } 1 .. 2;
    $cluster->stop('immediate');
    my $received = () = $sync->log_text =~ /$self->{source}: action VM\.REBOOT: taken/g;
    $self->send_event($self->action('VM.REBOOT', $_)) for @n;
    wait_until { my $now = () = $sync->log_text =~ /$self->{source}: action VM\.REBOOT: taken/g; $now > $received } 20, 'an event to be received';
    $sync->kill_hard;
    $cluster->start;
    $sync->spawn;
    $self->is_there($_, 'killed after it received the event') for @n;
    return;
}

# Killed at random points with events coming in.
sub killed_at_random {
    my ($self, $rounds) = @_;
    my $sync = $self->{sync};
    $self->cloud->set(delay_ms => 20);
    for (1 .. $rounds) {
        my @n = map { $self->vm } 1 .. 2;
        $self->send_event($self->action('VM.START', $_)) for @n;
        select undef, undef, undef, rand 0.05;    # a point at random, nothing is waited for
        $sync->kill_hard;
        $sync->spawn;
    }
    $self->cloud->set(delay_ms => 0);
    $self->is_there($_, "killed at random, instance $_") for $self->{next} - 2 * $rounds .. $self->{next} - 1;
    $self->{scene}->settled($sync, "killed $rounds times");
    return;
}

1;
