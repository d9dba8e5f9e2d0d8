#pragma once

#include "store/store.h"

#include <memory>

/// The parts of the store on SQLite. Each is one class in a file of its own, which carries every call to the right
/// thread of the core; what it does there is in the same file, or in the functions that several parts share.
namespace paquebot::store::sqlite {

class Core;

/// `core` must outlive them.
std::unique_ptr<Acceptance> make_acceptance(Core& core);
std::unique_ptr<ContentStore> make_content(Core& core);
std::unique_ptr<QueueStore> make_queue(Core& core);
std::unique_ptr<Trail> make_trail(Core& core);
std::unique_ptr<Mailboxes> make_mailboxes(Core& core);
std::unique_ptr<DirectoryStore> make_directory(Core& core);
std::unique_ptr<Credentials> make_credentials(Core& core);
std::unique_ptr<Rights> make_rights(Core& core);
std::unique_ptr<Access> make_access(Core& core);
std::unique_ptr<AuditLog> make_audit(Core& core);
std::unique_ptr<SigningKeys> make_keys(Core& core);
std::unique_ptr<Certificates> make_certificates(Core& core);
std::unique_ptr<Books> make_books(Core& core);
std::unique_ptr<Upkeep> make_upkeep(Core& core);
std::unique_ptr<Feed> make_feed(Core& core);

} // namespace paquebot::store::sqlite
