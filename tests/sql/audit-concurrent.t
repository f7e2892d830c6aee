#!/usr/bin/perl
# Pruning beside others: who writes waits for nobody that holds old rows of the audit trail or old events, and takes the rest.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Programs qw(need_programs);

need_programs(qw(initdb psql));

my $cluster = Csdns::Cluster->new(name => 'audit');
my $db = 'pdns';
$cluster->create_db($db);
$cluster->install_schema($db);
my ($holder, $writer) = map { $cluster->dbh($db) } 1 .. 2;
$writer->do(q{SET lock_timeout = '5s'});

sub count { my ($tab) = @_; return scalar $writer->selectrow_array("SELECT count(*) FROM csdns.$tab WHERE at < now() - interval '1 year'") }

# The oldest three rows of ten are held.
sub held {
    my ($tab, $fill, $write) = @_;
    $writer->do("$fill FROM generate_series(1, 10) g");
    $holder->begin_work;
    $holder->do("SELECT FROM csdns.$tab WHERE at < now() - interval '1 year' ORDER BY at LIMIT 3 FOR UPDATE");
    ok eval { $writer->do($write); 1 }, "$tab: the writer does not wait" or diag $@;
    is count($tab), 3, 'and takes what is free';
    $holder->rollback;
    $writer->do($write);
    is count($tab), 0, 'the next takes the rest';
    return;
}

held('audit', q{INSERT INTO csdns.audit (at, what, action) SELECT now() - make_interval(years => 1, days => g), 'x', 'x'},
    q{INSERT INTO domains (name, type) SELECT 'n' || gen_random_uuid(), 'NATIVE' FROM generate_series(1, 9)});
$writer->do('ALTER TABLE csdns.event DISABLE TRIGGER prune');
$writer->do(q{INSERT INTO csdns.event (at, type, description) SELECT now() - make_interval(years => 1, days => g), 'x', 'x' FROM generate_series(1, 10) g});
$writer->do('ALTER TABLE csdns.event ENABLE TRIGGER prune');
held('event', 'SELECT', q{SELECT csdns.log_event('X', NULL, NULL, NULL, NULL, 'x')});

done_testing;
