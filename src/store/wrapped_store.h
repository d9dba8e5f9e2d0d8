#pragma once

#include "store/store.h"

#include <utility>

namespace paquebot::store {

/// A store in front of another one, which does nothing by itself: tests override what is to fail, to wait, or to be counted.
class WrappedStore : public Store {
public:
  /// `inner` must outlive it.
  explicit WrappedStore(Store& inner) : inner_(inner) {}

  Task<Result<Id>> stage_begin() override { return inner_.stage_begin(); }
  Task<Result<>> stage_append(Id staged, std::string chunk) override {
    return inner_.stage_append(staged, std::move(chunk));
  }
  Task<Result<>> stage_finish(Id staged) override { return inner_.stage_finish(staged); }
  void stage_abandon(Id staged) override { return inner_.stage_abandon(staged); }
  Task<AcceptResult> accept(std::shared_ptr<const AcceptRequest> request) override {
    return inner_.accept(std::move(request));
  }
  Task<Result<std::string>> read_head(Id head) override { return inner_.read_head(head); }
  Task<Result<std::string>> read_body(BodyRef body, std::uint64_t offset, std::size_t most) override {
    return inner_.read_body(body, offset, most);
  }
  Task<Result<std::vector<DestinationFacts>>> list_destinations(bool with_counts) override {
    return inner_.list_destinations(with_counts);
  }
  Task<Result<std::vector<WorkItem>>> claim(std::string destination, std::int64_t now, std::size_t most) override {
    return inner_.claim(std::move(destination), now, most);
  }
  Task<Result<std::vector<WorkItem>>> claim_expired(std::string destination, std::int64_t now,
                                                    std::size_t most) override {
    return inner_.claim_expired(std::move(destination), now, most);
  }
  Task<Result<std::int64_t>> earliest_deadline() override { return inner_.earliest_deadline(); }
  Task<Result<std::vector<WorkItem>>> claim_overdue(std::int64_t now, std::size_t most) override {
    return inner_.claim_overdue(now, most);
  }
  Task<Result<std::int64_t>> earliest_due(std::string destination) override {
    return inner_.earliest_due(std::move(destination));
  }
  Task<Result<>> record(std::vector<Outcome> outcomes, std::optional<DestinationUpdate> destination) override {
    return inner_.record(std::move(outcomes), std::move(destination));
  }
  Task<Result<OwedPage>> owed_reports(std::optional<Ulid> after, std::size_t most) override {
    return inner_.owed_reports(after, most);
  }
  Task<Result<std::size_t>> pull_forward(std::int64_t now, std::int64_t latest) override {
    return inner_.pull_forward(now, latest);
  }
  Task<Result<>> waive_reports(Ulid message, std::vector<std::uint32_t> recipients) override {
    return inner_.waive_reports(message, std::move(recipients));
  }
  Task<Result<std::vector<WorkItem>>> list_queue(QueueFilter filter, std::optional<Ulid> after,
                                                 std::size_t most) override {
    return inner_.list_queue(std::move(filter), std::move(after), most);
  }
  Task<Result<std::size_t>> operate(QueueAction action, QueueFilter filter, std::string who,
                                    std::int64_t now) override {
    return inner_.operate(action, std::move(filter), std::move(who), now);
  }
  Task<Result<Trace>> trace(Ulid message) override { return inner_.trace(message); }
  Task<Result<std::vector<Ulid>>> find_messages(std::string address, std::int64_t since, std::size_t most) override {
    return inner_.find_messages(std::move(address), since, most);
  }
  Task<Result<std::vector<Forwarded>>> forwarded_at(std::int64_t time, std::size_t most) override {
    return inner_.forwarded_at(time, most);
  }
  Task<Result<bool>> note_return(Ulid message, Ulid report, std::uint64_t most) override {
    return inner_.note_return(message, report, most);
  }
  Task<Result<MailboxInfo>> open_mailbox(Id account, std::string name) override {
    return inner_.open_mailbox(account, std::move(name));
  }
  Task<Result<>> lock_mailbox(Id mailbox) override { return inner_.lock_mailbox(mailbox); }
  void unlock_mailbox(Id mailbox) override { return inner_.unlock_mailbox(mailbox); }
  Task<Result<std::vector<EntryInfo>>> list_entries(Id mailbox, std::uint32_t after_uid, std::size_t most) override {
    return inner_.list_entries(mailbox, after_uid, most);
  }
  Task<Result<std::vector<std::uint32_t>>> index_entries(Id mailbox, std::uint32_t below_uid,
                                                         std::uint32_t stride) override {
    return inner_.index_entries(mailbox, below_uid, stride);
  }
  Task<Result<EntryContent>> read_entry(Id mailbox, std::uint32_t uid) override {
    return inner_.read_entry(mailbox, uid);
  }
  Task<Result<bool>> was_imported(Id account, std::string digest) override {
    return inner_.was_imported(account, std::move(digest));
  }
  Task<Result<std::vector<EntryContent>>> read_entries(Id mailbox, std::vector<std::uint32_t> uids,
                                                       std::size_t most) override {
    return inner_.read_entries(mailbox, std::move(uids), most);
  }
  Task<Result<std::size_t>> expunge(Id mailbox, std::vector<std::uint32_t> uids, std::string who) override {
    return inner_.expunge(mailbox, std::move(uids), std::move(who));
  }
  Task<Result<std::vector<LimitUse>>> limit_use(Id account, Limits general, std::int64_t now) override {
    return inner_.limit_use(account, general, now);
  }
  void watch_accounts(TakeoverRules rules) override { inner_.watch_accounts(rules); }
  Task<Result<bool>> suspect(Id account, Signal signal, std::string reason) override {
    return inner_.suspect(account, signal, std::move(reason));
  }
  Task<Result<std::vector<Suspicion>>> list_suspicions(bool with_counts) override {
    return inner_.list_suspicions(with_counts);
  }
  Task<Result<std::size_t>> note_bounces(LateBounces bounces) override {
    return inner_.note_bounces(std::move(bounces));
  }
  Task<Result<>> suspicion_told(Id account) override { return inner_.suspicion_told(account); }
  Task<Result<bool>> clear_suspicion(Id account) override { return inner_.clear_suspicion(account); }
  std::uint64_t suspicion_generation() override { return inner_.suspicion_generation(); }
  Task<Result<>> set_limit(Id account, LimitKind kind, std::optional<std::uint64_t> most) override {
    return inner_.set_limit(account, kind, most);
  }
  std::uint64_t directory_generation() override { return inner_.directory_generation(); }
  Task<Result<Expired>> expire_entries(std::int64_t before, std::string who) override {
    return inner_.expire_entries(before, std::move(who));
  }
  Task<Result<Domain>> add_domain(std::string name) override { return inner_.add_domain(std::move(name)); }
  Task<Result<Domain>> add_alias_domain(std::string name, std::string of) override {
    return inner_.add_alias_domain(std::move(name), std::move(of));
  }
  Task<Result<>> remove_domain(std::string name) override { return inner_.remove_domain(std::move(name)); }
  Task<Result<std::vector<Domain>>> list_domains() override { return inner_.list_domains(); }
  Task<Result<>> set_domain_owner(std::string name, Id account) override {
    return inner_.set_domain_owner(std::move(name), account);
  }
  Task<Result<Account>> add_account(Account account) override { return inner_.add_account(std::move(account)); }
  Task<Result<Account>> find_account(std::string login) override { return inner_.find_account(std::move(login)); }
  Task<Result<Account>> get_account(Id id) override { return inner_.get_account(id); }
  Task<Result<std::vector<Account>>> list_accounts(std::string domain) override {
    return inner_.list_accounts(std::move(domain));
  }
  Task<Result<>> update_account(Account account) override { return inner_.update_account(std::move(account)); }
  Task<Result<>> remove_account(std::string login) override { return inner_.remove_account(std::move(login)); }
  Task<Result<>> set_scram(Account account) override { return inner_.set_scram(std::move(account)); }
  Task<Result<std::vector<AppPassword>>> list_app_passwords(Id account) override {
    return inner_.list_app_passwords(account);
  }
  Task<Result<AppPassword>> add_app_password(AppPassword password) override {
    return inner_.add_app_password(std::move(password));
  }
  Task<Result<>> remove_app_password(Id account, Id id) override { return inner_.remove_app_password(account, id); }
  Task<Result<>> use_app_password(Id id, std::int64_t when, std::string from) override {
    return inner_.use_app_password(id, when, std::move(from));
  }
  Task<Result<std::vector<DkimKey>>> list_dkim_keys(std::string domain) override {
    return inner_.list_dkim_keys(std::move(domain));
  }
  Task<Result<>> add_dkim_keys(std::string domain, std::vector<DkimKey> keys) override {
    return inner_.add_dkim_keys(std::move(domain), std::move(keys));
  }
  Task<Result<>> activate_dkim_keys(std::string domain) override {
    return inner_.activate_dkim_keys(std::move(domain));
  }
  Task<Result<>> remove_dkim_key(std::string domain, std::string selector) override {
    return inner_.remove_dkim_key(std::move(domain), std::move(selector));
  }
  Task<Result<AddressLookup>> find_address(std::string local, std::string domain) override {
    return inner_.find_address(std::move(local), std::move(domain));
  }
  Task<Result<>> add_address(AddressEntry entry) override { return inner_.add_address(std::move(entry)); }
  Task<Result<>> set_senders(std::string local, std::string domain, std::vector<std::string> senders) override {
    return inner_.set_senders(std::move(local), std::move(domain), std::move(senders));
  }
  Task<Result<>> remove_address(std::string local, std::string domain, std::string target) override {
    return inner_.remove_address(std::move(local), std::move(domain), std::move(target));
  }
  Task<Result<std::vector<AddressEntry>>> list_addresses(std::string domain) override {
    return inner_.list_addresses(std::move(domain));
  }
  Task<Result<std::vector<AddressEntry>>> account_addresses(Id account) override {
    return inner_.account_addresses(account);
  }
  Task<Result<>> save_greylist(std::vector<GreyRow> rows) override { return inner_.save_greylist(std::move(rows)); }
  Task<Result<std::vector<GreyRow>>> load_greylist(std::string after, std::size_t most) override {
    return inner_.load_greylist(std::move(after), most);
  }
  Task<Result<std::uint64_t>> count_dmarc(std::vector<DmarcCount> counts) override {
    return inner_.count_dmarc(std::move(counts));
  }
  Task<Result<std::vector<DmarcDue>>> list_dmarc(std::int64_t day, DmarcDay after, std::size_t most) override {
    return inner_.list_dmarc(day, std::move(after), most);
  }
  Task<Result<std::vector<DmarcRow>>> read_dmarc(DmarcDay of, std::optional<DmarcRow> after,
                                                 std::size_t most) override {
    return inner_.read_dmarc(std::move(of), std::move(after), most);
  }
  Task<Result<>> drop_dmarc(DmarcDay of) override { return inner_.drop_dmarc(std::move(of)); }
  Task<Result<std::string>> get_setting(std::string key) override { return inner_.get_setting(std::move(key)); }
  Task<Result<>> set_setting(std::string key, std::string value) override {
    return inner_.set_setting(std::move(key), std::move(value));
  }
  Task<Result<std::vector<std::pair<std::string, std::string>>>> list_settings(std::string prefix,
                                                                               std::size_t most) override {
    return inner_.list_settings(std::move(prefix), most);
  }
  Task<Result<std::int64_t>> last_beat() override { return inner_.last_beat(); }
  Task<Result<>> beat(std::int64_t now) override { return inner_.beat(now); }
  Task<Result<bool>> maintain(std::int64_t now) override { return inner_.maintain(now); }
  Task<Result<std::vector<std::string>>> verify() override { return inner_.verify(); }
  Task<Result<VerifyStep>> verify_step(VerifyPoint from) override { return inner_.verify_step(from); }
  Task<Result<BackupStep>> begin_backup(std::string path) override { return inner_.begin_backup(std::move(path)); }
  Task<Result<BackupStep>> go_on_with_backup(std::uint64_t ticket) override { return inner_.go_on_with_backup(ticket); }
  bool has_room() override { return inner_.has_room(); }

protected:
  Store& inner_;
};

} // namespace paquebot::store
