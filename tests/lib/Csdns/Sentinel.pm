package Csdns::Sentinel;

# Tells when csdnsd has everything that was committed so far: a record whose
# content changes last. Versions are applied in commit order, so whoever sees
# this transaction has all those before it.

use strict;
use warnings;

use Csdns::Wait qw(wait_until);

our $ZONE = 'sentinel.invalid';

# new(dbh => handle on the store, socket => csdnsd's socket): makes its own zone.
sub new {
    my ($class, %args) = @_;
    my $self = bless { count => 0, seconds => 20, %args }, $class;
    my $dbh = $self->{dbh};
    my ($id) = $dbh->selectrow_array('SELECT id FROM domains WHERE name = ?', undef, $ZONE);
    if (!$id) {
        ($id) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES (?, 'NATIVE') RETURNING id}, undef, $ZONE);
        $dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES
            (?, ?, 'SOA', 'ns.invalid hostmaster.invalid 1 3600 600 86400 60', 60), (?, ?, 'TXT', '"0"', 60)},
            undef, $id, $ZONE, $id, "now.$ZONE");
    }
    $self->{id} = $id;
    return $self;
}

# Commits a new value; returns it.
sub mark {
    my ($self) = @_;
    my $value = sprintf '"%d-%d"', $$, ++$self->{count};
    $self->{dbh}->do(q{UPDATE records SET content = ? WHERE domain_id = ? AND type = 'TXT'}, undef, $value, $self->{id});
    return $value;
}

# Whether csdnsd answers with this value.
sub is_seen {
    my ($self, $value) = @_;
    my $remote = $self->{remote} //= Csdns::Remote->new(socket => $self->{socket});
    my @records = eval { $remote->lookup("now.$ZONE", 'TXT') };
    delete $self->{remote} if $@;    # csdnsd went away: a new connection next time
    return scalar grep { $_->{content} eq $value } @records;
}

# Waits until csdnsd has all that was committed before this call.
sub sync {
    my ($self) = @_;
    my $value = $self->mark;
    wait_until { $self->is_seen($value) } $self->{seconds}, "csdnsd to show sentinel $value";
    return;
}

1;
