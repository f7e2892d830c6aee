package Csdns::Bench::Servers;

# What bench/run sets side by side: real pdns_servers over the same store, with csdns (the edge's file of
# pdns-conf/), gpgsql, bind, and the remote backend over a responder that does no work.

use strict;
use warnings;

use Exporter 'import';

use Csdns::Bench qw(build_dir note program_start client_result ZONE);
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Process qw(temp_dir);
use Csdns::Wait qw(wait_until now_s);

our @EXPORT_OK = qw(csdnsd timed_csdnsd csdns fill_caches gpgsql bind_backend bind_files floor_of_remote threads ask_start ask);

# As PowerDNS has them where nobody sets them.
my %DEFAULT_CACHES = (
    cache_ttl => 20, query_cache_ttl => 20, negquery_cache_ttl => 60, zone_cache_refresh_interval => 300,
    zone_metadata_cache_ttl => 60, dnssec_key_cache_ttl => 30,
);
my %NO_ANSWERS = (%DEFAULT_CACHES, cache_ttl => 0, query_cache_ttl => 0, negquery_cache_ttl => 0);
my %NO_CACHES = map { $_ => 0 } keys %DEFAULT_CACHES;
my %GPGSQL_CACHES = (cached => \%DEFAULT_CACHES, records_fresh => \%NO_ANSWERS, fresh => \%NO_CACHES);

# PowerDNS' options for a pair of numbers: threads that receive, and threads that ask the backend for each of them.
sub threads {
    my ($pair) = @_;
    my ($receivers, $distributors) = @$pair;
    return (receiver_threads => $receivers, distributor_threads => $distributors, reuseport => $receivers > 1 ? 'yes' : 'no');
}

# A csdnsd that purges the caches of the pdns_server that csdns() starts beside it.
sub csdnsd {
    my ($store, %options) = @_;
    my $dir = temp_dir();
    my $csdnsd = Csdns::Csdnsd->start(
        db => $store->conninfo('pdns', 'csdnsd'), pdns_control => "$dir/pdns.controlsocket", %options);
    $csdnsd->{control_dir} = $dir;
    return $csdnsd;
}

# A fresh one without a pdns_server, the seconds until it had data, and its memory in MB.
sub timed_csdnsd {
    my ($store) = @_;
    my $start = now_s();
    my $csdnsd = Csdns::Csdnsd->start(db => $store->conninfo('pdns', 'csdnsd'), wait => 0);
    wait_until { $csdnsd->has_data } 300, 'csdnsd to have data';
    my $seconds = now_s() - $start;
    my $mb = $csdnsd->rss_kb / 1024;
    note(sprintf 'csdnsd: %.2f s, %.0f MB', $seconds, $mb);
    return ($csdnsd, $seconds, $mb);
}

sub csdns {
    my ($csdnsd, %options) = @_;
    my $pdns = Csdns::Pdns->remote(
        socket => $csdnsd->socket, name => 'csdns', socket_dir => $csdnsd->{control_dir}, caches => 1, %options);
    $pdns->{backend} = $csdnsd->process;
    return $pdns;
}

# Fills PowerDNS' caches, as they are an hour after its start. csdnsd has everything forgotten when it meets a
# PowerDNS, and again a second later: that has to be over.
sub fill_caches {
    my ($csdnsd, $pdns, $names) = @_;
    my ($count, $since) = (0, now_s());
    wait_until {
        my $now = $csdnsd->status->{purge_all};
        ($count, $since) = ($now, now_s()) if $now != $count;
        $count && now_s() - $since > 1.5;
    } 20, 'csdnsd to have purged everything';
    ask($pdns, mix => 'once', names => $names, seconds => 120);
    return;
}

# caches: "cached" as PowerDNS has them by itself; "records_fresh" without those of answers, so that changed records are
# seen at once; "fresh" without any, so that new zones, settings and keys are too, as they are with csdns.
sub gpgsql {
    my ($store, $caches, %options) = @_;
    my $pdns = Csdns::Pdns->gpgsql(
        conninfo => $store->conninfo('pdns', 'pdns'), name => "gpgsql $caches", webserver => 'no', api => 'no',
        %{ $GPGSQL_CACHES{$caches} // die "no caches are called $caches\n" }, %options);
    $pdns->{backend} = $store->process;
    return $pdns;
}

sub bind_backend {
    my ($conf, %options) = @_;
    return Csdns::Pdns->other(file => $conf, name => 'bind', %DEFAULT_CACHES, %options);
}

sub floor_of_remote {
    my (%options) = @_;
    my $dir = temp_dir();
    my $responder = Csdns::Process->start(
        name => 'constant', log => "$dir/log", command => [build_dir() . '/bench/constant', '--zone', ZONE, "$dir/sock"]);
    wait_until { -S "$dir/sock" } 10, 'the constant responder';
    my $pdns = Csdns::Pdns->remote(socket => "$dir/sock", name => 'constant', caches => 1, %options);
    $pdns->{backend} = $responder;
    return $pdns;
}

# The bench zone as files for PowerDNS' bind backend; the path of its pdns.conf.
sub bind_files {
    my ($store) = @_;
    my $dir = temp_dir();
    my $rows = $store->psql('pdns', "COPY (SELECT name || '. ' || ttl || ' IN ' || type || ' ' ||
        CASE type WHEN 'A' THEN content WHEN 'NS' THEN content || '.'
                  ELSE regexp_replace(content, '^(\\S+) (\\S+) ', '\\1. \\2. ') END
        FROM records WHERE domain_id = (SELECT id FROM domains WHERE name = '" . ZONE . "') ORDER BY type DESC) TO STDOUT");
    my %file = (
        zone => "$rows\n",
        'named.conf' => 'zone "' . ZONE . "\" { type native; file \"$dir/zone\"; };\n",
        'pdns.conf' => "launch=bind\nbind-config=$dir/named.conf\nsecurity-poll-suffix=\n",
    );
    for my $name (keys %file) {
        open my $handle, '>', "$dir/$name" or die "$dir/$name: $!\n";
        print {$handle} $file{$name};
        close $handle or die "$dir/$name: $!\n";
    }
    return "$dir/pdns.conf";
}

# Starts bench/dnsload against a server; client_result() waits for it.
sub ask_start {
    my ($pdns, %how) = @_;
    return program_start('dnsload', port => $pdns->port, %how);
}

# The same, to its end: what it printed, and the processor time that PowerDNS and what it asks took for a query, in us.
sub ask {
    my ($pdns, %how) = @_;
    my @before = _cpu_s($pdns);
    my $result = client_result(ask_start($pdns, %how));
    my @after = _cpu_s($pdns);
    die "$result->{wrong} wrong answers from $pdns->{name}\n" if $result->{wrong};
    die "no answers from $pdns->{name}\n" if !$result->{answered};
    $result->{us} = [map { ($after[$_] - $before[$_]) / $result->{answered} * 1e6 } 0 .. $#after];
    return $result;
}

# Processor time so far, in seconds: of PowerDNS, and of what it asks if that is another process, with its children.
sub _cpu_s {
    my ($pdns) = @_;
    my %children;
    my %time;
    for my $path (glob '/proc/[0-9]*/stat') {
        open my $file, '<', $path or next;
        my ($pid, $rest) = (<$file> // '') =~ /^(\d+) \(.*\) \S (.*)/ or next;
        my @fields = split ' ', $rest;
        push @{ $children{ $fields[0] } }, $pid;
        $time{$pid} = ($fields[10] + $fields[11]) / 100;
    }
    return map {
        my $sum = 0;
        $sum += $time{$_} // 0 for $_, @{ $children{$_} // [] };
        $sum;
    } map { $_->pid } grep { defined } $pdns->process, $pdns->{backend};
}

1;
