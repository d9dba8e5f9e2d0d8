#pragma once

#include "base/clock.h"
#include "control/api_site.h"
#include "control/content.h"

#include <expected>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace paquebot::control {

/// Embedded pictures of messages that somebody is reading, each under a name that nobody can guess, once and for a
/// short while: the document that shows them has no cookie, since it is nobody's (sandbox). Bounded; the oldest give
/// way. Thread-safe.
class OneTimePictures {
public:
  struct Picture {
    PartPlace place;
    std::string type; ///< "image/png"
  };
  explicit OneTimePictures(const Clock& clock = system_clock()) : clock_(clock) {}

  /// Its name.
  std::string add(Picture picture);
  /// Nothing when there is none of that name, or its time is over.
  std::optional<Picture> take(const std::string& name);

private:
  struct Entry {
    std::string name;
    Picture picture;
    Instant until;
  };
  const Clock& clock_;
  std::mutex mutex_;
  std::list<Entry> entries_; ///< the oldest first
  std::unordered_map<std::string, std::list<Entry>::iterator> names_;
};

/// The HTML of messages, for a frame of the console and nothing else, and their parts as files:
///
///   GET /console/message/ID/html             as it came, in UTF-8; ?pictures=1: with pictures from elsewhere
///   GET /console/picture/NAME                one that is embedded in it
///   GET /console/message/ID/part/2.1         a part, by its number as IMAP counts: a file to be saved
///
/// It is answered with `Content-Security-Policy: sandbox` and no source but its own styles: no script, form, plugin or
/// frame of it does anything, it has no origin and no cookie, and nothing is asked of others unless pictures are
/// wanted. A part is saved, never shown (Content-Disposition), under a name that is harmless.
class MessageSite final : public http::Site {
public:
  /// `api` finds out who asks.
  explicit MessageSite(std::shared_ptr<ApiSite> api, const Clock& clock = system_clock())
      : api_(std::move(api)), pictures_(clock) {}

  std::uint64_t most_content(const http::Request&, const http::Visitor&) const override { return 0; }
  Task<http::Answer> answer(http::Exchange exchange) override;

private:
  /// Somebody's message, once he may read it.
  struct Opened {
    Readable message;
    std::vector<LeafPart> leaves; ///< views of it
  };
  /// Whoever asks must be one whose message it is; else what he is answered.
  Task<std::expected<std::unique_ptr<Opened>, http::Answer>> open(std::string id, const http::Exchange& exchange);
  Task<http::Answer> page(std::string id, http::Exchange exchange);
  Task<http::Answer> part(std::string id, std::string number, http::Exchange exchange);
  Task<http::Answer> picture(std::string name);
  std::string embed(const Readable& message, const std::vector<LeafPart>& leaves, const std::string& html);

  std::shared_ptr<ApiSite> api_;
  OneTimePictures pictures_;
};

} // namespace paquebot::control
