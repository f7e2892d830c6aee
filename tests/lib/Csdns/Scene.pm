package Csdns::Scene;

# What stands behind a csdns-sync: a store with two accounts' zones, a cloud, csdnsd
# and a pdns_server; and questions about all of them.

use strict;
use warnings;

use Test::More ();

use Csdns::CloudStack;
use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Wait qw(try_until);

sub new {
    my ($class) = @_;
    my $self = bless { cluster => Csdns::Cluster->new, cloud => Csdns::CloudStack->new }, $class;
    my ($cluster, $cloud) = @$self{qw(cluster cloud)};
    $cluster->create_db('store');
    $cluster->install_schema('store');
    $cluster->psql('store', <<'SQL');
CREATE ROLE csdns_feeder LOGIN IN ROLE csdns_sync;
INSERT INTO domains (name, type) SELECT unnest(ARRAY['acme.test', 'other.test', '2.0.192.in-addr.arpa']), 'NATIVE';
INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, name, 'SOA', 'ns.acme.test hostmaster.acme.test 1 3600 600 86400 60', 60 FROM domains;
SQL
    $cloud->account(1, networkdomain => 'acme.test');
    $cloud->account(2, networkdomain => 'other.test');
    $cloud->network(1);
    $self->{csdnsd} = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));
    $self->{pdns} = Csdns::Pdns->remote(socket => $self->{csdnsd}->socket, cache_ttl => 0, query_cache_ttl => 0, negquery_cache_ttl => 0);
    return $self;
}

sub cluster { my ($self) = @_; return $self->{cluster} }
sub cloud { my ($self) = @_; return $self->{cloud} }
sub sync_db { my ($self) = @_; return $self->{cluster}->conninfo('store', 'csdns_feeder') }

# A handle of the store's owner, new after PostgreSQL was away.
sub dbh {
    my ($self) = @_;
    undef $self->{dbh} if $self->{dbh} && !$self->{dbh}->ping;
    return $self->{dbh} //= $self->{cluster}->dbh('store');
}

# "NOERROR 192.0.2.1"
sub answer {
    my ($self, $name, $type) = @_;
    my $reply = $self->{pdns}->dns->ask($name, $type // 'A');
    return join ' ', $reply->{rcode}, sort map { (split / /, $_, 5)[-1] } @{ $reply->{answer} };
}

# Asserts that a name gets an answer before long.
sub answers {
    my ($self, $name, $expected, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok(scalar(try_until { $self->answer($name) eq $expected } 60), $what) || Test::More::diag($self->answer($name));
}

# Asserts that nothing is left to do, nothing drifted, and the facts are what the cloud is.
sub settled {
    my ($self, $sync, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $sync->wait_idle($self->dbh);
    my $drift = $self->dbh->selectrow_array('SELECT count(*) FROM csdns.drift');
    my $there = $self->{cloud}->control(cloud => 1)->{cloud}{virtualmachine};
    my $expected = join ', ', sort map { "$_->{name} $_->{state} " . join '/', map { $_->{ipaddress} } @{ $_->{nic} } } values %$there;
    my $facts = join ', ', sort map { $_->[0] } @{ $self->dbh->selectall_arrayref(q{
        SELECT format('%s %s %s', i.name, i.state, (SELECT string_agg(host(n.ip4), '/' ORDER BY n.ip4) FROM csdns.nic n WHERE n.instance = i.uuid))
          FROM csdns.instance i WHERE i.removed IS NULL}) };
    return Test::More::is("$drift: $facts", "0: $expected", "$what: no drift, and facts as in the cloud");
}

1;
