#include "base/text.h"
#include "cli/message_source.h"
#include "cli/sendmail.h"
#include "cli/temp_file.h"
#include "intake/drop.h"
#include "smtp/server_session.h"

#include <array>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <streambuf>
#include <variant>

namespace paquebot::cli {
namespace {

constexpr std::size_t kPiece = 64u << 10;

/// What was collected, read back as a stream.
class FileBuffer : public std::streambuf {
public:
  explicit FileBuffer(TempFile& file) : file_(file) {}

protected:
  int_type underflow() override {
    const auto got = file_.read(piece_.data(), piece_.size());
    if (!got) throw std::runtime_error(got.error().message);
    if (*got == 0) return traits_type::eof();
    setg(piece_.data(), piece_.data(), piece_.data() + *got);
    return traits_type::to_int_type(piece_.front());
  }

private:
  TempFile& file_;
  std::array<char, kPiece> piece_{};
};

std::shared_ptr<const smtp::ServerOptions> session_options(const ServerPlace& place) {
  auto options = std::make_shared<smtp::ServerOptions>();
  options->role = smtp::Role::submission;
  options->hostname = place.hostname;
  options->wishes = false; // the drop directory does not carry them
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

  mail::Reply drop() {
    intake::DropEnvelope envelope{smtp_.sender(), {smtp_.recipients().begin(), smtp_.recipients().end()}};
    if (failed_ || !content_ || !content_->rewind()) {
      forget();
      return {452, {4, 3, 1}, "no room for the message"};
    }
    FileBuffer buffer(*content_);
    std::istream message(&buffer);
    const auto id = intake::drop_message(place_.drop_dir, envelope, message);
    forget();
    if (!id) return {451, {4, 3, 0}, printable(id.error().message)};
    return {250, {2, 0, 0}, "accepted id=" + id->to_string()};
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
