#pragma once

#include "acme/certificate.h"
#include "acme/conversation.h"

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace paquebot::acme {

/// What is to be ordered, and by whom.
struct OrderPlan {
  std::string directory; ///< the authority: the URL of its directory
  PrivateKey account_key;
  std::string account;               ///< its URL; empty: not known yet
  std::vector<std::string> contacts; ///< "mailto:…"
  bool terms_agreed = false;         ///< by the operator (RFC 8555 section 7.3.3)
  std::optional<ExternalAccount> external;
  std::vector<std::string> names; ///< lower-case
  PrivateKey key;                 ///< of the certificate
  std::string order;              ///< URL of one that was begun before; empty: a new one
  std::string replaces;           ///< of RFC 9773 section 5; empty: nothing
  /// By which a name may be proven, the best first.
  std::vector<ChallengeKind> kinds;
};

/// What has to be shown so that the authority sees that a name leads here.
struct Proof {
  ChallengeKind kind = ChallengeKind::http;
  std::string name;
  std::string token;
  std::string authorization; ///< RFC 8555 section 8.1

  /// The text of the record at _acme-challenge.NAME (section 8.4).
  std::string record() const { return base64url(sha256(authorization)); }
};

/// To be made: answered() or unreachable().
struct Ask {
  const Request* request;
};
/// waited() after so long.
struct Wait {
  std::chrono::seconds time;
};
/// To be kept where it survives a crash: kept(). Whoever is killed goes on with it, and orders nothing twice.
struct Keep {
  enum class What : std::uint8_t { account, order } what;
  const std::string* url;
};
/// To be shown: published(), or unpublishable().
struct Publish {
  const Proof* proof;
};
/// No longer needed: withdrawn(), whether or not it could be.
struct Withdraw {
  const Proof* proof;
};
struct Done {
  const std::string* chain; ///< PEM, ours first: checked (check_issued)
  Issued facts;
};
struct Failed {
  const Failure* failure;
};
using OrderAction = std::variant<Ask, Wait, Keep, Publish, Withdraw, Done, Failed>;

/// Gets one certificate (RFC 8555 section 7.4, RFC 8737, RFC 9773): a state machine without I/O, clock or store. What
/// it wants it repeats until it is told what came of it. Bounded by Conversation, and to 40 questions whether something
/// is done yet.
class Ordering {
public:
  explicit Ordering(OrderPlan plan);

  OrderAction next();
  void answered(Reply reply, std::int64_t now); ///< milliseconds since 1970
  void unreachable(const Error& why);
  void waited();
  void kept();
  void published();
  void unpublishable(const Error& why);
  void withdrawn();

private:
  enum class Step : std::uint8_t {
    directory,
    account,
    keep_account,
    order,
    keep_order,
    look,
    authorization,
    publish,
    respond,
    watch_proof,
    withdraw,
    finalize,
    watch_order,
    download,
    done,
    failed,
  };

  void hear(const Reply& reply);
  void enter(Step step);
  void fetch(Step step, const std::string& url) { post(step, url, ""); }
  void post(Step step, const std::string& url, std::string payload);
  void ask_account();
  void ask_order();
  void ask_certificate();
  void hear_account(const Reply& reply);
  void hear_order(const Reply& reply);
  void take_order(const Reply& reply);
  void hear_authorization(const Reply& reply);
  void hear_response(const Reply& reply);
  void hear_certificate(const Reply& reply);
  bool choose(const Authorization& authorization);
  void next_authorization();
  void watch(Step step, const Reply& reply);
  void refuse(const Reply& reply, bool order_over);
  void fail_with(Failure failure);

  const OrderPlan plan_;
  Conversation conversation_;
  std::string account_, order_url_, replaces_;
  Order order_;
  std::size_t at_ = 0; // authorization of the order
  Proof proof_;
  std::string challenge_url_;
  bool respond_ = false; // the challenge has not been answered yet
  bool shown_ = false;   // proof_ is published
  Step step_ = Step::directory;
  std::optional<std::chrono::seconds> pause_; // before step_ is asked again
  unsigned watches_ = 0;
  bool account_again_ = false;
  std::int64_t now_ = 0;
  std::string chain_;
  Issued facts_;
  Failure failure_;
};

} // namespace paquebot::acme
