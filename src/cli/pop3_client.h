#pragma once

#include "cli/client_driver.h"
#include "pop3/client_session.h"

#include <functional>
#include <memory>

namespace paquebot::cli {

/// Takes a piece of a message (CRLF line ends); an error ends the connection.
using ContentSink = std::function<Result<>(std::string_view)>;

/// A blocking POP3 session. After an error with a code other than Errc::refused it is over.
class Pop3Client {
public:
  /// Connects and logs in. The port, when the target names none, is 995, or 110 for STARTTLS and none.
  static Result<Pop3Client> open(const Target& target);
  ~Pop3Client();
  Pop3Client(Pop3Client&&) noexcept;
  Pop3Client& operator=(Pop3Client&&) noexcept;

  /// Numbers, sizes and UIDLs of all messages. Valid until the next call.
  Result<const std::vector<pop3::MailboxItem>*> list();
  /// The message, or its header and `lines` lines of its body. Errc::refused when the server says no.
  Result<> retrieve(std::uint32_t number, const ContentSink& sink, long lines = -1);
  /// Several at once, in this order, pipelined where the server takes that: `sink` gets the pieces of each, and `done`
  /// each one's end, with Errc::refused when the server says no to it.
  Result<> retrieve_all(std::vector<std::uint32_t> numbers, const ContentSink& sink,
                        const std::function<Result<>(std::uint32_t, const Result<>&)>& done, long lines = -1);
  /// Marks for deletion; quit() deletes.
  Result<> remove(std::uint32_t number);
  Result<> quit();

private:
  struct Impl;
  explicit Pop3Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::cli
