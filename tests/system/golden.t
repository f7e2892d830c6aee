#!/usr/bin/perl
# Replays tests/golden: a directory a case, with store.sql (run on a fresh store),
# request.json (a request a line, as PowerDNS sends it) and reply.json (the reply to
# each, a line). The order of the records of a reply does not matter, nor that of keys.
#
# perl tests/system/golden.t CASE...            only these
# Here over the Unix socket; golden-pipe.t and golden-http.t do the same over the
# other connectors.
#
# CSDNS_WRITE_GOLDEN=1 ...                      writes reply.json from what csdnsd says:
#                                               read the difference before you believe it

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON ();
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs source_dir);
use Csdns::Remote;

need_programs(qw(initdb csdnsd csdns-pipe));
my $port = free_port();
my %CONNECTOR = (unix => [], pipe => [pipe => []], http => [http => $port], form => [http => $port, form => 1]);
my @connectors = @Csdns::Golden::connectors ? @Csdns::Golden::connectors : 'unix';


my $dir = source_dir() . '/tests/golden';
my @cases = @ARGV ? @ARGV : map { m{([^/]+)/request\.json$} } sort glob "$dir/*/request.json";
plan skip_all => 'no golden cases' if !@cases;

my $json = JSON->new->utf8->canonical->allow_nonref;
my $cluster = Csdns::Cluster->new;
$cluster->create_db('installed');
$cluster->install_schema('installed');

for my $number (1 .. @cases) {
    replay($cases[$number - 1], $_, "case${number}_$_") for @connectors;
}
done_testing;

sub replay {
    my ($case, $connector, $db) = @_;
    $cluster->psql('postgres', "CREATE DATABASE $db TEMPLATE installed");
    $cluster->psql_file($db, "$dir/$case/store.sql");
    my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo($db, 'pdns'), name => "csdnsd $case", http => "127.0.0.1:$port");
    my $peer = Csdns::Remote->new(socket => $csdnsd->socket, initialize => 0, @{ $CONNECTOR{$connector} });
    my @requests = lines("$dir/$case/request.json");
    my @expected = $ENV{CSDNS_WRITE_GOLDEN} ? () : lines("$dir/$case/reply.json");
    my @replies;
    for my $request (@requests) {
        $peer->send_text("$request\n");
        push @replies, normal($peer->read_line // '"closed"');
    }
    if ($ENV{CSDNS_WRITE_GOLDEN}) {
        open my $file, '>', "$dir/$case/reply.json" or die "$case: $!";
        print {$file} map {"$_\n"} @replies;
        close $file;
    }
    else {
        is scalar @requests, scalar @expected, "$case: as many replies as requests";
        is $replies[$_], normal($expected[$_] // ''), "$case, $connector: " . substr $requests[$_], 0, 120 for 0 .. $#requests;
    }
    is $csdnsd->stop, 0, "$case, $connector: csdnsd ends well";
    $cluster->psql('postgres', "DROP DATABASE $db");
    return;
}


sub lines {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    chomp(my @lines = grep {/\S/} <$file>);
    return @lines;
}

# Canonical JSON; an array of records or zones is sorted, and the time of setFresh is any time.
sub normal {
    my ($text) = @_;
    my $data = eval { $json->decode($text =~ s/("last_check": ?)[1-9]\d{9}\b/${1}1234567890/gr) } // return "no JSON: $text";
    if (ref $data eq 'HASH' && ref $data->{result} eq 'ARRAY') {
        $data->{result} = [map { $json->decode($_) } sort map { $json->encode($_) } @{ $data->{result} }];
    }
    return $json->encode($data);
}
