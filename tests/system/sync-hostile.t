#!/usr/bin/perl
# What csdns-sync must not be led to: to take an answer that is none for "it is gone", to hold
# on to work for ever, to have one entity hold up the others, to ask an API that fails for more at
# once than it may, to stand still while a name is looked up, or to refuse the cloud because
# of others.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::CloudStack;
use Csdns::Metrics qw(metrics_at);
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs);
use Csdns::Scene;
use Csdns::SlowName qw(slow_name_env);
use Csdns::Sync;
use Csdns::Wait qw(now_s try_until wait_until);

need_programs(qw(initdb csdnsd csdns-sync pdns_server pdns:remote));

my $scene = Csdns::Scene->new;
my $cloud = $scene->cloud;
my $port = free_port();
my %how = (cloud => $cloud, db => $scene->sync_db, reconcile_interval => 0, catch_up_interval => 0, api_in_flight => 2, api_tries => 2);
my $sync = Csdns::Sync->start(%how, worker_name => 'one', metrics => $port, webhook_rate => 3);

sub uuid { return Csdns::CloudStack::uuid('i', shift) }
sub value { my ($sql, @values) = @_; return scalar $scene->dbh->selectrow_array($sql, undef, @values) }
sub metric { return metrics_at("http://127.0.0.1:$port")->{ +shift } // 0 }
sub asked { return $cloud->requests('listVirtualMachines') }
sub error_of { return value('SELECT last_error FROM csdns.v_sync_failing WHERE uuid = ?', uuid(shift)) // '' }

# Has them asked for, in this order.
sub ask { my (@n) = @_; $scene->dbh->do(join ';', map { sprintf q{SELECT csdns.sync_ask('instance', '%s')}, uuid($_) } @n); return }

$cloud->vm($_) for 1 .. 30;
ask(1);
$scene->answers('vm1.acme.test', 'NOERROR 192.0.2.1', 'an instance is there');

# answers that are none
for my $case (
    ['envelope', qr/not CloudStack's JSON for this command/, 'in another envelope'],
    ['hollow', qr/another shape/, 'that counts one and lists none'],
    ['behind', qr/another shape/, 'that only counts'],
) {
    my ($strange, $error, $what) = @$case;
    $cloud->set(strange => { $strange => 1 });
    ask(1);
    ok scalar(try_until { error_of(1) =~ $error } 20), "an answer $what is a failure" or diag error_of(1);
    is value('SELECT count(*) FROM csdns.instance WHERE uuid = ? AND removed IS NULL', uuid(1)), 1, 'and removes nothing';
    $cloud->set(strange => {});
    ask(1);
    $sync->wait_idle($scene->dbh);
}

# an error's text that has to be cut, wherever that falls
for my $text ('ü' x 400, 'x' . 'ü' x 400, '€' x 400, 'x€' . '€' x 400) {
    $cloud->set(strange => { refuse => [531, $text] });
    ask(2);
    my $begin = substr $text, 0, 50;
    my $shown = try_until { error_of(2) =~ /^\Q$begin\E/ } 20;
    ok $shown, 'a long text of an error is cut, and the entity waits';
    $cloud->set(strange => {});
    ask(2);
    $sync->wait_idle($scene->dbh) if $shown;
}
is metric('csdns_sync_tasks_in_hand'), 0, 'nothing is held on to';

# an API that fails
$cloud->set(delay_ms => 50);
$cloud->fault(fail => 100_000);
my $before = asked();
ask(1 .. 20);
wait_until { asked() - $before >= 60 } 60, 'many tries';
cmp_ok $cloud->control->{most_at_once}, '<=', 2, 'is not asked for more at once when things are tried again';
$cloud->fault(fail => 0);
$cloud->set(delay_ms => 0);
$sync->wait_idle($scene->dbh, 60);

# One that the database does not take, among others: while the rules are locked answers gather.
$scene->cluster->psql('store', <<'SQL');
CREATE FUNCTION public.test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name = 'poison' THEN RAISE EXCEPTION 'refused for the test' USING ERRCODE = '55006'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER test_refuse BEFORE INSERT OR UPDATE ON csdns.instance FOR EACH ROW EXECUTE FUNCTION public.test_refuse();
SQL
$cloud->vm(30, name => 'poison');
my $failed = metric('csdns_sync_tasks_total{outcome="failed"}');
my $locker = $scene->cluster->dbh('store');
$locker->begin_work;
$locker->do('SELECT csdns.lock_rules()');
$before = asked();
ask(21 .. 30);
wait_until { asked() - $before >= 10 && !metric('csdns_sync_api_requests_in_flight') } 20, 'all answers';
$locker->commit;
$scene->answers("vm$_.acme.test", "NOERROR 192.0.2.$_", "instance $_ is stored") for 21, 25, 29;
ok scalar(try_until { error_of(30) =~ /refused for the test/ } 20), 'the one that is not taken waits';
$failed = metric('csdns_sync_tasks_total{outcome="failed"}') - $failed;
cmp_ok $failed, '<=', value('SELECT attempts FROM csdns.sync_task WHERE uuid = ?', uuid(30)), 'the others never failed';
$cloud->vm(30);
ask(30);
$scene->answers('vm30.acme.test', 'NOERROR 192.0.2.30', 'and comes when it is right');

# an event about a NIC that nobody knows yet, while its instance is asked for
$cloud->set(delay_ms => 500);
$before = asked();
my $vm = $cloud->vm(31);
ask(31);
wait_until { asked() > $before } 20, 'a question';
$vm->{nic}[0]{secondaryip} = [{ id => Csdns::CloudStack::uuid('s', 31), ipaddress => '192.0.2.231' }];
$cloud->put(virtualmachine => $vm);
my $sent = $cloud->deliver($sync->webhook_url, $cloud->action('NIC.SECONDARY.IP.ASSIGN', 'Nic', $vm->{nic}[0]{id}), secret => $sync->{secret});
is $sent->{ok}, 1, 'an address is added meanwhile, says an event that names the NIC alone';
$cloud->set(delay_ms => 0);
my $is_there = try_until { (value('SELECT host(secondary[1]) FROM csdns.nic WHERE uuid = ?', $vm->{nic}[0]{id}) // '') eq '192.0.2.231' } 20;
ok $is_there, 'it is there';

# deliveries of others
my $event = $cloud->action('VM.START', 'VirtualMachine', uuid(1));
$cloud->deliver($sync->webhook_url, $event, secret => 'wrong', tries => 1) for 1 .. 60;
is $cloud->deliver($sync->webhook_url, $event, secret => $sync->{secret}, tries => 1)->{status}, 200, 'deliveries of others do not use up the rate';
ok scalar(try_until { $cloud->deliver($sync->webhook_url, $event, secret => $sync->{secret}, tries => 1)->{status} == 429 } 20), 'which bounds the right ones';
$scene->settled($sync, 'in the end');
is $sync->stop, 0, 'it stops';

# one that looks into the queue less often than its claims last, while the API takes its time
my $patient = Csdns::Sync->start(%how, worker_name => 'patient', name => 'patient', poll_interval => '60s', api_timeout => '60s');
$cloud->fault(stall => 100);
ask(1);
my $due = wait_until { value(q{SELECT due FROM csdns.sync_task WHERE worker = 'patient'}) } 20, 'a claim';
# it does so once at the beginning
my $is_renewed = try_until { value(q{SELECT due > ?::timestamptz + interval '5 s' FROM csdns.sync_task WHERE worker = 'patient'}, $due) } 25;
ok $is_renewed, 'its claim is renewed in time';
$patient->kill_hard;
value(q{SELECT csdns.sync_release('patient')});
$cloud->fault(stall => 0);

# secrets
for my $case ([['x' x 70_000], qr/a line is longer than a secret can be/, 'a long line'], [["top\0secret"], qr/a line has a binary zero/, 'a zero']) {
    my ($lines, $error, $what) = @$case;
    my $done = Csdns::Sync->run('--check', '--listen=127.0.0.1:1', '--webhook-secret-file=' . $sync->write_file('strange', @$lines));
    like $done->{err}, $error, "$what is no secret";
    is $done->{status} >> 8, 2, 'and refused';
}

# a name that takes its time: the cloud's, in a resolver that does not answer
SKIP: {
    my $env = slow_name_env(4) or skip 'no C compiler', 3;
    my $slow = Csdns::Sync->start(
        %how, worker_name => 'slow', name => 'slow name', api_url => 'http://slow.test:9/client/api', api_timeout => '500ms', api_tries => 1,
        env => $env,
    );
    my $until = now_s() + 3;
    my $longest = 0;
    while (now_s() < $until) {
        my $begin = now_s();
        $cloud->deliver($slow->webhook_url, $event, secret => $slow->{secret}, tries => 1);
        $longest = now_s() - $begin if now_s() - $begin > $longest;
        select undef, undef, undef, 0.02;
    }
    cmp_ok $longest, '<', 2.5, 'no webhook waits while the name of the API is looked up';
    ok scalar(try_until { error_of(1) ne '' } 20), 'the entity waits';
    is $slow->stop, 0, 'it stops meanwhile';
}
done_testing;
