#!/usr/bin/perl
# The golden cases over csdns-pipe.

use strict;
use warnings;

use FindBin;
no warnings 'once';
@Csdns::Golden::connectors = qw(pipe);
do "$FindBin::Bin/golden.t" or die $@ || $!;
