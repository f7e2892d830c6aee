#!/usr/bin/perl
# The systemd units are as tight as they are meant to be: systemd-analyze's exposure is 2.0 or
# better, and the units have nothing that it does not know. And what they start says that it
# is ready.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Socket::UNIX;
use Test::More;

use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program source_dir);
use Csdns::Sync;
use Csdns::Wait qw(wait_until);

my $dir = temp_dir();

# A unit as make writes it, whose program is there.
sub unit {
    my ($name) = @_;
    open my $in, '<', source_dir() . "/systemd/$name.service.in" or die "$name: $!\n";
    my $text = do { local $/ = undef; <$in> };
    my %path = (sbindir => '/usr/sbin', sysconfdir => '/etc');
    $text =~ s/\@(\w+)\@/$path{$1} \/\/ die "what is $1?\n"/ge;
    $text =~ s/^ExecStart=\K.*/\/bin\/true/m;
    my $file = "$dir/$name.service";
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} $text;
    close $out;
    return $file;
}

my $analyze = find_program('systemd-analyze');
for my $name (qw(csdnsd csdns-sync)) {
  SKIP: {
        skip 'program missing: systemd-analyze', 3 if !$analyze;
        my $file = unit($name);
        my $done = run_program(command => [$analyze, 'security', '--offline=true', '--threshold=20', '--no-pager', $file], timeout => 30);
        my ($exposure) = $done->{out} =~ /Overall exposure level for \Q$name\E\.service: (\S+)/;
        is($done->{status}, 0, "$name: exposure " . ($exposure // 'unknown')) or diag $done->{out} . $done->{err};
        ok(defined $exposure && $exposure <= 2.0, "$name: 2.0 or better");
        my $wrong = run_program(command => [$analyze, 'verify', '--man=no', '--recursive-errors=no', $file], timeout => 30);
        my @lines = grep { /\Q$name\E\.service/ && !/csdnsd\.socket/ } split /\n/, $wrong->{err};
        is_deeply(\@lines, [], "$name: nothing unknown in it");
    }
}

SKIP: {
    my $program = find_program('csdns-sync');
    skip 'program missing: csdns-sync', 3 if !$program;
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/notify") or die "notify: $!\n";
    $socket->blocking(0);
    my $told = '';
    my $hears = sub {
        my ($what) = @_;
        return wait_until { $told .= "$_\n" if defined recv($socket, local $_ = '', 4096, 0); $told =~ $what } 20, "systemd to hear $what";
    };
    local $ENV{NOTIFY_SOCKET} = "$dir/notify";
    my $sync = Csdns::Sync->start(db => 'dbname=x');
    ok($hears->(qr/READY=1\nSTATUS=working$/m), 'csdns-sync says that it is ready');
    $sync->reload;
    ok($hears->(qr/RELOADING=1\nMONOTONIC_USEC=\d+\n(?:.*\n)*READY=1/), 'that it reads its configuration');
    $sync->stop;
    ok($hears->(qr/STOPPING=1/), 'and that it stops');
}

done_testing();
