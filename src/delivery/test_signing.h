#pragma once

// For tests only: keys in a store, messages in hand, and what a peer gets of them.

#include "delivery/content.h"
#include "directory/test_server.h"
#include "mailauth/test_message.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::delivery::test {

inline store::DkimKey key_of(mailauth::KeyKind kind, const std::string& selector,
                             store::DkimKey::State state = store::DkimKey::State::active) {
  using Algorithm = store::DkimKey::Algorithm;
  return {.domain = {},
          .selector = selector,
          .algorithm = kind == mailauth::KeyKind::rsa ? Algorithm::rsa : Algorithm::ed25519,
          .state = state,
          .private_key = mailauth::test::test_key(kind).to_pem()};
}

inline void add_keys(store::Store& store, const std::string& domain, std::vector<store::DkimKey> keys) {
  const auto added = directory::run_task(store.keys().add_dkim_keys(domain, std::move(keys)));
  ASSERT_TRUE(added) << added.error().message;
}

/// A message in hand, with its content in memory.
inline queue::Job job_of(const Ulid& id, store::MessageClass klass, const std::string& text) {
  const auto end = text.find("\r\n\r\n") + 4;
  auto request = std::make_shared<store::AcceptRequest>();
  request->head = text.substr(0, end);
  request->body.bytes = text.substr(end);
  request->body.size = request->body.bytes.size();
  queue::Job out;
  out.message.id = id;
  out.message.klass = klass;
  out.message.body.size = request->body.size;
  out.fresh = std::move(request);
  return out;
}

/// The rest of the content.
inline std::string read_all(Content& content) {
  std::string out;
  for (;;) {
    const auto piece = directory::run_task(content.next());
    EXPECT_TRUE(piece);
    if (!piece || piece->empty()) break;
    out += *piece;
  }
  EXPECT_EQ(out.size(), content.size());
  return out;
}

} // namespace paquebot::delivery::test
