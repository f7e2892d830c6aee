package Csdns::Bench::Visible;

# From commit to answer, over DNS, while PowerDNS is asked as much as it answers.

use strict;
use warnings;

use Csdns::Bench qw(quick note figure figure_of_rounds program_start client_result);
use Csdns::Bench::Servers qw(csdnsd csdns fill_caches threads ask_start);

use constant { NAMES => 100_000, MAIN_RATE => 100, ROUNDS => 5 };
my @FIGURES = qw(p50 p99 max);

sub run {
    my (undef, $store, $pair) = @_;
    my $csdnsd = csdnsd($store);
    my $pdns = csdns($csdnsd, threads($pair));
    fill_caches($csdnsd, $pdns, NAMES);
    my @seen = map { _seen($store, $pdns, MAIN_RATE, quick() ? 3 : 10) } 1 .. ROUNDS;
    for my $which (@FIGURES) {
        my %wanted = (p50 => '<= 2', p99 => '<= 10');
        figure_of_rounds("dns_visible_${which}_ms", [map { $_->{"${which}_ms"} } @seen], 'ms', $wanted{$which});
    }
    for my $rate (1, 10, 500) {
        my $seconds = quick() ? 3 : $rate == 1 ? 30 : 20;
        my $seen = _seen($store, $pdns, $rate, $seconds);
        figure("dns_visible_${_}_ms_at_$rate", $seen->{"${_}_ms"}, 'ms') for @FIGURES;
        # More than the database takes on a small machine.
        figure("dns_visible_made_at_$rate", $seen->{changes} / $seconds, '1/s', $rate) if $rate == 500;
    }
    $pdns->stop;
    $csdnsd->stop;
    return;
}

# What bench/prober saw of the changes, made at this rate for so many seconds.
sub _seen {
    my ($store, $pdns, $rate, $seconds) = @_;
    my $load = ask_start($pdns, mix => 'zipf', names => NAMES, seconds => $seconds + 0.5);
    my $seen = client_result(program_start('prober', port => $pdns->port, db => $store->conninfo('pdns', 'pdns'),
        names => NAMES, rate => $rate, seconds => $seconds, wait => 10));
    my $asked = client_result($load);
    note(sprintf '%d changes/s under %.0f queries/s: %d seen, %d of them by an old answer after a new one as well, %d not made in time',
        $rate, $asked->{per_s}, @$seen{qw(changes relapsed behind)});
    die "$seen->{unseen} changes were not seen\n" if $seen->{unseen};
    return $seen;
}

1;
