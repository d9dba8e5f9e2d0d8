# Signs and verifies many messages with Mail::DKIM, for tests/e2e/judges.py.
#   perl mail_dkim.pl NAMESERVER PORT < jobs
# A job is one line, its parts parted by tabs: "verify FILE", "arc FILE" or "sign FILE KEYFILE DOMAIN SELECTOR METHOD IDENTITY EXPIRES".
# For each, one line: a verification's results, a chain's result, or the signature's field in hexadecimal digits.
use strict;
use warnings;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use Net::DNS;

Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => [$ARGV[0]], port => $ARGV[1], recurse => 1, persistent_udp => 1));

sub content {
  my ($name) = @_;
  open(my $file, '<:raw', $name) or die "$name: $!";
  local $/;
  return <$file> // '';
}

$| = 1;
while (my $line = <STDIN>) {
  chomp $line;
  my ($what, $name, $key, $domain, $selector, $method, $identity, $expires) = split /\t/, $line;
  if ($what eq 'arc') {
    my $verifier = Mail::DKIM::ARC::Verifier->new();
    $verifier->PRINT(content($name));
    $verifier->CLOSE;
    print $verifier->result, "\n";
  } elsif ($what eq 'verify') {
    my $verifier = Mail::DKIM::Verifier->new();
    $verifier->PRINT(content($name));
    $verifier->CLOSE;
    print join(' ', map { $_->result } $verifier->signatures), "\n";
  } else {
    my %more;
    $more{Identity} = $identity if $identity;
    my $signer = Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => $method, Domain => $domain, Selector => $selector,
      KeyFile => $key, Timestamp => time(), $expires ? (Expiration => time() + $expires) : (), %more);
    $signer->PRINT(content($name));
    $signer->CLOSE;
    print unpack('H*', $signer->signature->as_string), "\n";
  }
}
