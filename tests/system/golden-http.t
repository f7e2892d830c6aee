#!/usr/bin/perl
# The golden cases over HTTP, with JSON (post_json=1) and with a form (post=1).

use strict;
use warnings;

use FindBin;
no warnings 'once';
@Csdns::Golden::connectors = qw(http form);
do "$FindBin::Bin/golden.t" or die $@ || $!;
