#!/usr/bin/perl
# The keeper starts every process of a test run and outlives the runner by a moment.
#
# Tcl can neither learn the exit status of a background process nor clean up after its own death,
# so the runner asks the keeper, over a pipe, to start things:
#
#   spawn ID CWD STDIN STDOUT STDERR ARGV...   -> "started ID PID", later "exited PID CODE"
#   adopt PID / forget PID                     a process that left us by daemonizing
#
# Every field but the verb is in hexadecimal.  CODE is the exit code, or "signal N".  When the pipe
# ends, however that came about, all that still runs gets SIGTERM, then SIGKILL, and the scratch
# directory named on the command line is removed.
use strict;
use warnings;
use POSIX qw(:sys_wait_h setsid);

my $scratch = shift @ARGV;
my (%child, %adopted);
my $pending = '';

sub unhex { return map { pack('H*', $_) } @_; }

sub spawn {
    my ($id, $cwd, $in, $out, $err, @argv) = unhex(@_);
    my $pid = fork();
    if (!defined $pid) { print "failed $id fork\n"; return; }
    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE CHLD);
        setsid();
        chdir $cwd or POSIX::_exit(126);
        open(STDIN, '<', $in) or POSIX::_exit(126);
        open(STDOUT, '>>', $out) or POSIX::_exit(126);
        open(STDERR, '>>', $err) or POSIX::_exit(126);
        { no warnings 'exec'; exec { $argv[0] } @argv; }
        POSIX::_exit(127);
    }
    $child{$pid} = 1;
    print "started $id $pid\n";
}

sub reap {
    while ((my $pid = waitpid(-1, WNOHANG)) > 0) {
        my $code = WIFSIGNALED($?) ? 'signal ' . WTERMSIG($?) : WEXITSTATUS($?);
        delete $child{$pid};
        print "exited $pid $code\n";
    }
}

sub obey {
    my ($verb, @fields) = split ' ', shift;
    if ($verb eq 'spawn') { spawn(@fields); }
    elsif ($verb eq 'adopt') { $adopted{ (unhex(@fields))[0] } = 1; }
    elsif ($verb eq 'forget') { delete $adopted{ (unhex(@fields))[0] }; }
}

sub clean_up {
    open(STDOUT, '>', '/dev/null');
    kill 'CONT', keys %child, keys %adopted;
    kill 'TERM', keys %child, keys %adopted;
    for (1 .. 60) {
        reap();
        last if !%child && !grep { kill 0, $_ } keys %adopted;
        select(undef, undef, undef, 0.05);
    }
    kill 'KILL', keys %child, keys %adopted;
    system('rm', '-rf', '--', $scratch) if defined $scratch && $scratch =~ m{/baton-test\.\w+$};
    exit 0;
}

$SIG{$_} = 'IGNORE' for qw(INT TERM HUP PIPE QUIT);
$SIG{CHLD} = sub { };
$| = 1;
while (1) {
    my $ready = '';
    vec($ready, fileno(STDIN), 1) = 1;
    my $n = select($ready, undef, undef, 0.2);
    reap();
    next if $n <= 0;
    my $got = sysread(STDIN, $pending, 65536, length $pending);
    clean_up() if !defined $got || $got == 0;
    while ($pending =~ s/^([^\n]*)\n//) { obey($1); }
}
