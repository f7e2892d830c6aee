#!/usr/bin/perl
# csdns' verbs against a real database: the table of the tool is that of the schema and of the manual; each verb does what it
# says, for an administrator and for a tenant.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Digest::MD5 qw(md5_hex);
use JSON::PP qw(decode_json encode_json);
use Test::More;

use Csdns::Cluster;
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs source_dir);
use Csdns::Tool;

need_programs(qw(initdb psql csdns));

my $cluster = Csdns::Cluster->new(name => 'verbs');
$cluster->create_db('cloud');
$cluster->install_schema('cloud');
$cluster->psql('cloud', 'CREATE ROLE op LOGIN IN ROLE csdns_admin; CREATE ROLE stranger LOGIN');
my $admin = Csdns::Tool->new(cluster => $cluster, db => 'cloud', role => 'op');

sub sql { my ($sql) = @_; return $cluster->psql('cloud', $sql) }
sub uuid { my ($text) = @_; return md5_hex($text) =~ s/^(.{8})(.{4})(.{4})(.{4})/$1-$2-$3-$4-/r }

my %id = map { $_ => uuid($_) } qw(root acme other lan vm nic);
sql(<<"SQL");
INSERT INTO csdns.domain (uuid, name, path) VALUES ('$id{root}', 'ROOT', 'ROOT');
INSERT INTO csdns.account (uuid, domain, name) VALUES ('$id{acme}', '$id{root}', 'acme'), ('$id{other}', '$id{root}', 'other');
INSERT INTO csdns.network (uuid, name, account, domain) VALUES ('$id{lan}', 'lan', '$id{acme}', '$id{root}');
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES ('$id{vm}', 'web1', '$id{acme}', '$id{root}');
INSERT INTO csdns.nic (uuid, instance, network, ip4, is_default) VALUES ('$id{nic}', '$id{vm}', '$id{lan}', '192.0.2.7', true);
SQL

# A verb that works; returns what it prints.
sub works {
    my ($tool, $words, @rest) = @_;
    my $done = $tool->run($words, @rest);
    is $done->{status}, 0, "$words @rest" or diag $done->{err};
    return $done->{out};
}

sub json { my ($tool, @words) = @_; return decode_json(works($tool, @words, '--json')) }

sub fails {
    my ($tool, $expected, $words, @rest) = @_;
    my $done = $tool->run($words, @rest);
    is $done->{status}, 1, "$words @rest: fails";
    is $done->{out}, '', 'prints nothing';
    like $done->{err}, $expected, 'and says why';
    return;
}

# The titles of a list's table are fields that there are.
sub has_titles {
    my ($tool, @words) = @_;
    my ($titles) = works($tool, @words) =~ /^(.*)\n/;
    my ($rows) = grep { ref } values %{ json($tool, @words) };
    my @odd = grep { !exists $rows->[0]{ lc $_ } } split ' ', $titles // '';
    ok defined $titles && !@odd, "titles of @words" or diag "@odd";
    return;
}

# Records of a zone but SOA and NS.
sub records {
    my ($zone) = @_;
    return sql("SELECT concat_ws(' ', r.name, r.type, r.ttl, r.content) FROM records r JOIN domains d ON d.id = r.domain_id
                 WHERE d.name = '$zone' AND r.type NOT IN ('SOA', 'NS') ORDER BY r.name COLLATE \"C\", r.type, r.content COLLATE \"C\"");
}

# name => [[parameters that must be], [parameters that may be]], the names in lower case
sub shape {
    my ($apis, @without) = @_;
    my %without = map { $_ => 1 } @without;
    my %shape;
    for my $api (@$apis) {
        my @parameters = grep { !$without{ $_->{name} } } @{ $api->{params} };
        $shape{ lc $api->{name} } = [map { my $must = $_; [sort map { $_->{name} } grep { !$_->{required} == !$must } @parameters] } 1, 0];
    }
    return \%shape;
}

# The same from the manual: ".It Cm create dnszone", "Needs .Ar a , b ;", "may have .Ar c ."
sub manual {
    open my $file, '<', source_dir() . '/man/csdns.1.in' or die "manual: $!";
    my $text = do { local $/ = undef; <$file> };
    ($text) = $text =~ /^\.Ss Verbs\n(.*?)^\.S[sh] /ms or die "manual: no verbs\n";
    my %shape;
    while ($text =~ /^\.It Cm (\w+) (\w+)\n(.*?)(?=^\.(?:It|El))/gms) {
        my ($name, $body) = ("$1$2", $3);
        my ($must) = $body =~ /^Needs\n\.Ar (.*) [;.]$/m;
        my ($may) = $body =~ /^[Mm]ay have\n\.Ar (.*) [;.]$/m;
        $shape{$name} = [map { [sort split / , /, $_ // ''] } $must, $may];
    }
    return \%shape;
}

subtest 'one table' => sub {
    my $tool = shape(json($admin, 'commands')->{api}, qw(page pagesize));
    my $schema = shape(json($admin, 'list apis')->{api});
    is_deeply $tool, $schema, 'the tool knows what the database knows'
        or diag explain { map { $_ => [$tool->{$_}, $schema->{$_}] } grep { encode_json($tool->{$_} // []) ne encode_json($schema->{$_} // []) } keys %{ { %$tool, %$schema } } };
    is_deeply manual(), $tool, 'and so does the manual';
};

subtest 'DNS servers' => sub {
    my $server = json($admin, 'add dnsserver', 'name=ns1', 'nameservers=ns1.example.net,ns2.example.net', 'ispublic=true',
        'publicdomainsuffix=cloud.example.net')->{dnsserver};
    is_deeply $server->{nameservers}, ['ns1.example.net', 'ns2.example.net'], 'added';
    fails($admin, qr/^csdns: .*"ns1".*(?:exists|there) already/, 'add dnsserver', 'name=ns1', 'nameservers=ns1.example.net');
    like works($admin, 'update dnsserver', 'id=ns1', 'url=https://dns.example.net'), qr{^url: https://dns.example.net$}m, 'changed';
    like works($admin, 'list dnsservers'), qr/^NAME  NAMESERVERS .*\nns1 +ns1.example.net, ns2.example.net +yes +/, 'listed';
};

subtest 'zones' => sub {
    my $out = works($admin, 'create dnszone', 'name=example.org', 'dnsserverid=ns1', 'account=acme', "domainid=$id{root}", '--user', 'ann');
    like $out, qr/^id: \S{36}\nname: example.org\n/, 'created';
    is sql("SELECT name FROM domains"), 'example.org', 'PowerDNS has it';
    fails($admin, qr/^csdns: zone "example.org": exists already/, 'create dnszone', 'name=example.org', 'dnsserverid=ns1');
    fails($admin, qr/^csdns: .*"nowhere": not found/, 'create dnszone', 'name=a.test', 'dnsserverid=nowhere');
    like works($admin, 'update dnszone', 'id=example.org', 'description=web shop'), qr/^description: web shop$/m, 'described';
    like works($admin, 'update dnszone', 'id=example.org', 'description='), qr/^description:$/m, 'and no more';
    like works($admin, 'list dnszones', 'keyword=example'), qr/^NAME .*\nexample.org +Public +Active +ns1 +acme +ROOT +3\n\z/, 'listed';
    is $admin->run('list dnszones', 'keyword=nothing')->{err}, "no zones\n", 'none';
    is json($admin, 'list dnszones')->{count}, 1, 'as JSON';
    my $file = temp_dir() . '/zones.json';
    open my $out_file, '>', $file or die "$file: $!";
    print {$out_file} encode_json([map { { name => "z$_.test", dnsserverid => 'ns1' } } 1 .. 3]);
    close $out_file or die "$file: $!";
    works($admin, 'create dnszones', "file=$file");
    is json($admin, 'list dnszones', 'keyword=.test')->{count}, 3, 'many at once';
    my $page = $admin->run('list dnszones', 'page=1', 'pagesize=2', 'filter=name');
    is $page->{out} =~ tr/\n//, 3, 'a page of two';
    is $page->{err}, "2 of 4 zones: more with page= and pagesize=\n", 'says that there is more';
    works($admin, 'delete dnszones', 'zones=' . encode_json([map { { id => "z$_.test" } } 1 .. 3]));
    is sql('SELECT count(*) FROM domains'), 1, 'deleted';
};

subtest 'records' => sub {
    my $out = works($admin, 'create dnsrecord', 'dnszoneid=example.org', 'name=www', 'type=A', 'contents=192.0.2.1,192.0.2.2', 'ttl=300');
    like $out, qr/^name: www.example.org\ntype: A\ncontents: 192.0.2.1, 192.0.2.2\nttl: 300\n/, 'created';
    is records('example.org'), "www.example.org A 300 192.0.2.1\nwww.example.org A 300 192.0.2.2", 'PowerDNS has them';
    fails($admin, qr/^csdns: .*www.example.org.*already/, 'create dnsrecord', 'dnszoneid=example.org', 'name=www', 'type=A', 'contents=192.0.2.9');
    fails($admin, qr/^csdns: parameter ttl: "soon" is not a whole number/, 'create dnsrecord', 'dnszoneid=example.org', 'name=x', 'type=A',
        'contents=192.0.2.9', 'ttl=soon');
    works($admin, 'create dnsrecord', 'dnszoneid=example.org', 'name=@', 'type=TXT', 'contents="v=spf1, all"', 'contents="two"');
    works($admin, 'update dnsrecord', 'dnszoneid=example.org', 'name=www', 'type=A', 'contents=192.0.2.3');
    is records('example.org'), join("\n", 'example.org TXT 3600 "two"', 'example.org TXT 3600 "v=spf1, all"', 'www.example.org A 300 192.0.2.3'), 'changed';
    like works($admin, 'list dnsrecords', 'dnszoneid=example.org', 'type=A'), qr/^NAME .*\nwww.example.org +A +300 +192.0.2.3 +hand\n\z/, 'listed';
    works($admin, 'delete dnsrecord', 'dnszoneid=example.org', 'name=@', 'type=TXT');
    fails($admin, qr/^csdns: .*example.org.*not found|^csdns: .*example.org.*not there/, 'delete dnsrecord', 'dnszoneid=example.org', 'name=@', 'type=TXT');
};

subtest 'records in bulk' => sub {
    my @records = map { { dnszoneid => 'example.org', name => "host$_", type => 'A', contents => ["192.0.2.1$_"] } } 1 .. 3;
    my $bad = $admin->run_with({ stdin => encode_json([@records, { %{ $records[0] }, name => 'odd', contents => ['x'] }]) }, 'create dnsrecords', 'file=-');
    is $bad->{status}, 1, 'one of them is bad';
    like $bad->{err}, qr/^csdns: .*\n  number 4 .*odd/m, 'which is told';
    is records('example.org'), 'www.example.org A 300 192.0.2.3', 'nothing was done';
    my $done = $admin->run_with({ stdin => encode_json(\@records) }, 'create dnsrecords', 'file=-');
    is $done->{status}, 0, 'all are good' or diag $done->{err};
    works($admin, 'update dnsrecords', 'records=' . encode_json([map { { %$_, ttl => 60 } } @records]));
    is sql("SELECT count(*) FROM records WHERE name LIKE 'host%' AND ttl = 60"), 3, 'changed';
    works($admin, 'delete dnsrecords', 'records=' . encode_json([map { { dnszoneid => 'example.org', name => $_->{name}, type => 'A' } } @records]));
    is records('example.org'), 'www.example.org A 300 192.0.2.3', 'deleted';
};

subtest 'networks and instances' => sub {
    works($admin, 'associate dnszonetonetwork', 'dnszoneid=example.org', "networkid=$id{lan}", 'subdomain=lab');
    like records('example.org'), qr/^web1.lab.example.org A 3600 192.0.2.7$/m, 'a network has its zone';
    like works($admin, 'list dnszonenetworks', 'dnszoneid=example.org'), qr/example.org/, 'listed';
    works($admin, 'register dnsrecordforvm', "virtualmachineid=$id{vm}", 'dnszoneid=example.org', 'name=shop');
    like records('example.org'), qr/^shop.example.org A 3600 192.0.2.7$/m, 'an instance has a further name';
    like works($admin, 'list dnsrecordsforvm', "virtualmachineid=$id{vm}"), qr/^shop.example.org .*^web1.lab.example.org /ms, 'listed';
    has_titles($admin, split /,/) for 'list dnszonenetworks', 'list dnszones', 'list dnsservers', 'list dnsrecords', 'list dnspolicies', 'list apis',
        'list dnsevents', "list dnsrecordsforvm,virtualmachineid=$id{vm}";
    works($admin, 'update dnspolicy', "networkid=$id{lan}", 'ttl=120');
    like records('example.org'), qr/^web1.lab.example.org A 120 192.0.2.7$/m, 'a policy';
    like works($admin, 'list dnspolicies', '--json'), qr/"ttl": 120/, 'listed';
    sql("UPDATE records SET content = '192.0.2.99' WHERE name = 'shop.example.org'");
    like works($admin, 'list dnsrecords', 'dnszoneid=example.org', 'name=shop'), qr/taken over/, 'a record that a person took over';
    works($admin, 'release dnsrecord', 'dnszoneid=example.org', 'name=shop', 'type=A');
    like records('example.org'), qr/^shop.example.org A 120 192.0.2.7$/m, 'is given back';
    works($admin, 'unregister dnsrecordforvm', "virtualmachineid=$id{vm}", 'dnszoneid=example.org', 'name=shop');
    works($admin, 'disassociate dnszonefromnetwork', "networkid=$id{lan}");
    is records('example.org'), 'www.example.org A 300 192.0.2.3', 'all of it is gone';
    fails($admin, qr/^csdns: networkid "x": not a uuid/, 'disassociate dnszonefromnetwork', 'networkid=x');
};

subtest 'what is told' => sub {
    is $admin->run('list dnsdrift')->{err}, "no differences\n", 'no drift';
    is $admin->run('reconcile dns')->{status}, 0, 'reconciled';
    is $admin->run('list dnscollisions')->{err}, "no collisions\n", 'no collisions';
    like works($admin, 'list dnsevents'), qr/DNS.REQUEST.REFUSED/, 'what was refused is an event';
    has_titles($admin, 'list dnsaudit');
    my @audit = @{ json($admin, 'list dnsaudit')->{audit} };
    ok((grep { my $entry = encode_json($_); $entry =~ /createDnsZone/ && $entry =~ /"ann"/ } @audit), 'the audit trail has path and user of the cloud');
    is_deeply [map { $_->{clouduser} } @{ json($admin, 'list dnsaudit', 'who=ann', 'limit=1')->{audit} }], ['ann'], 'what one has done';
};

subtest 'a tenant' => sub {
    sql("CREATE ROLE acme LOGIN; SELECT csdns.add_tenant('acme', 'acme', '$id{root}')");
    my $tenant = $admin->as('acme');
    works($admin, 'create dnszone', 'name=other.test', 'dnsserverid=ns1', 'account=other', "domainid=$id{root}");
    is works($tenant, 'list dnszones', 'filter=name'), "NAME\nexample.org\n", 'sees its own zone';
    fails($tenant, qr/^csdns: zone "other.test": not found/, 'delete dnszone', 'id=other.test');
    fails($tenant, qr/^csdns: /, 'add dnsserver', 'name=x', 'nameservers=ns.x.test');
    works($tenant, 'create dnsrecord', 'dnszoneid=example.org', 'name=mine', 'type=A', 'contents=192.0.2.5');
    is works($tenant, 'list dnsrecords', 'dnszoneid=example.org', 'name=mine', 'filter=name'), "NAME\nmine.example.org\n", 'and its records';
    works($admin, 'delegate dnszone', 'dnszoneid=other.test', 'account=acme', "domainid=$id{root}");
    has_titles($admin, 'list dnszonedelegations', 'dnszoneid=other.test');
    works($tenant, 'create dnsrecord', 'dnszoneid=other.test', 'name=mine', 'type=A', 'contents=192.0.2.5');
    works($admin, 'undelegate dnszone', 'dnszoneid=other.test', 'account=acme', "domainid=$id{root}");
    fails($tenant, qr/^csdns: zone "other.test": not found/, 'create dnsrecord', 'dnszoneid=other.test', 'name=more', 'type=A', 'contents=192.0.2.5');
    fails($admin->as('stranger'), qr/^csdns: role "stranger" may not run commands/, 'list dnszones');
};

subtest 'the end' => sub {
    fails($admin, qr/^csdns: DNS server "ns1": has 2 zones/, 'delete dnsserver', 'id=ns1');
    works($admin, 'delete dnszone', "id=$_") for qw(example.org other.test);
    like works($admin, 'delete dnsserver', 'id=ns1'), qr/^DNS server "ns1" is deleted$/, 'a DNS server goes';
    is sql('SELECT count(*) FROM domains'), 0, 'and nothing is left';
};

done_testing;
