#!/usr/bin/perl
# Joins stdin and stdout to a unix socket, because Tcl 8.6 cannot dial one.
#
# usage: relay.pl PATH.  End of input half-closes the socket; end of the socket ends the relay.
use strict;
use warnings;
use Socket;

socket(my $sock, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
connect($sock, pack_sockaddr_un($ARGV[0])) or die "connect $ARGV[0]: $!\n";

sub pass_on {
    my ($to, $bytes) = @_;
    my $done = 0;
    while ($done < length $bytes) {
        my $n = syswrite($to, $bytes, length($bytes) - $done, $done);
        exit 0 if !defined $n;
        $done += $n;
    }
}

$SIG{PIPE} = 'IGNORE';
my $input_open = 1;
while (1) {
    my $ready = '';
    vec($ready, fileno(STDIN), 1) = 1 if $input_open;
    vec($ready, fileno($sock), 1) = 1;
    next if select($ready, undef, undef, undef) <= 0;
    if ($input_open && vec($ready, fileno(STDIN), 1)) {
        my $n = sysread(STDIN, my $bytes, 65536);
        if ($n) { pass_on($sock, $bytes); }
        else { $input_open = 0; shutdown($sock, 1); }
    }
    if (vec($ready, fileno($sock), 1)) {
        my $n = sysread($sock, my $bytes, 65536);
        exit 0 if !$n;
        pass_on(\*STDOUT, $bytes);
    }
}
