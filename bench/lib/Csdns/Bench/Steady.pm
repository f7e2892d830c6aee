package Csdns::Bench::Steady;

# Queries a second while records change, with the promise that a change is visible within 100 ms: csdns with long
# caches that it purges; gpgsql with the caches that this promise allows: none, or, where it is given for records alone
# and not for zones, settings and keys, none of answers; and gpgsql with PowerDNS' defaults, which breaks it. A prober
# makes the changes and watches for each of them all the time; for zones the promise is tried at the end.

use strict;
use warnings;

use Csdns::Bench qw(quick note figure figure_of_rounds program_start client_result);
use Csdns::Bench::Servers qw(csdnsd csdns fill_caches gpgsql threads ask ask_start);
use Csdns::Bench::Threads qw(best_threads);
use Csdns::Wait qw(now_s);

use constant {
    NAMES => 100_000,
    CHANGES => 10,         # a second
    DEFAULT_TTL => 20,     # seconds that PowerDNS caches by itself
    PROMISED => 0.1,
    NEW_ZONES => 10,
};
my @MIXES = qw(zipf uniform);
my $seed = 0;

# Returns the numbers of threads that suited csdns best.
sub run {
    my (undef, $store) = @_;
    my $csdnsd = csdnsd($store);
    my %start = (
        csdns => sub { csdns($csdnsd, @_) },
        fresh => sub { gpgsql($store, 'fresh', @_) },
        records_fresh => sub { gpgsql($store, 'records_fresh', @_) },
        default => sub { gpgsql($store, 'cached', @_) },
    );
    my %threads = map { $_ => _threads($_, $start{$_}) } sort keys %start;
    my %pdns = map { $_ => $start{$_}->(threads($threads{$_})) } sort keys %start;
    my %run = (store => $store, pdns => \%pdns);
    fill_caches($csdnsd, $pdns{csdns}, NAMES);
    _rounds(\%run, $_) for @MIXES;
    _staleness(\%run);
    _new_zones(\%run);
    $_->stop for values %pdns;
    $csdnsd->stop;
    return $threads{csdns};
}

# Over few names, so that caches are full soon.
sub _threads {
    my ($name, $start) = @_;
    my $best = best_threads("$name, steady", $start, sub {
        my ($pdns) = @_;
        ask($pdns, mix => 'once', names => 5000, seconds => 10);
        return ask($pdns, mix => 'uniform', names => 5000, seconds => quick() ? 0.4 : 1)->{per_s};
    });
    return $best;
}

# One turn of a server: load and changes together; adds to its figures. PowerDNS with its default caches is asked
# from empty caches on for as long as it caches: in this time each name is asked of the database once, as in any such
# time after.
sub _turn {
    my ($run, $name, $mix) = @_;
    my $pdns = $run->{pdns}{$name};
    my $seconds = $name eq 'default' ? DEFAULT_TTL : quick() ? 1.5 : 5;
    $pdns->control('PURGE') if $name eq 'default';
    my $prober = _prober($run, $pdns, seconds => $seconds - 0.2, wait => 0.2);
    my $load = ask($pdns, mix => $mix, exponent => 1, names => NAMES, seconds => $seconds, seed => ++$seed);
    my $probes = client_result($prober);
    $run->{changes}{$name} += $probes->{changes};
    $run->{broken}{$name} += $probes->{broken};
    note(sprintf '%s, %s: %.0f queries/s, %s us a query; of %d changes %d later than 100 ms, longest %.1f ms', $name, $mix,
        $load->{per_s}, join(' + ', map { sprintf '%.1f', $_ } @{ $load->{us} }), @$probes{qw(changes broken max_ms)});
    return $load->{per_s};
}

sub _prober {
    my ($run, $pdns, %how) = @_;
    return program_start('prober', port => $pdns->port, db => $run->{store}->conninfo('pdns', 'pdns'), names => NAMES, rate => CHANGES, %how);
}

sub _rounds {
    my ($run, $mix) = @_;
    my (%per_s, %to);
    for my $round (1 .. 5) {
        # The defaults take 20 s a turn.
        my @names = (qw(csdns fresh records_fresh), quick() && $round > 1 ? () : 'default');
        push @{ $per_s{$_} }, _turn($run, $_, $mix) for @names;
        push @{ $to{$_} }, $per_s{csdns}[-1] / $per_s{$_}[-1] for @names;
    }
    figure_of_rounds("steady_${mix}_${_}_per_s", $per_s{$_}, '1/s') for sort keys %per_s;
    my $suffix = $mix eq $MIXES[0] ? '' : "_$mix";
    figure_of_rounds("steady_vs_gpgsql_$_$suffix", $to{$_}, '', $_ eq 'fresh' ? '>= 20' : undef) for qw(fresh records_fresh default);
    return;
}

# The promise over all rounds; and how late a change is with PowerDNS' defaults, when one waits for it.
sub _staleness {
    my ($run) = @_;
    for my $name (sort keys %{ $run->{broken} }) {
        figure("steady_${name}_broken", $run->{broken}{$name}, "of $run->{changes}{$name}", $name eq 'default' ? undef : 0);
    }
    my $pdns = $run->{pdns}{default};
    my $load = ask_start($pdns, mix => 'zipf', names => NAMES, seconds => 2 * DEFAULT_TTL + 5);
    my $seen = client_result(_prober($run, $pdns, seconds => DEFAULT_TTL, wait => DEFAULT_TTL + 5));
    client_result($load);
    figure('steady_default_late_p50_s', $seen->{p50_ms} / 1000, 's');
    figure('steady_default_late_max_s', $seen->{max_ms} / 1000, 's');
    return;
}

# How many zones are there within the promised time, for who has just been told that they are not.
sub _new_zones {
    my ($run) = @_;
    my $dbh = $run->{store}->dbh('pdns');
    for my $name (sort keys %{ $run->{pdns} }) {
        my $dns = $run->{pdns}{$name}->dns;
        my $seen = grep { _zone_is_seen($dbh, $dns, "zone-$_.$name.example") } 1 .. NEW_ZONES;
        figure("steady_${name}_new_zones", $seen, 'of ' . NEW_ZONES, $name eq 'csdns' ? NEW_ZONES : undef);
    }
    $dbh->do(q{DELETE FROM domains WHERE name LIKE 'zone-%'});
    return;
}

sub _zone_is_seen {
    my ($dbh, $dns, $zone) = @_;
    die "$zone is there\n" if $dns->ask($zone, 'SOA')->{rcode} eq 'NOERROR';
    $dbh->begin_work;
    my ($id) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES (?, 'NATIVE') RETURNING id}, {}, $zone);
    $dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl)
                    VALUES (?, ?, 'SOA', 'ns1.bench.example hostmaster.bench.example 1 10800 3600 604800 3600', 3600),
                           (?, ?, 'NS', 'ns1.bench.example', 3600)}, {}, ($id, $zone) x 2);
    $dbh->commit;
    my $deadline = now_s() + PROMISED;
    while (now_s() < $deadline) {
        return 1 if $dns->ask($zone, 'SOA')->{rcode} eq 'NOERROR';
    }
    return 0;
}

1;
