#pragma once

namespace paquebot::store::sqlite {

/// Octets of one write at most, held for each log that is written: SQLite's own layer for Unix takes no larger one.
inline constexpr int kJoinedWrite = (1 << 17) - 1;

/// The name of a layer between SQLite and the file system layer that is the default when a file is opened. It joins the
/// writes to a write-ahead log: SQLite writes each frame of a transaction as two, a header of 24 octets and a page;
/// here they are gathered and written with one call.
///
/// Nothing is written later than its commit: the page of the frame that commits (its header says so:
/// https://www.sqlite.org/fileformat2.html section 4.1) is written, with all before it, before its xWrite returns.
/// SQLite makes a transaction visible to other connections only after that, so an error is that transaction's, and what
/// is gathered when the process dies was never committed. A sync, a read, a truncation, a question for the size and
/// closing write what is gathered as well, and so does a write elsewhere, which is passed on at once.
///
/// Files other than logs are opened as if this layer weren't there. Any thread.
const char* joining_vfs();

} // namespace paquebot::store::sqlite
