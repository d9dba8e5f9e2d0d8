#pragma once

#include "base/result.h"
#include "store/sqlite/tx.h"
#include "store/staged.h"

#include <string>
#include <string_view>

/// Heads and bodies: stored once, counted by those who refer to them.
namespace paquebot::store::sqlite {

/// A head and a body that came together, in one row. Whoever holds one of them holds both.
struct Content {
  Id head = 0; ///< the negative of the body's id
  BodyRef body;
};

/// The id in bulk.db of what is staged; 0: nothing is.
inline Id bulk_of(const NewBody& body) { return body.staged ? body.staged->content().bulk : 0; }

/// Stores them for `refs` holders (at least 1); a staged body becomes owned by this row. Nothing of a staged body is
/// read.
Content add_content(Tx& tx, std::string_view head, const NewBody& body, std::int64_t refs);
/// One holder of both fewer; the last one takes the content with it (chunks in bulk.db go to the garbage list).
void release_content(Db& db, Id head, Id body);

/// A body in bulk.db that is about to be deleted: nobody may own it any more.
bool given_up(Db& db, Id bulk);

/// not_found when it is gone, io when its checksum does not hold.
Result<std::string> load_head(Db& db, Id head);
/// A slice of an inline body, its checksum verified. Errors as above.
Result<std::string> load_inline_body(Db& db, Id body, std::uint64_t offset, std::size_t most);
/// The reference to a stored body by its row; size 0 and bulk 0 when there is none.
BodyRef body_ref(Db& db, Id body);

} // namespace paquebot::store::sqlite
