# Which addresses programs in Perl read in a From field, for tests/e2e/judges.py.
#   perl read_from.pl < fields
# A field is one line, its value in hexadecimal digits. For each, one line: the addresses, parted by tabs, each in hexadecimal digits.
use strict;
use warnings;
use Email::Address;
use Email::Address::XS;
use Mail::Address;

$| = 1;
while (my $line = <STDIN>) {
  chomp $line;
  my $value = pack('H*', $line);
  my @found = map { $_->address } Email::Address->parse($value);
  push @found, map { $_->address } Email::Address::XS->parse($value);
  push @found, map { $_->address } eval { Mail::Address->parse($value) };
  print join("\t", map { unpack('H*', $_) } grep { defined } @found), "\n";
}
