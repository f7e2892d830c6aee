package Csdns::Bench::Visible;

# From commit to answer, over DNS, while PowerDNS is asked as much as it answers.

use strict;
use warnings;

use Csdns::Bench qw(quick note figure program_start client_result);
use Csdns::Bench::Servers qw(csdnsd csdns fill_caches threads ask_start);

use constant NAMES => 100_000;

sub run {
    my (undef, $store, $pair) = @_;
    my $csdnsd = csdnsd($store);
    my $pdns = csdns($csdnsd, threads($pair));
    fill_caches($csdnsd, $pdns, NAMES);
    for my $rate (1, 10, 100, 500) {
        my $seconds = $rate == 1 ? (quick() ? 5 : 30) : quick() ? 3 : 20;
        my $load = ask_start($pdns, mix => 'zipf', names => NAMES, seconds => $seconds + 0.5);
        my $seen = client_result(program_start('prober', port => $pdns->port, db => $store->conninfo('pdns', 'pdns'),
            names => NAMES, rate => $rate, seconds => $seconds, wait => 10));
        my $asked = client_result($load);
        note(sprintf '%d changes/s under %.0f queries/s: %d seen, %d not made in time', $rate, $asked->{per_s}, @$seen{qw(changes behind)});
        die "$seen->{unseen} changes were not seen\n" if $seen->{unseen};
        _figures($rate, $seen);
        # More than the database takes on a small machine.
        figure("dns_visible_made_at_$rate", $seen->{changes} / $seconds, '1/s', $rate) if $rate == 500;
    }
    $pdns->stop;
    $csdnsd->stop;
    return;
}

sub _figures {
    my ($rate, $seen) = @_;
    my %wanted = $rate == 100 ? (p50 => '<= 2', p99 => '<= 10') : ();
    my $suffix = $rate == 100 ? '' : "_at_$rate";
    figure("dns_visible_${_}_ms$suffix", $seen->{"${_}_ms"}, 'ms', $wanted{$_}) for qw(p50 p99 max);
    return;
}

1;
