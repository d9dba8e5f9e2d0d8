# Asks Mail::SPF about many senders, for tests/e2e/judges.py.
#   perl mail_spf.pl NAMESERVER PORT < cases
# A case is one line: SCOPE IDENTITY IP HELO, parted by tabs; SCOPE is mfrom or helo. For each, one line with the result.
use strict;
use warnings;
use Mail::SPF;
use Net::DNS;

my $dns = Net::DNS::Resolver->new(nameservers => [$ARGV[0]], port => $ARGV[1], recurse => 1, persistent_udp => 1, udp_timeout => 5);
my $server = Mail::SPF::Server->new(dns_resolver => $dns, hostname => 'judge.test');
$| = 1;
while (my $line = <STDIN>) {
  chomp $line;
  my ($scope, $identity, $ip, $helo) = split /\t/, $line;
  my $result = eval {
    my $request = Mail::SPF::Request->new(versions => [1], scope => $scope, identity => $identity, ip_address => $ip, helo_identity => $helo);
    $server->process($request)->code;
  } // 'error';
  print "$result\n";
}
