#include "base/text.h"
#include "cli/import.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "control/control.h"
#include "control/target.h"
#include "mail/head.h"
#include "store/types.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMaxLine = 4096;

/// "login:hash[:quota]". Hashes of crypt(3) and argon2id hold no colon.
Result<json::object> read_account_line(std::string_view line) {
  const auto parts = split(line, ':');
  if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty()) {
    return fail(Errc::invalid, "not of the form login:hash[:quota]");
  }
  json::object account{{"login", std::string(trim(parts[0]))}, {"hash", std::string(trim(parts[1]))}};
  if (parts.size() == 3 && !trim(parts[2]).empty()) {
    const auto quota = parse_size(parts[2]);
    if (!quota) return std::unexpected(quota.error());
    account["quota"] = *quota;
  }
  return account;
}

/// Errors that concern one line; any other ends the import.
bool concerns_one(const Error& error) {
  return error.code == Errc::invalid || error.code == Errc::conflict || error.code == Errc::not_found;
}

struct Counts {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
};

Result<Counts> import_lines(Session& session, std::istream& in, const std::string& name) {
  Counts counts;
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    auto text = std::string_view(line);
    if (constexpr std::string_view kMark = "\xEF\xBB\xBF"; number == 1 && text.starts_with(kMark))
      text.remove_prefix(kMark.size());
    text = trim(text);
    if (text.empty() || text.starts_with('#')) continue;
    auto account = text.size() <= kMaxLine ? read_account_line(text) : fail(Errc::invalid, "the line is too long");
    Result<json::value> answer = account ? session.call("POST", "/v1/accounts", control::to_text(*account))
                                         : Result<json::value>(std::unexpected(account.error()));
    if (answer) {
      ++counts.done;
      continue;
    }
    if (!concerns_one(answer.error())) return std::unexpected(answer.error());
    ++counts.failed;
    session.err() << name << ':' << number << ": " << printable(answer.error().message, 1024) << '\n';
  }
  return counts;
}

int report_counts(Session& session, std::uint64_t done, std::uint64_t failed, std::string_view noun) {
  if (session.json) {
    session.out() << control::to_pretty_text(json::object{{"imported", done}, {"failed", failed}});
  } else {
    session.out() << count_text(static_cast<std::int64_t>(done), noun) << " imported";
    if (failed > 0) session.out() << ", " << failed << " not (see above)";
    session.out() << ".\n";
  }
  return failed == 0 ? kOk : kBadData;
}

/// Carries messages to the store over the control API: a small one in one request, the body of a larger one in pieces.
class Carrier {
public:
  Carrier(Session& session, const std::string& login, ProgressBar& bar)
      : session_(session), path_("/v1/accounts/" + control::percent_encode(login) + "/messages"), bar_(bar) {}

  Result<Imported> carry(const ImportedMessage& message, const ImportContent& content) {
    mail::HeadSplitter splitter;
    body_.clear();
    upload_.clear();
    auto carried = read(splitter, content);
    if (carried) carried = hand_in(message, splitter.take_head());
    if (!carried && !upload_.empty()) static_cast<void>(session_.call("DELETE", "/v1/uploads/" + upload_));
    // What the server says of one message is no reason to leave the others behind.
    if (!carried && carried.error().code == Errc::conflict) carried.error().code = Errc::invalid;
    if (!carried) return std::unexpected(carried.error());
    return Imported::now;
  }

private:
  Result<> read(mail::HeadSplitter& splitter, const ImportContent& content) {
    for (;;) {
      const auto piece = content();
      if (!piece) return std::unexpected(piece.error());
      const auto body = piece->empty() ? splitter.finish() : splitter.feed(*piece);
      if (!body) return std::unexpected(body.error());
      body_ += *body;
      bar_.add(piece->size());
      if (piece->empty()) return upload_.empty() ? Result<>{} : flush(0);
      if (!upload_.empty() || body_.size() > control::kWholeBody) {
        if (auto flushed = flush(store::kBodyChunk - 1); !flushed) return flushed;
      }
    }
  }

  /// Uploads until at most `keep` octets are left.
  Result<> flush(std::size_t keep) {
    if (upload_.empty()) {
      const auto begun = session_.call("POST", "/v1/uploads");
      if (!begun) return std::unexpected(begun.error());
      upload_ = std::to_string(control::get_number(*begun, "upload"));
    }
    while (body_.size() > keep) {
      const std::size_t size = std::min(body_.size(), store::kBodyChunk);
      const auto sent = session_.call("POST", "/v1/uploads/" + upload_, std::string_view(body_).substr(0, size));
      if (!sent) return std::unexpected(sent.error());
      body_.erase(0, size);
    }
    return {};
  }

  Result<> hand_in(const ImportedMessage& message, std::string head) {
    using store::Flag;
    const std::uint32_t flags = (message.seen ? Flag::kSeen : 0U) | (message.answered ? Flag::kAnswered : 0U) |
                                (message.flagged ? Flag::kFlagged : 0U) | (message.trashed ? Flag::kDeleted : 0U) |
                                (message.draft ? Flag::kDraft : 0U);
    std::string target = path_ + "?flags=" + std::to_string(flags);
    if (message.internal_date && millis(*message.internal_date) > 0)
      target += "&date=" + std::to_string(millis(*message.internal_date));
    if (!upload_.empty()) target += "&upload=" + upload_;
    head += body_;
    const auto added = session_.call("POST", target, head);
    if (!added) return std::unexpected(added.error());
    upload_.clear();
    return {};
  }

  Session& session_;
  std::string path_;
  ProgressBar& bar_;
  std::string body_;
  std::string upload_; ///< number of the upload under way
};

} // namespace

int import_accounts(Session& session, const Arguments& arguments) {
  const std::string name = arguments.text("FILE");
  std::ifstream file;
  if (name != "-") {
    file.open(name);
    if (!file) {
      session.err() << "paquebot: can't read " << printable(name) << ": " << std::strerror(errno) << '\n';
      return kNoInput;
    }
  }
  const auto counts = import_lines(session, name == "-" ? session.in() : file, printable(name));
  if (!counts) return session.report(counts.error());
  if (counts->done + counts->failed == 0) {
    session.err() << "paquebot: " << printable(name) << " holds no account: there is nothing to import\n";
    return kNoInput;
  }
  return report_counts(session, counts->done, counts->failed, "account");
}

int import_mail(Session& session, const Arguments& arguments) {
  const std::string login = arguments.text("LOGIN");
  const std::string path = arguments.text("PATH");
  // The account first: nobody wants to read a gigabyte to learn of a typing error.
  const auto account = session.call("GET", "/v1/accounts/" + control::percent_encode(login));
  if (!account) return session.report(account.error());
  std::ostream* terminal = session.terminal() && !arguments.has("--quiet") ? &session.err() : nullptr;
  Result<ImportSummary> summary;
  {
    ProgressBar bar(terminal, "importing", octets_of_mailbox(path));
    Carrier carrier(session, control::get_text(*account, "login"), bar);
    summary = import_mailbox(
        path,
        [&](const ImportedMessage& message, const ImportContent& content) { return carrier.carry(message, content); },
        session.err());
  }
  if (!summary) {
    session.report(summary.error());
    return summary.error().code == Errc::not_found ? int{kNoInput} : int{exit_code(summary.error())};
  }
  const int told = report_counts(session, summary->imported, summary->failed, "message");
  return summary->ended ? session.report(*summary->ended) : told;
}

} // namespace paquebot::cli
