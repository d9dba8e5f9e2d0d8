#include "base/text.h"
#include "cli/message_source.h"
#include "cli/sendmail.h"
#include "cli/sendmail_head.h"
#include "cli/temp_file.h"
#include "intake/drop.h"
#include "smtp/server_session.h"

#include <algorithm>
#include <array>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <streambuf>
#include <variant>

namespace paquebot::cli {
namespace {

constexpr std::size_t kPiece = 64u << 10;

/// A beginning, then what was collected from where the file stands, as a stream.
class FileBuffer : public std::streambuf {
public:
  FileBuffer(std::string beginning, TempFile& file) : beginning_(std::move(beginning)), file_(file) {
    setg(beginning_.data(), beginning_.data(), beginning_.data() + beginning_.size());
  }

protected:
  int_type underflow() override {
    const auto got = file_.read(piece_.data(), piece_.size());
    if (!got) throw std::runtime_error(got.error().message);
    if (*got == 0) return traits_type::eof();
    setg(piece_.data(), piece_.data(), piece_.data() + *got);
    return traits_type::to_int_type(piece_.front());
  }

private:
  std::string beginning_;
  TempFile& file_;
  std::array<char, kPiece> piece_{};
};

/// "MAIL FROM:<root>" with the domain that sendmail gives to names without one. Brackets may be missing, too.
void qualify_path(std::string& line, const std::string& origin) {
  const std::size_t colon = line.find(':');
  if (!istarts_with(line, "MAIL FROM:") && !istarts_with(line, "RCPT TO:")) return;
  const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
  const std::size_t end = line.find_first_of(" \t\r\n", std::min(begin, line.size()));
  if (begin == std::string::npos || end == std::string::npos) return;
  std::string path = line.substr(begin, end - begin);
  if (path.starts_with('<') && path.ends_with('>')) path = path.substr(1, path.size() - 2);
  if (!path.empty() && mail::make_address(path, origin) && path.find_first_of("@<>\"") == std::string::npos)
    line.replace(begin, end - begin, "<" + path + "@" + origin + ">");
}

std::shared_ptr<const smtp::ServerOptions> session_options(const ServerPlace& place) {
  auto options = std::make_shared<smtp::ServerOptions>();
  options->role = smtp::Role::submission;
  options->hostname = place.hostname;
  options->lenient = options->mend_bare_lf = true;
  options->wishes = false; // the drop directory does not carry them
  options->max_message_size = place.message_size;
  return options;
}

/// One SMTP session on the standard streams. Every recipient is accepted: the server says later what became of it.
class StandardSession {
public:
  StandardSession(Session& session, const ServerPlace& place)
      : console_(session), place_(place), smtp_(session_options(place), {.peer_address = "local", .encrypted = false}) {
  }

  int run() {
    for (;;) {
      const smtp::Action action = smtp_.next();
      if (std::holds_alternative<smtp::Close>(action)) return kOk;
      std::visit([this](const auto& a) { perform(a); }, action);
    }
  }

private:
  static mail::Reply accepted() { return {250, {}, ""}; }

  void perform(const smtp::Send& send) { console_.out() << send.bytes << std::flush; }
  void perform(const smtp::NeedInput&) {
    // A line at a time: whoever speaks SMTP here waits for our replies.
    input_.clear();
    int c = 0;
    while (input_.size() < kPiece && (c = console_.in().get()) != std::char_traits<char>::eof()) {
      input_ += static_cast<char>(c);
      if (c == '\n') break;
    }
    // Programs end their lines as the system does.
    if (input_.ends_with('\n') && !input_.ends_with("\r\n")) input_.insert(input_.size() - 1, 1, '\r');
    if (!content_) qualify_path(input_, place_.origin);
    if (input_.empty()) {
      smtp_.eof();
    } else {
      smtp_.feed(input_);
    }
  }
  void perform(const smtp::StartTls&) { smtp_.eof(); }
  void perform(const smtp::AskPeer& ask) { smtp_.answer(ask.id, accepted()); }
  void perform(const smtp::AskHelo& ask) { smtp_.answer(ask.id, accepted()); }
  void perform(const smtp::AskLogin& ask) { smtp_.answer(ask.id, mail::Reply(535, {5, 7, 8}, "")); }
  void perform(const smtp::AskMail& ask) { smtp_.answer(ask.id, accepted()); }
  void perform(const smtp::AskRecipient& ask) { smtp_.answer(ask.id, accepted()); }
  void perform(const smtp::AskEtrn& ask) { smtp_.answer(ask.id, mail::Reply(459, {4, 7, 1}, "not here")); }
  void perform(const smtp::AskData& ask) {
    auto file = TempFile::make();
    if (!file)
      return smtp_.answer(ask.id,
                          mail::Reply(452, {4, 3, 1}, "no room for the message: " + printable(file.error().message)));
    content_.emplace(std::move(*file));
    smtp_.answer(ask.id, accepted());
  }
  void perform(const smtp::Chunk& chunk) {
    if (content_ && !failed_) failed_ = !content_->append(chunk.bytes);
  }
  void perform(const smtp::AskContent& ask) { smtp_.answer(ask.id, drop()); }
  void perform(const smtp::Discard&) { forget(); }
  void perform(const smtp::Close&) {}

  /// The head as a program may leave it, completed; the octets of the body that came with it go behind it.
  Result<std::string> beginning() {
    mail::HeadSplitter splitter(intake::kMaxDropHead);
    std::string body, piece(kPiece, '\0');
    while (!splitter.head_complete()) {
      const auto got = content_->read(piece.data(), piece.size());
      if (!got) return std::unexpected(got.error());
      const auto part = *got == 0 ? splitter.finish() : splitter.feed(std::string_view(piece).substr(0, *got));
      if (!part) return std::unexpected(part.error());
      body += *part;
      if (*got == 0) break;
    }
    auto head = mail::Head::parse(splitter.take_head());
    if (!head) return std::unexpected(head.error());
    auto done = complete_head(*head, {place_.origin, place_.hostname, smtp_.sender().reverse_path, {}});
    if (!done) return std::unexpected(done.error());
    return head->to_string() + body;
  }

  Result<Ulid> drop_content() {
    if (failed_ || !content_) return fail(Errc::no_space, "no room for the message");
    if (auto rewound = content_->rewind(); !rewound) return std::unexpected(rewound.error());
    auto begun = beginning();
    if (!begun) return std::unexpected(begun.error());
    intake::DropEnvelope envelope{smtp_.sender(), {smtp_.recipients().begin(), smtp_.recipients().end()}};
    FileBuffer buffer(std::move(*begun), *content_);
    std::istream message(&buffer);
    return intake::drop_message(place_.drop_dir, envelope, message, place_.message_size);
  }

  mail::Reply drop() {
    const auto id = drop_content();
    forget();
    if (id) return {250, {2, 0, 0}, "accepted id=" + id->to_string()};
    const std::string why = printable(id.error().message);
    if (id.error().code == Errc::invalid) return {552, {5, 3, 4}, why};
    if (id.error().code == Errc::no_space) return {452, {4, 3, 1}, why};
    return {451, {4, 3, 0}, why};
  }
  void forget() {
    content_.reset();
    failed_ = false;
  }

  Session& console_;
  ServerPlace place_;
  smtp::ServerSession smtp_;
  std::string input_;
  std::optional<TempFile> content_;
  bool failed_ = false;
};

} // namespace

int sendmail_smtp(Session& session, const ServerPlace& place) {
  StandardSession standard(session, place);
  return standard.run();
}

} // namespace paquebot::cli
