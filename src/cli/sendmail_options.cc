#include "base/text.h"
#include "cli/sendmail.h"

namespace paquebot::cli {
namespace {

using Mode = SendmailOptions::Mode;

/// Options with a value, in the same word or the next: those of Postfix's and sendmail's own commands.
constexpr std::string_view kWithValue = "ABCFLNORVXfhopr";
/// Options without one.
constexpr std::string_view kAlone = "Gimnstv";
/// Options whose value, if any, is in the same word: -q15m, -bs, -em, -d8.
constexpr std::string_view kAttached = "bdeqI";

std::unexpected<Error> usage(std::string message) { return fail(Errc::invalid, std::move(message)); }

Result<> set_mode(SendmailOptions& options, std::string_view letter) {
  if (letter == "m")
    options.mode = Mode::deliver;
  else if (letter == "s")
    options.mode = Mode::smtp;
  else if (letter == "p")
    options.mode = Mode::list_queue;
  else if (letter == "i")
    options.mode = Mode::aliases;
  else if (letter == "v")
    options.mode = Mode::verify;
  else if (letter == "d" || letter == "D")
    return usage("the server is started with: paquebot serve");
  else
    return usage("the mode -b" + std::string(letter) + " is not there");
  return {};
}

/// -N never, or a list of failure, delay and success (RFC 3461 section 4.1).
Result<> set_notify(SendmailOptions& options, const std::string& value) {
  options.notify = mail::kNotifyUnspecified;
  for (std::string_view word : split(value, ',')) {
    if (iequals(word, "never"))
      options.notify |= mail::kNotifyNever;
    else if (iequals(word, "failure"))
      options.notify |= mail::kNotifyFailure;
    else if (iequals(word, "delay"))
      options.notify |= mail::kNotifyDelay;
    else if (iequals(word, "success"))
      options.notify |= mail::kNotifySuccess;
    else
      return usage("-N takes never, or some of failure,delay,success");
  }
  const bool never = (options.notify & mail::kNotifyNever) != 0;
  if (never && options.notify != mail::kNotifyNever) return usage("-N never goes with nothing else");
  return {};
}

Result<> set_ret(SendmailOptions& options, const std::string& value) {
  if (!iequals(value, "full") && !iequals(value, "hdrs")) return usage("-R takes full or hdrs");
  options.ret = iequals(value, "full") ? mail::Ret::full : mail::Ret::headers;
  return {};
}

Result<> set_envid(SendmailOptions& options, const std::string& value) {
  if (value.size() > 100 || !is_ascii(value) || printable(value, 400) != value)
    return usage("-V takes at most 100 printable characters");
  options.envid = value;
  return {};
}

Result<> apply(SendmailOptions& options, char name, const std::string& value) {
  switch (name) {
    case 't': options.from_headers = true; break;
    case 'i': options.dot_ends = false; break;
    case 'o':
      if (value == "i") options.dot_ends = false;
      break;
    case 'f':
    case 'r':
      options.sender = value;
      options.sender_given = true;
      break;
    case 'F': options.full_name = value; break;
    case 'q': options.mode = Mode::run_queue; break;
    case 'I': options.mode = Mode::aliases; break;
    case 'b': return set_mode(options, value);
    case 'N': return set_notify(options, value);
    case 'R': return set_ret(options, value);
    case 'V': return set_envid(options, value);
    default: break; // given by programs, without a meaning here
  }
  return {};
}

/// One word of options, several letters in a row; `next` gives the following word when a value needs it.
template <class Next>
Result<> read_word(SendmailOptions& options, const std::string& word, Next next) {
  for (std::size_t i = 1; i < word.size(); ++i) {
    const char name = word[i];
    const std::string rest = word.substr(i + 1);
    if (kAlone.find(name) != kAlone.npos) {
      if (auto done = apply(options, name, {}); !done) return done;
      continue;
    }
    if (kAttached.find(name) != kAttached.npos) return apply(options, name, rest);
    if (kWithValue.find(name) == kWithValue.npos) return usage(std::string("the option -") + name + " is not there");
    if (!rest.empty()) return apply(options, name, rest);
    const std::string* value = next();
    if (value == nullptr) return usage(std::string("the option -") + name + " needs a value");
    return apply(options, name, *value);
  }
  return {};
}

/// Words that ask for words: what somebody tries who does not know the program.
bool is_question(SendmailOptions& options, const std::string& word) {
  if (word == "--help" || word == "-help" || word == "-?")
    options.mode = Mode::help;
  else if (word == "--version")
    options.mode = Mode::version;
  else
    return false;
  return true;
}

} // namespace

const char* const kSendmailHelp =
    "sendmail: hand a mail to the server, from standard input, whether it runs or not.\n"
    "\n"
    "  sendmail [options] recipient ...     head and text of the mail on standard input\n"
    "  sendmail -t [options]                the recipients are in the head (To, Cc, Bcc)\n"
    "  sendmail -bs                         speak SMTP on standard input and output\n"
    "  sendmail -bv address ...             say where mail for these would go; nothing is sent\n"
    "  sendmail -bp, mailq                  list what waits\n"
    "  sendmail -q                          try again now what waits\n"
    "  sendmail -bi, newaliases             do nothing: aliases need no building\n"
    "\n"
    "  -i, -oi       a line of one dot does not end the mail\n"
    "  -f ADDRESS    the sender for reports; \"<>\": none; without it the user who calls\n"
    "  -F NAME       the name in the From that is added when there is none\n"
    "  -N WHEN       reports: never, or some of failure,delay,success\n"
    "  -R full|hdrs  how much of the mail a report returns\n"
    "  -V ID         an id that comes back in reports\n"
    "  --            what follows are recipients\n"
    "\n"
    "Other options of sendmail are taken and change nothing. Names without a domain get server.origin of the\n"
    "configuration (PAQUEBOT_CONFIG, or /etc/paquebot/paquebot.toml), or the host name.\n"
    "Exit codes: 0 taken; 64 wrong command line; 65 malformed, or larger than limits.message_size; 66 unreadable\n"
    "input; 67 undeliverable (-bv); 73 can't write there; 75 try again later. See paquebot(1).\n";

Result<SendmailOptions> parse_sendmail(const std::vector<std::string>& arguments) {
  SendmailOptions options;
  const std::string name = arguments.empty() ? std::string() : arguments[0].substr(arguments[0].rfind('/') + 1);
  if (name == "mailq") options.mode = Mode::list_queue;
  if (name == "newaliases") options.mode = Mode::aliases;
  std::size_t at = 1;
  const auto next = [&]() -> const std::string* { return at < arguments.size() ? &arguments[at++] : nullptr; };
  bool only_recipients = false;
  while (const std::string* word = next()) {
    if (only_recipients || !word->starts_with('-') || word->size() == 1) {
      options.recipients.push_back(*word);
    } else if (*word == "--") {
      only_recipients = true;
    } else if (is_question(options, *word)) {
      return options;
    } else if (auto read = read_word(options, *word, next); !read) {
      return std::unexpected(read.error());
    }
  }
  return options;
}

} // namespace paquebot::cli
