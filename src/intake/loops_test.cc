#include "intake/loops.h"

#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

mail::Head head_of(const std::string& fields) { return mail::Head::parse(fields + "\r\n").value(); }

queue::DraftRecipient leads_to(std::vector<std::string> addresses) {
  queue::DraftRecipient recipient;
  for (std::string& address : addresses) recipient.nodes.push_back({.address = std::move(address), .reason = {}});
  return recipient;
}

TEST(Loops, CountsTheServersOnTheWay) {
  std::string fields;
  for (int i = 0; i < 3; ++i) fields += "Received: from a by b; Mon, 23 Nov 2026 11:58:12 +0000\r\n";
  const mail::Head head = head_of(fields);
  EXPECT_EQ(Loops(head, 3).hops().code, 0);
  EXPECT_EQ(Loops(head, 2).hops().to_string(),
            "554 5.4.6 this message has passed through too many servers: it seems to go round in a loop");
  EXPECT_EQ(Loops(head, 2).any({}).code, 554);
}

TEST(Loops, KnowsWhereTheMessageWas) {
  const mail::Head head = head_of("Delivered-To: Ann@Example.org\r\nDelivered-To: list@example.org\r\n");
  const Loops loops(head, 100);
  EXPECT_EQ(loops.hops().code, 0);
  EXPECT_EQ(loops.of(leads_to({"bob@example.org"})).code, 0);
  EXPECT_EQ(loops.of(leads_to({"bob@example.org", "ANN@example.org"})).to_string(),
            "554 5.4.6 this message was at ann@example.org before: forwarding goes round in a loop");
  EXPECT_EQ(loops.any({leads_to({"bob@example.org"})}).code, 0);
  EXPECT_EQ(loops.any({leads_to({"bob@example.org"}), leads_to({"list@example.org"})}).code, 554);
}

TEST(Loops, NothingOfAMessageThatIsNew) {
  const mail::Head head = head_of("Subject: x\r\n");
  EXPECT_EQ(Loops(head, 1).any({leads_to({"ann@example.org"})}).code, 0);
}

} // namespace
} // namespace paquebot::intake
