#include "filter/milter.h"

#include <utility>

namespace paquebot::filter {

using milter::Action;

std::unexpected<Error> Milter::gone(Error why) {
  link_.close();
  engine_.reset();
  greeted_ = in_message_ = false;
  return std::unexpected(std::move(why));
}

/// A new connection, negotiated, and told of the client.
Task<Result<Verdict>> Milter::begin(Client client) {
  link_.begin_step();
  auto made = co_await link_.connect();
  if (!made) co_return gone(made.error());
  engine_.emplace(options().name, options().max_new_body);
  engine_->negotiate();
  auto negotiated = co_await answered(nullptr, nullptr);
  if (!negotiated) co_return negotiated;
  link_.begin_step();
  engine_->connect(client);
  co_return co_await answered(nullptr, nullptr);
}

/// Performs what the engine wants until the question is answered. `outcome` and `content` where changes may come.
Task<Result<Verdict>> Milter::answered(Outcome* outcome, Content* content) {
  for (;;) {
    Action action = engine_->next();
    if (auto* done = std::get_if<milter::Done>(&action)) co_return std::move(done->verdict);
    if (auto* broken = std::get_if<milter::Broken>(&action)) co_return gone(std::move(broken->why));
    auto taken = co_await take(std::move(action), outcome, content);
    if (!taken) co_return gone(taken.error());
  }
}

Task<Result<>> Milter::take(Action action, Outcome* outcome, Content* content) {
  if (const auto* send = std::get_if<milter::Send>(&action)) {
    const std::string_view bytes = send->bytes;
    co_return co_await link_.write(bytes);
  }
  if (std::holds_alternative<milter::NeedInput>(action)) {
    auto input = co_await link_.read();
    if (!input) co_return std::unexpected(input.error());
    engine_->feed(*input);
    co_return Result<>();
  }
  if (std::holds_alternative<milter::Progress>(action)) {
    link_.begin_step();
    co_return Result<>();
  }
  // The engine lets changes through at the end of a message only, when both are there.
  if (const auto* piece = std::get_if<milter::BodyPiece>(&action)) {
    outcome->new_body = true;
    const std::string_view bytes = piece->bytes;
    co_return co_await content->replace(bytes);
  }
  if (auto* head = std::get_if<HeadChange>(&action)) outcome->head.push_back(std::move(*head));
  if (auto* one = std::get_if<milter::AddRecipient>(&action)) outcome->add(std::move(one->address));
  if (auto* one = std::get_if<milter::RemoveRecipient>(&action)) outcome->remove(std::move(one->address));
  if (auto* one = std::get_if<milter::NewSender>(&action)) outcome->sender = std::move(one->address);
  if (auto* hold = std::get_if<milter::Hold>(&action))
    outcome->hold = hold->reason.empty() ? "no reason given" : std::move(hold->reason);
  co_return Result<>();
}

Task<Result<Verdict>> Milter::connected(Client client) {
  if (engine_) co_await leave();
  co_return co_await begin(std::move(client));
}

Task<Result<Verdict>> Milter::greeted(Client client) {
  if (!engine_) co_return Verdict(); // told at the next message
  link_.begin_step();
  greeted_ = true;
  engine_->helo(client);
  co_return co_await answered(nullptr, nullptr);
}

Task<Result<Verdict>> Milter::mail(Client client, mail::Sender sender) {
  if (!engine_) {
    auto begun = co_await begin(client);
    if (!begun || begun->kind == Verdict::Kind::refuse) co_return begun;
  }
  if (!greeted_) {
    auto said = co_await greeted(client);
    if (!said || said->kind == Verdict::Kind::refuse) co_return said;
  }
  link_.begin_step();
  in_message_ = true;
  engine_->mail(client, sender);
  co_return co_await answered(nullptr, nullptr);
}

namespace {

Error broke_before() { return {Errc::closed, "it failed earlier in this message"}; }

} // namespace

Task<Result<Verdict>> Milter::recipient(mail::Recipient recipient) {
  if (!in_message_) co_return std::unexpected(broke_before());
  link_.begin_step();
  engine_->recipient(recipient);
  co_return co_await answered(nullptr, nullptr);
}

Task<Result<Verdict>> Milter::data(std::string id) {
  if (!in_message_) co_return std::unexpected(broke_before());
  link_.begin_step();
  engine_->set_id(id);
  engine_->data();
  co_return co_await answered(nullptr, nullptr);
}

Task<Result<Verdict>> Milter::header(const mail::Head& head) {
  for (const mail::Field& field : head) {
    if (field.name().empty()) continue;
    if (!engine_->wants_header()) break;
    link_.begin_step();
    engine_->header(field);
    auto said = co_await answered(nullptr, nullptr);
    if (!said || said->kind != Verdict::Kind::go_on) co_return said;
  }
  link_.begin_step();
  engine_->end_of_header();
  co_return co_await answered(nullptr, nullptr);
}

Task<Result<Verdict>> Milter::body(Content& content) {
  const std::size_t most = milter::kChunk;
  for (std::uint64_t offset = 0; offset < content.body_size() && engine_->wants_body();) {
    auto piece = co_await content.read(offset, most);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    offset += piece->size();
    link_.begin_step();
    engine_->body(*piece);
    auto said = co_await answered(nullptr, nullptr);
    if (!said || said->kind != Verdict::Kind::go_on) co_return said;
  }
  co_return Verdict();
}

Task<Result<Verdict>> Milter::all_content(Content& content, Outcome& outcome) {
  const mail::Head& head = content.head();
  auto said = co_await header(head);
  if (!said || said->kind != Verdict::Kind::go_on) co_return said;
  said = co_await body(content);
  if (!said || said->kind != Verdict::Kind::go_on) co_return said;
  link_.begin_step();
  engine_->end_of_message();
  Outcome* changes = &outcome;
  Content* message = &content;
  co_return co_await answered(changes, message);
}

Task<Result<Outcome>> Milter::content(Client, Content& content) {
  if (!in_message_) co_return std::unexpected(broke_before());
  Outcome outcome;
  link_.begin_total();
  auto verdict = co_await all_content(content, outcome);
  link_.end_total();
  in_message_ = false;
  if (!verdict) co_return gone(verdict.error());
  outcome.verdict = std::move(*verdict);
  co_return outcome;
}

Task<void> Milter::leave() {
  if (engine_ && link_.open()) {
    link_.begin_step();
    const std::string bytes = engine_->goodbye();
    const std::string_view goodbye = bytes;
    co_await link_.write(goodbye);
  }
  link_.close();
  engine_.reset();
  greeted_ = in_message_ = false;
}

} // namespace paquebot::filter
