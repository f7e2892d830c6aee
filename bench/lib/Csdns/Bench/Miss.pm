package Csdns::Bench::Miss;

# Each name asked once: what PowerDNS and its backend do when no cache helps. csdns beside a responder that does
# no work over the same socket, gpgsql and bind, each with its best numbers of threads.

use strict;
use warnings;

use Csdns::Bench qw(quick note figure_of_rounds median);
use Csdns::Bench::Servers qw(csdnsd csdns gpgsql bind_backend bind_files floor_of_remote threads ask);
use Csdns::Bench::Threads qw(best_threads);

my @ALL = qw(csdns floor gpgsql bind);
my $seed = 0;

# Nothing cached, then a part of all names in random order, each once.
sub _once {
    my ($pdns, $names, $seconds) = @_;
    $pdns->control('PURGE');
    return ask($pdns, mix => 'once', names => $names, seconds => $seconds, seed => ++$seed);
}

sub run {
    my (undef, $store, $names) = @_;
    my $csdnsd = csdnsd($store);
    my $zone_files = bind_files($store);
    my %start = (
        csdns => sub { csdns($csdnsd, @_) },
        floor => sub { floor_of_remote(@_) },
        gpgsql => sub { gpgsql($store, 'cached', @_) },
        bind => sub { bind_backend($zone_files, @_) },
    );
    my %pdns;
    for my $name (@ALL) {
        my $best = best_threads("$name, each name once", $start{$name}, sub { _once($_[0], $names, quick() ? 0.4 : 1)->{per_s} });
        $pdns{$name} = $start{$name}->(threads($best));
    }
    _rounds(\%pdns, $names);
    $_->stop for values %pdns;
    $csdnsd->stop;
    return;
}

sub _rounds {
    my ($pdns, $names) = @_;
    my (%per_s, %us);
    for my $round (1 .. (quick() ? 5 : 9)) {
        for my $name (@ALL) {
            my $result = _once($pdns->{$name}, $names, quick() ? 0.7 : 2);
            push @{ $per_s{$name} }, $result->{per_s};
            push @{ $us{$name} }, $result->{us};
        }
        note("miss, round $round: " . join ', ', map { sprintf '%s %.0f', $_, $per_s{$_}[-1] } @ALL);
    }
    for my $name (@ALL) {
        my @parts = map { my $part = $_; median(map { $_->[$part] } @{ $us{$name} }) } 0 .. $#{ $us{$name}[0] };
        note("$name: processor time for a query: " . join ' + ', map { sprintf '%.1f us', $_ } @parts);
        figure_of_rounds("miss_${name}_per_s", $per_s{$name}, '1/s');
    }
    figure_of_rounds('miss_vs_floor', _ratios(@per_s{qw(csdns floor)}), '', '>= 0.95');
    figure_of_rounds('miss_vs_gpgsql', _ratios(@per_s{qw(csdns gpgsql)}), '', '>= 2');
    return;
}

sub _ratios {
    my ($ours, $theirs) = @_;
    return [map { $ours->[$_] / $theirs->[$_] } 0 .. $#$ours];
}

1;
