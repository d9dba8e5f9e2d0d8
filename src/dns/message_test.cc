#include "dns/message.h"
#include "dns/test_server.h"

#include <gtest/gtest.h>

namespace paquebot::dns {
namespace {

using test::wire16;
using test::wire_name;

const Packet kKeys{.id = 0x1234, .name = ".", .type = kTypeDnskey};

/// Head and question of a reply to kKeys, with so many answers.
std::string reply_head(unsigned flags, unsigned answers, unsigned id = 0x1234) {
  return wire16(id) + wire16(flags) + wire16(1) + wire16(answers) + wire16(0) + wire16(0) + wire_name("") +
         wire16(kTypeDnskey) + wire16(1);
}

std::string reply_record(unsigned type, const std::string& data) {
  return wire16(0xc00c) + wire16(type) + wire16(1) + wire16(0) + wire16(60) +
         wire16(static_cast<unsigned>(data.size())) + data;
}

TEST(Message, AsksWithAndWithoutExtensions) {
  const std::string query = compose_query(kKeys);
  EXPECT_EQ(query, wire16(0x1234) + wire16(0x0120) + wire16(1) + wire16(0) + wire16(0) + wire16(1) + wire_name("") +
                       wire16(48) + wire16(1) + std::string(1, '\0') + wire16(41) + wire16(1232) + wire16(0) +
                       wire16(0x8000) + wire16(0));
  const std::string plain = compose_query({.id = 1, .name = "mx.a.test", .type = 1, .edns = false});
  EXPECT_EQ(plain, wire16(1) + wire16(0x0100) + wire16(1) + wire16(0) + wire16(0) + wire16(0) + wire_name("mx.a.test") +
                       wire16(1) + wire16(1));
}

TEST(Message, ReadsReplies) {
  const auto reply =
      parse_reply(reply_head(0x85a0, 2) + reply_record(48, "key") + reply_record(46, "signature"), kKeys);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->rcode, 0u);
  EXPECT_TRUE(reply->authentic);
  EXPECT_FALSE(reply->truncated);
  ASSERT_EQ(reply->answers.size(), 2u);
  EXPECT_EQ(reply->answers[1].type, kTypeRrsig);
  EXPECT_EQ(reply->answers[1].data, "signature");
  EXPECT_EQ(parse_reply(reply_head(0x8183, 0), kKeys)->rcode, kRcodeNxdomain);
  EXPECT_TRUE(parse_reply(reply_head(0x8380, 1) + "cut o", kKeys)->truncated);
  // Without the question, as some refuse.
  EXPECT_EQ(parse_reply(wire16(0x1234) + wire16(0x8185) + std::string(8, '\0'), kKeys)->rcode, 5u);
}

TEST(Message, WhatIsNoReplyIsNone) {
  const std::string good = reply_head(0x8180, 1) + reply_record(48, "key");
  ASSERT_TRUE(parse_reply(good, kKeys));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(parse_reply(good.substr(0, size), kKeys)) << size;
  EXPECT_FALSE(parse_reply(reply_head(0x8180, 0, 0x1235), kKeys)); // another's
  EXPECT_FALSE(parse_reply(reply_head(0x0180, 0), kKeys));         // a question
  std::string other = reply_head(0x8180, 0);
  other[other.size() - 3] = 1;
  EXPECT_FALSE(parse_reply(other, kKeys)); // another question
  EXPECT_FALSE(parse_reply(wire16(0x1234) + wire16(0x8180) + std::string(8, '\0'), kKeys));
  EXPECT_FALSE(parse_reply(
      reply_head(0x8180, 1) + "\x50" + std::string(80, 'a') + '\0' + reply_record(48, "k").substr(2), kKeys));
}

} // namespace
} // namespace paquebot::dns
