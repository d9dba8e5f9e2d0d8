#include "intake/drop.h"

#include "base/encoding.h"
#include "base/text.h"
#include "base/units.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::intake {
namespace {

constexpr std::string_view kMagic = "paquebot-drop 1";
constexpr std::size_t kPiece = 64u << 10;
constexpr std::size_t kMaxEnvelope = 8u << 20;
constexpr std::int64_t kMostApart = 24LL * 3600 * 1000; // a name and the last change of its file, milliseconds

std::unexpected<Error> failed(const std::string& what) {
  Errc code = errno == ENOSPC || errno == EDQUOT  ? Errc::no_space
              : errno == EACCES || errno == EPERM ? Errc::permission
                                                  : Errc::io;
  return fail(code, what + ": " + std::strerror(errno));
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t done = ::write(descriptor, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

/// False when it can't be written, with the reason in errno: EFBIG when it is larger than `max_size`.
bool write_message(int descriptor, const DropEnvelope& envelope, std::istream& message, std::uint64_t max_size) {
  std::string head = std::string(kMagic) + "\nfrom:" + envelope.sender.reverse_path.to_string() + "\n";
  if (envelope.sender.smtputf8) head += "smtputf8:1\n";
  if (envelope.sender.ret != mail::Ret::unspecified)
    head += envelope.sender.ret == mail::Ret::full ? "ret:full\n" : "ret:hdrs\n";
  if (!envelope.sender.envid.empty()) head += "envid:" + xtext_encode(envelope.sender.envid) + "\n";
  for (const mail::Recipient& recipient : envelope.recipients) {
    head += "to:" + recipient.address.to_string() + "\n";
    if (recipient.notify != 0) head += "notify:" + std::to_string(recipient.notify) + "\n";
    if (!recipient.orcpt.empty()) head += "orcpt:" + xtext_encode(recipient.orcpt) + "\n";
  }
  head += "\n";
  if (!write_all(descriptor, head)) return false;
  std::string piece(kPiece, '\0');
  std::uint64_t size = 0;
  while (message) {
    message.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    size += static_cast<std::uint64_t>(message.gcount());
    if (max_size != 0 && size > max_size) return errno = EFBIG, false;
    if (!write_all(descriptor, std::string_view(piece).substr(0, static_cast<std::size_t>(message.gcount()))))
      return false;
  }
  return true;
}

bool sync_directory(const std::string& directory) {
  int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return errno == EACCES; // others may add but not list; the rename itself is journalled with the file's sync
  bool done = ::fsync(descriptor) == 0;
  ::close(descriptor);
  return done;
}

/// Decoded xtext without control characters, at most `most` octets.
std::optional<std::string> read_xtext(std::string_view value, std::size_t most) {
  auto text = xtext_decode(value);
  if (!text || text->size() > most) return std::nullopt;
  for (char c : *text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
  return text;
}

/// What a delivery report needs to know (RFC 3461): `notify` and `orcpt` belong to the last "to". False when malformed,
/// nothing when the key is none of these.
std::optional<bool> read_report_wish(std::string_view key, std::string_view value, DropEnvelope& envelope) {
  if (key == "ret") {
    envelope.sender.ret = value == "full" ? mail::Ret::full : mail::Ret::headers;
    return value == "full" || value == "hdrs";
  }
  if (key == "envid") {
    auto envid = read_xtext(value, 100);
    envelope.sender.envid = envid.value_or("");
    return envid.has_value();
  }
  if (key != "notify" && key != "orcpt") return std::nullopt;
  if (envelope.recipients.empty()) return false;
  mail::Recipient& recipient = envelope.recipients.back();
  if (key == "orcpt") {
    auto orcpt = read_xtext(value, 500);
    recipient.orcpt = orcpt.value_or("");
    return orcpt.has_value();
  }
  auto notify = parse_u64(value);
  bool good = notify && *notify <= 15 && ((*notify & mail::kNotifyNever) == 0 || *notify == mail::kNotifyNever);
  if (good) recipient.notify = static_cast<std::uint8_t>(*notify);
  return good;
}

/// "key:value" lines up to the empty one. False when something is malformed.
bool read_envelope(std::string_view text, DropEnvelope& envelope) {
  auto lines = split(text, '\n');
  if (lines.empty() || lines.front() != kMagic) return false;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto colon = lines[i].find(':');
    if (colon == std::string_view::npos) return false;
    std::string_view key = lines[i].substr(0, colon), value = lines[i].substr(colon + 1);
    if (key == "smtputf8") {
      envelope.sender.smtputf8 = true;
      continue;
    }
    if (auto wish = read_report_wish(key, value, envelope)) {
      if (!*wish) return false;
      continue;
    }
    mail::Address address;
    if (!value.empty()) {
      auto parsed = mail::parse_address(value);
      if (!parsed) return false;
      address = *parsed;
    }
    if (key == "from")
      envelope.sender.reverse_path = address;
    else if (key == "to" && !value.empty() && envelope.recipients.size() < kMaxDropRecipients)
      envelope.recipients.push_back({.address = address});
    else
      return false;
  }
  return !envelope.recipients.empty();
}

} // namespace

Result<> make_drop_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return failed("can't make the drop directory " + directory);
  if (::chmod(directory.c_str(), 01733) != 0) return failed("can't set the mode of the drop directory " + directory);
  return {};
}

Result<Ulid> drop_message(const std::string& directory, const DropEnvelope& envelope, std::istream& message,
                          std::uint64_t max_size) {
  static UlidSource ids;
  Ulid id = ids.next();
  std::string name = directory + "/" + id.to_string(), temporary = directory + "/tmp." + id.to_string();
  int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return failed("can't write into the drop directory " + directory);
  // The server may run as another user than the writer; nobody else can know the name.
  bool written = ::fchmod(descriptor, 0644) == 0 && write_message(descriptor, envelope, message, max_size) &&
                 !message.bad() && ::fsync(descriptor) == 0;
  int why = message.bad() ? EIO : errno;
  if (::close(descriptor) != 0 && written) {
    written = false;
    why = errno;
  }
  if (written && ::rename(temporary.c_str(), name.c_str()) == 0 && sync_directory(directory)) return id;
  if (written) why = errno;
  ::unlink(temporary.c_str());
  if (why == EFBIG)
    return fail(Errc::invalid,
                "the message is larger than the " + octets_text(max_size) + " that limits.message_size allows");
  errno = why;
  return failed("can't write the message into " + directory);
}

Result<DropFile> DropFile::open(const std::string& directory, const std::string& name) {
  auto id = Ulid::parse(name);
  std::string path = directory + "/" + name;
  if (!id) return fail(Errc::invalid, path + " is not a dropped message");
  DropFile file;
  file.id_ = *id;
  file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat facts{};
  if (file.descriptor_ < 0 && errno == ELOOP) return fail(Errc::invalid, path + " is a link");
  if (file.descriptor_ < 0 || ::fstat(file.descriptor_, &facts) != 0) return failed("can't read " + path);
  if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1) return fail(Errc::invalid, path + " is not a plain file");
  file.uid_ = facts.st_uid;
  const std::int64_t changed = facts.st_ctim.tv_sec * std::int64_t{1000}; // the one time that nobody can choose
  file.well_named_ = std::abs(file.id_.millis() - changed) <= kMostApart;
  std::size_t end;
  std::string& text = file.rest_;
  while ((end = text.find("\n\n")) == std::string::npos) {
    if (text.size() > kMaxEnvelope) return fail(Errc::invalid, path + " has no end of its envelope");
    auto piece = file.read();
    if (!piece) return std::unexpected(piece.error());
    if (piece->empty()) return fail(Errc::invalid, path + " ends within its envelope");
    text.append(*piece);
  }
  if (!read_envelope(std::string_view(text).substr(0, end), file.envelope_))
    return fail(Errc::invalid, path + " has a malformed envelope");
  text.erase(0, end + 2);
  return file;
}

DropFile::DropFile(DropFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), uid_(other.uid_), well_named_(other.well_named_),
      id_(other.id_), envelope_(std::move(other.envelope_)), buffer_(std::move(other.buffer_)),
      rest_(std::move(other.rest_)) {}

DropFile::~DropFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::string_view> DropFile::read() {
  if (!rest_.empty() && !envelope_.recipients.empty()) { // what came in with the envelope
    buffer_ = std::exchange(rest_, std::string());
    return std::string_view(buffer_);
  }
  buffer_.resize(kPiece);
  for (;;) {
    ssize_t got = ::read(descriptor_, buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("can't read a dropped message");
    return std::string_view(buffer_).substr(0, static_cast<std::size_t>(got));
  }
}

std::vector<std::string> list_drops(const std::string& directory, std::size_t most) {
  std::vector<std::string> names;
  DIR* open = ::opendir(directory.c_str());
  if (!open) return names;
  while (const dirent* entry = ::readdir(open))
    if (Ulid::parse(entry->d_name)) names.emplace_back(entry->d_name);
  ::closedir(open);
  std::ranges::sort(names);
  if (names.size() > most) names.resize(most);
  return names;
}

Result<> rename_drop(const std::string& directory, const std::string& name, const Ulid& id) {
  const std::string from = directory + "/" + name;
  if (::rename(from.c_str(), (directory + "/" + id.to_string()).c_str()) != 0 || !sync_directory(directory))
    return failed("can't rename " + from);
  return {};
}

bool remove_drop(const std::string& directory, const std::string& name) {
  return ::unlink((directory + "/" + name).c_str()) == 0 || errno == ENOENT;
}

} // namespace paquebot::intake
