#include "cli/fetch.h"

#include "base/text.h"
#include "cli/mime_view.h"
#include "cli/output.h"
#include "cli/pop3_client.h"
#include "cli/progress.h"
#include "cli/safe_folder.h"
#include "control/json.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <ostream>
#include <unistd.h>
#include <utility>

namespace paquebot::cli {

namespace {

namespace json = control::json;
constexpr std::size_t kMaxHead = 1 << 20; // octets of a header block that are looked at
constexpr std::size_t kMaxText = 1 << 20; // octets of a text that are shown

/// Strange octets can't reach the terminal; cut to so many columns (counting octets).
std::string column(std::string_view text, std::size_t width) {
  return fmt::format("{:<{}}", printable(text, width), width);
}

json::object as_json(const LetterHead& head) {
  auto clean = [](const std::string& text) { return printable(text, 65536); };
  return {{"date", clean(head.date)},
          {"from", clean(head.from)},
          {"to", clean(head.to)},
          {"cc", clean(head.cc)},
          {"subject", clean(head.subject)}};
}

/// Lines of a text as they may go to a terminal.
std::string for_terminal(std::string_view text) {
  std::string out;
  for (std::string_view line : split(text, '\n')) {
    std::string spaced;
    for (char c : line) {
      if (c == '\t')
        spaced += "    ";
      else
        spaced += c;
    }
    out += printable(spaced, spaced.size() * 4 + 4);
    out += '\n';
  }
  return out;
}

Result<TempFile> download(Pop3Client& client, std::uint32_t number) {
  auto file = TempFile::make();
  if (!file) return std::unexpected(file.error());
  auto done = client.retrieve(number, [&](std::string_view bytes) { return file->append(bytes); });
  if (!done) return std::unexpected(done.error());
  return std::move(*file);
}

/// What was printed has arrived: a full disk or a closed pipe shows itself only when the buffer is written.
Result<> settle(std::ostream& out) {
  out.flush();
  if (!out.good()) return fail(Errc::io, "the output could not be written, so nothing was deleted");
  return {};
}

Result<> finish(Pop3Client& client, const FetchOptions& options, const std::vector<std::uint32_t>& numbers,
                std::ostream& out) {
  if (options.remove) {
    if (auto arrived = settle(out); !arrived) return arrived;
    for (std::uint32_t number : numbers) {
      if (auto done = client.remove(number); !done) return done;
    }
  }
  return client.quit();
}

json::object show_json(std::uint32_t number, const MimeView& view, const MimeView::Text& text) {
  json::object message = as_json(view.head());
  message["number"] = number;
  message["text"] = is_utf8(text.text) ? text.text : for_terminal(text.text);
  if (text.cut) message["cut"] = true;
  json::array attachments;
  for (const auto& a : view.attachments()) {
    attachments.push_back({{"name", printable(a.name, 4096)}, {"type", printable(a.type)}, {"size", a.size}});
  }
  message["attachments"] = std::move(attachments);
  return message;
}

void show_text(const MimeView& view, const MimeView::Text& text, std::ostream& out) {
  const LetterHead& head = view.head();
  const std::pair<const char*, const std::string&> fields[] = {
      {"From", head.from}, {"To", head.to}, {"Cc", head.cc}, {"Date", head.date}, {"Subject", head.subject}};
  for (const auto& [name, value] : fields) {
    if (!value.empty()) out << fmt::format("{:<9}{}\n", fmt::format("{}:", name), printable(value, 4096));
  }
  out << "\n" << for_terminal(text.text);
  if (text.cut) out << "[cut here: save the message to read all of it]\n";
  if (view.html_only()) out << "[written in HTML only: save the message and open the part in a browser]\n";
  std::size_t index = 0;
  for (const auto& a : view.attachments()) {
    out << fmt::format("[{}] {} ({}, {})\n", ++index, a.name.empty() ? "without a name" : printable(a.name, 200),
                       printable(a.type, 100), size_text(a.size));
  }
}

/// Whether nothing is in the message that was not shown.
bool shows_all(const MimeView& view, const MimeView::Text& text) { return !text.cut && view.attachments().empty(); }

std::string list_of(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (const std::uint32_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

/// The end of a file that was written, or the reason why it could not be.
Result<> finish_file(const SafeFolder::File& file, Result<> written) {
  if (close(file.descriptor) != 0 && written)
    return fail(errno == ENOSPC || errno == EDQUOT ? Errc::no_space : Errc::io,
                fmt::format("{} can't be written: {}", printable(file.path, 4096), std::strerror(errno)));
  return written;
}

/// Saves one message and its attachments; the paths in `paths`.
Result<> save_one(TempFile& file, const std::string& name, SafeFolder& folder, std::vector<std::string>& paths) {
  auto message = folder.make(name + ".eml", "message.eml");
  if (!message) return std::unexpected(message.error());
  paths.push_back(message->path);
  if (auto done = file.rewind(); !done) return done;
  std::string block(65536, '\0');
  Result<> written;
  for (;;) {
    auto got = file.read(block.data(), block.size());
    if (!got) written = std::unexpected(got.error());
    if (!got || *got == 0) break;
    written = write_all(message->descriptor, std::string_view(block).substr(0, *got), message->path);
    if (!written) break;
  }
  if (auto closed = finish_file(*message, std::move(written)); !closed) return closed;
  auto view = MimeView::open(file);
  if (!view) return {}; // not MIME: the message itself is saved
  for (std::size_t i = 0; i < view->attachments().size(); ++i) {
    const auto& attachment = view->attachments()[i];
    std::string fallback = attachment.type == "text/html"        ? "part.html"
                           : attachment.type == "message/rfc822" ? "part.eml"
                                                                 : "part";
    auto target = folder.make(attachment.name, fallback);
    if (!target) return std::unexpected(target.error());
    paths.push_back(target->path);
    if (auto done = finish_file(*target, view->save(i, target->descriptor)); !done) return done;
  }
  return {};
}

json::object row_json(const pop3::MailboxItem& item, const LetterHead& head) {
  json::object row = as_json(head);
  row["number"] = item.number;
  row["size"] = item.size;
  row["uidl"] = printable(item.uidl);
  return row;
}

void show_row(const pop3::MailboxItem& item, const LetterHead& head, std::ostream& out) {
  out << fmt::format("{:>6} {:>9}  {:<16}  {}  {}\n", item.number, size_text(item.size), printable(head.date, 16),
                     column(head.from, 28), printable(head.subject, 200));
}

} // namespace

Result<> fetch_list(const FetchOptions& options, std::ostream& out) {
  auto client = Pop3Client::open(options.target);
  if (!client) return std::unexpected(client.error());
  auto listed = client->list();
  if (!listed) return std::unexpected(listed.error());
  std::vector<pop3::MailboxItem> items = **listed;
  if (options.newest != 0 && items.size() > options.newest) items.erase(items.begin(), items.end() - options.newest);
  json::array rows;
  if (!options.json) {
    if (items.empty())
      out << "no messages\n";
    else
      out << fmt::format("{:>6} {:>9}  {:<16}  {:<28}  {}\n", "NUMBER", "SIZE", "DATE", "FROM", "SUBJECT");
  }
  std::vector<std::uint32_t> numbers;
  for (const auto& item : items) numbers.push_back(item.number);
  std::string block;
  auto item = items.begin();
  auto listed_all = client->retrieve_all(
      std::move(numbers),
      [&](std::string_view bytes) -> Result<> {
        block += bytes.substr(0, kMaxHead - block.size());
        return {};
      },
      [&](std::uint32_t, const Result<>& top) -> Result<> {
        if (!top && top.error().code != Errc::refused) return top; // TOP is optional
        LetterHead head = read_head(std::exchange(block, {}));
        if (options.json)
          rows.push_back(row_json(*item, head));
        else
          show_row(*item, head, out);
        ++item;
        return {};
      },
      0);
  if (!listed_all) return listed_all;
  if (options.json) out << control::to_text(rows) << "\n";
  return client->quit();
}

Result<> fetch_show(const FetchOptions& options, const std::vector<std::uint32_t>& numbers, std::ostream& out) {
  auto client = Pop3Client::open(options.target);
  if (!client) return std::unexpected(client.error());
  json::array messages;
  std::vector<std::uint32_t> whole, partly;
  for (std::uint32_t number : numbers) {
    auto file = download(*client, number);
    if (!file) return std::unexpected(file.error());
    auto view = MimeView::open(*file);
    if (!view) return std::unexpected(view.error());
    auto text = view->text(kMaxText);
    if (!text) return std::unexpected(text.error());
    if (options.json)
      messages.push_back(show_json(number, *view, *text));
    else
      show_text(*view, *text, out);
    (shows_all(*view, *text) ? whole : partly).push_back(number);
  }
  if (options.json) out << control::to_text(messages) << "\n";
  if (auto done = finish(*client, options, whole, out); !done) return done;
  if (options.remove && !partly.empty())
    return fail(Errc::refused, "not deleted, since not all of it was shown: " + list_of(partly) +
                                   " (attachments, or a long text): use fetch save --delete, or fetch delete");
  return {};
}

Result<> fetch_save(const FetchOptions& options, const std::vector<std::uint32_t>& numbers, std::ostream& out) {
  auto folder = SafeFolder::open(options.folder);
  if (!folder) return std::unexpected(folder.error());
  auto client = Pop3Client::open(options.target);
  if (!client) return std::unexpected(client.error());
  auto listed = client->list();
  if (!listed) return std::unexpected(listed.error());
  const std::vector<pop3::MailboxItem> items = **listed;
  std::vector<std::uint32_t> wanted = numbers;
  if (wanted.empty()) {
    for (const auto& item : items) wanted.push_back(item.number);
  }
  json::array saved;
  for (std::uint32_t number : wanted) {
    auto file = download(*client, number);
    if (!file) return std::unexpected(file.error());
    auto item = std::ranges::find(items, number, &pop3::MailboxItem::number);
    std::string name = item == items.end() || item->uidl.empty() ? fmt::format("message-{}", number) : item->uidl;
    std::vector<std::string> paths;
    if (auto done = save_one(*file, name, *folder, paths); !done) return done;
    if (options.json)
      saved.push_back({{"number", number}, {"files", json::value_from(paths)}});
    else
      for (const std::string& path : paths) out << printable(path, 4096) << "\n";
  }
  if (options.json) out << control::to_text(saved) << "\n";
  if (options.remove) {
    if (auto synced = folder->sync(); !synced) return synced;
  }
  return finish(*client, options, wanted, out);
}

Result<> fetch_delete(const FetchOptions& options, const std::vector<std::uint32_t>& numbers, std::ostream& out) {
  auto client = Pop3Client::open(options.target);
  if (!client) return std::unexpected(client.error());
  FetchOptions removing = options;
  removing.remove = true;
  if (auto done = finish(*client, removing, numbers, out); !done) return done;
  if (!options.json)
    out << fmt::format("{} deleted\n", numbers.size());
  else
    out << control::to_text(json::object{{"deleted", json::value_from(numbers)}}) << "\n";
  return {};
}

} // namespace paquebot::cli
