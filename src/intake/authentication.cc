#include "intake/authentication.h"

#include "metrics/counters.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace paquebot::intake {
namespace {

/// Questions of one message without giving way: most messages ask less.
constexpr unsigned kAtOnce = 12;
/// DMARC records asked for beside those of the authors: one message leaves room for others among Shares::kEach.
constexpr std::size_t kMostAhead = 20;
constexpr std::string_view kTooLate = "the DNS did not answer in time";

/// Asks until the message is judged, within the share of the client and the network that it comes from. Then nothing
/// more is asked, so that what still runs ends with its question under way: a chain of fifty seals whose names are
/// silent must not be followed to its end. What is known needs no place. Who asks for the author's policy, policies(),
/// stands in no line either: that decides everything, and a message asks for few at a time: two of each of its authors'
/// domains, and those of at most kMostAhead names that may stand for them or lie above. Beyond the reserve they stand
/// in line like the others.
class BoundedResolver final : public dns::Resolver {
public:
  BoundedResolver(Verifier& verifier, const mailauth::Ip& client)
      : verifier_(verifier), client_(Shares::client_of(client)), network_(Shares::network_of(client)) {}
  /// Behind each question for a key may be a check of a signature: a message that has many gives way to others in
  /// between.
  Task<std::shared_ptr<const dns::Answer>> query(std::string name, dns::Type type) override {
    return ask(std::move(name), type, ++asked_ > kAtOnce, false);
  }
  dns::Resolver& policies() { return policies_; }
  void end() { over_ = true; }
  /// Some question had to wait for its place, or failed for reasons of our own.
  bool own_fault() const { return own_fault_; }

private:
  using AnswerPtr = std::shared_ptr<const dns::Answer>;

  class Policies final : public dns::Resolver {
  public:
    explicit Policies(BoundedResolver& of) : of_(of) {}
    Task<AnswerPtr> query(std::string name, dns::Type type) override {
      return of_.ask(std::move(name), type, false, true);
    }

  private:
    BoundedResolver& of_;
  };

  /// The places that a question has.
  struct Places {
    std::optional<Shares::Place> own, network;
  };

  AnswerPtr too_late() const {
    auto answer = std::make_shared<dns::Answer>();
    answer->why = kTooLate;
    answer->own_fault = own_fault_;
    return answer;
  }

  Task<AnswerPtr> ask(std::string name, dns::Type type, bool politely, bool policy) {
    if (over_) co_return too_late();
    if (politely) co_await net::give_way();
    if (AnswerPtr known = verifier_.resolver.known(name, type)) {
      own_fault_ |= known->own_fault;
      co_return known;
    }
    Places places;
    const bool passes = policy && pass(places);
    if (!passes) co_await stand_in_line(places);
    if (over_) co_return too_late();
    AnswerPtr answer = co_await verifier_.resolver.query(std::move(name), type);
    own_fault_ |= answer->own_fault;
    co_return answer;
  }

  bool pass(Places& places) {
    const std::string own = Shares::reserve_of(client_), network = Shares::reserve_of(network_);
    if (!verifier_.shares.enter(own, Shares::kEach)) return false;
    places.own.emplace(verifier_.shares, own);
    if (verifier_.shares.enter(network, Shares::kOfNetwork)) {
      places.network.emplace(verifier_.shares, network);
      return true;
    }
    places.own.reset();
    return false;
  }

  Task<void> stand_in_line(Places& places) {
    const OneShot own_turn, turn;
    if (!verifier_.shares.enter(client_, Shares::kEach, own_turn)) {
      own_fault_ = true;
      co_await own_turn.wait();
    }
    places.own.emplace(verifier_.shares, client_);
    if (!verifier_.shares.enter(network_, Shares::kOfNetwork, turn)) {
      own_fault_ = true;
      co_await turn.wait();
    }
    places.network.emplace(verifier_.shares, network_);
  }

  Verifier& verifier_;
  const std::string client_, network_;
  Policies policies_{*this};
  unsigned asked_ = 0;
  bool over_ = false;
  bool own_fault_ = false;
};

/// The results of all checks have the words of RFC 8601 in common.
metrics::AuthOutcome counted_outcome(std::string_view word) {
  const auto& words = metrics::LabelOf<metrics::AuthOutcome>::words;
  const auto found = std::ranges::find(words, word);
  return found == words.end() ? metrics::AuthOutcome::none : static_cast<metrics::AuthOutcome>(found - words.begin());
}

void count_findings(const Findings& findings) {
  using enum metrics::AuthMethod;
  metrics::authentication.add(spf, counted_outcome(to_string(findings.sender.result)));
  for (const mailauth::DkimVerdict& one : findings.dkim)
    metrics::authentication.add(dkim, counted_outcome(to_string(one.result)));
  metrics::authentication.add(arc, counted_outcome(to_string(findings.arc.result)));
  if (findings.dmarc) metrics::authentication.add(dmarc, counted_outcome(to_string(findings.dmarc->result)));
}

} // namespace

/// What questions under way work with. They end on the same executor, maybe after the message.
struct Authentication::State {
  State(Verifier& v, AuthenticationSubject s)
      : verifier(v), resolver(v, s.client), subject(std::move(s)), walker(resolver.policies()) {}

  Verifier& verifier;
  BoundedResolver resolver;
  AuthenticationSubject subject;
  mailauth::SpfLimits spf_limits;
  mailauth::SpfQuestion sender_question;
  mailauth::SpfQuestion helo_question;
  std::optional<mailauth::SpfOutcome> sender, helo;
  std::optional<mailauth::DkimVerifier> dkim;
  std::optional<mailauth::ArcVerifier> arc;
  std::optional<mailauth::ArcOutcome> arc_outcome;
  mailauth::DmarcWalker walker;
  mailauth::Author author;
  mailauth::SpfOutcome sender_for_dmarc;
  std::vector<mailauth::DkimVerdict> dkim_for_dmarc;
  std::vector<mailauth::DmarcOutcome> dmarc; ///< of each domain that the author may be of; empty: not yet known

  using Ptr = std::shared_ptr<State>;
  static Task<void> ask_sender(Ptr self);
  static Task<void> ask_helo(Ptr self);
  static Task<void> ask_name(Ptr self, std::string name);
  std::vector<std::string> names_of_records() const;
  static Task<void> ask_policy(Ptr self, std::string author);
  static Task<void> ask_record(Ptr self, std::string domain);
  static Task<void> verify_dkim(Ptr self, std::size_t n);
  static Task<void> verify_arc(Ptr self);
  static Task<void> verify_dmarc(Ptr self);
};

Task<void> Authentication::State::ask_sender(Ptr self) {
  State& s = *self;
  s.sender = co_await mailauth::check_spf(s.sender_question, s.resolver, s.verifier.clock, s.spf_limits);
}

Task<void> Authentication::State::ask_helo(Ptr self) {
  State& s = *self;
  s.helo = co_await mailauth::check_spf(s.helo_question, s.resolver, s.verifier.clock, s.spf_limits);
}

/// The resolver keeps the answer.
Task<void> Authentication::State::ask_name(Ptr self, std::string name) {
  const auto answer = co_await mailauth::fetch_dkim_key(std::move(name), self->resolver, self->verifier.keys);
}

/// The walker keeps the answers.
Task<void> Authentication::State::ask_policy(Ptr self, std::string author) {
  Task<void> learning = self->walker.learn_policy(std::move(author));
  co_await std::move(learning);
}

Task<void> Authentication::State::ask_record(Ptr self, std::string domain) {
  Task<void> learning = self->walker.learn_record(std::move(domain));
  co_await std::move(learning);
}

/// Where records may be that matter: above the authors, since where a name is silent, what is known above it counts;
/// and at and above what may stand for them, which is judged late when anything else is silent.
std::vector<std::string> Authentication::State::names_of_records() const {
  std::vector<std::string> names;
  const auto add = [&](std::string name) {
    const auto is = [&](const std::vector<std::string>& in) { return std::ranges::find(in, name) != in.end(); };
    if (names.size() < kMostAhead && !is(author.domains) && !is(names)) names.push_back(std::move(name));
  };
  for (const std::string& domain : author.domains)
    for (std::string& name : mailauth::DmarcWalker::names_above(domain)) add(std::move(name));
  std::vector<std::string> identifiers{sender_question.domain};
  for (const auto& verdict : dkim->verdicts()) identifiers.push_back(verdict.domain);
  for (const std::string& identifier : identifiers) {
    const auto concerns = [&](const std::string& domain) { return mailauth::may_stand_for(identifier, domain); };
    if (!std::ranges::any_of(author.domains, concerns)) continue;
    add(identifier);
    for (std::string& name : mailauth::DmarcWalker::names_above(identifier)) add(std::move(name));
  }
  return names;
}

Task<void> Authentication::State::verify_dkim(Ptr self, std::size_t n) {
  State& s = *self;
  // One after the other, as far as their keys are at hand, and other messages in between: a check may be costly.
  for (std::size_t before = 0; before < n; ++before) co_await net::give_way();
  Task<void> one = s.dkim->verify(n, s.resolver, s.verifier.keys);
  co_await std::move(one);
}

Task<void> Authentication::State::verify_arc(Ptr self) {
  State& s = *self;
  s.arc_outcome = co_await s.arc->finish(s.resolver, s.verifier.keys);
}

Task<void> Authentication::State::verify_dmarc(Ptr self) {
  State& s = *self;
  mailauth::Author author = s.author;
  s.dmarc = co_await mailauth::check_dmarc_each(std::move(author), s.sender_for_dmarc, s.dkim_for_dmarc, s.walker);
}

Authentication::Authentication(Verifier& verifier, const AuthenticationOptions& options, AuthenticationSubject subject)
    : verifier_(verifier), options_(options), hostname_(subject.hostname),
      state_(std::make_shared<State>(verifier, std::move(subject))), asked_(verifier.lookups),
      ahead_(verifier.lookups) {
  State& s = *state_;
  s.spf_limits.time = options_.timeout;
  s.sender_question =
      mailauth::spf_question_for_sender(s.subject.client, s.subject.helo, s.subject.sender, s.subject.hostname);
  s.helo_question = mailauth::spf_question_for_helo(s.subject.client, s.subject.helo, s.subject.hostname);
}

Authentication::~Authentication() { state_->resolver.end(); }

Task<void> Authentication::begin() {
  Task<void> sender = State::ask_sender(state_);
  co_await asked_.start(std::move(sender));
  // With "<>" both are the same question (RFC 7208 section 2.4). Else nothing depends on HELO: it is told when it is
  // known.
  if (state_->subject.sender.domain.empty()) co_return;
  Task<void> helo = State::ask_helo(state_);
  co_await ahead_.start(std::move(helo));
}

void Authentication::leave_spf() {
  state_->sender =
      mailauth::SpfOutcome{mailauth::SpfResult::none, state_->sender_question.domain, "a user of this server", {}};
}

void Authentication::take_head() {
  head_taken_ = true;
  const auto head = mail::Head::parse(splitter_.take_head());
  if (!head) return; // it is refused
  state_->dkim.emplace(*head, verifier_.clock.wall());
  state_->arc.emplace(*head);
  state_->author = mailauth::author_of(*head);
}

bool Authentication::feed(std::string_view chunk) {
  const auto body = splitter_.feed(chunk);
  if (!body || !splitter_.head_complete()) return false;
  const bool fresh = !head_taken_;
  if (fresh) take_head();
  if (!state_->dkim) return false;
  state_->dkim->body(*body);
  state_->arc->body(*body);
  return fresh;
}

Task<void> Authentication::ask_ahead() {
  std::vector<std::string> names = state_->dkim->key_names();
  for (std::string& name : state_->arc->key_names()) names.push_back(std::move(name));
  for (std::string& name : names) {
    Task<void> question = State::ask_name(state_, std::move(name));
    co_await ahead_.start(std::move(question));
  }
  if (options_.dmarc == AuthenticationOptions::Dmarc::off) co_return;
  for (const std::string& domain : state_->author.domains) {
    Task<void> policy = State::ask_policy(state_, domain);
    co_await ahead_.start(std::move(policy));
  }
  std::vector<std::string> beside = state_->names_of_records();
  for (std::string& name : beside) {
    Task<void> record = State::ask_record(state_, std::move(name));
    co_await ahead_.start(std::move(record));
  }
}

Task<void> Authentication::finish(const mail::Head& head) {
  const auto rest = splitter_.finish();
  if (!head_taken_) take_head();
  if (rest && state_->dkim && !rest->empty()) {
    state_->dkim->body(*rest);
    state_->arc->body(*rest);
  }
  const Instant until = verifier_.clock.now() + options_.timeout;
  co_await check_signatures();
  co_await asked_.wait_until(until);
  State& s = *state_;
  mailauth::SpfOutcome late_spf{mailauth::SpfResult::temperror, s.sender_question.domain, std::string(kTooLate), {}};
  mailauth::ArcOutcome late_arc;
  late_arc.result = mailauth::ArcResult::fail;
  late_arc.temporary = true;
  late_arc.reason = kTooLate;
  if (s.arc) late_arc.claimed = s.arc->claimed_sealer();
  findings_.sender_question = s.sender_question;
  findings_.helo_question = s.helo_question;
  findings_.sender = s.sender.value_or(late_spf);
  findings_.helo = std::move(s.helo);
  if (s.dkim) findings_.dkim = s.dkim->verdicts();
  findings_.arc = s.arc_outcome.value_or(late_arc);
  if (options_.dmarc != AuthenticationOptions::Dmarc::off) co_await check_policy(head, until);
  s.resolver.end();
  const bool doubtful =
      std::ranges::any_of(s.dmarc, [](const auto& d) { return d.doubt != mailauth::DmarcDoubt::none; });
  findings_.own_fault = s.resolver.own_fault();
  if (doubtful)
    findings_.waited_long = !findings_.own_fault && waited_long(); // else his patience is not used up
  else if (!s.dmarc.empty())
    verifier_.patience.forget(who_waits());
  judgement_ = s.dmarc.empty() ? judge(findings_, options_) : judge_each(findings_, std::move(s.dmarc), options_);
  finished_ = true;
  count_findings(findings_);
}

/// Starts what there is to verify; what is not, is known at once.
Task<void> Authentication::check_signatures() {
  State& s = *state_;
  if (s.dkim) s.dkim->end_body();
  for (std::size_t n = 0; s.dkim && n < s.dkim->signatures(); ++n) {
    Task<void> one = State::verify_dkim(state_, n);
    co_await asked_.start(std::move(one));
  }
  if (s.arc && s.arc->wants_body()) {
    Task<void> arc = State::verify_arc(state_);
    co_await asked_.start(std::move(arc));
  } else if (s.arc) {
    Task<void> arc = State::verify_arc(state_);
    co_await std::move(arc);
  } else {
    s.arc_outcome.emplace();
  }
}

/// DMARC, when it is known of SPF and DKIM what can be in time. What is late counts as failed for a while, and so only
/// where it could belong to the author's domain (RFC 9989 section 5.3.6).
Task<void> Authentication::check_policy(const mail::Head& head, Instant until) {
  State& s = *state_;
  s.author = mailauth::author_of(head);
  s.sender_for_dmarc = findings_.sender;
  s.dkim_for_dmarc = findings_.dkim;
  Task<void> dmarc = State::verify_dmarc(state_);
  co_await asked_.start(std::move(dmarc));
  // A moment is left for answers that are at hand.
  const Instant last = std::max(until, verifier_.clock.now() + std::chrono::milliseconds(100));
  co_await asked_.wait_until(last);
  if (s.dmarc.empty()) { // once more, from what is known by now: nothing is asked any more
    s.resolver.end();
    Task<void> known = State::verify_dmarc(state_);
    co_await std::move(known);
  }
}

/// Whether this sender has been told for a day to come again with mail of this author.
bool Authentication::waited_long() { return verifier_.patience.is_over(who_waits(), verifier_.clock.now()); }

std::string Authentication::who_waits() const {
  const State& s = *state_;
  std::string who;
  for (const std::string& domain : s.author.domains) who += domain + '\n';
  return who + s.subject.sender.to_string() + '\n' + s.subject.client.to_string();
}

std::vector<std::string> Authentication::domains_of_a_device() const {
  std::vector<std::string> domains;
  if (!may_be_a_device(findings_, judgement_, options_)) return domains;
  domains.push_back(findings_.dmarc->author.domain);
  for (const auto& further : findings_.further_dmarc) domains.push_back(further.author.domain);
  if (const auto& sender = state_->subject.sender; !sender.empty()) domains.push_back(sender.domain);
  return domains;
}

void Authentication::pass_over() {
  judgement_ = Judgement();
  judgement_.device = true;
}

} // namespace paquebot::intake
