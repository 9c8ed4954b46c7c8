#!/usr/bin/perl
# Stands in for systemd: binds a datagram socket and writes what is sent to it to stdout.
#
# usage: notify.pl PATH
use strict;
use warnings;
use Socket;

socket(my $sock, PF_UNIX, SOCK_DGRAM, 0) or die "socket: $!\n";
bind($sock, pack_sockaddr_un($ARGV[0])) or die "bind $ARGV[0]: $!\n";
$| = 1;
while (defined recv($sock, my $text, 4096, 0)) { print "$text\n"; }
