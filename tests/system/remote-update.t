#!/usr/bin/perl
# Dynamic updates (RFC 2136) through the remote backend, beside the same ones
# through the gpgsql backend: outcome and tables must be the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Process qw(run_program);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Twin;

need_programs('nsupdate');
my $twin = Csdns::Twin->new(pdns => { dnsupdate => 'yes', allow_dnsupdate_from => '127.0.0.0/8' }, sql => q{
    INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 10800 3600 604800 60', 60),
        (1, 'a.test', 'NS', 'ns.a.test', 60), (1, 'ns.a.test', 'A', '192.0.2.1', 60), (1, 'old.a.test', 'TXT', '"x"', 60);
});

# One packet; its outcome is nsupdate's message.
sub nsupdate {
    my ($side, @lines) = @_;
    my $port = $twin->pdns($side)->port;
    my $done = run_program(
        command => [find_program('nsupdate'), '-t', '10'], stdin => join "\n", "server 127.0.0.1 $port", 'zone a.test', @lines, 'send', '',
    );
    return $done->{status} == 0 ? 'done' : $done->{err} =~ /update failed: (\w+)/ ? $1 : $done->{err};
}

sub update {
    my ($what, $expected, @lines) = @_;
    for my $side ($twin->sides) {
        is nsupdate($side, @lines), $expected, "$what: $expected ($side)";
    }
    $twin->same_tables($what, qw(records soa serials));
    return;
}

update 'add', 'done', 'update add www.a.test 300 A 192.0.2.1';
update 'add beside it', 'done', 'update add www.a.test 300 A 192.0.2.2';
update 'two of one set in a packet', 'done', 'update add two.a.test 300 A 192.0.2.1', 'update add two.a.test 300 A 192.0.2.2';
like $twin->table('remote', 'records'), qr/two\.a\.test\|A\|192\.0\.2\.1.*\n.*two\.a\.test\|A\|192\.0\.2\.2/, 'both are there';
update 'another TTL', 'done', 'update add www.a.test 60 A 192.0.2.3';
update 'delete one', 'done', 'update delete www.a.test A 192.0.2.1';
update 'add and delete and add', 'done', 'update add x.a.test 60 A 192.0.2.1', 'update delete x.a.test A', 'update add x.a.test 60 A 192.0.2.2';
like $twin->table('remote', 'records'), qr/^a\.test\|x\.a\.test\|A\|192\.0\.2\.2\|60\|0\|f$/m, 'the last one is there';
update 'delete a set', 'done', 'update delete two.a.test A';
update 'delete a name', 'done', 'update delete old.a.test';
unlike $twin->table('remote', 'records'), qr/old\.a\.test/, 'it is gone';
update 'MX and SRV', 'done', 'update add a.test 60 MX 10 mail.a.test', 'update add _s._tcp.a.test 60 SRV 0 1 2 mail.a.test';
update 'upper case', 'done', 'update add UP.a.test 60 TXT "Up"';
update 'a CNAME', 'done', 'update add alias.a.test 60 CNAME www.a.test';
update 'another CNAME', 'done', 'update add alias.a.test 60 CNAME x.a.test';
update 'data beside a CNAME', 'REFUSED', 'update add alias.a.test 60 A 192.0.2.1';
update 'a delegation with glue', 'done', 'update add sub.a.test 60 NS ns.sub.a.test', 'update add ns.sub.a.test 60 A 192.0.2.1';
update 'the last NS', 'done', 'update delete a.test NS';
update 'a serial', 'done', 'update add a.test 60 SOA ns.a.test hostmaster.a.test 1000 1 2 3 4';

# --- prerequisites ---

update 'yxdomain, met', 'done', 'prereq yxdomain www.a.test', 'update add p.a.test 60 A 192.0.2.1';
update 'yxdomain, not met', 'NXDOMAIN', 'prereq yxdomain none.a.test', 'update add p.a.test 60 A 192.0.2.2';
update 'nxdomain, not met', 'YXDOMAIN', 'prereq nxdomain www.a.test', 'update add p.a.test 60 A 192.0.2.3';
update 'yxrrset, met', 'done', 'prereq yxrrset www.a.test A 192.0.2.2', 'prereq yxrrset www.a.test A 192.0.2.3', 'update add p.a.test 60 A 192.0.2.4';
update 'yxrrset, not met', 'NXRRSET', 'prereq yxrrset www.a.test MX', 'update add p.a.test 60 A 192.0.2.5';
update 'nxrrset, not met', 'YXRRSET', 'prereq nxrrset www.a.test A', 'update add p.a.test 60 A 192.0.2.6';

# --- TSIG ---

my $SECRET = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=';
$twin->pdnsutil("import-tsig-key key.test hmac-sha256 $SECRET", 'tsigkeys');
$twin->pdnsutil('import-tsig-key other.test hmac-sha256 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoK', 'tsigkeys');
$twin->pdnsutil('set-meta a.test TSIG-ALLOW-DNSUPDATE key.test', 'metadata');
update 'signed', 'done', "key hmac-sha256:key.test $SECRET", 'update add signed.a.test 60 A 192.0.2.1', 'update delete x.a.test';
update 'without a key', 'REFUSED', 'update add unsigned.a.test 60 A 192.0.2.1';
update 'with another key', 'REFUSED', 'key hmac-sha256:other.test QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoK', 'update add unsigned.a.test 60 A 192.0.2.1';
like $twin->table('remote', 'records'), qr/\|signed\.a\.test/, 'the signed one is done';
unlike $twin->table('remote', 'records'), qr/unsigned/, 'the others are not';
$twin->pdnsutil('set-meta a.test TSIG-ALLOW-DNSUPDATE', 'metadata');

# --- failures ---

my $before = $twin->table('remote', 'records');
update 'outside of the zone', 'NOTZONE', 'update add p.a.test 60 A 192.0.2.7', 'update add www.b.test 60 A 192.0.2.1';
# A row that another tool must not lose: the update meets a refusal of the database in its middle.
$twin->psql(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON records FOR EACH ROW WHEN (NEW.name = 'refused.a.test') EXECUTE FUNCTION refuse()});
update 'refused by the database', 'SERVFAIL', 'update add p.a.test 60 A 192.0.2.8', 'update add refused.a.test 60 A 192.0.2.1', 'update add q.a.test 60 A 192.0.2.1';
is $twin->table('remote', 'records'), $before, 'nothing of it is written';
$twin->csdnsd->wait_log(qr/not this one/);
update 'the next one', 'done', 'update add q.a.test 60 A 192.0.2.9';
is $twin->csdnsd->status->{transactions}, 0, 'no transaction is left';
is $twin->csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
