#pragma once

// For tests only: messages as text, keys, and the records that go with them.

#include "base/clock.h"
#include "dns/fake_zone.h"
#include "mail/head.h"
#include "mailauth/dkim_key.h"
#include "mailauth/dkim_sign.h"
#include "mailauth/dkim_verify.h"
#include "net/test_support.h"

#include <memory>
#include <string>
#include <vector>

namespace paquebot::mailauth::test {

/// A letter of the domain author.test, with LF.
inline constexpr const char* kLetter = R"(From: A <a@author.test>
To: b@b.test
Subject: Hello
Date: Mon, 23 Nov 2026 11:58:12 +0000
Message-ID: <1@author.test>

Some text.
)";

/// Lines ending in LF become lines ending in CRLF.
inline std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

struct Message {
  mail::Head head;
  std::string body;
};

/// Takes a whole message with CRLF apart.
inline Message message_of(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  Message m;
  m.head = *mail::Head::parse(std::string(text.substr(0, end == std::string_view::npos ? end : end + 2)));
  if (end != std::string_view::npos) m.body = text.substr(end + 4);
  return m;
}

/// One key of each kind for the whole test program: RSA keys are slow to make.
inline const PrivateKey& test_key(KeyKind kind) {
  static const PrivateKey rsa = PrivateKey::generate(KeyKind::rsa);
  static const PrivateKey ed25519 = PrivateKey::generate(KeyKind::ed25519);
  return kind == KeyKind::rsa ? rsa : ed25519;
}

inline std::shared_ptr<const SigningKey> signing_key(KeyKind kind, const std::string& domain,
                                                     const std::string& selector) {
  return std::make_shared<const SigningKey>(SigningKey{domain, selector, test_key(kind)});
}

inline void publish(dns::FakeZone& zone, const SigningKey& key) {
  zone.add(dkim_key_name(key.selector, key.domain), dns::Type::txt, {dkim_record_of(key.key)});
}

/// Verifies a message, its body in chunks of `chunk` octets.
inline std::vector<DkimVerdict> verify(const Message& m, dns::Resolver& zone, WallTime now, std::size_t chunk = 1000,
                                       DkimOptions options = {}) {
  DkimVerifier verifier(m.head, now, options);
  for (std::size_t i = 0; i < m.body.size(); i += chunk) verifier.body(std::string_view(m.body).substr(i, chunk));
  DkimKeyCache cache;
  net::test::Loop loop;
  return loop.run(verifier.finish(zone, cache));
}

} // namespace paquebot::mailauth::test
