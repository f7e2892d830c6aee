package Csdns::Bench::Threads;

# Which numbers of threads suit a server best on this machine: each is tried, the best counts.

use strict;
use warnings;

use Exporter 'import';

use Csdns::Bench qw(quick note median);
use Csdns::Bench::Servers qw(threads ask);

our @EXPORT_OK = qw(best_threads);

# Threads that receive, and for each of them threads that ask the backend.
my @TRIED = map { my $receivers = $_; map { [$receivers, $_] } 1, 2, 3, 6 } 1, 2;

# best_threads($what, \&start, \&load): start is called with PowerDNS' options and returns the running server,
# load is called with it and returns queries a second. Returns the best pair and what was measured, "RxD" => 1/s.
sub best_threads {
    my ($what, $start, $load) = @_;
    my %tries;
    for my $round (1 .. (quick() ? 1 : 3)) {
        for my $pair (@TRIED) {
            my $pdns = $start->(threads($pair));
            push @{ $tries{"$pair->[0]x$pair->[1]"} }, $load->($pdns);
            $pdns->stop;
        }
    }
    my %per_s = map { $_ => median(@{ $tries{$_} }) } keys %tries;
    my ($best) = sort { $per_s{"$b->[0]x$b->[1]"} <=> $per_s{"$a->[0]x$a->[1]"} } @TRIED;
    note("$what: queries a second with receivers x distributors: "
        . join ', ', map { sprintf '%s %.0f', $_, $per_s{$_} } map {"$_->[0]x$_->[1]"} @TRIED);
    return ($best, \%per_s);
}

1;
