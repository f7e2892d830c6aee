package Csdns::Churn;

# Random transactions that change everything an answer may be built from, in a few
# zones that lie in each other, point at each other, come, go and get other names.
# What the schema refuses is rolled back. And the questions about all of it.

use strict;
use warnings;

use Csdns::Zones qw(draw pick chance);

# The first ones are there from the beginning; who is signed then, and how.
my @ZONES = qw(p.test o.test s.test c.p.test d.c.p.test);
my @FIRST = qw(p.test o.test s.test c.p.test);
my $ODD = 'b"\\032$';    # a blank and a "$" mean something to PURGE, a quote to some contents
my @LABELS = ('a', $ODD, '*');
my @TYPES = qw(A AAAA TXT NS CNAME MX SRV NAPTR HTTPS SVCB DS SOA);
my @NSEC3 = ('1 0 1 ab', '1 1 0 -', '1 0 0 -');
my $DS = '12345 13 2 ' . 'ab' x 32;

# new(dbh =>, keys => [[flags, content], ...] for a signed zone).
sub new {
    my ($class, %args) = @_;
    my $self = bless { done => {}, refused => 0, %args }, $class;
    for my $zone (@FIRST) {
        $self->_create($zone);
        $self->_sign($zone) if $zone eq 's.test';
        for (1 .. 15) {
            eval { $self->_put($zone, $self->_name($zone)); 1 } or $self->_die_unless_refused($@);
        }
    }
    return $self;
}

sub _die_unless_refused { my ($self, $error) = @_; die $error if $error !~ /ERROR:/ || $self->{dbh}->state =~ /^42/; return }

sub _do { my ($self, $sql, @values) = @_; return $self->{dbh}->do($sql, undef, @values) }
sub _column { my ($self, $sql, @values) = @_; return @{ $self->{dbh}->selectcol_arrayref($sql, undef, @values) } }

# From now on there are more records of this type (undef: of none), and more happens to what they point at; of dname: more
# DNAME come and go.
sub favour { my ($self, $type) = @_; $self->{favour} = $type; return }

# --- names and records ---

sub _name {
    my ($self, $zone) = @_;
    return $zone if chance(0.05);
    my $depth = chance(0.5) ? 1 : chance(0.7) ? 2 : 3;
    return join '.', map({ pick(@LABELS) } 1 .. $depth), $zone;
}

# Mostly something that is there, and in the same zone, as additional records are.
sub _target {
    my ($self, $zone) = @_;
    my $where = chance(0.6) ? $zone : pick(@ZONES);
    my $name = chance(0.6) ? $self->_some($where) : chance(0.1) ? 'far.example' : $self->_name($where);
    return chance(0.1) ? uc $name : chance(0.1) ? "$name." : $name;
}

my %CONTENT = (
    A => sub { '192.0.2.' . draw(250) }, AAAA => sub { '2001:db8::' . draw(250) }, TXT => sub { '"' . draw(1000) . '"' }, DS => sub {$DS},
    (map { $_ => sub { $_[0]->_target($_[1]) } } qw(NS CNAME DNAME ALIAS)), MX => sub { '10 ' . $_[0]->_target($_[1]) },
    SRV => sub { '1 2 3 ' . $_[0]->_target($_[1]) }, HTTPS => sub { chance(0.3) ? '0 ' . $_[0]->_target($_[1]) : '1 ' . $_[0]->_target($_[1]) . ' ipv4hint=auto' },
    SVCB => sub { '1 ' . $_[0]->_target($_[1]) },
    NAPTR => sub { '1 2 "' . pick(qw(s a)) . '" "x" "" ' . $_[0]->_target($_[1]) },
);

sub _put {
    my ($self, $zone, $name, $type) = @_;
    $type //= uc $self->{favour} if $self->{favour} && chance(0.2);
    $type //= pick(qw(A A A A AAAA TXT CNAME CNAME MX SRV NAPTR HTTPS SVCB NS DNAME));
    my $is_apex = $name eq $zone;
    $type = 'A' if $is_apex && $type eq 'CNAME' || $type eq 'DNAME' && $name =~ /^\*/ && chance(0.8);
    my $alone = $type eq 'CNAME' ? 'true' : q{type = 'CNAME'};
    $self->_do("DELETE FROM records WHERE name = ? AND type <> 'SOA' AND $alone", $name) if !$is_apex && chance(0.8);
    $self->_do(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, ?, ?, ?, ? FROM domains WHERE name = ?},
        $name, $type, $CONTENT{$type}->($self, $zone), pick(3600, 7200), $zone);
    return if $type ne 'NS' || $is_apex;
    $self->_put($zone, $name, 'DS') if chance(0.3);
    return;
}

# A name that has records; an apex now and then.
sub _some {
    my ($self, $zone, $which) = @_;
    my @names = $self->_column('SELECT DISTINCT r.name FROM records r JOIN domains d ON d.id = domain_id
        WHERE d.name = ? AND (r.name <> d.name OR ?) AND r.' . ($which // 'id > 0') . ' ORDER BY 1', $zone, chance(0.05) ? 1 : 0);
    return @names ? pick(@names) : 'nothing.invalid';
}

# One with an address that others point at.
sub _pointed_at {
    my ($self) = @_;
    my $type = uc($self->{favour} // '') || pick(qw(CNAME MX SRV NS HTTPS SVCB NAPTR DNAME));
    my @names = $self->_column(q{SELECT DISTINCT a.name FROM records a JOIN records r ON right(r.content, length(a.name)) = a.name OR position(' ' || a.name || ' ' IN r.content) > 0
        WHERE a.type = 'A' AND r.type = ? ORDER BY 1}, $type);
    return @names ? pick(@names) : $self->_some(pick(@ZONES), q{type = 'A'});
}

# A record of the favoured type, and another address for what it points at.
my %POINTING = (MX => '10 %s', SRV => '1 2 3 %s', HTTPS => '1 %s', SVCB => '1 %s', NAPTR => '1 2 "a" "x" "" %s');

sub _favoured {
    my ($self) = @_;
    return $self->{favour} eq 'dname' ? $self->_dname_comes_or_goes : $self->_behind_favoured;
}

sub _dname_comes_or_goes {
    my ($self) = @_;
    return if $self->_do(q{DELETE FROM records WHERE name = 'a.o.test' AND type = 'DNAME'}) > 0;
    $self->_do(q{DELETE FROM records WHERE name = 'a.o.test'});
    $self->_put('o.test', 'a.o.test', 'DNAME');
    return;
}

sub _behind_favoured {
    my ($self) = @_;
    my ($holder, $target, $pointed_at) = $self->{favour} eq 'DNAME' ? ('a.o.test', "a.$ODD.o.test", "$ODD.o.test") : ('a.a.o.test', "$ODD.$ODD.o.test", "$ODD.$ODD.o.test");
    my $content = sprintf $POINTING{ $self->{favour} } // '%s', $pointed_at;
    return if $self->_do(q{UPDATE records SET content = ? WHERE name = ? AND type = 'A' AND EXISTS (SELECT FROM records WHERE name = ? AND type = ? AND content = ? AND NOT disabled)},
        $CONTENT{A}->(), $target, $holder, $self->{favour}, $content) > 0;
    $self->_do(q{DELETE FROM domains WHERE name = 'o.test'});
    $self->_create('o.test');
    $self->_do(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, r.name, r.type, r.content, 3600
        FROM domains, (VALUES (?, 'A', ?), (?, ?, ?)) AS r (name, type, content) WHERE domains.name = 'o.test'}, $target, $CONTENT{A}->(), $holder, $self->{favour}, $content);
    return;
}

# --- zones ---

sub _zones { my ($self) = @_; return $self->_column(q{SELECT name FROM domains WHERE name LIKE '%.test' ORDER BY 1}) }

sub _create {
    my ($self, $zone) = @_;
    $self->_do(q{INSERT INTO domains (name, type) VALUES (?, 'NATIVE')}, $zone);
    $self->_soa($zone);
    $self->_put($zone, $zone, 'NS');
    return;
}

sub _soa {
    my ($self, @zones) = @_;
    $self->_do(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.o.test hostmaster.o.test 1 10800 3600 604800 3600', 3600
        FROM domains WHERE name = ?}, $_) for @zones;
    return;
}

sub _sign {
    my ($self, $zone) = @_;
    $self->_do('INSERT INTO cryptokeys (domain_id, flags, active, published, content) SELECT id, ?, true, true, ? FROM domains WHERE name = ?', @$_, $zone)
        for @{ $self->{keys} };
    return;
}

sub _set {
    my ($self, $zone, $kind, $content) = @_;
    $self->_do('DELETE FROM domainmetadata WHERE kind = ? AND domain_id = (SELECT id FROM domains WHERE name = ?)', $kind, $zone);
    $self->_do('INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, ?, ? FROM domains WHERE name = ?', $kind, $content, $zone) if defined $content;
    return;
}

sub _rename_zone {
    my ($self, $old) = @_;
    my %taken = map { $_ => 1 } $self->_zones;
    my @free = grep { !$taken{$_} } @ZONES;
    return if !@free;
    my $new = pick(@free);
    $self->_do('UPDATE records SET name = left(name, length(name) - ?) || ? WHERE domain_id = (SELECT id FROM domains WHERE name = ?)', length $old, $new, $old);
    $self->_do('UPDATE domains SET name = ? WHERE name = ?', $new, $old);
    return;
}

# --- transactions ---

my $AT = 'WHERE name = ?';
my @CHANGES = (
    [20, 'add', sub { my ($self, $zone) = @_; $self->_put($zone, $self->_name($zone)) }],
    [4, 'add a wildcard', sub { my ($self, $zone) = @_; $self->_put($zone, '*.' . $self->_name($zone)) }],
    [4, 'add a delegation', sub { my ($self, $zone) = @_; my $name = $self->_name($zone); $self->_put($zone, $name, 'NS'); $self->_put($zone, "a.$name", 'A') }],
    [10, 'remove a name', sub { my ($self, $zone) = @_; $self->_do("DELETE FROM records $AT AND type <> 'SOA'", $self->_some($zone)) }],
    [3, 'remove a wildcard', sub { my ($self, $zone) = @_; $self->_do("DELETE FROM records $AT", $self->_some($zone, q{name LIKE '*.%'})) }],
    [4, 'remove a delegation', sub { my ($self, $zone) = @_; $self->_do("DELETE FROM records $AT AND type IN ('NS', 'DS')", $self->_some($zone, q{type = 'NS'})) }],
    [3, 'remove a DNAME', sub { my ($self, $zone) = @_; $self->_do("DELETE FROM records $AT AND type = 'DNAME'", $self->_some($zone, q{type = 'DNAME'})) }],
    [8, 'other addresses', sub { my ($self, $zone) = @_; $self->_do("UPDATE records SET content = ? $AT AND type = 'A'", $CONTENT{A}->(), $self->_some($zone, q{type = 'A'})) }],
    [12, 'other addresses behind', sub { my ($self, $zone) = @_; $self->_do("UPDATE records SET content = ? $AT AND type = 'A'", $CONTENT{A}->(), $self->_pointed_at) }],
    [4, 'other target', sub { my ($self, $zone) = @_; my $type = pick(qw(CNAME NS DNAME)); $self->_do("UPDATE records SET content = ? $AT AND type = ?", $self->_target($zone), $self->_some($zone, "type = '$type'"), $type) }],
    [3, 'other TTL', sub { my ($self, $zone) = @_; $self->_do("UPDATE records SET ttl = 10800 - ttl $AT AND type <> 'SOA'", $self->_some($zone)) }],
    [4, 'rename', sub { my ($self, $zone) = @_; $self->_do("UPDATE records SET name = ? $AT AND type <> 'SOA'", $self->_name($zone), $self->_some($zone)) }],
    [3, 'enable, disable', sub { my ($self, $zone) = @_; $self->_do("UPDATE records SET disabled = NOT disabled $AT AND type <> 'SOA'", $self->_some($zone)) }],
    [2, 'other SOA', sub { my ($self, $zone) = @_; $self->_do("UPDATE records SET content = regexp_replace(content, '\\d+\$', ?) $AT AND type = 'SOA'", 3600 + draw(9), $zone) }],
    [1, 'other TTL of the SOA', sub { my ($self, $zone) = @_; $self->_do("UPDATE records SET ttl = 10800 - ttl $AT AND type = 'SOA'", $zone) }],
    [1, 'move below', sub { my ($self, $zone) = @_; $self->_do("UPDATE records SET name = ? || '.' || name WHERE name LIKE ?", $ODD, '%.a.' . $zone) }],
    [4, 'create a zone', sub { my ($self, $zone) = @_; my $new = pick(@ZONES[3, 4], @ZONES); $self->_do('DELETE FROM domains WHERE name = ?', $new); $self->_create($new); $self->_put($new, $self->_name($new)) for 1 .. draw(4) }],
    [3, 'delete a zone', sub { my ($self) = @_; $self->_do('DELETE FROM domains WHERE name = ?', pick(@ZONES[3, 4], @ZONES)) }],
    [1, 'rename a zone', sub { my ($self, $zone) = @_; $self->_rename_zone($zone) }],
    [1, 'add keys', sub { my ($self, $zone) = @_; $self->_sign($zone) }],
    [1, 'remove keys', sub { my ($self, $zone) = @_; $self->_do('DELETE FROM cryptokeys WHERE domain_id = (SELECT id FROM domains WHERE name = ?)', $zone) }],
    [1, 'activate', sub { my ($self, $zone) = @_; $self->_do('UPDATE cryptokeys SET active = NOT active WHERE domain_id = (SELECT id FROM domains WHERE name = ?)', $zone) }],
    [1, 'NSEC3', sub { my ($self, $zone) = @_; $self->_set($zone, 'NSEC3PARAM', pick(@NSEC3, undef)) }],
    [1, 'narrow', sub { my ($self, $zone) = @_; $self->_set($zone, 'NSEC3NARROW', pick('1', undef)) }],
    [1, 'publish CDS', sub { my ($self, $zone) = @_; $self->_set($zone, 'PUBLISH-CDS', pick('2', undef)) }],
    [1, 'account', sub { my ($self, $zone) = @_; $self->_do("UPDATE domains SET account = ? WHERE name = ?", 'x' . draw(9), $zone) }],
    [1, 'no SOA', sub { my ($self, $zone) = @_; $self->_do("DELETE FROM records $AT AND type = 'SOA'", $zone) }],
    [3, 'an SOA again', sub { my ($self) = @_; $self->_soa($self->_column(q{SELECT name FROM domains d WHERE NOT EXISTS (SELECT FROM records WHERE domain_id = d.id AND type = 'SOA')})) }],
    [1, 'many', sub { my ($self, $zone) = @_; $self->_put($zone, $self->_name($zone), pick('A', 'TXT')) for 1 .. 50 }],
);
my @WEIGHTED = map { ($_) x $_->[0] } @CHANGES;

# One transaction of one or some changes; what was done, or undef when it was refused.
sub transaction {
    my ($self) = @_;
    my @names;
    my $ok = eval {
        $self->{dbh}->begin_work;
        if ($self->{favour} && chance(0.25)) {
            push @names, "favoured $self->{favour} ";
            $self->_favoured;
        }
        for (1 .. (@names ? 0 : chance(0.6) ? 1 : 1 + draw(4))) {
            my $zone = pick($self->_zones, 'none.test');
            my (undef, $what, $change) = @{ pick(@WEIGHTED) };
            push @names, "$what $zone";
            $change->($self, $zone);
        }
        $self->{dbh}->commit;
        1;
    };
    my $error = $@;
    if (!$ok) {
        $self->_die_unless_refused($error);
        $self->{dbh}->rollback if !$self->{dbh}{AutoCommit};
        $self->{refused}++;
        return;
    }
    $self->{done}{ s/ \S+$//r }++ for @names;
    return join ', ', @names;
}

# A transaction that touches more names of a zone than are said one by one, and back.
sub big {
    my ($self, $zone) = @_;
    my $count = $self->_do(q{DELETE FROM records WHERE name ~ ?}, '^big[0-9]+\.');
    $self->_do(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'big' || n || '.a.' || ? || '.' || name, 'A', '192.0.2.1', 3600
        FROM domains, generate_series(1, 2500) n WHERE name = ?}, $ODD, $zone) if $count == 0;
    return "big $zone";
}

# --- questions ---

# All names that the changes may make, those beside, above and below them.
sub questions {
    my @asked = (@LABELS, 'q');
    my (@all, @deep);
    for my $zone (@ZONES) {
        push @all, $zone, map { my $label = $_; ("$label.$zone", map {"$_.$label.$zone"} @asked) } @asked;
        for my $low (qw(a q *)) {
            push @deep, map { my $label = $_; map {"$low.$label.$_.$zone"} @LABELS } @LABELS;
        }
    }
    push @deep, 'test', 'q.test', 'far.example';
    my @plain = ((map { my $name = $_; map { [$name, $_] } @TYPES } @all), map { my $name = $_; map { [$name, $_] } qw(A MX DS) } @deep);
    my @signed = ((map { my $name = $_; map { [$name, $_] } qw(A TXT DS) } @all), map { [$_, 'A'] } @deep);
    push @signed, map { [$_, 'DNSKEY'], [$_, 'NSEC3PARAM'], [$_, 'CDS'] } @ZONES;
    return (\@plain, \@signed);
}

1;
