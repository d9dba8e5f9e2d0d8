// A message's way through the parts that look at each octet: the dot codec, the scan of head and content, and the whole
// SMTP engine as a server, with every question answered at once. No socket, no store.

#include "mail/content_scan.h"
#include "mail/head.h"
#include "smtp/dot_decoder.h"
#include "smtp/dot_encoder.h"
#include "smtp/server_session.h"

#include <benchmark/benchmark.h>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace paquebot::smtp {
namespace {

std::string letter(std::int64_t size) {
  std::string text = "From: <ann@example.test>\r\nTo: <bob@example.org>\r\nSubject: a benchmark\r\n"
                     "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.test>\r\n\r\n";
  while (static_cast<std::int64_t>(text.size()) < size) text += std::string(76, 'x') + "\r\n";
  return text;
}

void sizes(benchmark::internal::Benchmark* bench) { bench->ArgName("octets")->Arg(4 << 10)->Arg(100 << 10); }

void count_octets(benchmark::State& state) { state.SetBytesProcessed(state.iterations() * state.range(0)); }

void dot_encode(benchmark::State& state) {
  const std::string content = letter(state.range(0));
  std::string out;
  for (auto _ : state) {
    out.clear();
    DotEncoder encoder;
    encoder.encode(content, out);
    encoder.finish(out);
    benchmark::DoNotOptimize(out.data());
  }
  count_octets(state);
}
BENCHMARK(dot_encode)->Apply(sizes);

void dot_decode(benchmark::State& state) {
  const std::string data = letter(state.range(0)) + ".\r\n";
  for (auto _ : state) {
    DotDecoder decoder;
    std::string_view rest = data;
    while (!decoder.done()) benchmark::DoNotOptimize(decoder.next(rest));
  }
  count_octets(state);
}
BENCHMARK(dot_decode)->Apply(sizes);

void content_scan(benchmark::State& state) {
  const std::string content = letter(state.range(0));
  for (auto _ : state) {
    mail::ContentScan scan;
    scan.feed(content);
    scan.finish();
    benchmark::DoNotOptimize(scan.longest_line);
  }
  count_octets(state);
}
BENCHMARK(content_scan)->Apply(sizes);

void split_and_parse_head(benchmark::State& state) {
  const std::string content = letter(4 << 10);
  for (auto _ : state) {
    mail::HeadSplitter splitter;
    benchmark::DoNotOptimize(splitter.feed(content));
    const auto head = mail::Head::parse(splitter.take_head());
    benchmark::DoNotOptimize(head->find("Message-ID"));
  }
}
BENCHMARK(split_and_parse_head);

/// Performs actions until more input is needed; every question is answered with 250.
void run(ServerSession& session) {
  for (;;) {
    const Action action = session.next();
    if (std::holds_alternative<NeedInput>(action) || std::holds_alternative<Close>(action)) return;
    std::visit(
        [&session](const auto& what) {
          if constexpr (requires { what.id; }) session.answer(what.id, mail::Reply{250, {}, ""});
        },
        action);
  }
}

/// One message of a kept connection, command by command as smtp-source sends it.
void serve_message(benchmark::State& state) {
  ServerOptions options;
  options.hostname = "mx.example.test";
  ServerSession session(std::make_shared<const ServerOptions>(std::move(options)), {"192.0.2.1", false});
  const std::string data = letter(state.range(0)) + ".\r\n";
  const auto say = [&session](std::string_view bytes) {
    session.feed(bytes);
    run(session);
  };
  run(session);
  say("HELO client.example.test\r\n");
  for (auto _ : state) {
    say("MAIL FROM:<ann@example.test>\r\n");
    say("RCPT TO:<bob@example.org>\r\n");
    say("DATA\r\n");
    say(data);
  }
  if (session.messages() != static_cast<std::uint32_t>(state.iterations()))
    state.SkipWithError("a message was refused");
  count_octets(state);
}
BENCHMARK(serve_message)->Apply(sizes);

} // namespace
} // namespace paquebot::smtp
