#!/usr/bin/perl
# csdns import: a zone from a file, by transfer with and without a key, and over the API of
# another PowerDNS, is in the store what it was there; a preview writes nothing; what cannot
# be stored is told, and then nothing is written; merging and replacing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP qw(decode_json);
use MIME::Base64 qw(encode_base64);
use Test::More;

use Csdns::Cluster;
use Csdns::Named;
use Csdns::Pdns;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs);
use Csdns::Tool;
use Csdns::Zones qw(seed);

need_programs(qw(initdb csdns pdns_server pdns:gpgsql named));

my $seed = $ENV{CSDNS_SEED} // ($$ * 7919 + time) % 1_000_000;
seed($seed);
diag "CSDNS_SEED=$seed";

my $cluster = Csdns::Cluster->new;
for my $db (qw(there here)) {
    $cluster->create_db($db);
    $cluster->install_schema($db);
}
$cluster->psql('here', 'CREATE ROLE op LOGIN IN ROLE csdns_admin');
my %dbh = map { $_ => $cluster->dbh($_) } qw(there here);
my $op = Csdns::Tool->new(cluster => $cluster, db => 'here', role => 'op');
my $there = Csdns::Tool->new(cluster => $cluster, db => 'there');
my $dir = temp_dir();
plan(skip_all => 'this csdns was built without ldns') if $op->run('import', 'x')->{err} =~ /built without ldns/;

sub write_file {
    my ($name, $text) = @_;
    open my $file, '>:raw', "$dir/$name" or die "$name: $!";
    print {$file} $text;
    close $file or die "$name: $!";
    return "$dir/$name";
}

sub import_zone {
    my ($zone, @options) = @_;
    my $done = $op->run('import', $zone, @options);
    is $done->{status}, 0, "import $zone @options" or diag $done->{err}, $done->{out};
    return $done;
}

sub refused {
    my ($status, $why, $zone, @options) = @_;
    my $before = rows($zone);
    my $done = $op->run('import', $zone, @options);
    is $done->{status}, $status, "import $zone @options: refused";
    like $done->{err}, $why, 'with the reason';
    is rows($zone), $before, 'and nothing is written';
    return $done;
}

# Records of a zone, a line each.
sub rows {
    my ($zone) = @_;
    return join "\n", sort @{ $dbh{here}->selectcol_arrayref(q{
        SELECT concat_ws(' ', r.name, r.ttl, r.type, r.prio, r.content, CASE WHEN r.disabled THEN 'off' END)
          FROM records r JOIN domains d ON d.id = r.domain_id WHERE d.name = lower(rtrim(?, '.'))}, undef, $zone) };
}

# What an import of a zone that is there would change: names, types and contents, without TTLs.
sub difference {
    my ($zone, @options) = @_;
    my $difference = decode_json(import_zone($zone, '--replace', '--json', @options)->{out});
    my %lines;
    for my $side (qw(add remove)) {
        $lines{"$_->{name} $_->{ttl} $_->{type} $_->{content}"}{$side}++ for @{ $difference->{$side} };
    }
    return join "\n", map { ($lines{$_}{add} ? '+' : '-') . $_ } sort keys %lines;
}

sub drop { my ($zone) = @_; $dbh{here}->do('DELETE FROM domains WHERE name = ?', undef, $zone); return }

# A small zone from a file
my $zone_file = write_file('small.zone', <<'ZONE');
$ORIGIN Small.Test.
$TTL 300
@	IN SOA ns1 hostmaster.small.test. ( 2026010100 ; serial
		3600 600 86400 60 )
	NS ns1
	NS ns2.other.test.
	MX 10 Mail
ns1	A 192.0.2.53
	AAAA 2001:DB8::53
mail	60 A 192.0.2.25
www	CNAME @
txt	TXT "v=spf1 -all" "second; string" unquoted
_sip._tcp SRV 1 2 5060 sip
caa	CAA 0 issue "ca.test"
odd\.dot A 192.0.2.1
*.wild	HINFO "PC" "a \"b\""
unknown	TYPE65500 \# 3 abcdef
ZONE
my $preview = import_zone('small.test', '--file', $zone_file);
like $preview->{out}, qr/^\+ mail\.small\.test 60 A 192\.0\.2\.25$/m, 'a preview shows what comes';
like $preview->{out}, qr/^new zone "small\.test": 14 added, 0 removed, 0 there already; nothing is written yet\n--yes does it\n\z/m, 'and how much';
is rows('small.test'), '', 'it writes nothing';
is $dbh{here}->selectrow_array('SELECT count(*) FROM domains'), 0, 'no zone either';
my $done = import_zone('Small.Test.', '--file', $zone_file, '--yes');
is $done->{out}, qq(new zone "small.test": 14 added, 0 removed, 0 there already\n), 'done';
is rows('small.test'), <<'ROWS' =~ s/\n\z//r, 'as PowerDNS has them';
*.wild.small.test 300 HINFO "PC" "a \"b\""
_sip._tcp.small.test 300 SRV 1 2 5060 sip.Small.Test
caa.small.test 300 CAA 0 issue "ca.test"
mail.small.test 60 A 192.0.2.25
ns1.small.test 300 A 192.0.2.53
ns1.small.test 300 AAAA 2001:db8::53
odd\.dot.small.test 300 A 192.0.2.1
small.test 300 MX 10 Mail.Small.Test
small.test 300 NS ns1.Small.Test
small.test 300 NS ns2.other.test
small.test 300 SOA ns1.Small.Test hostmaster.small.test 2026010100 3600 600 86400 60
txt.small.test 300 TXT "v=spf1 -all" "second; string" "unquoted"
unknown.small.test 300 TYPE65500 \# 3 abcdef
www.small.test 300 CNAME Small.Test
ROWS
like $op->run('events', '--audit')->{out}, qr/AUDIT\.RECORD  mail\.small\.test  op by sql/, 'it is in the audit trail';

# again: nothing to do, and which of both is asked
refused(1, qr/zone "small\.test" is there already: --merge adds to it, --replace makes it/, 'small.test', '--file', $zone_file, '--yes');
for my $how ('--merge', '--replace') {
    my $before = rows('small.test');
    like import_zone('small.test', '--file', $zone_file, '--yes', $how)->{out}, qr/: 0 added, 0 removed, 14 there already$/m, "the same again with $how";
    is rows('small.test'), $before, 'changes nothing, not even the serial';
}

# merge and replace
my $other = write_file('other.zone', <<'ZONE');
small.test. 300 IN SOA ns1.small.test. hostmaster.small.test. 5 3600 600 86400 999
small.test. 300 IN NS ns1.small.test.
ns1.small.test. 77 IN A 192.0.2.53
new.small.test. 300 IN A 192.0.2.99
ZONE
$done = import_zone('small.test', '--file', $other, '--merge', '--json');
my $json = decode_json($done->{out});
is join(' ', map {"$_->{name}/$_->{ttl}"} @{ $json->{add} }), 'new.small.test/300 ns1.small.test/77', 'merge: what is new, and another TTL';
is join(' ', map {"$_->{name}/$_->{ttl}"} @{ $json->{remove} }), 'ns1.small.test/300', 'in place of the old one';
ok !$json->{written}, 'shown, not done';
import_zone('small.test', '--file', $other, '--merge', '--yes');
like rows('small.test'), qr/^www\.small\.test .*/m, 'merge keeps what is there';
like rows('small.test'), qr/^small\.test 300 SOA \S+ \S+ 2026010101 3600 600 86400 60$/m, 'the SOA too, with the next serial';
import_zone('small.test', '--file', $other, '--replace', '--yes');
is rows('small.test'), <<'ROWS' =~ s/\n\z//r, 'replace leaves nothing else';
new.small.test 300 A 192.0.2.99
ns1.small.test 77 A 192.0.2.53
small.test 300 NS ns1.Small.Test
small.test 300 SOA ns1.small.test hostmaster.small.test 2026010102 3600 600 86400 999
ROWS

# what rules made stays
$dbh{here}->do($_) for (
    q{INSERT INTO csdns.domain (uuid, name, path, network_domain) VALUES ('a0000000-0000-0000-0000-000000000001', 'ROOT', 'ROOT', 'small.test')},
    q{INSERT INTO csdns.account (uuid, domain, name) VALUES ('a0000000-0000-0000-0000-000000000002', 'a0000000-0000-0000-0000-000000000001', 'acme')},
    q{INSERT INTO csdns.network (uuid, name, account, domain) VALUES ('a0000000-0000-0000-0000-000000000003', 'lan', 'a0000000-0000-0000-0000-000000000002', 'a0000000-0000-0000-0000-000000000001')},
    q{INSERT INTO csdns.instance (uuid, name, account, domain) VALUES ('a0000000-0000-0000-0000-000000000004', 'vm', 'a0000000-0000-0000-0000-000000000002', 'a0000000-0000-0000-0000-000000000001')},
    q{INSERT INTO csdns.nic (uuid, instance, network, ip4, is_default) VALUES ('a0000000-0000-0000-0000-000000000005', 'a0000000-0000-0000-0000-000000000004', 'a0000000-0000-0000-0000-000000000003', '192.0.2.7', true)},
);
like rows('small.test'), qr/^vm\.small\.test 3600 A 192\.0\.2\.7$/m, 'a record of a rule';
like import_zone('small.test', '--file', $other, '--replace', '--yes')->{out}, qr/0 added, 0 removed, 4 there already, 1 kept$/m, 'stays';
like rows('small.test'), qr/^vm\.small\.test 3600 A 192\.0\.2\.7$/m, 'where it is';

# what cannot be stored
my $bad = write_file('bad.zone', <<'ZONE');
$TTL 60
bad.test. SOA ns.bad.test. h.bad.test. 1 2 3 4 5
bad.test. NS ns.bad.test.
ns.bad.test. A 192.0.2.300
good.bad.test. A 192.0.2.1
elsewhere.test. A 192.0.2.1
both.bad.test. CNAME good.bad.test.
both.bad.test. A 192.0.2.1
alias.bad.test. ALIAS good.bad.test.
big.bad.test. 3000000000 A 192.0.2.1
ZONE
$done = refused(1, qr/^csdns: cannot be stored: line 4: .*\n/m, 'bad.test', '--file', $bad, '--yes');
like $done->{err}, qr/elsewhere\.test 60 A 192\.0\.2\.1: name is outside of the zone$/m, 'outside of the zone';
like $done->{err}, qr/both\.bad\.test 60 A 192\.0\.2\.1: CNAME beside A$/m, 'against a rule among records';
like $done->{err}, qr/^csdns: cannot be stored: line 9: /m, 'a type that is not known';
like $done->{err}, qr/big\.bad\.test .*ttl is not a number/m, 'a TTL';
like $done->{err}, qr/nothing is written; --skip-bad stores the others$/m, 'what can be done';
is $dbh{here}->selectrow_array(q{SELECT count(*) FROM domains WHERE name = 'bad.test'}), 0, 'no zone either';
is scalar @{ decode_json($op->run('import', 'bad.test', '--file', $bad, '--json')->{out})->{bad} }, 6, 'in JSON, too';
import_zone('bad.test', '--file', $bad, '--yes', '--skip-bad');
is rows('bad.test'), "bad.test 60 NS ns.bad.test\nbad.test 60 SOA ns.bad.test h.bad.test 1 2 3 4 5\ngood.bad.test 60 A 192.0.2.1", 'the others with --skip-bad';
refused(1, qr/there is no SOA record of "nosoa\.test": is it that zone\?/, 'nosoa.test', '--file', $bad, '--yes', '--skip-bad');
refused(1, qr{could not open "/nowhere": No such file}, 'x.test', '--file', '/nowhere');
refused(2, qr/from where\?/, 'x.test');
refused(2, qr/--api needs --api-key-file/, 'x.test', '--api', 'http://127.0.0.1');
refused(2, qr/which\?/, 'x.test', '--file', $bad, '--merge', '--replace');
refused(2, qr/NATIVE or MASTER/, 'x.test', '--file', $bad, '--kind', 'SLAVE');
$dbh{here}->do(q{INSERT INTO domains (name, type, master) VALUES ('second.test', 'SLAVE', '192.0.2.1')});
refused(1, qr/zone "second\.test" is secondary/, 'second.test', '--file', $bad, '--replace');
my $input = $op->run_with({ stdin => "in.test. 60 IN SOA a. b. 1 2 3 4 5\n" }, 'import', 'in.test', '--file', '-', '--yes', '--kind', 'MASTER');
is "$input->{status} " . rows('in.test'), '0 in.test 60 SOA a b 1 2 3 4 5', 'from standard input' or diag $input->{err};
is $dbh{here}->selectrow_array(q{SELECT type FROM domains WHERE name = 'in.test'}), 'MASTER', 'of the kind that was asked for';

# By transfer from named, with a key and without one
my $secret = encode_base64('a secret of 32 octets, for tests', '');
my $named = Csdns::Named->new(
    zones => { map { $_ => qq(\$TTL 60\n@ SOA ns h 7 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n) . join '', map {"h$_ A 192.0.2.2\n"} 1 .. 3000 } qw(open.test keyed.test) },
    keys => { 'transfer.key' => $secret }, keyed => { 'keyed.test' => 'transfer.key' });
my $server = '127.0.0.1:' . $named->port;
my $key = write_file('key', "hmac-sha256:transfer.key:$secret\n");
my $named_key = write_file('named.key', qq(key "transfer.key" {\n\talgorithm hmac-sha256;\n\tsecret "$secret";\n};\n));
my $wrong = write_file('wrong', 'hmac-sha256:transfer.key:' . encode_base64('another secret of 32 octets here', '') . "\n");
like import_zone('open.test', '--axfr', $server, '--yes')->{out}, qr/: 3003 added/, 'a transfer in many messages';
refused(1, qr/zone "keyed\.test" from \Q$server\E: the server refuses the transfer/, 'keyed.test', '--axfr', $server, '--yes');
my $no_key = refused(1, qr/the server does not take the key/, 'keyed.test', '--axfr', $server, '--tsig-key-file', $wrong, '--yes');
unlike $no_key->{err}, qr/[A-Za-z0-9+\/]{20}/, 'no secret is told';
for my $file ($key, $named_key) {
    drop('keyed.test');
    like import_zone('keyed.test', '--axfr', $server, '--tsig-key-file', $file, '--yes')->{out}, qr/: 3003 added/, 'with a key';
}
refused(1, qr/holds no key/, 'x.test', '--axfr', $server, '--tsig-key-file', $zone_file);
refused(1, qr/the server (?:refuses|does not have)/, 'missing.test', '--axfr', $server);
refused(1, qr/Connection refused/, 'x.test', '--axfr', '127.0.0.1:' . free_port());
refused(1, qr/server "no\.such\.host\.invalid": /, 'x.test', '--axfr', 'no.such.host.invalid');

# a server that does not sign what it was asked with a key: a proxy that takes the signature away
my $stripping = strip_signatures($named->port);
refused(1, qr/the first message of the answer is not signed/, 'open.test', '--axfr', "127.0.0.1:$stripping->{port}", '--tsig-key-file', $key, '--replace', '--yes');
$stripping->{process}->stop('TERM', 5);

# Answers one question with a forged zone without signatures.
sub strip_signatures {
    my $port = free_port();
    my $code = <<'PERL';
use IO::Socket::INET;
my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => shift, Listen => 5, ReuseAddr => 1) or die $!;
while (my $peer = $listen->accept) {
    read $peer, my $head, 2; read $peer, my $query, unpack 'n', $head;
    my $id = substr $query, 0, 2;
    my $name = "\4open\4test\0";
    my $soa = "\300\14" . pack('nnNn', 6, 1, 60, 26) . "\1a\0\1b\0" . pack('N5', 9, 2, 3, 4, 5);
    my $reply = $id . pack('n5', 0x8400, 1, 2, 0, 0) . $name . pack('nn', 252, 1) . $soa x 2;
    print {$peer} pack('n', length $reply), $reply; $peer->flush; close $peer;
}
PERL
    my $process = Csdns::Process->start(name => 'forger', command => [$^X, '-e', $code, $port], log => "$dir/forger");
    $process->wait_ready(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }, 10);
    return { port => $port, process => $process };
}

# Everything that differs between servers: random zones, by API, transfer and file, are what they were
my $random = Csdns::Zones->new(names => 25);
$random->store($dbh{there}, $random->make);
my $pdns = Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('there', 'pdns'), gpgsql_dnssec => 'no', allow_axfr_ips => '127.0.0.1', default_ttl => 3600);
my $api = "http://127.0.0.1:$pdns->{options}{webserver_port}";
my $api_key = write_file('api', "test\n");
my @zones = grep { !/^(?:nosoa|empty)\.test$|sentinel/ } @{ $dbh{there}->selectcol_arrayref('SELECT name FROM domains ORDER BY 1') };
cmp_ok scalar @zones, '>', 5, 'many zones';
$dbh{here}->do('DELETE FROM domains');
for my $zone (@zones) {
    my @axfr = ('--axfr', '127.0.0.1:' . $pdns->port);
    import_zone($zone, '--file', write_file('random.zone', $there->run('export', $zone)->{out}), '--yes');
    my $count = 'SELECT count(*) FROM records r JOIN domains d ON d.id = r.domain_id WHERE d.name = ? AND NOT r.disabled AND r.type NOT IN (\'\', \'ALIAS\', \'LUA\', \'RRSIG\', \'NSEC\', \'NSEC3\', \'NSEC3PARAM\', \'DNSKEY\', \'CDNSKEY\', \'CDS\')';
    is $dbh{here}->selectrow_array($count, undef, $zone), $dbh{there}->selectrow_array($count, undef, $zone), "all records of $zone";
    is join("\n", grep { !/ ALIAS / } split /\n/, difference($zone, @axfr)), '', "$zone by transfer is the same as by file";
    import_zone($zone, '--api', $api, '--api-key-file', $api_key, '--yes', '--replace');
    # the API has one TTL for all records of a name and type
    my $signs = difference($zone, @axfr);
    my %without;
    $without{ s/^.(\S+) \d+ /$1 /r }{ substr $_, 0, 1 }++ for split /\n/, $signs;
    my $off = $dbh{there}->selectcol_arrayref(q{SELECT r.name || ' ' || r.type FROM records r JOIN domains d ON d.id = r.domain_id WHERE d.name = ? AND r.disabled}, undef, $zone);
    my %off = map { $_ => 1 } @$off;
    is join("\n", grep { keys %{ $without{$_} } < 2 && !(/^(\S+ \S+)/ && $off{$1}) } sort keys %without), '', "$zone by API is the same, but for TTLs";
}
refused(1, qr/HTTP status 401: .*/, 'x.test', '--api', $api, '--api-key-file', $zone_file);
refused(1, qr/HTTP status 404: /, 'missing.test', '--api', "$api/", '--api-key-file', $api_key);
refused(1, qr/Unsupported protocol|not supported/i, 'x.test', '--api', 'file:///etc/passwd', '--api-key-file', $api_key);

done_testing;
