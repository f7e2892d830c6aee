package Csdns::Mirror;

# The whole store as csdnsd serves it and as PostgreSQL holds it, in one form, so
# that the two can be compared.

use strict;
use warnings;

use Exporter 'import';
use JSON ();

use Csdns::Wait qw(try_until);

our @EXPORT_OK = qw(store_contents mirror_contents content_differences wait_equal);

# Both give a hash: "zone N" => its row, "records N" and "enabled N" => sorted
# lines, "metadata N" and "keys N" => lines; N is the zone's id; and "tsig keys".

# From PowerDNS' tables, in the handle's present transaction if there is one.
sub store_contents {
    my ($dbh) = @_;
    my %contents;
    my %name;
    my $domains = $dbh->selectall_arrayref(
        q{SELECT id, name, lower(type), coalesce(notified_serial, 0), coalesce(last_check, 0) FROM domains});
    for my $row (@$domains) {
        my ($id, $name, @rest) = @$row;
        $name{$id} = $name;
        $contents{"zone $id"} = join ' ', _dotted($name), @rest;
        $contents{"$_ $id"} = [] for qw(records enabled metadata keys);
    }
    my $records = $dbh->selectall_arrayref(
        q{SELECT domain_id, name, type, coalesce(ttl, 3600),
                 CASE WHEN type IN ('MX', 'SRV') AND prio IS NOT NULL THEN prio || ' ' || content ELSE content END, disabled IS NOT FALSE
            FROM records WHERE domain_id IS NOT NULL AND coalesce(type, '') <> ''});
    for my $row (@$records) {
        my ($id, $name, $type, $ttl, $content, $disabled) = @$row;
        my $line = join ' ', _dotted($name), $ttl, $type, $content;
        push @{ $contents{"records $id"} }, $line;
        push @{ $contents{"enabled $id"} }, $line if !$disabled;
    }
    my $metadata = $dbh->selectall_arrayref('SELECT domain_id, kind, content FROM domainmetadata WHERE domain_id IS NOT NULL');
    push @{ $contents{"metadata $_->[0]"} }, "$_->[1] $_->[2]" for @$metadata;
    my $keys = $dbh->selectall_arrayref(
        q{SELECT domain_id, id, flags, active, published, content FROM cryptokeys WHERE domain_id IS NOT NULL});
    push @{ $contents{"keys $_->[0]"} }, join ' ', map { $_ // 0 } @$_[1 .. 5] for @$keys;
    $contents{'tsig keys'} = $dbh->selectcol_arrayref(q{SELECT concat_ws(' ', name || '.', algorithm, secret) FROM tsigkeys});
    return _sorted(\%contents);
}

sub _dotted { my ($name) = @_; return $name eq '.' ? $name : "$name." }

# Through csdnsd's socket. Not at one instant: nobody may write meanwhile. A zone
# that goes away during the listing is left out.
sub mirror_contents {
    my ($remote) = @_;
    my %contents;
    my $domains = $remote->call('getAllDomains', include_disabled => JSON::true());
    for my $domain (@$domains) {
        my $id = $domain->{id};
        $contents{"zone $id"} = join ' ', @$domain{qw(zone kind notified_serial last_check)};
        $contents{"records $id"} = _list($remote, $domain, JSON::true());
        $contents{"enabled $id"} = _list($remote, $domain, JSON::false());
        $contents{"keys $id"} = _keys($remote, $domain);
        my $metadata = $remote->call('getAllDomainMetadata', name => $domain->{zone}) || {};
        $contents{"metadata $id"} = [map { my $kind = $_; map {"$kind $_"} @{ $metadata->{$kind} } } keys %$metadata];
    }
    my $keys = $remote->call('getTSIGKeys') || [];
    $contents{'tsig keys'} = [map {"$_->{name} $_->{algorithm} $_->{content}"} @$keys];
    return _sorted(\%contents);
}

sub _keys {
    my ($remote, $domain) = @_;
    my $keys = $remote->call('getDomainKeys', name => $domain->{zone}) || [];
    return [map { join ' ', @$_{qw(id flags)}, $_->{active} ? 1 : 0, $_->{published} ? 1 : 0, $_->{content} } @$keys];
}

sub _list {
    my ($remote, $domain, $with_disabled) = @_;
    my $records = $remote->call('list',
        zonename => $domain->{zone}, domain_id => $domain->{id}, include_disabled => $with_disabled) || [];
    return [map {"$_->{qname} $_->{ttl} $_->{qtype} $_->{content}"} grep { $_->{qtype} ne '' } @$records];
}

sub _sorted {
    my ($contents) = @_;
    for my $value (values %$contents) { @$value = sort @$value if ref $value }
    return $contents;
}

# What differs, as lines for people; an empty list when nothing does.
sub content_differences {
    my ($store, $mirror) = @_;
    my @lines;
    my %keys = (%$store, %$mirror);
    for my $key (sort keys %keys) {
        my ($there, $here) = map { my $value = $_->{$key}; !defined $value ? [] : ref $value ? $value : [$value] } $store, $mirror;
        my (%count);
        $count{$_}++ for @$there;
        $count{$_}-- for @$here;
        push @lines, map { ($count{$_} > 0 ? "$key: missing in csdnsd: " : "$key: only in csdnsd: ") . $_ }
            grep { $count{$_} } sort keys %count;
    }
    return @lines;
}

# Waits until csdnsd has what the store has; returns the differences that stay.
sub wait_equal {
    my ($dbh, $remote, $seconds) = @_;
    my $store = store_contents($dbh);
    my @lines;
    try_until { @lines = content_differences($store, mirror_contents($remote)); !@lines } $seconds // 10;
    return @lines;
}

1;
