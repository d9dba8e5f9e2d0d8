#include "intake/content.h"
#include "intake/test_passage.h"

namespace paquebot::intake {
namespace {

using test::run_step;
using test::run_task;

class ContentTest : public test::PassageTest {
protected:
  /// The whole of a message, in pieces.
  void take(Content& content, const std::string& text, std::size_t piece) {
    for (std::size_t i = 0; i < text.size(); i += piece)
      run_step(content.write(std::string_view(text).substr(i, piece)));
    run_step(content.end());
    run_step(content.settle());
  }
};

TEST_F(ContentTest, KnowsTheHeadFromTheBodyInAnyPieces) {
  for (const std::size_t piece : {1, 7, 1000}) {
    Passage& message = begin(from_stranger());
    Content content(message);
    take(content, "Subject: x\r\nTo: y\r\n\r\nSome text\r\n", piece);
    EXPECT_EQ(message.head.value("To"), "y");
    EXPECT_FALSE(message.has_8bit);
    ASSERT_TRUE(message.body);
    EXPECT_EQ(content.take().bytes, "Some text\r\n") << piece;
    EXPECT_FALSE(message.body);
  }
}

TEST_F(ContentTest, TakesASmallMessageWithoutWaiting) {
  Passage& message = begin(from_stranger());
  Content content(message);
  EXPECT_FALSE(content.end_now()); // no head yet
  EXPECT_TRUE(content.write_now("Subject: x\r\n\r\nSm\xc3\xa9ll\r\n"));
  EXPECT_FALSE(content.write_now(std::string(store::kBodyChunk, 'x')));
  EXPECT_TRUE(content.end_now());
  EXPECT_TRUE(message.has_8bit);
  EXPECT_TRUE(content.settle_now());
  const store::NewBody body = content.take();
  EXPECT_EQ(body.bytes, "Sm\xc3\xa9ll\r\n");
  EXPECT_EQ(body.type, mail::BodyType::eight_bit);
}

TEST_F(ContentTest, AHeadWithoutEndIsRefusedAndTheRestSwallowed) {
  Passage& message = begin(from_stranger());
  Content content(message);
  const std::string line = "X-Long: " + std::string(54, 'x') + "\r\n";
  for (std::size_t i = 0; i < store::kMaxHead; i += line.size()) run_step(content.write(line));
  EXPECT_EQ(message.failure.to_string(), "552 5.3.4 the header block is larger than 1 MiB");
  EXPECT_FALSE(content.write_now("x\r\n"));
  EXPECT_FALSE(content.end_now());
  run_step(content.end());
  EXPECT_EQ(message.failure.code, 552);
}

TEST_F(ContentTest, ALargeBodyIsStagedAndGoesWhenItIsDropped) {
  Passage& message = begin(from_stranger());
  Content content(message);
  take(content, "Subject: x\r\n\r\n" + std::string(store::kBodyChunk, 'x') + "\r\n", 64u << 10);
  ASSERT_TRUE(message.body);
  EXPECT_TRUE(message.body->staged);
  EXPECT_EQ(message.body->size, store::kBodyChunk + 2);
  content.drop();
  EXPECT_FALSE(message.body);
}

TEST_F(ContentTest, WhatIsBinaryBecomesLinesForAMailbox) {
  const std::string text =
      "MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n"
      "a\nb";
  Origin origin = from_stranger();
  origin.sender.body = mail::BodyType::binary;
  Passage& message = begin(std::move(origin));
  Content content(message);
  EXPECT_FALSE(content.write_now(text));
  take(content, text, 10);
  EXPECT_EQ(message.head.value("Content-Transfer-Encoding"), "base64");
  EXPECT_EQ(message.origin.sender.body, mail::BodyType::seven_bit);
  EXPECT_EQ(content.take().bytes, "YQpi\r\n");
}

TEST_F(ContentTest, WhatIsBinaryStaysSoWhereAllOfItGoesElsewhere) {
  const std::string text = "Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb";
  Origin origin = from_ann();
  origin.sender.body = mail::BodyType::binary;
  origin.recipients.assign(1, recipient("x@far.test", store::Handling::remote));
  Passage& message = begin(std::move(origin));
  Content content(message);
  take(content, text, 10);
  EXPECT_EQ(message.head.value("Content-Transfer-Encoding"), "binary");
  const store::NewBody body = content.take();
  EXPECT_EQ(body.bytes, "a\nb");
  EXPECT_EQ(body.type, mail::BodyType::binary);
}

} // namespace
} // namespace paquebot::intake
