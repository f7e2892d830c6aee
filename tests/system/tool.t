#!/usr/bin/perl
# csdns schema: installs, upgrades, shows and removes the schema; says clearly what it cannot do, and leaves nothing half
# done.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Copy qw(copy);
use File::Path qw(make_path);
use JSON::PP qw(decode_json);
use Test::More;

use Csdns::Cluster;
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs source_dir);

need_programs(qw(initdb psql csdns));

my $cluster = Csdns::Cluster->new(name => 'tool');
my $schema = copy_of_schema();

# A folder with the schema's files that a test may add to.
sub copy_of_schema {
    my $dir = temp_dir();
    make_path("$dir/upgrade");
    for my $file (glob(source_dir() . '/schema/*.sql'), glob(source_dir() . '/schema/upgrade/*.sql')) {
        my ($name) = $file =~ m{/schema/(.+)$};
        copy($file, "$dir/$name") or die "$name: $!";
    }
    return $dir;
}

sub write_file {
    my ($name, $text) = @_;
    open my $file, '>:raw', "$schema/$name" or die "$name: $!";
    print {$file} $text;
    close $file or die "$name: $!";
    return;
}

my $count = 0;

sub new_db {
    my $db = 'db' . ++$count;
    $cluster->create_db($db);
    return $db;
}

sub csdns {
    my ($db, $command, @options) = @_;
    my $done = run_program(
        command => [
            find_program('csdns'), 'schema', $command, '--schema-dir', $schema,
            '--db', $cluster->conninfo($db, 'postgres'), @options,
        ],
        timeout => 60,
    );
    $done->{status} = $done->{status} & 127 ? "signal $done->{status}" : $done->{status} >> 8;
    return $done;
}

sub csdns_ok {
    my ($name, @args) = @_;
    my $done = csdns(@args);
    is $done->{status}, 0, $name or diag $done->{err};
    return $done;
}

sub status_of { my ($db) = @_; return decode_json(csdns($db, 'status', '--json')->{out}) }

# What a database holds, but for its data, to see whether something was left behind.
sub shape_of {
    my ($db) = @_;
    return $cluster->psql($db, <<~'SQL');
        SELECT 'class', n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'csdns')
        UNION ALL SELECT 'proc', n.nspname, p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname IN ('public', 'csdns')
        UNION ALL SELECT 'trigger', c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        ORDER BY 1, 2, 3
        SQL
}

subtest 'install, twice, and status' => sub {
    my $db = new_db();
    is csdns($db, 'status')->{status}, 3, 'not installed is exit status 3';
    is status_of($db)->{schema_version}, 0, 'and version 0';
    my $first = csdns_ok('installs', $db, 'install', '--json');
    my $version = decode_json($first->{out})->{version};
    cmp_ok $version, '>=', 1, 'tells the version';
    is decode_json($first->{out})->{version_before}, 0, 'and that there was none';
    is $first->{err}, '', 'without a word about what exists already';
    my $shape = shape_of($db);
    my $again = csdns_ok('installs again', $db, 'install', '--json');
    is decode_json($again->{out})->{version_before}, $version, 'where this version was';
    is $again->{err}, '', 'still without a word';
    is shape_of($db), $shape, 'nothing is there twice';
    csdns_ok('upgrades to the same version', $db, 'upgrade');
    is shape_of($db), $shape, 'which changes nothing';

    $cluster->psql($db, <<~'SQL');
        INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE');
        INSERT INTO records (domain_id, name, type, content, ttl)
             SELECT id, 'example.org', 'A', '192.0.2.' || n, 60 FROM domains, generate_series(1, 3) AS n;
        SQL
    my $status = status_of($db);
    is $status->{schema_version}, $version, 'status: schema version';
    is $status->{tool_schema_version}, $version, 'status: the version that the tool brings';
    is $status->{zones}, 1, 'status: zones';
    is $status->{records}, 3, 'status: records';
    cmp_ok $status->{store_version}, '>', 1, 'status: store version';
    is $status->{invalid_records}, 0, 'status: no invalid records';
    is_deeply $status->{missing_roles}, [], 'status: no role is missing';
    like csdns($db, 'status')->{out}, qr/^zones +1$/m, 'status as text';

    $cluster->psql($db, 'CREATE ROLE reader LOGIN; GRANT csdns_read TO reader');
    my $reader = run_program(command => [
        find_program('csdns'), qw(schema status --json --schema-dir), $schema, '--db', $cluster->conninfo($db, 'reader'),
    ]);
    is $reader->{status}, 0, 'status works for a role that only reads';
    is decode_json($reader->{out})->{zones}, 1, 'which sees the zones';
};

subtest 'beside a running gpgsql, and away again' => sub {
    my $db = new_db();
    $cluster->psql_file($db, "$schema/010-pdns.sql");
    $cluster->psql($db, <<~'SQL');
        INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE');
        INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'A', 'nonsense', 60 FROM domains;
        SQL
    my $shape = shape_of($db);
    my $rows = $cluster->psql($db, 'SELECT * FROM domains, records');
    my $done = csdns_ok('installs beside data', $db, 'install');
    like $done->{err}, qr/WARNING: .*break a rule.*1/, 'warns of a record that breaks a rule';
    like $done->{err}, qr/hint: .*invalid_record/, 'with the hint';
    my $status = status_of($db);
    is $status->{invalid_records}, 1, 'status counts it';
    is $status->{invalid}[0]{content}, 'nonsense', 'and shows it';
    like csdns($db, 'status')->{out}, qr/example\.org A nonsense: /, 'as text too';

    is csdns($db, 'remove')->{status}, 2, 'remove asks for --yes';
    csdns_ok('removes', $db, 'remove', '--yes');
    is shape_of($db), $shape, 'nothing of csdns is left, everything of PowerDNS';
    is $cluster->psql($db, 'SELECT * FROM domains, records'), $rows, 'its rows too';
    csdns_ok('removes what is not there', $db, 'remove', '--yes');
    csdns_ok('installs once more', $db, 'install');
};

subtest 'versions' => sub {
    my $db = new_db();
    csdns_ok('installs', $db, 'install');
    my $old = status_of($db)->{schema_version};
    is csdns(new_db(), 'upgrade')->{status}, 1, 'nothing to upgrade';

    my $new = $old + 1;
    my $upgrade = sprintf 'upgrade/%03d.sql', $new;
    write_file($upgrade, "CREATE TABLE csdns.step (a int);\nINSERT INTO csdns.schema_version (version) VALUES ($new);\n");
    my $done = csdns($db, 'install');
    is $done->{status}, 1, 'install leaves an older version alone';
    like $done->{err}, qr/csdns schema upgrade/, 'and says what to do';
    is csdns($db, 'status')->{status}, 3, 'status: not up to date';
    $done = csdns_ok('upgrades', $db, 'upgrade', '--json');
    is_deeply decode_json($done->{out}), { version_before => $old, version => $new }, 'by one version';
    csdns_ok('upgrades again', $db, 'upgrade');
    is csdns($db, 'status')->{status}, 0, 'status: up to date';

    unlink "$schema/$upgrade";
    for my $command (['install'], ['upgrade'], ['remove', '--yes']) {
        $done = csdns($db, @$command);
        is $done->{status}, 1, "$command->[0] refuses a newer schema";
        like $done->{err}, qr/version $new is installed, this csdns knows version $old/, 'and says so';
    }
    is $cluster->psql($db, 'SELECT max(version) FROM csdns.schema_version'), $new, 'it is still there';
};

subtest 'all or nothing, and what is said' => sub {
    my $db = new_db();
    my $shape = shape_of($db);
    my @cases = (
        ["CREATE TABLE x (a int);\n\n\nSELECT 'é',\n  nothing;\n", qr{098-bad\.sql:5: ERROR: .*"nothing".*\(42703\)}],
        ["SELECT 1;\nDO \$\$\nBEGIN\n  RAISE EXCEPTION 'no' USING DETAIL = 'dd', HINT = 'hh';\nEND \$\$;\n",
            qr{098-bad\.sql:2: ERROR: no .*\n  detail: dd\n  hint: hh\n  context: .*line 3 .*\n  statement: DO}],
        ["SELECT 1;\nSELECT 'open;\n", qr{098-bad\.sql:2: ERROR: }],
        ["SELECT 1;\nCOPY domains FROM STDIN;\n", qr{098-bad\.sql:2: COPY}],
        ["SELECT 1;\nROLLBACK;\nBEGIN;\n", qr{098-bad\.sql:2: .*transaction}],
        ["SELECT pg_terminate_backend(pg_backend_pid());\n", qr{098-bad\.sql:1: }],
        ["SELECT 1;\0", qr{098-bad\.sql": binary zero}],
    );
    for my $case (@cases) {
        my ($sql, $expected) = @$case;
        write_file('098-bad.sql', $sql);
        my $done = csdns($db, 'install');
        is $done->{status}, 1, 'fails';
        like $done->{err}, $expected, 'with the place and the reason';
        is shape_of($db), $shape, 'and leaves nothing';
    }
    unlink "$schema/098-bad.sql";

    my $done = csdns('nowhere', 'install');
    is $done->{status}, 1, 'a database that is not there';
    like $done->{err}, qr/could not connect to the database: .*"nowhere"/, 'is named';
    $done = csdns($db, 'install', '--schema-dir', '/nowhere');
    like $done->{err}, qr{"/nowhere": No such file}, 'so is a folder that is not there';
    for my $wrong (['install', 'more'], ['jump'], ['install', '--jump']) {
        is csdns($db, @$wrong)->{status}, 2, "wrong command line: @$wrong";
    }
};

subtest 'others at work' => sub {
    my $db = new_db();
    my @pids;
    for (1 .. 4) {
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            my $done = csdns($db, 'install');
            require POSIX;
            POSIX::_exit($done->{status} eq '0' ? 0 : 1);
        }
        push @pids, $pid;
    }
    my @failed = grep { waitpid($_, 0); $? != 0 } @pids;
    is scalar @failed, 0, 'four at once all succeed';
};

done_testing;
