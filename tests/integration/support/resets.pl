#!/usr/bin/perl
# Dials and resets at once, many times: connect, SO_LINGER of zero seconds, close.
#
# usage: resets.pl PORT COUNT [TEXT].  TEXT, when given, is sent before the reset.  Prints how many
# connections were made.
use strict;
use warnings;
use Socket;

my ($port, $count, $text) = @ARGV;
my $to = pack_sockaddr_in($port, inet_aton('127.0.0.1'));
my $made = 0;
for (1 .. $count) {
    socket(my $sock, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
    setsockopt($sock, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) or die "linger: $!\n";
    $made++ if connect($sock, $to);
    syswrite($sock, $text) if defined $text;
    close($sock);
}
print "$made\n";
