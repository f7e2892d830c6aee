#!/usr/bin/perl
# PowerDNS' transactions, over the protocol: whole zones and record sets, what is
# read inside, everything that can go wrong, and that nothing is half written.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON ();
use Test::More;
use Time::HiRes qw(time);

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Programs qw(need_programs);
use Csdns::Wait qw(wait_until);

need_programs(qw(initdb csdnsd));

my ($TRUE, $FALSE) = (JSON::true(), JSON::false());
my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'SLAVE'), ('b.test', 'SLAVE'), ('c.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT id, name, 'SOA', 'ns.' || name || ' hostmaster.' || name || ' 1 2 3 4 5', 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'old.' || name, 'A', '192.0.2.1', 60 FROM domains});
my $csdnsd = Csdns::Csdnsd->start(
    db => $cluster->conninfo('store', 'pdns'), max_transactions => 2, transaction_timeout => '3s',
);

sub rows { my ($sql) = @_; return $cluster->psql('store', $sql) }
sub zone { my ($id) = @_; return rows("SELECT string_agg(concat_ws(' ', name, type, prio, content), '; ' ORDER BY name, type, content) FROM records WHERE domain_id = $id AND type <> 'SOA'") }
sub begin { my ($peer, $id, $zone) = @_; return $peer->call('startTransaction', domain => "$zone.", domain_id => $id, trxid => 1700000000) }
sub commit { my ($peer) = @_; return $peer->request({ method => 'commitTransaction', parameters => { trxid => 1700000000 } }) }
sub rr { my ($name, $type, $content, %more) = @_; return { qname => "$name.", qtype => $type, qclass => 1, ttl => 60, content => $content, auth => $TRUE, %more } }
sub feed { my ($peer, @rr) = @_; return $peer->call('feedRecord', rr => rr(@rr), trxid => 1700000000) }
sub replace { my ($peer, $id, $name, $type, @contents) = @_; return $peer->call('replaceRRSet', domain_id => $id, qname => "$name.", qtype => $type, trxid => 1700000000, rrset => [map { rr($name, $type, $_) } @contents]) }
sub soa { my ($name, $serial) = @_; return ($name, 'SOA', "ns.$name hostmaster.$name $serial 2 3 4 5") }
sub contents { my ($peer, @what) = @_; return join ' ', sort map { $_->{content} } $peer->lookup(@what) }
sub idle_sessions { return rows(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'csdnsd transaction' AND state LIKE 'idle in%'}) }

# --- a whole zone ---

my $one = $csdnsd->remote;
my $other = $csdnsd->remote;
is begin($one, 1, 'a.test'), $TRUE, 'a transaction for a whole zone';
is $csdnsd->status->{transactions}, 1, 'the status counts it';
is feed($one, soa('a.test', 7)), $TRUE, 'its SOA';
is feed($one, 'A.Test', 'NS', 'ns.a.test', ordername => '.'), $TRUE, 'NS';
is feed($one, 'x.y.a.test', 'MX', '10 mail.a.test', ordername => 'X.y.'), $TRUE, 'MX';
is feed($one, 't.a.test', 'TXT', qq{"tab\\009 \\\\ \t \\" x"}), $TRUE, 'TXT with odd characters';
is $one->call('feedEnts', domain_id => 1, trxid => 1700000000, nonterm => [{ nonterm => 'y.a.test.', auth => $TRUE }]), $TRUE, 'empty non-terminals';
is contents($other, 'old.a.test', 'A'), '192.0.2.1', 'others see the old zone';
is contents($one, 'old.a.test', 'A'), '', 'who asks inside does not';
is contents($one, 'X.y.a.test', 'ANY'), '10 mail.a.test', 'but what has been fed';
is $one->call('setFresh', id => 1), $TRUE, 'setFresh inside';
is feed($one, 'last.a.test', 'A', '192.0.2.2', auth => $FALSE), $TRUE, 'another record after that';
is rows('SELECT last_check FROM domains WHERE id = 1'), '', 'setFresh waits for the end as well';
is commit($one)->{result}, $TRUE, 'commit';
is zone(1), qq{a.test NS 0 ns.a.test; last.a.test A 0 192.0.2.2; t.a.test TXT 0 "tab\\009 \\\\ \t \\" x"; x.y.a.test MX 10 mail.a.test},
    'the zone is what was fed';
is rows(q{SELECT string_agg(concat_ws(',', name, coalesce(ordername, '-'), auth), ' ' ORDER BY name) FROM records WHERE domain_id = 1 AND type IN ('NS', 'MX', 'A')}),
    'a.test,,t last.a.test,-,f x.y.a.test,y x,t', 'order and authority as the gpgsql backend has them';
is contents($other, 'last.a.test', 'A'), '192.0.2.2', 'and is answered at once';
is contents($other, 'old.a.test', 'A'), '', 'the old one is gone';
is rows(q{SELECT split_part(content, ' ', 3) FROM records WHERE domain_id = 1 AND type = 'SOA'}), 7, 'the serial is the primary\'s';
cmp_ok rows('SELECT last_check FROM domains WHERE id = 1'), '>', 0, 'it is fresh';
is $csdnsd->status->{transactions}, 0, 'the transaction has ended';

# The whole zone as the answer to IXFR: PowerDNS feeds the SOA that ends it as well.
begin($one, 1, 'a.test');
feed($one, soa('a.test', 8));
feed($one, 'last.a.test', 'A', '192.0.2.2');
is feed($one, soa('a.test', 8)), $TRUE, 'the same SOA at the end';
is commit($one)->{result}, $TRUE, 'is no second one';
is rows(q{SELECT string_agg(split_part(content, ' ', 3), ' ') FROM records WHERE domain_id = 1 AND type = 'SOA'}), 8, 'it is there once';
begin($one, 1, 'a.test');
feed($one, soa('a.test', $_)) for 9, 10;
like commit($one)->{log}[0], qr/SOA/, 'another SOA is';
is rows(q{SELECT string_agg(split_part(content, ' ', 3), ' ') FROM records WHERE domain_id = 1 AND type = 'SOA'}), 8, 'and refused';

# --- record sets, keys and settings inside ---

begin($one, -1, 'c.test');
is replace($one, 3, 'www.c.test', 'A', '192.0.2.1'), $TRUE, 'a record set';
is contents($one, 'www.c.test', 'A'), '192.0.2.1', 'is seen inside';
is replace($one, 3, 'www.c.test', 'A', '192.0.2.1', '192.0.2.2'), $TRUE, 'it is replaced again';
is contents($one, 'www.c.test', 'A'), '192.0.2.1 192.0.2.2', 'and seen again';
is contents($one, 'www.c.test', 'A', 3), '192.0.2.1 192.0.2.2', 'in its zone';
is contents($one, 'www.c.test', 'A', 1), '', 'and in no other';
is contents($other, 'www.c.test', 'A'), '', 'others do not see it';
is $one->call('setDomainMetadata', name => 'c.test.', kind => 'SOA-EDIT', value => ['EPOCH']), $TRUE, 'a setting inside';
is_deeply $one->call('getDomainMetadata', name => 'c.test.', kind => 'SOA-EDIT'), ['EPOCH'], 'is seen inside';
is_deeply $one->call('getAllDomainMetadata', name => 'c.test.'), { 'SOA-EDIT' => ['EPOCH'] }, 'among all as well';
is_deeply $other->call('getDomainMetadata', name => 'c.test.', kind => 'SOA-EDIT'), [], 'and not outside';
is $one->call('addDomainKey', name => 'c.test.', key => { flags => 257, active => $TRUE, published => $TRUE, content => "a\nb" }), 1, 'a key inside';
is_deeply $one->call('getDomainKeys', name => 'c.test.'), [{ id => 1, flags => 257, active => $TRUE, published => $TRUE, content => "a\nb" }], 'is seen inside';
is scalar(@{ $one->call('list', zonename => 'c.test.', domain_id => 3) }), 4, 'the whole zone, inside';
is rows('SELECT count(*) FROM cryptokeys'), 0, 'nothing of it is in the tables yet';
is $one->call('abortTransaction', trxid => 1700000000), $TRUE, 'abort';
is zone(3), 'old.c.test A 192.0.2.1', 'nothing has happened';
is contents($one, 'www.c.test', 'A'), '', 'nor is it seen any more';
begin($one, -1, 'c.test');
replace($one, 3, 'www.c.test', 'A', '192.0.2.1');
replace($one, 3, 'old.c.test', 'ANY');
is commit($one)->{result}, $TRUE, 'the same for good';
is zone(3), 'www.c.test A 0 192.0.2.1', 'is done';
is contents($other, 'www.c.test', 'ANY'), '192.0.2.1', 'and answered';

# What PowerDNS' tables allow to be NULL is read inside as it is outside: PowerDNS takes no null.
rows(q{INSERT INTO domainmetadata (domain_id, kind, content) VALUES (3, NULL, 'x'), (3, 'X-NULL', NULL), (3, 'X-NULL', '1');
    INSERT INTO cryptokeys (domain_id, flags, active, published, content) VALUES (3, 256, NULL, NULL, NULL)});
$csdnsd->wait_current($cluster->dbh('store'));
begin($one, -1, 'c.test');
for my $question (['getAllDomainMetadata'], ['getDomainMetadata', kind => 'X-NULL'], ['getDomainKeys']) {
    my ($method, @more) = @$question;
    my ($inside, $outside) = map { $_->call($method, name => 'c.test.', @more) } $one, $other;
    is_deeply $inside, $outside, "$method: with NULLs the same inside and outside";
    unlike +JSON->new->encode($inside), qr/null/, "$method: no null";
}
is commit($one)->{result}, $TRUE, 'and the transaction goes on';
rows('DELETE FROM domainmetadata WHERE domain_id = 3; DELETE FROM cryptokeys WHERE domain_id = 3');

# --- what cannot be done ---

sub refused {
    my ($what, $pattern, $reply) = @_;
    ok !$reply->{result}, "$what: false";
    like $reply->{log}[0] // '', $pattern, "$what: the reason";
    $csdnsd->wait_log($pattern);
    return;
}

my $before = zone(2);
refused 'commit of nothing', qr/no transaction is open/, commit($one);
refused 'feedRecord of nothing', qr/no transaction is open/, $one->request({ method => 'feedRecord', parameters => { rr => rr('www.b.test', 'A', '192.0.2.1'), trxid => 1 } });
refused 'a zone that is not there', qr/there is no zone with id 99/,
    $one->request({ method => 'startTransaction', parameters => { domain => 'b.test.', domain_id => 99, trxid => 1 } });
begin($one, 2, 'b.test');
feed($one, soa('b.test', 8));
refused 'a record outside', qr/"www.a.test" lies outside of zone 2/,
    $one->request({ method => 'feedRecord', parameters => { rr => rr('www.a.test', 'A', '192.0.2.1'), trxid => 1 } });
refused 'the commit after it', qr/commitTransaction: .*lies outside/, commit($one);
is zone(2), $before, 'nothing is half written';
begin($one, 2, 'b.test');
feed($one, soa('b.test', 8));
feed($one, 'www.b.test', 'A', '192.0.2.300');
feed($one, 'www2.b.test', 'A', '192.0.2.3');
refused 'a record that is none', qr/commitTransaction: .*192\.0\.2\.300/, commit($one);
is zone(2), $before, 'nothing is half written';
begin($one, 2, 'b.test');
feed($one, soa('b.test', 8));
feed($one, 'www.b.test', 'A', '192.0.2.1');
feed($one, 'www.b.test', 'CNAME', 'x.b.test');
refused 'what only the commit finds', qr/commitTransaction: .*CNAME/i, commit($one);
is zone(2), $before, 'nothing is half written';
is contents($one, 'old.b.test', 'A'), '192.0.2.1', 'the connection is answered as before';
begin($one, 2, 'b.test');
feed($one, soa('b.test', 8));
begin($one, 3, 'c.test');
feed($one, soa('c.test', 8));
is commit($one)->{result}, $TRUE, 'a transaction that was forgotten is rolled back by the next one';
is zone(2) . '|' . zone(3), "$before|", 'the next one is done, the forgotten one is not';

# --- who drops, who sleeps, who waits ---

my $third = $csdnsd->remote;
begin($third, 2, 'b.test');
feed($third, soa('b.test', 9));
undef $third;
wait_until { $csdnsd->status->{transactions} == 0 && idle_sessions() == 0 } 10, 'the transaction to end';
is zone(2), $before, 'a connection that drops is rolled back';

begin($one, 2, 'b.test');
is begin($other, 3, 'c.test'), $TRUE, 'two at once';
feed($one, soa('b.test', 10));
feed($other, soa('c.test', 10));
feed($one, 'one.b.test', 'A', '192.0.2.1');
feed($other, 'other.c.test', 'A', '192.0.2.1');
my $start = time;
my $late = $csdnsd->remote;
refused 'a third one', qr/no connection to the database is free: 2 transactions are open/,
    $late->request({ method => 'startTransaction', parameters => { domain => 'a.test.', domain_id => 1, trxid => 1 } });
cmp_ok time - $start, '>', 1, 'it has waited for a moment';
is_deeply [map { commit($_)->{result} } $other, $one], [$TRUE, $TRUE], 'both are committed';
is zone(2) . '|' . zone(3), 'one.b.test A 0 192.0.2.1|other.c.test A 0 192.0.2.1', 'each with its own';
begin($one, 2, 'b.test');
begin($other, 3, 'c.test');
$late->send_text(JSON->new->encode({ method => 'startTransaction', parameters => { domain => 'a.test.', domain_id => -1, trxid => 1 } }) . "\n");
$other->call('abortTransaction', trxid => 1);
like $late->read_line, qr/"result":true/, 'who waits gets the next one that is free';
$late->call('abortTransaction', trxid => 1);
$one->call('abortTransaction', trxid => 1);

begin($one, 2, 'b.test');
feed($one, soa('b.test', 11));
$csdnsd->wait_log(qr/a transaction of PowerDNS is not ended: it was rolled back after 3 s without a request/, 10);
wait_until { idle_sessions() == 0 } 10, 'no transaction left in the database';
refused 'a record that comes too late', qr/feedRecord: it was rolled back/, $one->request({ method => 'feedRecord', parameters => { rr => rr('www.b.test', 'A', '192.0.2.1'), trxid => 1 } });
is contents($one, 'one.b.test', 'A'), '192.0.2.1', 'lookups are answered';
refused 'its commit', qr/commitTransaction: it was rolled back/, commit($one);
is zone(2), 'one.b.test A 0 192.0.2.1', 'nothing is half written';

# --- a database that takes nothing ---

begin($one, 2, 'b.test');
feed($one, soa('b.test', 20));
my $rss = $csdnsd->rss_kb;
my $ROWS = 60_000;
$cluster->freeze;
my $fed = 0;
my $waits;
while ($fed < $ROWS && !$waits) {
    $one->send_text(JSON->new->encode({ method => 'feedRecord', parameters => { rr => rr("n$fed.b.test", 'TXT', '"' . 'x' x 200 . '"'), trxid => 1 } }) . "\n");
    $fed++;
    $waits = 1 if !defined $one->read_line(1);
}
ok $waits, "the answers wait after $fed rows";
cmp_ok $csdnsd->rss_kb - $rss, '<', 8192, 'and the rows are not piled up';
is contents($other, 'old.a.test', 'A'), '', 'others are answered meanwhile';
$cluster->thaw;
like $one->read_line(20), qr/"result":true/, 'the database goes on: so do they';
is commit($one)->{result}, $TRUE, 'commit';
is rows(q{SELECT count(*) FROM records WHERE domain_id = 2 AND type = 'TXT'}), $fed, 'all of them are there';
begin($one, 2, 'b.test');
feed($one, soa('b.test', 21));
feed($one, 'one.b.test', 'A', '192.0.2.1');
commit($one);

# --- the database goes away ---

begin($one, 2, 'b.test');
feed($one, soa('b.test', 12));
begin($other, -1, 'c.test');
replace($other, 3, 'www.c.test', 'A', '192.0.2.9');
$cluster->restart('immediate');
refused 'commit of rows that were fed', qr/commitTransaction: /, commit($one);
refused 'commit of a record set', qr/commitTransaction: /, commit($other);
is zone(2) . '|' . zone(3), 'one.b.test A 0 192.0.2.1|other.c.test A 0 192.0.2.1', 'nothing is half written';
wait_until { $csdnsd->status->{database} eq 'following' } 20, 'csdnsd to be connected again';
begin($one, -1, 'c.test');
replace($one, 3, 'www.c.test', 'A', '192.0.2.9');
is commit($one)->{result}, $TRUE, 'the next transaction is done';
is contents($one, 'www.c.test', 'A'), '192.0.2.9', 'and answered';
$cluster->stop('immediate');
refused 'no database', qr/startTransaction: /, $one->request({ method => 'startTransaction', parameters => { domain => 'a.test.', domain_id => 1, trxid => 1 } });
is contents($one, 'www.c.test', 'A'), '192.0.2.9', 'lookups go on';
$cluster->start;
wait_until { begin($one, 1, 'a.test') } 20, 'transactions again';
my $kept = zone(1);
begin($one, 1, 'a.test');
feed($one, soa('a.test', 13));
feed($other, 'one.b.test', 'A', '192.0.2.1') if begin($other, 2, 'b.test') && feed($other, soa('b.test', 30)) && feed($other, 'drained.b.test', 'A', '192.0.2.1');
$csdnsd->process->signal('TERM');
$csdnsd->wait_log(qr/stopping on signal/);
is commit($other)->{result}, $TRUE, 'while csdnsd stops, a transaction can still be ended';
ok $other->is_closed, 'and then the connection';
wait_until { !$csdnsd->is_running } 10, 'its end';
is $csdnsd->stop, 0, 'it does not wait for the other one';
is zone(1), $kept, 'which is not done';
like zone(2), qr/drained\.b\.test/, 'but the first one is';
done_testing;
