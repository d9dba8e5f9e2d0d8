#pragma once

#include "filter/filter.h"
#include "http/message.h"

namespace paquebot::filter::rspamd {

inline constexpr std::size_t kMaxAnswer = 1u << 20;

/// The fields of the request that asks rspamd about a message (its documentation, "Rspamd protocol"). Values from
/// outside are made harmless; at most 200 recipients are named.
http::Fields request_fields(const Client& client, const Content& content);

/// What the answer, a JSON object, asks for. Of its actions "reject" is done as `options` say, "soft reject" defers,
/// "add header" and "rewrite subject" tag, "greylist" counts where configured; "discard" and "quarantine" of settings
/// of rspamd's own are done; all others let the message pass. Also taken: milter.add_headers, remove_headers, add_rcpt,
/// del_rcpt, change_from, and dkim-signature. `invalid` when it is not such an object or holds too much.
Result<Outcome> read_answer(std::string_view body, const Options& options);

} // namespace paquebot::filter::rspamd
