#!/usr/bin/perl
# Many writers commit at random to many zones while csdnsd follows, one on the
# primary and one on a hot standby. At random moments, and at the end, everything
# that csdnsd serves is held against the tables in one repeatable-read snapshot;
# and no reply may ever show half a transaction. Meanwhile PostgreSQL crashes, the
# journal is pruned behind a csdnsd that is held still, and csdnsd is killed.
#
# CSDNS_SEED=n      the writers' choices       CSDNS_SECONDS=n   time for it (40)
# CSDNS_WRITERS=n   how many (5)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use POSIX ();
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Mirror qw(store_contents mirror_contents content_differences wait_equal);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs);
use Csdns::Wait qw(wait_until now_s try_until);
use Csdns::Zones qw(seed draw chance pick);

need_programs(qw(initdb csdnsd pg_basebackup));

my $seed = $ENV{CSDNS_SEED} // ($$ * 7919 + time) % 1_000_000;
my $writers = $ENV{CSDNS_WRITERS} // 5;
my $phase_seconds = ($ENV{CSDNS_SECONDS} // 40) / 6;
seed($seed);
diag "CSDNS_SEED=$seed";

# What the schema's commit trigger takes: whoever holds it stops all commits.
my $MUTEX = '99100, 110115';
# Zones whose records all hold the same value, changed in one transaction.
my @WHOLE = map {"whole$_.test"} 1 .. 3;
my $WHOLE_NAMES = 25;

my $cluster = Csdns::Cluster->new(name => 'primary');
$cluster->create_db('store', icu => 'en');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');
my $zones = Csdns::Zones->new(names => 8);
$zones->store($dbh, $zones->make);
make_whole_zones();
my $standby = $cluster->standby;

my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));
my $follower = Csdns::Csdnsd->start(db => $standby->conninfo('store', 'csdnsd'), name => 'csdnsd on the standby');

# --- children: writers, and one that watches for half transactions ---

my $flags = temp_dir();    # $flags/stop ends the children; each leaves its numbers in $flags/NAME
my @children;

sub child {
    my ($name, $number, $code) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid) { push @children, [$name, $pid]; return }
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    seed($seed * 100 + $number);
    my $result = eval { $code->() } // { error => $@ };
    open my $file, '>', "$flags/$name" or POSIX::_exit(1);
    print {$file} map { "$_ " . ($result->{$_} =~ s/\s+/ /gr) . "\n" } sort keys %$result;
    close $file;
    POSIX::_exit(0);
    return;
}

my $parent = $$;
sub is_over { return -e "$flags/stop" || $$ != $parent && getppid != $parent }

sub make_whole_zones {
    for my $zone (@WHOLE) {
        my ($id) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES (?, 'NATIVE') RETURNING id}, undef, $zone);
        fill_whole_zone($dbh, $id, $zone);
    }
    return;
}

sub fill_whole_zone {
    my ($handle, $id, $zone) = @_;
    $handle->do(q{INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT ?, CASE WHEN i = 0 THEN ? ELSE 'n' || i || '.' || ? END, CASE WHEN i = 0 THEN 'SOA' ELSE 'TXT' END,
               CASE WHEN i = 0 THEN 'ns.test hostmaster.test 1 2 3 4 5' ELSE '"new"' END, 60
          FROM generate_series(0, ?) i}, undef, $id, $zone, $zone, $WHOLE_NAMES);
    return;
}

# A connection that comes back after a crash of PostgreSQL.
sub connected {
    my ($handle) = @_;
    return $handle if $handle && $handle->ping;
    eval { $handle->disconnect } if $handle;
    my $new;
    wait_until { is_over() || ($new = eval { $cluster->dbh('store') }) } 60, 'PostgreSQL to come back';
    return $new;
}

sub write_at_random {
    my $my_zones = Csdns::Zones->new(names => 8, except => '^whole');
    my ($handle, %count);
    while (!is_over()) {
        $handle = connected($handle) or last;
        my $done = eval { one_write($my_zones, $handle) };
        if (defined $done) { $count{$done}++; next }
        if (!$handle->ping) {
            $count{'lost connections'}++;
            eval { $handle->disconnect };
            undef $handle;
            next;
        }
        return { error => $@, %count };
    }
    return \%count;
}

sub one_write {
    my ($my_zones, $handle) = @_;
    my $what = draw(100);
    return change_whole_zones($handle) if $what < 12;
    return truncate_and_refill($handle) if $what < 13 && chance(0.2);
    my %how = $what < 25 ? (steps => 2 + draw(4)) : $what < 32 ? (rollback => 1) : ();
    my $done = $my_zones->change($handle, %how);
    return $done if defined $done;
    return $my_zones->{state} eq '40P01' ? 'deadlock' : $my_zones->{state} =~ /^40/ ? 'conflict' : 'refused';
}

# All records of one or two of the zones get a new value at once; now and then
# deleted and inserted instead of updated.
sub change_whole_zones {
    my ($handle) = @_;
    my @some = sort map { pick(@WHOLE) } 1 .. 1 + draw(2);
    my $value = sprintf '"%d-%d"', $$, draw(1_000_000);
    my $done = eval {
        $handle->begin_work;
        for my $zone (@some) {
            my ($id) = $handle->selectrow_array('SELECT id FROM domains WHERE name = ?', undef, $zone) or next;
            if (chance(0.2)) {
                $handle->do('DELETE FROM records WHERE domain_id = ?', undef, $id);
                fill_whole_zone($handle, $id, $zone);
            }
            $handle->do(q{UPDATE records SET content = ? WHERE domain_id = ? AND type = 'TXT'}, undef, $value, $id);
        }
        $handle->commit;
        1;
    };
    return 'whole zones' if $done;
    my ($error, $state) = ($@, $handle->state);
    $handle->rollback if !$handle->{AutoCommit} && $handle->ping;
    return 'deadlock' if $state eq '40P01';
    return 'refused' if $state =~ /^(?:23|40)/;    # two that fill the same zone
    die "whole zones: $error";
}

# TRUNCATE takes everything with it: all zones are filled again in the same transaction.
sub truncate_and_refill {
    my ($handle) = @_;
    my $done = eval {
        $handle->begin_work;
        $handle->do(q{SET LOCAL lock_timeout = '2s'});
        $handle->do('CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM records WHERE id % 10 <> 0');
        $handle->do('TRUNCATE records');
        $handle->do('INSERT INTO records SELECT * FROM kept');
        $handle->commit;
        1;
    };
    return 'truncate' if $done;
    my ($error, $state) = ($@, $handle->state);
    $handle->rollback if !$handle->{AutoCommit} && $handle->ping;
    return 'truncate given up' if $state =~ /^(?:40|55P03|23)/;
    die "truncate: $error";
}

# Lists the whole zones again and again: one reply, one value.
sub watch_for_halves {
    my ($socket) = @_;
    my ($remote, %ids, %seen);
    my %count = (replies => 0, values => 0, halves => 0);
    while (!is_over()) {
        $remote //= eval { Csdns::Remote->new(socket => $socket) } or next;
        my $ok = eval {
            my $domains = $remote->call('getAllDomains', include_disabled => JSON::true());
            for my $domain (grep { $_->{zone} =~ /^whole/ } ref $domains eq 'ARRAY' ? @$domains : ()) {
                my $records = $remote->call('list', zonename => $domain->{zone}, domain_id => $domain->{id});
                next if ref $records ne 'ARRAY';
                my %value;
                $value{ $_->{content} }++ for grep { $_->{qtype} eq 'TXT' } @$records;
                $count{replies}++;
                $seen{$_} = 1 for keys %value;
                $count{halves}++ if keys %value > 1;
            }
            1;
        };
        undef $remote if !$ok;    # killed, or starting
    }
    $count{values} = keys %seen;
    return \%count;
}

# --- the parent: checks at random moments ---

my $checks = 0;

# Stops all commits for a moment, takes a snapshot, and waits until csdnsd serves
# exactly that. The time in between is not used to wait for the writers: a writer
# that has the tables locked makes us try again.
sub check {
    my ($what) = @_;
    my ($store, $problem);
    for my $try (1 .. 20) {
        my ($holder, $reader) = map { connected(undef) } 1, 2;
        $holder->do("SELECT pg_advisory_lock($MUTEX)");
        $problem = eval {
            $reader->do(q{SET lock_timeout = '500ms'});
            $reader->do('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
            $store = store_contents($reader);
            compare_all($what, $store);
            1;
        } ? undef : $@;
        $_->disconnect for $reader, $holder;
        return if !$problem;
        last if $problem !~ /lock timeout|canceling statement due to lock/;
    }
    fail "$what: $problem";
    return;
}

sub compare_all {
    my ($what, $store) = @_;
    for my $daemon ($csdnsd, $follower) {
        my @different;
        try_until {
            @different = eval { content_differences($store, mirror_contents($daemon->remote)) };
            push @different, $@ if $@;
            !@different;
        } 20;
        $checks++;
        next if !@different;
        fail "$what: $daemon->{name} has what the store has";
        diag join "\n", @different[0 .. ($#different < 12 ? $#different : 12)];
        my $status = eval { $daemon->status } // {};
        diag join ', ', map {"$_ $status->{$_}"} sort keys %$status;
        return;
    }
    pass "$what: both serve the snapshot";
    return;
}

# Lets the writers work for a while, with a check at two random moments of it.
sub phase {
    my ($what) = @_;
    my $end = now_s() + $phase_seconds;
    for my $nth (1, 2) {
        my $pause = draw(1000 * $phase_seconds / 3) / 1000;
        select undef, undef, undef, $pause;    # a random moment, not a condition
        check("$what, moment $nth");
    }
    try_until { now_s() >= $end } $phase_seconds;
    return;
}

sub head { return connected($dbh)->selectrow_array('SELECT version FROM csdns.head()') }

child("writer$_", $_, \&write_at_random) for 1 .. $writers;
child('watcher', 99, sub { watch_for_halves($csdnsd->socket) });
my $first = head();

phase('writing');

$cluster->restart('immediate');
$dbh = connected(undef);
phase('after a crash of PostgreSQL');

# While csdnsd is held still the journal goes away under it.
kill STOP => $csdnsd->pid;
my $loads = $follower->status->{loads};
my $version = head();
wait_until { head() > $version + 50 } 30, 'writers to get ahead';
$dbh->do(q{SELECT csdns.prune('0 seconds')});
kill CONT => $csdnsd->pid;
phase('after the journal was pruned');
cmp_ok $csdnsd->status->{loads}, '>', 1, 'csdnsd has loaded everything again';

$csdnsd->kill_hard;
$csdnsd->spawn;
phase('after csdnsd was killed');

$standby->restart('immediate');
phase('after a crash of the standby');

kill STOP => $_->pid for $csdnsd, $follower;
$cluster->restart('fast');
$dbh = connected(undef);
kill CONT => $_->pid for $csdnsd, $follower;
phase('after a restart of PostgreSQL that csdnsd slept through');

# --- the end ---

open my $stop, '>', "$flags/stop" or die "stop: $!";
for my $child (@children) {
    my ($name, $pid) = @$child;
    wait_until { waitpid($pid, POSIX::WNOHANG()) == $pid } 60, "$name to end";
}
$dbh = connected($dbh);
$standby->catch_up;
for my $daemon ($csdnsd, $follower) {
    my @different = wait_equal($dbh, $daemon->remote, 20);
    is_deeply [@different[0 .. ($#different < 12 ? $#different : 12)]], [], "at the end $daemon->{name} serves what the store has";
    $daemon->wait_current($dbh);
}

my %total;
for my $child (@children) {
    my ($name) = @$child;
    my $count = numbers_of($name);
    is $count->{error}, undef, "$name met no unexpected error";
    if ($name eq 'watcher') {
        is $count->{halves}, 0, "none of $count->{replies} replies showed half a transaction";
        cmp_ok $count->{values}, '>=', 10, "the watched zones had $count->{values} different values";
    }
    else { $total{$_} += $count->{$_} for grep { $_ ne 'error' } keys %$count }
}
note join ', ', map {"$_: $total{$_}"} sort keys %total;

sub numbers_of {
    my ($name) = @_;
    open my $file, '<', "$flags/$name" or return { error => 'it left no numbers' };
    return { map { /^error (.*)$/ ? (error => $1) : /^(.*) (\d+)$/ ? ($1 => $2) : () } <$file> };
}

# Writers may deadlock over rows, as on any tables. Our own lock must take no part in it.
unlike $cluster->log_text, qr/waits for \w+ on advisory lock/, 'no deadlock has to do with the locks of csdns';

my ($last) = head();
cmp_ok $last - $first, '>=', 100, 'versions were made: ' . ($last - $first) . " by $writers writers, $checks comparisons";
is $_->stop, 0, "$_->{name} ends well" for $csdnsd, $follower;
done_testing;
