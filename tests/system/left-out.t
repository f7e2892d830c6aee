#!/usr/bin/perl
# Rows that were written before the schema checked them: csdnsd says which it
# cannot serve, by id, and serves the rest of the zone; the store lists them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Programs qw(need_programs source_dir);
use Csdns::Wait;

need_programs(qw(initdb csdnsd pdns_server pdns:remote pdns:gpgsql));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
# PowerDNS' tables as they are without csdns, with years of history in them.
$cluster->psql_file('store', source_dir() . '/schema/010-pdns.sql');
my $dbh = $cluster->dbh('store');
$dbh->do(q{INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE'), ('bad..test', 'NATIVE')});
my $insert = $dbh->prepare(
    'INSERT INTO records (domain_id, name, type, content, ttl, prio) VALUES (?, ?, ?, ?, ?, ?) RETURNING id');

sub row {
    my (@columns) = @_;
    $insert->execute(@columns);
    return ($insert->fetchrow_array)[0];
}

my $label64 = 'x' x 64;
my @good = map { row(@$_) } (
    [1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60, undef],
    [1, 'www.a.test', 'A', '192.0.2.1', 60, undef],
    [1, 'mail.a.test', 'MX', 'www.a.test', 60, 10],
    [2, 'b.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60, undef],
    [2, 'www.b.test', 'AAAA', '2001:db8::1', 60, undef],
    # odd, but PowerDNS and csdnsd serve it
    [1, 'odd.a.test', 'TXT', '"' . ('y' x 200) . '"', undef, undef],
    # what rectify writes: csdnsd computes these names and needs no row
    [1, 'empty.a.test', '', '', undef, undef],
    [1, 'rectified.a.test', undef, undef, undef, undef],
);
my %bad = (
    'an address that is none' => row(1, 'bad1.a.test', 'A', '192.0.2.300', 60, undef),
    'an address of the other kind' => row(1, 'bad2.a.test', 'AAAA', '192.0.2.1', 60, undef),
    'no content' => row(1, 'bad3.a.test', 'A', undef, 60, undef),
    'empty content' => row(1, 'bad3.a.test', 'CNAME', '', 60, undef),
    'a name outside the zone' => row(1, 'www.other.test', 'A', '192.0.2.2', 60, undef),
    'a long label' => row(1, "$label64.a.test", 'A', '192.0.2.2', 60, undef),
    'an empty label' => row(1, 'x..a.test', 'A', '192.0.2.2', 60, undef),
    'no name' => row(1, undef, 'A', '192.0.2.2', 60, undef),
    'a type that is none' => row(1, 'bad4.a.test', 'FOO BAR', 'x', 60, undef),
    'a negative TTL' => row(1, 'bad5.a.test', 'A', '192.0.2.2', -5, undef),
    'text without its quote' => row(1, 'bad6.a.test', 'TXT', '"x', 60, undef),
    'a target with a long label' => row(1, 'bad7.a.test', 'CNAME', "$label64.a.test", 60, undef),
    'beside a good one of the name' => row(1, 'www.a.test', 'A', 'localhost', 60, undef),
);
$dbh->do(q{INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('bad..key', 'hmac-sha256', 'QUJD'), ('good.key', 'hmac-sha256', 'REVG')});
my %bad_zone = ('a zone with an empty label' => 3);
$cluster->install_schema('store');
is $dbh->selectrow_array('SELECT count(*) FROM records'), @good + keys(%bad), 'installing the schema keeps all rows';

my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));
my $log = $csdnsd->log_text;
for my $what (sort keys %bad) {
    like $log, qr/WARNING.*record $bad{$what} is left out/, "$what: logged with its id";
}
like $log, qr/WARNING.*zone $bad_zone{$_} .*is left out/, "$_: logged with its id" for keys %bad_zone;
unlike $log, qr/record $_ is left out/, "good record $_ is not mentioned" for @good;
like $log, qr/WARNING.*TSIG key "bad\.\.key" is left out: empty label/, 'a TSIG key without a good name: logged';
is $csdnsd->status->{left_out}, keys(%bad) + keys(%bad_zone) + 1, 'and they are counted';
is_deeply $csdnsd->remote->call('getTSIGKey', name => 'good.key.'), { algorithm => 'hmac-sha256', content => 'REVG' }, 'the TSIG key beside it can be used';

my $pdns = Csdns::Pdns->remote(socket => $csdnsd->socket);
my $dns = $pdns->dns;
sub answer { my ($name, $type) = @_; return join '|', @{ $dns->ask($name, $type)->{answer} } }
is answer('www.a.test', 'A'), 'www.a.test. 60 IN A 192.0.2.1', 'the rest of the zone is served, also at the same name';
is answer('mail.a.test', 'MX'), 'mail.a.test. 60 IN MX 10 www.a.test.', 'another name';
is answer('www.b.test', 'AAAA'), 'www.b.test. 60 IN AAAA 2001:db8::1', 'another zone';
like answer('odd.a.test', 'TXT'), qr/3600 IN TXT "y{200}"/, 'a record without a TTL has the default';
is $dns->ask('bad1.a.test', 'A')->{rcode}, 'NXDOMAIN', 'a name with nothing but bad records is not there';
my ($transfer) = $dns->transfer('a.test');
is scalar(grep { !/ SOA / } @{ $transfer // [] }), 3, 'the zone can be transferred';

my %listed = map { $_ => 1 } @{ $dbh->selectcol_arrayref('SELECT id FROM csdns.invalid_record') };
ok $listed{ $bad{$_} }, "$_: csdns.invalid_record lists it" for sort keys %bad;
ok !$listed{$_}, "good record $_ is not listed" for @good;

# They can be corrected one by one.
$dbh->do(q{UPDATE records SET content = '192.0.2.30' WHERE id = ?}, undef, $bad{'an address that is none'});
$dbh->do(q{UPDATE records SET name = 'back.a.test' WHERE id = ?}, undef, $bad{'a name outside the zone'});
$dbh->do('DELETE FROM records WHERE id = ?', undef, $bad{'beside a good one of the name'});
$dbh->do(q{UPDATE domains SET name = 'good.test' WHERE id = 3});
$csdnsd->wait_current($dbh);
is answer('bad1.a.test', 'A'), 'bad1.a.test. 60 IN A 192.0.2.30', 'content corrected: served';
is answer('back.a.test', 'A'), 'back.a.test. 60 IN A 192.0.2.2', 'name corrected: served';
ok ref($csdnsd->remote->call('getDomainInfo', name => 'good.test.')) eq 'HASH', 'zone corrected: there';
# A change beside a bad row.
$dbh->do(q{INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('new.key', 'hmac-sha256', 'R0hJSktM')});
$csdnsd->wait_current($dbh);
is join(' ', map { $csdnsd->remote->call('getTSIGKey', name => $_)->{content} } qw(good.key. new.key.)), 'REVG R0hJSktM', 'a TSIG key beside the bad one';
$dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'bad2.a.test', 'A', '192.0.2.31', 60)});
$csdnsd->wait_current($dbh);
is answer('bad2.a.test', 'A'), 'bad2.a.test. 60 IN A 192.0.2.31', 'a good record beside a bad one';

# --- rows that break a rule, and are served all the same, as gpgsql serves them ---

$cluster->create_db('odd');
$cluster->psql_file('odd', source_dir() . '/schema/010-pdns.sql');
$cluster->psql('odd', q{INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60, NULL, false),
        (1, 'twice.a.test', 'A', '192.0.2.1', 60, NULL, false), (1, 'twice.a.test', 'A', '192.0.2.1', 60, NULL, false),
        (1, 'cname-and-a.a.test', 'A', '192.0.2.2', 60, NULL, false), (1, 'cname-and-a.a.test', 'CNAME', 'twice.a.test', 60, NULL, false),
        (1, 'two-cnames.a.test', 'CNAME', 'twice.a.test', 60, NULL, false), (1, 'two-cnames.a.test', 'CNAME', 'x.a.test', 60, NULL, false),
        (1, 'soa-below.a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60, NULL, false),
        (1, 'blank.a.test', 'A', '192.0.2.3 ', 60, NULL, false), (1, 'blank-before.a.test', 'A', ' 192.0.2.3', 60, NULL, false),
        (1, 'unquoted.a.test', 'TXT', 'foo', 60, NULL, false), (1, 'long-string.a.test', 'TXT', '"' || repeat('x', 300) || '"', 60, NULL, false),
        (1, 'upper.a.test', 'MX', 'MX.A.Test.', 60, 5, false), (1, 'disabled-null.a.test', 'A', '192.0.2.4', 60, NULL, NULL),
        (1, 'ttl.a.test', 'A', '192.0.2.5', 2147483647, NULL, false), (1, 'upper6.a.test', 'AAAA', '2001:DB8::1', 60, NULL, false),
        (1, 'lower-type.a.test', 'a', '192.0.2.6', 60, NULL, false), (1, 'final-dot.a.test.', 'A', '192.0.2.7', 60, NULL, false)});
$cluster->install_schema('odd');
my $odd = Csdns::Csdnsd->start(db => $cluster->conninfo('odd', 'csdnsd'), name => 'odd rows');
my @both = (
    Csdns::Pdns->remote(socket => $odd->socket, any_to_tcp => 'no'),
    Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('odd', 'pdns'), any_to_tcp => 'no'),
);
my ($edge, $gpgsql) = map { $_->dns } @both;
for my $name (@{ $cluster->dbh('odd')->selectcol_arrayref('SELECT DISTINCT name FROM records ORDER BY name') }) {
    is $edge->ask($name, $_)->{text}, $gpgsql->ask($name, $_)->{text}, "$name $_: as gpgsql answers" for qw(ANY A MX TXT);
}

# Thousands of them do not flood the log.
$cluster->create_db('many');
$cluster->psql_file('many', source_dir() . '/schema/010-pdns.sql');
$cluster->psql('many', q{INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT 1, 'n' || i || '.a.test', 'A', 'x', 60 FROM generate_series(1, 5000) i;
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60)});
$cluster->install_schema('many');
my $many = Csdns::Csdnsd->start(db => $cluster->conninfo('many', 'csdnsd'));
is $many->status->{left_out}, 5000, 'five thousand are left out';
cmp_ok scalar(() = $many->log_text =~ /left out/g), '<', 60, 'with few lines in the log';
like $many->log_text, qr/csdns\.invalid_record/, 'that say where to look';

# Records of no zone at all, which PowerDNS' tables allow and never serve.
$cluster->create_db('orphan');
$cluster->psql_file('orphan', source_dir() . '/schema/010-pdns.sql');
my $add_one = q{INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60)};
$cluster->psql('orphan', $add_one . q{; INSERT INTO records (domain_id, name, type, content, ttl) VALUES (NULL, 'www.a.test', 'A', '192.0.2.2', 60);
    INSERT INTO domainmetadata (domain_id, kind, content) VALUES (NULL, 'X-TEST', '1'), (1, NULL, '1'), (1, 'X-TEST', NULL);
    INSERT INTO cryptokeys (domain_id, flags, active, content) VALUES (NULL, 257, true, 'x')});
$cluster->install_schema('orphan');
my $orphan = Csdns::Csdnsd->start(db => $cluster->conninfo('orphan', 'csdnsd'), wait => 0, name => 'with orphans');
ok Csdns::Wait::try_until(sub { $orphan->has_data }, 5), 'records, metadata and keys of no zone do not keep csdnsd from answering';

is $_->stop, 0, 'csdnsd ends well' for $csdnsd, $odd, $many, $orphan;
done_testing;
