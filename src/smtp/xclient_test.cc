#include "smtp/xclient.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace paquebot::smtp {
namespace {

const ToldPeer kBefore{.name = "old.example",
                       .address = "192.0.2.9",
                       .port = 9,
                       .helo = "old",
                       .extended = true,
                       .dest_address = "198.51.100.9",
                       .dest_port = 99};

/// What is known after a command, or the first word of the refusal.
std::string after(std::string_view arguments) {
  const auto told = parse_xclient(arguments, kBefore);
  if (!told) return std::string(told.error().substr(0, 9));
  return fmt::format("{}|{}|{}|{}|{}|{}|{}", told->name, told->address, told->port, told->helo,
                     told->extended ? (*told->extended ? "ESMTP" : "SMTP") : "", told->dest_address, told->dest_port);
}

TEST(Xclient, OverridesWhatIsNamed) {
  const struct {
    std::string_view arguments, wanted;
  } cases[] = {
      {"ADDR=203.0.113.5", "old.example|203.0.113.5|9|old|ESMTP|198.51.100.9|99"},
      {"addr=ipv6:2001:DB8:0::5 Port=1234", "old.example|2001:db8::5|1234|old|ESMTP|198.51.100.9|99"},
      {"ADDR=IPV6:::ffff:203.0.113.5", "old.example|203.0.113.5|9|old|ESMTP|198.51.100.9|99"},
      {"NAME=mx+2Eexample HELO=x+2By", "mx.example|192.0.2.9|9|x+y|ESMTP|198.51.100.9|99"},
      {"PROTO=smtp DESTADDR=127.0.0.1 DESTPORT=25", "old.example|192.0.2.9|9|old|SMTP|127.0.0.1|25"},
      {"NAME=[UNAVAILABLE] ADDR=[unavailable] PORT=[UNAVAILABLE] HELO=[TEMPUNAVAIL] PROTO=[UNAVAILABLE]",
       "||0|||198.51.100.9|99"},
      {"LOGIN=[UNAVAILABLE]", "old.example|192.0.2.9|9|old|ESMTP|198.51.100.9|99"},
      {"  PORT=0  ", "old.example|192.0.2.9|0|old|ESMTP|198.51.100.9|99"},
  };
  for (const auto& c : cases) EXPECT_EQ(after(c.arguments), c.wanted) << c.arguments;
}

TEST(Xclient, Refuses) {
  for (const std::string_view arguments : {"ADDR",
                                           "ADDR=",
                                           "=1.2.3.4",
                                           "ADDR=1.2.3",
                                           "ADDR=2001:db8::1",
                                           "ADDR=IPV6:1.2.3.4",
                                           "ADDR=[1.2.3.4]",
                                           "ADDR=1.2.3.4 addr=1.2.3.4",
                                           "PORT=65536",
                                           "PORT=-1",
                                           "PORT=x",
                                           "PROTO=LMTP",
                                           "NAME=a+20b",
                                           "NAME=a+0D+0Ab",
                                           "HELO=+00",
                                           "HELO=a+2",
                                           "NAME=a+zzb",
                                           "WHAT=1",
                                           "ADDR=1.2.3.4+00",
                                           "NAME=\xC3\xA9"})
    EXPECT_EQ(after(arguments), "501 5.5.4") << arguments;
  EXPECT_EQ(after("HELO=" + std::string(256, 'x')), "501 5.5.4");
  EXPECT_EQ(after("LOGIN=alice"), "550 5.7.0");
}

} // namespace
} // namespace paquebot::smtp
