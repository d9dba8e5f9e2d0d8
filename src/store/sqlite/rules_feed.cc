#include "store/sqlite/rules.h"

namespace paquebot::store::sqlite {
namespace {

constexpr Rule kHookRules[] = {
    {"hook.account", "h.account <> 0 AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = h.account)",
     "hook %: its account does not exist"},
    {"hook.cursor", "h.cursor > ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'feed'), 0)",
     "hook %: it has come further than what there is to tell"},
    {"hook.values",
     "h.url = '' OR length(h.secret) < 16 OR h.state NOT BETWEEN 1 AND 2 OR h.failures < 0 OR "
     "min(h.cursor, h.created, h.old_until, h.failing_since, h.again_at, h.delivered_at) < 0",
     "hook %: a value is out of its range"},
};

constexpr Rule kFeedRules[] = {
    {"feed.values",
     "(f.message IS NULL) = (f.word = '') OR (f.message IS NULL) <> (f.events IS NULL) OR "
     "(f.message IS NOT NULL AND length(f.message) <> 16) OR f.at NOT BETWEEN 0 AND 253402300799999",
     "row % of what is to be told: a value is out of its range"},
};

constexpr Rule kSendKeyRules[] = {
    {"send_key.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = k.account)",
     "account %: it sent something under a key, but does not exist"},
    {"send_key.values",
     "k.key = '' OR length(k.message) <> 16 OR length(k.digest) <> 32 OR k.answer = '' OR "
     "k.at NOT BETWEEN 0 AND 253402300799999",
     "account %: of what it sent under a key a value is out of its range"},
};

constexpr Rule kMetadataRules[] = {
    {"metadata.values", "w.words = '' OR length(w.message) <> 16", "message %: what is said of it is nothing"},
};

constexpr Rule kSuppressionRules[] = {
    {"suppression.owner",
     "(s.scope = 2 AND NOT EXISTS (SELECT 1 FROM domain d WHERE d.id = s.of)) OR "
     "(s.scope = 3 AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = s.of))",
     "suppression %: whose it is does not exist"},
    {"suppression.values",
     "s.scope NOT BETWEEN 1 AND 3 OR s.reason NOT BETWEEN 1 AND 5 OR s.address NOT LIKE '%_@_%' OR "
     "(s.message IS NOT NULL AND length(s.message) <> 16) OR min(s.since, s.until) < 0",
     "suppression %: a value is out of its range"},
};

constexpr Rule kStrikeRules[] = {
    {"suppression_strike.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = t.account)",
     "account %: something of its mail is counted, but it does not exist"},
    {"suppression_strike.values", "t.address = '' OR length(t.message) <> 16 OR t.reason NOT IN (2, 3)",
     "account %: of what is counted of its mail a value is out of its range"},
};

} // namespace

std::vector<Part> feed_parts() {
  return {
      Walk{false, {"hook h", {"h.id"}}, "h.id", kHookRules},
      Walk{false, {"feed f", {"f.id"}}, "f.id", kFeedRules},
      Walk{false, {"send_key k", {"k.account", "k.key"}}, "k.account", kSendKeyRules},
      Walk{false, {"metadata w", {"w.message"}}, "w.message", kMetadataRules},
      Walk{false, {"suppression s", {"s.id"}}, "s.id", kSuppressionRules},
      Walk{false, {"suppression_strike t", {"t.account", "t.address", "t.message"}}, "t.account", kStrikeRules},
  };
}

} // namespace paquebot::store::sqlite
