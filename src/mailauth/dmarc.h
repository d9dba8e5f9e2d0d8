#pragma once

#include "base/task.h"
#include "dns/resolver.h"
#include "mail/head.h"
#include "mailauth/author.h"
#include "mailauth/dkim_verify.h"
#include "mailauth/dmarc_record.h"
#include "mailauth/spf.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::mailauth {

/// One DNS Tree Walk (RFC 9989 section 4.10).
struct DmarcWalk {
  struct Found {
    std::string domain;
    DmarcRecord record;
  };
  std::string start;
  std::vector<Found> found;        ///< longest name first
  std::vector<std::string> failed; ///< names for which the DNS failed, longest first: there may be a record at each
  bool own_fault = false;          ///< one of these, with a dot in it, for reasons of our own (dns::Answer::own_fault)
  /// Section 4.10.2; `start` itself where the walk found nothing.
  std::string organizational_domain() const;
};

/// Looks for policy records; remembers what it asked. For one message.
class DmarcWalker {
public:
  explicit DmarcWalker(dns::Resolver& resolver) : resolver_(resolver) {}
  /// At most 8 questions (section 4.10), on past names for which the DNS fails. `domain`: lower-case A-labels.
  Task<DmarcWalk> walk(std::string domain);
  /// The names that a walk asks for after `domain`, at most 7, but those of one label, which are hardly ever of use.
  static std::vector<std::string> names_above(std::string domain);
  /// Whether a name exists as section 3.2.13 has it: the DNS does not deny it. Nothing when the DNS fails: who sends
  /// may have chosen a name that is silent.
  Task<std::optional<bool>> exists(std::string domain);

  // For who asks while the message still comes, so that the answers are at hand then:
  /// All that the policy for this author may depend on.
  Task<void> learn_policy(std::string author);
  /// The record of this name alone.
  Task<void> learn_record(std::string domain);

private:
  struct Asked {
    std::optional<DmarcRecord> record;
    bool temporary = false;
    bool own_fault = false;
  };
  Task<Asked> ask(std::string domain);

  dns::Resolver& resolver_;
  std::map<std::string, Asked> asked_;
  std::map<std::string, bool> existing_; ///< what the DNS said of names
};

/// Whether one may stand for the other by relaxed alignment, before the DNS is asked: both are at or below a name of
/// two labels.
bool may_stand_for(std::string_view identifier, std::string_view author);

/// Result names of RFC 9989 section 9.2.
enum class DmarcResult : std::uint8_t { none, pass, fail, temperror, permerror };
std::string_view to_string(DmarcResult result);

/// Why a result is temperror although nothing shows the author. What cannot belong to the author's domain, however late
/// it is, is no reason: else whoever sends could open each domain with a silent name server of his own.
enum class DmarcDoubt : std::uint8_t {
  none,
  evidence, ///< the DNS failed for something that could align with the author's domain; the policy is known
  policy,   ///< the DNS failed for the policy
};

struct DmarcOutcome {
  DmarcResult result = DmarcResult::none;
  DmarcDoubt doubt = DmarcDoubt::none;
  /// What the domain asks us to do with this message (section 4.10.1) with t=y taken into account: none unless the
  /// result is fail. For a From that gives no domain (`author.state`), where no domain can ask, it is reject: such
  /// a message gets permerror, and would else slip through.
  DmarcPolicy policy = DmarcPolicy::none;
  DmarcPolicy published = DmarcPolicy::none; ///< the same whatever the result, without t=
  Author author;
  std::string policy_domain; ///< where the record is; empty when there is none
  std::string organizational_domain;
  std::optional<DmarcRecord> record;
  bool spf_aligned = false;  ///< passed and aligned
  bool dkim_aligned = false; ///< at least one
  std::string reason;        ///< in words, printable
};

/// DMARC for one message (section 5.3), with a walker that may know some answers already. `spf` is the outcome for MAIL
/// FROM. All arguments live until it is done.
Task<DmarcOutcome> check_dmarc(Author author, const SpfOutcome& spf, const std::vector<DkimVerdict>& dkim,
                               DmarcWalker& walker);
/// The same for each of the domains that the author may be of, in their order (section 11.5); one outcome when there is
/// none.
Task<std::vector<DmarcOutcome>> check_dmarc_each(Author author, const SpfOutcome& spf,
                                                 const std::vector<DkimVerdict>& dkim, DmarcWalker& walker);
/// The same for the author of this head. `spf` is the outcome for MAIL FROM. All arguments live until it is done.
Task<DmarcOutcome> check_dmarc(const mail::Head& head, const SpfOutcome& spf, const std::vector<DkimVerdict>& dkim,
                               dns::Resolver& resolver);

} // namespace paquebot::mailauth
