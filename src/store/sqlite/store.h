#pragma once

#include "store/sqlite/bound.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"

namespace paquebot::store::sqlite {

/// A store on a database that speaks SQL: one core, and the parts that stand on it.
class SqlStore : public Store {
public:
  /// Throws DbError when a reader cannot be opened.
  explicit SqlStore(CoreParts parts) : core_(std::move(parts)) {}

  Acceptance& acceptance() override { return *acceptance_; }
  ContentStore& content() override { return *content_; }
  QueueStore& queue() override { return *queue_; }
  Trail& trail() override { return *trail_; }
  Mailboxes& mailboxes() override { return *mailboxes_; }
  DirectoryStore& directory() override { return *directory_; }
  Credentials& credentials() override { return *credentials_; }
  Rights& rights() override { return *rights_; }
  Access& access() override { return *access_; }
  AuditLog& audit() override { return *audit_; }
  SigningKeys& keys() override { return *keys_; }
  Certificates& certificates() override { return *certificates_; }
  Books& books() override { return *books_; }
  Upkeep& upkeep() override { return *upkeep_; }
  Feed& feed() override { return *feed_; }
  std::unique_ptr<Store> bound(std::shared_ptr<PendingEntry> entry) override {
    return bind_store(core_, *this, std::move(entry));
  }
  std::unique_ptr<Subscription> subscribe(std::function<void(const Change&)> told) override {
    return core_.subscribers.add(std::move(told));
  }

protected:
  Core& core() { return core_; }

private:
  Core core_;
  const std::unique_ptr<Acceptance> acceptance_ = make_acceptance(core_);
  const std::unique_ptr<ContentStore> content_ = make_content(core_);
  const std::unique_ptr<QueueStore> queue_ = make_queue(core_);
  const std::unique_ptr<Trail> trail_ = make_trail(core_);
  const std::unique_ptr<Mailboxes> mailboxes_ = make_mailboxes(core_);
  const std::unique_ptr<DirectoryStore> directory_ = make_directory(core_);
  const std::unique_ptr<Credentials> credentials_ = make_credentials(core_);
  const std::unique_ptr<Rights> rights_ = make_rights(core_);
  const std::unique_ptr<Access> access_ = make_access(core_);
  const std::unique_ptr<AuditLog> audit_ = make_audit(core_);
  const std::unique_ptr<SigningKeys> keys_ = make_keys(core_);
  const std::unique_ptr<Certificates> certificates_ = make_certificates(core_);
  const std::unique_ptr<Books> books_ = make_books(core_);
  const std::unique_ptr<Upkeep> upkeep_ = make_upkeep(core_);
  const std::unique_ptr<Feed> feed_ = make_feed(core_);
};

} // namespace paquebot::store::sqlite
