#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/import.h"
#include "cli/maildir_uidls.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/temp_file.h"
#include "cli/verbs.h"
#include "control/control.h"
#include "control/target.h"
#include "mail/head.h"
#include "mailauth/crypto.h"
#include "store/types.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>

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
  std::uint64_t before = 0; ///< there already: the import was run again
  std::uint64_t failed = 0;
};

/// And no alias.
bool is_account(Session& session, const json::object& wanted) {
  return session.call("GET", "/v1/accounts/" + control::path_encode(control::get_text(wanted, "login"))).has_value();
}

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
    if (answer.error().code == Errc::conflict && is_account(session, *account)) {
      ++counts.before;
      continue;
    }
    if (!concerns_one(answer.error())) return std::unexpected(answer.error());
    ++counts.failed;
    session.err() << name << ':' << number << ": " << printable(answer.error().message, 1024) << '\n';
  }
  return counts;
}

int report_counts(Session& session, std::uint64_t done, std::uint64_t before, std::uint64_t failed,
                  std::string_view noun) {
  if (session.json) {
    session.out() << control::to_pretty_text(json::object{{"imported", done}, {"before", before}, {"failed", failed}});
  } else {
    session.out() << count_text(static_cast<std::int64_t>(done), noun) << " imported";
    if (before > 0) session.out() << ", " << before << " there before";
    if (failed > 0) session.out() << ", " << failed << " not (see above)";
    session.out() << ".\n";
  }
  return failed == 0 ? kOk : kBadData;
}

/// Carries messages to the store over the control API: a small one in one request, the body of a larger one in pieces.
/// What tells a message from others is its content, and how many of the same there were before it in the mailbox.
class Carrier {
public:
  Carrier(Session& session, const std::string& login, ProgressBar& bar, bool again)
      : session_(session), path_("/v1/accounts/" + control::path_encode(login) + "/messages"), bar_(bar),
        again_(again) {}

  Result<Imported> carry(const ImportedMessage& message, const ImportContent& content) {
    mail::HeadSplitter splitter;
    body_.clear();
    upload_.clear();
    spilled_.reset();
    static_cast<void>(hash_.finish()); // of one that broke off
    auto digest = read(splitter, content);
    Result<Imported> carried =
        digest ? bring(message, splitter.take_head(), *digest) : Result<Imported>(std::unexpected(digest.error()));
    if (!carried && !upload_.empty()) static_cast<void>(session_.call("DELETE", "/v1/uploads/" + upload_));
    // What the server says of one message is no reason to leave the others behind.
    if (!carried && carried.error().code == Errc::conflict) carried.error().code = Errc::invalid;
    return carried;
  }

private:
  /// The whole message, the body of a large one into a file. Returns what tells it from others, in hexadecimal digits.
  Result<std::string> read(mail::HeadSplitter& splitter, const ImportContent& content) {
    for (;;) {
      const auto piece = content();
      if (!piece) return std::unexpected(piece.error());
      hash_.update(*piece);
      const auto body = piece->empty() ? splitter.finish() : splitter.feed(*piece);
      if (!body) return std::unexpected(body.error());
      body_ += *body;
      bar_.add(piece->size());
      if (body_.size() > control::kWholeBody && !spilled_) {
        auto file = TempFile::make();
        if (!file) return std::unexpected(file.error());
        spilled_.emplace(std::move(*file));
      }
      if (spilled_) {
        if (auto kept = spilled_->append(body_); !kept) return std::unexpected(kept.error());
        body_.clear();
      }
      if (piece->empty()) return number(mailauth::view(hash_.finish()));
    }
  }

  /// Two messages of the same octets are two messages, today as well as at the next run.
  std::string number(std::string_view digest) {
    std::string key(digest.substr(0, kDigest));
    const unsigned before = seen_[key]++;
    if (before > 0)
      key = std::string(mailauth::view(mailauth::sha256(key + std::to_string(before)))).substr(0, kDigest);
    return hex_encode(key);
  }

  Result<Imported> bring(const ImportedMessage& message, std::string head, const std::string& digest) {
    if (spilled_) {
      const auto known =
          again_ ? Result<json::value>(json::object{}) : session_.call("GET", path_ + "?digest=" + digest);
      if (!known) return std::unexpected(known.error());
      if (control::get_bool(*known, "imported")) return Imported::before;
      if (auto sent = upload(); !sent) return std::unexpected(sent.error());
    }
    return hand_in(message, std::move(head), digest);
  }

  Result<> upload() {
    const auto begun = session_.call("POST", "/v1/uploads");
    if (!begun) return std::unexpected(begun.error());
    upload_ = std::to_string(control::get_number(*begun, "upload"));
    if (auto rewound = spilled_->rewind(); !rewound) return rewound;
    std::string piece(store::kBodyChunk, '\0');
    for (;;) {
      const auto got = spilled_->read(piece.data(), piece.size());
      if (!got) return std::unexpected(got.error());
      if (*got == 0) return {};
      const auto sent = session_.call("POST", "/v1/uploads/" + upload_, std::string_view(piece).substr(0, *got));
      if (!sent) return std::unexpected(sent.error());
    }
  }

  std::string uidl_of(const ImportedMessage& message, const std::string& head) const {
    if (!message.head_has_uidl) return message.uidl;
    const auto fields = mail::Head::parse(head);
    const std::string uidl = fields ? fields->value("X-UIDL") : std::string();
    return is_uidl(uidl) ? uidl : std::string();
  }

  Result<Imported> hand_in(const ImportedMessage& message, std::string head, const std::string& digest) {
    using store::Flag;
    const std::uint32_t flags = (message.seen ? Flag::kSeen : 0U) | (message.answered ? Flag::kAnswered : 0U) |
                                (message.flagged ? Flag::kFlagged : 0U) | (message.trashed ? Flag::kDeleted : 0U) |
                                (message.draft ? Flag::kDraft : 0U);
    std::string target = path_ + "?flags=" + std::to_string(flags);
    if (message.internal_date && millis(*message.internal_date) > 0)
      target += "&date=" + control::percent_encode(log::time_of(*message.internal_date));
    if (!upload_.empty()) target += "&upload=" + upload_;
    if (!again_) target += "&digest=" + digest;
    if (const std::string uidl = uidl_of(message, head); !uidl.empty())
      target += "&uidl=" + control::percent_encode(uidl);
    head += body_;
    const auto added = session_.call("POST", target, head);
    if (!added) return std::unexpected(added.error());
    upload_.clear();
    return control::get_text(*added, "imported") == "before" ? Imported::before : Imported::now;
  }

  static constexpr std::size_t kDigest = 16; ///< octets
  Session& session_;
  std::string path_;
  ProgressBar& bar_;
  bool again_; ///< take what was imported before
  std::string body_;
  std::optional<TempFile> spilled_; ///< the body of a large message
  std::string upload_;              ///< number of the upload under way
  mailauth::Sha256 hash_;
  std::map<std::string, unsigned> seen_; ///< how many messages of these octets there were
};

int report_mail(Session& session, const ImportSummary& summary) {
  return report_counts(session, summary.imported, summary.before, summary.failed, "message");
}

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
  if (counts->done + counts->before + counts->failed == 0) {
    session.err() << "paquebot: " << printable(name) << " holds no account: there is nothing to import\n";
    return kNoInput;
  }
  return report_counts(session, counts->done, counts->before, counts->failed, "account");
}

int import_mail(Session& session, const Arguments& arguments) {
  const std::string login = arguments.text("LOGIN");
  const std::string path = arguments.text("PATH");
  // The account first: nobody wants to read a gigabyte to learn of a typing error.
  const auto account = session.call("GET", "/v1/accounts/" + control::path_encode(login));
  if (!account) return session.report(account.error());
  std::ostream* terminal = session.terminal() && !arguments.has("--quiet") ? &session.err() : nullptr;
  Result<ImportSummary> summary;
  {
    ProgressBar bar(terminal, "importing", octets_of_mailbox(path));
    Carrier carrier(session, control::get_text(*account, "login"), bar, arguments.has("--again"));
    summary = import_mailbox(
        path,
        [&](const ImportedMessage& message, const ImportContent& content) { return carrier.carry(message, content); },
        session.err());
  }
  if (!summary) {
    session.report(summary.error());
    return summary.error().code == Errc::not_found ? int{kNoInput} : int{exit_code(summary.error())};
  }
  const int told = report_mail(session, *summary);
  return summary->ended ? session.report(*summary->ended) : told;
}

} // namespace paquebot::cli
