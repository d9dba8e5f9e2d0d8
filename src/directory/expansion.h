#pragma once

#include "directory/address_book.h"

#include <set>
#include <string>
#include <vector>

namespace paquebot::directory {

/// Follows one recipient through aliases to where its mail goes. Breadth first; each address is met once, so a circle
/// ends by itself:
///   team -> ann, bob@other, team     gives ann (mailbox) and bob@other (remote); the circle is passed over
///   a -> b, b -> a                   gives nothing: a loop
class Expansion {
public:
  /// `local`: the recipient is named by a program on this machine (Directory::resolve_local).
  Expansion(AddressBook& book, const Options& options, bool local = false)
      : book_(book), options_(options), local_(local) {}
  /// Call once.
  Task<Result<Resolution>> run(mail::Address recipient);

private:
  /// What belongs to a node while it is worked on.
  struct Pending {
    mail::Address address;
    unsigned depth = 0;
    bool settled = false; ///< nothing is to be looked up any more
  };

  Task<Result<>> visit(std::size_t index);
  Task<Result<>> check_room();
  void follow(std::size_t index, const Match& match);
  void add_node(Node node, Pending pending);
  void add_target(std::size_t index, const std::string& target);
  bool seen_before(const mail::Address& address);
  void dead_end(Node& node);
  Resolution::Kind kind() const;
  void drop_repeated();

  AddressBook& book_;
  const Options& options_;
  const bool local_;
  Resolution result_;
  std::vector<Pending> pending_; ///< one for each node
  std::set<std::string> seen_;
  std::set<store::Id> mailboxes_;
  std::vector<bool> repeated_; ///< nodes that lead to a mailbox we have already
  std::size_t dead_ends_ = 0;
  bool not_yet_ = false; ///< one of them may be about to be made
  bool too_deep_ = false;
  bool too_many_ = false;
};

} // namespace paquebot::directory
