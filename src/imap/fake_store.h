#pragma once

#include "base/text.h"
#include "imap/mailbox_name.h"
#include "imap/server_session.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paquebot::imap {

/// Mailboxes in memory, for tests: answers what a session asks. Another client's doings are the functions below
/// "Others".
class FakeStore {
public:
  struct Message {
    std::uint32_t uid = 0;
    std::uint64_t flags = 0;
    std::vector<std::string> keywords{};
    std::string text{};                    ///< head and body
    std::int64_t date = 1'795'435'200'000; ///< 2026-11-23T12:00:00Z
    std::int64_t modseq = 0;
    std::int64_t email = 0; ///< the same for copies
    bool touched = false;
  };
  struct Mailbox {
    std::int64_t id = 0;
    std::uint32_t uidvalidity = 1;
    std::uint32_t uidnext = 1;
    std::int64_t modseq = 1;
    std::int64_t forgotten = 0; ///< what was deleted up to this modseq is not known any more
    std::uint8_t special_use = 0;
    std::vector<Message> messages{};
    std::vector<std::string> keywords{};
    std::vector<std::pair<std::int64_t, std::uint32_t>> gone{}; ///< modseq and uid
  };

  std::map<std::string, Mailbox> boxes;
  std::set<std::string> subscribed;
  std::uint64_t quota = UINT64_MAX;     ///< octets
  bool broken = false, keeping = false; ///< the store fails; it can't delete what REPLACE replaces
  std::size_t piece = 64;               ///< octets of a body in one answer
  std::size_t small = 100;              ///< bodies up to so many octets come with their head

  FakeStore() {
    add_box("INBOX", 0);
    for (const auto& [name, use] : {std::pair("Drafts", kDrafts), std::pair("Sent", kSent), std::pair("Junk", kJunk),
                                    std::pair("Trash", kTrash), std::pair("Archive", kArchive)}) {
      add_box(name, use);
      subscribed.insert(name);
    }
    subscribed.insert("INBOX");
  }

  void add_box(const std::string& name, std::uint8_t use) {
    Mailbox& box = boxes[name];
    box.id = ++last_id_;
    box.uidvalidity = static_cast<std::uint32_t>(1000 + last_id_);
    box.special_use = use;
  }

  // ---- Others ----

  Message& deliver(const std::string& name, std::string text, std::uint64_t flags = 0) {
    Mailbox& box = boxes.at(name);
    Message message;
    message.uid = box.uidnext++;
    message.flags = flags;
    message.text = std::move(text);
    message.modseq = ++box.modseq;
    message.email = ++last_email_;
    box.messages.push_back(std::move(message));
    return box.messages.back();
  }
  void remove(const std::string& name, std::uint32_t uid) {
    Mailbox& box = boxes.at(name);
    if (std::erase_if(box.messages, [&](const Message& m) { return m.uid == uid; }) > 0)
      box.gone.emplace_back(++box.modseq, uid);
  }
  void flag(const std::string& name, std::uint32_t uid, std::uint64_t flags) {
    Mailbox& box = boxes.at(name);
    for (Message& m : box.messages)
      if (m.uid == uid) change(box, m, flags, m.keywords, ++box.modseq);
  }

  // ---- Answers ----

  Answer answer(const AskFolders&) {
    Folders out;
    if (broken) return Folders{Fault::unavailable};
    for (const auto& [name, box] : boxes) out.mailboxes.push_back(facts(name, box));
    out.subscribed.assign(subscribed.begin(), subscribed.end());
    return out;
  }
  Answer answer(const AskStatus& ask) {
    if (broken) return Opened{Fault::unavailable};
    if (!boxes.contains(ask.name)) return Opened{Fault::not_found};
    Opened out;
    out.facts = facts(ask.name, boxes[ask.name]);
    return out;
  }
  Answer answer(const AskOpen& ask) {
    selected_.clear();
    if (broken) return Opened{Fault::unavailable};
    if (!boxes.contains(ask.name)) return Opened{Fault::not_found};
    selected_ = ask.name;
    Mailbox& box = boxes[ask.name];
    Opened out;
    out.facts = facts(ask.name, box);
    out.keywords = keywords(box);
    for (const Message& m : box.messages) append(out.uids, m.uid);
    const auto unseen = std::ranges::find_if(box.messages, [](const Message& m) { return (m.flags & kSeen) == 0; });
    if (ask.first_unseen && unseen != box.messages.end()) out.first_unseen = unseen->uid;
    seen_modseq_ = box.modseq;
    seen_uidnext_ = box.uidnext;
    return out;
  }
  Answer answer(const AskClose&) {
    selected_.clear();
    return Done{};
  }
  Answer answer(const AskFolder& ask) {
    using What = AskFolder::What;
    if (broken) return Done{Fault::unavailable};
    const bool there = boxes.contains(ask.name);
    switch (ask.what) {
      case What::create:
        if (there) return Done{Fault::exists};
        if (boxes.size() >= 50) return Done{Fault::too_many};
        add_box(ask.name, ask.special_use);
        break;
      case What::remove:
        if (ask.name == "INBOX") return Done{Fault::refused};
        if (!there) return Done{Fault::not_found};
        boxes.erase(ask.name);
        break;
      case What::rename: return rename(ask);
      case What::subscribe: subscribed.insert(ask.name); break;
      case What::unsubscribe: subscribed.erase(ask.name); break;
    }
    return Done{};
  }
  Answer answer(const AskNews&) {
    if (broken) return News{Fault::unavailable};
    const auto at = boxes.find(selected_);
    if (at == boxes.end()) return News{Fault::not_found};
    Mailbox& box = at->second;
    News out;
    out.keywords = keywords(box);
    std::vector<UidRun> gone;
    for (const auto& [modseq, uid] : box.gone)
      if (modseq > seen_modseq_) gone.push_back({uid, uid});
    out.gone = normalize(std::move(gone));
    for (const Message& m : box.messages) {
      if (m.uid >= seen_uidnext_)
        append(out.added, m.uid);
      else if (m.touched && m.modseq > seen_modseq_)
        out.changed.push_back(row(box, m));
    }
    out.modseq = box.modseq;
    seen_modseq_ = box.modseq;
    seen_uidnext_ = box.uidnext;
    return out;
  }
  Answer answer(const AskSince& ask) {
    if (broken) return Since{Fault::unavailable};
    Mailbox& box = boxes.at(selected_);
    Since out;
    out.all_gone = ask.modseq < box.forgotten;
    std::vector<UidRun> gone;
    for (const auto& [modseq, uid] : box.gone)
      if (modseq > ask.modseq) gone.push_back({uid, uid});
    out.gone = normalize(std::move(gone));
    for (const Message& m : box.messages)
      if (m.modseq > ask.modseq) append(out.changed, m.uid);
    return out;
  }
  Answer answer(const AskQuota&) {
    if (broken) return Quota{Fault::unavailable};
    return Quota{Fault::none, used(), quota == UINT64_MAX ? 0 : quota};
  }
  Answer answer(const AskRows& ask) {
    Rows out;
    if (broken) return Rows{Fault::unavailable};
    each(ask.uids, [&](Mailbox& box, Message& m) { out.rows.push_back(row(box, m)); });
    return out;
  }
  Answer answer(const AskContents& ask) {
    Contents out;
    if (broken) return Contents{Fault::unavailable};
    for (const std::uint32_t uid : ask.uids) {
      bool found = false;
      each({{uid, uid}}, [&](Mailbox& box, Message& m) {
        found = true;
        Content content;
        content.row = row(box, m);
        const auto [head, body] = parts(m);
        content.head = head;
        content.body_size = body.size();
        if (body.size() <= small) content.text = body;
        out.contents.push_back(std::move(content));
      });
      if (!found && out.contents.empty()) out.fault = Fault::not_found;
      if (!found) break;
    }
    return out;
  }
  Answer answer(const AskBody& ask) {
    Piece out;
    out.fault = Fault::not_found;
    each({{ask.uid, ask.uid}}, [&](Mailbox&, Message& m) {
      out.fault = Fault::none;
      out.bytes = parts(m).second.substr(ask.offset, std::min(piece, ask.most));
    });
    return out;
  }
  Answer answer(const AskStore& ask) {
    Stored out;
    if (broken) return Stored{Fault::unavailable};
    Mailbox& box = boxes.at(selected_);
    const std::int64_t modseq = box.modseq + 1;
    each(ask.uids, [&](Mailbox&, Message& m) {
      if (ask.unchanged_since && m.modseq > *ask.unchanged_since) return append(out.refused, m.uid);
      std::uint64_t flags = m.flags;
      std::vector<std::string> names = m.keywords;
      using How = AskStore::How;
      if (ask.how == How::replace) flags = 0, names.clear();
      flags = ask.how == How::remove ? flags & ~ask.flags : flags | ask.flags;
      for (const std::string& one : ask.keywords) {
        std::erase_if(names, [&](const std::string& other) { return iequals(one, other); });
        if (ask.how != How::remove) names.push_back(one);
      }
      const bool changes = flags != m.flags || names != m.keywords;
      if (changes) change(box, m, flags, names, box.modseq = modseq);
      out.rows.push_back(row(box, m));
      out.rows.back().untouched = !changes;
    });
    out.keywords = keywords(box);
    return out;
  }
  Answer answer(const AskExpunge& ask) {
    if (broken) return Done{Fault::unavailable};
    std::vector<std::uint32_t> uids;
    each(ask.uids, [&](Mailbox&, Message& m) {
      if ((m.flags & kDeleted) != 0) uids.push_back(m.uid);
    });
    for (const std::uint32_t uid : uids) remove(selected_, uid);
    return Done{};
  }
  Answer answer(const AskCopy& ask) {
    Copied out;
    if (broken) return Copied{Fault::unavailable};
    if (!boxes.contains(ask.to)) return Copied{Fault::not_found};
    std::vector<Message> copied;
    std::uint64_t octets = 0;
    each(ask.uids, [&](Mailbox&, Message& m) {
      copied.push_back(m);
      octets += m.text.size();
    });
    if (!ask.move && used() + octets > quota) return Copied{Fault::over_quota};
    out.uidvalidity = boxes[ask.to].uidvalidity;
    for (Message& m : copied) {
      out.from.push_back(m.uid);
      if (ask.move) remove(selected_, m.uid);
      Message& made = deliver(ask.to, m.text, m.flags);
      made.keywords = m.keywords;
      made.email = m.email;
      out.to.push_back(made.uid);
    }
    return out;
  }
  Answer answer(const AskAppend& ask) {
    if (broken) return Done{Fault::unavailable};
    if (!boxes.contains(ask.mailbox)) return Done{Fault::not_found};
    std::uint64_t waits = 0;
    for (const auto& [question, text] : appends_) waits += text.size();
    if (used() + waits + ask.size > quota) return Done{Fault::over_quota};
    appends_.emplace_back(ask, "");
    return Done{};
  }
  Answer answer(const AskAppendPiece& ask) {
    if (broken) return Done{Fault::unavailable};
    appends_.back().second += ask.bytes;
    return Done{};
  }
  Answer answer(const AskAppendEnd& ask) {
    Appended out;
    appended.clear();
    const auto all = std::exchange(appends_, {});
    if (broken || !ask.whole) return Appended{Fault::unavailable};
    for (const auto& [question, text] : all) {
      Message& made = deliver(question.mailbox, text, question.flags);
      made.keywords = question.keywords;
      if (question.date != 0) made.date = question.date;
      out.uidvalidity = boxes[question.mailbox].uidvalidity;
      append(out.uids, made.uid);
      appended.push_back(text);
    }
    out.both = ask.replaces != 0 && keeping;
    if (ask.replaces != 0 && !keeping) remove(selected_, ask.replaces);
    return out;
  }

  std::vector<std::string> appended; ///< by the last command

private:
  static std::pair<std::string, std::string> parts(const Message& m) {
    const auto at = m.text.find("\r\n\r\n");
    if (at == std::string::npos) return {m.text + "\r\n", ""};
    return {m.text.substr(0, at + 4), m.text.substr(at + 4)};
  }
  static void change(Mailbox&, Message& m, std::uint64_t flags, std::vector<std::string> names, std::int64_t modseq) {
    m.flags = flags;
    m.keywords = std::move(names);
    m.modseq = modseq;
    m.touched = true;
  }
  template <class Visit>
  void each(const UidSet& uids, Visit visit) {
    const auto at = boxes.find(selected_);
    if (at == boxes.end()) return;
    for (Message& m : at->second.messages)
      if (contains(uids, m.uid)) visit(at->second, m);
  }
  std::uint64_t used() const {
    std::uint64_t octets = 0;
    for (const auto& [name, box] : boxes)
      for (const Message& m : box.messages) octets += m.text.size();
    return octets;
  }
  /// Keywords get their bits as they are first met.
  std::vector<Keyword> keywords(Mailbox& box) {
    for (const Message& m : box.messages)
      for (const std::string& name : m.keywords)
        if (std::ranges::none_of(box.keywords, [&](const std::string& one) { return iequals(one, name); }))
          box.keywords.push_back(name);
    std::vector<Keyword> out;
    for (std::size_t i = 0; i < box.keywords.size(); ++i)
      out.push_back({static_cast<unsigned>(16 + i), box.keywords[i]});
    return out;
  }
  Row row(Mailbox& box, const Message& m) {
    Row out;
    out.uid = m.uid;
    out.flags = m.flags;
    for (const Keyword& one : keywords(box))
      if (std::ranges::any_of(m.keywords, [&](const std::string& name) { return iequals(one.name, name); }))
        out.flags |= std::uint64_t{1} << one.bit;
    out.modseq = m.modseq;
    out.internal_date = m.date;
    out.saved = m.date + 60'000;
    out.email[15] = static_cast<unsigned char>(m.email);
    const auto [head, body] = parts(m);
    out.size = head.size() + body.size();
    return out;
  }
  MailboxFacts facts(const std::string& name, const Mailbox& box) {
    MailboxFacts out;
    out.id = box.id;
    out.name = name;
    out.special_use = box.special_use;
    out.uidvalidity = box.uidvalidity;
    out.uidnext = box.uidnext;
    out.modseq = box.modseq;
    out.messages = box.messages.size();
    for (const Message& m : box.messages) {
      out.unseen += (m.flags & kSeen) == 0 ? 1 : 0;
      out.deleted += (m.flags & kDeleted) != 0 ? 1 : 0;
      if ((m.flags & kDeleted) != 0) out.deleted_octets += m.text.size();
      out.octets += m.text.size();
    }
    return out;
  }
  Answer rename(const AskFolder& ask) {
    if (!boxes.contains(ask.name)) return Done{Fault::not_found};
    if (boxes.contains(ask.other)) return Done{Fault::exists};
    std::map<std::string, Mailbox> after;
    for (auto& [name, box] : boxes) {
      const bool below = name == ask.name || name.starts_with(ask.name + kDelimiter);
      after[below ? ask.other + name.substr(ask.name.size()) : name] = std::move(box);
    }
    boxes = std::move(after);
    if (ask.name == "INBOX") add_box("INBOX", 0);
    return Done{};
  }

  std::int64_t last_id_ = 0;
  std::string selected_;
  std::int64_t seen_modseq_ = 0;
  std::uint32_t seen_uidnext_ = 1;
  std::int64_t last_email_ = 0;
  std::vector<std::pair<AskAppend, std::string>> appends_;
};

} // namespace paquebot::imap
