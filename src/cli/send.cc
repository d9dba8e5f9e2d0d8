#include "cli/send.h"

#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/smtp_client.h"

#include <array>
#include <fmt/format.h>
#include <fstream>
#include <istream>
#include <ostream>

namespace paquebot::cli {

namespace {

constexpr std::size_t kMaxShown = 25'000'000;      // octets of a text; more belongs into an attachment
constexpr std::uint64_t kProgressFrom = 1'000'000; // octets of a message that is worth a bar

Result<std::string> read_text(const std::string& path, std::istream& input) {
  std::ifstream file;
  bool standard = path == "-";
  if (!standard) {
    file.open(path, std::ios::binary);
    if (!file) return fail(Errc::not_found, fmt::format("the file {} can't be read", printable(path)));
  }
  std::istream& from = standard ? input : file;
  std::string text;
  std::array<char, 65536> block{};
  while (from.read(block.data(), block.size()) || from.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(from.gcount()));
    if (text.size() > kMaxShown) {
      return fail(Errc::no_space, fmt::format("the text has more than {}: attach it instead", size_text(kMaxShown)));
    }
  }
  if (from.bad()) return fail(Errc::io, fmt::format("the file {} can't be read", printable(path)));
  return text;
}

Result<> fill_in(SendOptions& options, std::istream& input) {
  if (!options.text_file.empty()) {
    auto text = read_text(options.text_file, input);
    if (!text) return std::unexpected(text.error());
    options.letter.text = std::move(*text);
  }
  if (!options.html_file.empty()) {
    auto html = read_text(options.html_file, input);
    if (!html) return std::unexpected(html.error());
    options.letter.html = std::move(*html);
  }
  return {};
}

/// One line for each recipient that the server did not take; nothing when it took all.
Result<> judge(const std::vector<mail::Recipient>& recipients, const Submitted& submitted, std::ostream& out) {
  std::string refused;
  std::size_t accepted = 0;
  bool temporary = false;
  for (std::size_t i = 0; i < recipients.size() && i < submitted.results.size(); ++i) {
    const mail::Reply& reply = submitted.results[i];
    if (reply.positive()) {
      ++accepted;
      continue;
    }
    temporary |= reply.transient();
    refused += fmt::format("{}  {}: {}", refused.empty() ? "" : "\n", recipients[i].address.to_string(),
                           printable(reply.to_string()));
  }
  if (accepted > 0) out << printable(submitted.final_reply.to_string()) << "\n";
  if (refused.empty()) return {};
  std::string head = accepted > 0 ? fmt::format("sent to {} of {} recipients, not to:", accepted, recipients.size())
                                  : "the message was not sent:";
  return fail(temporary ? Errc::temporary : Errc::refused, head + "\n" + refused);
}

/// Streams the composed message to the server, with a bar when wanted.
Result<Submitted> transmit(const SendOptions& options, Composed& composed, std::ostream& terminal) {
  smtp::OutgoingMessage message{composed.sender, composed.recipients, composed.size};
  message.sender.tls = options.wishes.tls;
  message.sender.priority = options.wishes.priority;
  message.sender.deliver_by = options.wishes.deliver_by;
  message.sender.hold = options.wishes.hold;
  std::array<char, 65536> block{};
  bool show = options.progress && composed.size >= kProgressFrom;
  ProgressBar bar(show ? &terminal : nullptr, "sending", composed.size);
  const auto offered = [&](const smtp::PeerFeatures& features, const std::string& where) {
    return check_offered(options.wishes, features, where);
  };
  const auto content = [&]() -> Result<std::string_view> {
    auto got = composed.file.read(block.data(), block.size());
    if (!got) return std::unexpected(got.error());
    bar.add(*got);
    return std::string_view(block.data(), *got);
  };
  return submit(options.target, message, content, offered);
}

} // namespace

Result<> send_letter(SendOptions options, std::istream& input, std::ostream& out, std::ostream& terminal) {
  if (auto done = fill_in(options, input); !done) return done;
  auto composed = compose(options.letter);
  if (!composed) return std::unexpected(composed.error());
  auto submitted = transmit(options, *composed, terminal);
  if (!submitted) return std::unexpected(submitted.error());
  return judge(composed->recipients, *submitted, out);
}

} // namespace paquebot::cli
