#!/usr/bin/perl
# csdns' verbs and what a database may answer, which a function in the place of csdns.api() tells it: tables and lines on
# terminals and elsewhere, refusals, errors, a connection that ends. And what the tool says without a database.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP qw(decode_json encode_json);
use Test::More;

use Csdns::Cluster;
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(find_program need_programs source_dir);
use Csdns::Tool;

need_programs(qw(initdb psql csdns bash));

my $cluster = Csdns::Cluster->new(name => 'answers');
$cluster->create_db($_) for qw(stub bare);
my $tool = Csdns::Tool->new(cluster => $cluster, db => 'stub');
$cluster->psql('stub', <<'SQL');
CREATE SCHEMA csdns;
CREATE TABLE csdns.answer (command text, answer text);
CREATE TABLE csdns.call (command text, params jsonb, cloud_user text, application text);
CREATE FUNCTION csdns.api(command text, params jsonb) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    told text := (SELECT a.answer FROM csdns.answer a WHERE lower(a.command) = lower(api.command));
BEGIN
    INSERT INTO csdns.call VALUES (command, params, current_setting('csdns.cloud_user', true), current_setting('application_name'));
    IF told LIKE 'ERROR %' THEN
        RAISE EXCEPTION 'as told' USING ERRCODE = substr(told, 7);
    ELSIF told = 'END' THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
    END IF;
    RETURN coalesce(told, '{"xresponse": {}}');
END
$$;
CREATE FUNCTION csdns.at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid());
    RETURN NULL;
END
$$;
SQL

sub answer {
    my ($command, $answer) = @_;
    my $text = ref $answer ? encode_json({ lc $command . 'response' => $answer }) : $answer;
    $text =~ s/'/''/g;
    $cluster->psql('stub', "DELETE FROM csdns.answer WHERE command = '$command'; INSERT INTO csdns.answer VALUES ('$command', '$text')");
    return;
}

sub calls { return $cluster->psql('stub', 'DELETE FROM csdns.call RETURNING ' . $_[0]) }

my @ZONE = ('create dnszone', 'name=a.test', 'dnsserverid=ns1');

subtest 'without a database' => sub {
    my $none = Csdns::Tool->new(cluster => $cluster, db => 'not_there');
    my @cases = (
        [0, ['--help'], qr/^  create .*^  schema /ms, qr/^\z/],
        [0, ['create', '--help'], qr/^  dnszone .*^  dnsrecords .*--user NAME/ms, qr/^\z/],
        [0, ['create dnszone', '--help'], qr/^  name=example.org\n.*\(required\)/m, qr/^\z/],
        [0, ['create', 'DNSZone', '-h'], qr/name=example.org/, qr/^\z/],
        [2, ['crate'], qr/^\z/, qr/^csdns: unknown command "crate"; did you mean "create"\? Try "csdns --help"$/],
        [2, ['xyzzy'], qr/^\z/, qr/^csdns: unknown command "xyzzy"; try "csdns --help"$/],
        [2, ['create'], qr/^\z/, qr/^csdns: create what\? There is dnszone, dnszones, dnsrecord, dnsrecords$/],
        [2, ['create dnszon'], qr/^\z/, qr/^csdns: unknown command "create dnszon"; did you mean "create dnszone"\? There is create dnszone, /],
        [2, ['create dnszone', 'nmae=x'], qr/^\z/, qr/unknown parameter "nmae" .*; did you mean "name"\? There is name, dnsserverid/],
        [2, ['create dnszone', 'name=x', 'name=y'], qr/^\z/, qr/"name" is given twice/],
        [2, ['create dnszone', 'www'], qr/^\z/, qr/"www" is not name=value/],
        [2, ['create dnszone', 'name=x'], qr/^\z/, qr/"create dnszone" needs dnsserverid: /],
        [2, ['create dnsrecords'], qr/^\z/, qr/needs records: .*file=PATH/],
        [2, ['create dnszone', '--jump'], qr/^\z/, qr/unknown option "--jump"/],
        [2, ['create dnszone', '--jump', '--json'], qr/^\z/, qr/^\{"errortext": "unknown option/],
        [2, ['commands', 'more'], qr/^\z/, qr/^csdns: usage: csdns commands/],
        [1, ['create dnsrecords', 'file=/not/there'], qr/^\z/, qr{could not open "/not/there": No such file}],
        [1, [@ZONE], qr/^\z/, qr/^csdns: could not connect to the database: .*"not_there" does not exist/],
        [1, [@ZONE, '--json'], qr/^\z/, qr/^\{"errortext": "could not connect to the database: /],
    );
    for my $case (@cases) {
        my ($status, $words, $out, $err) = @$case;
        my $done = $none->run(@$words);
        is $done->{status}, $status, "@$words: exit status $status";
        like $done->{out}, $out, 'standard output';
        like $done->{err}, $err, 'standard error';
    }
};

subtest 'what is sent' => sub {
    answer(createDnsRecord => { dnsrecord => { name => 'www.a.test' } });
    $tool->run('create dnsrecord', 'dnszoneid=a.test', 'NAME=www', 'type=A', 'contents=192.0.2.1', 'contents=192.0.2.2', 'ttl=', '--user', 'ann');
    is calls('command, cloud_user, application'), 'createDnsRecord|ann|csdns', 'command, user of the cloud, application';
    $tool->run('create dnsrecord', 'dnszoneid=a.test', 'name=a=b', 'type=TXT', 'contents="x,y"', 'contents=z', 'ttl=');
    is calls("params ->> 'contents'"), '"x,y",z', 'a list given several times is one list';
    $tool->run('create dnsrecord', 'dnszoneid=a.test', 'name=a=b', 'type=TXT', 'contents=', 'ttl=');
    is calls("params ->> 'name', params ->> 'contents' = '', params ->> 'ttl' = ''"), 'a=b|t|t', '"=" in values, and values that are empty';
    $tool->run('list dnszones');
    is calls("params::text, cloud_user IS NULL"), '{}|t', 'nothing';
};

subtest 'tables' => sub {
    my @rows = (
        { name => 'a.test', records => 5, account => undef, type => 'Public', state => 'Active' },
        { name => "b\x{fc}cher.test", records => 1234, account => 'acme', type => 'Public', state => 'Inactive' },
    );
    answer(listDnsZones => { count => 2, dnszone => \@rows });
    my $table = $tool->run('list dnszones', 'filter=name,records,account');
    is $table->{out}, "NAME         RECORDS  ACCOUNT\na.test             5\nb\xc3\xbccher.test     1234  acme\n", 'a table';
    is $table->{err}, '', 'and nothing else';
    is $tool->run('list dnszones', 'filter=state')->{out}, "STATE\nActive\nInactive\n", 'other fields';
    is $tool->run_with({ env => { %{ $tool->env }, LC_ALL => 'C' } }, 'list dnszones', 'filter=name,state')->{out},
        "NAME         STATE\na.test       Active\nb\xc3\xbccher.test  Inactive\n", 'widths are those of UTF-8 in any locale';
    is_deeply decode_json($tool->run('list dnszones', '--json')->{out}), { count => 2, dnszone => \@rows }, 'as JSON';
    is_deeply decode_json($tool->run('list dnszones', '--json', 'filter=name')->{out}),
        { count => 2, dnszone => [map { { name => $_->{name} } } @rows] }, 'as JSON, with few fields';
    answer(listDnsZones => { count => 12, dnszone => \@rows });
    is $tool->run('list dnszones', 'page=1', 'pagesize=2')->{err}, "2 of 12 zones: more with page= and pagesize=\n", 'a page of more';
    for my $empty ({ count => 0, dnszone => [] }, {}) {
        answer(listDnsZones => $empty);
        my $done = $tool->run('list dnszones');
        is_deeply [@{$done}{qw(status out err)}], [0, '', "no zones\n"], 'nothing found';
    }
};

subtest 'objects and words' => sub {
    answer(createDnsZone => '{"x": {"dnszone": {"name": "a.test", "account": null, "nameservers": ["ns1", "ns2"], "ispublic": true, "n": 5}}}');
    is $tool->run(@ZONE)->{out}, "name: a.test\naccount:\nnameservers: ns1, ns2\nispublic: yes\nn: 5\n", 'an object';
    is_deeply [$tool->run(@ZONE, '--json')->{out} =~ /"(\w+)":/g], [qw(dnszone name account nameservers ispublic n)], 'JSON keeps the order';
    answer(deleteDnsZone => { success => JSON::PP::true, displaytext => 'zone "a.test" is deleted' });
    is $tool->run('delete dnszone', 'id=a.test')->{out}, qq{zone "a.test" is deleted\n}, 'what was done';
    answer(deleteDnsZone => { success => JSON::PP::false, displaytext => 'not now' });
    my $done = $tool->run('delete dnszone', 'id=a.test');
    is_deeply [@{$done}{qw(status out err)}], [1, '', "csdns: not now\n"], 'or was not';
};

subtest 'what could steer the terminal' => sub {
    my $evil = "a\e[31mb\nc\x{9b}2J\x{202e}";
    my $shown = 'a\u001b[31mb\nc\u009b2J\u202e';
    answer(listDnsZones => { count => 1, dnszone => [{ name => $evil }] });
    is $tool->run('list dnszones', 'filter=name')->{out}, "NAME\n$shown\n", 'in a table';
    answer(createDnsZone => { dnszone => { $evil => $evil } });
    is $tool->run(@ZONE)->{out}, "$shown: $shown\n", 'in lines';
    answer(createDnsZone => { success => JSON::PP::true, displaytext => $evil });
    is $tool->run(@ZONE)->{out}, "$shown\n", 'in words';
    answer(createDnsZone => { errorcode => 431, errortext => $evil, details => [$evil] });
    is $tool->run(@ZONE)->{err}, "csdns: $shown\n  $shown\n", 'in a refusal';
};

subtest 'refusals' => sub {
    my $refusal = { errorcode => 431, sqlstate => '23505', errortext => 'zone "a.test": exists already', details => ['one', 'two'] };
    answer(createDnsZone => $refusal);
    calls('1');
    my $done = $tool->run(@ZONE);
    is_deeply [@{$done}{qw(status out err)}], [1, '', qq{csdns: zone "a.test": exists already\n  one\n  two\n}], 'reason and details';
    isnt calls('1'), '', 'what the database wrote about it stays';
    $done = $tool->run(@ZONE, '--json');
    is $done->{status}, 1, 'the same with JSON';
    is_deeply decode_json($done->{err}), $refusal, 'as JSON';
    is $done->{out}, '', 'on standard error alone';
};

subtest 'errors' => sub {
    for my $case (['40001', qr/^csdns: .*try again$/], ['40P01', qr/try again$/], ['XX000', qr/^csdns: ERROR: as told \(XX000\)/]) {
        my ($state, $expected) = @$case;
        answer(createDnsZone => "ERROR $state");
        calls('1');
        my $done = $tool->run(@ZONE);
        is $done->{status}, 1, "$state: failed";
        like $done->{err}, $expected, 'and why';
        is calls('1'), '', 'nothing was done';
    }
    for my $odd ('[]', '{}', '{"x": 1}', '"x"') {
        answer(createDnsZone => $odd);
        my $done = $tool->run(@ZONE);
        is $done->{status}, 1, "an answer that is not one: $odd";
        like $done->{err}, qr/answer is not understood/, 'is told';
    }
    answer(createDnsZone => 'END');
    my $done = $tool->run(@ZONE);
    is $done->{status}, 1, 'a connection that ends';
    like $done->{err}, qr/^csdns: the connection to the database was lost, nothing was done/, 'is told';

    answer(createDnsZone => { dnszone => { name => 'a.test' } });
    $cluster->psql('stub', 'CREATE CONSTRAINT TRIGGER ends AFTER INSERT ON csdns.call DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION csdns.at_commit()');
    $done = $tool->run(@ZONE);
    $cluster->psql('stub', 'DROP TRIGGER ends ON csdns.call');
    is_deeply [@{$done}{qw(status out)}], [1, ''], 'a connection that ends while it commits';
    like $done->{err}, qr/whether it was is not known/, 'nobody knows';
};

subtest 'no schema, an old one, no rights' => sub {
    my $bare = Csdns::Tool->new(cluster => $cluster, db => 'bare');
    like $bare->run(@ZONE)->{err}, qr/^csdns: csdns' schema is not in database "bare": see "csdns schema install"$/, 'no schema';
    $cluster->psql('bare', 'CREATE SCHEMA csdns');
    like $bare->run(@ZONE)->{err}, qr/^csdns: csdns' schema in database "bare" is too old .*"csdns schema upgrade"$/, 'no csdns.api()';
    $cluster->psql('stub', 'CREATE ROLE bob LOGIN');
    like $tool->as('bob')->run(@ZONE)->{err}, qr/^csdns: role "bob" may not run commands: .*csdns_admin or csdns_tenant$/, 'no right on the schema';
    $cluster->psql('stub', 'GRANT USAGE ON SCHEMA csdns TO bob; REVOKE ALL ON FUNCTION csdns.api FROM public');
    like $tool->as('bob')->run(@ZONE)->{err}, qr/^csdns: role "bob" may not run commands/, 'no right on csdns.api()';
};

subtest 'files' => sub {
    my $dir = temp_dir();
    my $write = sub {
        my ($text) = @_;
        open my $file, '>:raw', "$dir/records.json" or die "records.json: $!";
        print {$file} $text;
        close $file or die "records.json: $!";
    };
    answer(createDnsRecords => { success => JSON::PP::true, displaytext => '2 records' });
    calls('1');
    $write->('[{"name": "a", "ttl": 5},' . "\n" . '{"name": "b"}]');
    is $tool->run('create dnsrecords', "file=$dir/records.json")->{out}, "2 records\n", 'from a file';
    is calls("params -> 'records'"), '[{"ttl": 5, "name": "a"}, {"name": "b"}]', 'is sent as it is';
    is $tool->run_with({ stdin => '[{"name": "c"}]' }, 'create dnsrecords', 'file=-')->{status}, 0, 'from standard input';
    is calls("params -> 'records'"), '[{"name": "c"}]', 'is sent as well';
    is $tool->run('create dnsrecords', 'records=[{"name": "d"}]')->{status}, 0, 'on the command line';
    is calls("params -> 'records'"), '[{"name": "d"}]', 'is sent as well';
    for my $bad ("[{\"name\": \"a\"},\n oops]", '', '[{"name": "a", "name": "b"}]', "[\"\xff\"]", '[] []') {
        $write->($bad);
        my $done = $tool->run('create dnsrecords', "file=$dir/records.json");
        is $done->{status}, 1, 'what is not JSON';
        like $done->{err}, qr/^csdns: "\S+records.json" is not JSON: line \d+, column \d+: /, 'is told with its place';
    }
    like $tool->run('create dnsrecords', "file=$dir")->{err}, qr/^csdns: could not (?:read|open) "$dir": Is a directory$/, 'a folder is no file';
    is calls('1'), '', 'none of these got to the database';
};

sub on_terminal {
    my ($columns, @rest) = @_;
    my $done = $tool->command([find_program('script'), '-qec', join(' ', "stty cols $columns;", find_program('csdns'), @rest), '/dev/null']);
    return ($done->{out} =~ s/\r\n/\n/gr);
}

subtest 'a terminal' => sub {
    plan skip_all => 'program missing: script' if !find_program('script');
    answer(listDnsZones => { count => 1, dnszone => [{ name => 'a.test', description => 'long ' x 20 }] });
    is on_terminal(30, 'list', 'dnszones', 'filter=name,description'),
        "NAME    DESCRIPTION\na.test  long long long long l\xe2\x80\xa6\n", 'lines are cut to its width';
    like on_terminal(200, 'list', 'dnszones', 'filter=name,description'), qr/long long\s*\n\z/, 'and not, where it is wide';
    like $tool->run('list dnszones', 'filter=name,description')->{out}, qr/(?:long ?){20}/, 'nor elsewhere';
};

subtest 'output that does not arrive' => sub {
    answer(listDnsZones => { count => 20000, dnszone => [map { { name => "zone$_.test" } } 1 .. 20000] });
    my $csdns = find_program('csdns');
    my $done = $tool->command([find_program('bash'), '-c', "$csdns list dnszones filter=name | head -n 1; echo \${PIPESTATUS[0]}"]);
    is $done->{out}, "NAME\n141\n", 'a reader that has enough';
    is $done->{err}, '', 'is no error';
    $done = $tool->command([find_program('bash'), '-c', "trap '' PIPE; $csdns list dnszones filter=name | head -n 1; echo \${PIPESTATUS[0]}"]);
    is $done->{out}, "NAME\n1\n", 'where the signal is ignored';
    like $done->{err}, qr/^csdns: could not write to standard output/m, 'it is told';
    $done = $tool->command([find_program('bash'), '-c', "$csdns commands > /dev/full"]);
    is $done->{status}, 1, 'a disk that is full';
    like $done->{err}, qr/could not write/, 'is told';
};

# What bash would offer for a command line; its last word is being typed.
sub completed {
    my @words = @_;
    my $list = join ' ', map { "'$_'" } 'csdns', @words;
    my $done = $tool->command([find_program('bash'), '-c',
        'source "$1"; COMP_WORDS=(' . $list . '); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _csdns "$2"; echo "${COMPREPLY[*]}"',
        'bash', source_dir() . '/contrib/bash-completion/csdns', find_program('csdns')]);
    is $done->{err}, '', "completing @words says nothing else";
    return $done->{out} =~ s/\n\z//r;
}

subtest 'completion in bash' => sub {
    my @all = map { [split] } split /\n/, $tool->run('commands')->{out};
    my %words = map { $_->[0] => 1 } @all;
    my @others = qw(commands events export import schema sync verify);
    is completed(''), join(' ', sort(keys %words, @others)), 'every word';
    for my $word (sort keys %words) {
        is completed($word, ''), join(' ', sort map { $_->[1] } grep { $_->[0] eq $word } @all), "every noun of $word";
    }
    for my $command (@all) {
        my ($word, $noun, @parameters) = @$command;
        s/[\[\]]//g for @parameters;
        is completed($word, $noun, ''), join(' ', sort @parameters), "every parameter of $word $noun";
    }
    is completed('create', 'dnszone', 'dns'), 'dnsserverid=', 'the beginning of one';
    is completed('create', 'dnszone', '--u'), '--user', 'an option';
    is completed('schema', ''), 'install remove status upgrade', 'of the schema';
    is completed('sync', ''), 'now status', 'of csdns-sync';
    is completed('events', '--f'), '--follow', 'an option of a command of one word';
    is completed('create', 'dnsrecords', 'file', '=', source_dir() . '/READ'), source_dir() . '/README.md', 'a file';
    is completed('create', 'dnszone', 'name', '='), '', 'a name is not known';
};

done_testing;
