#pragma once

#include "store/store.h"

#include <type_traits>
#include <utility>

namespace paquebot::store {

class WrappedAcceptance : public Acceptance {
public:
  explicit WrappedAcceptance(Store& inner) : inner_(inner.acceptance()) {}
  Task<Result<std::shared_ptr<Staged>>> stage() override { return inner_.stage(); }
  Task<AcceptResult> accept(std::shared_ptr<const AcceptRequest> request) override {
    return inner_.accept(std::move(request));
  }
  bool has_room() override { return inner_.has_room(); }
  Task<Result<std::optional<KeptSending>>> find_sending(Id account, std::string key, std::int64_t now) override {
    return inner_.find_sending(account, std::move(key), now);
  }

private:
  Acceptance& inner_;
};

class WrappedContentStore : public ContentStore {
public:
  explicit WrappedContentStore(Store& inner) : inner_(inner.content()) {}
  Task<Result<std::string>> read_head(Id head) override { return inner_.read_head(head); }
  Task<Result<std::string>> read_body(BodyRef body, std::uint64_t offset, std::size_t most) override {
    return inner_.read_body(body, offset, most);
  }

private:
  ContentStore& inner_;
};

class WrappedQueueStore : public QueueStore {
public:
  explicit WrappedQueueStore(Store& inner) : inner_(inner.queue()) {}
  Task<Result<std::vector<DestinationFacts>>> list_destinations(bool with_counts) override {
    return inner_.list_destinations(with_counts);
  }
  Task<Result<std::vector<DestinationFacts>>> page_destinations(std::string after, std::size_t most) override {
    return inner_.page_destinations(std::move(after), most);
  }
  Task<Result<>> keep_sites(std::vector<SiteFacts> sites) override { return inner_.keep_sites(std::move(sites)); }
  Task<Result<std::vector<SiteFacts>>> list_sites() override { return inner_.list_sites(); }
  Task<Result<Claim>> claim(std::string destination, std::int64_t now, std::size_t most) override {
    return inner_.claim(std::move(destination), now, most);
  }
  Task<Result<std::vector<WorkItem>>> claim_expired(std::string destination, std::int64_t now,
                                                    std::size_t most) override {
    return inner_.claim_expired(std::move(destination), now, most);
  }
  Task<Result<std::vector<WorkItem>>> claim_overdue(std::int64_t now, std::size_t most) override {
    return inner_.claim_overdue(now, most);
  }
  Task<Result<std::int64_t>> earliest_due(std::string destination) override {
    return inner_.earliest_due(std::move(destination));
  }
  Task<Result<std::int64_t>> earliest_deadline() override { return inner_.earliest_deadline(); }
  Task<Result<std::size_t>> record(std::vector<Outcome> outcomes,
                                   std::optional<DestinationUpdate> destination) override {
    return inner_.record(std::move(outcomes), std::move(destination));
  }
  Task<Result<OwedPage>> owed_reports(std::optional<Ulid> after, std::size_t most) override {
    return inner_.owed_reports(after, most);
  }
  Task<Result<>> waive_reports(Ulid message, std::vector<std::uint32_t> recipients) override {
    return inner_.waive_reports(message, std::move(recipients));
  }
  Task<Result<std::vector<WorkItem>>> list(QueueFilter filter, std::optional<Ulid> after, std::size_t most) override {
    return inner_.list(std::move(filter), std::move(after), most);
  }
  Task<Result<QueueCount>> count(QueueAction action, QueueFilter filter, std::int64_t now, std::size_t most) override {
    return inner_.count(action, std::move(filter), now, most);
  }
  Task<Result<>> suspend(Suspension one) override { return inner_.suspend(std::move(one)); }
  Task<Result<>> end_suspension(Suspension::Of of, std::string name) override {
    return inner_.end_suspension(of, std::move(name));
  }
  Task<Result<bool>> advance_suspension(Suspension seen, Suspension::Phase to) override {
    return inner_.advance_suspension(std::move(seen), to);
  }
  Task<Result<std::vector<Suspension>>> list_suspensions() override { return inner_.list_suspensions(); }
  Task<Result<std::uint64_t>> count_held() override { return inner_.count_held(); }
  Task<Result<std::size_t>> operate(QueueAction action, QueueFilter filter, std::string who,
                                    std::int64_t now) override {
    return inner_.operate(action, std::move(filter), std::move(who), now);
  }
  Task<Result<std::size_t>> pull_forward(std::int64_t now, std::int64_t latest) override {
    return inner_.pull_forward(now, latest);
  }

private:
  QueueStore& inner_;
};

class WrappedDirectoryStore : public DirectoryStore {
public:
  explicit WrappedDirectoryStore(Store& inner) : inner_(inner.directory()) {}
  std::uint64_t generation() override { return inner_.generation(); }
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
  Task<Result<std::vector<Account>>> page_accounts(Within within, std::string after, std::size_t most) override {
    return inner_.page_accounts(std::move(within), std::move(after), most);
  }
  Task<Result<std::vector<Domain>>> page_domains(Within within, std::string after, std::size_t most) override {
    return inner_.page_domains(std::move(within), std::move(after), most);
  }
  Task<Result<std::vector<AddressEntry>>> page_aliases(Within within, std::string after, std::size_t most) override {
    return inner_.page_aliases(std::move(within), std::move(after), most);
  }
  Task<Result<Domain>> get_domain(std::string name) override { return inner_.get_domain(std::move(name)); }
  Task<Result<std::vector<std::string>>> aliases_to(std::string address, std::size_t most) override {
    return inner_.aliases_to(std::move(address), most);
  }
  Task<Result<std::vector<std::string>>> domains_owned_by(Id account, std::size_t most) override {
    return inner_.domains_owned_by(account, most);
  }

private:
  DirectoryStore& inner_;
};

class WrappedBooks : public Books {
public:
  explicit WrappedBooks(Store& inner) : inner_(inner.books()) {}
  void watch_accounts(TakeoverRules rules) override { inner_.watch_accounts(rules); }
  Task<Result<bool>> suspect(Id account, TakeoverSign signal, std::string reason) override {
    return inner_.suspect(account, signal, std::move(reason));
  }
  Task<Result<std::vector<Suspicion>>> list_suspicions(bool with_counts) override {
    return inner_.list_suspicions(with_counts);
  }
  Task<Result<std::vector<Suspicion>>> page_suspicions(Within within, std::string after, std::size_t most) override {
    return inner_.page_suspicions(std::move(within), std::move(after), most);
  }
  Task<Result<std::optional<Suspicion>>> get_suspicion(Id account) override { return inner_.get_suspicion(account); }
  Task<Result<>> suspicion_told(Id account) override { return inner_.suspicion_told(account); }
  Task<Result<unsigned>> note_network(Id account, std::string network, std::chrono::seconds within) override {
    return inner_.note_network(account, std::move(network), within);
  }
  Task<Result<bool>> note_proven_return(ProvenReturn proven) override {
    return inner_.note_proven_return(std::move(proven));
  }
  Task<Result<bool>> note_complaint(Complaint complaint) override {
    return inner_.note_complaint(std::move(complaint));
  }
  Task<Result<std::optional<Suppression>>> find_suppression(Id account, std::string address) override {
    return inner_.find_suppression(account, std::move(address));
  }
  Task<Result<Suppression>> add_suppression(Suppression one) override { return inner_.add_suppression(std::move(one)); }
  Task<Result<Suppression>> get_suppression(Id id) override { return inner_.get_suppression(id); }
  Task<Result<>> remove_suppression(Id id) override { return inner_.remove_suppression(id); }
  Task<Result<std::vector<Suppression>>> list_suppressions(SuppressionFilter filter, Id after,
                                                           std::size_t most) override {
    return inner_.list_suppressions(std::move(filter), after, most);
  }
  Task<Result<bool>> clear_suspicion(Id account) override { return inner_.clear_suspicion(account); }
  Task<Result<std::size_t>> note_bounces(LateBounces bounces) override {
    return inner_.note_bounces(std::move(bounces));
  }
  std::uint64_t suspicion_generation() override { return inner_.suspicion_generation(); }
  Task<Result<std::vector<LimitUse>>> limit_use(Id account, Limits general, std::int64_t now) override {
    return inner_.limit_use(account, general, now);
  }
  Task<Result<>> set_limit(Id account, LimitKind kind, std::optional<std::uint64_t> most) override {
    return inner_.set_limit(account, kind, most);
  }
  Task<Result<>> save_greylist(std::vector<GreyRow> rows) override { return inner_.save_greylist(std::move(rows)); }
  Task<Result<std::vector<GreyRow>>> find_greylist(std::vector<std::string> keys) override {
    return inner_.find_greylist(std::move(keys));
  }
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
  Task<Result<>> save_sts(StsRow row) override { return inner_.save_sts(std::move(row)); }
  Task<Result<>> drop_sts(std::string domain) override { return inner_.drop_sts(std::move(domain)); }
  Task<Result<std::vector<StsRow>>> load_sts(std::string after, std::size_t most) override {
    return inner_.load_sts(std::move(after), most);
  }

private:
  Books& inner_;
};

class WrappedUpkeep : public Upkeep {
public:
  explicit WrappedUpkeep(Store& inner) : inner_(inner.upkeep()) {}
  Task<Result<std::string>> get_setting(std::string key) override { return inner_.get_setting(std::move(key)); }
  Task<Result<>> set_setting(std::string key, std::string value) override {
    return inner_.set_setting(std::move(key), std::move(value));
  }
  Task<Result<std::vector<std::pair<std::string, std::string>>>> list_settings(std::string prefix, std::size_t most,
                                                                               std::string after) override {
    return inner_.list_settings(std::move(prefix), most, std::move(after));
  }
  Task<Result<bool>> lease(std::string name, std::chrono::seconds time) override {
    return inner_.lease(std::move(name), time);
  }
  Task<Result<std::vector<NodeFacts>>> list_nodes() override { return inner_.list_nodes(); }
  Task<Result<StoreFacts>> describe() override { return inner_.describe(); }
  Task<Result<>> drain_node(std::string name, bool drained) override {
    return inner_.drain_node(std::move(name), drained);
  }
  void hand_over() override { inner_.hand_over(); }
  Task<Result<std::int64_t>> last_beat() override { return inner_.last_beat(); }
  Task<Result<>> beat(std::int64_t now) override { return inner_.beat(now); }
  Task<Result<bool>> maintain(std::int64_t now) override { return inner_.maintain(now); }
  Task<Result<std::vector<std::string>>> verify() override { return inner_.verify(); }
  Task<Result<VerifyStep>> verify_step(VerifyPoint from) override { return inner_.verify_step(from); }
  Task<Result<BackupStep>> begin_backup(std::string path) override { return inner_.begin_backup(std::move(path)); }
  Task<Result<BackupStep>> go_on_with_backup(std::uint64_t ticket) override { return inner_.go_on_with_backup(ticket); }

private:
  Upkeep& inner_;
};

/// A store in front of another one, which does nothing by itself: tests name the parts of which they override what is
/// to fail, to wait, or to be counted, as in Wrapped<WrappedContentStore, WrappedQueueStore>.
template <class... Parts>
class Wrapped : public Store, public Parts... {
public:
  /// `inner` must outlive it.
  explicit Wrapped(Store& inner) : Parts(inner)..., store_(inner) {}

  Acceptance& acceptance() override { return own_or(store_.acceptance()); }
  ContentStore& content() override { return own_or(store_.content()); }
  QueueStore& queue() override { return own_or(store_.queue()); }
  Trail& trail() override { return own_or(store_.trail()); }
  Mailboxes& mailboxes() override { return own_or(store_.mailboxes()); }
  DirectoryStore& directory() override { return own_or(store_.directory()); }
  Credentials& credentials() override { return own_or(store_.credentials()); }
  Rights& rights() override { return own_or(store_.rights()); }
  Access& access() override { return own_or(store_.access()); }
  AuditLog& audit() override { return own_or(store_.audit()); }
  SigningKeys& keys() override { return own_or(store_.keys()); }
  Certificates& certificates() override { return own_or(store_.certificates()); }
  Books& books() override { return own_or(store_.books()); }
  Upkeep& upkeep() override { return own_or(store_.upkeep()); }
  Feed& feed() override { return own_or(store_.feed()); }

  std::unique_ptr<Store> bound(std::shared_ptr<PendingEntry>) override { return nullptr; }
  std::unique_ptr<Subscription> subscribe(std::function<void(const Change&)> told) override {
    return store_.subscribe(std::move(told));
  }

private:
  template <class Part>
  Part& own_or(Part& inner) {
    if constexpr ((std::is_base_of_v<Part, Parts> || ...))
      return *this;
    else
      return inner;
  }

  Store& store_;
};

} // namespace paquebot::store
