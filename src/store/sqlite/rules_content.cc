#include "store/checksum.h"
#include "store/sqlite/holders.h"
#include "store/sqlite/rules.h"

namespace paquebot::store::sqlite {
namespace {

constexpr Rule kHeadRules[] = {
    {"head.refs", "h.refs NOT BETWEEN 1 AND 4294967295", "head %: it is kept, but nobody holds it"},
};

constexpr Rule kBodyRules[] = {
    {"body.refs", "b.refs NOT BETWEEN 1 AND 4294967295", "body %: it is kept, but nobody holds it"},
    {"body.twice", "b.bulk <> 0 AND length(b.data) <> 0", "body %: it is in both files"},
    {"body.values", "b.type NOT BETWEEN 0 AND 2 OR b.size NOT BETWEEN 0 AND 1099511627776 OR b.bulk < 0",
     "body %: a value is out of its range"},
};

constexpr Rule kOutlineRules[] = {
    {"outline.body", "NOT EXISTS (SELECT 1 FROM body b WHERE b.id = o.body)",
     "body %: it does not exist, but what it is made of is kept"},
};

constexpr Rule kGarbageRules[] = {
    {"garbage.owned", "EXISTS (SELECT 1 FROM body b WHERE b.bulk = g.bulk AND b.bulk <> 0)",
     "body % in bulk.db: owned and given up at once", kGivenAgain},
    {"garbage.values", "g.bulk < 1", "body % in bulk.db: given up, but there is none of that number"},
};

constexpr Rule kBulkRules[] = {
    {"bulk.state", "k.state NOT BETWEEN 1 AND 3", "body % in bulk.db: in no known state", kIncomplete},
    {"bulk.size", "k.state = 2 AND k.size <> (SELECT ifnull(sum(length(c.data)), 0) FROM chunk c WHERE c.bulk = k.id)",
     "body % in bulk.db: its size is not that of its chunks", kIncomplete},
};

constexpr Rule kChunkRules[] = {
    {"chunk.bulk", "NOT EXISTS (SELECT 1 FROM bulk k WHERE k.id = c.bulk)",
     "body % in bulk.db: it is unknown, but has chunks"},
    {"chunk.values", "c.start < 0 OR length(c.data) NOT BETWEEN 1 AND 262144",
     "body % in bulk.db: a chunk has no possible size", kIncomplete},
};

constexpr const char* kHeadSum[] = {"head.checksum"};
constexpr const char* kBodySum[] = {"body.checksum"};
constexpr const char* kBulkBody[] = {"bulk.content"};
constexpr const char* kBulkOwner[] = {"bulk.owner", "bulk.epoch"};

std::optional<CheckPlace> go_on(const CheckPlace& from, const Slice& slice) {
  std::string next = slice.next();
  if (next.empty()) return {};
  return CheckPlace{from.part, std::move(next), {}};
}

std::optional<CheckPlace> check_heads(Check& check, const CheckPlace& from) {
  constexpr Ordered kHeads{"head h", {"h.id"}};
  Slice slice(check.main, kHeads, "h.sum, h.bytes", from.after);
  while (!check.enough() && slice.row()) {
    const Query& q = slice.at();
    if (checksum(q.view(2)) != q.u32(1))
      check.tell(kHeadSum[0], "head " + std::to_string(q.i64(0)) + ": does not match its checksum", kDamaged);
    slice.add_cost(q.view(2).size() + 1024);
  }
  return go_on(from, slice);
}

std::optional<CheckPlace> check_bodies(Check& check, const CheckPlace& from) {
  constexpr Ordered kBodies{"body b", {"b.id"}};
  Slice slice(check.main, kBodies, "b.size, b.sum, b.data, b.head_sum, b.head, b.bulk", from.after);
  while (!check.enough() && slice.row()) {
    const Query& q = slice.at();
    const std::string_view data = q.view(3);
    const std::string_view head = q.view(5);
    const std::string name = "body " + std::to_string(q.i64(0));
    if (checksum(data) != q.u32(2) || (q.i64(6) == 0 && data.size() != q.u64(1)))
      check.tell(kBodySum[0], name + ": does not match its checksum or size", kDamaged);
    if (!head.empty() && checksum(head) != q.u32(4))
      check.tell(kBodySum[0], "head of " + name + ": does not match its checksum", kDamaged);
    slice.add_cost(data.size() + head.size() + 1024);
  }
  return go_on(from, slice);
}

/// What is wrong with it, or nothing.
std::string look_at_bulk_body(Db& bulk, Id id, std::uint64_t size) {
  if (bulk.number("SELECT state FROM bulk WHERE id = ?", 0, id) != 2) return "not complete in bulk.db";
  std::uint64_t at = 0;
  Query q = bulk.query("SELECT start, sum, data FROM chunk WHERE bulk = ? ORDER BY start", id);
  while (q.row()) {
    if (q.u64(0) != at) return "has a gap in bulk.db";
    if (checksum(q.view(2)) != q.u32(1)) return "a chunk in bulk.db does not match its checksum";
    at += q.view(2).size();
  }
  return at == size ? std::string() : "is not of its size in bulk.db";
}

/// The two files are not of one moment: what has been given up since is no loss.
bool still_owned(Db& main, Id bulk) {
  if (main.in_transaction()) {
    main.run("ROLLBACK"); // nothing was written
    main.run("BEGIN");
  }
  return main.number("SELECT 1 FROM body WHERE bulk = ? AND bulk <> 0", 0, bulk) != 0;
}

std::optional<CheckPlace> check_bulk_bodies(Check& check, const CheckPlace& from) {
  struct Owned {
    Id bulk;
    Id body;
    std::uint64_t size;
  };
  std::vector<Owned> slice_of;
  std::string next;
  {
    constexpr Ordered kOwned{"body b", {"b.bulk"}, "b.bulk <> 0"};
    Slice slice(check.main, kOwned, "b.id, b.size", from.after);
    while (slice.row()) {
      slice_of.push_back({slice.at().i64(0), slice.at().i64(1), slice.at().u64(2)});
      slice.add_cost(slice_of.back().size + 1024);
    }
    next = slice.next();
  }
  for (const Owned& one : slice_of) {
    if (check.enough()) break;
    const std::string wrong = look_at_bulk_body(check.bulk, one.bulk, one.size);
    if (!wrong.empty() && still_owned(check.main, one.bulk))
      check.tell(kBulkBody[0], "body " + std::to_string(one.body) + ": " + wrong, kIncomplete);
  }
  if (next.empty()) return {};
  return CheckPlace{from.part, std::move(next), {}};
}

/// No body without an owner, but for what is being staged now or about to be deleted.
std::optional<CheckPlace> check_owners(Check& check, const CheckPlace& from) {
  constexpr Ordered kBulks{"bulk k", {"k.id"}};
  Slice slice(check.bulk, kBulks, "k.state, k.epoch", from.after);
  while (!check.enough() && slice.row()) {
    const Query& q = slice.at();
    const Id id = q.i64(0);
    const std::string name = "body " + std::to_string(id) + " in bulk.db";
    slice.add_cost(1024);
    if (q.i64(2) > check.epoch && check.main.number("SELECT 1 FROM node WHERE epoch >= ? LIMIT 1", 0, q.i64(2)) == 0)
      check.tell(kBulkOwner[1], name + ": of an epoch that is still to come", kMiscounted);
    const Id epoch = q.i64(2);
    if (q.i64(1) == 3 || epoch == check.epoch) continue;
    if (check.main.number("SELECT 1 FROM node WHERE epoch = ? AND ended = 0", 0, epoch) != 0) continue; // another's
    const bool known = check.main.number("SELECT 1 FROM body WHERE bulk = ?1 AND bulk <> 0 UNION ALL "
                                         "SELECT 1 FROM bulk_garbage WHERE bulk = ?1 LIMIT 1",
                                         0, id) != 0;
    if (!known) check.tell(kBulkOwner[0], name + ": has no owner", kMiscounted);
  }
  return go_on(from, slice);
}

} // namespace

std::vector<Part> content_parts() {
  return {
      Walk{false, {"head h", {"h.id"}}, "h.id", kHeadRules},
      Walk{false, {"body b", {"b.id"}}, "b.id", kBodyRules},
      Walk{false, {"outline o", {"o.body", "o.head"}}, "o.body", kOutlineRules},
      Walk{false, {"bulk_garbage g", {"g.bulk"}}, "g.bulk", kGarbageRules},
      Look{{kHeadHolders}, check_head_holders},
      Look{{kBodyHolders}, check_body_holders},
      Look{{kHeadSum[0]}, check_heads},
      Look{{kBodySum[0]}, check_bodies},
      Look{{kBulkBody[0]}, check_bulk_bodies},
      Walk{true, {"bulk k", {"k.id"}}, "k.id", kBulkRules},
      Walk{true, {"chunk c", {"c.bulk", "c.start"}}, "c.bulk", kChunkRules},
      Look{{std::begin(kBulkOwner), std::end(kBulkOwner)}, check_owners},
  };
}

} // namespace paquebot::store::sqlite
