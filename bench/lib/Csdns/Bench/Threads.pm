package Csdns::Bench::Threads;

# Which numbers of threads suit a server best on this machine: each is tried, the best counts.

use strict;
use warnings;

use Exporter 'import';

use Csdns::Bench qw(quick note median);
use Csdns::Bench::Servers qw(threads ask);

our @EXPORT_OK = qw(best_threads);

# Threads that receive, and for each of them threads that ask the backend; one of those means that the receiver asks itself.
my @TRIED = ([1, 1], [1, 3], [1, 6], [2, 1], [2, 2], [2, 3], [2, 6], [4, 1], [4, 2]);

sub _key { my ($pair) = @_; return "$pair->[0]x$pair->[1]" }

# best_threads($what, \&start, \&load): start is called with PowerDNS' options and returns the running server,
# load is called with it and returns queries a second. Returns the best pair.
sub best_threads {
    my ($what, $start, $load) = @_;
    my %tries;
    for my $round (1 .. (quick() ? 1 : 3)) {
        for my $pair (@TRIED) {
            my $pdns = $start->(threads($pair));
            push @{ $tries{ _key($pair) } }, $load->($pdns);
            $pdns->stop;
        }
    }
    my %per_s = map { $_ => median(@{ $tries{$_} }) } keys %tries;
    my ($best) = sort { $per_s{ _key($b) } <=> $per_s{ _key($a) } } @TRIED;
    note("$what: queries a second with receivers x distributors: "
        . join ', ', map { sprintf '%s %.0f', $_, $per_s{$_} } map { _key($_) } @TRIED);
    return $best;
}

1;
