#include "mailauth/dmarc_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

DmarcReport::Row example_row() {
  DmarcReport::Row row;
  row.disposition = "reject";
  row.dkim = "fail";
  row.spf = "pass";
  row.override_type = "other";
  row.override_comment = "why: 3:x \xff";
  row.header_from = "a.test";
  row.envelope_from = "b.test";
  row.spf_domain = "b.test";
  row.spf_result = "pass";
  row.signatures = {
      {"a.test", "bad", "fail"}, {"c.test", "s", "pass"}, {"m.a.test", "s", "pass"}, {"a.test", "s", "pass"}};
  return row;
}

TEST(DmarcRow, BothWays) {
  const auto read = unpack_dmarc_row(pack_dmarc_row(example_row(), 4096));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->override_comment, "why: 3:x \xff");
  EXPECT_EQ(read->header_from, "a.test");
  EXPECT_EQ(read->spf_result, "pass");
  std::vector<std::string> order;
  for (const auto& signature : read->signatures) order.push_back(signature.domain + " " + signature.result);
  EXPECT_THAT(order, testing::ElementsAre("a.test pass", "m.a.test pass", "c.test pass", "a.test fail"));
  EXPECT_EQ(pack_dmarc_row(*read, 4096), pack_dmarc_row(example_row(), 4096)) << "what is alike is packed alike";
}

TEST(DmarcRow, Bounds) {
  auto row = example_row();
  row.header_from = std::string(100'000, 'x');
  row.signatures.assign(1000, {std::string(255, 'd'), std::string(63, 's'), "pass"});
  const std::string packed = pack_dmarc_row(row, 2048);
  EXPECT_LE(packed.size(), 2048u);
  const auto read = unpack_dmarc_row(packed);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->header_from.size(), 255u);
  EXPECT_GT(read->signatures.size(), 2u);
}

TEST(DmarcRow, Damaged) {
  const std::string packed = pack_dmarc_row(example_row(), 4096);
  const auto whole = unpack_dmarc_row(packed).value();
  for (std::size_t i = 0; i < packed.size(); ++i) {
    const auto read = unpack_dmarc_row(packed.substr(0, i));
    EXPECT_LT(read ? read->signatures.size() : 0, whole.signatures.size()) << i;
  }
  for (const char* text : {"", "x", "5:abc", "99999999999999999999:", ":", "-1:"}) EXPECT_FALSE(unpack_dmarc_row(text));
}

TEST(DmarcRow, RecordBothWays) {
  for (const char* text : {"v=DMARC1; p=none", "v=DMARC1; p=reject; sp=none; np=quarantine; adkim=s; aspf=s; t=y",
                           "v=DMARC1; p=none; rua=mailto:a@a.test,mailto:b%2Cc@b.test"})
    EXPECT_EQ(compose_dmarc_record(*parse_dmarc_record(text)), text);
}

} // namespace
} // namespace paquebot::mailauth
