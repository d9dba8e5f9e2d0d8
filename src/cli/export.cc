#include "cli/export.h"

#include "base/encoding.h"
#include "base/text.h"
#include "control/control.h"
#include "control/target.h"

#include <ostream>
#include <utility>

namespace paquebot::cli {
namespace {

std::string folders_of(const std::string& login) { return "/v1/accounts/" + control::path_encode(login) + "/folders"; }

std::uint32_t number_of(const json::value& value, std::string_view name) {
  return static_cast<std::uint32_t>(control::get_number(value, name));
}

std::vector<std::string> texts_of(const json::value& value, std::string_view name) {
  std::vector<std::string> texts;
  for (const json::value& one : control::get_list(value, name))
    if (one.is_string()) texts.emplace_back(one.as_string());
  return texts;
}

class AccountExport {
public:
  AccountExport(Session& session, const std::string& login, ExportWriter& writer, ProgressBar& bar,
                std::ostream& problems)
      : session_(session), path_(folders_of(login)), writer_(writer), bar_(bar), problems_(problems) {}

  Result<ExportSummary> run() {
    const auto list = session_.call("GET", path_);
    if (!list) return std::unexpected(list.error());
    std::vector<ExportedFolder> folders;
    for (const json::value& one : control::get_list(*list, "folders")) {
      ExportedFolder folder;
      folder.use = control::get_text(one, "use");
      folder.subscribed = control::get_bool(one, "subscribed");
      folder.name = control::get_text(one, "folder");
      folder.uidvalidity = number_of(one, "uidvalidity");
      folder.uidnext = number_of(one, "uidnext");
      folder.messages = static_cast<std::uint64_t>(control::get_number(one, "messages"));
      folder.octets = static_cast<std::uint64_t>(control::get_number(one, "octets"));
      folders.push_back(folder);
      const auto done = all_of(folder);
      if (done) continue;
      if (done.error().code != Errc::refused && done.error().code != Errc::not_found)
        return std::unexpected(done.error());
      ++summary_.failed;
      problems_ << printable(folder.name, 4096) << ": " << printable(done.error().message) << '\n';
    }
    if (auto done = writer_.finish(folders); !done) return std::unexpected(done.error());
    return summary_;
  }

private:
  Result<json::value> rows_behind(const ExportedFolder& folder, std::uint32_t uid) {
    return session_.call("GET", path_ + "/messages?folder=" + control::percent_encode(folder.name) +
                                    "&after=" + std::to_string(uid));
  }

  Result<> all_of(const ExportedFolder& folder) {
    auto rows = rows_behind(folder, 0);
    if (!rows) return std::unexpected(rows.error());
    if (auto begun = writer_.begin(folder, texts_of(*rows, "keywords")); !begun) return begun;
    for (std::uint32_t last = 0; !control::get_list(*rows, "messages").empty();) {
      if (number_of(*rows, "uidvalidity") != folder.uidvalidity)
        return fail(Errc::refused, "another mailbox has its name meanwhile: export it again");
      for (const json::value& row : control::get_list(*rows, "messages")) {
        if (auto done = one(folder, row); !done) return done;
        last = number_of(row, "uid");
      }
      rows = rows_behind(folder, last);
      if (!rows) return std::unexpected(rows.error());
    }
    return writer_.end();
  }

  Result<> one(const ExportedFolder& folder, const json::value& row) {
    ExportedMessage message;
    message.uid = number_of(row, "uid");
    message.uidl = control::get_text(row, "uidl");
    message.flags = static_cast<std::uint64_t>(control::get_number(row, "flags"));
    message.keywords = texts_of(row, "keywords");
    message.date = control::get_time(row, "date");
    bar_.add(static_cast<std::uint64_t>(control::get_number(row, "size")));
    if (writer_.has(message)) {
      ++summary_.before;
      return {};
    }
    // Asked for before anything is written: it may be gone.
    auto first = piece(folder, message.uid, 0);
    if (!first && first.error().code == Errc::not_found) return {};
    if (!first) return std::unexpected(first.error());
    std::uint64_t offset = 0;
    const auto written = writer_.write(message, [&]() -> Result<std::string_view> {
      if (offset > 0 && offset >= size_) return std::string_view();
      if (offset > 0) first = piece(folder, message.uid, offset);
      if (!first) return std::unexpected(first.error());
      if (first->empty() && offset < size_) return fail(Errc::io, "a message is shorter than it should be");
      offset += first->size();
      return std::string_view(*first);
    });
    if (written) ++summary_.exported;
    return written;
  }

  Result<std::string> piece(const ExportedFolder& folder, std::uint32_t uid, std::uint64_t offset) {
    const auto answer = session_.call("GET", path_ + "/content?folder=" + control::percent_encode(folder.name) +
                                                 "&uid=" + std::to_string(uid) + "&offset=" + std::to_string(offset));
    if (!answer) return std::unexpected(answer.error());
    size_ = static_cast<std::uint64_t>(control::get_number(*answer, "size"));
    auto octets = base64_decode(control::get_text(*answer, "content"));
    if (!octets) return fail(Errc::io, "the server's answer is not in base 64");
    return std::move(*octets);
  }

  Session& session_;
  const std::string path_;
  ExportWriter& writer_;
  ProgressBar& bar_;
  std::ostream& problems_;
  ExportSummary summary_;
  std::uint64_t size_ = 0; ///< of the message that is read
};

} // namespace

Result<ExportSummary> export_account(Session& session, const std::string& login, ExportWriter& writer, ProgressBar& bar,
                                     std::ostream& problems) {
  return AccountExport(session, login, writer, bar, problems).run();
}

Result<std::uint64_t> octets_of_account(Session& session, const std::string& login) {
  const auto list = session.call("GET", folders_of(login));
  if (!list) return std::unexpected(list.error());
  std::uint64_t octets = 0;
  for (const json::value& one : control::get_list(*list, "folders"))
    octets += static_cast<std::uint64_t>(control::get_number(one, "octets"));
  return octets;
}

} // namespace paquebot::cli
