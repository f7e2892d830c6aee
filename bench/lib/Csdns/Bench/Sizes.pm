package Csdns::Bench::Sizes;

# How csdnsd grows with the store: time and memory of loading, and lookups, from 1 thousand to 10 million records.

use strict;
use warnings;

use Csdns::Bench qw(quick option note figure figure_of_rounds client store_with_zone median);
use Csdns::Bench::Servers qw(timed_csdnsd);

use constant BASE => '10k';    # what lookups in larger stores are compared with
my %RECORDS = ('1k' => 1_000, '10k' => 10_000, '100k' => 100_000, '1m' => 1_000_000, '10m' => 10_000_000);
my %WANTED = ('10m' => '>= 0.8');

# run({ load => 1, lookups => 1 }): one of them or both.
sub run {
    my (undef, $parts) = @_;
    my %csdnsd;
    my @sizes = (qw(1k 10k 100k), quick() ? () : '1m', option('ten-million') ? '10m' : ());
    for my $size (@sizes) {
        my $store = store_with_zone($RECORDS{$size});
        $csdnsd{$size} = _load($store, $size, $parts->{load} && $size ne '1m');
        $store->stop;    # a mirror answers without it
        _lookups($size, @csdnsd{ $size, BASE }) if $parts->{lookups} && $csdnsd{ +BASE } && $size ne BASE;
        (delete $csdnsd{$size})->stop if $size ne BASE;
    }
    $csdnsd{ +BASE }->stop;
    return;
}

# bench/load measures 1 million.
sub _load {
    my ($store, $size, $is_figure) = @_;
    my (@seconds, @mb, $csdnsd);
    for (1 .. ($is_figure ? 5 : 1)) {
        $csdnsd->stop if $csdnsd;
        ($csdnsd, my $seconds, my $mb) = timed_csdnsd($store);
        push @seconds, $seconds;
        push @mb, $mb;
    }
    return $csdnsd if !$is_figure;
    figure_of_rounds("load_${size}_s", \@seconds, 's');
    figure("load_${size}_rss_mb", median(@mb), 'MB');
    return $csdnsd;
}

sub _lookups {
    my ($size, $large, $base) = @_;
    my (@per_s, @ratio);
    for my $round (0 .. (quick() ? 5 : 9)) {
        my %how = (connections => 16, seconds => $round && !quick() ? 2 : 0.5);
        my $base_per_s = client($base->socket, %how, names => $RECORDS{ +BASE })->{per_s};
        my $per_s = client($large->socket, %how, names => $RECORDS{$size})->{per_s};
        next if $round == 0;    # it warms up
        push @per_s, $per_s;
        push @ratio, $per_s / $base_per_s;
        note(sprintf 'lookups, round %d: %s %d/s, %s %d/s', $round, BASE, $base_per_s, $size, $per_s);
    }
    figure_of_rounds("lookup_${size}_per_s", \@per_s, '1/s');
    figure_of_rounds("lookup_${size}_vs_" . BASE, \@ratio, '', $WANTED{$size});
    return;
}

1;
