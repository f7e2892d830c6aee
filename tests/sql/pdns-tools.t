#!/usr/bin/perl
# Everything that PowerDNS' own tools write passes the rules and is journaled: the HTTP API, pdnsutil and zone2sql on a gpgsql
# instance whose database has the schema, with a login that has no rights on csdns beyond csdns_write.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP ();
use Test::More;

use Csdns::Cluster;
use Csdns::Pdns;
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs pdns_version source_dir);

need_programs(qw(initdb psql pdns_server pdns:gpgsql pdnsutil zone2sql));

my $cluster = Csdns::Cluster->new(name => 'store');
$cluster->create_db('store');
$cluster->psql_file('store', sort glob(($ENV{CSDNS_SCHEMA_DIR} // source_dir() . '/schema') . '/[0-9][0-9][0-9]-*.sql'));
$cluster->psql('store', 'CREATE ROLE manager LOGIN IN ROLE csdns_write');
my $pdns = Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('store', 'manager'), gpgsql_dnssec => 'yes',
    pdns_version() >= 5 ? (enable_lua_record_updates => 'yes') : ());
my $dbh = $cluster->dbh('store');

subtest 'API' => \&api;
subtest 'pdnsutil' => \&pdnsutil;
subtest 'zone2sql' => \&zone2sql;
subtest 'afterwards' => sub {
    is_deeply $dbh->selectall_arrayref('SELECT name, type, content, reason FROM csdns.invalid_record'), [], 'no record breaks a rule';
    is $dbh->selectrow_array('SELECT max(version) - min(version) + 1 - count(*) FROM csdns.version'), 0, 'versions without a gap';
    is $dbh->selectrow_array('SELECT count(*) FROM csdns.serial_debt'), 0, 'nothing owed';
};
done_testing;

sub head { return $dbh->selectrow_array('SELECT version FROM csdns.head()') }

sub serial {
    my ($zone) = @_;
    return $dbh->selectrow_array(q{SELECT csdns.soa_serial(content) FROM records WHERE name = ? AND type = 'SOA'}, {}, $zone);
}

sub touched {
    my ($since) = @_;
    return join ' ', map {"$_->[0]:$_->[1]"} @{ $dbh->selectall_arrayref(
        q{SELECT what, coalesce(t.name, d.name::text, '?') FROM csdns.touched(?) t LEFT JOIN domains d ON d.id = t.domain_id ORDER BY 1, 2}, {}, $since) };
}

# changes(what => sub): runs it, and it must make a version; returns what it touched.
sub changes {
    my ($what, $work) = @_;
    my $before = head();
    my $done = eval { $work->(); 1 };
    ok $done, $what or diag $@, $cluster->log_text =~ /((?:.*ERROR.*\n(?:.*\n){3}))\z/ ? $1 : '';
    cmp_ok head(), '>', $before, "$what: a version" if $done;
    return touched($before);
}

sub patch {
    my ($zone, @rrsets) = @_;
    $pdns->api('PATCH', "/zones/$zone", { rrsets => \@rrsets });
    return;
}

sub rrset {
    my ($name, $type, @contents) = @_;
    return { name => $name, type => $type, ttl => 300, changetype => @contents ? 'REPLACE' : 'DELETE',
        records => [map { { content => $_, disabled => JSON::PP::false } } @contents] };
}

sub api {
    changes('zone created', sub {
        $pdns->api('POST', '/zones', { name => 'api.test.', kind => 'Native', nameservers => ['ns1.api.test.', 'ns2.example.'] });
    });
    cmp_ok serial('api.test'), '>', 0, 'with a SOA';
    # one of each type that PowerDNS 4.7 knows, and the strange ones that it takes
    my @contents = (
        [A => '192.0.2.1', '192.0.2.2'], [AAAA => '2001:db8::1'], [MX => '10 mail.example.', '0 .'], [SRV => '1 2 3 target.example.', '0 0 0 .'],
        [TXT => '"a" "b"', '""', '"' . 'x' x 300 . '"', '"\\"quoted\\" \\\\ \\195\\188"', '"; ( )"'], [SPF => '"v=spf1 -all"'],
        [CAA => '0 issue "ca.example"', '0 iss-ue "x"', '0 issue "a" "b"', '128 iodef "mailto:a@b.example"'],
        [DS => '1 8 2 ' . 'ab' x 32, '1 8 2 -', '1 8 2 abcd'], [TLSA => '3 1 1 abcd', '3 1 1 -'], [SSHFP => '4 2 ' . 'ab' x 32, '1 1 -'],
        [NAPTR => '100 50 "s" "SIP+D2U" "" _sip._udp.example.', '1 2 "u" "E2U" "!^.*$!sip:a\\\\1@b!" .'], [PTR => 'a\\032b.example.'],
        [LOC => '51 56 0.123 N 5 54 0.000 E 4.00m 1.00m 10000.00m 10.00m'], [HINFO => '"i386" "Linux"'], [TYPE65534 => '\\# 3 abcdef'],
        [ALIAS => 'x.example.'], [LUA => 'A "return 1"'], [RP => 'a.example. b.example.'], [URI => '1 2 "https://x"'], [SVCB => '1 . alpn=h2'],
        [HTTPS => '0 svc.example.'], [CDS => '0 0 0 00'], [OPENPGPKEY => 'AAAA'], [SMIMEA => '3 1 1 abcd'], [EUI48 => '00-00-5e-00-53-2a'],
        [CERT => '1 2 3 AAAA'], [AFSDB => '1 a.example.'], [KX => '1 a.example.'], [DHCID => 'AAAA'],
    );
    for my $case (@contents) {
        my ($type, @values) = @$case;
        my $n = 0;
        for my $value (@values) {
            next if pdns_version() >= 5 && $value =~ /\\[^#]/;    # its API takes escapes off before it reads the content
            my $name = lc "$type-" . $n++ . '.api.test';
            my $seen = changes("$type " . substr($value, 0, 40), sub { patch('api.test.', rrset("$name.", $type, $value)) });
            like $seen, qr/n:\Q$name\E/, "$type: journaled";
        }
    }
    changes('CNAME', sub { patch('api.test.', rrset('c.api.test.', 'CNAME', 'x.example.')) });
    changes('CNAME replaced by A', sub { patch('api.test.', rrset('c.api.test.', 'CNAME'), rrset('c.api.test.', 'A', '192.0.2.1')) });
    changes('A replaced by CNAME', sub { patch('api.test.', rrset('c.api.test.', 'A'), rrset('c.api.test.', 'CNAME', 'x.example.')) });
    changes('wildcard, service and classless names', sub {
        patch('api.test.', map { rrset("$_.api.test.", 'A', '192.0.2.1') } '*', '_sip._tcp', '0/25', 'x--y');
    });
    changes('disabled record', sub {
        my $rrset = rrset('disabled.api.test.', 'A', '192.0.2.1');
        $rrset->{records}[0]{disabled} = JSON::PP::true;
        patch('api.test.', $rrset);
    });
    changes('SOA', sub { patch('api.test.', rrset('api.test.', 'SOA', 'ns1.api.test. hostmaster.api.test. 5 1 2 3 4')) });
    my $serial = serial('api.test');
    patch('api.test.', rrset('again.api.test.', 'A', '192.0.2.1'));
    is serial('api.test'), $serial + 1, 'the API moves the serial itself, and once';
    $dbh->do(q{DELETE FROM domainmetadata WHERE kind = 'SOA-EDIT-API'});
    $serial = serial('api.test');
    patch('api.test.', rrset('again.api.test.', 'A', '192.0.2.2'));
    is serial('api.test'), $serial + 1, 'without SOA-EDIT-API csdns moves it';
    my $before = head();
    eval { patch('api.test.', { %{ rrset('why.api.test.', 'A', '192.0.2.1') }, comments => [{ content => 'a remark', account => 'me' }] }) };
    is $@, '', 'comments';
    like changes('metadata', sub { $pdns->api('POST', '/zones/api.test./metadata', { kind => 'X-CSDNS-SERIAL', metadata => ['epoch'] }) }), qr/z:api\.test/, 'metadata: journaled';
    like changes('key', sub { $pdns->api('POST', '/zones/api.test./cryptokeys', { keytype => 'csk', active => JSON::PP::true }) }), qr/z:api\.test/, 'key: journaled';
    like changes('NSEC3', sub { $pdns->api('PUT', '/zones/api.test.', { nsec3param => '1 0 0 -', nsec3narrow => JSON::PP::false }) }), qr/z:api\.test/, 'NSEC3: journaled';
    changes('record in a signed zone', sub { patch('api.test.', rrset('deep.below.ent.api.test.', 'A', '192.0.2.1')) });
    changes('kind', sub { $pdns->api('PUT', '/zones/api.test.', { kind => 'Master' }) });
    changes('TSIG key', sub { $pdns->api('POST', '/tsigkeys', { name => 'k', algorithm => 'hmac-sha256', key => 'AAAAAAAAAAAAAAAAAAAAAA==' }) });
    changes('secondary zone', sub { $pdns->api('POST', '/zones', { name => 'sec.test.', kind => 'Slave', masters => ['192.0.2.1'] }) });
    like changes('zone deleted', sub { $pdns->api('DELETE', '/zones/sec.test.') }), qr/z:\?/, 'journaled';
    return;
}

sub pdnsutil {
    my $util = sub { my (@command) = @_; $pdns->pdnsutil(@command) };
    my $try = sub { my (@command) = @_; return changes("@command[0 .. ($#command > 2 ? 2 : $#command)]", sub { $util->(@command) }) };
    $try->('create-zone', 'util.test', 'ns1.util.test');
    $try->('add-record', 'util.test', 'ns1', 'A', '192.0.2.1');
    my $serial = serial('util.test');
    $try->('add-record', 'util.test', 'www', 'A', '3600', '192.0.2.1');
    cmp_ok serial('util.test'), '>', $serial, 'the serial moves';
    $try->('add-record', 'util.test', '@', 'MX', '10 mail.util.test');
    $try->('add-record', 'util.test', 'deep.below.ent', 'TXT', '"x"');
    $try->('replace-rrset', 'util.test', 'www', 'A', '300', '192.0.2.2', '192.0.2.3');
    $try->('delete-rrset', 'util.test', 'www', 'A');
    $try->('increase-serial', 'util.test');
    $try->('set-meta', 'util.test', 'ALLOW-AXFR-FROM', '192.0.2.0/24', '2001:db8::/32');
    $try->('set-kind', 'util.test', 'master');
    $try->('set-account', 'util.test', 'someone');
    $try->('secure-zone', 'util.test');
    ok defined $util->('rectify-zone', 'util.test'), 'rectify-zone';
    cmp_ok $dbh->selectrow_array(q{SELECT count(*) FROM records WHERE name = 'ent.util.test' AND type IS NULL}), '>', 0, 'writes empty non-terminals';
    my $before = head();
    $util->('rectify-zone', 'util.test');
    is touched($before), '', 'a second rectify-zone is no change';
    $try->('set-nsec3', 'util.test', '1 0 0 -', 'narrow');
    $try->('set-nsec3', 'util.test', '1 0 0 -');
    $try->('unset-nsec3', 'util.test');
    $try->('add-zone-key', 'util.test', 'zsk', 'inactive', 'ecdsa256');
    $try->('set-presigned', 'util.test');
    $try->('unset-presigned', 'util.test');
    $try->('disable-dnssec', 'util.test');
    $try->('generate-tsig-key', 'generated', 'hmac-sha256');
    $try->('activate-tsig-key', 'util.test', 'generated', 'primary');
    $try->('add-autoprimary', '192.0.2.9', 'ns9.example', 'acc');
    $try->('create-secondary-zone', 'sec2.test', '192.0.2.1');
    $try->('load-zone', 'loaded.test', zone_file('loaded.test'));
    $try->('load-zone', 'loaded.test', zone_file('loaded.test'));
    my $dir = temp_dir();
    open my $editor, '>', "$dir/editor" or die $!;
    print {$editor} "#!/bin/sh\n", q{for f; do :; done; echo 'edited.loaded.test. 60 IN A 192.0.2.77' >> "$f"}, "\n";
    close $editor;
    chmod 0755, "$dir/editor";
    $before = head();
    # "y": increase the serial, "a": apply; at the end of its input it would ask for ever
    my $done = run_program(
        command => ['/usr/bin/timeout', '20', find_program('pdnsutil'), "--config-dir=$pdns->{dir}/util", 'edit-zone', 'loaded.test'],
        stdin => 'ya', env => { EDITOR => "$dir/editor" },
    );
    like touched($before), qr/n:edited\.loaded\.test/, 'edit-zone' or diag substr $done->{out} . $done->{err}, 0, 2000;
    my $check = $pdns->try_pdnsutil('check-zone', 'util.test');
    like $check->{out} . $check->{err}, qr/0 errors/, 'check-zone finds no error';
    $try->('delete-zone', 'util.test');
    return;
}

sub zone_file {
    my ($zone) = @_;
    my $path = temp_dir() . "/$zone";
    open my $file, '>', $path or die "$path: $!";
    print {$file} <<"ZONE";
\$ORIGIN $zone.
\$TTL 3600
@ IN SOA ns1 hostmaster 2024010101 3600 600 86400 60
@ IN NS ns1
@ IN NS ns.elsewhere.example.
@ IN MX 10 mail
@ IN MX 20 mail.example.
@ IN TXT "v=spf1 -all" "second string"
@ IN CAA 0 issue "ca.example"
ns1 IN A 192.0.2.1
ns1 IN AAAA 2001:db8::1
mail 60 IN A 192.0.2.2
* IN CNAME ns1
_sip._tcp IN SRV 1 2 5060 sip.example.
Upper IN A 192.0.2.3
sub IN NS ns.sub
ns.sub IN A 192.0.2.4
sub IN DS 12345 13 2 abababababababababababababababababababababababababababababababab
deep.below.nothing IN TXT unquoted
long IN TXT "@{['x' x 255]}" "@{['y' x 200]}"
odd\\032name IN A 192.0.2.5
dotted\\.label IN A 192.0.2.6
naptr IN NAPTR 100 50 "u" "E2U+sip" "!^.*\$!sip:info\@example.com!" .
_443._tcp IN TLSA 3 1 1 abababababababababababababababababababababababababababababababab
host IN SSHFP 4 2 abababababababababababababababababababababababababababababababab
unknown IN TYPE65534 \\# 3 abcdef
hinfo IN HINFO "a" "b"
1 IN PTR ptr.example.
dname IN DNAME elsewhere.example.
ZONE
    close $file;
    return $path;
}

sub zone2sql {
    my $dir = temp_dir();
    open my $conf, '>', "$dir/named.conf" or die $!;
    for my $zone (qw(z2s-one.test z2s-two.test)) {
        my $path = zone_file($zone);
        print {$conf} qq{zone "$zone" { type master; file "$path"; };\n};
    }
    close $conf;
    my $done = run_program(command => [find_program('zone2sql'), '--gpgsql', "--named-conf=$dir/named.conf"]);
    is $done->{status}, 0, 'zone2sql' or diag $done->{err};
    my $seen = changes('its SQL', sub { $cluster->psql('store', $done->{out}, user => 'manager') });
    like $seen, qr/z:z2s-one\.test z:z2s-two\.test/, 'both zones are journaled';
    is serial('z2s-one.test'), 2024010101, 'a zone that comes in one transaction keeps its serial' if $done->{out} =~ /^BEGIN/im;
    cmp_ok $dbh->selectrow_array(q{SELECT count(*) FROM csdns.served_record WHERE name LIKE '%z2s-one.test'}), '>', 25, 'with all records';
    return;
}
