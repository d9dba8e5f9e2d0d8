#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "cli/client_driver.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

/// A mailbox that a server has.
struct ImapFolder {
  std::string wire;                 ///< its name as the server writes it
  std::string name;                 ///< UTF-8, levels parted by "/"; INBOX in upper case
  std::string use;                  ///< "\Sent" (RFC 6154); empty: none
  bool prefixed = false;            ///< the name began with "INBOX" and a delimiter
  std::optional<bool> subscribed{}; ///< of a server that says so, of none or all: nothing when none is
};

/// What is in a mailbox.
struct ImapContents {
  std::vector<std::uint32_t> uids;            ///< of all messages, ascending
  std::uint32_t uidvalidity = 0, uidnext = 0; ///< 0: the server does not say
};

/// What a server says of a message without its content.
struct ImapFacts {
  std::uint32_t uid = 0;
  std::vector<std::string> flags; ///< "\Seen", "$Label1"
  std::optional<WallTime> date;   ///< INTERNALDATE
  std::uint64_t size = 0;
  std::string fields; ///< Message-ID, Date, From, To and Subject, as they stand there
};

/// A blocking IMAP session that only reads (RFC 3501, and RFC 9051 where it is compatible). What the server sends is
/// not believed: lines, literals and counts are bounded. After an error with a code other than Errc::refused it is
/// over.
class ImapClient {
public:
  /// Connects and logs in. The port, when the target names none, is 993, or 143 for STARTTLS and none.
  static Result<ImapClient> open(const Target& target);

  /// Those that hold messages, at most kMostFolders; without those that show what is in others as well (\All,
  /// \Flagged).
  Result<std::vector<ImapFolder>> list();
  /// Selects it, read-only.
  Result<ImapContents> examine(const ImapFolder& folder);
  /// Of some uids (at most some hundred); those that are gone are not there.
  Result<std::vector<ImapFacts>> facts(const std::vector<std::uint32_t>& uids);
  /// Begins to read a message; false: it is gone. Then piece() until it gives an empty one, or drop().
  Result<bool> begin(std::uint32_t uid);
  /// Octets as the server sends them; valid until the next call.
  Result<std::string_view> piece();
  /// Reads what is left of the message.
  Result<> drop();
  void quit();

  static constexpr std::size_t kMostFolders = 10'000;

private:
  explicit ImapClient(ClientDriver driver) : driver_(std::move(driver)) {}

  Result<> fill();
  Result<std::string> line();
  Result<std::string> response();
  Result<> send(std::string_view text);
  Result<std::string> command(const std::string& text, const std::function<void(std::string_view)>& untagged);
  Result<> must(const std::string& text, const std::function<void(std::string_view)>& untagged);
  Result<> greet();
  Result<> learn_capabilities();
  void take_capabilities(std::string_view text);
  bool can(std::string_view capability) const;
  Result<> secure();
  Result<> log_in(const Target& target);
  Result<std::string> finish_login(std::string_view secret);
  Result<> end_message();
  Result<> learn_subscriptions(std::vector<ImapFolder>& folders);
  std::unexpected<Error> wrong(Errc code, std::string_view what) const;

  ClientDriver driver_;
  std::string buffer_;
  std::size_t at_ = 0; ///< of the buffer, what was taken
  std::uint32_t window_ = 1;
  std::uint32_t tags_ = 0;
  std::string tag_;
  std::string capabilities_; ///< in lower case, a blank around each
  bool preauth_ = false;
  std::uint64_t left_ = 0; ///< octets of the message that comes as a literal
  std::string short_;      ///< of one that came as a string
  bool reading_ = false;   ///< a message
  std::string piece_;
};

/// What stands in "* n FETCH (…)", literals in it. Nothing when it is no such line, or malformed.
std::optional<ImapFacts> parse_imap_facts(std::string_view response);
/// "* LIST (\Sent) "." Sent"; likewise, and when it can't hold messages or its name can't be read. `subscribed` is true
/// where it says \Subscribed.
std::optional<ImapFolder> parse_imap_folder(std::string_view response);
/// The same of "* LSUB () "." Sent": all of them are subscribed.
std::optional<ImapFolder> parse_imap_subscription(std::string_view response);

} // namespace paquebot::cli
