package Csdns::Tool;

# Runs csdns' verbs against a database of a test's cluster.

use strict;
use warnings;

use Csdns::Process qw(run_program);
use Csdns::Programs qw(find_program);

# new(cluster => $cluster, db => 'name', role => 'postgres')
sub new {
    my ($class, %args) = @_;
    return bless { role => 'postgres', %args }, $class;
}

# The same as another role.
sub as { my ($self, $role) = @_; return (ref $self)->new(%$self, role => $role) }

sub conninfo { my ($self) = @_; return $self->{cluster}->conninfo($self->{db}, $self->{role}) }

# The environment that leads every libpq program to the database.
sub env {
    my ($self) = @_;
    return { PGHOST => $self->{cluster}->socket_dir, PGPORT => 5432, PGDATABASE => $self->{db}, PGUSER => $self->{role} };
}

# run('create dnszone', 'name=example.org', ...): { status => exit status or "signal n", out, err }
sub run {
    my ($self, $words, @rest) = @_;
    return $self->run_with({}, $words, @rest);
}

# The same with arguments for run_program: run_with({ stdin => '[]' }, ...)
sub run_with {
    my ($self, $with, $words, @rest) = @_;
    return $self->command([find_program('csdns'), split(/ /, $words), @rest], %$with);
}

# Any program, with the database in its environment.
sub command {
    my ($self, $command, %with) = @_;
    my $done = run_program(command => $command, timeout => 60, env => $self->env, %with);
    $done->{status} = $done->{status} & 127 ? 'signal ' . ($done->{status} & 127) : $done->{status} >> 8;
    return $done;
}

1;
