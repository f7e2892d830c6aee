package Csdns::SlowName;

# Stands in for a resolver that does not answer: the name slow.test takes its time, and is
# not found.

use strict;
use warnings;

use Exporter qw(import);

use Csdns::Process qw(run_program temp_dir);

our @EXPORT_OK = qw(slow_name_env);

my $SOURCE = <<'C';
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	if (name == NULL || strcmp(name, "slow.test") != 0)
		return real(name, service, hints, result);
	sleep(SECONDS);
	return EAI_AGAIN;
}
C

# The environment of a program for which the name takes so many seconds; undef without a C compiler.
sub slow_name_env {
    my ($seconds) = @_;
    my $dir = temp_dir();
    open my $file, '>', "$dir/slow.c" or die "slow.c: $!\n";
    print {$file} $SOURCE;
    close $file;
    my $built = eval { run_program(command => ['cc', '-shared', '-fPIC', "-DSECONDS=$seconds", '-o', "$dir/slow.so", "$dir/slow.c", '-ldl']) };
    return if !$built || $built->{status} != 0;
    return { LD_PRELOAD => "$dir/slow.so", ASAN_OPTIONS => 'verify_asan_link_order=0:detect_leaks=1' };
}

1;
