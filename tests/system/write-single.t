#!/usr/bin/perl
# Every single write of PowerDNS, over the protocol: what stands in the tables
# after it, what is answered, and what is refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON ();
use Test::More;

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
    INSERT INTO domains (name, type) VALUES ('a.test', 'MASTER'), ('b.test', 'SLAVE');
    INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT id, name, 'SOA', 'ns.' || name || ' hostmaster.' || name || ' 1 2 3 4 5', 60 FROM domains;
    INSERT INTO supermasters VALUES ('192.0.2.1', 'ns1.prov.test', 'prov'), ('2001:db8::1', 'ns1.prov.test', 'prov'),
        ('192.0.2.3', 'ns1.prov.test', 'other'), ('192.0.2.4', 'NS2.prov.test.', 'prov')});
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'pdns'));
my $remote = $csdnsd->remote;

sub rows { my ($sql) = @_; return $cluster->psql('store', $sql) }

# The reason stands in the reply and in the log.
sub refused {
    my ($what, $pattern, $method, %parameters) = @_;
    my $reply = $remote->request({ method => $method, parameters => \%parameters });
    ok !$reply->{result}, "$what: false";
    like $reply->{log}[0], $pattern, "$what: the reason";
    $csdnsd->wait_log($pattern);
    return;
}

# --- metadata ---

sub metadata { return rows(q{SELECT string_agg(kind || '=' || content, ' ' ORDER BY id) FROM domainmetadata WHERE domain_id = 1}) }

is $remote->call('setDomainMetadata', name => 'A.Test.', kind => 'ALLOW-AXFR-FROM', value => ['192.0.2.0/24', 'AUTO-NS', "x'\"\\y"]), $TRUE, 'metadata';
is metadata(), q{ALLOW-AXFR-FROM=192.0.2.0/24 ALLOW-AXFR-FROM=AUTO-NS ALLOW-AXFR-FROM=x'"\y}, 'in its order';
is_deeply $remote->call('getDomainMetadata', name => 'a.test.', kind => 'ALLOW-AXFR-FROM'), ['192.0.2.0/24', 'AUTO-NS', "x'\"\\y"],
    'and read back at once';
$remote->call('setDomainMetadata', name => 'a.test.', kind => 'X-ONE', value => ['1']);
$remote->call('setDomainMetadata', name => 'a.test.', kind => 'ALLOW-AXFR-FROM', value => ['::1']);
is metadata(), 'X-ONE=1 ALLOW-AXFR-FROM=::1', 'all of a kind are replaced, and no other';
is $remote->call('setDomainMetadata', name => 'a.test.', kind => 'ALLOW-AXFR-FROM', value => []), $TRUE, 'nothing';
is metadata(), 'X-ONE=1', 'removes it';
is $remote->call('setDomainMetadata', name => 'a.test.', kind => 'ALLOW-AXFR-FROM', value => []), $TRUE, 'what is not there can be removed';
refused 'a long kind', qr/1 to 32 characters/, 'setDomainMetadata', name => 'a.test.', kind => 'K' x 33, value => ['1'];
refused 'no such zone', qr/there is no zone "none.test"/, 'setDomainMetadata', name => 'none.test.', kind => 'K', value => ['1'];
is metadata(), 'X-ONE=1', 'nothing has changed';

# --- keys ---

sub keys_of { return rows(q{SELECT string_agg(concat_ws(',', id, domain_id, flags, active, published, content), ' ' ORDER BY id) FROM cryptokeys}) }

my $id = $remote->call('addDomainKey', name => 'a.test.', key => { flags => 257, active => $TRUE, published => $FALSE, content => "Private\nkey" });
is $id, 1, 'a key: the answer is its id';
is keys_of(), "1,1,257,t,f,Private\nkey", 'and it is there';
is $remote->call('addDomainKey', name => 'b.test.', key => { flags => 256, active => $FALSE, content => 'zwei' }), 2, 'another one';
is $remote->call('deactivateDomainKey', name => 'a.test.', id => 1), $TRUE, 'deactivate';
is $remote->call('publishDomainKey', name => 'a.test.', id => 1), $TRUE, 'publish';
is keys_of(), "1,1,257,f,t,Private\nkey 2,2,256,f,t,zwei", 'both can be seen';
is $remote->call('activateDomainKey', name => 'b.test.', id => 2), $TRUE, 'activate';
is $remote->call('unpublishDomainKey', name => 'b.test.', id => 2), $TRUE, 'unpublish';
is keys_of(), "1,1,257,f,t,Private\nkey 2,2,256,t,f,zwei", 'both can be seen';
refused 'a key of another zone', qr/activateDomainKey: the zone has no such key/, 'activateDomainKey', name => 'a.test.', id => 2;
refused 'no such key', qr/removeDomainKey: the zone has no such key/, 'removeDomainKey', name => 'a.test.', id => 77;
refused 'no such zone', qr/there is no zone/, 'removeDomainKey', name => 'none.test.', id => 1;
is $remote->call('removeDomainKey', name => 'a.test.', id => 1), $TRUE, 'remove';
is keys_of(), '2,2,256,t,f,zwei', 'it is gone, the others are not';

# --- TSIG keys ---

sub tsig { return rows(q{SELECT string_agg(concat_ws(',', name, algorithm, secret), ' ' ORDER BY name, algorithm) FROM tsigkeys}) }

is $remote->call('setTSIGKey', name => 'Key.Test.', algorithm => 'hmac-SHA256.', content => 'QUJD'), $TRUE, 'a TSIG key';
is tsig(), 'key.test,hmac-sha256,QUJD', 'lower case, without dots';
is $remote->call('setTSIGKey', name => 'key.test.', algorithm => 'hmac-sha256.', content => 'REVG'), $TRUE, 'it can be set again';
is tsig(), 'key.test,hmac-sha256,REVG', 'and is another one then';
is $remote->call('deleteTSIGKey', name => 'key.test.'), $TRUE, 'delete';
is tsig(), '', 'it is gone';
refused 'no such TSIG key', qr/deleteTSIGKey: there is no such key/, 'deleteTSIGKey', name => 'key.test.';

# What PostgreSQL says of a row that it refuses may be the row: a secret stays one.
rows('ALTER TABLE tsigkeys ADD CONSTRAINT long_enough CHECK (length(secret) > 20); ALTER TABLE cryptokeys ADD CONSTRAINT known CHECK (flags < 300)');
refused 'a TSIG key that the store does not take', qr/setTSIGKey: .*long_enough/, 'setTSIGKey', name => 'k.test.', algorithm => 'hmac-md5.', content => 'dGlueQ==';
refused 'a key that it does not take', qr/addDomainKey: .*known/, 'addDomainKey', name => 'a.test.', key => { flags => 301, content => 'Private: pr1v4te' };
unlike $csdnsd->log_text, qr/dGlueQ|pr1v4te/, 'the secrets are not in the log';
unlike $remote->request({ method => 'setTSIGKey', parameters => { name => 'k.test.', algorithm => 'hmac-md5.', content => 'dGlueQ==' } })->{log}[0],
    qr/dGlueQ/, 'nor in the reply';
rows('ALTER TABLE tsigkeys DROP CONSTRAINT long_enough; ALTER TABLE cryptokeys DROP CONSTRAINT known');

# --- what stays of a key ---

# Whether the memory of csdnsd has these octets, but for mappings that are larger than anything of ours (the sanitizers' shadows).
sub memory_has {
    my ($octets) = @_;
    no warnings qw(portable);    # addresses of 64 bits
    open my $maps, '<', '/proc/' . $csdnsd->pid . '/maps' or die "maps: $!";
    open my $memory, '<:raw', '/proc/' . $csdnsd->pid . '/mem' or die "mem: $!";
    for my $line (<$maps>) {
        my ($from, $to) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
        my ($at, $size) = (hex $from, hex($to) - hex $from);
        next if $size > 256 << 20;
        sysseek $memory, $at, 0 or next;
        my $text = '';
        sysread $memory, $text, $size;
        return 1 if index($text, $octets) >= 0;
    }
    return 0;
}

# A key that no zone has takes the way through csdnsd that every key takes, and stays nowhere.
my $private = 'Private-key-format: v1.2 ' . join '', map { chr 65 + $_ % 26 } 1 .. 300;
refused 'a key of no zone', qr/there is no zone/, 'addDomainKey', name => 'none.test.', key => { flags => 257, active => $TRUE, content => $private };
refused 'a TSIG key of no name', qr/setTSIGKey: .*empty label/, 'setTSIGKey', name => 'a..test.', algorithm => 'hmac-sha256.', content => $private;
$remote->call('setDomainMetadata', name => 'a.test.', kind => 'X-SOUGHT', value => ['what is here to be found']);
is memory_has('what is here to be found'), 1, 'what is in the store is found in memory';
is memory_has(substr $private, 100, 32), 0, 'keys that were refused are not';
$remote->call('setDomainMetadata', name => 'a.test.', kind => 'X-SOUGHT', value => []);

# --- zones ---

sub zone { my ($name) = @_; return rows("SELECT concat_ws('|', type, master, account, notified_serial) FROM domains WHERE name = '$name'") }

is $remote->call('createSlaveDomain', ip => '192.0.2.9', domain => 'New.Test.', nameserver => '', account => ''), $TRUE, 'a secondary zone';
is zone('new.test'), 'SLAVE|192.0.2.9|', 'is there';
is $remote->call('getDomainInfo', name => 'new.test.')->{kind}, 'slave', 'and PowerDNS can ask for it at once';
is $remote->call('createSlaveDomain', ip => '192.0.2.1', domain => 'auto.test.', nameserver => 'ns1.prov.test', account => 'prov'), $TRUE, 'an autoprimary';
is zone('auto.test'), 'SLAVE|192.0.2.1, 2001:db8::1|prov', 'gives all its addresses';
is $remote->call('createSlaveDomain', ip => '192.0.2.4', domain => 'dot.test.', nameserver => 'ns2.prov.test.', account => 'prov'), $TRUE, 'one with a dot';
is zone('dot.test'), 'SLAVE|192.0.2.4|prov', 'is known as well';
is $remote->call('createSlaveDomain', ip => '192.0.2.7', domain => 'unknown.test.', nameserver => 'ns9.prov.test', account => 'prov'), $TRUE, 'an unknown one';
is zone('unknown.test'), 'SLAVE|192.0.2.7|prov', 'has the address that it came from';
refused 'a zone that is there', qr/createSlaveDomain: .*duplicate key.*23505/, 'createSlaveDomain', ip => '192.0.2.9', domain => 'new.test.', nameserver => '', account => '';
sub autoprimary {
    my ($ip, @names) = @_;
    return $remote->call('superMasterBackend', ip => $ip, domain => 'new2.test.',
        nsset => [map { { qname => 'new2.test.', qtype => 'NS', qclass => 1, content => $_, ttl => 60, auth => $TRUE } } @names]);
}

is_deeply autoprimary('192.0.2.1', 'x.test.', 'NS1.prov.test.'), { nameserver => 'ns1.prov.test', account => 'prov' }, 'who is an autoprimary';
is_deeply autoprimary('192.0.2.4', 'ns2.prov.test'), { nameserver => 'NS2.prov.test.', account => 'prov' }, 'as it is stored';
is_deeply autoprimary('2001:db8:0::1', 'ns1.prov.test'), { nameserver => 'ns1.prov.test', account => 'prov' }, 'by IPv6';
is autoprimary('192.0.2.1', 'ns2.prov.test'), $FALSE, 'not another name';
is autoprimary('192.0.2.2', 'ns1.prov.test'), $FALSE, 'not another address';
is autoprimary('192.0.2.1'), $FALSE, 'not without names';
is autoprimary('no address', 'ns1.prov.test'), $FALSE, 'not by nonsense';
is $remote->call('setFresh', id => 2), $TRUE, 'fresh';
cmp_ok abs(rows('SELECT last_check FROM domains WHERE id = 2') - time), '<', 30, 'was checked now';
cmp_ok abs($remote->call('getDomainInfo', name => 'b.test.')->{last_check} - time), '<', 30, 'and can be read back';
is $remote->call('setStale', id => 2), $TRUE, 'stale';
is rows('SELECT last_check FROM domains WHERE id = 2'), 0, 'was never checked';
refused 'no such zone', qr/setFresh: there is no zone with id 99/, 'setFresh', id => 99;

# --- a record set by itself ---

sub records { my ($name) = @_; return rows("SELECT string_agg(concat_ws(' ', type, ttl, prio, content, disabled), '; ' ORDER BY type, content) FROM records WHERE name = '$name'") }
sub rr { my ($name, $type, $ttl, $content) = @_; return { qname => $name, qtype => $type, qclass => 1, ttl => $ttl, content => $content, auth => $TRUE } }
sub replace { my ($name, $type, @rrs) = @_; return (domain_id => 1, qname => $name, qtype => $type, trxid => -1, rrset => [map { rr($name, $type, @$_) } @rrs]) }

is $remote->call('replaceRRSet', replace('WWW.a.test.', 'A', [300, '192.0.2.1'], [300, '192.0.2.2'])), $TRUE, 'a record set';
is records('www.a.test'), 'A 300 0 192.0.2.1 f; A 300 0 192.0.2.2 f', 'is there';
is scalar(my @found = $remote->lookup('www.a.test', 'A')), 2, 'and is answered at once';
is $remote->call('replaceRRSet', replace('www.a.test.', 'MX', [60, '10 mail.a.test'])), $TRUE, 'another type';
is records('www.a.test'), 'A 300 0 192.0.2.1 f; A 300 0 192.0.2.2 f; MX 60 10 mail.a.test f', 'beside it, priority apart';
is(($remote->lookup('www.a.test', 'MX'))[0]{content}, '10 mail.a.test', 'and together again');
$cluster->psql('store', q{INSERT INTO comments (domain_id, name, type, modified_at, comment) VALUES (1, 'www.a.test', 'A', 1, 'x'), (1, 'www.a.test', 'MX', 1, 'y')});
is $remote->call('replaceRRSet', replace('www.a.test.', 'A')), $TRUE, 'an empty set';
is records('www.a.test'), 'MX 60 10 mail.a.test f', 'removes it';
is rows('SELECT string_agg(comment, \',\') FROM comments'), 'y', 'and its comments';
refused 'a record that is none', qr/replaceRRSet: .*192\.0\.2\.300/, 'replaceRRSet', replace('www.a.test.', 'A', [60, '192.0.2.300']);
refused 'a CNAME beside other data', qr/replaceRRSet: /, 'replaceRRSet', replace('www.a.test.', 'CNAME', [60, 'x.a.test']);
refused 'outside of the zone', qr/"www.b.test" lies outside/, 'replaceRRSet', replace('www.b.test.', 'A', [60, '192.0.2.1']);
is records('www.a.test'), 'MX 60 10 mail.a.test f', 'nothing has changed';
is $remote->call('replaceRRSet', replace('www.a.test.', 'ANY')), $TRUE, 'ANY';
is records('www.a.test'), '', 'removes all';

# --- commands ---

like $remote->call('directBackendCmd', query => 'help'), qr/^help .*^version .*^status .*^reload /ms, 'help';
like $remote->call('directBackendCmd', query => 'version'), qr/^csdns \d+\.\d+/, 'version';
my $loads = $csdnsd->status->{loads};
$remote->call('directBackendCmd', query => 'reload');
wait_until { $csdnsd->status->{loads} > $loads } 20, 'another load';
pass 'reload loads again';
is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
