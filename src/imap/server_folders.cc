#include "base/text.h"
#include "imap/list_query.h"
#include "imap/mailbox_name.h"
#include "imap/server_impl.h"
#include "imap/write.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace paquebot::imap {
namespace {

std::string attributes_of(const ListLine& line, bool tell_subscribed) {
  std::string out;
  if (line.facts == nullptr) out += "\\NonExistent \\Noselect ";
  out += line.has_children ? "\\HasChildren" : "\\HasNoChildren";
  if (line.subscribed && tell_subscribed) out += " \\Subscribed";
  if (line.facts != nullptr) out += special_use_text(line.facts->special_use);
  return out;
}

constexpr std::string_view kTooMuch = "[LIMIT] patterns of that length are too much for so many mailboxes";

} // namespace

void ServerSession::Folders::list(Lexer& args) {
  ListProblem problem;
  auto query = parse_list(args, session_.utf8, problem);
  if (!query) return problem.malformed ? session_.bad(problem.why) : session_.no(problem.why);
  if (query->root) {
    session_.untagged("LIST (\\Noselect) \"/\" \"\"");
    return session_.ok("that is all");
  }
  if ((query->status & kModSeqItem) != 0) session_.enable_condstore();
  AskFolders question{(query->status & kDeletedSizeItem) != 0};
  session_.ask_for<imap::Folders>(std::move(question), [this, query = std::move(*query)](imap::Folders& folders) {
    if (folders.fault != Fault::none) return session_.fault(folders.fault, "mailbox");
    const auto lines = list_lines(query, folders);
    if (!lines) return session_.no(kTooMuch);
    for (const ListLine& line : *lines) {
      const std::string name = session_.name_text(line.name);
      const std::string_view below = line.child_subscribed ? " (\"CHILDINFO\" (\"SUBSCRIBED\"))" : "";
      session_.untagged(fmt::format("LIST ({}) \"/\" {}{}", attributes_of(line, query.tell_subscribed), name, below));
      if (query.status != 0 && line.facts != nullptr)
        session_.untagged(
            fmt::format("STATUS {} ({})", name, status_text(*line.facts, query.status, session_.options->max_message)));
    }
    session_.ok("that is all");
  });
}

/// RFC 3501 section 6.3.9: with "%" a level with subscribed names below it is told as \Noselect.
void ServerSession::Folders::lsub(Lexer& args) {
  ListProblem problem;
  auto query = parse_list(args, session_.utf8, problem);
  if (!query) return problem.malformed ? session_.bad(problem.why) : session_.no(problem.why);
  query->only_subscribed = query->recursive = true;
  session_.ask_for<imap::Folders>(AskFolders{}, [this, query = std::move(*query)](imap::Folders& folders) {
    if (folders.fault != Fault::none) return session_.fault(folders.fault, "mailbox");
    const auto lines = list_lines(query, folders);
    if (!lines) return session_.no(kTooMuch);
    for (const ListLine& line : *lines) {
      const bool by_level = query.patterns[0].find('%') != std::string::npos;
      if (line.subscribed || by_level)
        session_.untagged(
            fmt::format("LSUB ({}) \"/\" {}", line.subscribed ? "" : "\\Noselect", session_.name_text(line.name)));
    }
    session_.ok("that is all");
  });
}

void ServerSession::Folders::status(Lexer& args) {
  auto name = session_.read_mailbox(args);
  if (!name) return;
  const std::uint16_t items = args.space() ? parse_status_items(args) : std::uint16_t{0};
  if (items == 0 || !args.at_end()) return session_.bad("a list of items is expected");
  if ((items & kModSeqItem) != 0) session_.enable_condstore();
  AskStatus question{*name, (items & kDeletedSizeItem) != 0};
  session_.ask_for<Opened>(std::move(question), [this, items, name = std::move(*name)](Opened& opened) {
    if (opened.fault != Fault::none) return session_.fault(opened.fault, "mailbox");
    session_.untagged(fmt::format("STATUS {} ({})", session_.name_text(name),
                                  status_text(opened.facts, items, session_.options->max_message)));
    session_.ok("that is all");
  });
}

void ServerSession::Folders::changed(Fault fault, std::string_view done) {
  if (fault == Fault::none) return session_.ok(done);
  session_.fault(fault, "mailbox");
}

/// RFC 9051 section 6.3.4; with USE: RFC 6154 section 3.
void ServerSession::Folders::create(Lexer& args) {
  auto name = session_.read_mailbox(args);
  if (!name) return;
  std::uint8_t use = 0;
  if (args.space()) {
    bool good = args.take('(') && args.take_word("USE") && args.space() && args.take('(');
    while (good && !args.take(')')) {
      const auto word = args.flag();
      good = word.has_value();
      if (!word) break;
      const std::uint8_t bit = special_use(*word);
      if (bit == 0) return session_.no("[USEATTR] there is no such use");
      use |= bit;
      args.space();
    }
    if (!good || !args.take(')')) return session_.bad("a list of uses is expected");
  }
  if (!args.at_end()) return session_.bad("nothing more is expected");
  if (name->size() > 1 && name->back() == kDelimiter) name->pop_back(); // it says that there will be more below
  if (const auto why = refusal_of_name(*name)) return session_.no(fmt::format("[CANNOT] {}", *why));
  AskFolder question{AskFolder::What::create, *name, {}, use};
  session_.ask_for<Done>(std::move(question), [this, name = std::move(*name)](Done& done) { made(done.fault, name); });
}

/// RFC 8474 section 4.1.
void ServerSession::Folders::made(Fault fault, std::string name) {
  if (fault != Fault::none) return session_.fault(fault, "mailbox");
  session_.ask_for<Opened>(AskStatus{std::move(name)}, [this](Opened& opened) {
    if (opened.fault != Fault::none) return session_.ok("it is made"); // and gone already, or can't be looked at
    session_.ok(fmt::format("[MAILBOXID ({})] it is made", mailbox_id(opened.facts.id)));
  });
}

// ---- QUOTA (RFC 9208): one root, of all mailboxes together ----

void ServerSession::Folders::quota(Lexer& args, bool of_mailbox) {
  if (!of_mailbox) {
    const auto root = args.space() ? args.astring() : std::nullopt;
    if (!root || !args.at_end()) return session_.bad("the name of a quota root is expected");
    if (!root->empty()) return session_.no("[NONEXISTENT] there is no such quota root");
    return tell_quota({});
  }
  auto name = session_.read_mailbox(args);
  if (!name) return;
  if (!args.at_end()) return session_.bad("nothing is expected behind the name");
  AskStatus question{*name};
  session_.ask_for<Opened>(std::move(question), [this, name = std::move(*name)](Opened& opened) {
    if (opened.fault != Fault::none) return session_.fault(opened.fault, "mailbox");
    tell_quota(session_.name_text(name));
  });
}

/// In units of 1024 octets. `mailbox`: as it is told, when its root was asked for. Without a bound there is no root.
void ServerSession::Folders::tell_quota(std::string mailbox) {
  session_.ask_for<Quota>(AskQuota{}, [this, mailbox = std::move(mailbox)](Quota& quota) {
    if (quota.fault != Fault::none) return session_.fault(quota.fault, "quota");
    const bool bounded = quota.bound != 0;
    if (!bounded && mailbox.empty()) return session_.no("[NONEXISTENT] there is no quota");
    if (!mailbox.empty()) session_.untagged(fmt::format("QUOTAROOT {}{}", mailbox, bounded ? " \"\"" : ""));
    if (bounded)
      session_.untagged(fmt::format("QUOTA \"\" (STORAGE {} {})", (quota.used + 1023) / 1024, quota.bound / 1024));
    session_.ok("that is all");
  });
}

void ServerSession::Folders::change(Lexer& args, AskFolder::What what) {
  auto name = session_.read_mailbox(args);
  if (!name) return;
  if (!args.at_end()) return session_.bad("nothing is expected behind the name");
  if (what == AskFolder::What::subscribe)
    if (const auto why = refusal_of_name(*name)) return session_.no(fmt::format("[CANNOT] {}", *why));
  session_.ask_for<Done>(AskFolder{what, std::move(*name)}, [this](Done& done) { changed(done.fault, "it is done"); });
}

void ServerSession::Folders::rename(Lexer& args) {
  auto from = session_.read_mailbox(args);
  if (!from) return;
  auto to = session_.read_mailbox(args);
  if (!to) return;
  if (!args.at_end()) return session_.bad("nothing is expected behind the names");
  if (to->size() > 1 && to->back() == kDelimiter) to->pop_back();
  if (const auto why = refusal_of_name(*to)) return session_.no(fmt::format("[CANNOT] {}", *why));
  if (to->starts_with(*from + kDelimiter)) return session_.no("[CANNOT] it can't be put below itself");
  session_.ask_for<Done>(AskFolder{AskFolder::What::rename, std::move(*from), std::move(*to)},
                         [this](Done& done) { changed(done.fault, "it is renamed"); });
}

} // namespace paquebot::imap
