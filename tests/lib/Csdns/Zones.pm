package Csdns::Zones;

# Makes zones full of everything that has ever made two name servers differ, as
# rows for PowerDNS' tables, and random changes to them. The same seed gives the
# same rows, changes and questions: the generator is its own (xorshift32), because
# others draw from Perl's as well.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(seed draw pick chance);

my $state = 1;

sub seed { my ($number) = @_; $state = ($number * 2654435761 + 1) & 0xffffffff || 1; draw(2) for 1 .. 8; return }

# 0 <= draw() < 1
sub _draw {
    $state ^= ($state << 13) & 0xffffffff;
    $state ^= $state >> 17;
    $state ^= ($state << 5) & 0xffffffff;
    return $state / 4294967296;
}

# A whole number from 0 to n - 1, one of a list, yes with a probability.
sub draw { my ($n) = @_; return int $n * _draw() }
sub pick { return $_[draw(scalar @_)] }
sub chance { my ($probability) = @_; return _draw() < $probability }

# Forward zones: some lie in others, one has no records at all, one no SOA.
my @ZONES = (
    'alpha.test', 'sub.alpha.test', 'a.b.c.alpha.test', 'hidden.www.alpha.test', 'beta.test', 'gamma.test',
    'a.gamma.test', 'empty.test', 'nosoa.test', 'xn--bcher-kva.test', '2.0.192.in-addr.arpa',
    '0-63.2.0.192.in-addr.arpa', '8.b.d.0.1.0.0.2.ip6.arpa', 'test',
);

my $LONG = 'l' . ('o' x 61) . 'g';    # 63 octets
my @LABELS = (
    qw(a b c d www mail host-1 host-2 ns1 ns2 x y z _sip _tcp _udp _443 _dmarc * 0 1 17 under_score a--b sub child),
    'a\\.b', 'sp\\032ace', 'back\\\\slash', 'a/b', $LONG,
);
my @COMMON = qw(a b c www host-1 mail);

# new(zones => [...] , names => 40): about that many names a zone. Zones whose
# names match the POSIX expression except are neither changed nor asked for.
sub new {
    my ($class, %args) = @_;
    return bless {
        names => 40, zones => [@ZONES], serial => 1, except => '^sentinel[.]invalid$', %args,
    }, $class;
}

# A label: mostly a common one, so that names collide, nest and share ancestors.
sub _label { return chance(0.6) ? pick(@COMMON) : pick(@LABELS) }

# A name in the zone, one to five labels below it or, sometimes, the apex.
sub name_in {
    my ($self, $zone) = @_;
    return $zone if chance(0.04);
    my $depth = chance(0.5) ? 1 : chance(0.6) ? 2 : 3 + draw(3);
    my @labels = map { _label() } 1 .. $depth;
    $labels[0] = '*' if chance(0.12);
    my $name = join '.', @labels, $zone;
    return length $name <= 200 ? $name : "a.$zone";
}

# Something for a record to point to: here, in another zone, nowhere, outside.
sub target {
    my ($self, $zone) = @_;
    return $self->name_in($zone) =~ s/^\*\./w./r if chance(0.7);
    return $self->name_in(pick(@{ $self->{zones} })) =~ s/^\*\./w./r if chance(0.7);
    return pick('www.example.com', 'outside.invalid', 'ns.example.net');
}

sub _v4 { return join '.', '192.0.2', draw(256) }
sub _v6 { return sprintf '2001:db8::%x:%x', 1 + draw(65535), 1 + draw(65535) }
sub _hex { my ($bytes) = @_; return join '', map { sprintf '%02x', draw(256) } 1 .. $bytes }

my @STRINGS = ('plain', 'two words', 'semi;colon', 'quo\\"te', 'back\\\\slash', 'dec\\195\\188imal', "b\xfccher", '', 'v=spf1 -all', 'x' x 255);

sub _string { return '"' . pick(@STRINGS) . '"' }

# One content for each type, in the form in which people and PowerDNS write it.
my %CONTENT = (
    A => sub { _v4() },
    AAAA => sub { _v6() },
    CNAME => sub { my ($self, $zone) = @_; $self->target($zone) },
    DNAME => sub { my ($self, $zone) = @_; $self->target($zone) },
    NS => sub { my ($self, $zone) = @_; $self->target($zone) },
    PTR => sub { my ($self, $zone) = @_; $self->target($zone) },
    TXT => sub { join ' ', map { _string() } 1 .. 1 + draw(3) },
    SPF => sub { '"v=spf1 mx -all"' },
    MX => sub { my ($self, $zone) = @_; $self->target($zone) },
    SRV => sub { my ($self, $zone) = @_; join ' ', draw(100), 1 + draw(65535), $self->target($zone) },
    CAA => sub { join ' ', pick(0, 128), pick(qw(issue issuewild iodef)), '"ca.example.net; policy=ev"' },
    DS => sub { join ' ', draw(65536), 13, 2, _hex(32) },
    CDS => sub { join ' ', draw(65536), 8, 1, _hex(20) },
    CDNSKEY => sub { '257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==' },
    TLSA => sub { join ' ', draw(4), draw(2), 1, _hex(32) },
    SMIMEA => sub { join ' ', 3, 1, 1, _hex(32) },
    SSHFP => sub { join ' ', 1 + draw(4), 2, _hex(32) },
    NAPTR => sub {
        my ($self, $zone) = @_;
        join ' ', draw(100), draw(100), pick('"s"', '"u"', '""'), pick('"SIP+D2U"', '"E2U+sip"', '""'),
            pick('""', '"!^.*$!sip:info@example.com!"'), pick('.', $self->target($zone));
    },
    HINFO => sub { '"PC-Intel-700mhz" "Debian 12"' },
    RP => sub { my ($self, $zone) = @_; join ' ', $self->target($zone), $self->target($zone) },
    AFSDB => sub { my ($self, $zone) = @_; '1 ' . $self->target($zone) },
    KX => sub { my ($self, $zone) = @_; '10 ' . $self->target($zone) },
    LOC => sub { '51 56 0.123 N 5 54 0.000 E 4.00m 1.00m 10000.00m 10.00m' },
    CERT => sub { '1 0 0 MIICWDCCAcGgAwIBAgIBADANBgkqhkiG9w0BAQUFADA=' },
    OPENPGPKEY => sub { 'mQENBFRMHOEBCADYsMOGhq6oMCAVLrnpQ2Xl' },
    URI => sub { join ' ', 10, 1, '"ftp://ftp1.example.com/public"' },
    EUI48 => sub { join '-', map { sprintf '%02x', draw(256) } 1 .. 6 },
    EUI64 => sub { join '-', map { sprintf '%02x', draw(256) } 1 .. 8 },
    DHCID => sub { 'AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=' },
    IPSECKEY => sub { '10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==' },
    SVCB => sub { '1 . alpn=h2 port=8443' },
    HTTPS => sub { my ($self, $zone) = @_; pick('1 . alpn=h2,h3', '0 ' . $self->target($zone) . '.') },
    ALIAS => sub { my ($self, $zone) = @_; $self->target($zone) },
    TYPE65534 => sub { my $bytes = 1 + draw(8); "\\# $bytes " . _hex($bytes) },
);

# How often each type is made.
my @TYPES = (
    ('A') x 14, ('AAAA') x 6, ('TXT') x 4, ('MX') x 4, ('SRV') x 3, ('PTR') x 3, ('CAA') x 1,
    qw(SPF CDS CDNSKEY TLSA SMIMEA SSHFP NAPTR HINFO RP AFSDB KX LOC CERT OPENPGPKEY URI EUI48 EUI64 DHCID IPSECKEY),
    qw(SVCB HTTPS ALIAS TYPE65534),
);

sub types { return ('ANY', 'SOA', 'DS', 'TYPE65280', sort grep { $_ ne 'ALIAS' } keys %CONTENT) }

sub _ttl { return pick(60, 300, 3600, 3600, 3600, 86400, 0, undef) }

# A row: [name, type, content, ttl, prio, disabled].
sub row {
    my ($self, $zone, $name, $type) = @_;
    my $content = $CONTENT{$type}->($self, $zone);
    my $prio;
    if ($type eq 'MX' || $type eq 'SRV') {
        if (chance(0.5)) { $prio = draw(100) }
        else { $content = draw(100) . " $content" }
    }
    elsif (chance(0.2)) { $prio = 0 }    # what PowerDNS' own tools write
    $content .= '.' if $type =~ /^(?:CNAME|NS|PTR|MX)$/ && chance(0.1);
    utf8::upgrade($content);
    return [$name, $type, $content, _ttl(), $prio, chance(0.05) ? 1 : 0];
}

sub soa {
    my ($self, $zone) = @_;
    return [$zone, 'SOA', "ns1.$zone hostmaster.$zone $self->{serial} 10800 3600 604800 " . pick(60, 300, 3600), 3600, undef, 0];
}

# The rows of all zones: { zone => [rows] }. Rules of DNS data are kept: a CNAME
# is alone and single, no two rows are the same, an rrset at most once disabled.
sub make {
    my ($self) = @_;
    return { map { $_ => $self->zone_rows($_) } @{ $self->{zones} } };
}

sub zone_rows {
    my ($self, $zone) = @_;
    return [] if $zone eq 'empty.test';
    my @rows = $zone eq 'nosoa.test' ? () : $self->soa($zone);
    my $count = $self->{names} * (0.5 + _draw());
    for (1 .. $count) { push @rows, $self->_name_rows($zone) }
    push @rows, $self->row($zone, "*.$zone", pick('A', 'TXT', 'CNAME', 'MX')) if chance(0.3);
    push @rows, map { $self->_child($zone, $_) } grep { /\.\Q$zone\E$/ } @{ $self->{zones} };
    return [_valid(@rows, [$zone, 'NS', "ns1.$zone", 3600, undef, 0], ["ns1.$zone", 'A', _v4(), 3600, undef, 0])];
}

# One idea for one name.
sub _name_rows {
    my ($self, $zone) = @_;
    my $name = $self->name_in($zone);
    my $idea = _draw();
    return $self->row($zone, $name, 'CNAME') if $idea < 0.12 && $name ne $zone;
    return $self->_chain($zone) if $idea < 0.16;
    return $self->_delegation($zone, $name) if $idea < 0.24 && $name ne $zone;
    return $self->_to_wildcard($zone) if $idea < 0.27;
    return $self->row($zone, $name, 'DNAME') if $idea < 0.29 && $name ne $zone;
    return map { $self->row($zone, $name, pick(@TYPES)) } 1 .. 1 + draw(4);
}

# What the parent holds about a zone that is hosted here too: mostly a delegation,
# and now and then records that the child zone hides.
sub _child {
    my ($self, $zone, $child) = @_;
    my @rows;
    push @rows, [$child, 'NS', "ns1.$child", 3600, undef, 0], [$child, 'NS', "ns1.$zone", 3600, undef, 0] if chance(0.7);
    push @rows, $self->row($zone, "ns1.$child", 'A'), $self->row($zone, $child, 'DS') if chance(0.5);
    push @rows, $self->row($zone, pick($child, "www.$child", "*.$child"), pick('A', 'TXT')) if chance(0.4);
    return @rows;
}

# a CNAME b CNAME c ... that ends in data, in nothing, in a loop or elsewhere.
sub _chain {
    my ($self, $zone) = @_;
    my $id = draw(1000);
    my $length = 2 + draw(4);
    my @names = map { "chain$id-$_.$zone" } 1 .. $length;
    my @rows = map { [$names[$_], 'CNAME', $names[$_ + 1], _ttl(), undef, 0] } 0 .. $length - 2;
    my $end = pick($names[0], $self->target($zone), "nothing.$zone", undef);
    push @rows, defined $end ? [$names[-1], 'CNAME', $end, 60, undef, 0] : $self->row($zone, $names[-1], 'A');
    return @rows;
}

# A cut with name servers, glue, now and then DS, names and wildcards below it.
sub _delegation {
    my ($self, $zone, $name) = @_;
    my @rows = ([$name, 'NS', "ns1.$name", _ttl(), undef, 0], ["ns1.$name", pick('A', 'A', 'AAAA') => undef]);
    $rows[1] = $self->row($zone, "ns1.$name", $rows[1][1]);
    push @rows, [$name, 'NS', $self->target($zone), 3600, undef, 0] if chance(0.5);
    push @rows, $self->row($zone, $name, 'DS') if chance(0.3);
    push @rows, $self->row($zone, $name, pick('A', 'TXT', 'MX')) if chance(0.3);
    push @rows, $self->row($zone, "*.$name", pick('A', 'CNAME', 'TXT')) if chance(0.3);
    push @rows, $self->row($zone, "deep.er.$name", pick('A', 'TXT')) if chance(0.4);
    return @rows;
}

sub _to_wildcard {
    my ($self, $zone) = @_;
    my $id = draw(1000);
    my $owner = pick("w$id.$zone", "inner.w$id.$zone");
    my @rows = ([ "to-w$id.$zone", 'CNAME', "any.$owner", _ttl(), undef, 0 ], $self->row($zone, "*.$owner", pick(@TYPES, 'CNAME')));
    push @rows, $self->row($zone, "deeper.*.$owner", 'A') if chance(0.3);
    push @rows, $self->row($zone, "exists.$owner", 'A') if chance(0.5);
    return @rows;
}

# Leaves out rows that the store would refuse.
sub _valid {
    my (@rows) = @_;
    my (%cname, %other, %seen, @kept);
    for my $row (@rows) {
        my ($name, $type, $content) = @$row;
        next if length $name > 250;
        next if $seen{ lc "$name|$type|" . ($content =~ s/\.\z//r) }++;
        next if $type eq 'CNAME' ? $cname{$name} || $other{$name} : $cname{$name};
        next if $type eq 'DNAME' && $seen{"$name|DNAME"}++;
        $type eq 'CNAME' ? $cname{$name} = 1 : ($other{$name} = 1);
        push @kept, $row;
    }
    return @kept;
}

# Writes what make() gave, a transaction for all.
sub store {
    my ($self, $dbh, $zones) = @_;
    $dbh->begin_work;
    for my $zone (sort keys %$zones) {
        my ($id) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES (?, 'NATIVE') RETURNING id}, undef, $zone);
        my $insert = $dbh->prepare('INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES (?, ?, ?, ?, ?, ?, ?)');
        $insert->execute($id, @$_) for @{ $zones->{$zone} };
    }
    $dbh->commit;
    return;
}

# --- random changes ---

# One random transaction. Returns its name when it was committed; undef when the
# store refused it as invalid or it met another writer's lock or version, with the
# reason in $self->{refused} and the SQLSTATE in $self->{state}. Any other error
# dies. steps => n: that many changes in the one transaction; rollback => 1: ends
# so, and returns "rollback".
sub change {
    my ($self, $dbh, %how) = @_;
    my @steps = map { pick($self->_changes) } 1 .. $how{steps} // 1;
    my $name = @steps > 1 ? @steps . ' steps' : $steps[0][0];
    my $done = eval {
        $dbh->begin_work;
        $_->[1]->($self, $dbh) for @steps;
        $how{rollback} ? $dbh->rollback : $dbh->commit;
        1;
    };
    return $how{rollback} ? 'rollback' : $name if $done;
    my $error = $@;
    $self->{state} = $error eq "nothing to choose from\n" ? '22000' : $dbh->state;
    $dbh->rollback if !$dbh->{AutoCommit} && $dbh->ping;    # a failed commit has ended it already
    die "$name: $error" if $self->{state} !~ /^(?:23|22|40|P0001)/;
    $self->{refused} = "$name: $error";
    return;
}

sub _changes {
    return (
        (['insert' => \&_insert]) x 8, (['insert delegation' => \&_insert_delegation]) x 2, (['insert wildcard' => \&_insert_wildcard]) x 2,
        (['delete some' => \&_delete_some]) x 6, (['delete name' => \&_delete_name]) x 2, (['delete subtree' => \&_delete_subtree]) x 1,
        (['update content' => \&_update]) x 4, (['update ttl' => \&_update_ttl]) x 3, (['rename record' => \&_rename]) x 4,
        (['flip disabled' => \&_flip]) x 4, (['move to other zone' => \&_move]) x 1, (['replace rrset' => \&_replace]) x 3,
        (['new zone' => \&_new_zone]) x 1, (['delete zone' => \&_delete_zone]) x 1, (['rename zone' => \&_rename_zone]) x 1,
        (['bulk' => \&_bulk]) x 1, (['metadata' => \&_metadata]) x 1,
    );
}

# Both die when there is nothing to choose from.
sub _some_zone {
    my ($self, $dbh) = @_;
    my ($count) = $dbh->selectrow_array('SELECT count(*) FROM domains WHERE name !~ ?', undef, $self->{except});
    my @row = $dbh->selectrow_array('SELECT id, name FROM domains WHERE name !~ ? ORDER BY id OFFSET ? LIMIT 1', undef,
        $self->{except}, draw($count || 1));
    die "nothing to choose from\n" if !@row;
    return @row;
}

# (id, domain_id, name, type, zone) of a random record that is not an SOA.
sub _some_record {
    my ($self, $dbh) = @_;
    my ($count) = $dbh->selectrow_array(
        q{SELECT count(*) FROM records r JOIN domains d ON d.id = r.domain_id WHERE r.type <> 'SOA' AND d.name !~ ?},
        undef, $self->{except});
    my @row = $dbh->selectrow_array(
        q{SELECT r.id, r.domain_id, r.name, r.type, d.name FROM records r JOIN domains d ON d.id = r.domain_id
          WHERE r.type <> 'SOA' AND d.name !~ ? ORDER BY r.id OFFSET ? LIMIT 1}, undef, $self->{except}, draw($count || 1));
    die "nothing to choose from\n" if !@row;
    return @row;
}

sub _insert_rows {
    my ($self, $dbh, $id, @rows) = @_;
    my $insert = $dbh->prepare('INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES (?, ?, ?, ?, ?, ?, ?)');
    $insert->execute($id, @$_) for _valid(@rows);
    return;
}

sub _insert {
    my ($self, $dbh) = @_;
    my ($id, $zone) = $self->_some_zone($dbh);
    $self->_insert_rows($dbh, $id, $self->_name_rows($zone));
    return;
}

sub _insert_delegation {
    my ($self, $dbh) = @_;
    my ($id, $zone) = $self->_some_zone($dbh);
    my $name = $self->name_in($zone);
    $self->_insert_rows($dbh, $id, $self->_delegation($zone, $name)) if $name ne $zone;
    return;
}

sub _insert_wildcard {
    my ($self, $dbh) = @_;
    my ($id, $zone) = $self->_some_zone($dbh);
    my $name = $self->name_in($zone) =~ s/^\*\.//r;
    $self->_insert_rows($dbh, $id, $self->row($zone, "*.$name", pick(@TYPES, 'CNAME')));
    return;
}

sub _delete_some {
    my ($self, $dbh) = @_;
    for (1 .. 1 + draw(4)) {
        my ($id) = $self->_some_record($dbh);
        $dbh->do('DELETE FROM records WHERE id = ?', undef, $id);
    }
    return;
}

sub _delete_name {
    my ($self, $dbh) = @_;
    my ($id, $domain, $name) = $self->_some_record($dbh);
    $dbh->do(q{DELETE FROM records WHERE domain_id = ? AND name = ? AND type <> 'SOA'}, undef, $domain, $name);
    return;
}

sub _delete_subtree {
    my ($self, $dbh) = @_;
    my ($id, $domain, $name, $type, $zone) = $self->_some_record($dbh);
    return if $name eq $zone;
    $dbh->do(q{DELETE FROM records WHERE domain_id = ? AND (name = ? OR right(name, ?) = ?)}, undef,
        $domain, $name, 1 + length $name, ".$name");
    return;
}

sub _update {
    my ($self, $dbh) = @_;
    my ($id, $domain, $name, $type, $zone) = $self->_some_record($dbh);
    my $row = $self->row($zone, $name, $CONTENT{$type} ? $type : 'A');
    $dbh->do('UPDATE records SET type = ?, content = ?, ttl = ?, prio = ? WHERE id = ?', undef, @$row[1 .. 4], $id);
    return;
}

sub _update_ttl {
    my ($self, $dbh) = @_;
    my ($id, $domain, $name, $type) = $self->_some_record($dbh);
    $dbh->do('UPDATE records SET ttl = ? WHERE domain_id = ? AND name = ? AND type = ?', undef, _ttl(), $domain, $name, $type);
    return;
}

sub _rename {
    my ($self, $dbh) = @_;
    my ($id, $domain, $name, $type, $zone) = $self->_some_record($dbh);
    $dbh->do('UPDATE records SET name = ? WHERE id = ?', undef, $self->name_in($zone), $id);
    return;
}

sub _flip {
    my ($self, $dbh) = @_;
    my ($id) = $self->_some_record($dbh);
    $dbh->do('UPDATE records SET disabled = NOT disabled WHERE id = ?', undef, $id);
    return;
}

sub _move {
    my ($self, $dbh) = @_;
    my ($id) = $self->_some_record($dbh);
    my ($domain, $zone) = $self->_some_zone($dbh);
    $dbh->do('UPDATE records SET domain_id = ?, name = ? WHERE id = ?', undef, $domain, $self->name_in($zone), $id);
    return;
}

# As PowerDNS' API does it: delete the set, insert the new one.
sub _replace {
    my ($self, $dbh) = @_;
    my ($id, $domain, $name, $type, $zone) = $self->_some_record($dbh);
    return if !$CONTENT{$type};
    $dbh->do('DELETE FROM records WHERE domain_id = ? AND name = ? AND type = ?', undef, $domain, $name, $type);
    my $count = $type =~ /^[CD]NAME$/ ? 1 : 1 + draw(3);
    $self->_insert_rows($dbh, $domain, map { $self->row($zone, $name, $type) } 1 .. $count);
    return;
}

sub _new_zone {
    my ($self, $dbh) = @_;
    my ($parent) = ($self->_some_zone($dbh))[1];
    my $zone = chance(0.5) ? 'new' . draw(1000) . '.test' : pick(@COMMON) . ".$parent";
    return if length $zone > 80 || $dbh->selectrow_array('SELECT 1 FROM domains WHERE name = ?', undef, $zone);
    my ($id) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES (?, 'NATIVE') RETURNING id}, undef, $zone);
    local $self->{names} = 10;
    $self->_insert_rows($dbh, $id, @{ $self->zone_rows($zone) });
    return;
}

sub _delete_zone {
    my ($self, $dbh) = @_;
    return if $dbh->selectrow_array('SELECT count(*) FROM domains') < 8;
    my ($id) = $self->_some_zone($dbh);
    $dbh->do('DELETE FROM records WHERE domain_id = ?', undef, $id) if chance(0.5);
    $dbh->do('DELETE FROM domains WHERE id = ?', undef, $id);
    return;
}

# The zone and all its names, in one statement each, either order.
sub _rename_zone {
    my ($self, $dbh) = @_;
    my ($id, $zone) = $self->_some_zone($dbh);
    my $new = 'renamed' . draw(1000) . '.test';
    return if $dbh->selectrow_array('SELECT 1 FROM domains WHERE name = ?', undef, $new);
    my @steps = (
        sub { $dbh->do('UPDATE domains SET name = ? WHERE id = ?', undef, $new, $id) },
        sub {
            $dbh->do('UPDATE records SET name = left(name, length(name) - ?) || ? WHERE domain_id = ?', undef,
                length $zone, $new, $id);
        },
    );
    $_->() for chance(0.5) ? @steps : reverse @steps;
    return;
}

sub _bulk {
    my ($self, $dbh) = @_;
    my ($id, $zone) = $self->_some_zone($dbh);
    my $tag = 'bulk' . draw(1000);
    $dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT ?, ? || i || '.' || ?, 'A', '198.51.100.' || i % 250, 300 FROM generate_series(1, ?) i}, undef,
        $id, $tag, $zone, 20 + draw(100));
    return;
}

sub _metadata {
    my ($self, $dbh) = @_;
    my ($id) = $self->_some_zone($dbh);
    $dbh->do('DELETE FROM domainmetadata WHERE domain_id = ? AND kind = ?', undef, $id, 'X-CSDNS-TEST');
    $dbh->do('INSERT INTO domainmetadata (domain_id, kind, content) VALUES (?, ?, ?)', undef, $id, 'X-CSDNS-TEST', draw(1e6));
    return;
}

# --- what to ask ---

# Questions about everything in the store and around it: [[name, type], ...].
# ever: a hash that collects each name that was seen, so that names which are
# gone are asked for again. about: how many to return.
sub questions {
    my ($self, $dbh, %args) = @_;
    my $ever = $args{ever} // {};
    my $now = $dbh->selectall_arrayref(
        q{SELECT DISTINCT r.name, coalesce(r.type, '') FROM records r JOIN domains d ON d.id = r.domain_id
           WHERE d.name !~ ? ORDER BY 1, 2}, undef, $self->{except});
    my $zones = $dbh->selectcol_arrayref('SELECT name FROM domains WHERE name !~ ? ORDER BY 1', undef, $self->{except});
    my %ask;
    for my $row (@$now) {
        my ($name, $type) = @$row;
        $ever->{$name} = 1;
        $ask{"$name $type"} = 1 if $type ne '' && $type !~ /^(?:ALIAS|LUA)$/;
        $ask{"$name ANY"} = 1;
    }
    my @types = $self->types;
    my @common = qw(A A AAAA ANY MX TXT CNAME NS SOA DS);
    for my $name (sort(keys %$ever), @$zones) {
        my @near = ($name, "q.$name", "q.r.$name", "*.$name", "www.$name", $name =~ s/^(?:[^.\\]|\\.)+\.//r, "x$name", "_sip._tcp.$name");
        for my $near (@near) {
            next if length $near > 240 || $near =~ /^x$LONG/;
            my $type = chance(0.75) ? pick(@common) : pick(@types);
            $ask{"$near $type"} = 1;
        }
    }
    my @questions = map { [split / /, $_, 2] } sort keys %ask;
    @questions = map { $_->[0] } sort { $a->[1] <=> $b->[1] } map { [$_, _draw()] } @questions;
    splice @questions, $args{about} if $args{about} && @questions > $args{about};
    return [map { [_random_case($_->[0]), $_->[1]] } @questions];
}

sub _random_case {
    my ($name) = @_;
    my $how = _draw();
    return $name if $how < 0.6;
    return join '', map { /^\\/ ? $_ : $how < 0.8 || chance(0.5) ? uc : $_ } $name =~ /(\\\d\d\d|\\.|.)/gs;
}

1;
