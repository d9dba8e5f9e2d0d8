#include "control/message_site.h"

#include "base/text.h"
#include "control/action.h"
#include "control/part_source.h"
#include "directory/directory.h"
#include "http/path.h"
#include "mail/charset.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

namespace paquebot::control {
namespace {

constexpr std::string_view kMessages = "/console/message/";
constexpr std::string_view kPictures = "/console/picture/";
constexpr std::size_t kPictureLetters = 32; // of five bits each
constexpr std::size_t kMostPictures = 2000;
constexpr std::size_t kMostOfMessage = 200;
constexpr std::chrono::minutes kPictureLife{5};

/// What a browser shows as a picture without anything in it being run.
constexpr auto kPictureTypes =
    std::to_array<std::string_view>({"image/png", "image/gif", "image/jpeg", "image/webp", "image/bmp", "image/avif"});

http::Answer site_problem(unsigned status, std::string_view detail) {
  return {.response = http::problem(status, detail), .source = nullptr};
}

http::Answer in_site(Response response) {
  http::Answer answer;
  answer.response.status = response.status;
  answer.response.fields = std::move(response.fields);
  answer.response.content = std::move(response.body);
  return answer;
}

/// "https://mx.example.org:8443", as the browser asked.
std::string origin_of(const http::Exchange& exchange) {
  const http::Request& request = exchange.request;
  const std::string port = request.port ? ":" + std::to_string(*request.port) : std::string();
  return (exchange.visitor.encrypted ? "https://" : "http://") + request.host + port;
}

/// What the document may do: look nice.
std::string message_policy(const std::string& origin, bool pictures) {
  return "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src " + origin + std::string(kPictures) +
         (pictures ? " https: http:" : "") + "; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
}

/// "<a@b>": a Content-ID without what stands around it (RFC 2392).
std::string bare_id(std::string_view id) {
  id = trim(id);
  if (id.starts_with('<')) id.remove_prefix(1);
  if (id.ends_with('>')) id.remove_suffix(1);
  return std::string(id);
}

} // namespace

std::string OneTimePictures::add(Picture picture) {
  std::string name = directory::make_letters(kPictureLetters);
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kMostPictures) {
    names_.erase(entries_.front().name);
    entries_.pop_front();
  }
  entries_.push_back({name, std::move(picture), clock_.now() + kPictureLife});
  names_[name] = std::prev(entries_.end());
  return name;
}

std::optional<OneTimePictures::Picture> OneTimePictures::take(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(name);
  if (found == names_.end()) return {};
  Entry entry = std::move(*found->second);
  entries_.erase(found->second);
  names_.erase(found);
  if (clock_.now() >= entry.until) return {};
  return std::move(entry.picture);
}

Task<http::Answer> MessageSite::answer(http::Exchange exchange) {
  const std::string path = exchange.request.path;
  if (exchange.request.method != "GET") {
    http::Answer refused = site_problem(405, "this can only be read");
    refused.response.fields.push_back({"Allow", "GET"});
    co_return refused;
  }
  if (path.starts_with(kPictures)) {
    std::string name = path.substr(kPictures.size());
    http::Answer shown = co_await picture(std::move(name));
    co_return shown;
  }
  if (!path.starts_with(kMessages)) co_return site_problem(404, "there is nothing here");
  const auto words = split(std::string_view(path).substr(kMessages.size()), '/');
  std::string id(words[0]);
  if (words.size() == 2 && words[1] == "html") {
    http::Answer shown = co_await page(std::move(id), std::move(exchange));
    co_return shown;
  }
  if (words.size() == 3 && words[1] == "part") {
    std::string number(words[2]);
    http::Answer saved = co_await part(std::move(id), std::move(number), std::move(exchange));
    co_return saved;
  }
  co_return site_problem(404, "there is nothing here");
}

/// Its pictures get their names, as many as a message may have.
std::string MessageSite::embed(const Readable& message, const std::vector<LeafPart>& leaves, const std::string& html) {
  std::map<std::string, const mail::MimePart*> embedded;
  for (const LeafPart& leaf : leaves) {
    const std::string type = leaf.part->type + "/" + leaf.part->subtype;
    if (!leaf.part->id.empty() && std::ranges::find(kPictureTypes, type) != kPictureTypes.end())
      embedded.try_emplace(bare_id(leaf.part->id), leaf.part);
  }
  std::size_t shown = 0;
  return replace_references(html, [&](const std::string& id) -> std::string {
    const auto found = embedded.find(id);
    if (found == embedded.end() || shown == kMostOfMessage) return {};
    ++shown;
    const mail::MimePart& part = *found->second;
    return std::string(kPictures) + pictures_.add({part_place(message, part), part.type + "/" + part.subtype});
  });
}

Task<std::expected<std::unique_ptr<MessageSite::Opened>, http::Answer>>
MessageSite::open(std::string id, const http::Exchange& exchange) {
  auto asker = co_await api_->find_asker(exchange.request, exchange.visitor);
  if (!asker) co_return std::unexpected(in_site(problem_response(asker.error())));
  const store::Id own = asker->grants.account;
  // Whose it is decides the dispatcher, by the same row as for the text of it.
  Request wanted{"GET", "/v1/messages/" + http::percent_encode(id) + "/content", "", ""};
  Control& control = api_->control();
  Asker who = std::move(*asker);
  Task<Response> asking = control.check(std::move(wanted), std::move(who));
  Response checked = co_await std::move(asking);
  if (checked.status != 200) co_return std::unexpected(in_site(std::move(checked)));
  const auto ulid = read_id(id);
  if (!ulid) co_return std::unexpected(in_site(problem_response(ulid.error())));
  const Ulid number = *ulid;
  Context& context = api_->context();
  auto message = co_await open_readable(context, own, number);
  if (!message) co_return std::unexpected(in_site(problem_response(message.error())));
  auto opened = std::make_unique<Opened>();
  opened->message = std::move(*message);
  opened->leaves = leaves_of(opened->message);
  co_return std::move(opened);
}

Task<http::Answer> MessageSite::part(std::string id, std::string number, http::Exchange exchange) {
  auto opened = co_await open(std::move(id), exchange);
  if (!opened) co_return std::move(opened.error());
  const Opened& own = **opened;
  const LeafPart* leaf = find_leaf(own.leaves, number);
  if (leaf == nullptr) co_return site_problem(404, "this message has no such part");
  auto source = std::make_unique<PartSource>(api_->context().store.content(), part_place(own.message, *leaf->part));
  const std::string name = file_name(name_of_part(*leaf->part), leaf->number);
  http::Answer answer;
  answer.response.fields = {{"Content-Type", std::string(file_type(*leaf->part))},
                            {"Content-Disposition", attachment_field(name)},
                            {"Content-Security-Policy", "sandbox; default-src 'none'"},
                            {"X-Content-Type-Options", "nosniff"},
                            {"Cross-Origin-Resource-Policy", "same-origin"},
                            {"Cache-Control", "no-store"}};
  answer.response.streamed = true;
  answer.response.length = source->length();
  answer.source = std::move(source);
  co_return answer;
}

Task<http::Answer> MessageSite::page(std::string id, http::Exchange exchange) {
  auto opened = co_await open(std::move(id), exchange);
  if (!opened) co_return std::move(opened.error());
  const Readable& message = (*opened)->message;
  const std::vector<LeafPart>& leaves = (*opened)->leaves;
  Context& context = api_->context();
  const LeafPart* html = text_of(leaves, "html");
  if (html == nullptr) co_return site_problem(404, "this message has no HTML");
  PartPlace place = part_place(message, *html->part);
  const auto octets = co_await read_part(context, std::move(place), kMostText);
  if (!octets) co_return in_site(error_response(octets.error()));
  const std::string text = mail::to_utf8(*octets, parameter_text(html->part->parameters, "charset"));
  const bool pictures = exchange.request.query == "pictures=1";
  http::Answer answer;
  answer.response.fields = {{"Content-Type", "text/html; charset=utf-8"},
                            {"Content-Security-Policy", message_policy(origin_of(exchange), pictures)},
                            {"Cache-Control", "no-store"}};
  answer.response.content = embed(message, leaves, text);
  co_return answer;
}

Task<http::Answer> MessageSite::picture(std::string name) {
  auto found = pictures_.take(name);
  if (!found) co_return site_problem(404, "there is nothing here");
  const std::string type = found->type;
  PartPlace place = std::move(found->place);
  Context& context = api_->context();
  const auto octets = co_await read_part(context, std::move(place), kMostPicture);
  if (!octets) co_return in_site(error_response(octets.error()));
  http::Answer answer;
  // The document that shows it has no origin: nothing is the same as that.
  answer.response.fields = {{"Content-Type", type},
                            {"Content-Security-Policy", "sandbox; default-src 'none'"},
                            {"Cross-Origin-Resource-Policy", "cross-origin"},
                            {"Cache-Control", "no-store"}};
  answer.response.content = *octets;
  co_return answer;
}

} // namespace paquebot::control
