#pragma once

#include "pop3/client_session.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::pop3 {

/// What a server says in its CAPA reply that a client makes use of (RFC 2449 section 6).
struct Capabilities {
  std::size_t lines = 0; ///< of the reply
  bool stls = false, pipelining = false, utf8 = false, utf8_user = false;
  std::vector<std::string> sasl; ///< names of mechanisms

  /// One line of it. False: there are more than anybody needs (1000).
  bool line(std::string_view text);
};

/// A mailbox as LIST and then UIDL tell it, a row at a time.
class Listing {
public:
  void clear();
  /// "NUMBER SIZE", in ascending order (RFC 1939 section 5). False: it can't be read.
  bool size_row(std::string_view text);
  /// "NUMBER NAME" of UIDL, in ascending order; names of messages that LIST did not have are passed over. False: it
  /// can't be read.
  bool name_row(std::string_view text);
  const std::vector<MailboxItem>& items() const { return items_; } ///< ascending numbers

private:
  std::vector<MailboxItem> items_;
  std::size_t named_ = 0; ///< where the next name may belong to
};

} // namespace paquebot::pop3
