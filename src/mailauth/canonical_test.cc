#include "base/encoding.h"
#include "mailauth/canonical.h"

#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

struct Case {
  const char* body;
  const char* simple;
  const char* relaxed;
};

Digest hashed(Canonical form, std::string_view body, std::size_t chunk, std::uint64_t* size = nullptr) {
  BodyHash hash(form);
  for (std::size_t i = 0; i < body.size(); i += chunk) hash.feed(body.substr(i, chunk));
  const Digest digest = hash.finish();
  if (size) *size = hash.size();
  return digest;
}

TEST(Canonical, Body) {
  const Case cases[] = {
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\n\r\n\r\n", "\r\n", ""},
      {" \r\n\t\r\n", " \r\n\t\r\n", ""},
      {" ", " \r\n", ""},
      {"a", "a\r\n", "a\r\n"},
      {"a\r\n", "a\r\n", "a\r\n"},
      {"a\r\n\r\n\r\n", "a\r\n", "a\r\n"},
      {" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"}, // RFC 6376 section 3.4.5
      {"a\r\n \r\nb", "a\r\n \r\nb\r\n", "a\r\n\r\nb\r\n"},
      {"\r\n\r\na", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
      {"a\rb\nc", "a\rb\nc\r\n", "a\rb\nc\r\n"},
      {"a\r\r\n", "a\r\r\n", "a\r\r\n"},
      {"a\r", "a\r\r\n", "a\r\r\n"},
      {"a \rb", "a \rb\r\n", "a \rb\r\n"},
      {"a\r\n\r", "a\r\n\r\r\n", "a\r\n\r\r\n"},
      {"a \t \r\n", "a \t \r\n", "a\r\n"},
      {"\ta", "\ta\r\n", " a\r\n"},
  };
  for (const auto& c : cases) {
    for (std::size_t chunk = 1; chunk <= 4; ++chunk) {
      EXPECT_EQ(hashed(Canonical::simple, c.body, chunk), sha256(c.simple)) << c.body;
      EXPECT_EQ(hashed(Canonical::relaxed, c.body, chunk), sha256(c.relaxed)) << c.body;
    }
  }
}

TEST(Canonical, LargeBody) {
  std::string body, relaxed;
  for (int i = 0; i < 5000; ++i) {
    body += "line  " + std::to_string(i) + " \t of text \r\n";
    relaxed += "line " + std::to_string(i) + " of text\r\n";
  }
  for (const std::size_t chunk : {1u, 7u, 8192u, 1000000u}) {
    EXPECT_EQ(hashed(Canonical::simple, body, chunk), sha256(body));
    EXPECT_EQ(hashed(Canonical::relaxed, body, chunk), sha256(relaxed));
  }
}

TEST(Canonical, Limit) {
  for (const std::uint64_t limit : {0u, 1u, 5u, 8191u, 8192u, 8193u, 20000u, 99999u}) {
    const std::string body = std::string(20000, 'x');
    BodyHash hash(Canonical::relaxed, limit);
    hash.feed(body);
    EXPECT_EQ(hash.finish(), sha256((body + "\r\n").substr(0, limit))) << limit;
    EXPECT_EQ(hash.size(), 20002u);
  }
}

TEST(Canonical, RfcEmptyBodyHashes) { // RFC 6376 sections 3.4.3 and 3.4.4
  EXPECT_EQ(base64_encode(view(hashed(Canonical::simple, "", 1))), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  EXPECT_EQ(base64_encode(view(hashed(Canonical::relaxed, "", 1))), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(Canonical, Fields) {
  const auto head = mail::Head::parse("A: X\r\nB : Y\t\r\n\tZ  \r\nc:\r\nD: \r\n\r\n");
  std::string simple, relaxed;
  for (const auto& field : *head) {
    append_canonical(simple, field, Canonical::simple);
    append_canonical(relaxed, field, Canonical::relaxed);
  }
  EXPECT_EQ(simple, "A: X\r\nB : Y\t\r\n\tZ  \r\nc:\r\nD: \r\n");
  EXPECT_EQ(relaxed, "a:X\r\nb:Y Z\r\nc:\r\nd:\r\n");
}

TEST(Canonical, OwnField) {
  const std::pair<const char*, const char*> cases[] = {
      {"Sig: v=1; b=abc;\r\n\tbh=x\r\n", "Sig: v=1; b=;\r\n\tbh=x"},
      {"Sig: v=1; bh=x; b = a b\r\n\tc \r\n", "Sig: v=1; bh=x; b ="},
      {"Sig: b=;c=d\r\n", "Sig: b=;c=d"},
      {"Sig: bb=b=c\r\n", "Sig: bb=b=c"},
  };
  for (const auto& [raw, simple] : cases) {
    std::string out;
    append_canonical_signature(out, mail::Field{raw, 3}, Canonical::simple);
    EXPECT_EQ(out, simple);
  }
  std::string out;
  append_canonical_signature(out, mail::Field{"Sig:  v=1;\r\n\tb=abc\r\n", 3}, Canonical::relaxed);
  EXPECT_EQ(out, "sig:v=1; b=");
}

TEST(Canonical, PicksFromTheBottom) {
  const auto head = mail::Head::parse("A: 1\r\nB: 2\r\na: 3\r\n\r\n");
  FieldPicker picker(*head, {"a", "b", "c", "a", "a"});
  EXPECT_EQ(picker.left("a"), 2u);
  EXPECT_EQ(picker.take("a")->value(), " 3");
  EXPECT_EQ(picker.take("a")->value(), " 1");
  EXPECT_EQ(picker.take("a"), nullptr);
  EXPECT_EQ(picker.take("c"), nullptr);
  EXPECT_EQ(picker.take("z"), nullptr);
  EXPECT_EQ(picker.left("b"), 1u);
}

} // namespace
} // namespace paquebot::mailauth
