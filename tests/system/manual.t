#!/usr/bin/perl
# The daemons' manual pages and their --help: every option is in the page and, unless it is
# for the command line only, in the page of the configuration file, with its default; no page
# tells of one that is not there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Process qw(run_program);
use Csdns::Programs qw(find_program source_dir);

my %COMMAND_LINE_ONLY = map { $_ => 1 } qw(config check help version);

sub page {
    my ($name) = @_;
    open my $file, '<', source_dir() . "/man/$name.in" or die "$name: $!\n";
    my @lines = <$file>;
    close $file;
    return join '', @lines;
}

# { option => its text in the page }, of ".It Fl x , -name Ar value" or ".It Ic name"; several items may share a text.
sub items {
    my ($page, $item) = @_;
    my %text;
    my @open;
    for my $line (split /\n/, $page) {
        if ($line =~ /^\.It $item/) {
            my $name = $1;
            @open = grep { $text{$_} eq '' } @open;
            push @open, $name;
            $text{$name} = '';
        }
        elsif ($line =~ /^\.(?:It|El|Sh)\b/) { @open = () }
        else { $text{$_} .= "$line\n" for @open }
    }
    return \%text;
}

# { option => its default, or undef }
sub options {
    my ($program) = @_;
    my $help = run_program(command => [find_program($program), '--help'], timeout => 20)->{out};
    my %default;
    my $name;
    for my $line (split /\n(?=  )/, $help =~ s/\n {8,}/ /gr) {
        next if $line !~ /^  (?:-\w, |    )--([a-z0-9-]+)/;
        $name = $1;
        $default{$name} = $line =~ /\(default: ([^)]*)\)/ ? $1 : undef;
    }
    return \%default;
}

for my $program (qw(csdnsd csdns-sync)) {
  SKIP: {
        skip "program missing: $program", 1 if !find_program($program);
        subtest $program => sub {
            my $options = options($program);
            cmp_ok(scalar keys %$options, '>', 15, 'options');
            my $page = items(page("$program.8"), qr/Fl (?:\w , )?-([a-z0-9-]+)/);
            my $conf = items(page("$program.conf.5"), qr/Ic ([a-z0-9-]+)/);
            is_deeply([sort keys %$page], [sort keys %$options], 'the page has them, and no others');
            is_deeply([sort keys %$conf], [sort grep { !$COMMAND_LINE_ONLY{$_} } keys %$options], 'so has that of the file');
            for my $name (sort grep { defined $options->{$_} } keys %$options) {
                my $there = qr/default\b(?:[^.\n]|\n\.[A-Z][a-z] |\n)*?\Q$options->{$name}\E/i;
                like($page->{$name}, $there, "--$name: default $options->{$name}");
                like($conf->{$name}, $there, "$name: likewise");
            }
        };
    }
}

SKIP: {
    my $mandoc = find_program('mandoc');
    skip 'program missing: mandoc', 1 if !$mandoc;
    my @pages = glob source_dir() . '/man/*.in';
    my $done = run_program(command => [$mandoc, '-T', 'lint', '-W', 'warning', @pages], timeout => 20);
    is($done->{out} . $done->{err}, '', 'mandoc has nothing to say');
}

done_testing();
